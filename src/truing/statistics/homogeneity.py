"""Whether two parts of the rows hold the classes in the same shares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

DRAWS = 2000
EXPECTED = 5.0  # the smallest expected count with which the chi-squared distribution serves


@dataclass(frozen=True)
class Homogeneity:
    """Args:
    p: the p value; None where there is nothing to compare.
    distance: half the sum of the absolute differences of the shares, 0 to 1.
    test: its name.
    """

    p: float | None
    distance: float
    test: str


def homogeneity(
    first: np.ndarray,
    second: np.ndarray,
    *,
    rng: Generator,
    groups: tuple[np.ndarray, np.ndarray] | None = None,
) -> Homogeneity:
    """Pearson's chi-squared test that two parts hold the classes in the same shares.

    (Pearson 1900, Philos Mag 50:157; with every expected count at 5 or more: Cochran 1954, Biometrics 10:417.) With
    smaller counts its p value is that among 2,000 tables with the same margins (Patefield 1981, Appl Stat 30:91). With
    groups, whose rows are no independent witnesses, it is that among 2,000 divisions of the groups into as many as
    there are in each part (Good 2005, Permutation Tests). The p value of draws counts the observed table as one.

    Args:
        first, second: int (n,), (m,), the classes of the rows.
        groups: the groups of the rows of both; None = rows are independent.

    >>> found = homogeneity(np.repeat([0, 1], [80, 20]), np.repeat([0, 1], [20, 80]), rng=np.random.default_rng(0))
    >>> found.p < 0.001, round(found.distance, 2), found.test
    (True, 0.6, 'chi-squared test of homogeneity')
    """
    classes, code = np.unique(np.concatenate([first, second]), return_inverse=True)
    k, n = len(classes), len(first)
    table = np.array([np.bincount(code[:n], minlength=k), np.bincount(code[n:], minlength=k)], dtype=float)
    if k < 2 or not n or not len(second):
        return Homogeneity(None, 0.0, "chi-squared test of homogeneity")
    shares = table / table.sum(axis=1, keepdims=True)
    distance, found = float(np.abs(shares[0] - shares[1]).sum() / 2), float(_statistic(table))
    if groups is not None:
        drawn = _by_groups(code, np.concatenate(groups), np.repeat([0, 1], [n, len(second)]), k, rng)
        return Homogeneity(_share_above(drawn, found), distance, "chi-squared statistic, groups permuted")
    if (_expected(table) >= EXPECTED).all():
        from scipy.special import chdtrc  # SciPy only where it is needed

        return Homogeneity(float(chdtrc(k - 1, found)), distance, "chi-squared test of homogeneity")
    small = rng.multivariate_hypergeometric(table.sum(axis=0).astype(int), n, DRAWS)
    drawn = np.array([_statistic(np.array([row, table.sum(axis=0) - row])) for row in small])
    return Homogeneity(_share_above(drawn, found), distance, "chi-squared test of homogeneity, Monte Carlo")


def _by_groups(code: np.ndarray, groups: np.ndarray, part: np.ndarray, k: int, rng: Generator) -> np.ndarray:
    """The statistic with the groups dealt anew; a group on both sides counts as two."""
    _, unit = np.unique(np.array([f"{p} {g}" for p, g in zip(part.tolist(), groups.tolist(), strict=True)]),
                        return_inverse=True)  # fmt: skip
    number = int(unit.max()) + 1
    counts = np.zeros((number, k))
    np.add.at(counts, (unit, code), 1.0)
    of_first = len(np.unique(unit[part == 0]))
    found = []
    for _ in range(DRAWS):
        order = rng.permutation(number)
        found.append(_statistic(np.array([counts[order[:of_first]].sum(axis=0), counts[order[of_first:]].sum(axis=0)])))
    return np.array(found)


def _expected(table: np.ndarray) -> np.ndarray:
    found: np.ndarray = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    return found


def _statistic(table: np.ndarray) -> float:
    expected = _expected(table)
    return float(((table - expected) ** 2 / np.maximum(expected, 1e-300)).sum())


def _share_above(drawn: np.ndarray, found: float) -> float:
    return float((1 + (drawn >= found * (1 - 1e-12)).sum()) / (1 + len(drawn)))
