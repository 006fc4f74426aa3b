"""What happens without anybody sending anything: leases that end, and indexes that are mended.

One process at a time does it, by a lease in the store; when that process dies, another takes
over within `LEASE`.
"""

import asyncio
import logging
import secrets
from contextlib import suppress
from dataclasses import dataclass, field

from bot.dialogue.ports import Index
from bot.dialogue.takeover import announce_takeover
from bot.dialogue.turns import Turns
from bot.domain.control import Owner
from bot.domain.ids import ConversationId, InputKey, Milliseconds
from bot.engine.received import LeaseEnded, WaitedLong
from bot.errors import FirstpointError, GoneError, StoreUnavailableError

log = logging.getLogger(__name__)

LEASE = Milliseconds(10_000)
EVERY_SECONDS = 1.0
LONG_WAIT = Milliseconds(5 * 60_000)
"""After so long nobody has to sit and wait (trauma-informed chat, section 8)."""

LONG_WAITS_EVERY = 5
MEND_EVERY = 30
"""Sweeps between two walks over all conversations."""


@dataclass(slots=True)
class Sweeper:
    """Sweeps while it holds the lease."""

    turns: Turns
    index: Index
    holder: str = field(default_factory=lambda: secrets.token_hex(8))
    long_wait: Milliseconds = LONG_WAIT
    _told: set[tuple[ConversationId, Milliseconds]] = field(
        default_factory=set[tuple[ConversationId, Milliseconds]], repr=False
    )
    """Spares a turn that would say nothing; the conversation itself knows what it was told."""

    async def serve(self, stop: asyncio.Event) -> None:
        """Sweep until `stop`. Trouble of the store is waited out."""
        sweeps = 0
        try:
            while not stop.is_set():
                try:
                    if await self.index.hold_lease("sweeper", self.holder, LEASE):
                        await self.end_leases()
                        if sweeps % LONG_WAITS_EVERY == 0:
                            await self.tell_long_waits()
                        if sweeps % MEND_EVERY == 0:
                            await self.mend()
                        sweeps += 1
                except FirstpointError as error:
                    log.warning("sweep_failed", extra={"error_type": type(error).__name__})
                await _pause(stop)
        finally:
            await self._let_go()

    async def end_leases(self) -> None:
        """Put conversations of silent operators back into the queue, and tell the person."""
        for id, ended in await self.index.leases_ended():
            with suppress(GoneError):
                await self.turns.receive(
                    id,
                    InputKey(f"lease:{ended}"),
                    LeaseEnded(lease_until=ended),
                    channel_takes=False,
                )
            await self.index.project(id)

    async def tell_long_waits(self) -> None:
        """Tell people who have waited long that they need not sit and wait.

        Only the log is written: who reads it there asked for it, and nothing is pushed.
        """
        long_ago = await self.index.now() - self.long_wait
        waiting = await self.index.queue()
        long = {(one.id, one.since) for one in waiting if one.since <= long_ago}
        for id, since in long - self._told:
            with suppress(GoneError):
                await self.turns.receive(
                    id, InputKey(f"waited:{since}"), WaitedLong(), channel_takes=False
                )
        self._told = long

    async def mend(self) -> None:
        """Bring every index in line with the records, and finish takeovers left half done."""
        async for id in self.index.all_ids():
            await self.index.project(id)
            await self._finish_takeover(id)

    async def _finish_takeover(self, id: ConversationId) -> None:
        try:
            loaded = await self.turns.store.load(id, InputKey("-"))
        except GoneError:
            return
        control = loaded.conversation.control
        if control.owner is Owner.OPERATOR and not control.announced:
            await announce_takeover(self.turns, id, control.fence)

    async def _let_go(self) -> None:
        try:
            await self.index.let_go("sweeper", self.holder)
        except StoreUnavailableError:
            log.warning("lease_left_to_end")


async def _pause(stop: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(EVERY_SECONDS):
            await stop.wait()
    except TimeoutError:
        return
