"""How many are really positive, from how many an imperfect model calls so: Rogan and Gladen's estimate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from truing.errors import MetricError
from truing.statistics.interval import Interval, checked_level

#: Below this sum of sensitivity and specificity, less 1, the estimate magnifies every error more than fivefold.
LEAST_YOUDEN = 0.2


@dataclass(frozen=True)
class Known:
    """A share and on how many independent rows it is known; `rows` need not be whole.

    Args:
        value: between 0 and 1.
        rows: more than 0.
    """

    value: float
    rows: float

    def __post_init__(self) -> None:
        if not (0 <= self.value <= 1 and self.rows > 0 and math.isfinite(self.rows)):
            raise MetricError(f"A share lies in 0..1 and is of one row or more; got {self.value!r} of {self.rows!r}.")


def true_prevalence(called: Known, sensitivity: Known, specificity: Known, level: float = 0.95) -> Interval:
    """The share of rows that are positive: (AP + Sp - 1) / (Se + Sp - 1), AP the share that is called positive.

    (Rogan & Gladen 1978, Am J Epidemiol 107:71.) Interval with the uncertainty of all three shares (Lang & Reiczigel
    2014, Prev Vet Med 113:13): to AP half of z² successes and as many failures are added, to Se and Sp one of each;
    with these P' is the same formula, and the ends are P' + d ± z · √V, where V = (AP'(1 - AP')/n' +
    P'² Se'(1 - Se')/m' + (1 - P')² Sp'(1 - Sp')/k') / (Se' + Sp' - 1)² and d = 2z² (P' Se'(1 - Se')/m' -
    (1 - P') Sp'(1 - Sp')/k'). Where fewer rows are called positive than false alarms alone would make, the formula
    gives less than 0.

    Returns:
        The value as the formula has it, below 0 or above 1 too; ends within 0..1. Nothing, with the reason, where
        Se + Sp - 1 is below 0.2.

    Raises:
        MetricError: a level outside 0..1.

    >>> found = true_prevalence(Known(4060 / 11284, 11284), Known(178 / 179, 179), Known(358 / 359, 359))
    >>> round(found.value, 3), round(found.low, 3), round(found.high, 3)
    (0.36, 0.349, 0.372)
    """
    z = NormalDist().inv_cdf(0.5 + checked_level(level) / 2)
    ap, se, sp = called.value, sensitivity.value, specificity.value
    if se + sp - 1 < LEAST_YOUDEN:
        why = (
            f"sensitivity {se:.3g} and specificity {sp:.3g} hardly tell the classes apart (their sum - 1 is below 0.2)"
        )
        return Interval(None, None, None, "Lang-Reiczigel", why)
    value = (ap + sp - 1) / (se + sp - 1)
    ap, n = _added(called, z * z / 2)
    se, m = _added(sensitivity, 1.0)
    sp, k = _added(specificity, 1.0)
    youden = se + sp - 1
    if youden <= 0:  # of a few rows, which the ones that are added outweigh
        return Interval(value, None, None, "Lang-Reiczigel", "sensitivity and specificity rest on too few rows")
    centre = (ap + sp - 1) / youden
    by_se, by_sp = se * (1 - se) / m, sp * (1 - sp) / k
    variance = (ap * (1 - ap) / n + centre**2 * by_se + (1 - centre) ** 2 * by_sp) / youden**2
    shift = 2 * z * z * (centre * by_se - (1 - centre) * by_sp)
    low, high = (centre + shift + side * z * math.sqrt(variance) for side in (-1, 1))
    return Interval(value, min(1.0, max(0.0, low)), max(0.0, min(1.0, high)), "Lang-Reiczigel")


def independent_rows(right: np.ndarray, groups: np.ndarray | None) -> float:
    """As how many independent rows these count, where rows of a group may resemble each other.

    n / (design effect), the design effect being the variance of the share over groups against that of as many
    independent rows (Kish 1965, Survey Sampling, section 8.2), at least 1; where all rows agree, the number of groups.

    Args:
        right: bool (n,); groups: the group of each row, (n,), or None.

    >>> round(independent_rows(np.array([True, True, False, False, True, True]), np.array([0, 0, 1, 1, 2, 2])), 6)
    2.0
    """
    right = np.asarray(right, dtype=float)
    n = len(right)
    if groups is None or n == 0:
        return float(n)
    _, code = np.unique(np.asarray(groups), return_inverse=True)
    rows, hits = np.bincount(code.reshape(-1)), np.bincount(code.reshape(-1), right)
    share, number = right.mean(), len(rows)
    alone = share * (1 - share) / n
    if number < 2 or alone == 0:
        return float(number)
    between = number / (number - 1) * float(((hits - share * rows) ** 2).sum()) / n**2
    return float(n / max(1.0, between / alone))


def _added(share: Known, each: float) -> tuple[float, float]:
    """The share with `each` successes and as many failures more, and its rows."""
    rows = share.rows + 2 * each
    return (share.value * share.rows + each) / rows, rows
