"""Frames in a plain script with workers: the same type there, and no wait for threads that a fork does not have."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from truing.report.study import read

SCRIPT = """
import numpy as np
import {library} as frames
import truing as tr

table = frames.read_csv("table.csv")
{before}


def train(run):
    x = run.train.x
    if type(x) is not frames.DataFrame or list(x.columns) != ["a", "kind"] or type(run.train.y) is not frames.Series:
        raise TypeError(f"{{type(x)}} {{type(run.train.y)}}")
    {inside}
    share = float((run.train.y == "yes").mean())

    def predict(rows):
        return np.clip(share + run.config["slope"] * rows["a"].to_numpy(), 0.01, 0.99)

    run.report(predict(run.valid.x))
    return predict


study = tr.Study(
    train, tr.Space(slope=tr.Float(-0.1, 0.1, default=0.0)), data=tr.Data(table, "y", ids="id"), folder="study"
)
study.run(trials=2, workers=2)
study.verdict(workers=2)
"""
POLARS = (
    'table.group_by("kind").len()',
    'x.filter(frames.col("a") > 0).group_by("kind").len(); x.select("a").to_numpy()',
)
PANDAS = 'table.groupby("kind").size()', 'x[x["a"] > 0].groupby("kind").size()'


@pytest.mark.parametrize(("library", "code"), [("polars", POLARS), ("pandas", PANDAS)])
def test_a_script_with_frames_runs_in_workers(library: str, code: tuple[str, str], tmp_path: Path) -> None:
    pytest.importorskip(library)
    kinds = ["x", "y", "z"]
    lines = [f"{row / 100 - 0.6},{kinds[row % 3]},{'yes' if row % 2 else 'no'},{row}" for row in range(120)]
    (tmp_path / "table.csv").write_text("\n".join(["a,kind,y,id", *lines]) + "\n", encoding="utf-8")
    (tmp_path / "task.py").write_text(SCRIPT.format(library=library, before=code[0], inside=code[1]), encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-W", "error", "task.py"], cwd=tmp_path, capture_output=True, text=True, timeout=150
    )

    assert done.returncode == 0, done.stderr
    history, _ = read(tmp_path / "study")
    assert {trial.state for trial in history.trials} == {"completed"}
    assert history.last("verdict") is not None
