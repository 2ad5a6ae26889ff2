import numpy as np
import pytest
from scipy.stats import chi2_contingency, fisher_exact

from truing.statistics.homogeneity import homogeneity


def test_large_counts_are_those_of_scipy():
    rng = np.random.default_rng(0)
    for _ in range(5):
        first, second = rng.integers(0, 3, 90), rng.integers(0, 3, 60)
        table = [np.bincount(first, minlength=3), np.bincount(second, minlength=3)]
        assert homogeneity(first, second, rng=rng).p == pytest.approx(chi2_contingency(table, correction=False).pvalue)


def test_small_counts_are_near_the_exact_test():
    first, second = np.repeat([0, 1], [10, 1]), np.repeat([0, 1], [3, 6])
    found = homogeneity(first, second, rng=np.random.default_rng(0))
    assert found.test.endswith("Monte Carlo")
    assert found.p == pytest.approx(fisher_exact([[10, 1], [3, 6]]).pvalue, abs=0.012)


def test_groups_of_one_class_are_no_hundred_witnesses():
    rng, by_rows, by_groups = np.random.default_rng(1), 0, 0
    for _ in range(60):
        rates = rng.beta(0.5, 0.5, 24)  # patients are nearly of one class
        groups = np.repeat(np.arange(24), 10)
        y = (rng.random(240) < rates[groups]).astype(int)
        parts = (groups[:160], groups[160:])
        by_rows += homogeneity(y[:160], y[160:], rng=rng).p < 0.05
        by_groups += homogeneity(y[:160], y[160:], rng=rng, groups=parts).p < 0.05
    assert by_rows > 12
    assert by_groups <= 8


def test_nothing_to_compare():
    found = homogeneity(np.zeros(5, int), np.zeros(5, int), rng=np.random.default_rng(0))
    assert found.p is None
    assert found.distance == 0.0
