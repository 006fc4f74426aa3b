"""Prints problems for the author who has to mend them."""

from collections.abc import Iterable
from typing import TextIO

from bot.content.problems import Problem


def show_problems(problems: Iterable[Problem], out: TextIO) -> None:
    """One problem after another, as lines of `out`."""
    out.writelines(f"{told(problem)}\n" for problem in sorted(problems))


def told(problem: Problem) -> str:
    """Where it is, what is wrong, and what to do."""
    place = f"{problem.file}:{problem.line}: {problem.code}"
    return f"{place}\n    {problem.sentence}\n    {problem.remedy}"
