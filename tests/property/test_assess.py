"""What the outcome rule promises for any answers: fair, monotone, blind to order, explained."""

import dataclasses
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.indicators import (
    AgeAnswer,
    Answers,
    Assessment,
    Ground,
    IndicatorCode,
    Outcome,
    Presence,
    Urgency,
)
from bot.engine.assess import assess
from tests.support.indicators import BUILT_IN_MEANS, CODES, INDICATORS, TABLE, THREATS

SIGNS = (Presence.YES, Presence.SOMETIMES)
NOT_SIGNS = (Presence.NO, Presence.UNKNOWN)
FLAGS = (
    "purpose_topic",
    "danger_now",
    "self_harm",
    "pregnancy_or_illness",
    "contact_within_week",
)

presences = st.dictionaries(st.sampled_from(CODES), st.sampled_from(Presence))
answers = st.builds(
    Answers,
    age=st.sampled_from(AgeAnswer),
    presence=presences,
    dependent=st.integers(0, 4),
    **{flag: st.booleans() for flag in FLAGS},
)
codes = st.sampled_from(CODES)


def _found(given_answers: Answers) -> Assessment:
    return assess(INDICATORS, given_answers)


def _with(before: Answers, code: IndicatorCode, presence: Presence) -> Answers:
    return dataclasses.replace(before, presence={**before.presence, code: presence})


def _flagged(before: Answers, flag: str, *, is_set: bool) -> Answers:
    changed: dict[str, Any] = {flag: is_set}
    return dataclasses.replace(before, **changed)


def _never_lower(before: Assessment, after: Assessment) -> None:
    assert after.outcome >= before.outcome
    assert after.urgency >= before.urgency
    assert set(after.codes) >= set(before.codes)
    assert set(after.grounds) >= set(before.grounds)
    assert set(after.positive) >= set(before.positive)


# The rule once more, as plainly as the reference writes it and from the table typed apart.


def _counts(given_answers: Answers, profile: str) -> dict[str, str]:
    """The letters that count in each dimension."""
    letters = {f"D{number}": "" for number in range(1, 7)}
    for code in _hits(given_answers):
        row = TABLE[code]
        weight = row.adult if profile == "adult" else row.child
        times = 1
        if code == "DEPENDENT":
            says_so = given_answers.presence.get(code) in SIGNS
            times = max(given_answers.dependent, int(says_so))
        if row.dimension in letters:
            letters[row.dimension] += weight * times
        if code in BUILT_IN_MEANS - {"PURPOSE_CRIME"}:
            letters["D5"] += "M"
    return letters


def _hits(given_answers: Answers) -> set[IndicatorCode]:
    hits = {code for code, presence in given_answers.presence.items() if presence in SIGNS}
    if given_answers.dependent:
        hits.add(IndicatorCode("DEPENDENT"))
    return hits


def _positive(letters: str) -> bool:
    s, m, w = letters.count("S"), letters.count("M"), letters.count("W")
    return s >= 2 or (s >= 1 and m + w >= 1) or m >= 3 or (m >= 2 and w >= 1)


def _expected_outcome(given_answers: Answers) -> str:
    child = given_answers.age in {AgeAnswer.CHILD, AgeAnswer.NOT_SURE}
    hits = _hits(given_answers)
    letters = _counts(given_answers, "child" if child else "adult")
    means = {d: letters[d] for d in ("D1", "D2", "D3", "D5", "D6")}
    purpose_signal = any("purpose" in TABLE[code].elements for code in hits) or (
        child and given_answers.purpose_topic
    )
    purpose_positive = _positive(letters["D4"]) or any(c.startswith("PURPOSE_") for c in hits)
    means_signal = any("S" in found or "M" in found for found in means.values())
    means_positive = any(_positive(found) for found in means.values())
    if (purpose_positive and means_positive) or (child and purpose_signal):
        return "several_signs"
    if (
        (purpose_signal and means_positive)
        or (purpose_positive and means_signal)
        or "S" in letters["D2"] + letters["D5"]
        or _positive(letters["D2"])
        or _positive(letters["D5"])
        or (child and any(means.values()))
    ):
        return "signs"
    return "rights_advice" if hits else "information"


def _expected_urgency(given_answers: Answers) -> str:
    hits = _hits(given_answers)
    if given_answers.danger_now or given_answers.self_harm:
        return "now"
    if (
        given_answers.age in {AgeAnswer.CHILD, AgeAnswer.NOT_SURE}
        or (given_answers.age is AgeAnswer.SKIPPED and hits)
        or hits & THREATS
        or given_answers.pregnancy_or_illness
        or given_answers.contact_within_week
    ):
        return "priority"
    return "normal"


@given(answers)
def test_the_rule_is_the_one_of_the_reference(any_answers: Answers) -> None:
    found = _found(any_answers)
    assert found.outcome.value == _expected_outcome(any_answers)
    assert found.urgency.value == _expected_urgency(any_answers)


@pytest.mark.parametrize("age", AgeAnswer)
def test_every_pair_of_signs_is_as_in_the_reference(age: AgeAnswer) -> None:
    for pair in combinations(CODES, 2):
        both = Answers(age=age, presence=dict.fromkeys(pair, Presence.YES))
        assert _found(both).outcome.value == _expected_outcome(both), pair


@given(answers, codes, st.sampled_from(SIGNS))
def test_one_more_yes_never_lowers_anything(
    before: Answers, code: IndicatorCode, sign: Presence
) -> None:
    _never_lower(_found(before), _found(_with(before, code, sign)))


@given(answers, codes, st.sampled_from(NOT_SIGNS))
def test_no_and_unknown_are_as_if_never_asked(
    given_answers: Answers, code: IndicatorCode, answer: Presence
) -> None:
    asked = {c: p for c, p in given_answers.presence.items() if c != code}
    without = dataclasses.replace(given_answers, presence=asked)
    assert _found(_with(without, code, answer)) == _found(without)


@given(answers)
def test_all_that_is_no_sign_can_be_left_out(given_answers: Answers) -> None:
    signs = {c: p for c, p in given_answers.presence.items() if p in SIGNS}
    assert _found(given_answers) == _found(dataclasses.replace(given_answers, presence=signs))


@given(answers)
def test_sometimes_is_yes(given_answers: Answers) -> None:
    told = {
        code: Presence.YES if presence is Presence.SOMETIMES else presence
        for code, presence in given_answers.presence.items()
    }
    assert _found(given_answers) == _found(dataclasses.replace(given_answers, presence=told))


@given(answers, st.data())
def test_order_of_answers_does_not_matter(given_answers: Answers, data: st.DataObject) -> None:
    shuffled = dict(data.draw(st.permutations(list(given_answers.presence.items()))))
    assert _found(given_answers) == _found(dataclasses.replace(given_answers, presence=shuffled))


@given(answers)
def test_perhaps_a_child_is_a_child_and_never_below_an_adult(given_answers: Answers) -> None:
    by_age = {age: _found(dataclasses.replace(given_answers, age=age)) for age in AgeAnswer}
    assert by_age[AgeAnswer.NOT_SURE] == by_age[AgeAnswer.CHILD]
    assert by_age[AgeAnswer.SKIPPED].outcome is by_age[AgeAnswer.ADULT].outcome
    _never_lower(by_age[AgeAnswer.ADULT], by_age[AgeAnswer.SKIPPED])
    _never_lower(by_age[AgeAnswer.SKIPPED], by_age[AgeAnswer.NOT_SURE])
    assert by_age[AgeAnswer.CHILD].urgency >= Urgency.PRIORITY


@given(answers, st.integers(0, 4), st.integers(0, 4))
def test_more_that_depends_never_lowers_anything(
    given_answers: Answers, picks: int, others: int
) -> None:
    fewer, more = sorted((picks, others))
    _never_lower(
        _found(dataclasses.replace(given_answers, dependent=fewer)),
        _found(dataclasses.replace(given_answers, dependent=more)),
    )


@given(answers, st.sampled_from(FLAGS))
def test_nothing_the_person_adds_lowers_anything(given_answers: Answers, flag: str) -> None:
    _never_lower(
        _found(_flagged(given_answers, flag, is_set=False)),
        _found(_flagged(given_answers, flag, is_set=True)),
    )


@given(answers, st.sampled_from(FLAGS[1:]))
def test_danger_and_health_never_change_the_outcome(given_answers: Answers, flag: str) -> None:
    with_it = _found(_flagged(given_answers, flag, is_set=True))
    without = _found(_flagged(given_answers, flag, is_set=False))
    assert with_it.outcome is without.outcome
    assert with_it.reasons == without.reasons


@given(answers)
def test_the_topic_of_an_adult_does_not_count(given_answers: Answers) -> None:
    adult = dataclasses.replace(given_answers, age=AgeAnswer.ADULT)
    assert _found(dataclasses.replace(adult, purpose_topic=True)) == _found(
        dataclasses.replace(adult, purpose_topic=False)
    )


@given(answers)
def test_it_explains_itself(given_answers: Answers) -> None:
    found = _found(given_answers)
    assert set(found.codes) == _hits(given_answers)
    assert list(found.codes) == sorted(found.codes, key=CODES.index)
    assert found.outcome is max((g.outcome for g in found.grounds), default=Outcome.INFORMATION)
    assert (found.outcome > Outcome.INFORMATION) == bool(found.reasons or found.by_topic)
    assert (Ground.SOME_SIGN in found.grounds) == bool(found.reasons)
    assert found.rule_version == INDICATORS.rule_version


@given(answers, st.dictionaries(st.text(), st.sampled_from(Presence)))
def test_codes_of_other_releases_change_nothing(
    given_answers: Answers, unknown: dict[str, Presence]
) -> None:
    others = {IndicatorCode(c): p for c, p in unknown.items() if c not in CODES}
    more = dataclasses.replace(given_answers, presence={**others, **given_answers.presence})
    assert _found(more) == _found(given_answers)


def test_the_rule_sees_no_words_and_no_language() -> None:
    seen = {field.name for field in dataclasses.fields(Answers)}
    assert seen == {"age", "presence", "dependent", *FLAGS}
