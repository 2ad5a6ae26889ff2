"""A share of rows with its interval, whether rows are independent or come in groups."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from truing.statistics.bootstrap import bootstrap, units
from truing.statistics.interval import Interval, checked_level
from truing.statistics.proportions import wilson


def share(hits: np.ndarray, *, rng: Generator, groups: np.ndarray | None = None, level: float = 0.95) -> Interval:
    """The share of rows that are hits.

    Wilson's interval; with `groups` the percentile bootstrap over whole groups, since the rows of one are no
    independent witnesses (Field & Welsh 2007, J R Stat Soc B 69:369). Where all groups agree, Wilson's as if
    each were one row; with a single group there is none, and the reason.

    Args:
        hits: bool (n,); groups: the group of each row, (n,), or None.

    >>> found = share(np.array([True] * 9 + [False]), rng=np.random.default_rng(0))
    >>> found.value, round(found.low, 3), found.method
    (0.9, 0.596, 'Wilson')
    """
    hits = np.asarray(hits, dtype=bool)
    if groups is None or not len(hits):
        return wilson(int(hits.sum()), len(hits), level)
    of, value = units(len(hits), groups), float(hits.mean())
    drawn, trouble = bootstrap(lambda w: float(w @ hits / w.sum()), of, len(hits), rng)
    if trouble is None:
        tail = (1 - checked_level(level)) / 2
        low, high = np.quantile(drawn, [tail, 1 - tail])
        return Interval(value, float(low), float(high), f"percentile bootstrap over {of.number} groups")
    if of.number < 2:
        return Interval(value, None, None, "percentile bootstrap over groups", trouble)
    return as_if_one_row_each(value, of.number, level)


def as_if_one_row_each(value: float, groups: int, level: float = 0.95) -> Interval:
    """Wilson's interval of a share for as many rows as there are groups.

    >>> round(as_if_one_row_each(1.0, 5).low, 3)
    0.566
    """
    found = wilson(value * groups, groups, level)
    return Interval(value, found.low, found.high, "Wilson, each group as one row")
