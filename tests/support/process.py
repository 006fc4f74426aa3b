"""The real `firstpoint run`, as a process that can be killed."""

import asyncio
import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.server import free_port
from tests.support.waiting import eventually

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class ServiceProcess:
    """A service of its own, with data and key in `folder`, on the same port in each life."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    console_port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None
    lives: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "service.log"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],  # noqa: TID251 - a process needs one
            "HOME": str(self.folder),
            "FIRSTPOINT_DATA": str(self.data),
            "FIRSTPOINT_KEY_FILE": str(self.folder / "installation.key"),
            "FIRSTPOINT_ERASED_FOLDER": str(self.folder / "erased"),
            "FIRSTPOINT_PORT": str(self.port),
            "FIRSTPOINT_CONSOLE_PORT": str(self.console_port),
            "FIRSTPOINT_INTERPRETER": "off",  # half a gigabyte; its own tests start it
            **self.settings,
        }

    async def start(self) -> None:
        """Starts it and waits until it listens."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot",
                "run",
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        self.lives += 1
        await eventually(self._listens, "the service listens", 60)

    async def _listens(self) -> bool:
        assert self.process is not None
        assert self.process.returncode is None, self.log.read_text()
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.close()
        return True

    async def first_link(self) -> str:
        """The link for the first administrator, once it stands in the terminal."""

        async def printed() -> bool:
            return bool(self._link())

        await eventually(printed, "the link is printed", 60)
        return self._link()

    def _link(self) -> str:
        _, found, rest = self.log.read_text().partition("/set-up/")
        return f"/set-up/{rest.split()[0]}" if found and rest.split() else ""

    async def kill(self) -> None:
        """Ends it as a power cut would."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """Ends it in order."""
        await self._end(signal.SIGTERM)

    async def _end(self, how: signal.Signals) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(how)
        await self.process.wait()

    def kill_database(self) -> None:
        """Ends the private server as a power cut would."""
        os.kill(int((self.data / "server.pid").read_text()), signal.SIGKILL)
