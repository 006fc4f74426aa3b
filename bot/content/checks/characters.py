"""Characters that nobody sees, and that change what is read."""

import re
import unicodedata
from collections.abc import Iterator

from bot.content.checks.subject import Subject
from bot.content.problems import Problem

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""They turn the direction of letters and can make a phone number read backwards. The channels
put numbers and foreign words apart, so no text needs them."""

UNSEEN = "\u00ad\u200b\u2060\ufeff"
"""Soft hyphen and spaces without width. The joiners of Persian and Indic scripts are letters."""

CONTROL = r"\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f"
"""Everything but the ends of lines."""

_HIDDEN = re.compile(f"[{BIDI}{UNSEEN}{CONTROL}]")
_SPACES = re.compile(r"^\s|\s$|[^\S\n]{2,}|[^\S ]")


def characters(subject: Subject) -> Iterator[Problem]:
    """Hidden characters anywhere in a file, and needless spaces in sentences."""
    for file, text in subject.files.items():
        for found in _HIDDEN.finditer(text):
            yield _hidden(file, text.count("\n", 0, found.start()) + 1, found[0])
    for sentence in subject.sentences:
        # Written as an escape it does not stand in the file itself.
        for char in _HIDDEN.findall(sentence.words):
            yield _hidden(sentence.file, sentence.line, char)
        if _SPACES.search(sentence.words):
            yield sentence.problem(
                "text:spaces",
                "There is a space too many, a line break or a tab in this text.",
                "Use single spaces, and none at the beginning or the end.",
            )


def _hidden(file: str, line: int, char: str) -> Problem:
    name = unicodedata.name(char, "a control character")
    kind = "bidi" if char in BIDI else "hidden"
    return Problem(
        file,
        line,
        f"text:{kind}",
        f"Here stands a character that nobody sees: {name} (U+{ord(char):04X}).",
        "Delete it, or write the word again.",
    )
