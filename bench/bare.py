"""The least that a durable answer over HTTP can cost: one handler, one write, the same fsync."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from bench.load import Line
from bot.adapters.embedded_redis import EmbeddedRedis
from bot.adapters.redis_connection import connect
from tests.support.server import free_port
from tests.support.waiting import eventually

BODY = b"x" * 120
"""About as much as the input of a turn."""

ANSWER = b"y" * 1500
"""About as much as the answer to one."""


@dataclass(frozen=True, slots=True)
class Bare:
    """A bare handler in a process of its own."""

    url: str
    pid: int


@asynccontextmanager
async def bare_handler(folder: Path) -> AsyncGenerator[Bare]:
    """A bare handler that listens."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.bare", str(folder), str(port)
    )

    async def listens() -> bool:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        return True

    try:
        await eventually(listens, "the bare handler listens")
        yield Bare(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.terminate()
        await process.wait()


async def serve(folder: Path, port: int) -> None:
    """Answer each request after one durable write."""
    async with EmbeddedRedis(folder) as database:
        client = await connect(database.url)

        async def handle(request: web.Request) -> web.Response:
            await client.execute_command("SET", "bare", await request.read())
            return web.Response(body=ANSWER, content_type="application/json")

        application = web.Application()
        application.add_routes([web.post("/", handle)])
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


class BareClient:
    """A client: the same request again and again."""

    def __init__(self, count: int, ahead: int) -> None:
        self.ahead = ahead
        self._left = ahead + count

    def prepare(self) -> bool:
        """See `bench.load.Client`."""
        self._left -= 1
        return self._left >= 0

    async def send(self, line: Line) -> bytes:
        """See `bench.load.Client`."""
        return await line.post("/", BODY, {})

    def take(self, answer: bytes) -> None:
        """See `bench.load.Client`."""


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
