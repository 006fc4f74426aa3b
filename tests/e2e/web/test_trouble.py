"""What a person sees when something between them and their conversation fails."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from bot.errors import StoreUnavailableError
from tests.support.browser import visiting
from tests.support.operator import Operator
from tests.support.process import ServiceProcess
from tests.support.proxy import buffering_proxy
from tests.support.service import RunningService

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture
def store(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.MonkeyPatch]:
    with monkeypatch.context() as patch:
        yield patch


def take_away(service: RunningService, patch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise StoreUnavailableError("test")

    for method in ("load", "commit", "read"):
        patch.setattr(type(service.service.store), method, refuse)


async def test_what_is_typed_while_the_store_is_down_is_sent_later_and_once(
    browser: Browser, service: RunningService, store: pytest.MonkeyPatch
) -> None:
    async with visiting(browser, service.url) as person:
        await person.starts()
        await person.presses("action:hotline", "choice:MD")
        await person.sees("choice:work")
        async with person.page.expect_response(lambda r: r.status == 503):
            take_away(service, store)
            await person.writes("a zebra")
        await person.reads("Not saved yet")
        await person.reads("Your last message is not saved yet")
        help_shown = person.page.locator(".help")
        assert await help_shown.locator('a[href="tel:112"]').first.is_visible()
        await person.check_accessible()
        store.undo()
        await person.reads("The connection is back")
        said = person.page.locator(".by-person").filter(has_text="a zebra")
        await person.page.locator(".unsaved").wait_for(state="detached")
        assert await said.count() == 1
        assert not await help_shown.is_visible()


@pytest.mark.parametrize("language", ["en", "ar"])
async def test_the_emergency_page_is_accessible_and_goes_on(
    browser: Browser, service: RunningService, store: pytest.MonkeyPatch, language: str
) -> None:
    async with visiting(browser, service.url, scripts=False, locale=language) as person:
        await person.opens()
        await person.presses("start")
        await person.sees("choice:yes")
        take_away(service, store)
        await person.writes("a zebra")
        await person.sees("again")
        await person.check_accessible()
        assert await person.page.locator("#words").input_value() == "a zebra"
        store.undo()
        await person.presses("again")
        await person.sees("choice:yes")
        await person.reads("a zebra")


async def test_a_killed_service_comes_back_and_inputs_are_sent_again(
    browser: Browser, tmp_path: Path
) -> None:
    service = ServiceProcess(tmp_path)
    await service.start()
    try:
        async with visiting(browser, service.url) as person:
            await person.starts()
            await service.kill()
            await person.writes("a zebra")
            await person.reads("Not saved yet")
            await service.start()
            await person.page.evaluate("dispatchEvent(new Event('online'))")
            await person.page.locator(".unsaved").wait_for(state="detached")
            said = person.page.locator(".by-person").filter(has_text="a zebra")
            assert await said.count() == 1
            await person.presses("choice:rights")
            await person.sees("action:back")
    finally:
        await service.stop()


async def test_behind_a_buffering_proxy_news_still_comes(
    browser: Browser, service: RunningService
) -> None:
    operator = Operator(service)
    async with (
        buffering_proxy(service.url) as url,
        visiting(browser, url) as person,
    ):
        await person.page.clock.install()
        await person.starts()
        await person.presses("action:human", "choice:fresh")
        await person.sees("action:back")
        await (
            person.page.get_by_text("Your place in the line")
            .or_(person.page.locator(".by-bot").last)
            .first.wait_for()
        )
        await operator.takes_over()
        await operator.writes("Hello, I am Ana.")
        hello = person.page.get_by_text("Hello, I am Ana.")
        for _ in range(200):
            await person.page.clock.run_for(500)
            if await hello.count():
                break
        assert await hello.count() == 1


async def test_an_erased_conversation_ends_an_open_page(
    browser: Browser, service: RunningService
) -> None:
    async with visiting(browser, service.url) as person:
        await person.starts()
        ids = [id async for id in service.service.store.all_ids()]
        await service.service.store.erase(ids[0])
        await person.reads("There is nothing here any more")
        assert "What would you like to do?" not in await person.text()
        await person.check_accessible()
