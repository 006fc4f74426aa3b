"""Everything that is worth keeping in Redis, written out and brought back.

Wrapped keys go to a place of their own, so that they can be kept for a shorter time. Each
conversation is written as it stood at one moment, while the service runs. What is only an index,
a lease or a delivery is left out: it is made anew.

Bringing back never writes over anything: what is there is newer. A conversation appears in one
step or not at all, with the time that it had left, and not when it was erased meanwhile. From the
same step on its record says when that was: what a person took back since the backup is not known
here, so nothing may be sent on what they had agreed to before.
"""

import base64
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot.adapters.redis_audit import HEAD
from bot.adapters.redis_bundles import NEEDED, RELEASES, RedisBundles
from bot.adapters.redis_connection import TROUBLE, Connection
from bot.adapters.redis_store import (
    ASIDE,
    ERASED_IS_REMEMBERED,
    ERASURES,
    SWEPT,
    TRIED,
    Script,
    call,
)
from bot.domain.ids import NO_TIME, ConversationId, Milliseconds
from bot.errors import CorruptStateError, StoreError, StoreUnavailableError

FORMAT = 1
PART = 200
"""Entries of a list in one record. A list grows at its end, so it can be read in parts."""

_TRIES = 3
"""Of a conversation whose oldest entries went while its log was read."""

_FIRST = (RELEASES, HEAD)
"""The head of the audit names records that are all there already: none may be missing after it."""

_LEFT_OUT = (
    "fp:lease:",
    "fp:leases",
    "fp:queue",
    "fp:seats:",
    "fp:shift",
    "fp:staff:",
    ERASURES,
    "fp:rewritten",
    "fp:backup",
    SWEPT,
    ASIDE,
    TRIED,
)
_LEFT_OUT_OF_CONVERSATIONS = frozenset({"c", "key", "d", "erased"})
_UNFINISHED = "restored-"
_SCANNED_AT_ONCE = 500

_SNAPSHOT = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = {}
for i = 1, #KEYS do
  local kind, left = redis.call('TYPE', KEYS[i]).ok, redis.call('PTTL', KEYS[i])
  local items = {}
  if kind == 'string' then items = {redis.call('GET', KEYS[i])}
  elseif kind == 'hash' then items = redis.call('HGETALL', KEYS[i])
  elseif kind == 'set' then items = redis.call('SMEMBERS', KEYS[i])
  elseif kind == 'zset' then items = redis.call('ZRANGE', KEYS[i], 0, -1, 'WITHSCORES')
  elseif kind == 'list' then items = {redis.call('LLEN', KEYS[i])}
  end
  found[i] = {kind, left < 0 and 0 or now + left, items}
end
return found
""")

_PUT = Script("""
local key, guard, kind, from, ends = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2]), ARGV[3]
if key ~= guard and redis.call('EXISTS', guard) == 1 then return 0 end
if from > 0 then
  if redis.call('LLEN', key) ~= from then return 0 end
elseif key ~= guard then redis.call('DEL', key)
elseif redis.call('EXISTS', key) == 1 then return 0
end
for i = 4, #ARGV do
  if kind == 'list' then redis.call('RPUSH', key, ARGV[i])
  elseif kind == 'set' then redis.call('SADD', key, ARGV[i])
  elseif kind == 'string' then redis.call('SET', key, ARGV[i])
  elseif kind == 'hash' and i % 2 == 0 then redis.call('HSET', key, ARGV[i], ARGV[i + 1])
  elseif kind == 'zset' and i % 2 == 0 then redis.call('ZADD', key, ARGV[i + 1], ARGV[i])
  end
end
if ends ~= '0' then redis.call('PEXPIREAT', key, ends) end
return 1
""")

_APPEAR = Script("""
local record, key, erased = KEYS[1], KEYS[2], KEYS[3]
if redis.call('EXISTS', record, key, erased) > 0 then
  for i = 4, #KEYS, 2 do redis.call('DEL', KEYS[i]) end
  return 0
end
for i = 4, #KEYS, 2 do
  if redis.call('EXISTS', KEYS[i]) == 1 then redis.call('RENAME', KEYS[i], KEYS[i + 1]) end
end
for i = 5, #ARGV, 2 do redis.call('HSET', record, ARGV[i], ARGV[i + 1]) end
redis.call('HSET', record, 'restored', ARGV[4])
redis.call('SET', key, ARGV[3])
if ARGV[1] ~= '0' then redis.call('PEXPIREAT', record, ARGV[1]) end
if ARGV[2] ~= '0' then redis.call('PEXPIREAT', key, ARGV[2]) end
return 1
""")


class Writer(Protocol):
    """Takes records."""

    def write(self, record: bytes) -> None:
        """Add a record."""
        ...


class ForeignReleasesError(StoreError):
    """The database has releases of its own under the numbers of those in the backup."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A key as it stood at one moment; of a list only how long it was."""

    kind: str
    until: int
    items: list[bytes] = field(repr=False)

    @property
    def length(self) -> int:
        """Of a list."""
        return int(self.items[0])


@dataclass(slots=True)
class Counted:
    """What was written, or brought back."""

    conversations: int = 0
    others: int = 0
    erased: int = 0
    """Left out because they were erased meanwhile."""

    ended: int = 0
    """Left out because their time is over."""

    locked: int = 0
    """Left out because their key is not there."""

    present: int = 0
    """Left as they are, because they were there already."""


# Writing


async def export(client: Connection, data: Writer, keys: Writer, now: Milliseconds) -> Counted:
    """Write everything to `data`, and the wrapped keys to `keys`.

    Raises:
        StoreUnavailableError: Redis did not answer; what was written is not whole.
    """
    counted = Counted()
    _write(data, {"format": FORMAT, "at": now})
    _write(keys, {"format": FORMAT, "at": now})
    suffixes = await _suffixes(client)
    for name in _FIRST:
        await _export_key(client, name, data)
    async for name in _names(client):
        id, suffix = _taken_apart(name)
        if id is not None and suffix == "c":
            for _ in range(_TRIES):
                if await _export_conversation(client, ConversationId(id), suffixes, data, keys):
                    counted.conversations += 1
                    break
        elif name not in _FIRST and not await _belongs_elsewhere(client, name):
            counted.others += await _export_key(client, name, data)
    return counted


async def _suffixes(client: Connection) -> tuple[str, ...]:
    """How keys of conversations end, but for those that are left out."""
    found = {_taken_apart(name)[1] async for name in _names(client)}
    return tuple(
        sorted(
            s for s in found - _LEFT_OUT_OF_CONVERSATIONS if s and not s.startswith(_UNFINISHED)
        )
    )


async def _belongs_elsewhere(client: Connection, name: str) -> bool:
    """Whether a key is left out, or is written together with its conversation."""
    id, suffix = _taken_apart(name)
    if id is None:
        return name.startswith(_LEFT_OUT)
    if suffix in _LEFT_OUT_OF_CONVERSATIONS or suffix.startswith(_UNFINISHED):
        return True
    return bool(await call(client, "EXISTS", _key(id, "c")))


async def _export_conversation(
    client: Connection, id: ConversationId, suffixes: Iterable[str], data: Writer, keys: Writer
) -> int:
    names = [_key(id, suffix) for suffix in ("c", "key", *suffixes)]
    record, wrapped, *rest = await _snapshot(client, names)
    if record.kind == "none" or wrapped.kind == "none":
        return 0
    for name, kept in zip(names[2:], rest, strict=True):
        _, suffix = _taken_apart(name)
        if not await _write_key(client, name, kept, data, {"of": id, "suffix": suffix}):
            return 0  # it went while it was read
    fields = dict(zip(record.items[::2], record.items[1::2], strict=True))
    if await call(client, "HGET", names[0], "base") != fields.get(b"base"):
        return 0  # its oldest entries went: what was read does not fit together
    _write(data, {"conversation": id, "until": record.until}, record.items)
    _write(keys, {"conversation": id, "until": wrapped.until}, wrapped.items)
    return 1


async def _export_key(client: Connection, name: str, data: Writer) -> int:
    [kept] = await _snapshot(client, [name])
    return int(await _write_key(client, name, kept, data, {"key": name}))


async def _write_key(
    client: Connection, name: str, kept: _Kept, data: Writer, about: Mapping[str, Any]
) -> bool:
    """Write a key; False when it went meanwhile."""
    about = {**about, "kind": kept.kind, "until": kept.until}
    if kept.kind == "none":
        return True
    if kept.kind not in {"string", "hash", "set", "zset", "list"}:
        raise StoreError("a kind of key that a backup does not know")
    if kept.kind != "list":
        _write(data, {**about, "from": 0}, kept.items)
        return True
    for start in range(0, kept.length, PART):
        length = min(PART, kept.length - start)
        part = await call(client, "LRANGE", name, start, start + length - 1)
        if len(part) < length:
            return False
        _write(data, {**about, "from": start}, part)
    return True


async def _snapshot(client: Connection, names: list[str]) -> list[_Kept]:
    found = await _SNAPSHOT.run(client, names)
    return [
        _Kept(kind.decode(), int(until), [_bytes(item) for item in items])
        for kind, until, items in found
    ]


def _bytes(item: bytes | int) -> bytes:
    return item if isinstance(item, bytes) else str(item).encode()


async def _names(client: Connection) -> AsyncIterator[str]:
    anything: Any = client
    try:
        async for name in anything.scan_iter(match="fp:*", count=_SCANNED_AT_ONCE):
            yield name.decode()
    except TROUBLE as error:
        raise StoreUnavailableError(type(error).__name__) from error


def _taken_apart(name: str) -> tuple[str | None, str]:
    """The id and the end of a key of a conversation, or of anything else with a hash tag."""
    if not name.startswith("fp:{"):
        return None, ""
    id, _, suffix = name.removeprefix("fp:{").partition("}:")
    return id, suffix


def _key(id: str, suffix: str) -> str:
    return f"fp:{{{id}}}:{suffix}"


def _write(writer: Writer, about: Mapping[str, Any], items: Iterable[bytes] = ()) -> None:
    said = [base64.b64encode(item).decode() for item in items]
    writer.write(json.dumps({**about, "items": said}).encode())


# Bringing back


@dataclass(slots=True)
class Restoring:
    """Brings a backup back into a database."""

    client: Connection
    erased: Mapping[ConversationId, Milliseconds]
    now: Milliseconds
    counted: Counted = field(default_factory=Counted)
    _restored: Milliseconds = NO_TIME
    _suffixes: list[str] = field(default_factory=list[str])
    _of: str = ""

    async def bring_back(
        self, data: Iterable[bytes], keys: Iterable[bytes]
    ) -> AsyncIterator[ConversationId]:
        """Each conversation that is there again.

        Raises:
            CorruptStateError: this is no backup, or not one of this installation.
            ForeignReleasesError: the database has begun a life of its own; nothing was written.
            StoreUnavailableError: Redis does not answer. It can be started again.
        """
        await self._mark_erased()
        wrapped = _WrappedKeys(keys)
        for number, raw in enumerate(data):
            record = _read(raw)
            if number == 0:
                _check_format(record)
                # Also where this machine's clock is behind: later than anything in the backup.
                self._restored = Milliseconds(max(self.now, int(record["at"])))
            elif "conversation" in record:
                id = ConversationId(record["conversation"])
                if await self._appears(id, record, wrapped.find(id)):
                    yield id
            elif "of" in record:
                await self._put_part(record)
            else:
                await self._put_other(record)

    async def _mark_erased(self) -> None:
        """What was erased stays erased in the database as well."""
        for id, at in self.erased.items():
            left = at + ERASED_IS_REMEMBERED - self.now
            if left > 0:
                await call(self.client, "SET", _key(id, "erased"), "1", "PX", left, "NX")
                await call(self.client, "ZADD", ERASURES, at, id)

    async def _put_part(self, record: Mapping[str, Any]) -> None:
        """Write what belongs to a conversation under another name, until all of it is there."""
        id, suffix = record["of"], record["suffix"]
        if self._of != id:
            self._of, self._suffixes = id, []
        if suffix not in self._suffixes:
            self._suffixes.append(suffix)
        if id not in self.erased and not self._has_ended(record):
            key = _key(id, _UNFINISHED + suffix)
            await self._put(key, _key(id, "c"), record)

    async def _appears(
        self, id: ConversationId, record: Mapping[str, Any], wrapped: Mapping[str, Any] | None
    ) -> bool:
        suffixes = self._suffixes if self._of == id else []
        self._of, self._suffixes = "", []
        if id in self.erased:
            self.counted.erased += 1
            return False
        if self._has_ended(record):
            self.counted.ended += 1
            return False
        if wrapped is None:
            self.counted.locked += 1
            return False
        names = [_key(id, name) for name in ("c", "key", "erased")]
        for suffix in suffixes:
            names += [_key(id, _UNFINISHED + suffix), _key(id, suffix)]
        [key] = _items(wrapped)
        values = (record["until"], wrapped["until"], key, self._restored, *_items(record))
        if not await _APPEAR.run(self.client, names, *values):
            self.counted.present += 1
            return False
        self.counted.conversations += 1
        return True

    async def _put_other(self, record: Mapping[str, Any]) -> None:
        name = str(record["key"])
        if name == RELEASES:
            await self._put_releases(_items(record))
        elif self._has_ended(record):
            self.counted.ended += 1
        elif (
            record["kind"] == "string"
            and _items(record)[0].decode("ascii", "replace") in self.erased
        ):
            self.counted.erased += 1  # the code of an erased conversation, or the like
        elif await self._put(name, name, record):
            self.counted.others += record["from"] == 0
        else:
            self.counted.present += record["from"] == 0

    async def _put(self, key: str, guard: str, record: Mapping[str, Any]) -> bool:
        values = (record["kind"], record["from"], record["until"], *_items(record))
        return bool(await _PUT.run(self.client, (key, guard), *values))

    async def _put_releases(self, items: list[bytes]) -> None:
        """Bring the releases back: conversations are bound to their numbers."""
        theirs = _releases(items)
        [kept] = await _snapshot(self.client, [RELEASES])
        ours = _releases(kept.items)
        numbers = (theirs.keys() & ours.keys()) - {b"newest"}
        if any(theirs[number] != ours[number] for number in numbers):
            raise ForeignReleasesError
        newest = max(int(found.get(b"newest", b"0")) for found in (theirs, ours))
        for number, files in {**theirs, b"newest": str(newest).encode()}.items():
            await call(self.client, "HSET", RELEASES, number, files)
        # The conversations that need them come only now.
        await RedisBundles(self.client).need(map(int, theirs.keys() - {b"newest"}))

    def _has_ended(self, record: Mapping[str, Any]) -> bool:
        return 0 < int(record["until"]) <= self.now


class _WrappedKeys:
    """Wrapped keys stand in the order of their conversations, so they are read alongside."""

    def __init__(self, keys: Iterable[bytes]) -> None:
        self._keys: Iterator[dict[str, Any]] = map(_read, keys)
        first = next(self._keys, None)
        if first is not None:
            _check_format(first)

    def find(self, id: ConversationId) -> dict[str, Any] | None:
        """The key of `id`, which comes next or is not there at all."""
        found = next(self._keys, None)
        if found is not None and found.get("conversation") != id:
            raise CorruptStateError("the keys are of another backup")
        return found


def _releases(items: list[bytes]) -> dict[bytes, bytes]:
    fields = zip(items[::2], items[1::2], strict=True)
    return {name: value for name, value in fields if not name.startswith(NEEDED.encode())}


def _check_format(record: Mapping[str, Any]) -> None:
    if record.get("format") != FORMAT:
        raise CorruptStateError("a backup of another format")


def _read(raw: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(raw)
    return found


def _items(record: Mapping[str, Any]) -> list[bytes]:
    return [base64.b64decode(item) for item in record["items"]]
