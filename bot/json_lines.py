"""JSON Lines from programs and people: one answer for every line, whatever stands in it."""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from io import BufferedIOBase
from typing import TextIO

OK = 0
BAD_LINES = 2
"""Exit codes: every line could be used; at least one could not."""

MOST_BYTES = 64 * 1024
"""A longer line is refused."""

MOST_DIGITS = 100
MOST_QUOTED = 40


class BadLineError(Exception):
    """What is wrong with a line, in a plain sentence."""


class JsonObject(dict[str, object]):
    """A JSON object that remembers which keys stood in it more than once."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        times = Counter(key for key, _ in pairs)
        self.repeated = tuple(key for key in self if times[key] > 1)


class _NotJson:
    """Stands where a line says NaN or Infinity, or gives a number beyond all sense."""


def answer_lines(
    lines: Iterable[str | bytes],
    out: TextIO,
    answer: Callable[[JsonObject], dict[str, object]],
    needs: str,
) -> int:
    """Answer each of `lines` on `out` as soon as it is read, never raising for what it says.

    `answer` may raise `BadLineError`; `needs` names the keys that an object must have. An empty
    line is a bad line: every line in has exactly one line out. Only ASCII is printed.

    Returns:
        The exit code: 2 when any line could not be used, else 0.
    """
    code = OK
    for number, line in enumerate(_bounded(lines), start=1):
        found = _answered(line, answer, needs)
        if "error" in found:
            code = BAD_LINES
        out.write(json.dumps({"line": number, **found}) + "\n")
        out.flush()  # A program that waits for each answer must not wait for a full buffer.
    return code


def _answered(
    line: str | bytes, answer: Callable[[JsonObject], dict[str, object]], needs: str
) -> dict[str, object]:
    identity: dict[str, object] = {}
    try:
        entry = object_in(line, needs)
        identity = identity_of(entry)
        refuse_repeated(entry)
        return {**identity, **answer(entry)}
    except BadLineError as error:
        return {**identity, "error": str(error)}


def bounded_lines(stream: BufferedIOBase) -> Iterator[bytes]:
    """The lines of `stream`; of a line that is too long only as much as shows that it is.

    A line without an end cannot fill the memory.
    """
    while line := stream.readline(MOST_BYTES + len(b"\r\n") + 1):
        yield line
        if not line.endswith(b"\n"):
            _skip_rest_of_line(stream)


def _bounded(lines: Iterable[str | bytes]) -> Iterable[str | bytes]:
    return bounded_lines(lines) if isinstance(lines, BufferedIOBase) else lines


def _skip_rest_of_line(stream: BufferedIOBase) -> None:
    while (rest := stream.readline(MOST_BYTES)) and not rest.endswith(b"\n"):
        pass


def object_in(line: str | bytes, needs: str) -> JsonObject:
    """The object in a line.

    Raises:
        BadLineError: there is none.
    """
    words = _words_in(line)
    if not words.strip():
        raise BadLineError("The line is empty.")
    try:
        entry: object = json.loads(
            words.removeprefix("\ufeff"),  # a byte order mark, as some editors write it
            object_pairs_hook=JsonObject,
            parse_constant=lambda _: _NotJson(),
            parse_float=_float_in,
            parse_int=_int_in,
        )
    except json.JSONDecodeError as error:
        raise BadLineError(f"This is not JSON (column {error.colno}).") from error
    except RecursionError as error:
        raise BadLineError("This is nested too deeply.") from error
    if not isinstance(entry, JsonObject):
        raise BadLineError(f"A line must be a JSON object with {needs}.")
    return entry


def _words_in(line: str | bytes) -> str:
    try:
        raw = line.encode() if isinstance(line, str) else line
        if len(raw.rstrip(b"\r\n")) > MOST_BYTES:
            raise BadLineError(f"The line is longer than {MOST_BYTES} bytes.")
        return raw.decode()
    except UnicodeError as error:
        raise BadLineError("This is not UTF-8 text.") from error


def _float_in(digits: str) -> object:
    number = float(digits)
    return number if math.isfinite(number) else _NotJson()


def _int_in(digits: str) -> object:
    return int(digits) if len(digits) <= MOST_DIGITS else _NotJson()


def identity_of(entry: JsonObject) -> dict[str, object]:
    """The `id` that is given back as it came.

    Raises:
        BadLineError: it is no text or number.
    """
    if "id" not in entry:
        return {}
    if "id" in entry.repeated or not isinstance(entry["id"], str | int | float | None):
        raise BadLineError("`id` must be one text or number.")
    return {"id": entry["id"]}


def refuse_repeated(entry: JsonObject) -> None:
    """Refuse an object in which a key stands twice: nobody knows which one counts.

    Raises:
        BadLineError: it is one.
    """
    if entry.repeated:
        raise BadLineError(f"The key {quoted(entry.repeated[0])} stands here more than once.")


def quoted(name: str) -> str:
    """A name from a line, short enough for a sentence."""
    return f"`{name[:MOST_QUOTED]}{'…' if len(name) > MOST_QUOTED else ''}`"
