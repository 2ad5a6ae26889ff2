"""The corrections side by side: BBC-CV recomputed from the kept predictions, and where all there is is luck."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

import truing as tr
from truing.record.seeds import stream
from truing.verdict import choice
from truing.verdict.choice import Scores
from truing.verdict.text import WIDTH


def log_loss(y: np.ndarray, p: np.ndarray, *, sample_weight: np.ndarray) -> float:
    """scikit-learn's would take a hundred times as long."""
    if not sample_weight.any():
        return np.nan
    return float(np.average(-np.log(np.where(y == 1, p, 1 - p)), weights=sample_weight))


def auc(y: np.ndarray, p: np.ndarray, *, sample_weight: np.ndarray) -> float:
    """Every pair of a positive and a negative, weighted; NaN without any."""
    pairs = np.outer(sample_weight[y == 1], sample_weight[y == 0])
    ahead = np.sign(p[y == 1][:, None] - p[y == 0][None, :]) / 2 + 0.5
    return float((pairs * ahead).sum() / pairs.sum()) if pairs.sum() else np.nan


def folds_of(done, told, purpose: str, trial: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Positions of the validated rows in the data, and the kept predictions, run by run."""
    found = []
    for run in told.purpose(purpose, trial):
        seen = done.seen(run["seed"], told.configs[trial])
        found.append((seen["valid"], told.predictions(run)[:, 1]))
    return found


def by_hand(done, metric, y, *, groups=None) -> list[float]:
    """Without a race: the best mean over folds on the rows drawn, scored on the others; the verdict's own resamples."""
    told = done.told
    trials = sorted(t for t, j in told.judged.items() if j["state"] == "completed")
    runs = [folds_of(done, told, "search", t) for t in trials]
    rows = np.unique(np.concatenate([valid for valid, _ in runs[0]]))
    names = np.unique(groups[rows], return_inverse=True)[1] if groups is not None else np.arange(len(rows))
    number = names.max() + 1
    rng, found = stream(0, "verdict", 1, "choice"), []
    for _ in range(done.verdict.to_dict()["bbc"]["resamples"]):
        drawn = np.bincount(rng.integers(0, number, number), minlength=number)[names]
        weight = np.zeros(len(y))
        weight[rows] = drawn
        outside = np.zeros(len(y))
        outside[rows] = drawn == 0

        def score(own, w):
            return np.nanmean([metric(y[valid], p, sample_weight=w[valid]) for valid, p in own])

        best = min(runs, key=lambda own: score(own, weight)) if metric is log_loss else max(
            runs, key=lambda own: score(own, weight)
        )  # fmt: skip
        found.append(score(best, outside))
    return found


@pytest.mark.parametrize("name", ["log_loss", "roc_auc"])
def test_bbc_is_scikit_learns_scores_of_the_choice_repeated(judged, logistic, rows, name: str, monkeypatch) -> None:
    """Folds are averaged, never pooled; six trials are too few to race."""
    monkeypatch.setattr(choice, "SECONDS", 0.01)  # 100 resamples
    _, y = rows()
    done = judged(logistic(noise=0.4), metric=name)
    found = done.verdict.to_dict()["bbc"]
    values = by_hand(done, log_loss if name == "log_loss" else auc, y)
    assert found["resamples"] == 100
    assert found["race"] is False
    assert found["configurations"] == 6
    assert found["value"] == pytest.approx(np.mean(values), abs=1e-6)
    assert (found["low"], found["high"]) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])), abs=1e-6)


def test_groups_are_drawn_whole(judged, logistic, rows, monkeypatch) -> None:
    monkeypatch.setattr(choice, "SECONDS", 0.01)
    x, y = rows()
    groups = np.arange(160) // 8
    done = judged(logistic(noise=0.4), data=tr.Data(x, y, groups=groups))
    found = done.verdict.to_dict()["bbc"]
    assert found["value"] == pytest.approx(np.mean(by_hand(done, log_loss, y, groups=groups)), abs=1e-6)
    assert found["method"].endswith("over groups")


def guess(run):
    """Probabilities that know nothing: drawn for each configuration, row and run."""
    rng = np.random.default_rng([run.seed, int(1e6 * run.config["a"])])
    own = np.random.default_rng(int(1e6 * run.config["a"])).normal(size=4)
    p = 1 / (1 + np.exp(-(run.valid.x @ own + rng.normal(size=len(run.valid)))))
    run.report(p)
    return lambda x: 1 / (1 + np.exp(-(x @ own)))


def test_where_nothing_can_be_learnt_the_corrected_figures_say_a_half(judged, monkeypatch) -> None:
    """Random networks on random labels, with a race: the search flatters, the repeated choice does not."""
    monkeypatch.setattr(choice, "SECONDS", 0.01)
    said = {"as_searched": [], "bbc_cv": []}
    for seed in range(7):
        rng = np.random.default_rng(seed)
        data = tr.Data(rng.normal(size=(150, 4)), rng.integers(0, 2, 150))
        space = tr.Space(a=tr.Float(0.0, 1.0))
        done = judged(guess, data=data, metric="accuracy", space=space, trials=24, seed=seed, test=None)
        found = {c["code"]: c["value"] for c in done.verdict.to_dict()["corrections"]}
        assert done.verdict.to_dict()["bbc"]["race"] is True
        for code, values in said.items():
            values.append(found[code])
    flattered, corrected = (np.array(values) - 0.5 for values in said.values())
    error = corrected.std(ddof=1) / np.sqrt(len(corrected))
    assert flattered.mean() > 0.04
    assert abs(corrected.mean()) < 3 * error
    assert corrected.mean() < 0.5 * flattered.mean()


def optimism_by_hand(done, metric, y) -> float:
    """Of the choice by the mean of search and race among those that raced, in resamples less whole."""
    told, found = done.told, done.verdict.to_dict()
    raced = [c["trial"] for c in found["selection"]["candidates"]]
    runs = {t: [*folds_of(done, told, "search", t), *folds_of(done, told, "race", t)] for t in raced}
    rng, away = np.random.default_rng(1), []

    def score(own, w):
        return np.mean([metric(y[v], p, sample_weight=w[v]) for v, p in own if w[v].any()])

    rows = np.unique(np.concatenate([v for v, _ in runs[raced[0]]]))
    whole = {t: score(runs[t], np.isin(np.arange(len(y)), rows).astype(float)) for t in raced}
    steady = min(raced, key=whole.get)
    for _ in range(1000):
        w = np.zeros(len(y))
        w[rows] = np.bincount(rng.integers(0, len(rows), len(rows)), minlength=len(rows))
        best = min(raced, key=lambda t: score(runs[t], w))
        away.append(score(runs[best], w) - whole[best] - (score(runs[steady], w) - whole[steady]))
    return float(np.mean(away))


def test_the_corrected_figure_is_the_fresh_one_less_the_optimism_of_the_choice(judged, logistic, rows) -> None:
    """The rule of the product has its race cut to the best in each resample, and a surrogate; the hand has neither."""
    done = judged(logistic(noise=0.6), trials=30, space=tr.Space(l2=tr.Float(0.01, 300.0, log=True, default=300.0)))
    valid = done.verdict.to_dict()["validation"]
    expected = optimism_by_hand(done, log_loss, rows()[1])
    assert expected < 0
    assert valid["optimism"]["value"] == pytest.approx(expected / 2, rel=0.35)
    assert valid["selected"] == pytest.approx(valid["fresh"]["value"] - valid["optimism"]["value"])
    fresh = np.mean(done.told.scores("estimate", done.verdict.to_dict()["selected_trial"], "log_loss"))
    assert valid["fresh"]["value"] == pytest.approx(fresh)
    assert valid["difference"]["value"] == pytest.approx(valid["selected"] - valid["defaults"])
    wide, narrow = (part["high"] - part["low"] for part in (valid, valid["fresh"]))
    assert wide == pytest.approx(2 * np.hypot(narrow / 2, 1.96 * 2 * valid["optimism"]["value"]), rel=1e-6)


def test_every_figure_says_what_it_estimates_and_fresh_runs_alone_are_told(judged, logistic) -> None:
    found = judged(logistic(noise=0.2)).verdict.to_dict()
    listed = {c["code"]: c for c in found["corrections"]}
    assert list(listed) == ["as_searched", "fresh", "bbc_cv", "locked_test", "nested", "search_luck"]
    assert listed["fresh"]["value"] == found["validation"]["fresh"]["value"]
    assert listed["as_searched"]["value"] == found["validation"]["as_searched"]
    assert listed["locked_test"]["value"] == found["test"]["log_loss"]["selected"]
    assert listed["nested"]["value"] is None
    assert "tr.Nested(5)" in listed["nested"]["reason"]
    assert found["validation"]["optimism"]["value"] is None
    assert "no race" in found["validation"]["optimism"]["reason"]
    assert found["validation"]["selected"] == found["validation"]["fresh"]["value"]
    gap = found["validation"]["selected"] - found["validation"]["as_searched"]
    assert listed["search_luck"]["value"] == pytest.approx(gap)
    for entry in found["corrections"]:
        assert {"code", "kind", "name", "value", "low", "high", "method", "estimates", "reason", "message"} == set(
            entry
        )
        assert entry["message"].endswith(".")
        assert entry["estimates"]
        assert entry["value"] is not None or entry["reason"]


def test_what_cannot_be_resampled_is_null_with_its_reason(judged, logistic, reward, monkeypatch) -> None:
    cases = [
        (judged(reward, validation=tr.Seeds(3)), "there are no rows to resample"),
        (judged(logistic(predicts=False, numbers=True), metric="accuracy"), "no predictions were kept"),
        (judged(logistic(), epoch="mean:2"), "a mean of several reports"),
        (judged(logistic(), trials=1), "only one configuration"),
    ]
    monkeypatch.setattr("truing.execution.job.Job.predictions_limit", 1)
    monkeypatch.setattr("truing.judge.Judge.kept", lambda self, trials: "loss")
    cases.append((judged(logistic()), "the loss of each row alone"))
    for done, why in cases:
        found = done.verdict.to_dict()
        assert found["bbc"]["value"] is None
        assert why in found["bbc"]["reason"]
        assert why in found["overtuning"]["reason"]
        (entry,) = [c for c in found["corrections"] if c["code"] == "bbc_cv"]
        assert why in entry["reason"]


def test_a_search_that_fits_the_rows_is_told_so(judged) -> None:
    """Random networks again: the best rises all along, what it is worth does not."""
    rng = np.random.default_rng(2)
    data = tr.Data(rng.normal(size=(120, 4)), rng.integers(0, 2, 120))
    done = judged(guess, data=data, metric="accuracy", space=tr.Space(a=tr.Float(0.0, 1.0)), trials=30, test=None)
    found = done.verdict.to_dict()["overtuning"]
    assert found["trials"][0] == 0
    assert found["trials"][-1] == 29
    assert np.all(np.diff(found["as_searched"]) >= 0)
    assert found["as_searched"][-1] - found["as_searched"][0] > 0.03
    assert found["corrected"][-1] - found["corrected"][0] < 0.5 * (found["as_searched"][-1] - found["as_searched"][0])
    assert max(map(len, str(done.verdict).splitlines())) <= WIDTH


@pytest.mark.parametrize(
    ("rise", "real", "words"),
    [
        (0.02, 0.015, "no overtuning seen"),
        (0.02, 0.004, "by 0.004: overtuning"),
        (0.02, 0.0, "not at all: overtuning"),
        (0.02, -0.01, "worsened by 0.010: overtuning"),
        (0.0, 0.0, "did not improve any more"),
    ],
)
def test_the_sentence_on_overtuning(rise: float, real: float, words: str) -> None:
    found = {"trials": [0, 1], "as_searched": [0.5, 0.8], "since": 9, "rise": rise, "corrected_rise": real}
    assert words in choice.sentence({"overtuning": found})


def test_remembered_tables_are_those_that_would_be_made_anew() -> None:
    rng = np.random.default_rng(1)
    rows = [rng.choice(30, 12, replace=False) for _ in range(4)]
    losses = [rng.normal(size=(5, 12)) for _ in rows]
    asked: list[bytes] = []

    def scores(table: np.ndarray, weights: np.ndarray) -> np.ndarray:
        asked.append(weights.tobytes())
        return table @ weights / weights.sum()

    runs = [(own, partial(scores, table)) for own, table in zip(rows, losses, strict=True)]
    kept = Scores(runs, 5)
    draws = [rng.multinomial(30, np.full(30, 1 / 30)).astype(float) for _ in range(9)]
    for weights in [*draws, *reversed(draws), draws[4], draws[4]]:
        assert np.array_equal(kept.table(weights), Scores(runs, 5).table(weights), equal_nan=True)
        before = len(asked)
        kept.table(weights.copy())  # what is equal is not made again, whoever made it
        assert len(asked) == before
