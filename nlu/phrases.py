"""The phrases that models learn from and are measured with: `nlu/phrases/`.

A file is plain text. `= name` opens a section; every other line is a phrase, perhaps with more
labels before ` | `. See nlu/README.md.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

TRANSLITERATED = "translit"
MIXED = "mixed"


@dataclass(frozen=True)
class Phrase:
    """One thing that somebody may type, and what is to be understood in it."""

    text: str
    language: str
    section: str
    labels: frozenset[str]
    """The section and what stands before the bar."""

    file: str
    line: int


def phrases_in(text: str, *, language: str, file: str) -> Iterator[Phrase]:
    """The phrases of one file.

    Raises:
        ValueError: a line stands before the first section, or has nothing behind its labels.
    """
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if stripped.startswith("= "):
            section = stripped[2:].strip()
            continue
        labels, bar, words = f"{stripped} ".partition(" | ")
        if not bar:
            labels, words = "", stripped
        if not section or not words.strip():
            raise ValueError(f"{file}, line {number}: a phrase without a section or without words")
        yield Phrase(
            words.strip(), language, section, frozenset((section, *labels.split())), file, number
        )


def read_phrases(folder: Path) -> list[Phrase]:
    """All phrases under `folder`, whose folders are named after languages."""
    found: list[Phrase] = []
    for path in sorted(folder.glob("*/*.txt")):
        name = f"{path.parent.name}/{path.name}"
        found += phrases_in(path.read_text("utf-8"), language=path.parent.name, file=name)
    return found


def of_sections(phrases: Iterable[Phrase], *sections: str) -> list[Phrase]:
    """Those of the named sections."""
    return [phrase for phrase in phrases if phrase.section in sections]
