"""The corners of the ROC curve."""

from __future__ import annotations

import numpy as np

from truing.errors import MetricError


def roc_curve(positive: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """False positive rate, true positive rate and threshold at the corners of the ROC curve; the first is infinite.

    Ties are one step, and a point in the middle of a straight piece is left out. (Fawcett 2006, Pattern Recognition
    Letters 27:861, algorithm 1.)

    Args:
        positive: bool (n,), which rows are positive; rows of both kinds.
        p: float (n,), the probability or any other score that rises with it.

    Raises:
        MetricError: lengths that differ, or rows of one kind only.

    >>> far, found, at = roc_curve(np.array([False, False, True, True]), np.array([0.1, 0.4, 0.35, 0.8]))
    >>> far.tolist(), found.tolist(), at.tolist()
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0], [inf, 0.8, 0.4, 0.35, 0.1])
    """
    positive, p = np.asarray(positive, dtype=bool), np.asarray(p, dtype=float)
    if positive.shape != p.shape or p.ndim != 1:
        raise MetricError(f"A ROC curve needs one score a row, (n,); got shapes {positive.shape} and {p.shape}.")
    if positive.all() or not positive.any():
        raise MetricError("A ROC curve needs rows that are positive and rows that are not; got one kind only.")
    order = np.argsort(-p, kind="stable")
    falling, hit = p[order], positive[order]
    last = np.append(np.flatnonzero(np.diff(falling)), len(p) - 1)
    found, far = np.cumsum(hit)[last], np.cumsum(~hit)[last]
    corner = np.ones(len(last), dtype=bool)
    if len(last) > 2:
        corner[1:-1] = (np.diff(found, 2) != 0) | (np.diff(far, 2) != 0)
    return (
        np.append(0.0, far[corner] / far[-1]),
        np.append(0.0, found[corner] / found[-1]),
        np.append(np.inf, falling[last][corner]),
    )


def evenly(n: int, most: int) -> np.ndarray:
    """At most so many of the places 0 to n - 1, evenly spread, first and last among them.

    >>> evenly(3, 5).tolist(), evenly(9, 3).tolist()
    ([0, 1, 2], [0, 4, 8])
    """
    return np.arange(n) if n <= most else np.unique(np.linspace(0, n - 1, most).round().astype(int))
