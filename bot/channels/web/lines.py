"""Connections to pages, to which little is written at a time and within a time.

What the program said is written under a lease (design section 4): a human who takes over waits
for it. Whoever reads too slowly to take it within the lease loses the connection, so that nothing
of the program waits in a buffer while a human begins. The page asks again from where it stopped.
"""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from bot.channels.web.chat import Answered, Chat

SEND_BUFFER_BYTES = 32 * 1024
"""What the system may hold for a reader. Little, or it would take everything at once and a slow
reader would look like a quick one."""


@dataclass(frozen=True, slots=True)
class Line:
    """An open connection to a page."""

    request: web.Request
    response: web.StreamResponse

    async def open(self, until: float) -> None:
        """Send the headers before `until`, and let nothing pile up from here on.

        Raises:
            ConnectionError: as in `write`.
        """
        self._let_nothing_pile_up()
        self.response.force_close()
        async with self._before(until):
            await self.response.prepare(self.request)

    async def write(self, data: bytes, until: float) -> None:
        """Give `data` to the system before `until`, or give up the connection.

        Raises:
            ConnectionError: the reader is too slow, or gone.
        """
        async with self._before(until):
            await self.response.write(data)
            await self.request.writer.drain()

    async def end(self, until: float, last: bytes = b"") -> None:
        """Say, after `last`, that nothing more comes, before `until`, or give up the connection.

        Raises:
            ConnectionError: as in `write`.
        """
        async with self._before(until):
            await self.response.write_eof(last)

    async def send(self, until: float) -> None:
        """Give the whole response to the system before `until`, or give up the connection.

        Raises:
            ConnectionError: as in `write`.
        """
        self._let_nothing_pile_up()
        async with self._before(until):
            await self.response.prepare(self.request)
            await self.response.write_eof()

    def abort(self) -> None:
        """End the connection without sending what is still in a buffer."""
        if self.request.transport is not None:
            self.request.transport.abort()

    @asynccontextmanager
    async def _before(self, until: float) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout_at(until):
                yield
        except TimeoutError:
            self.abort()
            raise ConnectionResetError from None

    def _let_nothing_pile_up(self) -> None:
        transport = self.request.transport
        if transport is None:
            raise ConnectionResetError
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        transport.set_write_buffer_limits(high=0)


async def hand_over(
    chat: Chat, request: web.Request, response: web.StreamResponse, answered: Answered
) -> web.StreamResponse:
    """The `response` that shows what was `answered`, written already where a lease covers it."""
    if answered.delivery is None:
        return response
    written = 0
    try:
        await Line(request, response).send(answered.delivery.until)
        written = answered.newest
    except ConnectionError:
        pass  # whoever called notices as well; nothing counts as given
    finally:
        await chat.delivered(answered.delivery, written)
    return response
