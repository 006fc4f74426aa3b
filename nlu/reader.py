"""From a text to what models see of it: words, probable languages, features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nlu.concept_files import read_prepared
from nlu.concepts import Concepts, words_of
from nlu.features import features
from nlu.fingerprint import FOLDER
from nlu.letters import letters
from nlu.linear import LinearModel, read_model

MOST_CHARACTERS = 1000
"""What models read of a message: the beginning."""

_SECOND = 0.15
"""A second language is considered from this chance on."""


@dataclass(frozen=True)
class Reader:
    """Reads texts the same way for training and for use."""

    concepts: Concepts
    languages: LinearModel

    @classmethod
    def from_folder(cls, folder: Path = FOLDER) -> Reader:
        """The reader with the lists and the language model of that folder.

        Raises:
            BadModelError: the language model is missing or damaged.
        """
        return cls(
            Concepts(read_prepared(folder / "models" / "concepts.json")),
            read_model(folder / "models" / "language.bin"),
        )

    def features(self, text: str) -> Mapping[int, float]:
        """What models see of `text`."""
        beginning = text[:MOST_CHARACTERS]
        return features(words_of(beginning), self.concepts, self.probable(beginning))

    def probable(self, text: str) -> tuple[str, ...]:
        """The one or two languages whose words are looked up in `text`."""
        chances = self.languages.chances(letters(text))
        first, second = sorted(chances, key=lambda name: -chances[name])[:2]
        return (first, second) if chances[second] >= _SECOND else (first,)
