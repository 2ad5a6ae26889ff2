"""What a decision threshold is worth on rows that took no part in choosing it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from truing.errors import MetricError
from truing.statistics.bootstrap import TOLERATED, Units, resamples, units
from truing.statistics.interval import Interval, checked_level
from truing.statistics.proportions import wilson
from truing.statistics.share import as_if_one_row_each
from truing.statistics.threshold import Aim, choose

SHARES = ("sensitivity", "specificity", "precision", "negative_predictive_value", "accuracy")
AT_PREVALENCE = ("ppv", "npv")
_EMPTY = {
    "sensitivity": "no row here is positive",
    "specificity": "no row here is negative",
    "precision": "no row was predicted positive",
    "negative_predictive_value": "no row was predicted negative",
    "accuracy": "there are no rows",
    "ppv": "no row was predicted positive",
    "npv": "no row was predicted negative",
}


@dataclass(frozen=True)
class Sample:
    """Rows with their truth and their probability of the positive class.

    Args:
        positive: bool (n,); p: float (n,).
        units: what is drawn together, (n,): the group of each row, or the row itself where it was predicted more than
            once; None = each entry is a row of its own.
    """

    positive: np.ndarray
    p: np.ndarray
    units: np.ndarray | None = None

    @property
    def of(self) -> Units:
        return units(len(self.p), self.units)


@dataclass(frozen=True)
class OperatingPoint:
    """Args:
    threshold: rows with p of at least this count as positive.
    shares: `SHARES` -> the figure on the rows that took no part in choosing.
    at_prevalence: "ppv" and "npv" at the stated prevalence; empty where none was stated.
    """

    threshold: Interval
    shares: Mapping[str, Interval]
    at_prevalence: Mapping[str, Interval]


def operating_point(
    by: Aim,
    chosen_on: Sample,
    judged_on: Sample | None,
    *,
    rng: Generator,
    prevalence: float | None = None,
    level: float = 0.95,
) -> OperatingPoint:
    """Choose a threshold on some rows and judge it on others, with the choice repeated in every resample.

    Threshold: its interval is the percentile bootstrap over the rows or groups it is chosen on. Shares: in each
    resample the threshold is chosen anew, the rows judged are counted at it, and the share is drawn from the Jeffreys
    posterior Beta(right + 1/2, wrong + 1/2) of these counts, which has a width where a percentile bootstrap of few rows
    has none (Brown, Cai & DasGupta 2001, Stat Sci 16:101); with groups in the rows judged, whole groups are drawn
    instead, and where all agree it is Wilson's interval with each group as one row. So the luck of the choice and that
    of the rows are both in it (Efron & Tibshirani 1993, ch. 13). Predictive values at a prevalence π:
    Se·π / (Se·π + (1-Sp)(1-π)) and Sp(1-π) / ((1-Se)π + Sp(1-π)) (Altman & Bland 1994, BMJ 309:102), in each of these
    draws.

    Args:
        chosen_on: out-of-fold predictions; not read for a fixed threshold.
        judged_on: rows that took no part; None = no shares.
        prevalence: 0 < π < 1, or None.

    Raises:
        MetricError: a prevalence outside 0..1.

    >>> y, p = np.arange(40) % 2 == 0, np.linspace(0, 1, 40).round(1)
    >>> from truing.statistics.threshold import aim
    >>> found = operating_point(aim(0.5), Sample(y, p), Sample(y, p), rng=np.random.default_rng(0))
    >>> found.threshold.value, found.shares["sensitivity"].value
    (0.5, 0.55)
    """
    if prevalence is not None and not 0 < prevalence < 1:
        raise MetricError(f"A prevalence lies between 0 and 1, such as 0.02; got {prevalence!r}.")
    fixed = by.kind == "fixed"
    value = choose(by, chosen_on.positive, chosen_on.p)
    of = chosen_on.of
    if math.isnan(value):
        none = Interval(None, None, None, "", "the rows to choose on are all of one class")
        return OperatingPoint(
            none, dict.fromkeys(SHARES, none), dict.fromkeys(AT_PREVALENCE if prevalence else (), none)
        )
    draws = resamples(max(len(chosen_on.p), len(judged_on.p) if judged_on is not None else 0))
    thresholds = np.full(draws, value)
    if not fixed and of.number > 1:
        thresholds = np.array([choose(by, chosen_on.positive, chosen_on.p, _draw(of, rng)) for _ in range(draws)])
    threshold = _threshold(value, thresholds, of, fixed, level)
    if judged_on is None:
        return OperatingPoint(threshold, {}, {})
    found = _judged(judged_on, value, thresholds, prevalence, rng, checked_level(level), fixed)
    return OperatingPoint(
        threshold,
        {name: found[name] for name in SHARES},
        {name: found[name] for name in AT_PREVALENCE} if prevalence is not None else {},
    )


def _threshold(value: float, drawn: np.ndarray, of: Units, fixed: bool, level: float) -> Interval:
    if fixed:
        return Interval(value, None, None, "given", "it was given, not chosen")
    method = f"percentile bootstrap over {of.word}, chosen anew in each"
    good = drawn[~np.isnan(drawn)]
    if of.number < 2:
        return Interval(value, None, None, method, f"there are fewer than two {of.word} to resample")
    if 1 - len(good) / len(drawn) > TOLERATED:
        return Interval(value, None, None, method, "too many resamples hold one class alone")
    low, high = np.quantile(good, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, min(float(low), value), max(float(high), value), method)


def _judged(
    rows: Sample,
    value: float,
    thresholds: np.ndarray,
    prevalence: float | None,
    rng: Generator,
    level: float,
    fixed: bool,
) -> dict[str, Interval]:
    of, once = rows.of, np.ones(len(rows.p))
    table = _counts(rows, value, once)
    point = _shares(table, prevalence)
    if rows.units is None:
        tables = np.array([_counts(rows, t, once) for t in thresholds[~np.isnan(thresholds)]]).T
        drawn, method = _jeffreys(tables, prevalence, rng), "Jeffreys draws"
    else:
        tables = np.array([_counts(rows, t, _draw(of, rng)) for t in thresholds[~np.isnan(thresholds)]]).T
        drawn, method = _shares(tables, prevalence), f"percentile bootstrap over {of.number} groups"
    method += "" if fixed else ", the threshold chosen anew in each"
    found = {}
    for name in point:
        if name in SHARES and rows.units is None and fixed:
            found[name] = _wilson(name, table, level)
        else:
            found[name] = _interval(name, float(point[name]), drawn[name], method, rows, value, level)
    return found


def _interval(
    name: str, value: float, drawn: np.ndarray, method: str, rows: Sample, threshold: float, level: float
) -> Interval:
    if math.isnan(value):
        return Interval(None, None, None, method, _EMPTY[name])
    if rows.units is not None and rows.of.number < 2:
        return Interval(value, None, None, method, "there are fewer than two groups to resample")
    good = drawn[~np.isnan(drawn)]
    lost = 1 - len(good) / len(drawn) if len(drawn) else 1.0
    if lost > TOLERATED:
        return Interval(value, None, None, method, f"it is undefined in {lost:.0%} of the resamples")
    if np.ptp(good) == 0:  # of groups only: a draw from a posterior is never twice the same
        if name in AT_PREVALENCE:
            return Interval(value, None, None, method, "every resample gave the same value")
        return as_if_one_row_each(value, _groups_of(name, rows, threshold), level)
    low, high = np.quantile(good, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, min(float(low), value), max(float(high), value), method)


def _groups_of(name: str, rows: Sample, threshold: float) -> int:
    """How many groups hold a row that the share is of."""
    called = rows.p >= threshold
    own = {
        "sensitivity": rows.positive,
        "specificity": ~rows.positive,
        "precision": called,
        "negative_predictive_value": ~called,
    }.get(name, np.ones(len(rows.p), dtype=bool))
    return len(np.unique(np.asarray(rows.units)[own]))


def _counts(rows: Sample, threshold: float, w: np.ndarray) -> np.ndarray:
    """True positives, false negatives, false positives, true negatives, (4,)."""
    called, positive = rows.p >= threshold, rows.positive
    return np.array([w[positive & called].sum(), w[positive & ~called].sum(),
                     w[~positive & called].sum(), w[~positive & ~called].sum()])  # fmt: skip


def _pairs(table: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Right and wrong of each share."""
    tp, fn, fp, tn = table
    return {
        "sensitivity": (tp, fn),
        "specificity": (tn, fp),
        "precision": (tp, fp),
        "negative_predictive_value": (tn, fn),
        "accuracy": (tp + tn, fp + fn),
    }


def _wilson(name: str, table: np.ndarray, level: float) -> Interval:
    right, wrong = (float(count) for count in _pairs(table)[name])
    found = wilson(right, right + wrong, level)
    return found if found.value is not None else Interval(None, None, None, "Wilson", _EMPTY[name])


def _shares(table: np.ndarray, prevalence: float | None) -> dict[str, np.ndarray]:
    with np.errstate(invalid="ignore"):
        found = {name: np.asarray(a / (a + b)) for name, (a, b) in _pairs(table).items()}
    return found | _at(prevalence, found["sensitivity"], found["specificity"])


def _jeffreys(tables: np.ndarray, prevalence: float | None, rng: Generator) -> dict[str, np.ndarray]:
    found = {name: rng.beta(a + 0.5, b + 0.5) for name, (a, b) in _pairs(tables).items()}
    return found | _at(prevalence, found["sensitivity"], found["specificity"])


def _at(prevalence: float | None, se: np.ndarray, sp: np.ndarray) -> dict[str, np.ndarray]:
    if prevalence is None:
        return {}
    hit, alarm = se * prevalence, (1 - sp) * (1 - prevalence)
    right, miss = sp * (1 - prevalence), (1 - se) * prevalence
    with np.errstate(invalid="ignore"):
        return {"ppv": np.asarray(hit / (hit + alarm)), "npv": np.asarray(right / (right + miss))}


def _draw(of: Units, rng: Generator) -> np.ndarray:
    """One resample, as how often each row is in it, float (n,)."""
    drawn = np.bincount(rng.integers(0, of.number, of.number), minlength=of.number).astype(float)
    return drawn if of.code is None else drawn[of.code]
