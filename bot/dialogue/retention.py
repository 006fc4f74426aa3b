"""How long a conversation is kept after the last thing that happened in it."""

from dataclasses import dataclass
from typing import assert_never

from bot.domain.consent import Receipt
from bot.domain.control import Owner
from bot.domain.conversation import Conversation
from bot.domain.ids import NO_TIME, Milliseconds

_MINUTE = 60 * 1000
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """The periods of design section 9; a deployment may change them.

    `owned_hours` bounds what is "while owned": an operator's claim is a lease of minutes that
    falls back to the queue, so nothing is owned for so long without anything happening.
    """

    bot_minutes: int = 30
    waiting_hours: int = 72
    owned_hours: int = 72
    closed_hours: int = 24
    code_days: int = 30
    confirmed_days: int = 30
    referral_days: int = 120

    def keep_for(self, conversation: Conversation, now: Milliseconds = NO_TIME) -> Milliseconds:
        """How long `conversation` is kept from `now` on when nothing more happens."""
        by_owner = self._by_owner(conversation.control.owner)
        with_code = self.code_days * _DAY if conversation.has_code else 0
        with_referral = max(
            (self.referral_ends(receipt) - now for receipt in conversation.receipts), default=0
        )
        return Milliseconds(max(by_owner, with_code, with_referral))

    def referral_ends(self, receipt: Receipt) -> Milliseconds:
        """Until when what was sent is remembered: so long the person can ask and take it back."""
        latest = receipt.at + self.referral_days * _DAY
        if receipt.confirmed_at is None:
            return Milliseconds(latest)
        return Milliseconds(min(latest, receipt.confirmed_at + self.confirmed_days * _DAY))

    def _by_owner(self, owner: Owner) -> int:
        match owner:
            case Owner.BOT:
                return self.bot_minutes * _MINUTE
            case Owner.WAITING:
                return self.waiting_hours * _HOUR
            case Owner.OPERATOR:
                return self.owned_hours * _HOUR
            case Owner.CLOSED:
                return self.closed_hours * _HOUR
            case _ as never:
                assert_never(never)
