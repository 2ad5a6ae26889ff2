"""What the scores of all configurations together say of each one: a Gaussian process, as a smoother of the scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from truing.space.space import Space

LENGTHS = (0.15, 0.3, 0.6, 1.2, 2.4, math.inf)  # of a parameter's whole range; infinite = it does nothing
NOISES = (0.01, 0.1, 0.3, 1.0, 3.0)  # variance of a score's noise over that of the surface
SWEEPS = 3
FOLDS = 5
FEWEST = 10  # configurations, below which a surface says nothing
MOST = 300  # a Cholesky factorisation grows with the cube


@dataclass(frozen=True)
class Surrogate:
    """The posterior mean of a Gaussian process at the configurations it was fitted to.

    Args:
        weights: float (n, n); the posterior mean is a weighted mean of all scores, `weights @ y` about their mean.
        fences: scores outside are moved to them before: one diverged network must not bend the surface.
        r2: of scores that the fit had not seen, 5-fold; None where there are too few, or all are equal.
    """

    weights: np.ndarray
    fences: tuple[float, float]
    r2: float | None

    def mean(self, y: np.ndarray) -> np.ndarray:
        """What the surface says at each configuration, float (n,), were these the scores."""
        inside = np.clip(np.asarray(y, dtype=float), *self.fences)
        centre = inside.mean()
        return np.asarray(centre + self.weights @ (inside - centre))


def surrogate(space: Space, configs: Sequence[Mapping[str, Any]], y: np.ndarray, rng: Generator) -> Surrogate | None:
    """A Gaussian process on the scores `y`, float (n,), of some configurations.

    Matérn 5/2 over the parameters' own scales (logarithmic where they are), a length for each parameter; options
    without an order are all equally far apart; an inactive parameter lies beside the middle of its scale. Lengths and
    noise are those of the highest marginal likelihood on a grid, one after the other, three times round; the scale of
    the surface is profiled out (Rasmussen & Williams 2006, Gaussian Processes for Machine Learning, 2.2 and 5.4).
    R2 is 1 - (mean squared error of the left-out fifths) / variance, lengths and noise chosen anew for each.

    Returns:
        None with fewer than ten configurations, or where all scores are equal.

    >>> import truing as tr
    >>> space, x = tr.Space(x=tr.Float(0, 1)), np.linspace(0, 1, 20)
    >>> y = x**2 + 0.1 * np.random.default_rng(0).normal(size=20)
    >>> found = surrogate(space, [{"x": v} for v in x], y, np.random.default_rng(0))
    >>> bool(np.abs(found.mean(y) - x**2).mean() < np.abs(y - x**2).mean()), bool(found.r2 > 0.5)
    (True, True)
    """
    y = np.asarray(y, dtype=float)
    if len(y) < FEWEST:
        return None
    low, high = np.quantile(y, [0.25, 0.75])
    fences = (float(low - 1.5 * (high - low)), float(high + 1.5 * (high - low)))  # Tukey 1977
    inside = np.clip(y, *fences)
    if np.ptp(inside) <= 1e-12 * max(1.0, float(np.abs(inside).max())):
        return None
    apart = distances(space, configs)
    lengths, noise = fitted(apart, inside)
    kernel = matern(apart, lengths)
    weights = np.linalg.solve(kernel + noise * np.eye(len(y)), kernel).T
    return Surrogate(weights, fences, left_out_r2(apart, inside, rng))


def predicted(
    space: Space, configs: Sequence[Mapping[str, Any]], y: np.ndarray, others: Sequence[Mapping[str, Any]]
) -> np.ndarray | None:
    """The posterior mean at other configurations than the scores are of, float (len(others),).

    Returns:
        None with fewer than ten configurations, or where all scores are equal.

    >>> import truing as tr
    >>> space, x = tr.Space(x=tr.Float(0, 1)), np.linspace(0, 1, 20)
    >>> predicted(space, [{"x": v} for v in x], x**2, [{"x": 0.52}]).round(1).tolist()
    [0.3]
    """
    y = np.asarray(y, dtype=float)
    if len(y) < FEWEST:
        return None
    low, high = np.quantile(y, [0.25, 0.75])
    inside = np.clip(y, low - 1.5 * (high - low), high + 1.5 * (high - low))
    if np.ptp(inside) <= 1e-12 * max(1.0, float(np.abs(inside).max())):
        return None
    apart = distances(space, [*configs, *others])
    lengths, noise = fitted(apart[:, : len(y), : len(y)], inside)
    kernel = matern(apart, lengths)
    known, cross = kernel[: len(y), : len(y)], kernel[len(y) :, : len(y)]
    return np.asarray(inside.mean() + cross @ np.linalg.solve(known + noise * np.eye(len(y)), inside - inside.mean()))


def distances(space: Space, configs: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Squared distances of every two configurations by each parameter, float (parameters, n, n), at most 1 each.

    >>> import truing as tr
    >>> space = tr.Space(kind=tr.Choice(["a", "b", "c"]), x=tr.Float(0, 1, when={"kind": "a"}))
    >>> distances(space, [{"kind": "a", "x": 0.5}, {"kind": "c"}]).tolist()
    [[[0.0, 1.0], [1.0, 0.0]], [[0.0, 0.25], [0.25, 0.0]]]
    """
    encoded = [space.encode(config) for config in configs]
    unit, active = np.array([e[0] for e in encoded]), np.array([e[1] for e in encoded])
    found = []
    for place, name in enumerate(space):
        one, on = unit[:, place], active[:, place]
        square, both = np.square(one[:, None] - one[None, :]), on[:, None] == on[None, :]
        if space.scale(name).ordered:  # inactive stands beside the middle of the scale, which is 0.5
            found.append(np.where(both, square, square + 0.25))
        else:  # inactive is one more option
            found.append(np.where(both, square > 0, 1.0).astype(float))
    return np.array(found).reshape(len(found), len(unit), len(unit))


def matern(apart: np.ndarray, lengths: Sequence[float]) -> np.ndarray:
    """Matérn 5/2 correlations from squared distances by each parameter, (n, n)."""
    scales = np.square(np.asarray(lengths, dtype=float))
    r = np.sqrt(5.0 * np.tensordot(1.0 / scales, apart, 1))
    return np.asarray((1.0 + r + np.square(r) / 3.0) * np.exp(-r))


def fitted(apart: np.ndarray, y: np.ndarray) -> tuple[list[float], float]:
    """Lengths and noise of the highest marginal likelihood, found one at a time."""
    centred = y - y.mean()
    lengths, noise = [0.6] * len(apart), 0.3
    best = _likelihood(apart, centred, lengths, noise)
    for _ in range(SWEEPS):
        before = best
        for place in range(len(lengths)):
            for length in LENGTHS:
                tried = [*lengths[:place], length, *lengths[place + 1 :]]
                if (found := _likelihood(apart, centred, tried, noise)) > best + 1e-9:
                    best, lengths = found, tried
        for other in NOISES:
            if (found := _likelihood(apart, centred, lengths, other)) > best + 1e-9:
                best, noise = found, other
        if best == before:
            break
    return lengths, noise


def _likelihood(apart: np.ndarray, y: np.ndarray, lengths: Sequence[float], noise: float) -> float:
    """Logarithm of the marginal likelihood but for a constant, at the best scale of the surface."""
    lower = np.linalg.cholesky(matern(apart, lengths) + noise * np.eye(len(y)))
    half = np.linalg.solve(lower, y)
    return float(-0.5 * len(y) * math.log(half @ half) - np.log(np.diag(lower)).sum())


def left_out_r2(apart: np.ndarray, y: np.ndarray, rng: Generator) -> float:
    """R2 of scores that the fit had not seen, 5-fold; lengths and noise are chosen anew for each fold."""
    fold = rng.permutation(len(y)) % FOLDS
    missed = np.empty(len(y))
    for each in range(FOLDS):
        out, kept = np.flatnonzero(fold == each), np.flatnonzero(fold != each)
        inner = apart[:, kept][:, :, kept]
        if np.ptp(y[kept]) == 0:
            missed[out] = y[out] - y[kept].mean()
            continue
        lengths, noise = fitted(inner, y[kept])
        across = matern(apart[:, out][:, :, kept], lengths)
        held = matern(inner, lengths) + noise * np.eye(len(kept))
        missed[out] = y[out] - y[kept].mean() - across @ np.linalg.solve(held, y[kept] - y[kept].mean())
    return float(1.0 - np.square(missed).mean() / y.var())
