"""What staff did, in a form that cannot be changed unnoticed. Never what was said.

Each member of staff has a stream of records. A record carries a code that only this installation
can make, over itself and the code of the record before: none can be changed, left out or put in
between. A signed head over all streams, renewed with each record, shows when the end of one is cut
off. It never goes back: where records are missing it keeps saying what was there. It is a
signature, so that somebody outside who was given a head can check it.

Whoever can write into the store can put back an older head together with the records of then.
Only somebody who noted a later head elsewhere can tell.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NewType, Protocol, cast

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from bot.dialogue.stopping import stopped_within
from bot.domain.ids import Milliseconds
from bot.errors import StoreError, StoreUnavailableError

log = logging.getLogger(__name__)

Mark = Callable[..., bytes]
"""Bytes that only this installation can make, for a purpose and some parts."""

Stream = NewType("Stream", str)
"""Whose records: the id of a member of staff."""

TERMINAL = Stream("terminal")
"""Whoever sits at the machine itself."""

HEAD_EVERY_SECONDS = 60.0
"""How often the head is looked after: a process that died between a record and its head has left
one behind."""

MOST_TRIES = 50


class Trail(Protocol):
    """Where the records are kept."""

    async def now(self) -> Milliseconds:
        """The time that all processes share."""
        ...

    async def newest(self, stream: str) -> tuple[int, bytes]:
        """How many records a stream has, and the newest; 0 and nothing when it has none."""
        ...

    async def append(self, stream: str, number: int, record: bytes) -> bool:
        """Add a record as number `number`; False when that number is taken."""
        ...

    async def record(self, stream: str, number: int) -> bytes:
        """The record of that number; nothing when there is none."""
        ...

    async def records(self, stream: str) -> Sequence[bytes]:
        """All records of a stream."""
        ...

    async def streams(self) -> Sequence[str]:
        """The names of all streams."""
        ...

    async def head(self) -> bytes | None:
        """The newest signed head."""
        ...

    async def swap_head(self, before: bytes | None, head: bytes) -> bool:
        """Keep a signed head instead of the one before; False when another one is there."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Who did what and when."""

    stream: Stream
    number: int
    at: Milliseconds
    what: str
    on: str
    """The random id of the conversation or account; empty when it was neither."""


@dataclass(frozen=True, slots=True)
class End:
    """Where a stream stands: how many records it has, and the code of the newest."""

    count: int
    code: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a look through all records found."""

    records: int
    problems: tuple[str, ...]
    head: bytes | None
    key: bytes
    """The public key for the signature of the head."""


@dataclass(frozen=True, slots=True)
class Audit:
    """Writes and checks records."""

    trail: Trail
    mark: Mark = field(repr=False)
    signing: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    """Whoever signs in this process does so in turn, instead of trying against each other."""

    async def note(self, who: str, what: str, on: str = "") -> None:
        """Record what is about to be done. It is written before it is done.

        Raises:
            StoreUnavailableError: it is not known to be recorded, so it must not be done.
        """
        stream = Stream(who)
        for _ in range(MOST_TRIES):
            count, newest = await self.trail.newest(stream)
            body = {"n": count + 1, "at": await self.trail.now(), "what": what, "on": on}
            code = self._code(stream, _code_of(newest) if newest else "", body)
            record = json.dumps({**body, "code": code}).encode()
            if await self.trail.append(stream, count + 1, record):
                await self._sign((stream,))
                return
        raise StoreUnavailableError("too many records at once")

    async def read(self, who: str) -> tuple[Record, ...]:
        """The records of a stream, the oldest first, as far as they can be read."""
        found = (_parsed(line) for line in await self.trail.records(who))
        return tuple(_record(Stream(who), body) for body in found if body is not None)

    async def sign_head(self) -> None:
        """Sign where every stream stands now."""
        await self._sign(await self.trail.streams())

    async def _sign(self, streams: Iterable[str]) -> None:
        """Sign where these streams stand now, and the others as before."""
        async with self.signing:
            for _ in range(MOST_TRIES):
                before = await self.trail.head()
                said = self._said(before)
                if said is None:
                    log.error("audit_damaged")  # left as it is, for whoever verifies
                    return
                now = {**said, **await self._ends(streams, said)}
                if now == said or await self.trail.swap_head(before, await self._head(now)):
                    return
        raise StoreUnavailableError("too many heads at once")

    async def _ends(self, streams: Iterable[str], said: Mapping[str, End]) -> dict[str, End]:
        """Where these streams stand, but for those that do not go on from where they stood."""
        found: dict[str, End] = {}
        for stream in streams:
            count, newest = await self.trail.newest(stream)
            stood = said.get(stream, End(0, ""))
            if (
                stood.count
                and _code_of(await self.trail.record(stream, stood.count)) != stood.code
            ):
                log.error("audit_damaged")
            elif count > stood.count:
                found[stream] = End(count, _code_of(newest))
        return found

    async def _head(self, ends: Mapping[str, End]) -> bytes:
        streams = {stream: [end.count, end.code] for stream, end in ends.items()}
        said = {"at": await self.trail.now(), "streams": streams}
        body = json.dumps(said, sort_keys=True).encode()
        return self._signer().sign(body).hex().encode() + b" " + body

    def _said(self, head: bytes | None) -> dict[str, End] | None:
        """What a head says; None when it is not ours."""
        if head is None:
            return {}
        signature, _, body = head.partition(b" ")
        if not is_signed(body, signature, self.public_key):
            return None
        streams: dict[str, tuple[int, str]] = json.loads(body)["streams"]
        return {stream: End(count, code) for stream, (count, code) in streams.items()}

    async def serve(self, stop: asyncio.Event) -> None:
        """Look after the head now and then until `stop`. Trouble of the store is waited out."""
        while not stop.is_set():
            try:
                await self.sign_head()
            except StoreError:
                log.warning("head_not_signed")
            await stopped_within(stop, HEAD_EVERY_SECONDS)

    async def verify(self) -> Verified:
        """Look for records that were changed, left out, or cut off."""
        problems: list[str] = []
        codes: dict[str, list[str]] = {}
        head = await self.trail.head()  # first: records only become more
        for stream in await self.trail.streams():
            lines = await self.trail.records(stream)
            codes[stream] = [_code_of(line) for line in lines]
            problems.extend(self._broken(Stream(stream), lines))
        problems.extend(self._cut_off(head, codes))
        count = sum(len(found) for found in codes.values())
        return Verified(count, tuple(problems), head, self.public_key)

    @property
    def public_key(self) -> bytes:
        """With it anybody can check the signature of a head (Ed25519, RFC 8032)."""
        return self._signer().public_key().public_bytes_raw()

    def _broken(self, stream: Stream, lines: Sequence[bytes]) -> Iterator[str]:
        before = ""
        for number, line in enumerate(lines, start=1):
            parsed = _parsed(line)
            code = parsed.pop("code", "") if parsed else ""
            if parsed is None or parsed.get("n") != number:
                yield f"{stream}, record {number}: it is not the record that was written here"
            elif code != self._code(stream, before, parsed):
                yield f"{stream}, record {number}: it was changed, or one before it is missing"
            before = str(code)

    def _cut_off(self, head: bytes | None, codes: Mapping[str, Sequence[str]]) -> Iterator[str]:
        if head is None:
            if codes:
                yield "There are records and no signed head."
            return
        said = self._said(head)
        if said is None:
            yield "The signature of the head is not ours."
            return
        for stream, end in said.items():
            found = codes.get(stream, ())
            if len(found) < end.count or found[end.count - 1] != end.code:
                yield f"{stream}: records are missing at its end"

    def _code(self, stream: Stream, before: str, body: Mapping[str, Any]) -> str:
        return self.mark("audit", stream, before, json.dumps(body, sort_keys=True)).hex()

    def _signer(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.mark("audit-head"))


def is_signed(body: bytes, signature: bytes, public_key: bytes) -> bool:
    """Whether `signature`, in hexadecimal digits, was made for `body`."""
    try:
        key = Ed25519PublicKey.from_public_bytes(public_key)
        key.verify(bytes.fromhex(signature.decode("ascii")), body)
    except (InvalidSignature, ValueError):
        return False
    return True


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        found: Any = json.loads(line)
    except ValueError:
        return None
    return cast(dict[str, Any], found) if isinstance(found, dict) else None


def _code_of(line: bytes) -> str:
    parsed = _parsed(line)
    return str(parsed.get("code", "")) if parsed else ""


def _record(stream: Stream, body: Mapping[str, Any]) -> Record:
    return Record(
        stream=stream,
        number=int(body.get("n", 0)),
        at=Milliseconds(int(body.get("at", 0))),
        what=str(body.get("what", "")),
        on=str(body.get("on", "")),
    )
