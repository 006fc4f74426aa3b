"""Reads `flows/countries/XX.yaml` and `flows/fallback.yaml`.

An entry carries `source`, `read` and `status` for all its values; a value may carry its own. So
reading goes in three steps: the marks are parted from the values, pydantic checks the shape of
the values, and both are put together as facts. Every step adds its problems to one list.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from pathlib import PurePath
from typing import TypeVar, cast

from pydantic import ValidationError

from bot.content.country_shape import (
    CountryFields,
    EmergencyFields,
    FallbackFields,
    FirstPointFields,
    GeneralNumberFields,
    HotlineFields,
    MarkFields,
    ReflectionFields,
    ResidenceFields,
    SentencesFields,
    SourceFields,
    Strict,
    length_of,
    said_plainly,
)
from bot.content.problems import Problem
from bot.content.texts import Class, SourceText
from bot.content.yaml_file import Path, YamlFile, parse_yaml
from bot.domain.facts import (
    Answers,
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
    NonPunishment,
    PhoneNumber,
    ReflectionPeriod,
    ResidencePermit,
    Sentences,
    Source,
    Status,
    Verified,
    shown,
    usable,
)
from bot.domain.text import Country, Language, TextKey

T = TypeVar("T")
M = TypeVar("M", bound=Strict)

MARKS = ("source", "read", "status", "verified")
ENTRIES = (
    "emergency",
    "reflection_period",
    "residence_permit",
    "first_point",
    "non_punishment",
    "coordinator",
    "help",
    "children",
)
LISTS = ("crisis_line", "child_helpline", "hotlines", "labour_and_legal_advice")
EMERGENCIES = ("emergency", "crisis_line")
"""Sections whose sentences are of the class `emergency`; all others are `legal`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountryFile:
    """A country's file: its facts, its sentences, and where everything stands."""

    facts: CountryFacts
    english: tuple[SourceText, ...]
    source: YamlFile

    def texts(self) -> Iterator[SourceText]:
        """Every sentence to translate. Unconfirmed ones are left out: nobody may see them."""
        yield from self.english


@dataclass(frozen=True, slots=True, kw_only=True)
class FallbackFile:
    """The file of what is said without a country."""

    facts: Fallback
    english: tuple[SourceText, ...]
    source: YamlFile

    def texts(self) -> Iterator[SourceText]:
        """Every sentence to translate. Unconfirmed ones are left out: nobody may see them."""
        yield from self.english


def load_country(text: str, path: str) -> tuple[CountryFacts | None, list[Problem]]:
    """The facts in a country's file, None when it has problems; all its problems at once."""
    file, problems = read_country(text, path)
    return (file.facts if file else None), problems


def read_country(text: str, path: str) -> tuple[CountryFile | None, list[Problem]]:
    """Like `load_country`, with the sentences to translate and the lines kept."""
    reading = _Reading(text, path, lists=LISTS)
    model = reading.values(CountryFields)
    if model:
        _check_name(model, reading)
        _check_hotlines(model, reading)
    if model is None or reading.problems:
        return None, sorted(set(reading.problems))
    build = _Build(f"country.{model.country}", reading.marks, reading.source)
    build.add_text(("name",), TextKey(f"country.{model.country}.name"), model.name)
    facts = _country_facts(model, build)
    return CountryFile(facts=facts, english=tuple(build.english), source=reading.source), []


def load_fallback(text: str, path: str) -> tuple[Fallback | None, list[Problem]]:
    """What is said without a country, None when the file has problems; all of them at once."""
    file, problems = read_fallback(text, path)
    return (file.facts if file else None), problems


def read_fallback(text: str, path: str) -> tuple[FallbackFile | None, list[Problem]]:
    """Like `load_fallback`, with the sentences to translate and the lines kept."""
    reading = _Reading(text, path, lists=("emergency",))
    model = reading.values(FallbackFields)
    if model is None or reading.problems:
        return None, sorted(set(reading.problems))
    build = _Build("fallback", reading.marks, reading.source)
    facts = _fallback(model, build)
    return FallbackFile(facts=facts, english=tuple(build.english), source=reading.source), []


def date_problems(file: CountryFile | FallbackFile, today: date) -> list[Problem]:
    """Every verified value that is past its date, or verified on a day that has not come."""
    found: set[Problem] = set()
    for path, mark in _marks_in(file.facts, ()):
        verified = mark.verified
        if verified is None or verified.on <= today <= verified.until:
            continue
        if verified.until < today:
            code, remedy = "country:past-date", "Check it again, then set `on` and `until` anew."
            sentence = f"This was verified until {verified.until}. It is not shown any more."
        else:
            code, remedy = "country:future-date", "Set `on` to the day on which it was checked."
            sentence = f"This says it was verified on {verified.on}, a day that has not come."
        line = _line_of_date(file.source, path)
        found.add(Problem(file.source.file, line, code, sentence, remedy))
    return sorted(found)


def _line_of_date(source: YamlFile, path: Path) -> int:
    """The line of the dates that hold for the value at `path`: its own or its entry's."""
    own, common = ((*at, "verified") for at in (path, path[:-1]))
    return source.line(own if own in source.lines else common)


def production_problems(country: CountryFile, today: date) -> list[Problem]:
    """What keeps this country out of production on that day."""
    problems: list[Problem] = []
    facts, source = country.facts, country.source
    if shown(facts.emergency.general, Mode.PRODUCTION, today) is None:
        problems.append(
            Problem(
                source.file,
                source.line(("emergency", "general")),
                "country:emergency-not-verified",
                "No emergency number of this country is verified today.",
                "Call the number, then mark `emergency` as verified: by, on, until.",
            )
        )
    if not any(usable(hotline, Mode.PRODUCTION, today) for hotline in facts.hotlines):
        problems.append(
            Problem(
                source.file,
                source.line(("hotlines",)),
                "country:no-verified-hotline",
                "No hotline of this country is verified today.",
                "Ask the hotline, call it, then mark its entry as verified: by, on, until.",
            )
        )
    return problems


# --- Reading a file ---------------------------------------------------------------------------


class _Reading:
    """A file that is being read: its marks, and every problem found so far."""

    def __init__(self, text: str, path: str, *, lists: tuple[str, ...]) -> None:
        self.source = parse_yaml(text, path)
        self.problems = self.source.problems
        self.marks: dict[Path, Mark] = {}
        self._lists = lists
        self._sources: dict[str, Source] = {}

    def values(self, model: type[M]) -> M | None:
        """The values in the shape of `model`; problems are reported."""
        if not isinstance(self.source.data, dict):
            if not self.problems:
                remedy = "Copy another country's file and change it."
                self.source.report((), "country:empty", "Nothing is in this file.", remedy)
            return None
        document = cast("dict[str, object]", self.source.data)
        self._read_sources(document.get("sources"))
        return self._validate(model, self._without_marks(document), ())

    def _validate(self, model: type[M], values: object, where: Path) -> M | None:
        try:
            return model.model_validate(values)
        except ValidationError as error:
            for detail in error.errors(include_input=False, include_url=False):
                self.source.report((*where, *detail["loc"]), *said_plainly(detail))
            return None

    def _read_sources(self, sources: object) -> None:
        if not isinstance(sources, dict):
            return
        for name, values in cast("dict[str, object]", sources).items():
            try:
                read = SourceFields.model_validate(values)
            except ValidationError:  # reported with the rest of the document
                continue
            self._sources[name] = _source(read)

    def _without_marks(self, document: dict[str, object]) -> dict[str, object]:
        """The document without marks, which are kept by the path of their value."""
        values = dict(document)
        for section, content in document.items():
            if not isinstance(content, dict):
                continue
            entry = cast("dict[str, object]", content)
            if section in self._lists:
                values[section] = {
                    name: self._entry((section, name), one) for name, one in entry.items()
                }
            elif section in ENTRIES:
                values[section] = self._entry((section,), entry)
        return values

    def _entry(self, where: Path, entry: object) -> object:
        if not isinstance(entry, dict):
            return entry
        content = cast("dict[str, object]", entry)
        common = {key: content[key] for key in MARKS if key in content}
        mark = self._mark(where, common)
        values: dict[str, object] = {}
        for name, value in content.items():
            if name in MARKS:
                continue
            path, own_mark = (*where, name), mark
            if isinstance(value, dict) and "value" in value:
                own = dict(cast("dict[str, object]", value))
                values[name] = own.pop("value")
                own_mark = self._own_mark(path, common if mark else self._stand_in(), own)
            else:
                values[name] = value
            if own_mark:
                self.marks[path] = own_mark
        return values

    def _stand_in(self) -> dict[str, object]:
        """For an entry whose marks are wrong: what is wrong with a value's own is still found."""
        return {"source": next(iter(self._sources), ""), "read": "2026", "status": "draft"}

    def _own_mark(
        self, where: Path, common: dict[str, object], own: dict[str, object]
    ) -> Mark | None:
        if own.get("status", "verified") != "verified" and "verified" not in own:
            common = {key: value for key, value in common.items() if key != "verified"}
        return self._mark(where, common | own)

    def _mark(self, where: Path, values: dict[str, object]) -> Mark | None:
        read = self._validate(MarkFields, values, where)
        if read is None:
            return None
        source = self._sources.get(read.source)
        if source is None:
            self.source.report(
                (*where, "source"),
                "country:unknown-source",
                f"`sources` has nothing named {read.source}.",
                "Add it to `sources`, with publisher, address and date.",
            )
            return None
        return Mark(
            status=Status(read.status),
            source=source,
            read_on=IsoDate(read.read),
            verified=Verified(by=read.verified.by, on=read.verified.on, until=read.verified.until)
            if read.verified
            else None,
        )


def _check_name(model: CountryFields, reading: _Reading) -> None:
    name = PurePath(reading.source.file).name
    if name != f"{model.country}.yaml":
        reading.source.report(
            ("country",),
            "country:file-name",
            f"The file is named {name}, the country in it is {model.country}.",
            "Give the file the name of the country: two capital letters, then .yaml.",
        )


def _check_hotlines(model: CountryFields, reading: _Reading) -> None:
    for name, hotline in model.hotlines.items():
        if hotline.organisation is None:
            reading.source.report(
                ("hotlines", name),
                "country:no-organisation",
                "It does not say who answers this hotline.",
                "Add `organisation`, and `answers`: ngo, state or police.",
            )
    for name in model.first_point.call or ():
        if name not in model.hotlines:
            reading.source.report(
                ("first_point", "call"),
                "country:unknown-hotline",
                f"`hotlines` has nothing named {name}.",
                "Use the name of an entry in `hotlines`.",
            )


# --- Putting values and marks together ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Build:
    """Makes facts from values, and collects the sentences to translate."""

    root: str
    marks: Mapping[Path, Mark]
    source: YamlFile
    english: list[SourceText] = field(default_factory=list[SourceText])

    def fact(self, where: Path, value: T | None) -> Fact[T] | None:
        return None if value is None else Fact(value, self.marks[where])

    def sentences(self, where: Path, english: tuple[str, ...] | None) -> Fact[Sentences] | None:
        if english is None:
            return None
        mark = self.marks[where]
        keys = tuple(self._key(where, place, len(english)) for place in range(1, len(english) + 1))
        if mark.status is not Status.UNCONFIRMED:
            for key, words in zip(keys, english, strict=True):
                self.add_text(where, key, words)
        return Fact(keys, mark)

    def add_text(self, where: Path, key: TextKey, words: str) -> None:
        kind = Class.EMERGENCY if where[0] in EMERGENCIES else Class.LEGAL
        line = self.source.line(where)
        self.english.append(
            SourceText(key=key, words=words, kind=kind, file=self.source.file, line=line)
        )

    def number(self, where: Path, written: str | None) -> Fact[PhoneNumber] | None:
        if written is None:
            return None
        return self.fact(where, PhoneNumber(written=written, dial=written.replace(" ", "")))

    def length(self, where: Path, written: str | None) -> Fact[Length] | None:
        return None if written is None else self.fact(where, length_of(written))

    def _key(self, where: Path, place: int, of: int) -> TextKey:
        parts = (self.root, *map(str, where), *((str(place),) if of > 1 else ()))
        return TextKey(".".join(parts))


def _source(read: SourceFields) -> Source:
    dated = read.date.removeprefix("about ") if read.date else None
    return Source(
        publisher=read.publisher,
        url=read.url,
        dated=IsoDate(dated) if dated else None,
        about=dated != read.date,
    )


def _country_facts(model: CountryFields, build: _Build) -> CountryFacts:
    coordinator = model.coordinator.name if model.coordinator else None
    return CountryFacts(
        iso=Country(model.country),
        emergency=_emergency(model.emergency, build),
        crisis_line=_hotlines("crisis_line", model.crisis_line, build),
        child_helpline=_hotlines("child_helpline", model.child_helpline, build),
        hotlines=_hotlines("hotlines", model.hotlines, build),
        labour_and_legal_advice=_hotlines(
            "labour_and_legal_advice", model.labour_and_legal_advice, build
        ),
        reflection_period=_reflection_period(model.reflection_period, build),
        residence_permit=_residence_permit(model.residence_permit, build),
        first_point=_first_point(model.first_point, build),
        non_punishment=NonPunishment(
            rule=build.sentences(("non_punishment", "rule"), model.non_punishment.rule),
            legal_basis=build.fact(
                ("non_punishment", "legal_basis"), model.non_punishment.legal_basis
            ),
        ),
        coordinator=build.fact(("coordinator", "name"), coordinator),
    )


def _emergency(model: EmergencyFields, build: _Build) -> EmergencyNumbers:
    return EmergencyNumbers(
        general=build.number(("emergency", "general"), model.general),
        police=build.number(("emergency", "police"), model.police),
        ambulance=build.number(("emergency", "ambulance"), model.ambulance),
        fire=build.number(("emergency", "fire"), model.fire),
        silent=build.sentences(("emergency", "silent"), model.silent),
    )


def _hotlines(
    section: str, models: Mapping[str, HotlineFields], build: _Build
) -> tuple[Hotline, ...]:
    return tuple(_hotline((section, name), name, model, build) for name, model in models.items())


def _hotline(at: Path, name: str, model: HotlineFields, build: _Build) -> Hotline:
    languages = tuple(map(Language, model.languages)) if model.languages else None
    answers = Answers(model.answers) if model.answers else None
    return Hotline(
        id=name,
        name=Fact(model.name, build.marks[(*at, "name")]),
        organisation=build.fact((*at, "organisation"), model.organisation),
        answers=build.fact((*at, "answers"), answers),
        for_whom=build.sentences((*at, "for_whom"), model.for_whom),
        phone=build.number((*at, "phone"), model.phone),
        phone_note=build.sentences((*at, "phone_note"), model.phone_note),
        phone_from_abroad=build.number((*at, "phone_from_abroad"), model.phone_from_abroad),
        text_only=build.fact((*at, "text_only"), model.text_only),
        effect=build.sentences((*at, "effect"), model.effect),
        hours=build.sentences((*at, "hours"), model.hours),
        languages=build.fact((*at, "languages"), languages),
        languages_note=build.sentences((*at, "languages_note"), model.languages_note),
        free=build.fact((*at, "free"), model.free),
        anonymous=build.fact((*at, "anonymous"), model.anonymous),
        chat=build.sentences((*at, "chat"), model.chat),
        url=build.fact((*at, "url"), model.url),
        note=build.sentences((*at, "note"), model.note),
    )


def _reflection_period(model: ReflectionFields, build: _Build) -> ReflectionPeriod:
    at = ("reflection_period",)
    return ReflectionPeriod(
        at_least=build.length((*at, "at_least"), model.at_least),
        at_most=build.length((*at, "at_most"), model.at_most),
        length_in_words=build.sentences((*at, "length_in_words"), model.length_in_words),
        for_whom=build.sentences((*at, "for_whom"), model.for_whom),
        who_grants=build.sentences((*at, "who_grants"), model.who_grants),
        tied_to_cooperation=build.fact((*at, "tied_to_cooperation"), model.tied_to_cooperation),
        legal_basis=build.fact((*at, "legal_basis"), model.legal_basis),
        note=build.sentences((*at, "note"), model.note),
    )


def _residence_permit(model: ResidenceFields, build: _Build) -> ResidencePermit:
    at = ("residence_permit",)
    return ResidencePermit(
        how_long=build.sentences((*at, "how_long"), model.how_long),
        renewable=build.fact((*at, "renewable"), model.renewable),
        tied_to_cooperation=build.fact((*at, "tied_to_cooperation"), model.tied_to_cooperation),
        legal_basis=build.fact((*at, "legal_basis"), model.legal_basis),
        note=build.sentences((*at, "note"), model.note),
    )


def _first_point(model: FirstPointFields, build: _Build) -> FirstPoint:
    at = ("first_point",)
    return FirstPoint(
        body=build.sentences((*at, "body"), model.body),
        how=build.sentences((*at, "how"), model.how),
        call=build.fact((*at, "call"), model.call),
        minors_body=build.sentences((*at, "minors_body"), model.minors_body),
        note=build.sentences((*at, "note"), model.note),
    )


def _fallback(model: FallbackFields, build: _Build) -> Fallback:
    def say(section: str, said: SentencesFields | None) -> Fact[Sentences] | None:
        return build.sentences((section, "say"), said.say if said else None)

    return Fallback(
        emergency=tuple(
            _general_number(("emergency", name), number, build)
            for name, number in model.emergency.items()
        ),
        reflection_period=say("reflection_period", model.reflection_period),
        help=say("help", model.help),
        children=say("children", model.children),
        language_names=tuple(
            (Language(code), name) for code, name in model.language_names.items()
        ),
    )


def _general_number(at: Path, model: GeneralNumberFields, build: _Build) -> GeneralNumber:
    mark = build.marks[(*at, "number")]
    number = PhoneNumber(written=model.number, dial=model.number.replace(" ", ""))
    where = TextKey(f"{build.root}.{'.'.join(map(str, at))}.where")
    if mark.status is not Status.UNCONFIRMED:
        build.add_text(at, where, model.where)
    return GeneralNumber(
        id=str(at[-1]),
        number=Fact(number, mark),
        where=where,
        holds_in=frozenset(map(Country, model.holds_in)),
    )


def _marks_in(value: object, path: Path) -> Iterator[tuple[Path, Mark]]:
    """Every fact in `value` by its path in the file."""
    if isinstance(value, Fact):
        yield path, cast("Fact[object]", value).mark
    elif isinstance(value, tuple):
        for item in cast("Iterable[object]", value):
            name = (item.id,) if isinstance(item, Hotline | GeneralNumber) else ()
            yield from _marks_in(item, (*path, *name))
    elif is_dataclass(value) and not isinstance(value, type):
        for part in fields(value):
            yield from _marks_in(getattr(value, part.name), (*path, part.name))
