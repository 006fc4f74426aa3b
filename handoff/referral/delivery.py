"""Brings what operators and people want with a referral to its end.

An act only changes the record. `Delivery.work_on` does the rest, from whatever state a record is
found in, and again and again: each of its steps can be repeated, so a process that was killed
between two of them is finished by another one. What has left carries one id, however often.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace

from bot.dialogue.referral_ports import Round, SentNote
from bot.dialogue.stopping import stopped_within
from bot.domain.consent import Receipt, ReceiptState, ReferralId
from bot.domain.conversation import Conversation
from bot.domain.ids import NO_TIME, ConversationId, InputKey, Milliseconds
from bot.engine.received import ReferralNews
from bot.errors import FirstpointError, GoneError, RefusedError, StoreUnavailableError
from handoff.referral.consent import what_is_missing
from handoff.referral.exit_gate import HeldBackError, Left
from handoff.referral.leaving import Leaving
from handoff.referral.receivers import Channel, Directory, Receiver, Unusable
from handoff.referral.record import PROGRAM, Failure, Referral
from handoff.referral.records import (
    ChangedError,
    Records,
    basis_of,
    names_somebody,
    receipt_of,
    stepped,
)
from handoff.referral.states import State, Step

log = logging.getLogger(__name__)

LEASE = Milliseconds(30_000)
EVERY_SECONDS = 3.0
MEND_EVERY = 100
"""Rounds between two walks over all conversations."""

LONGEST_PAUSE = 10
"""Rounds for which a referral that makes trouble is left alone at most."""

KEPT_AFTER_SENDING = Milliseconds(120 * 24 * 3600 * 1000)
KEPT_AFTER_CONFIRMING = Milliseconds(30 * 24 * 3600 * 1000)
"""Of what was sent only its id, to whom, when and its digest (design section 9)."""

_Key = tuple[ConversationId, ReferralId]


@dataclass(slots=True)
class Pauses:
    """Which referrals make trouble, and how long each is left alone: twice as long each time."""

    _left: dict[_Key, int] = field(default_factory=dict[_Key, int])
    _last: dict[_Key, int] = field(default_factory=dict[_Key, int])

    def over(self, key: _Key) -> bool:
        """Whether it is time to try; asked once in each round."""
        self._left[key] = self._left.get(key, 0) - 1
        return self._left[key] < 0

    def longer(self, key: _Key) -> None:
        """It made trouble again."""
        self._last[key] = min(self._last.get(key, 0) * 2 or 1, LONGEST_PAUSE)
        self._left[key] = self._last[key]

    def keep(self, troubled: Collection[_Key]) -> None:
        """Forget all others."""
        for gone in self._left.keys() - troubled:
            del self._left[gone]
            self._last.pop(gone, None)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the program does with the referrals of one installation."""

    records: Records
    leaving: Leaving
    directory: Callable[[], Awaitable[Directory]]
    holder: str = field(default_factory=lambda: uuid.uuid4().hex)
    pauses: Pauses = field(default_factory=Pauses, init=False)
    hanging: set[_Key] = field(default_factory=set[_Key], init=False)
    """Those for which a folder cannot be used."""

    failing: set[_Key] = field(default_factory=set[_Key], init=False)
    """Those that a mistake of ours holds up."""

    async def serve(self, stop: asyncio.Event) -> None:
        """Bring everything on its way until `stop`. One process at a time does it."""
        index, rounds = self.records.index, 0
        try:
            while not stop.is_set():
                try:
                    if await index.hold_lease("referrals", self.holder, LEASE):
                        if rounds % MEND_EVERY == 0:
                            await self.mend()
                        await self.work()
                        rounds += 1
                except FirstpointError as error:
                    log.warning("referrals_wait", extra={"error_type": type(error).__name__})
                await stopped_within(stop, EVERY_SECONDS)
        finally:
            try:
                await index.let_go("referrals", self.holder)
            except StoreUnavailableError:
                log.warning("lease_left_to_end")

    async def mend(self) -> None:
        """Bring the list in line with the records: a restored backup knows nothing of it."""
        async for id in self.records.index.all_ids():
            await self.records.store.relist(id)

    async def work(self) -> None:
        """Look at every referral once. One that makes trouble holds up no other."""
        active = await self.records.store.active()
        for key in active:
            await self.records.index.hold_lease("referrals", self.holder, LEASE)
            if self.pauses.over(key):
                await self._try(key)
        self.hanging.intersection_update(active)
        self.failing.intersection_update(active)
        self.pauses.keep(self.hanging | self.failing)
        at = await self.records.index.now()
        done = Round(at=at, hanging=len(self.hanging), failing=len(self.failing))
        await self.records.store.note_round(done)

    async def _try(self, key: _Key) -> None:
        self.hanging.discard(key)
        self.failing.discard(key)
        try:
            if not await self.work_on(*key):
                self.hanging.add(key)
                self.pauses.longer(key)
        except StoreUnavailableError:
            raise
        except (FirstpointError, ChangedError, HeldBackError) as error:
            log.warning("referral_waits", extra={"error_type": type(error).__name__})
        except Exception:  # a mistake of ours with one referral must not hold up the others
            log.exception("referral_failed")
            self.failing.add(key)
            self.pauses.longer(key)

    async def work_on(self, id: ConversationId, referral: ReferralId) -> bool:
        """Do whatever is left to do for one referral. Again is always possible.

        Returns:
            False when a folder cannot be used now. That passes; the record says it meanwhile.
        """
        try:
            found = await self.records.find(id, referral)
            if found is None:
                await self.records.store.forget(id, referral)
                return True
            await self._work_on(id, found, await self.records.conversation(id))
        except GoneError:
            # Erased, or its time was over. What had not left is gone with it.
            await self.records.store.forget(id, referral)
        except OSError as error:
            log.warning("referral_hangs", extra={"error_type": type(error).__name__})
            await self._note_hanging(id, referral)
            return False
        return True

    async def _note_hanging(self, id: ConversationId, referral: ReferralId) -> None:
        with suppress(GoneError, ChangedError):
            await self._note_failure(id, referral, Failure.DISK)

    async def _work_on(
        self, id: ConversationId, found: Referral, conversation: Conversation
    ) -> None:
        receipt = receipt_of(conversation, found)
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
        allowed = _is_allowed(conversation, found)
        if allowed and found.state is State.DRAFT:
            await self.records.move(id, found.id, Step.CONSENT)
        elif not allowed and found.state is State.CONSENTED:
            await self.records.move(id, found.id, Step.LOSE_CONSENT)

    # Sending

    async def _try_to_send(
        self, id: ConversationId, found: Referral, conversation: Conversation
    ) -> None:
        if not _is_allowed(conversation, found):
            if _is_allowed(conversation, replace(found, restored_at=NO_TIME)):
                await self._fail(id, found, Failure.RESTORED)
            else:
                await self.records.move(id, found.id, Step.RETRACT)
            return
        if found.channel is Channel.PRINTED:
            return
        receiver = await self._receiver(found)
        if receiver is None:
            await self._fail(id, found, Failure.RECEIVER)
            return
        try:
            receipt, left = await self.leaving.let_out(id, found, receiver, Channel.FILE_DROP)
        except RefusedError:
            await self.records.move(id, found.id, Step.RETRACT)
        except HeldBackError as held:
            unusable = isinstance(held.reason, Unusable)
            await self._fail(id, found, Failure.RECEIVER if unusable else Failure.FORM)
        else:
            await self._record_sent(id, found, receipt, left)

    async def _record_sent(
        self, id: ConversationId, found: Referral, receipt: Receipt, left: Left
    ) -> None:
        def sent(now: Referral) -> Referral:
            moved = stepped(now, Step.SEND, PROGRAM, receipt.at, unless=State.SENT)
            return replace(moved, digest=left.digest, failure=None)

        try:
            await self.records.change(id, found.id, sent)
            conversation = await self.records.conversation(id)
        except GoneError:
            await self._take_back_unfetched(found)
            raise
        record = await self.records.load(id, found.id)
        await self._keep_up(id, record, receipt_of(conversation, record))

    async def _take_back_unfetched(self, found: Referral) -> None:
        """Erased at the very moment: it counts as unsent as long as nobody fetched it."""
        try:
            await self.leaving.gate.take_back(found.receiver, found.package)
        except OSError as error:
            # With the record gone nobody could try again; the folder was there a moment ago.
            kind = type(error).__name__
            log.error("package_left_in_folder", extra={"error_type": kind})  # noqa: TRY400 - the text names a path

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
        if in_folder and not await self.leaving.gate.waits(found.receiver, found.package):
            await self.records.move(id, found.id, Step.FETCH)
        if found.failure is Failure.DISK:
            await self._note_failure(id, found.id, None)

    # Taking back

    async def _retract(self, id: ConversationId, found: Referral) -> None:
        """Follow a package with a retraction, also when it is not known whether it had left."""
        if found.channel is Channel.FILE_DROP:
            receiver = await self._receiver(found)
            if receiver is None:
                await self._note_failure(id, found.id, Failure.RECEIVER)
                return
            await self.leaving.retract(id, found, receiver, Channel.FILE_DROP)
            await self.records.change(
                id, found.id, lambda now: replace(now, retraction_left=True, failure=None)
            )
        record = await self.records.move(id, found.id, Step.RETRACT)
        conversation = await self.records.conversation(id)
        await self._finish_retraction(id, record, receipt_of(conversation, record))

    async def _finish_retraction(
        self, id: ConversationId, found: Referral, receipt: Receipt | None
    ) -> None:
        if receipt is None:
            # Nothing had left: nobody has to be told.
            await self.records.store.forget(id, found.id)
        elif found.retraction_left and receipt.state is not ReceiptState.RETRACTED:
            await self._note(found)
            await self._tell(id, found, ReceiptState.RETRACTED)
        elif found.retraction_left:
            await self.records.store.forget(id, found.id)

    # What others know

    async def _tell(self, id: ConversationId, found: Referral, state: ReceiptState) -> None:
        key = InputKey(f"{state.value}-{found.package}")
        news = ReferralNews(package=found.package, state=state)
        await self.records.turns.receive(id, key, news, channel_takes=False)

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
        await self.records.store.note_sent(note, Milliseconds(until))

    # The record

    async def _receiver(self, found: Referral) -> Receiver | None:
        """The receiver; None when there is no such receiver any more.

        Raises:
            OSError: their file cannot be read now.
        """
        directory = await self.directory()
        receiver = directory.get(found.receiver)
        if receiver is None and directory.is_unread(found.receiver):
            raise OSError("the file of a receiver cannot be read")
        return receiver

    async def _fail(self, id: ConversationId, found: Referral, failure: Failure) -> None:
        now = await self.records.index.now()
        await self.records.change(
            id,
            found.id,
            lambda it: replace(stepped(it, Step.FAIL, PROGRAM, now), failure=failure),
        )

    async def _note_failure(
        self, id: ConversationId, referral: ReferralId, failure: Failure | None
    ) -> None:
        await self.records.change(id, referral, lambda now: replace(now, failure=failure))


def _is_allowed(conversation: Conversation, found: Referral) -> bool:
    identity = names_somebody(found.form)
    return what_is_missing(basis_of(conversation, found), identity=identity) is None
