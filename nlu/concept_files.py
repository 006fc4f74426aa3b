"""Reads the lists of concepts: as authors write them, and as they are kept beside the models."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from nlu.concepts import Prepared, prepared
from nlu.linear import BadModelError


def read_concepts(folder: Path) -> dict[str, Mapping[str, list[str]]]:
    """The concepts of each language that has a list in `folder`."""
    return {
        path.stem: _concepts(yaml.load(path.read_text("utf-8"), Loader=_LOADER))  # noqa: S506 - a safe loader
        for path in sorted(folder.glob("*.yaml"))
    }


def _concepts(content: Any) -> Mapping[str, list[str]]:  # noqa: ANN401 - YAML
    return {
        str(name): [str(one) for one in entries] for name, entries in content["concepts"].items()
    }


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def write_prepared(folder: Path, target: Path) -> None:
    """Keep the lists of `folder` ready to be looked up: reading YAML takes seconds."""
    kept = prepared(read_concepts(folder))
    target.write_text(json.dumps(kept, ensure_ascii=False, separators=(",", ":")), "utf-8")


def read_prepared(path: Path) -> Prepared:
    """The lists that were kept.

    Raises:
        BadModelError: there are none, or they are damaged.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
        return {
            str(language): {
                str(concept): [
                    [(str(key), bool(stem)) for key, stem in parts] for parts in entries
                ]
                for concept, entries in concepts.items()
            }
            for language, concepts in found.items()
        }
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise BadModelError(f"{path.name} cannot be read") from error
