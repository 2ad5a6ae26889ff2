"""A figure with its interval: of a proportion, and of the score of one delivered network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.random import Generator

from truing.errors import MetricError
from truing.statistics.bootstrap import bootstrap, units
from truing.statistics.metric import Metric, metric
from truing.statistics.score import binary, parts, predicted, score

#: Below this many rows or groups the percentile bootstrap is too narrow, which its method's name then says.
FEW = 30


@dataclass(frozen=True)
class Interval:
    """A figure and the ends of its interval.

    Args:
        value: the figure; None = undefined.
        low, high: the ends; None = no interval can be given.
        method: how it was made, in words.
        reason: why `value`, or the ends, are None.
        df: degrees of freedom, where the method has them.
    """

    value: float | None
    low: float | None
    high: float | None
    method: str = ""
    reason: str | None = None
    df: float | None = None


def wilson(successes: float, n: float, level: float = 0.95) -> Interval:
    """Wilson's score interval of a proportion.

    (p + z²/2n ± z·√(p(1-p)/n + z²/4n²)) / (1 + z²/n); it has a width at 0 and at n successes too.
    (Wilson 1927, J Am Stat Assoc 22:209; Newcombe 1998, Stat Med 17:857, method 3.)

    Raises:
        MetricError: successes outside 0..n, or a level outside 0..1.

    >>> found = wilson(81, 263)
    >>> round(found.low, 4), round(found.high, 4)
    (0.2553, 0.3662)
    """
    z = NormalDist().inv_cdf(0.5 + checked_level(level) / 2)
    if not 0 <= successes <= n:
        raise MetricError(f"A proportion needs 0 to n successes; got {successes} of {n}.")
    if n == 0:
        return Interval(None, None, None, "Wilson", "there are no rows")
    p = successes / n
    centre = p + z * z / (2 * n)
    away = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    whole = 1 + z * z / n
    low = 0.0 if successes == 0 else (centre - away) / whole  # exact at the ends, where rounding would miss
    high = 1.0 if successes == n else (centre + away) / whole
    return Interval(p, low, high, "Wilson")


def delivered(
    by: Metric | str,
    y: np.ndarray,
    p: np.ndarray,
    *,
    rng: Generator,
    positive: Sequence[int] | None = None,
    groups: np.ndarray | None = None,
    labels: Sequence[Any] | None = None,
    level: float = 0.95,
) -> Interval:
    """The score of one network on rows it has not seen, with an interval over such rows.

    The luck of its seed is not in it.

    Accuracy, and sensitivity, specificity, precision and negative predictive value of one positive class,
    are proportions of rows: Wilson. Everything else: percentile bootstrap over rows (Efron & Tibshirani
    1993, ch. 13). With `groups` whole groups are resampled, whatever the metric, since the rows of one are
    no independent witnesses; where all resamples agree, a proportion gets Wilson's interval as if each
    group were one row.

    Args:
        y, p, positive, labels: as in `score`.
        groups: the group of each row, (n,); None = rows are independent.
        rng: the source of the resamples.

    Returns:
        low and high are None, with a reason, where the score is undefined, where more than 5 % of the
        resamples are, or where all of them agree.

    >>> y, p = np.array([0, 1, 1, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.2, 0.8]])
    >>> found = delivered("accuracy", y, p, rng=np.random.default_rng(0))
    >>> found.value, round(found.low, 3), found.method
    (0.75, 0.301, 'Wilson')
    """
    by = metric(by)
    point = score(by, y, p, positive=positive, labels=labels)
    if point.value is None:
        return Interval(None, None, None, "", point.reason)
    share = _proportion(by, y, p, positive)
    if share is not None and groups is None:
        return wilson(*share, level)
    of = units(len(y), groups)
    evaluate = parts(by, y, p, positive=positive)
    drawn, trouble = bootstrap(lambda w: float(evaluate(w).mean()), of, len(y), rng)
    few = f"; only {of.number} {of.word}, so it is too narrow" if of.number < FEW else ""
    method = f"percentile bootstrap over {of.word}{few}"
    if trouble is None:
        tail = (1 - checked_level(level)) / 2
        low, high = np.quantile(drawn, [tail, 1 - tail])
        return Interval(point.value, float(low), float(high), method)
    if share is not None and of.number > 1 and len(drawn) and np.ptp(drawn) == 0:
        stand_in = wilson(point.value * of.number, of.number, level)
        return Interval(point.value, stand_in.low, stand_in.high, "Wilson, each group as one row")
    return Interval(point.value, None, None, method, trouble)


def checked_level(level: float) -> float:
    """`level` itself.

    Raises:
        MetricError: not between 0 and 1.

    >>> checked_level(0.95)
    0.95
    """
    if not 0 < level < 1:
        raise MetricError(f"The level of an interval lies between 0 and 1, such as 0.95; got {level!r}.")
    return level


def _proportion(by: Metric, y: np.ndarray, p: np.ndarray, positive: Sequence[int] | None) -> tuple[int, int] | None:
    """Successes and rows, where the metric is one share of rows."""
    if by.name == "accuracy":
        return int((predicted(p, positive) == y).sum()), len(y)
    if not by.versus_rest or (p.shape[1] > 2 and positive is None):
        return None
    actual, decided, _ = binary(y, p, positive)
    if by.name in ("sensitivity", "specificity"):
        rows = actual == (1 if by.name == "sensitivity" else 0)
    elif by.name in ("precision", "negative_predictive_value"):
        rows = decided == (1 if by.name == "precision" else 0)
    else:
        return None
    return int((actual == decided)[rows].sum()), int(rows.sum())
