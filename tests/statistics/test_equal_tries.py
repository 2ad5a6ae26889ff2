from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from truing.errors import MetricError
from truing.statistics.equal_tries import behind, best_of, tries_for


@pytest.mark.parametrize("goal", ["min", "max"])
@pytest.mark.parametrize(("n", "tries"), [(1, 1), (4, 1), (5, 2), (7, 3), (6, 6)])
def test_it_is_the_mean_over_all_subsets(n: int, tries: int, goal: str) -> None:
    rng = np.random.default_rng(n)
    scores = np.round(rng.normal(size=n), 1)  # with ties

    found = best_of(scores, tries, goal, rng)

    pick = min if goal == "min" else max
    assert found.value == pytest.approx(np.mean([pick(some) for some in combinations(scores, tries)]))


def test_a_value_tried_more_often_has_no_advantage() -> None:
    rng = np.random.default_rng(0)
    few = [best_of(rng.random(6), 2, "min", rng).value for _ in range(600)]
    often = [best_of(rng.random(60), 2, "min", rng).value for _ in range(600)]

    assert np.mean(few) == pytest.approx(1 / 3, abs=0.025)  # the smaller of two uniform ones
    assert np.mean(often) == pytest.approx(1 / 3, abs=0.015)


@pytest.mark.parametrize("draw", ["normal", "lognormal", "uniform"])
@pytest.mark.parametrize("n", [6, 12, 30])
def test_the_interval_holds_what_it_is_of(draw: str, n: int) -> None:
    rng = np.random.default_rng(n)
    drawn = {"normal": rng.normal, "lognormal": lambda size: np.exp(rng.normal(size=size)), "uniform": rng.uniform}[
        draw
    ]
    tries = tries_for([n])
    truth = np.sort(drawn(size=(40_000, tries)), axis=1)[:, 0].mean()

    found = [best_of(drawn(size=n), tries, "min", rng) for _ in range(400)]

    held = np.mean([one.low <= truth <= one.high for one in found])
    assert 0.84 <= held <= 0.99


def test_ends_turn_round_with_the_goal_and_stay_above_0() -> None:
    scores = np.array([0.01, 0.5, 0.9, 1.5, 0.02, 2.0])
    low = best_of(scores, 2, "min", np.random.default_rng(1))
    high = best_of(-scores, 2, "max", np.random.default_rng(1))

    assert 0 < low.low < low.value < low.high
    assert high.value == pytest.approx(-low.value)
    assert high.low < high.value < high.high


def test_no_interval_where_there_is_nothing_left_to_draw() -> None:
    rng = np.random.default_rng(0)

    assert best_of(np.array([1.0]), 1, "min", rng).low is None
    assert best_of(np.array([1.0, 2.0]), 2, "min", rng).low is None
    with pytest.raises(MetricError, match="best of 3 cannot be drawn from 2"):
        best_of(np.array([1.0, 2.0]), 3, "min", rng)


@pytest.mark.parametrize("n", [8, 15, 24])
def test_the_best_in_truth_is_seldom_called_behind_and_what_is_worse_mostly(n: int) -> None:
    """Five lists of the same draws, so that most of the spread is common: all alike, and four of them a step worse."""
    rng = np.random.default_rng(n)
    tries, wrong, found = tries_for([n]), 0, 0
    for _ in range(300):
        common = rng.normal(0.0, 1.0, n)
        lists = [common + rng.normal(0.0, 0.2, n) for _ in range(5)]
        first = max(lists, key=lambda one: best_of(one, tries, "max", rng).value)
        wrong += bool(behind(first, lists[0], tries, "max", rng, 4))  # any may be called the best in truth
        found += bool(behind(lists[0], lists[1] - 1.0, tries, "max", rng, 4))
    assert wrong / 300 <= 0.09  # 5 %, and three standard errors
    assert found / 300 > 0.7


def test_more_others_ask_for_more_and_too_few_draws_say_nothing() -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(0.0, 1.0, 12)
    second = first - rng.normal(0.8, 0.5, 12)
    told = [behind(first, second, 3, "max", np.random.default_rng(1), others) for others in (1, 10_000)]
    assert told == [True, False]
    assert behind(second, first, 3, "max", rng, 1) is False  # the other way round
    assert behind(first[:5], second[:5], 2, "max", rng, 1) is None
    with pytest.raises(MetricError, match="the same draws"):
        behind(first, second[:5], 2, "max", rng, 1)


@pytest.mark.parametrize("n", [3, 9, 15])
def test_of_shares_no_end_is_beyond_0_or_1_and_the_interval_holds(n: int) -> None:
    rng = np.random.default_rng(n)
    tries, held = tries_for([n]), 0
    truth = rng.beta(8, 2, (200_000, tries)).max(axis=1).mean()
    for _ in range(400):
        of = best_of(rng.beta(8, 2, n), tries, "max", rng)
        assert 0 < of.low < of.value < of.high < 1
        held += of.low <= truth <= of.high
    assert held / 400 >= 0.91
