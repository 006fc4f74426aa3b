"""The moment in which a human begins to answer.

A claim commits first. From then on no bot message is given to a channel. Deliveries that were
open at that moment are waited for, and only then the person is told: so the notice is the last
thing before the human's words.
"""

import asyncio

from bot.dialogue.ports import DELIVERY_LEASE
from bot.dialogue.turns import Turns
from bot.domain.control import Fence
from bot.domain.ids import ConversationId, InputKey
from bot.engine.received import TakeoverAnnounced

_LOOK_EVERY_SECONDS = 0.02


async def announce_takeover(turns: Turns, id: ConversationId, fence: Fence) -> None:
    """Tell the person who answers, once every open delivery has ended.

    Cancellation: the sweeper announces it instead.
    """
    try:
        async with asyncio.timeout(DELIVERY_LEASE / 1000):
            # The deliveries may be another process's: there is nothing here to wait on.
            while await turns.store.open_deliveries(id):  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_EVERY_SECONDS)
    except TimeoutError:
        pass  # leases have ended by now: whoever held one may not deliver any more
    key = InputKey(f"announce:{fence.number}:{fence.nonce}")
    await turns.receive(id, key, TakeoverAnnounced(), channel_takes=False)
