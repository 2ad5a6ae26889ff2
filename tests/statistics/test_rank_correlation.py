from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from truing.statistics.rank_correlation import rank_correlation


@pytest.mark.parametrize("seed", range(5))
def test_it_is_spearmans(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 6, 30)  # with ties
    y = x + rng.normal(size=30)

    found = rank_correlation(x, y)

    assert found.value == pytest.approx(spearmanr(x, y).statistic)
    assert found.low < found.value < found.high


def test_its_interval_holds() -> None:
    rng = np.random.default_rng(0)
    rho = 0.6
    truth = 6 / np.pi * np.arcsin(rho / 2)  # of a normal pair
    held = 0
    for _ in range(400):
        x = rng.normal(size=40)
        found = rank_correlation(x, rho * x + np.sqrt(1 - rho**2) * rng.normal(size=40))
        held += found.low <= truth <= found.high

    assert 0.92 <= held / 400 <= 0.98


def test_a_wider_level_is_wider_and_few_or_constant_ones_have_none() -> None:
    x, y = np.arange(8.0), np.array([1, 3, 2, 5, 4, 7, 8, 6.0])

    assert rank_correlation(x, y, 0.99).low < rank_correlation(x, y).low
    assert rank_correlation(x[:5], y[:5]) is None
    assert rank_correlation(x, np.ones(8)) is None
    assert rank_correlation(x, x).high <= 1
