"""Against brute force: what a stage enumerates, where the search ends, and what it says of its end."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass

import pytest

import truing as tr
from truing.errors import UsageError
from truing.record.events import Event
from truing.record.history import History
from truing.record.seeds import stream
from truing.search.gain import gain
from truing.search.grid import GridSearch
from truing.search.random import RandomSearch
from truing.search.sequential import SequentialSearch
from truing.space.parameter import Choice, Float, Int
from truing.space.space import Space


def judge(view, config, score, replicates):
    """One more trial: `score` gives a loss for (config, replicate), or None where it fails."""
    number, runs = len(view), []
    view.extend([Event("proposed", {"trial": number, "config": dict(config)})])
    for j in range(replicates):
        value, run = score(config, j), view.next_run
        view.extend(
            [
                Event("started", {"run": run, "trial": number, "purpose": "search", "replicate": j}),
                Event(
                    "finished",
                    {
                        "run": run,
                        "state": "failed" if value is None else "completed",
                        "scores": {} if value is None else {"loss": value},
                    },
                ),
            ]
        )
        runs.append(value)
    if None in runs:
        view.extend([Event("judged", {"trial": number, "state": "failed"})])
        return
    mean = sum(runs) / replicates
    se = math.sqrt(sum((r - mean) ** 2 for r in runs) / (replicates - 1) / replicates) if replicates > 1 else None
    view.extend([Event("judged", {"trial": number, "state": "completed", "value": mean, "se": se})])


def study(space, seed=0, goal="min"):
    view = History(space, goal)
    view.extend([Event("study", {"seed": seed, "metric": "loss", "search": {"name": "x"}, "goal": goal})])
    return view


def run(searcher, space, score, *, replicates=1, most=2000, view=None, seed=0, goal="min"):
    """A study to its end, the defaults first."""
    view = study(space, seed, goal) if view is None else view
    while len(view) < most:
        config = searcher.suggest(view, stream(seed, "search", len(view))) if len(view) else space.defaults()
        if config is None:
            break
        assert not view.used(config.key)
        assert space.check(config) == config
        judge(view, config, score, replicates)
    return view


def once(function):
    return lambda config, replicate: function(config)


THREE = Space(
    layers=Int(1, 4, default=2, group="architecture"),
    kind=Choice(["mlp", "cnn"], group="architecture"),
    rate=Float(0.0, 1.0, default=0.3, group="training"),
    batch=Int(1, 3, default=1, group="runtime"),
)


def separable(config):
    return (config["layers"] - 3) ** 2 + (config["kind"] == "mlp") + (config["rate"] - 0.7) ** 2 - config["batch"]


def test_a_stage_enumerates_its_groups_grid_with_the_rest_at_the_best_so_far():
    configs = [t.config for t in run(SequentialSearch(), THREE, once(separable)).trials]

    frozen = {"rate": 0.3, "batch": 1}
    grid = [{"layers": n, "kind": k, **frozen} for n in (1, 2, 3, 4) for k in ("mlp", "cnn")]
    assert configs[1:8] == [config for config in grid if config != THREE.defaults()]
    best = {"layers": 3, "kind": "cnn"}
    assert configs[8:13] == [{**best, "rate": rate, "batch": 1} for rate in (0.0, 0.25, 0.5, 0.75, 1.0)]
    best["rate"] = 0.75
    assert configs[13:15] == [{**best, "batch": batch} for batch in (2, 3)]
    best["batch"] = 3  # the second round: what is new beside the best
    second = [{**best, "layers": n, "kind": k} for n in (1, 2, 3, 4) for k in ("mlp", "cnn")]
    assert configs[15:22] == [config for config in second if config != best]
    assert configs[22:26] == [{**best, "rate": rate} for rate in (0.0, 0.25, 0.5, 1.0)]
    assert len(configs) == 26 + 8  # and nothing new in the last group; then the joint trials


def test_on_a_separable_function_it_finds_the_best_of_all_combinations_and_no_local_optimum():
    for seed in range(10):
        chance = random.Random(seed)
        targets = {name: chance.random() for name in "abcd"}
        space = Space({n: Float(0.0, 1.0, default=chance.random(), group=n) for n in "abcd"})

        def loss(config, targets=targets):
            return sum(abs(config[name] - targets[name]) for name in "abcd")

        view = run(SequentialSearch(), space, once(loss), seed=seed)
        values = [(0.0, 0.25, 0.5, 0.75, 1.0, space.defaults()[name]) for name in "abcd"]
        best = min(loss(dict(zip("abcd", point, strict=True))) for point in itertools.product(*values))
        assert view.best().value == pytest.approx(best)
        assert len(view) < 60  # of 625 combinations
        assert "did not beat" in SequentialSearch().says(view)[-1]


def crossed(config):
    """One group at a time stays at the defaults (0.25, 0.25); along the diagonal it falls."""
    return 10 * (config["x"] - config["y"]) ** 2 + (config["x"] + config["y"] - 1.6) ** 2


CROSSED = Space(
    x=Float(0.0, 1.0, default=0.25, group="a"),
    y=Float(0.0, 1.0, default=0.25, group="b"),
)


@pytest.mark.parametrize("seed", range(5))
def test_on_a_function_with_interaction_the_joint_trials_beat_it_and_it_says_so(seed):
    view = run(SequentialSearch(), CROSSED, once(crossed), seed=seed)
    alone = 1 + 4 + 4
    best = min(view.trials[:alone], key=lambda t: t.value)

    assert best.number == 0
    assert len(view) == alone + 8
    assert all(t.config["x"] != 0.25 and t.config["y"] != 0.25 for t in view.trials[alone:])
    assert view.best().value < best.value
    said = " ".join(SequentialSearch().says(view))
    assert f"Joint trial {view.best().number} (" in said
    assert "beat the best of one group at a time, trial 0 (loss 1.21)" in said
    assert "local optimum" in said


def test_a_larger_value_is_better_where_the_goal_says_so():
    view = run(SequentialSearch(), CROSSED, once(lambda c: -crossed(c)), goal="max")

    mirrored = run(SequentialSearch(), CROSSED, once(crossed))
    assert [t.config for t in view.trials] == [t.config for t in mirrored.trials]
    assert SequentialSearch().says(view)[0] == SequentialSearch().says(mirrored)[0]
    assert "beat the best" in SequentialSearch().says(view)[-1]


# -- noise -----------------------------------------------------------------------------------------------------------


def noisy(spread, shared):
    """Noise by configuration and replicate, or by replicate alone."""

    def score(config, replicate):
        name = f"{replicate}" if shared else f"{config.key}{replicate}"
        return separable(config) / 100 + random.Random(name).gauss(0, spread)

    return score


def test_the_noise_is_that_of_the_paired_difference():
    """Noise that every configuration shares is none: the same trials as without."""
    quiet = run(SequentialSearch(), THREE, noisy(0.0, True), replicates=5)
    shared = run(SequentialSearch(), THREE, noisy(5.0, True), replicates=5)

    assert [t.config for t in shared.trials] == [t.config for t in quiet.trials]
    pair = gain(shared, shared.trial(0), shared.best())
    assert pair.noise == pytest.approx(0.0, abs=1e-12)
    assert pair.how == "the standard error of the paired difference"


def test_a_round_within_the_noise_is_the_last():
    loud = run(SequentialSearch(inner="random"), THREE, noisy(1.0, False), replicates=5, seed=3)
    quiet = run(SequentialSearch(inner="random"), THREE, noisy(1e-6, False), replicates=5, seed=3)

    assert len(loud) < len(quiet)
    for view in (loud, quiet):
        assert "less than the noise" in (said := SequentialSearch(inner="random").says(view)[0]) or "nothing" in said


def test_without_runs_the_estimates_own_errors_are_the_noise_and_without_these_any_gain_counts():
    view = History(THREE, "min")
    for number, (value, se) in enumerate([(1.0, 0.3), (0.6, 0.4), (0.5, None)]):
        view.extend([Event("proposed", {"trial": number, "config": {"rate": number / 10}})])
        view.extend([Event("judged", {"trial": number, "state": "completed", "value": value, "se": se})])
    both = gain(view, view.trial(0), view.trial(1))

    assert (both.size, both.noise) == (pytest.approx(0.4), pytest.approx(0.5))
    assert not both.beyond_noise
    assert gain(view, view.trial(1), view.trial(2)).beyond_noise
    assert gain(view, None, view.trial(0)).beyond_noise
    assert not gain(view, view.trial(0), view.trial(0)).beyond_noise


def test_luck_of_the_best_of_the_joint_trials_is_no_local_optimum():
    """Groups that do nothing, much noise: a local optimum is claimed in about one study of twenty."""
    space = Space({name: Int(1, 3, group=name) for name in "abc"})
    claims = 0
    for seed in range(60):
        view = run(
            SequentialSearch(), space, lambda c, j, seed=seed: random.Random(f"{seed}{c.key}{j}").random(), replicates=5
        )
        said = " ".join(SequentialSearch().says(view))
        assert "no local optimum shows" in said or "that was a local" in said
        claims += "that was a local" in said
    assert claims <= 7  # binomial(60, 0.05) is above 7 once in 100 times


# -- order, inner searchers ------------------------------------------------------------------------------------------


def changed(view, number):
    return {n for n, v in view.trial(number).config.items() if v != view.space.defaults()[n]}


def test_the_order_is_as_given_and_lists_of_parameters_are_groups_of_their_own():
    searcher = SequentialSearch(order=["training", ["batch", "layers"]], joint=0)
    view = run(searcher, THREE, once(separable))

    assert [t.config["rate"] for t in view.trials[1:6]] == [0.0, 0.25, 0.5, 0.75, 1.0]
    pairs = {(t.config["batch"], t.config["layers"]) for t in view.trials[5:17]}
    assert len(pairs) == 12
    assert {t.config["kind"] for t in view.trials} == {"mlp"}  # in no group: as the defaults have it
    assert "kind stays as the defaults have it" in searcher.says(study(THREE))[0]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"order": ["training", "trainning"]},
            "names the group 'trainning', but the groups are architecture, ",
        ),
        ({"order": ["rate"]}, r"write \['rate'\] for this parameter alone"),
        ({"order": [["rate", "nothing"]]}, "names the parameter 'nothing', but the space has layers"),
        ({"order": ["training", ["rate"]]}, "'rate' in two groups"),
        ({"inner": {"nobody": "random"}}, "names the group 'nobody', but the groups are"),
    ],
)
def test_settings_that_do_not_fit_the_space_are_refused_when_the_study_is_made(settings, words, tmp_path):
    with pytest.raises(UsageError, match=words):
        tr.Study(
            print,
            space=THREE,
            metric=tr.Metric("loss", goal="min"),
            search=SequentialSearch(**settings),
            folder=tmp_path,
        )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"order": "training"}, "order= takes a list"),
        ({"order": []}, "order= takes a list"),
        ({"order": [3]}, "order= takes a list"),
        ({"order": [[]]}, "order= takes a list"),
        (
            {"inner": "sequential"},
            r"inner= takes one of 'random', .* and no sequential search inside a sequential one\.$",
        ),
        ({"inner": SequentialSearch()}, "no sequential search inside"),
        ({"inner": GridSearch}, "inner= takes one of .* to these, not <class"),
        ({"inner": "griddy"}, r"inner= takes one of 'random', .* not 'griddy'; did you mean 'grid'\?$"),
        ({"per_group": 0}, "per_group to be a whole number from 1, got 0"),
        ({"joint": -1}, "joint to be a whole number from 0, got -1"),
        ({"joint": True}, "joint to be"),
    ],
)
def test_settings_that_are_none_are_refused(settings, words):
    with pytest.raises(UsageError, match=words):
        SequentialSearch(**settings)


def test_a_group_can_have_an_inner_searcher_of_its_own():
    searcher = SequentialSearch(
        inner={"training": "sobol", "architecture": GridSearch(points=2), "runtime": RandomSearch()}, per_group=6
    )
    view = run(searcher, THREE, once(separable))

    assert {t.config["layers"] for t in view.trials[1:5]} == {1, 4}
    rates = [t.config["rate"] for t in view.trials[5:11]]
    assert len({math.floor(rate * 8) for rate in rates}) == 6  # as even as Sobol points are
    assert {t.config["batch"] for t in view.trials[11:13]} == {2, 3}  # all there is, not six
    assert searcher.to_dict()["inner"]["architecture"] == {"name": "GridSearch", "points": 2}


@dataclass(frozen=True)
class EndsEarly:
    """Has no end that it tells, and ends after two trials of a stage."""

    def suggest(self, view, rng):
        return RandomSearch().suggest(view, rng) if len(view) < 3 else None


def test_an_inner_searcher_that_ends_before_its_time_ends_its_stage():
    searcher = SequentialSearch(inner=EndsEarly(), joint=2)
    view = study(THREE)
    judge(view, THREE.defaults(), once(separable), 1)
    for number in (1, 3, 5):
        assert searcher.sees(view) == number
        run(searcher, THREE, once(separable), view=view, most=number + 1)
        assert searcher.sees(view) == number
        run(searcher, THREE, once(separable), view=view, most=number + 2)

    assert [sorted(changed(view, n))[0] in ("kind", "layers") for n in (1, 2)] == [True, True]
    assert {t.config["batch"] for t in view.trials[1:5]} == {1}
    assert {t.config["batch"] for t in view.trials[5:7]} == {2, 3}


# -- spaces ----------------------------------------------------------------------------------------------------------

CONDITIONAL = Space(
    optimizer=Choice(["sgd", "adam"], default="adam", group="one"),
    momentum=Float(0.0, 0.8, default=0.4, step=0.2, when={"optimizer": "sgd"}, group="two"),
    rate=Int(1, 3, default=1, group="two"),
)


def test_a_parameter_whose_parent_lies_in_another_group():
    def loss(config):
        base = {"sgd": 0.5, "adam": 1.0}[config["optimizer"]]
        return base + abs(config.get("momentum", 0.4) - 0.8) + abs(config["rate"] - 2)

    view = run(SequentialSearch(), CONDITIONAL, once(loss))
    configs = [t.config for t in view.trials]
    assert configs[:2] == [{"optimizer": "adam", "rate": 1}, {"optimizer": "sgd", "momentum": 0.4, "rate": 1}]
    stage = configs[2 : 2 + 14]  # sgd is better, so momentum is in the second group's grid
    assert {(c["momentum"], c["rate"]) for c in stage} | {(0.4, 1)} == set(
        itertools.product((0.0, 0.2, 0.4, 0.6, 0.8), (1, 2, 3))
    )
    assert configs[16] == {"optimizer": "adam", "rate": 2}
    assert view.best().config == {"optimizer": "sgd", "momentum": 0.8, "rate": 2}


def test_an_inactive_parameter_comes_back_with_the_value_of_the_best_trial_that_had_it():
    space = Space(
        kind=Choice(["a", "b"], default="b", group="one"),
        depth=Float(0.0, 1.0, default=0.1, when={"kind": "b"}, group="two"),
        rate=Int(1, 3, group="three"),
    )

    def loss(config):
        return 1 - config.get("depth", 0) if config["kind"] == "b" else 0.5 + config["rate"]

    view = study(space)
    for values in ({"kind": "b", "depth": 0.1, "rate": 2}, {"kind": "b", "depth": 0.8, "rate": 2}):
        judge(view, space.check(values), once(loss), 1)
    judge(view, space.check({"kind": "a", "rate": 1}), once(lambda c: -1.0), 1)
    view.extend([Event("study", {"seed": 0, "metric": "loss", "search": {"name": "y"}})])  # taken up by another search

    assert SequentialSearch().suggest(view, stream(0, "search", 3)) == {"kind": "b", "depth": 0.8, "rate": 1}


def test_a_conditional_optimum_behind_a_worse_parent_is_a_local_optimum_that_joint_trials_find():
    space = Space(
        optimizer=Choice(["adam", "sgd"], group="one"),
        momentum=Float(0.0, 1.0, default=0.0, when={"optimizer": "sgd"}, group="two"),
        rate=Int(1, 3, group="three"),
    )

    def loss(config):
        return 2 - 2 * config["momentum"] if "momentum" in config else 1.0

    view = run(SequentialSearch(joint=12), space, once(loss))
    assert view.best().config["optimizer"] == "sgd"
    assert "beat the best of one group at a time" in SequentialSearch(joint=12).says(view)[-1]


def test_one_group_is_its_grid_and_has_no_joint_trials():
    space = Space(x=Int(1, 4), y=Choice(["u", "v"]))
    view = run(SequentialSearch(), space, once(lambda c: c["x"]))

    assert {(t.config["x"], t.config["y"]) for t in view.trials} == set(itertools.product((1, 2, 3, 4), "uv"))
    assert len(view) == 8
    assert SequentialSearch().says(view)[-1].startswith("No joint trials")


def test_a_space_of_one_configuration_ends_at_once():
    space = Space(only=Choice(["value"]), fixed=Int(1, 9, default=4, role="fixed", group="other"))

    assert len(run(SequentialSearch(), space, once(lambda c: 1.0))) == 1


@pytest.mark.parametrize("joint", [8, 1000])
def test_a_small_space_is_used_up_without_a_repeat(joint):
    space = Space({name: Int(1, 3, group=name) for name in "abc"})
    view = run(SequentialSearch(joint=joint), space, once(lambda c: (c["a"] - c["b"]) ** 2 + c["c"]))

    assert len({t.config.key for t in view.trials}) == len(view) <= 27
    assert joint == 8 or len(view) == 27


# -- trials that fail, going on --------------------------------------------------------------------------------------


def test_failed_trials_are_no_base_and_failed_defaults_are_the_base_until_one_completes():
    def score(config, replicate):
        return None if config["layers"] == 2 or config["kind"] == "cnn" else separable(config)

    view = run(SequentialSearch(), THREE, score)
    assert view.trial(0).state == "failed"
    assert view.trial(8).config["layers"] == 3
    assert all(t.config["kind"] == "mlp" for t in view.trials[8:15])
    nothing = run(SequentialSearch(), THREE, lambda c, j: None)
    assert {n: v for n, v in nothing.trial(8).config.items() if n != "rate"} == {"layers": 2, "kind": "mlp", "batch": 1}
    assert "no trial has completed" in SequentialSearch().says(nothing)[-1]


@pytest.mark.parametrize("cut", range(1, 34, 3))
def test_a_run_that_was_cut_says_so_and_goes_on_the_same(cut):
    whole = run(SequentialSearch(), THREE, once(separable))
    view = run(SequentialSearch(), THREE, once(separable), most=cut)
    said = " ".join(SequentialSearch().says(view))

    assert "local optimum has not been looked for" in said or cut in (1, *range(27, 34))
    run(SequentialSearch(), THREE, once(separable), view=view)
    assert [t.config for t in view.trials] == [t.config for t in whole.trials]


def test_taken_up_after_another_search_it_starts_from_the_best_so_far():
    view = study(THREE)
    for number in range(10):
        config = RandomSearch().suggest(view, stream(0, "search", number)) if number else THREE.defaults()
        judge(view, config, once(separable), 1)
    best = view.best().config
    view.extend([Event("study", {"seed": 0, "metric": "loss", "search": {"name": "SequentialSearch"}})])

    run(SequentialSearch(), THREE, once(separable), view=view)
    stage = view.trials[10:17]
    assert all({n: t.config[n] for n in ("rate", "batch")} == {n: best[n] for n in ("rate", "batch")} for t in stage)
    assert {(t.config["layers"], t.config["kind"]) for t in stage} | {(best["layers"], best["kind"])} == set(
        itertools.product((1, 2, 3, 4), ("mlp", "cnn"))
    )


def test_in_a_space_that_grew_a_new_first_round_starts_from_the_best_so_far():
    view = run(SequentialSearch(), THREE, once(separable))
    grown = Space(
        {**THREE.parameters, "layers": Int(1, 6, default=2, group="architecture"), "more": Int(0, 2, default=0)}
    )
    before, best = len(view), view.best().config
    view.extend([Event("extended", {"space": grown.to_dict()})])
    run(SequentialSearch(), grown, once(lambda c: separable(c) - c["more"]), view=view)

    first = view.trial(before).config
    assert {n: first[n] for n in ("rate", "batch", "more")} == {"rate": best["rate"], "batch": best["batch"], "more": 0}
    assert view.best().config == {**best, "more": 2}


# -- as a person sees it ---------------------------------------------------------------------------------------------


def test_a_whole_study_says_its_plan_and_its_end_everywhere(tmp_path, capsys):
    def train(run):
        run.report(loss=crossed(run.config) + random.Random(f"{run.seed}{run.config['x']}").gauss(0, 0.01))

    made = tr.Study(
        train,
        space=CROSSED,
        metric=tr.Metric("loss", goal="min"),
        validation=tr.Seeds(5),
        search="sequential",
        folder=tmp_path / "study",
    )
    made.run(workers=0)
    err = capsys.readouterr().err
    assert len(made.trials(as_dicts=True)) == 17
    assert "as many trials as the search takes" in err
    assert "Sequential search: rounds of a (4 trials), b (4), until one brings less" in err
    assert "beat the best of one group at a time" in " ".join(err.split())
    assert max(map(len, err.splitlines())) < 80
    made.run(workers=0)
    assert "The search has come to its end, with 17 trials." in capsys.readouterr().err
    verdict = made.verdict(workers=0)
    assert any("beat the best of one group at a time" in line for line in verdict.to_dict()["search_says"])
    assert "local optimum" in " ".join(str(verdict).split())
    assert max(map(len, str(verdict).splitlines())) <= 80
    assert "beat the best of one group at a time" in (tmp_path / "study" / "report.html").read_text("utf-8")


def test_workers_make_no_difference_to_a_study_in_processes(tmp_path):
    configs = []
    for workers in (1, 4):
        made = tr.Study(
            _train,
            space=CROSSED,
            metric=tr.Metric("loss", goal="min"),
            search="sequential",
            folder=tmp_path / f"{workers}",
        )
        made.run(workers=workers)
        configs.append([row["config"] for row in made.trials(as_dicts=True)])

    assert configs[0] == configs[1]
    assert len(configs[0]) == 17


def _train(run):
    run.report(loss=crossed(run.config))


def test_a_repeat_is_a_group_by_its_name_and_its_count_may_lie_in_another():
    space = tr.Space(
        tr.Repeat("layer", count="layers", kind=tr.Choice({"conv": max, "dense": min}), width=tr.Int(1, 3, default=2)),
        layers=tr.Int(0, 2, default=1),
        rate=tr.Int(1, 3),
    )

    def loss(config):
        layers = [(config[f"layer.{k}.kind"], config[f"layer.{k}.width"]) for k in range(config["layers"])]
        return sum(width + 2 * (kind == "conv") - 5 for kind, width in layers) + config["rate"]

    searcher = SequentialSearch(order=[["layers"], ["layer"], ["rate"]])
    view = run(searcher, space, once(loss))

    assert {t.config["layers"] for t in view.trials[1:3]} == {0, 2}
    assert {t.config["layers"] for t in view.trials[3 : 3 + 35]} == {2}
    assert len({t.config.key for t in view.trials[3 : 3 + 35]}) == 35  # all of (2 x 3) x (2 x 3) but the best so far
    assert {t.config["rate"] for t in view.trials[38:40]} == {1, 3}
    best = {"kind": "dense", "width": 1}
    assert view.best().config == {
        "layers": 2,
        **{f"layer.{k}.{name}": value for k in range(2) for name, value in best.items()},
        "rate": 1,
    }
    tr.Study(print, space=space, metric=tr.Metric("loss", goal="min"), search=searcher)
