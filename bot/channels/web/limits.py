"""Limits for whoever sends too much, without knowing who it is.

An address is looked at only to be hashed with a salt that lives in memory and changes every
hour; nothing of it is written. One address may stand for a shelter or for Tor: it is slowed,
never shut out.
"""

import asyncio
import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import web

from bot.channels.web.addresses import Network, address_of

SALT_SECONDS = 3600.0
MOST_ADDRESSES = 50_000

STARTS_AT_ONCE = 60
STARTS_EVERY_SECONDS = 1.0
SLOWED_SECONDS = 2.0
"""How long one more start waits when its address has used up its share."""

MOST_SLOWED = 200
"""Starts that wait at the same time. Beyond it they are let through: memory is dearer."""

CODES_AT_ONCE = 5
CODES_EVERY_SECONDS = 12.0


@dataclass(slots=True)
class Bucket:
    """What one address may still do; it fills again as time passes."""

    size: int
    every_seconds: float
    filled: OrderedDict[bytes, tuple[float, float]] = field(
        default_factory=OrderedDict[bytes, tuple[float, float]]
    )

    def take(self, who: bytes, now: float) -> bool:
        """Use one; False when nothing is left."""
        left, since = self.filled.pop(who, (float(self.size), now))
        left = min(self.size, left + (now - since) / self.every_seconds)
        allowed = left >= 1
        self.filled[who] = (left - 1 if allowed else left, now)
        while len(self.filled) > MOST_ADDRESSES:
            self.filled.popitem(last=False)
        return allowed


class Limits:
    """The limits of one process, behind proxies of the `trusted` networks."""

    def __init__(self, trusted: Sequence[Network] = ()) -> None:
        self._trusted = trusted
        self._salt = secrets.token_bytes(16)
        self._salted_at = float("-inf")
        self._starts = Bucket(STARTS_AT_ONCE, STARTS_EVERY_SECONDS)
        self._codes = Bucket(CODES_AT_ONCE, CODES_EVERY_SECONDS)
        self._slowed = 0

    async def slow_start(self, request: web.Request) -> None:
        """Return at once, or a little later for an address that starts very much."""
        now = asyncio.get_running_loop().time()
        if self._starts.take(self._hidden(request, now), now) or self._slowed >= MOST_SLOWED:
            return
        self._slowed += 1
        try:
            await asyncio.sleep(SLOWED_SECONDS)
        finally:
            self._slowed -= 1

    def may_try_code(self, request: web.Request) -> bool:
        """Whether its address may try a return code now; if not, a moment later it may."""
        now = asyncio.get_running_loop().time()
        return self._codes.take(self._hidden(request, now), now)

    def _hidden(self, request: web.Request, now: float) -> bytes:
        if now - self._salted_at > SALT_SECONDS:
            self._salt, self._salted_at = secrets.token_bytes(16), now
            self._starts.filled.clear()
            self._codes.filled.clear()
        address = address_of(request, self._trusted)
        return hashlib.blake2b(address.encode(), key=self._salt, digest_size=16).digest()
