"""One browser for all tests; a service and an empty Redis for each."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from bot.adapters.redis_connection import connect
from tests.support.browser import launch
from tests.support.service import RunningService, running, settings_for


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: Path) -> AsyncGenerator[Browser]:
    async with async_playwright() as playwright:
        found = await launch(playwright, chromium)
        yield found
        await found.close()


@pytest_asyncio.fixture(loop_scope="session")
async def service(redis_socket: Path, tmp_path: Path) -> AsyncGenerator[RunningService]:
    connection = await connect(f"unix://{redis_socket}")
    await connection.flushall()
    await connection.aclose()
    async with running(settings_for(f"unix://{redis_socket}", tmp_path)) as found:
        yield found
