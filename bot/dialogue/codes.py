"""Return codes: how a person comes back to a conversation, from any device and channel.

16 digits that look like a phone number, so that they can hide among contacts (GlobaLeaks'
receipt). Only a slow hash of a code is stored. A code is made from the conversation's id and the
installation's key, so that asking again gives the same code and nothing has to remember it.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from bot.domain.ids import ConversationId

Mark = Callable[..., bytes]
Slow = Callable[[bytes], Awaitable[bytes]]
"""Turns a code into what is stored; takes long on purpose."""

PREFIX = "889"
"""A calling code that no country has (ITU-T E.164, spare), so a code cannot be called."""

DIGITS = 13
"""Random digits. 16 digits in all are one more than any real number may have (E.164)."""


class CodeIndex(Protocol):
    """Which conversation a stored hash of a code opens."""

    async def put(self, stored: bytes, id: ConversationId) -> None:
        """Remember a code as long as its conversation may live."""
        ...

    async def get(self, stored: bytes) -> ConversationId | None:
        """The conversation of a code."""
        ...

    async def remove(self, stored: bytes) -> None:
        """Forget a code."""
        ...


@dataclass(frozen=True, slots=True)
class Codes:
    """Gives codes and finds conversations by them."""

    index: CodeIndex
    mark: Mark = field(repr=False)
    slow: Slow = field(repr=False)

    async def give(self, id: ConversationId) -> str:
        """The code of a conversation, ready to be used, written like a phone number."""
        digits = self._digits(id)
        await self.index.put(await self.slow(digits.encode()), id)
        return _written(digits)

    async def find(self, code: str) -> ConversationId | None:
        """The conversation that `code` opens; spaces and other signs do not matter."""
        digits = "".join(sign for sign in code if sign.isdecimal())
        if len(digits) != len(PREFIX) + DIGITS or not digits.startswith(PREFIX):
            return None
        plain = "".join(str(int(sign)) for sign in digits)
        return await self.index.get(await self.slow(plain.encode()))

    async def forget(self, id: ConversationId) -> None:
        """Make the code of a conversation open nothing."""
        await self.index.remove(await self.slow(self._digits(id).encode()))

    def _digits(self, id: ConversationId) -> str:
        number = int.from_bytes(self.mark("code", id)[:16]) % 10**DIGITS
        return f"{PREFIX}{number:0{DIGITS}}"


def _written(digits: str) -> str:
    """In groups, as phones write numbers."""
    return f"+{digits[:3]} {digits[3:6]} {digits[6:9]} {digits[9:12]} {digits[12:]}"
