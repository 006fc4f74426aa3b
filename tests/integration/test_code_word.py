"""Coming back to a conversation with a human: the code opens it together with its word only."""

import asyncio
import json
import logging
import secrets
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polib
import pytest
import pytest_asyncio

from bot.channels.web import limits
from bot.dialogue.ports import Commit
from bot.domain.code_word import MOST_WRONG_WORDS
from bot.domain.ids import ConversationId, InputKey, Milliseconds, OperatorId
from bot.errors import StoreUnavailableError
from bot.settings import ROOT
from handoff.permissions import Member, Role
from tests.support.page import Form, Page
from tests.support.person import Answered, Person
from tests.support.service import RunningService, running, settings_for

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANNA = Member(id=OperatorId("op-anna"), roles=frozenset({Role.OPERATOR}))
LETTER = "Come to the side door at nine."
MARK = "quarkword"
WORDS = [f"{MARK}{one}{two}" for one in "abcdefgh" for two in "ijklmnop"]


@pytest.fixture(scope="module")
def marked_content(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped content with words to agree on that stand nowhere else."""
    folder = tmp_path_factory.mktemp("marked")
    for part in ("flows", "locales", "nlu"):
        shutil.copytree(ROOT / part, folder / part)
    items = "".join(f"  {word}: {word.capitalize()}\n" for word in WORDS)
    listed = f"schema: 1\ntexts: code_words\nabout: x\nitems:\n{items}"
    (folder / "flows/code_words.yaml").write_text(listed)
    for file in folder.glob("locales/*/code_words.po"):
        _translate(file)
    return folder


def _translate(file: Path) -> None:
    letter = {"ru": "ж", "ar": "ض"}.get(file.parent.name, "")
    catalogue = polib.POFile()
    catalogue.extend(
        polib.POEntry(
            msgctxt=f"code_words.{word}",
            msgid=word.capitalize(),
            msgstr=word + letter,
            comment=f"code_words.{word}",
        )
        for word in WORDS
    )
    catalogue.save(str(file))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_service(
    redis_socket: Path, tmp_path_factory: pytest.TempPathFactory, marked_content: Path
) -> AsyncIterator[RunningService]:
    """A service of its own content, in which everybody may try as many codes as they like."""
    folder = tmp_path_factory.mktemp("code_word")
    settings = settings_for(f"unix://{redis_socket}", folder, content=marked_content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "CODES_AT_ONCE", 10_000)
        async with running(settings) as found:
            yield found
            await client_of(found).delete("fp:release")


@pytest_asyncio.fixture(loop_scope="module")
async def service(one_service: RunningService) -> RunningService:
    """The same service for all tests here, in which nobody has been before."""
    await one_service.forget_everybody()
    return one_service


def client_of(service: RunningService) -> Any:
    return service.service.store._client


def id_of(person: Person) -> ConversationId:
    return ConversationId(person.token.partition(".")[0])


def fresh() -> str:
    return secrets.token_urlsafe(16)


async def returns(service: RunningService, key: str = "", **body: Any) -> Person:
    """Somebody who comes back with what they know."""
    person = service.person()
    found = await person._post("/api/return", {"id": key or fresh(), **body})
    person.token = found["token"]
    person._take(found)
    return person


async def refused(service: RunningService, key: str = "", **body: Any) -> str | None:
    with pytest.raises(Answered) as answer:
        await returns(service, key, **body)
    return answer.value.error


async def with_code(service: RunningService, language: str = "en") -> tuple[Person, str, str]:
    """Somebody who took a code, left, and came back; what they know."""
    person = service.person()
    await person.opens(language)
    await person.wants("leave")
    await person.presses("code")
    code, word = person.view["code"], person.view["word"]
    return await returns(service, code=code), code, word


async def takes_the_code(person: Person) -> None:
    """From the menu, on a page that stays open."""
    await person.wants("home")
    for choice in ("more", "still_more", "code"):
        await person.presses(choice)


async def with_human(service: RunningService) -> tuple[Person, str, str]:
    """The same, and an operator has written."""
    person, code, word = await with_code(service)
    await person.wants("human")
    await person.presses("fresh")
    await service.desk.claim(id_of(person), ANNA)
    await service.desk.write(id_of(person), ANNA, InputKey(fresh()), LETTER)
    await person.looks()
    assert LETTER in json.dumps(person.messages)
    return person, code, word


async def state_of(service: RunningService, person: Person) -> Any:
    return (await service.service.store.look(id_of(person))).conversation


# --- The word -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "ends"), [("en", ""), ("ru", "ж"), ("ar", "ض")])
async def test_the_word_comes_with_the_code_in_the_persons_language(
    service: RunningService, language: str, ends: str
) -> None:
    person, _, word = await with_code(service, language)
    assert word.lower().startswith(MARK)
    assert word.endswith(ends)
    assert "word" not in person.view, "shown with the code only"
    await person.wants("home")
    assert "word" not in person.view


async def test_asking_again_gives_the_same_code_and_word(service: RunningService) -> None:
    person, code, word = await with_code(service)
    await takes_the_code(person)
    assert (person.view["code"], person.view["word"]) == (code, word)


async def test_not_everybody_gets_the_same_word(service: RunningService) -> None:
    found = {(await with_code(service))[2] for _ in range(8)}
    assert len(found) > 1


async def test_a_repeated_input_shows_code_and_word_once_more(service: RunningService) -> None:
    person = service.person()
    await person.opens()
    await person.wants("leave")
    press = {"press": {"number": person.question["number"], "choices": ["code"]}}
    key, token = fresh(), person.token
    first = await person.sends(press, key)
    person.token = token
    again = await person.sends(press, key)
    assert (again["code"], again["word"]) == (first["code"], first["word"])


# --- When it is needed --------------------------------------------------------------------------


async def test_before_a_human_the_code_alone_opens_and_any_word_does(
    service: RunningService,
) -> None:
    _, code, _ = await with_code(service)
    await returns(service, code=code)
    await returns(service, code=code, word="")
    await returns(service, code=code, word="something else")


async def test_with_a_human_the_code_alone_opens_nothing(service: RunningService) -> None:
    person, code, word = await with_human(service)
    before = await state_of(service, person)
    assert await refused(service, code=code) == "word"
    assert await refused(service, code=code, word=" \u200b!") == "word"
    assert await state_of(service, person) == before
    await person.looks()  # and their open page goes on
    await person.types("I am still here")
    back = await returns(service, code=code, word=word.upper() + " ")
    assert LETTER not in json.dumps(back.messages), "nothing of before by itself"
    back.view = None
    await back.looks()
    assert LETTER in json.dumps(back.messages)


@pytest.mark.parametrize("after", ["waiting", "withdrawn", "given back", "closed"])
async def test_the_word_is_needed_whatever_came_after(service: RunningService, after: str) -> None:
    if after in {"waiting", "withdrawn"}:
        person, code, word = await with_code(service)
        await person.wants("human")
        await person.presses("fresh")
        if after == "withdrawn":
            await person.wants("human")
            await person.presses("leave_line")
            assert person.view["owner"] == "bot"
    else:
        person, code, word = await with_human(service)
        let_go = service.desk.give_back if after == "given back" else service.desk.close
        await let_go(id_of(person), ANNA)
    assert await refused(service, code=code) == "word"
    assert await refused(service, code=code, word="lamp") == "word_wrong"
    await returns(service, code=code, word=word)


# --- Wrong words --------------------------------------------------------------------------------


async def test_a_wrong_word_is_counted_and_nobody_is_told(service: RunningService) -> None:
    person, code, word = await with_human(service)
    before, length = await state_of(service, person), person.last
    assert await refused(service, code=code, word="lamp") == "word_wrong"
    assert await state_of(service, person) == replace(before, wrong_words=1)
    await person.looks()
    assert person.last == length
    await returns(service, code=code, word=word)


async def test_after_ten_the_code_opens_nothing_any_more(service: RunningService) -> None:
    person, code, word = await with_human(service)
    async with asyncio.TaskGroup() as group:
        tries = [
            group.create_task(refused(service, code=code, word=f"lamp{n}")) for n in range(20)
        ]
    said = [task.result() for task in tries]
    assert sorted(map(str, said)) == ["code"] * 11 + ["word_wrong"] * 9
    assert (await state_of(service, person)).wrong_words == MOST_WRONG_WORDS
    for body in ({"word": word}, {"word": "lamp"}, {}):
        assert await refused(service, code=code, **body) == "code"
    await person.looks()  # whoever has the page open, still has it
    _, its_code, its_word = await with_human(service)
    await returns(service, code=its_code, word=its_word)


async def test_the_same_input_again_decides_as_the_first_time(service: RunningService) -> None:
    person, code, word = await with_human(service)
    key = fresh()
    for _ in range(3):
        assert await refused(service, key, code=code, word="lamp") == "word_wrong"
    assert (await state_of(service, person)).wrong_words == 1
    # The right word under an id that was used up opens nothing; the page takes a new id.
    assert await refused(service, key, code=code, word=word) == "view_ended"
    once = fresh()
    first = await returns(service, once, code=code, word=word)
    again = await returns(service, once, code=code, word=word)
    assert again.token == first.token
    assert await refused(service, once, code=code) == "word"
    assert await refused(service, once, code=code, word="lamp") == "word_wrong"


async def test_the_id_of_another_input_opens_nothing(service: RunningService) -> None:
    """Whoever saw an id of the person's own page cannot come in by repeating it."""
    person, code, _ = await with_human(service)
    key = fresh()
    await person.sends({"words": "hello"}, key)
    for used in (key, person.start_id):
        assert await refused(service, used, code=code) in {"word", "broken"}
        assert await refused(service, used, code=code, word="lamp") in {"word_wrong", "broken"}


async def test_a_code_from_before_there_were_words_opens_nothing_with_a_human(
    service: RunningService,
) -> None:
    person, code, word = await with_human(service)
    store = service.service.store
    loaded = await store.look(id_of(person))
    old = Commit(
        id=id_of(person),
        key=InputKey(fresh()),
        version=loaded.version,
        conversation=replace(loaded.conversation, code_word=None),
        messages=(),
        length=loaded.length,
        handle=loaded.handle,
        rank=0,
        keep_for=Milliseconds(60_000),
        handed_over=True,
    )
    assert await store.commit(old)
    for given in ("", "None", word):
        assert await refused(service, code=code, word=given) == "code"
    await person.looks()
    # Asking for the code once more, on the page that is open, agrees on a word.
    await service.desk.give_back(id_of(person), ANNA)
    await takes_the_code(person)
    assert person.view["code"] == code
    await returns(service, code=code, word=person.view["word"])


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b'"word": 7', 400, "broken"),
        (b'"word": null', 400, "broken"),
        (b'"word": ["x"]', 400, "broken"),
        (b'"word": {"$ne": 1}', 400, "broken"),
        (b'"word": "' + b"x" * 65 + b'"', 400, "broken"),
        (b'"word": "\\ud800"', 400, "broken"),
        (b'"word": "\xff"', 400, "broken"),
        (b'"word": "' + b"x" * 40_000 + b'"', 413, "too_large"),
        (b'"words": "x"', 400, "broken"),
        (b'"word": "x", "word": "y"', 403, "word_wrong"),
        (b'"word": "<script>*"', 403, "word_wrong"),
        (b'"word": "{code_word}"', 403, "word_wrong"),
        ('"word": "' + "a\u0301" * 32 + '"', 403, "word_wrong"),
        (b'"word": "\\u0000\\u202e"', 403, "word"),
        (b'"word": ""', 403, "word"),
    ],
    ids=lambda value: str(value)[:24],
)
async def test_hostile_words(
    service: RunningService, body: bytes | str, status: int, error: str
) -> None:
    person, code, word = await with_human(service)
    raw = body if isinstance(body, bytes) else body.encode()
    whole = f'{{"id": "{fresh()}", "code": "{code}", '.encode() + raw + b"}"
    async with service.session.post(service.url + "/api/return", data=whole) as answer:
        assert (answer.status, await answer.json()) == (status, {"error": error})
    assert (await state_of(service, person)).wrong_words == (error == "word_wrong")
    await returns(service, code=code, word=word)


# --- The page without scripts -------------------------------------------------------------------


@pytest.fixture
def page(service: RunningService) -> Page:
    return Page(service.session, service.url + "/")


def form_for_the_word(page: Page) -> Form:
    return next(form for form in page.forms if "open" in form.buttons)


async def test_without_scripts_the_second_step_asks_for_the_word(
    service: RunningService, page: Page
) -> None:
    _, code, word = await with_human(service)
    asked = await (await page.opens()).presses("open", code=code)
    assert (asked.status, LETTER in asked.html) == (200, False)
    assert "Please write the word that we agreed on." in asked.text
    assert "That is not the word" not in asked.text
    assert dict(form_for_the_word(asked).fields)["code"] == code
    assert code not in asked.text
    assert "location" not in {name.lower() for name in asked.headers}
    empty = await asked.presses("open", word="  ")
    assert "That is not the word" not in empty.text
    wrong = await empty.presses("open", word="<b>lamp")
    assert (wrong.status, LETTER in wrong.html) == (200, False)
    assert "That is not the word we agreed on." in wrong.text
    assert "<b>lamp" not in wrong.html
    assert "lamp" not in wrong.html, "what was typed is not given back"
    back = await wrong.presses("open", word=word.upper())
    assert "earlier" in back.buttons()
    assert LETTER not in back.html
    assert LETTER in (await back.presses("earlier")).text


async def test_the_same_form_again_is_the_same_try_and_another_word_is_not(
    service: RunningService, page: Page
) -> None:
    person, code, word = await with_human(service)
    asked = await (await page.opens()).presses("open", code=code)
    for _ in range(3):
        wrong = await asked.sends(asked.body("open", word="lamp"))
        assert "That is not the word" in wrong.text
    assert (await state_of(service, person)).wrong_words == 1
    # The other tab of the same page, later: what was typed is another try.
    back = await asked.sends(asked.body("open", word=word))
    assert back.field("token")


async def test_a_page_with_too_long_a_word_says_so(service: RunningService, page: Page) -> None:
    person, code, _ = await with_human(service)
    asked = await (await page.opens()).presses("open", code=code)
    for bad in ("x" * 65, "x" * 100_000):
        answer = await asked.presses("open", word=bad)
        assert answer.status in {400, 413}
        assert LETTER not in answer.html
    assert (await state_of(service, person)).wrong_words == 0


async def test_when_nothing_can_be_saved_the_word_is_kept_in_the_form(
    service: RunningService, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, code, word = await with_human(service)
    asked = await (await page.opens()).presses("open", code=code)
    with monkeypatch.context() as patch:

        async def refuse(*_: object, **__: object) -> None:
            raise StoreUnavailableError

        patch.setattr(type(service.service.store), "load", refuse)
        trouble = await asked.presses("open", word=word)
    assert trouble.status in {500, 503}
    back = await trouble.presses("again")
    assert "earlier" in back.buttons()


async def test_code_and_word_are_limited_together(
    one_service: RunningService,
    redis_socket: Path,
    tmp_path: Path,
    marked_content: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "CODES_AT_ONCE", 5)
    settings = settings_for(f"unix://{redis_socket}", tmp_path, content=marked_content)
    async with running(settings) as service:
        _, code, word = await with_human(service)  # has come back once
        for _ in range(4):
            assert await refused(service, code=code, word="lamp") == "word_wrong"
        assert await refused(service, code=code, word=word) == "wait"


# --- Who sees it, and who does not --------------------------------------------------------------


async def test_the_word_is_on_the_operators_card_and_nowhere_else(
    service: RunningService,
    caplog: pytest.LogCaptureFixture,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    caplog.set_level(logging.DEBUG)
    anna = await service.staffer("anna", Role.OPERATOR)
    person, code, word = await with_code(service)
    await person.wants("human")
    await person.presses("fresh")
    await anna.opens("/queue")
    assert MARK not in anna.page.lower()
    await anna.sends("/claim")
    assert word in anna.page
    assert "If you doubt who writes" in anna.page
    assert await refused(service, code=code, word=f"{word}x") == "word_wrong"
    await returns(service, code=code, word=word)
    await anna.opens("/queue")
    assert MARK not in anna.page.lower()
    boris = await service.staffer("boris", Role.OPERATOR)
    await boris.opens(f"/conversation/{id_of(person)}")
    assert MARK not in boris.page.lower()
    redis = client_of(service)
    stored = [
        (name, await redis.dump(name))
        async for name in redis.scan_iter()
        if not name.startswith(b"fp:release")
    ]
    assert len(stored) > 5
    assert [name for name, value in stored if MARK.encode() in (value or b"").lower()] == []
    assert MARK not in caplog.text.lower()
    files = list(tmp_path_factory.getbasetemp().glob("code_word*/**/*"))
    assert any(file.name == "installation.key" for file in files)
    told = [
        file for file in files if file.is_file() and MARK.encode() in file.read_bytes().lower()
    ]
    assert told == []
