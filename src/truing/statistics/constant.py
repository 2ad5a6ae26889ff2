"""The predictor that does not look: what a score has to be judged against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from truing.errors import MetricError
from truing.statistics.metric import NUMBER, Metric, metric
from truing.statistics.score import Score, score


def constant_predictions(
    by: Metric | str, y_train: np.ndarray, n_rows: int, n_classes: int | None = None
) -> np.ndarray:
    """The same prediction for every row, fitted on the development rows.

    Classes: the class frequencies, (n_rows, n_classes), so that the predicted class is the commonest one.
    MAE: the median, other regression metrics: the mean, (n_rows,). These minimise log loss, Brier, MAE and
    RMSE on `y_train`.

    Args:
        y_train: int (m,) in 0..n_classes-1, or float (m,).
        n_classes: the number of classes; not used for regression.

    Raises:
        MetricError: no rows to fit on, no number of classes, or a metric that is not computed from
        predictions.

    >>> constant_predictions("log_loss", np.array([0, 1, 1, 1]), 1, 2).tolist()
    [[0.25, 0.75]]
    >>> constant_predictions("mae", np.array([0.0, 1.0, 5.0]), 2).tolist()
    [1.0, 1.0]
    """
    by = metric(by)
    if by.kind == NUMBER:
        raise MetricError(f"Metric {by.name!r} is reported, not computed from predictions; it has no base rate.")
    if not len(y_train):
        raise MetricError("A constant predictor needs rows to be fitted on; got none.")
    if not by.classification:
        centre = np.median(y_train) if by.name == "mae" else np.mean(y_train)
        return np.full(n_rows, float(centre))
    if n_classes is None:
        raise MetricError(f"The constant predictor for {by.name!r} needs the number of classes.")
    return np.tile(np.bincount(y_train, minlength=n_classes) / len(y_train), (n_rows, 1))


def base_rate(
    by: Metric | str,
    y_train: np.ndarray,
    y: np.ndarray,
    n_classes: int | None = None,
    *,
    positive: Sequence[int] | None = None,
    labels: Sequence[Any] | None = None,
) -> Score:
    """What the constant predictor fitted on `y_train` scores on rows whose truth is `y`.

    >>> base_rate("accuracy", np.array([0, 1, 1]), np.array([0, 0, 0, 1]), 2)
    Score(value=0.25, reason=None)
    """
    constant = constant_predictions(by, y_train, len(y), n_classes)
    return score(by, y, constant, positive=positive, labels=labels)
