"""The validation figures, recomputed from kept predictions with scikit-learn and SciPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import log_loss, precision_score, root_mean_squared_error

import truing as tr
from truing.record.seeds import seed_of
from truing.verdict.figures import gain


def t_interval(values: list[float], ratio: float) -> tuple[float, float, float]:
    """mean ± t(J-1) · s · sqrt(1/J + ratio), Nadeau and Bengio 2003."""
    j, mean = len(values), float(np.mean(values))
    away = stats.t.ppf(0.975, j - 1) * np.std(values, ddof=1) * math.sqrt(1 / j + ratio)
    return mean, mean - away, mean + away


def by_rows_and_folds(rows: np.ndarray, folds: list[float]) -> tuple[float, float, float]:
    """mean ± t(Satterthwaite's df) · sqrt(s²(rows)/n + s²(folds)/J)."""
    a, b, mean = np.var(rows, ddof=1) / len(rows), np.var(folds, ddof=1) / len(folds), float(np.mean(folds))
    df = (a + b) ** 2 / (a**2 / (len(rows) - 1) + b**2 / (len(folds) - 1))
    away = stats.t.ppf(0.975, df) * math.sqrt(a + b)
    return mean, mean - away, mean + away


def of(figures: dict[str, Any]) -> tuple[float, float, float]:
    return figures["value"], figures["low"], figures["high"]


def selected_trial(told: Any, verdict: Any) -> int:
    return next(t for t, config in told.configs.items() if config == verdict.selected)


@pytest.mark.parametrize(("folds", "runs"), [(5, 10), (3, 12), (4, 12)])
def test_figures_are_those_of_the_kept_predictions(judged, rows, logistic, folds: int, runs: int) -> None:
    """Whole repeats, at least ten runs a side, paired seeds and rows, and every figure to the last digits."""
    done = judged(logistic(noise=0.05), validation=tr.KFold(folds), trials=6)
    _, y = rows()
    told, found = done.told, done.verdict.to_dict()["validation"]
    number = selected_trial(told, done.verdict)
    sides: dict[int, list[float]] = {}
    for trial in (number, 0):
        estimate = told.purpose("estimate", trial)
        assert [r["replicate"] for r in estimate] == list(range(runs))
        seen = [done.seen(r["seed"], told.configs[trial]) for r in estimate]
        development = np.sort(np.concatenate([seen[0]["train"], seen[0]["valid"]]))
        for repeat in range(0, runs, folds):
            together = np.concatenate([s["valid"] for s in seen[repeat : repeat + folds]])
            assert np.array_equal(np.sort(together), development)
        assert not np.array_equal(seen[0]["valid"], seen[folds]["valid"])
        sides[trial] = [
            log_loss(y[s["valid"]], told.predictions(r), labels=[0, 1]) for r, s in zip(estimate, seen, strict=True)
        ]
    mine, theirs = told.purpose("estimate", number), told.purpose("estimate", 0)
    assert [r["seed"] for r in mine] == [r["seed"] for r in theirs]
    for a, b in zip(mine, theirs, strict=True):
        one, other = (done.seen(r["seed"], told.configs[r["trial"]]) for r in (a, b))
        assert np.array_equal(one["train"], other["train"])
        assert np.array_equal(one["valid"], other["valid"])

    ratio = 1 / (folds - 1)
    losses = {}
    for trial, runs_of in ((number, mine), (0, theirs)):
        total = np.zeros(len(y))
        for r in runs_of:
            s = done.seen(r["seed"], told.configs[trial])
            total[s["valid"]] -= np.log(told.predictions(r)[np.arange(len(s["valid"])), y[s["valid"]]])
        losses[trial] = total[development] / (runs // folds)
    mean, low, high = by_rows_and_folds(losses[number], sides[number])
    assert (found["selected"], found["low"], found["high"]) == pytest.approx((mean, max(low, 0), high), rel=1e-4)
    assert found["method"] == "t over rows and folds"
    assert found["defaults"] == pytest.approx(np.mean(sides[0]), rel=1e-5)
    paired = [a - b for a, b in zip(sides[number], sides[0], strict=True)]
    assert of(found["difference"]) == pytest.approx(
        by_rows_and_folds(losses[number] - losses[0], paired), rel=1e-3, abs=1e-6
    )
    beside = done.verdict.to_dict()["comparison"]["corrected_t"]
    assert of(beside) == pytest.approx(t_interval(paired, ratio), rel=1e-4)
    assert beside["method"] == "corrected resampled t"
    assert found["as_searched"] == pytest.approx(np.mean(told.scores("search", number, "log_loss")))
    assert found["rows_trained"] == round(np.mean([len(s["train"]) for s in seen]))
    assert f"trained on {found['rows_trained']} rows" in found["estimand"]
    assert "the luck of these rows is not" in found["estimand"]


WEAK = tr.Space(l2=tr.Float(1e-2, 1e4, log=True, default=9e3))  # defaults that are not kept


def test_holdout_takes_ten_fresh_splits_and_their_own_ratio(judged, logistic) -> None:
    done = judged(logistic(noise=0.05), data=tr.Data(*_odd()), validation=tr.Holdout(0.3), space=WEAK)
    told = done.told
    number = selected_trial(told, done.verdict)
    runs = told.purpose("estimate", number)
    seen = [done.seen(r["seed"], told.configs[number]) for r in runs]
    assert len(runs) == 10
    assert len({s["valid"].tobytes() for s in seen}) == 10
    ratio = sum(len(s["valid"]) for s in seen) / sum(len(s["train"]) for s in seen)
    pairs = np.subtract(told.scores("estimate", number, "log_loss"), told.scores("estimate", 0, "log_loss"))
    assert of(done.study.compare(number, 0).to_dict()["difference"]) == pytest.approx(
        t_interval(list(pairs), ratio), rel=0.01
    )
    assert done.verdict.to_dict()["validation"]["difference"]["value"] == pytest.approx(np.mean(pairs))


def _odd() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(131, 4))
    return x, (x[:, 0] + rng.normal(size=131) > 0).astype(int)


def test_seeds_share_no_luck_of_splits(judged, reward) -> None:
    """1/J alone, and the goal is max: low and high of selected - defaults are above zero."""
    done = judged(reward, trials=6, validation=tr.Seeds(4))
    told, found = done.told, done.verdict.to_dict()
    number = selected_trial(told, done.verdict)
    pairs = np.subtract(told.scores("estimate", number, "reward"), told.scores("estimate", 0, "reward"))
    assert len(pairs) == 12
    assert of(found["validation"]["difference"]) == pytest.approx(t_interval(list(pairs), 0.0))
    assert found["validation"]["difference"]["low"] > 0
    assert found["goal"] == "max"
    assert found["gain"] is True
    assert found["test"] is None
    assert "on fresh seeds, reward" in done.verdict.headline
    assert "splits" not in str(done.verdict)
    assert found["validation"]["rows_trained"] is None


def test_seeds_on_rows_say_that_one_split_stands_for_all(judged, logistic) -> None:
    done = judged(logistic(noise=0.2), validation=tr.Seeds(5))
    found = done.verdict.to_dict()["validation"]
    assert "the luck of that split and of these rows is not" in found["estimand"]
    assert "not the luck of this one split and of these rows" in " ".join(str(done.verdict).split())
    rows = {
        done.seen(r["seed"], done.told.configs[r["trial"]])["valid"].tobytes() for r in done.told.purpose("estimate")
    }
    assert len(rows) == 1


def test_kept_defaults_have_a_difference_of_zero(judged, logistic) -> None:
    """Nothing else is run for the other side, and no gain is claimed."""
    done = judged(logistic(), space=tr.Space(l2=tr.Float(30.0, 1e6, log=True, default=30.0)))
    found = done.verdict.to_dict()
    assert found["selected"] == found["defaults"]
    assert of(found["validation"]["difference"]) == (0.0, 0.0, 0.0)
    assert all(of(entry["difference"]) == (0.0, 0.0, 0.0) for entry in found["test"].values())
    assert all(entry["selected"] == entry["defaults"] for entry in found["test"].values())
    assert found["gain"] is False
    assert "the defaults were kept" in done.verdict.headline.lower()
    assert found["verdict_runs"] == 10 + 3


def test_defaults_that_fail_leave_nothing_to_compare(judged, logistic) -> None:
    def refuse(run):
        if run.config["l2"] == 300.0 and run.seed == seed_of(0, "search", 3):
            raise RuntimeError("no default today")

    done = judged(logistic(refuse=refuse))
    found = done.verdict.to_dict()
    assert found["validation"]["difference"]["value"] is None
    assert found["validation"]["defaults"] is None
    assert found["test"]["log_loss"]["defaults"] is None
    assert found["test"]["log_loss"]["difference"]["value"] is None
    assert found["test"]["log_loss"]["selected"] is not None
    assert found["gain"] is False
    assert "defaults_failed" in {w["code"] for w in found["warnings"]}
    assert done.verdict.headline.startswith("No comparison with the defaults: the defaults did not complete")
    assert "no default today" in str(done.verdict)


@pytest.mark.parametrize("side", ["defaults", "selected"])
def test_a_fresh_run_that_fails_is_not_averaged_away(judged, logistic, side: str) -> None:
    def refuse(run):
        if (run.config["l2"] == 300.0) == (side == "defaults") and run.seed == seed_of(0, "estimate", 7):
            raise RuntimeError("a bad split")

    done = judged(logistic(refuse=refuse))
    found = done.verdict.to_dict()["validation"]
    assert found["difference"]["value"] is None
    assert "a bad split" in found["difference"]["reason"]
    assert (found["defaults"] is None) == (side == "defaults")
    assert (found["selected"] is None) == (side == "selected")
    assert done.verdict.gain is False
    assert done.verdict.to_dict()["test"]["log_loss"]["difference"]["value"] is not None
    assert "estimate_failed" in {w["code"] for w in done.verdict.warnings}
    assert "No gain shown" in done.verdict.headline


def test_undefined_in_a_fold_gives_the_pooled_figure_without_an_interval(judged, logistic) -> None:
    """Precision without a predicted positive in a fold: all fresh folds together, as scikit-learn has it."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(120, 4))
    y = (x[:, 0] + 1.5 * rng.normal(size=120) > 1.9).astype(int)
    done = judged(
        logistic(),
        data=tr.Data(x, y),
        metric="precision",
        test=None,
        space=tr.Space(l2=tr.Float(1.0, 4.0, default=3.5)),
        trials=3,
    )
    told, found = done.told, done.verdict.to_dict()["validation"]
    number = selected_trial(told, done.verdict)
    runs = told.purpose("estimate", number)
    assert any(r["scores"]["precision"] is None for r in runs)
    truth = np.concatenate([y[done.seen(r["seed"], told.configs[number])["valid"]] for r in runs])
    decided = np.concatenate([told.predictions(r) for r in runs])[:, 1] >= 0.5
    assert found["selected"] == pytest.approx(precision_score(truth, decided))
    assert found["low"] is None
    assert "no row was predicted positive" in found["reason"]
    assert done.verdict.gain is False


def test_regression_figures(judged, logistic) -> None:
    """RMSE of every fresh fold with scikit-learn, on targets in the hundreds."""

    class Linear(logistic):
        def __call__(self, run: Any) -> Any:
            columns = self._columns(run.train.x)
            ridge = run.config["l2"] * np.eye(columns.shape[1])
            weights = np.linalg.solve(columns.T @ columns + ridge, columns.T @ run.train.y)
            self.seen.append({"seed": run.seed, "config": dict(run.config), "valid": np.array(run.valid.rows)})
            run.report(self._columns(run.valid.x) @ weights)
            return lambda x: self._columns(x) @ weights

    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 3))
    y = 300 + 80 * x[:, 0] + 40 * rng.normal(size=120)
    done = judged(Linear(), data=tr.Data(x, y), also=["r2"])
    told, found = done.told, done.verdict.to_dict()
    number = selected_trial(told, done.verdict)
    scores = {
        trial: [
            root_mean_squared_error(y[done.seen(r["seed"], told.configs[trial])["valid"]], told.predictions(r))
            for r in told.purpose("estimate", trial)
        ]
        for trial in (number, 0)
    }
    pairs = [a - b for a, b in zip(scores[number], scores[0], strict=True)]
    assert of(found["validation"]["difference"]) == pytest.approx(t_interval(pairs, 0.25), rel=1e-4)
    assert found["validation"]["selected"] == pytest.approx(np.mean(scores[number]), rel=1e-5)
    assert "Always predicting the mean: RMSE" in str(done.verdict)


def test_validation_none_makes_no_figure_and_no_claim(judged, reward) -> None:
    done = judged(reward, trials=9, validation=None, target=90.0)
    found = done.verdict.to_dict()
    assert found["validation"]["selected"] is None
    assert found["validation"]["difference"]["value"] is None
    assert "validation=None" in found["validation"]["difference"]["reason"]
    assert found["gain"] is False
    assert found["verdict_runs"] == 1
    assert found["target"] == {"value": 90.0, "search_reached": True, "fresh_reached": None}


@pytest.mark.parametrize(("wanted", "reached"), [(100.3, False), (60.0, True)])
def test_target_is_held_against_the_fresh_runs(judged, reward, wanted: float, reached: bool) -> None:
    """A search that stops at a lucky score is told so."""
    done = judged(reward, trials=60, validation=tr.Seeds(2), target=wanted)
    found = done.verdict.to_dict()
    assert found["target"] == {
        "value": wanted,
        "search_reached": True,
        "fresh_reached": bool(found["validation"]["selected"] >= wanted),
    }
    assert found["target"]["fresh_reached"] is reached
    text = " ".join(str(done.verdict).split())
    assert ("the fresh runs reach it too" if reached else "the fresh runs do not reach it") in text
    assert ("target_missed" in {w["code"] for w in found["warnings"]}) is not reached


@pytest.mark.parametrize("goal", ["min", "max"])
def test_gain_rule_in_both_directions(goal: str) -> None:
    """The whole interval on the better side, the test not on the worse one; an interval that touches zero is none."""
    better = -1 if goal == "min" else 1

    def ends(worse_end: float, better_end: float) -> dict[str, float]:
        low, high = sorted((better * worse_end, better * better_end))
        return {"value": (low + high) / 2, "low": low, "high": high}

    def test(value: float | None) -> dict[str, Any]:
        return {"difference": {"value": value}}

    sure, unsure, touching, worse = ends(0.1, 0.3), ends(-0.1, 0.3), ends(0.0, 0.3), ends(-0.3, -0.1)
    assert gain(goal, sure, None, False)
    assert gain(goal, sure, test(better * 0.2), False)
    assert gain(goal, sure, test(0.0), False)
    assert gain(goal, sure, test(None), False)
    assert not gain(goal, sure, test(better * -0.001), False)
    assert not gain(goal, sure, None, True)
    for difference in (unsure, touching, worse, {"value": 0.2, "low": None, "high": None}):
        assert not gain(goal, difference, test(better * 9.0), False)
