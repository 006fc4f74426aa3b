"""A service that fails is begun again; nothing else ends with it."""

import asyncio
import logging
from itertools import pairwise

import pytest

from bot.background import keep_serving


async def test_what_nobody_expected_is_logged_and_it_goes_on(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.background.FIRST_PAUSE_SECONDS", 0.001)
    stop, other_ended = asyncio.Event(), asyncio.Event()
    begun = 0

    async def fails_twice(stop: asyncio.Event) -> None:
        nonlocal begun
        begun += 1
        if begun < 3:
            raise PermissionError("/secret/path")
        stop.set()

    async def other(stop: asyncio.Event) -> None:
        await stop.wait()
        other_ended.set()

    with caplog.at_level(logging.ERROR):
        async with asyncio.timeout(20), asyncio.TaskGroup() as services:
            services.create_task(keep_serving("one", fails_twice, stop))
            services.create_task(keep_serving("two", other, stop))
    assert begun == 3
    assert other_ended.is_set()
    logged = [(line.msg, getattr(line, "service", "")) for line in caplog.records]
    assert logged == [("service_failed", "one")] * 2


async def test_the_pause_grows_while_it_goes_on_failing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.background.FIRST_PAUSE_SECONDS", 0.01)
    stop, began = asyncio.Event(), list[float]()

    async def fails(stop: asyncio.Event) -> None:
        began.append(asyncio.get_running_loop().time())
        if len(began) == 5:
            stop.set()
        raise RuntimeError

    async with asyncio.timeout(20):
        await keep_serving("one", fails, stop)
    pauses = [after - before for before, after in pairwise(began)]
    assert all(pause >= 0.01 * 2**number for number, pause in enumerate(pauses))


async def test_its_end_is_not_waited_for_once_it_shall_stop() -> None:
    stop = asyncio.Event()

    async def fails(stop: asyncio.Event) -> None:
        stop.set()
        raise RuntimeError

    async with asyncio.timeout(0.5):  # shorter than the first pause
        await keep_serving("one", fails, stop)


async def test_a_cancellation_passes() -> None:
    begun = asyncio.Event()

    async def waits(stop: asyncio.Event) -> None:
        begun.set()
        await stop.wait()

    async with asyncio.TaskGroup() as services:
        task = services.create_task(keep_serving("one", waits, asyncio.Event()))
        await begun.wait()
        task.cancel()
    assert task.cancelled()
