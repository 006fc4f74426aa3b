"""Runs the interpreter beside the service: its own process, its own Python, nothing of ours.

The process gets no setting of ours but its token: no key, no address of Redis. What it prints is
thrown away, because nobody can promise that no text of a person is in it. When it ends it is
started again, less and less often.
"""

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import secrets
import socket
from asyncio.subprocess import DEVNULL, Process, create_subprocess_exec
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import aiohttp

from bot.dialogue.stopping import stopped_within

_ROOT = Path(__file__).resolve().parents[2]
INTERPRETER_PYTHON = _ROOT / "nlu" / ".venv" / "bin" / "python"
"""The Python of the interpreter's own environment, once set-up has made it."""

_PREPARED = _ROOT / ".tools" / "interpreter"

log = logging.getLogger(__name__)

UNDER_WAY = frozenset({"installing", "training"})
"""States in which the interpreter will be there soon."""

_LOOK_EVERY_SECONDS = 2.0
_START_SECONDS = 120.0
_FIRST_PAUSE_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 300.0
_END_SECONDS = 5.0


def interpreter_model(fingerprint: str) -> Path:
    """Where set-up puts the model that was trained from exactly these phrases."""
    return _PREPARED / f"{fingerprint[:16]}.tar.gz"


def preparation(folder: Path = _PREPARED) -> tuple[str, str]:
    """How far set-up is with the interpreter: a state, and a sentence where it failed.

    States: `absent`, `installing`, `training`, `ready`, `failed`.
    """
    try:
        found = json.loads((folder / "state.json").read_text())
        state, sentence = str(found["state"]), str(found["sentence"])
    except (OSError, ValueError, KeyError, TypeError):
        return "absent", ""
    if state in UNDER_WAY and not _is_held(folder / "lock"):
        return "absent", ""  # whoever did it was stopped
    return state, sentence


def _is_held(lock: Path) -> bool:
    try:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


@dataclass(slots=True)
class InterpreterProcess:
    """Waits until a trained model is there, then keeps a server for it running."""

    python: Path
    """The Python of the interpreter's own environment."""

    model: Path
    """Where the trained model will be, once it is trained."""

    root: Path
    """The folder that holds `nlu/`."""

    token: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while it answers."""

    _address: str | None = None

    def address(self) -> str | None:
        """Where it answers; None while it does not."""
        return self._address

    async def serve(self, stop: asyncio.Event) -> None:
        """Keep it running until `stop`."""
        pause = _FIRST_PAUSE_SECONDS
        while not await self._installed(stop):
            process, address = await self._start()
            try:
                if await self._answers(address, process, stop):
                    self._address, pause = address, _FIRST_PAUSE_SECONDS
                    self.ready.set()
                    log.info("interpreter_ready")
                    await self._ended(process, stop)
            finally:
                self._address = None
                self.ready.clear()
                await _end(process)
            if stop.is_set():
                return
            log.warning("interpreter_ended")
            if await stopped_within(stop, pause):
                return
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _installed(self, stop: asyncio.Event) -> bool:
        """Wait for Python and model; whether the wait was ended by `stop`."""
        while not (self.python.is_file() and self.model.is_file()):
            if await stopped_within(stop, _LOOK_EVERY_SECONDS):
                return True
        return stop.is_set()

    async def _start(self) -> tuple[Process, str]:
        port = _free_port()
        process = await create_subprocess_exec(
            str(self.python),
            "-m",
            "nlu.interpreter.serve",
            str(self.model),
            str(port),
            cwd=self.root,
            env=environment(self.root, self.token),
            stdin=DEVNULL,
            stdout=DEVNULL,
            stderr=DEVNULL,
            start_new_session=True,
        )
        return process, f"http://127.0.0.1:{port}"

    async def _answers(self, address: str, process: Process, stop: asyncio.Event) -> bool:
        """Wait until it answers; False when it ends before, or takes too long."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _START_SECONDS
        async with aiohttp.ClientSession(trust_env=False) as session:
            while process.returncode is None and loop.time() < until:
                with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                    async with asyncio.timeout(2), session.get(address) as response:
                        if response.status == HTTPStatus.OK:
                            return True
                if await stopped_within(stop, 0.2):
                    return False
        return False

    async def _ended(self, process: Process, stop: asyncio.Event) -> None:
        """Wait until the process ends or `stop`."""
        while process.returncode is None and not await stopped_within(stop, 0.5):
            continue


def environment(root: Path, token: str) -> dict[str, str]:
    """All that the interpreter knows of the world."""
    return {
        "PATH": os.defpath,
        "HOME": str(root / ".tools" / "interpreter"),
        "PYTHONPATH": str(root),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONWARNINGS": "ignore",
        "RASA_TELEMETRY_ENABLED": "false",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "OMP_NUM_THREADS": "1",
        "FIRSTPOINT_INTERPRETER_TOKEN": token,
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


async def _end(process: Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_END_SECONDS):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
