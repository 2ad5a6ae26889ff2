"""What mattered: the share of a score's variance over the space that each parameter makes, and every two together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.random import Generator

from truing.space.space import Space
from truing.statistics.anova import anova
from truing.statistics.anova_basis import axes_of

LEVEL = 0.95
FEWEST = 10
FEWEST_EACH = 5  # trials for each parameter that varies
R2 = 0.3  # below, the shares are those of a surface that does not predict the scores
FAR = 3.0  # interquartile ranges beyond the quartiles: Tukey 1977, "far out"
MOST = 300  # trials: each step of the chain grows with the cube


@dataclass(frozen=True)
class Share:
    """A part of the variance.

    Args:
        names: one parameter, or the two that make it together.
        share: of the variance over the space, 0 to 1; the mean of the posterior.
        low, high: ends of its 95 % interval.
        total: of a parameter: its own share and all that it makes with others; None for two.
        total_low, total_high: ends of its 95 % interval.
    """

    names: tuple[str, ...]
    share: float
    low: float
    high: float
    total: float | None = None
    total_low: float | None = None
    total_high: float | None = None


@dataclass(frozen=True)
class Shares:
    """The functional ANOVA of a study's scores.

    Args:
        parameters: each parameter's own share, the largest first.
        pairs: what every two make together beyond their own, the largest first.
        rest: what three or more make together; with `parameters` and `pairs` it makes 1.
        r2: of scores that the surrogate had not seen, 4-fold; None where nothing was fitted.
        noise: of the variance of the scores, what is noise; the shares are of the rest.
        trials: how many were used.
        moved: scores that were moved to the fences.
        idle: parameters that had one value in these trials, of which nothing can be said.
        groups: what the parameters of each group make, alone and two of them together, the largest first; empty
            where they are all of one group.
        why: why the shares are left out, a sentence; empty where they are not.
    """

    parameters: tuple[Share, ...] = ()
    pairs: tuple[Share, ...] = ()
    rest: float | None = None
    r2: float | None = None
    noise: float | None = None
    trials: int = 0
    moved: int = 0
    idle: tuple[str, ...] = ()
    why: str = ""
    groups: tuple[Share, ...] = ()


def fences(y: np.ndarray) -> tuple[float, float]:
    """Three interquartile ranges beyond the quartiles; infinite where the quartiles are equal.

    >>> fences(np.array([1.0, 2.0, 3.0, 4.0, 1000.0]))
    (-4.0, 10.0)
    """
    low, high = np.quantile(y, [0.25, 0.75])
    if high == low:
        return -np.inf, np.inf
    return float(low - FAR * (high - low)), float(high + FAR * (high - low))


def shares(space: Space, configs: Sequence[Mapping[str, Any]], y: np.ndarray, rng: Generator) -> Shares:
    """The share of the variance of the scores over the space that each parameter makes, with intervals.

    The functional ANOVA (Sobol' 1993; Hutter, Hoos & Leyton-Brown 2014) splits a function over the space, with every
    parameter drawn as `space.sample` does, into a mean, a part for each parameter, for every two, and so on; their
    variances add up. Here the function is a Gaussian process that is itself such a sum (Durrande et al. 2013; Lu,
    Boukouvalas & Hensman 2022), so the shares of a function drawn from its posterior follow without sampling. Sizes,
    lengths and noise are drawn from their posterior too, a size of exactly nothing being possible. The interval is the
    middle 95 % of 768 such functions: what is not known of the function is in it, and noise of the scores is no share.

    Scores more than three interquartile ranges outside the quartiles are moved there: one diverged network would
    otherwise be all of the variance. A conditional parameter's share is what its values change where it is active;
    what being active changes is its parent's.

    Args:
        space: what could vary.
        configs: n configurations; where they were not drawn evenly, the shares say less than their intervals.
        y: float (n,), their scores.

    Returns:
        With `why` instead of shares where fewer than 5 trials a parameter are there, all scores are equal, or the
        surrogate's R2 is below 0.3.

    >>> import truing as tr
    >>> rng = np.random.default_rng(0)
    >>> space = tr.Space(a=tr.Float(0, 1), b=tr.Float(0, 1))
    >>> configs = [space.sample(rng) for _ in range(40)]
    >>> found = shares(space, configs, np.array([3 * c["a"] + c["b"] for c in configs]), rng)
    >>> [(one.names, round(one.share, 1)) for one in found.parameters]
    [(('a',), 0.9), (('b',), 0.1)]
    """
    y = np.asarray(y, dtype=float)
    varied = [name for name in space if len({repr(config[name]) for config in configs if name in config}) > 1]
    idle = tuple(name for name in space if name not in varied and space.scale(name).count > 1)
    need = max(FEWEST, FEWEST_EACH * len(varied))
    if not varied:
        return Shares(trials=len(y), idle=idle, why="no parameter varied")
    if len(y) < need:
        why = f"{len(y)} trials are too few for {len(varied)} parameter{'s' * (len(varied) != 1)}: it takes {need}"
        return Shares(trials=len(y), idle=idle, why=why)
    if len(y) > MOST:
        kept = np.sort(rng.permutation(len(y))[:MOST])
        configs, y = [configs[k] for k in kept], y[kept]
    inside = np.clip(y, *fences(y))
    moved = int((inside != y).sum())
    spread = float(inside.std())
    if spread <= 1e-12 * max(1.0, float(np.abs(inside).max())):
        return Shares(trials=len(y), moved=moved, idle=idle, why="all scores are equal")
    z = (inside - inside.mean()) / spread
    axes = axes_of(space, configs, varied)
    found = anova(axes, z, rng)
    r2 = float(1.0 - np.square(found.left_out - z).mean())
    noise = float(np.mean(found.noise / (found.noise + found.total)))
    known: dict[str, Any] = {"r2": r2, "noise": noise, "trials": len(y), "moved": moved, "idle": idle}
    if r2 < R2:
        why = f"the surrogate predicts scores it has not seen with R2 {r2:.2f}, and below {R2} its shares say nothing"
        return Shares(why=why, **known)
    whole = np.maximum(found.total, 1e-12)
    main, pair = found.main / whole[:, None], found.pair / whole[:, None, None]
    joint = main + pair.sum(axis=1) + pair.sum(axis=2) + found.three / whole[:, None]
    names = [axis.name for axis in axes.axes]
    own = [Share((name,), *_mean_and_ends(main[:, k]), *_mean_and_ends(joint[:, k])) for k, name in enumerate(names)]
    two = [
        Share((a, b), *_mean_and_ends(pair[:, i, j])) for i, a in enumerate(names) for j, b in enumerate(names) if i < j
    ]
    order = lambda one: -one.share  # noqa: E731
    return Shares(
        tuple(sorted(own, key=order)),
        tuple(sorted(two, key=order)),
        float((found.rest / whole).mean()),
        groups=tuple(sorted(_groups(space, names, main, pair), key=order)),
        **known,
    )


def _groups(space: Space, names: Sequence[str], main: np.ndarray, pair: np.ndarray) -> Iterator[Share]:
    """Each group's closed share (Sobol' 1993) up to the order of two: sums draw by draw, so intervals follow."""
    members: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        members.setdefault(space.groups[name], []).append(place)
    if len(members) < 2:
        return
    for group, places in members.items():
        two = sum(pair[:, min(i, j), max(i, j)] for i, j in combinations(places, 2))
        yield Share((group,), *_mean_and_ends(main[:, places].sum(axis=1) + two))


def _mean_and_ends(draws: np.ndarray) -> tuple[float, float, float]:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(draws.mean()), float(low), float(high)
