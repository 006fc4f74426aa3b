"""A page shows nothing of the program below the notice that a human answers.

An answer may have been written before the claim and be on its way still, in a proxy or in a
browser that sleeps: it arrives after the notice. What it brings stands above the notice in the
log, and the page keeps that order.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import pytest
from playwright.async_api import Browser, Page, Route

from tests.support.browser import Visitor, visiting
from tests.support.operator import Operator
from tests.support.service import RunningService
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

NOTICE = "A person answers you from now on"
SAID = """[...document.querySelectorAll(".messages > li")]
    .map((each) => [each.className.split(" ")[0], each.innerText])"""


@dataclass
class SlowAnswer:
    """An answer of the service that is on its way until it is let go."""

    left_service: asyncio.Event = field(default_factory=asyncio.Event)
    may_arrive: asyncio.Event = field(default_factory=asyncio.Event)

    async def hold(self, route: Route) -> None:
        answer = await route.fetch()
        self.left_service.set()
        await self.may_arrive.wait()
        await route.fulfill(response=answer)


@asynccontextmanager
async def slow_answers(page: Page, path: str) -> AsyncGenerator[SlowAnswer]:
    slow = SlowAnswer()
    await page.route(path, slow.hold)
    yield slow
    slow.may_arrive.set()
    await page.unroute_all(behavior="wait")


async def waits_for_a_human(person: Visitor, operator: Operator) -> None:
    await person.starts()
    await person.presses("action:human", "choice:fresh")
    await eventually(operator.somebody_waits, "the person waits")
    await person.sees("choice:go_on")


async def below_the_notice(page: Page) -> list[str]:
    """Who wrote what stands below it."""
    said = await page.evaluate(SAID)
    [notice] = [number for number, (_, words) in enumerate(said) if NOTICE in words]
    return [by for by, _ in said[notice + 1 :]]


@pytest.mark.parametrize("motion", ["reduce", "no-preference"], ids=["at once", "one by one"])
async def test_a_slow_answer_adds_nothing_below_the_notice(
    browser: Browser, service: RunningService, motion: Literal["reduce", "no-preference"]
) -> None:
    operator = Operator(service)
    async with visiting(browser, service.url) as person:
        await waits_for_a_human(person, operator)
        await person.page.emulate_media(reduced_motion=motion)
        async with slow_answers(person.page, "**/api/input") as slow:
            await person.writes("zebra")
            await slow.left_service.wait()
            await operator.takes_over()
            await person.reads(NOTICE)
            assert await person.page.locator(".unsaved").count() == 1, "the answer is on its way"
            slow.may_arrive.set()
            await person.page.locator(".unsaved").wait_for(state="detached")
        assert await below_the_notice(person.page) == []
        assert await person.page.get_by_text("zebra").count() == 1
        assert not await person.page.locator(".question").is_visible()


async def test_an_answer_that_is_read_after_the_notice_keeps_the_order(
    browser: Browser, service: RunningService
) -> None:
    """The first answer is lost on its way, no news come meanwhile: the page asks again."""
    operator = Operator(service)
    async with visiting(browser, service.url) as person:
        await person.page.route("**/api/stream", lambda route: route.abort())
        await waits_for_a_human(person, operator)
        lost = asyncio.Event()

        async def lose(route: Route) -> None:
            await route.fetch()
            await operator.takes_over()
            lost.set()
            await route.abort()

        await person.page.route("**/api/input", lose, times=1)
        await person.presses("choice:go_on")
        await lost.wait()
        await person.reads(NOTICE)
        said = [by for by, _ in await person.page.evaluate(SAID)]
        assert said[-2:] == ["by-bot", "by-notice"], "what the press led to, then the notice"
        assert await below_the_notice(person.page) == []
        assert not await person.page.locator(".question").is_visible()
