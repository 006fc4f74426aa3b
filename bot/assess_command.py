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

from collections.abc import Iterable
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
from bot.json_lines import BadLineError, JsonObject, answer_lines, quoted, refuse_repeated

AGES = {age.value: age for age in AgeAnswer}
PRESENCES = {presence.value: presence for presence in Presence}


def assess_lines(lines: Iterable[str | bytes], out: TextIO, *, indicators: IndicatorSet) -> int:
    """Answer each of `lines` on `out` as soon as it is read, never raising for what it says.

    Returns:
        The exit code: 2 when any line could not be used, else 0.
    """

    def answer(entry: JsonObject) -> dict[str, object]:
        return _shown(assess(indicators, _answers_in(entry, indicators)))

    return answer_lines(lines, out, answer, "`age` and `answers`")


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


def _shown(found: Assessment) -> dict[str, object]:
    return {
        "outcome": found.outcome.value,
        "urgency": found.urgency.value,
        "reasons": list(found.codes),
        "rule_version": found.rule_version,
    }


def _answers_in(entry: JsonObject, indicators: IndicatorSet) -> Answers:
    for key in entry:
        if key not in {"age", "answers", "id"}:
            raise BadLineError(f"There is no key {quoted(key)}, only age, answers and id.")
    given = entry.get("answers")
    if not isinstance(given, JsonObject):
        raise BadLineError("`answers` must be there and be a JSON object.")
    refuse_repeated(given)
    picks = given.get(DEPENDENT)
    return Answers(
        age=_age_in(entry),
        presence={
            _code(code, indicators): _presence(code, value) for code, value in given.items()
        },
        dependent=int(picks) if _is_picks(picks) else 0,
    )


def _age_in(entry: JsonObject) -> AgeAnswer:
    age = entry.get("age")
    if not isinstance(age, str) or age not in AGES:
        raise BadLineError(f"`age` must be there and be one of: {', '.join(AGES)}.")
    return AGES[age]


def _code(code: str, indicators: IndicatorSet) -> IndicatorCode:
    if IndicatorCode(code) not in indicators.indicators:
        raise BadLineError(f"There is no indicator {quoted(code)}.")
    return IndicatorCode(code)


def _presence(code: str, value: object) -> Presence:
    if isinstance(value, str) and value in PRESENCES:
        return PRESENCES[value]
    if code == DEPENDENT and _is_picks(value):
        return Presence.UNKNOWN  # It counts as `dependent` instead.
    also = f", or a whole number from 0 to {MOST_DEPENDENT}" if code == DEPENDENT else ""
    raise BadLineError(f"{code} must be one of: {', '.join(PRESENCES)}{also}.")


def _is_picks(value: object) -> TypeGuard[int | float]:
    # True and False are numbers to Python, but not to whoever wrote the line.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value in range(MOST_DEPENDENT + 1)
