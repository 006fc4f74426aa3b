"""Everything that is looked for in content before anybody may read it.

One kind of mistake a module. `check_files` is the whole of it: authors run it, continuous
integration runs it, and so can whatever publishes a release.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from bot.content.checks.characters import characters
from bot.content.checks.choices import choices
from bot.content.checks.conditions import conditions
from bot.content.checks.countries import countries
from bot.content.checks.engine_needs import engine_needs
from bot.content.checks.facts_kept import facts_kept
from bot.content.checks.languages import languages
from bot.content.checks.lengths import lengths
from bot.content.checks.mended import mended
from bot.content.checks.nodes import home_from_within, nodes
from bot.content.checks.pauses import pauses, ways_on
from bot.content.checks.placeholders import placeholders
from bot.content.checks.questions import questions
from bot.content.checks.reachable import reachable_flows, reachable_nodes
from bot.content.checks.sign_questions import sign_codes, sign_questions
from bot.content.checks.subject import Check, Subject
from bot.content.checks.translations import differences, for_nothing, missing
from bot.content.checks.unconditional import unconditional
from bot.content.checks.ways_out import ways_out
from bot.content.checks.words import words
from bot.content.problems import Problem
from bot.content.release import Release, load
from bot.content.yaml_file import Files

OF_ONE_FILE: tuple[Check, ...] = (
    nodes,
    questions,
    reachable_nodes,
    pauses,
    sign_codes,
    words,
    lengths,
    characters,
    placeholders,
    choices,
    differences,
    countries,
    languages,
)
"""What can be said about a file even while others cannot be read."""

OF_THE_WHOLE: tuple[Check, ...] = (
    engine_needs,
    reachable_flows,
    ways_on,
    ways_out,
    home_from_within,
    unconditional,
    sign_questions,
    conditions,
    facts_kept,
    missing,
    for_nothing,
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found."""

    problems: tuple[Problem, ...]
    """Sorted by file and line."""

    release: Release | None
    """What the files make when all of them can be read."""


def check_files(files: Files, *, today: date, production: bool = False) -> Checked:
    """Every problem of the content in `files`.

    When some of it cannot be read, the rest is checked as far as that is possible.
    """
    loaded = load(files)
    if loaded.release is not None:
        problems = check_release(loaded.release, files, today=today, production=production)
        return Checked(tuple(problems), loaded.release)
    rest = mended(files, loaded.problems)
    found = [*rest.problems]
    if rest.release is not None:
        subject = Subject(
            release=rest.release, files=rest.files, today=today, production=production
        )
        found += (
            problem for problem in _run(OF_ONE_FILE, subject) if problem.file not in rest.stand_ins
        )
    return Checked(tuple(sorted(set(found))), None)


def check_release(
    release: Release, files: Files, *, today: date, production: bool = False
) -> list[Problem]:
    """Every problem of a release that was made of `files`, sorted by file and line.

    `production` also lists what has to be verified before a release may serve people.
    """
    subject = Subject(release=release, files=files, today=today, production=production)
    return sorted(set(_run((*OF_ONE_FILE, *OF_THE_WHOLE), subject)))


def _run(checks: Iterable[Check], subject: Subject) -> Iterable[Problem]:
    return (problem for check in checks for problem in check(subject))
