"""What a person agreed to have sent about them, to whom, and what became of it.

A consent belongs to one referral, one receiver and one purpose, and says nothing about another.
It is never deleted while the conversation lives: a withdrawn one is the proof of the withdrawal.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NewType

from bot.domain.ids import Milliseconds, OperatorId

ReferralId = NewType("ReferralId", str)
"""One wish to tell one organisation about one person. Random."""

ReceiverId = NewType("ReceiverId", str)
"""The name of a receiver in the directory of receivers."""

PackageId = NewType("PackageId", str)
"""What is sent carries it, however often it is sent. Random."""


class Purpose(Enum):
    """What a consent is for."""

    REFERRAL = "referral"
    """Codes and choices, without who the person is."""

    IDENTITY = "identity"
    """A name, and how to reach the person safely. Never without the one above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentQuestion:
    """What an operator asked for, and the person has not answered yet."""

    operator: OperatorId
    referral: ReferralId
    receiver: ReceiverId
    receiver_name: str
    purpose: Purpose
    interpreter: bool = False
    """Whether an interpreter explains it to the person."""

    text_version: str = ""
    """Of the words in which it was shown; see `bot.dialogue.consent_texts`."""

    language: str = ""
    """In which it was shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """The person's answer, yes or no, with the exact words it was an answer to."""

    referral: ReferralId
    receiver: ReceiverId
    receiver_name: str
    purpose: Purpose
    given: bool
    text_version: str
    language: str
    at: Milliseconds
    interpreter: bool = False
    withdrawn_at: Milliseconds | None = None

    @property
    def stands(self) -> bool:
        """Whether it allows something now."""
        return self.given and self.withdrawn_at is None


class ReceiptState(Enum):
    """How far something went, as the person is told."""

    LEAVING = "leaving"
    """About to leave. Whether it has left is not known until it is `SENT`."""

    SENT = "sent"
    """Left. Nobody has confirmed it."""

    CONFIRMED = "confirmed"
    RETRACTED = "retracted"
    """The receiver was told that the person took it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was sent about the person."""

    package: PackageId
    referral: ReferralId
    receiver: ReceiverId
    receiver_name: str
    with_identity: bool
    state: ReceiptState
    at: Milliseconds
    confirmed_at: Milliseconds | None = None
    retract: bool = False
    """Whether the person took it back, so that the receiver has to be told."""


def reference(package: PackageId) -> str:
    """The short form of a package's id that people read to each other."""
    plain = package.replace("-", "").upper()[:8]
    return f"{plain[:4]}-{plain[4:]}"


def answer_to(
    consents: Iterable[Consent], referral: ReferralId, receiver: ReceiverId, purpose: Purpose
) -> Consent | None:
    """The person's newest answer to exactly this question."""
    asked = [
        consent
        for consent in consents
        if (consent.referral, consent.receiver, consent.purpose) == (referral, receiver, purpose)
    ]
    return asked[-1] if asked else None


def objected_since(
    consents: Iterable[Consent], referral: ReferralId, receiver: ReceiverId, since: Milliseconds
) -> bool:
    """Whether the person said no, or took something back, at that time or later."""
    objections = (
        consent.withdrawn_at if consent.given else consent.at
        for consent in consents
        if (consent.referral, consent.receiver) == (referral, receiver)
    )
    return any(at is not None and at >= since for at in objections)


def open_receivers(
    consents: Iterable[Consent], receipts: Iterable[Receipt]
) -> Iterator[tuple[ReceiverId, str]]:
    """The receivers from whom the person can still take something back, each once."""
    found: dict[ReceiverId, str] = {}
    for consent in consents:
        if consent.stands:
            found[consent.receiver] = consent.receiver_name
    for receipt in receipts:
        # Sent on a human's decision, without a consent: the person can still object.
        if not receipt.retract:
            found[receipt.receiver] = receipt.receiver_name
    yield from found.items()
