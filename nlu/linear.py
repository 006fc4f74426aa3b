"""Linear models small enough to run inside the service: one row of small numbers per feature.

A model is trained elsewhere (`nlu.training`) and kept as a file of plain bytes: nothing is
executed when it is read, and no library that trains models is needed to use it.
"""

import json
import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_MAGIC = b"firstpoint-linear 1"


class BadModelError(Exception):
    """A model file that cannot be read."""


@dataclass(frozen=True)
class LinearModel:
    """Weights of every feature for every class."""

    classes: tuple[str, ...]
    size: int
    """How many features there are."""

    scale: float
    intercepts: tuple[float, ...]
    weights: "array[int]"
    """`len(classes)` numbers of eight bits for each feature; times `scale` they are weights."""

    fingerprint: str = ""
    """Of everything that the model was made from."""

    def scores(self, features: Mapping[int, float]) -> list[float]:
        """The score of each class: about nought where the model cannot tell."""
        count = len(self.classes)
        sums = [0.0] * count
        weights, places = self.weights, range(count)
        for number, weight in features.items():
            start = number * count
            for place in places:
                sums[place] += weight * weights[start + place]
        return [intercept + self.scale * total for intercept, total in zip(self.intercepts, sums)]

    def chances(self, features: Mapping[int, float]) -> dict[str, float]:
        """How sure the model is of each class; together 1."""
        scores = self.scores(features)
        highest = max(scores)
        powers = [math.exp(score - highest) for score in scores]
        total = sum(powers)
        return {name: power / total for name, power in zip(self.classes, powers)}


def packed(model: LinearModel) -> bytes:
    """The model as the bytes of a file."""
    head = {
        "classes": model.classes,
        "size": model.size,
        "scale": model.scale,
        "intercepts": model.intercepts,
        "fingerprint": model.fingerprint,
    }
    return b"\n".join((_MAGIC, json.dumps(head).encode(), model.weights.tobytes()))


def unpacked(content: bytes) -> LinearModel:
    """The model in the bytes of a file.

    Raises:
        BadModelError: they are not a whole model.
    """
    magic, _, rest = content.partition(b"\n")
    head, _, numbers = rest.partition(b"\n")
    weights = array("b")
    weights.frombytes(numbers)
    try:
        given = json.loads(head)
        model = LinearModel(
            classes=tuple(given["classes"]),
            size=int(given["size"]),
            scale=float(given["scale"]),
            intercepts=tuple(map(float, given["intercepts"])),
            weights=weights,
            fingerprint=str(given["fingerprint"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise BadModelError(f"the model file is damaged ({error})") from error
    if magic != _MAGIC or len(weights) != model.size * len(model.classes):
        raise BadModelError("the model file is damaged or cut off")
    return model


def read_model(path: Path) -> LinearModel:
    """The model in a file.

    Raises:
        BadModelError: there is none, or it is damaged.
    """
    try:
        return unpacked(path.read_bytes())
    except OSError as error:
        raise BadModelError(f"{path.name} cannot be read ({error.strerror})") from error
