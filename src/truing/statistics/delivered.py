"""The score of one delivered network, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random import Generator

from truing.statistics.bootstrap import bootstrap, units
from truing.statistics.delong import auc
from truing.statistics.interval import Interval, checked_level
from truing.statistics.metric import Metric, metric
from truing.statistics.proportions import wilson
from truing.statistics.score import binary, parts, predicted, score
from truing.statistics.share import as_if_one_row_each

#: Below this many rows or groups the percentile bootstrap is too narrow, which its method's name then says.
FEW = 30


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

    Accuracy, and sensitivity, specificity, precision and negative predictive value of one positive class, are
    proportions of rows: Wilson. ROC AUC of one positive class: DeLong. Everything else: percentile bootstrap over rows
    (Efron & Tibshirani 1993, ch. 13). With `groups` whole groups are resampled, whatever the metric, since the rows of
    one are no independent witnesses; where all resamples agree, a proportion gets Wilson's interval as if each group
    that holds such a row were one row.

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
        return wilson(*share[:2], level)
    if by.name == "roc_auc" and groups is None and (p.shape[1] == 2 or positive is not None):
        actual, _, probability = binary(y, p, positive)
        return auc(actual == 1, probability, level)
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
        return as_if_one_row_each(point.value, len(np.unique(np.asarray(groups)[share[2]])), level)
    return Interval(point.value, None, None, method, trouble)


def _proportion(
    by: Metric, y: np.ndarray, p: np.ndarray, positive: Sequence[int] | None
) -> tuple[int, int, np.ndarray] | None:
    """Successes and rows, and which rows these are, bool (n,), where the metric is one share of rows."""
    if by.name == "accuracy":
        return int((predicted(p, positive) == y).sum()), len(y), np.ones(len(y), dtype=bool)
    if not by.versus_rest or (p.shape[1] > 2 and positive is None):
        return None
    actual, decided, _ = binary(y, p, positive)
    if by.name in ("sensitivity", "specificity"):
        rows = actual == (1 if by.name == "sensitivity" else 0)
    elif by.name in ("precision", "negative_predictive_value"):
        rows = decided == (1 if by.name == "precision" else 0)
    else:
        return None
    return int((actual == decided)[rows].sum()), int(rows.sum()), rows
