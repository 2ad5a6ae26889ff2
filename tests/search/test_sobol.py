import math

import numpy as np
import pytest
from scipy.stats import qmc

from truing.record.events import Event
from truing.record.history import History, fold
from truing.record.seeds import stream
from truing.search.random import RandomSearch
from truing.search.sobol import SobolSearch
from truing.space.parameter import Choice, Float, Int
from truing.space.space import Space


def proposed(view, config):
    view.extend([Event("proposed", {"trial": len(view), "config": config.to_dict()})])


def trials(space, number, *, seed=0, searcher=None, view=None):
    """The configurations of a study with so many trials, the defaults first."""
    if view is None:
        view = History(space, "min")
        view.extend([Event("study", {"seed": seed})])
        proposed(view, space.defaults())
    while len(view) < number:
        config = (searcher or SobolSearch()).suggest(view, stream(seed, "search", len(view)))
        if config is None:
            break
        proposed(view, config)
    return [trial.config for trial in view.trials]


CUBE = Space({f"x{k}": Float(0.0, 1.0, default=0.123) for k in range(4)})


def units(configs):
    return np.array([list(config.values()) for config in configs[1:]])


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_its_points_are_those_of_scipys_scrambled_sequence(seed):
    theirs = qmc.Sobol(4, scramble=True, bits=30, rng=stream(seed, "search", "sobol")).random(1024)

    assert units(trials(CUBE, 1025, seed=seed)) == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("exponent", [4, 6, 9])
def test_every_coordinate_has_one_point_in_each_of_n_bins_whatever_the_seed(exponent):
    n = 2**exponent
    for seed in range(5):
        found = units(trials(CUBE, n + 1, seed=seed))
        assert all(sorted(np.floor(column * n).astype(int)) == list(range(n)) for column in found.T)


def test_it_covers_more_evenly_than_random_search():
    ours = [qmc.discrepancy(units(trials(CUBE, 65, seed=seed))) for seed in range(5)]
    random = [qmc.discrepancy(units(trials(CUBE, 65, seed=seed, searcher=RandomSearch()))) for seed in range(5)]

    assert max(ours) < min(random)


def test_seeds_give_other_points_and_all_of_the_cube_is_reached_on_average():
    firsts = np.array([units(trials(CUBE, 3, seed=seed)) for seed in range(200)])

    assert len({tuple(first[0]) for first in firsts}) == 200
    assert np.abs(firsts.mean(axis=0) - 0.5).max() < 4 / math.sqrt(12 * 200)  # unscrambled, the first point is a corner


def test_more_trials_go_on_with_the_same_sequence():
    space = Space(rate=Float(1e-4, 1.0, log=True), width=Int(1, 64), kind=Choice(["a", "b", "c"]))
    whole = trials(space, 300)
    for short in (2, 17, 257):
        view = History(space, "min")
        view.extend([Event("study", {"seed": 0})])
        for config in whole[:short]:
            proposed(view, config)
        assert trials(space, 300, view=view) == whole


def test_the_stream_of_the_step_makes_no_difference():
    view = History(CUBE, "min")

    assert len({SobolSearch().suggest(view, stream(0, "search", number)).key for number in range(5)}) == 1


def test_scales_options_and_steps_get_their_share():
    space = Space(
        rate=Float(1e-4, 1.0, log=True, default=1e-3),
        size=Int(16, 128, step=16),
        kind=Choice(["a", "b", "c", "d"]),
        fixed=Int(1, 9, default=4, role="fixed"),
        momentum=Float(0.0, 0.9, when={"kind": "a"}),
    )
    configs = trials(space, 257)[1:]

    assert all(space.check(config) == config for config in configs)
    assert [sum(1e-4 * 10**k <= c["rate"] < 1e-3 * 10**k for c in configs) for k in range(4)] == pytest.approx([64] * 4)
    assert {size: sum(c["size"] == size for c in configs) for size in range(16, 129, 16)} == dict.fromkeys(
        range(16, 129, 16), 32
    )
    assert [sum(c["kind"] == kind for c in configs) for kind in "abcd"] == [64] * 4
    assert [("momentum" in c) == (c["kind"] == "a") for c in configs] == [True] * 256


def test_what_cannot_vary_takes_no_coordinate():
    space = Space(fixed=Int(1, 9, default=4, role="fixed"), x=Float(0.0, 1.0, default=0.1), only=Choice(["one"]))

    expected = [config["x0"] for config in trials(Space(x0=Float(0.0, 1.0, default=0.1)), 20)]
    assert [config["x"] for config in trials(space, 20)] == expected


SMALL = [
    Space(a=Int(1, 40)),
    Space(a=Choice(["x", "y"]), b=Int(1, 5, when={"a": "x"}), c=Float(0.0, 1.0, step=0.25)),
    Space(a=Int(1, 1000, log=True, step=9)),  # its last values hardly ever come up
    Space(a=Int(1, 30), b=Int(1, 50)),
    Space(a=Choice(["only"])),
]


@pytest.mark.parametrize("space", SMALL, ids=str)
def test_a_countable_space_is_given_once_each_and_then_none(space):
    configs = trials(space, 10_000)

    assert len(configs) == len({config.key for config in configs}) == space.size


def test_repeated_configurations_are_passed_over_to_the_next_point():
    space = Space(a=Int(1, 3), b=Choice(["x", "y"]))
    points = qmc.Sobol(2, scramble=True, bits=30, rng=stream(0, "search", "sobol")).random(64)
    once = list(dict.fromkeys([space.defaults(), *(space.decode(point) for point in points)]))

    assert trials(space, 6) == once


def test_trials_of_another_searcher_are_passed_over_and_the_rest_stays():
    space = Space(a=Int(1, 12), b=Choice(list("uvwxyz")))
    alone = trials(space, 30)
    view = History(space, "min")
    view.extend([Event("study", {"seed": 0})])
    for config in (alone[0], alone[7], alone[20]):
        proposed(view, config)

    assert trials(space, 30, view=view)[3:] == [c for k, c in enumerate(alone) if k not in (0, 7, 20)]


def test_in_a_space_that_grew_the_sequence_of_the_new_one_begins():
    old, new = Space(a=Float(0.0, 1.0)), Space(a=Float(0.0, 1.0), b=Float(0.0, 1.0, default=0.5))
    events = [Event("study", {"seed": 0, "space": old.to_dict(), "goal": "min"})]
    events += [Event("proposed", {"trial": k, "config": dict(c)}) for k, c in enumerate(trials(old, 5))]
    view = fold([*events, Event("extended", {"space": new.to_dict()})], old, "min")

    assert SobolSearch().suggest(view, stream(0, "search", 5)) == trials(new, 2)[1]
