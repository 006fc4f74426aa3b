"""The state of one conversation: everything the next turn needs, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from bot.domain.consent import Consent, ConsentQuestion, Receipt
from bot.domain.control import Control, Fence, Owner
from bot.domain.handover import Handover
from bot.domain.indicators import Outcome, Urgency
from bot.domain.messages import ChoiceId, Pick
from bot.domain.text import Country, Language

Facts = Mapping[str, tuple[str, ...]]
"""What flows remember: fact name to the choices that were picked."""


@dataclass(frozen=True, slots=True)
class Place:
    """A node of a flow."""

    flow: str
    node: str


class Resume(Enum):
    """What happens at a place when the flow that was opened from it has ended."""

    AGAIN = "again"
    """Ask its question again."""

    BELOW = "below"
    """Go on below it."""

    CHANGE = "change"
    """Ask its question again, as a change of an earlier answer."""

    ENTER = "enter"
    """Begin there."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Where to return to when the present flow ends."""

    place: Place
    resume: Resume


@dataclass(frozen=True, slots=True)
class Spot:
    """A place together with the way that led into its flow."""

    place: Place
    frames: tuple[Frame, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """The question that waits for the person now."""

    number: int
    spot: Spot
    choices: tuple[ChoiceId, ...]
    pick: Pick = Pick.ONE
    changing: bool = False
    """Whether an earlier answer is being changed: the walk then returns to where that began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the person chose at a place; empty when they skipped it."""

    place: Place
    choices: tuple[ChoiceId, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """One conversation between two turns."""

    release: int
    """The number of the release whose graph this conversation walks."""

    language: Language
    control: Control
    prompt: Prompt | None = None
    asked: int = 0
    """How many questions were asked so far; the next gets this number plus one."""

    signs_asked: int = 0
    """How many sign questions since the start or the last assessment."""

    answers: tuple[Answer, ...] = field(default=(), repr=False)
    facts: Facts = field(default_factory=dict[str, tuple[str, ...]], repr=False)
    trail: tuple[Spot, ...] = ()
    """Where questions were asked before the present one, the newest last: the way back."""

    held: Spot | None = None
    """Where to go on when an operator gives the conversation back, or after silence."""

    misses: int = 0
    """How many typed messages in a row were not understood."""

    outcome: Outcome | None = None
    urgency: Urgency = Urgency.NORMAL
    rule_version: str | None = None
    asked_for_person: bool = False
    show_answers: bool = field(default=False)
    """Whether the person agreed that a human sees their answers."""

    consent_question: ConsentQuestion | None = None
    """What an operator asked for, until the person answers."""

    consents: tuple[Consent, ...] = field(default=(), repr=False)
    receipts: tuple[Receipt, ...] = field(default=(), repr=False)
    handover: Handover = field(default_factory=Handover)
    has_code: bool = False
    code_word: str | None = field(default=None, repr=False)
    """The word agreed on with the return code (`bot.domain.code_word`)."""

    wrong_words: int = 0
    """How many wrong words were given for it, in all."""

    view: int = 1
    """Which view of the conversation is open; a token of an earlier view opens nothing."""

    @property
    def country(self) -> Country | None:
        """The country the person said they are in; None when unknown or another one."""
        named = self.facts.get("country", ())
        return Country(named[0]) if named and named[0].isupper() else None

    def answer_at(self, place: Place) -> Answer | None:
        """The answer recorded at `place`, None when the question was never asked."""
        return next((answer for answer in self.answers if answer.place == place), None)


def new_conversation(
    *, release: int, language: Language, nonce: str, facts: Facts
) -> Conversation:
    """A conversation in which nothing has happened yet."""
    control = Control(owner=Owner.BOT, fence=Fence(1, nonce))
    return Conversation(release=release, language=language, control=control, facts=facts)
