"""What a text may mean, before anybody looks at the conversation that it stands in.

Three listen: the rules for exits of the release, a model inside the process that hears danger,
exits and a child's age (`nlu.safety`), and the interpreter, which is slower, knows more and may be
away. Nothing waits for the interpreter longer than its deadline.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Protocol

from bot.engine.received import PRECEDENCE, Action
from nlu import thresholds
from nlu.language import Guess
from nlu.safety import Heard

MOST_CHARACTERS = 500
"""What the interpreter is given of a message: longer ones only make it slow."""


_BEFORE_WORDS = re.compile(r"^[\s/]+")


class TextUrgency(Enum):
    """How urgent a text is by itself."""

    NONE = "none"
    ELEVATED = "elevated"
    """Exploitation, a child, or danger and self-harm that is not now."""

    IMMEDIATE = "immediate"
    """Danger, or self-harm, now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpretation:
    """What the interpreter makes of a text: chances from 0 to 1."""

    intents: Mapping[str, float]
    tags: Mapping[str, float]


class Interpreter(Protocol):
    """Reads texts in its own process."""

    async def interpret(self, text: str) -> Interpretation | None:
        """What `text` means; None when it cannot be told in time. Never raises."""
        ...


class Ears(Protocol):
    """What hears inside the process: always there, and fast."""

    def hear(self, text: str, rules: frozenset[str]) -> Heard:
        """What must be heard at once; `rules` names what the lexicons found."""
        ...

    def language(self, *texts: str) -> Guess:
        """The language of the texts together."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Everything that was heard in one text."""

    language: Guess
    exits: tuple[Action, ...] = ()
    """What the person asks for, the most urgent first."""

    check_safety: bool = False
    """Whether it may be danger, so that they should be asked."""

    not_now: bool = False
    child: bool = False
    intents: Mapping[str, float] = field(default_factory=dict[str, float], repr=False)
    asks: tuple[str, ...] = ()
    signs: Mapping[str, float] = field(default_factory=dict[str, float], repr=False)
    """Codes of indicators with their chances."""

    by_rules: bool = True
    by_interpreter: bool = False

    @property
    def urgency(self) -> TextUrgency:
        """How urgent the text is."""
        if Action.DANGER in self.exits or Action.SELF_HARM in self.exits:
            return TextUrgency.IMMEDIATE
        if self.signs or self.child or self.not_now or self.check_safety:
            return TextUrgency.ELEVATED
        return TextUrgency.NONE


EXITS = {
    "danger": Action.DANGER,
    "self_harm": Action.SELF_HARM,
    "person": Action.HUMAN,
    "stop": Action.STOP,
    "leave": Action.LEAVE,
    "erase": Action.ERASE,
    "language": Action.LANGUAGE,
    "back": Action.BACK,
}
"""Names of the models to what they ask for."""

_NOW = ("danger", "self_harm")
_NAMES = {action: name for name, action in EXITS.items()}
_ASK = "ask_"


@dataclass(frozen=True, slots=True)
class Listener:
    """Reads texts with everything there is."""

    ears: Ears
    interpreter: Interpreter | None = None

    def hear(self, text: str, found: Sequence[Action]) -> Reading:
        """What can be heard without waiting; `found` by the rules for exits."""
        if Action.ERASE_NOW in found:
            return Reading(language=Guess("und", 0.0), exits=(Action.ERASE_NOW,))
        named = frozenset(_NAMES[action] for action in found if action in _NAMES)
        heard = self.ears.hear(text, named)
        wanted = {action for action in found if _NAMES.get(action) not in _NOW}
        wanted |= {EXITS[name] for name in (*heard.now, *heard.exits)}
        return Reading(
            language=self.ears.language(text),
            exits=tuple(action for action in PRECEDENCE if action in wanted),
            check_safety=heard.unsure,
            not_now=heard.not_now,
            child=heard.child,
            asks=("hotline",) if Action.HOTLINE in wanted else (),
        )

    async def read(self, text: str, found: Sequence[Action]) -> Reading:
        """What can be heard, and what the interpreter adds in time."""
        reading = self.hear(text, found)
        if self.interpreter is None or reading.urgency is TextUrgency.IMMEDIATE:
            return reading
        asked = for_interpreter(text)
        more = await self.interpreter.interpret(asked) if asked else None
        return reading if more is None else with_interpretation(reading, more)


def for_interpreter(text: str) -> str:
    """What the interpreter is given: never a command of its own, never too much."""
    return _BEFORE_WORDS.sub("", text)[:MOST_CHARACTERS].strip()


def with_interpretation(reading: Reading, more: Interpretation) -> Reading:
    """The reading together with what the interpreter is sure enough of."""
    wanted = set(reading.exits)
    wanted |= {
        EXITS[name]
        for name, chance in more.intents.items()
        if name in EXITS and chance >= thresholds.INTENT
    }
    asks = dict.fromkeys(reading.asks)
    asks |= dict.fromkeys(
        name.removeprefix(_ASK)
        for name, chance in sorted(more.tags.items(), key=lambda tag: -tag[1])
        if name.startswith(_ASK) and chance >= thresholds.ASK
    )
    signs = {
        name: chance
        for name, chance in sorted(more.tags.items(), key=lambda tag: -tag[1])
        if name.isupper() and chance >= thresholds.INDICATOR
    }
    return replace(
        reading,
        exits=tuple(action for action in PRECEDENCE if action in wanted),
        intents=more.intents,
        asks=tuple(asks),
        signs=signs,
        by_rules=bool(reading.exits or reading.check_safety or reading.child or reading.asks),
        by_interpreter=True,
    )
