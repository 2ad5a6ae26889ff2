"""A score corrected for having been chosen: the bootstrap bias correction of cross-validation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from truing.statistics.bootstrap import TOLERATED, Units, weights
from truing.statistics.interval import Interval, checked_level

#: weights float (n,) -> the number of the configuration that the choice rule takes on these rows, None where it cannot.
Choose = Callable[[np.ndarray], int | None]
#: number of a configuration, weights float (n,) -> its score on these rows; NaN where undefined.
Judge = Callable[[int, np.ndarray], float]


def corrected_for_choice(
    choose: Choose, judge: Judge, of: Units, n_rows: int, rng: Generator, level: float = 0.95
) -> Interval:
    """The score of the configuration that a rule chooses, on rows that had no part in the choice (BBC-CV).

    In each resample of the rows (whole groups where `of` has groups) the rule chooses on the rows drawn, and what it
    chose is scored by its out-of-fold predictions on the rows left out. The mean over the resamples is the corrected
    score, their percentiles are its interval (Tsamardinos, Greasidou & Borboudakis 2018, Mach Learn 107:1895, algorithm
    5). It takes out the luck of choosing among these configurations; that the configurations themselves were proposed
    by looking at these rows, it cannot see. Give it configurations with equally many repeats only.

    Returns:
        None with a reason where more than 5 % of the resamples leave the choice or the score undefined.

    >>> rng = np.random.default_rng(0)
    >>> coins = rng.random((20, 200)) < 0.5  # twenty networks that guess
    >>> found = corrected_for_choice(lambda w: int(np.argmax(coins @ w)), lambda c, w: coins[c] @ w / w.sum(),
    ...                              Units(None, 200), 200, rng)
    >>> bool(coins.mean(axis=1).max() - 0.04 > found.value)
    True
    """
    tail = (1 - checked_level(level)) / 2
    method = f"bootstrap bias corrected CV over {of.word}"
    if of.number < 2:
        return Interval(None, None, None, method, f"there are fewer than two {of.word} to resample")
    found, drawn = [], 0
    for inside in weights(of, n_rows, rng):
        drawn += 1
        outside = (inside == 0).astype(float)
        chosen = choose(inside)
        value = judge(chosen, outside) if chosen is not None and outside.any() else np.nan
        if not np.isnan(value):
            found.append(value)
    lost = 1 - len(found) / drawn
    if lost > TOLERATED:
        return Interval(None, None, None, method, f"it is undefined in {lost:.0%} of the resamples")
    values = np.asarray(found)
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(float(values.mean()), float(low), float(high), method)
