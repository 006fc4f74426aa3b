"""What referrals need from outside."""

from dataclasses import dataclass
from typing import Protocol

from bot.domain.consent import PackageId, ReceiverId, ReferralId
from bot.domain.ids import NO_TIME, ConversationId, Milliseconds


@dataclass(frozen=True, slots=True)
class Stored:
    """A record and its version; 0 is before the first one."""

    version: int
    record: bytes
    restored_at: Milliseconds = NO_TIME
    """When its conversation was last brought back from a backup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentNote:
    """What is remembered of what was sent, also after the conversation is erased.

    Nothing in it is about the person, and it does not say from which conversation it came.
    """

    package: PackageId
    receiver: ReceiverId
    sent_at: Milliseconds
    digest: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """How a look at everything that is on its way ended."""

    at: Milliseconds
    hanging: int
    """For how many a folder could not be used."""

    failing: int
    """How many a mistake of ours holds up."""


class ReferralStore(Protocol):
    """Records of referrals, sealed with the key of their conversation.

    Every method raises `StoreUnavailableError` when the store does not answer. Erasing the
    conversation, or its end, takes its records along.
    """

    async def load_all(self, id: ConversationId) -> dict[ReferralId, Stored]:
        """All records of a conversation.

        Raises:
            GoneError: there is no such conversation.
        """
        ...

    async def save(
        self, id: ConversationId, referral: ReferralId, version: int, record: bytes
    ) -> bool:
        """Write a record that was read at `version`; False when somebody else wrote first.

        Raises:
            GoneError: there is no such conversation.
        """
        ...

    async def active(self) -> tuple[tuple[ConversationId, ReferralId], ...]:
        """Referrals that may have something left to do."""
        ...

    async def relist(self, id: ConversationId) -> None:
        """Put every referral of a conversation on that list, as after a restored backup."""
        ...

    async def forget(self, id: ConversationId, referral: ReferralId) -> None:
        """Take a referral off that list."""
        ...

    async def note_round(self, ended: Round) -> None:
        """Remember how the last look at everything ended."""
        ...

    async def note_sent(self, note: SentNote, keep_until: Milliseconds) -> None:
        """Remember what was sent, or what became of it, until then."""
        ...

    async def sent(self) -> tuple[SentNote, ...]:
        """Everything remembered that was sent."""
        ...
