"""PED-ANOVA: what sets the best trials apart from all, parameter by parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from truing.space.space import Space

TOP = 0.1
FEWEST_TOP = 5
POINTS = 50
RESAMPLES = 200
LEVEL = 0.95


@dataclass(frozen=True)
class Divergence:
    """How far the best trials' values of one parameter lie from those of all.

    Args:
        name: of the parameter.
        share: of the sum over all parameters, chance taken off; 0 to 1.
        low, high: ends of its 95 % bootstrap interval.
        p: how often as large a divergence comes when the best are drawn by lot.
    """

    name: str
    share: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Divergences:
    """PED-ANOVA of a study's trials.

    Args:
        parameters: the largest first; empty where `why` says why.
        top: how many trials counted as the best.
        trials: of how many.
        why: why there are no figures, a sentence.
    """

    parameters: tuple[Divergence, ...] = ()
    top: int = 0
    trials: int = 0
    why: str = ""


def ped_anova(
    space: Space, configs: Sequence[Mapping[str, Any]], y: np.ndarray, rng: Generator, *, goal: str, top: float = TOP
) -> Divergences:
    """What sets the best tenth apart: the Pearson divergence of its values from all trials', for each parameter.

    Watanabe, Bansal & Hutter (2023, IJCAI): both sets of values become densities on a grid of the parameter's own
    scale (for numbers Gaussian kernels of Scott's width, reflected at the ends; for options frequencies; one trial's
    weight of evenness added), and the sum over the grid of p_all (p_best / p_all - 1)² is the parameter's weight. A
    conditional parameter's is that among the trials that have it, times (share of it among the best)² / (share among
    all). Ten trials always differ from a hundred by chance: the mean weight of as many trials drawn by lot is taken
    off, and a weight below it is 0. It asks what leads to the best trials, not what moves the score, and sees no
    interactions; so it is no share of variance.

    Args:
        configs, y: n configurations and their scores, float (n,).
        goal: "min" or "max".
        top: share of the trials that count as the best.

    Returns:
        With `why` where the best are fewer than five.

    >>> import truing as tr
    >>> rng = np.random.default_rng(0)
    >>> space = tr.Space(a=tr.Float(0, 1), b=tr.Float(0, 1))
    >>> configs = [space.sample(rng) for _ in range(100)]
    >>> found = ped_anova(space, configs, np.array([c["a"] for c in configs]), rng, goal="min")
    >>> found.parameters[0].name, found.parameters[0].share > 0.9
    ('a', True)
    """
    y = np.asarray(y, dtype=float)
    n = len(y)
    count = round(top * n)
    if count < FEWEST_TOP:
        why = f"the best {top:.0%} of {n} trials are {count}, and it takes {FEWEST_TOP}"
        return Divergences(trials=n, top=count, why=why)
    names = [name for name in space if space.scale(name).count > 1]
    if not names or np.ptp(y) == 0:
        return Divergences(trials=n, top=count, why="no parameter varies" if not names else "all scores are equal")
    encoded = [space.encode(config) for config in configs]
    unit, active = np.array([e[0] for e in encoded]), np.array([e[1] for e in encoded])
    places = [list(space).index(name) for name in names]
    kernels = [_smooth(space.scale(name), unit[:, place]) for name, place in zip(names, places, strict=True)]
    on = active[:, places].astype(float)
    sign = 1.0 if goal == "min" else -1.0
    order = np.argsort(sign * y, kind="stable")

    def weights(all_: np.ndarray, best: np.ndarray) -> np.ndarray:
        """Of trials counted `all_` times and `best` times, float (sets, n): a weight a parameter, (sets, d)."""
        return np.stack([_divergence(k, on[:, j], all_, best) for j, k in enumerate(kernels)], axis=1)

    lots = np.zeros((RESAMPLES, n))
    for row in lots:
        row[rng.permutation(n)[:count]] = 1.0
    whole = np.ones((1, n))
    best = np.zeros((1, n))
    best[0, order[:count]] = 1.0
    by_chance = weights(np.repeat(whole, RESAMPLES, axis=0), lots)
    seen = weights(whole, best)[0]
    again, ahead = np.zeros((RESAMPLES, n)), np.zeros((RESAMPLES, n))
    for k in range(RESAMPLES):
        drawn = np.bincount(rng.integers(n, size=n), minlength=n)
        again[k] = drawn
        before = np.cumsum(drawn[order])
        ahead[k, order] = np.clip(count - (before - drawn[order]), 0, drawn[order])
    # a resample repeats trials, so its best differ from all by about as much more again as by chance
    resampled = np.maximum(weights(again, ahead) - 2 * by_chance.mean(axis=0), 0.0)
    beyond = np.maximum(seen - by_chance.mean(axis=0), 0.0)
    share = beyond / (beyond.sum() or 1.0)
    each = resampled / np.maximum(resampled.sum(axis=1, keepdims=True), 1e-12)
    low, high = np.quantile(each, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    p = (1 + (by_chance >= seen).sum(axis=0)) / (1 + RESAMPLES)
    found = [
        Divergence(name, float(share[k]), float(min(low[k], share[k])), float(max(high[k], share[k])), float(p[k]))
        for k, name in enumerate(names)
    ]
    return Divergences(tuple(sorted(found, key=lambda one: -one.share)), count, n)


@dataclass(frozen=True)
class _Grid:
    """Places of the trials' values on a parameter's grid, and how a value spreads over it; None = not at all."""

    at: np.ndarray
    size: int
    width: np.ndarray | None


def _smooth(scale: Any, unit: np.ndarray) -> _Grid:
    size = int(min(scale.count, POINTS))
    if not scale.ordered or scale.count <= POINTS:
        if scale.ordered:
            at = np.array([scale.index(scale.value(u)) for u in unit])
            return _Grid(at, size, (np.arange(size) + 0.5) / size)
        return _Grid(np.minimum((unit * size).astype(int), size - 1), size, None)
    return _Grid(np.minimum((unit * size).astype(int), size - 1), size, (np.arange(size) + 0.5) / size)


def _divergence(grid: _Grid, on: np.ndarray, all_: np.ndarray, best: np.ndarray) -> np.ndarray:
    there = np.eye(grid.size)[grid.at] * on[:, None]
    alpha = (best @ on) / best.sum(axis=1)
    beta = (all_ @ on) / all_.sum(axis=1)
    dense_all, dense_best = _density(grid, all_ @ there), _density(grid, best @ there)
    found = (np.square(dense_best / dense_all - 1.0) * dense_all).sum(axis=1)
    return np.asarray(np.where(beta > 0, np.square(alpha) / np.where(beta > 0, beta, 1.0), 0.0) * found)


def _density(grid: _Grid, counts: np.ndarray) -> np.ndarray:
    """Counts on the grid, (sets, size), as densities with one trial's weight of evenness."""
    n = counts.sum(axis=1, keepdims=True)
    smooth = counts
    if grid.width is not None:
        centre = grid.width
        mean = counts @ centre / np.maximum(n[:, 0], 1)
        spread = np.sqrt(np.maximum(counts @ np.square(centre) / np.maximum(n[:, 0], 1) - np.square(mean), 0.0))
        wide = np.maximum(1.059 * spread * np.maximum(n[:, 0], 1) ** -0.2, 0.3 / grid.size)  # Scott 1992
        apart = np.stack([centre[:, None] - centre, centre[:, None] + centre, centre[:, None] + centre - 2.0])
        smooth = np.empty_like(counts)
        for k in range(len(counts)):
            kernel = np.exp(-0.5 * np.square(apart / wide[k])).sum(axis=0)
            smooth[k] = counts[k] @ (kernel / kernel.sum(axis=1, keepdims=True))
    return np.asarray((smooth + 1.0 / grid.size) / (n + 1.0))
