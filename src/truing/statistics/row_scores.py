"""The score of each row by itself, for metrics whose score is the mean over rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from truing.statistics.classification import brier, log_loss
from truing.statistics.metric import Metric
from truing.statistics.score import predicted

MEANS = ("accuracy", "log_loss", "brier", "mae")


def row_scores(by: Metric, y: np.ndarray, p: np.ndarray, positive: Sequence[int] | None = None) -> np.ndarray | None:
    """One number a row, float (n,), whose mean is the score of `p`; None for metrics that are no such mean.

    Args: as in `score`.

    >>> from truing.statistics.metric import metric
    >>> row_scores(metric("accuracy"), np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]])).tolist()
    [1.0, 0.0]
    """
    if by.kind == "number" or by.name not in MEANS:
        return None
    if by.name == "mae":
        return np.abs(p.astype(float) - y)
    if by.name == "accuracy":
        return (predicted(p, positive) == y).astype(float)
    return np.asarray(log_loss(y, p) if by.name == "log_loss" else brier(y, p), dtype=float)
