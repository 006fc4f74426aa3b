"""What we know about a country, and whether it may be shown.

Nothing reaches a person without passing through `shown`: a fact that nobody has confirmed never
does, a draft only in the demonstration, a verified fact only until its date.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Generic, NewType, TypeVar

from bot.domain.text import Country, Language, Text, TextKey

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

IsoDate = NewType("IsoDate", str)
"""A year, month or day: `2026`, `2026-11`, `2026-11-14`. Never more exact than what is known."""

Sentences = tuple[TextKey, ...]
"""Sentences that a person reads, one idea each."""


class Mode(Enum):
    """What the service runs for."""

    DEMONSTRATION = "demonstration"
    PRODUCTION = "production"


class Status(Enum):
    """How far a fact has come."""

    UNCONFIRMED = "unconfirmed"
    DRAFT = "draft"
    VERIFIED = "verified"


class Block(Enum):
    """A group of facts that a flow can show."""

    EMERGENCY = "emergency"
    CRISIS_LINE = "crisis_line"
    CHILD_HELPLINE = "child_helpline"
    HOTLINES = "hotlines"
    LABOUR_AND_LEGAL_ADVICE = "labour_and_legal_advice"
    REFLECTION_PERIOD = "reflection_period"
    RESIDENCE = "residence"
    FIRST_POINT = "first_point"
    HELP_FOR_CHILDREN = "help_for_children"


class Answers(Enum):
    """Who answers a hotline: a person who fears the police has to know before calling."""

    NGO = "ngo"
    STATE = "state"
    POLICE = "police"


class Unit(Enum):
    """What a length of time is counted in. Laws that say months do not mean days."""

    DAYS = "days"
    MONTHS = "months"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a fact was read."""

    publisher: str
    url: str | None = None
    dated: IsoDate | None = None
    """The date of the page; None when it has none."""

    about: bool = False
    """The date of the page is a guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """Who stands for a fact, and for how long."""

    by: str
    """The role of who verified, never a name."""

    on: date
    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What has to be known about a fact before it may be shown."""

    status: Status
    source: Source
    read_on: IsoDate
    verified: Verified | None = None

    def __post_init__(self) -> None:
        if (self.status is Status.VERIFIED) != (self.verified is not None):
            raise ValueError("a fact is verified exactly when somebody verified it")

    def allows(self, mode: Mode, today: date) -> bool:
        """Whether what carries this mark may be shown."""
        if self.verified is not None:
            return self.verified.on <= today <= self.verified.until
        return self.status is Status.DRAFT and mode is Mode.DEMONSTRATION


@dataclass(frozen=True, slots=True)
class Fact(Generic[T_co]):
    """A value that stays hidden until `shown` lets it out."""

    value: T_co
    mark: Mark

    @property
    def status(self) -> Status:
        """How far the fact has come."""
        return self.mark.status

    @property
    def source(self) -> Source:
        """Where the fact was read."""
        return self.mark.source

    @property
    def read_on(self) -> IsoDate:
        """When the source was read."""
        return self.mark.read_on

    @property
    def verified_by(self) -> str | None:
        """The role of who verified the fact."""
        return self.mark.verified.by if self.mark.verified else None

    @property
    def verified_until(self) -> date | None:
        """The last day on which the fact counts as verified."""
        return self.mark.verified.until if self.mark.verified else None


def shown(fact: Fact[T] | None, mode: Mode, today: date) -> T | None:
    """The value when it may be shown to a person, None otherwise."""
    return fact.value if fact is not None and fact.mark.allows(mode, today) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneNumber:
    """A number as people write it, and as a phone dials it."""

    written: str
    dial: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """A length of time, in the unit that the law uses."""

    number: int
    unit: Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyNumbers:
    """Numbers for somebody in danger."""

    general: Fact[PhoneNumber] | None = None
    police: Fact[PhoneNumber] | None = None
    ambulance: Fact[PhoneNumber] | None = None
    fire: Fact[PhoneNumber] | None = None
    silent: Fact[Sentences] | None = None
    """How to get help without speaking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hotline:
    """Somebody who can be called or written to. Also used for crisis lines and helplines."""

    id: str
    name: Fact[str]
    organisation: Fact[str] | None = None
    answers: Fact[Answers] | None = None
    for_whom: Fact[Sentences] | None = None
    phone: Fact[PhoneNumber] | None = None
    phone_note: Fact[Sentences] | None = None
    phone_from_abroad: Fact[PhoneNumber] | None = None
    text_only: Fact[bool] | None = None
    """Whether the numbers take text messages and no calls."""

    effect: Fact[Sentences] | None = None
    """What a call sets off."""

    hours: Fact[Sentences] | None = None
    languages: Fact[tuple[Language, ...]] | None = None
    languages_note: Fact[Sentences] | None = None
    free: Fact[bool] | None = None
    anonymous: Fact[bool] | None = None
    chat: Fact[Sentences] | None = None
    url: Fact[str] | None = None
    note: Fact[Sentences] | None = None


def usable(hotline: Hotline, mode: Mode, today: date) -> bool:
    """Whether a person can be told the hotline's name and one way to reach it."""
    ways = (hotline.phone, hotline.phone_from_abroad, hotline.url)
    return shown(hotline.name, mode, today) is not None and any(
        shown(way, mode, today) is not None for way in ways
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReflectionPeriod:
    """The time to recover and to think that the law of a country gives."""

    at_least: Fact[Length] | None = None
    at_most: Fact[Length] | None = None
    length_in_words: Fact[Sentences] | None = None
    """Said instead of a number, where the law has none."""

    for_whom: Fact[Sentences] | None = None
    who_grants: Fact[Sentences] | None = None
    tied_to_cooperation: Fact[bool] | None = None
    legal_basis: Fact[str] | None = None
    note: Fact[Sentences] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidencePermit:
    """The permit to stay that can follow."""

    how_long: Fact[Sentences] | None = None
    renewable: Fact[bool] | None = None
    tied_to_cooperation: Fact[bool] | None = None
    legal_basis: Fact[str] | None = None
    note: Fact[Sentences] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstPoint:
    """The first point of notification of the National Referral Mechanism."""

    body: Fact[Sentences] | None = None
    how: Fact[Sentences] | None = None
    call: Fact[tuple[str, ...]] | None = None
    """Ids of the hotlines through which it is reached."""

    minors_body: Fact[Sentences] | None = None
    note: Fact[Sentences] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NonPunishment:
    """What the law says about things that a person was made to do."""

    rule: Fact[Sentences] | None = None
    legal_basis: Fact[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryFacts:
    """Everything we know about a country; any part may be empty."""

    iso: Country
    emergency: EmergencyNumbers = EmergencyNumbers()
    crisis_line: tuple[Hotline, ...] = ()
    child_helpline: tuple[Hotline, ...] = ()
    hotlines: tuple[Hotline, ...] = ()
    labour_and_legal_advice: tuple[Hotline, ...] = ()
    reflection_period: ReflectionPeriod = ReflectionPeriod()
    residence_permit: ResidencePermit = ResidencePermit()
    first_point: FirstPoint = FirstPoint()
    non_punishment: NonPunishment = NonPunishment()
    coordinator: Fact[str] | None = None

    @property
    def name(self) -> Text:
        """The country's name, in the language of who reads it."""
        return Text(TextKey(f"country.{self.iso}.name"))


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralNumber:
    """An emergency number that holds in a group of countries."""

    id: str
    number: Fact[PhoneNumber]
    where: TextKey
    holds_in: frozenset[Country] = frozenset()
    """Those of our countries in which it holds, for when a country's own number is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """What can be said without a country, or when nothing of the country is checked."""

    emergency: tuple[GeneralNumber, ...] = ()
    reflection_period: Fact[Sentences] | None = None
    help: Fact[Sentences] | None = None
    children: Fact[Sentences] | None = None
    language_names: tuple[tuple[Language, str], ...] = ()

    def language_name(self, language: Language) -> str:
        """The name of `language` in that language; its code when we have no name."""
        return dict(self.language_names).get(language, language)

    def emergency_in(self, country: Country | None) -> Iterator[GeneralNumber]:
        """The numbers that hold in `country`; all of them when the country is not known."""
        for general in self.emergency:
            if country is None or country in general.holds_in:
                yield general
