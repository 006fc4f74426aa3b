"""How far a referral is, and what can become of it: a table, as in `bot.domain.control`."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType


class State(Enum):
    """Where a referral stands (referral standard, section 6)."""

    DRAFT = "draft"
    CONSENTED = "consented"
    """The person agreed, or a named human chose another legal basis."""

    QUEUED = "queued"
    """An operator said "send". Nothing has left, as far as is known."""

    SENT = "sent"
    """It has left; nobody has confirmed it: *sent, not confirmed*."""

    DELIVERED = "delivered"
    """The receiver has fetched it; nobody has confirmed it."""

    ACKNOWLEDGED = "acknowledged"
    IN_SERVICE = "in_service"
    DECLINED = "declined"
    NEEDS_INFO = "needs_info"
    CLOSED = "closed"
    RETRACTED = "retracted"
    """Taken back. What had left was followed by a retraction."""

    FAILED = "failed"
    """It could not be sent; a human has to look."""


class Step(Enum):
    """What moves a referral."""

    CONSENT = "consent"
    LOSE_CONSENT = "lose_consent"
    """The basis is gone before anything was queued: the draft stays."""

    QUEUE = "queue"
    SEND = "send"
    FETCH = "fetch"
    ACKNOWLEDGE = "acknowledge"
    BEGIN_SERVICE = "begin_service"
    DECLINE = "decline"
    ASK_INFO = "ask_info"
    CLOSE = "close"
    RETRACT = "retract"
    FAIL = "fail"
    TRY_AGAIN = "try_again"


_AFTER_SENDING = (
    State.SENT,
    State.DELIVERED,
    State.ACKNOWLEDGED,
    State.IN_SERVICE,
    State.NEEDS_INFO,
)
_ANSWERED = (State.ACKNOWLEDGED, State.NEEDS_INFO)

STEPS: Mapping[tuple[State, Step], State] = MappingProxyType(
    {
        (State.DRAFT, Step.CONSENT): State.CONSENTED,
        (State.CONSENTED, Step.LOSE_CONSENT): State.DRAFT,
        (State.CONSENTED, Step.QUEUE): State.QUEUED,
        (State.QUEUED, Step.SEND): State.SENT,
        (State.QUEUED, Step.FAIL): State.FAILED,
        (State.FAILED, Step.TRY_AGAIN): State.QUEUED,
        (State.SENT, Step.FETCH): State.DELIVERED,
        # A receiver may answer before anybody notices that they fetched it.
        (State.SENT, Step.ACKNOWLEDGE): State.ACKNOWLEDGED,
        (State.DELIVERED, Step.ACKNOWLEDGE): State.ACKNOWLEDGED,
        **{(state, Step.BEGIN_SERVICE): State.IN_SERVICE for state in _ANSWERED},
        **{(state, Step.DECLINE): State.DECLINED for state in _ANSWERED},
        (State.ACKNOWLEDGED, Step.ASK_INFO): State.NEEDS_INFO,
        (State.DRAFT, Step.CLOSE): State.CLOSED,
        (State.CONSENTED, Step.CLOSE): State.CLOSED,
        (State.FAILED, Step.CLOSE): State.CLOSED,
        (State.ACKNOWLEDGED, Step.CLOSE): State.CLOSED,
        (State.IN_SERVICE, Step.CLOSE): State.CLOSED,
        (State.NEEDS_INFO, Step.CLOSE): State.CLOSED,
        (State.DECLINED, Step.CLOSE): State.CLOSED,
        (State.CONSENTED, Step.RETRACT): State.RETRACTED,
        (State.QUEUED, Step.RETRACT): State.RETRACTED,
        (State.FAILED, Step.RETRACT): State.RETRACTED,
        **{(state, Step.RETRACT): State.RETRACTED for state in _AFTER_SENDING},
        # What was declined or closed was read all the same.
        (State.DECLINED, Step.RETRACT): State.RETRACTED,
        (State.CLOSED, Step.RETRACT): State.RETRACTED,
    }
)
"""A pair that is not here is refused."""

ENDED = frozenset({State.CLOSED, State.RETRACTED})
"""Nothing is left to do, unless the person takes it back."""

HAS_LEFT = frozenset({*_AFTER_SENDING, State.DECLINED})
"""Something is at the receiver."""


class IllegalStepError(ValueError):
    """The table has no such step from the present state."""


def can_step(state: State, step: Step) -> bool:
    """Whether the table allows `step` now."""
    return (state, step) in STEPS


def stepped(state: State, step: Step) -> State:
    """The state after `step`.

    Raises:
        IllegalStepError: the table has no such step from `state`.
    """
    if not can_step(state, step):
        raise IllegalStepError(f"no {step.value} from {state.value}")
    return STEPS[state, step]
