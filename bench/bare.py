"""The least that a durable answer over HTTP can cost: one handler, one write, the same fsync."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import ClientSession, web

from bot.adapters.embedded_redis import EmbeddedRedis
from bot.adapters.redis_connection import connect
from tests.support.server import free_port
from tests.support.waiting import eventually

ANSWER_BYTES = 1500
"""About as much as the answer to a turn."""


@asynccontextmanager
async def bare_handler(folder: Path) -> AsyncGenerator[str]:
    """The address of a bare handler in a process of its own."""
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
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        await process.wait()


async def serve(folder: Path, port: int) -> None:
    """Answer each request after one durable write."""
    async with EmbeddedRedis(folder) as database:
        client = await connect(database.url)

        async def handle(request: web.Request) -> web.Response:
            body = await request.read()
            await client.execute_command("SET", f"k:{len(body)}", body)
            return web.Response(body=b"y" * ANSWER_BYTES, content_type="application/json")

        application = web.Application()
        application.add_routes([web.post("/", handle)])
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


async def post(session: ClientSession, url: str, body: bytes) -> None:
    """One request to the bare handler."""
    async with session.post(url, data=body) as answer:
        await answer.read()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
