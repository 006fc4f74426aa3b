"""Everything that is looked for in content before anybody may read it.

One kind of mistake a module. `check_files` is the whole of it: authors run it, continuous
integration runs it, and so can whatever publishes a release.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from bot.content.checks.characters import characters
from bot.content.checks.choices import choices
from bot.content.checks.code_words import code_words
from bot.content.checks.conditions import conditions
from bot.content.checks.countries import countries
from bot.content.checks.engine_needs import engine_needs
from bot.content.checks.exits import exits
from bot.content.checks.facts_kept import facts_kept
from bot.content.checks.languages import languages
from bot.content.checks.lengths import lengths
from bot.content.checks.mended import Part, mended
from bot.content.checks.nodes import home_from_within, nodes
from bot.content.checks.pauses import pauses, ways_on
from bot.content.checks.placeholders import placeholders
from bot.content.checks.questions import questions
from bot.content.checks.reachable import reachable_flows, reachable_nodes
from bot.content.checks.sign_questions import sign_codes, sign_questions
from bot.content.checks.subject import Check, Subject
from bot.content.checks.translations import differences, for_nothing, missing
from bot.content.checks.unconditional import unconditional
from bot.content.checks.unused import unused
from bot.content.checks.ways_out import ways_out
from bot.content.checks.words import words
from bot.content.problems import Problem
from bot.content.release import Release, load
from bot.content.yaml_file import Files

CHECKS: tuple[Check, ...] = (
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
    engine_needs,
    code_words,
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

FOR_AUTHORS: tuple[Check, ...] = (unused, exits)
"""What does not keep content from being published."""

NEEDS: Mapping[Check, frozenset[Part]] = {
    **dict.fromkeys(
        (reachable_nodes, reachable_flows, ways_on, ways_out, home_from_within, unconditional),
        frozenset({Part.FLOWS}),
    ),
    sign_codes: frozenset({Part.INDICATORS}),
    sign_questions: frozenset({Part.FLOWS, Part.INDICATORS}),
    facts_kept: frozenset({Part.INDICATORS}),
    conditions: frozenset({Part.FLOWS, Part.COUNTRIES}),
    code_words: frozenset({Part.TEXTS}),
    engine_needs: frozenset({Part.TEXTS, Part.INDICATORS}),
    for_nothing: frozenset({Part.FLOWS, Part.TEXTS, Part.COUNTRIES, Part.LANGUAGES}),
}
"""Of what a check has to see everything. The others say what is true whatever cannot be read."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found."""

    problems: tuple[Problem, ...]
    """Sorted by file and line."""

    release: Release | None
    """What the files make when all of them can be read and every name leads somewhere."""

    whole: bool = True
    """Whether every check saw everything."""


def check_files(files: Files, *, today: date, production: bool = False) -> Checked:
    """Every problem of the content in `files`.

    When some of it cannot be read, the rest is checked as far as that is possible.
    """
    loaded = load(files)
    if loaded.release is not None:
        subject = Subject(release=loaded.release, files=files, today=today, production=production)
        return Checked(_run((*CHECKS, *FOR_AUTHORS), subject), loaded.release)
    rest = mended(files, loaded.problems)
    found = [*rest.problems]
    if rest.release is not None:
        subject = Subject(
            release=rest.release, files=rest.files, today=today, production=production
        )
        checks = (*CHECKS, *FOR_AUTHORS)
        able = [check for check in checks if rest.lost.isdisjoint(NEEDS.get(check, ()))]
        found += filter(rest.concerns, _run(able, subject))
    return Checked(tuple(sorted(set(found))), None, rest.whole)


def check_release(release: Release, files: Files, *, today: date) -> list[Problem]:
    """Everything that keeps a release, made of `files`, from being published; sorted."""
    subject = Subject(release=release, files=files, today=today)
    return list(_run(CHECKS, subject))


def _run(checks: Iterable[Check], subject: Subject) -> tuple[Problem, ...]:
    return tuple(sorted({problem for check in checks for problem in check(subject)}))
