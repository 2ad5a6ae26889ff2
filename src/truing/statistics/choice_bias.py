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
    choose: Choose,
    judge: Judge,
    of: Units,
    n_rows: int,
    rng: Generator,
    level: float = 0.95,
    *,
    number: int | None = None,
) -> Interval:
    """The score of the configuration that a rule chooses, on rows that had no part in the choice (BBC-CV).

    In each resample of the rows (whole groups where `of` has groups) the rule chooses on the rows drawn, and what it
    chose is scored by its out-of-fold predictions on the rows left out. The mean over the resamples is the corrected
    score, their percentiles are its interval (Tsamardinos, Greasidou & Borboudakis 2018, Mach Learn 107:1895, algorithm
    5). It takes out the luck of choosing among these configurations; that the configurations themselves were proposed
    by looking at these rows, it cannot see. Give it configurations with equally many repeats only.

    Args:
        number: of resamples; None = as many as the rows allow.

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
    for inside in weights(of, n_rows, rng, number):
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


def optimism_of_choice(
    choose: Choose, judge: Judge, of: Units, n_rows: int, rng: Generator, *, number: int | None = None
) -> float | None:
    """By how much the score that makes a configuration the chosen one flatters it, in the metric's unit and sign.

    In each resample of the rows (whole groups where `of` has groups) the rule chooses, and what it chose is scored on
    the resample and on the rows themselves; the mean of the distance is the optimism of the choice (Efron 1983, J Am
    Stat Assoc 78:316; Harrell, Lee & Mark 1996, Stat Med 15:361, section 6: there of the fit, here of the choice).
    Luck of splits and seeds in the scores counts as luck of the rows here, so that it errs to the large side
    (to twice, in simulations).
    The same distance of the one that is chosen on the rows themselves, which is nil on average, is subtracted in each
    resample: a control variate, without which the resamples' own chance would be in the figure.

    Args:
        judge: the score by which the rule chooses, so that of a candidate all its runs together.
        number: of resamples; None = as many as the rows allow.

    Returns:
        Above 0 for a score that is to be high, below 0 for one that is to be low; None where more than 5 % of the
        resamples leave the choice or the score undefined.

    >>> rng = np.random.default_rng(0)
    >>> coins = rng.random((20, 200)) < 0.5  # twenty networks that guess
    >>> found = optimism_of_choice(lambda w: int(np.argmax(coins @ w)), lambda c, w: coins[c] @ w / w.sum(),
    ...                            Units(None, 200), 200, rng)
    >>> bool(found > 0.01)
    True
    """
    if of.number < 2:
        return None
    every, whole, found, drawn = np.ones(n_rows), {}, [], 0
    steady = choose(every)
    if steady is None:
        return None
    whole[steady] = judge(steady, every)
    for inside in weights(of, n_rows, rng, number):
        drawn += 1
        chosen = choose(inside)
        if chosen is None:
            continue
        if chosen not in whole:
            whole[chosen] = judge(chosen, every)
        apart = judge(chosen, inside) - judge(steady, inside) if chosen != steady else 0.0
        found.append(apart - (whole[chosen] - whole[steady]))
    values = np.asarray(found)
    good = values[~np.isnan(values)]
    return float(good.mean()) if len(good) >= (1 - TOLERATED) * drawn else None


def along_the_search(
    scores: Callable[[np.ndarray], np.ndarray],
    goal: str,
    of: Units,
    n_rows: int,
    rng: Generator,
    *,
    number: int | None = None,
) -> np.ndarray:
    """What the best so far is worth on rows that had no part in making it the best, after each configuration: (k,).

    In each resample the best of the first t configurations is chosen on the rows drawn and scored on those left out,
    for every t at once. Where the best score rises and this does not, the search is fitting the rows (overtuning:
    Schneider, Bischl & Feurer 2025, AutoML).

    Args:
        scores: weights float (n,) -> the score of every configuration by its number, (k,); NaN = undefined.
        goal: "min" or "max".

    Returns:
        NaN where the first t have no score in any resample.

    >>> rng = np.random.default_rng(0)
    >>> coins = (rng.random((30, 100)) < 0.5).astype(float)  # thirty networks that guess: the best of them looks good
    >>> worth = along_the_search(lambda w: coins @ w / w.sum(), "max", Units(None, 100), 100, rng, number=200)
    >>> bool(coins.mean(axis=1).max() - 0.04 > worth[-1])
    True
    """
    sign, total, count = 1.0 if goal == "min" else -1.0, None, None
    for inside in weights(of, n_rows, rng, number):
        outside = (inside == 0).astype(float)
        if not outside.any():
            continue
        chosen = _best_so_far(sign * scores(inside))
        there = np.where(chosen >= 0, scores(outside)[chosen], np.nan)
        good = ~np.isnan(there)
        total = np.where(good, there, 0.0) + (0.0 if total is None else total)
        count = good + (0 if count is None else count)
    if total is None or count is None:
        return np.empty(0)
    return np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)


def _best_so_far(losses: np.ndarray) -> np.ndarray:
    """The place of the lowest of the first t, for every t; -1 before the first defined one."""
    found, best = np.empty(len(losses), dtype=np.int64), -1
    for place, loss in enumerate(losses):
        if not np.isnan(loss) and (best < 0 or loss < losses[best]):
            best = place
        found[place] = best
    return found
