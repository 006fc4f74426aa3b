"""Order of outcomes, urgencies and weights, and what answers cannot be."""

from itertools import pairwise

import pytest

from bot.domain.indicators import (
    AgeAnswer,
    Answers,
    Outcome,
    Presence,
    Profile,
    Ranked,
    Rating,
    Urgency,
    Weight,
)


@pytest.mark.parametrize("kind", [Outcome, Urgency, Weight])
def test_ranks_grow_in_the_order_in_which_they_are_written(kind: type[Ranked]) -> None:
    for lower, higher in pairwise(kind):
        assert lower < higher
        assert lower <= higher
        assert higher > lower
        assert max(lower, higher) is higher


def test_ranks_of_different_kinds_cannot_be_compared() -> None:
    with pytest.raises(TypeError):
        assert Outcome.SIGNS < Urgency.NOW


@pytest.mark.parametrize("picked", [-1, 5, 100])
def test_more_picks_than_there_are_choices_are_refused(picked: int) -> None:
    with pytest.raises(ValueError, match="0 to 4"):
        Answers(age=AgeAnswer.ADULT, dependent=picked)


@pytest.mark.parametrize(
    ("age", "profile"),
    [
        (AgeAnswer.CHILD, Profile.CHILD),
        (AgeAnswer.NOT_SURE, Profile.CHILD),
        (AgeAnswer.ADULT, Profile.ADULT),
        (AgeAnswer.SKIPPED, Profile.ADULT),
    ],
)
def test_whose_weights_count(age: AgeAnswer, profile: Profile) -> None:
    rating = Rating(dimension=None, adult=Weight.WEAK, child=Weight.STRONG)
    assert age.profile is profile
    assert rating.weight(profile) is (Weight.STRONG if profile is Profile.CHILD else Weight.WEAK)


def test_only_yes_and_sometimes_are_signs() -> None:
    assert {presence for presence in Presence if presence.is_sign} == {
        Presence.YES,
        Presence.SOMETIMES,
    }
