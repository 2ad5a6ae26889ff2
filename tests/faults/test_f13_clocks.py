"""F13: the wall clock jumps by a day, in the coordinator and in its runs, forwards and backwards."""

from __future__ import annotations

import os
import sys

import pytest

from truing.report.study import read
from truing.storage.sqlite import SqliteJournal

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes need fork")

# time.time() jumps by a day at every look, in the coordinator, in the server and in the runs
SCRIPT = """
import random, sys, time
import truing as tr

true, chance = time.time, random.Random({seed})
time.time = lambda: true() + 86400 * chance.choice((-1, 0, 1))

def train(run):
    time.time()
    for _ in run.epochs():
        time.sleep(0.01)
        run.report(loss=run.config["x"])

study = tr.Study(train, tr.Space(x=tr.Choice(list(range(6)))), metric=tr.Metric("loss", goal="min"), search="grid",
                 folder="study", epochs=3, run_minutes=0.5)
study.run(trials=3, minutes=1, workers={workers})
study.run(workers={workers})
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_the_study_does_not_care(programs, tmp_path, fault_seed, workers):
    programs.script(SCRIPT.format(seed=fault_seed, workers=workers))
    history = read(tmp_path / "study")[0]
    assert [trial.state for trial in history.trials] == ["completed"] * 6
    assert len(history.runs) == 6
    for run in history.runs.values():
        assert 0 <= run.seconds < 60
        assert run.attempt == 0
    journal = SqliteJournal(tmp_path / "study" / "journal.db")
    events = list(journal.read())
    journal.close()
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    if sys.platform == "linux":
        assert [event.time for event in events] != sorted(event.time for event in events), "the clock did jump"
    started = [event.data["run"] for event in events if event.kind == "started"]
    assert started == sorted(started)
    shown, _ = programs.run("-m", "truing", "show", "study")
    assert "The search has ended" in shown
    assert "took this folder at" not in shown
