"""Everything that listens inside the process, loaded once."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from nlu import thresholds
from nlu.fingerprint import FOLDER
from nlu.language import Guess, Identifier
from nlu.linear import read_model
from nlu.reader import Reader
from nlu.safety import Ear, Heard


class LocalEars:
    """Hears danger, exits, a child's age, and the language."""

    def __init__(self, folder: Path = FOLDER) -> None:
        """Loads the models of `folder`.

        Raises:
            BadModelError: one of them is missing or damaged.
        """
        reader = Reader.from_folder(folder)
        self._ear = Ear(reader, read_model(folder / "models" / "safety.bin"))
        self._identifier = Identifier(reader.languages, needed=thresholds.LANGUAGE)

    def hear(self, text: str, rules: frozenset[str]) -> Heard:
        """What must be heard at once; `rules` names what the lexicons found."""
        return self._ear.hear(text, rules)

    def language(self, *texts: str) -> Guess:
        """The language of the texts together."""
        return self._identifier.identify(*texts)


@lru_cache(maxsize=1)
def local_ears() -> LocalEars:
    """The ears of this process: the models are large enough to be shared.

    Raises:
        BadModelError: one of them is missing or damaged.
    """
    return LocalEars()
