"""Which language a text is in: script and letters first, then what chat and profiles say.

Two witnesses are heard: a small model that learned from chat, typing errors and missing accents
included, and langdetect's profiles (`nlu.profiles`), which know words that nobody wrote in
training. Short text is often truly undecidable: then the answer is "not sure" and no guess.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from nlu.letters import letters, words_with_accents
from nlu.linear import LinearModel
from nlu.profiles import Profiles

NOT_SURE = "und"
"""As BCP 47 calls an undetermined language."""

LANGUAGES = (
    "en",
    "ro",
    "ru",
    "uk",
    "fr",
    "es",
    "de",
    "it",
    "pl",
    "bg",
    "hu",
    "sq",
    "sr",
    "tr",
    "ar",
    "vi",
    "tl",
    "pt",
)
CYRILLIC = frozenset(("ru", "uk", "bg", "sr"))
ARABIC = frozenset(("ar",))
LATIN = frozenset(LANGUAGES) - {"ru", "uk", "bg", "ar"}

_PROVING = (
    # Letters that only one of our languages has, where nothing speaks for another.
    ("sr", frozenset("ђјљњћџ")),
    ("uk", frozenset("іїєґ")),
    ("ru", frozenset("ыэё")),
)
_PROFILE_WEIGHT = 0.25
_MOST_LETTERS = 60
"""Letters from which on the profiles do not become surer."""


@dataclass(frozen=True)
class Guess:
    """A language, or `und`, and how sure that is: 0 to 1."""

    language: str
    confidence: float

    @property
    def tag(self) -> str:
        """The language alone; Serbian without its script."""
        return self.language.partition("-")[0]


class Identifier:
    """Says which of the known languages a text is in; the same text always gets the same one."""

    def __init__(self, model: LinearModel, *, needed: float = 0.5) -> None:
        self._model = model
        self._profiles = Profiles(tuple(model.classes))
        self._needed = needed

    def identify(self, *texts: str) -> Guess:
        """The language of the texts together: the last messages of one person, for example."""
        text = "\n".join(texts)
        words = words_with_accents(text)
        script = _script(words)
        if script is None:
            return Guess(NOT_SURE, 0.0)
        chances = self.chances(text, words, script)
        best = max(chances, key=lambda name: chances[name])
        if chances[best] < self._needed:
            return Guess(NOT_SURE, round(chances[best], 4))
        if best == "sr":
            best = "sr-Cyrl" if script == "CYRILLIC" else "sr-Latn"
        return Guess(best, round(chances[best.partition("-")[0]], 4))

    def chances(self, text: str, words: list[str], script: str) -> dict[str, float]:
        """How probable each language is."""
        scores = dict(zip(self._model.classes, self._model.scores(letters(text))))
        own = {"CYRILLIC": CYRILLIC, "ARABIC": ARABIC, "LATIN": LATIN}[script]
        if script != "LATIN":
            scores = {name: score for name, score in scores.items() if name in own}
        proven = _proven(words) if script == "CYRILLIC" else None
        if proven is not None:
            scores[proven] += 6.0
        fits = self._profiles.scores(" ".join(words))
        weight = _PROFILE_WEIGHT * min(sum(map(len, words)), _MOST_LETTERS)
        for name in scores:
            # Who types a language in other letters than its own fits no profile.
            scores[name] += weight * (fits.get(name, -0.3) if name in own else -0.15)
        highest = max(scores.values())
        powers = {name: math.exp(score - highest) for name, score in scores.items()}
        total = sum(powers.values())
        return {name: power / total for name, power in powers.items()}


def _proven(words: Iterable[str]) -> str | None:
    found = frozenset("".join(words))
    proven = [name for name, signs in _PROVING if found & signs]
    return proven[0] if len(proven) == 1 else None


def _script(words: Iterable[str]) -> str | None:
    """The script of most letters, where we know languages in it."""
    counts = {"LATIN": 0, "CYRILLIC": 0, "ARABIC": 0}
    others = 0
    for word in words:
        for char in word:
            if "a" <= char <= "z":
                counts["LATIN"] += 1
                continue
            name = unicodedata.name(char, "").partition(" ")[0]
            if name in counts:
                counts[name] += 1
            else:
                others += 1
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] > others and counts[best] > 0 else None
