"""The audit trail in Redis: one list a stream, appended to in order."""

from collections.abc import Sequence

from bot.adapters.redis_store import Client, Script, call
from bot.adapters.scripts import NOW
from bot.domain.ids import Milliseconds

HEAD = "fp:audit:head"
_STREAMS = "fp:audit:streams"

_NOW = Script(NOW)
_APPEND = Script("""
if redis.call('LLEN', KEYS[1]) ~= ARGV[1] - 1 then return 0 end
return redis.call('RPUSH', KEYS[1], ARGV[2])
""")
_NEWEST = Script("""
return {redis.call('LLEN', KEYS[1]), redis.call('LINDEX', KEYS[1], -1)}
""")


_SWAP = Script("""
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
""")


class RedisTrail:
    """See `handoff.audit.Trail`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def now(self) -> Milliseconds:
        """The time that all processes share."""
        return Milliseconds(int(await _NOW.run(self._client, (HEAD,))))

    async def newest(self, stream: str) -> tuple[int, bytes]:
        """How many records a stream has, and the newest."""
        count, newest = await _NEWEST.run(self._client, (_key(stream),))
        return int(count), newest or b""

    async def append(self, stream: str, number: int, record: bytes) -> bool:
        """Add a record as number `number`; False when that number is taken."""
        if number == 1:
            await call(self._client, "SADD", _STREAMS, stream)
        return bool(await _APPEND.run(self._client, (_key(stream),), number, record))

    async def record(self, stream: str, number: int) -> bytes:
        """The record of that number; nothing when there is none."""
        return await call(self._client, "LINDEX", _key(stream), number - 1) or b""

    async def records(self, stream: str) -> Sequence[bytes]:
        """All records of a stream."""
        found: Sequence[bytes] = await call(self._client, "LRANGE", _key(stream), 0, -1)
        return found

    async def streams(self) -> Sequence[str]:
        """The names of all streams."""
        found = await call(self._client, "SMEMBERS", _STREAMS)
        return sorted(name.decode() for name in found)

    async def head(self) -> bytes | None:
        """The newest signed head."""
        found: bytes | None = await call(self._client, "GET", HEAD)
        return found

    async def swap_head(self, before: bytes | None, head: bytes) -> bool:
        """Keep a signed head instead of the one before; False when another one is there."""
        return bool(await _SWAP.run(self._client, (HEAD,), before or b"", head))


def _key(stream: str) -> str:
    return f"fp:audit:of:{stream}"
