"""Small graphs for tests, and somebody who walks them turn by turn.

graph = small_graph(home=[step("menu", asks=menu("read", "go"))])
person = Talk(graph)
person.starts()
person.presses("read")
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from pathlib import Path

from bot.content.release import Release, load, read_files
from bot.dialogue.codec import dump_conversation, dump_message, load_conversation, load_message
from bot.domain.control import Control, Fence, Owner
from bot.domain.conversation import Conversation, Facts, Place, new_conversation
from bot.domain.ids import Milliseconds, OperatorId
from bot.domain.messages import Asked, Author, ChoiceId, Message, Pick, Said, Shown, Told
from bot.domain.text import Country, Language
from bot.engine.advance import ENGINE_FLOWS, advance
from bot.engine.effects import Effect, RaiseAlarm, Refuse, Send, Turn
from bot.engine.graph import (
    ALWAYS,
    END,
    Condition,
    Do,
    Flow,
    Graph,
    Level,
    Node,
    Option,
    Question,
    Route,
    Source,
    text_key,
)
from bot.engine.received import (
    Action,
    Claimed,
    ClosedByOperator,
    GaveBack,
    Input,
    LeaseEnded,
    LeaseRenewed,
    OperatorWrote,
    Pressed,
    Received,
    Requested,
    Returned,
    Started,
    TakeoverAnnounced,
    Transferred,
    Typed,
)
from tests.support.indicators import INDICATORS

EN, RO = Language("en"), Language("ro")
MD, IT = Country("MD"), Country("IT")
OPERATOR = OperatorId("op-1")
OTHER_OPERATOR = OperatorId("op-2")
LEASE = Milliseconds(1000)

Target = str | Sequence[tuple[Condition, str]]
"""A node of the same flow, `flow.node`, `end`, or routes; conditions are tried in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A choice: the codes it sets, where it leads, or what it opens."""

    signs: tuple[str, ...] = ()
    to: Target | None = None
    opens: str | None = None
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A node before its flow is known."""

    name: str
    says: int = 0
    shows: tuple[str, ...] = ()
    does: tuple[Do, ...] = ()
    visits: str | None = None
    asks: Question | None = None
    buttons: Mapping[str, Button] = field(default_factory=dict[str, Button])
    notes: str | None = None
    only_if: Condition = ALWAYS
    to: Target | None = None


def step(  # noqa: PLR0913 - every field of a node can be set
    name: str,
    *,
    says: int = 0,
    shows: Iterable[str] = (),
    does: Iterable[Do] = (),
    visits: str | None = None,
    asks: "Question | Menu | None" = None,
    notes: str | None = None,
    only_if: Condition = ALWAYS,
    to: Target | None = None,
) -> Step:
    """A node that goes on below, unless `to` says otherwise."""
    return Step(
        name=name,
        says=says,
        shows=tuple(shows),
        does=tuple(does),
        visits=visits,
        asks=asks.question if isinstance(asks, Menu) else asks,
        buttons=asks.buttons if isinstance(asks, Menu) else {},
        notes=notes,
        only_if=only_if,
        to=to,
    )


@dataclass(frozen=True, slots=True)
class Menu:
    """A question together with its author's buttons."""

    question: Question
    buttons: Mapping[str, Button]


def menu(*names: str, **buttons: Button) -> Menu:
    """A question that stores nothing."""
    return Menu(Question(), {**{name: Button() for name in names}, **buttons})


def remembers(fact: str, *names: str, pick: Pick = Pick.ONE, **buttons: Button) -> Menu:
    """A question whose choice becomes a fact."""
    question = Question(remember=fact, pick=pick, explained=True)
    return Menu(question, {**{name: Button() for name in names}, **buttons})


def sign(*codes: str, turned: bool = False, once: bool = False) -> Question:
    """A question about signs, with the standard choices."""
    return Question(sign=codes, reversed=turned, once=once, explained=True)


def picks(code: str, *names: str) -> Menu:
    """A question of which the number of picks counts."""
    question = Question(sign_count=code, pick=Pick.MANY, explained=True)
    return Menu(question, {name: Button() for name in names})


def when(**facts: str) -> Condition:
    """Holds when the facts have these values; `not_` before a name turns it around."""
    return Condition(
        tuple((f, tuple(v.split())) for f, v in facts.items() if not f.startswith("not_")),
        tuple(
            (f.removeprefix("not_"), tuple(v.split()))
            for f, v in facts.items()
            if f.startswith("not_")
        ),
    )


_PLAIN: Mapping[str, tuple[Step, ...]] = {
    "welcome": (step("hello", says=1, to="home"),),
    "home": (step("menu", asks=menu("stay")),),
    "human": (
        step("may_i", asks=menu("no", show=Button(to="show"), fresh=Button(to="fresh"))),
        step("no_thanks", to="end"),
        step("show", does=[Do.QUEUE_WITH_ANSWERS], to="end"),
        step("fresh", does=[Do.QUEUE_FRESH], to="end"),
    ),
    "hotlines": (
        step("numbers", says=1, shows=["emergency", "hotlines"]),
        step("more", asks=menu("no")),
    ),
    "leave": (
        step("sure", asks=menu(now=Button(to="close"), stay=Button(to="end"))),
        step("close", does=[Do.END_VIEW], to="end"),
    ),
    "erase": (
        step("sure", asks=menu(now=Button(to="now"), keep=Button(to="kept"))),
        step("now", does=[Do.ERASE], to="end"),
        step("kept", says=1),
    ),
    "language": (step("which", asks=Question(source=Source.LANGUAGES)),),
    "change_answer": (
        step("which", says=1, asks=Question(source=Source.ANSWERED)),
    ),
    "came_back": (
        step("what_now", asks=menu(go_on=Button(to="end"), start=Button(to="home"))),
    ),
    "check_safety": (
        step("ask", asks=menu("no", yes=Button(to="danger"), human=Button(to="human"))),
        step("safe", says=1),
    ),
    "language_offer": (step("which", asks=Question(source=Source.OFFERED_LANGUAGE)),),
    "consent": (
        step("what", says=2),
        step(
            "may_we",
            asks=menu(
                agree=Button(to="yes"), refuse=Button(to="no"), ask_first=Button(to="later")
            ),
        ),
        step("yes", does=[Do.CONSENT_GIVE]),
        step("yes_said", says=1, to="end"),
        step("no", does=[Do.CONSENT_REFUSE]),
        step("no_said", says=1, to="end"),
        step("later", does=[Do.CONSENT_LATER]),
        step("later_said", says=1, to="end"),
    ),
    "agreed": (
        step("here", says=1),
        step("list", does=[Do.RECEIPTS]),
        step("which", asks=Question(source=Source.AGREED), only_if=when(consented="yes")),
    ),
    "danger": (
        step("numbers", says=1, shows=["emergency"]),
        step("offer", asks=menu(yes=Button(to="queue"), no=Button(to="end"))),
        step("queue", does=[Do.QUEUE_NOW]),
    ),
    "self_harm": (
        step("heard", says=1, shows=["crisis_line"]),
        step("offer", asks=menu(yes=Button(to="queue"), no=Button(to="end"))),
        step("queue", does=[Do.QUEUE_NOW]),
    ),
}  # fmt: skip
"""The flows that the engine opens by name, as plain as they can be."""


def small_graph(
    named: Mapping[str, Sequence[Step]] | None = None,
    /,
    *,
    most: Mapping[str, tuple[int, str | None]] | None = None,
    languages: Mapping[Language, Level] | None = None,
    **flows: Sequence[Step],
) -> Graph:
    """A graph of `named` and `flows`, beside those that every release has.

    `most`: how many questions a flow may ask, and where it goes then.
    """
    steps = {**_PLAIN, **(named or {}), **flows}
    starts = {name: Place(name, found[0].name) for name, found in steps.items() if found}
    limits = most or {}
    graph = Graph(
        flows={
            name: Flow(
                name=name,
                nodes=_nodes(name, found, starts),
                most_questions=limits.get(name, (None, None))[0],
                then=limits.get(name, (None, None))[1],
            )
            for name, found in steps.items()
        },
        indicators=INDICATORS,
        languages=languages or {EN: Level.FULL, RO: Level.FULL},
        countries=(MD, IT),
    )
    assert graph.flows.keys() >= ENGINE_FLOWS
    return graph


def _nodes(flow: str, steps: Sequence[Step], starts: Mapping[str, Place]) -> Mapping[str, Node]:
    below = {one.name: Place(flow, following.name) for one, following in pairwise(steps)}

    def place(name: str) -> Place | None:
        if name == END:
            return None
        if "." in name:
            return Place(*name.split(".", 1))
        own = any(one.name == name for one in steps)
        # A name that leads nowhere stays: the engine has to live with it.
        return Place(flow, name) if own else starts.get(name, Place(flow, name))

    def routes(to: Target | None) -> tuple[Route, ...] | None:
        if to is None:
            return None
        if isinstance(to, str):
            return (Route(ALWAYS, place(to)),)
        return tuple(Route(condition, place(name)) for condition, name in to)

    def question(one: Step) -> Question | None:
        if one.asks is None:
            return None
        options = tuple(
            Option(
                id=ChoiceId(name),
                label=text_key(Place(flow, one.name), f"choice.{name}"),
                signs=button.signs,
                routes=routes(button.to),
                opens=place(button.opens) if button.opens else None,
                again=button.again,
            )
            for name, button in one.buttons.items()
        )
        return Question(
            options=options,
            source=one.asks.source,
            pick=one.asks.pick,
            sign=one.asks.sign,
            reversed=one.asks.reversed,
            once=one.asks.once,
            sign_count=one.asks.sign_count,
            remember=one.asks.remember,
            explained=one.asks.explained,
        )

    def node(one: Step) -> Node:
        onward = routes(one.to)
        return Node(
            sentences=one.says,
            shows=one.shows,
            does=one.does,
            visits=place(one.visits) if one.visits else None,
            asks=question(one),
            notes=one.notes,
            only_if=one.only_if,
            routes=onward if onward is not None else (Route(ALWAYS, below.get(one.name)),),
        )

    return {one.name: node(one) for one in steps}


@cache
def shipped() -> Release:
    """The content that the project ships, without the lexicons: the engine hears no words."""
    root = Path(__file__).parents[2]
    files = {name: text for name, text in read_files(root).items() if name[:4] != "nlu/"}
    loaded = load(files)
    assert loaded.release is not None, loaded.problems
    return loaded.release


WORD = "Walnut"
"""What is agreed on with every code."""


class Talk:
    """A person, an operator and the bot, one turn after the other.

    Everything is written down and read back between two turns, as in the service; long walks
    that are about something else leave it out (`stored=False`).
    """

    def __init__(
        self,
        graph: Graph,
        *,
        facts: Facts | None = None,
        language: Language = EN,
        stored: bool = True,
    ) -> None:
        self.graph = graph
        self.stored = stored
        self.staffed = False
        self.now: Conversation = new_conversation(
            release=1, language=language, nonce="n0", facts=facts or {}
        )
        self.turn = Turn(self.now, ())
        self.turns = 0

    # What happens

    def belongs_to(self, owner: Owner) -> None:
        """Let `owner` answer, whatever happened before."""
        claimed = owner is Owner.OPERATOR
        control = Control(
            owner=owner,
            fence=Fence(1, "n0"),
            operator=OPERATOR if claimed else None,
            lease_until=LEASE if claimed else None,
            announced=claimed,
        )
        self.now = replace(self.now, control=control)

    def would_receive(self, what: Input) -> Turn:
        """The turn that an input would have now."""
        received = Received(
            what=what, nonce=f"n{self.turns + 1}", staffed=self.staffed, code_word=WORD
        )
        return advance(self.graph, self.now, received)

    def receives(self, what: Input) -> Turn:
        """Give an input its turn."""
        self.turn = self.would_receive(what)
        self.turns += 1
        self.now = self.turn.conversation
        if self.stored:
            self.now = load_conversation(dump_conversation(self.now))
            assert self.now == self.turn.conversation
            for message in self.messages:
                assert load_message(dump_message(message)) == message
        return self.turn

    def starts(self) -> Turn:
        return self.receives(Started())

    def presses(self, *choices: str, number: int | None = None) -> Turn:
        """Press buttons of the present question, or of the one of that number."""
        prompt = self.now.prompt
        of = number if number is not None else prompt.number if prompt else 0
        return self.receives(Pressed(number=of, choices=tuple(map(ChoiceId, choices))))

    def press_all(self, *choices: str) -> Turn:
        """Answer one question after the other."""
        for choice in choices:
            self.presses(choice)
        return self.turn

    def asks(self, action: Action) -> Turn:
        return self.receives(Requested(action))

    def writes(self, words: str, *, heard: Action | None = None, meant: str = "") -> Turn:
        return self.receives(
            Typed(words=words, heard=heard, meant=tuple(map(ChoiceId, meant.split())))
        )

    def returns(self, word: str = WORD) -> Turn:
        """Come back with the code; the word that goes with it is `WORD`."""
        if self.now.code_word is None:
            self.now = replace(self.now, code_word=WORD)
        return self.receives(Returned(word=word))

    def operator_claims(self, *, announced: bool = True) -> Turn:
        turn = self.receives(Claimed(operator=OPERATOR, lease_until=LEASE))
        return self.receives(TakeoverAnnounced()) if announced else turn

    def operator_writes(self, words: str, operator: OperatorId = OPERATOR) -> Turn:
        return self.receives(OperatorWrote(operator=operator, words=words))

    def operator_gives_back(self, operator: OperatorId = OPERATOR) -> Turn:
        return self.receives(GaveBack(operator=operator))

    def operator_transfers(self) -> Turn:
        return self.receives(Transferred(operator=OPERATOR))

    def operator_closes(self) -> Turn:
        return self.receives(ClosedByOperator(operator=OPERATOR))

    def operator_is_still_there(self, until: int) -> Turn:
        return self.receives(LeaseRenewed(operator=OPERATOR, lease_until=Milliseconds(until)))

    def lease_ends(self, until: int = LEASE) -> Turn:
        return self.receives(LeaseEnded(lease_until=Milliseconds(until)))

    # What came of it

    @property
    def effects(self) -> tuple[Effect, ...]:
        return self.turn.effects

    @property
    def messages(self) -> tuple[Message, ...]:
        return tuple(effect.message for effect in self.effects if isinstance(effect, Send))

    @property
    def authors(self) -> set[Author]:
        return {message.by for message in self.messages}

    @property
    def told(self) -> list[str]:
        """The keys of what the program said, and the blocks it showed."""
        keys: list[str] = []
        for message in self.messages:
            match message.content:
                case Told(sentence):
                    keys.append(sentence.key)
                case Shown(block=block):
                    keys.append(block)
                case Asked() | Said() | _:
                    continue
        return keys

    @property
    def asked(self) -> list[str]:
        """The places of the questions that this turn asked."""
        return [
            message.content.question.key.removesuffix(".ask")
            for message in self.messages
            if isinstance(message.content, Asked)
        ]

    @property
    def question(self) -> str:
        """The place of the question that waits, empty while nothing is asked."""
        prompt = self.now.prompt
        return f"{prompt.spot.place.flow}.{prompt.spot.place.node}" if prompt else ""

    @property
    def waits(self) -> bool:
        """Whether a question waits for the person."""
        return self.now.prompt is not None

    @property
    def choices(self) -> list[str]:
        return [*self.now.prompt.choices] if self.now.prompt else []

    @property
    def alarms(self) -> list[str]:
        return [effect.kind.value for effect in self.effects if isinstance(effect, RaiseAlarm)]

    @property
    def refused(self) -> list[str]:
        return [effect.reason.value for effect in self.effects if isinstance(effect, Refuse)]

    # Names instead of members: checkers would believe that a turn changes nothing.

    @property
    def owner(self) -> str:
        return self.now.control.owner.value

    @property
    def urgency(self) -> str:
        return self.now.urgency.value

    @property
    def outcome(self) -> str | None:
        return self.now.outcome.value if self.now.outcome is not None else None

    def does(self, kind: type[Effect]) -> bool:
        """Whether the turn has an effect of that kind."""
        return any(isinstance(effect, kind) for effect in self.effects)
