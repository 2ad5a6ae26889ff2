"""Rogan and Gladen's estimate against published examples and simulations whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from truing.errors import MetricError
from truing.statistics.true_prevalence import Known, independent_rows, true_prevalence


@pytest.mark.parametrize(
    ("called", "sensitivity", "specificity", "ends"),
    [  # Lang & Reiczigel 2014, examples 1 to 3, as the R package asht repeats them
        ((4060 / 11284, 11284), (178 / 179, 179), (358 / 359, 359), (0.349, 0.372)),
        ((51 / 2971, 2971), (32 / 33, 33), (20 / 20, 20), (0.0, 0.053)),
        ((0.06, 11862), (0.80, 10), (1.0, 12), (0.0, 0.147)),
    ],
)
def test_published_examples(called, sensitivity, specificity, ends) -> None:
    found = true_prevalence(Known(*called), Known(*sensitivity), Known(*specificity))
    assert (round(found.low, 3), round(found.high, 3)) == ends


def test_a_perfect_test_gives_what_is_seen_and_nearly_agresti_coull() -> None:
    found = true_prevalence(Known(0.2, 400), Known(1.0, 1e9), Known(1.0, 1e9))
    z = 1.959964
    p, n = (80 + z * z / 2) / (400 + z * z), 400 + z * z
    half = z * (p * (1 - p) / n) ** 0.5
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((p - half, p + half), abs=1e-6)


@pytest.mark.parametrize(
    ("truth", "se", "sp", "n", "m", "k"),
    [(0.05, 0.9, 0.95, 300, 40, 80), (0.3, 0.8, 0.9, 200, 30, 60), (0.1, 0.7, 0.7, 400, 40, 100)],
)
def test_coverage_in_simulations(truth, se, sp, n, m, k) -> None:
    """2,000 studies each; stated error 2.5 standard errors of a coverage of 95 %. Se and Sp as known would miss."""
    rng, held, naive = np.random.default_rng(5), 0, 0
    for _ in range(2000):
        called = Known(rng.binomial(n, truth * se + (1 - truth) * (1 - sp)) / n, n)
        a, b = rng.binomial(m, se) / m, rng.binomial(k, sp) / k
        found = true_prevalence(called, Known(a, m), Known(b, k))
        held += found.low is not None and found.low <= truth <= found.high
        known = true_prevalence(called, Known(a, 1e9), Known(b, 1e9))
        naive += known.low is not None and known.low <= truth <= known.high
    assert held / 2000 >= 0.95 - 2.5 * (0.95 * 0.05 / 2000) ** 0.5
    assert naive < held


def test_below_zero_is_told_and_ends_stay_inside() -> None:
    found = true_prevalence(Known(0.01, 500), Known(0.9, 50), Known(0.95, 100))
    assert found.value == pytest.approx((0.01 - 0.05) / 0.85)
    assert 0 == found.low <= found.high < 0.05


def test_what_hardly_tells_apart_is_undefined() -> None:
    found = true_prevalence(Known(0.5, 500), Known(0.6, 50), Known(0.55, 100))
    assert found.value is None
    assert "hardly tell" in str(found.reason)
    few = true_prevalence(Known(0.5, 500), Known(0.7, 0.1), Known(0.7, 0.1))
    assert few.low is None or 0 <= few.low <= few.high <= 1
    for bad in ((1.2, 5), (0.5, 0), (float("nan"), 5)):
        with pytest.raises(MetricError, match="A share lies in"):
            Known(*bad)


def test_independent_rows_against_a_simulation() -> None:
    """The variance of a share over clusters is that of so many independent rows, within 15 %."""
    rng = np.random.default_rng(3)

    def sample() -> tuple[np.ndarray, np.ndarray]:
        group = np.repeat(np.arange(60), 8)
        return rng.random(480) < rng.beta(3, 1, 60)[group], group

    shares = [sample()[0].mean() for _ in range(3000)]
    wanted = 0.75 * 0.25 / np.var(shares)
    assert np.mean([independent_rows(*sample()) for _ in range(200)]) == pytest.approx(wanted, rel=0.15)
    alike = np.repeat([True, False, True, True], 10)
    assert independent_rows(alike, np.repeat(np.arange(4), 10)) <= 4
    assert independent_rows(np.ones(40, bool), np.repeat(np.arange(4), 10)) == 4
    assert independent_rows(alike, None) == 40
    assert independent_rows(alike, np.arange(40)) == pytest.approx(40, rel=0.03)
