"""How a package, or the retraction of one, is brought to the exit gate.

Before a package leaves the person's conversation says that it is about to: whatever happens
then, what may be out can be taken back.
"""

import uuid
from dataclasses import dataclass

from bot.domain.consent import PackageId, Receipt
from bot.domain.ids import ConversationId, InputKey
from bot.engine.received import ReferralLeaving
from bot.errors import CorruptStateError, RefusedError
from handoff.referral.consent import purposes_needed
from handoff.referral.exit_gate import ExitGate, Left, Parcel, Situation, Way
from handoff.referral.package import Header, Retraction
from handoff.referral.receivers import Channel, Receiver
from handoff.referral.record import Referral
from handoff.referral.records import Records, basis_of, day_of, names_somebody, receipt_of

_RETRACTIONS = uuid.UUID("5c1f4a3e-6d0a-4a55-9f0e-0b8f0e2b7d61")
"""Makes the id of a retraction from the package's, so that a repeated one is the same."""


@dataclass(frozen=True, slots=True)
class Leaving:
    """Brings what one installation sends to its exit gate."""

    records: Records
    gate: ExitGate
    sender: str

    async def let_out(
        self, id: ConversationId, found: Referral, receiver: Receiver, channel: Channel
    ) -> tuple[Receipt, Left]:
        """Let the package of a referral leave; what the person holds of it, and what left.

        Raises:
            RefusedError, HeldBackError: something does not allow it: nothing left.
            GoneError: the conversation was erased: nothing left.
            OSError: it could not be written: nothing left under its name.
        """
        receipt = await self._announce(id, found)
        conversation = await self.records.conversation(id)
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
            indicators=await self.records.indicators(conversation),
        )
        way = Way(channel=channel, receiver=receiver, today=await self.records.today())
        left = await self.gate.let_out(parcel, way, lambda: self._situation(id, found))
        return receipt, left

    async def retract(
        self, id: ConversationId, found: Referral, receiver: Receiver, channel: Channel
    ) -> Left:
        """Let a retraction follow. The same again is the same retraction.

        Raises:
            HeldBackError: there is nothing to retract.
            OSError: it could not be written, or the package may still be there.
        """
        now = await self.records.index.now()
        retraction = Retraction(
            package_id=PackageId(str(uuid.uuid5(_RETRACTIONS, found.package))),
            retracts=found.package,
            sender=self.sender,
            receiver=found.receiver,
            created_at=now,
            sent_at=now,
        )
        way = Way(channel=channel, receiver=receiver, today=day_of(now))
        return await self.gate.let_out(retraction, way, lambda: self._situation(id, found))

    async def _announce(self, id: ConversationId, found: Referral) -> Receipt:
        """Have it noted with the person that the package is about to leave."""
        identity = names_somebody(found.form)
        decision = basis_of(await self.records.conversation(id), found).decision
        what = ReferralLeaving(
            referral=found.id,
            package=found.package,
            receiver=found.receiver,
            receiver_name=found.receiver_name,
            purposes=purposes_needed(decision, identity=identity),
            with_identity=identity,
            decided_at=decision.at if decision else None,
        )
        key = InputKey(f"leaving-{found.package}")
        taken = await self.records.turns.receive(id, key, what, channel_takes=False)
        if taken.refused is not None:
            raise RefusedError(taken.refused)
        receipt = receipt_of(await self.records.conversation(id), found)
        if receipt is None:
            raise CorruptStateError("a package that leaves without a receipt")
        return receipt

    async def _situation(self, id: ConversationId, found: Referral) -> Situation:
        conversation = await self.records.conversation(id)
        now = await self.records.load(id, found.id)
        return Situation(basis=basis_of(conversation, now), receipts=conversation.receipts)
