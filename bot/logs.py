"""Log lines that cannot carry what a person wrote.

A line is an event name and fields from a short list; the formatter drops everything else:
formatted messages, texts of exceptions, tracebacks and unknown fields. An exception is logged as
its type and the place in our code where it came up.
"""

import json
import logging
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TextIO

ALLOWED = frozenset(
    {
        "channel",
        "flow",
        "node",
        "language",
        "effect",
        "outcome",
        "milliseconds",
        "error_type",
        "turn",
        "release",
        "count",
        "service",
    }
)
"""Fields that a line may have. None of them is free text of a person."""

_VENDORS = ("aiohttp", "asyncio", "httpx", "httpcore", "redis", "telegram", "urllib3")
_OURS = ("bot", "handoff")
_ROOT = Path(__file__).resolve().parent.parent

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.:-]{0,79}")
"""What the value of a field looks like: a name that stands in our code or content."""

log = logging.getLogger(__name__)


class LineFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line for `record`. Its message is used only when it is an event name of ours."""
        line: dict[str, str | int] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S"),
            "level": record.levelname.lower(),
            "where": record.name,
            "event": _event(record),
        }
        for name in sorted(ALLOWED & record.__dict__.keys()):
            line[name] = _value(record.__dict__[name])
        if record.exc_info and record.exc_info[0] is not None:
            line["error_type"] = record.exc_info[0].__name__
            line["error_at"] = ", ".join(_places(record.exc_info[1]))
        return json.dumps(line)


def _event(record: logging.LogRecord) -> str:
    # What a library logs may be anything, a single word of a person included.
    ours = record.name.partition(".")[0] in _OURS
    named = isinstance(record.msg, str) and record.msg.isascii() and record.msg.isidentifier()
    return record.msg if ours and named else "-"


def _value(value: object) -> str | int:
    if isinstance(value, int):
        return value
    text = str(value)
    return text if _NAME.fullmatch(text) else "-"


def _places(error: BaseException | None) -> Iterator[str]:
    """File and line of our code in which `error`, and what it came from, last was."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        place = _place(error.__traceback__)
        yield f"{type(error).__name__} {place}" if len(seen) > 1 else place
        for part in _parts(error)[:_MOST_PARTS]:
            yield f"{type(part).__name__} {_place(part.__traceback__)}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


_MOST_PARTS = 5


def _parts(error: BaseException) -> tuple[BaseException, ...]:
    """What a group consists of; nothing of any other exception."""
    parts: tuple[BaseException, ...] = getattr(error, "exceptions", ())
    return parts if isinstance(error, BaseExceptionGroup) else ()


def _place(trace: TracebackType | None) -> str:
    place = "-"
    while trace is not None:
        file = Path(trace.tb_frame.f_code.co_filename)
        if file.is_relative_to(_ROOT) and file.relative_to(_ROOT).parts[0] in _OURS:
            place = f"{file.relative_to(_ROOT).as_posix()}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def set_up_logs(stream: TextIO = sys.stderr) -> None:
    """Send the lines of the whole process through `LineFormatter`.

    The formatter sits on the root's handler, because libraries log on loggers of their own, and
    a filter on a logger does not see what its children write.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for vendor in _VENDORS:
        logging.getLogger(vendor).setLevel(logging.WARNING)
    logging.raiseExceptions = False  # it would print a record's arguments
    _catch_the_rest()


def _catch_the_rest() -> None:
    """What Python would print by itself, with its texts, becomes a line like the others."""
    sys.excepthook = _on_exception
    threading.excepthook = lambda given: _on_exception(
        given.exc_type, given.exc_value, given.exc_traceback
    )
    sys.unraisablehook = lambda given: _on_exception(
        given.exc_type, given.exc_value, given.exc_traceback
    )
    logging.captureWarnings(True)


def _on_exception(
    kind: type[BaseException], error: BaseException | None, trace: TracebackType | None
) -> None:
    if error is None:
        error = kind()
    log.critical("not_caught", exc_info=(kind, error, trace))
