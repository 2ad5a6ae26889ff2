"""How much worse networks score on other rows than on those of their own origin."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from truing.statistics.bootstrap import Units, bootstrap, units
from truing.statistics.interval import Interval, checked_level
from truing.statistics.metric import Metric, metric
from truing.statistics.score import parts, predicted, score

METHOD = "t over the rows of both sets and seeds"


@dataclass(frozen=True, eq=False)
class Scored:
    """Rows and what some refits predict for them.

    Args:
        y: int codes (n,), or float values.
        predictions: one array a refit, as in `score`.
        groups: (n,), or None.
    """

    y: np.ndarray
    predictions: Sequence[np.ndarray]
    groups: np.ndarray | None = None


@dataclass(frozen=True)
class Known:
    """An internal score of which only the figure is known, not the rows: the mean of fresh runs.

    Args:
        value: the score.
        se: its standard error; None = not known.
        df: its degrees of freedom.
    """

    value: float
    se: float | None
    df: float


def drop(
    by: Metric | str,
    internal: Scored | Known,
    external: Scored,
    *,
    rng: Generator,
    positive: Sequence[int] | None = None,
    labels: Sequence[Any] | None = None,
    level: float = 0.95,
) -> Interval:
    """How much worse the score is outside, in the metric's unit; above zero is worse, whatever the metric's goal.

    The two sets share no row, so nothing is paired but the seeds: the same refits predict both. variance =
    V(external rows) + V(internal rows) + s²(drops of the seeds) / S, with t by Satterthwaite's degrees of freedom
    (Satterthwaite 1946, Biometrics Bull 2:110; Welch 1947, Biometrika 34:28). V(rows) is the variance of a bootstrap of
    each set's own rows, or of its whole groups (Efron & Tibshirani 1993, ch. 8.3: two independent samples). For
    accuracy V is at least that of the share with one more right and one more wrong row (Agresti & Caffo 2000, Am Stat
    54:280), which matters where all rows are right. Where the internal score is the mean of fresh runs (`Known`), its
    squared standard error takes the place of V(internal rows), and the seeds are not paired.

    Args:
        internal, external: the same refits on both, in the same order; or the known internal figure.
        positive, labels: as in `score`.

    Returns:
        low and high are None, with a reason, where a score is undefined or its spread cannot be told.

    >>> near, far = np.array([[0.1, 0.9]] * 40), np.array([[0.1, 0.9]] * 30 + [[0.9, 0.1]] * 10)
    >>> one = np.ones(40, dtype=int)
    >>> found = drop("accuracy", Scored(one, [near]), Scored(one, [far]), rng=np.random.default_rng(0))
    >>> found.value, 0.09 < found.low < 0.13, 0.37 < found.high < 0.41
    (0.25, True, True)
    """
    by = metric(by)
    checked_level(level)
    out = [score(by, external.y, p, positive=positive, labels=labels) for p in external.predictions]
    ins = (
        [score(by, internal.y, p, positive=positive, labels=labels) for p in internal.predictions]
        if isinstance(internal, Scored)
        else []
    )
    undefined = next((s.reason for s in (*out, *ins) if s.value is None), None)
    if undefined is not None or not out or (isinstance(internal, Scored) and len(ins) != len(out)):
        return Interval(None, None, None, METHOD, undefined or "there are not the same refits on both sides")
    sign = 1.0 if by.goal == "min" else -1.0
    there = np.array([s.value for s in out], dtype=float)
    if isinstance(internal, Known):
        here = np.full(len(out), internal.value)
        method = f"t over the rows of the external set and {'the fresh runs'}"
    else:
        here = np.array([s.value for s in ins], dtype=float)
        method = METHOD if len(out) > 1 else "t over the rows of both sets, one network"
    by_seed = sign * (there - here)
    value, refits = float(by_seed.mean()), len(out)
    terms = []  # (variance, degrees of freedom)
    for side in (external, internal):
        if isinstance(side, Known):
            if side.se is None:
                return Interval(value, None, None, method, "the standard error of the internal figure is not known")
            terms.append((side.se**2, side.df))
            continue
        variance, df, trouble = _rows(by, side, positive, rng)
        if trouble is not None:
            return Interval(value, None, None, method, trouble)
        terms.append((variance, df))
    if refits > 1:
        terms.append((float(by_seed.var(ddof=1)) / refits, refits - 1.0))
    total = sum(variance for variance, _ in terms)
    if total <= 0:
        return Interval(value, None, None, method, "neither set's rows tell how others would differ")
    df = total**2 / sum(variance**2 / df for variance, df in terms if variance > 0)
    away = _t(level, df) * math.sqrt(total)
    return Interval(value, value - away, value + away, method, None, df)


def _rows(by: Metric, side: Scored, positive: Sequence[int] | None, rng: Generator) -> tuple[float, float, str | None]:
    """The variance that new rows give the mean over the refits, its degrees of freedom, and why it is not to be had."""
    of = units(len(side.y), side.groups)
    evaluate = [parts(by, side.y, p, positive=positive) for p in side.predictions]
    drawn, trouble = bootstrap(lambda w: float(np.mean([e(w).mean() for e in evaluate])), of, len(side.y), rng)
    least = _least(by, side, positive, of)
    if trouble is not None and least > 0 and of.number > 1:
        return least, of.number - 1.0, None
    if trouble is not None:
        return 0.0, 0.0, trouble
    few = of.number / (of.number - 1)  # a resample of m units varies (m - 1)/m as much as m new ones
    return max(few * float(drawn.var(ddof=1)), least), of.number - 1.0, None


def _least(by: Metric, side: Scored, positive: Sequence[int] | None, of: Units) -> float:
    """Of a share of rows: the variance with one more row or group right, and one more wrong."""
    if by.name != "accuracy" or of.number < 1:
        return 0.0
    share = float(np.mean([(predicted(p, positive) == side.y).mean() for p in side.predictions]))
    moved = (share * of.number + 1) / (of.number + 2)
    return moved * (1 - moved) / (of.number + 2)


def _t(level: float, df: float) -> float:
    from scipy.special import stdtrit  # only where an interval is made: importing Truing must stay quick

    return float(stdtrit(df, 0.5 + level / 2))
