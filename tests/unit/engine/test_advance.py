"""Turns: what a person, an operator and time can do, and who may speak meanwhile."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.code_word import MOST_WRONG_WORDS, Shut
from bot.domain.control import MOVES, Move, Owner
from bot.domain.messages import Author, Chose, Said
from bot.engine import advance as advance_module
from bot.engine.advance import ENGINE_FLOWS
from bot.engine.effects import EndView, EraseAll, GiveCode, StayShut
from bot.engine.graph import Do, Graph, Level
from bot.engine.received import (
    ALWAYS_OFFERED,
    Action,
    Claimed,
    ClosedByOperator,
    Failed,
    GaveBack,
    Input,
    LeaseEnded,
    LeaseRenewed,
    OperatorWrote,
    OtherKind,
    Pressed,
    Requested,
    Returned,
    SentOther,
    Started,
    TakeoverAnnounced,
    Transferred,
    Typed,
)
from bot.engine.texts import ENGINE_TEXTS
from bot.engine.waiting import offers, question_waiting
from tests.support.graphs import (
    EN,
    LEASE,
    OPERATOR,
    OTHER_OPERATOR,
    WORD,
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
    welcome=[
        step("safe", says=1, asks=remembers("safe_now", "yes", "no")),
        step("danger", asks=remembers("danger", "yes", "doctor", "no"), to="home"),
    ],
    home=[
        step("menu", asks=menu(read=Button(opens="read"), questions=Button(opens="questions"))),
    ],
    read=[step("text", says=2), step("more", asks=menu("done"))],
    questions=[
        step("age", asks=remembers("age", "child", "adult", "not_sure")),
        step("papers", asks=sign("DOCS_HELD")),
        step("debt", asks=sign("DEBT")),
        step("rest", asks=sign("HOURS", turned=True)),
        step("look", does=[Do.ASSESS], to="result"),
        step("result", says=1, asks=menu("fine", change=Button(to="change_answer"))),
    ],
    change_answer=[
        step("which", says=1, asks=small_graph().flows["change_answer"].nodes["which"].asks),
        step("again", to=[(when(outcome="unset"), "end"), (when(), "look")]),
        step("look", does=[Do.ASSESS], to="questions.result"),
    ],
)


@pytest.fixture
def person() -> Talk:
    """Somebody at the menu, who has said that they are not in danger."""
    talk = Talk(GRAPH)
    talk.starts()
    talk.press_all("yes", "no")
    return talk


def _asked_twice(person: Talk) -> Talk:
    """Somebody at the second question about signs."""
    person.press_all("questions", "adult", "yes")
    assert person.question == "questions.debt"
    return person


def _waiting(person: Talk) -> Talk:
    person.asks(Action.HUMAN)
    person.presses("fresh")
    assert person.owner == "waiting"
    return person


def _taken(person: Talk) -> Talk:
    _waiting(person).operator_claims()
    assert person.owner == "operator"
    return person


def _closed(person: Talk) -> Talk:
    _taken(person).operator_closes()
    assert person.owner == "closed"
    return person


OWNED: dict[Owner, Callable[[Talk], Talk]] = {
    Owner.BOT: lambda person: person,
    Owner.WAITING: _waiting,
    Owner.OPERATOR: _taken,
    Owner.CLOSED: _closed,
}


# --- Starting and pressing ----------------------------------------------------------------------


def test_the_first_screen_is_the_welcome() -> None:
    talk = Talk(GRAPH)
    talk.starts()
    assert talk.told == ["welcome.safe.say.0"]
    assert talk.question == "welcome.safe"
    assert talk.choices == ["yes", "no", "dont_know", "skip"]


def test_a_press_shows_the_persons_own_choice_before_what_follows(person: Talk) -> None:
    person.presses("read")
    first = person.messages[0]
    assert first.by is Author.PERSON
    assert isinstance(first.content, Chose)
    assert [label.key for label in first.content.labels] == ["home.menu.choice.read"]


@pytest.mark.parametrize("number", [0, -1, 1, 2, 99])
def test_a_press_of_another_question_changes_nothing(person: Talk, number: int) -> None:
    before = person.now
    person.presses("read", number=number)
    assert person.told == ["interface.stale_press"]
    assert person.now == before


def test_a_double_press_counts_once(person: Talk) -> None:
    person.press_all("questions", "adult")
    number = person.now.asked
    person.presses("yes", number=number)
    after = person.now
    person.presses("yes", number=number)
    assert person.told == ["interface.stale_press"]
    assert person.now == after
    assert person.question == "questions.debt"


@pytest.mark.parametrize(
    "choices", [(), ("gone",), ("read", "questions"), ("read", "gone"), ("read", "read")]
)
def test_choices_that_the_question_does_not_have_change_nothing(
    person: Talk, choices: tuple[str, ...]
) -> None:
    before = person.now
    person.presses(*choices)
    assert person.told == ["interface.stale_press"]
    assert person.now == before


def test_a_photo_is_answered_honestly_and_changes_nothing(person: Talk) -> None:
    before = person.now
    for kind in OtherKind:
        person.receives(SentOther(kind))
        assert person.told == ["interface.media_not_possible"]
    assert person.now == before


def test_an_input_that_failed_leaves_the_question_where_it_was(person: Talk) -> None:
    before = person.now
    person.receives(Failed())
    assert person.told == ["interface.safe_sentence"]
    assert person.now == before


# --- Words --------------------------------------------------------------------------------------


def test_words_that_name_a_choice_are_the_choice(person: Talk) -> None:
    person.writes("questions please", meant="questions")
    assert person.question == "questions.age"
    assert isinstance(person.messages[0].content, Said)


def test_words_that_name_a_choice_of_an_older_question_are_not_understood(person: Talk) -> None:
    person.writes("adult", meant="adult")
    assert person.told == ["interface.not_understood_once"]


def test_not_understood_once_then_buttons_then_a_human_and_never_again(person: Talk) -> None:
    person.presses("questions")
    told: list[str] = []
    places: list[str] = []
    for _ in range(8):
        person.writes("hm")
        told += person.told
        places.append(person.question)
    assert told[:3] == [
        "interface.not_understood_once",
        "interface.not_understood_buttons",
        "interface.not_understood_human",
    ]
    assert places[:3] == ["questions.age", "questions.age", "human.may_i"]
    assert set(told[3:]) == {"interface.not_understood_buttons"}, "offered once, not again"
    person.presses("no")
    assert person.question == "questions.age", "the offer gives the question back"


def test_an_answer_ends_the_misses(person: Talk) -> None:
    for words in ("hm", "hm"):
        person.writes(words)
    person.press_all("questions")
    person.writes("hm")
    assert person.told == ["interface.not_understood_once"]


def test_misunderstanding_an_exit_ends_the_misses(person: Talk) -> None:
    for words in ("hm", "hm"):
        person.writes(words)
    person.writes("hotline", heard=Action.HOTLINE)
    person.writes("hm")
    assert person.told == ["interface.not_understood_once"]


# --- Exits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "question"),
    [
        (Action.HUMAN, "human.may_i"),
        (Action.HOTLINE, "hotlines.more"),
        (Action.LEAVE, "leave.sure"),
        (Action.ERASE, "erase.sure"),
        (Action.LANGUAGE, "language.which"),
        (Action.CHANGE_ANSWER, "change_answer.which"),
        (Action.DANGER, "danger.offer"),
        (Action.SELF_HARM, "self_harm.offer"),
        (Action.HOME, "home.menu"),
    ],
)
@pytest.mark.parametrize("typed", [False, True])
def test_exits_open_their_flow_and_then_the_question_comes_back(
    person: Talk, action: Action, question: str, typed: bool
) -> None:
    _asked_twice(person)
    person.writes("…", heard=action) if typed else person.asks(action)
    assert person.question == question
    person.asks(Action.BACK)
    assert person.question == "questions.debt"


def test_an_exit_pressed_again_inside_its_flow_begins_it_again_without_piling_up(
    person: Talk,
) -> None:
    for _ in range(30):
        person.asks(Action.HOTLINE)
    assert person.question == "hotlines.more"
    person.presses("no")
    assert person.question == "home.menu"


def test_flows_opened_from_flows_come_back_one_by_one(person: Talk) -> None:
    _asked_twice(person)
    person.asks(Action.HUMAN)
    person.asks(Action.HOTLINE)
    person.asks(Action.LANGUAGE)
    person.presses("en")
    assert person.question == "hotlines.more"
    person.presses("no")
    assert person.question == "human.may_i"
    person.presses("no")
    assert person.question == "questions.debt"


@pytest.mark.parametrize(
    ("action", "alarm"), [(Action.DANGER, "danger"), (Action.SELF_HARM, "self_harm")]
)
@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize("owner", [Owner.BOT, Owner.WAITING])
def test_danger_is_urgent_at_once_and_tells_numbers_before_anything_is_asked(
    person: Talk, action: Action, alarm: str, typed: bool, owner: Owner
) -> None:
    OWNED[owner](person)
    person.writes("…", heard=action) if typed else person.asks(action)
    assert person.alarms == [alarm]
    assert person.urgency == "now"
    assert person.told[-1] in {"emergency", "crisis_line"}
    assert person.owner == owner.value, "nobody is asked to come before the person says yes"
    person.presses("yes")
    assert person.owner == "waiting"
    assert not person.now.show_answers


@pytest.mark.parametrize(("answer", "urgency"), [("yes", "now"), ("doctor", None), ("no", None)])
def test_danger_answered_at_the_gate_counts_before_any_outcome(
    answer: str, urgency: str | None
) -> None:
    talk = Talk(GRAPH)
    talk.starts()
    talk.press_all("yes", answer)
    assert talk.outcome is None
    assert (talk.urgency == "normal") is (answer == "no")
    if urgency:
        assert talk.urgency == urgency


def test_why_explains_and_asks_again(person: Talk) -> None:
    _asked_twice(person)
    number = person.now.asked
    person.asks(Action.WHY)
    assert person.told == ["questions.debt.why"]
    assert person.question == "questions.debt"
    assert person.now.asked == number + 1
    person.presses("no")
    assert person.question == "questions.rest"


def test_why_where_nothing_is_to_explain_says_so(person: Talk) -> None:
    person.asks(Action.WHY)
    assert person.told == ["interface.nothing_to_explain"]
    assert person.question == "home.menu"


def test_what_is_offered_beside_a_question(person: Talk) -> None:
    assert offers(question_waiting(GRAPH, person.now)) == ALWAYS_OFFERED
    _asked_twice(person)
    assert offers(question_waiting(GRAPH, person.now)) == (*ALWAYS_OFFERED, Action.WHY)
    assert offers(None) == ALWAYS_OFFERED


def test_the_question_that_waits_is_the_one_that_was_asked(person: Talk) -> None:
    person.presses("questions")
    asked = question_waiting(GRAPH, person.now)
    assert asked is not None
    assert asked == person.messages[-1].content
    assert question_waiting(small_graph(), person.now) is None, "another release has lost it"


def test_a_button_that_came_later_is_not_one_of_the_question_that_waits() -> None:
    talk = Talk(small_graph(languages={EN: Level.FULL}))
    talk.starts()
    talk.asks(Action.LANGUAGE)
    asked = question_waiting(small_graph(), talk.now)
    assert asked is not None
    assert [choice.id for choice in asked.choices] == ["en"]


# --- Back ---------------------------------------------------------------------------------------


def test_back_over_several_questions_and_forward_again(person: Talk) -> None:
    _asked_twice(person)
    places: list[str] = []
    for _ in range(3):
        person.asks(Action.BACK)
        places.append(person.question)
    assert places == ["questions.papers", "questions.age", "home.menu"]
    person.presses("questions")
    assert person.question == "questions.debt", "what was answered is not asked again"


def test_an_answer_given_again_after_going_back_replaces_the_first(person: Talk) -> None:
    _asked_twice(person)
    person.asks(Action.BACK)
    person.presses("no")
    assert person.question == "questions.debt"
    papers = [a.choices for a in person.now.answers if a.place.node == "papers"]
    assert papers == [("no",)]


def test_back_out_of_an_opened_flow(person: Talk) -> None:
    _asked_twice(person)
    person.asks(Action.HUMAN)
    person.asks(Action.BACK)
    assert person.question == "questions.debt"
    person.asks(Action.BACK)
    assert person.question == "questions.papers"


def test_back_at_the_first_question_asks_it_again_and_skips_nothing() -> None:
    talk = Talk(GRAPH)
    talk.starts()
    for _ in range(3):
        talk.asks(Action.BACK)
        assert talk.question == "welcome.safe"


def test_going_back_for_ever_ends_at_the_first_question(person: Talk) -> None:
    _asked_twice(person)
    for _ in range(60):
        person.asks(Action.BACK)
    assert person.question == "welcome.safe"


def test_a_question_that_stopped_fitting_is_not_asked_again() -> None:
    adult = when(age="adult")
    graph = small_graph(
        home=[
            step("age", asks=remembers("age", "child", "adult")),
            step("private", asks=sign("PURPOSE_SEX"), only_if=adult),
            step("next", asks=menu("stay")),
        ]
    )
    talk = Talk(graph)
    talk.starts()
    talk.press_all("adult", "yes")
    assert talk.question == "home.next"
    talk.asks(Action.CHANGE_ANSWER)
    assert "home.private" in talk.choices
    talk.press_all("home.age", "child")
    assert talk.question == "home.next"
    talk.asks(Action.CHANGE_ANSWER)
    assert "home.private" not in talk.choices, "not offered to be changed"
    seen: set[str] = set()
    for _ in range(6):
        talk.asks(Action.BACK)
        seen.add(talk.question)
    assert talk.question == "home.age"
    assert "home.private" not in seen, "passed over on the way back"


def test_a_question_that_stopped_fitting_while_a_flow_was_open_is_left_out() -> None:
    graph = small_graph(
        home=[
            step("age", asks=remembers("age", "child", "adult")),
            step("private", asks=sign("PURPOSE_SEX"), only_if=when(age="adult")),
            step("next", asks=menu("stay")),
        ]
    )
    talk = Talk(graph)
    talk.starts()
    talk.presses("adult")
    assert talk.question == "home.private"
    talk.asks(Action.CHANGE_ANSWER)
    talk.press_all("home.age", "child")
    assert talk.question == "home.next"


# --- Changing an answer -------------------------------------------------------------------------


def _to_the_result(person: Talk) -> Talk:
    person.press_all("questions", "adult", "no", "no", "yes")
    assert person.question == "questions.result"
    return person


def test_changing_an_answer_changes_the_outcome(person: Talk) -> None:
    _to_the_result(person)
    assert person.outcome == "information"
    person.presses("change")
    assert person.question == "change_answer.which"
    person.presses("questions.papers")
    assert person.question == "questions.papers"
    person.presses("yes")
    assert person.outcome == "signs"
    assert person.question == "questions.result"
    person.press_all("change", "questions.papers", "no")
    assert person.outcome == "information", "and back again"


def test_changing_an_answer_before_the_outcome_returns_to_the_question(person: Talk) -> None:
    _asked_twice(person)
    person.asks(Action.CHANGE_ANSWER)
    person.press_all("questions.papers", "no")
    assert person.question == "questions.debt"
    assert person.outcome is None


def test_leaving_a_change_through_another_flow_returns_to_the_change(person: Talk) -> None:
    _asked_twice(person)
    person.asks(Action.CHANGE_ANSWER)
    person.presses("questions.papers")
    person.asks(Action.WHY)
    person.asks(Action.HOTLINE)
    person.presses("no")
    assert person.question == "questions.papers"
    assert person.now.prompt is not None
    assert person.now.prompt.changing
    person.presses("no")
    assert person.question == "questions.debt", "and not to the question after it"


def test_back_after_a_change_does_not_change_it_again(person: Talk) -> None:
    _asked_twice(person)
    person.asks(Action.CHANGE_ANSWER)
    person.press_all("questions.papers", "no")
    person.asks(Action.BACK)
    assert person.question == "change_answer.which"


def test_skipped_questions_are_not_listed_to_be_changed(person: Talk) -> None:
    person.press_all("questions", "adult", "skip", "dont_know")
    person.asks(Action.CHANGE_ANSWER)
    assert "questions.papers" not in person.choices
    assert "questions.debt" in person.choices


def test_with_nothing_to_change_the_person_is_not_left_standing() -> None:
    talk = Talk(small_graph())
    talk.starts()
    talk.asks(Action.CHANGE_ANSWER)
    assert talk.told == ["change_answer.which.say.0"]
    assert talk.question == "home.menu"


def test_a_changed_answer_counts_once_and_stays_where_it_stood_in_the_list(person: Talk) -> None:
    _to_the_result(person)
    person.presses("change")
    before = person.choices
    person.press_all("questions.papers", "yes", "change")
    assert person.choices == before
    assert len(before) == len(set(before)) == len(person.now.answers)


# --- Language -----------------------------------------------------------------------------------


def test_a_change_of_language_in_the_middle_asks_the_same_question_again(person: Talk) -> None:
    _asked_twice(person)
    person.asks(Action.LANGUAGE)
    assert person.choices == ["en", "ro"]
    person.presses("ro")
    assert person.now.language == "ro"
    assert person.question == "questions.debt"
    assert person.now.answers, "and nothing is lost"


# --- Erasing ------------------------------------------------------------------------------------


@pytest.mark.parametrize("owner", Owner)
@pytest.mark.parametrize("typed", [False, True])
def test_the_button_and_the_exact_command_erase_whoever_answers(
    person: Talk, owner: Owner, typed: bool
) -> None:
    OWNED[owner](person)
    now = Action.ERASE_NOW
    person.writes("/erase", heard=now) if typed else person.asks(now)
    assert person.does(EraseAll)


@pytest.mark.parametrize("owner", [Owner.BOT, Owner.WAITING, Owner.CLOSED])
def test_a_typed_erase_word_only_opens_the_question(person: Talk, owner: Owner) -> None:
    OWNED[owner](person)
    person.writes("delete it all", heard=Action.ERASE)
    assert not person.does(EraseAll)
    assert person.question == "erase.sure"
    person.presses("keep")
    assert "erase.kept.say.0" in person.told
    person.asks(Action.ERASE)
    person.presses("now")
    assert person.does(EraseAll)


def test_a_typed_erase_word_is_only_an_alarm_while_an_operator_answers(person: Talk) -> None:
    _taken(person)
    person.writes("delete it all", heard=Action.ERASE)
    assert person.alarms == ["erase_word"]
    assert person.authors == {Author.PERSON}
    assert not person.waits


@pytest.mark.parametrize("action", [a for a in Action if a is not Action.ERASE_NOW])
@pytest.mark.parametrize("owner", Owner)
def test_nothing_else_erases(person: Talk, action: Action, owner: Owner) -> None:
    OWNED[owner](person)
    person.asks(action)
    assert not person.does(EraseAll)
    person.writes("…", heard=action)
    assert not person.does(EraseAll)


# --- Stopping, leaving, returning ---------------------------------------------------------------


def test_stop_asks_nothing_more_and_any_word_goes_on(person: Talk) -> None:
    _asked_twice(person)
    person.writes("stop", heard=Action.STOP)
    assert person.told == ["interface.silent"]
    assert not person.waits
    person.writes("hello again")
    assert person.told == [], "nothing was asked, so nothing was misunderstood"
    assert person.question == "questions.debt"


@pytest.mark.parametrize("again", ["back", "press"])
def test_after_stop_a_button_goes_on_too(person: Talk, again: str) -> None:
    _asked_twice(person)
    number = person.now.asked
    person.asks(Action.STOP)
    if again == "back":
        person.asks(Action.BACK)
    else:
        person.presses("yes", number=number)
        assert person.told == ["interface.stale_press"]
    assert person.question == "questions.debt"
    assert not [a for a in person.now.answers if a.place.node == "debt"]


def test_after_stop_an_exit_works_and_the_question_comes_back(person: Talk) -> None:
    _asked_twice(person)
    person.asks(Action.STOP)
    person.asks(Action.HOTLINE)
    person.presses("no")
    assert person.question == "questions.debt"


def test_stopping_twice_keeps_the_place(person: Talk) -> None:
    _asked_twice(person)
    person.asks(Action.STOP)
    person.asks(Action.STOP)
    person.writes("go on")
    assert person.question == "questions.debt"


def test_leaving_keeps_the_place_from_which_the_person_left(person: Talk) -> None:
    _asked_twice(person)
    view = person.now.view
    person.asks(Action.LEAVE)
    person.presses("now")
    assert person.does(EndView)
    assert not person.does(EraseAll)
    assert not person.waits
    assert person.now.view == view + 1
    person.returns()
    assert person.told == ["interface.welcome_back"]
    assert person.now.view > view + 1, "a token of an earlier view opens nothing"
    person.presses("go_on")
    assert person.question == "questions.debt", "not the question about leaving"
    person.presses("yes")
    assert person.question == "questions.rest"


def test_leaving_from_a_flow_inside_a_flow_returns_to_it(person: Talk) -> None:
    _asked_twice(person)
    person.asks(Action.HOTLINE)
    person.asks(Action.LEAVE)
    person.presses("now")
    person.returns()
    person.presses("go_on")
    assert person.question == "hotlines.more"
    person.presses("no")
    assert person.question == "questions.debt"


def test_leaving_through_a_flow_that_only_visits_returns_to_where_it_was_opened() -> None:
    graph = small_graph(
        home=[step("menu", asks=menu(out=Button(opens="out")))],
        out=[step("by", visits="leave")],
    )
    talk = Talk(graph)
    talk.starts()
    talk.press_all("out", "now")
    assert talk.does(EndView)
    talk.returns()
    assert talk.question == "home.menu"


def test_leaving_at_the_very_first_question_returns_to_it() -> None:
    graph = small_graph(
        welcome=[
            step("safe", asks=remembers("safe_now", "yes", no=Button(to="not_safe")), to="home"),
            step("not_safe", asks=menu(close=Button(to="close"))),
            step("close", does=[Do.END_VIEW]),
        ]
    )
    talk = Talk(graph)
    talk.starts()
    talk.press_all("no", "close")
    assert talk.does(EndView)
    talk.returns()
    assert talk.question == "welcome.safe", "whether it is safe is asked again"


def test_whoever_returns_is_asked_before_a_question_stands_there_again(person: Talk) -> None:
    _asked_twice(person)
    person.returns()
    assert person.told == ["interface.welcome_back"]
    assert person.asked == ["came_back.what_now"]
    person.presses("go_on")
    assert person.asked == ["questions.debt"]


def test_whoever_returns_may_begin_at_the_menu_and_come_back_later(person: Talk) -> None:
    _asked_twice(person)
    person.returns()
    person.presses("start")
    assert person.question == "home.menu"
    person.asks(Action.BACK)
    person.asks(Action.BACK)
    assert person.question == "questions.debt"


def test_returning_twice_keeps_the_place_to_go_on_at(person: Talk) -> None:
    _asked_twice(person)
    person.returns()
    person.returns()
    assert person.asked == ["came_back.what_now"]
    person.presses("go_on")
    assert person.question == "questions.debt"


def test_whoever_returns_while_waiting_hears_the_truth_about_it(person: Talk) -> None:
    _asked_twice(person)
    person.asks(Action.HUMAN)
    person.presses("fresh")
    person.returns()
    assert person.told == ["interface.welcome_back", "interface.waiting_nobody"]
    assert person.asked == ["came_back.what_now"]


# --- The agreed word ----------------------------------------------------------------------------


def _in_line(person: Talk) -> Talk:
    _asked_twice(person)
    person.returns()
    person.asks(Action.HUMAN)
    person.presses("fresh")
    return person


@pytest.mark.parametrize("owner", [Owner.WAITING, Owner.OPERATOR, Owner.CLOSED, Owner.BOT])
def test_with_a_human_nothing_happens_without_the_word(person: Talk, owner: Owner) -> None:
    _in_line(person).belongs_to(owner)
    person.now = replace(person.now, handover=replace(person.now.handover, away=True))
    before = person.now
    turn = person.returns("")
    assert (turn.conversation, turn.effects) == (before, (StayShut(Shut.NO_WORD),))


@pytest.mark.parametrize("owner", [Owner.WAITING, Owner.OPERATOR, Owner.CLOSED, Owner.BOT])
def test_a_wrong_word_is_counted_and_changes_nothing_else(person: Talk, owner: Owner) -> None:
    _in_line(person).belongs_to(owner)
    before = person.now
    turn = person.returns("chestnut")
    assert turn.conversation == replace(before, wrong_words=1)
    assert turn.effects == (StayShut(Shut.WRONG_WORD),)
    person.returns("walnut ")
    assert person.told[0] == "interface.welcome_back"
    assert person.now.view == before.view + 1
    assert person.now.wrong_words == 1, "a right word forgives none"


def test_the_tenth_wrong_word_is_the_last(person: Talk) -> None:
    _in_line(person)
    for _ in range(MOST_WRONG_WORDS - 1):
        assert person.returns("chestnut").effects == (StayShut(Shut.WRONG_WORD),)
    for word in ("chestnut", "chestnut", WORD):
        assert person.returns(word).effects == (StayShut(Shut.FOR_GOOD),)
    assert person.now.wrong_words == MOST_WRONG_WORDS


# --- Waiting for a human ------------------------------------------------------------------------


@pytest.mark.parametrize(("choice", "shown"), [("show", True), ("fresh", False)])
def test_waiting_for_a_human(person: Talk, choice: str, shown: bool) -> None:
    _asked_twice(person)
    person.asks(Action.HUMAN)
    assert person.owner == "bot", "only a yes enters the queue"
    person.presses(choice)
    assert person.owner == "waiting"
    assert person.now.show_answers is shown
    assert person.now.asked_for_person
    assert person.question == "questions.debt", "meanwhile the questions go on"
    person.presses("yes")
    assert person.question == "questions.rest"


@pytest.mark.parametrize(("choice", "told"), [("show", "shown"), ("fresh", "kept")])
def test_what_is_typed_while_waiting_is_kept_and_said_so(
    person: Talk, choice: str, told: str
) -> None:
    person.asks(Action.HUMAN)
    person.presses(choice)
    question = person.question
    for _ in range(5):
        person.writes("are you there")
        assert person.told == [f"interface.waiting_text_{told}"]
        assert person.question == question


def test_asking_again_changes_only_what_may_be_shown(person: Talk) -> None:
    _waiting(person)
    fence = person.now.control.fence
    person.asks(Action.HUMAN)
    person.presses("show")
    assert person.now.show_answers
    assert person.now.control.fence == fence


def test_leaving_the_line() -> None:
    graph = small_graph(
        home=[step("menu", asks=menu(out=Button(to="out"))), step("out", does=[Do.LEAVE_QUEUE])]
    )
    talk = _waiting(Talk(graph))
    talk.starts()
    talk.presses("out")
    assert talk.owner == "bot"


def test_a_claim_waits_to_be_announced_and_the_bot_is_silent_before(person: Talk) -> None:
    _waiting(_asked_twice(person))
    person.operator_claims(announced=False)
    assert person.owner == "operator"
    assert person.messages == ()
    assert not person.waits
    person.writes("hello?")
    assert person.authors == {Author.PERSON}
    person.receives(TakeoverAnnounced())
    assert person.told == ["interface.takeover"]
    assert person.authors == {Author.NOTICE}
    person.receives(TakeoverAnnounced())
    assert person.messages == (), "told once"


def test_the_operator_writes_and_gives_back_at_the_same_question(person: Talk) -> None:
    _waiting(_asked_twice(person)).operator_claims()
    person.operator_writes("How are you?")
    assert person.authors == {Author.OPERATOR}
    person.writes("not well")
    assert person.authors == {Author.PERSON}
    person.operator_gives_back()
    assert person.owner == "bot"
    assert person.told == ["interface.back_to_program"]
    assert person.question == "questions.debt"
    person.presses("no")
    assert person.question == "questions.rest"


def test_notices_do_not_lose_the_question_to_go_on_at(person: Talk) -> None:
    _waiting(_asked_twice(person)).operator_claims()
    for action in (Action.HOTLINE, Action.LANGUAGE, Action.ERASE):
        person.asks(action)
        assert person.waits
        assert person.authors == {Author.NOTICE}
    person.presses("keep")
    assert not person.waits
    person.operator_gives_back()
    assert person.question == "questions.debt"


def test_leaving_while_an_operator_answers_keeps_the_question_to_go_on_at(person: Talk) -> None:
    _waiting(_asked_twice(person)).operator_claims()
    person.asks(Action.LEAVE)
    person.presses("now")
    assert person.does(EndView)
    person.returns()
    assert not person.waits
    assert person.authors == {Author.NOTICE}
    person.operator_gives_back()
    assert person.question == "questions.debt"


@pytest.mark.parametrize(
    ("news", "how"),
    [
        ("back_to_queue", Talk.operator_transfers),
        ("operator_silent", Talk.lease_ends),
    ],
)
def test_back_in_the_queue_the_person_is_told_and_goes_on(
    person: Talk, news: str, how: Callable[[Talk], object]
) -> None:
    _waiting(_asked_twice(person)).operator_claims()
    before = person.now.control.fence
    how(person)
    assert person.owner == "waiting"
    assert person.told == [f"interface.{news}"]
    assert person.question == "questions.debt"
    assert person.now.control.fence != before
    person.operator_claims()
    assert person.owner == "operator", "somebody else can take it"


def test_a_lease_that_was_renewed_does_not_end(person: Talk) -> None:
    _taken(person).operator_is_still_there(LEASE + 1000)
    person.lease_ends(LEASE)
    assert person.refused == ["not_in_this_state"]
    assert person.owner == "operator"
    person.lease_ends(LEASE + 1000)
    assert person.owner == "waiting"


def test_a_closed_conversation_says_so_and_still_helps(person: Talk) -> None:
    _closed(person)
    assert person.told == ["interface.operator_closed"]
    person.writes("hello?")
    assert person.told == ["interface.conversation_closed"]
    person.writes("…", heard=Action.DANGER)
    assert "hotlines" in person.told
    assert person.alarms == [], "nobody owns it"
    person.asks(Action.HUMAN)
    assert person.told == ["interface.conversation_closed"]
    assert person.owner == "closed"
    person.returns()
    assert person.told == ["interface.welcome_back"]
    assert not person.waits


@pytest.mark.parametrize(
    "act",
    [
        OperatorWrote(operator=OTHER_OPERATOR, words="hello"),
        GaveBack(operator=OTHER_OPERATOR),
        Transferred(operator=OTHER_OPERATOR),
        ClosedByOperator(operator=OTHER_OPERATOR),
        LeaseRenewed(operator=OTHER_OPERATOR, lease_until=LEASE),
    ],
)
def test_another_operator_can_do_nothing(person: Talk, act: Input) -> None:
    _taken(person)
    before = person.now
    person.receives(act)
    assert person.refused == ["not_the_owner"]
    assert person.messages == ()
    assert person.now == before


def test_of_two_claims_one_is_refused(person: Talk) -> None:
    _waiting(person).operator_claims()
    before = person.now
    person.receives(Claimed(operator=OTHER_OPERATOR, lease_until=LEASE))
    assert person.refused == ["not_in_this_state"]
    assert person.now == before


MADE: dict[Move, Callable[[Talk], object]] = {
    Move.ASK: lambda person: (person.asks(Action.HUMAN), person.presses("fresh")),
    Move.CLAIM: lambda person: person.operator_claims(announced=False),
    Move.GIVE_BACK: lambda person: person.operator_gives_back(),
    Move.TRANSFER: lambda person: person.operator_transfers(),
    Move.LEASE_ENDED: lambda person: person.lease_ends(),
    Move.CLOSE: lambda person: person.operator_closes(),
}
NOT_BY_OPERATORS = {(Owner.BOT, Move.CLOSE), (Owner.WAITING, Move.CLOSE)}
"""The table allows them; only the service makes them."""


@pytest.mark.parametrize("move", MADE)
@pytest.mark.parametrize("owner", Owner)
def test_every_move_from_every_owner_is_as_in_the_table(
    person: Talk, owner: Owner, move: Move
) -> None:
    OWNED[owner](person)
    fence = person.now.control.fence
    MADE[move](person)
    allowed = (owner, move) in MOVES and (owner, move) not in NOT_BY_OPERATORS
    assert person.owner == (MOVES[owner, move] if allowed else owner).value
    assert (person.now.control.fence != fence) is allowed
    if not allowed and move is not Move.ASK:
        assert person.refused == ["not_in_this_state"]


# --- Silence ------------------------------------------------------------------------------------

INPUTS: tuple[Input, ...] = (
    Started(),
    Returned(),
    *(Pressed(number=number, choices=()) for number in (0, 3, 99)),
    *map(Requested, Action),
    *(Typed(words="…", heard=heard) for heard in (None, *Action)),
    *map(SentOther, OtherKind),
    Failed(),
    Claimed(operator=OTHER_OPERATOR, lease_until=LEASE),
    TakeoverAnnounced(),
    OperatorWrote(operator=OPERATOR, words="hello"),
    LeaseRenewed(operator=OPERATOR, lease_until=LEASE),
)


@pytest.mark.parametrize("owner", Owner)
@pytest.mark.parametrize(
    "what", [*INPUTS, GaveBack(operator=OPERATOR), LeaseEnded(lease_until=LEASE)]
)
def test_no_owner_and_no_input_make_a_turn_fail(person: Talk, owner: Owner, what: Input) -> None:
    OWNED[owner](person).receives(what)
    person.asks(Action.HOTLINE)
    assert person.told


@pytest.mark.parametrize("what", INPUTS)
@pytest.mark.parametrize("within", [None, Action.HOTLINE, Action.ERASE, Action.LANGUAGE])
def test_while_an_operator_answers_the_bot_says_nothing(
    person: Talk, within: Action | None, what: Input
) -> None:
    """Whatever comes in, and also inside a notice that the person asked for."""
    _taken(person)
    if within:
        person.asks(within)
        assert person.authors == {Author.NOTICE}
    for _ in range(2):
        person.receives(what)
        assert Author.BOT not in person.authors
    assert person.owner == "operator"


@pytest.mark.parametrize("heard", [None, *(a for a in Action if a is not Action.ERASE_NOW)])
def test_typed_words_reach_only_the_operator(person: Talk, heard: Action | None) -> None:
    _taken(person)
    before = person.now
    person.writes("…", heard=heard, meant="read")
    assert person.authors == {Author.PERSON}
    assert person.now.prompt is None
    assert person.now.control == before.control
    assert bool(person.alarms) is (heard in {Action.DANGER, Action.SELF_HARM, Action.ERASE})


@pytest.mark.parametrize("typed", [False, True])
def test_danger_while_an_operator_answers_counts_should_they_go_silent(
    person: Talk, typed: bool
) -> None:
    _taken(person)
    assert person.urgency == "normal"
    person.writes("…", heard=Action.DANGER) if typed else person.asks(Action.DANGER)
    assert person.alarms == ["danger"]
    assert person.urgency == "now"
    assert ("emergency" in person.told) is not typed, "a button asks for numbers, a word does not"


@pytest.mark.parametrize(
    "action",
    [Action.HOTLINE, Action.LEAVE, Action.ERASE, Action.LANGUAGE],
)
def test_what_a_person_asks_for_is_shown_as_a_notice(person: Talk, action: Action) -> None:
    _taken(person)
    person.asks(action)
    assert person.authors == {Author.NOTICE}
    assert person.waits


@pytest.mark.parametrize(
    "action", [Action.HUMAN, Action.BACK, Action.HOME, Action.STOP, Action.CHANGE_ANSWER]
)
def test_what_has_to_wait_says_who_answers(person: Talk, action: Action) -> None:
    _taken(person)
    person.asks(action)
    assert person.told == ["interface.person_answers"]
    assert person.authors == {Author.NOTICE}
    assert not person.waits


def test_a_notice_ends_without_going_to_the_menu(person: Talk) -> None:
    _taken(person)
    person.asks(Action.LANGUAGE)
    person.presses("ro")
    assert person.now.language == "ro"
    assert not person.waits
    assert person.authors == {Author.PERSON}


# --- What every release needs -------------------------------------------------------------------


def test_a_flow_that_says_nothing_still_answers_whoever_asks_for_it() -> None:
    talk = _taken(Talk(small_graph(hotlines=[step("empty")])))
    talk.asks(Action.HOTLINE)
    assert talk.told == ["interface.safe_sentence"]


def test_the_engine_opens_only_flows_that_every_release_has() -> None:
    opened = {*advance_module._FLOWS.values(), *advance_module._WHILE_SILENT.values()}
    assert opened <= ENGINE_FLOWS


def test_the_list_of_what_the_engine_says_is_what_it_says() -> None:
    """Every sentence that the code tells is on the list, and every one on the list is named."""
    code = "".join(
        file.read_text(encoding="utf-8")
        for file in Path(advance_module.__file__).parent.glob("*.py")
        if file.name != "texts.py"
    )
    for name in ENGINE_TEXTS:
        assert f'"{name}"' in code or f'"interface.{name}"' in code, name
    told = re.findall(r'(?:\.tell|\.notify)\(\s*"(\w+)"|"interface\.(\w+)"', code)
    named = {name for pair in told for name in pair if name}
    assert named > {"stale_press", "silent", "takeover"}
    assert named <= set(ENGINE_TEXTS)


def test_a_graph_of_another_release_without_the_present_question_goes_to_the_menu() -> None:
    talk = Talk(
        small_graph(
            home=[step("menu", asks=menu(go=Button(opens="extra")))],
            extra=[step("one", asks=menu("a")), step("two", asks=menu("b"))],
        )
    )
    talk.starts()
    talk.press_all("go")
    without: Graph = small_graph()
    talk.graph = without
    talk.presses("a")
    assert talk.question == "home.menu"


def test_the_code_is_given_once_by_its_action() -> None:
    graph = small_graph(home=[step("code", does=[Do.GIVE_CODE]), step("menu", asks=menu("stay"))])
    talk = Talk(graph)
    talk.starts()
    assert talk.does(GiveCode)
    assert talk.now.has_code
    assert talk.now.code_word == WORD
    talk.now = replace(talk.now, code_word="acorn", prompt=None, held=None)
    talk.asks(Action.HOME)
    assert talk.does(GiveCode)
    assert talk.now.code_word == "acorn", "asking again gives the same word"
