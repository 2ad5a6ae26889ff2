"""Do probabilities mean what they say: calibration in bins, and its slope and intercept."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from truing.errors import MetricError
from truing.statistics.bootstrap import bootstrap, units
from truing.statistics.interval import Interval, checked_level
from truing.statistics.share import share

EDGE = 1e-6  # a probability of exactly 0 or 1 has no logit
BINS = 10
FARTHEST = 50.0  # a slope beyond it means that the rows can be separated


@dataclass(frozen=True)
class Bin:
    """Rows of similar probability.

    Args:
        mean: their mean probability of the positive class.
        share: how many of them are positive, with Wilson's interval; by groups where `reliability` got groups.
        rows: how many they are.
    """

    mean: float
    share: Interval
    rows: int


def reliability(
    positive: np.ndarray,
    p: np.ndarray,
    bins: int = BINS,
    *,
    groups: np.ndarray | None = None,
    rng: Generator | None = None,
) -> list[Bin]:
    """The reliability diagram: rows in bins of equal size by probability; ties stay together, so bins may be fewer.

    (DeGroot & Fienberg 1983, The Statistician 32:12; bins of equal size: Nguyen & O'Connor 2015, EMNLP 1587.)

    Args:
        positive: bool (n,); p: float (n,), the probability of the positive class.
        groups: the group of each row, (n,); None = rows are independent.
        rng: the source of the resamples of groups; None = a fixed one.

    >>> found = reliability(np.array([False, False, True, True]), np.array([0.1, 0.2, 0.7, 0.9]), bins=2)
    >>> [(round(b.mean, 2), b.share.value, b.rows) for b in found]
    [(0.15, 0.0, 2), (0.8, 1.0, 2)]
    """
    positive, p = _checked(positive, p)
    if not len(p):
        return []
    edges = np.unique(np.quantile(p, np.linspace(0, 1, bins + 1)))
    which = np.clip(np.searchsorted(edges, p, "right") - 1, 0, max(0, len(edges) - 2))
    rng, found = rng or np.random.default_rng(0), []
    for b in range(int(which.max()) + 1):
        here = which == b
        if here.any():
            own = None if groups is None else np.asarray(groups)[here]
            found.append(Bin(float(p[here].mean()), share(positive[here], rng=rng, groups=own), int(here.sum())))
    return found


@dataclass(frozen=True)
class Calibration:
    """Slope and intercept of the recalibration, each with an interval.

    Args:
        slope: 1 = the probabilities spread as they should; below 1 = too extreme, as an overfitted network's are.
        intercept: 0 = right on average; below 0 = too high on average, above 0 = too low. At slope 1.
    """

    slope: Interval
    intercept: Interval


def calibration(
    positive: np.ndarray,
    p: np.ndarray,
    *,
    rng: Generator,
    groups: np.ndarray | None = None,
    level: float = 0.95,
) -> Calibration:
    """Calibration slope, and calibration in the large (the intercept where the slope is held at 1).

    Slope: logit P(y = 1) = a + b · logit(p), b by maximum likelihood. Intercept: the same with b = 1 (Cox 1958,
    Biometrika 45:562; Van Calster et al. 2019, BMC Med 17:230). Intervals: percentile bootstrap over rows, or over
    groups where there are any. Probabilities are kept 1e-6 away from 0 and 1.

    Returns:
        Values are None, with the reason, where all rows are of one class or the rows can be separated.

    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(0.05, 0.95, 400)
    >>> found = calibration(rng.random(400) < p, p, rng=rng)
    >>> found.slope.low < 1 < found.slope.high, found.intercept.low < 0 < found.intercept.high
    (True, True)
    """
    checked_level(level)
    positive, p = _checked(positive, p)
    of = units(len(p), groups)
    method = f"percentile bootstrap over {of.word}"
    if not len(p) or positive.all() or not positive.any():
        none = Interval(None, None, None, method, "all rows are of one class" if len(p) else "there are no rows")
        return Calibration(none, none)
    x, y = _logit(np.clip(p, EDGE, 1 - EDGE)), positive.astype(float)
    slope_of = lambda w: _slope(x, y, w)  # noqa: E731
    level_of = lambda w: _intercept(x, y, w)  # noqa: E731

    def interval(figure: object, what: str) -> Interval:
        value = figure(np.ones(len(y)))  # type: ignore[operator]
        if math.isnan(value):
            return Interval(None, None, None, method, f"the rows can be separated, so the {what} has no bound")
        drawn, trouble = bootstrap(figure, of, len(y), rng)  # type: ignore[arg-type]
        if trouble is not None:
            return Interval(value, None, None, method, trouble)
        low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
        return Interval(value, float(low), float(high), method)

    return Calibration(interval(slope_of, "slope"), interval(level_of, "intercept"))


def _slope(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
    """The slope of a weighted logistic regression by Newton's steps; NaN where it has no bound."""
    design = np.stack([np.ones_like(x), x], axis=1)
    beta = np.array([0.0, 1.0])
    for _ in range(50):
        fitted = _expit(design @ beta)
        curve = design.T @ (design * (w * fitted * (1 - fitted))[:, None])
        try:
            step = np.linalg.solve(curve, design.T @ (w * (y - fitted)))
        except np.linalg.LinAlgError:
            return math.nan
        beta = beta + np.clip(step, -5, 5)
        if not np.isfinite(beta).all() or np.abs(beta).max() > FARTHEST:
            return math.nan
        if np.abs(step).max() < 1e-8:
            return float(beta[1])
    return math.nan


def _intercept(x: np.ndarray, y: np.ndarray, w: np.ndarray) -> float:
    """The a that solves sum w · (y - expit(a + x)) = 0; NaN where all that weigh are of one class."""
    if not 0 < (w * y).sum() < w.sum():
        return math.nan
    a = 0.0
    for _ in range(100):
        fitted = _expit(a + x)
        step = float((w * (y - fitted)).sum() / max((w * fitted * (1 - fitted)).sum(), 1e-12))
        a += max(-2.0, min(2.0, step))
        if abs(step) < 1e-10:
            break
    return a


def _checked(positive: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    positive, p = np.asarray(positive, dtype=bool), np.asarray(p, dtype=float)
    if positive.shape != p.shape or p.ndim != 1:
        raise MetricError(f"Calibration needs one probability a row, (n,); got shapes {positive.shape} and {p.shape}.")
    return positive, p


def _logit(p: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.log(p) - np.log1p(-p)
    return found


def _expit(x: np.ndarray) -> np.ndarray:
    found: np.ndarray = 0.5 * (1 + np.tanh(0.5 * x))
    return found
