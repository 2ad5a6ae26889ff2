"""The locked test and the delivered network, recomputed from the kept predictions."""

from __future__ import annotations

import csv
import math
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, log_loss, recall_score, roc_auc_score

import truing as tr
from truing.errors import StudyFailedError
from truing.record.seeds import seed_of

ALSO = ["accuracy", "sensitivity", "roc_auc"]


def rows_loss(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    return -np.log(p[np.arange(len(y)), y])


def sides(done: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    told = done.told
    number = next(t for t, config in told.configs.items() if config == done.verdict.selected)
    return told.purpose("refit", number), told.purpose("refit", 0)


def locked_rows(done: Any, n: int) -> np.ndarray:
    """What no run of the search ever saw."""
    seen = [np.concatenate([s["train"], s["valid"]]) for s in list(done.objective.seen)[:5]]
    return np.setdiff1d(np.arange(n), np.concatenate(seen))


def test_means_difference_and_interval_over_rows_and_seeds(judged, rows, logistic) -> None:
    """Three refits a side; variance = s²(row differences averaged over seeds)/n + s²(seeds)/3, Satterthwaite."""
    done = judged(logistic(noise=0.15), also=ALSO)
    _, y = rows()
    locked = locked_rows(done, len(y))
    mine, theirs = sides(done)
    assert (len(mine), len(theirs)) == (3, 3)
    assert [r["seed"] for r in mine] == [r["seed"] for r in theirs]
    a, b = ([done.told.predictions(r, "-locked") for r in side] for side in (mine, theirs))

    found = done.verdict.to_dict()["test"]
    truth = y[locked]
    means = [np.mean([log_loss(truth, p) for p in side]) for side in (a, b)]
    assert (found["log_loss"]["selected"], found["log_loss"]["defaults"]) == pytest.approx(means, rel=1e-5)
    by_row = np.mean([rows_loss(truth, p) - rows_loss(truth, q) for p, q in zip(a, b, strict=True)], axis=0)
    by_seed = [log_loss(truth, p) - log_loss(truth, q) for p, q in zip(a, b, strict=True)]
    over_rows, over_seeds = np.var(by_row, ddof=1) / len(truth), np.var(by_seed, ddof=1) / 3
    df = (over_rows + over_seeds) ** 2 / (over_rows**2 / (len(truth) - 1) + over_seeds**2 / 2)
    away = stats.t.ppf(0.975, df) * math.sqrt(over_rows + over_seeds)
    difference = found["log_loss"]["difference"]
    middle = means[0] - means[1]
    assert (difference["value"], difference["low"], difference["high"]) == pytest.approx(
        (middle, middle - away, middle + away), rel=1e-4
    )
    for name, score in (
        ("accuracy", lambda p: accuracy_score(truth, p[:, 1] >= 0.5)),
        ("sensitivity", lambda p: recall_score(truth, p[:, 1] >= 0.5)),
        ("roc_auc", lambda p: roc_auc_score(truth, p[:, 1])),
    ):
        assert found[name]["selected"] == pytest.approx(np.mean([score(p) for p in a]))
        assert found[name]["defaults"] == pytest.approx(np.mean([score(p) for p in b]))
        assert found[name]["delivered"]["value"] == pytest.approx(score(a[0]))


def test_refits_train_on_all_development_rows_and_report_on_a_fifth_of_them(judged, rows, logistic) -> None:
    done = judged(logistic())
    _, y = rows()
    locked = locked_rows(done, len(y))
    for run in (*sides(done)[0], *sides(done)[1]):
        seen = done.seen(run["seed"], done.told.configs[run["trial"]])
        assert np.array_equal(np.sort(seen["train"]), np.setdiff1d(np.arange(len(y)), locked))
        assert len(seen["valid"]) == len(seen["train"]) // 5
        assert set(seen["valid"]) <= set(seen["train"])
        assert seen["valid_kind"] == "Rows"


def test_no_run_but_a_refit_ever_gets_a_locked_row(judged, rows, logistic) -> None:
    done = judged(logistic(), trials=12)
    _, y = rows()
    locked = set(locked_rows(done, len(y)).tolist())
    assert len(locked) == 32
    for seen in done.objective.seen:
        assert not locked & set(seen["train"].tolist())
        assert not locked & set(seen["valid"].tolist())


def test_delivered_network_is_the_first_refit_of_the_selected(judged, rows, logistic) -> None:
    """Its file is what that run kept, its accuracy has Wilson's interval, its log loss the bootstrap's."""
    done = judged(logistic(noise=0.15), also=["accuracy"])
    _, y = rows()
    locked = locked_rows(done, len(y))
    first = sides(done)[0][0]
    p = done.told.predictions(first, "-locked")
    correct = int(((p[:, 1] >= 0.5) == y[locked]).sum())
    ends = stats.binomtest(correct, len(locked)).proportion_ci(method="wilson")

    own = done.verdict.to_dict()["test"]["accuracy"]["delivered"]
    assert (own["value"], own["low"], own["high"]) == pytest.approx((correct / len(locked), ends.low, ends.high))
    assert own["method"] == "Wilson"
    loss = done.verdict.to_dict()["test"]["log_loss"]["delivered"]
    again = np.random.default_rng(0).integers(0, len(locked), (4000, len(locked)))
    spread = np.quantile(rows_loss(y[locked], p)[again].mean(1), [0.025, 0.975])
    assert (loss["low"], loss["high"]) == pytest.approx(tuple(spread), abs=0.03)

    kept = np.frombuffer((done.study.folder / "model" / "weights.bin").read_bytes())
    columns = np.c_[np.ones(len(locked)), rows()[0][locked]]
    np.testing.assert_allclose(1 / (1 + np.exp(-columns @ kept)), p[:, 1], rtol=1e-5)
    assert done.verdict.to_dict()["model"] == ["weights.bin"]


def test_a_function_without_predict_gets_the_rows_without_labels(judged, rows, logistic) -> None:
    """Its last report on the locked rows counts, and gives what predict would have given."""
    with_predict = judged(logistic(noise=0.1))
    without = judged(logistic(noise=0.1, predicts=False))

    kinds = {s["valid_kind"] for s in without.objective.seen if s["seed"] in {seed_of(0, "refit", j) for j in range(3)}}
    assert kinds == {"LockedRows"}
    assert without.verdict.to_dict()["test"] == with_predict.verdict.to_dict()["test"]
    assert "labels_given" not in {w["code"] for w in without.verdict.warnings}


def test_only_the_last_report_on_the_locked_rows_counts(judged, logistic) -> None:
    class Twice(logistic):
        def __call__(self, run: Any) -> None:
            run.report(np.full(len(run.valid), 0.5))
            super().__call__(run)

    assert (
        judged(Twice(predicts=False)).verdict.to_dict()["test"]
        == (judged(logistic(predicts=False)).verdict.to_dict()["test"])
    )


def test_a_function_of_numbers_gets_the_labels_and_the_verdict_warns(judged, logistic) -> None:
    done = judged(logistic(noise=0.3, predicts=False, numbers=True), metric="accuracy")
    found = done.verdict.to_dict()
    mine, theirs = sides(done)
    entry = found["test"]["accuracy"]
    assert entry["selected"] == pytest.approx(np.mean([r["scores"]["accuracy"] for r in mine]))
    assert entry["defaults"] == pytest.approx(np.mean([r["scores"]["accuracy"] for r in theirs]))
    assert entry["difference"]["value"] == pytest.approx(entry["selected"] - entry["defaults"])
    assert entry["difference"]["low"] is None
    assert "only numbers were reported" in entry["difference"]["reason"]
    ends = stats.binomtest(round(mine[0]["scores"]["accuracy"] * 32), 32).proportion_ci(method="wilson")
    assert (entry["delivered"]["low"], entry["delivered"]["high"]) == pytest.approx((ends.low, ends.high))
    assert "labels_given" in {w["code"] for w in found["warnings"]}
    assert "could have used them" in " ".join(str(done.verdict).split())


def test_a_number_of_ones_own_is_never_taken_from_rows_that_trained(judged) -> None:
    """The metric is the function's: although it returns predict, it is asked for its number on the locked rows."""
    x = np.arange(100.0).reshape(-1, 1)

    def objective(run: Any) -> Any:
        overlap = bool(set(run.valid.rows) & set(run.train.rows))
        run.report(cost=(run.config["a"] - 0.4) ** 2 + float(overlap))
        return lambda rows: np.zeros(len(rows))

    done = judged(
        objective,
        data=tr.Data(x, x[:, 0] % 2),
        metric=tr.Metric("cost", goal="min"),
        space=tr.Space(a=tr.Float(0.0, 1.0, default=0.9)),
    )
    entry = done.verdict.to_dict()["test"]["cost"]
    assert entry["selected"] == pytest.approx((done.verdict.selected["a"] - 0.4) ** 2)
    assert "labels_given" in {w["code"] for w in done.verdict.warnings}


def test_what_predict_returns_does_not_matter_to_a_number_of_ones_own(judged) -> None:
    """Pictures for rows: no prediction of a class or a value, and nobody reads it as one."""

    def objective(run: Any) -> Any:
        run.report(cost=run.config["a"])
        return lambda rows: {"pictures": rows}

    done = judged(
        objective,
        data=tr.Data(np.zeros((60, 2)), [0, 1] * 30),
        metric=tr.Metric("cost", goal="min"),
        space=tr.Space(a=tr.Float(0.0, 1.0, default=0.9)),
    )
    assert done.verdict.to_dict()["test"]["cost"]["selected"] == pytest.approx(done.verdict.selected["a"])


def test_predict_gets_the_same_kind_of_rows_for_training_and_for_locked_rows(judged, rows) -> None:
    """Items of a Dataset are (x, y); predict gets x alone, wherever the verdict calls it."""
    x, y = rows()

    class Items:
        def __len__(self) -> int:
            return len(x)

        def __getitem__(self, i: int) -> Any:
            return x[i], int(y[i])

    def objective(run: Any) -> Any:
        def predict(given: Any) -> np.ndarray:
            values = np.array([given[i][0] if isinstance(given[i], tuple) else given[i] for i in range(len(given))])
            if any(isinstance(given[i], tuple) for i in range(len(given))):
                raise TypeError("a label came along")
            return 1 / (1 + np.exp(-run.config["a"] * values[:, 0]))

        run.report(1 / (1 + np.exp(-run.config["a"] * np.array([item[0][0] for item in run.valid.x]))))
        return predict

    done = judged(objective, data=tr.Data(Items(), y=y), space=tr.Space(a=tr.Float(0.0, 3.0)))
    assert done.verdict.to_dict()["generalization"]["train"] is not None


def test_beyond_the_limit_on_kept_predictions_the_figures_are_the_same(judged, logistic, monkeypatch) -> None:
    """Fresh runs then leave their loss per row; the locked predictions are kept all the same."""
    plenty = judged(logistic(noise=0.1)).verdict.to_dict()
    whole = tr.Study._job.fget
    monkeypatch.setattr(tr.Study, "_job", property(lambda self: replace(whole(self), predictions_limit=1)))

    done = judged(logistic(noise=0.1))

    needs_predictions = dict.fromkeys(
        ("seconds", "bbc", "overtuning", "corrections", "validation", "generalization", "resolution")
    )
    assert done.verdict.to_dict() | needs_predictions == plenty | needs_predictions
    assert done.verdict.to_dict()["validation"]["selected"] == pytest.approx(plenty["validation"]["selected"])
    assert done.verdict.to_dict()["validation"]["difference"]["method"] == "corrected resampled t"
    assert done.verdict.to_dict()["bbc"]["value"] is None
    assert done.verdict.to_dict()["bbc"]["reason"]
    kept = {p.name for p in (done.study.folder / "predictions").iterdir()}
    estimate, refits = done.told.purpose("estimate"), done.told.purpose("refit")
    assert {f"run-{r['run']:06d}-loss.npy" for r in estimate} <= kept
    assert not {f"run-{r['run']:06d}.npy" for r in estimate} & kept
    assert {f"run-{r['run']:06d}-locked.npy" for r in refits} <= kept


def test_a_further_number_beside_predictions_is_null_with_its_reason(judged, logistic) -> None:
    class Slow(logistic):
        def __call__(self, run: Any) -> Any:
            predict = super().__call__(run)
            run.report(predict(run.valid.x), milliseconds=7.0)
            return predict

    found = judged(Slow(), also=[tr.Metric("milliseconds", goal="min")]).verdict.to_dict()
    entry = found["test"]["milliseconds"]
    assert entry["selected"] is None
    assert entry["delivered"]["value"] is None
    assert "the locked rows were scored by predictions" in entry["delivered"]["reason"]
    assert found["test"]["log_loss"]["selected"] is not None


def test_official_test_set_is_what_is_scored(judged, rows, logistic) -> None:
    _, y = rows()
    other_x, other_y = rows(90, seed=9)
    done = judged(logistic(), test=tr.Data(other_x, other_y))
    mine, _ = sides(done)
    scores = [log_loss(other_y, done.told.predictions(r, "-locked")) for r in mine]
    assert done.verdict.to_dict()["test"]["log_loss"]["selected"] == pytest.approx(np.mean(scores), rel=1e-5)
    assert done.verdict.to_dict()["locked_rows"] == 90
    everything = done.seen(mine[0]["seed"], done.verdict.selected)["train"]
    assert np.array_equal(everything, np.arange(len(y)))


def test_named_rows_are_the_locked_ones(judged, rows, logistic) -> None:
    _, y = rows()
    chosen = np.arange(40, 100)
    done = judged(logistic(), test=chosen)
    scores = [log_loss(y[chosen], done.told.predictions(r, "-locked")) for r in sides(done)[0]]
    assert done.verdict.to_dict()["test"]["log_loss"]["selected"] == pytest.approx(np.mean(scores), rel=1e-5)


def test_without_a_test_there_are_no_test_figures(judged, logistic) -> None:
    found = judged(logistic(), test=None).verdict
    assert found.to_dict()["test"] is None
    assert found.to_dict()["looks"] == 0
    assert found.to_dict()["generalization"]["test"] is None
    assert "no_test" in {w["code"] for w in found.warnings}
    assert "locked test: none" in str(found)
    assert found.to_dict()["model"] == ["weights.bin"]


def test_undefined_on_the_locked_rows_is_null_with_a_reason(judged, logistic) -> None:
    """No row predicted positive: precision is undefined, never 0."""
    done = judged(
        logistic(),
        also=["precision"],
        space=tr.Space(l2=tr.Float(1e4, 1e6, log=True)),
        data=tr.Data(np.random.default_rng(0).normal(size=(120, 4)), [0, 0, 0, 1] * 30),
    )
    entry = done.verdict.to_dict()["test"]["precision"]
    assert entry["selected"] is None
    assert entry["delivered"]["value"] is None
    assert entry["delivered"]["reason"] == "no row was predicted positive"
    assert "undefined: no row was predicted positive" in str(done.verdict)
    assert "undefined" in {w["code"] for w in done.verdict.warnings}


@pytest.mark.parametrize("side", ["defaults", "selected"])
def test_a_refit_that_fails_is_not_averaged_away(judged, logistic, side: str) -> None:
    def refuse(run: Any) -> None:
        if (run.config["l2"] == 300.0) == (side == "defaults") and run.seed == seed_of(0, "refit", 1):
            raise RuntimeError("no memory left")

    done = judged(logistic(refuse=refuse))
    found = done.verdict.to_dict()
    entry = found["test"]["log_loss"]
    assert (entry["selected"] is None) == (side == "selected")
    assert entry["defaults"] is None
    assert entry["difference"]["value"] is None
    assert "no memory left" in entry["difference"]["reason"]
    assert entry["delivered"]["value"] is not None
    assert found["model"] == ["weights.bin"]
    assert "refit_failed" in {w["code"] for w in found["warnings"]}
    assert found["validation"]["difference"]["value"] is not None


def test_a_first_refit_that_fails_delivers_no_network(judged, logistic) -> None:
    def refuse(run: Any) -> None:
        if run.config["l2"] != 300.0 and run.seed == seed_of(0, "refit", 0):
            raise RuntimeError("just this one")

    found = judged(logistic(refuse=refuse)).verdict.to_dict()
    assert found["test"]["log_loss"]["delivered"]["value"] is None
    assert found["model"] == []


def test_refits_that_all_fail_stop_with_the_cause_and_can_be_taken_up(judged, rows, logistic, tmp_path: Path) -> None:
    """The look is counted once, and the next call does the refits alone."""
    broken = deque([True])  # unlike a list no constant of the function

    def refuse(run: Any) -> None:
        if broken[0] and run.config["l2"] != 300.0 and run.seed in {seed_of(0, "refit", j) for j in range(3)}:
            raise RuntimeError("disk full")

    objective = logistic(refuse=refuse)
    with pytest.raises(StudyFailedError, match=r"could not be trained on all development rows[^.]*disk full"):
        judged(objective, folder=tmp_path / "own")
    broken[0] = False
    space = tr.Space(l2=tr.Float(1e-2, 1e4, log=True, default=300.0))
    again = tr.Study(objective, space, data=tr.Data(*rows()), folder=tmp_path / "own")
    before = len(objective.seen)
    found = again.verdict(workers=0).to_dict()
    assert len(objective.seen) == before + 3
    assert found["looks"] == 1
    assert found["verdict_runs"] == 26
    assert "refit_failed" not in {w["code"] for w in found["warnings"]}


HEART = Path(__file__).resolve().parents[3] / "shared" / "data" / "clinical" / "heart_disease_4sites.csv"


@pytest.mark.skipif(not HEART.is_file(), reason="the shared heart disease data are not there")
def test_groups_stay_whole_and_intervals_count_them_as_the_unit(judged, logistic) -> None:
    """920 patients in 40 hospital wards of four sites: nobody's ward lies on both sides, and the unit is the ward."""
    with HEART.open() as file:
        table = list(csv.DictReader(file))
    numbers = ["age", "sex", "cp"]
    x = np.array([[float(row[name] or 0) for name in numbers] for row in table])
    x = (x - x.mean(0)) / x.std(0)
    y = np.array(["ill" if float(row["num"]) > 0 else "well" for row in table])
    ward = np.array([f"{row['site']}-{i % 10}" for i, row in enumerate(table)])
    done = judged(
        logistic(noise=0.02), data=tr.Data(x, y, groups=ward), positive="ill", also=["sensitivity", "accuracy"]
    )

    mine, theirs = sides(done)
    locked = locked_rows(done, len(y))
    development = np.setdiff1d(np.arange(len(y)), locked)
    assert not set(ward[locked]) & set(ward[development])
    found = done.verdict.to_dict()["test"]
    assert found["log_loss"]["difference"]["method"] == "t over groups and seeds"
    assert "groups" in found["accuracy"]["delivered"]["method"]
    assert "groups" in found["sensitivity"]["delivered"]["method"]
    code = np.array([["ill", "well"].index(label) for label in y[locked]])
    names, unit = np.unique(ward[locked], return_inverse=True)
    by_row = np.mean(
        [
            rows_loss(code, done.told.predictions(p, "-locked")) - rows_loss(code, done.told.predictions(q, "-locked"))
            for p, q in zip(mine, theirs, strict=True)
        ],
        axis=0,
    )
    sums, sizes = np.bincount(unit, by_row), np.bincount(unit)
    groups = len(names)
    deviations = sums - by_row.mean() * sizes
    over_groups = (deviations @ deviations) / (groups - 1) / groups / np.mean(sizes) ** 2
    difference = found["log_loss"]["difference"]
    assert (difference["high"] - difference["low"]) / 2 > 0.9 * stats.t.ppf(0.975, groups - 1) * math.sqrt(over_groups)
