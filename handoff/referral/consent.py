"""What allows something to be sent: the person's consent, or the decision of a named human."""

from dataclasses import dataclass, field
from enum import Enum

from bot.domain.consent import (
    Consent,
    Purpose,
    ReceiverId,
    ReferralId,
    answer_to,
    objected_since,
)
from bot.domain.ids import Milliseconds, OperatorId
from handoff.referral.package import LegalBasis

LEAST_REASON = 20
MOST_REASON = 500
"""Characters of the reason for a decision: a word is no reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A human decided that something is sent although a consent alone does not carry it."""

    basis: LegalBasis
    by: OperatorId
    reason: str = field(repr=False)
    at: Milliseconds

    def __post_init__(self) -> None:
        """Refuse a decision that nobody could answer for."""
        if self.basis is LegalBasis.CONSENT:
            raise ValueError("a consent is the person's, never an operator's decision")
        if not self.by.strip() or not LEAST_REASON <= len(self.reason.strip()) <= MOST_REASON:
            raise ValueError("a decision needs a human and a reason")


class Missing(Enum):
    """What is missing before anything may leave."""

    CONSENT = "consent"
    """The person was not asked, said no, took it back, or agreed to something else."""

    DECISION = "decision"
    """The person may be under 18: a human has to decide on the duty to protect."""

    CHILD_NOT_ASKED = "child_not_asked"
    """What the child wants was not asked."""

    OVERRULED = "overruled"
    """The person took something back after the decision: decide again, or do not send."""

    IDENTITY = "identity"
    """The person did not agree that it says who they are."""

    WORDING = "wording"
    """A consent without the words it was an answer to proves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """All that can allow one referral to leave to one receiver."""

    referral: ReferralId
    receiver: ReceiverId
    consents: tuple[Consent, ...]
    decision: Decision | None
    minor: bool
    """Whether the person is, or may be, under 18."""

    def answer(self, purpose: Purpose) -> Consent | None:
        """The person's newest answer to exactly this."""
        return answer_to(self.consents, self.referral, self.receiver, purpose)

    @property
    def legal_basis(self) -> LegalBasis:
        """What the package names as its basis."""
        return self.decision.basis if self.decision else LegalBasis.CONSENT

    @property
    def used(self) -> tuple[Consent, ...]:
        """The answers that belong into the package: yes or no, the receiver has to know."""
        found = (self.answer(purpose) for purpose in Purpose)
        return tuple(consent for consent in found if consent is not None)


def what_is_missing(basis: Basis, *, identity: bool) -> Missing | None:
    """What keeps it from leaving; None when nothing does.

    `identity`: whether the package says who the person is, or how to reach them.
    """
    asked = basis.answer(Purpose.REFERRAL)
    missing = _without_decision(basis, asked) if basis.decision is None else _decided(basis, asked)
    if missing is None and identity:
        who = basis.answer(Purpose.IDENTITY)
        missing = None if who is not None and who.stands else Missing.IDENTITY
    if missing is None and any(not consent.text_version for consent in basis.used):
        missing = Missing.WORDING
    return missing


def _without_decision(basis: Basis, asked: Consent | None) -> Missing | None:
    if asked is None or not asked.stands:
        return Missing.CONSENT
    return Missing.DECISION if basis.minor else None


def _decided(basis: Basis, asked: Consent | None) -> Missing | None:
    decision = basis.decision
    if decision is None:
        return Missing.DECISION
    if objected_since(basis.consents, basis.referral, basis.receiver, decision.at):
        return Missing.OVERRULED
    child_path = decision.basis is LegalBasis.CHILD_PROTECTION
    if child_path and not basis.minor:
        # The duty to protect children does not reach adults.
        return Missing.CONSENT
    if child_path and asked is None:
        return Missing.CHILD_NOT_ASKED
    return None


def purposes_needed(decision: Decision | None, *, identity: bool) -> tuple[Purpose, ...]:
    """The consents that have to stand when it leaves."""
    own = () if decision else (Purpose.REFERRAL,)
    return (*own, Purpose.IDENTITY) if identity else own
