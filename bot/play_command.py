"""`firstpoint play`: walk the content in a terminal, without any server.

By hand (`bot/play/by_hand.py`), or with `--script FILE` by a file of inputs
(`bot/play/by_script.py`, which says what may stand there).
"""

import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from bot.content.release import load, read_files
from bot.content.shelf import published
from bot.content.show import show_problems
from bot.dialogue.reading import Listener
from bot.domain.text import Text, text
from bot.json_lines import bounded_lines
from bot.play.by_hand import play_by_hand
from bot.play.by_script import play_script
from bot.play.walkthrough import UnknownNameError, begin
from bot.settings import read_settings
from nlu.ears import local_ears

BAD_INPUT = 2


def play(
    folder: Path, *, language: str, country: str | None, flow: str | None, script: Path | None
) -> int:
    """Walk the content in `folder`, by hand or by `script`; the exit code.

    Raises:
        StartError: a setting is not possible.
    """
    loaded = load(read_files(folder))
    if loaded.release is None:
        show_problems(loaded.problems, sys.stderr)
        return BAD_INPUT
    settings = read_settings()
    values: dict[str, str | Text] = {
        "organisation": settings.organisation or text("interface.organisation_unnamed"),
        "keep_minutes": str(settings.keep_minutes),
        "keep_waiting_hours": str(settings.keep_waiting_hours),
        "keep_code_days": str(settings.keep_code_days),
    }
    content = published(loaded.release, settings.mode, _today, values)
    try:
        listener = Listener(local_ears())
        walkthrough = begin(content, listener, language=language, country=country, flow=flow)
        if script is None:
            return play_by_hand(walkthrough, _typed_lines(), sys.stdout)
        with script.open("rb") as lines:
            return play_script(walkthrough, bounded_lines(lines), sys.stdout)
    except UnknownNameError as error:
        sys.stderr.write(f"{error}\n")
    except OSError as error:
        if error.filename is None:
            raise
        sys.stderr.write(f"The file {script} cannot be read: {error.strerror}.\n")
    return BAD_INPUT


def _today() -> date:
    return datetime.now(UTC).date()  # noqa: TID251 - facts are shown until a date


def _typed_lines() -> Iterator[str]:
    return (line.decode(errors="replace") for line in sys.stdin.buffer)
