"""Referrals in Redis: each a sealed field of its conversation's record, so both go together.

`fp:referrals` lists those with something left to do; an entry is made before its record, so the
list never misses one. `fp:sent:PACKAGE` remembers what was sent, without saying about whom, and
`fp:delivery` when somebody last looked through that list, and how many make trouble.
"""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from bot.adapters.redis_store import Client, Script, call
from bot.adapters.sealing import InstallationKey, Seal, WrappedKey
from bot.dialogue.referral_ports import Round, SentNote, Stored
from bot.domain.consent import PackageId, ReceiverId, ReferralId
from bot.domain.ids import NO_TIME, ConversationId, Milliseconds
from bot.errors import GoneError

ACTIVE = "fp:referrals"
SENT = "fp:sent"
ROUND = "fp:delivery"
MOST_LISTED = 10_000
_FIELD = "referral:"
_NOT_YET_MILLISECONDS = 60_000
"""So long an entry without a record is one that is just being made."""

_SAVE = Script("""
if redis.call('EXISTS', KEYS[2]) == 0 then return 'gone' end
local stored = redis.call('HGET', KEYS[1], ARGV[1])
local version = '0'
if stored then version = string.match(stored, '^(%d+):') end
if version ~= ARGV[2] then return 'conflict' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 'saved'
""")

_ENLIST = Script("""
local time = redis.call('TIME')
return redis.call('ZADD', KEYS[1], 'NX', time[1] * 1000 + math.floor(time[2] / 1000), ARGV[1])
""")

_FORGET_IF_OLD = Script("""
local time = redis.call('TIME')
local listed = redis.call('ZSCORE', KEYS[1], ARGV[1])
if listed and time[1] * 1000 - tonumber(listed) > tonumber(ARGV[2]) then
  return redis.call('ZREM', KEYS[1], ARGV[1])
end
return 0
""")

_NOTE = Script("""
redis.call('HSET', KEYS[1], 'receiver', ARGV[2], 'sent_at', ARGV[3], 'digest', ARGV[4],
           'state', ARGV[5])
redis.call('PEXPIREAT', KEYS[1], ARGV[1])
return 1
""")


class RedisReferrals:
    """See `bot.dialogue.referral_ports.ReferralStore`."""

    def __init__(self, client: Client, key: InstallationKey) -> None:
        self._client = client
        self._key = key

    async def load_all(self, id: ConversationId) -> dict[ReferralId, Stored]:
        """See `bot.dialogue.referral_ports.ReferralStore`."""
        seal = await self._seal(id)
        fields = dict(_pairs(await call(self._client, "HGETALL", _record(id))))
        restored_at = Milliseconds(int(fields.get(b"restored", NO_TIME)))
        found: dict[ReferralId, Stored] = {}
        for name, stored in fields.items():
            if name.startswith(_FIELD.encode()):
                referral = ReferralId(name.decode().removeprefix(_FIELD))
                version, record = _open(seal, id, referral, stored)
                found[referral] = Stored(version, record, restored_at)
        return found

    async def save(
        self, id: ConversationId, referral: ReferralId, version: int, record: bytes
    ) -> bool:
        """See `bot.dialogue.referral_ports.ReferralStore`."""
        seal = await self._seal(id)
        if version == 0:
            await _ENLIST.run(self._client, (ACTIVE,), _member(id, referral))
        sealed = seal.close(record, _place(id, referral, version + 1))
        answer = await _SAVE.run(
            self._client,
            (_record(id), _wrapped(id)),
            f"{_FIELD}{referral}",
            version,
            str(version + 1).encode() + b":" + sealed,
        )
        if answer == b"gone":
            raise GoneError
        return bool(answer == b"saved")

    async def active(self) -> tuple[tuple[ConversationId, ReferralId], ...]:
        """See `bot.dialogue.referral_ports.ReferralStore`."""
        members = await call(self._client, "ZRANGE", ACTIVE, 0, MOST_LISTED)
        pairs = (member.decode().split("/", 1) for member in members)
        return tuple((ConversationId(id), ReferralId(referral)) for id, referral in pairs)

    async def relist(self, id: ConversationId) -> None:
        """See `bot.dialogue.referral_ports.ReferralStore`."""
        for name in await call(self._client, "HKEYS", _record(id)):
            if name.startswith(_FIELD.encode()):
                referral = ReferralId(name.decode().removeprefix(_FIELD))
                await _ENLIST.run(self._client, (ACTIVE,), _member(id, referral))

    async def forget(self, id: ConversationId, referral: ReferralId) -> None:
        """See `bot.dialogue.referral_ports.ReferralStore`."""
        member = _member(id, referral)
        await _FORGET_IF_OLD.run(self._client, (ACTIVE,), member, _NOT_YET_MILLISECONDS)

    async def note_round(self, ended: Round) -> None:
        """See `bot.dialogue.referral_ports.ReferralStore`."""
        fields = ("at", ended.at, "hanging", ended.hanging, "failing", ended.failing)
        await call(self._client, "HSET", ROUND, *fields)

    async def note_sent(self, note: SentNote, keep_until: Milliseconds) -> None:
        """See `bot.dialogue.referral_ports.ReferralStore`."""
        await call(self._client, "ZADD", SENT, keep_until, note.package)
        await _NOTE.run(
            self._client,
            (f"{SENT}:{note.package}",),
            keep_until,
            note.receiver,
            note.sent_at,
            note.digest,
            note.state,
        )

    async def sent(self) -> tuple[SentNote, ...]:
        """See `bot.dialogue.referral_ports.ReferralStore`."""
        found = [
            await self._note(name) for name in await call(self._client, "ZRANGE", SENT, 0, -1)
        ]
        return tuple(note for note in found if note is not None)

    async def _note(self, name: bytes) -> SentNote | None:
        fields = dict(_pairs(await call(self._client, "HGETALL", f"{SENT}:{name.decode()}")))
        if not fields:
            await call(self._client, "ZREM", SENT, name)
            return None
        return SentNote(
            package=PackageId(name.decode()),
            receiver=ReceiverId(fields[b"receiver"].decode()),
            sent_at=Milliseconds(int(fields[b"sent_at"])),
            digest=fields[b"digest"].decode(),
            state=fields[b"state"].decode(),
        )

    async def last_round(self) -> Round | None:
        """How the last look at everything ended; None before the first."""
        fields = await call(self._client, "HMGET", ROUND, "at", "hanging", "failing")
        if None in fields:
            return None
        at, hanging, failing = map(int, fields)
        return Round(at=Milliseconds(at), hanging=hanging, failing=failing)

    async def _seal(self, id: ConversationId) -> Seal:
        wrapped = await call(self._client, "GET", _wrapped(id))
        if wrapped is None:
            raise GoneError
        return self._key.unwrap(WrappedKey(wrapped), id)


def _record(id: ConversationId) -> str:
    return f"fp:{{{id}}}:c"


def _wrapped(id: ConversationId) -> str:
    return f"fp:{{{id}}}:key"


def _member(id: ConversationId, referral: ReferralId) -> str:
    return f"{id}/{referral}"


def _place(id: ConversationId, referral: ReferralId, version: int) -> bytes:
    return f"{id}:{_FIELD}{referral}:{version}".encode()


def _open(
    seal: Seal, id: ConversationId, referral: ReferralId, stored: bytes
) -> tuple[int, bytes]:
    number, _, sealed = stored.partition(b":")
    version = int(number)
    return version, seal.open(sealed, _place(id, referral, version))


def _pairs(fields: Any) -> Iterable[tuple[bytes, bytes]]:  # noqa: ANN401 - the two clients differ
    """A hash as pairs: one client answers with a mapping, another with a flat list."""
    if isinstance(fields, Mapping):
        known = cast("Mapping[bytes, bytes]", fields)
        return list(known.items())
    return list(zip(fields[::2], fields[1::2], strict=True))
