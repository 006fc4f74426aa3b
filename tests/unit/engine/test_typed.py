"""What becomes of typed words once they were understood: danger, questions, what is told."""

import pytest

from bot.domain.control import Owner
from bot.domain.indicators import Urgency
from bot.domain.messages import ChoiceId
from bot.domain.text import Language
from bot.engine.graph import Level
from bot.engine.received import Action, Typed
from tests.support.graphs import (
    EN,
    RO,
    Button,
    Talk,
    menu,
    remembers,
    sign,
    small_graph,
    step,
    when,
)

GRAPH = small_graph(
    welcome=[step("safe", says=1, asks=remembers("safe_now", "yes", "no"), to="home")],
    home=[step("menu", asks=menu("stay", questions=Button(opens="questions")))],
    questions=[
        step("papers", asks=sign("DOCS_HELD")),
        step("debt", asks=sign("DEBT")),
        step("end_menu", asks=menu("fine")),
    ],
    rights=[step("text", says=2)],
    cost=[step("text", says=1)],
    age=[step("age", asks=remembers("age", "child", "adult", "not_sure"))],
    told=[
        step("heard", says=1),
        step("docs_held", asks=sign("DOCS_HELD", once=True), only_if=when(told="DOCS_HELD")),
        step("hours", asks=sign("HOURS", once=True), only_if=when(told="HOURS")),
        step("debt", asks=sign("DEBT", once=True), only_if=when(told="DEBT")),
    ],
)


@pytest.fixture
def person() -> Talk:
    talk = Talk(GRAPH)
    talk.starts()
    talk.press_all("yes")
    assert talk.question == "home.menu"
    return talk


def _asked_for_papers(person: Talk) -> Talk:
    person.presses("questions")
    assert person.question == "questions.papers"
    return person


# --- The question about danger ------------------------------------------------------------------


def test_what_may_be_danger_is_asked_once(person: Talk) -> None:
    person.receives(Typed(words="…", check_safety=True))
    assert person.question == "check_safety.ask"
    person.presses("no")
    assert person.question == "home.menu"
    person.receives(Typed(words="…", check_safety=True))
    assert person.question != "check_safety.ask", "not again at once"


def test_it_is_asked_again_after_a_while(person: Talk) -> None:
    person.receives(Typed(words="…", check_safety=True))
    person.presses("no")
    for _ in range(8):
        person.presses("stay")
    person.receives(Typed(words="…", check_safety=True))
    assert person.question == "check_safety.ask"


def test_a_yes_shows_the_emergency_number(person: Talk) -> None:
    person.receives(Typed(words="…", check_safety=True))
    person.presses("yes")
    assert "emergency" in person.told


def test_what_is_surely_danger_is_not_asked_about(person: Talk) -> None:
    person.receives(Typed(words="…", heard=Action.DANGER, check_safety=True))
    assert "emergency" in person.told


# --- Questions in the middle --------------------------------------------------------------------


def test_a_question_is_answered_and_the_question_returns(person: Talk) -> None:
    _asked_for_papers(person)
    person.receives(Typed(words="…", asks=("rights",)))
    assert person.told == ["rights.text.say.0", "rights.text.say.1"]
    assert person.question == "questions.papers"
    assert person.now.misses == 0


def test_two_questions_are_answered_one_after_the_other(person: Talk) -> None:
    person.receives(Typed(words="…", asks=("cost", "rights")))
    assert person.told == ["cost.text.say.0", "rights.text.say.0", "rights.text.say.1"]
    assert person.question == "home.menu"


def test_what_no_flow_answers_is_a_miss(person: Talk) -> None:
    person.receives(Typed(words="…", asks=("never_written",)))
    assert person.told == ["interface.not_understood_once"]


def test_an_answer_comes_before_a_question(person: Talk) -> None:
    _asked_for_papers(person)
    person.receives(Typed(words="…", meant=(ChoiceId("yes"),), asks=("rights",)))
    assert person.question == "questions.debt"


# --- What is told -------------------------------------------------------------------------------


def test_what_is_told_is_offered_back_and_counts_after_a_yes(person: Talk) -> None:
    person.receives(Typed(words="…", told=("DOCS_HELD",)))
    assert person.question == "told.docs_held"
    assert person.now.answers[1:] == (), "nothing counts by itself"
    person.presses("yes")
    assert person.question == "home.menu"
    assert [answer.place.node for answer in person.now.answers] == ["safe", "docs_held"]


def test_a_no_counts_for_nothing(person: Talk) -> None:
    person.receives(Typed(words="…", told=("DOCS_HELD",)))
    person.presses("no")
    person.presses("questions")
    assert person.question == "questions.papers", "it is asked in its place all the same"


def test_what_was_confirmed_is_not_asked_again(person: Talk) -> None:
    person.receives(Typed(words="…", told=("DOCS_HELD",)))
    person.presses("yes")
    person.presses("questions")
    assert person.question == "questions.debt"


def test_what_is_told_at_its_own_question_answers_it(person: Talk) -> None:
    _asked_for_papers(person)
    person.receives(Typed(words="…", told=("DOCS_HELD",)))
    person.presses("yes")
    assert person.question == "questions.debt"


def test_at_most_two_things_are_offered_back(person: Talk) -> None:
    person.receives(Typed(words="…", told=("DOCS_HELD", "HOURS", "DEBT")))
    assert person.question == "told.docs_held"
    person.presses("yes")
    assert person.question == "told.hours"
    person.presses("no")
    assert person.question == "home.menu"


def test_nothing_is_offered_back_twice(person: Talk) -> None:
    person.receives(Typed(words="…", told=("DOCS_HELD",)))
    person.presses("no")
    person.receives(Typed(words="…", told=("DOCS_HELD",)))
    assert person.question == "home.menu"


def test_a_sign_without_a_question_is_not_offered(person: Talk) -> None:
    person.receives(Typed(words="…", told=("DEPENDENT",)))
    assert person.told == ["interface.not_understood_once"]


def test_a_question_and_a_tale_are_both_taken_up(person: Talk) -> None:
    person.receives(Typed(words="…", asks=("cost",), told=("DOCS_HELD",)))
    assert person.told[0] == "cost.text.say.0"
    assert person.question == "told.docs_held"


def test_nothing_is_offered_back_where_the_questions_are_not_translated() -> None:
    graph = small_graph(
        welcome=[step("hello", says=1, to="home")],
        told=[step("docs_held", asks=sign("DOCS_HELD"))],
        languages={EN: Level.FIRST_HELP},
    )
    talk = Talk(graph)
    talk.starts()
    talk.receives(Typed(words="…", told=("DOCS_HELD",)))
    assert talk.question == "home.menu"


def test_who_seems_to_be_a_child_is_asked_about_the_age(person: Talk) -> None:
    person.receives(Typed(words="…", child=True))
    assert person.question == "age.age"
    assert "age" not in person.now.facts
    person.presses("child")
    person.receives(Typed(words="…", child=True))
    assert person.question == "home.menu", "asked once only"


# --- Urgency, and who answers -------------------------------------------------------------------


@pytest.mark.parametrize("owner", [Owner.BOT, Owner.WAITING])
def test_what_sounds_urgent_comes_earlier_in_the_queue(person: Talk, owner: Owner) -> None:
    if owner is Owner.WAITING:
        person.asks(Action.HUMAN)
        person.presses("fresh")
    person.receives(Typed(words="…", urgency=Urgency.PRIORITY))
    assert person.now.urgency is Urgency.PRIORITY
    person.receives(Typed(words="…", urgency=Urgency.NORMAL))
    assert person.now.urgency is Urgency.PRIORITY, "never lowered by a later text"


def test_who_waits_for_a_human_is_answered_and_not_questioned(person: Talk) -> None:
    person.asks(Action.HUMAN)
    person.presses("fresh")
    person.receives(Typed(words="…", told=("DOCS_HELD",), child=True))
    assert person.told == ["interface.waiting_text_kept"]
    person.receives(Typed(words="…", asks=("cost",)))
    assert person.told[0] == "cost.text.say.0"


def test_nothing_is_understood_while_an_operator_answers(person: Talk) -> None:
    person.asks(Action.HUMAN)
    person.presses("fresh")
    person.operator_claims()
    typed = Typed(
        words="…",
        check_safety=True,
        asks=("cost",),
        told=("DOCS_HELD",),
        child=True,
        urgency=Urgency.PRIORITY,
        writes=RO,
    )
    person.receives(typed)
    assert len(person.messages) == 1, "only what they wrote"


# --- Another language ---------------------------------------------------------------------------


def test_another_language_is_offered_and_never_made(person: Talk) -> None:
    person.receives(Typed(words="…", writes=RO))
    assert person.now.language == EN
    assert person.question == "language_offer.which"
    assert person.choices == ["ro", "no"]
    person.presses("ro")
    assert person.now.language == RO
    assert person.question == "home.menu"


def test_a_language_is_offered_once(person: Talk) -> None:
    person.receives(Typed(words="…", writes=RO))
    person.presses("no")
    assert person.now.language == EN
    person.receives(Typed(words="…", writes=RO))
    assert person.question == "home.menu"


def test_a_language_is_offered_beside_an_answer(person: Talk) -> None:
    person.receives(Typed(words="…", asks=("cost",), writes=Language("ro")))
    assert person.told[0] == "cost.text.say.0"
    assert person.question == "language_offer.which"
