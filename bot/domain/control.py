"""Who is answering: exactly one of the bot, nobody yet, or an operator.

The moves are a table, so that the documentation draws it and the tests walk every
(owner, move) pair. `Fence` changes with every change of owner: whoever still holds an old one
may no longer speak.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from types import MappingProxyType

from bot.domain.ids import Milliseconds, OperatorId


class Owner(Enum):
    """Who answers the person."""

    BOT = "bot"
    WAITING = "waiting"
    OPERATOR = "operator"
    CLOSED = "closed"


class Move(Enum):
    """What changes the owner."""

    ASK = "ask"
    WITHDRAW = "withdraw"
    CLAIM = "claim"
    GIVE_BACK = "give_back"
    TRANSFER = "transfer"
    LEASE_ENDED = "lease_ended"
    CLOSE = "close"


MOVES: Mapping[tuple[Owner, Move], Owner] = MappingProxyType(
    {
        (Owner.BOT, Move.ASK): Owner.WAITING,
        (Owner.BOT, Move.CLOSE): Owner.CLOSED,
        (Owner.WAITING, Move.WITHDRAW): Owner.BOT,
        (Owner.WAITING, Move.CLAIM): Owner.OPERATOR,
        (Owner.WAITING, Move.CLOSE): Owner.CLOSED,
        (Owner.OPERATOR, Move.GIVE_BACK): Owner.BOT,
        (Owner.OPERATOR, Move.TRANSFER): Owner.WAITING,
        (Owner.OPERATOR, Move.LEASE_ENDED): Owner.WAITING,
        (Owner.OPERATOR, Move.CLOSE): Owner.CLOSED,
    }
)
"""Design section 4. A pair that is not here is refused."""


class IllegalMoveError(ValueError):
    """The table has no such move from the present owner."""


@dataclass(frozen=True, slots=True)
class Fence:
    """A ticket of one ownership, compared for equality only.

    The nonce keeps two histories apart that reached the same number, as after a failover that
    lost a write.
    """

    number: int
    nonce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """The owner now, and until when an operator's claim holds without being renewed."""

    owner: Owner
    fence: Fence
    operator: OperatorId | None = None
    lease_until: Milliseconds | None = None
    announced: bool = False

    def __post_init__(self) -> None:
        """Refuse an operator without a claim, and a claim without an operator or a lease."""
        held = (self.operator is not None, self.lease_until is not None)
        if held != ((True, True) if self.owner is Owner.OPERATOR else (False, False)):
            raise ValueError(
                "an operator and a lease belong to the owner OPERATOR, and only there"
            )


def can_move(control: Control, move: Move) -> bool:
    """Whether the table allows `move` now."""
    return (control.owner, move) in MOVES


def moved(
    control: Control,
    move: Move,
    *,
    nonce: str,
    operator: OperatorId | None = None,
    lease_until: Milliseconds | None = None,
) -> Control:
    """The control after `move`, behind a new fence.

    Raises:
        IllegalMoveError: the table has no such move from the present owner.
    """
    if not can_move(control, move):
        raise IllegalMoveError(f"no move {move.value} from {control.owner.value}")
    return Control(
        owner=MOVES[control.owner, move],
        fence=Fence(control.fence.number + 1, nonce),
        operator=operator,
        lease_until=lease_until,
    )


def renewed(control: Control, lease_until: Milliseconds) -> Control:
    """The same ownership with a longer lease; the fence stays."""
    return replace(control, lease_until=lease_until)


def announced(control: Control) -> Control:
    """The same ownership, of which the person has been told."""
    return replace(control, announced=True)
