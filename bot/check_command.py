"""`firstpoint check`: tells authors every problem of the content before anybody meets it."""

import sys
from datetime import UTC, date, datetime
from pathlib import Path

from bot.content.checks import Checked, check_files
from bot.content.checks.schema_file import SCHEMA_FILE, schema_problems, schema_text
from bot.content.release import Release, read_files
from bot.content.show import show_problems

GOOD, PROBLEMS = 0, 2
"""Exit codes: nothing was found; something was."""


def check(folder: Path, *, production: bool, today: date | None = None) -> int:
    """Print every problem of the content in `folder`, and how many there are; the exit code.

    `production` also lists what has to be verified before the service may run for people.
    """
    day = today or datetime.now(UTC).date()  # noqa: TID251 - a command looks at the day itself
    checked = check_files(read_files(folder), today=day, production=production)
    problems = [*checked.problems, *schema_problems(folder)]
    show_problems(problems, sys.stdout)
    sys.stdout.write(_last_line(checked, len(problems)))
    return PROBLEMS if problems else GOOD


def write_schema(folder: Path) -> int:
    """Bring `flows/schema.json` in line with the program; the exit code."""
    file = folder / SCHEMA_FILE
    if not file.parent.is_dir():
        sys.stdout.write(f"There is no folder {file.parent}.\n")
        return PROBLEMS
    file.write_text(schema_text(), encoding="utf-8")
    sys.stdout.write(f"{SCHEMA_FILE} is written.\n")
    return GOOD


def _last_line(checked: Checked, problems: int) -> str:
    if problems == 0 and checked.release is not None:
        return f"No problems. {_size(checked.release)}\n"
    count = "1 problem." if problems == 1 else f"{problems} problems."
    if not checked.whole:
        count += " Not everything could be read; mend this, then check again for the rest."
    return f"{count}\n"


def _size(release: Release) -> str:
    return (
        f"Checked: {len(release.flows)} flows, {len(release.sources)} texts, "
        f"{len(release.languages)} languages, {len(release.countries)} countries."
    )
