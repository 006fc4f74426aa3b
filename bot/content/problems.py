"""What is wrong in the content, said so that its author can mend it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in one place; sorts by file and line."""

    file: str
    line: int
    """Counted from 1."""

    code: str
    """A short name such as `country:no-source`, always the same for the same kind of mistake."""

    sentence: str
    """What is wrong, in plain words."""

    remedy: str
    """What to do about it."""
