"""An operator, as the turns see one: without the desk's rules about who may do what."""

import secrets
from dataclasses import dataclass

from bot.dialogue.takeover import announce_takeover
from bot.domain.ids import ConversationId, InputKey, Milliseconds, OperatorId
from bot.engine.received import Claimed, GaveBack, Input, OperatorWrote
from tests.support.service import RunningService

HOUR = 3_600_000
OPERATOR = OperatorId("op-1")


@dataclass
class Operator:
    """Takes the one conversation that waits."""

    service: RunningService
    id: OperatorId = OPERATOR
    taken: ConversationId | None = None

    async def somebody_waits(self) -> bool:
        return bool(await self.service.service.store.queue())

    async def takes_over(self) -> ConversationId:
        [waiting] = await self.service.service.store.queue()
        self.taken = waiting.id
        until = Milliseconds(await self.service.service.store.now() + HOUR)
        await self._does(Claimed(operator=self.id, lease_until=until))
        loaded = await self.service.service.store.look(waiting.id)
        fence = loaded.conversation.control.fence
        await announce_takeover(self.service.service.turns, waiting.id, fence)
        return waiting.id

    async def writes(self, words: str) -> None:
        await self._does(OperatorWrote(operator=self.id, words=words))

    async def gives_back(self) -> None:
        await self._does(GaveBack(operator=self.id))

    async def _does(self, what: Input) -> None:
        assert self.taken is not None
        key = InputKey(secrets.token_hex(8))
        turns = self.service.service.turns
        await turns.receive(self.taken, key, what, channel_takes=False)
