"""`firstpoint assess`: the rule for programs and for experts who check it.

JSON Lines in, one line of JSON out for each line in, in order:

    {"id": "a", "age": "adult", "answers": {"DOCS_HELD": "yes", "DEPENDENT": 2}}
    {"line": 1, "id": "a", "outcome": "signs", "urgency": "normal",
     "reasons": ["DOCS_HELD", "DEPENDENT"], "rule_version": "2026.1"}

- `age` is `adult`, `child`, `not_sure` or `skipped` and must be there; so must `answers`.
- An answer is `yes` (the sign is present), `sometimes` (the same), `no` or `unknown`.
  `DEPENDENT` may also be a whole number from 0 to 4.
- `id` may be any text, number, truth value or null; it is given back as it came.
- `reasons` are the codes of all signs that are present, in the order of the table of indicators.
- What only a conversation knows (danger now, pregnancy, contact) is not part of the input, so
  `urgency` is never `now` here.

A line that cannot be used is answered in its place by `{"line", "error"}`, with `id` when that
could be read, and makes the exit code 2. An empty line is such a line: every line in has exactly
one line out. Only JSON is printed, in ASCII, so that no terminal setting can break it.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import TextIO, TypeGuard

from bot.content.indicators import IndicatorProblems, load_indicators
from bot.domain.indicators import (
    DEPENDENT,
    MOST_DEPENDENT,
    AgeAnswer,
    Answers,
    Assessment,
    IndicatorCode,
    IndicatorSet,
    Presence,
)
from bot.engine.assess import assess
from bot.errors import StartError

OK = 0
BAD_LINES = 2

MOST_BYTES = 64 * 1024
"""A longer line is refused; a line with every code has about 1 kB."""

MOST_DIGITS = 100
MOST_QUOTED = 40

AGES = {age.value: age for age in AgeAnswer}
PRESENCES = {presence.value: presence for presence in Presence}


class _BadLineError(Exception):
    """What is wrong with a line, in a plain sentence."""


class _Object(dict[str, object]):
    """A JSON object that remembers which keys stood in it more than once."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        times = Counter(key for key, _ in pairs)
        self.repeated = tuple(key for key in self if times[key] > 1)


class _NotJson:
    """Stands where a line says NaN or Infinity, or gives a number beyond all sense."""


def bounded_lines(stream: BufferedIOBase) -> Iterator[bytes]:
    """The lines of `stream`; of a line that is too long only as much as shows that it is.

    A line without an end cannot fill the memory.
    """
    while line := stream.readline(MOST_BYTES + len(b"\r\n") + 1):
        yield line
        if not line.endswith(b"\n"):
            _skip_rest_of_line(stream)


def assess_lines(lines: Iterable[str | bytes], out: TextIO, *, indicators: IndicatorSet) -> int:
    """Answer each of `lines` on `out` as soon as it is read, never raising for what it says.

    Returns:
        The exit code: 2 when any line could not be used, else 0.
    """
    code = OK
    for number, line in enumerate(_bounded(lines), start=1):
        answer = _answer(line, indicators)
        if "error" in answer:
            code = BAD_LINES
        out.write(json.dumps({"line": number, **answer}) + "\n")
        out.flush()  # A program that waits for each answer must not wait for a full buffer.
    return code


def indicators_of(folder: Path) -> IndicatorSet:
    """The table of the content in `folder`.

    Raises:
        StartError: it cannot be used; the sentence says where it is wrong.
    """
    file = folder / "flows" / "indicators.yaml"
    try:
        return load_indicators(file.read_text(encoding="utf-8"), str(file))
    except (OSError, UnicodeError) as error:
        raise StartError(f"The table of indicators cannot be read: {file}") from error
    except IndicatorProblems as error:
        first = error.problems[0]
        where = f"{first.file}, line {first.line}"
        raise StartError(f"{where}: {first.sentence} See `firstpoint check`.") from error


def _bounded(lines: Iterable[str | bytes]) -> Iterable[str | bytes]:
    return bounded_lines(lines) if isinstance(lines, BufferedIOBase) else lines


def _skip_rest_of_line(stream: BufferedIOBase) -> None:
    while (rest := stream.readline(MOST_BYTES)) and not rest.endswith(b"\n"):
        pass


def _answer(line: str | bytes, indicators: IndicatorSet) -> dict[str, object]:
    identity: dict[str, object] = {}
    try:
        entry = _object_in(line)
        identity = _identity(entry)
        found = assess(indicators, _answers_in(entry, indicators))
    except _BadLineError as error:
        return {**identity, "error": str(error)}
    return {**identity, **_shown(found)}


def _shown(found: Assessment) -> dict[str, object]:
    return {
        "outcome": found.outcome.value,
        "urgency": found.urgency.value,
        "reasons": list(found.codes),
        "rule_version": found.rule_version,
    }


def _object_in(line: str | bytes) -> _Object:
    words = _words_in(line)
    if not words.strip():
        raise _BadLineError("The line is empty.")
    try:
        entry: object = json.loads(
            words.removeprefix("\ufeff"),  # a byte order mark, as some editors write it
            object_pairs_hook=_Object,
            parse_constant=lambda _: _NotJson(),
            parse_float=_float_in,
            parse_int=_int_in,
        )
    except json.JSONDecodeError as error:
        raise _BadLineError(f"This is not JSON (column {error.colno}).") from error
    except RecursionError as error:
        raise _BadLineError("This is nested too deeply.") from error
    if not isinstance(entry, _Object):
        raise _BadLineError("A line must be a JSON object with `age` and `answers`.")
    return entry


def _words_in(line: str | bytes) -> str:
    try:
        raw = line.encode() if isinstance(line, str) else line
        if len(raw.rstrip(b"\r\n")) > MOST_BYTES:
            raise _BadLineError(f"The line is longer than {MOST_BYTES} bytes.")
        return raw.decode()
    except UnicodeError as error:
        raise _BadLineError("This is not UTF-8 text.") from error


def _float_in(digits: str) -> object:
    number = float(digits)
    return number if math.isfinite(number) else _NotJson()


def _int_in(digits: str) -> object:
    return int(digits) if len(digits) <= MOST_DIGITS else _NotJson()


def _identity(entry: _Object) -> dict[str, object]:
    if "id" not in entry:
        return {}
    if "id" in entry.repeated or not isinstance(entry["id"], str | int | float | None):
        raise _BadLineError("`id` must be one text or number.")
    return {"id": entry["id"]}


def _answers_in(entry: _Object, indicators: IndicatorSet) -> Answers:
    _refuse_repeated(entry)
    for key in entry:
        if key not in {"age", "answers", "id"}:
            raise _BadLineError(f"There is no key {_quoted(key)}, only age, answers and id.")
    given = entry.get("answers")
    if not isinstance(given, _Object):
        raise _BadLineError("`answers` must be there and be a JSON object.")
    _refuse_repeated(given)
    picks = given.get(DEPENDENT)
    return Answers(
        age=_age_in(entry),
        presence={
            _code(code, indicators): _presence(code, value) for code, value in given.items()
        },
        dependent=int(picks) if _is_picks(picks) else 0,
    )


def _refuse_repeated(entry: _Object) -> None:
    if entry.repeated:
        raise _BadLineError(f"The key {_quoted(entry.repeated[0])} stands here more than once.")


def _age_in(entry: _Object) -> AgeAnswer:
    age = entry.get("age")
    if not isinstance(age, str) or age not in AGES:
        raise _BadLineError(f"`age` must be there and be one of: {', '.join(AGES)}.")
    return AGES[age]


def _code(code: str, indicators: IndicatorSet) -> IndicatorCode:
    if IndicatorCode(code) not in indicators.indicators:
        raise _BadLineError(f"There is no indicator {_quoted(code)}.")
    return IndicatorCode(code)


def _presence(code: str, value: object) -> Presence:
    if isinstance(value, str) and value in PRESENCES:
        return PRESENCES[value]
    if code == DEPENDENT and _is_picks(value):
        return Presence.UNKNOWN  # It counts as `dependent` instead.
    also = f", or a whole number from 0 to {MOST_DEPENDENT}" if code == DEPENDENT else ""
    raise _BadLineError(f"{code} must be one of: {', '.join(PRESENCES)}{also}.")


def _is_picks(value: object) -> TypeGuard[int | float]:
    # True and False are numbers to Python, but not to whoever wrote the line.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value in range(MOST_DEPENDENT + 1)


def _quoted(name: str) -> str:
    return f"`{name[:MOST_QUOTED]}{'…' if len(name) > MOST_QUOTED else ''}`"
