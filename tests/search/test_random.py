import math

import numpy as np
import pytest
from scipy import stats

from truing.record.events import Event
from truing.record.history import History
from truing.record.seeds import stream
from truing.search.random import RandomSearch
from truing.space.parameter import Choice, Float, Int
from truing.space.space import Space


def proposed(view, config):
    view.extend([Event("proposed", {"trial": len(view), "config": config.to_dict()})])


def run_out(space, seed=0):
    """All configurations a study over this space would try, the defaults first."""
    view = History(space, "min")
    proposed(view, space.defaults())
    while (config := RandomSearch().suggest(view, stream(seed, "search", len(view)))) is not None:
        proposed(view, config)
    return [trial.config for trial in view.trials]


SMALL = [
    Space(a=Int(1, 40)),
    Space(a=Choice(["x", "y"]), b=Int(1, 5, when={"a": "x"}), c=Float(0.0, 1.0, step=0.25)),
    Space(a=Int(1, 1000, log=True, step=9)),  # far from uniform: its last values hardly ever come up by chance
    Space(a=Int(1, 30), b=Int(1, 50)),  # too many to be listed each time
    Space(a=Choice(["only"])),
]


@pytest.mark.parametrize("space", SMALL, ids=str)
def test_gives_every_configuration_once_and_then_none(space):
    configs = run_out(space)

    assert len(configs) == len({config.key for config in configs}) == space.size
    assert all(space.check(config) == config for config in configs)


def test_never_repeats_where_few_values_carry_most_of_the_chance():
    space = Space(kind=Choice(["a", "b"]), seed=Int(1, 10**6, when={"kind": "b"}))
    view = History(space, "min")
    for number in range(200):
        config = RandomSearch().suggest(view, stream(3, "search", number))
        assert not view.used(config.key)
        proposed(view, config)


def test_an_uncountable_branch_is_never_exhausted():
    space = Space(kind=Choice(["a", "b"]), rate=Float(0.0, 1.0, when={"kind": "b"}))
    view = History(space, "min")
    kinds = []
    for number in range(50):
        config = RandomSearch().suggest(view, stream(3, "search", number))
        kinds.append(config["kind"])
        proposed(view, config)

    assert space.size == math.inf
    assert kinds.count("a") == 1
    assert view.keys == {trial.config.key for trial in view.trials}
    assert len(view.keys) == 50


def test_draws_like_the_scales_say():
    space = Space(rate=Float(1e-5, 1e-1, log=True), width=Int(1, 8))
    view = History(space, "min")
    for number in range(2000):
        proposed(view, RandomSearch().suggest(view, stream(1, "search", number)))
    configs = [trial.config for trial in view.trials]

    assert stats.kstest([c["rate"] for c in configs], stats.loguniform(1e-5, 1e-1).cdf).pvalue > 1e-3
    assert stats.chisquare(np.bincount([c["width"] for c in configs])[1:]).pvalue > 1e-3
    assert abs(stats.spearmanr([c["rate"] for c in configs], [c["width"] for c in configs]).statistic) < 0.1


@pytest.mark.parametrize("size", [10, 2000])
def test_what_remains_is_equally_likely(size):
    space = Space(a=Int(1, size))
    view = History(space, "min")
    for value in range(1, size + 1):
        if value % (size // 5):  # five values remain
            proposed(view, space.check({"a": value}))
    drawn = [RandomSearch().suggest(view, stream(5, "search", number))["a"] for number in range(300)]
    values, counts = np.unique(drawn, return_counts=True)

    assert values.tolist() == [size // 5 * k for k in range(1, 6)]
    assert stats.chisquare(counts).pvalue > 1e-3


def test_other_streams_give_other_trials_and_the_same_stream_the_same():
    space = Space(rate=Float(0.0, 1.0))
    view = History(space, "min")
    first, again, other = (RandomSearch().suggest(view, stream(seed, "search", 1)) for seed in (0, 0, 1))

    assert first == again != other


def test_does_not_read_scores():
    assert RandomSearch.adaptive is False
