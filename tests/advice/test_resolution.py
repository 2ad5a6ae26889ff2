"""Guessed before the first run, measured from what ran; held against the noise that was put in, and the verdict."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.report.study import read
from truing.statistics.correlated import resolvable


def rows(number: int = 300, seed: int = 0) -> tr.Data:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(number, 3))
    return tr.Data(x, (x[:, 0] + rng.normal(size=number) > 0).astype(int))


def network(run: Any) -> Any:
    """A hidden layer that stays as the seed drew it, and a fitted one: two of them differ about as networks do."""
    width, rng = run.config["width"], np.random.default_rng(run.seed)
    hidden, shift = rng.normal(size=(3, width)), rng.normal(size=width)

    def features(x: np.ndarray) -> np.ndarray:
        return np.tanh(x @ hidden + shift)

    inside = features(run.train.x)
    weights = np.linalg.solve(inside.T @ inside + 10 ** run.config["l"] * np.eye(width), inside.T @ (run.train.y - 0.5))

    def predict(x: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-4 * (features(x) @ weights)))

    run.report(predict(run.valid.x))
    return predict


SPACE = tr.Space(l=tr.Float(-2.0, 3.0, default=1.0), width=tr.Int(4, 64, log=True, default=8))


def resolutions(folder: Path) -> list[dict[str, Any]]:
    return read(folder)[0].notes["resolution"]


@pytest.mark.parametrize("metric", ["accuracy", "log_loss", "brier", "roc_auc"])
def test_the_guess_is_within_three_times_what_the_runs_say(tmp_path: Path, capsys: Any, metric: str) -> None:
    study = tr.Study(network, SPACE, data=rows(), metric=metric, test=None, folder=tmp_path / "s")
    study.run(trials=20, workers=0)

    guess, first, last = (resolutions(tmp_path / "s")[place] for place in (0, 1, -1))
    assert [guess["basis"], first["basis"], last["basis"]] == ["rows", "defaults", "trials"]
    assert 1 / 3 < guess["value"] / last["value"] < 3
    assert guess["runs"] == last["runs"] == 10
    assert guess["spread"] == 0.25
    said = capsys.readouterr().err
    assert max(map(len, said.splitlines())) <= 80
    flat = " ".join(said.split())
    assert flat.index("Plan: 20 trials") < flat.index("Smallest gain this plan can resolve: roughly")
    assert "guess from 60 rows to validate a run and the base rate" in flat
    assert "With twice the rows" in flat
    assert flat.count("Smallest gain this plan can resolve") == 2


def test_it_is_what_the_noise_put_in_makes_of_it(tmp_path: Path) -> None:
    """Independent noise of 0.3 on each run, and a seed's part that pairing takes out."""

    def noisy(run: Any) -> None:
        own = np.random.default_rng([run.seed, int(1e9 * run.config["x"])])
        run.report(reward=run.config["x"] / 100 + 0.3 * own.normal() + 5 * np.random.default_rng(run.seed).normal())

    study = tr.Study(
        noisy,
        tr.Space(x=tr.Float(0, 1)),
        metric=tr.Metric("reward", goal="max"),
        validation=tr.Seeds(10),
        folder=tmp_path / "s",
    )
    study.run(trials=60, workers=0)

    found = resolutions(tmp_path / "s")
    assert found[0]["value"] is None
    assert "trial 0 will tell" in found[0]["reason"]
    assert found[-1]["value"] == pytest.approx(resolvable(0.3 * math.sqrt(2), 10, 0.0), rel=0.3)


def test_the_verdict_has_the_plan_beside_what_was_resolved(tmp_path: Path) -> None:
    study = tr.Study(network, SPACE, data=rows(400, 2), metric="log_loss", test=None, folder=tmp_path / "s")
    study.run(trials=25, workers=0)
    verdict = study.verdict(workers=0)

    found, notes = verdict.to_dict()["resolution"], resolutions(tmp_path / "s")
    assert found["guessed"] == notes[0]["value"]
    assert found["planned"] == notes[-1]["value"]
    if found["resolved"] is None:
        assert found["reason"]
    else:
        difference = verdict.to_dict()["validation"]["difference"]
        half = (difference["high"] - difference["low"]) / 2
        assert found["resolved"] == pytest.approx(half * (1.959964 + 0.841621) / 1.959964)
        assert 1 / 4 < found["resolved"] / found["planned"] < 4
    assert "resolution " in str(verdict)


def test_one_run_a_trial_stays_a_guess_and_none_at_all_is_said(tmp_path: Path, capsys: Any) -> None:
    study = tr.Study(
        network, SPACE, data=rows(), metric="accuracy", validation=tr.Holdout(0.2), test=None, folder=tmp_path / "h"
    )
    study.run(trials=3, workers=0)
    assert [one["basis"] for one in resolutions(tmp_path / "h")] == ["rows", "rows"]
    assert "one run a trial says nothing of its noise" in " ".join(capsys.readouterr().err.split())

    def number(run: Any) -> None:
        run.report(loss=run.config["x"])

    loss = tr.Metric("loss", goal="min")
    tr.Study(number, tr.Space(x=tr.Float(0, 1)), metric=loss, folder=tmp_path / "n").run(trials=2, workers=0)
    said = " ".join(capsys.readouterr().err.split())
    assert (
        "Smallest gain this plan can resolve: not known, for one run a trial leaves nothing to compare afresh" in said
    )


def test_over_several_datasets_nothing_is_promised(tmp_path: Path, capsys: Any) -> None:
    data = {"a": rows(90, 1), "b": rows(120, 2)}
    study = tr.Study(network, SPACE, data=data, metric="log_loss", test=None, folder=tmp_path / "s")
    study.run(trials=20, workers=0)
    assert "not known, for the noise of a gain over several datasets" in " ".join(capsys.readouterr().err.split())
    outlook = read(tmp_path / "s")[0].last("outlook")
    assert outlook is not None
    assert not outlook["stop"]
    assert "several datasets" in outlook["reason"]
