"""Selected against defaults: over fresh splits and seeds, and on locked rows over rows and seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from truing.errors import MetricError
from truing.statistics.bootstrap import Units, bootstrap, units
from truing.statistics.classification import brier, log_loss
from truing.statistics.interval import Interval, checked_level
from truing.statistics.metric import Metric, metric
from truing.statistics.score import Score, binary, parts, predicted, score
from truing.statistics.summary import absent


@dataclass(frozen=True)
class Comparison:
    """Two sides on the same rows.

    Args:
        selected, defaults: each side's score, the mean over its refits.
        difference: selected - defaults, in the metric's unit.
    """

    selected: Score
    defaults: Score
    difference: Interval


def corrected_t(
    differences: Sequence[float | None] | np.ndarray,
    spread: float,
    level: float = 0.95,
    *,
    clip: tuple[float, float] | None = None,
) -> Interval:
    """The mean over J replicates and its corrected resampled t interval, mean ± t(J-1) · s · √(1/J + spread).

    Replicates that share training rows agree more than independent ones would; `spread` makes up for that.
    It serves for the mean score of one side as well. (Nadeau & Bengio 2003, Mach Learn 52:239, section 4.2,
    test 2.)

    Args:
        differences: one a replicate; one that is None or NaN makes the mean undefined.
        spread: n_valid / n_train of a replicate; 0 for seeds, which share no luck of splits.
        clip: the ends between which the interval is kept, such as the metric's range.

    Returns:
        low and high are None, with a reason, with fewer than two replicates, or where `spread` is above 0
        and all replicates agree: a width of 0 would promise too much. Seeds alone that all agree do give a
        width of 0.

    >>> found = corrected_t([1.0, 2.0, 3.0], 0.25)
    >>> round(found.low, 3), found.value, round(found.high, 3)
    (-1.286, 2.0, 5.286)
    """
    checked_level(level)
    if not spread >= 0:
        raise MetricError(f"The spread of replicates is n_valid / n_train, at least 0; got {spread!r}.")
    method = "corrected resampled t" if spread > 0 else "t over seeds"
    missing = absent(list(differences))
    values = np.asarray([] if missing else differences, dtype=float)
    if missing or not len(values):
        return Interval(None, None, None, method, missing or "there are no replicates")
    mean, df = float(values.mean()), len(values) - 1
    if df < 1:
        return Interval(mean, None, None, method, "one replicate has no spread; at least two are needed")
    s = float(values.std(ddof=1))
    flat = bool(np.ptp(values) <= 1e-12 * np.abs(values).max())  # the same but for rounding
    if spread > 0 and flat:
        reason = f"all {len(values)} replicates gave the same value, which says nothing about new splits"
        return Interval(mean, None, None, method, reason, df)
    away = _t(level, df) * s * math.sqrt(1 / len(values) + spread) if not flat else 0.0
    low, high = mean - away, mean + away
    if clip is not None:
        low, high = max(low, clip[0]), min(high, clip[1])
    return Interval(mean, low, high, method, None, df)


def rows_and_seeds(
    by: Metric | str,
    y: np.ndarray,
    selected: Sequence[np.ndarray],
    defaults: Sequence[np.ndarray],
    *,
    rng: Generator,
    positive: Sequence[int] | None = None,
    groups: np.ndarray | None = None,
    labels: Sequence[Any] | None = None,
    level: float = 0.95,
) -> Comparison:
    """Selected against defaults on locked rows, each trained S times: an interval over rows and seeds.

    difference = mean over seeds of score(selected) - score(defaults); variance = V(rows) + s²(differences
    of the seeds) / S, with t by Satterthwaite's degrees of freedom (Satterthwaite 1946, Biometrics Bull
    2:110).

    V(rows), for the mean over seeds:

    - accuracy, log loss, Brier, MAE, and sensitivity and specificity of one positive class, are means over
      rows: s²(row differences) / n. For shares of rows it is at least Bonett and Price's variance, that of
      the rows and of two more, one in favour of each side: it matters where hardly a row differs, and has
      no weight above some hundred rows (Bonett & Price 2012, J Educ Behav Stat 37:479).
    - the others: the variance of a bootstrap over rows; resamples in which the metric is undefined are left
      out.
    - with `groups`, whole groups take the place of rows in both.

    Args:
        selected, defaults: the predictions of the S refits of each side, paired by seed; each as in `score`.
        groups: the group of each row, (n,); None = rows are independent.
        rng: the source of the resamples.

    Returns:
        The two sides' scores and the difference. With S = 1 the interval speaks of the rows only, and its
        method says so. low and high are None, with a reason, where a score is undefined, with fewer than
        two rows or groups, where more than 5 % of the resamples are undefined or all of them agree.

    Raises:
        MetricError: no predictions, or not as many on one side as on the other.

    >>> y, a, b = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.5, 2.0]), np.array([1.0, 0.0, 4.0])
    >>> found = rows_and_seeds("mae", y, [a], [b], rng=np.random.default_rng(0)).difference
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3), found.method
    (-1.167, -3.064, 0.731, 't over rows, one refit a side')
    """
    by = metric(by)
    checked_level(level)
    if not len(selected) or len(selected) != len(defaults):
        raise MetricError(
            f"A comparison needs the same number of refits a side, at least one; "
            f"got {len(selected)} of the selected and {len(defaults)} of the defaults."
        )
    ours = [score(by, y, p, positive=positive, labels=labels) for p in selected]
    theirs = [score(by, y, p, positive=positive, labels=labels) for p in defaults]
    sides = _mean(ours), _mean(theirs)
    of, refits = units(len(y), groups), len(selected)
    method = f"t over {of.word} and seeds" if refits > 1 else f"t over {of.word}, one refit a side"
    undefined = sides[0].reason or sides[1].reason
    if undefined:
        return Comparison(*sides, Interval(None, None, None, method, undefined))
    by_seed = np.array([(a.value or 0.0) - (b.value or 0.0) for a, b in zip(ours, theirs, strict=True)])
    value = float(by_seed.mean())
    variance, df, trouble = _rows_part(by, y, selected, defaults, positive, of, rng)
    if trouble is not None:
        return Comparison(*sides, Interval(value, None, None, method, trouble))
    seeds = float(by_seed.var(ddof=1)) / refits if refits > 1 else 0.0
    if seeds > 0:
        df = (variance + seeds) ** 2 / (variance**2 / df + seeds**2 / (refits - 1))
    away = _t(level, df) * math.sqrt(variance + seeds)
    return Comparison(*sides, Interval(value, value - away, value + away, method, None, df))


def _mean(scores: Sequence[Score]) -> Score:
    values = [s.value for s in scores if s.value is not None]
    if len(values) < len(scores):
        return Score(None, next(s.reason for s in scores if s.reason))
    return Score(float(np.mean(values)))


def _rows_part(
    by: Metric,
    y: np.ndarray,
    selected: Sequence[np.ndarray],
    defaults: Sequence[np.ndarray],
    positive: Sequence[int] | None,
    of: Units,
    rng: Generator,
) -> tuple[float, float, str | None]:
    """The variance that new rows give the difference, its degrees of freedom, and why it is not to be had."""
    rows = _per_row(by, y, selected, defaults, positive, of)
    if rows is not None:
        difference, share = rows
        return _variance_of_mean(difference, of, share)
    pairs = [
        (parts(by, y, a, positive=positive), parts(by, y, b, positive=positive))
        for a, b in zip(selected, defaults, strict=True)
    ]
    drawn, trouble = bootstrap(lambda w: float(np.mean([a(w).mean() - b(w).mean() for a, b in pairs])), of, len(y), rng)
    if trouble:
        return 0.0, 0.0, trouble
    few = of.number / (of.number - 1)  # a resample of m units varies (m - 1)/m as much as m new ones
    return few * float(drawn.var(ddof=1)), of.number - 1, None


def _per_row(
    by: Metric,
    y: np.ndarray,
    selected: Sequence[np.ndarray],
    defaults: Sequence[np.ndarray],
    positive: Sequence[int] | None,
    of: Units,
) -> tuple[np.ndarray, bool] | None:
    """Row differences averaged over seeds, and whether they are of shares; None for no mean of rows."""
    keep = np.ones(len(y), dtype=bool)
    share = by.name in ("accuracy", "sensitivity", "specificity")
    if by.name in ("sensitivity", "specificity"):
        one = selected[0].shape[1] == 2 or positive is not None
        if (
            not one or of.code is not None
        ):  # with groups their number of such rows varies as well: the bootstrap sees it
            return None
        keep = binary(y, selected[0], positive)[0] == (1 if by.name == "sensitivity" else 0)

    def rows(p: np.ndarray) -> np.ndarray:
        if by.name == "mae":
            return np.abs(p.astype(float) - y)
        if by.name == "accuracy":
            return (predicted(p, positive) == y).astype(float)
        if share:
            actual, decided, _ = binary(y, p, positive)
            return (actual == decided)[keep].astype(float)
        return log_loss(y, p) if by.name == "log_loss" else brier(y, p)

    if not share and by.name not in ("mae", "log_loss", "brier"):
        return None
    pairs = zip(selected, defaults, strict=True)
    return np.mean([rows(a) - rows(b) for a, b in pairs], axis=0), share


def _variance_of_mean(difference: np.ndarray, of: Units, share: bool) -> tuple[float, float, str | None]:
    """The variance of a mean of rows; by groups it is that of a ratio of sums (Cochran 1977, chapter 6)."""
    n, mean = len(difference), float(difference.mean())
    if of.code is None:
        totals, sizes, number = difference, np.ones(n), n
    else:
        totals = np.bincount(of.code, difference, of.number)
        sizes, number = np.bincount(of.code, minlength=of.number).astype(float), of.number
    if number < 2:
        return 0.0, 0.0, f"there are fewer than two {of.word}"
    size = n / number
    variance = float(np.square(totals - mean * sizes).sum() / (number - 1) / number / size**2)
    if share:  # two more units of the mean size, one all in favour of each side
        square = (float(np.square(totals / size).sum()) + 2.0) / (number + 2)
        centre = mean * number / (number + 2)
        variance = max(variance, (square - centre**2) / (number + 2))
    if variance <= 1e-24 * max(1.0, mean**2):
        return 0.0, 0.0, f"the difference is the same in all {of.word}, which says nothing about new ones"
    return variance, number - 1, None


def _t(level: float, df: float) -> float:
    from scipy.special import (
        stdtrit,
    )  # SciPy only where an interval is made: importing Truing must stay quick

    return float(stdtrit(df, 0.5 + level / 2))
