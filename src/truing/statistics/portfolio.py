"""A few configurations that together serve many datasets: a greedy portfolio, and its worth on a left-out one."""

from __future__ import annotations

import math

import numpy as np

from truing.errors import MetricError


def scaled_regret(losses: np.ndarray) -> np.ndarray:
    """Each dataset's losses as regrets from 0, its best, to 1, its middle configuration and all that are worse.

    Losses of different datasets are on scales of their own. The distance to the median, and the end at 1, keep one
    diverged training from setting the scale, as the distance to the worst would (min-max: Wistuba, Schilling &
    Schmidt-Thieme 2015, ICDM).

    Args:
        losses: float (configurations, datasets), lower is better; NaN = it failed there, which counts as 1.

    Raises:
        MetricError: no table, or a dataset on which nothing completed.

    >>> scaled_regret(np.array([[0.1, 5.0], [0.2, 4.0], [0.3, 9.0]])).round(2).tolist()
    [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    """
    losses = np.asarray(losses, dtype=float)
    if losses.ndim != 2 or 0 in losses.shape:
        raise MetricError(f"A portfolio needs a table (configurations, datasets) of losses; got shape {losses.shape}.")
    known = np.where(np.isfinite(losses), losses, np.inf)
    best = known.min(axis=0)
    if np.isinf(best).any():
        raise MetricError(f"Nothing completed on dataset {int(np.argmax(np.isinf(best)))}: leave it out.")
    middle = np.sort(known, axis=0)[known.shape[0] // 2]
    found = np.where(known > best, 1.0, 0.0)
    wide = np.isfinite(middle) & (middle > best)
    found[:, wide] = np.minimum(1.0, (known[:, wide] - best[wide]) / (middle[wide] - best[wide]))
    return found


def greedy(regret: np.ndarray, size: int) -> list[int]:
    """The configurations of the portfolio in order: each is the one that most lowers the sum of the best so far.

    l(k+1) = argmin over l of the sum over datasets of min(best regret of l(1..k), regret of l). (Pfisterer, van Rijn,
    Probst, Müller & Bischl 2021, "Learning multiple defaults for machine learning algorithms", GECCO companion; the
    same idea in Feurer et al. 2022, JMLR 23:261, Auto-sklearn 2.0.) What it lowers is at least 63 % of what the best
    portfolio of that size lowers (Nemhauser, Wolsey & Fisher 1978, Math Program 14:265). Of equally good ones the first
    is taken; it ends before `size` where no configuration lowers the sum any more.

    Args:
        regret: float (configurations, datasets), as `scaled_regret` gives.

    >>> greedy(np.array([[0.4, 0.4, 0.4], [0.0, 1.0, 1.0], [1.0, 0.0, 0.3]]), size=3)
    [0, 2, 1]
    """
    so_far, found = np.ones(regret.shape[1]), list[int]()
    while len(found) < min(size, len(regret)):
        sums = np.minimum(so_far, regret).sum(axis=1)
        best = int(np.argmin(sums))
        if sums[best] >= so_far.sum() - 1e-12 and found:
            break
        found.append(best)
        so_far = np.minimum(so_far, regret[best])
    return found


def left_out(losses: np.ndarray, size: int) -> np.ndarray:
    """Regret on each dataset of the best of the first k of a portfolio made without it, (k = 1..size, datasets).

    A portfolio that ended early keeps its value. The best of the k is taken by that dataset's own score, as a study
    that tries them does.

    Raises:
        MetricError: fewer than two datasets.
    """
    regret = scaled_regret(losses)
    tasks = regret.shape[1]
    if tasks < 2:
        raise MetricError(f"Leaving one dataset out needs two or more; got {tasks}.")
    found = np.empty((size, tasks))
    for task in range(tasks):
        order = greedy(np.delete(regret, task, axis=1), size)
        best = np.minimum.accumulate(regret[order, task])
        found[:, task] = np.append(best, np.full(size - len(best), best[-1]))
    return found


def best_of_random(regret: np.ndarray, size: int) -> np.ndarray:
    """Mean regret of the best of k configurations drawn at random, without repetition, (k = 1..size, datasets).

    Exact: the i-th best of n is the best of k with probability C(n - i, k - 1) / C(n, k).

    >>> best_of_random(np.array([[0.0], [1.0], [1.0]]), 2).round(3).ravel().tolist()
    [0.667, 0.333]
    """
    n, ordered = len(regret), np.sort(regret, axis=0)
    found = []
    for k in range(1, size + 1):
        k = min(k, n)
        chance = np.array([math.comb(n - i, k - 1) / math.comb(n, k) for i in range(1, n + 1)])
        found.append(chance @ ordered)
    return np.array(found)
