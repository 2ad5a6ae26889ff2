"""Resamples of rows, or of whole groups of rows, as weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

#: More undefined resamples than this share, and the interval is undefined.
TOLERATED = 0.05


@dataclass(frozen=True)
class Units:
    """What is drawn: rows, or groups of rows that may resemble each other.

    Args:
        code: the unit of each row, int (n,); None = each row is one.
        number: how many units there are.
    """

    code: np.ndarray | None
    number: int

    @property
    def word(self) -> str:
        """What they are called in a method's name."""
        return "rows" if self.code is None else "groups"


def units(n_rows: int, groups: np.ndarray | None) -> Units:
    """The units of `n_rows` rows; `groups` (n,) names the group of each.

    >>> units(3, np.array(["a", "b", "a"])).number
    2
    """
    if groups is None:
        return Units(None, n_rows)
    names, code = np.unique(np.asarray(groups), return_inverse=True)
    return Units(code.reshape(-1), len(names))


def resamples(n_rows: int) -> int:
    """How many resamples are drawn: 1,000, and fewer above 20,000 rows, where each costs more; at least 400.

    >>> resamples(300), resamples(30_000), resamples(10**6)
    (1000, 666, 400)
    """
    return 1000 if n_rows <= 20_000 else max(400, 20_000_000 // n_rows)


def weights(of: Units, n_rows: int, rng: Generator, number: int | None = None) -> Iterator[np.ndarray]:
    """The resamples, each as how often every row is in it, float (n,); `number` of them, or as `resamples` has it."""
    for _ in range(resamples(n_rows) if number is None else number):
        drawn = np.bincount(rng.integers(0, of.number, of.number), minlength=of.number).astype(float)
        yield drawn if of.code is None else drawn[of.code]


def bootstrap(
    figure: Callable[[np.ndarray], float], of: Units, n_rows: int, rng: Generator
) -> tuple[np.ndarray, str | None]:
    """`figure` of every resample in which it is defined, and why they cannot be used, or None where they can.

    Simple resampling, not stratified: the classes' shares in new rows vary as well. (Efron & Tibshirani
    1993, An Introduction to the Bootstrap, ch. 6 and 13; whole groups: Field & Welsh 2007, J R Stat Soc B
    69:369.)

    Args:
        figure: weights float (n,) -> a number, NaN where undefined.
    """
    if of.number < 2:
        return np.empty(0), f"there are fewer than two {of.word} to resample"
    values = np.array([figure(w) for w in weights(of, n_rows, rng)])
    good = values[~np.isnan(values)]
    lost = 1.0 - len(good) / len(values)
    if lost > TOLERATED:
        return good, f"it is undefined in {lost:.0%} of the resamples"
    if np.ptp(good) <= 1e-12 * max(1.0, float(np.abs(good).max())):
        return good, "every resample gave the same value, which says nothing about new rows"
    return good, None
