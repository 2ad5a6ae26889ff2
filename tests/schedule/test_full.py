"""The plain schedule starts trials for ever and lets each run go on."""

from __future__ import annotations

from truing.record.events import Event
from truing.record.history import History
from truing.record.interfaces import Decision, New
from truing.schedule.full import Full
from truing.space.parameter import Float
from truing.space.space import Space


def test_a_bad_run_goes_on_and_the_next_trial_is_whole() -> None:
    history = History(Space(x=Float(0.0, 1.0)), "min")
    history.extend(
        [
            Event("proposed", {"trial": 0, "config": {"x": 0.5}}),
            Event("started", {"run": 0, "trial": 0, "purpose": "search", "replicate": 0}),
            Event("reported", {"run": 0, "epoch": 1, "score": 1e9}),
        ]
    )

    assert Full().keep(history, 0) is Decision.GO_ON
    assert Full().next(history) == New(until=None, replicates=None)
