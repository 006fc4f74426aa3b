"""Return codes in Redis: which conversation the slow hash of a code opens."""

import asyncio
from dataclasses import dataclass, field

from argon2.low_level import Type, hash_secret_raw

from bot.adapters.redis_store import Client, call, confirm
from bot.domain.ids import ConversationId

KEPT_MILLISECONDS = 121 * 24 * 3600 * 1000
"""A day longer than any conversation may live; a code of one that is gone opens nothing."""

SLOW_AT_ONCE = 2
"""Each hash takes 19 MiB and a core for tens of milliseconds (design section 7)."""

_MEMORY_KIB = 19 * 1024
_PASSES = 2


class RedisCodes:
    """See `bot.dialogue.codes.CodeIndex`.

    `replicas` is how many replicas must confirm a code before anybody is given it.
    """

    def __init__(self, client: Client, *, replicas: int = 0) -> None:
        self._client = client
        self._replicas = replicas

    async def put(self, stored: bytes, id: ConversationId) -> None:
        """Remember a code as long as its conversation may live."""
        await call(self._client, "SET", _name(stored), id, "PX", KEPT_MILLISECONDS)
        await confirm(self._client, self._replicas, _name(stored))

    async def get(self, stored: bytes) -> ConversationId | None:
        """The conversation of a code."""
        found = await call(self._client, "GET", _name(stored))
        return ConversationId(found.decode()) if found is not None else None

    async def remove(self, stored: bytes) -> None:
        """Forget a code."""
        await call(self._client, "DEL", _name(stored))


def _name(stored: bytes) -> str:
    return f"fp:code:{stored.hex()}"


@dataclass(frozen=True, slots=True)
class SlowHash:
    """argon2id with the parameters of RFC 9106 for little memory, at most two at a time.

    The salt is the installation's: the hash of a code must be found again by the code alone.
    """

    salt: bytes = field(repr=False)
    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SLOW_AT_ONCE))

    async def __call__(self, secret: bytes) -> bytes:
        """The hash of `secret`, 32 bytes."""
        async with self._turn:
            return await asyncio.to_thread(
                hash_secret_raw, secret, self.salt, _PASSES, _MEMORY_KIB, 1, 32, Type.ID
            )
