"""Scores of several datasets made comparable: gains over the defaults in each dataset's own unit, and their sum-up.

A point of accuracy is much on one dataset and nothing on another. The gain of a trial on dataset t is therefore
z_t = (y_t - y_defaults,t) / sd_t, with the sign by which higher is better, and the trial's value is the mean or the
worst of these. The unit is fixed by the defaults alone, before any other trial.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from truing.statistics.interval import Interval

MEAN, WORST = "mean", "worst"
AGGREGATES = (MEAN, WORST)


def unit(scores: Sequence[float | None], floor: float) -> float:
    """sd_t: the standard deviation (n - 1) of the defaults' runs on a dataset, and at least `floor`.

    It is what a score on this dataset moves by when nothing but split and seed changes. Where the defaults happen to
    score (almost) alike in all runs it would be next to 0, and this dataset alone would decide; the floor, the largest
    difference that does not matter (`rope`: 0.01 of accuracy, 1 % of the constant prediction's loss), prevents that.
    With one run there is no standard deviation, and the floor is the unit.

    >>> round(unit([0.8, 0.9, 1.0], 0.01), 3), unit([0.9, 0.9, 0.9], 0.01), unit([0.9], 0.01)
    (0.1, 0.01, 0.01)
    """
    known = [score for score in scores if score is not None]
    spread = float(np.std(known, ddof=1)) if len(known) > 1 else 0.0
    return max(spread, floor)


def gain(value: float | None, defaults: float | None, per: float, goal: str) -> float | None:
    """z_t; None where either score is undefined.

    >>> gain(0.9, 0.8, 0.05, "max"), gain(0.9, 0.8, 0.05, "min")
    (1.9999999999999996, -1.9999999999999996)
    """
    if value is None or defaults is None:
        return None
    return (value - defaults) / per * (1.0 if goal == "max" else -1.0)


def together(gains: Sequence[float | None], aggregate: str) -> float | None:
    """The mean or the worst of the gains; None where one is undefined: a dataset is never left out.

    >>> together([1.0, -0.5], "mean"), together([1.0, -0.5], "worst"), together([1.0, None], "mean")
    (0.25, -0.5, None)
    """
    known = [g for g in gains if g is not None]
    if len(known) < len(gains) or not known:
        return None
    return min(known) if aggregate == WORST else sum(known) / len(known)


def mean_of(parts: Sequence[Interval]) -> Interval:
    """The mean of independent figures, with an interval recovered from theirs.

    low = mean - sqrt(sum of (value_t - low_t)²) / T, and high likewise: the method of variance estimates recovery
    (MOVER; Zou and Donner 2008, Statistics in Medicine 27:1693; for any linear function Zou, Huang and Zhang 2009,
    Computational Statistics & Data Analysis 53:1080).

    >>> found = mean_of([Interval(1.0, 0.0, 2.0), Interval(3.0, 1.0, 5.0)])
    >>> round(found.low, 3), found.value, round(found.high, 3)
    (0.882, 2.0, 3.118)
    """
    method = "mean over the datasets, interval recovered from theirs"
    if lacking := _lacking(parts, method):
        return lacking
    low = math.sqrt(sum((_of(p.value) - _of(p.low)) ** 2 for p in parts)) / len(parts)
    high = math.sqrt(sum((_of(p.high) - _of(p.value)) ** 2 for p in parts)) / len(parts)
    value = sum(_of(p.value) for p in parts) / len(parts)
    if any(p.low is None or p.high is None for p in parts):
        return Interval(value, None, None, method, _why(parts))
    return Interval(value, value - low, value + high, method)


def worst_of(parts: Sequence[Interval], wide: Sequence[Interval]) -> Interval:
    """The worst of some figures, with an interval that holds at least 95 %.

    Low is the lowest of the datasets' own lower ends: the worst is above a bound only if all are, so each may be tested
    at the whole level (intersection-union test; Berger 1982, Technometrics 24:295). High is the lowest of the upper
    ends of `wide`, intervals of level 1 - 0.05 / T (Bonferroni).

    >>> worst_of([Interval(1.0, 0.0, 2.0), Interval(3.0, 1.0, 5.0)], [Interval(1.0, -1, 3.0), Interval(3.0, 0, 6.0)])
    Interval(value=1.0, low=0.0, high=3.0, method='worst of the datasets, intersection-union', reason=None, df=None)
    """
    method = "worst of the datasets, intersection-union"
    if lacking := _lacking(parts, method):
        return lacking
    value = min(_of(p.value) for p in parts)
    if any(p.low is None for p in parts) or any(p.high is None for p in wide) or len(wide) < len(parts):
        return Interval(value, None, None, method, _why(parts))
    return Interval(value, min(_of(p.low) for p in parts), min(_of(p.high) for p in wide), method)


def in_units(found: Interval, per: float, goal: str) -> Interval:
    """A difference and its interval as gains: divided by the unit, higher is better.

    >>> round(in_units(Interval(-0.2, -0.3, -0.1), 0.1, "min").high, 6)
    3.0
    """
    scale = (1.0 if goal == "max" else -1.0) / per
    ends = [None if end is None else end * scale for end in (found.low, found.high)]
    low, high = ends if goal == "max" else reversed(ends)
    value = None if found.value is None else found.value * scale
    return Interval(value, low, high, found.method, found.reason, found.df)


def left_out(
    scores: Mapping[int, Mapping[str, float]], left: str, units: Mapping[str, float], goal: str, aggregate: str
) -> int:
    """The trial that the other datasets alone would select: the best by their gains; the earlier of equals.

    Args:
        scores: trial -> dataset -> score; trial 0 is the defaults.

    >>> table = {0: {"a": 0.5, "b": 0.5, "c": 0.5}, 1: {"a": 0.9, "b": 0.4, "c": 0.5}}
    >>> table[2] = {"a": 0.1, "b": 0.9, "c": 0.9}
    >>> left_out(table, "a", dict.fromkeys("abc", 0.1), "max", "mean")
    2
    """
    others = [name for name in units if name != left]

    def value(trial: int) -> float:
        gains = [gain(scores[trial][name], scores[0][name], units[name], goal) for name in others]
        found = together(gains, aggregate)
        return -math.inf if found is None else found

    return max(sorted(scores), key=lambda trial: (value(trial), -trial))


def _lacking(parts: Sequence[Interval], method: str) -> Interval | None:
    if all(p.value is not None for p in parts) and parts:
        return None
    return Interval(None, None, None, method, _why(parts))


def _why(parts: Sequence[Interval]) -> str | None:
    return next((p.reason for p in parts if p.reason), None)


def _of(value: float | None) -> float:
    return 0.0 if value is None else value
