"""What was sent, whoever sent it: what became of it, and what a human has to do about it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from bot.domain.consent import PackageId, ReferralId
from bot.domain.ids import ConversationId, Milliseconds
from bot.errors import RefusedError
from handoff.audit import Audit
from handoff.permissions import Act, Member, check_may
from handoff.referral.delivery import Delivery
from handoff.referral.htcds import Json
from handoff.referral.leaving import Leaving
from handoff.referral.receivers import Channel, Directory, Receiver, Unusable
from handoff.referral.record import Answered, Failure, Referral
from handoff.referral.records import ChangedError, Records, stepped
from handoff.referral.states import State, Step

_ANSWERS = {
    State.ACKNOWLEDGED: Step.ACKNOWLEDGE,
    State.IN_SERVICE: Step.BEGIN_SERVICE,
    State.DECLINED: Step.DECLINE,
    State.NEEDS_INFO: Step.ASK_INFO,
    State.CLOSED: Step.CLOSE,
}
"""What an operator notes when the receiver answered, by the state it leads to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A referral in the list of what was sent: nothing about the person."""

    conversation: ConversationId
    referral: ReferralId
    package: PackageId
    receiver_name: str
    state: State
    sent_at: Milliseconds | None
    overdue: bool
    second_contact: str
    failure: Failure | None
    by_hand: bool
    """Whether a human has to tell the receiver that the person took it back."""


@dataclass(frozen=True, slots=True)
class SentReferrals:
    """What has left one installation."""

    records: Records
    leaving: Leaving
    delivery: Delivery
    directory: Callable[[], Awaitable[Directory]]
    audit: Audit

    async def listed(self, member: Member) -> tuple[Listed, ...]:
        """Everything that has left or failed, whatever needs a human first. Nothing personal.

        Raises:
            NotAllowedError: no role of theirs refers people.
        """
        check_may(member, Act.REFER)
        await self.audit.note(member.id, "referrals_sent")
        now, directory = await self.records.index.now(), await self.directory()
        found: list[Listed] = []
        for id, referral in await self.records.store.active():
            record = await self.records.find(id, referral)
            if record is not None and (record.sent_at or record.failure or record.printed):
                receiver = directory.get(record.receiver)
                found.append(_listed(id, record, receiver, now))
        return tuple(sorted(found, key=lambda one: (not _urgent(one), one.sent_at or 0)))

    async def note_answer(
        self,
        id: ConversationId,
        member: Member,
        referral: ReferralId,
        state: State,
        answered: Answered | None = None,
    ) -> None:
        """Note what the receiver answered; the person is told when they confirmed.

        Raises:
            NotAllowedError: no role of theirs refers people.
            ChangedError: it is not in a state for that.
        """
        check_may(member, Act.REFER)
        await self.audit.note(member.id, f"referral_answer:{state.value}", id)
        now = await self.records.index.now()

        def noted(found: Referral) -> Referral:
            if state not in _ANSWERS or found.sent_at is None:
                raise ChangedError
            return replace(
                stepped(found, _ANSWERS[state], member.id, now),
                answered=answered or found.answered,
            )

        await self.records.change(id, referral, noted)
        await self.delivery.work_on(id, referral)

    async def retraction_page(
        self, id: ConversationId, member: Member, referral: ReferralId
    ) -> Json:
        """The page that tells a receiver without a system that the person took it back.

        Raises:
            NotAllowedError: no role of theirs refers people.
            HeldBackError: there is nothing to retract.
        """
        check_may(member, Act.REFER)
        await self.audit.note(member.id, "referral_retraction_print", id)
        found = await self.records.load(id, referral)
        receiver = (await self.directory()).get(found.receiver)
        if receiver is None:
            raise RefusedError(Unusable.NOT_CHECKED)
        left = await self.leaving.retract(id, found, receiver, Channel.PRINTED)
        return left.document

    async def told_by_hand(self, id: ConversationId, member: Member, referral: ReferralId) -> None:
        """Note that the receiver was told by a human that the person took it back.

        Raises:
            NotAllowedError: no role of theirs refers people.
            ChangedError: nothing was taken back.
        """
        check_may(member, Act.REFER)
        await self.audit.note(member.id, "referral_told_by_hand", id)

        def told(found: Referral) -> Referral:
            if found.state is not State.RETRACTED:
                raise ChangedError
            return replace(found, retraction_left=True)

        await self.records.change(id, referral, told)
        await self.delivery.work_on(id, referral)


def _listed(
    id: ConversationId, found: Referral, receiver: Receiver | None, now: Milliseconds
) -> Listed:
    hours = receiver.answers_within_hours if receiver else 0
    waiting = found.state in (State.SENT, State.DELIVERED)
    sent_at = found.sent_at
    late = waiting and sent_at is not None and now > sent_at + hours * 3600 * 1000
    return Listed(
        conversation=id,
        referral=found.id,
        package=found.package,
        receiver_name=found.receiver_name,
        state=found.state,
        sent_at=sent_at,
        overdue=late,
        second_contact=receiver.second_contact if receiver and late else "",
        failure=found.failure,
        by_hand=found.state is State.RETRACTED and not found.retraction_left,
    )


def _urgent(one: Listed) -> bool:
    return one.by_hand or one.overdue or one.failure is not None
