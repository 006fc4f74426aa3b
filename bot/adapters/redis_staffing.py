"""Who is on shift, by whose console was heard of lately, and how long people wait for them.

Of the waiting only numbers are kept, about nobody: how many seconds it took for each place in the
line, for the last few who were taken. Who is in danger now passes everybody, so they count for
nothing here.
"""

import asyncio
from math import ceil
from statistics import median

from bot.adapters.redis_store import QUEUE, Client, Script, call, record_of
from bot.domain.ids import ConversationId, Milliseconds, OperatorId

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
_WAITS = "fp:waits"
_WAITS_ARE_KEPT = Milliseconds(12 * 3600 * 1000)
_MOST_WAITS = 20
FEWEST_WAITS = 5
"""With fewer no guess is honest."""

LONGEST_GUESS = 60
"""Minutes. Who would wait longer is told that nobody knows."""

_STEP = 5
_MINUTE = 60

# How long they waited when they were taken for the first time since they asked. Whoever is taken
# again, after an operator went, has waited for another reason.
_WAITED = Script("""
local since, counted = unpack(redis.call('HMGET', KEYS[1], 'since', 'counted'))
if not since or since == '' or since == counted then return -1 end
redis.call('HSET', KEYS[1], 'counted', since)
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000) - since
""")
_NOTE_WAIT = Script("""
redis.call('LPUSH', KEYS[1], ARGV[1])
redis.call('LTRIM', KEYS[1], 0, ARGV[2] - 1)
return redis.call('PEXPIRE', KEYS[1], ARGV[3])
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

    async def taken(self, id: ConversationId) -> None:
        """Note how long somebody waited who has just been taken.

        The line was as long as those who wait now and the one who was taken, so each place in it
        took that part of the time.
        """
        waited = int(await _WAITED.run(self._client, (record_of(id),)))
        if waited < 0:
            return
        behind = int(await call(self._client, "ZCARD", QUEUE))
        seconds = round(waited / 1000 / (behind + 1))
        await _NOTE_WAIT.run(self._client, (_WAITS,), seconds, _MOST_WAITS, _WAITS_ARE_KEPT)

    async def minutes(self, position: int) -> int | None:
        """About how many minutes somebody waits at that place in the line; None: nobody knows."""
        waits = [int(seconds) for seconds in await call(self._client, "LRANGE", _WAITS, 0, -1)]
        if len(waits) < FEWEST_WAITS:
            return None
        minutes = _STEP * max(1, ceil(median(waits) * position / (_STEP * _MINUTE)))
        return minutes if minutes <= LONGEST_GUESS else None

    async def _forget_gone(self) -> None:
        for shift in (_SHIFT, _FREE):
            await _FORGET.run(self._client, (shift,))
