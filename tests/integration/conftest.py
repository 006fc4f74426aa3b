from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.support.service import RunningService, running, settings_for


@pytest.fixture
async def service(
    redis: Redis, redis_socket: Path, tmp_path: Path
) -> AsyncIterator[RunningService]:
    """The real service over an emptied Redis."""
    async with running(settings_for(f"unix://{redis_socket}", tmp_path)) as found:
        yield found
