"""The score over two parameters, the others averaged over: a surface learned from trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from truing.space.space import Space
from truing.statistics.surrogate import FEWEST, distances, fitted, left_out_r2, matern

GRID = 25  # points along a scale that cannot be counted, or has more values
MOST = 120  # trials: a Cholesky factorisation grows with the cube
OTHERS = 40  # configurations of the other parameters that are averaged over
NEAR = 0.15  # of both scales: farther from any trial the surface is left out
R2 = 0.3  # below, the surface is that of noise


@dataclass(frozen=True)
class Surface:
    """What a Gaussian process says over two parameters.

    Args:
        across, up: places on the two scales, 0 to 1.
        mean: float (up, across), in the score's unit; NaN where no trial is near.
        r2: of scores the fit had not seen, 5-fold.
        trials: numbers of the trials it was learned from, positions in what was given.
        why: why there is none; empty where there is one.
    """

    across: np.ndarray
    up: np.ndarray
    mean: np.ndarray
    r2: float | None
    trials: tuple[int, ...]
    why: str = ""


def surface(
    space: Space, configs: Sequence[Mapping[str, Any]], y: np.ndarray, pair: tuple[str, str], rng: Generator
) -> Surface:
    """The score over two parameters, averaged over the others as the trials had them (partial dependence).

    The Gaussian process is that of `truing.statistics.surrogate`; its prediction at each point of a grid is averaged
    over up to 40 of the trials' other parameters (Friedman 2001, Annals of Statistics 29:1189, section 8.2). Scores far
    outside are moved to Tukey's fences first. Of more than 120 trials as many are drawn by lot.

    Args:
        space: of the trials.
        configs: n configurations; those that lack one of the two parameters are left out.
        y: float (n,), their scores.
        pair: the parameters across and up.

    Returns:
        With `why` where fewer than 10 trials have both, all scores are equal, or R2 is below 0.3.
    """
    both = [k for k, config in enumerate(configs) if all(name in config for name in pair)]
    nothing, y = np.empty(0), np.asarray(y, dtype=float)
    if len(both) < FEWEST:
        why = f"{len(both)} completed trials have both parameters, and it takes {FEWEST}"
        return Surface(nothing, nothing, np.empty((0, 0)), None, tuple(both), why)
    if len(both) > MOST:
        both = sorted(int(k) for k in rng.permutation(both)[:MOST])
    used, scores = [configs[k] for k in both], y[both]
    low, high = np.quantile(scores, [0.25, 0.75])
    inside = np.clip(scores, low - 1.5 * (high - low), high + 1.5 * (high - low))
    if np.ptp(inside) <= 1e-12 * max(1.0, float(np.abs(inside).max())):
        return Surface(nothing, nothing, np.empty((0, 0)), None, tuple(both), "all scores are equal")
    apart, centre = distances(space, used), float(inside.mean())
    r2 = left_out_r2(apart, inside, rng)
    if not r2 >= R2:
        why = f"the surrogate predicts scores it has not seen with R2 {r2:.2f}, and below {R2} it shows noise"
        return Surface(nothing, nothing, np.empty((0, 0)), r2, tuple(both), why)
    lengths, noise = fitted(apart, inside - centre)
    weights = np.linalg.solve(matern(apart, lengths) + noise * np.eye(len(used)), inside - centre)
    names = list(space)
    first, second = (names.index(name) for name in pair)
    unit = np.array([space.encode(config)[0] for config in used])
    grids = [places(space, name) for name in pair]
    steps = [
        _squared(space, name, grid, unit[:, k]) for name, grid, k in zip(pair, grids, (first, second), strict=True)
    ]
    scaled = np.square(np.asarray(lengths, dtype=float))
    rest = [k for k in range(len(names)) if k not in (first, second)]
    drawn = rng.permutation(len(used))[:OTHERS]
    mean = np.zeros((len(grids[1]), len(grids[0])))
    for other in drawn:
        beside = sum((apart[k, other] / scaled[k] for k in rest), np.zeros(len(used)))
        square = beside + steps[0][None, :, :] / scaled[first] + steps[1][:, None, :] / scaled[second]
        r = np.sqrt(5.0 * square)
        mean += ((1.0 + r + np.square(r) / 3.0) * np.exp(-r)) @ weights / len(drawn)
    away = [np.abs(grid[:, None] - unit[None, :, k]) for grid, k in zip(grids, (first, second), strict=True)]
    reach = [NEAR if space.scale(name).count > GRID else max(NEAR, 0.6 / space.scale(name).count) for name in pair]
    near = np.square(away[0] / reach[0])[None, :, :] + np.square(away[1] / reach[1])[:, None, :]
    shown = np.where(near.min(axis=2) <= 1.0, centre + mean, np.nan)
    return Surface(grids[0], grids[1], shown, r2, tuple(both))


def places(space: Space, name: str) -> np.ndarray:
    """Where the grid lies on a scale: each value of a short one, else 25 places from end to end.

    >>> import truing as tr
    >>> places(tr.Space(kind=tr.Choice(["a", "b"])), "kind").tolist()
    [0.25, 0.75]
    """
    scale = space.scale(name)
    if scale.count <= GRID:
        return np.array([scale.unit(scale.at(k)) for k in range(int(scale.count))])
    return np.linspace(0.0, 1.0, GRID)


def _squared(space: Space, name: str, grid: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Squared distances from the grid's places to the trials', (places, n)."""
    square = np.square(grid[:, None] - at[None, :])
    return square if space.scale(name).ordered else (square > 1e-12).astype(float)
