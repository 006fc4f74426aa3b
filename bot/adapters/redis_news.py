"""Hears from Redis in which conversations something happened: one subscription a process."""

import asyncio
import logging
from typing import Any

from redis.exceptions import RedisClusterException, RedisError

from bot.adapters.redis_store import Client
from bot.adapters.scripts import NEWS
from bot.dialogue.news import News
from bot.dialogue.stopping import stopped_within
from bot.domain.ids import ConversationId

log = logging.getLogger(__name__)

LISTEN_SECONDS = 1.0
"""How long one look for messages lasts; so long may the end of the process take."""

AGAIN_SECONDS = 1.0


class RedisNews:
    """Rings the bells of `news`."""

    def __init__(self, client: Client, news: News) -> None:
        self._client = client
        self._news = news

    async def serve(self, stop: asyncio.Event) -> None:
        """Listen until `stop`. Trouble of the store is waited out."""
        while not stop.is_set():
            try:
                await self._listen(stop)
            except (RedisError, RedisClusterException, OSError) as error:
                log.warning("news_not_heard", extra={"error_type": type(error).__name__})
                await stopped_within(stop, AGAIN_SECONDS)

    async def _listen(self, stop: asyncio.Event) -> None:
        anything: Any = self._client  # redis-py types the subscription of one client only
        async with anything.pubsub(ignore_subscribe_messages=True) as subscription:
            await subscription.subscribe(NEWS)
            # Whatever happened while nobody listened.
            self._news.ring_all()
            while not stop.is_set():
                heard = await subscription.get_message(timeout=LISTEN_SECONDS)
                if heard is not None:
                    self._news.ring(ConversationId(heard["data"].decode()))
