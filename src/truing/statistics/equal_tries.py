"""The best of equally many tries: what a value of a parameter reaches once the others are tuned for it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from truing.errors import MetricError

LEVEL = 0.95
RESAMPLES = 400
MOST = 5  # tries: from the best of more, an interval held to be of 95 % holds 70 to 85 % (tests/statistics)
SHARE = 3  # of the trials at a value at most a third are tries, for the same reason


@dataclass(frozen=True)
class BestOf:
    """The expected best score of k trials drawn from those at hand, without replacement.

    Args:
        tries: k.
        n: trials that it was made from.
        value: in the metric's unit.
        low, high: ends of its 95 % interval; None with fewer than 2 trials, or k = n.
    """

    tries: int
    n: int
    value: float
    low: float | None
    high: float | None


def tries_for(counts: list[int]) -> int:
    """How many tries the values of a parameter are compared at: a third of the smallest count, from 1 to 5.

    >>> tries_for([12, 40, 9]), tries_for([4, 4]), tries_for([100])
    (3, 1, 5)
    """
    return min(MOST, max(1, min(counts) // SHARE))


def chances(n: int, tries: int) -> np.ndarray:
    """How likely the i-th best of n is the best of `tries` drawn without replacement, float (n,).

    >>> chances(3, 2).tolist() == [2 / 3, 1 / 3, 0.0]
    True
    """
    if not 1 <= tries <= n:
        raise MetricError(f"The best of {tries} cannot be drawn from {n} scores without replacement.")
    whole = math.comb(n, tries)
    return np.array([math.comb(n - place - 1, tries - 1) / whole for place in range(n)])


def best_of(scores: np.ndarray, tries: int, goal: str, rng: Generator) -> BestOf:
    """What the best of `tries` random ones of these scores is on average, with a 95 % interval.

    The mean over all subsets in closed form, which unlike the best of all does not grow with how often a value was
    tried (Dodge et al. 2019, EMNLP, section 3; without replacement, and so without bias: Tang et al. 2020, ACL).
    The interval is the t interval by the bootstrap's standard error over trials, times √(n / (n - 1)): percentiles
    hold far too little here, since no resample is better than the best there is. Of losses that are all above 0 it
    is made of the logarithm, of what is to be large and lies between 0 and 1, such as accuracies, of the logit.
    What the runs' noise adds is in the trials' spread already.

    Args:
        scores: float (n,), one a trial.
        tries: k, at most n.
        goal: "min" or "max".
        rng: draws the resamples.

    Raises:
        MetricError: fewer scores than tries.

    >>> best_of(np.array([3.0, 1.0, 2.0]), 2, "min", np.random.default_rng(0)).value
    1.3333333333333333
    """
    from scipy.stats import t

    sign = 1.0 if goal == "min" else -1.0
    y = np.sort(sign * np.asarray(scores, dtype=float))
    weights = chances(len(y), tries)
    value, n = float(weights @ y), len(y)
    if n < 2 or (tries == n):
        return BestOf(tries, n, sign * value, None, None)
    drawn = np.sort(y[rng.integers(0, n, (RESAMPLES, n))], axis=1) @ weights
    half = float(t.ppf((1 + LEVEL) / 2, n - 1) * drawn.std(ddof=1) * math.sqrt(n / (n - 1)))
    middle = sign * value
    if sign > 0 and (y > 0).all():  # losses are skewed, and none is below 0: the same interval of the logarithm
        ratio = math.exp(min(half / middle, 50.0))
        return BestOf(tries, n, middle, middle / ratio, middle * ratio)
    if sign < 0 and ((y > -1) & (y < 0)).all():  # shares: no end is beyond 0 or 1
        logit, wide = math.log(middle / (1 - middle)), min(half / (middle * (1 - middle)), 50.0)
        low, high = (1 / (1 + math.exp(-(logit + side * wide))) for side in (-1, 1))
        return BestOf(tries, n, middle, low, high)
    return BestOf(tries, n, middle, middle - half, middle + half)


def behind(first: np.ndarray, second: np.ndarray, tries: int, goal: str, rng: Generator, others: int) -> bool | None:
    """Whether the second of two lists of scores, made with the same draws, has the worse best of `tries`.

    The draws are resampled together, so that what is common to both is no noise; the rest is as in `best_of`, but that
    the t has 2n / tries - 1 degrees of freedom, at most n - 1: the best of several rests on the upper draws alone, and
    with n - 1 one of two equal lists is called behind twice as often as they should be (tests/statistics).

    Args:
        first, second: float (n,), in the same order of draws; `first` has the best of them all.
        others: how many are compared with it. All answers hold together with 95 %, although the first was chosen for
            its scores: what is best in truth is called behind when one of the others is too far ahead of it by luck,
            which are so many one-sided comparisons (multiple comparisons with the best: Hsu 1984, Ann Statist
            12:1136; here by Bonferroni).

    Returns:
        None where fewer than three draws per try say nothing.

    Raises:
        MetricError: the lists differ in length.

    >>> a = np.linspace(0.0, 1.0, 24)
    >>> behind(a, a + 1.0, 2, "min", np.random.default_rng(0), 1)
    True
    """
    from scipy.stats import t

    if goal == "max" and all(((one >= 0) & (one < 1)).all() for one in (first, second)):
        return behind(1 - first, 1 - second, tries, "min", rng, others)
    sign = 1.0 if goal == "min" else -1.0
    a, b = (sign * np.asarray(scores, dtype=float) for scores in (first, second))
    if a.shape != b.shape or a.ndim != 1:
        raise MetricError(
            f"Two lists of scores of the same draws are compared, but have shapes {a.shape} and {b.shape}."
        )
    n = len(a)
    if n < SHARE * tries or n < 3:
        return None
    weights = chances(n, tries)

    def best(scores: np.ndarray) -> np.ndarray:
        found = np.sort(scores, axis=-1) @ weights
        return np.log(found) if positive else found

    positive = bool((sign * a > 0).all() and (sign * b > 0).all() and sign > 0)
    rows = rng.integers(0, n, (RESAMPLES, n))
    drawn = best(a[rows]) - best(b[rows])
    error = float(drawn.std(ddof=1)) * math.sqrt(n / (n - 1))
    distance = float(best(b) - best(a))
    freedom = min(n - 1, 2 * n / tries - 1)
    return distance > float(t.ppf(1 - (1 - LEVEL) / max(1, others), freedom)) * error
