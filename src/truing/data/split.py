"""Dividing rows: a share set apart, or folds; stratified by class, whole groups, one random stream.

Strata are kept within one row of their share. Groups are dealt greedily, most unevenly filled first, each
to the part that it unbalances least, as scikit-learn's StratifiedGroupKFold does; here no class is too
small and no fold empty.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.random import Generator

from truing.errors import DataError

CANDIDATES = 32  # random divisions of the groups among which the most balanced is taken


def share_of_rows(n: int, share: float, strata: np.ndarray | None, rng: Generator) -> np.ndarray:
    """Sorted positions of about `share` of `n` rows, each class within one row of its share.

    A class of at least two rows has at least one on both sides; a single row stays out of the share.

    >>> share_of_rows(10, 0.2, np.repeat([0, 1], 5), np.random.default_rng(0)).size
    2
    """
    if n < 2:
        raise DataError(f"{n} row cannot be split in two: give more rows.")
    codes = np.zeros(n, dtype=np.int64) if strata is None else strata
    sizes = np.bincount(codes)
    exact = sizes * share
    taken = np.floor(exact + 1e-9).astype(np.int64)
    order = rng.permutation(len(sizes))  # so that equal remainders fall to a random class
    order = order[np.argsort(-(exact - taken)[order], kind="stable")]
    taken[order[: max(0, math.floor(n * share + 0.5) - int(taken.sum()))]] += 1
    taken = np.where(sizes >= 2, np.clip(taken, 1, np.maximum(sizes - 1, 1)), 0)
    if not taken.any():  # nothing but classes of one row
        taken[order[: min(n - 1, max(1, round(n * share)))]] = 1
    shuffled = rng.permutation(n)
    shuffled = shuffled[np.argsort(codes[shuffled], kind="stable")]
    starts = np.cumsum(sizes) - sizes
    return np.sort(np.concatenate([shuffled[s : s + t] for s, t in zip(starts, taken, strict=True)]))


def share_of_groups(groups: np.ndarray, share: float, strata: np.ndarray | None, rng: Generator) -> np.ndarray:
    """Sorted positions of whole groups that together hold about `share` of the rows, and of each class.

    Args:
        groups: group codes (n,), 0 to g-1, none empty.

    Raises:
        DataError: all rows are of one group.
    """
    counts = _table(groups, strata)
    if len(counts) < 2:
        raise DataError("All rows are in one group, and a group cannot be split: give finer groups or none.")
    weight = 1.0 / np.maximum(counts.sum(axis=0), 1)
    best, least = np.empty(0, dtype=np.int64), math.inf
    for _ in range(CANDIDATES):
        order = rng.permutation(len(counts))
        filled = np.cumsum(counts[order].sum(axis=1))
        cut = int(np.argmin(np.abs(filled[:-1] - share * filled[-1]))) + 1  # at least one group on each side
        off = counts[order[:cut]].sum(axis=0) * weight - share
        distance = float((off**2).mean() + ((filled[cut - 1] / filled[-1]) - share) ** 2)
        if distance < least - 1e-12:
            best, least = order[:cut], distance
    return np.flatnonzero(np.isin(groups, best))


def folds_of_rows(n: int, k: int, strata: np.ndarray | None, rng: Generator) -> np.ndarray:
    """The fold, 0 to k-1, of each of `n` rows: folds and each class within them differ by at most one row.

    >>> np.bincount(folds_of_rows(11, 3, None, np.random.default_rng(0))).max()
    np.int64(4)
    """
    if k > n:
        raise DataError(f"{n} rows cannot fill {k} folds: use at most {n} folds.")
    order = rng.permutation(n)
    if strata is not None:
        order = order[np.argsort(strata[order], kind="stable")]
    fold = np.empty(n, dtype=np.int64)
    fold[order] = rng.permutation(k)[np.arange(n) % k]  # dealt class by class, like cards
    return fold


def folds_of_groups(groups: np.ndarray, k: int, strata: np.ndarray | None, rng: Generator) -> np.ndarray:
    """Each row's fold: no group in two folds, no fold empty, classes as even as whole groups allow.

    Args:
        groups: group codes (n,), 0 to g-1, none empty.

    Raises:
        DataError: fewer groups than folds.
    """
    counts = _table(groups, strata).astype(float)
    if len(counts) < k:
        raise DataError(f"{len(counts)} groups cannot fill {k} folds: use at most {len(counts)} folds.")
    counts /= np.maximum(counts.sum(axis=0), 1)  # every class weighs the same
    order = rng.permutation(len(counts))
    order = order[np.argsort(-(counts[order] ** 2).sum(axis=1), kind="stable")]
    filled = np.zeros((k, counts.shape[1]))
    members = np.zeros(k, dtype=np.int64)
    fold_of = np.empty(len(counts), dtype=np.int64)
    for place, group in enumerate(order):
        # The rise of the sum of squares of the folds' class shares, which is least for the emptiest fold.
        rise = filled @ counts[group]
        empty = members == 0
        if empty.sum() == len(order) - place:
            rise = np.where(empty, rise, np.inf)
        least = np.flatnonzero(rise <= rise.min() + 1e-12)
        chosen = least[np.argmin(filled[least].sum(axis=1))]
        filled[chosen] += counts[group]
        members[chosen] += 1
        fold_of[group] = chosen
    return rng.permutation(k)[fold_of][groups]


def _table(groups: np.ndarray, strata: np.ndarray | None) -> np.ndarray:
    """Rows of each class in each group: (groups, classes)."""
    codes = np.zeros(len(groups), dtype=np.int64) if strata is None else strata
    table = np.zeros((int(groups.max()) + 1, int(codes.max()) + 1), dtype=np.int64)
    np.add.at(table, (groups, codes), 1)
    return table
