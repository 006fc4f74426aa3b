"""The outcome rule: the worked cases, the edges of each clause, each sign alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TypedDict

import pytest
import yaml

from bot.domain.indicators import (
    AgeAnswer,
    Answers,
    Assessment,
    Dimension,
    Ground,
    Hit,
    IndicatorCode,
    Outcome,
    Presence,
    Urgency,
    Weight,
)
from bot.engine.assess import assess, is_positive
from tests.support.indicators import BUILT_IN_MEANS, CODES, INDICATORS, THREATS

S, M, W = Weight.STRONG, Weight.MEDIUM, Weight.WEAK
CHILDREN = (AgeAnswer.CHILD, AgeAnswer.NOT_SURE)
ADULTS = (AgeAnswer.ADULT, AgeAnswer.SKIPPED)


class Given(TypedDict, total=False):
    age: str
    signs: list[str]
    sometimes: list[str]
    absent: list[str]
    unknown: list[str]
    dependent: int
    purpose_topic: bool
    danger_now: bool
    self_harm: bool
    pregnancy_or_illness: bool
    contact_within_week: bool


class Then(TypedDict, total=False):
    outcome: str
    urgency: str
    positive: list[str]
    reasons: list[str]
    by_topic: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    case: str
    why: str
    given: Given
    then: Then


def _cases() -> list[Case]:
    text = Path(__file__).with_name("assess_cases.yaml").read_text(encoding="utf-8")
    return [Case(**entry) for entry in yaml.safe_load(text)]


CASES = _cases()


def _answers(given: Given) -> Answers:
    listed = (
        (given.get("signs", []), Presence.YES),
        (given.get("sometimes", []), Presence.SOMETIMES),
        (given.get("absent", []), Presence.NO),
        (given.get("unknown", []), Presence.UNKNOWN),
    )
    presence = {IndicatorCode(code): is_there for codes, is_there in listed for code in codes}
    assert presence.keys() <= set(CODES)
    return Answers(
        age=AgeAnswer(given.get("age")),
        presence=presence,
        dependent=given.get("dependent", 0),
        purpose_topic=given.get("purpose_topic", False),
        danger_now=given.get("danger_now", False),
        self_harm=given.get("self_harm", False),
        pregnancy_or_illness=given.get("pregnancy_or_illness", False),
        contact_within_week=given.get("contact_within_week", False),
    )


def _assess(*codes: str, age: AgeAnswer = AgeAnswer.ADULT) -> Assessment:
    presence = {IndicatorCode(code): Presence.YES for code in codes}
    return assess(INDICATORS, Answers(age=age, presence=presence))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.case)
def test_worked_case(case: Case) -> None:
    given, then = case.given, case.then
    assert not given.keys() - Given.__annotations__.keys()
    assert not then.keys() - Then.__annotations__.keys()

    found = assess(INDICATORS, _answers(given))

    assert found.outcome.value == then.get("outcome")
    assert found.urgency.value == then.get("urgency", "normal")
    assert [dimension.value for dimension in found.positive] == then.get("positive", [])
    reported = [*given.get("signs", []), *given.get("sometimes", [])]
    assert list(found.codes) == then.get("reasons", reported)
    assert found.by_topic is then.get("by_topic", False)
    assert found.rule_version == "2026.1"


def test_all_worked_cases_of_the_reference_are_there() -> None:
    assert [case.case for case in CASES if len(case.case) == 1] == list("abcdefghijk")


@pytest.mark.parametrize(
    ("weights", "positive"),
    [
        ([], False),
        ([S], False),
        ([S, S], True),
        ([S, M], True),
        ([S, W], True),
        ([M], False),
        ([M, M], False),
        ([M, M, M], True),
        ([M, M, W], True),
        ([M, W], False),
        ([M, W, W], False),
        ([M, W, W, W, W, W], False),
        ([W], False),
        ([W, W], False),
        ([W, W, W, W, W, W], False),
    ],
)
def test_a_dimension_turns_positive(weights: Sequence[Weight], positive: bool) -> None:
    assert is_positive(weights) is positive
    assert is_positive(reversed(weights)) is positive


@pytest.mark.parametrize(("strong", "medium", "weak"), [*product(range(4), repeat=3)])
def test_positive_is_the_published_rule(strong: int, medium: int, weak: int) -> None:
    a = strong >= 2
    b = strong >= 1 and medium + weak >= 1
    c = medium >= 3
    d = medium >= 2 and weak >= 1
    assert is_positive([S] * strong + [M] * medium + [W] * weak) is (a or b or c or d)


ALONE_ENOUGH_FOR_SIGNS = {
    "RECRUIT_FORCE",
    "DOCS_HELD",
    "DEBT",
    "MOVEMENT",
    "HURT",
    "FORCED_CLIENTS",
    "CRIME_QUOTA",
} | BUILT_IN_MEANS
PURPOSES = {
    "HOURS",
    "LOW_PAY",
    "BAD_LIVING",
    "UNSAFE",
    "NO_CARE",
    "NO_CONTRACT",
    "PURPOSE_SEX",
    "PURPOSE_SERVITUDE",
} | BUILT_IN_MEANS


@pytest.mark.parametrize("age", ADULTS)
@pytest.mark.parametrize("code", CODES)
def test_one_sign_alone_of_an_adult(code: str, age: AgeAnswer) -> None:
    enough = code in ALONE_ENOUGH_FOR_SIGNS
    found = _assess(code, age=age)
    assert found.outcome is (Outcome.SIGNS if enough else Outcome.RIGHTS_ADVICE)
    sooner = code in THREATS or age is AgeAnswer.SKIPPED
    assert found.urgency is (Urgency.PRIORITY if sooner else Urgency.NORMAL)
    assert found.codes == (code,)


@pytest.mark.parametrize("age", CHILDREN)
@pytest.mark.parametrize("code", CODES)
def test_one_sign_alone_of_a_child(code: str, age: AgeAnswer) -> None:
    found = _assess(code, age=age)
    if code in PURPOSES:
        assert found.outcome is Outcome.SEVERAL_SIGNS
    elif code == "ARRANGED_BY_OTHER":
        assert found.outcome is Outcome.RIGHTS_ADVICE
    else:
        assert found.outcome is Outcome.SIGNS
    assert found.urgency is Urgency.PRIORITY


@pytest.mark.parametrize("code", sorted(BUILT_IN_MEANS))
def test_built_in_means_are_one_medium_sign_in_d5(code: str) -> None:
    hits = _assess(code).reasons[0].hits
    assert [hit for hit in hits if hit.dimension is Dimension.D5] == [Hit(Dimension.D5, M)]


@pytest.mark.parametrize("code", ["PURPOSE_SEX", "PURPOSE_SERVITUDE"])
def test_gaining_from_work_is_not_yet_a_means(code: str) -> None:
    assert all(hit.dimension in {None, Dimension.D4} for hit in _assess(code).reasons[0].hits)


def test_a_child_has_the_weights_of_a_child() -> None:
    adult = _assess("THREAT_HARM", "CANNOT_REFUSE", "SUBSTANCES").reasons
    child = _assess("THREAT_HARM", "CANNOT_REFUSE", "SUBSTANCES", age=AgeAnswer.NOT_SURE).reasons
    assert [reason.hits for reason in adult] == [(Hit(Dimension.D5, M),)] * 3
    assert [reason.hits for reason in child] == [(Hit(Dimension.D5, S),)] * 3


@pytest.mark.parametrize("picks", range(5))
def test_each_thing_that_depends_is_one_medium_sign(picks: int) -> None:
    found = assess(INDICATORS, Answers(age=AgeAnswer.ADULT, dependent=picks))
    assert [reason.hits for reason in found.reasons] == (
        [(Hit(Dimension.D6, M),) * picks] if picks else []
    )


@pytest.mark.parametrize("picks", [-1, 5])
def test_more_things_than_there_are_cannot_be_picked(picks: int) -> None:
    with pytest.raises(ValueError, match="from 0 to 4"):
        Answers(age=AgeAnswer.ADULT, dependent=picks)


def test_a_yes_beside_a_number_of_things_counts_once() -> None:
    dependent = {IndicatorCode("DEPENDENT"): Presence.YES}
    found = assess(INDICATORS, Answers(age=AgeAnswer.ADULT, presence=dependent, dependent=2))
    assert found.reasons[0].hits == (Hit(Dimension.D6, M),) * 2


@pytest.mark.parametrize("age", AgeAnswer)
def test_every_sign_together_is_several_signs(age: AgeAnswer) -> None:
    found = _assess(*CODES, age=age)
    assert found.outcome is Outcome.SEVERAL_SIGNS
    assert found.codes == CODES


def test_a_code_that_the_table_does_not_know_is_passed_over() -> None:
    assert _assess("GONE_WITH_AN_OLD_RELEASE").outcome is Outcome.INFORMATION


def test_operators_see_which_clauses_held() -> None:
    assert _assess("PURPOSE_SEX").grounds == (Ground.SOME_SIGN,)
    assert _assess("DOCS_HELD", "DEBT", "HOURS").grounds == (
        Ground.SOME_SIGN,
        Ground.PURPOSE_SIGN_AND_MEANS,
        Ground.STRONG_COERCION,
        Ground.COERCION,
    )
    assert _assess("PURPOSE_ORGAN", "DECEIVED_NATURE", "DECEIVED_TERMS").grounds == (
        Ground.SOME_SIGN,
        Ground.PURPOSE_SIGN_AND_MEANS,
        Ground.PURPOSE_AND_MEANS_SIGN,
        Ground.PURPOSE_AND_MEANS,
    )
    assert _assess("LOW_PAY", "MUST_LIE", age=AgeAnswer.CHILD).grounds == (
        Ground.SOME_SIGN,
        Ground.CHILD_AND_MEANS,
        Ground.CHILD_AND_PURPOSE,
    )


def test_outcomes_urgencies_and_weights_are_ordered() -> None:
    assert [outcome.value for outcome in sorted(Outcome)] == [
        "information",
        "rights_advice",
        "signs",
        "several_signs",
    ]
    assert Urgency.NORMAL < Urgency.PRIORITY < Urgency.NOW
    assert W < M < S


def test_an_outcome_cannot_be_compared_with_an_urgency() -> None:
    with pytest.raises(TypeError):
        _ = Outcome.SIGNS < Urgency.NOW


def test_answers_do_not_show_themselves() -> None:
    shown = repr(Answers(age=AgeAnswer.CHILD, dependent=4, self_harm=True))
    assert shown == "Answers()"


def test_an_assessment_shows_no_reasons_by_itself() -> None:
    shown = repr(_assess("DOCS_HELD"))
    assert "DOCS_HELD" not in shown
    assert "signs" in shown
