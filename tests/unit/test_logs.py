# ruff: noqa: G004, LOG001, PLE1205, TRY301 - what must not be done is done here on purpose
"""No log line carries what a person wrote, whoever writes the line."""

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest

from bot.logs import ALLOWED, LineFormatter
from tests.conftest import ROOT

CANARY = "zqcanary8841"


def line_of(logger: str, write: Callable[[logging.Logger], None]) -> dict[str, Any]:
    """The line that comes of what `write` logs."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter())
    named = logging.Logger(logger)
    named.addHandler(handler)
    write(named)
    assert CANARY not in stream.getvalue()
    found: dict[str, Any] = json.loads(stream.getvalue())
    return found


def fail(error: BaseException) -> None:
    raise error


def logged_exception(logger: logging.Logger, error: BaseException) -> None:
    try:
        fail(error)
    except BaseException:  # whatever it is
        logger.exception("turn_failed")


def test_an_event_and_allowed_fields_are_kept() -> None:
    fields = {"flow": "welcome", "node": "safe", "milliseconds": 12, "language": "ro"}
    line = line_of("bot.dialogue.turns", lambda log: log.info("turn_done", extra=fields))
    assert line["event"] == "turn_done"
    assert line["where"] == "bot.dialogue.turns"
    assert {name: line[name] for name in fields} == fields


@pytest.mark.parametrize(
    "write",
    [
        lambda log: log.info(f"somebody wrote {CANARY}"),
        lambda log: log.info("somebody wrote %s", CANARY),
        lambda log: log.info("turn_done", extra={"words": CANARY}),
        lambda log: log.info("turn_done", extra={"flow": f"no name: {CANARY}"}),
        lambda log: log.info("turn_done", extra={"node": SimpleNamespace(words=CANARY)}),
        lambda log: log.info("turn_done", extra={"node": f"{CANARY}\n"}),
        lambda log: log.info(SimpleNamespace(words=CANARY)),
        lambda log: log.info("turn_done", stack_info=True),
        lambda log: log.info("{}", CANARY),  # its arguments do not fit
        lambda log: logged_exception(log, ValueError(CANARY)),
        lambda log: logged_exception(log, KeyError(CANARY)),
        lambda log: logged_exception(log, ExceptionGroup(CANARY, [ValueError(CANARY)])),
    ],
)
def test_everything_else_is_dropped(write: Callable[[logging.Logger], None]) -> None:
    line = line_of("bot.dialogue.turns", write)
    known = {"time", "level", "where", "event", "error_type", "error_at"}
    assert set(line) <= ALLOWED | known


def test_a_single_word_that_a_library_logs_is_no_event() -> None:
    assert line_of("telegram.ext", lambda log: log.error(CANARY))["event"] == "-"


def test_words_in_other_scripts_are_no_event() -> None:
    assert line_of("bot.x", lambda log: log.error("помощь"))["event"] == "-"


def test_an_exception_is_logged_as_type_and_place() -> None:
    from bot.domain.control import Control, Fence, Owner  # noqa: PLC0415

    def breaks(log: logging.Logger) -> None:
        try:
            Control(owner=Owner.OPERATOR, fence=Fence(1, CANARY))
        except ValueError as error:
            try:
                raise RuntimeError(CANARY) from error
            except RuntimeError:
                log.exception("turn_failed")

    line = line_of("bot.dialogue.turns", breaks)
    assert line["error_type"] == "RuntimeError"
    place, cause = line["error_at"].split(", ")
    assert place == "-", "not in our code"
    assert cause.startswith("ValueError bot/domain/control.py:")


def of_a_process(program: str) -> str:
    """What a process prints in which our logs are set up."""
    done = subprocess.run(
        [sys.executable, "-c", f"from bot.logs import set_up_logs\nset_up_logs()\n{program}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout == ""
    assert CANARY not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("program", "event"),
    [
        (f"raise ValueError('{CANARY}')", "not_caught"),
        (
            "import asyncio\n"
            "async def fail():\n"
            f"    raise ValueError('{CANARY}')\n"
            "async def main():\n"
            "    async with asyncio.TaskGroup() as group:\n"
            "        group.create_task(fail())\n"
            "asyncio.run(main())",
            "not_caught",
        ),
        (
            "import threading\n"
            "def fail():\n"
            f"    raise ValueError('{CANARY}')\n"
            "thread = threading.Thread(target=fail)\n"
            "thread.start(); thread.join()",
            "not_caught",
        ),
        (
            "class Breaks:\n"
            "    def __del__(self):\n"
            f"        raise ValueError('{CANARY}')\n"
            "Breaks()",
            "not_caught",
        ),
        (f"import warnings; warnings.warn('{CANARY}')", "-"),
        (
            "import asyncio\n"
            "async def fail():\n"
            f"    raise ValueError('{CANARY}')\n"
            "async def main():\n"
            "    task = asyncio.ensure_future(fail())\n"
            "    await asyncio.sleep(0)\n"
            "    await asyncio.sleep(0)\n"
            "    del task\n"
            "asyncio.run(main())",
            "-",
        ),
        (f"import logging; logging.getLogger('telegram').error('%d', '{CANARY}')", "-"),
        (f"import logging; logging.getLogger('redis').warning('{CANARY}')", "-"),
    ],
)
def test_what_python_prints_by_itself_becomes_a_line(program: str, event: str) -> None:
    assert json.loads(of_a_process(program))["event"] == event


@pytest.mark.parametrize(
    "name", ["aiohttp.access", "asyncio", "httpx", "redis", "telegram.ext", "urllib3"]
)
@pytest.mark.parametrize("level", ["info", "debug"])
def test_libraries_are_silent_below_warnings(name: str, level: str) -> None:
    assert of_a_process(f"import logging; logging.getLogger('{name}').{level}('word')") == ""
