"""What stands in a conversation's log, in the order in which it happened."""

from dataclasses import dataclass, field
from enum import Enum
from typing import NewType

from bot.domain.text import Country, Text

ChoiceId = NewType("ChoiceId", str)
"""A choice's name inside its question."""


class Author(Enum):
    """Whose message it is; the person always sees which."""

    PERSON = "person"
    BOT = "bot"
    OPERATOR = "operator"
    NOTICE = "notice"
    """What the person asked the program for while somebody else answers, and news about who
    answers. The only thing the program may show while an operator owns the conversation."""


class Pick(Enum):
    """How many choices a question admits."""

    ONE = "one"
    MANY = "many"


@dataclass(frozen=True, slots=True)
class Choice:
    """A button: its name inside the question and its label."""

    id: ChoiceId
    label: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question. `number` names this asking of it: a press of an older asking is stale."""

    number: int
    question: Text
    choices: tuple[Choice, ...]
    pick: Pick = Pick.ONE
    explained: bool = False
    """Whether the person may ask why we ask."""


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence."""

    sentence: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A block of facts of a country, read from the current release when it is handed over."""

    block: str
    country: Country | None
    beside: tuple[str, ...] = ()
    """All blocks that are shown together, in order: what closes them stands under the last."""


@dataclass(frozen=True, slots=True)
class Said:
    """Words that somebody typed."""

    words: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Chose:
    """The labels of the buttons that the person pressed."""

    labels: tuple[Text, ...] = field(repr=False)


Content = Asked | Told | Shown | Said | Chose


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of the log."""

    by: Author
    content: Content
