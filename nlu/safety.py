"""What must be heard at once, learned from examples: danger, self-harm, exits, a child's age.

It runs inside the service, so that danger is heard when nothing else runs. Rules and model are
heard together: a phrase of the lexicons makes the model surer, and what no lexicon knows the model
may still hear.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from dataclasses import dataclass

from nlu import thresholds
from nlu.linear import LinearModel
from nlu.phrases import Phrase
from nlu.reader import Reader

DANGER = "danger"
SELF_HARM = "self_harm"
NOT_NOW = "not_now"
CHILD = "child"
EXITS = ("person", "stop", "leave", "erase", "language", "back")
HEARD = (DANGER, SELF_HARM, NOT_NOW, *EXITS, CHILD)
_NOW = (DANGER, SELF_HARM)
_CRY = 3
"""Words of a cry for help: so few tell the model little, and the lexicons list them."""


@dataclass(frozen=True)
class Heard:
    """What was heard in a text."""

    now: tuple[str, ...] = ()
    """`danger`, `self_harm` or both, where that is sure; the likelier first."""

    unsure: bool = False
    """Whether it may be one of them, so that the person should be asked."""

    not_now: bool = False
    """Whether danger or self-harm is told that is over, or somebody else's."""

    exits: tuple[str, ...] = ()
    child: bool = False
    """Whether the writer says that they are under 18."""


class Ear:
    """Hears with one model for all languages."""

    def __init__(self, reader: Reader, model: LinearModel) -> None:
        self._reader, self._model = reader, model

    def hear(self, text: str, rules: Set[str] = frozenset()) -> Heard:
        """What is in `text`; `rules` names what the lexicons found in it.

        Takes time in proportion to the text, and never raises.
        """
        features = self._reader.features(text)
        if not features:
            return Heard()
        if rules & set(_NOW) and len(text.split()) <= _CRY:
            return Heard(now=tuple(name for name in reversed(_NOW) if name in rules))
        scores = dict(zip(self._model.classes, self._model.scores(features)))
        return heard_from(scores, rules)


def heard_from(scores: Mapping[str, float], rules: Set[str]) -> Heard:
    """The decision from the scores of the model and the finds of the rules."""
    chances = {name: _chance(score) for name, score in scores.items()}
    now = {name: _chance(scores[name] + thresholds.RULE * (name in rules)) for name in _NOW}
    either = 1.0 - math.prod(1.0 - chance for chance in now.values())
    likelier = sorted(_NOW, key=lambda name: -now[name])
    sure = tuple(
        name
        for place, name in enumerate(likelier)
        if (either if place == 0 else now[name]) >= thresholds.SURE
    )
    return Heard(
        now=sure,
        unsure=not sure and either >= thresholds.UNSURE,
        not_now=not sure and chances[NOT_NOW] >= thresholds.NOT_NOW,
        exits=tuple(name for name in EXITS if chances[name] >= thresholds.EXIT),
        child=chances[CHILD] >= thresholds.CHILD,
    )


def _chance(score: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, score))))


def heard_in(phrase: Phrase) -> Set[str]:
    """What is to be heard in a phrase."""
    if phrase.section.endswith("_not_now"):
        return {NOT_NOW, *(phrase.labels & {CHILD})}
    return phrase.labels & frozenset(HEARD)
