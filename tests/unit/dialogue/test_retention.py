"""How long a conversation is kept, by who answers and whether there is a return code."""

from dataclasses import replace

import pytest

from bot.dialogue.retention import Retention
from bot.domain.control import Control, Fence, Owner
from bot.domain.conversation import Conversation, new_conversation
from bot.domain.ids import Milliseconds
from tests.support.graphs import EN, LEASE, OPERATOR

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def _owned_by(owner: Owner, *, code: bool = False) -> Conversation:
    held = owner is Owner.OPERATOR
    control = Control(
        owner=owner,
        fence=Fence(1, "n"),
        operator=OPERATOR if held else None,
        lease_until=LEASE if held else None,
    )
    new = new_conversation(release=1, language=EN, nonce="n", facts={})
    return replace(new, control=control, has_code=code)


# The table of design section 9.
@pytest.mark.parametrize(
    ("owner", "kept"),
    [
        (Owner.BOT, 30 * MINUTE),
        (Owner.WAITING, 72 * HOUR),
        (Owner.OPERATOR, 72 * HOUR),
        (Owner.CLOSED, 24 * HOUR),
    ],
)
def test_what_we_promise(owner: Owner, kept: int) -> None:
    assert Retention().keep_for(_owned_by(owner)) == kept
    assert Retention().keep_for(_owned_by(owner, code=True)) == 30 * DAY


@pytest.mark.parametrize("owner", Owner)
def test_a_code_never_shortens_what_is_kept(owner: Owner) -> None:
    short = Retention(bot_minutes=30, waiting_hours=72, code_days=1)
    without = short.keep_for(_owned_by(owner))
    assert short.keep_for(_owned_by(owner, code=True)) == max(without, Milliseconds(DAY))


def test_a_deployment_may_choose_its_own_periods() -> None:
    own = Retention(bot_minutes=5, waiting_hours=1, owned_hours=2, closed_hours=3, code_days=0)
    kept = [own.keep_for(_owned_by(owner, code=True)) for owner in Owner]
    assert kept == [5 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR]
