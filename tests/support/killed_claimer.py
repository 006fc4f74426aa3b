"""A process that takes whoever comes first and dies, by SIGKILL, before it tells the person.

python -m tests.support.killed_claimer REDIS_URL KEY_FOLDER
"""

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from bot.adapters.redis_store import RedisStore
from bot.app import build
from bot.domain.ids import ConversationId, OperatorId
from handoff.permissions import Member, Role
from tests.support.service import settings_for

OPERATOR = Member(id=OperatorId("op-anna"), roles=frozenset({Role.OPERATOR}))


class DeadlyStore(RedisStore):
    """Kills the process when it asks what is open: the claim is committed by then."""

    async def open_deliveries(self, id: ConversationId) -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return await super().open_deliveries(id)


async def main() -> None:
    redis_url, folder = sys.argv[1:]
    async with build(settings_for(redis_url, Path(folder))) as service:
        store = DeadlyStore(service.store._client, service.store._key)
        desk = replace(service.desk, turns=replace(service.turns, store=store))
        await desk.claim_next(OPERATOR)


if __name__ == "__main__":
    asyncio.run(main())
