"""From stored choices to what the rule may look at."""

import pytest

from bot.domain.conversation import Answer, Conversation, Facts, Place, new_conversation
from bot.domain.indicators import DEPENDENT, AgeAnswer, Answers, IndicatorCode, Presence
from bot.domain.messages import ChoiceId
from bot.engine.answers import answers_of, signs_present
from bot.engine.graph import Graph
from tests.support.graphs import EN, Button, menu, picks, remembers, sign, small_graph, step

GRAPH = small_graph(
    home=[
        step("debt", asks=sign("DEBT")),
        step("debt_again", asks=sign("DEBT")),
        step("rest", asks=sign("HOURS", turned=True)),
        step("two", asks=sign("HURT", "THREAT_HARM")),
        step("depend", asks=picks("DEPENDENT", "papers", "home", "family", "language", "more")),
        step(
            "stop",
            asks=menu(
                "nothing",
                money=Button(signs=("CANNOT_REFUSE", "PAY_KEPT")),
                threats=Button(signs=("CANNOT_REFUSE", "THREAT_HARM")),
            ),
        ),
        step("age", asks=remembers("age", "child")),
    ]
)


def _said(
    *given: tuple[str, str], facts: Facts | None = None, graph: Graph = GRAPH
) -> tuple[Answers, Conversation]:
    conversation = new_conversation(release=1, language=EN, nonce="n", facts=facts or {})
    answers = tuple(
        Answer(place=Place("home", node), choices=tuple(map(ChoiceId, choices.split())))
        for node, choices in given
    )
    full = Conversation(
        release=1,
        language=EN,
        control=conversation.control,
        answers=answers,
        facts=conversation.facts,
    )
    return answers_of(graph, full), full


def _presence(*given: tuple[str, str]) -> dict[str, str]:
    answers, _ = _said(*given)
    return {code: presence.value for code, presence in answers.presence.items()}


@pytest.mark.parametrize(
    ("choice", "straight", "turned"),
    [
        ("yes", "yes", "no"),
        ("sometimes", "sometimes", "sometimes"),
        ("no", "no", "yes"),
        ("dont_know", "unknown", "unknown"),
    ],
)
def test_the_five_answers(choice: str, straight: str, turned: str) -> None:
    assert _presence(("debt", choice)) == {"DEBT": straight}
    assert _presence(("rest", choice)) == {"HOURS": turned}
    assert _presence(("two", choice)) == {"HURT": straight, "THREAT_HARM": straight}


@pytest.mark.parametrize("node", ["debt", "rest", "two", "depend", "stop"])
@pytest.mark.parametrize("skipped", ["", "skip"])
def test_a_skipped_question_says_nothing(node: str, skipped: str) -> None:
    answers, _ = _said((node, skipped))
    assert answers == Answers(age=AgeAnswer.SKIPPED)


def test_a_choice_sets_its_own_signs_and_denies_the_others() -> None:
    assert _presence(("stop", "money")) == {
        "CANNOT_REFUSE": "yes",
        "PAY_KEPT": "yes",
        "THREAT_HARM": "no",
    }
    assert set(_presence(("stop", "nothing")).values()) == {"no"}
    assert set(_presence(("stop", "dont_know")).values()) == {"unknown"}


@pytest.mark.parametrize(
    ("first", "second", "counts"),
    [
        ("yes", "no", "yes"),
        ("no", "yes", "yes"),
        ("sometimes", "yes", "yes"),
        ("no", "sometimes", "sometimes"),
        ("dont_know", "no", "no"),
        ("no", "dont_know", "no"),
    ],
)
def test_of_two_answers_about_one_sign_the_clearer_counts(
    first: str, second: str, counts: str
) -> None:
    assert _presence(("debt", first), ("debt_again", second)) == {"DEBT": counts}


@pytest.mark.parametrize(
    ("picked", "count"),
    [
        ("papers", 1),
        ("papers home family language", 4),
        ("papers home family language more", 4),
        ("dont_know", 0),
        ("", 0),
    ],
)
def test_how_much_depends_is_counted_up_to_four(picked: str, count: int) -> None:
    answers, conversation = _said(("depend", picked))
    assert answers.dependent == count
    assert (DEPENDENT in signs_present(GRAPH, conversation)) is (count > 0)


@pytest.mark.parametrize(
    ("age", "counts"),
    [
        ("child", AgeAnswer.CHILD),
        ("adult", AgeAnswer.ADULT),
        ("not_sure", AgeAnswer.NOT_SURE),
        ("skip", AgeAnswer.SKIPPED),
        ("dont_know", AgeAnswer.SKIPPED),
    ],
)
def test_age(age: str, counts: AgeAnswer) -> None:
    assert _said(facts={"age": (age,)})[0].age is counts
    assert _said()[0].age is AgeAnswer.SKIPPED


@pytest.mark.parametrize(
    ("topics", "purpose"),
    [(("sex",), True), (("debt", "begging"), True), (("debt",), False), (("skip",), False)],
)
def test_topics_that_are_a_purpose_for_a_child(topics: tuple[str, ...], purpose: bool) -> None:
    assert _said(facts={"topics": topics})[0].purpose_topic is purpose


@pytest.mark.parametrize("answer", ["yes", "doctor", "no", "dont_know", "skip"])
def test_danger(answer: str) -> None:
    found, _ = _said(facts={"danger": (answer,)})
    assert found.danger_now is (answer in {"yes", "doctor"})
    urgent = found.danger_now or found.pregnancy_or_illness
    assert urgent is (answer in {"yes", "doctor"})


def test_answers_to_questions_that_a_release_has_lost_say_nothing() -> None:
    answers, _ = _said(("gone", "yes"), ("age", "child"), ("debt", "never_written"))
    assert answers.presence == {IndicatorCode("DEBT"): Presence.UNKNOWN}


def test_signs_stand_in_the_order_of_the_table() -> None:
    _, conversation = _said(("stop", "threats"), ("two", "yes"), ("debt", "yes"))
    assert signs_present(GRAPH, conversation) == ("DEBT", "HURT", "THREAT_HARM", "CANNOT_REFUSE")
