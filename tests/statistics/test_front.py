from __future__ import annotations

import numpy as np
import pytest

from truing.statistics.front import front


@pytest.mark.parametrize("goal", ["min", "max"])
@pytest.mark.parametrize("seed", range(20))
def test_it_is_what_no_other_beats(goal: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 40))
    cost, score = rng.integers(1, 9, n).astype(float), rng.integers(0, 9, n).astype(float)  # many ties
    loss = score if goal == "min" else -score

    beaten = [
        any(
            (cost[j] <= cost[i] and loss[j] <= loss[i] and (cost[j] < cost[i] or loss[j] < loss[i]))
            or (cost[j] == cost[i] and loss[j] == loss[i] and j < i)
            for j in range(n)
        )
        for i in range(n)
    ]
    found = front(cost, score, goal)

    assert sorted(found) == [i for i in range(n) if not beaten[i]]
    assert list(cost[found]) == sorted(cost[found])


def test_nothing_has_no_front() -> None:
    assert front(np.array([]), np.array([]), "min") == []
