"""Answers that stay open: events for the page with JavaScript, list items for the page without.

Each part is written under a lease of its own (`lines`). An open answer is a convenience: where it
is refused or ended, the page asks now and then instead.
"""

import asyncio
import json
import secrets
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from bot.channels.web.chat import Answered, Chat, ForeignTokenError
from bot.channels.web.lines import Line
from bot.channels.web.present import Json, view_json
from bot.dialogue.news import Bell, News
from bot.dialogue.render import RenderedMessage, RenderedText, RenderedView
from bot.domain.ids import ConversationId
from bot.errors import GoneError, StoreUnavailableError, ViewEndedError

HEARTBEAT_SECONDS = 15.0
"""Also how long news may take when a ring was lost."""

MOST_SECONDS = 600.0
"""After so long a page connects again: nothing stays open for ever."""

MOST_STREAMS = 2000
MOST_OF_ONE = 4
"""Connections of one conversation. A page has one; the others are of networks that have not said
yet that they are gone. So the oldest one ends."""

READS_AT_ONCE = 100
"""Everybody may be woken at the same moment, and whoever writes now needs the store as well."""

WRITE_SECONDS = 4.0
"""How long a line without news may take to be written, such as a heartbeat."""

PART_CHARACTERS = 6000
"""What one lease covers: as much as a slow line carries in that time, or one message."""

PROBE_SECONDS = 2.0
"""How long a page without JavaScript may take to ask for its style sheet. Where a proxy holds
the whole page back it cannot ask, and the page is ended instead of being held open."""

_MOST_REMEMBERED = 10_000

End = Literal["gone", "view_ended", "wait"]


class Writer(Protocol):
    """How an open page is told something."""

    def news(self, view: RenderedView, *, more: bool) -> bytes:
        """The next part of the log; with `more` others follow, and the rest of `view` is old."""
        ...

    def heartbeat(self) -> bytes:
        """A sign that the connection is alive."""
        ...

    def end(self, why: End) -> bytes:
        """Nothing more comes."""
        ...


class EventWriter:
    """Writes `text/event-stream`."""

    def news(self, view: RenderedView, *, more: bool) -> bytes:
        """See `Writer`."""
        shown = view_json(view)
        if more:
            shown = {name: shown[name] for name in ("messages", "last")}
        return f"id: {view.last}\n".encode() + self._event(shown)

    def heartbeat(self) -> bytes:
        """See `Writer`."""
        return b":\n\n"

    def end(self, why: End) -> bytes:
        """See `Writer`."""
        return self._event({"error": why})

    @staticmethod
    def _event(value: Json) -> bytes:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return f"data: {text}\n\n".encode()


class TooManyStreamsError(Exception):
    """No more connections are held open; the page asks now and then instead."""


@dataclass(slots=True, eq=False)
class Place:
    """One connection that is held open."""

    over: bool = False
    """Whether newer ones of the same conversation have taken its place."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """What an open page shows by now."""

    after: int
    state: object = None
    more: bool = False


@dataclass(slots=True)
class Streams:
    """The open answers of one process."""

    chat: Chat
    news: News
    open: int = 0
    _reads: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(READS_AT_ONCE))
    _places: dict[ConversationId, list[Place]] = field(
        default_factory=dict[ConversationId, list[Place]]
    )
    _probes: dict[str, Bell] = field(default_factory=dict[str, Bell])
    _held_back: OrderedDict[ConversationId, None] = field(
        default_factory=OrderedDict[ConversationId, None]
    )

    async def admit(self, token: str) -> None:
        """Look whether a page may be told what comes, before anything is written.

        Raises:
            ForeignTokenError, GoneError, ViewEndedError, StoreUnavailableError.
        """
        async with self._reads:
            await self.chat.admit(token)

    async def carry(
        self, line: Line, place: Place, token: str, after: int, writer: Writer
    ) -> None:
        """Deliver everything after the entry `after` and whatever follows, for some minutes.

        Raises:
            ForeignTokenError: before anything is written.

        Cancellation: what was begun to be written may arrive in part; nothing else is lost.
        """
        conversation = self.chat.speaker(token).conversation
        until = _now() + MOST_SECONDS
        shown = _Shown(after)
        try:
            with self.news.listen(conversation) as bell:
                while not place.over and not self.news.closed and _now() < until:
                    shown = await self._deliver(line, token, shown, writer)
                    if not shown.more and not await bell.wait(HEARTBEAT_SECONDS):
                        await line.write(writer.heartbeat(), soon())
            if place.over:
                await self._end(line, writer.end("wait"))
        except GoneError:
            await self._end(line, writer.end("gone"))
        except (ViewEndedError, ForeignTokenError):
            await self._end(line, writer.end("view_ended"))
        except (ConnectionError, StoreUnavailableError):
            # The page connects again, and learns then what is the matter.
            line.abort()

    async def _deliver(self, line: Line, token: str, shown: _Shown, writer: Writer) -> _Shown:
        async with self._reads:
            answered = await self.chat.read(token, shown.after)
        written = 0
        try:
            view, more = _part(_seen(answered))
            state = (view.question, view.owner, view.language)
            if view.messages or state != shown.state:
                until = answered.delivery.until if answered.delivery else soon()
                await line.write(writer.news(view, more=more), until)
                written = view.messages[-1].seq if view.messages else 0
            return _Shown(max(shown.after, view.last), shown.state if more else state, more)
        finally:
            await self.chat.delivered(answered.delivery, written)

    async def _end(self, line: Line, last: bytes) -> None:
        try:
            await line.write(last, soon())
        except ConnectionError:
            return

    @contextmanager
    def place(self, token: str) -> Generator[Place]:
        """Room for one more connection that is held open.

        Raises:
            ForeignTokenError: it is nobody's.
            TooManyStreamsError: no more are held open.
        """
        conversation = self.chat.speaker(token).conversation
        if self.open >= MOST_STREAMS:
            raise TooManyStreamsError
        place, own = Place(), self._places.setdefault(conversation, [])
        own.append(place)
        if len(own) > MOST_OF_ONE:
            own.pop(0).over = True
            self.news.ring(conversation)
        self.open += 1
        try:
            yield place
        finally:
            self.open -= 1
            if not place.over:
                own.remove(place)
            if not own:
                del self._places[conversation]

    def probe(self, token: str) -> str:
        """What a page adds to its style sheet's address; empty when it shall not stay open."""
        conversation = self.chat.speaker(token).conversation
        full = self.open + len(self._probes) >= MOST_STREAMS
        if full or self.news.closed or conversation in self._held_back:
            return ""
        name = secrets.token_hex(8)
        self._probes[name] = Bell()
        return name

    def probed(self, name: str) -> None:
        """A page asked for its style sheet, so it arrives while it is still open."""
        if name in self._probes:
            self._probes[name].ring()

    def forget(self, probe: str) -> None:
        """The page of that probe has been decided about."""
        self._probes.pop(probe, None)

    async def arrives(self, token: str, probe: str) -> bool:
        """Whether the page of that probe arrives bit by bit, and not only when it is ended."""
        if await self._probes[probe].wait(PROBE_SECONDS):
            return True
        self._held_back[self.chat.speaker(token).conversation] = None
        while len(self._held_back) > _MOST_REMEMBERED:
            self._held_back.popitem(last=False)
        return False


def _now() -> float:
    return asyncio.get_running_loop().time()


def soon() -> float:
    """Until when what no lease covers must be written."""
    return _now() + WRITE_SECONDS


def _seen(answered: Answered) -> RenderedView:
    if answered.view is None:
        raise GoneError
    return answered.view


def _part(view: RenderedView) -> tuple[RenderedView, bool]:
    """As many messages as one lease covers, and whether others are left."""
    size = 0
    for count, message in enumerate(view.messages):
        size += _size(message)
        if size > PART_CHARACTERS and count:
            kept = view.messages[:count]
            return replace(view, messages=kept, last=kept[-1].seq), True
    return view, False


def _size(message: RenderedMessage) -> int:
    return sum(
        len(line.words) if isinstance(line, RenderedText) else 100 for line in message.lines
    )
