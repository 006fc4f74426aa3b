"""The shipped table says what the reference says, and a wrong table is refused with its lines."""

from textwrap import dedent

import pytest

from bot.content.indicators import IndicatorProblems, load_indicators
from bot.content.problems import Problem
from bot.domain.indicators import Indicator, IndicatorCode, Profile, Weight
from tests.support.indicators import BUILT_IN_MEANS, CODES, INDICATORS, TABLE, THREATS, Row

LETTERS = {Weight.STRONG: "S", Weight.MEDIUM: "M", Weight.WEAK: "W", None: "-"}

# The items behind our codes as the list of the ILO and the European Commission weighs them for
# adults and children (reference, section 2.2), typed apart from the table of codes.
PUBLISHED = {
    "DECEIVED_NATURE": ("D1", "nature of job, place or employer", "SS"),
    "DECEIVED_TERMS": ("D1", "wages; conditions; contract; housing; documents", "MM"),
    "DECEIVED_PROMISE": ("D1", "family reunification; promise of marriage or adoption", "MM"),
    "PROMISE_SCHOOL": ("D1", "access to education", "WS"),
    "RECRUIT_FORCE": ("D2", "violence", "SS"),
    "RECRUIT_VULN": ("D3", "difficult family situation; illegal status; economic reasons", "MM"),
    "RECRUIT_DEPENDENCY": ("D3", "control of exploiters; emotional dependency", "MM"),
    "HOURS": ("D4", "excessive days or hours", "SS"),
    "LOW_PAY": ("D4", "low or no pay; wage manipulation", "MM"),
    "BAD_LIVING": ("D4", "bad living conditions", "MM"),
    "UNSAFE": ("D4", "hazardous work", "MM"),
    "NO_CONTRACT": ("D4", "labour law or contract ignored", "MM"),
    "DOCS_HELD": ("D5", "documents taken", "SS"),
    "DEBT": ("D5", "debt bondage", "SS"),
    "MOVEMENT": ("D5", "isolation, confinement, surveillance", "SS"),
    "HURT": ("D5", "violence", "SS"),
    "THREAT_HARM": ("D5", "threats of violence", "MS"),
    "PURPOSE_CRIME": ("D5", "forced into illegal activities", "MS"),
    "CANNOT_REFUSE": ("D5", "under strong influence", "MS"),
    "MUST_LIE": ("D5", "forced to act against peers; forced to lie", "MM"),
    "THREAT_AUTH": ("D5", "threat to report", "MM"),
    "THREAT_FAMILY": ("D5", "violence on family", "MM"),
    "PAY_KEPT": ("D5", "wages withheld", "MM"),
    "THREAT_EXPOSE": ("D5", "threat to tell family/community", "WM"),
    "DEPENDENT": ("D6", "dependency on exploiters", "MM"),
}


def _indicator(code: str) -> Indicator:
    return INDICATORS.indicators[IndicatorCode(code)]


def _weights(indicator: Indicator, profile: Profile) -> dict[str, str]:
    return {
        rating.dimension.value if rating.dimension else "form": LETTERS[rating.weight(profile)]
        for rating in indicator.ratings
    }


def test_codes_and_their_order_are_those_of_the_reference() -> None:
    assert tuple(TABLE) == CODES


def test_version_is_the_one_that_stands_beside_outcomes() -> None:
    assert INDICATORS.rule_version == "2026.1"


def test_topics_of_a_child_that_count_as_purpose() -> None:
    assert INDICATORS.child_purpose_topics == {
        "begging", "crime", "sex", "marriage", "organ", "baby",
    }  # fmt: skip


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_indicator_is_as_in_the_reference(row: Row) -> None:
    indicator = _indicator(row.code)
    extension = (indicator.htcds_x,) if indicator.htcds_x else ()

    assert indicator.code == row.code
    assert {element.value for element in indicator.elements} == row.elements
    expected = {} if row.dimension == "-" else {row.dimension: row.adult}
    assert _weights(indicator, Profile.ADULT) == expected
    expected = {} if row.dimension == "-" else {row.dimension: row.child}
    assert _weights(indicator, Profile.CHILD) == expected
    assert indicator.ilo == row.ilo
    assert indicator.proposed is row.proposed
    assert indicator.htcds + extension == row.htcds
    assert indicator.ctdc == row.ctdc


@pytest.mark.parametrize("code", PUBLISHED)
def test_published_weights_are_kept(code: str) -> None:
    dimension, _, weights = PUBLISHED[code]
    assert _weights(_indicator(code), Profile.ADULT) == {dimension: weights[0]}
    assert _weights(_indicator(code), Profile.CHILD) == {dimension: weights[1]}


def test_every_weight_is_published_pinned_or_marked_as_proposed() -> None:
    rated = {code for code in CODES if _indicator(code).ratings}
    proposed = {code for code in CODES if _indicator(code).proposed}
    assert rated - proposed - set(PUBLISHED) == {"FORCED_CLIENTS"}
    assert not proposed & set(PUBLISHED)
    assert {code for code in CODES if _indicator(code).source.date == "2026"} == proposed


@pytest.mark.parametrize("code", CODES)
def test_marks(code: str) -> None:
    indicator = _indicator(code)
    assert indicator.direct_purpose is code.startswith("PURPOSE_")
    assert indicator.built_in_means is (code in BUILT_IN_MEANS)
    assert indicator.threat is (code in THREATS)
    assert indicator.meaning.endswith(".")


BASE = dedent("""\
    schema: 1
    rule_version: "2026.1"
    child_purpose_topics: [sex]
    sources:
      list: {title: A list, date: "2009", seen: itself}
    indicators:
      HURT:
        meaning: The person is hurt.
        elements: [means]
        weights: {D5: {adult: medium, child: strong}}
        source: list
      HOURS:
        meaning: Too many hours.
        elements: [purpose]
        weights: {D4: {adult: strong, child: strong}}
        source: list
    """)


def _problems(text: str) -> tuple[Problem, ...]:
    with pytest.raises(IndicatorProblems) as caught:
        load_indicators(text, "flows/indicators.yaml")
    return caught.value.problems


def test_the_base_of_the_wrong_tables_is_right() -> None:
    assert tuple(load_indicators(BASE, "x").indicators) == ("HURT", "HOURS")


@pytest.mark.parametrize(
    ("right", "wrong", "line", "code"),
    [
        ("schema: 1", "schema: 2", 1, "schema:literal_error"),
        ('"2026.1"', '"soon"', 2, "schema:string_pattern_mismatch"),
        ("[sex]", "[sex, 3]", 3, "schema:string_type"),
        ("child_purpose_topics: [sex]", "topics: [sex]", 3, "schema:extra_forbidden"),
        ("seen: itself", "read: itself", 5, "schema:missing"),
        ("  HURT:", "  hurt:", 7, "schema:string_pattern_mismatch"),
        ("  HOURS:", "  HURT:", 12, "yaml:twice"),
        ("meaning: Too many hours.", "meaning:", 13, "schema:string_type"),
        ("elements: [means]", "elements: [mean]", 9, "schema:enum"),
        ("elements: [means]", "elements: []", 9, "schema:too_short"),
        ("medium", "medum", 10, "schema:enum"),
        ("{D5: {adult: medium, child: strong}}", "{D5: {adult: medium}}", 10, "schema:missing"),
        ("D5:", "D5: {child: weak}, D7:", 10, "schema:enum"),
        ("source: list\n  HOURS", "source: list\n    ilo: [12]\n  HOURS", 12,
         "schema:less_than_equal"),
        ("source: list\n  HOURS", "source: list\n    threat: yes\n  HOURS", 12,
         "schema:bool_type"),
        ("source: list\n  HOURS", "source: list\n    htcds_x: hurt\n  HOURS", 12,
         "schema:string_pattern_mismatch"),
        ("source: list\n  HOURS", "source: lost\n  HOURS", 11, "indicators:no-source"),
        ("medium, child: strong", "strong, child: medium", 10, "indicators:child-lower"),
        ("D5:", "D4:", 9, "indicators:no-weight"),
        ("D5:", "D4:", 9, "indicators:no-element"),
        ("[purpose]", "[purpose, means]", 14, "indicators:no-weight"),
        ("[purpose]", "[act]", 14, "indicators:no-element"),
        ("D4:", "form:", 15, "indicators:form"),
        ("source: list\n  HOURS", "source: list\n    built_in_means: true\n  HOURS", 12,
         "indicators:built-in"),
        ("[means]", "[means", 10, "yaml:broken"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_refused_at_its_line(
    right: str, wrong: str, line: int, code: str
) -> None:
    assert right in BASE
    problems = _problems(BASE.replace(right, wrong, 1))
    assert (line, code) in [(problem.line, problem.code) for problem in problems]
    assert all(problem.file == "flows/indicators.yaml" for problem in problems)
    assert all(problem.sentence and problem.remedy for problem in problems)


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file() -> None:
    text = (
        BASE.replace("schema: 1", "schema: 9")
        .replace("medium, child: strong", "strong, child: weak")
        .replace("source: list\n  HOURS", "source: lost\n  HOURS")
        .replace("Too many hours.", "")
    )
    assert [(problem.line, problem.code) for problem in _problems(text)] == [
        (1, "schema:literal_error"),
        (10, "indicators:child-lower"),
        (11, "indicators:no-source"),
        (13, "schema:string_type"),
    ]


@pytest.mark.parametrize("text", ["", "[]", "3", "indicators: 3", "indicators: []", "sources: x"])
def test_what_is_no_table_is_refused(text: str) -> None:
    assert _problems(text)


def test_what_cannot_be_read_is_one_problem() -> None:
    assert [problem.code for problem in _problems("a: [")] == ["yaml:broken"]


def test_the_number_of_problems_stands_in_the_exception() -> None:
    with pytest.raises(IndicatorProblems, match="1 problems"):
        load_indicators("a: [", "x")
