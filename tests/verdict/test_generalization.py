"""Train, validation, test, and what is retained above the constant predictor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import log_loss, mean_absolute_error, root_mean_squared_error

import truing as tr


def selected_trial(done: Any) -> int:
    return next(t for t, config in done.told.configs.items() if config == done.verdict.selected)


def test_train_comes_from_predict_on_the_training_rows(judged, rows, logistic) -> None:
    done = judged(logistic(noise=0.05))
    _, y = rows()
    runs = done.told.purpose("estimate", selected_trial(done))
    seen = [done.seen(r["seed"], done.verdict.selected) for r in runs]
    expected = np.mean([log_loss(y[s["train"]], s["train_p"]) for s in seen])
    assert done.verdict.to_dict()["generalization"]["train"] == pytest.approx(expected, rel=1e-5)
    assert all("train" not in r["details"] for r in done.told.purpose("search"))


@pytest.mark.parametrize("how", ["number", "predictions"])
def test_train_that_is_reported_comes_before_predict(judged, rows, logistic, how: str) -> None:
    class Reports(logistic):
        def __call__(self, run: Any) -> Any:
            predict = super().__call__(run)
            run.report(predict(run.valid.x), train=0.123 if how == "number" else np.full(len(run.train), 0.5))
            return predict

    found = judged(Reports()).verdict.to_dict()["generalization"]
    assert found["train"] == pytest.approx(0.123 if how == "number" else np.log(2))


def test_without_report_and_predict_train_is_null_with_a_reason(judged, logistic) -> None:
    found = judged(logistic(predicts=False)).verdict.to_dict()["generalization"]
    assert found["train"] is None
    assert "no train=" in found["reasons"]["train"]


def test_retained_is_the_share_of_the_distance_to_the_constant_predictor(judged, rows, logistic) -> None:
    """base = scikit-learn's prior classifier on the development rows; the ratio by hand, for a loss."""
    done = judged(logistic(), trials=12, data=tr.Data(*_easy()), also=["accuracy"])
    x, y = _easy()
    found = done.verdict.to_dict()
    run = done.told.purpose("refit", selected_trial(done))[0]
    development = np.sort(done.seen(run["seed"], done.verdict.selected)["train"])
    prior = DummyClassifier(strategy="prior").fit(x[development], y[development])
    base = log_loss(y[development], prior.predict_proba(x[development]))
    valid, test = found["validation"]["selected"], found["test"]["log_loss"]["selected"]
    assert found["generalization"]["base"] == pytest.approx(base)
    assert found["generalization"]["retained"] == pytest.approx((base - test) / (base - valid))
    locked = np.setdiff1d(np.arange(len(y)), development)
    common = max(np.mean(y[locked] == label) for label in (0, 1))
    assert found["base"]["accuracy"] == pytest.approx(common)
    assert f"Always guessing the commonest class: {100 * common:.1f}".removesuffix(".0") in " ".join(
        str(done.verdict).split()
    )


def _easy() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(300, 4))
    return x, (x[:, 0] + 0.2 * rng.normal(size=300) > 0).astype(int)


@pytest.mark.parametrize(("metric", "score"), [("rmse", root_mean_squared_error), ("mae", mean_absolute_error)])
def test_base_of_a_regression_is_its_mean_or_median(judged, metric: str, score: Any) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 2))
    y = np.exp(x[:, 0])

    def objective(run: Any) -> Any:
        weights = np.polyfit(run.train.x[:, 0], run.train.y, run.config["degree"])
        run.report(np.polyval(weights, run.valid.x[:, 0]))
        return lambda rows: np.polyval(weights, rows[:, 0])

    chosen = np.arange(0, 150, 5)
    done = judged(
        objective,
        data=tr.Data(x, y),
        test=chosen,
        metric=metric,
        space=tr.Space(degree=tr.Int(1, 4, default=1)),
        trials=4,
    )
    rest = np.setdiff1d(np.arange(150), chosen)
    dummy = DummyRegressor(strategy="mean" if metric == "rmse" else "median").fit(x[rest], y[rest])
    found = done.verdict.to_dict()
    assert found["base"][metric] == pytest.approx(score(y[chosen], dummy.predict(x[chosen])))
    base, valid = score(y[rest], dummy.predict(x[rest])), found["validation"]["selected"]
    test = found["test"][metric]["selected"]
    assert found["generalization"]["retained"] == pytest.approx((base - test) / (base - valid))


def test_retained_is_null_where_nothing_was_learned(judged, rows, logistic) -> None:
    """Permuted labels: validation is not above the constant predictor by two standard errors."""
    x, y = rows()
    shuffled = np.random.default_rng(0).permutation(y)
    done = judged(logistic(), data=tr.Data(x, shuffled))
    found = done.verdict.to_dict()
    assert found["generalization"]["retained"] is None
    assert "not better than the constant predictor" in found["generalization"]["reasons"]["retained"]
    assert "(retained: undefined," in str(done.verdict)


def test_worse_than_the_constant_predictor_retains_nothing_and_is_warned_of(judged, rows) -> None:
    """Far on the wrong side of the base the ratio would look like 1."""

    def objective(run: Any) -> Any:
        def predict(x: Any) -> np.ndarray:
            return np.where(x[:, 0] > 0, 0.02, 0.9 + 0.01 * run.config["a"])  # surely wrong

        run.report(predict(run.valid.x))
        return predict

    x, _ = rows()
    done = judged(objective, data=tr.Data(x, (x[:, 0] > 0).astype(int)), space=tr.Space(a=tr.Float(0, 1)), trials=3)
    found = done.verdict.to_dict()
    assert found["validation"]["selected"] > 2 * found["generalization"]["base"]
    assert found["generalization"]["retained"] is None
    assert "no_better_than_constant" in {w["code"] for w in found["warnings"]}
