"""Conversations in Redis, sealed, with one commit a turn."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.exceptions import NoScriptError

from bot.adapters.erasure_journal import DAY, KEPT_DAYS, ErasureJournal
from bot.adapters.redis_connection import TROUBLE
from bot.adapters.scripts import (
    COMMIT,
    ERASE,
    LIST,
    LOAD,
    NOTE_ERASURE,
    NOW,
    OPEN_DELIVERIES,
    READ,
    RELEASE_LEASE,
    RENEW_LEASE,
)
from bot.adapters.sealing import InstallationKey, Seal, WrappedKey
from bot.dialogue.codec import (
    dump_conversation,
    dump_message,
    load_conversation,
    load_message,
)
from bot.dialogue.ports import Commit, DeliveryId, Done, Entry, Loaded, View, Waiting
from bot.domain.conversation import Conversation
from bot.domain.ids import ConversationId, InputKey, Milliseconds
from bot.domain.messages import Author, Message
from bot.errors import CorruptStateError, GoneError, StoreUnavailableError

Client = Redis | RedisCluster

TIMEOUT_SECONDS = 5.0
"""Redis answers in well under a millisecond; with an fsync for each write, in a few."""

MOST_ENTRIES_READ = 1000
ERASED_IS_REMEMBERED = Milliseconds(7 * 24 * 3600 * 1000)
"""As long as a backup of the keys is kept (design section 9)."""

QUEUE = "fp:queue"
LEASES = "fp:leases"
ERASURES = "fp:erasures"
MOST_LISTED = 1000
_LETTER = {Author.PERSON: b"p", Author.BOT: b"b", Author.OPERATOR: b"o", Author.NOTICE: b"n"}
_INPUT_BYTES = 16
_RANK_STEP = 10**13
"""More than any time in milliseconds: a lower rank always comes first."""


@asynccontextmanager
async def store_trouble() -> AsyncGenerator[None]:
    """Turn what Redis raises into our own, within a time."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            yield
    except (*TROUBLE, TimeoutError) as error:
        raise StoreUnavailableError(type(error).__name__) from error


async def call(client: Client, *words: str | int | bytes) -> Any:  # noqa: ANN401 - a reply is checked where it is read
    """The reply to one command.

    Raises:
        StoreUnavailableError: Redis does not answer in time, or refuses.
    """
    anything: Any = client  # redis-py types the replies of one client and not of the other
    async with store_trouble():
        return await anything.execute_command(*words)


@dataclass(frozen=True, slots=True)
class Script:
    """A script that is sent whole only when the server does not know it yet."""

    source: str

    async def run(self, client: Client, keys: Iterable[str], *values: str | int | bytes) -> Any:  # noqa: ANN401 - as in `call`
        """The reply to the script, whose `keys` lie in one slot."""
        names = tuple(keys)
        digest = sha1(self.source.encode(), usedforsecurity=False).hexdigest()
        try:
            return await call(client, "EVALSHA", digest, len(names), *names, *values)
        except StoreUnavailableError as error:
            if not isinstance(error.__cause__, NoScriptError):
                raise
        return await call(client, "EVAL", self.source, len(names), *names, *values)


_LOAD, _COMMIT, _READ, _ERASE = Script(LOAD), Script(COMMIT), Script(READ), Script(ERASE)
_OPEN, _NOW, _LIST = Script(OPEN_DELIVERIES), Script(NOW), Script(LIST)
_RELEASE, _RENEW = Script(RELEASE_LEASE), Script(RENEW_LEASE)
_NOTE = Script(NOTE_ERASURE)


class _Keys:
    """The names of a conversation's keys."""

    def __init__(self, id: ConversationId) -> None:
        base = f"fp:{{{id}}}:"
        self.record = base + "c"
        self.key = base + "key"
        self.log = base + "log"
        self.inputs = base + "in"
        self.audit = base + "audit"
        self.deliveries = base + "d"
        self.aside = base + "aside"
        self.erased = base + "erased"

    def all(self) -> tuple[str, ...]:
        """Every key that holds something, the wrapped key first."""
        return (
            self.key,
            self.record,
            self.log,
            self.inputs,
            self.audit,
            self.deliveries,
            self.aside,
        )


class RedisStore:
    """The store of conversations and of the indexes over them.

    `replicas` is how many replicas must confirm an input before it is acknowledged, `journal`
    where erasures are noted outside of Redis as well.
    """

    def __init__(
        self,
        client: Client,
        key: InstallationKey,
        *,
        replicas: int = 0,
        journal: ErasureJournal | None = None,
    ) -> None:
        self._client = client
        self._key = key
        self._replicas = replicas
        self._journal = journal

    async def load(self, id: ConversationId, key: InputKey) -> Loaded:
        """See `bot.dialogue.ports.Store`."""
        names = _Keys(id)
        version, state, wrapped, length, done, erased, now = await _LOAD.run(
            self._client,
            (names.record, names.key, names.log, names.inputs, names.erased),
            self._input(id, key),
        )
        if erased or wrapped is None or version is None:
            raise GoneError
        seal = self._key.unwrap(WrappedKey(wrapped), id)
        return Loaded(
            conversation=_open_state(seal, id, int(version), state),
            version=int(version),
            length=int(length),
            handle=wrapped,
            now=Milliseconds(int(now)),
            done=_done(done) if done else None,
        )

    async def commit(self, commit: Commit) -> Done | None:
        """See `bot.dialogue.ports.Store`."""
        names = _Keys(commit.id)
        wrapped = commit.handle or self._key.new_conversation_key(commit.id)
        answer = await _COMMIT.run(
            self._client,
            (names.record, names.key, names.log, names.inputs, names.audit, names.erased),
            *self._values(commit, WrappedKey(wrapped)),
        )
        if answer[0] == b"gone":
            raise GoneError
        if answer[0] == b"conflict":
            return None
        if self._replicas:
            await self._confirm()
        return _done(answer[1])

    def _input(self, id: ConversationId, key: InputKey) -> bytes:
        """What an input is known by in Redis.

        The page makes the key, so anything may stand in it, and the key of the first input is a
        secret that opens the conversation.
        """
        return self._key.mark("input", id, key)[:_INPUT_BYTES]

    def _values(self, commit: Commit, wrapped: WrappedKey) -> list[str | int | bytes]:
        id, conversation = commit.id, commit.conversation
        seal = self._key.unwrap(wrapped, id)
        control = conversation.control
        audit = f"{commit.audit.who} {commit.audit.what}" if commit.audit else ""
        return [
            commit.version,
            self._input(id, commit.key),
            wrapped,
            seal.close(dump_conversation(conversation), _state_place(id, commit.version + 1)),
            control.owner.value,
            commit.rank,
            control.lease_until or "",
            commit.keep_for,
            int(commit.handed_over),
            int(commit.takes_over),
            audit,
            *(
                _close_entry(seal, id, commit.length + index, message)
                for index, message in enumerate(commit.messages, start=1)
            ),
        ]

    async def _confirm(self) -> None:
        """Wait until the replicas have it, so that a planned failover loses nothing."""
        milliseconds = int(TIMEOUT_SECONDS * 500)
        confirmed = await call(self._client, "WAIT", self._replicas, milliseconds)
        if int(confirmed) < self._replicas:
            raise StoreUnavailableError("too few replicas confirmed")

    async def read(
        self,
        id: ConversationId,
        after: int,
        lease: Milliseconds | None = None,
        *,
        for_person: bool = True,
    ) -> View:
        """See `bot.dialogue.ports.Store`."""
        names = _Keys(id)
        delivery = DeliveryId(secrets.token_hex(8))
        answer = await _READ.run(
            self._client,
            (names.record, names.key, names.log, names.deliveries),
            max(0, after),
            MOST_ENTRIES_READ,
            lease or 0,
            delivery,
            int(not for_person),
        )
        if answer[0] == b"gone":
            raise GoneError
        _, version, state, wrapped, quiet, length, entries = answer
        seal = self._key.unwrap(WrappedKey(wrapped), id)
        return View(
            conversation=_open_state(seal, id, int(version), state),
            version=int(version),
            length=int(length),
            entries=tuple(_said_entries(seal, id, max(0, after), entries, quiet)),
            delivery=delivery if lease and entries else None,
        )

    async def close_delivery(self, id: ConversationId, delivery: DeliveryId) -> None:
        """See `bot.dialogue.ports.Store`."""
        await call(self._client, "ZREM", _Keys(id).deliveries, delivery)

    async def open_deliveries(self, id: ConversationId) -> int:
        """See `bot.dialogue.ports.Store`."""
        return int(await _OPEN.run(self._client, (_Keys(id).deliveries,)))

    async def set_aside(self, id: ConversationId, key: InputKey, what: bytes) -> None:
        """See `bot.dialogue.ports.Store`."""
        names = _Keys(id)
        wrapped = await call(self._client, "GET", names.key)
        if wrapped is None:
            raise GoneError
        sealed = self._key.unwrap(WrappedKey(wrapped), id).close(what, f"{id}:aside".encode())
        await call(self._client, "HSET", names.aside, self._input(id, key), sealed)
        keep_for = int(await call(self._client, "PTTL", names.key))
        await call(self._client, "PEXPIRE", names.aside, max(1, keep_for))

    async def erase(self, id: ConversationId) -> None:
        """See `bot.dialogue.ports.Store`."""
        names = _Keys(id)
        await self._note_erasure(id)
        await _ERASE.run(self._client, (*names.all(), names.erased), ERASED_IS_REMEMBERED)
        await self._unlist(id, QUEUE, LEASES)

    async def _note_erasure(self, id: ConversationId) -> None:
        """Remember that `id` is being erased, for the rewriting of files and for restores.

        A crash in between leaves an erasure noted that was asked for and not done. It was not
        confirmed either, and a restore that leaves it out does what the person wanted.
        """
        at = Milliseconds(int(await _NOTE.run(self._client, (ERASURES,), id, KEPT_DAYS * DAY)))
        if self._journal is not None:
            await self._journal.note(id, at)

    async def project(self, id: ConversationId) -> None:
        """See `bot.dialogue.ports.Index`."""
        owner, rank, since, lease = await call(
            self._client, "HMGET", _Keys(id).record, "owner", "rank", "since", "lease_until"
        )
        if owner == b"waiting":
            score = int(rank or 0) * _RANK_STEP + int(since or 0)
            await call(self._client, "ZADD", QUEUE, score, id)
        else:
            await self._unlist(id, QUEUE)
        if owner == b"operator":
            await call(self._client, "ZADD", LEASES, int(lease or 0), id)
        else:
            await self._unlist(id, LEASES)

    async def _unlist(self, id: ConversationId, *indexes: str) -> None:
        for index in indexes:
            await call(self._client, "ZREM", index, id)

    async def queue(self) -> tuple[Waiting, ...]:
        """See `bot.dialogue.ports.Index`."""
        return tuple(
            Waiting(id=id, rank=score // _RANK_STEP, since=Milliseconds(score % _RANK_STEP))
            for id, score in await self._listed(QUEUE, "+inf")
        )

    async def place(self, id: ConversationId, rank: int) -> int:
        """Where a conversation of that rank stands in the queue, or would stand, from 1."""
        score = await call(self._client, "ZSCORE", QUEUE, id)
        if score is not None and int(float(score)) // _RANK_STEP == rank:
            return int(await call(self._client, "ZRANK", QUEUE, id) or 0) + 1
        first_behind = (rank + 1) * _RANK_STEP
        ahead = int(await call(self._client, "ZCOUNT", QUEUE, "-inf", f"({first_behind}"))
        among_them = score is not None and float(score) < first_behind
        return ahead - among_them + 1

    async def leases_ended(self) -> tuple[tuple[ConversationId, Milliseconds], ...]:
        """See `bot.dialogue.ports.Index`."""
        ended = await self._listed(LEASES, str(await self.now()))
        return tuple((id, Milliseconds(score)) for id, score in ended)

    async def _listed(self, index: str, most: str) -> list[tuple[ConversationId, int]]:
        found = await _LIST.run(self._client, (index,), most, MOST_LISTED)
        return [
            (ConversationId(member.decode()), int(float(score)))
            for member, score in zip(found[::2], found[1::2], strict=True)
        ]

    async def all_ids(self) -> AsyncIterator[ConversationId]:
        """See `bot.dialogue.ports.Index`."""
        for index in (QUEUE, LEASES):
            for id, _ in await self._listed(index, "+inf"):
                yield id
        anything: Any = self._client
        async with store_trouble():
            names = [name async for name in anything.scan_iter(match="fp:{*}:c", count=500)]
        for name in names:
            yield ConversationId(name.decode().split("{", 1)[1].split("}", 1)[0])

    async def now(self) -> Milliseconds:
        """See `bot.dialogue.ports.Index`."""
        return Milliseconds(int(await _NOW.run(self._client, (LEASES,))))

    async def hold_lease(self, name: str, holder: str, keep_for: Milliseconds) -> bool:
        """See `bot.dialogue.ports.Index`."""
        return bool(await _RENEW.run(self._client, (f"fp:lease:{name}",), holder, keep_for))

    async def let_go(self, name: str, holder: str) -> None:
        """See `bot.dialogue.ports.Index`."""
        await _RELEASE.run(self._client, (f"fp:lease:{name}",), holder)


def _done(stored: bytes) -> Done:
    first, last = stored.split(b":")
    return Done(int(first), int(last))


def _state_place(id: ConversationId, version: int) -> bytes:
    return f"{id}:state:{version}".encode()


def _open_state(seal: Seal, id: ConversationId, version: int, state: bytes) -> Conversation:
    return load_conversation(seal.open(state, _state_place(id, version)))


def _entry_place(id: ConversationId, seq: int, letter: bytes) -> bytes:
    return f"{id}:log:{seq}:".encode() + letter


def _close_entry(seal: Seal, id: ConversationId, seq: int, message: Message) -> bytes:
    letter = _LETTER[message.by]
    return letter + seal.close(dump_message(message), _entry_place(id, seq, letter))


def _said_entries(
    seal: Seal, id: ConversationId, after: int, entries: Iterable[bytes], quiet: bytes
) -> Iterable[Entry]:
    """The entries but for what a takeover left unsaid."""
    unsaid = [tuple(map(int, part.split(b"-"))) for part in quiet.split(b";") if part]
    for seq, stored in enumerate(entries, start=after + 1):
        letter, sealed = stored[:1], stored[1:]
        if letter not in _LETTER.values():
            raise CorruptStateError("an entry without an author")
        if letter == b"b" and any(first <= seq <= last for first, last in unsaid):
            continue
        yield Entry(seq, load_message(seal.open(sealed, _entry_place(id, seq, letter))))
