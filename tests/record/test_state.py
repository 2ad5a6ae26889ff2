"""States of runs, and what they make of a trial."""

from __future__ import annotations

import pytest

from truing.record.state import State


def test_the_states_are_the_documented_ones() -> None:
    documented = "waiting running paused completed stopped failed diverged crashed out_of_memory timed_out lost"

    assert [str(state) for state in State] == [*documented.split(), "cancelled", "superseded"]


@pytest.mark.parametrize("state", State)
def test_a_trial_knows_five_words(state: State) -> None:
    assert state.trial_state in {"running", "completed", "stopped", "failed", "cancelled"}
    assert state.ended is (state not in {State.WAITING, State.RUNNING, State.PAUSED})
    assert (state.trial_state == "running") is not state.ended


@pytest.mark.parametrize("state", [s for s in State if s.trial_state == "failed"])
def test_each_failure_has_its_own_advice(state: State) -> None:
    assert state.advice.endswith(".")
    assert [other.advice for other in State].count(state.advice) == 1


@pytest.mark.parametrize("state", [State.COMPLETED, State.RUNNING, State.CANCELLED])
def test_where_nothing_is_to_be_done_there_is_no_advice(state: State) -> None:
    assert state.advice == ""
