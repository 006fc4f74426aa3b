"""Wakes whoever waits for news of a conversation in this process.

A bell only says "look again": it carries nothing, may ring for nothing, and whoever waits looks
now and then without it. So a ring that is lost costs time and no message.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from bot.domain.ids import ConversationId


class Bell:
    """Rings for one who waits."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake the one who waits, now or when they next wait."""
        self._rung.set()

    async def wait(self, seconds: float) -> bool:
        """Whether it rang within `seconds`."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True


class News:
    """The bells of this process."""

    def __init__(self) -> None:
        self._bells: dict[ConversationId, set[Bell]] = {}
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the process is ending: who waits should stop."""
        return self._closed

    @contextmanager
    def listen(self, id: ConversationId) -> Generator[Bell]:
        """A bell that rings whenever something may have happened in the conversation."""
        bell = Bell()
        self._bells.setdefault(id, set()).add(bell)
        try:
            yield bell
        finally:
            bells = self._bells[id]
            bells.discard(bell)
            if not bells:
                del self._bells[id]

    def ring(self, id: ConversationId) -> None:
        """Something happened in that conversation."""
        for bell in self._bells.get(id, ()):
            bell.ring()

    def ring_all(self) -> None:
        """Something may have happened anywhere."""
        for bells in self._bells.values():
            for bell in bells:
                bell.ring()

    def close(self) -> None:
        """Wake everybody for the last time."""
        self._closed = True
        self.ring_all()
