from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from truing.record.events import Event
from truing.record.history import History, fold
from truing.report.front import PARAMETERS, SECONDS, front_of
from truing.report.gap import SIZE, against, gap, gaps
from truing.report.seen import Seen
from truing.space.parameter import Float, Int
from truing.space.space import Space

SPACE = Space(width=Int(1, 8), idle=Float(0, 1))


def told(goal: str = "min", trials: int = 40) -> History:
    """Wider networks lose more on the way to validation rows; two runs a trial."""
    rng, events = np.random.default_rng(0), []
    sign = 1.0 if goal == "min" else -1.0
    for number in range(trials):
        config = dict(SPACE.sample(rng))
        events.append(Event("proposed", {"trial": number, "config": config}))
        for replicate in range(2):
            run = 2 * number + replicate
            start: dict[str, Any] = {"run": run, "trial": number, "purpose": "search", "replicate": replicate}
            events.append(Event("started", start))
            lost = 0.1 * config["width"] + 0.02 * replicate
            done = {"run": run, "state": "completed", "seconds": 0.5 + replicate}
            done["scores"] = {"parameters": 10.0 * config["width"]}
            done["curve"] = [[1, 9.0], [2, 1.0 + sign * lost], [3, None]]
            done["details"] = {"train_curve": [[1, 5.0], [2, 1.0]]}
            events.append(Event("finished", done))
        value = sign * (1.0 / config["width"])
        events.append(Event("judged", {"trial": number, "state": "completed", "value": value, "se": 0.05}))
    return fold(events, SPACE, goal)


@pytest.mark.parametrize("goal", ["min", "max"])
def test_the_gap_is_what_validation_loses_at_the_end(goal: str) -> None:
    history = told(goal)

    for trial in history.completed:
        assert gap(history, trial) == pytest.approx(0.1 * trial.config["width"] + 0.01)


@pytest.mark.parametrize("goal", ["min", "max"])
def test_what_goes_with_it_is_found(goal: str) -> None:
    found = gaps(told(goal))

    assert found.first in ("width", SIZE)
    assert not found.by["idle"].clear
    assert "larger where" in found.sentence()
    assert "proof" in found.sentence()
    assert "is not shown to go with" in against(Seen(told(goal), {"metric": "loss"}), "idle").title


def test_without_training_scores_there_is_none() -> None:
    events = []
    for number in range(3):
        events.append(Event("proposed", {"trial": number, "config": dict(SPACE.defaults())}))
        events.append(Event("judged", {"trial": number, "state": "completed", "value": 1.0}))
    history = fold(events, SPACE, "min")

    assert gaps(history) is None
    assert "no gap to show" in against(Seen(history, {"metric": "loss"}))


@pytest.mark.parametrize("goal", ["min", "max"])
def test_a_cheaper_one_within_a_standard_error_is_said(goal: str) -> None:
    history = told(goal)

    found = front_of(history, PARAMETERS)

    best = history.best()
    assert found.scores[found.trials[-1]] == best.value
    near = [
        n
        for n, value in found.scores.items()
        if abs(value - best.value) <= 0.05 and found.costs[n] < found.costs[best.number]
    ]
    assert found.costs[found.enough] == min(found.costs[n] for n in near)
    assert f"Trial {found.enough} is within one standard error" in found.sentence("loss")
    assert set(front_of(history, SECONDS).costs.values()) == {1.0}  # the median of half a second and one and a half
