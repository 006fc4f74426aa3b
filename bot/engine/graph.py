"""The graph that a conversation walks: flows of nodes, without any words.

Words are named by keys (`text_key`), and read when a message is handed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from bot.domain.conversation import Place
from bot.domain.indicators import IndicatorSet
from bot.domain.messages import ChoiceId, Pick
from bot.domain.text import Country, Language, Text, text

DONT_KNOW = ChoiceId("dont_know")
NOT_SURE = ChoiceId("not_sure")
SKIP = ChoiceId("skip")
YES = ChoiceId("yes")
SOMETIMES = ChoiceId("sometimes")
NO = ChoiceId("no")

WELCOME = "welcome"
"""The flow of the first screen."""

TOLD = "told"
"""The flow that offers back what a person told; its nodes are named after codes, in small letters.
Also the fact that holds these codes."""

END = "end"
UNSET = "unset"
"""A condition's value for a fact that is not known."""


class Do(Enum):
    """What a node does beside speaking."""

    ASSESS = "assess"
    REASONS = "reasons"
    QUEUE_WITH_ANSWERS = "enter_queue_with_answers"
    QUEUE_FRESH = "enter_queue_fresh"
    QUEUE_NOW = "enter_queue_now"
    LEAVE_QUEUE = "leave_queue"
    TELL_WAITING = "tell_waiting"
    ERASE = "erase"
    END_VIEW = "end_view"
    GIVE_CODE = "give_code"
    CONSENT_GIVE = "consent_give"
    CONSENT_REFUSE = "consent_refuse"
    CONSENT_LATER = "consent_later"
    RECEIPTS = "receipts"


class Source(Enum):
    """Where the choices of a question come from when no author lists them."""

    LANGUAGES = "languages"
    COUNTRIES = "countries"
    ANSWERED = "answered"
    AGREED = "agreed"
    OFFERED_LANGUAGE = "offered_language"


class Level(Enum):
    """How much of the content a language has."""

    FULL = "full"
    FIRST_HELP = "first_help"


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds when each fact has one of its values; `absent` lists values it must not have."""

    required: tuple[tuple[str, tuple[str, ...]], ...] = ()
    absent: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def asks(self, fact: str) -> bool:
        """Whether the condition depends on `fact`."""
        return any(fact == name for name, _ in (*self.required, *self.absent))

    def holds(self, facts: Mapping[str, tuple[str, ...]]) -> bool:
        """Whether `facts` meet the condition; an unknown fact has the one value `unset`."""
        return all(_overlap(facts, fact, values) for fact, values in self.required) and not any(
            _overlap(facts, fact, values) for fact, values in self.absent
        )


def _overlap(facts: Mapping[str, tuple[str, ...]], fact: str, values: tuple[str, ...]) -> bool:
    return not set(facts.get(fact) or (UNSET,)).isdisjoint(values)


ALWAYS = Condition()


@dataclass(frozen=True, slots=True)
class Route:
    """Where to go when the condition holds; None is the end of the flow."""

    condition: Condition
    target: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A choice as its author wrote it."""

    id: ChoiceId
    label: Text
    signs: tuple[str, ...] = ()
    routes: tuple[Route, ...] | None = None
    """Where this choice leads; None follows the node."""

    opens: Place | None = None
    again: bool = False
    """Whether the question is asked again when a walk comes by: this choice only puts it off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a node asks, and what is done with the answer."""

    options: tuple[Option, ...] = ()
    source: Source | None = None
    pick: Pick = Pick.ONE
    sign: tuple[str, ...] = ()
    reversed: bool = False
    once: bool = False
    """Whether it is about something that happened or did not: "Sometimes" is no answer."""

    sign_count: str | None = None
    remember: str | None = None
    explained: bool = False

    @property
    def recorded(self) -> bool:
        """Whether the answer is kept."""
        return self.asks_sign or self.remember is not None

    @property
    def asks_sign(self) -> bool:
        """Whether an answer can be a sign of exploitation."""
        return bool(self.sign or self.sign_count or any(option.signs for option in self.options))

    def codes(self) -> frozenset[str]:
        """Every indicator code that an answer to this question can set."""
        counted = (self.sign_count,) if self.sign_count else ()
        return frozenset((*self.sign, *counted, *(s for o in self.options for s in o.signs)))

    def added(self) -> tuple[ChoiceId, ...]:
        """The choices that stand beside those that the author listed."""
        written = {option.id for option in self.options}
        sometimes = () if self.once else (SOMETIMES,)
        standard = (YES, *sometimes, NO) if self.sign else ()
        # "I am not sure" written by the author already is an "I don't know".
        unsure = () if NOT_SURE in written else (DONT_KNOW,)
        extra = (*unsure, SKIP) if self.recorded else ()
        return tuple(choice for choice in (*standard, *extra) if choice not in written)

    def puts_off(self, chosen: tuple[ChoiceId, ...]) -> bool:
        """Whether this answer leaves the question open for another time."""
        return any(option.again for option in self.options if option.id in chosen)

    def option(self, choice: ChoiceId) -> Option | None:
        """The author's choice of that name."""
        return next((option for option in self.options if option.id == choice), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One step of a flow: says, shows, does, visits, asks, in this order."""

    sentences: int = 0
    shows: tuple[str, ...] = ()
    does: tuple[Do, ...] = ()
    visits: Place | None = None
    asks: Question | None = None
    notes: str | None = None
    """The fact that says, from then on, that a walk came by here."""

    only_if: Condition = ALWAYS
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Nodes in the author's order; the first one is where the flow begins."""

    name: str
    nodes: Mapping[str, Node]
    most_questions: int | None = None
    then: str | None = None

    @property
    def start(self) -> Place:
        """Where the flow begins."""
        return Place(self.name, next(iter(self.nodes)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Everything of a release that decides where a conversation goes."""

    flows: Mapping[str, Flow]
    indicators: IndicatorSet
    languages: Mapping[Language, Level] = field(default_factory=dict[Language, Level])
    countries: tuple[Country, ...] = ()

    def node(self, place: Place) -> Node | None:
        """The node at `place`, None when this release has none."""
        flow = self.flows.get(place.flow)
        return flow.nodes.get(place.node) if flow else None

    def start(self, flow: str) -> Place | None:
        """Where the flow of that name begins."""
        found = self.flows.get(flow)
        return found.start if found else None


def text_key(place: Place, field: str) -> Text:
    """The sentence in `field` of the node at `place`."""
    return text(f"{place.flow}.{place.node}.{field}")
