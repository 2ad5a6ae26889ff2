"""A proportion of rows, and the difference of two proportions of the same rows."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from truing.errors import MetricError
from truing.statistics.interval import Interval, checked_level


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


def paired_proportions(first: np.ndarray, second: np.ndarray, level: float = 0.95) -> Interval:
    """Share of rows right in `first` minus share right in `second`: Bonett and Price's adjusted Wald interval.

    With b rows right in the first only, c in the second only and n rows: p1 = (b + 1) / (n + 2), p2 = (c + 1) /
    (n + 2), p1 - p2 ± z · √((p1 + p2 - (p1 - p2)²) / (n + 2)). It covers well below 200 rows, where the uncorrected
    interval of the paired difference does not. (Bonett & Price 2012, J Educ Behav Stat 37:479, equation 7; recommended
    by Fagerland, Lydersen & Laake 2014, Stat Med 33:2850.)

    Args:
        first, second: bool (n,), right or wrong, row by row.

    Raises:
        MetricError: lengths that differ, or a level outside 0..1.

    >>> a, b = np.array([True] * 9 + [False]), np.array([True] * 6 + [False] * 4)
    >>> found = paired_proportions(a, b)
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (0.3, -0.087, 0.587)
    """
    z = NormalDist().inv_cdf(0.5 + checked_level(level) / 2)
    a, b = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    if a.shape != b.shape or a.ndim != 1:
        raise MetricError(f"Paired proportions need the same rows twice, (n,); got shapes {a.shape} and {b.shape}.")
    n = len(a)
    if not n:
        return Interval(None, None, None, "Bonett-Price", "there are no rows")
    only_first, only_second = int((a & ~b).sum()), int((b & ~a).sum())
    p, q = (only_first + 1) / (n + 2), (only_second + 1) / (n + 2)
    half = z * math.sqrt((p + q - (p - q) ** 2) / (n + 2))
    low, high = max(-1.0, p - q - half), min(1.0, p - q + half)
    return Interval((only_first - only_second) / n, low, high, "Bonett-Price")
