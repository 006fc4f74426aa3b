"""Who answers: the table of moves, walked through every (owner, move) pair."""

import pytest

from bot.domain.control import (
    MOVES,
    Control,
    Fence,
    IllegalMoveError,
    Move,
    Owner,
    announced,
    can_move,
    moved,
    renewed,
)
from bot.domain.ids import Milliseconds, OperatorId

ANNA = OperatorId("anna")
UNTIL = Milliseconds(60_000)


def _control(owner: Owner) -> Control:
    held = owner is Owner.OPERATOR
    return Control(
        owner=owner,
        fence=Fence(7, "before"),
        operator=ANNA if held else None,
        lease_until=UNTIL if held else None,
        announced=held,
    )


# The table once more, as design section 4 draws it.
DRAWN = {
    Owner.BOT: {Owner.WAITING, Owner.CLOSED},
    Owner.WAITING: {Owner.BOT, Owner.OPERATOR, Owner.CLOSED},
    Owner.OPERATOR: {Owner.BOT, Owner.WAITING, Owner.CLOSED},
    Owner.CLOSED: set[Owner](),
}


@pytest.mark.parametrize("move", Move)
@pytest.mark.parametrize("owner", Owner)
def test_every_owner_and_move(owner: Owner, move: Move) -> None:
    before = _control(owner)
    allowed = (owner, move) in MOVES
    assert can_move(before, move) is allowed
    claims = move is Move.CLAIM
    operator, until = (ANNA, UNTIL) if claims else (None, None)
    if not allowed:
        with pytest.raises(IllegalMoveError):
            moved(before, move, nonce="after", operator=operator, lease_until=until)
        return
    after = moved(before, move, nonce="after", operator=operator, lease_until=until)
    assert after.owner is MOVES[owner, move]
    assert after.owner in DRAWN[owner]
    assert after.fence == Fence(8, "after"), "whoever holds the old fence may not speak"
    assert (after.operator, after.lease_until) == (operator, until)
    assert not after.announced


def test_the_table_has_every_arrow_of_the_drawing() -> None:
    for owner, ways in DRAWN.items():
        assert {to for (start, _), to in MOVES.items() if start is owner} == ways


def test_nothing_leads_out_of_a_closed_conversation() -> None:
    assert not [move for move in Move if can_move(_control(Owner.CLOSED), move)]


@pytest.mark.parametrize("owner", Owner)
@pytest.mark.parametrize("operator", [None, ANNA])
@pytest.mark.parametrize("until", [None, UNTIL])
def test_an_operator_and_a_lease_belong_to_a_claim_and_only_there(
    owner: Owner, operator: OperatorId | None, until: Milliseconds | None
) -> None:
    claimed = owner is Owner.OPERATOR
    if (operator is not None) is claimed and (until is not None) is claimed:
        Control(owner=owner, fence=Fence(1, "n"), operator=operator, lease_until=until)
        return
    with pytest.raises(ValueError, match="OPERATOR"):
        Control(owner=owner, fence=Fence(1, "n"), operator=operator, lease_until=until)


def test_renewing_and_announcing_keep_the_fence() -> None:
    before = _control(Owner.OPERATOR)
    later = renewed(before, Milliseconds(90_000))
    assert (later.lease_until, later.fence) == (90_000, before.fence)
    assert announced(later).announced
    assert announced(later).fence == before.fence


def test_two_histories_with_the_same_number_are_kept_apart() -> None:
    here = moved(_control(Owner.BOT), Move.ASK, nonce="one")
    there = moved(_control(Owner.BOT), Move.ASK, nonce="two")
    assert here.fence.number == there.fence.number
    assert here.fence != there.fence
