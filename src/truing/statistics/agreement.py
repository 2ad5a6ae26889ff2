"""How far trainings of one configuration agree with each other, row by row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from truing.errors import MetricError


@dataclass(frozen=True)
class Agreement:
    """Args:
    rows: float (n,), for each row the share of pairs of trainings that predict the same class.
    mean: their mean; None without rows or with one training.
    unanimous: share of rows on which all trainings agree; None likewise.
    reason: why they are None.
    """

    rows: np.ndarray
    mean: float | None
    unanimous: float | None
    reason: str | None = None


def agreement(predictions: np.ndarray) -> Agreement:
    """Agreement of S trainings on the predicted classes of n rows.

    Per row: the share of pairs of trainings with the same class, as in Fleiss' kappa before its correction for chance
    (Fleiss 1971, Psychol Bull 76:378). It says how much of a prediction is the luck of the seed; it does not say that
    the prediction is right.

    Args:
        predictions: int (S, n), the predicted class of each row by each training; -1 = this one did not predict it.
            Each row needs two that did.

    Raises:
        MetricError: another shape, or a row that fewer than two predict.

    >>> found = agreement(np.array([[0, 1, 1], [0, 1, 0], [0, 1, 1]]))
    >>> found.rows.round(2).tolist(), round(found.mean, 2), round(found.unanimous, 2)
    ([1.0, 1.0, 0.33], 0.78, 0.67)
    """
    predictions = np.asarray(predictions)
    if predictions.ndim != 2:
        raise MetricError(f"Agreement needs the classes by S trainings of n rows, (S, n); got {predictions.shape}.")
    trainings, rows = predictions.shape
    if trainings < 2 or not rows:
        why = "there are no rows" if not rows else "one training agrees with itself; at least two are needed"
        return Agreement(np.full(rows, np.nan), None, None, why)
    cast = (predictions >= 0).sum(axis=0)
    if cast.min() < 2:
        raise MetricError(f"Agreement needs two predictions of each row; row {int(cast.argmin())} has {cast.min()}.")
    same = np.zeros(rows)
    for label in np.unique(predictions[predictions >= 0]):
        votes = (predictions == label).sum(axis=0)
        same += votes * (votes - 1)
    shares = same / (cast * (cast - 1))
    return Agreement(shares, float(shares.mean()), float((shares == 1).mean()))
