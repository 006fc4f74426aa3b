"""What a text may mean by itself: rules, models and the interpreter together."""

import asyncio

import pytest

from bot.dialogue.reading import (
    MOST_CHARACTERS,
    Interpretation,
    Listener,
    Reading,
    TextUrgency,
    for_interpreter,
)
from bot.engine.received import Action
from nlu.ears import local_ears


class Knows:
    """An interpreter that answers what it was told to, and notes what it was asked."""

    def __init__(self, answer: Interpretation | None) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def interpret(self, text: str) -> Interpretation | None:
        self.asked.append(text)
        return self.answer


def interpretation(**chances: float) -> Interpretation:
    tags = {name: chance for name, chance in chances.items() if name.isupper() or "ask_" in name}
    return Interpretation(intents=chances, tags=tags)


def read(listener: Listener, text: str, *found: Action) -> Reading:
    return asyncio.run(listener.read(text, found))


QUIET = "the bus to the market leaves at nine"


def test_danger_is_heard_without_the_interpreter_and_does_not_wait_for_it() -> None:
    knows = Knows(None)
    reading = read(Listener(local_ears(), knows), "he is at the door with a knife", Action.DANGER)
    assert reading.urgency is TextUrgency.IMMEDIATE
    assert reading.exits[0] is Action.DANGER
    assert knows.asked == []


def test_the_erasing_command_is_nothing_else() -> None:
    reading = read(Listener(local_ears()), "/erase", Action.ERASE_NOW)
    assert reading.exits == (Action.ERASE_NOW,)


def test_an_ordinary_text_is_ordinary() -> None:
    reading = read(Listener(local_ears()), QUIET)
    assert (reading.exits, reading.check_safety, reading.child) == ((), False, False)
    assert reading.urgency is TextUrgency.NONE


def test_what_the_interpreter_is_sure_of_is_taken() -> None:
    knows = Knows(interpretation(tell=0.9, DOCS_HELD=0.8, DEBT=0.1, ask_rights=0.9, ask_cost=0.1))
    reading = read(Listener(local_ears(), knows), QUIET)
    assert list(reading.signs) == ["DOCS_HELD"]
    assert reading.asks == ("rights",)
    assert reading.urgency is TextUrgency.ELEVATED
    assert reading.by_interpreter


def test_an_exit_needs_to_be_sure() -> None:
    assert read(Listener(local_ears(), Knows(interpretation(stop=0.4))), QUIET).exits == ()
    sure = Knows(interpretation(stop=0.95))
    assert read(Listener(local_ears(), sure), QUIET).exits == (Action.STOP,)


def test_an_absent_interpreter_changes_nothing() -> None:
    alone = read(Listener(local_ears()), QUIET)
    assert read(Listener(local_ears(), Knows(None)), QUIET) == alone


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("/affirm", "affirm"),
        (" // /deny{}", "deny{}"),
        ("hello", "hello"),
        ("a/b", "a/b"),
        ("x" * 10_000, "x" * MOST_CHARACTERS),
    ],
)
def test_the_interpreter_gets_no_commands_and_no_novels(typed: str, asked: str) -> None:
    assert for_interpreter(typed) == asked


@pytest.mark.parametrize("empty", ["", "   ", "/", " / / "])
def test_the_interpreter_is_never_asked_about_nothing(empty: str) -> None:
    knows = Knows(interpretation(affirm=1.0))
    reading = read(Listener(local_ears(), knows), empty)
    assert knows.asked == []
    assert not reading.by_interpreter
