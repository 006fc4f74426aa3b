"""Signs of exploitation: what they are, what a person answered, and what follows from it.

An *indicator* is a fact about what happens,
a *sign* is an indicator that the person said is there. An outcome is never a verdict and never a
number; it decides which information and which offers come first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import total_ordering
from typing import NewType

IndicatorCode = NewType("IndicatorCode", str)
"""The name of an indicator, such as `DOCS_HELD`. Never shown to the person."""

DEPENDENT = IndicatorCode("DEPENDENT")
"""The one indicator that counts once for each thing the person picked."""

MOST_DEPENDENT = 4
"""Papers, home, language, nobody else: more cannot be picked."""


@total_ordering
class Ranked(Enum):
    """An enum whose members are ordered as they are written, the least first."""

    def __lt__(self, other: "Ranked") -> bool:
        if type(self) is not type(other):
            return NotImplemented
        members = list(type(self))
        return members.index(self) < members.index(other)


class Dimension(Enum):
    """The six groups of the list of the ILO and the European Commission (2009)."""

    D1 = "D1"
    """Deceived at recruitment."""

    D2 = "D2"
    """Coerced at recruitment."""

    D3 = "D3"
    """Recruited through a vulnerability."""

    D4 = "D4"
    """Exploited."""

    D5 = "D5"
    """Coerced where the person is now."""

    D6 = "D6"
    """A vulnerability is used where the person is now."""


MEANS_DIMENSIONS = (Dimension.D1, Dimension.D2, Dimension.D3, Dimension.D5, Dimension.D6)
"""Where the means of the Palermo Protocol, Article 3(a), show."""


class Weight(Ranked):
    """How much one sign says within its dimension."""

    WEAK = "weak"
    MEDIUM = "medium"
    STRONG = "strong"


class Element(Enum):
    """The part of the legal definition that an indicator belongs to; it may be several."""

    ACT = "act"
    MEANS = "means"
    PURPOSE = "purpose"
    CONTEXT = "context"


class Profile(Enum):
    """Whose weights count."""

    ADULT = "adult"
    CHILD = "child"


class AgeAnswer(Enum):
    """What the person said about their age."""

    ADULT = "adult"
    CHILD = "child"
    NOT_SURE = "not_sure"
    SKIPPED = "skipped"

    @property
    def profile(self) -> Profile:
        """The child's weights when a child is possible by the person's own word."""
        return Profile.CHILD if self in {AgeAnswer.CHILD, AgeAnswer.NOT_SURE} else Profile.ADULT


class Presence(Enum):
    """Whether a sign is there; reversed questions are turned before they become this.

    "I don't know" and a skipped question are both `UNKNOWN`.
    """

    YES = "yes"
    SOMETIMES = "sometimes"
    NO = "no"
    UNKNOWN = "unknown"

    @property
    def is_sign(self) -> bool:
        """Whether the person said that the sign is there, always or at times."""
        return self is Presence.YES or self is Presence.SOMETIMES


class Outcome(Ranked):
    """Which information and which offers come first. Never a verdict."""

    INFORMATION = "information"
    RIGHTS_ADVICE = "rights_advice"
    SIGNS = "signs"
    SEVERAL_SIGNS = "several_signs"


class Urgency(Ranked):
    """How soon a human should look, apart from the outcome."""

    NORMAL = "normal"
    PRIORITY = "priority"
    NOW = "now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """An indicator's weights in one dimension; None where the published list has no such item.

    Without a dimension it is the weight of a form of exploitation that has no published list.
    """

    dimension: Dimension | None
    adult: Weight | None = None
    child: Weight | None = None

    def weight(self, profile: Profile) -> Weight | None:
        """The weight that counts for `profile`."""
        return self.child if profile is Profile.CHILD else self.adult


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a weight comes from, of which date, and how far it was checked."""

    title: str
    date: str
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Indicator:
    """One row of the table of indicators.

    `htcds` are values of `vic_MethodsOfControl`, `htcds_x` names the extension field that says
    what the standard cannot; `ctdc` are columns. More than one value means that an operator says
    which of them holds.
    """

    code: IndicatorCode
    meaning: str
    elements: frozenset[Element]
    ratings: tuple[Rating, ...]
    source: Source
    ilo: tuple[int, ...] = ()
    """Numbers of the 11 indicators of forced labour of the ILO."""

    direct_purpose: bool = False
    """The answer names the exploitation itself: one is enough for the purpose."""

    built_in_means: bool = False
    """The question's wording contains pressure or a trick: one medium sign in D5 as well."""

    threat: bool = False
    """Somebody announces harm: a human should look sooner."""

    proposed: bool = False
    """A weight is our own proposal and waits for an expert's signature."""

    htcds: tuple[str, ...] = ()
    htcds_x: str | None = None
    ctdc: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorSet:
    """All indicators, in the order of the table, with the version stored beside every outcome.

    `child_purpose_topics` are the topics whose choice by a child counts as a sign of purpose,
    because a child is not asked for details.
    """

    indicators: Mapping[IndicatorCode, Indicator]
    rule_version: str
    child_purpose_topics: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Everything the rule may look at. No words, no language, no order.

    `dependent` is the number of things the person picked; `DEPENDENT` in `presence` counts as
    one. `purpose_topic` says that a topic of `IndicatorSet.child_purpose_topics` was picked; it
    counts for a child only. `danger_now` is also "locked in" and "they are coming back".
    `contact_within_week` means still inside, and in contact within a week.
    """

    age: AgeAnswer = field(repr=False)
    presence: Mapping[IndicatorCode, Presence] = field(
        default_factory=dict[IndicatorCode, Presence], repr=False
    )
    dependent: int = field(default=0, repr=False)
    purpose_topic: bool = field(default=False, repr=False)
    danger_now: bool = field(default=False, repr=False)
    self_harm: bool = field(default=False, repr=False)
    pregnancy_or_illness: bool = field(default=False, repr=False)
    contact_within_week: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse a number of picks that no question can give."""
        if not 0 <= self.dependent <= MOST_DEPENDENT:
            raise ValueError(f"dependent must be from 0 to {MOST_DEPENDENT}")


class Ground(Enum):
    """A clause of the rule that holds, with the outcome it leads to."""

    SOME_SIGN = ("some_sign", Outcome.RIGHTS_ADVICE)
    """Any sign at all."""

    PURPOSE_SIGN_AND_MEANS = ("purpose_sign_and_means", Outcome.SIGNS)
    """A sign of exploitation beside means that are positive."""

    PURPOSE_AND_MEANS_SIGN = ("purpose_and_means_sign", Outcome.SIGNS)
    """Exploitation that is positive beside a strong or medium sign of means."""

    STRONG_COERCION = ("strong_coercion", Outcome.SIGNS)
    """One strong sign in D2 or D5: one is enough."""

    COERCION = ("coercion", Outcome.SIGNS)
    """D2 or D5 is positive."""

    CHILD_AND_MEANS = ("child_and_means", Outcome.SIGNS)
    """A child, or perhaps a child, with any sign of means."""

    PURPOSE_AND_MEANS = ("purpose_and_means", Outcome.SEVERAL_SIGNS)
    """Exploitation and means are both positive."""

    CHILD_AND_PURPOSE = ("child_and_purpose", Outcome.SEVERAL_SIGNS)
    """A child, or perhaps a child, with any sign of exploitation: means need not be shown."""

    def __init__(self, code: str, outcome: Outcome) -> None:
        self.code = code
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Hit:
    """What one sign counted for; without a dimension it is a form of exploitation."""

    dimension: Dimension | None
    weight: Weight


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A sign the person reported, and everything it counted for; it may count nowhere."""

    code: IndicatorCode
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The outcome with all that explains it, in the order of the table of indicators.

    `reasons` are all signs that are present, so one more yes never takes a reason away.
    `grounds` and `positive` are for operators. `by_topic` says that the picked topic of a child
    was among the grounds; it is the only outcome above `INFORMATION` that may have no reasons.
    """

    outcome: Outcome
    urgency: Urgency
    reasons: tuple[Reason, ...] = field(repr=False)
    grounds: tuple[Ground, ...] = field(repr=False)
    positive: tuple[Dimension, ...] = field(repr=False)
    by_topic: bool = field(default=False, repr=False)
    rule_version: str

    @property
    def codes(self) -> tuple[IndicatorCode, ...]:
        """The codes of the reasons."""
        return tuple(reason.code for reason in self.reasons)
