"""What should happen after a turn. The dialogue performs each; the engine performs none."""

from dataclasses import dataclass
from enum import Enum

from bot.domain.code_word import Shut
from bot.domain.conversation import Conversation
from bot.domain.handover import AlarmKind
from bot.domain.messages import Message


@dataclass(frozen=True, slots=True)
class Send:
    """Put a message into the log, and hand it over when it is not the person's own."""

    message: Message


@dataclass(frozen=True, slots=True)
class EraseAll:
    """Delete the conversation's key: from then on nobody can read it."""


@dataclass(frozen=True, slots=True)
class EndView:
    """Close the open view; the conversation stays."""


@dataclass(frozen=True, slots=True)
class GiveCode:
    """Show the person a return code, and the word that was agreed on with it."""


@dataclass(frozen=True, slots=True)
class StayShut:
    """Show nothing to whoever came with the return code."""

    why: Shut


@dataclass(frozen=True, slots=True)
class RaiseAlarm:
    """Show an alarm to the operator who owns the conversation, or to whoever takes it."""

    kind: AlarmKind


class Refusal(Enum):
    """Why an operator's move changed nothing."""

    NOT_IN_THIS_STATE = "not_in_this_state"
    NOT_THE_OWNER = "not_the_owner"
    STALE_SCREEN = "stale_screen"
    """There is something in the log that the operator had not seen when they decided."""
    NOT_SAFE = "not_safe"
    """The person may be watched, so they cannot be asked for a consent."""

    NO_CONSENT = "no_consent"
    """Neither the person nor a human's decision allows it."""


@dataclass(frozen=True, slots=True)
class LookAtLine:
    """Find out who is there and the place in line, and make the turn again with it."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Tell the operator that the move is not possible now."""

    reason: Refusal


Effect = Refuse | Send | EraseAll | EndView | GiveCode | StayShut | RaiseAlarm | LookAtLine


@dataclass(frozen=True, slots=True)
class Turn:
    """A conversation after a turn, and what should happen."""

    conversation: Conversation
    effects: tuple[Effect, ...]
