"""The line on the search: each branch says what is so, and nothing where there is nothing to say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import truing as tr
from truing.advice.which_search import chance, largest_gap, unmoved, which_search
from truing.record.events import Event
from truing.record.history import History

RATE, WIDTH = tr.Float(1e-4, 1.0, log=True), tr.Int(8, 64)
RANDOM, SOBOL, GRID, SEQUENTIAL = tr.RandomSearch(), tr.SobolSearch(), tr.GridSearch(), tr.SequentialSearch()


def test_a_space_with_fewer_configurations_than_trials() -> None:
    space = tr.Space(kernel=tr.Choice([1, 3, 5]), pool=tr.Choice([2, 3, 4]), fixed=tr.Choice([1, 2], role="fixed"))
    for searcher in (RANDOM, SOBOL):
        assert which_search(space, searcher, 40).startswith("Search: 2 parameters with 9 configurations")
        assert "in fewer trials than the 40 here" in which_search(space, searcher, 40)
        assert "fewer" not in which_search(space, searcher, 9)
    assert which_search(space, RANDOM, None) == ""
    assert which_search(space, GRID, 9) == ""


def test_one_parameter_alone() -> None:
    text = which_search(tr.Space(rate=RATE), RANDOM, 40)
    assert 'search="sobol" spaces 40 values evenly' in text
    assert "a gap of about 11 % of its range" in text
    assert which_search(tr.Space(rate=RATE), SOBOL, 40) == ""


def test_few_random_trials() -> None:
    space = tr.Space(rate=RATE, width=WIDTH)
    assert "the best of 9 random configurations" in which_search(space, RANDOM, 10)
    assert "probability of 37 %; of 59 it is 95 %" in which_search(space, RANDOM, 10)
    assert which_search(space, RANDOM, 40) == which_search(space, RANDOM, None) == ""


def test_a_grid_that_is_cut_short_names_what_never_moves() -> None:
    space = tr.Space(a=RATE, b=RATE, c=RATE, d=RATE)
    text = which_search(space, GRID, 25)
    assert "only the first 25 of the grid's 625 configurations" in text
    assert "a and b would keep one value each beside their defaults" in text
    assert "a would keep one value beside its default;" in which_search(space, GRID, 60)
    assert "keep" not in which_search(space, GRID, 300)
    assert "only the first 300" in which_search(space, GRID, 300)


def test_what_never_moves_is_what_the_searcher_never_moves() -> None:
    space = tr.Space(a=tr.Int(1, 3), kind=tr.Choice(["x", "y"]), b=tr.Float(0, 1, when={"kind": "x"}), c=RATE)
    for trials in (4, 8, 20, 40):
        view = History(space, "min")
        for number in range(trials):
            config = space.defaults() if number == 0 else GRID.suggest(view, np.random.default_rng(0))
            view.extend([Event("proposed", {"trial": number, "config": dict(config)})])
        seen = {n: {t.config[n] for t in view.trials[1:] if n in t.config} for n in space}
        wanted = {name for name in space if len(seen[name]) < 2}
        assert wanted <= set(unmoved(space, GRID, trials - 1))  # the defaults may be one of the first and are left out
        assert set(unmoved(space, GRID, trials)) <= wanted | {"b"}


def test_a_whole_grid_that_is_dear() -> None:
    space = tr.Space(a=RATE, b=RATE, c=RATE, d=RATE)
    text = which_search(space, GRID, 625, 60.0, says=lambda s: f"{s / 3600:.1f} h")
    assert text == (
        "Search: the grid's 625 trials try at most 5 values of a parameter and take 10.4 h; 60 random ones try up to "
        "60 of each."
    )
    assert which_search(tr.Space(a=RATE, b=RATE), GRID, 26) == ""


def test_a_sequential_search_of_one_group_or_of_groups_that_depend_on_each_other() -> None:
    assert "all parameters that vary are in one" in which_search(tr.Space(a=RATE, b=RATE), SEQUENTIAL, None)
    space = tr.Space(learning_rate=RATE, batch_size=tr.Choice([16, 32], group="batches"))
    text = which_search(space, SEQUENTIAL, None)
    assert "learning_rate and batch_size depend on each other" in text
    apart = tr.Space(a=RATE, b=tr.Choice([1, 2], group="other"))
    assert which_search(apart, SEQUENTIAL, None) == ""


def test_of_a_foreign_searcher_and_of_an_empty_space_nothing_is_said() -> None:
    class Mine:
        adaptive = False

        def suggest(self, view, rng):
            return None

    assert which_search(tr.Space(a=tr.Choice([1, 2])), Mine(), 40) == ""
    assert which_search(tr.Space({}), RANDOM, 40) == ""


def test_chance_and_gap_against_simulation() -> None:
    rng = np.random.default_rng(0)
    draws = rng.uniform(size=(20_000, 12))
    assert chance(12) == pytest.approx((draws.min(axis=1) < 0.05).mean(), abs=0.01)
    ends = np.sort(np.c_[np.zeros(20_000), draws, np.ones(20_000)], axis=1)
    assert largest_gap(12) == pytest.approx(np.diff(ends, axis=1).max(axis=1).mean(), abs=0.003)


def test_it_is_one_line_for_every_searcher_and_size() -> None:
    spaces = [tr.Space(a=RATE), tr.Space(a=RATE, b=WIDTH), tr.Space(a=tr.Choice([1, 2])), tr.Space({})]
    for space, searcher, trials in itertools.product(spaces, (RANDOM, SOBOL, GRID, SEQUENTIAL), (None, 1, 2, 9, 40)):
        text = which_search(space, searcher, trials)
        assert "\n" not in text
        assert not text or (text.startswith("Search: ") and text.endswith(".") and len(text) < 260)
