"""The shape of what authors write about a country: one model for each kind of entry.

Marks (`source`, `read`, `status`, `verified`) are no part of the entries here: an entry's marks
hold for all its values, and are parted from them before (`bot.content.countries`).
"""

import re
from collections.abc import Callable
from datetime import date
from typing import Annotated, Literal, LiteralString, cast
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from bot.domain.facts import Length, Unit

LONGEST_VERIFICATION_MONTHS = 12


def _wrong(code: LiteralString, sentence: str, remedy: str) -> PydanticCustomError:
    return PydanticCustomError(code, "{sentence}", {"sentence": sentence, "remedy": remedy})


def _words(value: str) -> str:
    if not value.strip():
        raise _wrong("empty-text", "There is no text here.", "Write it, or take the line out.")
    if "{" in value or "}" in value:
        raise _wrong(
            "placeholder",
            "Curly brackets are for sentences in flows/facts.yaml.",
            "Write the sentence without { and }.",
        )
    return " ".join(value.split())


def _one_or_more(value: object) -> object:
    if isinstance(value, list):
        return tuple(cast("list[object]", value))
    return (value,) if isinstance(value, str) else value


def _year_as_text(value: object) -> object:
    """A lone year is a number to YAML; authors need no quotes for it."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _yes_or_no(value: object) -> object:
    return {"yes": True, "no": False}.get(value, value) if isinstance(value, str) else value


def _as_tuple(value: object) -> object:
    return tuple(cast("list[object]", value)) if isinstance(value, list) else value


def _matching(
    pattern: str, code: LiteralString, sentence: str, remedy: str
) -> Callable[[str], str]:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise _wrong(code, sentence, remedy)
        return value

    return check


def _is_url(value: str) -> str:
    try:
        parts = urlsplit(value)
        good = parts.scheme in {"http", "https"} and "." in (parts.hostname or "")
    except ValueError:
        good = False
    if not good or re.search(r"\s", value):
        raise _wrong(
            "bad-url",
            "This is not an address of a web page.",
            "Copy the whole address. It begins with https:// or http://.",
        )
    return value


def _iso_date(value: str) -> str:
    year, month, day = (*map(int, value.removeprefix("about ").split("-")), 1, 1)[:3]
    try:
        date(year, month, day)
    except ValueError:
        raise _wrong(
            "bad-date", "There is no such day.", "Write it as 2026, 2026-11 or 2026-11-14."
        ) from None
    return value


def _day(value: object) -> object:
    try:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9][0-9]-[0-9][0-9]", value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise _wrong("bad-date", "This is not a day.", "Write the day as 2026-11-14.")


def length_of(written: str) -> Length:
    """The length in words such as `90 days`."""
    number, _, unit = written.partition(" ")
    return Length(number=int(number), unit=Unit(unit))


_ISO_DATE = r"[12][0-9]{3}(-[0-9][0-9](-[0-9][0-9])?)?"
_DATE_WORDS = ("bad-date", "This is not a date.", "Write it as 2026, 2026-11 or 2026-11-14.")

_Words = Annotated[str, AfterValidator(_words)]
_Sentences = Annotated[tuple[_Words, ...], Field(min_length=1), BeforeValidator(_one_or_more)]
_Url = Annotated[str, AfterValidator(_is_url)]
_ReadOn = Annotated[
    str,
    BeforeValidator(_year_as_text),
    AfterValidator(_matching(_ISO_DATE, *_DATE_WORDS)),
    AfterValidator(_iso_date),
]
_Dated = Annotated[
    str,
    BeforeValidator(_year_as_text),
    AfterValidator(_matching(rf"(about )?{_ISO_DATE}", *_DATE_WORDS)),
    AfterValidator(_iso_date),
]
_Day = Annotated[date, BeforeValidator(_day)]
_Id = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[a-z][a-z0-9_]*",
            "bad-name",
            "Names of entries have small letters, digits and _ only.",
            "Choose a name such as la_strada.",
        )
    ),
]
_Iso = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[A-Z]{2}",
            "bad-country",
            "This is not a country code.",
            "Write two capital letters, such as MD.",
        )
    ),
]
_Number = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[0-9](?: ?[0-9]){1,14}",
            "bad-phone",
            "A number to dial inside the country has digits and single spaces only.",
            "Write words in `phone_note`, and a number with + in `phone_from_abroad`.",
        )
    ),
]
_Abroad = Annotated[
    str,
    AfterValidator(
        _matching(
            r"\+[1-9](?: ?[0-9]){6,14}",
            "bad-phone-from-abroad",
            "This number cannot be called from another country.",
            "Write it with + and the country code, such as +37322233309.",
        )
    ),
]
_LanguageCode = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*",
            "bad-language",
            "This is not a code of a language.",
            "Write a code such as ro. Words about languages go to `languages_note`.",
        )
    ),
]
_Languages = Annotated[tuple[_LanguageCode, ...], Field(min_length=1), BeforeValidator(_as_tuple)]
_Ids = Annotated[tuple[_Id, ...], Field(min_length=1), BeforeValidator(_one_or_more)]
_YesOrNo = Annotated[bool, BeforeValidator(_yes_or_no)]
_LengthText = Annotated[
    str,
    AfterValidator(
        _matching(
            r"[1-9][0-9]{0,2} (days|months)",
            "bad-length",
            "This is not a length of time.",
            "Write a number and days or months, such as 90 days.",
        )
    ),
]


class Strict(BaseModel):
    """Nothing unknown, nothing guessed, and no input in its errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class SourceFields(Strict):
    """Where something was read."""

    publisher: _Words
    url: _Url | None = None
    date: _Dated | None = None


class VerifiedFields(Strict):
    """Who verified something, and for how long."""

    by: _Words
    on: _Day
    until: _Day

    @model_validator(mode="after")
    def _is_short(self) -> "VerifiedFields":
        months = (self.until.year - self.on.year) * 12 + self.until.month - self.on.month
        too_long = (months, self.until.day) > (LONGEST_VERIFICATION_MONTHS, self.on.day)
        if self.until < self.on or too_long:
            raise _wrong(
                "bad-until",
                "`until` has to be a day in the twelve months after `on`.",
                "Choose an earlier day, and check again then.",
            )
        return self


class MarkFields(Strict):
    """What every value needs before it may be shown."""

    source: str
    read: _ReadOn
    status: Literal["unconfirmed", "draft", "verified"]
    verified: VerifiedFields | None = None

    @model_validator(mode="after")
    def _says_who_verified(self) -> "MarkFields":
        if self.status == "verified" and self.verified is None:
            raise _wrong(
                "not-verified",
                "The status is verified, but it does not say by whom and until when.",
                "Add `verified: {by: the role, on: the day, until: the day}`.",
            )
        if self.status != "verified" and self.verified is not None:
            raise _wrong(
                "status",
                f"Somebody verified this, but the status is {self.status}.",
                "Write `status: verified`, or take `verified` out.",
            )
        return self


class EmergencyFields(Strict):
    """Emergency numbers."""

    general: _Number | None = None
    police: _Number | None = None
    ambulance: _Number | None = None
    fire: _Number | None = None
    silent: _Sentences | None = None


class HotlineFields(Strict):
    """A hotline, crisis line, helpline or advice line."""

    name: _Words
    organisation: _Words | None = None
    answers: Literal["ngo", "state", "police"] | None = None
    for_whom: _Sentences | None = None
    phone: _Number | None = None
    phone_note: _Sentences | None = None
    phone_from_abroad: _Abroad | None = None
    text_only: _YesOrNo | None = None
    effect: _Sentences | None = None
    hours: _Sentences | None = None
    languages: _Languages | None = None
    languages_note: _Sentences | None = None
    free: _YesOrNo | None = None
    anonymous: _YesOrNo | None = None
    chat: _Sentences | None = None
    url: _Url | None = None
    note: _Sentences | None = None

    @model_validator(mode="after")
    def _can_be_reached(self) -> "HotlineFields":
        if not (self.phone or self.phone_from_abroad or self.url):
            raise _wrong(
                "no-contact",
                "Nobody can reach this line.",
                "Give a `phone`, a `phone_from_abroad` or a `url`.",
            )
        return self


class ReflectionFields(Strict):
    """The recovery and reflection period."""

    at_least: _LengthText | None = None
    at_most: _LengthText | None = None
    length_in_words: _Sentences | None = None
    for_whom: _Sentences | None = None
    who_grants: _Sentences | None = None
    tied_to_cooperation: _YesOrNo | None = None
    legal_basis: _Words | None = None
    note: _Sentences | None = None

    @model_validator(mode="after")
    def _is_in_order(self) -> "ReflectionFields":
        if self.at_least and self.at_most:
            least, most = length_of(self.at_least), length_of(self.at_most)
            if least.unit is not most.unit or least.number > most.number:
                raise _wrong(
                    "bad-length",
                    "`at_least` and `at_most` do not go together.",
                    "Use the same unit for both, and put the smaller number in `at_least`.",
                )
        return self


class ResidenceFields(Strict):
    """The permit to stay."""

    how_long: _Sentences | None = None
    renewable: _YesOrNo | None = None
    tied_to_cooperation: _YesOrNo | None = None
    legal_basis: _Words | None = None
    note: _Sentences | None = None


class FirstPointFields(Strict):
    """The first point of notification."""

    body: _Sentences | None = None
    how: _Sentences | None = None
    call: _Ids | None = None
    minors_body: _Sentences | None = None
    note: _Sentences | None = None


class NonPunishmentFields(Strict):
    """What the law says about things a person was made to do."""

    rule: _Sentences | None = None
    legal_basis: _Words | None = None


class CoordinatorFields(Strict):
    """The national coordinator or rapporteur."""

    name: _Words


class CountryFields(Strict):
    """A country's file."""

    schema_version: Literal[1] = Field(alias="schema")
    country: _Iso
    about: _Words | None = None
    name: _Words
    sources: dict[_Id, SourceFields]
    emergency: EmergencyFields = EmergencyFields()
    crisis_line: dict[_Id, HotlineFields] = {}
    child_helpline: dict[_Id, HotlineFields] = {}
    hotlines: dict[_Id, HotlineFields] = {}
    labour_and_legal_advice: dict[_Id, HotlineFields] = {}
    reflection_period: ReflectionFields = ReflectionFields()
    residence_permit: ResidenceFields = ResidenceFields()
    first_point: FirstPointFields = FirstPointFields()
    non_punishment: NonPunishmentFields = NonPunishmentFields()
    coordinator: CoordinatorFields | None = None


class GeneralNumberFields(Strict):
    """An emergency number of a group of countries."""

    number: _Number
    where: _Words
    holds_in: Annotated[tuple[_Iso, ...], BeforeValidator(_as_tuple)] = ()


class SentencesFields(Strict):
    """General sentences with their marks."""

    say: _Sentences


class FallbackFields(Strict):
    """The file of what is said without a country."""

    schema_version: Literal[1] = Field(alias="schema")
    fallback: Literal["general"]
    about: _Words | None = None
    sources: dict[_Id, SourceFields]
    emergency: dict[_Id, GeneralNumberFields] = {}
    reflection_period: SentencesFields | None = None
    help: SentencesFields | None = None
    children: SentencesFields | None = None
    language_names: dict[_LanguageCode, _Words] = {}


_MISSING_MARKS = {
    "source": (
        "country:no-source",
        "It does not say where this was read.",
        "Add `source` and a name that stands in `sources`.",
    ),
    "read": (
        "country:no-date",
        "It does not say when this was last looked at.",
        "Add `read` and the date, such as 2026-11-14.",
    ),
    "status": (
        "country:no-status",
        "It does not say if this is confirmed.",
        "Add `status`: unconfirmed, draft or verified.",
    ),
}
_PLAIN_WORDS = {
    "missing": ("country:missing", "`{name}` is missing.", "Add `{name}`."),
    "extra_forbidden": (
        "country:unknown-key",
        "`{name}` is not known here.",
        "Look for a typing mistake; flows/countries/README.md lists every name.",
    ),
    "string_type": (
        "country:not-text",
        "This has to be text.",
        'Write text. Put numbers in quotes: "112".',
    ),
    "bool_type": ("country:not-yes-or-no", "This has to be yes or no.", "Write yes or no."),
    "literal_error": (
        "country:not-a-choice",
        "This is none of the choices.",
        "Write {expected}.",
    ),
    "too_short": ("country:empty-text", "There is nothing here.", "Fill it, or take it out."),
}
_OTHERWISE = (
    "country:wrong-shape",
    "This does not have the right form.",
    "Compare it with flows/countries/README.md and with another country's file.",
)


def said_plainly(detail: ErrorDetails) -> tuple[str, str, str]:
    """Code, sentence and remedy for what pydantic found."""
    kind, name = detail["type"], str(detail["loc"][-1]) if detail["loc"] else ""
    context = detail.get("ctx", {})
    if "remedy" in context:
        return f"country:{kind}", str(context["sentence"]), str(context["remedy"])
    if kind == "missing" and name in _MISSING_MARKS:
        return _MISSING_MARKS[name]
    code, sentence, remedy = _PLAIN_WORDS.get(kind, _OTHERWISE)
    expected = str(context.get("expected", ""))
    return code, sentence.format(name=name), remedy.format(name=name, expected=expected)
