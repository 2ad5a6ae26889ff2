"""The ablation path: its order and its ends by brute force, its runs against those of the search."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import truing as tr
from truing.errors import UsageError
from truing.one_at_a_time import Ablation
from truing.one_at_a_time.path import path
from truing.record.trial import SEARCH
from truing.report.plots import drawing, seen
from truing.report.study import read

SPACE = tr.Space(
    a=tr.Float(0.0, 1.0, default=0.0),
    b=tr.Float(0.0, 1.0, default=0.0),
    c=tr.Choice(["x", "y"], default="x"),
    d=tr.Float(0.0, 1.0, default=0.5, when={"c": "y"}),
)
LOSS = tr.Metric("loss", goal="min")


def value(config: Any) -> float:
    """b gains most, then c with d; a does little, and more where b is high."""
    return 5.0 - 3.0 * config["b"] - 0.2 * config["a"] * (1 + config["b"]) - (config["c"] == "y") - config.get("d", 0)


def noisy(run: Any) -> None:
    run.report(loss=value(run.config) + 0.05 * np.random.default_rng(run.seed).normal())


def test_the_order_is_that_of_the_greedy_path_by_the_function_itself() -> None:
    """Each step is the best of all single moves, found by trying them."""
    rng = np.random.default_rng(1)
    trials = [SPACE.sample(rng) for _ in range(80)]
    end = {"a": 1.0, "b": 1.0, "c": "y", "d": 0.9}

    found, told = path(SPACE, SPACE.defaults(), end, trials, np.array([value(c) for c in trials]))

    here = dict(SPACE.defaults())
    for move in found:
        single = {}
        for name in [n for n in here if n in end and here[n] != end[n]]:
            single[name] = value(SPACE.moved(SPACE.check(here), name, end[name]))
        assert move.parameter == min(single, key=lambda name: single[name])
        here = dict(move.config)
    assert told
    assert here == end
    assert [move.parameter for move in found] == ["b", "c", "d", "a"]


@pytest.mark.parametrize("seed", range(20))
def test_every_path_ends_where_it_leads(seed: int) -> None:
    rng = np.random.default_rng(seed)
    start, end = SPACE.sample(rng), SPACE.sample(rng)

    found, told = path(SPACE, start, end)

    assert not told
    assert dict(found[-1].config) == dict(end)
    for first, second in itertools.pairwise([start, *(move.config for move in found)]):
        changed = {name for name in {*first, *second} if first.get(name) != second.get(name)}
        assert changed <= {"a"} or changed <= {"b"} or changed <= {"c", "d"}


def study(folder: Path, **given: Any) -> tr.Study:
    return tr.Study(noisy, SPACE, metric=LOSS, validation=tr.Seeds(4), folder=folder, **given)


def test_every_step_is_run_anew_and_its_change_is_students(tmp_path: Path) -> None:
    tuned = study(tmp_path / "s")
    tuned.run(trials=20, workers=0)
    before = tuned.trials(as_dicts=True)
    found = tuned.ablation(workers=0)

    assert tuned.trials(as_dicts=True) == before
    history, _ = read(tuned.folder)
    runs = [run for run in history.runs.values() if run.purpose.startswith("ablation")]
    seeds = {run.seed for run in history.runs.values() if run.purpose == SEARCH}
    assert len(runs) == found.each * len(found.steps)
    assert not {run.seed for run in runs} & seeds  # not those on which the best was chosen
    groups: dict[str, list[Any]] = {}
    for run in runs:
        groups.setdefault(run.purpose, []).append(run)
    scores = [[r.scores["loss"] for r in sorted(g, key=lambda r: r.replicate)] for g in groups.values()]
    assert [step.score for step in found.steps] == pytest.approx([np.mean(own) for own in scores])
    gaps = np.subtract(scores[1], scores[0])
    level = 1 - 0.05 / (len(found.steps) - 1)
    change = found.steps[1].change
    if gaps.std() > 1e-9:
        low, high = stats.t.interval(level, len(gaps) - 1, loc=gaps.mean(), scale=stats.sem(gaps))
        assert (change["low"], change["high"]) == pytest.approx((low, high), abs=1e-9)
    changes = sum(step.change["value"] for step in found.steps[1:])
    assert changes == pytest.approx(found.total["value"])
    assert found.steps[-1].score - found.steps[0].score == pytest.approx(found.total["value"])
    best = history.best()
    assert best is not None
    assert found.target == best.number


def test_asked_twice_nothing_runs(tmp_path: Path) -> None:
    tuned = study(tmp_path / "s")
    tuned.run(trials=12, workers=0)
    found = tuned.ablation(workers=0)
    before = len(read(tuned.folder)[0].runs)
    assert tuned.ablation(workers=0) == found
    assert len(read(tuned.folder)[0].runs) == before


def test_it_leads_to_what_the_verdict_selected(tmp_path: Path) -> None:
    tuned = study(tmp_path / "s")
    tuned.run(trials=15, workers=0)
    chosen = tuned.verdict(workers=0).to_dict()["selected_trial"]
    found = tuned.ablation(workers=0)
    assert found.selected
    assert found.target == chosen
    assert "the selected" in found.text


def test_words_figure_and_json(tmp_path: Path) -> None:
    tuned = study(tmp_path / "s")
    tuned.run(trials=15, workers=0)
    assert "no ablation path" in drawing("ablation", seen(tuned.folder)).title
    found = tuned.ablation(workers=0)
    assert Ablation.from_dict(found.to_dict()) == found
    assert max(map(len, found.text.splitlines())) <= 80
    assert "most by b" in found.sentence
    made = drawing("ablation", seen(tuned.folder))
    assert made.title == found.sentence
    assert list(made.figure.data[0].x) == pytest.approx([step.score for step in found.steps])
    assert "the defaults" in made.text


def test_a_metric_to_be_high(tmp_path: Path) -> None:
    def high(run: Any) -> None:
        run.report(reward=-value(run.config) + 0.01 * np.random.default_rng(run.seed).normal())

    metric = tr.Metric("reward", goal="max")
    tuned = tr.Study(high, SPACE, metric=metric, validation=tr.Seeds(4), folder=tmp_path / "s")
    tuned.run(trials=30, workers=0)
    found = tuned.ablation(workers=0)
    assert "most by b" in found.sentence
    assert found.total["value"] > 0


def test_a_step_that_fails_is_shown_as_such(tmp_path: Path) -> None:
    def brittle(run: Any) -> None:
        if run.config["c"] == "y" and run.config["b"] == 0.0:
            raise FloatingPointError("no")
        run.report(loss=5 - 10 * (run.config["c"] == "y") - run.config["b"])

    tuned = tr.Study(brittle, SPACE, metric=LOSS, validation=tr.Seeds(2), folder=tmp_path / "s")
    tuned.run(trials=30, workers=0)
    found = tuned.ablation(workers=0)
    failed = [step for step in found.steps if step.score is None]
    assert [step.parameter for step in failed][:1] == ["c"]
    assert "gave no score" in found.sentence
    assert "failed" in found.text


def test_what_has_no_path_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no trial has completed"):
        study(tmp_path / "a").ablation(workers=0)
    only = study(tmp_path / "b")
    only.run(trials=1, workers=0)
    with pytest.raises(UsageError, match="no path leads away"):
        only.ablation(workers=0)
    bare = tr.Study(noisy, SPACE, metric=LOSS, validation=None, folder=tmp_path / "c")
    bare.run(trials=5, workers=0)
    with pytest.raises(UsageError, match="fresh runs"):
        bare.ablation(workers=0)
