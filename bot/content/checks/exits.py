"""Lexicons of which a phrase does nothing, or something else than its author wrote."""

from collections.abc import Iterator

from bot.content.checks.subject import Subject
from bot.content.exits import heard_otherwise
from bot.content.problems import Problem


def exits(subject: Subject) -> Iterator[Problem]:
    """Whether every phrase is heard as what it stands under, in all languages together."""
    yield from heard_otherwise(subject.release.exits)
