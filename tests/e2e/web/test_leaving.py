"""Leaving at once, hiding after a quiet time, and the pace of messages."""

import pytest
from playwright.async_api import Browser

from tests.support.browser import EXIT_PAGE, Visitor, visiting
from tests.support.service import RunningService

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
async def test_the_exit_opens_an_ordinary_page(
    browser: Browser, service: RunningService, scripts: bool
) -> None:
    async with visiting(browser, service.url, scripts=scripts) as person:
        await person.starts()
        await person.page.locator("a.exit:not(.first)").click()
        await person.page.wait_for_url(EXIT_PAGE)
        if scripts:
            # The chat's page was replaced: going back does not lead to it.
            await person.page.go_back()
            assert not person.page.url.startswith(person.url)


async def test_the_exit_stays_in_sight(browser: Browser, service: RunningService) -> None:
    async with visiting(browser, service.url) as person:
        await person.starts()
        await person.page.evaluate("scrollTo(0, document.body.scrollHeight)")
        assert await person.page.locator("a.exit:not(.first)").is_visible()
        top = await person.page.evaluate(
            "document.querySelector('a.exit:not(.first)').getBoundingClientRect().top"
        )
        assert 0 <= top < 60


async def test_shift_three_times_leaves_and_says_how_far_it_is(
    browser: Browser, service: RunningService
) -> None:
    async with visiting(browser, service.url) as person:
        await person.starts()
        keyboard = person.page.keyboard
        await keyboard.press("Shift")
        await keyboard.press("Shift")
        dots = person.page.locator(".dots")
        assert await dots.locator(".on").count() == 2
        assert "Press Shift again to leave" in await dots.inner_text()
        await person.check_accessible()
        await keyboard.press("a")
        assert await dots.count() == 0, "another key means that somebody is typing"
        for _ in range(3):
            await keyboard.press("Shift")
        await person.page.wait_for_url(EXIT_PAGE)


async def test_typing_capital_letters_does_not_leave(
    browser: Browser, service: RunningService
) -> None:
    async with visiting(browser, service.url) as person:
        await person.starts()
        words = person.page.locator("#words")
        await words.press_sequentially("ABCDE")
        assert await words.input_value() == "ABCDE"
        assert await person.page.locator(".dots").count() == 0


async def test_shift_three_times_within_five_seconds_only(
    browser: Browser, service: RunningService
) -> None:
    async with visiting(browser, service.url) as person:
        await person.page.clock.install()
        await person.opens()
        await person.page.keyboard.press("Shift")
        await person.page.keyboard.press("Shift")
        await person.page.clock.run_for(5100)
        await person.page.keyboard.press("Shift")
        assert await person.page.locator(".dots .on").count() == 1
        assert person.page.url == person.url


async def test_a_quiet_page_warns_hides_and_comes_back_whole(
    browser: Browser, service: RunningService
) -> None:
    async with visiting(browser, service.url) as person:
        await person.page.clock.install()
        await person.starts()
        await person.page.locator("#words").fill("a draft")
        await person.page.clock.run_for(14 * 60_000 + 6000)
        await person.reads("This page hides what is written here soon")
        await person.check_accessible()
        await person.page.clock.run_for(61_000)
        await person.reads("This page was hidden for your safety")
        assert "What would you like to do?" not in await person.text()
        assert await person.page.locator("a.exit:not(.first)").is_visible()
        await person.check_accessible()
        await person.page.get_by_role("button", name="Show again").click()
        await person.sees("choice:rights")
        assert await person.page.locator("#words").input_value() == "a draft"


async def _at_the_pace(person: Visitor) -> None:
    await person.page.clock.install(time=0)
    await person.opens()
    await person.page.clock.pause_at(3_600_000)
    await person.presses("start")
    await person.page.locator(".messages li").first.wait_for()
    await person.page.locator(".pace .all").click()
    await person.presses("choice:yes")
    await person.sees("choice:doctor")
    await person.presses("choice:no")
    await person.page.get_by_text("This chat is a service of").wait_for()


async def test_messages_come_one_at_a_time_and_can_be_paused(
    browser: Browser, service: RunningService
) -> None:
    async with visiting(browser, service.url, calm=False) as person:
        await _at_the_pace(person)
        said = person.page.locator(".by-bot")
        count = await said.count()
        await person.page.clock.run_for(1400)
        assert await said.count() == count
        await person.page.clock.run_for(200)
        assert await said.count() == count + 1
        await person.page.locator(".pace .pause").click()
        await person.page.clock.run_for(20_000)
        assert await said.count() == count + 1
        assert await person.page.locator(".pace .pause").inner_text() == "Go on"
        assert not await person.page.locator(".question").is_visible()
        await person.page.clock.resume()  # axe-core needs the time to pass
        await person.check_accessible()
        await person.page.locator(".pace .all").click()
        await person.sees("choice:rights")
        assert not await person.page.locator(".pace").is_visible()


async def test_numbers_are_never_held_back(browser: Browser, service: RunningService) -> None:
    async with visiting(browser, service.url, calm=False) as person:
        await _at_the_pace(person)
        await person.presses("action:hotline")
        await person.presses("choice:MD")
        await person.sees("choice:work")
        assert await person.page.locator('a[href="tel:112"]').first.is_visible()


async def test_leaving_signs_nobody_out_of_the_console_on_the_same_host(
    browser: Browser, service: RunningService
) -> None:
    """Cookies know no ports: an operator may have looked at the chat in their own browser."""
    async with visiting(browser, service.url, scripts=False) as person:
        await person.starts()
        await person.page.context.add_cookies(
            [{"name": "fp_session", "value": "theirs", "url": service.console_url}]
        )
        await person.page.evaluate("localStorage.setItem('left', 'behind')")
        await person.presses("action:leave")
        await person.sees("choice:leave_now")
        async with person.page.expect_response(person.url) as answered:
            await person.presses("choice:leave_now")
        await person.reads("You have left")
        assert "clear-site-data" in await (await answered.value).all_headers()
        [cookie] = await person.page.context.cookies()
        assert cookie.get("value") == "theirs"
        await person.page.context.clear_cookies()
