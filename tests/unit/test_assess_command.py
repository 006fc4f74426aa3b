"""`firstpoint assess`: one line of JSON out for each line in, whatever stands in it."""

import io
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.assess_command import assess_lines, indicators_of
from bot.domain.indicators import Outcome, Urgency
from bot.errors import StartError
from bot.json_lines import MOST_BYTES, bounded_lines
from bot.settings import ROOT
from tests.support.indicators import CODES, INDICATORS

GOOD = '{"age": "adult", "answers": {"DOCS_HELD": "yes"}}'


def _run(*lines: str | bytes) -> tuple[int, list[dict[str, object]]]:
    out = io.StringIO()
    code = assess_lines(lines, out, indicators=INDICATORS)
    return code, _printed(out)


def _printed(out: io.StringIO) -> list[dict[str, object]]:
    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    return [json.loads(line, parse_constant=refuse) for line in out.getvalue().splitlines()]


def _one(line: str | bytes) -> dict[str, object]:
    _, answers = _run(line)
    assert len(answers) == 1
    return answers[0]


def test_a_line_is_answered() -> None:
    code, answers = _run(GOOD)
    assert code == 0
    assert answers == [
        {
            "line": 1,
            "outcome": "signs",
            "urgency": "normal",
            "reasons": ["DOCS_HELD"],
            "rule_version": "2026.1",
        }
    ]


def test_the_keys_of_an_answer_stand_in_a_fixed_order() -> None:
    assert list(_one(GOOD.replace("{", '{"id": 1, ', 1))) == [
        "line", "id", "outcome", "urgency", "reasons", "rule_version",
    ]  # fmt: skip


def test_nothing_in_nothing_out() -> None:
    assert _run() == (0, [])


def test_reasons_stand_in_the_order_of_the_table() -> None:
    signs = dict.fromkeys(reversed(CODES), "sometimes")
    answer = _one(json.dumps({"age": "skipped", "answers": signs}))
    assert answer["reasons"] == list(CODES)
    assert (answer["outcome"], answer["urgency"]) == ("several_signs", "priority")


@pytest.mark.parametrize(
    ("age", "outcome", "urgency"),
    [
        ("adult", "rights_advice", "normal"),
        ("skipped", "rights_advice", "priority"),
        ("not_sure", "signs", "priority"),
        ("child", "signs", "priority"),
    ],
)
def test_age(age: str, outcome: str, urgency: str) -> None:
    answer = _one(json.dumps({"age": age, "answers": {"MUST_LIE": "yes", "HURT": "no"}}))
    assert (answer["outcome"], answer["urgency"]) == (outcome, urgency)


def test_no_and_unknown_are_not_signs() -> None:
    answer = _one('{"age": "adult", "answers": {"HURT": "no", "DEBT": "unknown"}}')
    assert (answer["outcome"], answer["reasons"]) == ("information", [])


@pytest.mark.parametrize(
    ("picks", "outcome"),
    [
        ("0", "rights_advice"),
        ("1", "rights_advice"),
        ("2", "rights_advice"),
        ("3", "signs"),
        ("4", "signs"),
        ("3.0", "signs"),
        ('"yes"', "rights_advice"),
        ('"no"', "rights_advice"),
    ],
)
def test_how_much_depends(picks: str, outcome: str) -> None:
    answer = _one(f'{{"age": "adult", "answers": {{"LOW_PAY": "yes", "DEPENDENT": {picks}}}}}')
    assert answer["outcome"] == outcome
    assert ("DEPENDENT" in cast("list[str]", answer["reasons"])) is (picks not in {"0", '"no"'})


@pytest.mark.parametrize("given_id", ["a", "", "\u2028 Ж 😀", "\ud800", 7, -1.5, None, True])
def test_an_id_comes_back_as_it_was(given_id: object) -> None:
    line = json.dumps({"id": given_id, "age": "adult", "answers": {}})
    answer = _one(line)
    assert "error" not in answer
    assert answer["id"] == given_id
    assert _one(line.replace("adult", "old"))["id"] == given_id


def _with_answers(answers: str) -> str:
    return f'{{"id": "x", "age": "adult", "answers": {answers}}}'


BAD = {
    "empty": "",
    "only spaces": "  \t ",
    "only an end": "\n",
    "broken JSON": '{"age": "adult"',
    "two objects": GOOD + GOOD,
    "single quotes": GOOD.replace('"', "'"),
    "a trailing comma": GOOD.replace("}}", "},}"),
    "a text": '"adult"',
    "a number": "1",
    "null": "null",
    "a list": f"[{GOOD}]",
    "NaN alone": "NaN",
    "a lone byte": b'{"age": "adult", "answers": {}, "id": "\xff"}',
    "half a letter": GOOD.encode() + b"\xc3",
    "another encoding": GOOD.encode("utf-16"),
    "a lone surrogate": GOOD + "\udcff",
    "a NUL": GOOD + "\x00",
    "too long": GOOD + " " * MOST_BYTES,
    "too deep": "[" * 30_000,
    "too deep inside": _with_answers("[" * 20_000 + "]" * 20_000),
}
BAD_WITH_ID = {
    "no age": '{"id": "x", "answers": {}}',
    "no answers": '{"id": "x", "age": "adult"}',
    "unknown age": '{"id": "x", "age": "17", "answers": {}}',
    "age as a number": '{"id": "x", "age": 17, "answers": {}}',
    "age as a list": '{"id": "x", "age": ["adult"], "answers": {}}',
    "age null": '{"id": "x", "age": null, "answers": {}}',
    "age in capitals": '{"id": "x", "age": "ADULT", "answers": {}}',
    "age NaN": '{"id": "x", "age": NaN, "answers": {}}',
    "answers null": _with_answers("null"),
    "answers a list": _with_answers('["DOCS_HELD"]'),
    "answers a text": _with_answers('"DOCS_HELD"'),
    "extra key": '{"id": "x", "age": "adult", "answers": {}, "lang": "ro"}',
    "unknown code": _with_answers('{"DOCS": "yes"}'),
    "unknown code denied": _with_answers('{"DOCS": "no"}'),
    "code in small letters": _with_answers('{"docs_held": "yes"}'),
    "empty code": _with_answers('{"": "yes"}'),
    "unknown answer": _with_answers('{"DOCS_HELD": "maybe"}'),
    "answer in capitals": _with_answers('{"DOCS_HELD": "Yes"}'),
    "answer true": _with_answers('{"DOCS_HELD": true}'),
    "answer null": _with_answers('{"DOCS_HELD": null}'),
    "answer a list": _with_answers('{"DOCS_HELD": ["yes"]}'),
    "answer an object": _with_answers('{"DOCS_HELD": {}}'),
    "answer skipped": _with_answers('{"DOCS_HELD": "skip"}'),
    "a number for another code": _with_answers('{"DOCS_HELD": 1}'),
    "too many depend": _with_answers('{"DEPENDENT": 5}'),
    "fewer than none depend": _with_answers('{"DEPENDENT": -1}'),
    "half a thing depends": _with_answers('{"DEPENDENT": 2.5}'),
    "DEPENDENT true": _with_answers('{"DEPENDENT": true}'),
    "DEPENDENT false": _with_answers('{"DEPENDENT": false}'),
    "DEPENDENT as text": _with_answers('{"DEPENDENT": "2"}'),
    "DEPENDENT NaN": _with_answers('{"DEPENDENT": NaN}'),
    "DEPENDENT infinite": _with_answers('{"DEPENDENT": Infinity}'),
    "DEPENDENT beyond floats": _with_answers('{"DEPENDENT": 1e400}'),
    "DEPENDENT beyond sense": _with_answers('{"DEPENDENT": %s}' % ("9" * 5000)),
    "age twice": '{"id": "x", "age": "adult", "age": "child", "answers": {}}',
    "answers twice": '{"id": "x", "age": "adult", "answers": {}, "answers": {}}',
    "a code twice": _with_answers('{"HURT": "yes", "HURT": "no"}'),
}
BAD_ID = {
    "id twice": '{"id": "x", "id": "y", "age": "adult", "answers": {}}',
    "id a list": '{"id": ["x"], "age": "adult", "answers": {}}',
    "id an object": '{"id": {"a": 1}, "age": "adult", "answers": {}}',
    "id NaN": '{"id": NaN, "age": "adult", "answers": {}}',
    "id infinite": '{"id": -1e999, "age": "adult", "answers": {}}',
    "id with too many digits": '{"id": %s, "age": "adult", "answers": {}}' % ("1" * 5000),
}


@pytest.mark.parametrize("line", [*BAD.values(), *BAD_ID.values()], ids=[*BAD, *BAD_ID])
def test_a_bad_line_is_answered_in_its_place(line: str | bytes) -> None:
    code, answers = _run(GOOD, line, GOOD)
    assert code == 2
    assert [answer["line"] for answer in answers] == [1, 2, 3]
    assert answers[1].keys() == {"line", "error"}
    assert _is_sentence(answers[1]["error"])
    assert answers[0]["outcome"] == answers[2]["outcome"] == "signs"


@pytest.mark.parametrize("line", BAD_WITH_ID.values(), ids=BAD_WITH_ID)
def test_a_bad_line_keeps_its_id(line: str) -> None:
    for written in (line, line.encode(), line + "\r\n"):
        code, answers = _run(written)
        assert code == 2
        assert answers[0].keys() == {"line", "id", "error"}
        assert answers[0]["id"] == "x"
        assert _is_sentence(answers[0]["error"])


def _is_sentence(error: object) -> bool:
    return isinstance(error, str) and error.endswith(".") and 10 < len(error) < 150


def test_the_errors_are_plain_words() -> None:
    errors = {
        "": "The line is empty.",
        '{"a"': "This is not JSON (column 5).",
        _with_answers('{"DOCS": "yes"}'): "There is no indicator `DOCS`.",
        _with_answers('{"HURT": 1}'): "HURT must be one of: yes, sometimes, no, unknown.",
        _with_answers('{"DEPENDENT": 9}'): (
            "DEPENDENT must be one of: yes, sometimes, no, unknown, or a whole number from 0 to 4."
        ),
        _with_answers('{"HURT": "yes", "HURT": "no"}'): (
            "The key `HURT` stands here more than once."
        ),
    }
    _, answers = _run(*errors)
    assert [answer["error"] for answer in answers] == list(errors.values())


def test_a_long_name_is_cut_in_an_error() -> None:
    assert len(str(_one(_with_answers('{"%s": "yes"}' % ("A" * 9000)))["error"])) < 100


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_line_may_be_as_long_as_the_limit(end: str) -> None:
    full = GOOD + " " * (MOST_BYTES - len(GOOD))
    assert "outcome" in _one(full + end)
    assert "outcome" in _one((full + end).encode())
    assert "error" in _one(" " + full + end)
    assert "error" in _one((" " + full + end).encode())


def test_length_is_counted_in_bytes() -> None:
    line = json.dumps({"id": "ж" * 40_000, "age": "adult", "answers": {}}, ensure_ascii=False)
    assert len(line) < MOST_BYTES
    assert "error" in _one(line)


def test_text_and_bytes_may_mix_and_a_byte_order_mark_is_no_mistake() -> None:
    code, answers = _run("\ufeff" + GOOD, GOOD.encode("utf-8-sig") + b"\r\n", GOOD + "\n")
    assert code == 0
    assert len(answers) == 3


def test_only_ascii_is_printed_and_one_line_per_line() -> None:
    out = io.StringIO()
    lines = [_with_answers('{"Ж\u2028": "yes"}'), GOOD.replace("{", '{"id": "\\u2028\\n", ', 1)]
    assess_lines(lines, out, indicators=INDICATORS)
    assert out.getvalue().isascii()
    assert len(out.getvalue().split("\n")) == len(lines) + 1


def test_each_line_is_answered_before_the_next_is_read() -> None:
    written = io.BytesIO()
    out = io.TextIOWrapper(io.BufferedWriter(cast("io.RawIOBase", written)))

    def lines() -> Iterator[str]:
        for number in range(5):
            assert written.getvalue().count(b"\n") == number
            yield GOOD

    assert assess_lines(lines(), out, indicators=INDICATORS) == 0


def test_nobody_is_told_a_verdict_or_a_score() -> None:
    lines = [
        json.dumps({"age": age, "answers": {code: "yes"}})
        for age in ("adult", "child", "not_sure", "skipped")
        for code in CODES
    ]
    _, answers = _run(*lines)
    for answer in answers:
        assert answer.keys() == {"line", "outcome", "urgency", "reasons", "rule_version"}
        assert answer["outcome"] in {outcome.value for outcome in Outcome}
        assert answer["urgency"] in {Urgency.NORMAL.value, Urgency.PRIORITY.value}
        told = json.dumps({**answer, "line": None, "rule_version": None})
        assert not re.search(r"[0-9%]|victim|score|level|risk", told)


JUNK = st.one_of(
    st.binary(max_size=80),
    st.text(max_size=80),
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
        max_leaves=8,
    ).map(json.dumps),
    st.fixed_dictionaries(
        {},
        optional={
            "age": st.sampled_from(["adult", "child", "x", 1, None]),
            "answers": st.dictionaries(
                st.sampled_from([*CODES, "X"]),
                st.sampled_from(["yes", "sometimes", "no", "unknown", "x"]) | st.integers(-1, 6),
            ),
            "id": st.none() | st.text(max_size=5) | st.floats() | st.lists(st.integers()),
        },
    ).map(json.dumps),
)


@given(st.lists(JUNK, max_size=6))
def test_any_lines_are_answered_one_for_one(lines: list[str | bytes]) -> None:
    code, answers = _run(*lines)
    assert [answer["line"] for answer in answers] == list(range(1, len(lines) + 1))
    assert code == (2 if any("error" in answer for answer in answers) else 0)
    for answer in answers:
        assert ("error" in answer) != ("outcome" in answer)


class Endless(io.RawIOBase):
    """One line far longer than the memory should hold, then a good one."""

    def __init__(self, length: int) -> None:
        self._left = length
        self._end = io.BytesIO(b"\n" + GOOD.encode() + b"\n")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        if not self._left:
            return self._end.readinto(view)
        size = min(len(view), self._left)
        view[:size] = b"x" * size
        self._left -= size
        return size


def test_a_line_without_an_end_does_not_fill_the_memory() -> None:
    sizes: list[int] = []

    def lines(source: Iterable[bytes]) -> Iterator[bytes]:
        for line in source:
            sizes.append(len(line))
            yield line

    stream = io.BufferedReader(Endless(20 * MOST_BYTES))
    out = io.StringIO()
    assert assess_lines(lines(bounded_lines(stream)), out, indicators=INDICATORS) == 2
    assert max(sizes) < 2 * MOST_BYTES
    first, second = _printed(out)
    assert "error" in first
    assert second["outcome"] == "signs"


@pytest.mark.parametrize(
    "text", [b"", b"a", b"a\n", b"a\nb", b"\n\n", b"a\r\nb\r\n", b"\xe2\x80\xa8\x0b\x85\n"]
)
def test_bounded_lines_of_short_lines_are_the_lines(text: bytes) -> None:
    assert list(bounded_lines(io.BytesIO(text))) == list(io.BytesIO(text))


@pytest.mark.parametrize("more", [-1, 0, 1, 2, 3, 4, MOST_BYTES, 2 * MOST_BYTES])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_bounded_lines_keep_count_around_the_limit(more: int, end: bytes) -> None:
    text = b"x" * (MOST_BYTES + more) + end + (GOOD.encode() if end else b"")
    lines = list(bounded_lines(io.BytesIO(text)))
    assert len(lines) == (2 if end else 1)
    assert len(lines[0].rstrip(b"\r\n")) > MOST_BYTES or more <= 0
    assert lines[1:] == ([GOOD.encode()] if end else [])


def test_a_binary_stream_is_read_in_bounds() -> None:
    class Watched(io.BytesIO):
        largest = 0

        def readline(self, size: int | None = -1, /) -> bytes:
            line = super().readline(size)
            self.largest = max(self.largest, len(line))
            return line

    stream = Watched(b"x" * (5 * MOST_BYTES) + b"\n" + GOOD.encode())
    out = io.StringIO()
    assert assess_lines(stream, out, indicators=INDICATORS) == 2
    assert stream.largest < 2 * MOST_BYTES
    assert ["error" in answer for answer in _printed(out)] == [True, False]


def test_shipped_table_can_be_used() -> None:
    assert indicators_of(ROOT) == INDICATORS


@pytest.mark.parametrize("text", [None, b"schema: 1\n", b"schema: \xff\n"])
def test_a_table_that_cannot_be_used_stops_the_start(text: bytes | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "flows").mkdir()
        (tmp_path / "flows/indicators.yaml").write_bytes(text)
    with pytest.raises(StartError, match=r"indicators\.yaml"):
        indicators_of(tmp_path)
