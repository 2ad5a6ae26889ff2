"""Threshold, predictive values, calibration, agreement, ROC and confusion against the kept predictions themselves."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, roc_auc_score, roc_curve

import truing as tr
from truing.errors import MetricError, UsageError


def out_of_fold(done):
    """Probability and label of each row that a fresh run of the selected predicted, in the order of the runs."""
    told, study = done.told, done.study
    number = done.verdict.to_dict()["selected_trial"]
    p, y = [], []
    for run, replicate in zip(told.purpose("estimate", number), study._setting.fresh("estimate", 10), strict=True):
        rows = study._setting.plan.rows[replicate.valid]
        p.append(told.predictions(run)[:, 1])
        y.append(np.asarray(study.data.labels)[rows])
    return np.concatenate(p), np.concatenate(y)


def locked(done):
    told = done.told
    rows = done.study._setting.plan.locked
    runs = told.purpose("refit", done.verdict.to_dict()["selected_trial"])
    return [told.predictions(run, "-locked") for run in runs], np.asarray(done.study.data.labels)[rows]


def test_threshold_is_chosen_out_of_fold_and_judged_on_the_locked_rows(judged, logistic) -> None:
    done = judged(logistic(noise=0.3), threshold="youden", prevalence=0.05)
    found = done.verdict.to_dict()
    p, y = out_of_fold(done)
    alarms, hits, _ = roc_curve(y, p)
    t = found["threshold"]["value"]
    assert (p >= t)[y == 1].mean() - (p >= t)[y == 0].mean() == pytest.approx((hits - alarms).max())
    assert found["threshold"]["low"] <= t <= found["threshold"]["high"]
    assert "10 fresh runs, 128 rows" in found["threshold"]["chosen_on"]
    refits, truth = locked(done)
    table = confusion_matrix(truth, refits[0][:, 1] >= t)
    (tn, fp), (fn, tp) = table
    test = found["threshold"]["test"]
    assert test["sensitivity"]["value"] == pytest.approx(tp / (tp + fn))
    assert test["specificity"]["value"] == pytest.approx(tn / (tn + fp))
    assert test["precision"]["value"] == pytest.approx(tp / (tp + fp))
    assert test["negative_predictive_value"]["value"] == pytest.approx(tn / (tn + fn))
    assert all(one["low"] < one["value"] < one["high"] or one["value"] in (0, 1) for one in test.values())
    mean = np.mean([(one[:, 1] >= t)[truth == 1].mean() for one in refits])
    assert found["threshold"]["refits"]["sensitivity"] == pytest.approx(mean)
    assert found["confusion"]["counts"] == table.tolist()
    assert found["roc"]["decision"] == pytest.approx([fp / (fp + tn), tp / (tp + fn)])
    p, y = refits[0][:, 1], truth == 1
    for point in found["net_benefit"]["points"][4::15]:
        called, odds = p >= point["threshold"], point["threshold"] / (1 - point["threshold"])
        assert point["value"] == pytest.approx((y & called).mean() - (~y & called).mean() * odds)
        assert point["treat_all"] == pytest.approx(y.mean() - (1 - y.mean()) * odds)
    assert "net benefit" in str(done.verdict)
    se, sp = tp / (tp + fn), tn / (tn + fp)
    ppv = found["predictive_values"]["ppv"]
    assert ppv["value"] == pytest.approx(se * 0.05 / (se * 0.05 + (1 - sp) * 0.95))
    assert ppv["low"] < ppv["value"] < ppv["high"]
    text = str(done.verdict)
    assert "threshold" in text
    assert "prevalence" in text
    assert max(map(len, text.splitlines())) <= 80
    assert "\N{NO-BREAK SPACE}" not in text
    json.dumps(found, allow_nan=False)


def test_the_labels_of_the_test_set_have_no_say_in_the_threshold(judged, logistic, rows) -> None:
    x, y = rows(60, seed=5)
    found = [
        judged(logistic(), threshold="sensitivity>=0.9", test=tr.Data(x, labels)).verdict.to_dict()["threshold"]
        for labels in (y, 1 - y)
    ]
    assert [found[0][key] for key in ("value", "low", "high")] == [found[1][key] for key in ("value", "low", "high")]
    assert found[0]["test"]["sensitivity"]["value"] != found[1]["test"]["sensitivity"]["value"]


def test_the_metrics_stay_as_they_are(judged, logistic, tmp_path) -> None:
    plain, with_one = (
        judged(logistic(), also=["sensitivity"], **more).verdict.to_dict()
        for more in ({}, {"threshold": 0.2, "prevalence": 0.1})
    )
    assert plain["test"]["sensitivity"]["delivered"] == with_one["test"]["sensitivity"]["delivered"]
    assert plain["validation"] == with_one["validation"]
    assert plain["threshold"] is None
    assert plain["predictive_values"] is None
    assert with_one["threshold"]["value"] == 0.2
    assert with_one["threshold"]["test"]["sensitivity"]["method"] == "Wilson"


def test_calibration_is_that_of_the_delivered_network(judged, logistic) -> None:
    done = judged(logistic(), data=tr.Data(*_table(500)))
    found = done.verdict.to_dict()["calibration"]
    (first, *_), truth = locked(done)
    z = np.log(first[:, 1] / first[:, 0])[:, None]
    slope = LogisticRegression(C=np.inf).fit(z, truth).coef_[0, 0]
    assert found["slope"]["value"] == pytest.approx(slope, rel=1e-3)
    assert found["slope"]["low"] < slope < found["slope"]["high"]
    assert sum(one["rows"] for one in found["bins"]) == len(truth)
    assert sum(one["rows"] * one["value"] for one in found["bins"]) == pytest.approx(truth.sum())
    assert "delivered" in found["on"]
    area = done.verdict.to_dict()["roc"]
    assert area["auc"]["value"] == pytest.approx(roc_auc_score(truth, first[:, 1]))
    points = np.array(area["points"])
    assert points.tolist() == np.transpose(roc_curve(truth, first[:, 1])[:2]).tolist()
    assert np.trapezoid(points[:, 1], points[:, 0]) == pytest.approx(area["auc"]["value"], abs=0.01)


def _table(n):
    rng = np.random.default_rng(3)
    x = rng.normal(size=(n, 4))
    return x, (x[:, 0] + 0.6 * x[:, 1] + rng.normal(size=n) > 0.4).astype(int)


def test_agreement_is_that_of_the_refits(judged, logistic) -> None:
    done = judged(logistic(noise=0.6), data=tr.Data(*_table(400)))
    found = done.verdict.to_dict()["agreement"]
    refits, truth = locked(done)
    classes = np.stack([one[:, 1] >= 0.5 for one in refits]).astype(int)
    pairs = [np.mean(a == b) for a, b in combinations(classes, 2)]
    assert found["mean"]["value"] == pytest.approx(np.mean(pairs))
    split = classes.min(0) != classes.max(0)
    assert found["split_rows"] == split.sum() > 0
    assert found["unanimous"]["value"] == pytest.approx(1 - split.mean())
    assert found["right_where_split"]["value"] == pytest.approx((classes == truth)[:, split].mean())
    assert found["right_where_unanimous"]["value"] == pytest.approx((classes[0] == truth)[~split].mean())


def test_without_a_test_set_the_fresh_runs_speak(judged, logistic) -> None:
    found = judged(logistic(noise=0.3), test=None, threshold="youden", prevalence=0.1).verdict.to_dict()
    assert found["threshold"]["value"] is not None
    assert found["threshold"]["test"] is None
    assert found["threshold"]["test_reason"] == "there is no locked test"
    assert found["predictive_values"]["reason"] == "there is no locked test"
    assert found["calibration"]["on"].startswith("the fresh runs")
    assert found["calibration"]["slope"]["method"].endswith("rows")
    assert found["agreement"]["of"].startswith("fresh runs")
    assert found["agreement"]["trainings"] == 2
    assert "one of them is right" in found["agreement"]["right_where_split"]["reason"]
    assert found["roc"]["reason"] == found["confusion"]["reason"] == "there is no locked test"


def test_by_groups_where_there_are_groups(judged, logistic) -> None:
    x, y = _table(400)
    settings = {"data": tr.Data(x, y, groups=np.repeat(np.arange(80), 5)), "threshold": "youden", "prevalence": 0.1}
    found = judged(logistic(noise=0.3), also=["roc_auc", "sensitivity"], **settings).verdict.to_dict()
    intervals = [found["threshold"], *found["threshold"]["test"].values(), found["predictive_values"]["ppv"]]
    intervals += [found["calibration"]["slope"], found["calibration"]["intercept"], found["roc"]["auc"]]
    intervals += [found["agreement"][k] for k in ("mean", "unanimous", "right_where_unanimous")]
    intervals += [
        found["test"][m][part] for m in ("log_loss", "roc_auc", "sensitivity") for part in ("delivered", "difference")
    ]
    assert [one["method"] for one in intervals if "group" not in one["method"]] == []


def test_positive_of_many_classes(judged) -> None:
    def three(run):
        means = {c: run.train.x[run.train.labels == c].mean(0) for c in run.classes}

        def predict(x):
            d = -np.stack([((x - means[c]) ** 2).sum(1) for c in run.classes], axis=1) * run.config["sharp"]
            e = np.exp(d - d.max(1, keepdims=True))
            return e / e.sum(1, keepdims=True)

        run.report(predict(run.valid.x))
        return predict

    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 240)
    x = rng.normal(size=(240, 2)) + np.array([[0, 0], [2, 0], [0, 2]])[y]
    names = np.array(["a", "b", "c"])[y]
    settings = {"space": tr.Space(sharp=tr.Float(0.1, 2.0, default=0.3)), "data": tr.Data(x, names)}
    found = judged(three, threshold="sensitivity>=0.9", positive=["a", "b"], **settings).verdict.to_dict()
    assert found["threshold"]["positive"] == "'a' or 'b'"
    assert found["threshold"]["test"]["sensitivity"]["value"] > 0.6
    assert found["confusion"]["classes"] == ["c", "a or b"]
    plain = judged(three, **settings).verdict.to_dict()
    assert plain["roc"]["reason"].startswith("there is no positive class")
    assert np.array(plain["confusion"]["counts"]).sum() == 48
    assert plain["calibration"]["of"].startswith("the probability of the most probable class")
    with pytest.raises(MetricError, match=r"threshold= needs a positive class.*positive='c'"):
        tr.Study(three, threshold="youden", **settings)
    with pytest.raises(UsageError, match=r"prevalence=.*got 2"):
        tr.Study(three, prevalence=2, positive="a", **settings)


def test_numbers_and_regressions_say_why_there_is_nothing(judged, logistic, reward) -> None:
    found = judged(logistic(numbers=True, predicts=False), metric="accuracy", threshold="youden").verdict.to_dict()
    assert "reports numbers" in found["threshold"]["reason"]
    assert "reports numbers" in found["calibration"]["reason"]
    assert "reports numbers" in found["agreement"]["reason"]
    plain = judged(reward).verdict
    assert "classes" in plain.to_dict()["calibration"]["reason"]
    assert "calibration" not in str(plain)


def test_another_aim_is_a_change_that_is_told_and_runs_nothing(judged, logistic, capsys) -> None:
    done = judged(logistic())
    runs = len(done.told.runs)
    study = tr.Study(
        done.objective, done.study.space, data=done.study.data, folder=done.study.folder, threshold="youden"
    )
    assert study.verdict(workers=0).to_dict()["threshold"] is None  # the stored one
    assert "threshold" in capsys.readouterr().err
    assert len(done.told.runs) == runs


@pytest.mark.parametrize("given", ["accuracy", 1.5, (1,), True])
def test_an_aim_that_is_none_is_refused_at_once(given, logistic, rows) -> None:
    with pytest.raises(MetricError, match="threshold="):
        tr.Study(logistic(), tr.Space(l2=tr.Float(0.1, 1.0)), data=tr.Data(*rows()), threshold=given)
