"""The fold of a journal, against a plain second implementation and against itself cut in pieces."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from truing.record.events import Event, decode, encode
from truing.record.history import History, fold
from truing.space.parameter import Choice, Float, Int
from truing.space.space import Space

SPACE = Space(x=Float(0.0, 1.0), n=Int(1, 9))


def proposed(trial: int, x: float = 0.5, n: int = 1) -> Event:
    return Event("proposed", {"trial": trial, "config": {"x": x, "n": n}, "seen": max(0, trial - 2)})


def started(run: int, trial: int, replicate: int = 0, purpose: str = "search", attempt: int = 0) -> Event:
    data = {"run": run, "trial": trial, "purpose": purpose, "replicate": replicate, "attempt": attempt, "seed": 5}
    return Event("started", data)


def finished(run: int, state: str = "completed", **more: Any) -> Event:
    return Event("finished", {"run": run, "state": state, "seconds": 1.5, **more}, key=f"finished/{run}")


def judged(trial: int, value: float | None, state: str = "completed", **more: Any) -> Event:
    return Event("judged", {"trial": trial, "state": state, "value": value, **more})


def story(seed: int, goal: str = "min") -> list[Event]:
    """A random study of 30 trials with failures, retries and undefined values."""
    chance, events, run = random.Random(seed), [], 0
    for trial in range(30):
        events.append(proposed(trial, chance.random(), chance.randint(1, 9)))
        for replicate in range(3):
            if chance.random() < 0.2:
                events += [started(run, trial, replicate), finished(run, "superseded")]
                run += 1
            events.append(started(run, trial, replicate))
            if chance.random() < 0.95:
                events.append(finished(run, "completed", scores={"loss": chance.random()}))
            run += 1
        kind = chance.random()
        if kind < 0.7:
            events.append(judged(trial, round(chance.random(), 1), se=0.1))  # ties are likely
        elif kind < 0.8:
            events.append(judged(trial, None, reason="undefined"))
        elif kind < 0.9:
            events.append(judged(trial, None, "failed", reason="ValueError"))
    return events


@pytest.mark.parametrize("goal", ["min", "max"])
@pytest.mark.parametrize("seed", range(5))
def test_a_fold_says_what_a_plain_reading_says(seed: int, goal: str) -> None:
    events = story(seed)
    history = fold(events, SPACE, goal)

    verdicts = {e.data["trial"]: e.data for e in events if e.kind == "judged"}
    valued = [(d["value"], t) for t, d in verdicts.items() if d["value"] is not None]
    best = min(valued, key=lambda pair: ((1 if goal == "min" else -1) * pair[0], pair[1]))
    ends = {e.data["run"]: e.data["state"] for e in events if e.kind == "finished"}
    assert len(history) == 30
    assert (history.best().value, history.best().number) == best
    assert [t.number for t in history.completed] == sorted(t for _, t in valued)
    assert history.ranked()[0].number == best[1]
    assert {run.id: str(run.state) for run in history.runs.values()} == {
        e.data["run"]: ends.get(e.data["run"], "running") for e in events if e.kind == "started"
    }
    assert history.next_run == len(history.runs)
    for trial in history.trials:
        mine = [e.data["run"] for e in events if e.kind == "started" and e.data["trial"] == trial.number]
        assert list(trial.runs) == mine
        assert trial.seconds == pytest.approx(1.5 * sum(run in ends for run in mine))
        assert trial.state == verdicts.get(trial.number, {"state": "running"})["state"]
    for state in ("running", "completed", "failed"):
        assert history.states[state] == sum(trial.state == state for trial in history.trials)


@pytest.mark.parametrize("seed", range(5))
def test_folding_in_pieces_is_folding_at_once(seed: int) -> None:
    events = story(seed)
    history = History(SPACE, "min")
    while events:
        piece = random.Random(len(events)).randint(1, 9)
        history.extend(events[:piece])
        events = events[piece:]

    whole = fold(story(seed), SPACE, "min")
    assert history.trials == whole.trials
    assert history.runs == whole.runs
    assert (history.keys, history.states, history.best()) == (whole.keys, whole.states, whole.best())


def test_a_second_word_about_a_run_changes_nothing() -> None:
    events = [proposed(0), started(0, 0), finished(0, scores={"loss": 1.0}), finished(0, "failed")]
    history = fold(events, SPACE, "min")

    assert history.runs[0].state == "completed"
    assert history.trial(0).seconds == 1.5


def test_a_view_hides_scores_and_nothing_else() -> None:
    history = fold(story(3), SPACE, "min")
    view = history.at_step(10)

    assert len(view) == len(history)
    assert [t.config for t in view.trials] == [t.config for t in history.trials]
    assert view.trials[:10] == history.trials[:10]
    for trial in (*view.trials[10:], view.trial(20)):
        assert (trial.state, trial.value, trial.se, trial.scores) == ("running", None, None, {})
    known = [t for t in history.trials[:10] if t.value is not None]
    assert view.best().value == min(t.value for t in known)
    assert [t.number for t in view.completed] == [t.number for t in known]
    assert all(view.used(t.config.key) for t in history.trials)


def test_nothing_is_best_before_a_value() -> None:
    assert History(SPACE, "min").best() is None
    assert fold([proposed(0), judged(0, None)], SPACE, "min").best() is None
    assert fold([proposed(0)], SPACE, "max").at_step(0).best() is None


def test_verdict_runs_are_no_search_runs() -> None:
    events = [
        proposed(0),
        started(0, 0, purpose="race"),
        finished(0),
        started(1, 0, 2, purpose="refit"),
        finished(1, "failed"),
    ]
    history = fold(events, SPACE, "min")

    assert history.verdict_runs == {("race", 0, 0): 0}
    assert history.trial(0).runs == ()
    assert history.trial(0).seconds == 0


def test_a_restart_forgets_all_but_the_numbers_of_runs() -> None:
    other = Space(k=Choice(["a", "b"]))
    study = Event("study", {"space": other.to_dict(), "goal": "max"})
    history = fold(
        [proposed(0), started(4, 0), finished(4, "failed"), judged(0, None, "failed"), Event("restarted"), study],
        SPACE,
        "min",
    )

    assert (len(history), history.runs, history.keys, sum(history.states.values())) == (0, {}, set(), 0)
    assert history.next_run == 5
    assert (history.space, history.goal) == (other, "max")


def test_a_space_that_grew_completes_the_earlier_trials() -> None:
    grown = Space(
        x=Float(0.0, 2.0),
        n=Int(1, 9),
        kind=Choice(["a", "b"], default="b"),
        depth=Int(1, 5, default=3, when={"kind": "a"}),
    )
    history = fold([proposed(0, 0.25, 2), Event("extended", {"space": grown.to_dict()})], SPACE, "min")

    assert dict(history.trial(0).config) == {"x": 0.25, "n": 2, "kind": "b"}
    assert history.used(grown.check({"x": 0.25, "n": 2, "kind": "b"}).key)
    assert history.space == grown


def test_notes_keep_their_order_and_time() -> None:
    history = fold([Event("look", {"number": n}, time=10.0 + n) for n in (1, 2)], SPACE, "min")

    assert history.notes["look"] == [
        {"number": 1, "time": 11.0, "order": 0},
        {"number": 2, "time": 12.0, "order": 1},
    ]
    assert history.last("look")["number"] == 2
    assert history.last("verdict") is None


@pytest.mark.parametrize(
    "data",
    [
        {"a": math.inf, "b": [-math.inf, {"c": 1e308}]},
        {"text": "über ≤ \U0001f600 \ud800", "none": None, "yes": True, "n": 2**70},
        {"$float": "nan", "more": 1},
    ],
)
def test_events_come_back_as_they_were_written(data: dict[str, Any]) -> None:
    assert decode(encode(data)) == data
    assert encode(data).isascii()


def test_not_a_number_comes_back() -> None:
    found = decode(encode({"a": [math.nan]}))["a"][0]

    assert math.isnan(found)


def test_a_value_that_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError):
        encode({"a": object()})
