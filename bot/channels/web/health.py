"""Whether the service can keep anything, for whoever watches over it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.errors import StoreUnavailableError

ANSWER_IS_GOOD_SECONDS = 1.0
"""So long the last answer is given again: asking often costs the store nothing."""

DEADLINE_SECONDS = 2.0
"""A store that takes longer is of no use to anybody who waits for an answer."""


@dataclass(slots=True)
class Health:
    """Tries to write, as a turn does: a store that is full or read-only still answers reads."""

    try_to_write: Callable[[], Awaitable[None]]
    _healthy: bool = False
    _looked_at: float = float("-inf")
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    async def look(self) -> bool:
        """Whether something could be written just now. Of many who ask at once one looks."""
        async with self._looking:
            now = asyncio.get_running_loop().time()
            if now - self._looked_at >= ANSWER_IS_GOOD_SECONDS:
                self._healthy = await self._write()
                self._looked_at = asyncio.get_running_loop().time()
            return self._healthy

    async def _write(self) -> bool:
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                await self.try_to_write()
        except (StoreUnavailableError, TimeoutError):
            return False
        return True
