"""Reads the table of indicators, and refuses one that would make the rule unfair.

The rule promises that one more sign never lowers an outcome and that a child is never weighed
below an adult; what would break these promises in the table is a mistake of the table.
"""

from collections.abc import Container, Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, ValidationError

from bot.content.problems import Problem
from bot.content.yaml_file import Path, YamlFile, parse_yaml, validated
from bot.domain.indicators import (
    MEANS_DIMENSIONS,
    Dimension,
    Element,
    Indicator,
    IndicatorCode,
    IndicatorSet,
    Rating,
    Source,
    Weight,
)

Form = Literal["form"]
Code = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
Words = Annotated[str, Field(min_length=1, max_length=300)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]

Mistake = tuple[Path, str, str, str]
"""Where, the problem's code, what is wrong, and what to do about it."""


class IndicatorProblems(Exception):  # noqa: N818 - it carries problems, it is not one error
    """The table cannot be used; `problems` lists every mistake in the order of the file."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(f"{len(problems)} problems in the table of indicators")
        self.problems = problems


class _Content(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Weights(_Content):
    adult: Weight | None = None
    child: Weight


class _Entry(_Content):
    meaning: Words
    elements: Annotated[tuple[Element, ...], Field(min_length=1)]
    weights: dict[Dimension | Form, _Weights] = {}
    direct_purpose: StrictBool = False
    built_in_means: StrictBool = False
    threat: StrictBool = False
    proposed: StrictBool = False
    ilo: tuple[Annotated[StrictInt, Field(ge=1, le=11)], ...] = ()
    htcds: tuple[Name, ...] = ()
    htcds_x: Annotated[str, Field(pattern=r"^x_[a-z_]+$")] | None = None
    ctdc: tuple[Name, ...] = ()
    source: Words


class _Source(_Content):
    title: Words
    date: Words
    seen: Words


class _Table(_Content):
    schema_: Annotated[Literal[1], Field(alias="schema")]
    rule_version: Annotated[str, Field(pattern=r"^[0-9]{4}\.[0-9]+$")]
    child_purpose_topics: frozenset[Name]
    sources: dict[str, _Source]
    indicators: Annotated[dict[Code, _Entry], Field(min_length=1)]


def load_indicators(text: str, path: str) -> IndicatorSet:
    """The table in `text`; `path` is named in problems.

    Raises:
        IndicatorProblems: with all mistakes at once.
    """
    parsed = parse_yaml(text, path)
    return indicators_in(parsed) or _refuse(parsed)


def indicators_in(parsed: YamlFile) -> IndicatorSet | None:
    """The table in a parsed file, or None when `parsed.problems` says why not."""
    if parsed.data is None and parsed.problems:
        return None  # It could not be read at all: "fields are missing" would only mislead.
    table = validated(parsed, _Table)
    for code, entry in _readable(parsed):
        for where, kind, sentence, remedy in _mistakes(entry, _keys(parsed, "sources")):
            parsed.report(("indicators", code, *where), f"indicators:{kind}", sentence, remedy)
    return None if table is None or parsed.problems else _indicator_set(table)


def _refuse(parsed: YamlFile) -> NoReturn:
    raise IndicatorProblems(tuple(sorted(parsed.problems)))


def _readable(parsed: YamlFile) -> Iterator[tuple[str, _Entry]]:
    """The entries that have the right form, even where others do not."""
    for code, data in _keys(parsed, "indicators").items():
        try:
            yield code, _Entry.model_validate(data)
        except ValidationError:
            continue  # Its problems are reported with the whole table.


def _keys(parsed: YamlFile, key: str) -> Mapping[str, object]:
    data = parsed.data.get(key) if isinstance(parsed.data, dict) else None
    return data if isinstance(data, dict) else {}


def _mistakes(entry: _Entry, sources: Container[str]) -> Iterator[Mistake]:
    if entry.source not in sources:
        yield (
            ("source",),
            "no-source",
            f"There is no source `{entry.source}`.",
            "Name one from `sources`, or add it there.",
        )
    yield from _weight_mistakes(entry)
    yield from _element_mistakes(entry)
    yield from _form_mistakes(entry)


def _weight_mistakes(entry: _Entry) -> Iterator[Mistake]:
    for dimension, weights in entry.weights.items():
        if weights.adult is not None and weights.child < weights.adult:
            yield (
                ("weights", _name(dimension), "child"),
                "child-lower",
                "This weighs less for a child than for an adult.",
                "Give the child at least the adult's weight.",
            )


def _element_mistakes(entry: _Entry) -> Iterator[Mistake]:
    counts = {
        Element.MEANS: any(dimension in MEANS_DIMENSIONS for dimension in entry.weights),
        Element.PURPOSE: Dimension.D4 in entry.weights or entry.direct_purpose,
    }
    for element, counted in counts.items():
        if element in entry.elements and not counted:
            yield (
                ("elements",),
                "no-weight",
                f"It is a sign of {element.value}, but nothing lets it count as one.",
                "Add a weight in a dimension of that element, or remove the element.",
            )
        if counted and element not in entry.elements:
            yield (
                ("elements",),
                "no-element",
                f"It counts as a sign of {element.value}, but `elements` does not say so.",
                f"Add `{element.value}` to `elements`, or remove the weight.",
            )


def _form_mistakes(entry: _Entry) -> Iterator[Mistake]:
    if "form" in entry.weights and not entry.direct_purpose:
        yield (
            ("weights", "form"),
            "form",
            "Only what names the exploitation itself is a form of exploitation.",
            "Add `direct_purpose: true`, or use a dimension instead of `form`.",
        )
    if entry.built_in_means and not entry.direct_purpose:
        yield (
            ("built_in_means",),
            "built-in",
            "Only what names the exploitation itself can have built-in means.",
            "Add `direct_purpose: true`, or give it a weight in D5 instead.",
        )


def _indicator_set(table: _Table) -> IndicatorSet:
    return IndicatorSet(
        indicators=MappingProxyType(
            {
                IndicatorCode(code): _indicator(IndicatorCode(code), entry, table.sources)
                for code, entry in table.indicators.items()
            }
        ),
        rule_version=table.rule_version,
        child_purpose_topics=table.child_purpose_topics,
    )


def _indicator(code: IndicatorCode, entry: _Entry, sources: dict[str, _Source]) -> Indicator:
    source = sources[entry.source]
    return Indicator(
        code=code,
        meaning=entry.meaning,
        elements=frozenset(entry.elements),
        ratings=tuple(_rating(*item) for item in entry.weights.items()),
        source=Source(title=source.title, date=source.date, seen=source.seen),
        ilo=entry.ilo,
        direct_purpose=entry.direct_purpose,
        built_in_means=entry.built_in_means,
        threat=entry.threat,
        proposed=entry.proposed,
        htcds=entry.htcds,
        htcds_x=entry.htcds_x,
        ctdc=entry.ctdc,
    )


def _rating(dimension: Dimension | Form, weights: _Weights) -> Rating:
    return Rating(
        dimension=dimension if isinstance(dimension, Dimension) else None,
        adult=weights.adult,
        child=weights.child,
    )


def _name(dimension: Dimension | Form) -> str:
    return dimension.value if isinstance(dimension, Dimension) else dimension
