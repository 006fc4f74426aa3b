"""The state of a conversation: what it starts with, and what it gives away."""

import pytest

from bot.domain.control import Owner
from bot.domain.conversation import Answer, Conversation, Facts, Place, new_conversation
from bot.domain.indicators import Urgency
from bot.domain.messages import Author, ChoiceId, Chose, Message, Said
from bot.domain.text import Country, Language, text
from bot.engine.received import OperatorWrote, Pressed, Typed
from tests.support.graphs import OPERATOR


def _new(facts: Facts | None = None) -> Conversation:
    return new_conversation(release=3, language=Language("ro"), nonce="n", facts=facts or {})


def test_a_new_conversation_knows_nothing() -> None:
    new = _new()
    assert new.control.owner is Owner.BOT
    assert (new.asked, new.answers, new.trail, new.prompt, new.held) == (0, (), (), None, None)
    assert (new.outcome, new.urgency) == (None, Urgency.NORMAL)
    assert not new.show_answers
    assert not new.asked_for_person
    assert new.country is None


@pytest.mark.parametrize(
    ("said", "country"),
    [
        (("MD",), Country("MD")),
        (("other",), None),
        (("skip",), None),
        (("dont_know",), None),
        ((), None),
    ],
)
def test_the_country_is_one_of_ours_or_none(
    said: tuple[str, ...], country: Country | None
) -> None:
    assert _new({"country": said}).country == country


def test_an_answer_is_found_by_its_place() -> None:
    here, there = Place("a", "x"), Place("b", "x")
    answer = Answer(place=here, choices=(ChoiceId("yes"),))
    conversation = Conversation(
        release=1, language=Language("en"), control=_new().control, answers=(answer,)
    )
    assert conversation.answer_at(here) == answer
    assert conversation.answer_at(there) is None


def test_what_a_person_said_is_never_in_a_representation() -> None:
    """A traceback or a log line that prints a value must not print words or answers."""
    private = "geheimnis"
    conversation = Conversation(
        release=1,
        language=Language("en"),
        control=_new().control,
        answers=(Answer(place=Place("a", "x"), choices=(ChoiceId(private),)),),
        facts={"topics": (private,)},
    )
    values = (
        conversation,
        conversation.answers,
        Message(Author.PERSON, Said(private)),
        Message(Author.PERSON, Chose((text(private),))),
        Typed(words=private),
        Pressed(number=1, choices=(ChoiceId(private),)),
        OperatorWrote(operator=OPERATOR, words=private),
    )
    for value in values:
        assert private not in repr(value)
        assert private not in f"{value}"
