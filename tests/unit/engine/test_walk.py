"""Walking small graphs, and the content that the project ships."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from bot.domain.conversation import Facts, Place
from bot.domain.messages import Asked, Pick
from bot.domain.text import Language, text
from bot.engine.draft import Draft
from bot.engine.effects import EndView, EraseAll, GiveCode
from bot.engine.facts import conditions_can_ask
from bot.engine.graph import ALWAYS, Condition, Do, Graph, Level, Question, Source
from bot.engine.received import Action, Received, Started
from bot.engine.waiting import question_waiting
from bot.engine.walk import MOST_FRAMES, MOST_TRAIL, walk
from tests.support.graphs import (
    EN,
    RO,
    Button,
    Menu,
    Step,
    Talk,
    menu,
    picks,
    remembers,
    shipped,
    sign,
    small_graph,
    step,
    when,
)


def _home(*steps: Step, **flows: list[Step]) -> Talk:
    """Somebody who came to a menu made of `steps`."""
    talk = Talk(small_graph({"home": steps, **flows}))
    talk.starts()
    return talk


# --- Going on -----------------------------------------------------------------------------------


def test_a_node_says_shows_visits_and_asks_in_this_order() -> None:
    talk = _home(
        step("all", says=2, shows=["emergency"], visits="other", asks=menu("unheard")),
        step("menu", says=1, shows=["hotlines"], asks=menu("stay")),
        other=[step("one", says=1)],
    )
    assert talk.told == [
        "welcome.hello.say.0",
        "home.all.say.0",
        "home.all.say.1",
        "emergency",
        "other.one.say.0",
        "home.menu.say.0",
        "hotlines",
    ]
    assert talk.question == "home.menu"
    assert isinstance(talk.messages[-1].content, Asked)


def test_the_first_route_that_holds_is_taken() -> None:
    talk = _home(
        step("age", asks=remembers("age", "child", "adult")),
        step(
            "fork",
            to=[
                (when(age="child not_sure"), "child"),
                (when(age="adult"), "adult"),
                (ALWAYS, "x"),
            ],
        ),
        step("x", asks=menu("a")),
        step("child", asks=menu("a")),
        step("adult", asks=menu("a")),
    )
    talk.presses("adult")
    assert talk.question == "home.adult"


@pytest.mark.parametrize(
    ("condition", "facts", "holds"),
    [
        (when(), {}, True),
        (when(age="adult"), {}, False),
        (when(age="unset"), {}, True),
        (when(age="unset"), {"age": ("adult",)}, False),
        (when(age="unset adult"), {"age": ("adult",)}, True),
        (when(not_age="adult"), {}, True),
        (when(not_age="unset"), {}, False),
        (when(not_age="adult"), {"age": ("adult",)}, False),
        (when(topics="work sex"), {"topics": ("debt", "sex")}, True),
        (when(not_topics="work sex"), {"topics": ("debt", "sex")}, False),
        (when(topics="work", age="adult"), {"topics": ("work",)}, False),
        (when(topics="work", not_age="adult"), {"topics": ("work",)}, True),
        (when(topics="unset"), {"topics": ()}, True),
    ],
)
def test_conditions(condition: Condition, facts: Facts, holds: bool) -> None:
    assert condition.holds(facts) is holds


def test_a_node_whose_condition_fails_is_passed_over_with_all_it_would_say() -> None:
    child = when(age="child")
    talk = _home(
        step("age", asks=remembers("age", "child", "adult")),
        step("talk", says=1, shows=["child_helpline"], does=[Do.GIVE_CODE], only_if=child),
        step("other", visits="extra", only_if=child),
        step("private", asks=menu("a"), only_if=child),
        step("menu", asks=menu("stay")),
        extra=[step("one", says=1)],
    )
    talk.presses("adult")
    assert talk.told == []
    assert not talk.does(GiveCode)
    assert talk.question == "home.menu"


def test_what_the_engine_knows_can_be_asked_for() -> None:
    facts = ("outcome", "urgency", "owner", "level", "code", "staffed", "person_asked")
    graph = small_graph(home=[step("menu", asks=remembers("age", "adult"))])
    assert conditions_can_ask(graph) == {
        *facts,
        *("answered", "answers_shown", "topics_left", "told", "consent_for", "consented"),
        "age",
    }
    talk = Talk(
        small_graph(
            home=[
                *(
                    step(f"is_{i}", says=1, only_if=condition)
                    for i, condition in enumerate(
                        (
                            when(outcome="unset"),
                            when(urgency="normal"),
                            when(owner="bot"),
                            when(level="first_help"),
                            when(code="no"),
                            when(staffed="yes"),
                            when(person_asked="no"),
                            when(topics_left="no"),
                        )
                    )
                ),
                step("menu", asks=menu("stay")),
            ],
            languages={EN: Level.FIRST_HELP},
        )
    )
    talk.staffed = True
    talk.starts()
    assert len(talk.told) == 1 + 8


# --- Visiting, opening, returning ---------------------------------------------------------------


def test_visits_go_on_below_and_opened_flows_return_to_the_question() -> None:
    talk = _home(
        step("menu", asks=menu(open=Button(opens="one"), go=Button(to="visit"))),
        step("visit", visits="one"),
        step("after", asks=menu("stay")),
        one=[step("inner", visits="two"), step("ask", asks=menu("done"))],
        two=[step("ask", asks=menu("done"))],
    )
    talk.presses("open")
    assert talk.question == "two.ask"
    talk.presses("done")
    assert talk.question == "one.ask"
    talk.presses("done")
    assert talk.question == "home.menu"
    talk.press_all("go", "done", "done")
    assert talk.question == "home.after"


def test_going_to_another_flow_does_not_come_back() -> None:
    talk = _home(
        step("menu", asks=menu(open=Button(opens="one"))),
        step("below", asks=menu("a")),
        one=[step("ask", asks=menu(go=Button(to="two.ask")))],
        two=[step("ask", asks=menu("done"))],
    )
    talk.press_all("open", "go")
    assert talk.question == "two.ask"
    talk.presses("done")
    assert talk.question == "home.menu", "two ends where one was opened from"


def test_the_end_of_everything_is_the_menu() -> None:
    talk = Talk(
        small_graph(
            welcome=[step("hello", asks=menu("a"))], home=[step("menu", asks=menu("stay"))]
        )
    )
    talk.starts()
    talk.presses("a")
    assert talk.question == "home.menu"
    talk.presses("stay")
    assert talk.question == "home.menu", "the menu ends at the menu"


def test_the_menu_forgets_the_way_that_led_to_it() -> None:
    talk = _home(
        step("menu", asks=menu(open=Button(opens="one"))),
        one=[step("ask", asks=menu(home=Button(to="home.menu")))],
    )
    talk.press_all("open", "home")
    assert talk.now.prompt is not None
    assert talk.now.prompt.spot.frames == ()


# --- Mistakes of authors ------------------------------------------------------------------------


def _broken() -> Iterator[tuple[str, dict[str, list[Step]]]]:
    yield "nothing is ever asked", {"home": [step("only", says=1)]}
    yield "a circle", {"home": [step("a", to="b"), step("b", to="a")]}
    yield "a node that leads to itself", {"home": [step("a", to="a")]}
    yield "a name that leads nowhere", {"home": [step("a", to="nowhere")]}
    yield "a flow that visits itself", {"home": [step("a", visits="home")]}
    yield "a condition that never holds", {"home": [step("a", only_if=when(x="y"))]}
    yield "routes that never hold", {"home": [step("a", to=[(when(x="y"), "a")])]}
    yield (
        "two flows that visit each other",
        {"home": [step("a", visits="b")], "b": [step("c", visits="home")]},
    )
    yield "a question without choices", {"home": [step("a", asks=Menu(Question(), {}))]}
    yield (
        "a change of answers before there are any",
        {"home": [step("a", asks=Question(source=Source.ANSWERED))]},
    )


@pytest.mark.parametrize(("flows"), [pytest.param(f, id=name) for name, f in _broken()])
def test_a_walk_that_finds_no_question_ends_with_a_safe_sentence(
    flows: dict[str, list[Step]],
) -> None:
    talk = Talk(small_graph(flows))
    talk.starts()
    assert talk.told[-1] == "interface.safe_sentence"
    assert not talk.waits
    talk.asks(Action.HOTLINE)
    assert talk.question == "hotlines.more", "and every way out works"
    talk.asks(Action.BACK)
    assert talk.messages


def test_flows_without_end_inside_each_other_keep_a_bounded_way_back() -> None:
    talk = _home(
        step("menu", asks=menu(in_=Button(opens="one"))),
        one=[step("ask", asks=menu(in_=Button(opens="two"), out=Button(to="end")))],
        two=[step("ask", asks=menu(in_=Button(opens="one"), out=Button(to="end")))],
    )
    for _ in range(MOST_TRAIL + 20):
        talk.presses("in_")
        assert talk.now.prompt is not None
        assert len(talk.now.prompt.spot.frames) <= MOST_FRAMES
        assert len(talk.now.trail) <= MOST_TRAIL
    for _ in range(MOST_FRAMES + 1):
        talk.presses("out")
    assert talk.question == "home.menu"


# --- Questions that were answered ---------------------------------------------------------------


def test_an_answered_question_is_passed_over_the_way_that_was_answered() -> None:
    talk = _home(
        step("menu", asks=menu(go=Button(opens="ask"))),
        ask=[
            step("first", says=1, asks=remembers("age", a=Button(to="second_a"), b=Button())),
            step("second_b", asks=menu("done"), to="end"),
            step("second_a", asks=menu("done")),
        ],
    )
    talk.press_all("go", "a", "done")
    talk.presses("go")
    assert talk.told == [], "its sentences as well"
    assert talk.question == "ask.second_a"


@pytest.mark.parametrize("answer", ["skip", "dont_know"])
def test_a_skipped_question_is_not_asked_again_either(answer: str) -> None:
    talk = _home(
        step("menu", asks=menu(go=Button(opens="ask"))),
        ask=[
            step("first", asks=sign("DEBT")),
            step("second", asks=menu("done")),
        ],
    )
    talk.press_all("go", answer, "done", "go")
    assert talk.question == "ask.second"


def test_a_skip_with_a_way_of_its_own_leads_there_again() -> None:
    skip = Button(to="skipped")
    talk = _home(
        step("menu", asks=menu(go=Button(opens="ask"))),
        ask=[
            step("first", asks=remembers("age", "adult", skip=skip), to="not_here"),
            step("not_here", asks=menu("done"), to="end"),
            step("skipped", asks=menu("done")),
        ],
    )
    talk.press_all("go", "skip")
    assert talk.question == "ask.skipped"
    talk.press_all("done", "go")
    assert talk.question == "ask.skipped"


def _put_off() -> Talk:
    """Somebody before a question that they can put off, with a hard one behind it."""
    notice = remembers("notice", "go_on", dont_know=Button(again=True))
    return Talk(
        small_graph(
            most={"ask": (3, "look")},
            home=[step("menu", asks=menu(go=Button(to="ask")))],
            ask=[
                step("first", asks=sign("DEBT")),
                step("notice", asks=notice),
                step("hard", asks=sign("HURT"), only_if=when(not_notice="dont_know skip")),
                step("look", does=[Do.ASSESS]),
                step("more", says=1, only_if=when(topics_left="yes")),
                step("done", asks=menu(go=Button(to="first"))),
            ],
        )
    )


def test_a_question_that_was_put_off_is_asked_again_when_the_walk_comes_by() -> None:
    talk = _put_off()
    talk.starts()
    talk.press_all("go", "no", "dont_know")
    assert talk.question == "ask.done"
    assert "ask.more.say.0" in talk.told, "there are questions left"
    talk.presses("go")
    assert talk.question == "ask.notice"
    talk.presses("go_on")
    assert talk.question == "ask.hard"
    talk.presses("no")
    assert "ask.more.say.0" not in talk.told


def test_a_question_that_was_left_out_is_not_asked_again() -> None:
    talk = _put_off()
    talk.starts()
    talk.press_all("go", "no", "skip")
    assert "ask.more.say.0" not in talk.told
    talk.presses("go")
    assert talk.question == "ask.done"


def test_what_is_asked_again_uses_up_the_budget_again() -> None:
    talk = _put_off()
    talk.starts()
    talk.press_all("go", "no", "dont_know")
    assert talk.now.signs_asked == 0, "the outcome begins it anew"
    talk.press_all("go", "dont_know")
    talk.presses("go")
    assert talk.question == "ask.notice"
    talk.presses("go_on")
    assert talk.now.signs_asked == 1


def test_what_happened_once_has_no_sometimes() -> None:
    talk = _home(step("once", asks=sign("DEBT", once=True)), step("menu", asks=menu("stay")))
    assert talk.now.prompt is not None
    assert talk.now.prompt.choices == ("yes", "no", "dont_know", "skip")


def test_a_walk_notes_that_something_was_said() -> None:
    talk = _home(
        step("said", says=1, notes="limits_told", only_if=when(limits_told="unset")),
        step("menu", asks=menu(again=Button(to="said"))),
    )
    assert "home.said.say.0" in talk.told
    assert talk.now.facts["limits_told"] == ("yes",)
    talk.presses("again")
    assert talk.told == []


def test_answers_about_the_person_are_those_beside_the_first_screen_and_the_country() -> None:
    talk = Talk(
        small_graph(
            welcome=[step("safe", asks=remembers("safe_now", "yes"), to="home")],
            home=[
                step("told", says=1, only_if=when(answered="yes")),
                step("shown", says=1, only_if=when(answers_shown="yes")),
                step(
                    "menu",
                    asks=menu(
                        where=Button(opens="where"),
                        age=Button(opens="age"),
                        show=Button(opens="show"),
                        again=Button(to="told"),
                    ),
                ),
            ],
            where=[step("which", asks=Question(source=Source.COUNTRIES, remember="country"))],
            age=[step("age", asks=remembers("age", "adult"))],
            show=[step("show", does=[Do.QUEUE_WITH_ANSWERS])],
        )
    )
    talk.starts()
    talk.press_all("yes", "where", "MD", "again")
    assert talk.told == []
    talk.press_all("age", "skip", "again")
    assert talk.told == []
    talk.now = replace(talk.now, answers=talk.now.answers[:-1])
    talk.press_all("age", "adult", "again")
    assert talk.told == ["home.told.say.0"]
    talk.press_all("show", "again")
    assert talk.told == ["home.told.say.0", "home.shown.say.0"]


def test_an_answer_that_can_be_changed_shows_all_that_was_picked() -> None:
    talk = _home(
        step("topics", asks=remembers("topics", "work", "sex", "debt", pick=Pick.MANY)),
        step("menu", asks=menu(change=Button(opens="change_answer"))),
    )
    talk.presses("work", "debt")
    talk.presses("change")
    asked = question_waiting(talk.graph, talk.now)
    assert asked is not None
    label = dict(asked.choices[0].label.values)["answer"]
    assert label == text(
        "interface.picked_and",
        picked=text("home.topics.choice.work"),
        more=text("home.topics.choice.debt"),
    )


def test_a_question_that_stores_nothing_is_asked_each_time() -> None:
    talk = _home(
        step("menu", asks=menu(go=Button(opens="ask"))),
        ask=[step("first", asks=menu("done"))],
    )
    for _ in range(3):
        talk.presses("go")
        assert talk.question == "ask.first"
        talk.presses("done")


@pytest.mark.parametrize("source", [Source.LANGUAGES, Source.COUNTRIES])
def test_language_and_country_can_be_chosen_again(source: Source) -> None:
    remember = "country" if source is Source.COUNTRIES else None
    talk = _home(
        step("menu", asks=menu(go=Button(opens="ask"))),
        ask=[step("first", asks=Question(source=source, remember=remember))],
    )
    for choice in ("ro", "en") if source is Source.LANGUAGES else ("MD", "IT"):
        talk.presses("go")
        assert talk.question == "ask.first"
        talk.presses(choice)
        assert choice in (talk.now.language, talk.now.country)


def test_a_language_with_first_help_only_is_said_to_be_one() -> None:
    talk = Talk(small_graph(languages={EN: Level.FULL, RO: Level.FIRST_HELP}))
    talk.starts()
    talk.asks(Action.LANGUAGE)
    talk.presses("ro")
    assert talk.told == ["interface.first_help"]
    talk.asks(Action.LANGUAGE)
    talk.presses("en")
    assert talk.told == []


# --- Choices ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asks", "choices"),
    [
        (sign("DEBT"), ["yes", "sometimes", "no", "dont_know", "skip"]),
        (remembers("age", "child", "adult"), ["child", "adult", "dont_know", "skip"]),
        (remembers("age", "adult", "dont_know"), ["adult", "dont_know", "skip"]),
        (remembers("age", "skip", "dont_know", "adult"), ["skip", "dont_know", "adult"]),
        (picks("DEPENDENT", "home", "papers"), ["home", "papers", "dont_know", "skip"]),
        (menu("a", "b"), ["a", "b"]),
        (Question(source=Source.COUNTRIES, remember="country"), ["MD", "IT", "other", "skip"]),
        (Question(source=Source.LANGUAGES), ["en", "ro"]),
    ],
)
def test_what_can_be_chosen(asks: Question | Menu, choices: list[str]) -> None:
    assert _home(step("q", asks=asks)).choices == choices


def test_several_choices_where_several_may_be_picked() -> None:
    talk = _home(
        step("q", asks=remembers("topics", "work", "debt", "sex", pick=Pick.MANY)),
        step("menu", asks=menu("stay")),
    )
    for wrong in (("work", "skip"), ("dont_know", "work"), ("work", "work"), ("work", "art")):
        talk.presses(*wrong)
        assert talk.told == ["interface.stale_press"]
    talk.presses("work", "sex")
    assert talk.now.facts["topics"] == ("work", "sex")
    assert talk.question == "home.menu"


@pytest.mark.parametrize(("choice", "country"), [("MD", "MD"), ("other", None), ("skip", None)])
def test_the_country_may_stay_open(choice: str, country: str | None) -> None:
    talk = _home(
        step("q", asks=Question(source=Source.COUNTRIES, remember="country")),
        step("known", says=1, only_if=when(not_country="other skip unset")),
        step("menu", shows=["hotlines"], asks=menu("stay")),
    )
    talk.presses(choice)
    assert talk.now.country == country
    assert ("home.known.say.0" in talk.told) is (country is not None)
    assert "hotlines" in talk.told


# --- Signs, the budget and the outcome ----------------------------------------------------------

CODES = ("DEBT", "HURT", "MOVEMENT", "HOURS", "LOW_PAY")


def _questions(most: int) -> Graph:
    return small_graph(
        most={"ask": (most, "look")},
        home=[step("menu", asks=menu(go=Button(opens="ask")))],
        ask=[
            *(step(code.lower(), asks=sign(code)) for code in CODES),
            step("notice", says=1, asks=remembers("may_i", "yes")),
            step("last", asks=sign("MUST_LIE"), to="look"),
            step("look", does=[Do.ASSESS]),
            step("more", asks=menu(again=Button(to="debt")), only_if=when(topics_left="yes")),
            step("done", asks=menu("end")),
        ],
    )


def _ask(most: int = 3) -> Talk:
    talk = Talk(_questions(most))
    talk.starts()
    talk.presses("go")
    return talk


def test_after_the_budget_comes_the_outcome_and_then_more_questions() -> None:
    talk = _ask(most=3)
    talk.press_all("no", "skip", "dont_know")
    assert talk.question == "ask.more"
    assert talk.outcome == "information"
    talk.presses("again")
    assert talk.question == "ask.hours", "those that were not asked yet"
    talk.press_all("yes", "no", "yes")
    assert talk.question == "ask.more", "the notice between them counts as well"
    talk.press_all("again", "no")
    assert talk.question == "ask.done", "nothing is left"
    assert talk.outcome == "rights_advice"


def test_a_notice_before_questions_that_cannot_come_any_more_is_not_shown() -> None:
    talk = _ask(most=5)
    talk.press_all("no", "no", "no", "no", "no")
    assert talk.question == "ask.more"


@pytest.mark.parametrize("interrupt", [Action.WHY, Action.HOTLINE, Action.HUMAN, Action.LANGUAGE])
def test_asking_the_same_question_again_uses_nothing_up(interrupt: Action) -> None:
    talk = _ask(most=3)
    for _ in range(5):
        talk.asks(interrupt)
        if interrupt is not Action.WHY:
            talk.asks(Action.BACK)
    talk.writes("hm")
    talk.presses("no")
    talk.asks(Action.BACK)
    talk.presses("yes")
    assert talk.question == "ask.hurt"
    talk.presses("no")
    assert talk.question == "ask.movement"
    talk.presses("no")
    assert talk.question == "ask.more"


def test_an_outcome_that_was_shown_follows_an_answer_that_is_given_again() -> None:
    talk = _home(
        step("papers", asks=sign("DOCS_HELD")),
        step("look", does=[Do.ASSESS]),
        step("menu", asks=menu("stay")),
    )
    talk.presses("no")
    assert talk.outcome == "information"
    talk.asks(Action.CHANGE_ANSWER)
    talk.press_all("home.papers", "yes")
    assert talk.question == "home.menu"
    assert talk.outcome == "signs", "also where no author looks at the answers again"


def test_without_a_budget_everything_is_asked() -> None:
    talk = _home(*(step(code.lower(), asks=sign(code)) for code in CODES), step("end", says=1))
    talk.press_all("no", "no", "no", "no")
    assert talk.question == "home.low_pay"


def test_whether_questions_are_left_depends_on_what_the_person_can_still_be_asked() -> None:
    graph = small_graph(
        most={"ask": (9, None)},
        home=[
            step("age", asks=remembers("age", "child", "adult")),
            step("topic", asks=remembers("topic", "work", "sex")),
            step("left", says=1, only_if=when(topics_left="yes")),
            step("menu", asks=menu(go=Button(opens="ask"))),
        ],
        ask=[
            step("fork", to=[(when(topic="work"), "work"), (ALWAYS, "sex")]),
            step("work", asks=sign("HOURS"), to="end"),
            step("sex", asks=sign("PURPOSE_SEX"), only_if=when(age="adult")),
        ],
    )
    for age, topic, left in (
        ("adult", "work", True),
        ("adult", "sex", True),
        ("child", "sex", False),
        ("child", "work", True),
    ):
        talk = Talk(graph)
        talk.starts()
        talk.press_all(age, topic)
        assert ("home.left.say.0" in talk.told) is left, (age, topic)


def test_reasons_are_said_one_by_one_and_only_those_that_hold() -> None:
    talk = _home(
        step("a", asks=sign("DOCS_HELD")),
        step("b", asks=sign("HOURS", turned=True)),
        step("c", asks=sign("DEBT")),
        step("why", does=[Do.ASSESS, Do.REASONS]),
        step("menu", asks=menu("stay")),
    )
    talk.press_all("sometimes", "no", "dont_know")
    assert talk.told == ["reasons.DOCS_HELD", "reasons.HOURS"]
    assert talk.outcome == "signs"
    assert talk.now.rule_version


def test_an_urgency_is_never_lowered() -> None:
    talk = _home(
        step("danger", asks=remembers("danger", "yes", "no")),
        step("look", does=[Do.ASSESS]),
        step("menu", asks=menu("stay")),
    )
    talk.presses("yes")
    assert talk.urgency == "now"
    talk.asks(Action.BACK)
    talk.presses("no")
    assert talk.urgency == "now"


def test_before_the_first_outcome_an_answer_changes_only_the_urgency() -> None:
    talk = _home(step("age", asks=remembers("age", "child")), step("menu", asks=menu("stay")))
    talk.presses("child")
    assert talk.outcome is None
    assert talk.urgency == "priority"


# --- The content that the project ships ---------------------------------------------------------


def _shipped(*, country: str | None = "MD") -> Talk:
    facts = {"country": (country,)} if country else {}
    talk = Talk(shipped().graph, facts=facts)
    talk.starts()
    return talk


def _at_the_menu(*, country: str | None = "MD") -> Talk:
    talk = _shipped(country=country)
    talk.press_all("yes", "no")
    assert talk.question == "home.menu"
    return talk


def _answer_until(talk: Talk, end: str, choices: str = "no skip", **special: str) -> list[str]:
    """Answer with the first of `choices` that fits, until a question of `end`; what was asked."""
    seen: list[str] = []
    while not talk.question.startswith(end):
        seen.append(talk.question)
        assert len(seen) < 60, seen
        name = talk.question.partition(".")[2]
        wanted = [*special.get(name, "").split(), *choices.split()]
        talk.presses(next(choice for choice in wanted if choice in talk.choices))
    return seen


TO_THE_TOPICS = {"code_offer": "no_code", "may_i": "go_on", "about_whom": "me", "age": "adult"}


GATE = {"about_whom", "topics", "baby_what"}


def _after_the_gate(talk: Talk) -> list[str]:
    """The questions that were answered, those that only ask whether to go on included."""
    places = (answer.place for answer in talk.now.answers)
    return [p.node for p in places if p.flow == "self_identification" and p.node not in GATE]


def test_the_safety_question_comes_first_and_the_menu_after_five_sentences() -> None:
    talk = _shipped()
    assert talk.question == "welcome.safe"
    talk.press_all("yes", "no")
    assert talk.question == "home.menu"
    assert all(key.startswith("welcome.") for key in talk.told)


def test_whoever_cannot_read_safely_may_close_and_is_asked_again_on_returning() -> None:
    talk = _shipped()
    talk.press_all("no", "close")
    assert talk.does(EndView)
    talk.returns()
    assert talk.question == "welcome.safe"


def test_in_danger_the_number_comes_before_every_question() -> None:
    talk = _shipped()
    talk.press_all("yes", "yes")
    assert "emergency" in talk.told
    assert talk.question == "danger.offer"
    assert talk.urgency == "now"
    talk.presses("human")
    assert talk.owner == "waiting"
    assert not talk.now.show_answers


def test_fifteen_questions_then_the_outcome_then_more_questions() -> None:
    talk = _at_the_menu()
    talk.presses("questions")
    topics = {**TO_THE_TOPICS, "topics": "work", "painful": "go_on"}
    _answer_until(talk, "self_identification.topics", **topics)
    talk.presses("work", "sex", "debt")
    seen = _answer_until(talk, "outcome.menu", sex_notice="go_on", painful="go_on")
    assert talk.question == "outcome.menu_more"
    assert len(_after_the_gate(talk)) == 15
    assert "self_identification.hurt" in seen
    assert talk.outcome == "signs", "rest, food and going out: a no is the sign there"
    talk.presses("more")
    assert talk.question not in seen
    _answer_until(talk, "outcome.menu", sex_notice="go_on")
    assert len(_after_the_gate(talk)) > 15


def test_a_child_is_informed_first_and_asked_no_branch() -> None:
    talk = _at_the_menu()
    talk.presses("questions")
    _answer_until(talk, "self_identification.child_choice", **{**TO_THE_TOPICS, "age": "child"})
    assert "child_helpline" in talk.told
    talk.presses("questions")
    talk.presses("sex", "work", "begging")
    seen = _answer_until(talk, "outcome.menu", painful="go_on")
    assert not [q for q in seen if q.split(".")[1].split("_")[0] in {"sex", "work", "begging"}]
    assert "self_identification.depend" in seen


def test_skipping_everything_is_information_and_nothing_else() -> None:
    talk = _at_the_menu()
    talk.presses("questions")
    _answer_until(talk, "outcome.menu", "skip", **TO_THE_TOPICS)
    assert talk.outcome == "information"
    assert talk.urgency == "normal"


def test_a_change_of_an_answer_changes_the_shipped_outcome() -> None:
    talk = _at_the_menu()
    talk.presses("questions")
    calm = {"rest": "yes", "food": "yes", "out": "yes", **TO_THE_TOPICS}
    _answer_until(talk, "outcome.menu", painful="go_on", **calm)
    assert talk.outcome == "information"
    talk.press_all("change", "self_identification.papers", "yes")
    assert talk.outcome == "signs"
    assert talk.question.startswith("outcome.menu")


def test_leaving_the_country_open_still_shows_what_holds_everywhere() -> None:
    talk = _at_the_menu(country=None)
    talk.asks(Action.HOTLINE)
    assert talk.question == "country.which"
    talk.presses("skip")
    assert talk.told[:3] == ["country.not_said.say.0", "hotlines.numbers.say.0", "emergency"]
    assert talk.question == "hotlines.menu"
    talk.press_all("country", "IT")
    assert talk.now.country == "IT"


def test_only_the_button_of_the_question_erases() -> None:
    talk = _at_the_menu()
    talk.asks(Action.ERASE)
    talk.presses("keep")
    assert not talk.does(EraseAll)
    talk.asks(Action.ERASE)
    talk.presses("erase_now")
    assert talk.does(EraseAll)


def test_everything_in_the_menus_can_be_read_without_answering_anything() -> None:
    """Each choice of each menu leads to sentences or a question, and from there back."""
    graph = shipped().graph
    for node in ("menu", "more", "still_more"):
        asks = graph.flows["home"].nodes[node].asks
        assert asks is not None
        for option in asks.options:
            talk = _at_the_menu()
            draft = Draft(graph, Received(what=Started(), nonce="x"), talk.now)
            walk(draft, Place("home", node), ())
            talk.now = draft.conversation
            assert talk.question == f"home.{node}"
            talk.presses(option.id)
            assert talk.messages[1:], option.id
            talk.asks(Action.HOME)
            assert talk.question == "home.menu"


def test_waiting_and_being_taken_over_in_the_middle_of_the_questions() -> None:
    talk = _at_the_menu()
    talk.presses("questions")
    _answer_until(talk, "self_identification.papers", **{**TO_THE_TOPICS, "topics": "work"})
    talk.asks(Action.HUMAN)
    talk.presses("show")
    assert talk.question == "waiting.meanwhile"
    talk.presses("go_on")
    assert talk.question == "self_identification.papers"
    talk.operator_claims()
    talk.asks(Action.HOTLINE)
    assert talk.question == "hotlines.menu"
    talk.operator_gives_back()
    assert talk.question == "self_identification.papers"
    assert Language("en") == talk.now.language
