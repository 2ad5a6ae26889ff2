"""The examples of CONTRIBUTING.md work in a study, and each suite objects when one of them is broken."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy import stats

import truing as tr
from truing.record.events import Event
from truing.record.history import History
from truing.record.interfaces import Decision
from truing.registry import EXECUTORS, JOURNALS, SCHEDULES
from truing.testing.executors import check_executor
from truing.testing.journals import check_journal
from truing.testing.objectives import check_objective
from truing.testing.procedures import check_procedure
from truing.testing.schedules import check_schedule
from truing.testing.searchers import check_searcher
from truing.testing.validations import check_validation

PAGE = Path(__file__).parents[1] / "CONTRIBUTING.md"
NAME = "contributed"
CODE = "\n\n".join(re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """The page's examples as a module that can be imported by its name."""
    folder = tmp_path_factory.mktemp("page")
    (folder / f"{NAME}.py").write_text(CODE, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        module = importlib.import_module(NAME)
        yield module
        sys.modules.pop(NAME)


def line(run):
    run.report(loss=(run.config["x"] - 0.3) ** 2 + (run.config["y"] + 0.2) ** 2)


def study(folder: Path, **more: object) -> tr.Study:
    space = tr.Space(x=tr.Float(-1.0, 1.0), y=tr.Float(-1.0, 1.0))
    given = {"metric": tr.Metric("loss", goal="min"), "folder": folder, **more}
    return tr.Study(line, space, **given)  # type: ignore[arg-type]


def best(made: tr.Study) -> float:
    return min(trial["value"] for trial in made.trials(as_dicts=True))


# -- they do what they say ---------------------------------------------------------------------------------------------


def test_the_searcher_searches_nearby(page: ModuleType, tmp_path: Path) -> None:
    """In 60 trials it comes far closer than as many draws at random."""
    near, far = study(tmp_path / "near", search=page.Nearby()), study(tmp_path / "far")
    for made in (near, far):
        made.run(trials=60, workers=0)

    assert best(near) < best(far) / 3


def test_the_validation_and_the_objective_make_a_study(page: ModuleType, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(90, 4)).astype(np.float32)
    made = tr.Study(
        page.Softmax(),
        tr.Space(learning_rate=tr.Float(1e-3, 1.0, log=True, default=1e-3)),
        data=tr.Data(x, np.where(x[:, 0] > 0, "a", "b")),
        validation=page.Halves(repeats=1),
        folder=tmp_path / "study",
    )
    made.run(trials=4, workers=0)
    rows = made.trials(as_dicts=True)

    assert [(row["state"], row["runs"]) for row in rows] == [("completed", 2)] * 4
    assert min(row["value"] for row in rows) < rows[0]["value"]  # a rate of 0.001 learns next to nothing
    assert (tmp_path / "study" / "journal.db").is_file()


def test_the_procedure_tunes_inside_each_of_its_parts(page: ModuleType, tmp_path: Path) -> None:
    """The figure is the mean over the parts, with the corrected resampled t for a quarter as many test rows."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 4)).astype(np.float32)
    made = tr.Study(
        page.Softmax(epochs=5),
        tr.Space(learning_rate=tr.Float(1e-3, 1.0, log=True, default=1e-3)),
        data=tr.Data(x, np.where(x[:, 0] + rng.normal(size=100) > 0, "a", "b")),
        metric="accuracy",
        validation=tr.KFold(3),
        test=None,
        folder=tmp_path / "study",
    )
    found = made.evaluate(page.Shuffled(3), trials=3, workers=0)

    told = found.to_dict()
    scores = np.array([part["metrics"]["accuracy"]["selected"] for part in told["parts"]])
    half = stats.t.ppf(0.975, 2) * scores.std(ddof=1) * np.sqrt(1 / 3 + 20 / 80)
    assert [(part["name"], part["rows"], part["trials"]) for part in told["parts"]] == [
        (f"split {n}", 20, 3) for n in range(3)
    ]
    assert told["value"] == pytest.approx(scores.mean())
    assert told["low"] == pytest.approx(max(0.0, told["value"] - half))
    assert "3 random splits: accuracy" in " ".join(str(found).split())


@pytest.mark.parametrize(("goal", "bad"), [("min", 9.0), ("max", -9.0)])
def test_the_schedule_stops_the_worse_half(page: ModuleType, goal: str, bad: float) -> None:
    view = History(tr.Space(x=tr.Float(0.0, 1.0)), goal)
    for run in range(7):
        start = {"run": run, "trial": run, "purpose": "search", "replicate": 0}
        view.extend([Event("proposed", {"trial": run, "config": {"x": run / 10}}), Event("started", start)])
        for epoch in range(1, 6):
            score = bad if run == 6 else run / 10
            view.extend([Event("reported", {"run": run, "epoch": epoch, "score": score})])
        if run < 5:
            done = {"run": run, "state": "completed", "scores": {"loss": run / 10}, "epochs": 5}
            view.extend([Event("finished", {**done, "curve": [[epoch, run / 10] for epoch in range(1, 6)]})])

    assert page.MedianStop().keep(view, 6) is Decision.STOP
    assert page.MedianStop(first=5).keep(view, 6) is Decision.GO_ON
    assert page.MedianStop().keep(view, 5) is (Decision.STOP if goal == "min" else Decision.GO_ON)


def test_a_study_runs_on_the_executor_the_journal_and_the_schedule(
    page: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(EXECUTORS.rows, "inline", f"{NAME}:NewestFirst")
    monkeypatch.setitem(JOURNALS.rows, "sqlite", f"{NAME}:LinesJournal")
    monkeypatch.setitem(SCHEDULES.rows, "full", f"{NAME}:MedianStop")
    made = study(tmp_path / "study", validation=tr.Seeds(2))
    made.run(trials=3, workers=0)
    made.run(trials=5, workers=0)  # goes on from the journal

    events = list(page.LinesJournal(tmp_path / "study" / "journal.db").read())
    ended = [event.data["run"] for event in events if event.kind == "finished"]

    assert sorted(ended) == list(range(10))
    assert ended != sorted(ended)  # the newest first


def test_an_entry_point_of_another_package_is_found(tmp_path: Path) -> None:
    """As pip would install it: a module, and the entry points beside it."""
    (tmp_path / f"{NAME}.py").write_text(CODE, encoding="utf-8")
    about = tmp_path / "contributed-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: contributed\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        f"[truing.searchers]\nnearby = {NAME}:Nearby\n\n[truing.validations]\nhalves = {NAME}:Halves\n"
    )
    code = (
        "import numpy as np, truing as tr\n"
        "study = tr.Study(print, tr.Space(x=tr.Float(0, 1)), data=tr.Data(np.zeros((18, 1)), [0, 1] * 9),\n"
        "                 search='nearby', validation='halves')\n"
        "print(study)\n"
    )
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])

    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, timeout=60
    )

    assert "search='Nearby'" in done.stdout, done.stderr


# -- and a broken one is caught --------------------------------------------------------------------------------------


def test_the_suites_object_to_broken_examples(page: ModuleType, tmp_path: Path) -> None:
    class Global(page.Nearby):
        def suggest(self, view, rng):
            return super().suggest(view, np.random.default_rng(np.random.randint(2**31)))  # noqa: NPY002

    class Impatient(page.MedianStop):
        def next(self, view):
            return None

    class Peeks(page.Halves):
        def fresh(self, data, n, rng):
            return [replace(found, train=np.sort(found.valid)) for found in super().fresh(data, n, rng)]

    class Leaky(page.Shuffled):
        def plan(self, rows, rng):
            return [replace(part, train=np.arange(len(rows))) for part in super().plan(rows, rng)]

    class NeverStops(page.Softmax):
        def __call__(self, run):
            predict = super().__call__(run)
            run.report(predict(run.valid.x))
            return predict

    class Deaf(page.NewestFirst):
        def wait(self, timeout, decide):
            return super().wait(timeout, lambda event: Decision.GO_ON)

    class Unfenced(page.LinesJournal):
        def append(self, events):
            self.turn.write_text(str(self.epoch))
            return super().append(events)

    rate = {"learning_rate": 0.5}
    for name, check in {
        "other answers when asked twice": lambda: check_searcher(Global),
        "nothing running": lambda: check_schedule(Impatient),
        "both in train and in valid": lambda: check_validation(Peeks),
        "on which it is tuned and scored": lambda: check_procedure(lambda: Leaky(4)),
        "the epochs of the reports": lambda: check_objective(NeverStops, tmp_path / "objective", rate),
        "what decide": lambda: check_executor(Deaf, tmp_path / "executor"),
        "coordinator that was replaced": lambda: check_journal(
            lambda folder: Unfenced(folder / "journal.jsonl"), tmp_path / "journal"
        ),
    }.items():
        with pytest.raises(AssertionError, match=name):
            check()
