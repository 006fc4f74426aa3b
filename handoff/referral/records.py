"""The records of referrals, and what stands about them in their conversations."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from bot.dialogue.ports import Index
from bot.dialogue.referral_ports import ReferralStore, Stored
from bot.dialogue.turns import Turns
from bot.domain.consent import Receipt, ReferralId
from bot.domain.conversation import Conversation
from bot.domain.ids import ConversationId, Milliseconds, OperatorId
from bot.domain.indicators import IndicatorSet
from bot.errors import GoneError, StoreUnavailableError
from handoff.referral.consent import Basis
from handoff.referral.form import Form, Minor
from handoff.referral.record import PROGRAM, Referral, step
from handoff.referral.record_codec import dump_referral, load_referral
from handoff.referral.states import State, Step, can_step

MOST_TRIES = 20

_CHILD = frozenset({"child", "not_sure"})


class ChangedError(Exception):
    """Somebody else changed the referral meanwhile, or it is in another state."""


@dataclass(frozen=True, slots=True)
class Records:
    """Reads and changes the records of one installation."""

    turns: Turns
    store: ReferralStore
    index: Index

    async def all_of(self, id: ConversationId) -> tuple[Referral, ...]:
        """The referrals of a conversation, the oldest first.

        Raises:
            GoneError: it was erased.
        """
        found = map(_opened, (await self.store.load_all(id)).values())
        return tuple(sorted(found, key=lambda referral: referral.created_at))

    async def load(self, id: ConversationId, referral: ReferralId) -> Referral:
        """A referral.

        Raises:
            GoneError: its conversation was erased.
            ChangedError: there is no such referral.
        """
        return (await self._versioned(id, referral))[1]

    async def find(self, id: ConversationId, referral: ReferralId) -> Referral | None:
        """A referral; None when there is none."""
        try:
            return await self.load(id, referral)
        except (GoneError, ChangedError):
            return None

    async def add(self, id: ConversationId, begun: Referral) -> Referral:
        """Keep a new one; what stands there already when its id is taken."""
        await self.store.save(id, begun.id, 0, dump_referral(begun))
        return await self.load(id, begun.id)

    async def change(
        self, id: ConversationId, referral: ReferralId, change: Callable[[Referral], Referral]
    ) -> Referral:
        """Write what `change` makes of the record, on whatever version stands there.

        Raises:
            ChangedError: there is no such referral, or the change is not possible any more.
        """
        for _ in range(MOST_TRIES):
            version, found = await self._versioned(id, referral)
            changed = change(found)
            if changed == found:
                return found
            if await self.store.save(id, referral, version, dump_referral(changed)):
                return changed
        raise StoreUnavailableError("too many changes at once")

    async def move(self, id: ConversationId, referral: ReferralId, what: Step) -> Referral:
        """Have the program take a step.

        Raises:
            ChangedError: the table has no such step now.
        """
        now = await self.index.now()

        def moved(it: Referral) -> Referral:
            done = stepped(it, what, PROGRAM, now)
            # What the person took back is not kept here either.
            return replace(done, form=Form()) if what is Step.RETRACT else done

        return await self.change(id, referral, moved)

    async def conversation(self, id: ConversationId) -> Conversation:
        """A conversation as it stands.

        Raises:
            GoneError: it was erased.
        """
        return (await self.turns.store.look(id)).conversation

    async def indicators(self, conversation: Conversation) -> IndicatorSet:
        """The indicators of the release that a conversation goes by."""
        pinned = await self.turns.releases.numbered(conversation.release)
        return pinned.graph.indicators

    async def today(self) -> date:
        """The day, by the clock that all processes share."""
        return day_of(await self.index.now())

    async def _versioned(self, id: ConversationId, referral: ReferralId) -> tuple[int, Referral]:
        stored = (await self.store.load_all(id)).get(referral)
        if stored is None:
            raise ChangedError
        return stored.version, _opened(stored)


def stepped(
    found: Referral,
    what: Step,
    by: OperatorId,
    at: Milliseconds,
    *,
    unless: State | None = None,
) -> Referral:
    """The referral after a step; as it is when it is in the state `unless` already.

    Raises:
        ChangedError: the table has no such step now.
    """
    if found.state is unless:
        return found
    if not can_step(found.state, what):
        raise ChangedError
    return step(found, what, by, at)


def basis_of(conversation: Conversation, found: Referral) -> Basis:
    """What allows it. Of what was before a restore nobody knows whether it still holds."""
    since, decision = found.restored_at, found.decision
    return Basis(
        referral=found.id,
        receiver=found.receiver,
        consents=tuple(consent for consent in conversation.consents if consent.at > since),
        decision=decision if decision and decision.at > since else None,
        minor=may_be_child(conversation)
        or found.form.presumed_minor in (Minor.YES, Minor.NOT_SURE),
    )


def may_be_child(conversation: Conversation) -> bool:
    """By the person's own word. It counts also when their answers are not shown."""
    return not _CHILD.isdisjoint(conversation.facts.get("age", ()))


def names_somebody(form: Form) -> bool:
    """Whether a form says who it is, or how to reach them."""
    return form.identity is not None or form.safe_contact is not None


def receipt_of(conversation: Conversation, found: Referral) -> Receipt | None:
    """What the person holds of a referral that has left, or is about to."""
    return next((r for r in conversation.receipts if r.package == found.package), None)


def day_of(at: Milliseconds) -> date:
    """The day of a time, in UTC."""
    return datetime.fromtimestamp(at / 1000, UTC).date()


def _opened(stored: Stored) -> Referral:
    return replace(load_referral(stored.record), restored_at=stored.restored_at)
