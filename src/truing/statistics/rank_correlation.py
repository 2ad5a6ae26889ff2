"""Spearman's rank correlation with an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

FEWEST = 6  # below, the interval spans nearly everything


@dataclass(frozen=True)
class RankCorrelation:
    """Args:
    value: -1 to 1.
    low, high: ends of its interval.
    n: pairs.
    """

    value: float
    low: float
    high: float
    n: int

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def rank_correlation(x: np.ndarray, y: np.ndarray, level: float = 0.95) -> RankCorrelation | None:
    """Spearman's correlation of two rows of n numbers; ties share their mean rank.

    Interval by Fisher's z with the standard error √((1 + r²/2) / (n - 3)) (Bonett & Wright 2000, Psychometrika 65:23).

    Returns:
        None with fewer than 6 pairs, or where one of the rows is constant.

    >>> found = rank_correlation(np.arange(9), np.array([1, 2, 3, 5, 4, 6, 7, 9, 8]))
    >>> round(found.value, 2), found.clear
    (0.97, True)
    """
    from scipy.stats import norm, rankdata

    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if len(x) < FEWEST or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    r = float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])
    inside = min(max(r, -1 + 1e-9), 1 - 1e-9)
    half = float(norm.ppf((1 + level) / 2)) * math.sqrt((1 + r * r / 2) / (len(x) - 3))
    return RankCorrelation(r, math.tanh(math.atanh(inside) - half), math.tanh(math.atanh(inside) + half), len(x))
