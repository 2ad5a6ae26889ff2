"""What a positive and a negative answer mean where the positive class is as common as somebody says."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from truing.errors import MetricError
from truing.statistics.interval import Interval, checked_level

DRAWS = 20_000


def predictive_values(
    sensitivity: tuple[int, int],
    specificity: tuple[int, int],
    prevalence: float,
    *,
    rng: Generator,
    level: float = 0.95,
) -> tuple[Interval, Interval]:
    """Positive and negative predictive value at a stated prevalence, by Bayes' rule.

    PPV = Se·π / (Se·π + (1 - Sp)(1 - π)); NPV = Sp(1 - π) / ((1 - Se)π + Sp(1 - π)) (Altman & Bland 1994, BMJ 309:102).
    Intervals: Se and Sp are drawn from their Jeffreys posteriors Beta(x + 1/2, n - x + 1/2), independently, since they
    come from different rows (Brown, Cai & DasGupta 2001, Stat Sci 16:101); percentiles of 20,000 draws. Rows are taken
    as independent.

    Args:
        sensitivity, specificity: (right, rows) among the positive, and among the negative rows.
        prevalence: 0 < π < 1.

    Returns:
        PPV and NPV; None with a reason where one of the classes has no row, or nothing would be called positive.

    Raises:
        MetricError: a prevalence outside 0..1, or more right ones than rows.

    >>> ppv, npv = predictive_values((90, 100), (180, 200), 0.01, rng=np.random.default_rng(0))
    >>> round(ppv.value, 3), round(npv.value, 4)
    (0.083, 0.9989)
    """
    tail = (1 - checked_level(level)) / 2
    if not 0 < prevalence < 1:
        raise MetricError(f"A prevalence lies between 0 and 1, such as 0.02; got {prevalence!r}.")
    for right, rows in (sensitivity, specificity):
        if not 0 <= right <= rows:
            raise MetricError(f"A proportion needs 0 to n successes; got {right} of {rows}.")
    method = f"Bayes' rule at prevalence {prevalence:g}, Jeffreys draws"
    if not sensitivity[1] or not specificity[1]:
        none = Interval(None, None, None, method, "it needs rows of both classes")
        return none, none
    point = _values(sensitivity[0] / sensitivity[1], specificity[0] / specificity[1], prevalence)
    se, sp = (rng.beta(x + 0.5, n - x + 0.5, DRAWS) for x, n in (sensitivity, specificity))
    drawn = _values(se, sp, prevalence)
    found = []
    for value, values, answer in zip(point, drawn, ("positive", "negative"), strict=True):
        if np.isnan(value):
            found.append(Interval(None, None, None, method, f"no row was predicted {answer}"))
            continue
        low, high = np.quantile(values, [tail, 1 - tail])
        found.append(Interval(float(value), min(float(low), float(value)), max(float(high), float(value)), method))
    return found[0], found[1]


def _values(se: np.ndarray | float, sp: np.ndarray | float, prevalence: float) -> tuple[np.ndarray, np.ndarray]:
    se, sp = np.asarray(se, dtype=float), np.asarray(sp, dtype=float)
    hit, alarm = se * prevalence, (1 - sp) * (1 - prevalence)
    right, miss = sp * (1 - prevalence), (1 - se) * prevalence
    with np.errstate(invalid="ignore"):
        return hit / (hit + alarm), right / (right + miss)
