"""The form as fields of a page: how it is shown, and how what was sent is read back.

What cannot be read becomes a mistake of its field; everything else of the form stays.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, Protocol

from bot.domain.indicators import IndicatorCode, IndicatorSet
from bot.domain.text import Country
from handoff.referral.form import (
    AgeBand,
    ContactBy,
    DecidedBy,
    ExploitationForm,
    Form,
    Gender,
    Identity,
    Inside,
    LastContact,
    Minor,
    Mistake,
    Movement,
    Need,
    Phase,
    Recruitment,
    Relation,
    Risk,
    SafeContact,
    Want,
)

ONE: Mapping[str, type[Enum]] = {
    "status_decided_by": DecidedBy,
    "presumed_minor": Minor,
    "age_band": AgeBand,
    "gender": Gender,
    "still_in_situation": Inside,
    "last_contact_exploiter": LastContact,
    "wants": Want,
    "relation_recruiter": Relation,
}
SOME: Mapping[str, type[Enum]] = {
    "exploitation_forms": ExploitationForm,
    "needs": Need,
    "risks": Risk,
    "recruitment_channel": Recruitment,
}
YES_OR_NO = ("guardian_needed", "interpreter_needed", "mediator_wanted", "communication_aid")
COUNTRIES = ("country_now", "citizenship")

ORDER = (
    *("indicators", "methods", "exploitation_forms", "status_decided_by"),
    *("presumed_minor", "guardian_needed", "age_band", "gender"),
    *("dialect", "interpreter_needed", "mediator_wanted", "communication_aid"),
    *("country_now", "citizenship", "movement", "still_in_situation"),
    *("last_contact_exploiter", "relation_recruiter", "recruitment_channel"),
    *("needs", "wants", "risks", "reasons"),
)
"""As an operator goes through it. Who it is comes last, and only with the person's yes."""

_YES = {"yes": True, "no": False}
_BETWEEN = re.compile(r"[\s,;]+")
_MOST_CODES = 20


class Sent(Protocol):
    """The fields of a form that somebody sent."""

    def one(self, name: str) -> str:
        """The first value of a field; empty when there is none."""
        ...

    def many(self, name: str) -> tuple[str, ...]:
        """All values of a field."""
        ...


@dataclass(frozen=True, slots=True)
class Read:
    """What could be read of a form, and what could not."""

    form: Form
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field as a page shows it: `kind` is one, some, text or lines."""

    name: str
    kind: str
    options: tuple[tuple[str, str], ...] = ()
    """Values, and the names of their words."""

    chosen: frozenset[str] = frozenset()
    text: str = ""


def fields_of(form: Form, indicators: IndicatorSet) -> tuple[Field, ...]:
    """The form without who it is, in the order of `ORDER`."""
    found = {field.name: field for field in _fields(form, indicators)}
    return tuple(found[name] for name in ORDER if name in found)


def _fields(form: Form, indicators: IndicatorSet) -> Iterator[Field]:
    yield Field(
        name="indicators",
        kind="codes",
        options=tuple((code, found.meaning) for code, found in indicators.indicators.items()),
        chosen=frozenset(form.indicators),
    )
    several = [one for one in indicators.indicators.values() if len(one.htcds) > 1]
    yield Field(
        name="methods",
        kind="codes",
        options=tuple(
            (f"{one.code}:{value}", f"{one.code}: {value}")
            for one in several
            for value in one.htcds
        ),
        chosen=frozenset(f"{code}:{value}" for code, value in form.methods),
    )
    for name, kind in ONE.items():
        member: Enum | None = getattr(form, name)
        yield Field(
            name=name,
            kind="one",
            options=_options(name, kind),
            chosen=frozenset({str(member.value)} if member else ()),
        )
    for name, kind in SOME.items():
        members: tuple[Enum, ...] = getattr(form, name)
        yield Field(
            name=name,
            kind="some",
            options=_options(name, kind),
            chosen=frozenset(str(member.value) for member in members),
        )
    for name in YES_OR_NO:
        given: bool | None = getattr(form, name)
        chosen = {True: "yes", False: "no"}.get(given) if given is not None else None
        yield Field(
            name=name,
            kind="one",
            options=(("yes", "value_yes"), ("no", "value_no")),
            chosen=frozenset({chosen} if chosen else ()),
        )
    yield Field(name="dialect", kind="text", text=form.dialect or "")
    yield Field(name="country_now", kind="text", text=form.country_now or "")
    yield Field(name="citizenship", kind="text", text=" ".join(form.citizenship))
    yield Field(
        name="movement",
        kind="lines",
        options=tuple(
            (
                f"movement_{phase.value}",
                " ".join(one.country for one in form.movement if one.phase is phase),
            )
            for phase in Phase
        ),
    )
    yield Field(name="reasons", kind="long", text=form.reasons)


def _options(name: str, kind: type[Enum]) -> tuple[tuple[str, str], ...]:
    return tuple((str(one.value), value_name(name, str(one.value))) for one in kind)


def value_name(name: str, value: str) -> str:
    """Under which name the words of a value stand."""
    return f"value_{name}_{value}".replace("-", "_").replace("+", "_plus")


def read_form(sent: Sent) -> Read:
    """The form in what was sent."""
    wrong: list[Mistake] = []
    found: dict[str, Any] = {}
    for name, kind in ONE.items():
        found[name] = _member(sent.one(name), kind, name, wrong) if sent.one(name) else None
    for name, kind in SOME.items():
        members = [_member(value, kind, name, wrong) for value in sent.many(name)]
        found[name] = tuple(dict.fromkeys(one for one in members if one is not None))
    for name in YES_OR_NO:
        value = sent.one(name)
        found[name] = _YES.get(value)
        if value and value not in _YES:
            wrong.append(Mistake(name, "not_readable"))
    return Read(
        Form(
            indicators=tuple(dict.fromkeys(map(IndicatorCode, sent.many("indicators")))),
            methods=tuple(dict.fromkeys(_methods(sent))),
            dialect=sent.one("dialect").strip() or None,
            country_now=next(iter(_countries(sent.one("country_now"))), None),
            citizenship=tuple(_countries(sent.one("citizenship"))),
            movement=tuple(
                Movement(phase, country)
                for phase in Phase
                for country in _countries(sent.one(f"movement_{phase.value}"))
            ),
            reasons=sent.one("reasons").replace("\r\n", "\n").strip(),
            safe_contact=_contact(sent, wrong),
            identity=_identity(sent, wrong),
            **found,
        ),
        tuple(wrong),
    )


def _member(value: str, kind: type[Enum], name: str, wrong: list[Mistake]) -> Enum | None:
    try:
        return kind(value)
    except ValueError:
        wrong.append(Mistake(name, "not_readable"))
        return None


def _methods(sent: Sent) -> Iterator[tuple[IndicatorCode, str]]:
    for value in sent.many("methods"):
        code, _, method = value.partition(":")
        if method:
            yield IndicatorCode(code), method


def _countries(written: str) -> list[Country]:
    parts = (part for part in _BETWEEN.split(written.strip()) if part)
    return [Country(part.upper()[:10]) for part in parts][:_MOST_CODES]


def _contact(sent: Sent, wrong: list[Mistake]) -> SafeContact | None:
    if not sent.one("contact_by"):
        return None
    by = _member(sent.one("contact_by"), ContactBy, "safe_contact", wrong)
    if not isinstance(by, ContactBy):
        return None
    return SafeContact(
        by=by,
        address=sent.one("contact_address").strip(),
        when=sent.one("contact_when").strip(),
        never_say=sent.one("contact_never_say").strip(),
        code_word_set=bool(sent.one("contact_code_word_set")),
    )


def _identity(sent: Sent, wrong: list[Mistake]) -> Identity | None:
    born = sent.one("birth_date").strip()
    day = None
    if born:
        try:
            day = date.fromisoformat(born)
        except ValueError:
            wrong.append(Mistake("identity", "birth_date"))
    found = Identity(
        first_name=sent.one("first_name").strip(),
        second_name=sent.one("second_name").strip(),
        alias=sent.one("alias").strip(),
        birth_date=day,
    )
    return None if found == Identity() else found
