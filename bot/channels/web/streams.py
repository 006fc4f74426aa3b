"""Answers that stay open: events for the page with JavaScript, list items for the page without.

A delivery is written under a lease (design section 4): whoever reads too slowly to take it
within the lease loses the connection, so that nothing of the bot waits in a buffer while a human
takes over. The page connects again and asks from where it stopped.
"""

import asyncio
import json
import secrets
import socket
from collections import OrderedDict
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from aiohttp import web

from bot.channels.web.chat import Chat, ForeignTokenError
from bot.channels.web.present import Json, view_json
from bot.dialogue.news import Bell, News
from bot.dialogue.render import RenderedMessage, RenderedText, RenderedView
from bot.dialogue.takeover import DELIVERY_LEASE
from bot.dialogue.turns import ViewEndedError
from bot.domain.ids import ConversationId, Milliseconds
from bot.errors import GoneError, StoreUnavailableError

HEARTBEAT_SECONDS = 15.0
"""Also how long news may take when a ring was lost."""

MOST_SECONDS = 600.0
"""After so long a page connects again: nothing stays open for ever."""

MOST_STREAMS = 2000

SEND_BUFFER_BYTES = 32 * 1024
"""What the system may hold for a reader. Little, or it would take everything at once and a slow
reader would look like a quick one."""

PART_CHARACTERS = 6000
"""What one lease covers: as much as a slow line carries in that time, or one message."""

PROBE_SECONDS = 2.0
"""How long a page without JavaScript may take to ask for its style sheet. Where a proxy holds
the whole page back it cannot ask, and the page is ended instead of being held open."""

_MOST_REMEMBERED = 10_000

End = Literal["gone", "view_ended"]


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


@dataclass(frozen=True, slots=True)
class Line:
    """An open connection to a page."""

    request: web.Request
    response: web.StreamResponse

    async def open(self) -> None:
        """Send the headers, and let nothing pile up from here on."""
        transport = self.request.transport
        if transport is None:
            raise ConnectionResetError
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        transport.set_write_buffer_limits(high=0)
        self.response.force_close()
        await self.response.prepare(self.request)

    async def write(self, data: bytes, until: float) -> None:
        """Give `data` to the system before `until`, or give up the connection.

        Raises:
            ConnectionError: the reader is too slow, or gone.
        """
        try:
            async with asyncio.timeout_at(until):
                await self.response.write(data)
                await self.request.writer.drain()
        except TimeoutError:
            self.abort()
            raise ConnectionResetError from None

    def abort(self) -> None:
        """End the connection without sending what is still in a buffer."""
        if self.request.transport is not None:
            self.request.transport.abort()


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
    lease: Milliseconds = DELIVERY_LEASE
    open: int = 0
    _probes: dict[str, Bell] = field(default_factory=dict[str, Bell])
    _held_back: OrderedDict[ConversationId, None] = field(
        default_factory=OrderedDict[ConversationId, None]
    )

    async def carry(self, line: Line, token: str, after: int, writer: Writer) -> None:
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
                while not self.news.closed and _now() < until:
                    shown = await self._deliver(line, token, shown, writer)
                    if not shown.more and not await bell.wait(HEARTBEAT_SECONDS):
                        await line.write(writer.heartbeat(), self._deadline())
        except GoneError:
            await self._end(line, writer.end("gone"))
        except (ViewEndedError, ForeignTokenError):
            await self._end(line, writer.end("view_ended"))
        except (ConnectionError, StoreUnavailableError):
            # The page connects again, and learns then what is the matter.
            line.abort()

    async def _deliver(self, line: Line, token: str, shown: _Shown, writer: Writer) -> _Shown:
        # The lease begins with the read: what is left of it afterwards is for writing.
        until = self._deadline()
        delivery = await self.chat.deliver(token, shown.after, self.lease)
        try:
            view, more = _part(delivery.view)
            state = (view.question, view.owner, view.language)
            if view.messages or state != shown.state:
                await line.write(writer.news(view, more=more), until)
            return _Shown(max(shown.after, view.last), shown.state if more else state, more)
        finally:
            await self.chat.delivered(delivery)

    async def _end(self, line: Line, last: bytes) -> None:
        try:
            await line.write(last, self._deadline())
        except ConnectionError:
            return

    def _deadline(self) -> float:
        return _now() + 0.8 * self.lease / 1000

    @contextmanager
    def counted(self) -> Generator[None]:
        """One more connection that is held open.

        Raises:
            TooManyStreamsError: no more are held open.
        """
        if self.open >= MOST_STREAMS:
            raise TooManyStreamsError
        self.open += 1
        try:
            yield
        finally:
            self.open -= 1

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
