from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from truing.record.events import Event
from truing.record.history import History, fold
from truing.report.effects import bins, effects, interval
from truing.space.parameter import Choice, Float, Int
from truing.space.space import Space


def searched(space: Space, rows: list[tuple[dict, float | None]]) -> History:
    events = []
    for number, (config, value) in enumerate(rows):
        events.append(Event("proposed", {"trial": number, "config": config}))
        state = "failed" if value is None else "completed"
        events.append(Event("judged", {"trial": number, "state": state, "value": value}))
    return fold(events, space, "min")


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=30))
def test_interval_is_the_t_interval_of_scipy(values: list[float]) -> None:
    low, high = interval(values)

    se = stats.sem(values)
    if se > 1e-9:
        wanted = stats.t.interval(0.95, len(values) - 1, loc=np.mean(values), scale=se)
        assert (low, high) == pytest.approx(wanted, rel=1e-7, abs=1e-7)
    else:
        assert high - low == pytest.approx(0.0, abs=1e-7)


def test_interval_covers_the_mean_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)

    hits = [low <= 3.0 <= high for low, high in (interval(rng.normal(3.0, 2.0, 5)) for _ in range(4000))]

    assert np.mean(hits) == pytest.approx(0.95, abs=3 * np.sqrt(0.95 * 0.05 / 4000))


def test_one_value_has_no_interval() -> None:
    assert interval([1.0]) is None


@given(st.lists(st.sampled_from([0.0, 1.0, 1.5, 2.0, 7.0]) | st.floats(0, 10), max_size=60))
def test_bins_keep_every_trial_once_in_order_and_never_part_equals(values: list[float]) -> None:
    parts = bins(values)

    assert sorted(i for part in parts for i in part) == list(range(len(values)))
    assert len(parts) <= 8
    for before, after in pairwise(parts):
        assert max(values[i] for i in before) < min(values[i] for i in after)


def test_bins_of_different_values_are_numpys_equal_split() -> None:
    values = np.random.default_rng(0).permutation(50).astype(float)

    parts = bins(list(values))

    assert [len(p) for p in parts] == [len(p) for p in np.array_split(np.arange(50), 8)]


def test_choice_means_and_intervals_against_brute_force(told) -> None:
    found = {e.parameter: e for e in effects(told.history)}
    done = [t for t in told.history.trials if t.state == "completed"]

    for name, options in (("kernel_size", [1, 3, 5, 7]), ("batch_size", [32, 64, 128])):
        effect = found[name]
        assert effect.kind == "choice"
        assert [c.low for c in effect.cells] == options
        for cell, option in zip(effect.cells, options, strict=True):
            values = [t.value for t in done if t.config[name] == option]
            low, high = stats.t.interval(0.95, len(values) - 1, np.mean(values), stats.sem(values))
            assert (cell.n, cell.mean) == (len(values), pytest.approx(np.mean(values)))
            assert (cell.lower, cell.upper) == pytest.approx((low, high))


def test_bins_of_a_log_parameter_against_brute_force(told) -> None:
    effect = {e.parameter: e for e in effects(told.history)}["learning_rate"]
    done = [t for t in told.history.trials if t.state == "completed"]
    rates = np.array([t.config["learning_rate"] for t in done])
    order = np.argsort(rates)

    assert (effect.kind, effect.log) == ("bins", True)
    for cell, places in zip(effect.cells, np.array_split(order, 8), strict=True):
        assert (cell.low, cell.high) == (rates[places].min(), rates[places].max())
        assert cell.centre == pytest.approx(stats.gmean(rates[places]))
        assert cell.mean == pytest.approx(np.mean([done[i].value for i in places]))
        assert set(cell.trials) == {done[i].number for i in places}


def test_failed_trials_are_in_no_cell(told) -> None:
    failed = {t.number for t in told.history.trials if t.state == "failed"}

    assert failed
    for effect in effects(told.history):
        inside = [n for cell in effect.cells for n in cell.trials]
        assert sorted(inside) == sorted({t.number for t in told.history.trials} - failed)


def test_small_int_gets_a_cell_a_value() -> None:
    space = Space(layers=Int(1, 4), width=Int(1, 1000))
    rng = np.random.default_rng(0)
    rows = [({"layers": 1 + i % 4, "width": int(rng.integers(1, 1000))}, float(i)) for i in range(12)]

    layers, width = effects(searched(space, rows))

    assert layers.kind == "values"
    assert [(c.label, c.n, c.mean) for c in layers.cells] == [
        ("1", 3, 4.0),
        ("2", 3, 5.0),
        ("3", 3, 6.0),
        ("4", 3, 7.0),
    ]
    assert width.kind == "bins"
    assert [c.n for c in width.cells] == [4, 4, 4]


def test_grid_of_a_float_gets_a_cell_a_value() -> None:
    space = Space(rate=Float(0.01, 1.0, log=True))
    rows = [({"rate": [0.01, 0.1, 1.0][i % 3]}, float(i % 3)) for i in range(9)]

    (effect,) = effects(searched(space, rows))

    assert effect.kind == "values"
    assert [(c.centre, c.mean, c.n) for c in effect.cells] == [(0.01, 0.0, 3), (0.1, 1.0, 3), (1.0, 2.0, 3)]


def test_inactive_parameters_are_counted_apart() -> None:
    space = Space(kind=Choice(["a", "b"]), depth=Int(1, 3, when={"kind": ["b"]}))
    rows = [({"kind": "a"}, 1.0), ({"kind": "b", "depth": 2}, 2.0), ({"kind": "b", "depth": 3}, None)]

    kind, depth = effects(searched(space, rows))

    assert (kind.inactive, depth.inactive) == (0, 1)
    assert [(c.label, c.n, c.lower) for c in depth.cells] == [("2", 1, None)]
    assert not depth.varied


@pytest.mark.parametrize(("goal", "best", "worst"), [("min", "a", "b"), ("max", "b", "a")])
def test_best_and_worst_follow_the_goal(goal: str, best: str, worst: str) -> None:
    space = Space(kind=Choice(["a", "b"]))

    (effect,) = effects(searched(space, [({"kind": "a"}, 1.0), ({"kind": "b"}, 2.0)]))

    assert (effect.best(goal).label, effect.worst(goal).label) == (best, worst)


def test_without_trials_there_are_no_cells(told) -> None:
    found = effects(History(told.history.space, "min"))

    assert [e.parameter for e in found] == list(told.history.space)
    assert all(e.cells == () for e in found)


def test_options_in_order_keep_their_order_and_are_joined_by_a_line() -> None:
    """Unordered ones are not: no line between them means anything."""
    from truing.report.figures import effect_of
    from truing.space.parameter import Choice
    from truing.space.space import Space
    from truing.testing.searchers import history

    options = ["tiny", "small", "large", "huge"]
    for ordered, kind, mode in ((True, "ordered", "lines+markers"), (False, "choice", "markers")):
        space = Space(size=Choice(options, ordered=ordered))
        trials = [space.check({"size": size}) for size in ("large", "huge", "tiny")]
        (effect,) = effects(found := history(space, "min", *trials, value=float))

        assert (effect.kind, [cell.label for cell in effect.cells]) == (kind, ["tiny", "large", "huge"])
        assert [cell.centre for cell in effect.cells] == [0.0, 2.0, 3.0]
        assert effect_of(effect, found, metric="loss").figure.data[-1].mode == mode
