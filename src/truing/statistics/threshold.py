"""The probability from which on a row counts as positive, chosen for a stated aim."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np

from truing.errors import MetricError

_AT_LEAST = re.compile(r"^\s*(sensitivity|specificity)\s*>=\s*([0-9.]+)\s*$")


@dataclass(frozen=True)
class Aim:
    """What a threshold is chosen for.

    Args:
        kind: "youden" (largest sensitivity + specificity - 1), "sensitivity" or "specificity" (at least `value`, and
            then the largest of the other), or "cost" (a missed positive costs `value` times a false alarm), or "fixed".
        value: see `kind`; None for "youden".
    """

    kind: str
    value: float | None = None

    def __str__(self) -> str:
        words = {"youden": "Youden's index", "fixed": f"the given threshold {self.value}"}
        if self.kind == "cost":
            return f"a missed positive costs {self.value:g} false alarms"
        return words.get(self.kind) or f"{self.kind} >= {self.value:g}"


def aim(given: str | float | tuple[float, float]) -> Aim:
    """The aim that a user names: "youden", "sensitivity>=0.95", "specificity>=0.9", a threshold, or a pair of costs.

    A pair is (cost of a false alarm, cost of a missed positive); a number between 0 and 1 is the threshold itself.

    Raises:
        MetricError: none of these.

    >>> str(aim("sensitivity>=0.95")), aim((1, 10)), aim(0.3)
    ('sensitivity >= 0.95', Aim(kind='cost', value=10.0), Aim(kind='fixed', value=0.3))
    """
    if given == "youden":
        return Aim("youden")
    if isinstance(given, str) and (found := _AT_LEAST.match(given)):
        share = float(found[2])
        if 0 < share <= 1:
            return Aim(found[1], share)
    if isinstance(given, tuple | list) and len(given) == 2 and all(_positive(cost) for cost in given):
        return Aim("cost", float(given[1]) / float(given[0]))
    if isinstance(given, float) and 0 < given < 1:
        return Aim("fixed", given)
    raise MetricError(
        f'threshold= is "youden", "sensitivity>=0.95", "specificity>=0.9", (cost of a false alarm, cost of a miss), '
        f"or a probability between 0 and 1; got {given!r}."
    )


def choose(by: Aim, positive: np.ndarray, p: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The threshold t, such that rows with p >= t count as positive, that serves the aim best on these rows.

    Candidates are the midpoints between neighbouring probabilities, and the two ends; of equally good ones the middle
    one, since both ends are luck. Choose on out-of-fold predictions and judge on others. (Youden 1950, Cancer 3:32;
    costs: the empirical minimum of false alarms + cost · misses, which needs no calibration; Elkan 2001, IJCAI 973.)

    Args:
        positive: bool (n,); p: float (n,), the probability of the positive class.
        weights: float (n,), how often each row counts, for resampling; None = once.

    Returns:
        t in 0..1; NaN where the rows that weigh are all of one class.

    >>> choose(aim("youden"), np.array([False, False, True, True]), np.array([0.1, 0.2, 0.4, 0.9]))
    0.30000000000000004
    """
    if by.kind == "fixed":
        return float(by.value or 0.0)
    positive, p = np.asarray(positive, dtype=bool), np.asarray(p, dtype=float)
    w = np.ones(len(p)) if weights is None else np.asarray(weights, dtype=float)
    cases, others = float(w[positive].sum()), float(w[~positive].sum())
    if cases <= 0 or others <= 0:
        return math.nan
    points, code = np.unique(p, return_inverse=True)
    case_at = np.bincount(code, w * positive, len(points))
    other_at = np.bincount(code, w * ~positive, len(points))
    # at candidate j the rows with the points j, j + 1, ... count as positive; at the last one none does
    found = np.append(np.cumsum(case_at[::-1])[::-1], 0.0)
    alarms = np.append(np.cumsum(other_at[::-1])[::-1], 0.0)
    sensitivity, specificity = found / cases, 1 - alarms / others
    if by.kind == "youden":
        worth = sensitivity + specificity
    elif by.kind == "cost":
        worth = -(alarms + float(by.value or 1.0) * (cases - found))
    else:
        asked, rest = (sensitivity, specificity) if by.kind == "sensitivity" else (specificity, sensitivity)
        worth = np.where(asked >= float(by.value or 0.0) - 1e-12, rest, -1.0)
    best = np.flatnonzero(worth >= worth.max() - 1e-12)
    edges = np.concatenate(([0.0], (points[1:] + points[:-1]) / 2, [min(1.0, math.nextafter(points[-1], 2.0))]))
    return float(edges[best[(len(best) - 1) // 2]])


def _positive(cost: object) -> bool:
    return isinstance(cost, int | float) and not isinstance(cost, bool) and math.isfinite(cost) and cost > 0
