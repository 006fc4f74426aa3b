"""The database of an installation: its private server, or the host's own."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from bot.adapters.embedded_redis import EmbeddedRedis
from bot.adapters.redis_connection import Connection, connect
from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class Database:
    """A connection, and the private server behind it when there is no other one."""

    client: Connection
    server: EmbeddedRedis | None


@asynccontextmanager
async def opened(settings: Settings) -> AsyncGenerator[Database]:
    """The database of `settings`; a private server is joined, or started.

    Raises:
        StartError: it cannot be reached.
    """
    async with AsyncExitStack() as stack:
        server = None if settings.redis_url else EmbeddedRedis(settings.data)
        if server:
            await stack.enter_async_context(server)
        client = await connect(server.url if server else settings.redis_url or "")
        stack.push_async_callback(client.aclose)
        yield Database(client, server)
