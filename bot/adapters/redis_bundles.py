"""Published releases in Redis: immutable, numbered, compressed.

Beside each stands when it was last needed. One that was not needed for a week is removed, unless
it is the newest or the one before: a process may be about to follow.
"""

import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from bot.adapters.redis_store import Client, Script, call
from bot.domain.ids import Milliseconds
from bot.errors import CorruptStateError

RELEASES = "fp:release"
NEEDED = "needed:"
"""Begins the name of the field that says when a release was last needed."""

UNNEEDED_IS_KEPT = Milliseconds(7 * 24 * 3600 * 1000)
"""Far longer than a process can stand still and then begin a conversation with it."""

_NEWEST = "newest"

_NEED = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 2, #ARGV do
  if redis.call('HEXISTS', KEYS[1], ARGV[i]) == 1 then
    redis.call('HSET', KEYS[1], ARGV[1] .. ARGV[i], now)
  end
end
return now
""")

_REMOVE = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local numbers, removed = {}, {}
for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.match(name, '^%d+$') then table.insert(numbers, tonumber(name)) end
end
table.sort(numbers)
for i = 1, #numbers - 2 do
  local needed = redis.call('HGET', KEYS[1], ARGV[1] .. numbers[i])
  if not needed then
    redis.call('HSET', KEYS[1], ARGV[1] .. numbers[i], now)
  elseif now - tonumber(needed) > tonumber(ARGV[2]) then
    redis.call('HDEL', KEYS[1], numbers[i], ARGV[1] .. numbers[i])
    table.insert(removed, numbers[i])
  end
end
return removed
""")

_PUBLISH = Script("""
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2], 'newest', ARGV[1])
return 1
""")


class RedisBundles:
    """See `bot.content.shelf.Bundles` and `bot.dialogue.ports.Archive`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def newest(self) -> int:
        """The number of the newest release; 0 when there is none."""
        return int(await call(self._client, "HGET", RELEASES, _NEWEST) or 0)

    async def fetch(self, number: int) -> Mapping[str, str] | None:
        """The files of a release.

        Raises:
            CorruptStateError: what is kept under the number is damaged.
        """
        stored = await call(self._client, "HGET", RELEASES, number)
        return _unpacked(stored) if stored is not None else None

    async def publish(self, number: int, files: Mapping[str, str]) -> bool:
        """Keep `files` as release `number`; False when that number is taken."""
        stored = zlib.compress(json.dumps(dict(files)).encode())
        return bool(await _PUBLISH.run(self._client, (RELEASES,), number, stored))

    async def need(self, numbers: Iterable[int]) -> None:
        """See `bot.dialogue.ports.Archive`."""
        await _NEED.run(self._client, (RELEASES,), NEEDED, *numbers)

    async def remove_unneeded(self) -> tuple[int, ...]:
        """See `bot.dialogue.ports.Archive`."""
        removed = await _REMOVE.run(self._client, (RELEASES,), NEEDED, UNNEEDED_IS_KEPT)
        return tuple(map(int, removed))


def _unpacked(stored: bytes) -> Mapping[str, str]:
    try:
        files: Any = json.loads(zlib.decompress(stored))
        return {str(name): words + "" for name, words in files.items()}
    except (zlib.error, ValueError, TypeError, AttributeError) as error:
        raise CorruptStateError(type(error).__name__) from None
