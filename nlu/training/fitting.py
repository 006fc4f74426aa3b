"""Fits linear models with scikit-learn: in training only, never in the service."""

from __future__ import annotations

import os
from array import array
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from nlu.features import SIZE
from nlu.linear import LinearModel


def matrix(rows: Sequence[Mapping[int, float]], size: int = SIZE) -> csr_matrix:
    """The features of many texts as one sparse matrix."""
    starts = np.cumsum([0, *map(len, rows)])
    columns = np.fromiter((number for row in rows for number in row), dtype=np.int32)
    values = np.fromiter((weight for row in rows for weight in row.values()), dtype=np.float32)
    return csr_matrix((values, columns, starts), shape=(len(rows), size))


def fit_one(
    rows: csr_matrix, truth: Sequence[bool], *, strength: float = 20.0
) -> tuple[np.ndarray, float]:
    """A yes-or-no model: a weight for each feature, and where it begins."""
    wanted = np.asarray(truth)
    found = np.zeros(rows.shape[1], dtype=np.float32)
    if wanted.all() or not wanted.any():
        return found, 30.0 if wanted.all() else -30.0
    # Only features that occur: the others keep the weight nought.
    used = np.unique(rows.indices)
    model: Any = LogisticRegression(
        C=strength, solver="liblinear", dual=True, random_state=0, tol=0.1, max_iter=200
    )
    model.fit(rows[:, used], wanted)
    found[used] = model.coef_[0]
    return found, float(model.intercept_[0])


def fitted(
    rows: csr_matrix, truths: Sequence[tuple[str, Sequence[bool]]], *, fingerprint: str = ""
) -> LinearModel:
    """One yes-or-no model for each name, side by side. The same input gives the same model."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # liblinear lets other threads work
        models = list(pool.map(lambda one: fit_one(rows, one[1]), truths))
    weights = np.stack([weight for weight, _ in models])
    return quantised(
        [name for name, _ in truths], weights, [begin for _, begin in models], fingerprint
    )


def quantised(
    classes: Sequence[str], weights: np.ndarray, intercepts: Sequence[float], fingerprint: str
) -> LinearModel:
    """The model of `weights[class, feature]`, rounded to eight bits."""
    scale = float(np.abs(weights).max()) / 127 or 1.0
    rounded = array("b", np.rint(weights.T / scale).astype(np.int8).tobytes())
    return LinearModel(
        tuple(classes), weights.shape[1], scale, tuple(intercepts), rounded, fingerprint
    )
