"""What `report --paper` writes, each number against the events of the journal and the data that were given."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, roc_auc_score, roc_curve

import truing as tr
from truing.report.delivered import Scored, confusion, roc
from truing.report.paper import FILES
from truing.resume import JOURNAL
from truing.storage.sqlite import SqliteJournal

RNG = np.random.default_rng(3)
PATIENT = RNG.permutation(np.repeat(np.arange(70), 5))
X = RNG.normal(size=(350, 4))
SIGNAL = X[:, 0] + 0.5 * X[:, 1] + RNG.normal(size=70)[PATIENT]
ILL = np.where(SIGNAL + RNG.normal(size=350) > 0.6, "ill", "well")


def ridge(run: Any) -> Any:
    if run.config["extra"] == 9:
        raise ValueError("too strong")
    one = np.c_[np.ones(len(run.train.x)), run.train.x]
    numbers = run.classes is None
    y = np.asarray(run.train.y, float) if numbers else (run.train.y == run.classes[0]) * 2.0 - 1.0
    weights = np.linalg.solve(one.T @ one + run.config["l2"] * np.eye(one.shape[1]), one.T @ y)

    def predict(given: Any) -> np.ndarray:
        z = np.c_[np.ones(len(given)), given] @ weights
        p = 1 / (1 + np.exp(-2 * z))
        return z if numbers else np.c_[p, 1 - p]

    run.report(predict(run.valid.x))
    return predict


SPACE = tr.Space(l2=tr.Float(1e-2, 1e2, log=True, default=2.0), extra=tr.Int(1, 9, default=4))


@pytest.fixture(scope="module")
def sick(tmp_path_factory: pytest.TempPathFactory) -> tr.Study:
    """Two classes and groups, run in two calls."""
    study = tr.Study(
        ridge,
        SPACE,
        data=tr.Data(X, ILL, groups=PATIENT),
        metric="log_loss",
        also=["accuracy", "roc_auc"],
        positive="ill",
        folder=tmp_path_factory.mktemp("sick") / "study",
    )
    study.run(trials=9, workers=0)
    study.run(trials=14, workers=0)
    study.verdict(workers=0)
    study.report(paper=True)
    return study


def events(folder: Path) -> list[Any]:
    journal = SqliteJournal(folder / JOURNAL, readonly=True)
    try:
        return list(journal.read())
    finally:
        journal.close()


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def own(folder: Path) -> tuple[dict[str, Any], np.ndarray, Counter[str], Counter[str]]:
    """Counted from the events alone: the study, the states of trials, runs by purpose and by end."""
    found = events(folder)
    study = [e.data for e in found if e.kind == "study"][-1]
    judged = Counter(e.data["state"] for e in found if e.kind == "judged")
    purposes = Counter(e.data["purpose"] for e in found if e.kind == "started")
    seeds = np.unique([e.data["seed"] for e in found if e.kind == "started"])
    return study, seeds, judged, purposes


def test_rows_groups_and_events_of_each_part(sick: tr.Study) -> None:
    """Against the data themselves and the rows that the runs' own plan names."""
    text = (sick.folder / "paper" / "methods.md").read_text(encoding="utf-8")
    plan = sick._setting.plan
    for words, rows in (
        ("Given were", np.arange(350)),
        ("stratified by class):", plan.locked),
        ("Development rows:", plan.rows),
    ):
        many, groups, ill = len(rows), len(set(PATIENT[rows])), int((ILL[rows] == "ill").sum())
        assert f"{words} {many} rows, {groups} groups, {ill} events ('ill')" in text
    assert "No group has rows both in the locked and in the development part." in text
    steps = table(sick.folder / "paper" / "rows.csv")
    assert [int(s["rows"]) for s in steps[:3]] == [350, len(plan.locked), len(plan.rows)]
    for number, replicate in enumerate(plan.replicates):
        train, valid = steps[3 + 2 * number : 5 + 2 * number]
        for step, rows in ((train, plan.rows[replicate.train]), (valid, plan.rows[replicate.valid])):
            assert int(step["rows"]) == len(rows)
            assert int(step["groups"]) == len(set(PATIENT[rows]))
            assert int(step["class ill"]) == (ILL[rows] == "ill").sum()


def test_the_methods_say_what_the_journal_holds(sick: tr.Study) -> None:
    text = (sick.folder / "paper" / "methods.md").read_text(encoding="utf-8")
    study, seeds, judged, purposes = own(sick.folder)

    assert sum(judged.values()) == 14
    assert judged["failed"] > 0
    assert f"in 14 trials ({judged['completed']} completed, {judged['failed']} failed)" in text
    assert f"The search made {purposes['search']} runs" in text
    assert f"{purposes['estimate']} to estimate, {purposes['refit']} on all development rows" in text
    assert f"used {len(seeds)} different seeds, all derived from the study's seed 0" in text
    assert "- l2 (number, training): 0.01 to 100, log scale; default 2." in text
    assert "- extra (whole number, training): 1 to 9; default 4." in text
    assert f"A trial was judged by {study['validation_text']}" in text
    assert "Each run used 1 thread." in text
    assert "This study has looked at the locked rows once." in text
    for name, version in study["versions"].items():
        assert f"{name} {version}" in text
    assert "t over groups and folds" in text
    assert "with Satterthwaite's degrees of freedom (Satterthwaite 1946)" in text.replace("\n", " ")
    assert "The search was made in 2 calls" in text
    assert f"{judged['failed']} trial{'s' * (judged['failed'] != 1)} failed: ValueError: too strong" in text
    assert study["machine"]["host"] not in text


def test_tripod_points_only_to_what_is_there(sick: tr.Study) -> None:
    folder = sick.folder / "paper"
    rows = {row["item"]: row for row in table(folder / "tripod.csv")}
    for row in rows.values():
        assert row["status"] in ("answered", "in part", "by the author", "does not apply")
        named = re.findall(r"[a-z_]+\.(?:md|svg|csv)", row["where"])
        assert all((folder / name).is_file() for name in named)
        assert bool(named) == (row["status"] in ("answered", "in part")) or row["item"] == "22"
        assert ("Yours: " in row["where"]) == (row["status"] == "in part")
        for heading in re.findall(r"methods\.md, ([A-Z][a-z ,]+?)(?: and |:|;|\.|$)", row["where"]):
            assert f"## {heading}" in (folder / "methods.md").read_text(encoding="utf-8")
    assert rows["21"]["status"] == "answered"  # groups and events of each part are in rows.csv
    assert {"18a", "17", "6b", "11", "14"} <= {n for n, row in rows.items() if row["status"] == "by the author"}


def test_decision_curve_is_that_of_the_verdict_and_says_what_it_shows(sick: tr.Study) -> None:
    folder = sick.folder / "paper"
    told = sick.verdict(workers=0).to_dict()["net_benefit"]
    points = table(folder / "decision.csv")
    assert [float(row["value"]) for row in points] == pytest.approx([point["value"] for point in told["points"]])
    assert [float(row["threshold"]) for row in points] == pytest.approx(np.arange(1, 100) / 100)
    assert "groups" in told["method"]
    drawn = ElementTree.fromstring((folder / "decision.svg").read_text(encoding="utf-8"))
    words = "".join(drawn.itertext())
    assert ("is not shown to beat" in words) == (told["better"] == [])
    assert f"{told['points'][49]['value']:.3f}" in words
    assert not re.search(r"nan|None", words)


def test_roc_and_confusion_agree_with_scikit_learn(sick: tr.Study) -> None:
    found = events(sick.folder)
    verdict = next(e.data["verdict"] for e in found if e.kind == "verdict")
    (run,) = [
        e.data["run"]
        for e in found
        if e.kind == "started"
        and (e.data["purpose"], e.data["trial"], e.data["replicate"]) == ("refit", verdict["selected_trial"], 0)
    ]
    p = np.load(sick.folder / "predictions" / f"run-{run:06d}-locked.npy")[:, 0].astype(float)
    truth = ILL[sick._setting.plan.locked] == "ill"
    far, hit, thresholds = roc_curve(truth, p)

    points = table(sick.folder / "paper" / "roc.csv")
    np.testing.assert_allclose([float(r["false_positive_rate"]) for r in points], far)
    np.testing.assert_allclose([float(r["true_positive_rate"]) for r in points], hit)
    np.testing.assert_allclose([float(r["threshold"]) for r in points[1:]], thresholds[1:], atol=6e-4)
    (area,) = table(sick.folder / "paper" / "roc_area.csv")
    assert float(area["value"]) == pytest.approx(roc_auc_score(truth, p))
    assert float(area["value"]) == pytest.approx(verdict["test"]["roc_auc"]["delivered"]["value"])
    assert "groups" in area["method"]
    counts = {(r["actual"], r["predicted"]): int(r["rows"]) for r in table(sick.folder / "paper" / "confusion.csv")}
    decided = np.where(p >= 0.5, "ill", "well")
    wanted = confusion_matrix(np.where(truth, "ill", "well"), decided, labels=["ill", "well"])
    assert [[counts[a, b] for b in ("ill", "well")] for a in ("ill", "well")] == wanted.tolist()
    right = (wanted[0, 0] + wanted[1, 1]) / wanted.sum()
    assert right == pytest.approx(verdict["test"]["accuracy"]["delivered"]["value"])
    bins = table(sick.folder / "paper" / "calibration.csv")
    assert sum(int(b["rows"]) for b in bins) == len(p)
    assert sum(int(b["rows"]) * float(b["share"]) for b in bins) == pytest.approx(truth.sum())
    assert sum(int(b["rows"]) * float(b["mean_probability"]) for b in bins) == pytest.approx(p.sum(), rel=1e-6)


def test_a_figure_of_the_verdict_has_the_same_interval_here(sick: tr.Study) -> None:
    """Resampled anew it would have other ends, and one side of 1 in the report and another in the paper."""
    verdict, folder = sick.verdict().to_dict(), sick.report(paper=True)
    fit = {row["figure"]: row for row in table(folder / "calibration_fit.csv")}
    (area,) = table(folder / "roc_area.csv")

    assert "groups" in verdict["calibration"]["slope"]["method"]  # a bootstrap, so it is drawn
    for row, stored in (
        (fit["slope"], verdict["calibration"]["slope"]),
        (fit["intercept"], verdict["calibration"]["intercept"]),
        (area, verdict["roc"]["auc"]),
        *zip(table(folder / "calibration.csv"), verdict["calibration"]["bins"], strict=True),
    ):
        assert [float(row[end]) for end in ("low", "high")] == [stored["low"], stored["high"]]


def test_the_figures_stand_alone(sick: tr.Study) -> None:
    for path in sorted((sick.folder / "paper").glob("*.svg")):
        text = path.read_text(encoding="utf-8")
        root = ElementTree.fromstring(text)
        assert len(root.findtext("{*}title") or "") > 10, path.name
        assert len(root.findtext("{*}desc") or "") > 100, path.name
        assert "prefers-color-scheme: dark" in text
        assert re.findall(r"(?:href|src)=|url\((?!#)|@import|<script", text) == []


def test_the_same_folder_gives_the_same_files_without_function_or_data(sick: tr.Study, tmp_path: Path) -> None:
    first = {path.name: path.read_bytes() for path in (sick.folder / "paper").iterdir()}
    assert set(first) == set(FILES)

    again = tr.load(sick.folder).report(tmp_path / "elsewhere", paper=True)

    assert again == tmp_path / "elsewhere"
    assert {path.name: path.read_bytes() for path in again.iterdir()} == first


def test_what_was_never_kept_is_left_out_with_the_reason(sick: tr.Study, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(sick.folder, tmp_path / "study")
    (tmp_path / "study" / "paper" / "notes.md").write_text("mine")
    kept = tmp_path / "study" / "predictions" / "locked-truth.npz"
    kept.write_bytes(kept.read_bytes()[:-40])

    folder = tr.load(tmp_path / "study").report(paper=True)

    names = {path.name for path in folder.iterdir()}
    assert names == {n for n in FILES if not n.startswith(("roc", "confusion", "calibration", "decision"))} | {
        "notes.md"
    }
    text = (folder / "methods.md").read_text(encoding="utf-8")
    assert (
        "confusion matrix, ROC, calibration and decision curve: The kept labels of the locked rows are damaged" in text
    )
    assert str(tmp_path) not in text


def test_a_regression(tmp_path: Path) -> None:
    study = tr.Study(ridge, SPACE, data=tr.Data(X, SIGNAL), metric="rmse", folder=tmp_path / "study")
    study.run(trials=3, workers=0)
    study.verdict(workers=0)
    folder = study.report(paper=True)
    text = (folder / "methods.md").read_text(encoding="utf-8")

    for rows in (np.arange(350), study._setting.plan.rows, study._setting.plan.locked):
        assert f"{len(rows)} rows, y {SIGNAL[rows].mean():.4g} (SD {SIGNAL[rows].std(ddof=1):.4g})" in text
    assert "Left out, confusion matrix, ROC, calibration and decision curve: y are no classes." in text
    assert not (folder / "roc.svg").exists()
    rows = {(r["part"], r["figure"]): r for r in table(folder / "verdict.csv")}
    stored = tr.load(study.folder).verdict()
    assert stored is not None
    test = stored.to_dict()["test"]["rmse"]
    assert float(rows["locked test", "selected"]["value"]) == test["selected"]
    assert float(rows["locked test", "difference"]["low"]) == test["difference"]["low"]


def test_no_data_and_no_verdict(tmp_path: Path) -> None:
    study = tr.Study(
        lambda run: run.report(loss=run.config["l2"] + run.seed % 5),
        SPACE,
        metric=tr.Metric("loss", goal="min"),
        validation=tr.Seeds(3),
        folder=tmp_path / "study",
    )
    study.run(trials=4, workers=0)
    folder = study.report(paper=True)

    assert sorted(path.name for path in folder.iterdir()) == [
        "methods.md", "space.csv", "trials.csv", "tripod.csv", "tripod.md",
    ]  # fmt: skip
    text = (folder / "methods.md").read_text(encoding="utf-8")
    assert "The study has no data of its own" in text
    assert "in 4 trials (4 completed), 12 runs in all" in text
    assert "used 3 different seeds" in text
    assert "There are no locked rows." in text
    for what, why in (
        ("the flow of rows", "there is no data"),
        ("the verdict's figures", "there is no verdict yet"),
        ("confusion matrix, ROC, calibration and decision curve", "there is no verdict yet"),
    ):
        assert f"Left out, {what}: {why}." in text


def test_the_command_lists_the_files(sick: tr.Study, capfd: pytest.CaptureFixture[str]) -> None:
    from truing.cli.app import app

    capfd.readouterr()
    app(["report", str(sick.folder), "--paper", "--json"], standalone_mode=False)
    found = json.loads(capfd.readouterr().out)

    assert found == {"folder": str(sick.folder / "paper"), "files": list(FILES), "left_out": []}


def test_each_class_against_the_rest() -> None:
    """Three classes, one of which the locked rows lack: its area is undefined, and the others are there."""
    rng = np.random.default_rng(0)
    truth, p = rng.integers(0, 2, 80), rng.dirichlet([1, 1, 1], 80)
    found = roc(Scored(truth, p, ("a", "b", "c")))

    assert not isinstance(found, str)
    areas = {row["class"]: row for row in found[1]}
    assert areas["a"]["value"] == pytest.approx(roc_auc_score(truth == 0, p[:, 0]))
    assert areas["c"]["value"] is None
    assert "no locked row is c" in areas["c"]["reason"]
    assert sum(row["rows"] for row in confusion(Scored(truth, p, ("a", "b", "c")))[0]) == 80
    assert roc(Scored(np.zeros(9, int), p[:9, :2], ("a", "b"))) == "no locked row is b"


def test_external_sets_and_the_threshold_are_told(tmp_path: Path) -> None:
    """The confusion matrix decides as the verdict's threshold does, and a set from elsewhere is a part of its own."""
    study = tr.Study(
        ridge,
        SPACE,
        data=tr.Data(X, ILL),
        metric="log_loss",
        also=["sensitivity"],
        positive="ill",
        threshold="sensitivity>=0.9",
        external={"elsewhere": tr.Data(X[:60] + 0.5, ILL[:60])},
        folder=tmp_path / "study",
    )
    study.run(trials=3, workers=0)
    found = study.verdict(workers=0).to_dict()
    folder = study.report(paper=True)

    counts = {(r["actual"], r["predicted"]): int(r["rows"]) for r in table(folder / "confusion.csv")}
    hit = counts["ill", "ill"] / (counts["ill", "ill"] + counts["ill", "well"])
    assert hit == pytest.approx(found["threshold"]["test"]["sensitivity"]["value"])
    text = (folder / "methods.md").read_text(encoding="utf-8")
    assert f"from a probability of {found['threshold']['value']:.4g} on" in text
    many = int((ILL[:60] == "ill").sum())
    assert f"External set elsewhere: 60 rows, {many} events ('ill'), opened by the verdict only." in text
    assert "This study has looked at the locked rows once." in text
    (step,) = [s for s in table(folder / "rows.csv") if s["step"] == "external set elsewhere"]
    assert (step["rows"], step["class ill"]) == ("60", str(many))
    assert "External set elsewhere" in (folder / "flow.svg").read_text(encoding="utf-8")

    rows = table(folder / "verdict.csv")
    (at,) = [r for r in rows if r["part"] == "threshold" and r["figure"] == "chosen threshold"]
    assert float(at["value"]) == pytest.approx(found["threshold"]["value"])
    (own,) = [
        r
        for r in rows
        if (r["part"], r["metric"], r["figure"]) == ("external set elsewhere", "log_loss", "delivered network")
    ]
    delivered = found["external"]["elsewhere"]["metrics"]["log_loss"]["delivered"]
    assert float(own["low"]) == pytest.approx(delivered["low"])
    assert "Decision threshold: " in text
    assert "External set elsewhere (60 rows): " in text
    assert "the one that is kept" not in text  # this function keeps nothing


def test_evaluations_are_told_without_a_verdict_too(tmp_path: Path) -> None:
    study = tr.Study(
        ridge, SPACE, data=tr.Data(X, ILL, site=np.arange(350) % 3), metric="log_loss", test=None, folder=tmp_path / "s"
    )
    study.run(trials=1, workers=0)
    found = study.evaluate(tr.InternalExternal(), trials=1, workers=0)
    folder = study.report(paper=True)

    text = (folder / "methods.md").read_text(encoding="utf-8")
    assert found.headline in text
    assert "range for a new site" in text
    reach = [r for r in table(folder / "verdict.csv") if r["figure"] == "range for a new site"]
    assert float(reach[0]["low"]) == pytest.approx(found.to_dict()["range"]["low"])
