"""One parameter's part in a functional ANOVA: functions of it whose mean over its own scale is zero."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from truing.space.encoding import Scale
from truing.space.space import Space

LENGTHS = (0.15, 0.3, 0.6, 1.2, 2.4)  # how far from each other two values still resemble each other; 1 = the range
POINTS = 32  # that stand for a scale which cannot be counted, or has more values
FEATURES = 10  # of one parameter: rougher functions than these do not show in a few hundred trials
ENERGY = 0.999
FINE = 4096  # points of a scale by which the widths of its values are counted


@dataclass(frozen=True)
class Basis:
    """Functions of one parameter, orthonormal over its scale and each of mean zero, for one length.

    Args:
        at: float (n, m), their values at the configurations; 0 where the parameter is inactive.
        power: float (m,), the variance that each has in a random function; their sum is 1.
    """

    at: np.ndarray
    power: np.ndarray

    @property
    def kernel(self) -> np.ndarray:
        """Covariance of such a function between the configurations, (n, n)."""
        return np.asarray((self.at * self.power) @ self.at.T)

    @property
    def squared(self) -> np.ndarray:
        """The kernel times itself, integrated over the scale, (n, n)."""
        return np.asarray((self.at * np.square(self.power)) @ self.at.T)


@dataclass(frozen=True)
class Axis:
    """One parameter as the functional ANOVA sees it.

    Args:
        name: of the parameter.
        bases: one for each length; a single one where there is no order.
        active: bool (n,), the configurations that have it.
        share: of the space in which it is active.
    """

    name: str
    bases: tuple[Basis, ...]
    active: np.ndarray
    share: float


@dataclass(frozen=True)
class Axes:
    """All parameters that can vary, and what conditions join them.

    Args:
        axes: in the space's order.
        together: float (d, d), the share of the space in which both of two are active.
        within: {(child, ancestor): {length: (mean, covariance)}} of the ancestor's functions where the child is active.
    """

    axes: tuple[Axis, ...]
    together: np.ndarray
    within: Mapping[tuple[int, int], tuple[tuple[np.ndarray, np.ndarray], ...]]


def axes_of(space: Space, configs: Sequence[Mapping[str, Any]], names: Sequence[str], *, sampled: int = 2048) -> Axes:
    """The functions of each of these parameters, at some configurations.

    The measure is that of `space.sample`: uniform on every scale. A number's functions are the leading eigenfunctions
    of a Matérn 5/2 kernel from which the mean over the scale was taken (Durrande et al. 2013, Journal of Multivariate
    Analysis 115); options without an order have all differences between them. A function of a parameter that is
    inactive is 0, so what being active changes is its parent's. Where there are conditions, how often which parameters
    are active together is counted in 2,048 random configurations.
    """
    encoded = [space.encode(config) for config in configs]
    unit, active = np.array([e[0] for e in encoded]), np.array([e[1] for e in encoded])
    every = list(space)
    varied = [every.index(name) for name in names]
    if any(parameter.when for parameter in space.parameters.values()):
        rng = np.random.default_rng(0)
        drawn = [space.encode(space.sample(rng)) for _ in range(sampled)]
        points, present = np.array([e[0] for e in drawn]), np.array([e[1] for e in drawn])
    else:
        points, present = np.empty((0, len(every))), np.ones((1, len(every)), dtype=bool)
    made, axes = [], []
    for place in varied:
        functions = _functions(space.scale(every[place]))
        on = active[:, place]
        bases = tuple(Basis(f(unit[:, place]) * on[:, None], power) for f, power in functions)
        axes.append(Axis(every[place], bases, on, float(present[:, place].mean())))
        made.append(functions)
    kept = present[:, varied].astype(float)
    within = {}
    for child, place in enumerate(varied):
        above = _ancestors(space, every[place])
        for parent, other in enumerate(varied):
            if every[other] in above and kept[:, child].any():
                there = points[kept[:, child] > 0, other]
                values = [f(there) for f, _ in made[parent]]
                within[child, parent] = tuple((v.mean(axis=0), np.atleast_2d(np.cov(v.T, bias=True))) for v in values)
    return Axes(tuple(axes), kept.T @ kept / len(kept), within)


def _ancestors(space: Space, name: str) -> set[str]:
    found: set[str] = set()
    waiting = list(space[name].when or {})
    while waiting:
        parent = waiting.pop()
        if parent not in found:
            found.add(parent)
            waiting += list(space[parent].when or {})
    return found


def _functions(scale: Scale) -> list[tuple[Any, np.ndarray]]:
    """(places in [0, 1] -> values (n, m), power (m,)), for each length."""
    centres, weights = _levels(scale)
    if not scale.ordered:
        covariance = np.eye(len(centres))
        return [_eigen(centres, weights, covariance, lambda u: np.argmin(np.abs(u[:, None] - centres), axis=1))]
    found = []
    lengths = LENGTHS if len(centres) > 2 else LENGTHS[-1:]
    for length in lengths:

        def kernel(u: np.ndarray, length: float = length) -> np.ndarray:
            return _matern(np.abs(u[:, None] - centres) / length)

        found.append(_eigen(centres, weights, kernel(centres), kernel))
    return found


def _levels(scale: Scale) -> tuple[np.ndarray, np.ndarray]:
    """Places of a scale's values in [0, 1], and the share of it that each takes."""
    if scale.count > POINTS:
        return (np.arange(POINTS) + 0.5) / POINTS, np.full(POINTS, 1 / POINTS)
    places = np.array([scale.unit(scale.at(k)) for k in range(int(scale.count))])
    fine = [scale.index(scale.value((k + 0.5) / FINE)) for k in range(FINE)]
    weights = np.bincount([k for k in fine if k is not None], minlength=len(places)).astype(float)
    return places, np.maximum(weights, 1.0) / np.maximum(weights, 1.0).sum()


def _matern(r: np.ndarray) -> np.ndarray:
    r = math.sqrt(5.0) * r
    return np.asarray((1.0 + r + np.square(r) / 3.0) * np.exp(-r))


def _eigen(centres: np.ndarray, weights: np.ndarray, covariance: np.ndarray, across: Any) -> tuple[Any, np.ndarray]:
    """The eigenfunctions of a covariance without its mean over the scale, continued beyond its points by Nyström."""
    mean = covariance @ weights
    whole = float(weights @ mean)
    centred = covariance - np.outer(mean, mean) / whole
    root = np.sqrt(weights)
    power, vectors = np.linalg.eigh(root[:, None] * centred * root)
    order = np.argsort(-power)[:FEATURES]
    total = power[power > 0].sum()
    kept = order[: 1 + int(np.searchsorted(np.cumsum(power[order]) / total, ENERGY))]
    kept = kept[power[kept] > 1e-9 * total]
    kept_power, at = power[kept], vectors[:, kept] / root[:, None]

    def continued(u: np.ndarray) -> np.ndarray:
        given = across(u)
        if given.ndim == 1:  # options: each is one of the points
            return np.asarray(at[given])
        taken = given - np.outer(given @ weights, mean) / whole
        return np.asarray(taken @ (weights[:, None] * at) / kept_power)

    return continued, kept_power / kept_power.sum()
