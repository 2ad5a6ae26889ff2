"""Inline, a run that is over its time is told to stop when it reports, and ends as timed out."""

from __future__ import annotations

import time

import truing as tr


def slow(run):
    for epoch in run.epochs(50):
        time.sleep(0.02 if run.config["slow"] else 0)
        run.report(loss=1.0 / epoch)


def test_over_its_time(tmp_path):
    """The slow configuration alone fails, long before its fifty epochs; the study lives."""
    study = tr.Study(
        slow,
        tr.Space(slow=tr.Choice([False, True])),
        metric=tr.Metric("loss", goal="min"),
        run_minutes=0.2 / 60,
        folder=tmp_path / "study",
    )
    study.run(trials=2, workers=0)
    first, second = study.trials(as_dicts=True)
    assert first["state"] == "completed"
    assert second["state"] == "failed"
    assert "timed_out" in second["reason"]
    assert "run_minutes" in second["reason"]
