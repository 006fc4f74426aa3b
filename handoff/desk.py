"""What an operator can do with a conversation. Every look and every change is recorded.

The record is written first: what could not be recorded is not done.
"""

import logging
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from bot.dialogue.ports import AuditRecord, Entry, Index, View, Waiting
from bot.dialogue.queue import rank_of
from bot.dialogue.takeover import announce_takeover
from bot.dialogue.turns import Taken, Turns
from bot.domain.control import Owner
from bot.domain.conversation import Conversation
from bot.domain.handover import Alarm
from bot.domain.ids import ConversationId, InputKey, Milliseconds, OperatorId
from bot.domain.indicators import Urgency
from bot.domain.messages import Author, Said
from bot.domain.text import Country, Language
from bot.engine.effects import Refusal
from bot.engine.received import (
    AlarmsSeen,
    Claimed,
    ClosedByOperator,
    GaveBack,
    LeaseRenewed,
    OperatorInput,
    OperatorWrote,
    Transferred,
)
from bot.errors import (
    CorruptStateError,
    FirstpointError,
    GoneError,
    RefusedError,
    StoreError,
    StoreUnavailableError,
)
from handoff.audit import Audit
from handoff.permissions import Act, Member, check_may, may

log = logging.getLogger(__name__)

CLAIM_LEASE = Milliseconds(60_000)
"""How long a claim holds when the console is not heard of; the console renews it often."""

ON_SHIFT = Milliseconds(60_000)
"""How long somebody counts as present when their console is not heard of."""

CAPACITY = 2
CAPACITY_HEAVY = 1
"""When one of them is in danger now, or may be a child (trauma-informed chat, section 8)."""

HARD_LIMIT = 3
MOST_SHOWN = 50
_DANGER_RANK, _HEAVY_RANK = 0, 1
"""Danger now has rank 0, a child or not sure has rank 1 (`bot.dialogue.queue`)."""

_RENEW_BELOW = 2 / 3
"""A lease is renewed when less than this part of it is left."""

_SETTLED_BELOW = 5 / 6
"""A seat of which more is left may belong to a claim that is being made at this moment: the seat
is taken first. Without it nobody would renew the claim."""


class FullDeskError(Exception):
    """The operator has as many conversations as one person can answer well."""

    def __init__(self, *, may_exceed: bool) -> None:
        super().__init__("full")
        self.may_exceed = may_exceed


class Seats(Protocol):
    """How many conversations each operator has, counted in one place."""

    async def take(  # noqa: PLR0913 - what a reservation consists of
        self,
        operator: OperatorId,
        id: ConversationId,
        until: Milliseconds,
        *,
        heavy: bool,
        most: int,
        most_heavy: int,
    ) -> int:
        """Reserve or renew a seat: 0 when there is none, 1 for a new one, 2 for a renewed one."""
        ...

    async def leave(self, operator: OperatorId, id: ConversationId) -> None:
        """Give a seat back."""
        ...

    async def held(
        self, operator: OperatorId
    ) -> tuple[tuple[ConversationId, bool, Milliseconds], ...]:
        """The conversations of an operator, which of them are heavy, and until when."""
        ...


class Presence(Protocol):
    """Who is there to answer, and how long it takes."""

    async def on_shift(self, operator: OperatorId, until: Milliseconds, *, free: bool) -> None:
        """Count an operator as present until then; `free`: as one who can take somebody."""
        ...

    async def off_shift(self, operator: OperatorId) -> None:
        """Count an operator as gone."""
        ...

    async def taken(self, id: ConversationId) -> None:
        """Note how long somebody waited who has just been taken."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """Somebody who waits, with what an operator may know without their yes."""

    id: ConversationId
    since: Milliseconds
    urgency: Urgency
    language: Language
    country: Country | None
    rank: int | None
    """Why they come when they come; None while that would tell what they keep to themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """A conversation that the operator answers."""

    id: ConversationId
    language: Language
    urgency: Urgency
    alarms: tuple[Alarm, ...]
    length: int
    away: bool


@dataclass(frozen=True, slots=True)
class Desk:
    """The only way for staff to see or change a conversation."""

    turns: Turns
    index: Index
    seats: Seats
    presence: Presence
    audit: Audit
    lease: Milliseconds = CLAIM_LEASE

    # The queue

    async def queue(self) -> tuple[Waiting, ...]:
        """Who waits, whoever needs somebody first at the top (design section 8)."""
        return await self.index.queue()

    async def people(self, member: Member, *, again: bool = False) -> tuple[Queued, ...]:
        """Who waits, as it is shown. `again`: the same screen looks once more by itself.

        Raises:
            NotAllowedError: no role of theirs sees the queue.
        """
        check_may(member, Act.SEE_QUEUE)
        if not again:
            await self.audit.note(member.id, "queue")
        return await self._waiting(await self.index.queue())

    async def urgent(self, member: Member, *, again: bool = False) -> tuple[Queued, ...]:
        """Who waits and is in danger now, for a page that shows something else beside them.

        Raises:
            NotAllowedError: no role of theirs sees the queue.
        """
        check_may(member, Act.SEE_QUEUE)
        if not again:
            await self.audit.note(member.id, "queue:now")
        return await self._waiting([one for one in await self.index.queue() if not one.rank])

    async def _waiting(self, queue: Sequence[Waiting]) -> tuple[Queued, ...]:
        found: list[Queued] = []
        for waiting in queue[:MOST_SHOWN]:
            conversation = await self._state(waiting.id)
            if conversation is not None and conversation.control.owner is Owner.WAITING:
                found.append(_queued(waiting, conversation))
        return tuple(found)

    async def now(self) -> Milliseconds:
        """The time that all processes share."""
        return await self.index.now()

    # Being there

    async def here(self, member: Member) -> tuple[Owned, ...]:
        """Say that the console is open: presence and claims hold on; what the operator answers.

        Raises:
            NotAllowedError: no role of theirs answers people.
        """
        check_may(member, Act.SEE_QUEUE)
        owned = await self._renew_all(member)
        heavy = any(is_heavy for _, is_heavy, _ in await self.seats.held(member.id))
        free = len(owned) < (CAPACITY_HEAVY if heavy else CAPACITY)
        until = Milliseconds(await self.index.now() + ON_SHIFT)
        await self.presence.on_shift(member.id, until, free=free)
        return owned

    async def leave(self, member: Member) -> None:
        """Go off shift: who is still being answered goes back into the queue, and is told."""
        await self.presence.off_shift(member.id)
        for id, _, _ in await self.seats.held(member.id):
            try:
                await self.transfer(id, member, reason="signed_out")
            except (RefusedError, GoneError, CorruptStateError):
                await self.seats.leave(member.id, id)

    async def _renew_all(self, member: Member) -> tuple[Owned, ...]:
        owned: list[Owned] = []
        for id, _, until in await self.seats.held(member.id):
            found = await self._still_theirs(id, member)
            left = until - await self.index.now()
            if found is None:
                if left < self.lease * _SETTLED_BELOW:
                    await self.seats.leave(member.id, id)
                continue
            owned.append(found)
            if left < self.lease * _RENEW_BELOW:
                with suppress(RefusedError, GoneError):
                    await self.renew(id, member)
        return tuple(owned)

    async def _still_theirs(self, id: ConversationId, member: Member) -> Owned | None:
        try:
            loaded = await self.turns.store.look(id)
        except (GoneError, CorruptStateError):
            return None
        if not _is_theirs(loaded.conversation, member):
            return None
        return _owned(id, loaded.conversation, loaded.length)

    async def renew(self, id: ConversationId, member: Member) -> Milliseconds:
        """Keep the claim for longer; when it ends now. Nothing is seen or changed by it.

        Raises:
            RefusedError: the claim was lost.
        """
        check_may(member, Act.CLAIM)
        until = await self._lease_end()
        what = LeaseRenewed(operator=member.id, lease_until=until)
        await self._turn(id, member, what, "renew", _fresh_key("renew"))
        conversation = await self._state(id)
        if conversation is not None:
            await self._take_seat(id, member, conversation, until, HARD_LIMIT)
        return until

    # Taking somebody

    async def claim(self, id: ConversationId, member: Member, *, beyond: bool = False) -> None:
        """Take a waiting conversation. Of several who try, one gets it.

        When this returns, the bot has fallen silent, and the person has been told; where the
        store failed in that moment, the sweeper tells them.
        `beyond`: although one has as many as one should; for somebody in danger, or as a lead.

        Raises:
            NotAllowedError: no role of theirs answers people.
            FullDeskError: the operator has too many already.
            RefusedError: somebody else has it, or it does not wait any more.
            GoneError: it was erased.
        """
        check_may(member, Act.CLAIM)
        conversation = (await self.turns.store.look(id)).conversation
        may_exceed = may(member, Act.CLAIM_BEYOND) or conversation.urgency is Urgency.NOW
        until = await self._lease_end()
        most = HARD_LIMIT if beyond and may_exceed else None
        seat = await self._take_seat(id, member, conversation, until, most)
        if not seat:
            raise FullDeskError(may_exceed=may_exceed and not (beyond and may_exceed))
        what = Claimed(operator=member.id, lease_until=until)
        try:
            await self._move(id, member, what, "claim")
        except FirstpointError:
            if seat == _NEW_SEAT:
                await self._give_seat_back(id, member)
            raise
        try:
            await self._announce(id, member)
            if rank_of(conversation) > _DANGER_RANK:
                await self.presence.taken(id)
        except StoreUnavailableError:
            log.warning("takeover_told_later")

    async def _give_seat_back(self, id: ConversationId, member: Member) -> None:
        """Unless the claim was written after all, and only the answer was lost."""
        with suppress(StoreUnavailableError):  # `here` does it later
            if await self._still_theirs(id, member) is None:
                await self.seats.leave(member.id, id)

    async def _announce(self, id: ConversationId, member: Member) -> None:
        control = (await self.turns.store.look(id)).conversation.control
        if control.owner is Owner.OPERATOR and control.operator == member.id:
            await announce_takeover(self.turns, id, control.fence)

    async def claim_next(self, member: Member) -> ConversationId | None:
        """Take whoever comes first; None when nobody waits.

        Raises:
            NotAllowedError, FullDeskError: as `claim`.
            StoreError: those who wait cannot be taken.
        """
        check_may(member, Act.CLAIM)
        troubles: list[StoreError] = []
        for waiting in await self.index.queue():
            try:
                await self.claim(waiting.id, member)
            except (RefusedError, GoneError):
                continue
            except StoreError as error:
                # One that is broken must not keep everybody behind from being taken.
                log.warning("claim_failed", extra={"error_type": type(error).__name__})
                troubles.append(error)
                if len(troubles) == _MOST_TROUBLES:
                    break
                continue
            return waiting.id
        if troubles:
            raise troubles[-1]
        return None

    async def _take_seat(
        self,
        id: ConversationId,
        member: Member,
        conversation: Conversation,
        until: Milliseconds,
        most: int | None,
    ) -> int:
        return await self.seats.take(
            member.id,
            id,
            until,
            heavy=rank_of(conversation) <= _HEAVY_RANK,
            most=most or CAPACITY,
            most_heavy=most or CAPACITY_HEAVY,
        )

    # Answering

    async def open(
        self, id: ConversationId, member: Member, after: int = 0, *, looked: int | None = None
    ) -> View:
        """What the operator may see of a conversation they own. There is no other way to read one.

        Without the person's yes it holds nothing that they said before they asked for a human,
        and no answer. `length` of the view is what the operator has then seen.

        `looked`: the same screen looks once more by itself, and its look is recorded up to here.

        Raises:
            NotAllowedError: no role of theirs answers people.
            RefusedError: the operator does not own the conversation.
            GoneError: it was erased.
        """
        check_may(member, Act.OPEN)
        view = await self._read(id, member, after)
        shown = tuple(_shown(view.conversation, view.entries))
        before = max(after, looked or 0)
        if looked is None or any(entry.seq > before for entry in shown):
            entries = f":{before + 1}-{view.length}" if view.length > before else ""
            await self.audit.note(member.id, f"look{entries}", id)
        return replace(view, conversation=_without_answers(view.conversation), entries=shown)

    async def _read(self, id: ConversationId, member: Member, after: int) -> View:
        entries: tuple[Entry, ...] = ()
        reached = after
        while True:
            view = await self.turns.store.read(id, reached)
            if not _is_theirs(view.conversation, member):
                raise RefusedError(Refusal.NOT_THE_OWNER)
            entries += view.entries
            reached = view.entries[-1].seq if view.entries else view.length
            if reached >= view.length or not view.entries:
                return replace(view, entries=entries)

    async def write(
        self,
        id: ConversationId,
        member: Member,
        key: InputKey,
        words: str,
        *,
        seen: int | None = None,
    ) -> Taken:
        """Write to the person. The same `key` twice is one message.

        `seen`: the newest entry on the screen; when there is something newer, nothing is sent.

        Raises:
            NotAllowedError: no role of theirs answers people.
            RefusedError: the operator does not own the conversation, or has not seen all of it.
        """
        check_may(member, Act.WRITE)
        what = OperatorWrote(operator=member.id, words=words, seen=seen)
        return await self._move(id, member, what, "write", InputKey(f"write:{key}"))

    async def see_alarms(self, id: ConversationId, member: Member, number: int) -> None:
        """Say that the alarms up to `number` were seen.

        Raises:
            RefusedError: the operator does not own the conversation.
        """
        check_may(member, Act.WRITE)
        what = AlarmsSeen(operator=member.id, number=number)
        await self._move(id, member, what, "alarms_seen")

    async def give_back(
        self, id: ConversationId, member: Member, *, reason: str = "", seen: int | None = None
    ) -> None:
        """Let the bot answer again, at the question where it was held.

        Raises:
            NotAllowedError, RefusedError: as `write`.
        """
        check_may(member, Act.GIVE_BACK)
        await self._let_go(
            id, member, GaveBack(operator=member.id, seen=seen), "give_back", reason
        )

    async def transfer(
        self, id: ConversationId, member: Member, *, reason: str = "", seen: int | None = None
    ) -> None:
        """Put the conversation back into the queue, at its old place.

        Raises:
            NotAllowedError, RefusedError: as `write`.
        """
        check_may(member, Act.TRANSFER)
        what = Transferred(operator=member.id, seen=seen)
        await self._let_go(id, member, what, "transfer", reason)

    async def close(
        self, id: ConversationId, member: Member, *, reason: str = "", seen: int | None = None
    ) -> None:
        """End the conversation.

        Raises:
            NotAllowedError, RefusedError: as `write`.
        """
        check_may(member, Act.CLOSE)
        what = ClosedByOperator(operator=member.id, seen=seen)
        await self._let_go(id, member, what, "close", reason)

    async def _let_go(
        self, id: ConversationId, member: Member, what: OperatorInput, name: str, reason: str
    ) -> None:
        await self._move(id, member, what, f"{name}:{reason}" if reason else name)
        await self.seats.leave(member.id, id)

    async def _move(
        self,
        id: ConversationId,
        member: Member,
        what: OperatorInput,
        name: str,
        key: InputKey | None = None,
    ) -> Taken:
        await self.audit.note(member.id, name, id)
        try:
            return await self._turn(id, member, what, name, key or _fresh_key(name))
        except RefusedError as refused:
            await self.audit.note(member.id, f"{name}:refused:{refused.reason.value}", id)
            raise

    async def _turn(
        self, id: ConversationId, member: Member, what: OperatorInput, name: str, key: InputKey
    ) -> Taken:
        taken = await self.turns.receive(
            id,
            key,
            what,
            channel_takes=False,
            audit=AuditRecord(who=member.id, what=name),
        )
        if taken.refused is not None:
            raise RefusedError(taken.refused)
        return taken

    async def _lease_end(self) -> Milliseconds:
        return Milliseconds(await self.index.now() + self.lease)

    async def _state(self, id: ConversationId) -> Conversation | None:
        try:
            return (await self.turns.store.look(id)).conversation
        except (GoneError, CorruptStateError):
            return None


_NEW_SEAT = 1
_MOST_TROUBLES = 5
"""Then it is not the conversations that are broken, and an operator waits for an answer."""


def _fresh_key(name: str) -> InputKey:
    return InputKey(f"{name}:{secrets.token_hex(8)}")


def _is_theirs(conversation: Conversation, member: Member) -> bool:
    control = conversation.control
    return control.owner is Owner.OPERATOR and control.operator == member.id


def _queued(waiting: Waiting, conversation: Conversation) -> Queued:
    danger = conversation.urgency is Urgency.NOW
    return Queued(
        id=waiting.id,
        since=waiting.since,
        urgency=conversation.urgency,
        language=conversation.language,
        country=conversation.country,
        rank=waiting.rank if conversation.show_answers or danger else None,
    )


def _owned(id: ConversationId, conversation: Conversation, length: int) -> Owned:
    return Owned(
        id=id,
        language=conversation.language,
        urgency=conversation.urgency,
        alarms=conversation.handover.open_alarms,
        length=length,
        away=conversation.handover.away,
    )


def _shown(conversation: Conversation, entries: tuple[Entry, ...]) -> Iterator[Entry]:
    """What the person agreed to show, or else what was said since they asked for a human.

    Then the program's part is left out as well: its questions and its "You said" would tell the
    answers. So are buttons that were pressed.
    """
    if conversation.show_answers:
        yield from entries
        return
    after = conversation.handover.shared_after
    for entry in entries:
        said = entry.message.by is not Author.PERSON or isinstance(entry.message.content, Said)
        if after is not None and entry.seq > after and said and entry.message.by is not Author.BOT:
            yield entry


def _without_answers(conversation: Conversation) -> Conversation:
    """The conversation as far as the person agreed to show it."""
    if conversation.show_answers:
        return conversation
    country = conversation.facts.get("country")
    return replace(
        conversation,
        answers=(),
        facts={"country": country} if country else {},
        trail=(),
        held=None,
        prompt=None,
        outcome=None,
        rule_version=None,
    )
