"""What is stored outlives the code: every form that was ever written must still be read."""

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.dialogue.codec import (
    VERSION,
    dump_conversation,
    dump_message,
    load_conversation,
    load_message,
)
from bot.domain.control import Control, Fence, Owner
from bot.domain.conversation import (
    Answer,
    Conversation,
    Frame,
    Place,
    Prompt,
    Resume,
    Spot,
)
from bot.domain.handover import Alarm, AlarmKind, Handover
from bot.domain.ids import Milliseconds, OperatorId
from bot.domain.indicators import Outcome, Urgency
from bot.domain.messages import (
    Asked,
    Author,
    Choice,
    ChoiceId,
    Chose,
    Content,
    Message,
    Pick,
    Said,
    Shown,
    Told,
)
from bot.domain.text import Country, Language, Text, TextKey, text
from bot.errors import CorruptStateError

STATES = Path(__file__).parent / "states"

PLACE = Place("ask", "debt")
SPOT = Spot(PLACE, (Frame(Place("home", "menu"), Resume.AGAIN), Frame(PLACE, Resume.BELOW)))

FULL = Conversation(
    release=12,
    language=Language("sr-Cyrl"),
    control=Control(
        owner=Owner.OPERATOR,
        fence=Fence(4, "n4"),
        operator=OperatorId("op-1"),
        lease_until=Milliseconds(1_795_000_000_000),
        announced=True,
    ),
    prompt=Prompt(
        number=17,
        spot=Spot(PLACE, (Frame(PLACE, Resume.CHANGE),)),
        choices=(ChoiceId("yes"), ChoiceId("skip")),
        pick=Pick.MANY,
        changing=True,
    ),
    asked=17,
    signs_asked=9,
    answers=(
        Answer(place=PLACE, choices=(ChoiceId("yes"),)),
        Answer(place=Place("ask", "skipped"), choices=()),
        Answer(place=Place("ask", "topics"), choices=(ChoiceId("work"), ChoiceId("debt"))),
    ),
    facts={"topics": ("work", "debt"), "country": ("MD",), "age": ()},
    trail=(SPOT, Spot(PLACE)),
    held=SPOT,
    misses=2,
    outcome=Outcome.SEVERAL_SIGNS,
    urgency=Urgency.PRIORITY,
    rule_version="2026.1",
    asked_for_person=True,
    show_answers=True,
    handover=Handover(
        shared_after=31,
        alarms=(Alarm(1, AlarmKind.DANGER), Alarm(2, AlarmKind.ERASE_WORD)),
        alarms_seen=1,
        away=True,
        told_long=True,
    ),
    has_code=True,
    code_word="каштан",
    wrong_words=3,
    view=5,
)
NO_WORD: dict[str, Any] = {"code_word": None, "wrong_words": 0}
NOT_YET: dict[int, dict[str, Any]] = {
    1: {"handover": Handover(), **NO_WORD},
    2: NO_WORD,
    3: NO_WORD,
}
"""What a version did not know, as it is read today."""

MESSAGES = (
    Message(
        Author.BOT,
        Asked(
            number=17,
            question=text("ask.debt.ask"),
            choices=(
                Choice(ChoiceId("yes"), text("interface.yes")),
                Choice(
                    ChoiceId("ask.debt"),
                    text("interface.answered", question=text("ask.debt.ask"), times=2, name="x"),
                ),
            ),
            pick=Pick.MANY,
            explained=True,
        ),
    ),
    Message(Author.BOT, Told(text("country.known.say.0", country=text("country.MD.name")))),
    Message(Author.NOTICE, Told(text("interface.takeover"))),
    Message(
        Author.NOTICE,
        Shown(block="hotlines", country=Country("MD"), beside=("emergency", "hotlines")),
    ),
    Message(Author.BOT, Shown(block="emergency", country=None)),
    Message(Author.PERSON, Said("Помогите \u202e \x00 \ud800 😀")),
    Message(Author.OPERATOR, Said("")),
    Message(Author.PERSON, Chose((text("a.b.choice.c"), text("d.e.choice.f")))),
    Message(Author.PERSON, Chose(())),
)


# --- Old forms ----------------------------------------------------------------------------------


def test_there_is_an_example_of_every_version() -> None:
    assert {file.stem for file in STATES.glob("*.json")} == {
        f"version_{number}" for number in range(1, VERSION + 1)
    }


def _examples(version: int) -> dict[str, Any]:
    """A version as it was written: one conversation and one message of each kind."""
    file = STATES / f"version_{version}.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_every_version_still_loads(version: int) -> None:
    stored = _examples(version)
    conversation = json.dumps(stored["conversation"]).encode()
    assert load_conversation(conversation) == replace(FULL, **NOT_YET.get(version, {}))
    messages = [load_message(json.dumps(message).encode()) for message in stored["messages"]]
    assert messages == [_as_known_in(version, message) for message in MESSAGES]


def _as_known_in(version: int, message: Message) -> Message:
    if version < 3 and isinstance(message.content, Shown):
        return replace(message, content=replace(message.content, beside=()))
    return message


def test_the_newest_version_is_what_is_written_today() -> None:
    """A change of form needs a new version and its own example; the old file stays as it is."""
    stored = _examples(VERSION)
    assert json.loads(dump_conversation(FULL)) == stored["conversation"]
    written = [
        json.loads(dump_message(message).decode(errors="surrogatepass")) for message in MESSAGES
    ]
    assert written == stored["messages"]


# --- There and back -----------------------------------------------------------------------------

names = st.text(st.characters(codec="utf-8"), max_size=8)
keys = names.map(TextKey)
texts = st.recursive(
    st.builds(Text, keys),
    lambda inner: st.builds(
        lambda key, values: text(key, **values),
        keys,
        st.dictionaries(
            st.from_regex(r"[a-jl-z]{1,6}", fullmatch=True),
            st.one_of(st.integers(), names, inner),
            max_size=3,
        ),
    ),
    max_leaves=4,
)
choice_ids = st.builds(ChoiceId, names)
contents: st.SearchStrategy[Content] = st.one_of(
    st.builds(
        Asked,
        number=st.integers(),
        question=texts,
        choices=st.lists(st.builds(Choice, choice_ids, texts), max_size=3).map(tuple),
        pick=st.sampled_from(Pick),
        explained=st.booleans(),
    ),
    st.builds(Told, texts),
    st.builds(Shown, block=names, country=st.sampled_from([None, Country("MD")])),
    st.builds(Said, st.text(st.characters(exclude_categories=()), max_size=40)),
    st.builds(Chose, st.lists(texts, max_size=3).map(tuple)),
)


@given(st.builds(Message, st.sampled_from(Author), contents))
def test_every_message_comes_back_as_it_was(message: Message) -> None:
    assert load_message(dump_message(message)) == message


@pytest.mark.parametrize("owner", Owner)
def test_every_owner_comes_back(owner: Owner) -> None:
    held = owner is Owner.OPERATOR
    control = Control(
        owner=owner,
        fence=Fence(1, ""),
        operator=OperatorId("") if held else None,
        lease_until=Milliseconds(0) if held else None,
    )
    plain = Conversation(release=0, language=Language("en"), control=control)
    assert load_conversation(dump_conversation(plain)) == plain


# --- What is not ours ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"\xff",
        b"null",
        b"[]",
        b"{}",
        b"1",
        b'"text"',
        b'{"version": 0}',
        b'{"version": 5}',
        b'{"version": "1"}',
        b'{"version": 1}',
        b'{"version": 1, "release": Infinity}',
        b"NaN",
        b"[" * 100_000,
        dump_message(MESSAGES[0])[:-1],
        dump_conversation(FULL)[:-1],
        dump_conversation(FULL) + b"x",
    ],
)
def test_bytes_that_are_not_ours_are_corrupt(stored: bytes) -> None:
    for load in (load_conversation, load_message):
        with pytest.raises(CorruptStateError):
            load(stored)


def test_one_kind_is_not_read_as_the_other() -> None:
    with pytest.raises(CorruptStateError):
        load_conversation(dump_message(MESSAGES[0]))
    with pytest.raises(CorruptStateError):
        load_message(dump_conversation(FULL))


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inside: list[tuple[Any, ...]] = []
    if isinstance(value, dict):
        inside = [p for key in value for p in _paths(value[key], (*path, key))]
    elif isinstance(value, list):
        inside = [p for i, one in enumerate(value) for p in _paths(one, (*path, i))]
    return [path, *inside] if path else inside


def _replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _replaced(copy[path[0]], path[1:], new)
    return copy


WRONG: tuple[object, ...] = (None, True, -1, 1e400, "", "x", [], [1], {}, {"a": 1}, "9" * 5000)


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: repr(wrong)[:8])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_state_is_read_or_refused_and_nothing_else(
    wrong: object, data: st.DataObject
) -> None:
    """Damage anywhere ends as a value of ours or as `CorruptStateError`."""
    stored = data.draw(
        st.sampled_from(
            [
                json.loads(dump_conversation(FULL)),
                *(json.loads(dump_message(m).decode(errors="surrogatepass")) for m in MESSAGES),
            ]
        )
    )
    path = data.draw(st.sampled_from(_paths(stored)))
    damaged = json.dumps(_replaced(stored, path, wrong)).encode()
    load = load_conversation if "control" in stored else load_message
    with suppress(CorruptStateError):
        load(damaged)


@pytest.mark.parametrize("path", [("control", "owner"), ("urgency",), ("prompt", "pick")])
def test_a_word_that_we_do_not_know_is_corrupt(path: tuple[str, ...]) -> None:
    damaged = _replaced(json.loads(dump_conversation(FULL)), path, "unheard_of")
    with pytest.raises(CorruptStateError):
        load_conversation(json.dumps(damaged).encode())


def test_an_operator_without_a_claim_is_corrupt() -> None:
    damaged = _replaced(json.loads(dump_conversation(FULL)), ("control", "owner"), "bot")
    with pytest.raises(CorruptStateError):
        load_conversation(json.dumps(damaged).encode())
