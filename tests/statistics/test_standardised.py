"""Gains in units of the defaults' scatter, against brute force and simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from truing.statistics.comparison import corrected_t
from truing.statistics.interval import Interval
from truing.statistics.standardised import gain, in_units, left_out, mean_of, together, unit, worst_of


def test_unit_is_the_standard_deviation_and_never_below_the_floor() -> None:
    scores = [0.81, 0.84, 0.79, 0.9]

    assert unit(scores, 0.001) == pytest.approx(stats.tstd(scores))
    assert unit(scores, 0.5) == 0.5
    assert unit([0.8, 0.8], 0.01) == unit([0.8], 0.01) == unit([], 0.01) == 0.01


def test_gain_is_better_upwards_for_losses_too() -> None:
    assert gain(0.2, 0.3, 0.05, "min") == pytest.approx(2.0)
    assert gain(0.2, 0.3, 0.05, "max") == pytest.approx(-2.0)
    assert gain(None, 0.3, 0.05, "max") is None


def test_a_dataset_without_a_gain_is_not_left_out() -> None:
    assert together([1.0, None, 3.0], "mean") is None
    assert together([1.0, None, 3.0], "worst") is None
    assert together([], "mean") is None
    assert together([1.0, -2.0, 3.0], "worst") == -2.0


@pytest.mark.parametrize("goal", ["min", "max"])
def test_in_units_keeps_low_below_high(goal: str) -> None:
    found = in_units(Interval(0.1, -0.05, 0.3), 0.1, goal)

    assert found.low < found.value < found.high
    assert found.value == pytest.approx(1.0 if goal == "max" else -1.0)


def test_the_intervals_over_datasets_cover() -> None:
    """2,000 simulated studies of four datasets; the standard error of a coverage of 95 % is then 0.5 points."""
    rng, truth = np.random.default_rng(0), np.array([0.2, 0.2, 0.3, 1.0])
    mean = worst = above = 0
    for _ in range(2000):
        drawn = [rng.normal(t, 1.0, 10) for t in truth]
        own = [corrected_t(d, 0.0) for d in drawn]
        wide = [corrected_t(d, 0.0, 1 - 0.05 / 4) for d in drawn]
        m, w = mean_of(own), worst_of(own, wide)
        mean += m.low <= truth.mean() <= m.high
        worst += w.low <= truth.min() <= w.high
        above += w.low > truth.min()

    assert mean / 2000 > 0.935
    assert worst / 2000 > 0.935
    assert above / 2000 < 0.035  # a claim on the worst, where it is not above


def test_mean_of_equal_t_intervals_is_their_half_width_by_the_root() -> None:
    found = mean_of([Interval(1.0, 0.5, 1.5)] * 4)

    assert (found.low, found.value, found.high) == pytest.approx((0.75, 1.0, 1.25))


def test_an_undefined_dataset_makes_the_aggregate_undefined_with_its_reason() -> None:
    parts = [Interval(1.0, 0.0, 2.0), Interval(None, None, None, "", "a run failed")]

    for found in (mean_of(parts), worst_of(parts, parts)):
        assert found.value is None
        assert found.reason == "a run failed"


def test_left_out_never_reads_the_dataset_left_out() -> None:
    rng = np.random.default_rng(1)
    table = {trial: dict(zip("abc", rng.random(3).tolist(), strict=True)) for trial in range(30)}
    per = {"a": 0.1, "b": 0.02, "c": 0.3}
    for left in per:
        first = left_out(table, left, per, "max", "mean")
        other = [n for n in per if n != left]
        brute = max(table, key=lambda t: sum((table[t][n] - table[0][n]) / per[n] for n in other))
        changed = {t: {**own, left: float(rng.random())} for t, own in table.items()}

        assert first == brute == left_out(changed, left, per, "max", "mean")
