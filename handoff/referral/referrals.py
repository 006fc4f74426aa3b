"""What operators do with referrals, and how what they want is brought to its end.

An operator's act only changes the record. `work_on` does the rest, from whatever state a record
is found in, and again and again: each of its steps can be repeated, so a process that was killed
between two of them is finished by another one. What has left carries one id, however often.
"""

import asyncio
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from bot.dialogue.ports import AuditRecord, Index
from bot.dialogue.referral_ports import ReferralStore, SentNote
from bot.dialogue.turns import Turns
from bot.domain.consent import PackageId, Purpose, Receipt, ReceiptState, ReceiverId, ReferralId
from bot.domain.control import Owner
from bot.domain.conversation import Conversation
from bot.domain.ids import ConversationId, InputKey, Milliseconds, OperatorId
from bot.domain.indicators import IndicatorSet
from bot.engine.effects import Refusal
from bot.engine.received import ConsentRequested, ReferralLeaving, ReferralNews
from bot.errors import CorruptStateError, FirstpointError, GoneError, StoreUnavailableError
from handoff.audit import Audit
from handoff.permissions import Act, Member, check_may
from handoff.referral.consent import (
    Basis,
    Decision,
    Missing,
    purposes_needed,
    what_is_missing,
)
from handoff.referral.exit_gate import (
    ExitGate,
    HeldBackError,
    Left,
    Parcel,
    Situation,
    Way,
)
from handoff.referral.form import Form, Minor, Mistake, mistakes
from handoff.referral.htcds import Json
from handoff.referral.package import (
    Header,
    LegalBasis,
    Retraction,
    begun_form,
    derive,
)
from handoff.referral.receivers import (
    Channel,
    Directory,
    Receiver,
    Unusable,
    why_unusable,
)
from handoff.referral.record import PROGRAM, Answered, Failure, Referral, step
from handoff.referral.record_codec import dump_referral, load_referral
from handoff.referral.states import State, Step, can_step

log = logging.getLogger(__name__)

LEASE = Milliseconds(30_000)
EVERY_SECONDS = 3.0
MEND_EVERY = 100
"""Rounds between two walks over all conversations."""

MOST_TRIES = 20
KEPT_AFTER_SENDING = Milliseconds(120 * 24 * 3600 * 1000)
KEPT_AFTER_CONFIRMING = Milliseconds(30 * 24 * 3600 * 1000)
"""Of what was sent only its id, to whom, when and its digest (design section 9)."""

_RETRACTIONS = uuid.UUID("5c1f4a3e-6d0a-4a55-9f0e-0b8f0e2b7d61")
"""Makes the id of a retraction from the package's, so that a repeated one is the same."""

_CHILD = frozenset({"child", "not_sure"})
_ANSWERS = {
    State.ACKNOWLEDGED: Step.ACKNOWLEDGE,
    State.IN_SERVICE: Step.BEGIN_SERVICE,
    State.DECLINED: Step.DECLINE,
    State.NEEDS_INFO: Step.ASK_INFO,
    State.CLOSED: Step.CLOSE,
}
"""What an operator notes when the receiver answered, by the state it leads to."""


class RefusedError(Exception):
    """It is not possible now; `reason` says why. Nothing was changed."""

    def __init__(self, reason: Refusal | Missing | Unusable) -> None:
        super().__init__(reason.value)
        self.reason = reason


class ChangedError(Exception):
    """Somebody else changed the referral meanwhile, or it is in another state."""


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
class Referrals:
    """The referrals of one installation."""

    turns: Turns
    store: ReferralStore
    index: Index
    audit: Audit
    gate: ExitGate
    directory: Callable[[], Directory]
    sender: str
    holder: str = field(default_factory=lambda: uuid.uuid4().hex)

    # What operators do with somebody they answer

    async def all_of(self, id: ConversationId, member: Member) -> tuple[Referral, ...]:
        """The referrals of a conversation, the oldest first.

        Raises:
            NotAllowedError, RefusedError: it is not theirs.
            GoneError: it was erased.
        """
        await self._owned(id, member)
        await self.audit.note(member.id, "referrals", id)
        found = (load_referral(one.record) for one in (await self.store.load_all(id)).values())
        return tuple(sorted(found, key=lambda referral: referral.created_at))

    async def choosable(self, id: ConversationId, member: Member) -> tuple[Receiver, ...]:
        """The receivers that can be chosen for this person now.

        Raises:
            NotAllowedError, RefusedError: it is not theirs.
        """
        conversation = await self._owned(id, member)
        today = await self._today()
        return self.directory().usable(today, minor=_may_be_child(conversation))

    async def begin(
        self, id: ConversationId, member: Member, referral: ReferralId, receiver: ReceiverId
    ) -> Referral:
        """Begin a form, with what is known filled in. The same `referral` twice is one.

        Raises:
            NotAllowedError, RefusedError: it is not theirs, or the receiver cannot be used.
        """
        conversation = await self._owned(id, member)
        chosen = self.directory().get(receiver)
        unusable = self._unusable(chosen, await self._today(), _may_be_child(conversation))
        if chosen is None or unusable is not None:
            raise RefusedError(unusable or Unusable.NOT_CHECKED)
        await self.audit.note(member.id, "referral_begin", id)
        pinned = await self.turns.releases.numbered(conversation.release)
        derived = derive(pinned.graph, conversation)
        begun = Referral(
            id=referral,
            package=PackageId(str(uuid.uuid4())),
            receiver=receiver,
            receiver_name=chosen.name,
            channel=chosen.channel,
            state=State.DRAFT,
            created_at=await self.index.now(),
            created_by=member.id,
            derived=derived,
            form=begun_form(derived),
        )
        await self.store.save(id, referral, 0, dump_referral(begun))
        return (await self._load(id, referral))[1]

    async def look(self, id: ConversationId, member: Member, referral: ReferralId) -> Shown:
        """A referral with what is missing.

        Raises:
            NotAllowedError, RefusedError: it is not theirs.
            ChangedError: there is no such referral.
        """
        conversation = await self._owned(id, member)
        await self.audit.note(member.id, "referral_look", id)
        return await self._shown(conversation, (await self._load(id, referral))[1])

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
            basis = _basis(conversation, found)
            return replace(found, form=_without_unasked(form, basis))

        return await self._shown(conversation, await self._change(id, referral, filled))

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
        found = (await self._load(id, referral))[1]
        first = _basis(conversation, found).answer(Purpose.REFERRAL)
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
        taken = await self.turns.receive(
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
        at = await self.index.now()
        decision = Decision(basis=basis, by=member.id, reason=reason.strip(), at=at)
        await self.audit.note(member.id, f"referral_decide:{basis.value}", id)

        def decided(found: Referral) -> Referral:
            if found.state not in (State.DRAFT, State.CONSENTED, State.FAILED):
                raise ChangedError
            return replace(found, decision=decision)

        await self._change(id, referral, decided)

    async def send(self, id: ConversationId, member: Member, referral: ReferralId) -> Referral:
        """Say "send". It leaves at once, or as soon as it can.

        Raises:
            NotAllowedError, RefusedError: it is not theirs, or something is missing.
            FormError: the form is not complete.
            ChangedError: it is not in a state to be sent.
        """
        conversation = await self._owned(id, member)
        shown = await self._shown(conversation, (await self._load(id, referral))[1])
        if shown.mistakes:
            raise FormError(shown.mistakes)
        hindrance = shown.missing or shown.unusable
        if hindrance is not None:
            raise RefusedError(hindrance)
        await self.audit.note(member.id, "referral_send", id)
        now = await self.index.now()

        def queued(found: Referral) -> Referral:
            if found.form != shown.referral.form or found.decision != shown.referral.decision:
                raise ChangedError
            if found.state is State.FAILED:
                return replace(step(found, Step.TRY_AGAIN, member.id, now), failure=None)
            consented = _stepped(found, Step.CONSENT, member.id, now, unless=State.CONSENTED)
            return _stepped(consented, Step.QUEUE, member.id, now)

        await self._change(id, referral, queued)
        await self.work_on(id, referral)
        return (await self._load(id, referral))[1]

    async def give_up(self, id: ConversationId, member: Member, referral: ReferralId) -> None:
        """End a referral that has not left.

        Raises:
            NotAllowedError, RefusedError: it is not theirs.
            ChangedError: it has left, or is about to.
        """
        await self._owned(id, member)
        await self.audit.note(member.id, "referral_give_up", id)
        now = await self.index.now()

        def closed(found: Referral) -> Referral:
            if found.state not in (State.DRAFT, State.CONSENTED, State.FAILED):
                raise ChangedError
            return _stepped(found, Step.CLOSE, member.id, now)

        await self._change(id, referral, closed)

    # On paper

    async def page(self, id: ConversationId, member: Member, referral: ReferralId) -> Json:
        """The document for the printer. From then on it may be out: the person is told.

        Raises:
            NotAllowedError, RefusedError: it is not theirs.
            HeldBackError: nothing allows it to leave.
        """
        await self._owned(id, member)
        found = (await self._load(id, referral))[1]
        receiver = self.directory().get(found.receiver)
        if receiver is None:
            raise RefusedError(Unusable.NOT_CHECKED)
        await self.audit.note(member.id, "referral_print", id)
        receipt = await self._leaving(id, found)
        left = await self._let_out(id, found, receipt, receiver, Channel.PRINTED)
        await self._change(
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
        now = await self.index.now()

        def sent(found: Referral) -> Referral:
            if not found.printed:
                raise ChangedError
            return _stepped(found, Step.SEND, member.id, now)

        await self._change(id, referral, sent)
        await self.work_on(id, referral)

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
        found = (await self._load(id, referral))[1]
        receiver = self.directory().get(found.receiver)
        if receiver is None:
            raise RefusedError(Unusable.NOT_CHECKED)
        left = await self._retract_through(id, found, receiver, Channel.PRINTED)
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

        await self._change(id, referral, told)
        await self.work_on(id, referral)

    # What was sent, whoever sent it

    async def sent(self, member: Member) -> tuple[Listed, ...]:
        """Everything that has left or failed, whatever needs a human first. Nothing personal.

        Raises:
            NotAllowedError: no role of theirs refers people.
        """
        check_may(member, Act.REFER)
        await self.audit.note(member.id, "referrals_sent")
        now, directory = await self.index.now(), self.directory()
        found: list[Listed] = []
        for id, referral in await self.store.active():
            record = await self._found(id, referral)
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
        now = await self.index.now()

        def noted(found: Referral) -> Referral:
            if state not in _ANSWERS or found.sent_at is None:
                raise ChangedError
            return replace(
                _stepped(found, _ANSWERS[state], member.id, now),
                answered=answered or found.answered,
            )

        await self._change(id, referral, noted)
        await self.work_on(id, referral)

    # What the program does

    async def serve(self, stop: asyncio.Event) -> None:
        """Bring everything on its way until `stop`. One process at a time does it."""
        rounds = 0
        try:
            while not stop.is_set():
                try:
                    if await self.index.hold_lease("referrals", self.holder, LEASE):
                        if rounds % MEND_EVERY == 0:
                            await self.mend()
                        await self.work()
                        rounds += 1
                except FirstpointError as error:
                    log.warning("referrals_wait", extra={"error_type": type(error).__name__})
                await _pause(stop)
        finally:
            try:
                await self.index.let_go("referrals", self.holder)
            except StoreUnavailableError:
                log.warning("lease_left_to_end")

    async def mend(self) -> None:
        """Bring the list in line with the records: a restored backup knows nothing of it."""
        async for id in self.index.all_ids():
            await self.store.relist(id)

    async def work(self) -> None:
        """Look at every referral once. One that makes trouble holds up no other."""
        for id, referral in await self.store.active():
            await self.index.hold_lease("referrals", self.holder, LEASE)
            try:
                await self.work_on(id, referral)
            except StoreUnavailableError:
                raise
            except (FirstpointError, ChangedError, HeldBackError) as error:
                log.warning("referral_waits", extra={"error_type": type(error).__name__})

    async def work_on(self, id: ConversationId, referral: ReferralId) -> None:
        """Do whatever is left to do for one referral. Again is always possible."""
        try:
            found = await self._found(id, referral)
            if found is None:
                await self.store.forget(id, referral)
                return
            conversation = await self._conversation(id)
            await self._work_on(id, found, conversation)
        except GoneError:
            # Erased, or its time was over. What had not left is gone with it.
            await self.store.forget(id, referral)

    async def _work_on(
        self, id: ConversationId, found: Referral, conversation: Conversation
    ) -> None:
        receipt = _receipt(conversation, found)
        if found.state is State.RETRACTED:
            await self._finish_retraction(id, found, receipt)
        elif receipt is not None and receipt.retract:
            await self._retract(id, found)
        elif found.state is State.QUEUED:
            await self._try_to_send(id, found, conversation)
        elif found.sent_at is not None:
            await self._keep_up(id, found, receipt)
        else:
            await self._follow_consent(id, found, conversation)

    async def _follow_consent(
        self, id: ConversationId, found: Referral, conversation: Conversation
    ) -> None:
        """A draft is consented exactly while something allows it to be sent."""
        identity = _names_somebody(found.form)
        allowed = what_is_missing(_basis(conversation, found), identity=identity) is None
        if allowed and found.state is State.DRAFT:
            await self._move(id, found.id, Step.CONSENT)
        elif not allowed and found.state is State.CONSENTED:
            await self._move(id, found.id, Step.LOSE_CONSENT)

    async def _try_to_send(
        self, id: ConversationId, found: Referral, conversation: Conversation
    ) -> None:
        identity = _names_somebody(found.form)
        if what_is_missing(_basis(conversation, found), identity=identity) is not None:
            await self._move(id, found.id, Step.RETRACT)
            return
        if found.channel is Channel.PRINTED:
            return
        receiver = self.directory().get(found.receiver)
        if receiver is None:
            await self._fail(id, found, Failure.RECEIVER)
            return
        try:
            receipt = await self._leaving(id, found)
            left = await self._let_out(id, found, receipt, receiver, Channel.FILE_DROP)
        except RefusedError:
            await self._move(id, found.id, Step.RETRACT)
        except HeldBackError as held:
            unusable = isinstance(held.reason, Unusable)
            await self._fail(id, found, Failure.RECEIVER if unusable else Failure.FORM)
        except OSError:
            # A full disk passes: it is tried again, and operators see that it hangs.
            await self._change(id, found.id, lambda now: replace(now, failure=Failure.DISK))
        else:
            await self._record_sent(id, found, receipt, left)

    async def _record_sent(
        self, id: ConversationId, found: Referral, receipt: Receipt, left: Left
    ) -> None:
        def sent(now: Referral) -> Referral:
            moved = _stepped(now, Step.SEND, PROGRAM, receipt.at, unless=State.SENT)
            return replace(moved, digest=left.digest, failure=None)

        try:
            await self._change(id, found.id, sent)
            conversation = await self._conversation(id)
        except GoneError:
            # Erased at the very moment: it counts as unsent as long as nobody fetched it.
            await self.gate.take_back(found.receiver, found.package)
            raise
        record = (await self._load(id, found.id))[1]
        await self._keep_up(id, record, _receipt(conversation, record))

    async def _keep_up(self, id: ConversationId, found: Referral, receipt: Receipt | None) -> None:
        """Bring what others know in line with the record: the note, the person, the folder."""
        if receipt is None or found.sent_at is None:
            return
        if receipt.state is ReceiptState.LEAVING:
            await self._note(found)
            await self._tell(id, found, ReceiptState.SENT)
        confirmed = any(moved.step is Step.ACKNOWLEDGE for moved in found.history)
        if confirmed and receipt.confirmed_at is None:
            await self._note(found)
            await self._tell(id, found, ReceiptState.CONFIRMED)
        in_folder = found.state is State.SENT and found.channel is Channel.FILE_DROP
        if in_folder and not await self.gate.waits(found.receiver, found.package):
            await self._move(id, found.id, Step.FETCH)

    async def _retract(self, id: ConversationId, found: Referral) -> None:
        """Follow a package with a retraction, also when it is not known whether it had left."""
        if found.channel is Channel.FILE_DROP:
            receiver = self.directory().get(found.receiver)
            if receiver is None:
                await self._change(
                    id, found.id, lambda now: replace(now, failure=Failure.RECEIVER)
                )
                return
            await self._retract_through(id, found, receiver, Channel.FILE_DROP)
            await self._change(id, found.id, lambda now: replace(now, retraction_left=True))
        await self._move(id, found.id, Step.RETRACT)
        conversation = await self._conversation(id)
        record = (await self._load(id, found.id))[1]
        await self._finish_retraction(id, record, _receipt(conversation, record))

    async def _finish_retraction(
        self, id: ConversationId, found: Referral, receipt: Receipt | None
    ) -> None:
        if receipt is None:
            # Nothing had left: nobody has to be told.
            await self.store.forget(id, found.id)
        elif found.retraction_left and receipt.state is not ReceiptState.RETRACTED:
            await self._note(found)
            await self._tell(id, found, ReceiptState.RETRACTED)
        elif found.retraction_left:
            await self.store.forget(id, found.id)

    async def _retract_through(
        self, id: ConversationId, found: Referral, receiver: Receiver, channel: Channel
    ) -> Left:
        now = await self.index.now()
        retraction = Retraction(
            package_id=PackageId(str(uuid.uuid5(_RETRACTIONS, found.package))),
            retracts=found.package,
            sender=self.sender,
            receiver=found.receiver,
            created_at=now,
            sent_at=now,
        )
        way = Way(channel=channel, receiver=receiver, today=_day(now))
        return await self.gate.let_out(retraction, way, lambda: self._situation(id, found))

    async def _leaving(self, id: ConversationId, found: Referral) -> Receipt:
        """Have it noted with the person that the package is about to leave.

        Raises:
            RefusedError: nothing allows it.
        """
        identity = _names_somebody(found.form)
        what = ReferralLeaving(
            referral=found.id,
            package=found.package,
            receiver=found.receiver,
            receiver_name=found.receiver_name,
            purposes=purposes_needed(found.decision, identity=identity),
            with_identity=identity,
            decided_at=found.decision.at if found.decision else None,
        )
        key = InputKey(f"leaving-{found.package}")
        taken = await self.turns.receive(id, key, what, channel_takes=False)
        if taken.refused is not None:
            raise RefusedError(taken.refused)
        receipt = _receipt(await self._conversation(id), found)
        if receipt is None:
            raise CorruptStateError("a package that leaves without a receipt")
        return receipt

    async def _let_out(
        self,
        id: ConversationId,
        found: Referral,
        receipt: Receipt,
        receiver: Receiver,
        channel: Channel,
    ) -> Left:
        parcel = Parcel(
            header=Header(
                package_id=found.package,
                created_at=found.created_at,
                sent_at=receipt.at,
                sender=self.sender,
                receiver=found.receiver,
            ),
            state=found.state,
            derived=found.derived,
            form=found.form,
            indicators=await self._indicators(id),
        )
        way = Way(channel=channel, receiver=receiver, today=await self._today())
        return await self.gate.let_out(parcel, way, lambda: self._situation(id, found))

    async def _situation(self, id: ConversationId, found: Referral) -> Situation:
        conversation = await self._conversation(id)
        return Situation(basis=_basis(conversation, found), receipts=conversation.receipts)

    async def _tell(self, id: ConversationId, found: Referral, state: ReceiptState) -> None:
        key = InputKey(f"{state.value}-{found.package}")
        news = ReferralNews(package=found.package, state=state)
        await self.turns.receive(id, key, news, channel_takes=False)

    async def _note(self, found: Referral) -> None:
        if found.sent_at is None and not found.printed:
            return
        sent_at = found.sent_at or found.created_at
        until = sent_at + KEPT_AFTER_SENDING
        confirmed = [moved.at for moved in found.history if moved.step is Step.ACKNOWLEDGE]
        if confirmed:
            until = min(until, confirmed[-1] + KEPT_AFTER_CONFIRMING)
        note = SentNote(
            package=found.package,
            receiver=found.receiver,
            sent_at=sent_at,
            digest=found.digest,
            state=found.state.value,
        )
        await self.store.note_sent(note, Milliseconds(until))

    async def _fail(self, id: ConversationId, found: Referral, failure: Failure) -> None:
        now = await self.index.now()
        await self._change(
            id,
            found.id,
            lambda it: replace(_stepped(it, Step.FAIL, PROGRAM, now), failure=failure),
        )

    async def _move(self, id: ConversationId, referral: ReferralId, what: Step) -> None:
        now = await self.index.now()

        def moved(it: Referral) -> Referral:
            done = _stepped(it, what, PROGRAM, now)
            # What the person took back is not kept here either.
            return replace(done, form=Form()) if what is Step.RETRACT else done

        await self._change(id, referral, moved)

    # Reading and writing

    async def _shown(self, conversation: Conversation, found: Referral) -> Shown:
        today = await self._today()
        basis = _basis(conversation, found)
        identity = _names_somebody(found.form)
        receiver = self.directory().get(found.receiver)
        pinned = await self.turns.releases.numbered(conversation.release)
        question = conversation.consent_question
        asking = question if question and question.referral == found.id else None
        who = basis.answer(Purpose.IDENTITY)
        return Shown(
            referral=found,
            basis=basis,
            receipt=_receipt(conversation, found),
            receiver=receiver,
            missing=what_is_missing(basis, identity=identity),
            unusable=self._unusable(receiver, today, basis.minor),
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

    @staticmethod
    def _unusable(receiver: Receiver | None, today: date, minor: bool) -> Unusable | None:
        if receiver is None:
            return Unusable.NOT_CHECKED
        return why_unusable(receiver, today, minor=minor)

    async def _owned(self, id: ConversationId, member: Member) -> Conversation:
        check_may(member, Act.REFER)
        conversation = await self._conversation(id)
        control = conversation.control
        if control.owner is not Owner.OPERATOR or control.operator != member.id:
            raise RefusedError(Refusal.NOT_THE_OWNER)
        return conversation

    async def _conversation(self, id: ConversationId) -> Conversation:
        return (await self.turns.store.load(id, InputKey("-"))).conversation

    async def _indicators(self, id: ConversationId) -> IndicatorSet:
        conversation = await self._conversation(id)
        pinned = await self.turns.releases.numbered(conversation.release)
        return pinned.graph.indicators

    async def _today(self) -> date:
        return _day(await self.index.now())

    async def _found(self, id: ConversationId, referral: ReferralId) -> Referral | None:
        try:
            return (await self._load(id, referral))[1]
        except (GoneError, ChangedError):
            return None

    async def _load(self, id: ConversationId, referral: ReferralId) -> tuple[int, Referral]:
        stored = (await self.store.load_all(id)).get(referral)
        if stored is None:
            raise ChangedError
        return stored.version, load_referral(stored.record)

    async def _change(
        self, id: ConversationId, referral: ReferralId, change: Callable[[Referral], Referral]
    ) -> Referral:
        """Write what `change` makes of the record, on whatever version stands there.

        Raises:
            ChangedError: there is no such referral, or the change is not possible any more.
        """
        for _ in range(MOST_TRIES):
            version, found = await self._load(id, referral)
            changed = change(found)
            if changed == found:
                return found
            if await self.store.save(id, referral, version, dump_referral(changed)):
                return changed
        raise StoreUnavailableError("too many changes at once")


def _stepped(
    found: Referral,
    what: Step,
    by: OperatorId,
    at: Milliseconds,
    *,
    unless: State | None = None,
) -> Referral:
    if found.state is unless:
        return found
    if not can_step(found.state, what):
        raise ChangedError
    return step(found, what, by, at)


def _basis(conversation: Conversation, found: Referral) -> Basis:
    return Basis(
        referral=found.id,
        receiver=found.receiver,
        consents=conversation.consents,
        decision=found.decision,
        minor=_may_be_child(conversation)
        or found.form.presumed_minor in (Minor.YES, Minor.NOT_SURE),
    )


def _may_be_child(conversation: Conversation) -> bool:
    """By the person's own word. It counts also when their answers are not shown."""
    return not _CHILD.isdisjoint(conversation.facts.get("age", ()))


def _names_somebody(form: Form) -> bool:
    return form.identity is not None or form.safe_contact is not None


def _without_unasked(form: Form, basis: Basis) -> Form:
    """Who it is, is not even kept before the person agreed to it."""
    who = basis.answer(Purpose.IDENTITY)
    if who is not None and who.stands:
        return form
    return replace(form, safe_contact=None, identity=None)


def _receipt(conversation: Conversation, found: Referral) -> Receipt | None:
    return next((r for r in conversation.receipts if r.package == found.package), None)


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


def _day(at: Milliseconds) -> date:
    return datetime.fromtimestamp(at / 1000, UTC).date()


async def _pause(stop: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(EVERY_SECONDS):
            await stop.wait()
    except TimeoutError:
        return
