"""Sentences by their place in the content, and what a rendered message consists of.

Nothing here holds a sentence that a person reads: a `Text` names one, and the words are chosen
when the message is handed over, in the person's language and from the current release.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NewType

TextKey = NewType("TextKey", str)
"""Where a sentence stands: `flow.node.field`, `texts.item` or `country.XX.path`."""

Language = NewType("Language", str)
"""A BCP 47 tag of an offered language, such as `ro` or `sr-Cyrl`."""

Country = NewType("Country", str)
"""An ISO 3166-1 alpha-2 code."""


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence named by its key, with the values of its placeholders."""

    key: TextKey
    values: "tuple[tuple[str, str | int | Text], ...]" = ()


def text(key: str, **values: "str | int | Text") -> Text:
    """The sentence at `key`; `values` fill its placeholders."""
    return Text(TextKey(key), tuple(sorted(values.items(), key=lambda item: item[0])))


def keys_in(sentence: Text) -> Iterator[TextKey]:
    """Every key that `sentence` needs, its own first."""
    yield sentence.key
    for _, value in sentence.values:
        if isinstance(value, Text):
            yield from keys_in(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A number to call or to write to, as it is dialled in the country.

    `dial` is what a phone dials when the number is pressed; None where it cannot be pressed.
    `label` says whose number it is; `name` is a proper name that is not translated.
    """

    label: Text | None
    name: str
    number: str
    dial: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An address on the web that a person may open."""

    label: Text | None
    name: str
    url: str


Line = Text | Phone | Link


class Direction(Enum):
    """Which way a language is written."""

    LTR = "ltr"
    RTL = "rtl"


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence as it is shown, and the language it really is in."""

    words: str
    language: Language


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageInfo:
    """What we know about an offered language."""

    language: Language
    name: str
    """Its own name for itself."""

    direction: Direction
    full: bool
    """Whether everything is there; otherwise first help only."""

    verified: bool
    """Whether the deploying organisation has marked it verified."""
