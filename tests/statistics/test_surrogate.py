"""The surrogate against scikit-learn's Gaussian process, and on surfaces whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern

import truing as tr
from truing.statistics.surrogate import Surrogate, _likelihood, distances, fitted, matern, surrogate

SPACE = tr.Space(a=tr.Float(0.0, 1.0), b=tr.Float(1e-4, 1.0, log=True), c=tr.Choice(["x", "y", "z"]))


def drawn(n: int, seed: int = 0) -> list[dict]:
    rng = np.random.default_rng(seed)
    return [dict(SPACE.sample(rng)) for _ in range(n)]


def test_mean_and_likelihood_are_scikit_learns() -> None:
    """The same kernel, noise and scores give the same posterior mean, and the same order of the likelihoods."""
    configs, rng = drawn(30), np.random.default_rng(1)
    two = [{**c, "c": "x"} for c in configs]
    y = np.sin(5 * np.array([c["a"] for c in two])) + 0.2 * rng.normal(size=30)
    x = np.array([SPACE.encode(c)[0][:2] for c in two])
    apart = distances(SPACE, two)[:2]

    found = surrogate(tr.Space(a=SPACE["a"], b=SPACE["b"]), [{k: c[k] for k in "ab"} for c in two], y, rng)
    lengths, noise = fitted(apart, np.clip(y, *found.fences))
    scales = [1e6 if math.isinf(v) else v for v in lengths]
    other = GaussianProcessRegressor(Matern(scales, (1e-9, 1e9), nu=2.5), alpha=noise, optimizer=None)
    expected = other.fit(x, np.clip(y, *found.fences) - np.clip(y, *found.fences).mean()).predict(x)
    assert found.mean(y) - np.clip(y, *found.fences).mean() == pytest.approx(expected, abs=1e-6)

    def theirs(scale: float, lengths: list[float], noise: float, centred: np.ndarray) -> float:
        k = scale * (Matern(lengths, nu=2.5)(x) + noise * np.eye(30))
        return float(-0.5 * centred @ np.linalg.solve(k, centred) - 0.5 * np.linalg.slogdet(k)[1])

    centred = y - y.mean()
    for one, other_lengths in (([0.3, 0.6], [0.6, 2.4]), ([0.15, 0.3], [2.4, 2.4])):
        best = [max(theirs(s, v, 0.3, centred) for s in np.geomspace(1e-3, 1e3, 4001)) for v in (one, other_lengths)]
        ours = [_likelihood(apart, centred, v, 0.3) for v in (one, other_lengths)]
        assert ours[0] - ours[1] == pytest.approx(best[0] - best[1], abs=1e-3)


def test_it_comes_nearer_to_the_truth_than_the_scores_and_says_so() -> None:
    """On a smooth surface the mean beats the noisy scores; R2 against fresh truth is near what it says."""
    better, said = 0, []
    for seed in range(8):
        configs, rng = drawn(40, seed), np.random.default_rng(seed)
        truth = np.array([-4 * (c["a"] - 0.6) ** 2 + {"x": 0, "y": 0.8, "z": -0.5}[c["c"]] for c in configs])
        y = truth + 0.4 * rng.normal(size=40)
        found = surrogate(SPACE, configs, y, rng)
        better += np.square(found.mean(y) - truth).mean() < np.square(y - truth).mean()
        said.append(found.r2)
    assert better >= 7
    assert 0.3 < np.mean(said) < 0.95


def test_without_a_surface_it_does_not_claim_one() -> None:
    """Pure noise: R2 above 0.3, by which it would be used, is rare."""
    high = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        high += surrogate(SPACE, drawn(40, seed), rng.normal(size=40), rng).r2 > 0.3
    assert high <= 2


def test_conditional_parameters_and_options_have_their_places() -> None:
    """Options are equally far apart; what is inactive lies beside the middle of its scale, as in a Euclidean space."""
    space = tr.Space(kind=tr.Choice(["a", "b", "c"]), x=tr.Float(0, 1, when={"kind": "a"}), n=tr.Int(1, 3))
    configs = [{"kind": "a", "x": 0.0, "n": 1}, {"kind": "a", "x": 1.0, "n": 3}, {"kind": "b", "n": 1}]
    kind, x, n = distances(space, configs)
    assert kind[0, 2] == kind[1, 2] == 1.0
    assert (x[0, 1], x[0, 2], x[1, 2]) == (1.0, 0.5, 0.5)
    assert n[0, 1] > n[0, 2] == 0.0
    rng = np.random.default_rng(0)
    for given in (SPACE, space):
        many = [given.sample(rng) for _ in range(80)]
        for lengths in ([0.15] * 3, [2.4, 0.15, 0.6]):
            assert np.linalg.eigvalsh(matern(distances(given, many), lengths)).min() > -1e-9


def test_one_diverged_score_does_not_bend_the_surface() -> None:
    configs, rng = drawn(30), np.random.default_rng(2)
    y = np.array([(c["a"] - 0.5) ** 2 for c in configs]) + 0.02 * rng.normal(size=30)
    wild = y.copy()
    wild[3] = 1e9
    found = surrogate(SPACE, configs, wild, rng)
    assert np.abs(found.mean(wild)).max() < 2.0


def test_too_little_to_say_anything() -> None:
    rng = np.random.default_rng(0)
    assert surrogate(SPACE, drawn(9), rng.normal(size=9), rng) is None
    assert surrogate(SPACE, drawn(20), np.ones(20), rng) is None
    assert isinstance(surrogate(tr.Space({}), [{}] * 12, rng.normal(size=12), rng), Surrogate)
