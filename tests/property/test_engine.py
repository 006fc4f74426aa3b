"""What the engine promises on any graph, and on the content that the project ships.

Flows of nonsense are meant: an author makes mistakes, a release changes under a conversation, and
the person who writes meanwhile must still be answered.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bot.domain.consent import PackageId, Purpose, ReceiptState, ReceiverId, ReferralId
from bot.domain.control import Owner
from bot.domain.conversation import Conversation, Place
from bot.domain.ids import Milliseconds, OperatorId
from bot.domain.indicators import Outcome, Urgency
from bot.domain.messages import Asked, Author, ChoiceId, Pick
from bot.domain.text import Language
from bot.engine.advance import ENGINE_FLOWS
from bot.engine.effects import EndView, EraseAll, Send, Turn
from bot.engine.graph import ALWAYS, END, Condition, Do, Graph, Level, Question, Source
from bot.engine.received import (
    ALWAYS_OFFERED,
    Action,
    AlarmsSeen,
    Claimed,
    ClosedByOperator,
    ConsentRequested,
    Failed,
    GaveBack,
    Input,
    LeaseEnded,
    LeaseRenewed,
    OperatorWrote,
    OtherKind,
    Pressed,
    ReferralLeaving,
    ReferralNews,
    Requested,
    Returned,
    SentOther,
    Started,
    TakeoverAnnounced,
    Transferred,
    Typed,
    WaitedLong,
)
from bot.engine.waiting import offers, question_waiting
from tests.support.graphs import (
    EN,
    LEASE,
    OPERATOR,
    OTHER_OPERATOR,
    RO,
    Button,
    Menu,
    Step,
    Talk,
    Target,
    shipped,
    small_graph,
    step,
)


def few(examples: int) -> settings:
    """As many examples in an ordinary run, a whole walk each; else as many as the profile says."""
    if settings.get_current_profile_name() != "short":
        return settings(suppress_health_check=[HealthCheck.too_slow])
    # Making a failing graph smaller takes minutes: that is for the long runs.
    return settings(
        max_examples=examples,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )


# --- Graphs that nobody would write -------------------------------------------------------------

NODES = ("a", "b", "c")
FLOWS = (*sorted(ENGINE_FLOWS), "x", "y")
FACTS = {
    "age": ("child", "adult", "unset"),
    "country": ("MD", "other", "skip", "unset"),
    "outcome": ("information", "signs", "unset"),
    "urgency": ("now", "normal"),
    "owner": ("bot", "waiting", "operator"),
    "code": ("yes", "no"),
    "topics_left": ("yes", "no"),
    "unheard_of": ("x", "unset"),
}
CODES = ("DEBT", "HURT", "DEPENDENT", "PURPOSE_SEX", "NOT_A_CODE")
CHOICES = ("yes", "no", "skip", "dont_know", "a", "b")

names = st.sampled_from((*NODES, *FLOWS, END, "x.a", "home.b", "gone.a", "nowhere"))
facts_asked = st.sampled_from(sorted(FACTS)).flatmap(
    lambda fact: st.tuples(st.just(fact), st.lists(st.sampled_from(FACTS[fact]), max_size=2))
)
conditions = st.one_of(
    st.just(ALWAYS),
    st.builds(
        lambda required, absent: Condition(
            tuple((f, tuple(v)) for f, v in required), tuple((f, tuple(v)) for f, v in absent)
        ),
        st.lists(facts_asked, max_size=1),
        st.lists(facts_asked, max_size=1),
    ),
)
targets: st.SearchStrategy[Target | None] = st.one_of(
    st.none(), names, st.lists(st.tuples(conditions, names), max_size=2)
)
buttons = st.builds(
    Button,
    signs=st.lists(st.sampled_from(CODES), max_size=2).map(tuple),
    to=targets,
    opens=st.one_of(st.none(), names.filter(lambda name: name != END)),
    again=st.booleans(),
)
questions = st.builds(
    Menu,
    st.builds(
        Question,
        source=st.one_of(st.none(), st.none(), st.sampled_from(Source)),
        pick=st.sampled_from(Pick),
        sign=st.lists(st.sampled_from(CODES), max_size=1).map(tuple),
        reversed=st.booleans(),
        once=st.booleans(),
        sign_count=st.one_of(st.none(), st.none(), st.just("DEPENDENT")),
        remember=st.one_of(st.none(), st.sampled_from(("age", "country", "danger"))),
        explained=st.booleans(),
    ),
    st.dictionaries(st.sampled_from(CHOICES), buttons, max_size=3),
)


@st.composite
def steps(draw: st.DrawFn) -> list[Step]:
    count = draw(st.integers(1, len(NODES)))
    return [
        step(
            name,
            says=draw(st.integers(0, 1)),
            shows=draw(st.sampled_from(((), ("emergency",), ("unheard_of",)))),
            does=draw(st.lists(st.sampled_from(Do), max_size=2)),
            visits=draw(st.one_of(st.none(), st.none(), names.filter(lambda n: n != END))),
            asks=draw(st.one_of(st.none(), questions)),
            notes=draw(st.sampled_from((None, None, "unheard_of", "age"))),
            only_if=draw(conditions),
            to=draw(targets),
        )
        for name in NODES[:count]
    ]


@dataclass(frozen=True, slots=True)
class Nonsense:
    """A graph that is named in a line when a test fails with it."""

    flows: Mapping[str, list[Step]] = field(repr=False)
    most: Mapping[str, tuple[int, str | None]]
    languages: Mapping[Language, Level]

    @property
    def graph(self) -> Graph:
        return small_graph(self.flows, most=self.most, languages=self.languages)


graphs = st.builds(
    Nonsense,
    st.dictionaries(st.sampled_from(FLOWS), steps(), max_size=6).filter(bool),
    st.dictionaries(
        st.sampled_from(FLOWS),
        st.tuples(st.integers(0, 2), st.one_of(st.none(), st.sampled_from((*NODES, "nowhere")))),
        max_size=2,
    ),
    st.sampled_from(({EN: Level.FULL, RO: Level.FULL}, {RO: Level.FIRST_HELP})),
)


# --- Everything that can come in ----------------------------------------------------------------


def rolls(seed: int) -> Iterator[int]:
    """Numbers without a pattern, the same for the same seed.

    Lists that Hypothesis draws repeat themselves and end soon; long walks need neither.
    """
    while True:
        seed = (seed * 6364136223846793005 + 1442695040888963407) % 2**64
        yield seed >> 33


seeds = st.integers(0, 2**32)


def _acts_of(operator: OperatorId) -> Iterator[Input]:
    yield Claimed(operator=operator, lease_until=LEASE)
    yield Claimed(operator=operator, lease_until=Milliseconds(5))
    yield LeaseRenewed(operator=operator, lease_until=Milliseconds(5))
    yield OperatorWrote(operator=operator, words="hello")
    yield AlarmsSeen(operator=operator, number=1)
    yield GaveBack(operator=operator)
    yield Transferred(operator=operator)
    yield ClosedByOperator(operator=operator)
    for purpose in Purpose:
        yield ConsentRequested(
            operator=operator,
            referral=ReferralId("referral"),
            receiver=ReceiverId("receiver"),
            receiver_name="Somebody",
            purpose=purpose,
            reads_safely=True,
        )


_OTHERS: tuple[Input, ...] = (
    Started(),
    Returned(),
    Failed(),
    SentOther(OtherKind.PHOTO),
    WaitedLong(),
    TakeoverAnnounced(),
    LeaseEnded(lease_until=LEASE),
    LeaseEnded(lease_until=Milliseconds(5)),
    *_acts_of(OPERATOR),
    *_acts_of(OPERATOR),
    *_acts_of(OTHER_OPERATOR),
    *(
        ReferralLeaving(
            referral=ReferralId("referral"),
            package=PackageId("package"),
            receiver=ReceiverId("receiver"),
            receiver_name="Somebody",
            purposes=(Purpose.REFERRAL,),
            with_identity=False,
            decided_at=decided,
        )
        for decided in (None, Milliseconds(0))
    ),
    *(ReferralNews(package=PackageId("package"), state=state) for state in ReceiptState),
)


def _input(talk: Talk, rolled: Iterator[int]) -> Input:
    """Something that comes in: mostly a press, often one that is not quite right."""
    prompt = talk.now.prompt
    choices = prompt.choices if prompt else tuple(map(ChoiceId, CHOICES))
    number = prompt.number if prompt else 1
    one, other = (choices[next(rolled) % len(choices)] for _ in range(2))
    action = tuple(Action)[next(rolled) % len(Action)]
    some = (
        *(Pressed(number=number, choices=(one,)),) * 8,
        *(Pressed(number=number, choices=(one, other)),) * 2,
        Pressed(number=number - 1, choices=(one,)),
        Pressed(number=number, choices=(ChoiceId("never_written"),)),
        Pressed(number=number, choices=()),
        *(Requested(Action.BACK), Requested(action)) * 2,
        Typed(words="…", heard=action),
        Typed(words="…", meant=(one,)),
        Typed(words="…", check_safety=True, told=("DOCS_HELD",), urgency=Urgency.PRIORITY),
        Typed(words="…", asks=("x", "rights", "y"), child=True, writes=RO),
        Typed(words="…"),
        *(_OTHERS[next(rolled) % len(_OTHERS)],) * 4,
    )
    return some[next(rolled) % len(some)]


def _answers_somehow(turn: Turn) -> bool:
    return any(isinstance(effect, Send | EraseAll | EndView) for effect in turn.effects)


def _take(talk: Talk, what: Input) -> None:
    """A turn, with everything that holds for each of them."""
    before = talk.now
    twin = talk.would_receive(what)
    assert talk.receives(what) == twin, "the same input gives the same turn"
    numbers = [m.content.number for m in talk.messages if isinstance(m.content, Asked)]
    assert numbers == sorted(set(numbers))
    assert all(before.asked < number <= talk.now.asked for number in numbers)
    assert talk.now.asked >= before.asked
    prompt = talk.now.prompt
    if prompt is not None:
        assert 0 < prompt.number <= talk.now.asked
        assert prompt.choices
    places = [answer.place for answer in talk.now.answers]
    assert len(places) == len(set(places)), "answers count once for each place"
    if talk.owner in {"operator", "closed"}:
        assert Author.BOT not in talk.authors, "nobody but a human speaks"
    if before.control.owner is Owner.OPERATOR and talk.owner == "operator":
        assert talk.now.held == before.held, "the place to go on at is kept"
    fences = before.control.fence, talk.now.control.fence
    assert fences[0].number <= fences[1].number
    if before.control.owner is not talk.now.control.owner:
        assert fences[0] != fences[1], "whoever holds the old fence may not speak"
    if isinstance(what, Pressed) and _is_stale(before, what):
        assert (talk.now.answers, talk.now.facts) == (before.answers, before.facts)
        assert before.prompt in (None, talk.now.prompt)
    assert len(talk.effects) < 10_000
    assert set(offers(question_waiting(talk.graph, talk.now))) >= set(ALWAYS_OFFERED)
    for action in ALWAYS_OFFERED:
        assert _answers_somehow(talk.would_receive(Requested(action))), action


def _is_stale(before: Conversation, pressed: Pressed) -> bool:
    prompt = before.prompt
    if prompt is None or prompt.number != pressed.number or not pressed.choices:
        return True
    chosen = set(pressed.choices)
    alone = prompt.pick is Pick.ONE or bool(chosen & {"skip", "dont_know"})
    return (
        not chosen <= set(prompt.choices)
        or len(chosen) != len(pressed.choices)
        or (alone and len(chosen) > 1)
    )


def _walk(talk: Talk, seed: int, turns: int) -> None:
    rolled = rolls(seed)
    for _ in range(turns):
        if talk.does(EraseAll):
            return
        _take(talk, _input(talk, rolled))


@few(70)
@given(graphs, seeds, st.booleans(), st.sampled_from(Owner))
def test_every_walk_of_every_graph_is_answered(
    drawn: Nonsense, seed: int, staffed: bool, owner: Owner
) -> None:
    talk = Talk(drawn.graph)
    talk.staffed = staffed
    _take(talk, Started())
    talk.belongs_to(owner)
    _walk(talk, seed, turns=25)


@few(15)
@given(graphs, graphs, seeds)
def test_a_conversation_lives_on_when_another_release_takes_over(
    first: Nonsense, second: Nonsense, seed: int
) -> None:
    talk = Talk(first.graph)
    _take(talk, Started())
    _walk(talk, seed, turns=8)
    talk.graph = second.graph
    _walk(talk, seed + 1, turns=8)


# --- The content that the project ships ---------------------------------------------------------

GRAPH = shipped().graph
QUESTIONS = GRAPH.flows["self_identification"]
BRANCHES = (
    *("home_", "crime_", "begging_", "work_", "marriage_"),
    *("carrying_", "given_", "organ_", "sex_"),
)
BRANCH_NODES = frozenset(
    name for name, node in QUESTIONS.nodes.items() if node.asks and name.startswith(BRANCHES)
)
GATE = frozenset({"about_whom", "topics", "baby_what"})
SEXUAL_NODES = frozenset(
    name for name in BRANCH_NODES if name.startswith("sex_") or name == "marriage_used"
)

ONWARD = {
    "welcome.safe": "yes",
    "welcome.danger": "no",
    "home.menu": "questions",
    "self_identification.code_offer": "no_code",
    "self_identification.may_i": "go_on",
    "self_identification.about_whom": "me",
    "self_identification.for_someone_else": "also_me",
    "self_identification.child_choice": "questions",
    "self_identification.painful": "go_on",
    "outcome.menu_more": "more",
    "human.consent": "not_now",
    "hotlines.menu": "done",
    "danger.offer": "back",
    "self_harm.offer": "back",
    "waiting.meanwhile": "go_on",
    "language.which": "en",
    "leave.before": "stay",
    "erase.sure": "keep",
}
"""The choice that leads to more questions; without it random presses seldom get there."""


def _choice(talk: Talk, decision: int) -> tuple[str, ...]:
    """A choice of the present question; where one leads on, it mostly is that one."""
    onward = ONWARD.get(talk.question)
    if decision < 90 and onward in talk.choices:
        return (onward,)
    prompt = talk.now.prompt
    if prompt and prompt.pick is Pick.MANY and decision >= 20:
        several = talk.choices[decision % 5 : decision % 7 + 5]
        return tuple(c for c in several if c not in {"skip", "dont_know"}) or ("skip",)
    return (talk.choices[decision % len(talk.choices)],)


def _goes_on(talk: Talk, decision: int) -> None:
    talk.presses(*_choice(talk, decision)) if talk.waits else talk.asks(Action.HOME)


def _node(talk: Talk) -> str:
    return talk.question.partition(".")[2]


def _path(seed: int, *actions: Action) -> Iterator[int | Action]:
    """Ninety decisions, and now and then one of the buttons that are always there."""
    rolled = rolls(seed)
    for _ in range(90):
        roll = next(rolled)
        yield actions[roll % len(actions)] if roll % 8 == 0 else next(rolled) % 100


def _visitor(country: str | None = "MD") -> Talk:
    talk = Talk(GRAPH, facts={"country": (country,)} if country else {}, stored=False)
    talk.starts()
    return talk


def _does(talk: Talk, what: int | Action) -> None:
    talk.asks(what) if isinstance(what, Action) else _goes_on(talk, what)


EVERYTHING = tuple(action for action in Action if action is not Action.ERASE_NOW)


@few(25)
@given(seeds)
def test_no_walk_asks_more_than_fifteen_questions_between_outcomes(seed: int) -> None:
    talk = _visitor()
    before: frozenset[Place] = frozenset()
    most = 0
    for what in _path(seed, Action.WHY, Action.BACK, Action.HOTLINE, Action.CHANGE_ANSWER):
        if _node(talk) == "topics":
            talk.presses("work", "sex", "debt", "crime", "organ")
        _does(talk, what)
        if talk.does(EraseAll):
            return
        # Also those that ask whether a hard subject may be touched: a person counts them too.
        recorded = frozenset(
            answer.place
            for answer in talk.now.answers
            if answer.place.flow == QUESTIONS.name and answer.place.node not in GATE
        )
        most = max(most, len(recorded - before))
        if "outcome.thanks.say.0" in talk.told:
            assert {"outcome.for_everybody.say.0", "emergency"} <= set(talk.told)
            before = recorded
    assert most <= 15


@few(25)
@given(seeds, st.sampled_from(["child", "not_sure"]))
def test_a_child_is_never_asked_a_question_of_a_branch(seed: int, age: str) -> None:
    """As long as the age is what it was when the branches were chosen."""
    talk = _visitor()
    for what in _path(seed, Action.WHY, Action.BACK, Action.HOTLINE, Action.HUMAN, Action.HOME):
        if _node(talk) == "age":
            talk.presses(age)
        elif _node(talk) == "topics":
            talk.presses("work", "sex", "begging", "marriage", "baby", "crime", "home_work")
        elif talk.question.startswith("outcome.menu") and not isinstance(what, Action):
            talk.asks(Action.HOME)  # from here a person could change their age
        else:
            _does(talk, what)
        if talk.does(EraseAll):
            return
        assert _node(talk) not in BRANCH_NODES


@few(30)
@given(seeds)
def test_nobody_but_an_adult_is_asked_about_sex_whatever_was_changed(seed: int) -> None:
    talk = _visitor()
    for what in _path(seed, Action.CHANGE_ANSWER, Action.BACK, Action.HOTLINE, Action.WHY):
        decision = what if isinstance(what, int) else 0
        if _node(talk) == "topics":
            talk.presses("sex", "marriage", "organ")
        elif _node(talk) == "age":
            talk.presses("adult" if decision % 3 else "child")
        elif (
            talk.question == "change_answer.which" and decision < 60 and "age.age" in talk.choices
        ):
            talk.presses("age.age")
        else:
            _does(talk, what)
        if talk.does(EraseAll):
            return
        if _node(talk) in SEXUAL_NODES:
            assert talk.now.facts["age"] == ("adult",)


@few(25)
@given(seeds, st.sampled_from([None, *GRAPH.countries]))
def test_numbers_and_rights_can_always_be_reached(seed: int, country: str | None) -> None:
    talk = _visitor(country)
    for what in _path(seed, *EVERYTHING):
        _does(talk, what)
        if talk.does(EraseAll):
            return
    here = talk.now
    talk.asks(Action.HOTLINE)
    if talk.question == "country.which":
        talk.presses("skip")
    assert {"emergency", "hotlines"} <= set(talk.told)
    talk.now = here
    talk.asks(Action.HOME)
    talk.presses("rights")
    assert talk.told[0] == "rights.start.say.0"


@few(25)
@given(seeds, st.integers(5, 60))
def test_one_more_sign_never_lowers_the_outcome(seed: int, changed: int) -> None:
    """The same walk twice, once with a sign in the place of a no, a skip or "I don't know"."""
    without, with_one = _visitor(), _visitor()
    rolled = rolls(seed)
    for index in range(75):
        if not without.waits:
            return
        chosen = _choice(without, next(rolled) % 100)
        instead = _sign_instead(without, chosen) if index == changed else None
        without.presses(*chosen)
        with_one.presses(*(instead or chosen))
        assert with_one.question == without.question, "signs decide nothing about the way"
        assert _rank(with_one) >= _rank(without)
        assert with_one.now.urgency >= without.now.urgency


def _rank(talk: Talk) -> int:
    return -1 if talk.now.outcome is None else [*Outcome].index(talk.now.outcome)


def _sign_instead(talk: Talk, chosen: tuple[str, ...]) -> tuple[str, ...] | None:
    """A choice that reports a sign, when `chosen` reports none."""
    prompt = talk.now.prompt
    node = GRAPH.node(prompt.spot.place) if prompt else None
    asks = node.asks if node else None
    if asks is None or not asks.asks_sign:
        return None
    if asks.sign:
        signs = ("no", "sometimes") if asks.reversed else ("yes", "sometimes")
        return None if chosen[0] in signs else (signs[0],)
    if asks.sign_count:
        return None if chosen[0] not in {"skip", "dont_know"} else (talk.choices[0],)
    with_signs: Mapping[str, tuple[str, ...]] = {o.id: o.signs for o in asks.options}
    if with_signs.get(chosen[0]):
        return None
    return (next(option for option, signs in with_signs.items() if signs),)


def test_random_presses_get_to_where_it_matters() -> None:
    """Without this the properties above could hold because nobody ever got there."""
    asked: set[str] = set()
    outcomes: set[str | None] = set()
    for seed in range(24):
        talk, rolled = _visitor(), rolls(seed)
        for _ in range(90):
            if talk.does(EraseAll):
                break
            if _node(talk) == "age" and seed % 2:
                talk.presses("adult")
            else:
                _goes_on(talk, next(rolled) % 100)
            asked.add(_node(talk))
            outcomes.add(talk.outcome)
    assert asked >= {"depend", "sex_gain", "work_pay", "menu_more", "child_choice", "hurt"}
    assert outcomes >= {"signs", "several_signs"}


@pytest.mark.parametrize("name", sorted(SEXUAL_NODES))
def test_each_sexual_question_has_its_own_lock(name: str) -> None:
    """Not only the way to it: the question itself asks for the age."""
    required = dict(QUESTIONS.nodes[name].only_if.required)
    assert required["age"] == ("adult",)
