import itertools

import numpy as np
import pytest

from truing.errors import UsageError
from truing.record.events import Event
from truing.record.history import History
from truing.record.seeds import stream
from truing.search.grid import GridSearch
from truing.search.random import RandomSearch
from truing.space.parameter import Choice, Float, Int
from truing.space.space import Space


def proposed(view, config):
    view.extend([Event("proposed", {"trial": len(view), "config": config.to_dict()})])


def run_out(view, searcher):
    while (config := searcher.suggest(view, stream(0, "search", len(view)))) is not None:
        proposed(view, config)
    return [trial.config for trial in view.trials]


def started(space, *configs):
    view = History(space, "min")
    for config in configs or [space.defaults()]:
        proposed(view, config)
    return view


def test_is_the_product_of_the_values_in_order():
    space = Space(
        rate=Float(1e-3, 1e-1, log=True, default=0.02),
        width=Int(1, 2),
        kind=Choice(["x", "y"]),
        depth=Int(0, 100, role="fixed", default=7),
    )
    configs = run_out(started(space), GridSearch(points=3))

    assert configs[0] == {"rate": 0.02, "width": 1, "kind": "x", "depth": 7}
    product = itertools.product([0.001, 0.01, 0.1], [1, 2], ["x", "y"])
    assert configs[1:] == [{"rate": r, "width": w, "kind": k, "depth": 7} for r, w, k in product]
    assert GridSearch(points=3).trials(space) == 13


@pytest.mark.parametrize(
    ("default", "trials"),
    [(0.0, 15), (0.25, 15), (0.5, 15), (1.0, 15), (None, 15), (0.3, 16)],
)
def test_defaults_come_first_and_add_one_only_when_off_the_grid(default, trials):
    space = Space(a=Float(0.0, 1.0, default=default), b=Int(1, 3))
    configs = run_out(started(space), GridSearch(points=5))

    assert len(configs) == GridSearch(points=5).trials(space) == trials
    assert len({config.key for config in configs}) == trials
    assert configs[0] == space.defaults()
    grid = [{"a": a, "b": b} for a in (0.0, 0.25, 0.5, 0.75, 1.0) for b in (1, 2, 3)]
    assert configs[1:] == [config for config in grid if config != space.defaults()]


def test_inactive_parameters_do_not_multiply_it():
    space = Space(
        momentum=Float(0.0, 0.9, when={"optimizer": "sgd"}),
        optimizer=Choice(["sgd", "adam", "lion"]),
        beta=Float(0.5, 0.9, when={"optimizer": ["adam", "lion"]}),
        nesterov=Choice([True, False], when={"momentum": 0.9}),
    )
    configs = run_out(started(space), GridSearch(points=4))

    # sgd: momentum 0, 0.3, 0.6 and 0.9 twice; adam and lion: beta; the defaults' 0.45 is off the grid
    assert len(configs) == GridSearch(points=4).trials(space) == (3 + 2) + 2 * 4 + 1
    assert len({config.key for config in configs}) == len(configs)
    assert all(space.check(config) == config for config in configs)


def test_the_grid_follows_the_values_conditions_name_only_if_it_has_them():
    space = Space(width=Int(1, 100), extra=Int(1, 3, when={"width": [50]}))

    assert GridSearch(points=3).trials(space) == 3 + 1 + 0  # 1, 50 or 51 and 100; the defaults' 50 with its extra
    assert [c["width"] for c in run_out(started(space), GridSearch(points=2))] == [50, 1, 100]


@pytest.mark.parametrize("seed", range(5))
def test_any_restarts_and_other_trials_between_leave_no_gap_and_no_repeat(seed):
    rng = np.random.default_rng(seed)
    space = Space(a=Int(1, 6), b=Choice(list("uvwxyz")), c=Float(0.0, 1.0, step=0.5, default=0.5))
    view = started(space)
    while True:
        if rng.random() < 0.3:
            config = RandomSearch().suggest(view, rng)
        else:
            config = GridSearch(points=6).suggest(view, rng)
        if config is None:
            break
        assert not view.used(config.key)
        proposed(view, config)

    assert len(view) == 6 * 6 * 3


def test_gives_the_first_that_is_missing_after_trials_of_another_searcher():
    space = Space(a=Int(1, 4), b=Int(1, 3))
    view = started(space, *(space.check({"a": a, "b": b}) for a, b in [(1, 1), (1, 3), (2, 1), (4, 3)]))

    rest = run_out(view, GridSearch())[4:]
    assert rest == [
        {"a": a, "b": b} for a in (1, 2, 3, 4) for b in (1, 2, 3) if (a, b) not in [(1, 1), (1, 3), (2, 1), (4, 3)]
    ]


def test_goes_from_an_empty_history_through_the_whole_grid():
    space = Space(a=Int(1, 5), b=Int(1, 4))
    configs = run_out(History(space, "min"), GridSearch())

    assert configs == [{"a": a, "b": b} for a in range(1, 6) for b in range(1, 5)]


def test_a_grid_that_cannot_be_listed_has_its_exact_size_and_its_first_trials():
    space = Space({f"p{k}": Float(0.0, 1.0) for k in range(30)})
    searcher = GridSearch(points=5)
    view = started(space)

    assert searcher.trials(space) == 5**30
    for number in range(3):
        config = searcher.suggest(view, stream(0, "search", number))
        assert config == {**{f"p{k}": 0.0 for k in range(29)}, "p29": 0.25 * number}
        proposed(view, config)


def test_looks_at_few_combinations_even_late_in_the_grid(monkeypatch):
    space = Space(a=Int(1, 60), b=Int(1, 50))
    searcher = GridSearch(points=60)
    view = started(space)
    seen = []
    at = Space.at
    monkeypatch.setattr(Space, "at", lambda self, grid, rank: seen.append(rank) or at(self, grid, rank))
    for _ in range(2000):
        proposed(view, searcher.suggest(view, stream(0, "search", 0)))

    assert len(seen) <= 40 * 2000
    assert [trial.config["a"] for trial in view.trials][1:] == sorted(t.config["a"] for t in view.trials[1:])


@pytest.mark.parametrize("points", [1, 0, -3, 2.5, "5", True, None])
def test_fewer_than_two_points_are_refused(points):
    with pytest.raises(UsageError, match=f"at least 2 points.*points={points!r}"):
        GridSearch(points=points)
