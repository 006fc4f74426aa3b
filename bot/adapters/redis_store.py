"""Conversations in Redis, sealed, with one commit a turn."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.exceptions import NoScriptError

from bot.adapters.erasure_journal import DAY, KEPT_DAYS, ErasureJournal
from bot.adapters.redis_connection import TROUBLE
from bot.adapters.scripts import (
    CLOSE_DELIVERY,
    COMMIT,
    ERASE,
    LIST,
    LOAD,
    NOTE_ERASURE,
    NOTE_TIME,
    NOW,
    OPEN_DELIVERIES,
    READ,
    RELEASE_LEASE,
    RENEW_LEASE,
    TOUCH,
)
from bot.adapters.sealing import InstallationKey, Seal, WrappedKey
from bot.dialogue.codec import (
    dump_conversation,
    dump_message,
    load_conversation,
    load_message,
)
from bot.dialogue.ports import (
    DELIVERY_LEASE,
    Commit,
    DeliveryId,
    Done,
    Entry,
    Loaded,
    Standing,
    View,
    Waiting,
)
from bot.domain.control import Owner
from bot.domain.conversation import Conversation
from bot.domain.ids import ConversationId, InputKey, Milliseconds
from bot.domain.messages import Author, Message
from bot.errors import CorruptStateError, GoneError, StoreUnavailableError

Client = Redis | RedisCluster

TIMEOUT_SECONDS = 5.0
"""Redis answers in well under a millisecond; with an fsync for each write, in a few."""

MOST_ENTRIES_READ = 1000
MOST_KEPT = 10_000
"""Entries of one conversation. Beyond it the oldest go: ways out of a full conversation always
work and may be asked for without end, and nobody may fill the store."""

ERASED_IS_REMEMBERED = Milliseconds(7 * 24 * 3600 * 1000)
"""As long as a backup of the keys is kept (design section 9)."""

QUEUE = "fp:queue"
LEASES = "fp:leases"
INDEXES = (QUEUE, LEASES)
_PROJECTED = ("owner", "rank", "since", "lease_until")
"""The fields of a record that the indexes are made of."""

ERASURES = "fp:erasures"
ASIDE = "fp:aside"
ASIDE_IS_NEW = Milliseconds(24 * 3600 * 1000)
"""How long the doctor complains of inputs that were set aside. What is kept of them may be gone
with its conversation long before somebody looks."""

SWEPT = "fp:swept"
"""When a round of the sweeper was last finished."""

TRIED = "fp:tried"
TRIED_IS_KEPT = Milliseconds(10_000)
_PLACES_TRIED = 100
MOST_LISTED = 1000
SEEN_AT_ONCE = 200
"""Conversations in one step of a walk over all of them, so that nobody is held up by it."""

_LETTER = {Author.PERSON: b"p", Author.BOT: b"b", Author.OPERATOR: b"o", Author.NOTICE: b"n"}
_INPUT_BYTES = 16
_NO_INPUT = b""
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


async def confirm(client: Client, replicas: int, name: str, field: bytes = b"") -> None:
    """Wait until so many replicas have what stands under `name`, or in that field of it.

    WAIT answers for what its own connection wrote, and to its own server: a connection of the
    pool may be another one, and in a failover lead to another server than the one written to. So
    whatever is to be confirmed is looked for, and written once more, on the connection that waits.

    Raises:
        StoreUnavailableError: They do not have it in time; it may come to be lost.
    """
    if not replicas:
        return
    milliseconds = int(TIMEOUT_SECONDS * 500)
    touch, wait = ("EVAL", TOUCH, 1, name, field), ("WAIT", replicas, milliseconds)
    async with store_trouble():
        there, confirmed = await _on_one_connection(client, name, touch, wait)
    if there and int(confirmed) >= replicas:
        return
    if isinstance(client, Redis):
        # This server may not be the primary one any more; a new connection asks who is.
        async with store_trouble():
            await client.connection_pool.disconnect(inuse_connections=False)
    raise StoreUnavailableError("too few replicas confirmed")


async def _on_one_connection(
    client: Client, name: str, *commands: tuple[str | int | bytes, ...]
) -> list[Any]:
    anything: Any = client
    pipeline = anything.pipeline(transaction=False)
    if not isinstance(client, RedisCluster):
        for words in commands:
            pipeline.execute_command(*words)
        return list(await pipeline.execute())
    node = anything.get_node_from_key(name)
    for words in commands:
        pipeline.execute_command(*words, target_nodes=node)
    # A command that is sent on to another node would be parted from the one that waits for it.
    return list(await pipeline.execute(allow_redirections=False))


_LOAD, _COMMIT, _READ, _ERASE = Script(LOAD), Script(COMMIT), Script(READ), Script(ERASE)
_OPEN, _CLOSE = Script(OPEN_DELIVERIES), Script(CLOSE_DELIVERY)
_NOW, _LIST = Script(NOW), Script(LIST)
_RELEASE, _RENEW = Script(RELEASE_LEASE), Script(RENEW_LEASE)
_NOTE, _NOTE_TIME = Script(NOTE_ERASURE), Script(NOTE_TIME)


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


def record_of(id: ConversationId) -> str:
    """The name of the key in which a conversation's record is."""
    return _Keys(id).record


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
        return await self._load(id, self._input(id, key))

    async def look(self, id: ConversationId) -> Loaded:
        """See `bot.dialogue.ports.Store`."""
        return await self._load(id, _NO_INPUT)

    async def _load(self, id: ConversationId, mark: bytes) -> Loaded:
        names = _Keys(id)
        version, state, wrapped, length, done, erased, now = await _LOAD.run(
            self._client,
            (names.record, names.key, names.log, names.inputs, names.erased),
            mark,
        )
        if erased:
            await self._confirm(names.erased)  # saying that it is gone must be true tomorrow
        if erased or wrapped is None or version is None:
            raise GoneError
        if done:
            # It had its turn, but nobody may have been told, because no replica confirmed it.
            await self._confirm(names.inputs, mark)
        seal = self._key.unwrap(WrappedKey(wrapped), id)
        return Loaded(
            conversation=_open_state(seal, id, int(version), state),
            version=int(version),
            length=int(length),
            handle=wrapped,
            now=Milliseconds(int(now)),
            done=_done(done, repeated=True) if done else None,
        )

    async def commit(self, commit: Commit) -> Done | None:
        """See `bot.dialogue.ports.Store`."""
        names = _Keys(commit.id)
        wrapped = commit.handle or self._key.new_conversation_key(commit.id)
        answer = await _COMMIT.run(
            self._client,
            (
                names.record,
                names.key,
                names.log,
                names.inputs,
                names.audit,
                names.erased,
                names.deliveries,
            ),
            *self._values(commit, WrappedKey(wrapped)),
        )
        if answer[0] == b"gone":
            raise GoneError
        if answer[0] == b"conflict":
            return None
        await self._confirm(names.inputs, self._input(commit.id, commit.key))
        return _done(answer[1], repeated=answer[0] == b"repeated")

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
            MOST_KEPT,
            conversation.release,
            commit.delivery or "",
            DELIVERY_LEASE,
            *(
                _close_entry(seal, id, commit.length + index, message)
                for index, message in enumerate(commit.messages, start=1)
            ),
        ]

    async def _confirm(self, name: str, field: bytes = b"") -> None:
        await confirm(self._client, self._replicas, name, field)

    async def read(
        self,
        id: ConversationId,
        after: int,
        lease: Milliseconds | None = None,
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
        )
        if answer[0] == b"gone":
            raise GoneError
        _, version, state, wrapped, quiet, length, first_after, entries = answer
        seal = self._key.unwrap(WrappedKey(wrapped), id)
        return View(
            conversation=_open_state(seal, id, int(version), state),
            version=int(version),
            length=int(length),
            entries=tuple(_said_entries(seal, id, int(first_after), entries, quiet)),
            delivery=delivery if lease and entries else None,
        )

    async def close_delivery(self, id: ConversationId, read: View, written: int) -> None:
        """See `bot.dialogue.ports.Store`."""
        if read.delivery is None:
            return
        names = _Keys(id)
        await _CLOSE.run(
            self._client,
            (names.record, names.deliveries),
            read.delivery,
            read.entries[0].seq if read.entries else written + 1,
            written,
            read.version,
        )

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
        await call(self._client, "INCR", ASIDE)
        await call(self._client, "PEXPIRE", ASIDE, ASIDE_IS_NEW)

    async def erase(self, id: ConversationId) -> None:
        """See `bot.dialogue.ports.Store`."""
        names = _Keys(id)
        await self._note_erasure(id)
        await _ERASE.run(self._client, (*names.all(), names.erased), ERASED_IS_REMEMBERED)
        await self._unlist(id, QUEUE, LEASES)
        await self._confirm(names.erased)

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
        fields = await call(self._client, "HMGET", _Keys(id).record, *_PROJECTED)
        for index, score in _scores(fields).items():
            if score is None:
                await self._unlist(id, index)
            else:
                await call(self._client, "ZADD", index, score, id)

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

    async def mend(self) -> AsyncIterator[tuple[Standing, ...]]:
        """See `bot.dialogue.ports.Index`."""
        some: list[ConversationId] = []
        async for id in self.all_ids():
            some.append(id)
            if len(some) == SEEN_AT_ONCE:
                yield await self._mend(some)
                some.clear()
        if some:
            yield await self._mend(some)

    async def _mend(self, ids: Sequence[ConversationId]) -> tuple[Standing, ...]:
        """Project those only that an index has wrong: hardly ever one."""
        anything: Any = self._client
        async with store_trouble():
            pipeline = anything.pipeline(transaction=False)
            for id in ids:
                pipeline.execute_command("HMGET", _Keys(id).record, *_PROJECTED, "release")
            for index in INDEXES:
                pipeline.execute_command("ZMSCORE", index, *ids)
            answers = await pipeline.execute()
        records, scores = answers[: len(ids)], zip(*answers[len(ids) :], strict=True)
        for id, fields, found in zip(ids, records, scores, strict=True):
            if [_score(one) for one in found] != list(_scores(fields).values()):
                await self.project(id)
        return tuple(map(_standing, ids, records))

    async def note_sweep(self) -> None:
        """See `bot.dialogue.ports.Index`."""
        await _NOTE_TIME.run(self._client, (SWEPT,))

    async def all_ids(self) -> AsyncIterator[ConversationId]:
        """See `bot.dialogue.ports.Index`."""
        for index in INDEXES:
            for id, _ in await self._listed(index, "+inf"):
                yield id
        anything: Any = self._client
        names = anything.scan_iter(match="fp:{*}:c", count=500)
        while True:
            async with store_trouble():
                name = await anext(names, None)
            if name is None:
                return
            yield ConversationId(name.decode().split("{", 1)[1].split("}", 1)[0])

    async def now(self) -> Milliseconds:
        """See `bot.dialogue.ports.Index`."""
        return Milliseconds(int(await _NOW.run(self._client, (LEASES,))))

    async def try_to_write(self) -> None:
        """Write something that means nothing, as a turn is written: in a cluster, anywhere.

        Raises:
            StoreUnavailableError: Redis does not answer, or keeps nothing: it is full, or only
                for reading, or too few replicas confirmed.
        """
        name = f"{TRIED}:{secrets.randbelow(_PLACES_TRIED)}"
        await call(self._client, "SET", name, 1, "PX", TRIED_IS_KEPT)
        await self._confirm(name)

    async def hold_lease(self, name: str, holder: str, keep_for: Milliseconds) -> bool:
        """See `bot.dialogue.ports.Index`."""
        return bool(await _RENEW.run(self._client, (f"fp:lease:{name}",), holder, keep_for))

    async def let_go(self, name: str, holder: str) -> None:
        """See `bot.dialogue.ports.Index`."""
        await _RELEASE.run(self._client, (f"fp:lease:{name}",), holder)


def _done(stored: bytes, *, repeated: bool) -> Done:
    first, last = stored.split(b":")
    return Done(int(first), int(last), repeated=repeated)


def _scores(fields: Sequence[bytes | None]) -> dict[str, int | None]:
    """Where a conversation stands in each index by its record; None: not in it."""
    owner, rank, since, lease = fields[: len(_PROJECTED)]
    return {
        QUEUE: int(rank or 0) * _RANK_STEP + int(since or 0) if owner == b"waiting" else None,
        LEASES: int(lease or 0) if owner == b"operator" else None,
    }


def _score(answer: bytes | float | None) -> int | None:
    return None if answer is None else int(float(answer))


def _standing(id: ConversationId, fields: Sequence[bytes | None]) -> Standing:
    owner, release = fields[0], fields[-1]
    return Standing(
        id,
        Owner(owner.decode()) if owner is not None else None,
        int(release) if release is not None else None,
    )


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
    unsaid = [tuple(map(int, part.split(b"-")[:2])) for part in quiet.split(b";") if part]
    for seq, stored in enumerate(entries, start=after + 1):
        letter, sealed = stored[:1], stored[1:]
        if letter not in _LETTER.values():
            raise CorruptStateError("an entry without an author")
        if letter == b"b" and any(first <= seq <= last for first, last in unsaid):
            continue
        yield Entry(seq, load_message(seal.open(sealed, _entry_place(id, seq, letter))))
