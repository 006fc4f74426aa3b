"""Who may do what: a table of roles and acts. When it is possible, the desk and the engine say."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from bot.domain.control import Control, Move, Owner, can_move
from bot.domain.ids import OperatorId


class Role(Enum):
    """What a member of staff is there for. One may have several."""

    OPERATOR = "operator"
    """Answers people."""

    LEAD = "lead"
    """Answers people, and may take more of them at once when somebody must."""

    EDITOR = "editor"
    """Changes content."""

    REVIEWER = "reviewer"
    """Checks content."""

    ADMIN = "admin"
    """Manages accounts, and sees no conversation."""


class Act(Enum):
    """Something that staff can do."""

    SEE_QUEUE = "see_queue"
    CLAIM = "claim"
    CLAIM_BEYOND = "claim_beyond"
    """Take somebody although one has as many as one should."""

    OPEN = "open"
    WRITE = "write"
    GIVE_BACK = "give_back"
    TRANSFER = "transfer"
    CLOSE = "close"
    REFER = "refer"
    MANAGE_STAFF = "manage_staff"
    OWN_ACCOUNT = "own_account"


_ANSWERING = frozenset(
    {
        Act.SEE_QUEUE,
        Act.CLAIM,
        Act.OPEN,
        Act.WRITE,
        Act.GIVE_BACK,
        Act.TRANSFER,
        Act.CLOSE,
        Act.REFER,
        Act.OWN_ACCOUNT,
    }
)

ALLOWED: Mapping[Role, frozenset[Act]] = MappingProxyType(
    {
        Role.OPERATOR: _ANSWERING,
        Role.LEAD: _ANSWERING | {Act.CLAIM_BEYOND},
        Role.EDITOR: frozenset({Act.OWN_ACCOUNT}),
        Role.REVIEWER: frozenset({Act.OWN_ACCOUNT}),
        Role.ADMIN: frozenset({Act.MANAGE_STAFF, Act.OWN_ACCOUNT}),
    }
)

MOVES: Mapping[Act, Move] = MappingProxyType(
    {
        Act.CLAIM: Move.CLAIM,
        Act.GIVE_BACK: Move.GIVE_BACK,
        Act.TRANSFER: Move.TRANSFER,
        Act.CLOSE: Move.CLOSE,
    }
)
"""Acts that change who answers."""

AS_OWNER = frozenset({Act.OPEN, Act.WRITE, Act.GIVE_BACK, Act.TRANSFER, Act.CLOSE, Act.REFER})
"""Acts that only the operator can do who owns the conversation."""


class NotAllowedError(Exception):
    """No role of this member of staff has that act. Nothing was read and nothing changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member of staff, as far as permissions go."""

    id: OperatorId
    roles: frozenset[Role]


def may(member: Member, act: Act) -> bool:
    """Whether a role of `member` has `act`."""
    return any(act in ALLOWED[role] for role in member.roles)


def check_may(member: Member, act: Act) -> None:
    """Let `act` pass.

    Raises:
        NotAllowedError: no role has it.
    """
    if not may(member, act):
        raise NotAllowedError(act.value)


def can(member: Member, act: Act, control: Control) -> bool:
    """Whether `member` can do `act` with a conversation that stands like this."""
    if not may(member, act):
        return False
    owns = control.owner is Owner.OPERATOR and control.operator == member.id
    if act in AS_OWNER and not owns:
        return False
    return act not in MOVES or can_move(control, MOVES[act])
