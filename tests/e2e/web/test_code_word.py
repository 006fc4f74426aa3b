"""Coming back to a human with code and agreed word, as the person sees it."""

import pytest
from playwright.async_api import Browser

from bot.domain.code_word import MOST_WRONG_WORDS
from bot.domain.ids import InputKey
from bot.engine.received import Returned
from tests.support.browser import Visitor, visiting
from tests.support.operator import Operator
from tests.support.service import RunningService
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LETTER = "Come to the side door."


async def _takes_code_and_word(person: Visitor) -> tuple[str, str]:
    await person.starts()
    await person.presses("action:leave", "choice:code")
    code = await person.takes_code()
    word = await person.page.locator(".agreed:visible").inner_text()
    assert word.isalpha()
    await person.check_accessible()
    return code, word


async def _gives_code(person: Visitor, code: str) -> None:
    await person.opens()
    await person.page.locator(".code-form summary").click()
    await person.page.locator("#code").fill(code)
    await person.presses("open")


async def _answered_by_a_human(person: Visitor, operator: Operator, code: str) -> None:
    await _gives_code(person, code)
    await person.presses("action:human", "choice:fresh")
    await eventually(operator.somebody_waits, "the person waits")
    await operator.takes_over()
    await operator.writes(LETTER)
    await person.reads(LETTER)


async def _gives_word(person: Visitor, word: str) -> None:
    await person.page.locator("#word:visible").fill(word)
    await person.presses("open")


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
@pytest.mark.parametrize(
    ("language", "scheme"), [("en", "light"), ("ar", "dark")], ids=["en", "ar-dark"]
)
async def test_the_word_opens_what_a_human_wrote(
    browser: Browser, service: RunningService, scripts: bool, language: str, scheme: str
) -> None:
    async with visiting(
        browser, service.url, scripts=scripts, locale=language, color_scheme=scheme
    ) as person:
        page = person.page
        code, word = await _takes_code_and_word(person)
        await _answered_by_a_human(person, Operator(service), code)
        await _gives_code(person, code)
        field = page.locator("#word:visible")
        await field.wait_for()
        assert await field.evaluate("e => e === document.activeElement"), "ready to type"
        assert await page.locator("#word-wrong").count() == 0
        assert not await page.locator("#code").is_visible()
        await person.check_accessible()
        await _gives_word(person, "qqq")
        await page.locator("#word-wrong:visible").wait_for()
        assert await field.input_value() == ""
        assert await field.evaluate("e => e === document.activeElement")
        described = await field.evaluate(
            "e => document.getElementById(e.getAttribute('aria-describedby')).innerText"
        )
        assert described == await page.locator("#word-wrong").inner_text()
        assert LETTER not in await person.text()
        await person.check_accessible()
        await _gives_word(person, f" {word.upper()} ")
        await page.locator("button.earlier:visible").wait_for()
        assert LETTER not in await person.text()
        await page.locator("button.earlier").click()
        await page.locator("details.before:not([open]) summary, .by-person").first.wait_for()
        if await page.locator("details.before:not([open])").count():
            await page.locator("details.before summary").click()
        await person.reads(LETTER)
        await person.check_accessible()


async def test_the_keyboard_alone_gives_code_and_word(
    browser: Browser, service: RunningService
) -> None:
    async with visiting(browser, service.url) as person:
        code, word = await _takes_code_and_word(person)
        await _answered_by_a_human(person, Operator(service), code)
        await person.opens()
        await person.page.locator(".code-form summary").focus()
        for keys in ("Enter", "Tab"):
            await person.page.keyboard.press(keys)
        await person.page.keyboard.type(code)
        await person.page.keyboard.press("Enter")
        await person.page.locator("#word:visible").wait_for()
        await person.page.keyboard.type(word)
        await person.page.keyboard.press("Enter")
        await person.page.locator("button.earlier:visible").wait_for()


async def test_when_the_word_was_guessed_too_often_the_code_is_asked_again(
    browser: Browser, service: RunningService
) -> None:
    """And other tabs of the same person are not disturbed by it."""
    async with visiting(browser, service.url) as person:
        operator = Operator(service)
        code, _ = await _takes_code_and_word(person)
        await _answered_by_a_human(person, operator, code)
        other = Visitor(await person.page.context.new_page(), person.url)
        await _gives_code(other, code)
        await other.page.locator("#word:visible").wait_for()
        assert operator.taken is not None
        for number in range(MOST_WRONG_WORDS):
            guess = Returned(word="guess")
            await service.service.turns.receive(operator.taken, InputKey(f"guess {number}"), guess)
        await _gives_word(other, "qqq")
        await other.reads("This code opens nothing.")
        assert await other.page.locator("#code").is_visible()
        assert await other.page.locator("#word").count() == 0
        await other.check_accessible()
        await person.writes("I am still here")
        await person.page.locator(".by-person:not(.unsaved)").last.wait_for()
        assert "I am still here" in await person.text()
