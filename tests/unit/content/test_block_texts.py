"""The list of sentences around facts is what the blocks really say and fill in."""

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from datetime import date
from itertools import product
from typing import Any

from bot.content.blocks import block_lines
from bot.content.checks.block_texts import BLOCK_TEXTS
from bot.domain.facts import (
    Answers,
    Block,
    CountryFacts,
    EmergencyNumbers,
    Fact,
    Fallback,
    FirstPoint,
    GeneralNumber,
    Hotline,
    IsoDate,
    Length,
    Mark,
    Mode,
    PhoneNumber,
    ReflectionPeriod,
    ResidencePermit,
    Source,
    Status,
    Unit,
    Verified,
)
from bot.domain.text import Country, Language, Line, Text, TextKey

TODAY = date(2026, 11, 22)
VERIFIED = Verified(by="a lawyer", on=date(2026, 11, 1), until=date(2026, 12, 1))
SOURCES = (
    Source(publisher="P"),
    Source(publisher="P", url="https://example.org/"),
    Source(publisher="P", url="https://example.org/", dated=IsoDate("2020")),
    Source(publisher="P", url="https://example.org/", dated=IsoDate("2020"), about=True),
)
MARKS = (
    *(Mark(status=Status.DRAFT, source=source, read_on=IsoDate("2026-11")) for source in SOURCES),
    Mark(
        status=Status.VERIFIED,
        source=SOURCES[0],
        read_on=IsoDate("2026-11"),
        verified=VERIFIED,
    ),
)
NUMBER = PhoneNumber(written="1 12", dial="112")
SAID = (TextKey("country.MD.some.words"),)


def facts(mark: Mark, **values: Any) -> dict[str, Fact[Any]]:
    return {name: Fact(value, mark) for name, value in values.items() if value is not None}


def hotlines(mark: Mark) -> Iterator[Hotline]:
    """Lines about which everything, nothing, and each thing alone is known."""
    full = Hotline(
        id="line",
        **facts(
            mark,
            name="A line",
            organisation="O",
            answers=Answers.NGO,
            phone=NUMBER,
            phone_from_abroad=NUMBER,
            effect=SAID,
            hours=SAID,
            languages=(Language("ro"),),
            free=True,
            anonymous=True,
            url="https://example.org/",
        ),
    )
    yield full
    for name in {part.name for part in fields(Hotline)} - {"id", "name"}:
        unknown: dict[str, Any] = {name: None}
        yield replace(full, **unknown)
    for change in (
        {"answers": Answers.STATE},
        {"answers": Answers.POLICE},
        {"free": False},
        {"anonymous": False},
        {"text_only": True},
    ):
        known: dict[str, Any] = facts(mark, **change)
        yield replace(full, **known)


def periods(mark: Mark) -> Iterator[ReflectionPeriod]:
    yield ReflectionPeriod()
    for tied in (None, True, False):
        yield ReflectionPeriod(
            **facts(mark, for_whom=SAID, tied_to_cooperation=tied, legal_basis="L")
        )
    for unit in Unit:
        least, most = Length(number=30, unit=unit), Length(number=90, unit=unit)
        for lengths in (
            {"at_least": least},
            {"at_most": most},
            {"at_least": least, "at_most": most},
            {"at_least": most, "at_most": most},
        ):
            yield ReflectionPeriod(**facts(mark, **lengths))


def permits(mark: Mark) -> Iterator[ResidencePermit]:
    yield ResidencePermit()
    yield ResidencePermit(**facts(mark, how_long=SAID))
    for renewable in (True, False):
        yield ResidencePermit(**facts(mark, renewable=renewable))


def first_points(mark: Mark) -> Iterator[FirstPoint]:
    yield FirstPoint()
    yield FirstPoint(**facts(mark, body=SAID, minors_body=SAID))
    yield FirstPoint(**facts(mark, how=SAID))


def emergencies(mark: Mark) -> Iterator[EmergencyNumbers]:
    other = PhoneNumber(written="113", dial="113")
    yield EmergencyNumbers()
    yield EmergencyNumbers(**facts(mark, general=NUMBER, police=NUMBER))
    yield EmergencyNumbers(
        **facts(mark, general=NUMBER, police=other, ambulance=other, fire=other)
    )


def countries() -> Iterator[CountryFacts]:
    base = CountryFacts(iso=Country("MD"))
    for mark in MARKS:
        for emergency in emergencies(mark):
            yield replace(base, emergency=emergency)
        for hotline in hotlines(mark):
            lines = (hotline,)
            yield replace(
                base,
                crisis_line=lines,
                child_helpline=lines,
                hotlines=lines,
                labour_and_legal_advice=lines,
            )
        for period in periods(mark):
            yield replace(base, reflection_period=period)
        for permit in permits(mark):
            yield replace(base, residence_permit=permit)
        for first in first_points(mark):
            yield replace(base, first_point=first)


def fallbacks() -> Iterator[Fallback]:
    yield Fallback()
    for mark in MARKS:
        number = GeneralNumber(
            id="eu", number=Fact(NUMBER, mark), where=TextKey("fallback.eu.where")
        )
        yield Fallback(emergency=(number,), help=Fact(SAID, mark))


def everything_said() -> Iterator[Text]:
    """Every sentence of every block about every kind of facts."""
    known = ((country, Fallback()) for country in countries())
    unknown = ((None, fallback) for fallback in fallbacks())
    for (country, fallback), block, mode in product((*known, *unknown), Block, Mode):
        lines = block_lines(block, country, fallback, mode, TODAY, Language("en"))
        yield from _texts(lines)


def _texts(lines: Iterable[Line]) -> Iterator[Text]:
    for line in lines:
        sentence = line if isinstance(line, Text) else line.label
        if sentence is not None:
            yield sentence


def test_list_is_what_the_blocks_say_and_fill_in() -> None:
    filled: dict[str, set[frozenset[str]]] = {}
    for sentence in everything_said():
        name, _, item = sentence.key.partition(".")
        if name == "facts":
            filled.setdefault(item, set()).add(frozenset(key for key, _ in sentence.values))
    assert filled == {item: {names} for item, names in BLOCK_TEXTS.items()}
