"""Who is helped first."""

from dataclasses import replace
from itertools import product

import pytest

from bot.dialogue.queue import rank_of
from bot.domain.conversation import Facts, new_conversation
from bot.domain.indicators import Outcome, Urgency
from tests.support.graphs import EN

AGES = ("child", "not_sure", "adult", "dont_know", "skip", None)


def _rank(urgency: Urgency, age: str | None, outcome: Outcome | None, *, shown: bool) -> int:
    facts: Facts = {"age": (age,)} if age else {}
    new = new_conversation(release=1, language=EN, nonce="n", facts=facts)
    return rank_of(replace(new, urgency=urgency, outcome=outcome, show_answers=shown))


@pytest.mark.parametrize("shown", [False, True])
@pytest.mark.parametrize(
    ("urgency", "age", "outcome"), [*product(Urgency, AGES, (None, *Outcome))]
)
def test_danger_then_children_then_several_signs_then_everybody(
    urgency: Urgency, age: str | None, outcome: Outcome | None, shown: bool
) -> None:
    """What a person keeps from the operator still counts for the order."""
    order = (
        urgency is Urgency.NOW,
        age in {"child", "not_sure"},
        outcome is Outcome.SEVERAL_SIGNS,
        True,
    )
    assert _rank(urgency, age, outcome, shown=shown) == order.index(True)
