"""Who is on shift: operators whose console was heard of lately."""

import asyncio

from bot.adapters.redis_store import Client, Script, call
from bot.domain.ids import Milliseconds, OperatorId

_SHIFT = "fp:shift"
_FREE = "fp:shift:free"
_STAFFED = Script("""
local time = redis.call('TIME')
return redis.call('ZCOUNT', KEYS[1], time[1] * 1000, '+inf')
""")
_FORGET = Script("""
local time = redis.call('TIME')
return redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. time[1] * 1000)
""")
_BELIEVED_SECONDS = 1.0
"""Asked on every turn, and changing only with a shift: a second old is new enough."""


class RedisStaffing:
    """See `bot.dialogue.ports.Staffing`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._staffed = False
        self._asked_at = float("-inf")

    async def staffed(self) -> bool:
        """Whether an operator is on shift now, or was a second ago."""
        now = asyncio.get_running_loop().time()
        if now - self._asked_at > _BELIEVED_SECONDS:
            found = await _STAFFED.run(self._client, (_SHIFT,))
            self._staffed, self._asked_at = bool(found), now
        return self._staffed

    async def free(self) -> bool:
        """Whether somebody on shift could take one more conversation."""
        return bool(await _STAFFED.run(self._client, (_FREE,)))

    async def on_shift(
        self, operator: OperatorId, until: Milliseconds, *, free: bool = True
    ) -> None:
        """Count an operator as present until then; `free`: as one who can take somebody."""
        await call(self._client, "ZADD", _SHIFT, until, operator)
        if free:
            await call(self._client, "ZADD", _FREE, until, operator)
        else:
            await call(self._client, "ZREM", _FREE, operator)
        await self._forget_gone()

    async def off_shift(self, operator: OperatorId) -> None:
        """Count an operator as gone."""
        await call(self._client, "ZREM", _SHIFT, operator)
        await call(self._client, "ZREM", _FREE, operator)

    async def _forget_gone(self) -> None:
        for shift in (_SHIFT, _FREE):
            await _FORGET.run(self._client, (shift,))
