"""How much a score varies: a standard deviation with its interval."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from truing.statistics.interval import Interval, checked_level
from truing.statistics.summary import absent


def deviation(values: Sequence[float | None], level: float = 0.95) -> Interval:
    """The standard deviation of J values with the chi-square interval, s √(df / χ²).

    Exact for values that are normal; with few of them it is wide, and rightly so. (Snedecor & Cochran 1989, Statistical
    Methods, section 5.11.)

    Returns:
        low and high are None, with a reason, with fewer than two values; 0, 0, 0 where all agree.

    >>> found = deviation([0.90, 0.92, 0.94, 0.96])
    >>> round(found.value, 4), round(found.low, 4), round(found.high, 4)
    (0.0258, 0.0146, 0.0963)
    """
    checked_level(level)
    method, missing = "chi-square", absent(list(values))
    if missing or not len(values):
        return Interval(None, None, None, method, missing or "there are no values")
    found = np.asarray(values, dtype=float)
    df = len(found) - 1
    if df < 1:
        return Interval(None, None, None, method, "one value has no spread; at least two are needed")
    if float(np.ptp(found)) <= 1e-12 * float(np.abs(found).max()):
        return Interval(0.0, 0.0, 0.0, method, None, df)
    from scipy.special import gammaincinv  # importing Truing must stay quick

    s, tail = float(found.std(ddof=1)), (1 - level) / 2
    low, high = (s * math.sqrt(df / (2 * float(gammaincinv(df / 2, p)))) for p in (1 - tail, tail))
    return Interval(s, low, high, method, None, df)
