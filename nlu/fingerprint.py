"""Names for exactly what a model is made from, so that nothing is trained twice or left stale."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

FOLDER = Path(__file__).resolve().parent

_SEES = (
    # Modules that decide what a model sees of a text: it fits only the code it was trained with.
    "concept_files.py",
    "concepts.py",
    "features.py",
    "letters.py",
    "linear.py",
    "normal.py",
    "phrases.py",
    "reader.py",
    "romanised.py",
    "safety.py",
    "tags.py",
)


def of_models(folder: Path = FOLDER) -> str:
    """Of the models that run inside the service."""
    return _digest(folder, _shared(folder))


def of_interpreter(folder: Path = FOLDER) -> str:
    """Of the model that Rasa trains."""
    own = (
        *sorted((folder / "interpreter").glob("*.py")),
        folder / "interpreter" / "config.yml",
        folder / "models" / "concepts.json",
        folder / "models" / "language.bin",
        folder / "uv.lock",
    )
    return _digest(folder, (*_shared(folder), *own))


def _shared(folder: Path) -> Iterator[Path]:
    yield from (folder / name for name in _SEES)
    yield from sorted((folder / "training").glob("*.py"))
    yield from sorted((folder / "concepts").glob("*.yaml"))
    yield from sorted((folder / "phrases" / "train").glob("*/*.txt"))


def _digest(folder: Path, paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()
