"""A primary Redis with replicas, and a Sentinel that promotes one when it is gone."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.server import TcpServer, free_port, sentinel, tcp_server
from tests.support.waiting import eventually

NAME = "ours"
DOWN_AFTER_MILLISECONDS = 5000
"""How long the sentinel waits until a silent primary counts as gone. With less, a busy machine is
taken for a dead one, and a primary that lives on loses what it goes on to acknowledge."""

_PAUSE_MILLISECONDS = "10000"
_AT_ONCE = ("--repl-diskless-sync-delay", "0")


@dataclass
class Replicated:
    """Servers of which at any time one is the primary, by their ports."""

    folder: Path
    servers: dict[int, TcpServer] = field(default_factory=dict)
    watcher: TcpServer | None = None
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def url(self) -> str:
        assert self.watcher is not None
        return f"redis+sentinel://127.0.0.1:{self.watcher.port}/{NAME}"

    async def primary(self) -> int:
        """The port of the server that the sentinel names."""
        assert self.watcher is not None
        answer = await self.watcher.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)
        return int(answer.split(b"\r\n")[4])

    async def starts(self, port: int, *, follows: int | None = None) -> None:
        """Start a server, or start it again with the files it had."""
        folder = self.folder / str(port)
        folder.mkdir(exist_ok=True)
        follow = ("--replicaof", "127.0.0.1", str(follows)) if follows else ()
        server = tcp_server(folder, *_AT_ONCE, *follow, port=port)
        self.servers[port] = await self._stack.enter_async_context(server)

    async def watches(self, primary: int) -> None:
        (self.folder / "sentinel").mkdir()
        self.watcher = await self._stack.enter_async_context(
            sentinel(
                self.folder / "sentinel",
                self.servers[primary],
                NAME,
                f"down-after-milliseconds {NAME} {DOWN_AFTER_MILLISECONDS}",
                f"failover-timeout {NAME} 10000",
            )
        )
        await eventually(self.is_complete, "everybody knows everybody")

    async def is_complete(self) -> bool:
        """Whether the sentinel and the primary it names have every other server as a replica."""
        assert self.watcher is not None
        others = len(self.servers) - 1
        known = await self.watcher.ask("SENTINEL", "MASTER", NAME)
        in_step = await self.servers[await self.primary()].ask("INFO", "replication")
        counted = f"num-slaves\r\n${len(str(others))}\r\n{others}\r\n".encode()
        return (
            counted in known
            and in_step.count(b"state=online") == others
            and await self._have_everything() == others
        )

    async def _have_everything(self) -> int:
        """How many replicas have loaded what they were given; `online` says only that it left."""
        said = [await server.ask("INFO", "replication") for server in self.servers.values()]
        return sum(
            b"master_link_status:up" in one and b"master_sync_in_progress:0" in one for one in said
        )

    async def moves_as_planned(self) -> int:
        """What `docs/hosts.md` says about a planned move; the port of the primary before it."""
        before = await self.primary()
        await self.servers[before].ask("CLIENT", "PAUSE", _PAUSE_MILLISECONDS, "WRITE")
        await eventually(self._begins_to_move, "the sentinel knows a good replica")
        await self.has_moved(before)
        return before

    async def _begins_to_move(self) -> bool:
        assert self.watcher is not None
        return (await self.watcher.ask("SENTINEL", "FAILOVER", NAME)).startswith(b"+OK")

    async def has_moved(self, before: int) -> None:
        """Wait until another server is the primary."""

        async def moved() -> bool:
            return await self.primary() != before

        await eventually(moved, "another server is the primary", 60)

    async def close(self) -> None:
        await self._stack.aclose()


@asynccontextmanager
async def replicated(folder: Path, *, replicas: int = 2) -> AsyncGenerator[Replicated]:
    """A primary and its replicas, gone again at the end."""
    folder.mkdir(exist_ok=True)
    found = Replicated(folder)
    try:
        first = free_port()
        await found.starts(first)
        for _ in range(replicas):
            await found.starts(free_port(), follows=first)
        await eventually(lambda: _in_step(found, first), "the replicas are in step")
        await found.watches(first)
        yield found
    finally:
        await found.close()


async def _in_step(servers: Replicated, primary: int) -> bool:
    answer = await servers.servers[primary].ask("INFO", "replication")
    return answer.count(b"state=online") == len(servers.servers) - 1
