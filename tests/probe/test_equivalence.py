"""Equal-seed comparison: against SciPy's paired tests, and against differences that are known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from truing.probe.equivalence import compared


def curves(seed: int, shift: float, noise: float = 0.01, seeds: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Losses that fall from 2.3; the other one's are shifted and noisy."""
    draw = np.random.default_rng(seed)
    reference = np.array([2.3, 1.2, 0.9, 0.7]) + draw.normal(0, 0.05, (seeds, 1))
    return reference, reference + np.array([0, 1, 1, 1]) * (shift + draw.normal(0, noise, (seeds, 4)))


@pytest.mark.parametrize("seed", range(40))
def test_equivalent_exactly_when_both_one_sided_tests_reject_at_every_step(seed: int) -> None:
    a, b = curves(seed, shift=0.004 * (seed % 6), noise=0.012)
    margin = 0.023

    both = []
    for step in range(1, 4):
        above = stats.ttest_rel(b[:, step] + margin, a[:, step], alternative="greater").pvalue
        below = stats.ttest_rel(b[:, step] - margin, a[:, step], alternative="less").pvalue
        both.append(max(above, below) <= 0.05)

    assert (compared(a, b, base=2.3, steps=[1, 2, 3]).verdict == "equivalent") == all(both)


def test_a_difference_as_large_as_the_margin_is_rarely_called_equivalent() -> None:
    """The chance is at most 5 % at each step, and all steps have to pass."""
    called = sum(compared(*curves(seed, 0.023), base=2.3, steps=[1, 2, 3]).is_shown for seed in range(600))

    assert called <= 600 * 0.05


def test_none_is_called_equivalent_and_a_large_one_different() -> None:
    assert all(compared(*curves(seed, 0.0, 0.003), base=2.3, steps=[1, 2, 3]).is_shown for seed in range(100))
    assert compared(*curves(0, 0.3), base=2.3, steps=[1, 2, 3]).verdict == "different"
    assert compared(*curves(0, -0.3), base=2.3, steps=[1, 2, 3]).verdict == "different"
    assert compared(*curves(1, 0.0, 0.2), base=2.3, steps=[1, 2, 3]).verdict == "not shown"


def test_where_nothing_was_learned_nothing_is_shown() -> None:
    flat = [[2.3, 2.3, 2.299]] * 5

    found = compared(flat, flat, base=2.3, steps=[10, 20])

    assert (found.verdict, found.is_shown, found.difference) == ("nothing learned", False, None)


def test_a_loss_that_is_not_finite_is_no_match() -> None:
    a, b = curves(0, 0.0)
    b[2, 3] = np.nan

    assert compared(a, b, base=2.3, steps=[1, 2, 3]).verdict == "not finite"


def test_equal_to_the_last_digit_is_equivalent() -> None:
    a, _ = curves(0, 0.0)
    found = compared(a, a, base=2.3, steps=[1, 2, 3])

    assert (found.verdict, found.low, found.high) == ("equivalent", 0.0, 0.0)
    assert found.margin == pytest.approx(0.023)
