"""The one way out: no byte about a person leaves but through `let_out`.

What allows it is looked at here, at the last moment, and never handed in: nobody can bring an
old yes. Contracts of the imports keep every other module of `handoff.referral` from files and
networks, and keep everybody but this module from the file drop.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from hashlib import sha256
from typing import Protocol, assert_never

from bot.domain.consent import PackageId, Receipt, ReceiverId
from bot.domain.indicators import IndicatorSet
from handoff.referral.consent import Basis, Missing, what_is_missing
from handoff.referral.envelope import Signer, seal
from handoff.referral.form import Form, mistakes
from handoff.referral.htcds import Json, document_of, retraction_of, to_json
from handoff.referral.package import (
    Derived,
    Header,
    Package,
    Retraction,
    build_package,
    not_allowed,
)
from handoff.referral.receivers import Channel, Receiver, Unusable, why_unusable
from handoff.referral.schema import NotADocumentError, read_document
from handoff.referral.states import State


class Drop(Protocol):
    """A folder for receivers."""

    def put(self, receiver: ReceiverId, name: PackageId, content: bytes) -> None:
        """Have `content` there under `name`, whole or not at all. Again changes nothing."""
        ...

    def take_back(self, receiver: ReceiverId, name: PackageId) -> None:
        """Remove what was not fetched yet."""
        ...

    def waits(self, receiver: ReceiverId, name: PackageId) -> bool:
        """Whether it is there and was not fetched yet. Raises `OSError` when nobody can say."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What an operator wants to send. It becomes a package in here only."""

    header: Header
    state: State
    derived: Derived = field(repr=False)
    form: Form = field(repr=False)
    indicators: IndicatorSet = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """How things stand in the conversation at the moment of leaving."""

    basis: Basis
    receipts: tuple[Receipt, ...]


Look = Callable[[], Awaitable[Situation]]
"""Reads the conversation anew. Raises `GoneError` when it was erased: then nothing leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Through which channel, to whom, on which day."""

    channel: Channel
    receiver: Receiver
    today: date


class HeldBack(Enum):
    """Why nothing left, apart from what is missing and who cannot be used."""

    STATE = "state"
    """Nobody said "send", or it is over."""

    RECEIVER = "receiver"
    """It is for somebody else."""

    FORM = "form"
    FIELDS = "fields"
    """A field that nothing allows."""

    TAKEN_BACK = "taken_back"
    NOT_SENT = "not_sent"
    """What never left, or was not taken back, cannot be retracted."""


class HeldBackError(Exception):
    """Nothing left; `reason` says why."""

    def __init__(self, reason: HeldBack | Missing | Unusable) -> None:
        super().__init__(f"{type(reason).__name__}.{reason.value}")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What has left."""

    digest: str
    """SHA-256 of the document, to compare with the receiver's."""

    document: Json | None = field(default=None, repr=False)
    """Set for the printable page only: it leaves through the operator's printer."""


@dataclass(frozen=True, slots=True)
class ExitGate:
    """The way out of one installation."""

    drop: Drop
    signer: Signer

    async def let_out(self, what: Parcel | Retraction, way: Way, look: Look) -> Left:
        """Let it leave, if everything allows it at this moment.

        Raises:
            HeldBackError: nothing left.
            GoneError: the conversation was erased: nothing left.
            OSError: it could not be written: nothing left under its name.
        """
        situation = await look()
        match what:
            case Parcel():
                package = _checked(what, way, situation)
                return await self._hand_over(document_of(package, what.indicators), way)
            case Retraction():
                document = _checked_retraction(what, way, situation)
                if Channel.FILE_DROP in (way.channel, way.receiver.channel):
                    await self.take_back(way.receiver.id, what.retracts)
                return await self._hand_over(document, way)
            case _ as never:
                assert_never(never)

    async def take_back(self, receiver: ReceiverId, package: PackageId) -> None:
        """Remove a package that the receiver has not fetched yet, when there is one.

        Raises:
            OSError: it may still be there.
        """
        await asyncio.to_thread(self.drop.take_back, receiver, package)

    async def waits(self, receiver: ReceiverId, package: PackageId) -> bool:
        """Whether a package is there and was not fetched yet.

        Raises:
            OSError: the folder cannot be looked at, so nobody can say.
        """
        return await asyncio.to_thread(self.drop.waits, receiver, package)

    async def _hand_over(self, document: Json, way: Way) -> Left:
        written = to_json(document)
        _check_form(written)
        digest = sha256(written).hexdigest()
        match way.channel:
            case Channel.PRINTED:
                return Left(digest=digest, document=document)
            case Channel.FILE_DROP:
                name, receiver = PackageId(document["package_id"]), way.receiver
                envelope = seal(written, name, receiver.public_key or b"", self.signer)
                await asyncio.to_thread(self.drop.put, receiver.id, name, envelope)
                return Left(digest=digest)
            case _ as never:
                assert_never(never)


_MAY_LEAVE = {
    Channel.FILE_DROP: frozenset({State.QUEUED}),
    # A page can come out of the printer askew: what is sent already may be printed again.
    Channel.PRINTED: frozenset({State.QUEUED, State.SENT, State.DELIVERED}),
}


def _checked(parcel: Parcel, way: Way, situation: Situation) -> Package:
    """The package of a parcel that may leave."""
    basis, receiver = situation.basis, way.receiver
    if parcel.state not in _MAY_LEAVE[way.channel]:
        raise HeldBackError(HeldBack.STATE)
    if not receiver.id == basis.receiver == parcel.header.receiver:
        raise HeldBackError(HeldBack.RECEIVER)
    unusable = why_unusable(receiver, way.today, minor=basis.minor)
    if unusable is not None:
        raise HeldBackError(unusable)
    if way.channel is Channel.FILE_DROP and receiver.channel is not Channel.FILE_DROP:
        raise HeldBackError(HeldBack.RECEIVER)
    identity = parcel.form.identity is not None or parcel.form.safe_contact is not None
    missing = what_is_missing(basis, identity=identity)
    if missing is not None:
        raise HeldBackError(missing)
    _check_not_taken_back(parcel, situation)
    if mistakes(parcel.form, parcel.indicators, today=way.today, identity=identity):
        raise HeldBackError(HeldBack.FORM)
    package = _package(parcel, basis)
    if not_allowed(package):
        raise HeldBackError(HeldBack.FIELDS)
    return package


def _package(parcel: Parcel, basis: Basis) -> Package:
    return build_package(
        parcel.header,
        parcel.derived,
        parcel.form,
        parcel.indicators,
        basis.legal_basis,
        basis.used,
    )


def _check_not_taken_back(parcel: Parcel, situation: Situation) -> None:
    package = parcel.header.package_id
    if any(receipt.package == package and receipt.retract for receipt in situation.receipts):
        raise HeldBackError(HeldBack.TAKEN_BACK)


def _checked_retraction(retraction: Retraction, way: Way, situation: Situation) -> Json:
    """A retraction follows what may have left, to whom it left, when the person took it back."""
    fits = any(
        receipt.package == retraction.retracts
        and receipt.receiver == retraction.receiver == way.receiver.id
        and receipt.retract
        for receipt in situation.receipts
    )
    if not fits:
        raise HeldBackError(HeldBack.NOT_SENT)
    return retraction_of(retraction)


def _check_form(written: bytes) -> None:
    """What does not fit its own schema is a mistake of ours, and does not leave either."""
    try:
        read_document(written)
    except NotADocumentError:
        raise HeldBackError(HeldBack.FORM) from None
