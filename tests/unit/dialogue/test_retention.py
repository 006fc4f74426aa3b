"""How long a conversation is kept, by who answers and whether there is a return code."""

from dataclasses import replace
from typing import Any

import pytest

from bot.dialogue.retention import Retention
from bot.domain.consent import PackageId, Receipt, ReceiptState, ReceiverId, ReferralId
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


# What was sent about the person


def _with_receipt(owner: Owner = Owner.BOT, **changes: Any) -> Conversation:
    receipt = Receipt(
        package=PackageId("p"),
        referral=ReferralId("r"),
        receiver=ReceiverId("demo"),
        receiver_name="Demo",
        with_identity=False,
        state=ReceiptState.SENT,
        at=SENT_AT,
    )
    return replace(_owned_by(owner), receipts=(replace(receipt, **changes),))


SENT_AT = Milliseconds(1_795_000_000_000)


@pytest.mark.parametrize(
    ("confirmed_after", "looked_after", "kept"),
    [
        (None, 0, 120 * DAY),
        (None, 100 * DAY, 20 * DAY),
        (None, 119 * DAY + 23 * HOUR + 40 * MINUTE, 30 * MINUTE),
        (None, 500 * DAY, 30 * MINUTE),
        (2 * DAY, 2 * DAY, 30 * DAY),
        (2 * DAY, 12 * DAY, 20 * DAY),
        (100 * DAY, 100 * DAY, 20 * DAY),
    ],
)
def test_what_was_sent_is_kept_until_it_was_confirmed_and_no_longer_than_we_say(
    confirmed_after: int | None, looked_after: int, kept: int
) -> None:
    confirmed = None if confirmed_after is None else Milliseconds(SENT_AT + confirmed_after)
    conversation = _with_receipt(confirmed_at=confirmed)
    assert Retention().keep_for(conversation, Milliseconds(SENT_AT + looked_after)) == kept


def test_the_longer_one_holds_beside_a_return_code() -> None:
    conversation = replace(_with_receipt(), has_code=True)
    assert Retention().keep_for(conversation, Milliseconds(SENT_AT + 119 * DAY)) == 30 * DAY
