"""A changed study, clause by clause: what is let through, what is refused, and where each change is shown."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.errors import ChangedStudyError
from truing.report.study import read, write
from truing.storage.sqlite import SqliteJournal

LOSS = tr.Metric("loss", goal="min")
SPACE = tr.Space(x=tr.Float(-1.0, 2.0, default=1.5))


def first(run: Any) -> None:
    run.report(loss=(run.config["x"] - 0.5) ** 2 + run.seed % 100 / 1e6)


def second(run: Any) -> None:
    run.report(loss=(run.config["x"] - 0.4) ** 2 + run.seed % 100 / 1e6)


def failing(run: Any) -> None:
    run.report(loss=float("nan"))


def make(folder: Path, objective: Any = first, **more: Any) -> tr.Study:
    settings: dict[str, Any] = {"space": SPACE, "metric": LOSS, "validation": tr.Seeds(2), "folder": folder, **more}
    return tr.Study(objective, **settings)


def events(folder: Path, kind: str) -> list[dict[str, Any]]:
    journal = SqliteJournal(folder / "journal.db", readonly=True)
    found = [event.data for event in journal.read() if event.kind == kind]
    journal.close()
    return found


def shown(folder: Path) -> tuple[str, list[dict[str, Any]], str]:
    """What `truing show` prints, the changes as data, and the report."""
    view = tr.load(folder)
    return " ".join(str(view).split()), view.show()["changes"], write(folder).read_text()


DATE = r"\d{4}-\d\d-\d\d \d\d:\d\d"


def test_before_the_first_completed_run_anything_may_change_and_that_is_shown(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    with pytest.raises(Exception, match="5 trials in a row"):
        make(folder, failing).run(trials=9, workers=0)
    make(folder, seed=3, space=tr.Space(y=tr.Float(0, 1)), objective=lambda run: run.report(loss=run.config["y"])).run(
        trials=2, workers=0
    )

    (restarted,) = events(folder, "restarted")
    assert restarted["trials"] == 5
    assert {"source", "seed", "space"} <= set(restarted["changed"])
    text, (change,), page = shown(folder)
    assert change["kind"] == "restarted"
    assert re.search(rf"{DATE}, from trial 0 on: nothing had completed after 5 trials, the study was changed", text)
    for word in ("function", "seed", "space"):
        assert word in change["text"]
    assert "begun anew" in page


def test_an_accepted_function_is_shown_with_diff_date_and_trial(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    make(folder).run(trials=3, workers=0)
    with pytest.raises(ChangedStudyError) as refusal:
        make(folder, second).run(trials=5, workers=0)
    assert '+    run.report(loss=(run.config["x"] - 0.4) ** 2' in str(refusal.value)
    make(folder, second).run(trials=5, workers=0, accept_change=True)

    (accepted,) = events(folder, "accepted")
    text, (change,), page = shown(folder)
    assert (change["kind"], change["trial"], change["detail"]) == ("function", 3, accepted["diff"])
    assert re.search(rf"{DATE}, from trial 3 on: the training function was changed, and the change accepted", text)
    assert "+    run.report(loss=(run.config[&#34;x&#34;] - 0.4)" in page
    verdict = make(folder, second).verdict(workers=0)
    (warning,) = [w["message"] for w in verdict.warnings if w["code"] == "changed_function"]
    assert re.search(rf"\({DATE}, from trial 3 on\): earlier runs are of the old one\.", warning)
    assert warning in " ".join(str(verdict).split())
    assert verdict.to_dict()["changes"][0] == change
    assert "From trial 3 on: the training function was changed" in write(folder).read_text()


def test_a_trial_with_runs_of_both_functions_is_named(tmp_path: Path) -> None:
    """It was cut off between two of its runs, and goes on with the other function."""
    from truing.record.changes import changes_of
    from truing.record.events import Event
    from truing.record.history import fold

    told = [
        Event("study", {"space": SPACE.to_dict(), "goal": "min"}),
        Event("proposed", {"trial": 0, "config": {"x": 1.5}}),
    ]
    for run in (0, 1):
        if run == 1:
            told.append(Event("accepted", {"diff": "+1"}))
        told.append(Event("started", {"run": run, "trial": 0, "purpose": "search", "replicate": run}))
        told.append(Event("finished", {"run": run, "state": "completed", "scores": {"loss": 0.1}}))

    (change,) = changes_of(fold(told, SPACE, "min"))
    assert change.text.endswith("trial 0 had runs of both")


def test_a_space_that_grew_is_shown_and_warned_of(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    make(folder).run(trials=3, workers=0)
    wider = tr.Space(x=tr.Float(-3.0, 2.0, default=1.5), depth=tr.Int(1, 5, default=3))
    with pytest.raises(ChangedStudyError, match=r"extend=True \(--extend\)"):
        make(folder, space=wider).run(trials=6, workers=0)
    make(folder, space=wider).run(trials=6, workers=0, extend=True)

    text, (change,), page = shown(folder)
    assert (change["kind"], change["trial"]) == ("space", 3)
    assert "the space grew, with depth and wider in x" in text
    assert "The space grew, with depth and wider in x" in page
    warnings = make(folder, space=wider).verdict(workers=0).warnings
    assert ["from trial 3 on" in w["message"] for w in warnings if w["code"] == "extended_space"] == [True]


def test_search_lookahead_and_workers_may_change_and_are_shown(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    make(folder).run(trials=2, workers=0)
    make(folder, search=tr.GridSearch(points=4), lookahead=2, run_minutes=5).run(trials=4, workers=2)

    text, changes, page = shown(folder)
    assert [change["kind"] for change in changes] == ["search", "setting", "setting", "workers"]
    assert {change["trial"] for change in changes} == {2}
    for said in (
        "search was RandomSearch() and is now GridSearch(points=4)",
        "lookahead was 4 and is now 2",
        "run_minutes was none and is now 5",
        "workers was 0 and is now 2",
    ):
        assert said in text
        assert said[1:] in page
    assert "From trial 2 on: search was" in page
    assert not [w for w in make(folder, search=tr.GridSearch(points=4), lookahead=2, run_minutes=5).verdict(
        workers=0).warnings if w["code"] in ("changed_function", "extended_space")]  # fmt: skip


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"seed": 1}, "seed was 0 and is now 1"),
        ({"metric": "brier"}, "metric was log_loss and is now brier"),
        ({"validation": tr.KFold(4)}, "validation was kfold"),
        ({"test": 0.3}, "test was"),
        ({"data": 1}, "data was"),
    ],
)
def test_what_a_run_is_judged_by_is_refused_in_one_sentence(tmp_path: Path, after: dict[str, Any], said: str) -> None:
    settings: dict[str, Any] = {"data": data(), "metric": "log_loss", "validation": tr.KFold(3), "test": 0.2}
    make(tmp_path / "s", constant, **settings).run(trials=1, workers=0)
    if "data" in after:
        after = {"data": data(1)}

    with pytest.raises(ChangedStudyError) as refusal:
        make(tmp_path / "s", constant, **(settings | after)).run(trials=2, workers=0, accept_change=True, extend=True)

    text = str(refusal.value)
    assert said in text
    assert "\n" not in text
    assert "use another folder, or fresh=True (--fresh)" in text


def data(seed: int = 0, n: int = 90) -> tr.Data:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    return tr.Data(x, (x[:, 0] + rng.normal(size=n) > 0).astype(int))


def constant(run: Any) -> Any:
    def predict(x: Any) -> Any:
        return 1 / (1 + np.exp(-run.config["x"] * x[:, 0]))

    run.report(predict(run.valid.x))
    return predict


def test_another_metric_for_the_report_may_be_added(tmp_path: Path) -> None:
    """What the search saw is not touched; the verdict's own runs have the new figure, from their predictions."""
    settings: dict[str, Any] = {"data": data(), "metric": "log_loss", "validation": tr.KFold(3)}
    make(tmp_path / "s", constant, **settings, also=["accuracy"]).run(trials=2, workers=0)
    before = tr.load(tmp_path / "s").trials(as_dicts=True)
    study = make(tmp_path / "s", constant, **settings, also=["accuracy", "f1"])
    study.run(trials=3, workers=0)

    rows = study.trials(as_dicts=True)[:2]
    assert [row["scores"].pop("f1") for row in rows] == [None, None]
    assert rows == before
    assert "also was accuracy and is now accuracy, f1" in shown(tmp_path / "s")[0]
    history, _ = read(tmp_path / "s")
    assert ["f1" in trial.scores for trial in history.trials] == [False, False, True]
    assert list(study.verdict(workers=0).to_dict()["test"]) == ["log_loss", "accuracy", "f1"]


def test_a_stored_verdict_says_which_metric_it_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings: dict[str, Any] = {"data": data(), "metric": "log_loss", "validation": tr.KFold(3)}
    study = make(tmp_path / "s", constant, **settings)
    study.run(trials=2, workers=0)
    made = study.verdict(workers=0)
    capsys.readouterr()

    again = make(tmp_path / "s", constant, **settings, also=["f1"]).verdict(workers=0)

    assert again.to_dict() == made.to_dict()
    assert "made without f1; verdict(again=True)" in capsys.readouterr().err


def test_a_metric_that_makes_it_another_task_is_refused(tmp_path: Path) -> None:
    """Beside a number of one's own, a metric of classes changes how rows are stratified and read."""

    def number(run: Any) -> None:
        run.report(reward=run.config["x"], rmse=0.5)

    settings: dict[str, Any] = {"data": data(), "metric": tr.Metric("reward", goal="max"), "validation": tr.KFold(3)}
    make(tmp_path / "s", number, **settings).run(trials=1, workers=0)
    with pytest.raises(ChangedStudyError):
        make(tmp_path / "s", number, **settings, also=["rmse"]).run(trials=2, workers=0)


def test_fresh_sets_aside_and_the_new_study_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    make(folder).run(trials=3, workers=0)
    make(folder, seed=2).run(trials=1, workers=0, fresh=True)

    assert events(folder, "set_aside") == [{"trials": 3, "looked": [], "folder": "s.old-1"}]
    text, (change,), page = shown(folder)
    assert change["kind"] == "set_aside"
    assert "an earlier study of 3 trials was set aside in s.old-1" in text
    assert "s.old-1" in page
    assert len(tr.load(tmp_path / "s.old-1").trials()) == 3


def test_a_look_is_not_undone_by_setting_the_study_aside(tmp_path: Path) -> None:
    """The same locked rows, opened by a study that was then set aside: theirs is no first look."""
    settings: dict[str, Any] = {"data": data(), "metric": "log_loss", "validation": tr.KFold(3)}
    folder = tmp_path / "s"
    for looks in (1, 2, 3):  # over two folders set aside, too
        study = make(folder, constant, **settings)
        study.run(trials=2, workers=0, fresh=True)
        found = study.verdict(workers=0)
        assert found.to_dict()["looks"] == looks
        assert ("looked_before" in [w["code"] for w in found.warnings]) == (looks > 1)
    assert "look 3" in str(found)
    assert "never seen" not in found.headline
    assert tr.load(folder).show()["looks"] == 3

    other = make(folder, constant, **(settings | {"seed": 7}))
    other.run(trials=2, workers=0, fresh=True)
    found = other.verdict(workers=0)
    assert found.to_dict()["looks"] == 1  # other rows of the same data: these may be among them, which is said
    assert "Other locked rows of the same data" in " ".join(w["message"] for w in found.warnings)

    unlike = make(folder, constant, **(settings | {"data": data(5)}))
    unlike.run(trials=2, workers=0, fresh=True)
    assert "looked_before" not in [w["code"] for w in unlike.verdict(workers=0).warnings]


def test_a_run_is_the_same_for_any_number_of_workers(tmp_path: Path) -> None:
    found = []
    for workers in (0, 1, 3):
        folder = tmp_path / str(workers)
        make(folder).run(trials=3, workers=workers)
        runs = [(run["trial"], run["replicate"], run["seed"]) for run in events(folder, "started")]
        found.append((sorted(runs), [(t["config"], t["value"]) for t in tr.load(folder).trials(as_dicts=True)]))

    assert found[0] == found[1] == found[2]


def test_what_is_printed_fits_and_is_harmless(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    make(folder).run(trials=2, workers=0)
    make(folder, second, search=tr.GridSearch(points=3)).run(trials=3, workers=0, accept_change=True)

    assert max(len(line) for line in str(tr.load(folder)).splitlines() if str(folder) not in line) <= 80
    json.dumps(tr.load(folder).show())


def test_the_plan_after_an_accepted_change_counts_what_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "s"
    make(folder).run(trials=3, workers=0)
    capsys.readouterr()
    make(folder, second).run(trials=4, workers=0, accept_change=True)
    told = "".join(capsys.readouterr())
    assert "Still to do: 1 trial x 2 runs" in told
    assert "4 trials x" not in told
