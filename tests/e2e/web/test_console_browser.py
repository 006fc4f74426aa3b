"""The console in a real browser: with scripts and without, by keyboard, small, right to left."""

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, Route

from bot.domain.ids import Milliseconds
from bot.domain.text import Language
from handoff.permissions import Role
from tests.support.person import TO_AN_ANSWER, Person
from tests.support.service import RunningService
from tests.support.staffer import PASSWORD, Staffer
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SMALL, LARGE = {"width": 320, "height": 640}, {"width": 1280, "height": 900}
KNIFE = "help me he has a knife"

LISTEN = """
window.told = [];
window.Notification = class { constructor(title, more) { window.told.push([title, more]); } };
window.Notification.permission = "granted";
window.Notification.requestPermission = async () => "granted";
window.tones = 0;
const begin = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) {
  if (this.context.state === "running") window.tones += 1;
  return begin.apply(this, when);
};
"""
"""A browser without a desktop shows no notices and is not heard; this one notes both."""


@dataclass
class Window:
    """A window of the browser, with everything that it asked for."""

    page: Page
    url: str
    foreign: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    async def opens(self, path: str) -> None:
        await self.page.goto(self.url + path)

    async def sees(self, words: str) -> None:
        await self.page.get_by_text(words, exact=False).first.wait_for()

    async def presses(self, name: str) -> None:
        await self.page.get_by_role("button", name=name, exact=True).first.click()

    async def writes(self, words: str) -> None:
        await self.page.locator("#words").fill(words)
        await self.presses("Send")

    async def rings(self) -> int:
        """How many tones were heard since this page was opened."""
        tones: int = await self.page.evaluate("window.tones")
        return tones

    async def rings_more(self, before: int) -> None:
        """Waits until more than so many tones were heard."""
        await self.page.wait_for_function("before => window.tones > before", arg=before)

    async def is_titled(self, title: str) -> None:
        await self.page.wait_for_function("title => document.title === title", arg=title)


@asynccontextmanager
async def window(
    browser: Browser, staffer: Staffer, *, size: dict[str, int] = LARGE, **more: Any
) -> AsyncGenerator[Window]:
    """A window in which `staffer` is signed in."""
    context = await browser.new_context(viewport=size, **more)  # type: ignore[arg-type]
    await context.add_init_script(LISTEN)
    await context.add_cookies(
        [
            {"name": cookie.key, "value": cookie.value, "url": staffer.url, "httpOnly": True}
            for cookie in staffer.session.cookie_jar
        ]
    )
    page = await context.new_page()
    found = Window(page, staffer.url)
    page.on(
        "request",
        lambda one: None if one.url.startswith(staffer.url) else found.foreign.append(one.url),
    )
    page.on("pageerror", lambda error: found.errors.append(str(error)))
    yield found
    assert found.errors == []
    assert found.foreign == []
    kept = await page.evaluate("({...localStorage, ...sessionStorage})")
    assert set(kept) <= {"rings", "known", "read"}
    marks = re.sub(r"[a-f0-9]{16}|own-|\d+|true|false", "", "".join(kept.values()))
    assert set(marks) <= set('[]{}",:'), "nothing but random marks and numbers"
    assert await page.evaluate("document.cookie") == ""
    await context.close()


async def waiting(service: RunningService, language: str = "en", how: str = "fresh") -> Person:
    person = service.person()
    await person.opens(language, country="MD")
    for choice in TO_AN_ANSWER if how == "show" else ():
        await person.presses(choice)
    await person.wants("human")
    await person.presses(how)
    return person


async def answering(service: RunningService, browser: Staffer) -> Person:
    person = await waiting(service)
    await browser.opens("/queue")
    await browser.sends("/claim")
    await person.looks()
    return person


async def fine(found: Window, where: str) -> None:
    """Refuses what axe-core finds, and scrolling sideways."""
    result = await Axe().run(found.page)
    broken = [(one["id"], one["nodes"][0]["html"]) for one in result.response["violations"]]
    assert broken == [], where
    wider = await found.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wider <= 0, f"{where}: {wider} px wider than the screen"


async def test_an_operator_hears_of_somebody_takes_them_and_gives_them_back(
    service: RunningService, browser: Browser
) -> None:
    anna = await service.staffer("anna", Role.OPERATOR)
    async with window(browser, anna) as found:
        await found.opens("/queue")
        await found.presses("Turn on sound and notices")
        await found.sees("Nobody is waiting.")
        person = await waiting(service)
        assert person.heard()[0] == "interface.waiting_somebody"
        await person.types(KNIFE)
        await found.page.locator("li.now").wait_for()

        async def told() -> list[Any]:
            notices: list[Any] = await found.page.evaluate("window.told")
            return notices

        await eventually(told, "a notice for somebody in danger")
        assert [title for title, _ in await told()] == ["Somebody is waiting"]

        await found.presses("Take the next person")
        await found.sees("What was written")
        await found.sees("The person used words that can mean danger.")
        await found.presses("I have seen this")
        await found.page.locator(".alarms").wait_for(state="detached")

        await found.writes("Hello, I am here.")
        await found.page.locator("#log").get_by_text("Hello, I am here.").wait_for()
        assert await found.page.locator("#words").input_value() == ""
        await person.looks()
        assert person.heard()[-1] == "Hello, I am here."
        await person.types("Здравствуйте")
        await found.page.locator("#log").get_by_text("Здравствуйте").wait_for()
        await found.writes("I can read that.")
        await found.page.locator("#log").get_by_text("I can read that.").wait_for()

        await person.types(KNIFE)
        await found.page.locator(".alarms").wait_for()
        await found.page.locator("details.let-go summary").first.click()
        await found.page.get_by_label("We have finished").first.check()
        await found.page.locator("details.let-go[open] button").click()
        await found.page.wait_for_url("**/queue")
        await person.looks()
        assert person.view["owner"] == "bot"


async def test_signing_in_by_keyboard_alone(service: RunningService, browser: Browser) -> None:
    anna = await service.staffer("anna", Role.OPERATOR)
    await anna.sends("/sign-out")
    person = await waiting(service)
    async with window(browser, anna) as found:
        await found.opens("/sign-in")
        keys = found.page.keyboard
        for words in ("anna", PASSWORD, anna.phone.code()):
            await keys.press("Tab")
            while await found.page.evaluate("document.activeElement.tagName") != "INPUT":
                await keys.press("Tab")
            await keys.type(words)
        await keys.press("Enter")
        await found.page.wait_for_url("**/queue")
        await _tab_to(found, "Take the next person")
        await keys.press("Enter")
        await found.sees("What was written")
        await person.looks()
        while await found.page.evaluate("document.activeElement.id") != "words":
            await keys.press("Tab")
        await keys.type("typed and sent")
        await keys.press("Control+Enter")
        await found.page.locator("#log").get_by_text("typed and sent").wait_for()
        await _tab_to(found, "Close the conversation", "SUMMARY")
        await keys.press("Enter")
        await keys.press("Tab")
        await keys.press("Space")
        await _tab_to(found, "Close the conversation")
        await keys.press("Enter")
        await found.page.wait_for_url("**/queue")
    await person.looks()
    assert person.view["owner"] == "closed"


async def _tab_to(found: Window, name: str, tag: str = "BUTTON") -> None:
    for _ in range(60):
        focused = await found.page.evaluate(
            "[document.activeElement.tagName, document.activeElement.textContent.trim()]"
        )
        if focused == [tag, name]:
            return
        await found.page.keyboard.press("Tab")
    pytest.fail(f"{name} cannot be reached with the Tab key")


async def test_without_a_connection_nothing_is_lost_and_nothing_doubled(
    service: RunningService, browser: Browser
) -> None:
    anna = await service.staffer("anna", Role.OPERATOR)
    person = await answering(service, anna)
    async with window(browser, anna) as found:
        await found.opens(anna.path)
        await found.page.context.set_offline(True)
        await found.writes("do not lose this")
        await found.sees("Not sent.")
        assert await found.page.locator("#words").input_value() == "do not lose this"
        await found.page.context.set_offline(False)
        await found.presses("Send")
        await found.page.locator("#log").get_by_text("do not lose this").wait_for()
    await person.looks()
    assert person.heard() == ["do not lose this"]


async def test_what_is_typed_while_a_message_is_on_its_way_stays(
    service: RunningService, browser: Browser
) -> None:
    anna = await service.staffer("anna", Role.OPERATOR)
    person = await answering(service, anna)
    async with window(browser, anna) as found:
        await found.opens(anna.path)
        typed = asyncio.Event()

        async def hold(route: Route) -> None:
            await typed.wait()
            await route.continue_()

        await found.page.route("**/write", hold)
        words, keys = found.page.locator("#words"), found.page.keyboard
        await words.fill("the first sentence")
        async with found.page.expect_request("**/write"):
            await keys.press("Control+Enter")
        await keys.type("\nand the next")
        typed.set()
        await found.page.wait_for_function(
            "() => !document.querySelector('#words').value.includes('first')"
        )
        assert await words.input_value() == "and the next"
        await keys.type(" one")  # the cursor stays where it was
        await keys.press("Control+Enter")
        await found.page.locator("#log").get_by_text("and the next one").wait_for()
    await person.looks()
    assert person.heard() == ["the first sentence", "and the next one"]


async def test_the_sound_goes_along_and_rings_in_a_conversation(
    service: RunningService, browser: Browser
) -> None:
    anna = await service.staffer("anna", Role.OPERATOR)
    person = await answering(service, anna)
    async with window(browser, anna) as found:
        await found.opens("/queue")
        await found.presses("Turn on sound and notices")
        await found.rings_more(0)
        await found.page.locator("#own a").click()
        await found.page.wait_for_url("**/conversation/*")
        await found.sees("Turn off sound and notices")
        before = await found.rings()

        await person.types(KNIFE)
        await found.page.locator(".alarms").wait_for()
        await found.rings_more(before)
        await found.is_titled("● Conversation")
        await found.page.locator("#words").click()
        await found.is_titled("Conversation")
        before = await found.rings()

        other = await waiting(service, "ro")
        await other.types(KNIFE)
        await found.sees("In danger now, and waiting")
        await found.rings_more(before)
        await found.is_titled("● Conversation")
        assert {title for title, _ in await found.page.evaluate("window.told")} == {
            "There is something new"
        }
        await found.page.locator("#to-urgent").click()
        await found.page.locator("li.now").wait_for()
        await found.presses("Turn off sound and notices")
        before = await found.rings()
        await (await waiting(service)).types(KNIFE)
        await found.is_titled("● People waiting")
        assert await found.rings() == before


async def test_a_page_that_hears_nothing_any_more_rings(
    service: RunningService, browser: Browser
) -> None:
    anna = await service.staffer("anna", Role.OPERATOR)
    person = await answering(service, anna)
    async with window(browser, anna) as one, window(browser, anna) as other:
        await one.opens("/queue")
        await other.opens(anna.path)
        for page in (one, other):
            await page.presses("Turn on sound and notices")
            await page.rings_more(0)
            await page.page.context.set_offline(True)
            await page.sees("No connection.")
            await page.rings_more(1)
            await page.is_titled("● Not connected")
            await page.page.context.set_offline(False)
            await page.sees("The connection is back.")
        before = [await one.rings(), await other.rings()]
        await service.service.staff.disable("terminal", "anna")  # as after half an hour
        await other.page.locator("#words").fill("not lost")
        for page, count in zip((one, other), before, strict=True):
            await page.sees("You are not signed in any more.")
            await page.rings_more(count)
            await page.is_titled("● Signed out")
            assert await page.page.locator("#sign-in").is_visible()
        assert await other.page.locator("#words").input_value() == "not lost"
    await person.looks()


async def test_what_happens_in_ones_other_conversations_is_seen(
    service: RunningService, browser: Browser
) -> None:
    anna = await service.staffer("anna", Role.OPERATOR)
    first = await answering(service, anna)
    second = await answering(service, anna)
    async with window(browser, anna) as found:
        await found.opens(anna.path)
        other = found.page.locator("#own a:not([aria-current])")
        await other.click()
        await found.page.wait_for_url(lambda url: not url.endswith(anna.path))
        await found.presses("Turn on sound and notices")
        await found.rings_more(0)
        before = await found.rings()
        await second.types("are you there?")
        await found.page.locator("#own .unread:visible").wait_for()
        await found.rings_more(before)
        before = await found.rings()
        await second.types(KNIFE)
        await found.page.locator("#own .alarm").wait_for()
        await found.rings_more(before)
        await other.click()
        await found.page.locator("#log").get_by_text("are you there?").wait_for()
        assert await found.page.locator("#own .unread:visible").count() == 0
        assert await found.page.locator("#own .alarm").count() == 1
    await first.looks()


@pytest.mark.parametrize("scripts", [True, False])
async def test_beside_a_referral_the_claim_is_kept_and_danger_is_told(
    service: RunningService, browser: Browser, *, scripts: bool
) -> None:
    anna = await service.staffer("anna", Role.OPERATOR)
    person = await answering(service, anna)
    seats = service.desk.seats
    [account] = await service.service.staff.accounts()
    async with window(browser, anna, java_script_enabled=scripts) as found:
        await found.opens(anna.path + "/referrals")
        beside = found.page if scripts else found.page.frame_locator("iframe")
        await beside.get_by_text("English").first.wait_for()
        [(id, heavy, until)] = await seats.held(account.id)
        # As if half of the minute had passed.
        soon = Milliseconds(until - 30_000)
        await seats.take(account.id, id, soon, heavy=heavy, most=3, most_heavy=3)

        async def renewed() -> bool:
            [(_, _, now_until)] = await seats.held(account.id)
            return now_until >= until

        await person.types(KNIFE)
        await (await waiting(service)).types(KNIFE)
        await beside.get_by_text("Look now").first.wait_for()
        await beside.get_by_text("In danger now, and waiting").first.wait_for()
        await eventually(renewed, "the claim is renewed")


async def test_two_windows_show_the_same(service: RunningService, browser: Browser) -> None:
    anna = await service.staffer("anna", Role.OPERATOR)
    person = await answering(service, anna)
    async with window(browser, anna) as one, window(browser, anna) as other:
        await one.opens(anna.path)
        await other.opens(anna.path)
        await other.page.locator("#words").fill("half a sentence")
        await one.writes("from the first window")
        await other.page.locator("#log").get_by_text("from the first window").wait_for()
        assert await other.page.locator("#words").input_value() == "half a sentence"
    await person.looks()
    assert person.heard() == ["from the first window"]


async def test_when_the_person_erases_the_page_says_so_and_sends_nothing_more(
    service: RunningService, browser: Browser
) -> None:
    anna = await service.staffer("anna", Role.OPERATOR)
    person = await answering(service, anna)
    async with window(browser, anna) as found:
        await found.opens(anna.path)
        await found.page.locator("#words").fill("half a sentence")
        await person.types("/erase")
        await found.sees("This conversation does not exist any more.")
        assert await found.page.locator("#words").input_value() == "half a sentence"
        assert await found.page.get_by_role("button", name="Send", exact=True).is_disabled()
        await (await waiting(service)).types(KNIFE)  # somebody else, whom it still tells of
        await found.sees("In danger now, and waiting")


async def test_all_of_it_works_without_scripts(service: RunningService, browser: Browser) -> None:
    anna = await service.staffer("anna", Role.OPERATOR)
    person = await waiting(service)
    async with window(browser, anna, java_script_enabled=False) as found:
        await found.opens("/queue")
        await found.presses("Take the next person")
        await found.sees("Write to the person")
        log = found.page.frame_locator("iframe")
        await found.writes("Hello without scripts")
        await log.get_by_text("Hello without scripts").wait_for()
        await person.types("I am here")
        await found.page.locator("#words").fill("bye")
        await found.presses("Send")
        await found.sees("There is something new that you had not seen.")
        assert await found.page.locator("#words").input_value() == "bye"
        await log.get_by_text("I am here").wait_for()
        await found.presses("Send")
        await log.get_by_text("bye").wait_for()
    await person.looks()
    from_operator = [m["lines"][0]["text"] for m in person.messages if m["by"] == "operator"]
    assert from_operator == ["Hello without scripts", "bye"]


@pytest.mark.parametrize(
    ("language", "size", "scheme"),
    [("en", LARGE, "light"), ("en", SMALL, "dark"), ("ar", SMALL, "light"), ("ar", LARGE, "dark")],
)
async def test_every_page_can_be_read_by_everybody(
    service: RunningService, browser: Browser, language: str, size: dict[str, int], scheme: Any
) -> None:
    anna = await service.staffer("anna", Role.OPERATOR, Role.ADMIN, language=language)
    _, token = await service.service.staff.invite(
        "terminal", "eva", [Role.OPERATOR], Language(language)
    )
    async with window(browser, anna, size=size, color_scheme=scheme) as found:
        for path in (
            "/sign-in",
            f"/set-up/{token}",
            "/account",
            "/accounts",
            "/nothing",
            "/queue",
        ):
            await found.opens(path)
            await fine(found, path)
        shown, kept = await waiting(service, "ar", "show"), await waiting(service, "ar", "fresh")
        await shown.types("مرحبا 069 12 34 56")
        await kept.types(KNIFE)
        await found.page.locator("li.now").wait_for()
        await fine(found, "a full queue")
        await found.page.locator("#take-2").click()
        await found.page.locator("#words").wait_for()
        await found.page.locator("#words").fill("Hello")
        await found.page.locator("#send button").click()
        await found.page.locator("#log .by-operator").wait_for()
        for details in await found.page.locator("details.let-go summary").all():
            await details.click()
        await fine(found, "a conversation with answers")
