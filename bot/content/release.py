"""A release: everything that is shown and everything that decides where a conversation goes.

A release is made from the texts of its files alone, so that the same files give the same release
in every process, wherever they came from.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from types import MappingProxyType

from bot.content.countries import CountryFile, FallbackFile, read_country, read_fallback
from bot.content.exits import ExitRules, load_exits
from bot.content.flow_file import ReadFlow, flow_for_engine, read_flow, targets
from bot.content.indicators import IndicatorProblems, load_indicators
from bot.content.problems import Problem
from bot.content.texts import (
    Catalogue,
    SourceText,
    fill,
    isolated,
    read_language,
    read_texts,
    translations,
)
from bot.content.yaml_file import Files
from bot.domain.indicators import IndicatorSet
from bot.domain.text import (
    Country,
    Direction,
    Language,
    LanguageInfo,
    Text,
    TextKey,
    Words,
)
from bot.engine.graph import END, Graph, Level

SOURCE_LANGUAGE = Language("en")
FOLDERS = ("flows", "locales", "nlu/exits")
KINDS = (".yaml", ".po")


CODE_WORDS = "code_words."
"""With this begin the keys of the words that can be agreed on with a return code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Content that can be used. `number` is 0 until it is published."""

    number: int
    fingerprint: str
    graph: Graph
    flows: tuple[ReadFlow, ...]
    sources: Mapping[TextKey, SourceText]
    languages: Mapping[Language, LanguageInfo]
    catalogues: Mapping[Language, Mapping[TextKey, str]]
    countries: Mapping[Country, CountryFile]
    fallback: FallbackFile
    exits: ExitRules

    def words(self, sentence: Text, language: Language) -> Words:
        """The words of `sentence`; in English where there is no translation.

        A language's name is always in that language.
        """
        if sentence.key.startswith("language.") and sentence.key not in self.sources:
            named = Language(sentence.key.removeprefix("language."))
            info = self.languages.get(named)
            return Words(info.name if info else named, named)
        translated = self.catalogues.get(language, {}).get(sentence.key)
        source = self.sources.get(sentence.key)
        words = translated or (source.words if source else "")
        shown_in = language if translated else SOURCE_LANGUAGE
        return Words(self.filled(words, dict(sentence.values), language, shown_in), shown_in)

    def code_words(self, language: Language) -> tuple[str, ...]:
        """The words that can be agreed on with somebody who reads `language`."""
        texts = self.catalogues.get(language, {})
        return tuple(words for key, words in texts.items() if key.startswith(CODE_WORDS))

    def filled(
        self,
        words: str,
        values: Mapping[str, str | int | Text],
        language: Language,
        shown_in: Language,
    ) -> str:
        """`words`, which are in `shown_in`, with their placeholders filled for `language`."""
        if "{" not in words:
            return words
        info = self.languages.get(shown_in)
        mixed = info is not None and info.direction is Direction.RTL
        plain = {
            name: self.words(value, language).words if isinstance(value, Text) else str(value)
            for name, value in values.items()
        }
        return fill(words, {n: isolated(v) for n, v in plain.items()} if mixed else plain)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of loading: a release, or the problems that stand in its way."""

    release: Release | None
    problems: tuple[Problem, ...]


def read_files(root: Path) -> dict[str, str]:
    """The texts of all content files below `root`, by path.

    Bytes that are not UTF-8 become U+FFFD, which no check lets through.
    """
    found = (
        path
        for folder in FOLDERS
        for path in sorted((root / folder).rglob("*"))
        if path.suffix in KINDS and path.is_file()
    )
    return {
        path.relative_to(root).as_posix(): path.read_bytes().decode(errors="replace")
        for path in found
    }


def fingerprint(files: Files) -> str:
    """A name for exactly these texts."""
    return hashlib.sha256(json.dumps(dict(files), sort_keys=True).encode()).hexdigest()


def load(files: Files, number: int = 0) -> Loaded:
    """The release made of `files`, with every problem that keeps it from being one."""
    return _load(tuple(sorted(files.items())), number)


@lru_cache(maxsize=4)
def _load(files: tuple[tuple[str, str], ...], number: int) -> Loaded:
    """Remembered, because it takes most of a second and the same files are the same release."""
    loading = _Loading(dict(files))
    loading.read()
    release = loading.release(number) if not loading.problems else None
    return Loaded(release, tuple(sorted(loading.problems)))


class _Loading:
    """The files sorted by what they are, while problems are collected."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.problems: list[Problem] = []
        self.flows: list[ReadFlow] = []
        self.texts: list[SourceText] = []
        self.countries: dict[Country, CountryFile] = {}
        self.languages: dict[Language, LanguageInfo] = {}
        self.catalogues: dict[str, Catalogue] = {}
        self.indicators: IndicatorSet | None = None
        self.fallback: FallbackFile | None = None
        self.exits: ExitRules | None = None

    def read(self) -> None:
        exits: dict[str, str] = {}
        for file, text in sorted(self.files.items()):
            if "\ufffd" in text:
                line = text[: text.index("\ufffd")].count("\n") + 1
                self._report(
                    file,
                    line,
                    "file:not-utf-8",
                    "These are not UTF-8 characters.",
                    "Save the file as UTF-8.",
                )
                continue
            match PurePosixPath(file).parts:
                case ("flows", "indicators.yaml"):
                    self._read_indicators(file, text)
                case ("flows", "fallback.yaml"):
                    self._read_fallback(file, text)
                case ("flows", "receivers", _):
                    pass  # not shown to anybody: `handoff.referral.receivers` reads it
                case ("flows", "countries", _):
                    self._read_country(file, text)
                case ("flows", _):
                    self._read_flow_or_texts(file, text)
                case ("locales", language, "language.yaml"):
                    self._read_language(file, text, language)
                case ("locales", language, _) if file.endswith(".po"):
                    self.catalogues.setdefault(language, Catalogue()).add(text, file)
                case ("nlu", "exits", _):
                    exits[file] = text
                case _:
                    self._report(
                        file,
                        1,
                        "file:unknown",
                        "Nobody reads a file of this name here.",
                        "Look at flows/README.md for what goes where.",
                    )
        self._read_exits(exits)
        self._finish()

    def _read_exits(self, exits: Mapping[str, str]) -> None:
        self.exits, problems = load_exits(exits)
        self.problems.extend(problems)

    def _finish(self) -> None:
        for catalogue in self.catalogues.values():
            self.problems.extend(catalogue.problems)
        for what, found in (
            ("flows/indicators.yaml", self.indicators),
            ("flows/fallback.yaml", self.fallback),
            ("locales/en/language.yaml", self.languages.get(SOURCE_LANGUAGE)),
        ):
            if found is None and what not in self.files:
                self._report(
                    what,
                    1,
                    "file:missing",
                    f"The file {what} is missing.",
                    "Put it back, for example from the last release.",
                )
        self._check_names()

    def _check_names(self) -> None:
        """Names must lead somewhere before there can be a graph at all."""
        flows = {read.written.flow for read in self.flows}
        for read in self.flows:
            nodes = read.written.nodes
            for name, node in nodes.items():
                for target, path in targets(node):
                    inside = path[0] != "visit" and path[-1] != "open"
                    if target in flows or (inside and (target == END or target in nodes)):
                        continue
                    read.source.report(
                        ("nodes", name, *path),
                        "node:unknown",
                        f"`{target}` is neither a node of this flow nor a flow.",
                        "Write the name as it stands before the colon of the node or flow.",
                    )
            if read.written.then is not None and read.written.then not in nodes:
                read.source.report(
                    ("then",),
                    "node:unknown",
                    f"`{read.written.then}` is not a node of this flow.",
                    "Name a node of this flow.",
                )
            self.problems.extend(read.source.problems)

    def release(self, number: int) -> Release:
        if self.indicators is None or self.fallback is None or self.exits is None:
            raise AssertionError("a release without problems has all its parts")
        starts = {read.written.flow: next(iter(read.written.nodes)) for read in self.flows}
        sources = {source.key: source for source in self._sources()}
        graph = Graph(
            flows=MappingProxyType(
                {read.written.flow: flow_for_engine(read, starts) for read in self.flows}
            ),
            indicators=self.indicators,
            languages=MappingProxyType(
                {k: Level.FULL if v.full else Level.FIRST_HELP for k, v in self.languages.items()}
            ),
            countries=tuple(self.countries),
        )
        return Release(
            number=number,
            fingerprint=fingerprint(self.files),
            graph=graph,
            flows=tuple(self.flows),
            sources=MappingProxyType(sources),
            languages=MappingProxyType(self.languages),
            catalogues=MappingProxyType(
                {
                    language: MappingProxyType(
                        dict(translations(sources, self.catalogues.get(language, Catalogue())))
                    )
                    for language in self.languages
                    if language != SOURCE_LANGUAGE
                }
                | {SOURCE_LANGUAGE: {key: source.words for key, source in sources.items()}}
            ),
            countries=MappingProxyType(self.countries),
            fallback=self.fallback,
            exits=self.exits,
        )

    def _sources(self) -> Iterator[SourceText]:
        yield from self.texts
        for country in self.countries.values():
            yield from country.texts()
        if self.fallback is not None:
            yield from self.fallback.texts()
        for read in self.flows:
            yield from read.texts()

    def _read_indicators(self, file: str, text: str) -> None:
        try:
            self.indicators = load_indicators(text, file)
        except IndicatorProblems as error:
            self.problems.extend(error.problems)

    def _read_fallback(self, file: str, text: str) -> None:
        self.fallback, problems = read_fallback(text, file)
        self.problems.extend(problems)

    def _read_country(self, file: str, text: str) -> None:
        country, problems = read_country(text, file)
        self.problems.extend(problems)
        if country is not None:
            self.countries[country.facts.iso] = country

    def _read_flow_or_texts(self, file: str, text: str) -> None:
        stem = PurePosixPath(file).stem
        if looks_like_texts(text):
            name, texts, parsed = read_texts(text, file)
            self.texts.extend(texts)
        else:
            read, parsed = read_flow(text, file)
            name = read.written.flow if read else ""
            if read:
                self.flows.append(read)
        if name and name != stem:
            parsed.report(
                (),
                "file:name",
                f"The file is called {stem}, its content {name}.",
                "Give both the same name.",
            )
        if not (name and not looks_like_texts(text)):
            self.problems.extend(parsed.problems)

    def _read_language(self, file: str, text: str, folder: str) -> None:
        info, parsed = read_language(text, file)
        if info and info.language != folder:
            parsed.report(
                ("language",),
                "file:name",
                f"The folder is called {folder}, the language {info.language}.",
                "Give both the same name.",
            )
        self.problems.extend(parsed.problems)
        if info:
            self.languages[info.language] = info

    def _report(self, file: str, line: int, code: str, sentence: str, remedy: str) -> None:
        self.problems.append(Problem(file, line, code, sentence, remedy))


def looks_like_texts(text: str) -> bool:
    """Whether a file in flows/ means to be sentences rather than a flow."""
    return any(line.startswith("texts:") for line in text.splitlines())
