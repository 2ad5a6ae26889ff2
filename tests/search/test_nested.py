"""Against brute force and a known truth: equal draws for every architecture, and the one that tunes best is found."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import dataclass
from functools import partial

import pytest

import truing as tr
from truing.errors import UsageError
from truing.record.events import Event
from truing.record.history import History
from truing.record.seeds import stream
from truing.search.random import RandomSearch
from truing.search.sequential import SequentialSearch
from truing.space.condition import at_least
from truing.space.parameter import Choice, Float, Int
from truing.space.repeat import Repeat
from truing.space.space import Space
from truing.testing.searchers import CHECKS

SPACE = Space(
    depth=Int(1, 3, default=2, group="architecture"),
    kind=Choice(["mlp", "cnn"], group="architecture"),
    dropout=Float(0.0, 0.5, default=0.1, group="architecture", role="nuisance"),
    rate=Float(1e-4, 1.0, log=True, default=1e-2, role="nuisance"),
    batch=Choice([16, 32, 64], default=32, group="runtime", role="nuisance"),
)


def proposed(searcher, space, seed=3, most=1000):
    """All that it proposes, without a single score."""
    view = History(space, "min")
    view.extend([Event("study", {"seed": seed, "metric": "loss", "search": searcher.to_dict(), "goal": "min"})])
    while len(view) < most:
        config = searcher.suggest(view, stream(seed, "search", len(view)))
        if config is None:
            break
        assert space.check(config) == config
        assert not view.used(config.key)
        view.extend([Event("proposed", {"trial": len(view), "config": dict(config)})])
    return [trial.config for trial in view.trials]


def architecture(config, names=("depth", "kind")):
    return tuple(config[name] for name in names)


def test_each_architecture_has_the_defaults_and_then_the_same_draws():
    configs = proposed(SequentialSearch(nested=True, per_group=5), SPACE)

    every = set(itertools.product((1, 2, 3), ("mlp", "cnn")))
    by_architecture: dict = {one: [] for one in every}
    for config in configs:
        by_architecture[architecture(config)].append({name: config[name] for name in ("dropout", "rate", "batch")})
    first = by_architecture[2, "mlp"]
    assert first[0] == {"dropout": 0.1, "rate": 1e-2, "batch": 32}
    assert len(first) == 5
    assert len({draw["rate"] for draw in first}) == 5
    assert all(draws == first for draws in by_architecture.values())
    assert len(configs) == 30 == SequentialSearch(nested=True, per_group=5).trials(SPACE)
    assert architecture(configs[0]) == (2, "mlp")  # the defaults


def test_cut_anywhere_the_architectures_are_within_one_trial_of_each_other():
    counts: Counter = Counter()
    for config in proposed(SequentialSearch(nested=True), SPACE):
        counts[architecture(config)] += 1
        seen = [counts[one] for one in itertools.product((1, 2, 3), ("mlp", "cnn"))]
        assert max(seen) - min(seen) <= 1


def test_another_seed_draws_other_values_and_the_same_architectures():
    first, second = (proposed(SequentialSearch(nested=True, per_group=3), SPACE, seed) for seed in (1, 2))
    assert [architecture(c) for c in first] == [architecture(c) for c in second]
    assert {c["rate"] for c in first} != {c["rate"] for c in second}


def test_who_is_architecture_is_said_by_group_then_role_then_order():
    by_role = Space(
        optimizer=Choice(["sgd", "adam"]),
        rate=Float(1e-4, 1.0, log=True, default=1e-2, role="nuisance"),
        fixed=Choice([7]),
    )
    configs = proposed(SequentialSearch(nested=True, per_group=4), by_role)
    assert Counter(config["optimizer"] for config in configs) == {"sgd": 4, "adam": 4}

    ordered = SequentialSearch(nested=True, order=[["dropout"], ["rate"]], per_group=3)
    configs = proposed(ordered, SPACE)
    assert Counter(config["dropout"] for config in configs) == dict.fromkeys((0.0, 0.1, 0.125, 0.25, 0.375, 0.5), 3)
    assert {architecture(config, ("depth", "kind", "batch")) for config in configs} == {(2, "mlp", 32)}


def test_a_grid_inside_is_the_whole_product():
    searcher = SequentialSearch(
        nested=True,
        order=[["depth"], ["batch", "kind"]],
        inner={"depth": tr.GridSearch(points=2), "batch, kind": "grid"},
    )
    configs = proposed(searcher, SPACE)
    assert Counter(architecture(c, ("depth", "batch", "kind")) for c in configs) == dict.fromkeys(
        itertools.product((1, 2, 3), (16, 32, 64), ("mlp", "cnn")), 1
    )  # both ends, and the default


def test_an_architecture_with_fewer_configurations_has_them_all_and_no_more():
    space = Space(
        kind=Choice(["mlp", "cnn"], group="architecture"),
        kernel=Choice([1, 3, 5], when={"kind": "cnn"}),
        flip=Choice([True, False]),
    )
    searcher = SequentialSearch(nested=True, per_group=50)
    configs = proposed(searcher, space)
    assert Counter(config["kind"] for config in configs) == {"mlp": 2, "cnn": 6}
    assert searcher.trials(space) == 8


def test_a_repeat_and_parts_that_depend_on_the_architecture():
    space = Space(
        Repeat(
            "layer", count="layers", width=Choice([16, 32], role="scientific"), rate=Float(0.0, 0.5, role="nuisance")
        ),
        layers=Int(1, 2, group="architecture"),
        skip=Choice([True, False], when={"layers": at_least(2)}, group="training"),
    )
    configs = proposed(SequentialSearch(nested=True, per_group=3), space)
    counts = Counter(
        (config["layers"], *(config[f"layer.{k}.width"] for k in range(config["layers"]))) for config in configs
    )
    assert set(counts) == {(1, 16), (1, 32), *((2, *pair) for pair in itertools.product((16, 32), repeat=2))}
    assert set(counts.values()) == {3}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_the_promises_of_every_searcher(check):
    check(partial(SequentialSearch, nested=True, per_group=200))


@dataclass(frozen=True)
class Reads:
    adaptive = True

    def suggest(self, view, rng):
        return RandomSearch().suggest(view, rng)


@pytest.mark.parametrize(
    ("given", "space", "says"),
    [
        ({}, Space(rate=Float(0.0, 1.0)), "needs an architecture and something to tune for it: give parameters group="),
        ({}, Space(depth=Int(1, 3, group="architecture")), "needs an architecture and something to tune for it"),
        ({"order": ["architecture"]}, SPACE, "order= must name two groups or more"),
        ({"order": ["archtecture", "training"]}, SPACE, "order= names the group 'archtecture'"),
        ({"inner": Reads()}, SPACE, "inner searchers that read no scores"),
        ({"inner": {"training": "grid"}}, SPACE, "inner= names the group 'training', but the groups are architecture"),
        (
            {},
            Space(**{f"w{k}": Int(1, 9, group="architecture") for k in range(5)}, rate=Float(0.0, 1.0)),
            "tune anew for each of 3,125 architectures",
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_runs(tmp_path, given, space, says):
    with pytest.raises(UsageError, match=says.replace("(", r"\(")):
        tr.Study(
            lambda run: None,
            space=space,
            metric="loss",
            folder=tmp_path / "s",
            search=SequentialSearch(nested=True, **given),
        )


def test_nested_is_true_or_false():
    with pytest.raises(UsageError, match="nested=True or nested=False, got 'yes'"):
        SequentialSearch(nested="yes")


# -- a whole study --------------------------------------------------------------------------------------------------

CROSSING = Space(
    width=Choice([16, 256], group="architecture"),
    rate=Float(1e-4, 1.0, log=True, default=1e-1, role="nuisance"),
)


def crossing(run):
    """At the default rate the narrow one wins; tuned, the wide one, whose best rate is far lower."""
    wide = run.config["width"] == 256
    away = math.log10(run.config["rate"]) - (-3.0 if wide else -1.0)
    run.report(loss=(0.1 if wide else 0.3) + 0.2 * away**2)


def test_it_finds_what_one_group_at_a_time_takes_for_the_worse(tmp_path):
    def study(name, **settings):
        return tr.Study(
            crossing,
            space=CROSSING,
            metric=tr.Metric("loss", goal="min"),
            folder=tmp_path / name,
            search=tr.SequentialSearch(**settings),
        )

    greedy = study("greedy", joint=0)
    greedy.run(workers=0)
    assert greedy.best.config["width"] == 16  # a local optimum

    nested = study("nested", nested=True, per_group=25)
    nested.run(workers=0)
    assert len(nested.trials()) == 50
    assert nested.best.config["width"] == 256
    found = nested.retuned()
    assert dict(found.architectures[0].values) == {"width": 256}
    assert "With the others at their defaults it would have been width 16" in found.against
    assert nested.importance().region == "over the whole space"


def test_a_search_that_was_cut_goes_on_to_the_same_trials(tmp_path):
    def trials(name, *calls):
        study = tr.Study(
            crossing,
            space=CROSSING,
            metric=tr.Metric("loss", goal="min"),
            folder=tmp_path / name,
            search=tr.SequentialSearch(nested=True),
        )
        for given in calls:
            study.run(workers=0, **given)
        return [trial["config"] for trial in study.trials(as_dicts=True)]

    assert trials("cut", {"trials": 5}, {"trials": 6}, {}) == trials("whole", {})


def test_after_another_search_only_its_own_trials_are_compared(tmp_path):
    given = {"space": CROSSING, "metric": tr.Metric("loss", goal="min"), "folder": tmp_path / "s"}
    tr.Study(crossing, search="random", **given).run(workers=0, trials=7)
    study = tr.Study(crossing, search=tr.SequentialSearch(nested=True, per_group=4), **given)
    study.run(workers=0)
    assert [len(one.trials) for one in study.retuned().architectures] == [4, 4]
    assert len(study.trials()) == 7 + 8 - 1  # the defaults are in both
