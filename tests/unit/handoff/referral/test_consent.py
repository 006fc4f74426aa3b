"""What allows something to leave: the person's yes, or a decision of a named human."""

import pytest

from bot.domain.consent import Purpose, ReceiverId, ReferralId
from bot.domain.ids import Milliseconds, OperatorId
from handoff.referral.consent import (
    Basis,
    Decision,
    Missing,
    purposes_needed,
    what_is_missing,
)
from handoff.referral.package import LegalBasis
from tests.support.referrals import AT, BOTH, basis, consent, decision

LATER = Milliseconds(AT + 1000)
CHILD, DANGER = LegalBasis.CHILD_PROTECTION, LegalBasis.IMMINENT_DANGER


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        (basis(), Missing.CONSENT),
        (basis(consent()), None),
        (basis(consent(given=False)), Missing.CONSENT),
        (basis(consent(withdrawn_at=LATER)), Missing.CONSENT),
        (basis(consent(), consent(given=False, at=LATER)), Missing.CONSENT),
        (basis(consent(given=False), consent(at=LATER)), None),
        (basis(consent(Purpose.IDENTITY)), Missing.CONSENT),
        (basis(consent(receiver=ReceiverId("other"))), Missing.CONSENT),
        (basis(consent(referral=ReferralId("other"))), Missing.CONSENT),
        (basis(consent(text_version="")), Missing.WORDING),
        # The child path
        (basis(consent(), minor=True), Missing.DECISION),
        (basis(minor=True, decided=decision(CHILD)), Missing.CHILD_NOT_ASKED),
        (basis(consent(), minor=True, decided=decision(CHILD)), None),
        (
            basis(consent(given=False), minor=True, decided=decision(CHILD, at=LATER)),
            None,
        ),
        (basis(consent(given=False), minor=True, decided=decision(CHILD)), Missing.OVERRULED),
        (
            basis(consent(withdrawn_at=LATER), minor=True, decided=decision(CHILD)),
            Missing.OVERRULED,
        ),
        (basis(consent(), decided=decision(CHILD)), Missing.CONSENT),
        # Danger
        (basis(decided=decision(DANGER)), None),
        (basis(minor=True, decided=decision(DANGER)), None),
        (basis(consent(withdrawn_at=LATER), decided=decision(DANGER)), Missing.OVERRULED),
        (
            basis(
                consent(withdrawn_at=LATER), decided=decision(DANGER, at=Milliseconds(LATER + 1))
            ),
            None,
        ),
    ],
)
def test_what_is_missing(given: Basis, missing: Missing | None) -> None:
    assert what_is_missing(given, identity=False) is missing


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        (basis(consent()), Missing.IDENTITY),
        (basis(*BOTH), None),
        (basis(consent(), consent(Purpose.IDENTITY, given=False)), Missing.IDENTITY),
        (basis(consent(), consent(Purpose.IDENTITY, withdrawn_at=LATER)), Missing.IDENTITY),
        (basis(decided=decision(DANGER)), Missing.IDENTITY),
    ],
)
def test_who_it_is_needs_a_yes_of_its_own_whatever_else_allows(
    given: Basis, missing: Missing | None
) -> None:
    assert what_is_missing(given, identity=True) is missing


@pytest.mark.parametrize(
    ("by", "reason"),
    [
        ("", "a reason that is long enough"),
        (" ", "a reason that is long enough"),
        ("op", "danger"),
    ],
)
def test_a_decision_without_a_human_or_a_reason_cannot_be_made(by: str, reason: str) -> None:
    with pytest.raises(ValueError, match="human and a reason"):
        Decision(basis=CHILD, by=OperatorId(by), reason=reason, at=AT)


def test_nobody_decides_that_there_is_a_consent() -> None:
    with pytest.raises(ValueError, match="person's"):
        decision(LegalBasis.CONSENT)


def test_the_purposes_that_must_stand() -> None:
    assert purposes_needed(None, identity=False) == (Purpose.REFERRAL,)
    assert purposes_needed(None, identity=True) == (Purpose.REFERRAL, Purpose.IDENTITY)
    assert purposes_needed(decision(), identity=False) == ()
    assert purposes_needed(decision(), identity=True) == (Purpose.IDENTITY,)
