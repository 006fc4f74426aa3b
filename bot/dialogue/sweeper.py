"""What happens without anybody sending anything: leases that end, and indexes that are mended.

One process at a time does it, by a lease in the store; when that process dies, another takes
over within `LEASE`.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from bot.dialogue.ports import Archive, Index, Standing, Waiting
from bot.dialogue.stopping import stopped_within
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
"""Rounds between the beginnings of two walks over all conversations, or more when one is long."""

NOTE_EVERY = 10
MOST_TROUBLE_IN_A_ROW = 10
"""So often it can be one conversation; then it is the store, and the round ends."""

T = TypeVar("T")


@dataclass(slots=True)
class _Walk:
    """On the way over all conversations."""

    steps: AsyncIterator[tuple[Standing, ...]]
    needed: set[int]
    """The releases that somebody needs, among those seen so far."""

    saw_all: bool = True


@dataclass(slots=True)
class Sweeper:
    """Sweeps while it holds the lease."""

    turns: Turns
    index: Index
    archive: Archive
    holder: str = field(default_factory=lambda: secrets.token_hex(8))
    long_wait: Milliseconds = LONG_WAIT
    _told: set[tuple[ConversationId, Milliseconds]] = field(
        default_factory=set[tuple[ConversationId, Milliseconds]], repr=False
    )
    """Spares a turn that would say nothing; the conversation itself knows what it was told."""

    _walk: _Walk | None = field(default=None, repr=False)

    async def serve(self, stop: asyncio.Event) -> None:
        """Sweep until `stop`. Trouble of the store is waited out."""
        rounds = 0
        try:
            while not stop.is_set():
                try:
                    if await self.index.hold_lease("sweeper", self.holder, LEASE):
                        await self._sweep(rounds)
                        rounds += 1
                except FirstpointError as error:
                    log.warning("sweep_failed", extra={"error_type": type(error).__name__})
                await stopped_within(stop, EVERY_SECONDS)
        finally:
            await self._let_go()

    async def _sweep(self, rounds: int) -> None:
        """One round. What takes long is done in small parts, so that the lease outlasts it."""
        await self.end_leases()
        if rounds % LONG_WAITS_EVERY == 0:
            await self.tell_long_waits()
        if self._walk or rounds % MEND_EVERY == 0:
            await self.mend_some()
        if rounds % NOTE_EVERY == 0:
            await self.index.note_sweep()

    async def end_leases(self) -> None:
        """Put conversations of silent operators back into the queue, and tell the person."""
        await _each(await self.index.leases_ended(), self._end_lease)

    async def _end_lease(self, one: tuple[ConversationId, Milliseconds]) -> None:
        id, ended = one
        key, what = InputKey(f"lease:{ended}"), LeaseEnded(lease_until=ended)
        with suppress(GoneError):
            await self.turns.receive(id, key, what, channel_takes=False)
        await self.index.project(id)

    async def tell_long_waits(self) -> None:
        """Tell people who have waited long that they need not sit and wait.

        Only the log is written: who reads it there asked for it, and nothing is pushed.
        """
        long_ago = await self.index.now() - self.long_wait
        long = [one for one in await self.index.queue() if one.since <= long_ago]
        await _each([one for one in long if (one.id, one.since) not in self._told], self._tell)
        self._told = {(one.id, one.since) for one in long}

    async def _tell(self, one: Waiting) -> None:
        key = InputKey(f"waited:{one.since}")
        with suppress(GoneError):
            await self.turns.receive(one.id, key, WaitedLong(), channel_takes=False)

    async def mend(self) -> None:
        """Bring every index in line with the records, and finish takeovers left half done."""
        while not await self.mend_some():
            pass

    async def mend_some(self) -> bool:
        """One step of a walk over all conversations; whether it was the last one.

        Whoever has seen every conversation knows which releases they need.
        """
        walk = self._walk or _Walk(self.index.mend(), {self.turns.releases.current().number})
        self._walk = None  # a walk in which a step fails begins again
        some = await anext(walk.steps, None)
        if some is not None:
            walk.saw_all &= await _each(some, lambda one: self._mend(walk, one))
            self._walk = walk
            return False
        if walk.saw_all:
            await self.archive.need(walk.needed)
            for number in await self.archive.remove_unneeded():
                log.info("release_removed", extra={"release": number})
        return True

    async def _mend(self, walk: _Walk, one: Standing) -> None:
        if one.release is not None:
            walk.needed.add(one.release)
        if one.release is not None and one.owner is not Owner.OPERATOR:
            return
        with suppress(GoneError):
            conversation = (await self.turns.store.look(one.id)).conversation
            walk.needed.add(conversation.release)
            control = conversation.control
            if control.owner is Owner.OPERATOR and not control.announced:
                await announce_takeover(self.turns, one.id, control.fence)

    async def _let_go(self) -> None:
        try:
            await self.index.let_go("sweeper", self.holder)
        except StoreUnavailableError:
            log.warning("lease_left_to_end")


async def _each(many: Iterable[T], act: Callable[[T], Awaitable[None]]) -> bool:
    """Act on each; one that fails is logged and the others have their turn. Whether none failed.

    Raises:
        StoreUnavailableError: for so many in a row that it is no matter of a conversation.
    """
    failed = in_a_row = 0
    for one in many:
        try:
            await act(one)
        except FirstpointError as error:
            log.warning("conversation_not_swept", extra={"error_type": type(error).__name__})
            failed += 1
            in_a_row = in_a_row + 1 if isinstance(error, StoreUnavailableError) else 0
            if in_a_row == MOST_TROUBLE_IN_A_ROW:
                raise
        else:
            in_a_row = 0
    return not failed
