"""What was erased lately: random ids and times, for the rewriting of files and for restores."""

from dataclasses import dataclass

from bot.adapters.erasure_journal import ErasureJournal
from bot.adapters.redis_connection import Connection
from bot.adapters.redis_store import ERASURES, call
from bot.domain.ids import ConversationId, Milliseconds


@dataclass(frozen=True, slots=True)
class RedisErasures:
    """The list in Redis, and the one beside it that outlives the loss of the database."""

    client: Connection
    journal: ErasureJournal | None = None

    async def all(self) -> dict[ConversationId, Milliseconds]:
        """Everything that is known to be erased, and since when."""
        found = await call(self.client, "ZRANGE", ERASURES, 0, -1, "WITHSCORES")
        known = self.journal.read() if self.journal is not None else {}
        for member, score in zip(found[::2], found[1::2], strict=True):
            known[ConversationId(member.decode())] = Milliseconds(int(float(score)))
        return known

    async def newest(self) -> Milliseconds | None:
        """When something was last erased."""
        found = await call(self.client, "ZREVRANGE", ERASURES, 0, 0, "WITHSCORES")
        return Milliseconds(int(float(found[1]))) if found else None
