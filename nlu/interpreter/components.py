"""Our components of the Rasa pipeline: one intent of all, and any number of tags.

Both are linear models over `nlu.features`. Their files are plain numbers (`nlu.linear`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from nlu.linear import LinearModel, packed, unpacked
from nlu.reader import Reader
from nlu.tags import TAGS
from nlu.training.fitting import fitted, matrix

_FILE = "model.bin"


class _Linear(GraphComponent):
    """Shared by both: features in, chances out, and a file to keep."""

    def __init__(
        self, storage: ModelStorage, resource: Resource, model: LinearModel | None = None
    ) -> None:
        self._storage, self._resource = storage, resource
        self._reader = _reader()
        self._model = model
        self._weights = None if model is None else _as_matrix(model)

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Nothing can be set."""
        return {}

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> _Linear:
        """A component that has learned nothing yet."""
        return cls(model_storage, resource)

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> _Linear:
        """The component as it was after training."""
        with model_storage.read_from(resource) as folder:
            return cls(model_storage, resource, unpacked((folder / _FILE).read_bytes()))

    def _keep(self, model: LinearModel) -> Resource:
        with self._storage.write_to(self._resource) as folder:
            (folder / _FILE).write_bytes(packed(model))
        return self._resource

    def _scores(self, text: str) -> np.ndarray:
        assert self._model is not None
        assert self._weights is not None
        features = self._reader.features(text)
        rows = np.fromiter(features.keys(), dtype=np.int64, count=len(features))
        weights = np.fromiter(features.values(), dtype=np.float32, count=len(features))
        return np.asarray(self._model.intercepts) + self._model.scale * (
            weights @ self._weights[rows]
        )


@lru_cache(maxsize=1)
def _reader() -> Reader:
    return Reader.from_folder()


@lru_cache(maxsize=200_000)
def _features(text: str) -> Mapping[int, float]:
    """The features of a training example: both components ask for the same ones."""
    return _reader().features(text)


def _as_matrix(model: LinearModel) -> np.ndarray:
    return np.frombuffer(model.weights, dtype=np.int8).reshape(model.size, len(model.classes))


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class IntentClassifier(_Linear):
    """What the person wants with the whole text: one of the intents, with a ranking of all."""

    def train(self, training_data: TrainingData) -> Resource:
        """Learn from the examples that have an intent."""
        examples = training_data.intent_examples
        rows = [_features(example.get("text")) for example in examples]
        intents = [example.get("intent") for example in examples]
        classes = sorted(set(intents))
        return self._keep(
            fitted(matrix(rows), [(name, [i == name for i in intents]) for name in classes])
        )

    def process(self, messages: list[Message]) -> list[Message]:
        """Set intent and ranking."""
        for message in messages:
            scores = self._scores(message.get("text"))
            powers = np.exp(scores - scores.max())
            chances = powers / powers.sum()
            names = self._model.classes if self._model else ()
            ranking = [
                {"name": names[place], "confidence": float(chances[place])}
                for place in np.argsort(-chances)
            ]
            message.set("intent", ranking[0], add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class Tagger(_Linear):
    """Everything that a text says at once: signs of exploitation, questions, a child's age."""

    def train(self, training_data: TrainingData) -> Resource:
        """Learn from the labels in the metadata of the examples."""
        examples = [e for e in training_data.intent_examples if e.get("metadata")]
        labels = [set(e.get("metadata")["example"]["labels"]) for e in examples]
        rows = [_features(example.get("text")) for example in examples]
        return self._keep(
            fitted(matrix(rows), [(tag, [tag in ls for ls in labels]) for tag in TAGS])
        )

    def process(self, messages: list[Message]) -> list[Message]:
        """Set the chance of each tag."""
        for message in messages:
            chances = 1 / (1 + np.exp(-self._scores(message.get("text"))))
            names: Sequence[str] = self._model.classes if self._model else ()
            tags = {name: round(float(chance), 4) for name, chance in zip(names, chances)}
            message.set("tags", tags, add_to_output=True)
        return messages
