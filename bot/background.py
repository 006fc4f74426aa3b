"""Services in the background: one that fails is begun again, and takes nothing else with it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bot.dialogue.stopping import stopped_within

log = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
Serve = Callable[[asyncio.Event], Awaitable[None]]
"""Serves until the event is set, and waits out the trouble that it expects."""


async def keep_serving(name: str, serve: Serve, stop: asyncio.Event) -> None:
    """Serve until `stop`. What nobody expected is logged, and after a pause it goes on.

    The pause is twice as long each time, and short again once a service has run for longer.
    """
    pause, clock = FIRST_PAUSE_SECONDS, asyncio.get_running_loop().time
    while not stop.is_set():
        began = clock()
        try:
            await serve(stop)
        except Exception:  # whatever it is, people go on being answered
            log.exception("service_failed", extra={"service": name})
        if clock() - began > LONGEST_PAUSE_SECONDS:
            pause = FIRST_PAUSE_SECONDS
        await stopped_within(stop, pause)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
