"""What a Redis server says about itself and its keys."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.adapters.embedded_redis import EmbeddedRedis
from bot.adapters.redis_connection import connect


@dataclass(frozen=True, slots=True)
class Policy:
    """How a server keeps what is written."""

    append_only: str
    fsync: str


class Figures:
    """Asks the private server of a data folder."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - redis-py types only a part of itself
        self._client = client

    async def policy(self) -> Policy:
        """How it keeps what is written."""
        found = await self._client.execute_command("CONFIG GET", "append*")
        return Policy(found["appendonly"], found["appendfsync"])

    async def calls(self) -> dict[str, int]:
        """How often each command ran, those inside scripts as well."""
        found = await self._client.info("commandstats")
        return {name.removeprefix("cmdstat_"): said["calls"] for name, said in found.items()}

    async def bytes_of(self, conversation: str) -> int:
        """The bytes that the server itself counts for the keys of a conversation."""
        names = [name async for name in self._client.scan_iter(match=f"fp:{{{conversation}}}:*")]
        return sum([await self._client.memory_usage(name, samples=0) for name in names])


@asynccontextmanager
async def figures_of(folder: Path) -> AsyncGenerator[Figures]:
    """The figures of the server in that data folder, which runs."""
    client = await connect(EmbeddedRedis(folder).url)
    try:
        yield Figures(client)
    finally:
        await client.aclose()
