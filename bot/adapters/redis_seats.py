"""How many conversations each operator has: reservations that end by themselves."""

from bot.adapters.redis_store import Client, Script, call
from bot.domain.ids import ConversationId, Milliseconds, OperatorId

# A member is `h` or `l`, for what counts as heavy, and the conversation; its score is when the
# reservation ends.
_TAKE = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local id, heavy = ARGV[1], ARGV[2] == '1'
local has, others, any_heavy = 0, 0, heavy
for _, member in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if string.sub(member, 2) == id then
    has = 1
    redis.call('ZREM', KEYS[1], member)
  else
    others = others + 1
    if string.sub(member, 1, 1) == 'h' then any_heavy = true end
  end
end
local most = tonumber(any_heavy and ARGV[5] or ARGV[4])
if has == 0 and others >= most then return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], (heavy and 'h' or 'l') .. id)
redis.call('PEXPIREAT', KEYS[1], ARGV[3] + 1000)
return 1 + has
""")
_HELD = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return redis.call('ZRANGEBYSCORE', KEYS[1], now, '+inf', 'WITHSCORES')
""")


class RedisSeats:
    """See `handoff.desk.Seats`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def take(  # noqa: PLR0913 - what a reservation consists of
        self,
        operator: OperatorId,
        id: ConversationId,
        until: Milliseconds,
        *,
        heavy: bool,
        most: int,
        most_heavy: int,
    ) -> int:
        """Reserve or renew a seat: 0 when there is none, 1 for a new one, 2 for a renewed one."""
        return int(
            await _TAKE.run(
                self._client, (_key(operator),), id, int(heavy), until, most, most_heavy
            )
        )

    async def leave(self, operator: OperatorId, id: ConversationId) -> None:
        """Give a seat back."""
        await call(self._client, "ZREM", _key(operator), f"h{id}", f"l{id}")

    async def held(
        self, operator: OperatorId
    ) -> tuple[tuple[ConversationId, bool, Milliseconds], ...]:
        """The conversations of an operator, which of them are heavy, and until when."""
        found = await _HELD.run(self._client, (_key(operator),))
        return tuple(
            (
                ConversationId(member[1:].decode()),
                member[:1] == b"h",
                Milliseconds(int(float(score))),
            )
            for member, score in zip(found[::2], found[1::2], strict=True)
        )


def _key(operator: OperatorId) -> str:
    return f"fp:seats:{operator}"
