"""What can happen to a conversation: the inputs of a turn."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from bot.domain.consent import PackageId, Purpose, ReceiptState, ReceiverId, ReferralId
from bot.domain.ids import NO_TIME, Milliseconds, OperatorId
from bot.domain.indicators import Urgency
from bot.domain.messages import ChoiceId
from bot.domain.text import Language


class Action(Enum):
    """What a person can ask for at any time, by button, command or words."""

    HUMAN = "human"
    HOTLINE = "hotline"
    LEAVE = "leave"
    ERASE = "erase"
    ERASE_NOW = "erase_now"
    LANGUAGE = "language"
    BACK = "back"
    WHY = "why"
    HOME = "home"
    CHANGE_ANSWER = "change_answer"
    STOP = "stop"
    DANGER = "danger"
    SELF_HARM = "self_harm"
    AGREED = "agreed"
    """See and take back what the person agreed to have sent."""


PRECEDENCE = (
    # A message that tells of both gets the self-harm flow: it shows the emergency number as well,
    # asks for a person just as fast, and does not pass over what the person said about themselves.
    Action.SELF_HARM,
    Action.DANGER,
    Action.ERASE,
    Action.HUMAN,
    Action.STOP,
    Action.HOTLINE,
    Action.LANGUAGE,
    Action.LEAVE,
    Action.BACK,
)
"""What can be heard in words; of several, the first is meant."""

ALWAYS_OFFERED = (
    Action.HUMAN,
    Action.HOTLINE,
    Action.LEAVE,
    Action.ERASE,
    Action.LANGUAGE,
    Action.BACK,
)
"""Every screen offers these, whatever the author wrote (design section 5)."""


@dataclass(frozen=True, slots=True)
class Started:
    """The person opened a new conversation."""


@dataclass(frozen=True, slots=True)
class Returned:
    """The person opens the conversation again with its return code."""

    word: str = field(default="", repr=False)
    """What they gave as the agreed word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """The person answered the question of that number with buttons."""

    number: int
    choices: tuple[ChoiceId, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Requested:
    """The person used one of the buttons or commands that are always there."""

    action: Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """The person wrote something.

    What was understood in it is found before the turn; nothing of it is needed.
    """

    words: str = field(repr=False)
    heard: Action | None = None
    """What they ask for, danger first."""

    check_safety: bool = False
    """Whether it may be danger, so that they should be asked."""

    meant: tuple[ChoiceId, ...] = ()
    """The choices of the present question that it names."""

    asks: tuple[str, ...] = ()
    """The flows that answer what they ask."""

    told: tuple[str, ...] = ()
    """Codes of signs that it seems to tell of. They count only after a yes."""

    child: bool = False
    """Whether the person seems to say that they are under 18."""

    urgency: Urgency = Urgency.NORMAL
    writes: Language | None = None
    """The offered language that they seem to write instead of their own choice."""


class OtherKind(Enum):
    """What is not text and is never stored."""

    PHOTO = "photo"
    VOICE = "voice"
    FILE = "file"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class SentOther:
    """The person sent something that is not text."""

    kind: OtherKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """An operator takes the conversation."""

    operator: OperatorId
    lease_until: Milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeoverAnnounced:
    """No delivery of the bot is open any more: the person can be told who answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorWrote:
    """The operator who owns the conversation wrote to the person."""

    operator: OperatorId
    words: str = field(repr=False)
    seen: int | None = None
    """The newest entry on the operator's screen; None when there is no screen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRenewed:
    """The console of the owning operator is still there."""

    operator: OperatorId
    lease_until: Milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class GaveBack:
    """The operator gives the conversation back to the bot."""

    operator: OperatorId
    seen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferred:
    """The operator puts the conversation back into the queue."""

    operator: OperatorId
    seen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseEnded:
    """The operator went silent: their lease ended at `lease_until` and was not renewed."""

    lease_until: Milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedByOperator:
    """The operator ends the conversation."""

    operator: OperatorId
    seen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmsSeen:
    """The operator who owns the conversation has seen the alarms up to `number`."""

    operator: OperatorId
    number: int


@dataclass(frozen=True, slots=True)
class WaitedLong:
    """The person has waited for a human longer than anybody should."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRequested:
    """The operator asks the person whether something may be sent to a receiver."""

    operator: OperatorId
    referral: ReferralId
    receiver: ReceiverId
    receiver_name: str
    purpose: Purpose
    interpreter: bool = False
    reads_safely: bool = False
    """Whether the operator asked, and the person said that nobody watches them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralLeaving:
    """A package is about to be sent, if the person's consent or a human's decision allows it."""

    referral: ReferralId
    package: PackageId
    receiver: ReceiverId
    receiver_name: str
    purposes: tuple[Purpose, ...]
    """Each needs a consent that stands."""

    with_identity: bool
    decided_at: Milliseconds | None = None
    """When a human decided on another legal basis; a later withdrawal stops it all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralNews:
    """What became of a package that was about to leave."""

    package: PackageId
    state: ReceiptState


@dataclass(frozen=True, slots=True)
class Failed:
    """An input could not be worked on again and again, and was set aside."""


PersonInput = Started | Returned | Pressed | Requested | Typed | SentOther
OwnerInput = (
    OperatorWrote
    | LeaseRenewed
    | GaveBack
    | Transferred
    | ClosedByOperator
    | AlarmsSeen
    | ConsentRequested
)
OperatorInput = Claimed | TakeoverAnnounced | LeaseEnded | OwnerInput
ReferralInput = ReferralLeaving | ReferralNews
Input = PersonInput | OperatorInput | ReferralInput | WaitedLong | Failed


ERASING_COMMANDS = ("/stop", "/erase")
"""Typed exactly so, they erase at once, whoever answers."""


def erases_now(what: Input) -> bool:
    """Whether it erases everything, by the action or a command. No content is needed to know."""
    match what:
        case Requested(Action.ERASE_NOW):
            return True
        case Typed(words=words):
            return words.strip().casefold() in ERASING_COMMANDS
        case _:
            return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What can honestly be said to somebody who waits."""

    busy: bool
    """Whether everybody on shift has as many conversations as they can take."""

    position: int
    """Their place in the queue, counted from 1."""

    minutes: int | None = None
    """About how long it takes, where others were taken lately; a guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """An input with what the engine may not find out by itself."""

    what: Input
    nonce: str
    """Fresh randomness for a fence, should the owner change."""

    staffed: bool = False
    """Whether an operator is on shift."""

    length: int = 0
    """How many entries the log has."""

    line: Line | None = None
    """Set once the engine has asked for it with `LookAtLine`."""

    code_word: str | None = None
    """A word to agree on; set once the engine has given a return code without one."""

    now: Milliseconds = NO_TIME
    consent_texts: Mapping[Language, str] = field(default_factory=dict[Language, str])
    """The version of the words of the consent flow, by language; only where they are needed."""
