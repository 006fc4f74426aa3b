"""Published releases in Redis: immutable, numbered, compressed."""

import json
import zlib
from collections.abc import Mapping

from bot.adapters.redis_store import Client, Script, call

_NEWEST = "fp:release"

_PUBLISH = Script("""
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2], 'newest', ARGV[1])
return 1
""")


class RedisBundles:
    """See `bot.content.shelf.Bundles`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def newest(self) -> int:
        """The number of the newest release; 0 when there is none."""
        return int(await call(self._client, "HGET", _NEWEST, "newest") or 0)

    async def fetch(self, number: int) -> Mapping[str, str] | None:
        """The files of a release."""
        stored = await call(self._client, "HGET", _NEWEST, number)
        if stored is None:
            return None
        files: dict[str, str] = json.loads(zlib.decompress(stored))
        return files

    async def publish(self, number: int, files: Mapping[str, str]) -> bool:
        """Keep `files` as release `number`; False when that number is taken."""
        stored = zlib.compress(json.dumps(dict(files)).encode())
        return bool(await _PUBLISH.run(self._client, (_NEWEST,), number, stored))
