"""What an operator fills in: choices from lists, one short text, and, last of all, who it is.

A field that nobody filled in is None or empty. `mistakes` says field by field what is missing or
not possible; the sentences for that stand in `flows/referral_form.yaml`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from bot.domain.indicators import IndicatorCode, IndicatorSet
from bot.domain.text import Country

MOST_REASONS = 500
MOST_SHORT = 120
"""Characters of a name, an address to write to, or a line on how to be careful."""

_COUNTRY = re.compile(r"[A-Z]{2}")
_DIALECT = re.compile(r"[a-z]{3}")
_PHONE = re.compile(r"\+?[0-9][0-9 ()/.-]{4,24}")
_EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s,;]+")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")


class ExploitationForm(Enum):
    """What somebody gains from (vocabulary, section 2)."""

    LABOUR = "labour"
    CHILD_LABOUR = "child_labour"
    SEXUAL = "sexual"
    SERVITUDE = "servitude"
    CRIME = "crime"
    BEGGING = "begging"
    MARRIAGE = "marriage"
    ORGAN = "organ"
    ADOPTION = "adoption"
    SURROGACY = "surrogacy"
    OTHER = "other"


class DecidedBy(Enum):
    """Who says that the signs are there: values of the standard."""

    POLICE = "Police"
    NGO = "NGO"
    COURT = "CourtOrProsecution"
    GOVERNMENT = "NonPoliceGovernmentalOrganization"
    OTHER = "Other"


class Minor(Enum):
    """Whether the person may be under 18."""

    YES = "yes"
    NO = "no"
    NOT_SURE = "not_sure"


class AgeBand(Enum):
    """Never more exact than needed."""

    TO_13 = "0-13"
    TO_17 = "14-17"
    TO_24 = "18-24"
    TO_34 = "25-34"
    FROM_35 = "35+"
    UNKNOWN = "unknown"


class Gender(Enum):
    """Values of the standard."""

    FEMININE = "Feminine"
    MASCULINE = "Masculine"
    TRANS_FEMININE = "TransgenderFeminine"
    TRANS_MASCULINE = "TransgenderMasculine"
    NON_CONFORMING = "NonConforming"
    UNKNOWN = "NonSpecifiedUnknown"


class Inside(Enum):
    """Whether it still goes on."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class LastContact(Enum):
    """How long ago there was contact with who gains from it."""

    WEEK = "week"
    MONTH = "month"
    THREE_MONTHS = "3m"
    SIX_MONTHS = "6m"
    YEAR = "year"
    OVER = "over"
    UNKNOWN = "unknown"


class Need(Enum):
    """What the person needs."""

    SHELTER = "shelter"
    MEDICAL = "medical"
    FOOD = "food"
    LEGAL = "legal"
    PSYCHOLOGICAL = "psychological"
    POLICE = "police"
    DOCUMENTS = "documents"
    MONEY = "money"
    CHILDREN = "children"
    RETURN = "return"


class Want(Enum):
    """What the person wants most, in a word of theirs from this list."""

    INFORMATION_ONLY = "information_only"
    SUPPORT = "support"
    REFERRAL = "referral"
    POLICE_YES = "police_yes"
    POLICE_NO = "police_no"
    RETURN = "return"
    STAY = "stay"


class Risk(Enum):
    """What the receiver has to be careful about."""

    THREAT = "threat"
    RETALIATION = "retaliation"
    SELF_HARM = "self_harm"
    MEDICAL = "medical"
    PREGNANCY = "pregnancy"
    CHILD_PRESENT = "child_present"
    DETENTION = "detention"
    DEPORTATION = "deportation"


class Relation(Enum):
    """How the person knew who recruited them. The word only, never who."""

    FAMILY = "family"
    ACQUAINTED = "acquainted"
    UNACQUAINTED = "unacquainted"


class Recruitment(Enum):
    """Values of the standard."""

    BUSINESS = "AtAPlaceOfBusiness"
    SCHOOL = "AtAnEducationalInstitution"
    WORK = "AtWork"
    SOCIAL_NETWORKS = "ThroughOnlineSocialNetworks"
    ONLINE_ADVERT = "ThroughAnOnlineAdvertisement"
    TELEVISION = "ThroughATelevisionAdvert"
    NEWSPAPER = "ThroughANewspaperAdvert"
    FAMILY = "ThroughFamilyOrFamilyEvents"
    FRIENDS = "ThroughFriendsOrSocialEvents"
    OTHER = "Other"


class Phase(Enum):
    """Values of the standard."""

    RECRUITMENT = "Recruitment"
    TRANSIT = "Transit"
    EXPLOITATION = "Exploitation"


class ContactBy(Enum):
    """How the person wants to be reached."""

    PHONE = "phone"
    EMAIL = "email"
    THIS_CHAT = "this_chat"


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeContact:
    """How the receiver may reach the person without harming them."""

    by: ContactBy
    address: str = field(default="", repr=False)
    when: str = field(default="", repr=False)
    never_say: str = field(default="", repr=False)
    code_word_set: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who the person is, as far as they want to say it."""

    first_name: str = field(default="", repr=False)
    second_name: str = field(default="", repr=False)
    alias: str = field(default="", repr=False)
    birth_date: date | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Movement:
    """A country in which something happened; never a place."""

    phase: Phase
    country: Country


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The operator's part of a package."""

    indicators: tuple[IndicatorCode, ...] = field(default=(), repr=False)
    methods: tuple[tuple[IndicatorCode, str], ...] = field(default=(), repr=False)
    """Which value of the standard holds, for the codes that could mean several."""

    exploitation_forms: tuple[ExploitationForm, ...] = field(default=(), repr=False)
    status_decided_by: DecidedBy | None = None
    presumed_minor: Minor | None = None
    guardian_needed: bool | None = None
    age_band: AgeBand | None = None
    gender: Gender | None = None
    dialect: str | None = None
    interpreter_needed: bool | None = None
    mediator_wanted: bool | None = None
    communication_aid: bool | None = None
    country_now: Country | None = field(default=None, repr=False)
    citizenship: tuple[Country, ...] = field(default=(), repr=False)
    still_in_situation: Inside | None = None
    last_contact_exploiter: LastContact | None = None
    needs: tuple[Need, ...] = field(default=(), repr=False)
    wants: Want | None = None
    risks: tuple[Risk, ...] = field(default=(), repr=False)
    relation_recruiter: Relation | None = None
    recruitment_channel: tuple[Recruitment, ...] = ()
    movement: tuple[Movement, ...] = field(default=(), repr=False)
    reasons: str = field(default="", repr=False)
    safe_contact: SafeContact | None = field(default=None, repr=False)
    identity: Identity | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a field: `problem` names a sentence."""

    field: str
    problem: str


def mistakes(
    form: Form, indicators: IndicatorSet, *, today: date, identity: bool
) -> tuple[Mistake, ...]:
    """Everything that keeps the form from being sent, in the order of the form.

    `identity`: whether the person agreed that their name and their contact are in it.
    """
    return (
        *_missing(form),
        *_codes(form, indicators),
        *_countries(form),
        *_texts(form),
        *(_contact(form) if identity else _kept_out(form)),
        *_identity(form, today),
    )


def _missing(form: Form) -> Iterator[Mistake]:
    needed = {
        "status_decided_by": form.status_decided_by,
        "presumed_minor": form.presumed_minor,
        "country_now": form.country_now,
        "still_in_situation": form.still_in_situation,
        "wants": form.wants,
    }
    yield from (Mistake(name, "missing") for name, value in needed.items() if value is None)
    may_be_child = form.presumed_minor in (Minor.YES, Minor.NOT_SURE)
    if may_be_child and form.guardian_needed is None:
        yield Mistake("guardian_needed", "missing")
    grown = {AgeBand.TO_24, AgeBand.TO_34, AgeBand.FROM_35}
    young = {AgeBand.TO_13, AgeBand.TO_17}
    if (form.presumed_minor is Minor.YES and form.age_band in grown) or (
        form.presumed_minor is Minor.NO and form.age_band in young
    ):
        yield Mistake("age_band", "contradicts")


def _codes(form: Form, indicators: IndicatorSet) -> Iterator[Mistake]:
    if any(code not in indicators.indicators for code in form.indicators):
        yield Mistake("indicators", "unknown")
        return
    for code in form.indicators:
        can = indicators.indicators[code].htcds
        chosen = [value for of, value in form.methods if of == code]
        if len(can) > 1 and (not chosen or not set(chosen) <= set(can)):
            yield Mistake("methods", "choose")


def _countries(form: Form) -> Iterator[Mistake]:
    named = {
        "country_now": (form.country_now,) if form.country_now else (),
        "citizenship": form.citizenship,
        "movement": tuple(one.country for one in form.movement),
    }
    for name, countries in named.items():
        if not all(_COUNTRY.fullmatch(country) for country in countries):
            yield Mistake(name, "country")
    if form.dialect and not _DIALECT.fullmatch(form.dialect):
        yield Mistake("dialect", "dialect")


def _texts(form: Form) -> Iterator[Mistake]:
    if not form.reasons.strip():
        yield Mistake("reasons", "missing")
    if len(form.reasons) > MOST_REASONS:
        yield Mistake("reasons", "too_long")
    short: dict[str, tuple[str, ...]] = {
        "safe_contact": (
            (form.safe_contact.address, form.safe_contact.when, form.safe_contact.never_say)
            if form.safe_contact
            else ()
        ),
        "identity": (
            (form.identity.first_name, form.identity.second_name, form.identity.alias)
            if form.identity
            else ()
        ),
    }
    for name, texts in short.items():
        if any(len(text) > MOST_SHORT for text in texts):
            yield Mistake(name, "too_long")
    for name, texts in {"reasons": (form.reasons,), **short}.items():
        if any(_CONTROL.search(text) for text in texts):
            yield Mistake(name, "signs")


def _contact(form: Form) -> Iterator[Mistake]:
    contact = form.safe_contact
    if contact is None:
        yield Mistake("safe_contact", "missing")
    elif contact.by is ContactBy.PHONE and not _PHONE.fullmatch(contact.address):
        yield Mistake("safe_contact", "phone")
    elif contact.by is ContactBy.EMAIL and not _EMAIL.fullmatch(contact.address):
        yield Mistake("safe_contact", "email")


def _kept_out(form: Form) -> Iterator[Mistake]:
    """Without the person's yes these fields must not even be filled in."""
    if form.safe_contact is not None:
        yield Mistake("safe_contact", "not_agreed")
    if form.identity is not None:
        yield Mistake("identity", "not_agreed")


def _identity(form: Form, today: date) -> Iterator[Mistake]:
    born = form.identity.birth_date if form.identity else None
    if born is not None and not date(1900, 1, 1) <= born <= today:
        yield Mistake("identity", "birth_date")
