"""Prints problems for the author who has to mend them."""

from collections.abc import Iterable
from typing import TextIO

from bot.content.problems import Problem


def show_problems(problems: Iterable[Problem], out: TextIO) -> None:
    """One problem after another: where, what, and what to do."""
    for problem in sorted(problems):
        out.write(f"{problem.file}:{problem.line}: {problem.code}\n")
        out.write(f"    {problem.sentence}\n    {problem.remedy}\n")
