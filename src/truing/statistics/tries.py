"""How many tries a validation set can tell apart."""

from __future__ import annotations

import math

from truing.errors import MetricError

#: The expected luck of the best of many equal tries that is tolerated, in standard deviations of a row's loss.
TOLERATED = 0.2


def rows_for(tries: int, tolerated: float = TOLERATED) -> int:
    """Rows that the scores of so many tries need, that the best one's luck stays small.

    The largest of K means of n rows, of tries that are all equally good, exceeds the truth by at most σ·√(2 ln K / n)
    on average, σ being the standard deviation of a row's loss: at most 0.5 for a share of rows (Boucheron, Lugosi &
    Massart 2013, Concentration Inequalities, theorem 2.5). So n >= 2 ln K / tolerated²: at 0.2, which is ten points of
    accuracy at most, 50 ln K rows. It holds for tries that do not learn from the scores; a search that does needs more.

    Raises:
        MetricError: no tries.

    >>> rows_for(40), rows_for(200), rows_for(1)
    (185, 265, 0)
    """
    if tries < 1 or not tolerated > 0:
        raise MetricError(f"It takes at least one try, and luck above 0 to tolerate; got {tries} and {tolerated!r}.")
    return math.ceil(2 * math.log(tries) / tolerated**2)
