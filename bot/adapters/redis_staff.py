"""Accounts, sessions and links of staff in Redis; accounts are sealed."""

from collections.abc import Mapping

from bot.adapters.redis_store import Client, Script, call
from bot.adapters.scripts import NOW
from bot.adapters.sealing import InstallationKey, Seal
from bot.domain.ids import Milliseconds

_ACCOUNTS = "fp:{staff}:accounts"

_NOW = Script(NOW)
_SWAP = Script("""
local found = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if found ~= ARGV[2] then return 0 end
if ARGV[4] == '1' and redis.call('HLEN', KEYS[1]) > 0 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
""")
_COUNT = Script("""
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return count
""")


class RedisVault:
    """See `handoff.staff.Vault`."""

    def __init__(self, client: Client, key: InstallationKey) -> None:
        self._client = client
        self._seal = Seal(key.mark("staff-seal"))

    async def now(self) -> Milliseconds:
        """The time that all processes share."""
        return Milliseconds(int(await _NOW.run(self._client, (_ACCOUNTS,))))

    async def get(self, key: str) -> tuple[bytes, bytes] | None:
        """An account, and what stands in Redis for it."""
        found = await call(self._client, "HGET", _ACCOUNTS, key)
        return (self._open(key, found), found) if found is not None else None

    async def all(self) -> Mapping[str, tuple[bytes, bytes]]:
        """All accounts."""
        names = await call(self._client, "HKEYS", _ACCOUNTS)
        found = {name.decode(): await self.get(name.decode()) for name in names}
        return {name: one for name, one in found.items() if one is not None}

    async def swap(self, key: str, handle: bytes, value: bytes, *, only_first: bool) -> bool:
        """Put an account in the place of `handle`; False when something else is there."""
        sealed = self._seal.close(value, _place(key))
        done = await _SWAP.run(self._client, (_ACCOUNTS,), key, handle, sealed, int(only_first))
        return bool(done)

    async def put(self, kind: str, name: str, value: bytes, keep_for: Milliseconds) -> None:
        """Keep a session or a link under the hash of its token."""
        await call(self._client, "SET", _name(kind, name), value, "PX", keep_for)

    async def look(self, kind: str, name: str) -> bytes | None:
        """A session or a link."""
        found: bytes | None = await call(self._client, "GET", _name(kind, name))
        return found

    async def take(self, kind: str, name: str) -> bool:
        """Remove it; whether it was there."""
        return bool(await call(self._client, "DEL", _name(kind, name)))

    async def count(self, name: str, within: Milliseconds) -> int:
        """Count one more try, forgotten after `within`; how many there were."""
        return int(await _COUNT.run(self._client, (_name("tries", name),), within))

    async def forget(self, name: str) -> None:
        """Forget the tries."""
        await call(self._client, "DEL", _name("tries", name))

    def _open(self, key: str, sealed: bytes) -> bytes:
        return self._seal.open(sealed, _place(key))


def _place(key: str) -> bytes:
    return f"staff:{key}".encode()


def _name(kind: str, name: str) -> str:
    return f"fp:staff:{kind}:{name}"
