"""The two models that run inside the service: which language, and what must be heard at once."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from nlu.concept_files import write_prepared
from nlu.fingerprint import FOLDER, of_models
from nlu.letters import SIZE as LETTERS_SIZE
from nlu.letters import letters
from nlu.linear import LinearModel, packed
from nlu.phrases import MIXED, Phrase, read_phrases
from nlu.reader import Reader
from nlu.safety import HEARD, heard_in
from nlu.training.fitting import fitted, matrix

_NO_ACCENT = str.maketrans("ıđłøĐŁØ", "idloDLO")


def language_model(phrases: Iterable[Phrase], mark: str = "") -> LinearModel:
    """Which language a text is in: learned from chat, with accents and without."""
    texts: list[tuple[str, str]] = []
    for phrase in phrases:
        if MIXED not in phrase.labels:
            texts += {(phrase.text, phrase.language), (_plain(phrase.text), phrase.language)}
    texts.sort()
    languages = sorted({language for _, language in texts})
    rows = matrix([letters(text) for text, _ in texts], LETTERS_SIZE)
    truths = [(name, [name == language for _, language in texts]) for name in languages]
    return fitted(rows, truths, fingerprint=mark)


def _plain(text: str) -> str:
    """Without accents, as many people type."""
    apart = unicodedata.normalize("NFKD", text.translate(_NO_ACCENT))
    return unicodedata.normalize("NFC", "".join(c for c in apart if not unicodedata.combining(c)))


def safety_model(reader: Reader, phrases: Sequence[Phrase], mark: str = "") -> LinearModel:
    """What must be heard even when nothing else runs."""
    rows = matrix([reader.features(phrase.text) for phrase in phrases])
    truths = [(name, [name in heard_in(phrase) for phrase in phrases]) for name in HEARD]
    return fitted(rows, truths, fingerprint=mark)


def make(folder: Path = FOLDER) -> None:
    """Train both models and write them beside the data."""
    phrases = read_phrases(folder / "phrases" / "train")
    mark = of_models(folder)
    models = folder / "models"
    models.mkdir(exist_ok=True)
    write_prepared(folder / "concepts", models / "concepts.json")
    (models / "language.bin").write_bytes(packed(language_model(phrases, mark)))
    reader = Reader.from_folder(folder)
    (models / "safety.bin").write_bytes(packed(safety_model(reader, phrases, mark)))
