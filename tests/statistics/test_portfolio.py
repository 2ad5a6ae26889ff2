"""The greedy portfolio against exhaustive search, and its value on left-out datasets against doing it by hand."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from truing.errors import MetricError
from truing.statistics.portfolio import best_of_random, greedy, left_out, scaled_regret


def total(regret: np.ndarray, chosen: tuple[int, ...]) -> float:
    return float(regret[list(chosen)].min(axis=0).sum())


@pytest.mark.parametrize("seed", range(12))
def test_each_step_is_the_best_one_and_the_whole_keeps_its_guarantee(seed: int) -> None:
    regret = scaled_regret(np.random.default_rng(seed).lognormal(size=(9, 6)))
    found = greedy(regret, 4)
    for k in range(1, len(found) + 1):
        steps = [total(regret, (*found[: k - 1], one)) for one in range(9)]
        assert steps[found[k - 1]] == pytest.approx(min(steps))
        best = min(total(regret, chosen) for chosen in combinations(range(9), k))
        assert 6 - total(regret, tuple(found[:k])) >= (1 - 1 / np.e) * (6 - best)


def test_it_ends_where_nothing_is_gained() -> None:
    assert greedy(np.array([[0.0, 0.0], [0.5, 0.5], [1.0, 0.0]]), 3) == [0]
    assert greedy(np.array([[1.0, 1.0]]), 3) == [0]


def test_regrets_have_each_datasets_own_scale_and_no_outlier_sets_it() -> None:
    losses = np.array([[1.0, 100.0], [2.0, 300.0], [3.0, 200.0], [1e9, np.nan]])
    assert scaled_regret(losses).tolist() == [[0.0, 0.0], [0.5, 1.0], [1.0, 0.5], [1.0, 1.0]]
    again = scaled_regret(losses * [5.0, 0.01] + [3.0, -7.0])
    assert again == pytest.approx(scaled_regret(losses))
    assert scaled_regret(np.array([[2.0], [2.0], [3.0]])).ravel().tolist() == [0.0, 0.0, 1.0]
    for bad in (np.empty((0, 2)), np.array([1.0]), np.array([[1.0, np.nan]])):
        with pytest.raises(MetricError):
            scaled_regret(bad)


def test_a_left_out_dataset_has_no_say() -> None:
    rng = np.random.default_rng(1)
    losses = rng.normal(size=(15, 5))
    found = left_out(losses, 3)
    for task in range(5):
        order = greedy(scaled_regret(np.delete(losses, task, axis=1)), 3)
        assert found[2, task] == scaled_regret(losses)[order, task].min()
    with pytest.raises(MetricError, match="two or more"):
        left_out(losses[:, :1], 2)


def test_left_out_value_in_a_simulation_is_that_of_a_new_dataset() -> None:
    """Datasets of one family: a portfolio is worth on a left-out one what it is on fresh ones, and beats chance."""
    rng, place = np.random.default_rng(2), np.linspace(0, 1, 40)

    def family(n: int) -> np.ndarray:
        return np.abs(place[:, None] - rng.choice([0.3, 0.75], n) - rng.normal(0, 0.03, n))

    apart, fresh, luck = [], [], []
    for _ in range(40):
        losses = family(10)
        apart.append(left_out(losses, 2)[1].mean())
        order = greedy(scaled_regret(losses[:, :9]), 2)
        fresh.append(scaled_regret(family(50))[order].min(axis=0).mean())
        luck.append(best_of_random(scaled_regret(losses), 2)[1].mean())
    error = np.hypot(np.std(apart), np.std(fresh)) / 40**0.5
    assert abs(np.mean(apart) - np.mean(fresh)) < 3 * error
    assert np.mean(apart) < 0.5 * np.mean(luck)


def test_best_of_random_is_exact() -> None:
    regret = np.random.default_rng(3).random((6, 2))
    for k in (1, 2, 3):
        by_hand = np.mean([regret[list(chosen)].min(axis=0) for chosen in combinations(range(6), k)], axis=0)
        assert best_of_random(regret, 3)[k - 1] == pytest.approx(by_hand)
