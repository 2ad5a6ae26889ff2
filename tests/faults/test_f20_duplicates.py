"""F20: no configuration is tried twice, however many workers ask at once, and an exhausted space ends cleanly."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import truing as tr
from truing.report.study import read

SPACE = tr.Space(optimizer=tr.Choice(["sgd", "adam", "lion"]), nesterov=tr.Choice([False, True]))


def train(run: Any) -> None:
    run.report(loss=0.1 if run.config["nesterov"] else 0.2)


@pytest.mark.parametrize("search", ["random", "grid", "sobol"])
@pytest.mark.parametrize("workers", [0, 8])
def test_six_points_and_fifty_asks_are_six_trials(
    tmp_path: Path, search: str, workers: int, fault_seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    if workers and not hasattr(os, "fork"):
        pytest.skip("processes need fork")
    study = tr.Study(
        train, SPACE, metric=tr.Metric("loss", goal="min"), search=search, folder=tmp_path / "s", seed=fault_seed
    )

    study.run(trials=50, workers=workers)

    rows = study.trials(as_dicts=True)
    assert len(rows) == 6
    assert {row["state"] for row in rows} == {"completed"}
    assert len({tuple(row["config"].items()) for row in rows}) == 6
    assert read(tmp_path / "s")[0].last("ended")["why"] == "exhausted"
    assert "All 6 configurations have been tried." in capsys.readouterr().err
    study.run(trials=60, workers=0)
    assert len(study.trials(as_dicts=True)) == 6
