"""What stands between a conversation and the human who answers it."""

from dataclasses import dataclass, replace
from enum import Enum

MOST_ALARMS = 20
"""The newest are kept; who has not looked for so many has to look at all of them anyway."""


class AlarmKind(Enum):
    """What an operator has to notice at once."""

    DANGER = "danger"
    SELF_HARM = "self_harm"
    ERASE_WORD = "erase_word"


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something to be noticed; alarms are counted from 1."""

    number: int
    kind: AlarmKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """What an operator may see, has to see, and what the person was told while waiting."""

    shared_after: int | None = None
    """How many entries the log had when the person asked for a human. What stands before is
    shown only with their yes. None: they have not asked."""

    alarms: tuple[Alarm, ...] = ()
    alarms_seen: int = 0
    """The number of the newest alarm that an operator has said they saw."""

    away: bool = False
    """Whether the person has left the page, and done nothing since."""

    told_long: bool = False
    """Whether they were told that it takes long; once is enough."""

    @property
    def open_alarms(self) -> tuple[Alarm, ...]:
        """The alarms that nobody has seen."""
        return tuple(alarm for alarm in self.alarms if alarm.number > self.alarms_seen)

    def raised(self, kind: AlarmKind) -> "Handover":
        """With one more alarm."""
        number = max((alarm.number for alarm in self.alarms), default=self.alarms_seen) + 1
        return replace(self, alarms=(*self.alarms, Alarm(number, kind))[-MOST_ALARMS:])

    def seen(self, number: int) -> "Handover":
        """With the alarms up to `number` seen."""
        newest = max((alarm.number for alarm in self.alarms), default=0)
        return replace(self, alarms_seen=max(self.alarms_seen, min(number, newest)))

    def asked(self, after: int) -> "Handover":
        """As it is when the person asks for a human with `after` entries in the log."""
        return replace(self, shared_after=after, told_long=False)
