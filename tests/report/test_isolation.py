from __future__ import annotations

import numpy as np
import pytest

from truing.record.events import Event
from truing.record.history import History, fold
from truing.report.effects import effects
from truing.report.isolation import isolate, isolation
from truing.report.seen import Seen
from truing.space.parameter import Choice, Float
from truing.space.space import Space

SPACE = Space(kind=Choice(["a", "b"]), rate=Float(0, 1, role="nuisance"))


def told(many: int, few: int, goal: str = "min") -> History:
    """Both kinds are equally good; one is tried more often, so that its best trial is better by luck alone."""
    rng, events = np.random.default_rng(1), []
    for number in range(many + few):
        config = {"kind": "a" if number < many else "b", "rate": float(rng.random())}
        events.append(Event("proposed", {"trial": number, "config": config}))
        value = float(rng.random())
        events.append(Event("judged", {"trial": number, "state": "completed", "value": value}))
    return fold(events, SPACE, goal)


@pytest.mark.parametrize("goal", ["min", "max"])
def test_every_value_has_the_same_number_of_tries(goal: str) -> None:
    history = told(200, 12, goal)
    effect = next(one for one in effects(history) if one.parameter == "kind")

    found, few = isolate(effect, history)

    assert few == []
    assert [one.of.tries for one in found] == [4, 4]
    assert [one.of.n for one in found] == [200, 12]
    pick = min if goal == "min" else max
    for one, kind in zip(found, ("a", "b"), strict=True):
        scores = {t.number: t.value for t in history.completed if t.config["kind"] == kind}
        assert one.best[1] == pick(scores.values())
        assert one.of.low < one.of.value < one.of.high
    assert found[0].of.value == pytest.approx(1 / 5 if goal == "min" else 4 / 5, abs=0.08)


@pytest.mark.parametrize("trials", [24, 23, 33, 41, 60])
def test_bins_are_wide_enough_for_tries_and_hold_every_trial_once(trials: int) -> None:
    history = told(trials, 0)
    effect = next(one for one in effects(history) if one.parameter == "rate")

    found, _ = isolate(effect, history)

    assert 2 <= len(found) <= 6
    assert len({one.label for one in found}) == len(found)
    assert sum(one.of.n for one in found) == trials
    assert min(one.of.n for one in found) >= 9
    assert {one.of.tries for one in found} == {min(one.of.n for one in found) // 3}
    assert [one.centre for one in found] == sorted(one.centre for one in found)


def test_the_scientific_one_is_drawn_and_a_rare_value_named() -> None:
    drawn = isolation(Seen(told(30, 2), {"metric": "loss"}))

    assert drawn.title.startswith("kind: ")
    assert "Left out with fewer than 3 trials: b." in drawn.text


def test_an_adaptive_search_is_labelled() -> None:
    events = [Event("study", {"search": {"name": "sequential"}, "space": SPACE.to_dict(), "goal": "min"})]
    rng = np.random.default_rng(0)
    for number in range(40):
        events.append(Event("proposed", {"trial": number, "config": dict(SPACE.sample(rng))}))
        events.append(Event("judged", {"trial": number, "state": "completed", "value": float(rng.random())}))

    drawn = isolation(Seen(fold(events, SPACE, "min"), {"metric": "loss"}))

    assert "in the region searched" in drawn.title
