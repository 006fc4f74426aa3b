"""The page without JavaScript, over the real service."""

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from bot.channels.web.assets import load_assets, squeeze
from bot.channels.web.forms import MOST_FORM_BYTES
from bot.errors import StoreUnavailableError
from tests.support.operator import Operator
from tests.support.page import Page, past_the_gate
from tests.support.service import RunningService

FIRST_LOAD = 14 * 1024


@pytest.fixture
def page(service: RunningService) -> Page:
    return Page(service.session, service.url + "/")


@pytest.fixture
def broken_store(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.MonkeyPatch]:
    """Call `broken_store.context()` to take the store away."""
    with monkeypatch.context() as patch:
        yield patch


def take_away(service: RunningService, patch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise StoreUnavailableError("test")

    for method in ("load", "commit", "read"):
        patch.setattr(type(service.service.store), method, refuse)


async def test_the_start_page_asks_for_nothing_and_leaves_nothing(page: Page) -> None:
    first = await page.opens()
    assert first.status == 200
    assert "Set-Cookie" not in first.headers
    assert first.headers["Cache-Control"] == "no-store"
    assert first.headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in first.headers["Content-Security-Policy"]
    assert "<title>Notes</title>" in first.html
    assert not re.search(r'(?:src|href)="(?:https?:)?//(?!www\.bbc\.com)', first.html)
    assert {"start", "open", "numbers:MD", "language:ar"} <= set(first.buttons())


@pytest.mark.parametrize("language", ["en", "ar", "ro", "ru"])
async def test_the_first_load_is_small_in_every_language(page: Page, language: str) -> None:
    first = await page.opens(language)
    assets = sum(len(asset.compressed) for asset in load_assets().values())
    assert len(squeeze(first.html.encode())) + assets <= FIRST_LOAD


@pytest.mark.parametrize(
    ("accepted", "language"),
    [("ro", "ro"), ("ar-EG, en;q=0.5", "ar"), ("en;q=0.2, ru-RU;q=0.9", "ru"), ("xx", "en")],
)
async def test_the_browsers_languages_order_the_list(
    page: Page, accepted: str, language: str
) -> None:
    first = await page.opens(accepted)
    assert f'<html lang="{language}"' in first.html


async def test_numbers_can_be_seen_without_starting(page: Page) -> None:
    numbers = await (await page.opens()).presses("numbers:MD")
    assert 'href="tel:112"' in numbers.html
    assert "start" in numbers.buttons()


async def test_every_action_answers_with_the_whole_page(page: Page) -> None:
    gate = await (await page.opens()).presses("start")
    assert gate.status == 200
    assert "Can you read this safely now?" in gate.text
    always = {f"action:{a}" for a in ("human", "hotline", "leave", "erase", "language", "back")}
    assert always | {"show", "send", "choice:yes"} <= set(gate.buttons())
    menu = await past_the_gate(page)
    assert "choice:questions" in menu.buttons()
    assert menu.html.index("<form") < menu.html.index('class="before"'), "input before the log"


async def test_loading_a_page_again_is_the_same_turn(page: Page) -> None:
    gate = await (await page.opens()).presses("start")
    body = gate.body("choice:yes")
    once, again = await gate.sends(body), await gate.sends(body)
    assert again.text == once.text
    assert again.field("after") == once.field("after")


async def test_starting_again_from_the_same_page_is_the_same_conversation(page: Page) -> None:
    body = (await page.opens()).body("start")
    once, again = await page.sends(body), await page.sends(body)
    assert again.field("token") == once.field("token")


async def test_a_page_loaded_late_has_nothing_of_the_program_below_the_takeover(
    page: Page, service: RunningService
) -> None:
    """The answer was lost, a human has taken over since, and the form is sent again."""
    operator = Operator(service)
    at = await past_the_gate(page)
    waiting = await (await at.presses("action:human")).presses("choice:fresh")
    body = waiting.body("send", words="zebra")
    lost = await waiting.sends(body)
    assert "<fieldset" in lost.html, "the program still asks"
    await operator.takes_over()
    late = await waiting.sends(body)
    notice = late.html.index("A person answers you from now on")
    new = late.html[: late.html.index("<form")]
    assert new.index("zebra") < new.index('class="by-bot"') < notice
    assert 'class="by-bot"' not in late.html[notice : late.html.index('class="before"')]
    assert "<fieldset" not in late.html
    shown_next = await late.presses("send", words="hello")
    assert 'class="by-bot"' not in shown_next.html[: shown_next.html.index('class="before"')]


async def test_another_press_on_an_old_page_is_answered_kindly(page: Page) -> None:
    gate = await (await page.opens()).presses("start")
    after = await gate.presses("choice:yes")
    late = await gate.presses("choice:no")
    assert "This button belonged to an earlier question" in late.text
    assert late.field("number") == after.field("number")


async def test_what_was_typed_stays_when_another_button_is_pressed(page: Page) -> None:
    gate = await (await page.opens()).presses("start")
    words = "half a sentence <b>&amp;\n second line"
    shown = await gate.presses("show", words=words)
    assert shown.field("words") == words
    sent = await shown.presses("send", words=words)
    assert sent.field("words") == ""
    assert "half a sentence <b>&amp;" in sent.text
    assert "<b>" not in sent.html


async def test_several_picks_are_sent_together(page: Page) -> None:
    at = await past_the_gate(page)
    for press in ("questions", "no_code", "go_on", "me", "adult"):
        at = await at.presses(f"choice:{press}")
    while 'name="pick"' not in at.html:
        skip = next(b for b in at.buttons() if b in {"choice:no", "choice:skip"})
        at = await at.presses(skip)
    offered = re.findall(r'name="pick" value="(\w+)"', at.html)
    nothing = await at.presses("done")
    assert nothing.field("number") == at.field("number"), "nothing was picked"
    after = await at.presses("done", pick=offered[:2])
    assert after.field("number") != at.field("number")


async def test_nothing_of_before_is_shown_after_coming_back(page: Page) -> None:
    at = await past_the_gate(page)
    at = await at.presses("send", words="zebra")
    at = await at.presses("action:leave")
    left = await at.presses("choice:code")
    assert "You have left" in left.text
    found = re.search(r'class="digits"[^>]*>([+\d ]+)<', left.html)
    assert found is not None
    back = await (await page.opens()).presses("open", code=found[1])
    assert "zebra" not in back.html
    assert "earlier" in back.buttons()
    shown = await back.presses("earlier")
    assert "zebra" in shown.text


async def test_a_left_page_opens_nothing_when_it_is_loaded_again(page: Page) -> None:
    start = (await page.opens()).body("start")
    gate = await page.sends(start)
    typed = gate.body("send", words="zebra")
    after = await gate.sends(typed)
    leaving = await after.presses("action:leave")
    last = leaving.body("choice:leave_now")
    left = await leaving.sends(last)
    assert "You have left" in left.text
    assert left.headers["Clear-Site-Data"] == '"cache", "storage"'
    for old in (start, typed, gate.body("choice:yes"), leaving.body("show"), last):
        again = await page.sends(old)
        assert "zebra" not in again.html
        assert "choice:" not in again.html
        assert 'name="token" value="ey' not in again.html


async def test_a_code_page_that_was_left_does_not_open_again(page: Page) -> None:
    at = await (await page.opens()).presses("start")
    leaving = await at.presses("action:leave")
    left = await leaving.presses("choice:code")
    found = re.search(r'class="digits"[^>]*>([+\d ]+)<', left.html)
    assert found is not None
    opening = (await page.opens()).body("open", code=found[1])
    back = await page.sends(opening)
    assert (await page.sends(opening)).field("token") == back.field("token"), "reload at once"
    assert "You have left" in (await back.presses("action:leave")).text
    late = await page.sends(opening)
    assert (late.status, "choice:" in late.html) == (410, False)


async def test_a_wrong_code_says_so_and_too_many_wait(page: Page) -> None:
    first = await page.opens()
    wrong = await first.presses("open", code="+889 000 000 000 0000")
    assert "This code opens nothing" in wrong.text
    for _ in range(5):
        wrong = await (await page.opens()).presses("open", code="12")
    assert wrong.status == 429
    assert "Please wait a moment" in wrong.text


async def test_erasing_can_be_checked(page: Page) -> None:
    at = await past_the_gate(page)
    token = at.field("token")
    sure = await at.presses("action:erase")
    erased = await sure.presses("choice:erase_now")
    assert "Erased. Nobody can read" in erased.text
    checked = await erased.presses("check")
    assert "Nothing is there" in checked.text
    old = await at.presses("show")
    assert (old.status, token in old.html) == (410, True)
    assert "There is nothing here any more" in old.text
    other = await checked.presses("language:ar")
    assert '<html lang="ar" dir="rtl">' in other.html


async def test_language_is_chosen_before_and_within(page: Page) -> None:
    first = await (await page.opens()).presses("language:ar")
    assert '<html lang="ar" dir="rtl">' in first.html
    gate = await first.presses("start")
    assert '<html lang="ar" dir="rtl">' in gate.html
    menu = await gate.presses("action:language")
    assert '<html lang="en" dir="ltr">' in (await menu.presses("choice:en")).html


async def test_broken_forms_change_nothing_and_show_the_conversation(page: Page) -> None:
    gate = await (await page.opens()).presses("start")
    base = urlencode(gate.body("send", words="x")).encode()
    sent = {"Content-Type": "application/x-www-form-urlencoded"}
    for bad, status, sentence in (
        (base.replace(b"words=x", b"words=%ff%fe"), 400, "could not read your last message"),
        (base.replace(b"words=x", b"words=" + b"y" * 5000), 413, "too long for one message"),
        (base + b"&z=" + b"y" * MOST_FORM_BYTES, 413, "too long for one message"),
        (base + b"&unknown=1", 400, "could not read your last message"),
        (base.replace(b"after=", b"after=-"), 400, "could not read your last message"),
    ):
        answer = await gate.sends(bad, **sent)
        assert answer.status == status
        assert sentence in answer.text
        assert answer.field("number") == gate.field("number")
        assert "choice:yes" in answer.buttons()
    for bad in (b"", b"\xff", b"&&&", b"=" * 300, b"do=choice:yes&token=zzz"):
        assert "start" in (await gate.sends(bad, **sent)).buttons()


async def test_foreign_tokens_open_nothing(page: Page) -> None:
    one = await (await page.opens()).presses("start")
    other = await (await page.opens()).presses("start")
    mixed = one.field("token").split(".")[0] + other.field("token")[22:]
    answer = await one.presses("show", token=mixed)
    assert answer.status == 410
    assert "opens nothing any more" in answer.text


async def test_a_form_of_another_site_starts_nothing(page: Page) -> None:
    body = (await page.opens()).body("start")
    answer = await page.sends(body, **{"Sec-Fetch-Site": "cross-site"})
    assert "choice:yes" not in answer.buttons()


async def test_a_full_conversation_keeps_help_open(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = await (await page.opens()).presses("start")
    monkeypatch.setattr("bot.dialogue.turns.MOST_ENTRIES", 1)
    full = await gate.presses("send", words="one more")
    assert full.status == 409
    assert "This conversation is full" in full.text
    assert full.field("words") == "one more"
    assert "Which country" in (await full.presses("action:hotline")).text


async def test_without_a_store_the_page_has_numbers_and_keeps_what_was_typed(
    service: RunningService, page: Page, broken_store: pytest.MonkeyPatch
) -> None:
    at = await past_the_gate(page)
    at = await (await at.presses("action:hotline")).presses("choice:MD")
    take_away(service, broken_store)
    down = await at.presses("send", words="I wrote this")
    assert down.status == 503
    assert "Nothing you write now is saved" in down.text
    assert 'href="tel:112"' in down.html
    assert "La Strada Moldova" in down.text
    assert down.field("words") == "I wrote this"
    arabic = await down.presses("language:ar")
    assert (arabic.status, 'dir="rtl"' in arabic.html) == (503, True)
    assert arabic.field("words") == "I wrote this"
    again = await arabic.presses("again")
    assert again.status == 503
    broken_store.undo()
    sent, repeated = await again.presses("again"), await down.presses("again")
    assert sent.status == repeated.status == 200
    assert sent.text.count("I wrote this") == 1
    assert repeated.field("after") == sent.field("after"), "one turn, however often it was sent"


async def test_without_a_store_and_a_country_one_can_be_chosen(
    service: RunningService, page: Page, broken_store: pytest.MonkeyPatch
) -> None:
    first = await page.opens()
    take_away(service, broken_store)
    down = await first.presses("start")
    assert (down.status, "country:MD" in down.buttons()) == (503, True)
    chosen = await down.presses("country:MD")
    assert "La Strada Moldova" in chosen.text
    broken_store.undo()
    assert "choice:yes" in (await chosen.presses("again")).buttons()


async def test_a_bug_of_ours_still_has_numbers(
    service: RunningService, page: Page, broken_store: pytest.MonkeyPatch
) -> None:
    gate = await (await page.opens()).presses("start")

    def fail(*_: object) -> None:
        raise RuntimeError("test")

    broken_store.setattr(type(service.service.store), "read", fail)
    answer = await gate.presses("choice:yes")
    assert (answer.status, "You can call these numbers" in answer.text) == (500, True)
