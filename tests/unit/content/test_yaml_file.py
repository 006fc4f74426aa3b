"""YAML as authors write it: every value keeps its line, and every surprise becomes a problem."""

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from bot.content.yaml_file import MOST_BYTES, MOST_DEPTH, YamlFile, parse_yaml, validated


def parse(text: str) -> YamlFile:
    return parse_yaml(dedent(text), "flows/some.yaml")


def codes(parsed: YamlFile) -> list[tuple[int, str]]:
    return [(problem.line, problem.code) for problem in parsed.problems]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("Off", "Off"),
        ("true", True),
        ("false", False),
        ("True", "True"),
        ("null", None),
        ("~", None),
        ("", None),
        ("5", 5),
        ("-5", -5),
        ("0", 0),
        ("007", "007"),
        ("1_000", "1_000"),
        ("0x10", "0x10"),
        ("1.5", "1.5"),
        ("12:30", "12:30"),
        ("2026-11-14", "2026-11-14"),
        ("112 ", 112),
        ("'112'", "112"),
        ('"true"', "true"),
        ("=", "="),
        ("!!python/object:os.system x", "x"),
    ],
)
def test_plain_words_stay_words(written: str, value: object) -> None:
    parsed = parse_yaml(f"a: {written}", "f")
    assert parsed.problems == []
    assert parsed.data == {"a": value}


def test_keys_are_words_too() -> None:
    assert parse("{yes: 1, no: 2, 3: 4}").data == {"yes": 1, "no": 2, "3": 4}


def test_every_value_keeps_its_line() -> None:
    parsed = parse(
        """\
        first: 1
        nodes:
          here:
            say:
              - One.
              - Two.
            next: [a, {b: c}]
        """
    )
    assert parsed.line(("first",)) == 1
    assert parsed.line(("nodes", "here")) == 3
    assert parsed.line(("nodes", "here", "say", 1)) == 6
    assert parsed.line(("nodes", "here", "next", 1, "b")) == 7


def test_unknown_place_has_the_line_of_what_is_around_it() -> None:
    parsed = parse("a:\n  b:\n    c: 1\n")
    assert parsed.line(("a", "b", "x", "y")) == 2
    assert parsed.line(("x",)) == 1


def test_key_that_stands_twice_is_reported_at_the_second_and_the_first_is_kept() -> None:
    parsed = parse("a: 1\nb:\n  c: 2\n  c: 3\na: 4\n")
    assert codes(parsed) == [(4, "yaml:twice"), (5, "yaml:twice")]
    assert parsed.data == {"a": 1, "b": {"c": 2}}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: [1", 1),
        ("a: 1\n  b: 2\n", 2),
        ("a: 'open\n", 2),
        ("a: 1\nb: @x\n", 2),
        ("a: 1\n\tb: 2\n", 2),
        ("a: *nobody\n", 1),
        ("a: 1\n---\nb: 2\n", 2),
    ],
)
def test_broken_file_is_one_problem_near_its_place(text: str, line: int) -> None:
    (problem,) = parse_yaml(text, "flows/some.yaml").problems
    assert (problem.file, problem.code) == ("flows/some.yaml", "yaml:broken")
    assert abs(problem.line - line) <= 1
    assert problem.remedy


def test_characters_that_yaml_does_not_allow_are_a_problem() -> None:
    assert [code for _, code in codes(parse_yaml("a: \x00", "f"))] == ["yaml:broken"]


def test_empty_file_has_no_data() -> None:
    parsed = parse_yaml("# nothing\n", "f")
    assert (parsed.data, parsed.problems) == (None, [])


def test_too_large_file_is_not_read() -> None:
    parsed = parse_yaml("a" * (MOST_BYTES + 1), "f")
    assert (parsed.data, codes(parsed)) == (None, [(1, "yaml:too-large")])


def test_too_deep_file_is_a_problem() -> None:
    assert parse_yaml("[" * MOST_DEPTH + "]" * MOST_DEPTH, "f").problems == []
    deep = parse_yaml("[" * (MOST_DEPTH + 2) + "]" * (MOST_DEPTH + 2), "f")
    assert {code for _, code in codes(deep)} == {"yaml:too-deep"}


def test_aliases_are_not_followed() -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))]
    assert "yaml:alias" in {code for _, code in codes(parse_yaml("\n".join(lines), "f"))}


@given(st.text(max_size=200))
def test_nothing_raises(text: str) -> None:
    parse_yaml(text, "f")


# --- Against a model ----------------------------------------------------------------------------


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: int


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    items: dict[str, Inner]


def test_good_data_becomes_the_model() -> None:
    parsed = parse("name: n\nitems:\n  a: {size: 1}\n")
    found = validated(parsed, Outer)
    assert found is not None
    assert (found.name, found.items["a"].size) == ("n", 1)


def test_all_mistakes_are_reported_at_once_with_their_lines() -> None:
    parsed = parse(
        """\
        items:
          a:
            size: small
          b:
            size: 1
            color: red
          c: {}
        extra: 1
        """
    )
    assert validated(parsed, Outer) is None
    assert sorted(codes(parsed)) == [
        (1, "schema:missing"),  # name
        (3, "schema:int_parsing"),
        (6, "schema:extra_forbidden"),
        (7, "schema:missing"),  # c.size
        (8, "schema:extra_forbidden"),
    ]
    assert any("`items.a.size`" in problem.sentence for problem in parsed.problems)


def test_problem_never_repeats_what_was_written() -> None:
    parsed = parse("name: n\nitems:\n  a: {size: something very private}\n")
    validated(parsed, Outer)
    assert "private" not in str(parsed.problems)


def test_file_that_is_no_mapping_is_a_problem_of_the_file() -> None:
    parsed = parse("- a\n")
    assert validated(parsed, Outer) is None
    assert "`the file`" in parsed.problems[0].sentence
