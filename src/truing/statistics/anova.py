"""A functional ANOVA as a Gaussian process: a sum of functions of one, two and three parameters, and noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from truing.statistics.anova_basis import Axes

SIZES = (0.0, *(2.0**k for k in range(-8, 3)))  # variance of a parameter's function, that of all scores being 1
NOTHING = 0.3  # probability beforehand that a parameter does nothing
PAIRS = tuple(2.0**k for k in range(-5, 4))  # variance of a pair's function over the product of the two parameters'
THREES = tuple(2.0**k for k in range(-6, 3))
NOISES = tuple(2.0**k for k in range(-13, 2))
FOLDS = 4
BURNT, KEPT, EVERY = 50, 24, 2  # sweeps of the chain of a fold: passed over, then used, every second one
DRAWS = 8  # of the functions, for each kept setting of sizes and lengths


@dataclass(frozen=True)
class Setting:
    """Sizes and lengths of all parameters, as places in their lists."""

    size: tuple[int, ...]
    length: tuple[int, ...]
    pair: int
    three: int
    noise: int


@dataclass(frozen=True)
class Anova:
    """What the posterior says of each part of the function's variance.

    Args:
        main: float (draws, d), variance of each parameter's own function, noise left out.
        pair: float (draws, d, d), of every two together, beyond their own; above the diagonal.
        three: float (draws, d), of all that three make together, by each parameter that is among them.
        rest: float (draws,), of all that three make together.
        left_out: float (n,), each score as the chain predicts it that did not see it.
        noise: float (draws,), variance of the scores' noise.
    """

    main: np.ndarray
    pair: np.ndarray
    three: np.ndarray
    rest: np.ndarray
    left_out: np.ndarray
    noise: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """Variance of the whole function, float (draws,)."""
        return np.asarray(self.main.sum(axis=1) + self.pair.sum(axis=(1, 2)) + self.rest)


def anova(axes: Axes, y: np.ndarray, rng: Generator) -> Anova:
    """Draws of the variance of every part of a function, given noisy values of it.

    Four chains (Metropolis' rule, one parameter at a time) draw sizes, lengths and noise from their posterior, and for
    each setting functions from theirs. Each chain leaves out another quarter of the trials: so every score is
    predicted once by a model that did not see it, and the draws of the four together also vary as far as the data's
    own accidents reach, which a posterior on all of them leaves out where noise is uneven (the idea of bagged
    posteriors: Huggins & Miller 2022, Bernoulli 29).

    Args:
        axes: the parameters at the n configurations.
        y: float (n,), mean 0 and variance 1.
    """
    found, left_out = [], np.empty(len(y))
    fold = rng.permutation(len(y)) % FOLDS
    for each in range(FOLDS):
        chain = _Chain(axes, y, np.flatnonzero(fold != each), np.flatnonzero(fold == each))
        state, predicted = chain.start(), []
        for sweep in range(BURNT + KEPT * EVERY):
            state = chain.sweep(state, rng)
            if sweep >= BURNT and sweep % EVERY == 0:
                drawn, mean = chain.draw(state, rng)
                found.append(drawn)
                predicted.append(mean)
        left_out[chain.out] = np.mean(predicted, axis=0)
    main, pair, three, rest, noise = (np.concatenate([one[k] for one in found]) for k in range(5))
    return Anova(main, pair, three, rest, left_out, noise)


class _Chain:
    """The covariances of the parts between the trials of a chain, made once, and its steps."""

    def __init__(self, axes: Axes, y: np.ndarray, kept: np.ndarray, out: np.ndarray) -> None:
        self.axes, self.kept, self.out, self.d = axes, kept, out, len(axes.axes)
        self.y, self.n = y[kept], len(kept)
        whole = [[basis.kernel for basis in axis.bases] for axis in axes.axes]
        self.kernels = [[np.ascontiguousarray(k[np.ix_(kept, kept)]) for k in one] for one in whole]
        self.across = [[k[np.ix_(out, kept)] for k in one] for one in whole]
        self.squares = [[axis.share * basis.squared[np.ix_(kept, kept)] for basis in axis.bases] for axis in axes.axes]

    def start(self) -> Setting:
        """A quarter of the variance to each parameter, lengths in the middle."""
        return Setting(
            (SIZES.index(0.25),) * self.d,
            tuple(len(axis.bases) // 2 for axis in self.axes.axes),
            PAIRS.index(0.5),
            THREES.index(0.25),
            NOISES.index(0.125),
        )

    def sweep(self, state: Setting, rng: Generator) -> Setting:
        """Every size, length and variance proposed anew, each accepted by Metropolis' rule."""
        parts = self._symmetric(self._scaled(state))
        known = self._likelihood(self._joined(parts, state), state)
        for place in rng.permutation(self.d):
            own = self._own(state, place)
            one = parts[0] - own
            two = parts[1] - own * one
            three = parts[2] - own * two
            pair, more = PAIRS[state.pair], THREES[state.three]
            without = one + pair * two + more * three
            beside = 1.0 + pair * one + more * two
            for kind in range(3):
                tried = self._proposed(state, int(place), kind, rng)
                if tried == state:
                    continue
                fresh = self._own(tried, place)
                found = self._likelihood(without + fresh * beside, tried)
                if math.log(rng.random()) < found - known:
                    state, known, own = tried, found, fresh
            parts = (one + own, two + own * one, three + own * two)
        for name, values in (("pair", PAIRS), ("three", THREES), ("noise", NOISES)) * 2:
            moved = getattr(state, name) + int(rng.choice([-2, -1, 1, 2]))
            if 0 <= moved < len(values):
                tried = replace(state, **{name: moved})
                found = self._likelihood(self._joined(parts, tried), tried)
                if math.log(rng.random()) < found - known:
                    state, known = tried, found
        return state

    def _proposed(self, state: Setting, place: int, kind: int, rng: Generator) -> Setting:
        """A neighbouring size, another length, or both from anywhere; each as likely back as forth."""
        size, lengths = state.size[place], len(self.kernels[place])
        length = state.length[place]
        if kind == 0:
            size += int(rng.choice([-2, -1, 1, 2]))
        elif kind == 1:
            length = int(rng.integers(lengths))
        else:
            size, length = int(rng.integers(len(SIZES))), int(rng.integers(lengths))
        if not 0 <= size < len(SIZES):
            return state
        return replace(state, size=_put(state.size, place, size), length=_put(state.length, place, length))

    def _own(self, state: Setting, place: int) -> np.ndarray:
        return np.asarray(SIZES[state.size[place]] * self.kernels[place][state.length[place]])

    def _scaled(self, state: Setting) -> list[np.ndarray]:
        return [self._own(state, place) for place in range(self.d)]

    def _symmetric(self, parts: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sums of the products of each one, every two, every three."""
        one, two, three = (np.zeros_like(parts[0]) for _ in range(3))
        for part in parts:
            three = three + two * part
            two = two + one * part
            one = one + part
        return one, two, three

    def _joined(self, parts: tuple[np.ndarray, np.ndarray, np.ndarray], state: Setting) -> np.ndarray:
        return np.asarray(parts[0] + PAIRS[state.pair] * parts[1] + THREES[state.three] * parts[2])

    def _likelihood(self, kernel: np.ndarray, state: Setting) -> float:
        """Logarithm of the marginal likelihood times the prior, but for a constant."""
        from scipy.linalg.lapack import dpotrf, dtrtrs

        held = kernel + 1.0  # the mean is not known either
        held.flat[:: self.n + 1] += NOISES[state.noise]
        lower, wrong = dpotrf(held, lower=1, overwrite_a=1, clean=0)
        if wrong:
            return -math.inf
        half, _ = dtrtrs(lower, self.y, lower=1)
        idle = sum(size == 0 for size in state.size)
        prior = idle * math.log(NOTHING) + (self.d - idle) * math.log((1 - NOTHING) / (len(SIZES) - 1))
        # mild: interactions of a size like the parameters' own, of three somewhat smaller
        prior -= 0.5 * ((math.log2(PAIRS[state.pair]) + 1) / 2) ** 2
        prior -= 0.5 * ((math.log2(THREES[state.three]) + 2) / 2) ** 2
        return float(-0.5 * half @ half - np.log(np.diag(lower)).sum() + prior)

    def draw(self, state: Setting, rng: Generator) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
        """Draws of the parts' variances with these sizes and lengths; and the mean of what was left out."""
        held = self._joined(self._symmetric(self._scaled(state)), state) + 1.0
        noise = NOISES[state.noise]
        held.flat[:: self.n + 1] += noise
        inverse = np.linalg.inv(held)
        inverse = (inverse + inverse.T) / 2
        alpha = inverse @ self.y
        main, pair = self._functions(state, noise, inverse, rng)
        three, rest = self._threes(state, alpha, inverse)
        drawn = (main, pair, np.tile(three, (len(main), 1)), np.full(len(main), rest), np.full(len(main), noise))
        scaled = [SIZES[size] * k[place] for size, place, k in zip(state.size, state.length, self.across, strict=True)]
        return drawn, (self._joined(self._symmetric(scaled), state) + 1.0) @ alpha

    def _functions(
        self, state: Setting, noise: float, inverse: np.ndarray, rng: Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Variances of one and of two, from functions drawn by Matheron's rule (Wilson et al. 2021, JMLR 22)."""
        on = [place for place in range(self.d) if state.size[place] > 0]
        bases = {place: self.axes.axes[place].bases[state.length[place]] for place in on}
        at = {place: basis.at[self.kept] for place, basis in bases.items()}
        blocks: list[tuple[int, int]] = [(place, place) for place in on]
        blocks += [(a, b) for k, a in enumerate(on) for b in on[k + 1 :]]
        matrices, scales = [], []
        for a, b in blocks:
            if a == b:
                matrices.append(at[a])
                scales.append(SIZES[state.size[a]] * bases[a].power)
                continue
            both = at[a][:, :, None] * at[b][:, None, :]
            matrices.append(both.reshape(self.n, -1))
            size = PAIRS[state.pair] * SIZES[state.size[a]] * SIZES[state.size[b]]
            scales.append(size * np.outer(bases[a].power, bases[b].power).ravel())
        main, pair = np.zeros((DRAWS, self.d)), np.zeros((DRAWS, self.d, self.d))
        if not on:
            return main, pair
        features, scale = np.concatenate(matrices, axis=1), np.concatenate(scales)
        prior = rng.normal(size=(DRAWS, len(scale))) * np.sqrt(scale)
        other = rng.normal(size=(DRAWS, self.n)) * math.sqrt(noise) + rng.normal(size=(DRAWS, 1))
        other = other + self._drawn_threes(state, rng)
        missing = self.y - (prior @ features.T + other)
        weights = prior + (missing @ inverse @ features) * scale
        starts = np.cumsum([0, *(m.shape[1] for m in matrices)])
        own = {a: weights[:, s:e] for (a, b), s, e in zip(blocks, starts, starts[1:], strict=False) if a == b}
        for (a, b), s, e in zip(blocks, starts, starts[1:], strict=False):
            if a == b:
                continue
            part = weights[:, s:e].reshape(DRAWS, at[a].shape[1], at[b].shape[1])
            if (known := self.axes.within.get((a, b))) is not None:  # b decides whether a is active
                mean, covariance = known[state.length[b]]
                own[a] = own[a] + part @ mean
                pair[:, a, b] = self.axes.axes[a].share * np.einsum("kij,jl,kil->k", part, covariance, part)
            elif (known := self.axes.within.get((b, a))) is not None:
                mean, covariance = known[state.length[a]]
                own[b] = own[b] + np.einsum("kij,i->kj", part, mean)
                pair[:, a, b] = self.axes.axes[b].share * np.einsum("kij,il,klj->k", part, covariance, part)
            else:
                pair[:, a, b] = self.axes.together[a, b] * np.square(part).sum(axis=(1, 2))
        for a in on:
            main[:, a] = self.axes.axes[a].share * np.square(own[a]).sum(axis=1)
        return main, pair

    def _drawn_threes(self, state: Setting, rng: Generator) -> np.ndarray:
        """What three make together, drawn at the configurations from what is thought of it beforehand."""
        kernel = THREES[state.three] * self._symmetric(self._scaled(state))[2]
        kernel.flat[:: self.n + 1] += 1e-8
        lower = np.linalg.cholesky(kernel)
        return np.asarray(rng.normal(size=(DRAWS, self.n)) @ lower.T)

    def _threes(self, state: Setting, alpha: np.ndarray, inverse: np.ndarray) -> tuple[np.ndarray, float]:
        """The expected variance of what three make together, by each parameter among them, and of all."""
        sizes = np.array([SIZES[size] for size in state.size])
        shares = np.array([axis.share for axis in self.axes.axes])
        squares = [np.square(sizes[place]) * self.squares[place][state.length[place]] for place in range(self.d)]
        weight = THREES[state.three]
        whole = self._symmetric(squares)
        before = _symmetric_numbers(sizes * shares)

        def expected(three: np.ndarray, prior: float) -> float:
            spent = weight**2 * (alpha @ three @ alpha - np.sum(inverse * three))
            return max(0.0, float(weight * prior + spent))

        by_each = np.zeros(self.d)
        for place in range(self.d):
            if sizes[place] == 0:
                continue
            own = squares[place]
            two = whole[1] - own * (whole[0] - own)
            mine = float(sizes[place] * shares[place])
            without = before[1] - mine * (before[0] - mine)
            by_each[place] = expected(own * two, mine * without)
        return by_each, expected(whole[2], before[2])


def _symmetric_numbers(values: np.ndarray) -> tuple[float, float, float]:
    one = two = three = 0.0
    for value in values.tolist():
        three += two * value
        two += one * value
        one += value
    return one, two, three


def _put(values: tuple[int, ...], place: int, value: int) -> tuple[int, ...]:
    return (*values[:place], value, *values[place + 1 :])
