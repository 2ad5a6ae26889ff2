"""The facade, in this process: what a person calls, and what they get back."""

from __future__ import annotations

import itertools
import json
import math
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.errors import (
    ChangedStudyError,
    FolderInUseError,
    JournalError,
    ObjectiveError,
    StudyFailedError,
    UsageError,
)
from truing.report.study import read
from truing.storage.lock import hold

LOSS = tr.Metric("loss", goal="min")
SPACE = tr.Space(x=tr.Float(-1.0, 2.0, default=1.5))


def square(run: Any) -> None:
    run.report(loss=(run.config["x"] - 0.5) ** 2 + run.seed % 100 / 1e6)


def make(place: Path, objective: Any = square, /, **more: Any) -> tr.Study:
    settings = {"space": SPACE, "metric": LOSS, "validation": tr.Seeds(2), "folder": place / "study", **more}
    return tr.Study(**({"objective": objective} | settings))


def rows(n: int = 60, classes: int = 2, seed: int = 0) -> tr.Data:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    y = np.argsort(np.argsort(x[:, 0] + 0.3 * rng.normal(size=n))) * classes // n
    return tr.Data(x, y)


def logistic(run: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Binary: one step of least squares, and a temperature."""
    weights = (run.train.x.T @ (run.train.y - 0.5)) / len(run.train.y)

    def predict(x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-run.config["x"] * (x @ weights)))

    run.report(predict(run.valid.x))
    return predict


def plain(study: tr.Study) -> list[dict[str, Any]]:
    """The trials, less what no two machines share."""
    return [{k: v for k, v in row.items() if k != "seconds"} for row in study.trials(as_dicts=True)]


def events(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    with sqlite3.connect(f"file:{folder / 'study' / 'journal.db'}?mode=ro", uri=True) as connection:
        return [(kind, json.loads(text)) for kind, text in connection.execute("SELECT kind, payload FROM event")]


# -- search ----------------------------------------------------------------------------------------------------------


def test_making_a_study_touches_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    study = make(tmp_path, logistic, data=rows(), metric="log_loss", validation=tr.KFold(3))

    assert study.trials(as_dicts=True) == []
    assert "No trials yet" in str(study.trials())
    with pytest.raises(UsageError, match="has not been run"):
        study.verdict()
    with pytest.raises(UsageError, match="holds no study"):
        study.report()
    assert list(tmp_path.iterdir()) == []


def test_the_same_study_twice_is_the_same_study(tmp_path: Path) -> None:
    def predict(run: Any) -> Any:
        noise = float(np.random.rand())  # the global generators are seeded too  # noqa: NPY002
        run.report(logistic(run)(run.valid.x) * (1 - 1e-3 * noise))
        return logistic(run)

    found = []
    for name in ("one", "two"):
        study = make(tmp_path / name, predict, data=rows(), metric="log_loss", validation=tr.KFold(3), seed=5)
        study.run(trials=6, workers=0)
        found.append((plain(study), study.verdict(workers=0).to_dict()))

    for _, verdict in found:
        del verdict["seconds"]
    assert found[0] == found[1]


def test_the_same_trials_for_any_number_of_workers_and_over_restarts(tmp_path: Path) -> None:
    found = []
    for place, lives in enumerate([[(9, 0)], [(9, 1)], [(9, 2)], [(2, 2), (3, 0), (9, 1)]]):
        study = make(tmp_path / str(place), logistic, data=rows(), metric="log_loss", validation=tr.KFold(3))
        for trials, workers in lives:
            study.run(trials=trials, workers=workers)
        found.append(plain(study))

    assert found[1:] == found[:1] * 3


@pytest.mark.parametrize(
    "how", ["tensor", "official", "mask", "no test", "no validation", "seeds", "groups", "strings"]
)
def test_whatever_the_data_a_study_comes_to_its_verdict(tmp_path: Path, how: str) -> None:
    data = rows()
    settings: dict[str, Any] = {"data": data, "validation": tr.KFold(3), "metric": None}
    if how == "tensor":
        torch = pytest.importorskip("torch")
        settings["data"] = tr.Data(torch.as_tensor(data.x), torch.as_tensor(data.y))
    elif how == "official":
        settings["test"] = tr.Data(data.x[:20] + 0.01, data.y[:20])
    elif how == "mask":
        settings["test"] = np.arange(60) % 4 == 0
    elif how == "no test":
        settings["test"] = None
    elif how == "no validation":
        settings["validation"] = None
    elif how == "seeds":
        settings["validation"] = tr.Seeds(3)
    elif how == "groups":
        settings["data"] = tr.Data(data.x, data.y, groups=np.arange(60) // 3)
    else:
        settings |= {"data": tr.Data(data.x, np.where(data.y == 1, "sick", "well")), "positive": "sick"}

    def objective(run: Any) -> Any:
        side = np.asarray(run.train.y) == run.classes[1]
        weights = np.asarray(run.train.x).T @ (side - 0.5) / len(side)

        def predict(x: Any) -> np.ndarray:
            return 1 / (1 + np.exp(-run.config["x"] * (np.asarray(x) @ weights)))

        if run.valid is None:
            run.report(log_loss=float(np.mean((predict(run.train.x) - side) ** 2)))
        else:
            assert type(run.valid.x) is type(settings["data"].x)
            run.report(predict(run.valid.x))
        return predict

    study = make(tmp_path, objective, **settings)
    study.run(trials=3, workers=0)
    found = study.verdict(workers=0).to_dict()

    assert [row["state"] for row in study.trials(as_dicts=True)] == ["completed"] * 3
    assert (found["metric"], found["looks"]) == ("log_loss", 0 if how == "no test" else 1)
    assert (found["test"] is None) is (how == "no test")
    assert (found["validation"]["selected"] is None) is (how == "no validation")
    json.dumps(found, allow_nan=False)


def test_another_seed_is_another_study(tmp_path: Path) -> None:
    one, two = (make(tmp_path / str(seed), seed=seed) for seed in (0, 1))
    for study in (one, two):
        study.run(trials=4, workers=0)

    assert plain(one) != plain(two)


def test_trials_count_over_all_calls_and_failed_ones_too(tmp_path: Path) -> None:
    def sometimes(run: Any) -> None:
        if run.config["x"] < 0:
            raise ValueError("negative")
        square(run)

    study = make(tmp_path, sometimes)
    study.run(trials=6, workers=0)
    study.run(trials=6, workers=0)
    assert len(study.trials()) == 6
    study.run(trials=9, workers=0)
    assert len(study.trials()) == 9
    study.run(trials=3, workers=0)
    assert [row["number"] for row in study.trials(as_dicts=True)] == list(range(9))
    assert {row["state"] for row in study.trials(as_dicts=True)} == {"completed", "failed"}

    whole = make(tmp_path / "whole", sometimes)
    whole.run(trials=9, workers=0)
    assert plain(whole) == plain(study)


def test_without_trials_a_search_has_forty(tmp_path: Path) -> None:
    study = make(tmp_path, validation=None)
    study.run(workers=0)

    assert len(study.trials()) == 40


def test_a_grid_goes_on_to_its_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    space = tr.Space(a=tr.Int(1, 3, default=2), b=tr.Choice(["p", "q"]), c=tr.Float(0.0, 1.0, default=0.3))
    settings: dict[str, Any] = {"space": space, "search": tr.GridSearch(points=3)}

    def objective(run: Any) -> None:
        run.report(loss=run.config["a"] + run.config["c"])

    study = make(tmp_path, objective, **settings)
    study.run(trials=5, workers=0)
    assert "5 trials x 2 runs" in capsys.readouterr().err
    make(tmp_path, objective, **settings).run(workers=0)

    said = capsys.readouterr().err
    assert "14 trials x 2 runs" in said  # those that are left of 3 x 2 x 3 and the defaults, which are off the grid
    tried = [tuple(row["config"].values()) for row in study.trials(as_dicts=True)]
    assert tried[0] == (2, "p", 0.3)
    assert len(tried) == 19
    assert set(tried[1:]) == set(itertools.product((1, 2, 3), "pq", (0.0, 0.5, 1.0)))


def test_the_plan_names_size_and_time_before_the_first_trial(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make(tmp_path, space=tr.Space(a=tr.Int(1, 7), b=tr.Choice(["p", "q"])), search="grid")
    study.objective = lambda run: run.report(loss=1.0)
    study.run(workers=0)

    lines = capsys.readouterr().err.splitlines()
    plan = next(place for place, line in enumerate(lines) if line.startswith("Plan:"))
    first = next(place for place, line in enumerate(lines) if re.match(r"\d+/\d+ trials", line))
    assert re.match(r"Plan: 10 trials x 2 runs \(2 seeds\), \S+ s each: \S+ s\.", lines[plan])
    assert plan < first


def test_an_exhausted_space_ends_cleanly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = make(tmp_path, lambda run: run.report(loss=run.config["n"]), space=tr.Space(n=tr.Int(1, 4)))
    study.run(trials=30, workers=0)

    said = capsys.readouterr().err
    assert sorted(row["config"]["n"] for row in study.trials(as_dicts=True)) == [1, 2, 3, 4]
    assert "Plan: 4 trials" in said
    assert "All 4 configurations have been tried" in said


def test_minutes_end_a_call_and_the_next_call_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def slow(run: Any) -> None:
        now[0] += 20.0  # seconds
        square(run)

    study = make(tmp_path, slow, validation=None)
    study.run(minutes=1, workers=0)
    assert len(study.trials()) == 2  # the rehearsal took the first third of the minute
    study.run(minutes=1, workers=0)
    assert len(study.trials()) == 5


@pytest.mark.parametrize(("goal", "reached"), [("min", 0.2), ("max", 0.8)])
def test_target(tmp_path: Path, goal: str, reached: float) -> None:
    def objective(run: Any) -> None:
        x = run.config["x"]
        run.report(loss=x if goal == "min" else 1 - x)

    study = make(
        tmp_path, objective, space=tr.Space(x=tr.Float(0.0, 1.0, default=0.9)), metric=tr.Metric("loss", goal=goal)
    )
    study.run(trials=200, target=reached, workers=0)

    values = [row["value"] for row in study.trials(as_dicts=True)]
    is_there = [value <= reached if goal == "min" else value >= reached for value in values]
    assert is_there.index(True) == len(values) - 1 < 100
    found = study.verdict(workers=0)
    assert "reached by the search" in str(found)
    assert found.to_dict()["target"]["fresh_reached"] is True


def test_a_target_that_the_fresh_runs_miss_is_said(tmp_path: Path) -> None:
    def lucky(run: Any) -> None:
        """One seed of the search is lucky; no fresh one is."""
        run.report(loss=0.0 if run.seed == seeds[0] else 1.0 + run.config["x"] / 100)

    from truing.record.seeds import seed_of

    seeds = [seed_of(0, "search", 0)]
    study = make(tmp_path, lucky, validation=tr.Seeds(1))
    study.run(trials=5, target=0.5, workers=0)
    found = study.verdict(workers=0)

    assert len(study.trials()) == 1
    assert found.to_dict()["target"]["fresh_reached"] is False
    assert "target_missed" in {warning["code"] for warning in found.warnings}


def test_trials_as_dicts_have_the_documented_keys(tmp_path: Path) -> None:
    study = make(tmp_path)
    study.run(trials=3, workers=0)

    for number, row in enumerate(study.trials(as_dicts=True)):
        assert list(row) == ["number", "state", "config", "value", "se", "runs", "seconds", "reason"]
        assert (row["number"], row["state"], row["runs"], row["reason"]) == (number, "completed", 2, None)
        json.dumps(row, allow_nan=False)


# -- a changed study -------------------------------------------------------------------------------------------------


def module(folder: Path, text: str, name: str = "objectives") -> Any:
    """A module with this source, freshly executed; its functions have readable source."""
    import importlib.util
    import linecache

    path = folder / f"{name}.py"
    path.write_text(text)
    linecache.checkcache(str(path))
    spec = importlib.util.spec_from_file_location(name, path)
    made = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[name] = made
    exec(compile(text, str(path), "exec"), made.__dict__)
    return made


ORIGINAL = '''
SCALE = 2.0

def helper(x):
    """What it does."""
    return x * SCALE  # a comment

class Part:
    bias = 0.5
    def value(self, x):
        return helper(x) + self.bias

def train(run):
    run.report(loss=Part().value(run.config["x"]) ** 2)
'''

CHANGES = {
    "the function": ('["x"]) ** 2', '["x"]) ** 4', "** 4"),
    "a function it calls": ("return x * SCALE", "return 3 * x * SCALE", "return 3 * x * SCALE"),
    "a class it uses": ("bias = 0.5", "bias = 0.25", "bias = 0.25"),
    "a method of it": ("helper(x) + self.bias", "helper(x) - self.bias", "helper(x) - self.bias"),
    "a constant": ("SCALE = 2.0", "SCALE = 2.5", "SCALE = 2.5"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_function_is_refused_with_the_diff(tmp_path: Path, what: str) -> None:
    old, new, shown = CHANGES[what]
    make(tmp_path, module(tmp_path, ORIGINAL).train).run(trials=3, workers=0)
    assert old in ORIGINAL
    changed = make(tmp_path, module(tmp_path, ORIGINAL.replace(old, new)).train)

    with pytest.raises(ChangedStudyError) as refusal:
        changed.run(trials=5, workers=0)
    assert re.search(rf"^\+.*{re.escape(shown)}", str(refusal.value), re.M)
    assert "accept_change=True (--accept-change)" in str(refusal.value)
    assert len(changed.trials()) == 3

    changed.run(trials=5, workers=0, accept_change=True)
    assert len(changed.trials()) == 5
    assert [data for kind, data in events(tmp_path) if kind == "accepted" and shown in data["diff"]]
    assert "changed_function" in {warning["code"] for warning in changed.verdict(workers=0).warnings}
    changed.run(trials=6, workers=0)  # agreed to once


def test_comments_docstrings_and_layout_are_no_change(tmp_path: Path) -> None:
    make(tmp_path, module(tmp_path, ORIGINAL).train).run(trials=2, workers=0)
    other = ORIGINAL.replace("# a comment", "# another").replace("What it does", "Something else")
    other = other.replace("SCALE = 2.0\n", "SCALE = 2.0\n\n\n# more\n").replace(
        "return x * SCALE", "return (x * SCALE)"
    )

    study = make(tmp_path, module(tmp_path, other).train)
    study.run(trials=4, workers=0)

    assert len(study.trials()) == 4


def test_a_constant_of_a_module_that_is_used_by_name_counts(tmp_path: Path) -> None:
    """`import parts; parts.net()` is how most people split their code."""
    text = "import parts\n\ndef train(run):\n    run.report(loss=parts.loss(run.config['x']))\n"
    part = "WIDTH = 2\n\ndef loss(x):\n    return inner(x)\n\ndef inner(x):\n    return x * x * WIDTH\n"
    module(tmp_path, part, "parts")
    make(tmp_path, module(tmp_path, text).train).run(trials=2, workers=0)
    for old, new in (("x * x", "x * x + 1"), ("WIDTH = 2", "WIDTH = 3")):
        module(tmp_path, part.replace(old, new), "parts")
        with pytest.raises(ChangedStudyError, match=re.escape(new)):
            make(tmp_path, module(tmp_path, text).train).run(trials=3, workers=0)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"seed": 0}, {"seed": 1}, "seed was 0 and is now 1"),
        ({"metric": LOSS}, {"metric": tr.Metric("loss", goal="max")}, "goal was min and is now max"),
        ({"metric": LOSS}, {"metric": tr.Metric("cost", goal="min")}, "metric was loss and is now cost"),
        ({"validation": tr.Seeds(2)}, {"validation": tr.Seeds(3)}, "validation was seeds(n=2) and is now seeds(n=3)"),
        ({"validation": tr.Seeds(2)}, {"validation": None}, "validation was seeds(n=2) and is now none"),
        ({"epochs": 2}, {"epochs": 3}, "epochs was 2 and is now 3"),
        ({"threads": 1}, {"threads": 2}, "threads was 1 and is now 2"),
    ],
)
def test_what_must_not_change_is_refused_in_one_sentence(
    tmp_path: Path, before: dict[str, Any], after: dict[str, Any], said: str
) -> None:
    def both(run: Any) -> None:
        run.report(loss=run.config["x"], cost=run.config["x"])

    make(tmp_path, both, **before).run(trials=2, workers=0)

    with pytest.raises(ChangedStudyError) as refusal:
        make(tmp_path, both, **after).run(trials=3, workers=0)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert "fresh=True" in str(refusal.value)
    make(tmp_path, both, **before).run(trials=3, workers=0)


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"data": rows(seed=1)}, "data was"),
        ({"test": 0.3}, "test was 20 % of the rows, stratified by class and is now 30 %"),
        ({"test": None}, "and is now no test set"),
        ({"test": range(12)}, "the 12 rows that were given"),
        ({"validation": tr.KFold(4)}, "validation was kfold(folds=3, repeats=1) and is now kfold(folds=4, repeats=1)"),
        ({"positive": 0}, "positive was none and is now 0"),
        ({"metric": "brier"}, "metric was log_loss and is now brier"),
    ],
)
def test_data_and_protocol_must_not_change(tmp_path: Path, after: dict[str, Any], said: str) -> None:
    settings: dict[str, Any] = {"data": rows(), "metric": "log_loss", "validation": tr.KFold(3), "test": 0.2}
    make(tmp_path, logistic, **settings).run(trials=2, workers=0)

    with pytest.raises(ChangedStudyError) as refusal:
        make(tmp_path, logistic, **(settings | after)).run(trials=3, workers=0)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_other_locked_rows_of_the_same_number_are_another_test(tmp_path: Path) -> None:
    settings: dict[str, Any] = {"data": rows(), "metric": "log_loss", "validation": tr.KFold(3)}
    make(tmp_path, logistic, **settings, test=range(12)).run(trials=2, workers=0)

    with pytest.raises(ChangedStudyError, match=r"data was .* test .* and is now"):
        make(tmp_path, logistic, **settings, test=range(1, 13)).run(trials=3, workers=0)


def test_before_the_first_completed_run_anything_may_change(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(run: Any) -> None:
        run.report(loss=float("nan"))

    with pytest.raises(StudyFailedError, match="5 trials in a row"):
        make(tmp_path, broken, seed=3, metric=LOSS).run(trials=30, workers=0)
    assert len(make(tmp_path).trials()) == 5

    space = tr.Space(other=tr.Int(1, 100, default=50))
    mended = make(
        tmp_path,
        lambda run: run.report(score=run.config["other"]),
        space=space,
        metric=tr.Metric("score", goal="max"),
        validation=tr.Seeds(3),
        seed=4,
    )
    mended.run(trials=6, workers=0)

    assert [row["state"] for row in mended.trials(as_dicts=True)] == ["completed"] * 6
    assert mended.trials(as_dicts=True)[0]["config"] == {"other": 50}
    history, study = read(tmp_path / "study")
    assert (history.goal, history.best().value) == ("max", max(row["value"] for row in plain(mended)))
    assert study["metric"] == "score"


def test_failed_trials_stay_when_nothing_changed(tmp_path: Path) -> None:
    def broken(run: Any) -> None:
        run.report(loss=float("nan"))

    for failed in (5, 10):
        with pytest.raises(StudyFailedError):
            make(tmp_path, broken).run(trials=30, workers=0)
        assert len(make(tmp_path, broken).trials()) == failed


def test_a_space_that_grew_needs_extend_and_keeps_the_defaults_of_trial_0(tmp_path: Path) -> None:
    def objective(run: Any) -> None:
        run.report(loss=run.config["x"] ** 2 + run.config.get("depth", 3) / 10 + run.seed % 7 / 1e6)

    make(tmp_path, objective).run(trials=5, workers=0)
    moved = tr.Space(x=tr.Float(-3.0, 3.0, default=0.0), depth=tr.Int(1, 5, default=3))
    with pytest.raises(ChangedStudyError, match="default"):
        make(tmp_path, objective, space=moved).run(trials=12, workers=0, extend=True)
    wider = tr.Space(x=tr.Float(-3.0, 3.0, default=1.5), depth=tr.Int(1, 5, default=3))
    grown = make(tmp_path, objective, space=wider)

    with pytest.raises(ChangedStudyError, match=r"grew: .*extend=True \(--extend\)"):
        grown.run(trials=12, workers=0)
    grown.run(trials=12, workers=0, extend=True)

    trials = grown.trials(as_dicts=True)
    assert len(trials) == 12
    assert trials[0]["config"] == {"x": 1.5, "depth": 3}  # the new parameter's default stands in
    assert all(row["config"]["depth"] == 3 for row in trials[:5])
    assert {row["config"]["depth"] for row in trials[5:]} != {3}
    found = grown.verdict(workers=0).to_dict()
    assert found["defaults"] == {"x": 1.5, "depth": 3}
    assert found["validation"]["defaults"] == pytest.approx(1.5**2 + 0.3, abs=1e-3)
    grown.run(trials=13, workers=0)  # agreed to once


def test_extended_and_uninterrupted_studies_read_the_same_from_the_journal(tmp_path: Path) -> None:
    study = make(tmp_path, lambda run: run.report(loss=run.config["n"]), space=tr.Space(n=tr.Int(1, 2)))
    study.run(trials=9, workers=0)
    grown = make(tmp_path, study.objective, space=tr.Space(n=tr.Int(1, 4, default=1), m=tr.Choice(["a", "b"])))
    with pytest.raises(ChangedStudyError, match="'m': it is new and needs default="):
        grown.run(trials=20, workers=0, extend=True)
    space = tr.Space(n=tr.Int(1, 4, default=1), m=tr.Choice(["a", "b"], default="a"))
    make(tmp_path, study.objective, space=space).run(trials=20, workers=0, extend=True)

    tried = [tuple(row["config"].values()) for row in study.trials(as_dicts=True)]
    assert len(tried) == len(set(tried)) == 8
    assert set(tried) == set(itertools.product(range(1, 5), "ab"))


@pytest.mark.parametrize(
    ("space", "said"),
    [
        (tr.Space(x=tr.Float(-1.0, 1.9, default=1.5)), "high fell from 2.0 to 1.9"),
        (tr.Space(y=tr.Float(-1.0, 2.0, default=1.5)), "'x': it is gone"),
        (tr.Space(x=tr.Int(-1, 2, default=1)), "from Float to Int"),
    ],
)
def test_a_space_that_shrank_is_refused(tmp_path: Path, space: tr.Space, said: str) -> None:
    make(tmp_path).run(trials=2, workers=0)

    with pytest.raises(ChangedStudyError, match=said):
        make(tmp_path, space=space).run(trials=3, workers=0, extend=True)


def test_search_workers_and_lookahead_may_change(tmp_path: Path) -> None:
    make(tmp_path, validation=None).run(trials=3, workers=0)
    study = make(tmp_path, search=tr.GridSearch(points=4), lookahead=2, run_minutes=5, validation=None)
    study.run(workers=0)

    tried = [row["config"]["x"] for row in study.trials(as_dicts=True)]
    assert len(tried) == 7
    assert tried[3:] == [-1.0, 0.0, 1.0, 2.0]


def test_fresh_sets_the_old_folder_aside_and_deletes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for expected in (["study"], ["study", "study.old-1"], ["study", "study.old-1", "study.old-2"]):
        study = make(tmp_path, seed=len(expected))
        study.run(trials=len(expected), workers=0, fresh=True)
        assert sorted(path.name for path in tmp_path.iterdir()) == expected
    assert "study.old-2" in capsys.readouterr().err

    kept = [len(read(tmp_path / name)[0]) for name in ("study.old-1", "study.old-2", "study")]
    assert kept == [1, 2, 3]


def test_fresh_leaves_alone_what_is_no_study(tmp_path: Path) -> None:
    precious = tmp_path / "study"
    precious.mkdir()
    (precious / "thesis.txt").write_text("words")

    with pytest.raises(UsageError, match=r"holds no study, so fresh=True .* leaves it alone"):
        make(tmp_path).run(trials=1, workers=0, fresh=True)
    assert (precious / "thesis.txt").read_text() == "words"


def test_a_mistake_is_found_before_the_old_folder_is_set_aside(tmp_path: Path) -> None:
    make(tmp_path).run(trials=1, workers=0)
    settings: dict[str, Any] = {"data": rows(), "metric": "log_loss", "test": 7.5}

    with pytest.raises(UsageError):
        make(tmp_path, logistic, **settings).run(workers=0, fresh=True)
    assert [path.name for path in tmp_path.iterdir()] == ["study"]


# -- failures and the rehearsal --------------------------------------------------------------------------------------


def test_five_failures_stop_the_study_with_the_last_error(tmp_path: Path) -> None:
    calls = []

    def fails_later(run: Any) -> None:
        calls.append(run.config["x"])
        if len(calls) > 3:
            raise RuntimeError("the disk of the moon is full")
        square(run)

    study = make(tmp_path, fails_later)
    with pytest.raises(StudyFailedError, match="the disk of the moon is full") as stop:
        study.run(trials=40, workers=0)

    assert stop.value.exit_code == 1
    assert "fails_later" in str(stop.value)
    assert [row["state"] for row in study.trials(as_dicts=True)] == ["completed"] + ["failed"] * 5
    assert [data["why"] for kind, data in events(tmp_path) if kind == "ended"] == ["failures"]
    reason = study.trials(as_dicts=True)[1]["reason"]
    assert re.fullmatch(r"RuntimeError: the disk of the moon is full \(test_study.py:\d+\)", reason)


def test_no_trial_completed_says_the_last_error(tmp_path: Path) -> None:
    with pytest.raises(StudyFailedError, match=r"No trial completed; trial 1 failed with diverged: .*nan"):
        make(tmp_path, lambda run: run.report(loss=float("nan"))).run(trials=2, workers=0)


def test_failing_defaults_are_said_in_the_verdict(tmp_path: Path) -> None:
    def needs_small(run: Any) -> None:
        run.report(loss=float("inf") if run.config["x"] == 1.5 else run.config["x"] ** 2)

    study = make(tmp_path, needs_small)
    study.run(trials=4, workers=0)
    found = study.verdict(workers=0)

    assert found.to_dict()["validation"]["difference"]["value"] is None
    assert not found.gain
    assert "defaults_failed" in {warning["code"] for warning in found.warnings}
    assert "defaults did not complete" in str(found)


def bad_report(run: Any) -> None:
    run.report(loss=1 / 0)


def bad_predict(run: Any) -> Any:
    logistic(run)
    return lambda x: x @ np.zeros(99)


def bad_shape(run: Any) -> Any:
    return (logistic(run), lambda x: np.zeros(3))[1]


def bad_return(run: Any) -> Any:
    logistic(run)
    return {"weights": 1}


def peeks_at_labels(run: Any) -> None:
    run.report(np.full(len(run.valid.x), 0.5), loss=float(np.mean(run.valid.y)))


def forgets_to_report(run: Any) -> None:
    return None


def leaves(run: Any) -> None:
    raise SystemExit("bye")


@pytest.mark.parametrize(
    ("objective", "said"),
    [
        (bad_report, "ZeroDivisionError"),
        (bad_predict, "matmul"),
        (bad_shape, "returned predict function"),
        (bad_return, "dict"),
        (peeks_at_labels, "peeks_at_labels"),
        (forgets_to_report, "run.report"),
        (leaves, "bye"),
    ],
)
def test_a_python_error_in_the_rehearsal_stops_at_once(tmp_path: Path, objective: Any, said: str) -> None:
    study = make(tmp_path, objective, data=rows(), metric="log_loss", validation=tr.KFold(3))

    with pytest.raises(ObjectiveError, match=said) as stop:
        study.run(trials=5, workers=0)

    assert stop.value.exit_code == 1
    assert study.trials(as_dicts=True) == []
    assert not {"proposed", "started", "look"} & {kind for kind, _ in events(tmp_path)}


def test_the_traceback_of_the_rehearsal_is_the_persons_own(tmp_path: Path) -> None:
    with pytest.raises(ObjectiveError) as stop:
        make(tmp_path, bad_report).run(trials=5, workers=0)

    text = str(stop.value)
    assert "test_study.py" in text
    assert "run.report(loss=1 / 0)" in text
    assert "truing/execution" not in text


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_does_not_stop_the_rehearsal(
    tmp_path: Path, value: float, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make(tmp_path, lambda run: run.report(loss=value if run.config["x"] == 1.5 else 1.0))
    study.run(trials=3, workers=0)

    assert [row["state"] for row in study.trials(as_dicts=True)] == ["failed", "completed", "completed"]
    said = capsys.readouterr().err
    assert "ended as diverged" in said
    assert "not known yet" in said


@pytest.mark.parametrize("returns_predict", [True, False])
def test_the_search_never_passes_the_locked_rows(tmp_path: Path, returns_predict: bool) -> None:
    data = tr.Data(np.arange(100.0).reshape(50, 2), [0, 1] * 25)
    seen: set[float] = set()

    def look(x: np.ndarray) -> np.ndarray:
        seen.update(np.asarray(x)[:, 0].tolist())
        return np.full(len(x), 0.5)

    def objective(run: Any) -> Any:
        look(run.train.x)
        run.report(look(run.valid.x))
        return look if returns_predict else None

    locked = list(range(3, 13))
    study = make(tmp_path, objective, data=data, metric="log_loss", validation=tr.KFold(4), test=locked)
    study.run(trials=3, workers=0)

    rows_seen = {int(value) // 2 for value in seen}
    assert rows_seen == set(range(50)) - set(locked)
    assert "look" not in {kind for kind, _ in events(tmp_path)}
    study.verdict(workers=0)
    assert {int(value) // 2 for value in seen} == set(range(50))
    assert [data["number"] for kind, data in events(tmp_path) if kind == "look"] == [1]


def test_the_rehearsal_takes_one_epoch_and_the_plan_reckons_with_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import time

    now, epochs = [0.0], []
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])

    def objective(run: Any) -> None:
        now[0] += 2.0
        mine = 0
        for _ in run.epochs(30):
            now[0] += 3.0
            mine += 1
        epochs.append(mine)
        run.report(loss=run.config["x"])

    make(tmp_path, objective, validation=tr.Seeds(2)).run(trials=3, workers=0)

    assert epochs == [1, 1] + [30] * 6  # inline a slow rehearsal is timed once more, warm
    assert "Plan: 3 trials x 2 runs (2 seeds), 1 min 32 s each: 9 min 12 s." in capsys.readouterr().err


def test_the_plan_says_what_a_holdout_would_cost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = make(tmp_path, logistic, data=rows(), metric="log_loss", validation=tr.KFold(5))
    study.run(trials=2, workers=0)

    assert re.search(r"Plan: 2 trials x 5 runs \(5-fold\), .* each: .*; holdout\s+instead: ", capsys.readouterr().err)


@pytest.mark.parametrize(("study_epochs", "own", "gets"), [(4, None, 4), (None, 6, 6), (4, 6, 4), (6, 4, 4)])
def test_epochs(tmp_path: Path, study_epochs: int | None, own: int | None, gets: int) -> None:
    counted = []

    def objective(run: Any) -> None:
        counted.append(len(list(run.epochs(own) if own else run.epochs())))
        square(run)

    make(tmp_path, objective, epochs=study_epochs, validation=None).run(trials=2, workers=0)

    assert counted == [1, gets, gets]


def test_epochs_set_by_nobody_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ObjectiveError, match="number of epochs is not set"):
        make(tmp_path, lambda run: list(run.epochs())).run(trials=1, workers=0)


def test_a_rehearsal_is_not_repeated_until_the_function_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for trials, rehearsed in ((1, True), (2, False)):
        make(tmp_path).run(trials=trials, workers=0)
        assert ("Rehearsal" in capsys.readouterr().err) is rehearsed
    make(tmp_path, lambda run: square(run)).run(trials=3, workers=0, accept_change=True)
    assert "Rehearsal" in capsys.readouterr().err


# -- undefined metrics -----------------------------------------------------------------------------------------------


def scores_by_row(positive: set[int]) -> Callable[[Any], Any]:
    """Predicts positive exactly these rows (the first column of x is the row's number)."""

    def predict(x: np.ndarray) -> np.ndarray:
        return np.array([0.9 if int(value) in positive else 0.1 for value in np.asarray(x)[:, 0]])

    def objective(run: Any) -> Any:
        run.report(predict(run.valid.x))
        return predict

    return objective


NUMBERED = tr.Data(np.arange(40.0).reshape(40, 1), [0, 1] * 20)


def test_a_metric_undefined_in_a_fold_is_pooled_and_said(tmp_path: Path) -> None:
    positive = {1, 3, 4}  # two right and one wrong, so most folds have no predicted positive
    study = make(
        tmp_path, scores_by_row(positive), data=NUMBERED, metric="precision", validation=tr.KFold(5), test=None
    )
    study.run(trials=1, workers=0)

    row = study.trials(as_dicts=True)[0]
    assert row["state"] == "completed"
    assert row["value"] == pytest.approx(2 / 3)
    assert row["se"] is None
    assert "pooled out-of-fold" in row["reason"]


def test_a_metric_undefined_altogether_has_no_value_and_is_never_selected(tmp_path: Path) -> None:
    def objective(run: Any) -> Any:
        return scores_by_row({1, 4} if run.config["x"] > 0.9 else set())(run)

    study = make(tmp_path, objective, data=NUMBERED, metric="precision", validation=tr.KFold(5), test=None)
    study.run(trials=8, workers=0)

    undefined = [row for row in study.trials(as_dicts=True) if row["config"]["x"] <= 0.9]
    assert undefined
    for row in undefined:
        assert (row["state"], row["value"], row["se"]) == ("completed", None, None)
        assert "positive" in row["reason"]
    assert study.verdict(workers=0).selected["x"] > 0.9


def test_when_no_trial_has_a_value_the_study_says_why(tmp_path: Path) -> None:
    study = make(tmp_path, scores_by_row(set()), data=NUMBERED, metric="precision", validation=tr.KFold(5), test=None)

    with pytest.raises(StudyFailedError, match="undefined for all"):
        study.run(trials=2, workers=0)
    with pytest.raises(StudyFailedError, match="undefined for all"):
        study.verdict(workers=0)


def test_an_also_metric_that_is_undefined_spoils_nothing(tmp_path: Path) -> None:
    study = make(
        tmp_path,
        scores_by_row(set()),
        data=NUMBERED,
        metric="log_loss",
        also=["precision"],
        validation=tr.KFold(5),
        test=None,
    )
    study.run(trials=1, workers=0)

    assert study.trials(as_dicts=True)[0]["value"] == pytest.approx(-(math.log(0.1) + math.log(0.9)) / 2, rel=1e-5)
    assert read(tmp_path / "study")[0].trial(0).scores["precision"] is None


# -- who holds the folder, and where it lies -------------------------------------------------------------------------


def test_a_second_coordinator_is_refused_naming_the_first(tmp_path: Path) -> None:
    import os

    make(tmp_path).run(trials=1, workers=0)
    with hold(tmp_path / "study"):
        for call in (
            lambda: make(tmp_path).run(trials=2, workers=0),
            lambda: make(tmp_path).run(trials=2, workers=0, fresh=True),
            lambda: make(tmp_path).verdict(workers=0),
        ):
            with pytest.raises(FolderInUseError, match=rf"process {os.getpid()} of .* since") as refusal:
                call()
            assert refusal.value.exit_code == 3
        assert len(make(tmp_path).trials()) == 1  # reading is allowed

    make(tmp_path).run(trials=2, workers=0)


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "study").write_text("")

    for fresh in (False, True):
        with pytest.raises((UsageError, JournalError)) as refusal:
            make(tmp_path).run(trials=1, workers=0, fresh=fresh)
        assert "\n" not in str(refusal.value)


def test_a_study_inside_a_training_is_refused(tmp_path: Path) -> None:
    """In this process nothing stops it; the folder lock does."""

    def recursive(run: Any) -> None:
        make(tmp_path, square).run(trials=1, workers=0)

    with pytest.raises(ObjectiveError, match="in use by"):
        make(tmp_path, recursive).run(trials=1, workers=0)


def test_versions_commit_and_machine_are_in_the_journal(tmp_path: Path) -> None:
    from importlib import metadata

    make(tmp_path).run(trials=1, workers=0)
    study = next(data for kind, data in events(tmp_path) if kind == "study")

    for package in ("numpy", "scipy", "scikit-learn", "truing"):
        assert study["versions"][package] == metadata.version(package)
    assert study["machine"]["cores"] >= 1
    assert {"system", "processor", "host"} <= set(study["machine"])
    assert "git" in study


def test_new_versions_on_resume_are_in_the_journal_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import metadata

    make(tmp_path).run(trials=1, workers=0)
    actual = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "99.0" if name == "numpy" else actual(name))
    make(tmp_path).run(trials=2, workers=0)

    versions = [data["versions"]["numpy"] for kind, data in events(tmp_path) if kind == "study"]
    assert versions == [actual("numpy"), "99.0"]


def test_nothing_pickled_is_in_the_journal(tmp_path: Path) -> None:
    study = make(tmp_path, logistic, data=rows(), metric="log_loss", validation=tr.KFold(3))
    study.run(trials=2, workers=0)
    study.verdict(workers=0)

    with sqlite3.connect(tmp_path / "study" / "journal.db") as connection:
        kinds = {row[0] for row in connection.execute("SELECT DISTINCT typeof(payload) FROM event")}
    assert kinds == {"text"}


# -- arguments -------------------------------------------------------------------------------------------------------

DATA = rows()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"objective": "train"}, "must be a function"),
        ({"space": {"x": 1}}, "space= must be a tr.Space"),
        ({"data": (1, 2)}, "data= must be a tr.Data"),
        ({"metric": "acuracy", "data": DATA}, "did you mean 'accuracy'"),
        ({"metric": None}, "metric= is needed"),
        ({"metric": 3}, "no metric named 3"),
        ({"also": 3}, "also= takes a list"),
        ({"also": ["acuracy"]}, "did you mean 'accuracy'"),
        ({"search": "gird"}, "did you mean 'grid'"),
        ({"search": "zzz"}, "no searcher named 'zzz'"),
        ({"search": tr.GridSearch}, "search= takes one of"),
        ({"search": 3}, "search= takes one of"),
        ({"validation": 5}, "validation= takes"),
        ({"validation": tr.KFold}, "validation= takes"),
        ({"validation": "kfld"}, "did you mean 'kfold'"),
        ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ({"seed": 1.5}, "seed must be a whole number"),
        ({"seed": True}, "seed must be a whole number"),
        ({"threads": 0}, "threads must be"),
        ({"epochs": 0}, "epochs must be"),
        ({"epochs": "many"}, "epochs must be"),
        ({"run_minutes": 0}, "run_minutes must be"),
        ({"run_minutes": float("nan")}, "run_minutes must be"),
        ({"lookahead": 0}, "lookahead must be"),
        ({"folder": 5}, "folder= takes"),
        ({"folder": ""}, "folder= takes"),
        ({"metric": "rmse", "data": tr.Data(DATA.x, np.array(["a", "b"] * 30))}, "needs numbers as y"),
        ({"metric": "log_loss", "data": tr.Data(DATA.x, np.linspace(0, 1, 60))}, "fractions"),
        ({"metric": "log_loss", "data": tr.Data(DATA.x, np.zeros(60, int))}, "only one class"),
        ({"metric": "log_loss", "also": ["rmse"], "data": DATA}, "mix classification and regression"),
        ({"metric": "log_loss", "positive": "malignant", "data": DATA}, "is not a class"),
        ({"metric": "log_loss", "positive": [0, 1], "data": DATA}, "not none or all"),
        ({"metric": "rmse", "positive": 1, "data": DATA}, "positive= is for classification"),
        ({"positive": 1}, "no Data with labels"),
    ],
)
def test_a_mistake_in_the_arguments_is_one_sentence_at_once(
    tmp_path: Path, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError) as mistake:
        make(tmp_path, **settings)

    assert said in str(mistake.value)
    assert "\n" not in str(mistake.value)
    assert str(mistake.value).endswith(".")
    assert mistake.value.exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"trials": 0}, "trials must be a whole number of at least 1, got 0"),
        ({"trials": 2.5}, "trials must be"),
        ({"trials": "ten"}, "trials must be"),
        ({"minutes": -1}, "minutes must be"),
        ({"minutes": 0}, "minutes must be"),
        ({"minutes": float("inf")}, "minutes must be"),
        ({"target": "low"}, "target must be a number"),
        ({"target": float("nan")}, "target must be"),
        ({"workers": -1}, "workers must be a whole number of at least 0, got -1"),
        ({"workers": 1.5}, "workers must be"),
    ],
)
def test_a_mistake_in_run_is_one_sentence_and_leaves_no_folder(
    tmp_path: Path, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(said)):
        make(tmp_path).run(**arguments)
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize(
    "settings",
    [
        {"test": 1.5},
        {"test": 0},
        {"test": -0.2},
        {"test": "20 %"},
        {"test": [0, 1, 99]},
        {"test": [True] * 10},
        {"test": tr.Data(np.zeros((5, 2)), [0, 1, 0, 1, 0])},
        {"test": tr.Data(np.zeros((5, 3)), [0, 1, 7, 1, 0]), "metric": "log_loss", "validation": tr.KFold(70)},
        {"validation": tr.KFold(100)},
        {"data": None, "metric": LOSS, "test": [1, 2]},
        {"data": None, "metric": LOSS, "validation": tr.KFold(5)},
    ],
)
def test_rows_that_do_not_fit_are_one_sentence_and_leave_no_folder(tmp_path: Path, settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as mistake:
        make(tmp_path, logistic, **({"data": rows(), "metric": "log_loss"} | settings)).run(trials=1, workers=0)
    assert "\n" not in str(mistake.value)
    assert not (tmp_path / "study").exists()


def test_a_stored_verdict_is_not_given_to_another_study(tmp_path: Path) -> None:
    make(tmp_path).run(trials=3, workers=0)
    make(tmp_path).verdict(workers=0)
    with pytest.raises(ChangedStudyError, match="seed was 0 and is now 5"):
        make(tmp_path, seed=5).verdict(workers=0)


def test_a_verdict_says_that_the_search_went_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = make(tmp_path)
    study.run(trials=3, workers=0)
    study.verdict(workers=0)
    study.run(trials=5, workers=0)
    capsys.readouterr()

    assert study.verdict(workers=0).to_dict()["trials"] == 3
    assert "after 3 of the 5 trials" in capsys.readouterr().err
    assert study.verdict(workers=0, again=True).to_dict()["trials"] == 5


def test_data_edited_between_run_and_verdict_are_other_data(tmp_path: Path) -> None:
    data = rows()
    study = make(tmp_path, logistic, data=data, metric="log_loss", validation=tr.KFold(3))
    study.run(trials=2, workers=0)
    data.y[:] = data.y[::-1].copy()
    with pytest.raises(ChangedStudyError, match="data was"):
        study.verdict(workers=0)
