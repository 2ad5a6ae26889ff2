import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from truing.errors import MetricError
from truing.statistics.delong import auc, auc_difference


def draw(rng, n=60, shift=1.0, ties=False):
    positive = rng.random(n) < 0.4
    positive[:2] = [True, False]
    p = rng.normal(size=n) + shift * positive
    return positive, np.round(p, 1) if ties else p


def by_pairs(positive, p):
    """Value and variance by the definition, pair by pair."""
    a, b = p[positive], p[~positive]
    psi = (a[:, None] > b[None, :]) + 0.5 * (a[:, None] == b[None, :])
    return psi.mean(), psi.mean(axis=1).var(ddof=1) / len(a) + psi.mean(axis=0).var(ddof=1) / len(b)


@pytest.mark.parametrize("ties", [False, True])
def test_area_and_variance_are_those_of_the_definition(ties):
    for seed in range(20):
        positive, p = draw(np.random.default_rng(seed), ties=ties)
        value, variance = by_pairs(positive, p)
        found = auc(positive, p)
        assert found.value == pytest.approx(value) == roc_auc_score(positive, p)
        logit = np.log([found.low / (1 - found.low), found.high / (1 - found.high)])
        half = (logit[1] - logit[0]) / 2 * value * (1 - value)
        assert half == pytest.approx(1.959964 * np.sqrt(variance), rel=1e-5)


def test_the_difference_has_the_covariance_of_the_definition():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        positive, p = draw(rng)
        q = p + rng.normal(size=len(p))
        a, b = positive.nonzero()[0], (~positive).nonzero()[0]
        psi = sum(sign * ((s[a][:, None] > s[b]) + 0.5 * (s[a][:, None] == s[b])) for sign, s in ((1, p), (-1, q)))
        variance = psi.mean(axis=1).var(ddof=1) / len(a) + psi.mean(axis=0).var(ddof=1) / len(b)
        found = auc_difference(positive, p, q)
        assert found.value == pytest.approx(roc_auc_score(positive, p) - roc_auc_score(positive, q))
        assert found.high - found.low == pytest.approx(2 * 1.959964 * np.sqrt(variance), rel=1e-5)


def test_intervals_cover_the_area_of_two_normals():
    """AUC = Phi(d / sqrt 2) for two normals with means d apart: known truth."""
    from scipy.stats import norm

    shift, rng, hits = 1.5, np.random.default_rng(0), 0
    truth = norm.cdf(shift / np.sqrt(2))
    for _ in range(1000):
        found = auc(*draw(rng, n=80, shift=shift))
        hits += found.low <= truth <= found.high
    assert hits >= 930  # 950 expected, standard error 7


def test_a_perfect_area_has_an_honest_lower_end():
    """Where 0.95 is the truth, a perfect sample must not exclude it more often than 2.5 %."""
    positive = np.array([True] * 6 + [False] * 30)
    found = auc(positive, positive.astype(float))
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.025 ** (1 / 6))
    assert auc(positive, 1.0 - positive).high == pytest.approx(1 - 0.025 ** (1 / 6))
    rng = np.random.default_rng(1)  # with the truth at the lower end, perfect samples are that rare
    shift = np.sqrt(2) * 0.1007  # Phi(0.1007) = 0.5401 = 0.025 ** (1 / 6)
    perfect = 0
    for _ in range(2000):
        p = rng.normal(size=36) + shift * positive
        perfect += p[positive].min() > p[~positive].max()
    assert perfect <= 0.025 * 2000 + 3 * np.sqrt(2000 * 0.025)


def test_what_has_no_area_says_why():
    assert auc(np.array([True, True]), np.array([0.1, 0.2])).reason == "no row here is negative"
    assert auc(np.array([False]), np.array([0.1])).reason == "no row here is positive"
    single = auc(np.array([True, False, False]), np.array([0.5, 0.1, 0.9]))
    assert (single.value, single.low) == (0.5, None)
    assert "single row" in single.reason
    same = np.array([0.1, 0.4, 0.3, 0.9])
    assert "same order" in auc_difference(np.array([False, True, False, True]), same, same * 2).reason
    with pytest.raises(MetricError, match="one score a row"):
        auc(np.array([True]), np.array([0.1, 0.2]))
