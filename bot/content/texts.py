"""Sentences: their English source in flows/, and their translations in locales/."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Annotated, Literal

import polib
from pydantic import BaseModel, ConfigDict, Field

from bot.content.problems import Problem
from bot.content.yaml_file import YamlFile, parse_yaml, validated
from bot.domain.text import Direction, Language, LanguageInfo, TextKey
from bot.engine.graph import Level

PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


class Class(Enum):
    """How carefully a sentence is released.

    Everything but `WORDING` is always read from the current release, and a language in which
    one of these is missing or stale is not offered.
    """

    WORDING = "wording"
    SAFETY = "safety"
    EMERGENCY = "emergency"
    CONSENT = "consent"
    LEGAL = "legal"


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceText:
    """A sentence in English, as its author wrote it."""

    key: TextKey
    words: str
    kind: Class
    file: str
    line: int

    @property
    def context(self) -> str:
        """The `msgctxt` of its translations."""
        return context_of(self.key)

    @property
    def placeholders(self) -> frozenset[str]:
        """The names in braces."""
        return frozenset(PLACEHOLDER.findall(self.words))


def context_of(key: TextKey) -> str:
    """The first two parts of a key: flow and node, or file and item, or country and code."""
    return ".".join(key.split(".")[:2])


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Item(_Strict):
    text: Annotated[str, Field(min_length=1, max_length=1000)]
    class_: Class = Field(default=Class.WORDING, alias="class")


class _TextsFile(_Strict):
    schema_: Literal[1] = Field(alias="schema")
    texts: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    about: str
    items: dict[
        Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")],
        Annotated[str, Field(min_length=1, max_length=1000)] | _Item,
    ]


def read_texts(text: str, file: str) -> tuple[str, list[SourceText], YamlFile]:
    """The name and the sentences of a file of the kind `texts:`."""
    parsed = parse_yaml(text, file)
    written = validated(parsed, _TextsFile) if not parsed.problems else None
    if written is None:
        return "", [], parsed
    found = [
        SourceText(
            key=TextKey(f"{written.texts}.{name}"),
            words=item if isinstance(item, str) else item.text,
            kind=Class.WORDING if isinstance(item, str) else item.class_,
            file=file,
            line=parsed.line(("items", name)),
        )
        for name, item in written.items.items()
    ]
    return written.texts, found, parsed


class _Review(_Strict):
    role: str
    on: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    what: str


class _LanguageFile(_Strict):
    schema_: Literal[1] = Field(alias="schema")
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z][a-z]{3})?$")]
    name: Annotated[str, Field(min_length=1, max_length=40)]
    direction: Direction
    level: Level
    status: Literal["draft", "verified"]
    reviews: tuple[_Review, ...] = ()


def read_language(text: str, file: str) -> tuple[LanguageInfo | None, YamlFile]:
    """What a `language.yaml` says."""
    parsed = parse_yaml(text, file)
    written = validated(parsed, _LanguageFile) if not parsed.problems else None
    if written is None:
        return None, parsed
    return (
        LanguageInfo(
            language=Language(written.language),
            name=written.name,
            direction=written.direction,
            full=written.level is Level.FULL,
            verified=written.status == "verified",
        ),
        parsed,
    )


@dataclass(frozen=True, slots=True)
class Translation:
    """One translated sentence and where it stands."""

    words: str
    file: str
    line: int


@dataclass(slots=True)
class Catalogue:
    """The translations of one language, by context and exact source text."""

    entries: dict[tuple[str, str], Translation] = field(
        default_factory=dict[tuple[str, str], Translation]
    )
    problems: list[Problem] = field(default_factory=list[Problem])

    def add(self, text: str, file: str) -> None:
        """Read a PO file into the catalogue. Fuzzy entries count as missing."""
        try:
            catalogue = polib.pofile(text, encoding="utf-8", check_for_duplicates=True)
        except (OSError, ValueError, UnicodeError) as error:
            line = re.search(r"line (\d+)", str(error))
            self.problems.append(
                Problem(
                    file,
                    int(line[1]) if line else 1,
                    "po:broken",
                    "This is not a gettext PO file, or an entry stands twice.",
                    "Open it with Poedit, which shows and mends such mistakes.",
                )
            )
            return
        for entry in catalogue:
            if entry.obsolete or entry.fuzzy or not entry.msgstr:
                continue
            found = Translation(entry.msgstr, file, entry.linenum or 1)
            self.entries[entry.msgctxt or "", entry.msgid] = found

    def of(self, source: SourceText) -> Translation | None:
        """The translation of exactly this source text."""
        return self.entries.get((source.context, source.words))


def fill(words: str, values: Mapping[str, str]) -> str:
    """The sentence with its placeholders filled; one without a value stays for whoever has it."""
    return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), words)


_LRI, _FSI, _PDI = "\u2066", "\u2068", "\u2069"


def isolated(value: str) -> str:
    """`value` so that it reads the same inside a sentence of the other direction.

    Without it the groups of a phone number and the parts of a date change places in an Arabic
    sentence: a person would copy a wrong number (Unicode UAX #9, section 2.4).
    """
    letters = any(sign.isalpha() for sign in value)
    return f"{_FSI if letters else _LRI}{value}{_PDI}"


def translations(
    sources: Mapping[TextKey, SourceText], catalogue: Catalogue
) -> Iterator[tuple[TextKey, str]]:
    """The translated sentences by key."""
    for key, source in sources.items():
        found = catalogue.of(source)
        if found is not None:
            yield key, found.words
