"""A person's whole way through the chat, as they see it."""

import pytest
from playwright.async_api import Browser

from tests.support.browser import Visitor, visiting
from tests.support.operator import Operator
from tests.support.service import RunningService
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

WAYS = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])


@WAYS
@pytest.mark.parametrize(
    ("language", "scheme"), [("en", "light"), ("ar", "dark")], ids=["en", "ar-dark"]
)
async def test_a_whole_story_with_every_state_accessible(
    browser: Browser, service: RunningService, scripts: bool, language: str, scheme: str
) -> None:
    async with visiting(
        browser, service.url, scripts=scripts, locale=language, color_scheme=scheme
    ) as person:
        await _begins_and_reads(person, language)
        await _leaves_and_comes_back(person)
        await _changes_the_language_and_erases(person, "en" if language == "ar" else "ar")


async def _begins_and_reads(person: Visitor, language: str) -> None:
    page = person.page
    await person.opens()
    assert await page.title() in {"Notes", "ملاحظات"}
    await page.locator("summary").nth(1).click()
    await page.locator("summary").nth(2).click()
    await person.check_accessible()
    await person.presses("start")
    await person.sees("choice:yes")
    assert await page.get_attribute("html", "dir") == ("rtl" if language == "ar" else "ltr")
    await person.check_accessible()
    await person.presses("choice:yes")
    await person.sees("choice:doctor")
    await person.presses("choice:no")
    await person.sees("choice:rights")
    await person.check_accessible()
    await person.presses("action:hotline", "choice:MD")
    await person.sees("choice:work")
    assert await page.locator('a[href="tel:112"]').first.get_attribute("dir") == "ltr"
    await person.check_accessible()
    await person.presses("choice:done")
    await person.sees("choice:rights")
    await person.writes("zebra <b>")
    await person.reads("zebra <b>")
    await person.check_accessible()


async def _leaves_and_comes_back(person: Visitor) -> None:
    page = person.page
    await person.presses("action:leave", "choice:code")
    code = await person.takes_code()
    await person.check_accessible()
    await person.opens()
    await page.locator(".code-form summary").click()
    await page.locator("#code").fill("+889 1")
    await person.presses("open")
    await page.locator('[role="status"]:not(:empty)').wait_for()
    await person.check_accessible()
    if not await page.locator("#code").is_visible():
        await page.locator(".code-form summary").click()
    await page.locator("#code").fill(code)
    await person.presses("open")
    await person.sees("action:back")
    assert "zebra" not in await person.text()
    await page.locator("button.earlier").click()
    await page.locator("details.before:not([open]) summary, .by-person").first.wait_for()
    if await page.locator("details.before:not([open])").count():
        await page.locator("details.before summary").click()
    await person.reads("zebra <b>")
    await person.check_accessible()


async def _changes_the_language_and_erases(person: Visitor, other: str) -> None:
    page = person.page
    await person.presses("action:language", f"choice:{other}")
    await page.locator(f'html[lang="{other}"]').wait_for()
    await person.check_accessible()
    await person.presses("action:erase")
    await person.sees("choice:erase_now")
    await person.check_accessible()
    await person.presses("choice:erase_now")
    await person.sees("check")
    await person.check_accessible()
    await person.presses("check")
    await page.locator('[role="status"]:not(:empty)').wait_for()
    await person.check_accessible()


@WAYS
async def test_questions_can_be_answered_skipped_and_several_picked(
    browser: Browser, service: RunningService, scripts: bool
) -> None:
    async with visiting(browser, service.url, scripts=scripts) as person:
        await person.starts()
        await person.answers("questions", "no_code", "go_on", "me", "adult")
        while not await person.page.locator(".pick").count():
            no = await person.button("choice:no").count()
            await person.answers("no" if no else "skip")
        boxes = person.page.locator(".pick input")
        await boxes.nth(0).check()
        await boxes.nth(1).check()
        await person.check_accessible()
        own = person.page.locator(".by-person")
        for number in (0, 1):
            name = await person.page.locator(".pick").nth(number).inner_text()
            own = own.filter(has_text=name.strip())
        await person.presses("done")
        await own.wait_for()


@WAYS
async def test_a_human_takes_over_and_writes(
    browser: Browser, service: RunningService, scripts: bool
) -> None:
    operator = Operator(service)
    async with visiting(browser, service.url, scripts=scripts) as person:
        await person.starts()
        await person.presses("action:human", "choice:fresh")
        await eventually(operator.somebody_waits, "the person waits")
        await operator.takes_over()
        await operator.writes("Hello, I am Ana.")
        # Without scripts the page is still open, and the line comes into it.
        await person.reads("Hello, I am Ana.")
        assert await person.page.locator(".by-operator .by").first.is_visible()
        await person.check_accessible()
        await person.writes("Hello Ana")
        await person.reads("Hello Ana")
        await operator.gives_back()
        if not scripts:
            await person.reads('Press "Show new messages"')
            await person.presses("show")
        await person.page.locator(".question:visible button").first.wait_for()
        await person.reads("I am the program again")
        said = person.page.locator(".by-person").filter(has_text="Hello Ana")
        assert await said.count() == 1


@WAYS
async def test_two_tabs_do_not_disturb_each_other(
    browser: Browser, service: RunningService, scripts: bool
) -> None:
    async with visiting(browser, service.url, scripts=scripts) as one:
        await one.starts()
        other = await one.page.context.new_page()
        await other.goto(one.url)
        await other.locator('button[value="start"]').click()
        await other.locator('button[value="choice:not_safe"], button[value="choice:no"]').click()
        await other.locator('button[value="choice:close"]').click()
        await other.get_by_text("You have left").wait_for()
        await one.presses("choice:rights")
        await one.sees("action:back")
        assert "You have left" not in await one.text()


async def test_the_same_page_in_two_tabs_counts_one_answer(
    browser: Browser, service: RunningService
) -> None:
    async with visiting(browser, service.url, scripts=False) as person:
        await person.opens()
        await person.presses("start")
        await person.sees("choice:yes")
        async with person.page.context.expect_page() as opened:
            await person.page.evaluate("document.querySelector('#form').target = '_blank'")
            await person.presses("choice:yes")
        second = await opened.value
        await second.locator('button[value="choice:doctor"]').wait_for()
        await person.page.evaluate("document.querySelector('#form').target = ''")
        await person.presses("choice:no")
        await person.reads("This button belonged to an earlier question")
        await person.sees("choice:doctor")


async def test_large_text_fits_a_small_phone(browser: Browser, service: RunningService) -> None:
    async with visiting(browser, service.url) as person:
        await person.page.add_init_script(
            "addEventListener('DOMContentLoaded',"
            " () => document.documentElement.style.fontSize = '200%')"
        )
        await person.starts()
        await person.check_accessible()
        await person.presses("action:hotline", "choice:MD")
        await person.sees("choice:work")
        await person.check_accessible()
        small = await person.page.evaluate(
            "[...document.querySelectorAll('button, summary, .exit:not(.first), a.phone')]"
            ".filter(e => e.checkVisibility() && e.offsetHeight < 44 && !e.matches('.quiet'))"
            ".map(e => e.outerHTML)"
        )
        assert small == [], "every target is at least 44 px high"


async def test_the_keyboard_alone_is_enough(browser: Browser, service: RunningService) -> None:
    async with visiting(browser, service.url) as person:
        page = person.page
        await person.opens()
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.matches('a.exit.first')")
        assert await page.locator("a.exit.first").is_visible()
        await _tab_to(person, "start")
        await page.keyboard.press("Enter")
        await person.sees("choice:yes")
        assert await page.evaluate("document.activeElement.matches('.question')")
        await _tab_to(person, "choice:yes")
        await page.keyboard.press("Enter")
        await person.sees("choice:doctor")
        await _tab_to(person, "choice:no")
        await page.keyboard.press("Space")
        await person.sees("choice:rights")
        await _tab_to(person, "send")
        await page.keyboard.press("Shift+Tab")
        await page.keyboard.type("hello there")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await person.reads("hello there")


async def _tab_to(person: Visitor, do: str) -> None:
    page = person.page
    for _ in range(40):
        await page.keyboard.press("Tab")
        assert await page.evaluate(
            "(e => e === document.body || e.matches(':focus-visible'))(document.activeElement)"
        )
        if await page.evaluate("document.activeElement.value") == do:
            return
    raise AssertionError(f"{do} is not reached by Tab")


async def test_a_screen_reader_hears_messages_once_and_in_order(
    browser: Browser, service: RunningService
) -> None:
    async with visiting(browser, service.url) as person:
        await person.starts()
        log = person.page.get_by_role("log")
        assert await log.get_attribute("aria-live") == "polite"
        said = await log.locator("li").all_inner_texts()
        assert len(said) == len(set(said)), said
        group = person.page.get_by_role("group", name="What would you like to do?")
        assert await group.get_by_role("button").count() > 5
