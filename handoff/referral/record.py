"""A referral as we keep it: the form, who did what and when, and how far it is."""

from dataclasses import dataclass, field, replace
from enum import Enum

from bot.domain.consent import PackageId, ReceiverId, ReferralId
from bot.domain.ids import NO_TIME, Milliseconds, OperatorId
from handoff.referral.consent import Decision
from handoff.referral.form import Form
from handoff.referral.package import Derived
from handoff.referral.receivers import Channel
from handoff.referral.states import State, Step, stepped

PROGRAM = OperatorId("-")
"""Stands where the program itself moved a referral."""


class Failure(Enum):
    """Why something could not be sent, as far as an operator can do something about it."""

    RECEIVER = "receiver"
    DISK = "disk"
    FORM = "form"
    RESTORED = "restored"
    """What the person took back since the backup is not known: they have to be asked again."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One step, and who took it."""

    step: Step
    by: OperatorId
    at: Milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What the receiver said when they confirmed."""

    reference: str = field(default="", repr=False)
    contact: str = field(default="", repr=False)
    answers_by: str = ""
    """When they will do something, as they said it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """One referral to one receiver."""

    id: ReferralId
    package: PackageId
    receiver: ReceiverId
    receiver_name: str
    channel: Channel
    state: State
    created_at: Milliseconds
    created_by: OperatorId
    derived: Derived = field(repr=False)
    form: Form = field(repr=False)
    decision: Decision | None = None
    digest: str = ""
    printed: bool = False
    """Whether a page of it was shown for printing: from then on it may be out."""

    failure: Failure | None = None
    answered: Answered | None = None
    retraction_left: bool = False
    restored_at: Milliseconds = NO_TIME
    """When the conversation was last brought back from a backup; kept with the conversation."""

    history: tuple[Moved, ...] = ()

    @property
    def sent_at(self) -> Milliseconds | None:
        """When it left."""
        times = [moved.at for moved in self.history if moved.step is Step.SEND]
        return times[-1] if times else None


def step(referral: Referral, what: Step, by: OperatorId, at: Milliseconds) -> Referral:
    """The referral after a step.

    Raises:
        IllegalStepError: the table has no such step now.
    """
    state = stepped(referral.state, what)
    return replace(referral, state=state, history=(*referral.history, Moved(what, by, at)))
