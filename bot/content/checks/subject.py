"""What is checked: a release, with the place in the files where everything stands."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import PurePosixPath

from bot.content.checks.po import Entry, entries_in
from bot.content.flow_file import NodeFile, ReadFlow
from bot.content.problems import Problem
from bot.content.release import SOURCE_LANGUAGE, Release
from bot.content.texts import SourceText
from bot.content.yaml_file import Files, Path
from bot.domain.conversation import Place
from bot.domain.text import Language

MOST_QUOTED = 60
"""Characters of a text that are repeated in a problem."""


@dataclass(frozen=True, slots=True)
class Written:
    """A node as its author wrote it."""

    read: ReadFlow
    name: str
    node: NodeFile

    @property
    def place(self) -> Place:
        """Where the engine finds it."""
        return Place(self.read.written.flow, self.name)

    def problem(self, path: Path, code: str, sentence: str, remedy: str) -> Problem:
        """A problem with what stands at `path` in the node."""
        line = self.read.line(self.name, *path)
        return Problem(self.read.source.file, line, code, sentence, remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """Words that a person reads, and where they are written."""

    source: SourceText
    language: Language
    words: str
    file: str
    line: int

    @property
    def is_label(self) -> bool:
        """Whether it is the label of a choice."""
        return self.source.key.split(".")[2:3] == ["choice"]

    def problem(self, code: str, sentence: str, remedy: str) -> Problem:
        """A problem with these words."""
        return Problem(self.file, self.line, code, sentence, remedy)


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A release, its files, and what decides how strictly it is looked at."""

    release: Release
    files: Files
    today: date
    production: bool = False

    def nodes(self) -> Iterator[Written]:
        """Every node of every flow."""
        for read in self.release.flows:
            for name, node in read.written.nodes.items():
                yield Written(read, name, node)

    def written(self, place: Place) -> Written:
        """The node at `place`."""
        read = self.reads[place.flow]
        return Written(read, place.node, read.written.nodes[place.node])

    @cached_property
    def reads(self) -> Mapping[str, ReadFlow]:
        """The flow files by the names of their flows."""
        return {read.written.flow: read for read in self.release.flows}

    @cached_property
    def entries(self) -> Mapping[Language, tuple[Entry, ...]]:
        """What stands in the translation files, by the folder's name."""
        found: dict[Language, list[Entry]] = {}
        for file, text in self.files.items():
            match PurePosixPath(file).parts:
                case ("locales", language, _) if file.endswith(".po"):
                    found.setdefault(Language(language), []).extend(entries_in(text, file))
                case _:
                    continue
        return {language: tuple(entries) for language, entries in found.items()}

    @cached_property
    def sentences(self) -> tuple[Sentence, ...]:
        """Every sentence in English and in each translation that would be shown."""
        return tuple(self._sentences())

    def translated(self, language: Language) -> Mapping[tuple[str, str], Entry]:
        """The good entries of a language by context and source text."""
        entries = self.entries.get(language, ())
        return {entry.place: entry for entry in entries if entry.words and not entry.fuzzy}

    def _sentences(self) -> Iterator[Sentence]:
        sources = self.release.sources.values()
        for source in sources:
            yield Sentence(
                source=source,
                language=SOURCE_LANGUAGE,
                words=source.words,
                file=source.file,
                line=source.line,
            )
        for language in translations_of(self.release):
            good = self.translated(language)
            for source in sources:
                entry = good.get((source.context, source.words))
                if entry is not None:
                    yield Sentence(
                        source=source,
                        language=language,
                        words=entry.words,
                        file=entry.file,
                        line=entry.line,
                    )


Check = Callable[[Subject], Iterable[Problem]]
"""Looks for one kind of mistake; yields all that it finds."""


def translations_of(release: Release) -> Iterator[Language]:
    """The languages into which the source is translated."""
    return (language for language in release.languages if language != SOURCE_LANGUAGE)


def quoted(words: str) -> str:
    """The beginning of `words` in quotation marks, for a problem."""
    shown = words if len(words) <= MOST_QUOTED else f"{words[: MOST_QUOTED - 1].rstrip()}…"
    return f"“{shown}”"
