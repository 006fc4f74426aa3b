"""What operators do with the referrals of somebody whom they answer.

An act only changes the record; `handoff.referral.delivery` does the rest.
"""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import date

from bot.dialogue.ports import AuditRecord
from bot.domain.consent import PackageId, Purpose, Receipt, ReceiverId, ReferralId
from bot.domain.control import Owner
from bot.domain.conversation import Conversation
from bot.domain.ids import ConversationId, InputKey
from bot.domain.indicators import IndicatorSet
from bot.engine.effects import Refusal
from bot.engine.received import ConsentRequested
from bot.errors import RefusedError
from handoff.audit import Audit
from handoff.permissions import Act, Member, check_may
from handoff.referral.consent import Basis, Decision, Missing, what_is_missing
from handoff.referral.delivery import Delivery
from handoff.referral.form import Form, Mistake, mistakes
from handoff.referral.htcds import Json
from handoff.referral.leaving import Leaving
from handoff.referral.package import LegalBasis, begun_form, derive
from handoff.referral.receivers import Channel, Directory, Receiver, Unusable, why_unusable
from handoff.referral.record import Referral, step
from handoff.referral.records import (
    ChangedError,
    Records,
    basis_of,
    may_be_child,
    names_somebody,
    receipt_of,
    stepped,
)
from handoff.referral.states import State, Step


class FormError(Exception):
    """The form cannot be sent like this."""

    def __init__(self, found: tuple[Mistake, ...]) -> None:
        super().__init__(f"{len(found)} fields")
        self.mistakes = found


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A referral with everything that its page needs."""

    referral: Referral
    basis: Basis
    receipt: Receipt | None
    receiver: Receiver | None
    missing: Missing | None
    unusable: Unusable | None
    mistakes: tuple[Mistake, ...]
    asking: Purpose | None
    """What the person is being asked for now."""

    indicators: IndicatorSet = field(repr=False)
    reads_safely: bool
    """Whether the person said in the chat that they can read safely."""


@dataclass(frozen=True, slots=True)
class Referrals:
    """The referrals that operators make."""

    records: Records
    leaving: Leaving
    delivery: Delivery
    directory: Callable[[], Awaitable[Directory]]
    audit: Audit

    async def all_of(self, id: ConversationId, member: Member) -> tuple[Referral, ...]:
        """The referrals of a conversation, the oldest first.

        Raises:
            NotAllowedError, RefusedError: it is not theirs.
            GoneError: it was erased.
        """
        await self._owned(id, member)
        await self.audit.note(member.id, "referrals", id)
        return await self.records.all_of(id)

    async def choosable(self, id: ConversationId, member: Member) -> tuple[Receiver, ...]:
        """The receivers that can be chosen for this person now.

        Raises:
            NotAllowedError, RefusedError: it is not theirs.
        """
        conversation = await self._owned(id, member)
        today = await self.records.today()
        directory = await self.directory()
        return directory.usable(today, minor=may_be_child(conversation))

    async def begin(
        self, id: ConversationId, member: Member, referral: ReferralId, receiver: ReceiverId
    ) -> Referral:
        """Begin a form, with what is known filled in. The same `referral` twice is one.

        Raises:
            NotAllowedError, RefusedError: it is not theirs, or the receiver cannot be used.
        """
        conversation = await self._owned(id, member)
        chosen = (await self.directory()).get(receiver)
        unusable = _unusable(chosen, await self.records.today(), may_be_child(conversation))
        if chosen is None or unusable is not None:
            raise RefusedError(unusable or Unusable.NOT_CHECKED)
        await self.audit.note(member.id, "referral_begin", id)
        pinned = await self.records.turns.releases.numbered(conversation.release)
        derived = derive(pinned.graph, conversation)
        begun = Referral(
            id=referral,
            package=PackageId(str(uuid.uuid4())),
            receiver=receiver,
            receiver_name=chosen.name,
            channel=chosen.channel,
            state=State.DRAFT,
            created_at=await self.records.index.now(),
            created_by=member.id,
            derived=derived,
            form=begun_form(derived),
        )
        return await self.records.add(id, begun)

    async def look(self, id: ConversationId, member: Member, referral: ReferralId) -> Shown:
        """A referral with what is missing.

        Raises:
            NotAllowedError, RefusedError: it is not theirs.
            ChangedError: there is no such referral.
        """
        conversation = await self._owned(id, member)
        await self.audit.note(member.id, "referral_look", id)
        return await self._shown(conversation, await self.records.load(id, referral))

    async def fill(
        self, id: ConversationId, member: Member, referral: ReferralId, form: Form
    ) -> Shown:
        """Keep a form, also one with mistakes. Without consent, who it is stays out of it.

        Raises:
            NotAllowedError, RefusedError: it is not theirs.
            ChangedError: it was queued already.
        """
        conversation = await self._owned(id, member)
        await self.audit.note(member.id, "referral_fill", id)

        def filled(found: Referral) -> Referral:
            if found.state not in (State.DRAFT, State.CONSENTED, State.FAILED):
                raise ChangedError
            basis = basis_of(conversation, found)
            return replace(found, form=_without_unasked(form, basis))

        return await self._shown(conversation, await self.records.change(id, referral, filled))

    async def ask(  # noqa: PLR0913 - what has to be said about a question
        self,
        id: ConversationId,
        member: Member,
        referral: ReferralId,
        purpose: Purpose,
        *,
        interpreter: bool = False,
        reads_safely: bool = False,
    ) -> None:
        """Ask the person, in their language, by the program.

        Raises:
            NotAllowedError, RefusedError: it is not theirs, or the person may be watched.
        """
        conversation = await self._owned(id, member)
        found = await self.records.load(id, referral)
        first = basis_of(conversation, found).answer(Purpose.REFERRAL)
        if purpose is Purpose.IDENTITY and (first is None or not first.stands):
            raise RefusedError(Missing.CONSENT)
        await self.audit.note(member.id, f"consent_ask:{purpose.value}", id)
        what = ConsentRequested(
            operator=member.id,
            referral=referral,
            receiver=found.receiver,
            receiver_name=found.receiver_name,
            purpose=purpose,
            interpreter=interpreter,
            reads_safely=reads_safely,
        )
        key = InputKey(f"consent-{uuid.uuid4().hex}")
        taken = await self.records.turns.receive(
            id,
            key,
            what,
            channel_takes=False,
            audit=AuditRecord(who=member.id, what=f"consent_ask:{purpose.value}"),
        )
        if taken.refused is not None:
            raise RefusedError(taken.refused)

    async def decide(
        self,
        id: ConversationId,
        member: Member,
        referral: ReferralId,
        basis: LegalBasis,
        reason: str,
    ) -> None:
        """Choose another legal basis than the person's consent, with a reason.

        Raises:
            NotAllowedError, RefusedError: it is not theirs.
            ValueError: it is no decision: no reason, or a basis that is not one.
        """
        await self._owned(id, member)
        at = await self.records.index.now()
        decision = Decision(basis=basis, by=member.id, reason=reason.strip(), at=at)
        await self.audit.note(member.id, f"referral_decide:{basis.value}", id)

        def decided(found: Referral) -> Referral:
            if found.state not in (State.DRAFT, State.CONSENTED, State.FAILED):
                raise ChangedError
            return replace(found, decision=decision)

        await self.records.change(id, referral, decided)

    async def send(self, id: ConversationId, member: Member, referral: ReferralId) -> Referral:
        """Say "send". It leaves at once, or as soon as it can.

        Raises:
            NotAllowedError, RefusedError: it is not theirs, or something is missing.
            FormError: the form is not complete.
            ChangedError: it is not in a state to be sent.
        """
        conversation = await self._owned(id, member)
        shown = await self._shown(conversation, await self.records.load(id, referral))
        if shown.mistakes:
            raise FormError(shown.mistakes)
        hindrance = shown.missing or shown.unusable
        if hindrance is not None:
            raise RefusedError(hindrance)
        await self.audit.note(member.id, "referral_send", id)
        now = await self.records.index.now()

        def queued(found: Referral) -> Referral:
            if found.form != shown.referral.form or found.decision != shown.referral.decision:
                raise ChangedError
            if found.state is State.FAILED:
                return replace(step(found, Step.TRY_AGAIN, member.id, now), failure=None)
            consented = stepped(found, Step.CONSENT, member.id, now, unless=State.CONSENTED)
            return stepped(consented, Step.QUEUE, member.id, now)

        await self.records.change(id, referral, queued)
        await self.delivery.work_on(id, referral)
        return await self.records.load(id, referral)

    async def give_up(self, id: ConversationId, member: Member, referral: ReferralId) -> None:
        """End a referral that has not left.

        Raises:
            NotAllowedError, RefusedError: it is not theirs.
            ChangedError: it has left, or is about to.
        """
        await self._owned(id, member)
        await self.audit.note(member.id, "referral_give_up", id)
        now = await self.records.index.now()

        def closed(found: Referral) -> Referral:
            if found.state not in (State.DRAFT, State.CONSENTED, State.FAILED):
                raise ChangedError
            return stepped(found, Step.CLOSE, member.id, now)

        await self.records.change(id, referral, closed)

    # On paper

    async def page(self, id: ConversationId, member: Member, referral: ReferralId) -> Json:
        """The document for the printer. From then on it may be out: the person is told.

        Raises:
            NotAllowedError, RefusedError: it is not theirs.
            HeldBackError: nothing allows it to leave.
        """
        await self._owned(id, member)
        found = await self.records.load(id, referral)
        receiver = (await self.directory()).get(found.receiver)
        if receiver is None:
            raise RefusedError(Unusable.NOT_CHECKED)
        await self.audit.note(member.id, "referral_print", id)
        _, left = await self.leaving.let_out(id, found, receiver, Channel.PRINTED)
        await self.records.change(
            id, referral, lambda now: replace(now, printed=True, digest=left.digest)
        )
        return left.document

    async def handed_over(self, id: ConversationId, member: Member, referral: ReferralId) -> None:
        """Note that a printed page was given to the receiver.

        Raises:
            NotAllowedError, RefusedError: it is not theirs.
            ChangedError: nothing was printed.
        """
        await self._owned(id, member)
        await self.audit.note(member.id, "referral_handed_over", id)
        now = await self.records.index.now()

        def sent(found: Referral) -> Referral:
            if not found.printed:
                raise ChangedError
            return stepped(found, Step.SEND, member.id, now)

        await self.records.change(id, referral, sent)
        await self.delivery.work_on(id, referral)

    # Reading

    async def _shown(self, conversation: Conversation, found: Referral) -> Shown:
        today = await self.records.today()
        basis = basis_of(conversation, found)
        identity = names_somebody(found.form)
        receiver = (await self.directory()).get(found.receiver)
        pinned = await self.records.turns.releases.numbered(conversation.release)
        question = conversation.consent_question
        asking = question if question and question.referral == found.id else None
        who = basis.answer(Purpose.IDENTITY)
        return Shown(
            referral=found,
            basis=basis,
            receipt=receipt_of(conversation, found),
            receiver=receiver,
            missing=what_is_missing(basis, identity=identity),
            unusable=_unusable(receiver, today, basis.minor),
            mistakes=mistakes(
                found.form,
                pinned.graph.indicators,
                today=today,
                identity=who is not None and who.stands,
            ),
            asking=asking.purpose if asking else None,
            indicators=pinned.graph.indicators,
            reads_safely="yes" in conversation.facts.get("safe_now", ()),
        )

    async def _owned(self, id: ConversationId, member: Member) -> Conversation:
        check_may(member, Act.REFER)
        conversation = await self.records.conversation(id)
        control = conversation.control
        if control.owner is not Owner.OPERATOR or control.operator != member.id:
            raise RefusedError(Refusal.NOT_THE_OWNER)
        return conversation


def _unusable(receiver: Receiver | None, today: date, minor: bool) -> Unusable | None:
    if receiver is None:
        return Unusable.NOT_CHECKED
    return why_unusable(receiver, today, minor=minor)


def _without_unasked(form: Form, basis: Basis) -> Form:
    """Who it is, is not even kept before the person agreed to it."""
    who = basis.answer(Purpose.IDENTITY)
    if who is not None and who.stands:
        return form
    return replace(form, safe_contact=None, identity=None)
