"""Metrics of classes: from counts of predicted classes, and from the probability of each row's own class.

Each function gives the figure, with NaN where it is undefined; `score` turns NaN into a reason.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# scikit-learn clips float64 probabilities here too. It is the same for float32 input, so that predictions
# stored as float32 score as they did when they were reported.
EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Counts:
    """Rows by class: all that the metrics of predicted classes need. Each array is float (k,).

    Args:
        actual: rows that are of the class.
        predicted: rows that were predicted to be of the class.
        both: rows of the class that were predicted to be of it.
    """

    actual: np.ndarray
    predicted: np.ndarray
    both: np.ndarray

    @property
    def rows(self) -> float:
        """The number of rows, or the sum of their weights."""
        return float(self.actual.sum())


def count(y: np.ndarray, predicted: np.ndarray, k: int, weights: np.ndarray | None = None) -> Counts:
    """The counts of classes `y` and predicted classes, both int (n,) in 0..k-1; `weights` float (n,).

    >>> count(np.array([0, 0, 1]), np.array([0, 1, 1]), 2).both.tolist()
    [1.0, 1.0]
    """
    hit = y == predicted
    return Counts(
        np.bincount(y, weights, k).astype(float, copy=False),
        np.bincount(predicted, weights, k).astype(float, copy=False),
        np.bincount(y[hit], None if weights is None else weights[hit], k).astype(float, copy=False),
    )


def ratio(part: np.ndarray | float, whole: np.ndarray | float) -> np.ndarray:
    """part / whole, NaN where whole is not positive."""
    part, whole = np.broadcast_arrays(np.asarray(part, dtype=float), np.asarray(whole, dtype=float))
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def accuracy(counts: Counts) -> np.ndarray:
    """Share of rows whose class was predicted; array (1,).

    Goal: max. Range: 0 to 1.
    Definition: correct rows / rows, over all classes, whatever the positive class.
    Undefined: without rows.
    Source: Sokolova & Lapalme 2009, Inf Process Manag 45:427.

    >>> accuracy(count(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 2)).item()
    0.75
    """
    return ratio(counts.both.sum(keepdims=True), counts.rows)


def balanced_accuracy(counts: Counts) -> np.ndarray:
    """Mean of the sensitivities of all classes, given one a class; array (k,).

    Goal: max. Range: 0 to 1.
    Definition: mean over all classes of correct rows of the class / rows of the class; not adjusted for
        chance.
    Undefined: when a class has no row.
    Source: Brodersen et al. 2010, ICPR 3121.

    >>> balanced_accuracy(count(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 2)).mean().item()
    0.75
    """
    return ratio(counts.both, counts.actual)


def sensitivity(counts: Counts) -> np.ndarray:
    """Share of the positive rows that was found, or recall; one a class, array (k,).

    Goal: max. Range: 0 to 1.
    Definition: TP / (TP + FN).
    Undefined: when the class has no row.
    Source: Altman & Bland 1994, BMJ 308:1552.

    >>> sensitivity(count(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 2)).tolist()
    [0.5, 1.0]
    """
    return ratio(counts.both, counts.actual)


def specificity(counts: Counts) -> np.ndarray:
    """Share of the negative rows that was left alone; one a class, array (k,).

    Goal: max. Range: 0 to 1.
    Definition: TN / (TN + FP).
    Undefined: when every row is of the class.
    Source: Altman & Bland 1994, BMJ 308:1552.

    >>> specificity(count(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 2)).tolist()
    [1.0, 0.5]
    """
    negative = counts.rows - counts.actual
    return ratio(negative - counts.predicted + counts.both, negative)


def precision(counts: Counts) -> np.ndarray:
    """Share of the rows predicted positive that are positive; one a class, array (k,).

    Goal: max. Range: 0 to 1.
    Definition: TP / (TP + FP).
    Undefined: when no row was predicted to be of the class.
    Source: Altman & Bland 1994, BMJ 309:102.

    >>> precision(count(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)).tolist()
    [1.0, 0.5]
    """
    return ratio(counts.both, counts.predicted)


def negative_predictive_value(counts: Counts) -> np.ndarray:
    """Share of the rows predicted negative that are negative; one a class, array (k,).

    Goal: max. Range: 0 to 1.
    Definition: TN / (TN + FN).
    Undefined: when every row was predicted to be of the class.
    Source: Altman & Bland 1994, BMJ 309:102.

    >>> negative_predictive_value(count(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)).tolist()
    [0.5, 1.0]
    """
    left = counts.rows - counts.predicted
    return ratio(left - counts.actual + counts.both, left)


def f1(counts: Counts) -> np.ndarray:
    """Harmonic mean of precision and sensitivity, by its counts; one a class, array (k,).

    Goal: max. Range: 0 to 1.
    Definition: 2 TP / (2 TP + FP + FN); 0 when the class has rows and none was found.
    Undefined: when the class has no row.
    Source: van Rijsbergen 1979, Information Retrieval, ch. 7.

    >>> f1(count(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)).round(3).tolist()
    [0.667, 0.667]
    """
    whole = np.where(counts.actual > 0, counts.actual + counts.predicted, 0.0)
    return ratio(2 * counts.both, whole)


def mcc(counts: Counts) -> np.ndarray:
    """Matthews correlation of actual and predicted classes; array (1,).

    Goal: max. Range: -1 to 1.
    Definition: (c n - Σ aₖ pₖ) / √((n² - Σ aₖ²)(n² - Σ pₖ²)); n rows, c correct, aₖ of class k, pₖ
        predicted k; over all classes.
    Undefined: when all rows are of one class, or all were predicted to be.
    Source: Matthews 1975, Biochim Biophys Acta 405:442; Gorodkin 2004, Comput Biol Chem 28:367.

    >>> mcc(count(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 2)).round(3).tolist()
    [0.577]
    """
    rows, actual, predicted = counts.rows, counts.actual, counts.predicted
    above = counts.both.sum() * rows - actual @ predicted
    below = (rows**2 - actual @ actual) * (rows**2 - predicted @ predicted)
    return ratio(np.array([above]), np.sqrt(below))


def log_loss(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Minus the logarithm of the probability given to the row's own class; one a row, array (n,).

    Goal: min. Range: 0 to inf.
    Definition: mean of -ln p(own class), over all classes; p below 2.2e-16 counts as 2.2e-16, so a row
        costs at most 36.04.
    Undefined: without rows.
    Source: Good 1952, J R Stat Soc B 14:107.

    >>> log_loss(np.array([1]), np.array([[0.5, 0.5]])).round(3).tolist()
    [0.693]
    """
    own = p[np.arange(len(y)), y].astype(float)
    return -np.log(np.clip(own, EPSILON, 1.0)) + 0.0  # + 0.0: a perfect row costs 0, not -0


def brier(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Squared distance of the probabilities from what happened; one a row, array (n,).

    Goal: min. Range: 0 to 2.
    Definition: two classes: mean of (p(1) - [y = 1])², at most 1; more: mean over rows of Σₖ (p(k) - [y =
        k])², at most 2.
    Undefined: without rows.
    Source: Brier 1950, Mon Weather Rev 78:1.

    >>> brier(np.array([1]), np.array([[0.5, 0.5]])).tolist()
    [0.25]
    """
    p = p.astype(float, copy=False)
    if p.shape[1] == 2:
        return np.square(p[:, 1] - y)
    own = p[np.arange(len(y)), y]
    return np.einsum("ij,ij->i", p, p) - np.square(own) + np.square(1.0 - own)
