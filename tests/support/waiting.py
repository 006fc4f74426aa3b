"""Waiting for what other processes do: on a condition, with a deadline."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

DEADLINE_SECONDS = 20.0


async def eventually(
    condition: Callable[[], Awaitable[object]], what: str, seconds: float = DEADLINE_SECONDS
) -> None:
    """Returns as soon as the condition holds; an `OSError` counts as "not yet"."""
    try:
        async with asyncio.timeout(seconds):
            while not await _holds(condition):  # noqa: ASYNC110 - others set no events for us
                await asyncio.sleep(0.01)
    except TimeoutError:
        pytest.fail(f"after {seconds:g} seconds still not true: {what}")


async def _holds(condition: Callable[[], Awaitable[object]]) -> bool:
    try:
        return bool(await condition())
    except OSError:
        return False
