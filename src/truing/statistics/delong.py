"""The area under the ROC curve with its interval, and the difference of two areas on the same rows."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from truing.errors import MetricError
from truing.statistics.interval import Interval, checked_level


def auc(positive: np.ndarray, p: np.ndarray, level: float = 0.95) -> Interval:
    """The area under the ROC curve with DeLong's variance, and an interval on the logit scale.

    theta = mean over pairs of 1[p+ > p-] + 1/2[p+ = p-]; var = S10 / m + S01 / n, where S10 is the variance over the m
    positives of the share of negatives below each, and S01 that over the n negatives of the share of positives above
    (DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44:837; by mid-ranks: Sun & Xu 2014, IEEE Signal Process Lett
    21:1389). The logit keeps the ends inside 0 to 1 (Pepe 2003, The Statistical Evaluation of Medical Tests, 5.2).

    An area of exactly 0 or 1 has no such variance. Then the far end is exact and conservative: min(m, n) disjoint pairs
    are independent, so a perfect area has at most the probability theta ** min(m, n).

    Args:
        positive: bool (n,), which rows are positive.
        p: float (n,), the probability or any other score that rises with it.

    Returns:
        value, low and high; None with a reason without rows of both kinds, and no ends with a single one of a kind.

    Raises:
        MetricError: lengths that differ, or a level outside 0..1.

    >>> found = auc(np.array([False, False, True, True, True]), np.array([0.1, 0.4, 0.35, 0.8, 0.9]))
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (0.833, 0.152, 0.993)
    """
    away = NormalDist().inv_cdf(0.5 + checked_level(level) / 2)
    found = _placements(positive, p)
    if isinstance(found, str):
        return Interval(None, None, None, "DeLong", found)
    above, below = found
    value, pairs = float(above.mean()), min(len(above), len(below))
    if value in (0.0, 1.0):
        far = ((1 - level) / 2) ** (1 / pairs)
        method = f"exact bound of {pairs} disjoint pairs"
        return Interval(value, far, 1.0, method) if value == 1.0 else Interval(value, 0.0, 1.0 - far, method)
    if pairs < 2:
        return Interval(value, None, None, "DeLong", "a single row of a class has no spread; at least two are needed")
    se = math.sqrt(float(above.var(ddof=1)) / len(above) + float(below.var(ddof=1)) / len(below))
    centre, half = math.log(value / (1 - value)), away * se / (value * (1 - value))
    return Interval(value, _expit(centre - half), _expit(centre + half), "DeLong, logit scale")


def auc_difference(positive: np.ndarray, p: np.ndarray, q: np.ndarray, level: float = 0.95) -> Interval:
    """AUC(p) - AUC(q) on the same rows: normal interval with DeLong's covariance of the two areas.

    Source, arguments and errors as in `auc`; it speaks of rows, not of the seeds of the trainings.

    >>> y = np.array([False, False, True, True, True])
    >>> round(auc_difference(y, np.array([0.1, 0.4, 0.35, 0.8, 0.9]), np.array([0.5, 0.1, 0.4, 0.3, 0.9])).value, 3)
    0.167
    """
    away = NormalDist().inv_cdf(0.5 + checked_level(level) / 2)
    mine, theirs = _placements(positive, p), _placements(positive, q)
    if isinstance(mine, str) or isinstance(theirs, str):
        return Interval(None, None, None, "DeLong, paired", mine if isinstance(mine, str) else str(theirs))
    above, below = mine[0] - theirs[0], mine[1] - theirs[1]
    value = float(above.mean())
    if min(len(above), len(below)) < 2:
        why = "a single row of a class has no spread; at least two are needed"
        return Interval(value, None, None, "DeLong, paired", why)
    variance = float(above.var(ddof=1)) / len(above) + float(below.var(ddof=1)) / len(below)
    if variance <= 1e-24:
        why = "both put every pair of rows in the same order, which says nothing about new ones"
        return Interval(value, None, None, "DeLong, paired", why)
    half = away * math.sqrt(variance)
    return Interval(value, max(-1.0, value - half), min(1.0, value + half), "DeLong, paired")


def _placements(positive: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray] | str:
    """For each positive the share of negatives below it, for each negative the share of positives above; or why not."""
    positive, p = np.asarray(positive, dtype=bool), np.asarray(p, dtype=float)
    if positive.shape != p.shape or p.ndim != 1:
        raise MetricError(f"An AUC needs one score a row, (n,); got shapes {positive.shape} and {p.shape}.")
    own, other = np.sort(p[positive]), np.sort(p[~positive])
    if not len(own) or not len(other):
        return "no row here is positive" if not len(own) else "no row here is negative"
    above = np.searchsorted(other, p[positive], "left") + np.searchsorted(other, p[positive], "right")
    under = np.searchsorted(own, p[~positive], "left") + np.searchsorted(own, p[~positive], "right")
    return above / (2 * len(other)), 1 - under / (2 * len(own))


def _expit(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
