"""F11 and F12: a coordinator or a run that is stopped (SIGSTOP) for longer than a run may take."""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time

import pytest

from truing.report.study import read

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

# Each run waits twice for the coordinator's answer; altogether it works for a small part of what it may.
SCRIPT = """
import os, time
from pathlib import Path
import truing as tr

def train(run):
    if not run.folder.name.startswith("rehearsal"):
        Path(f"began-{os.getpid()}").touch()
    for _ in run.epochs():
        time.sleep(0.3)
        run.report(loss=run.config["x"])

study = tr.Study(train, tr.Space(x=tr.Float(0, 1)), metric=tr.Metric("loss", goal="min"), folder="study", epochs=2,
                 run_minutes=2.5 / 60)
study.run(trials=2, workers=WORKERS)
"""


@pytest.mark.parametrize("workers", [2, 0])
def test_the_time_that_a_coordinator_stood_still_is_not_its_runs(programs, tmp_path, fault_seed, workers):
    (tmp_path / "s.py").write_text(SCRIPT.replace("WORKERS", str(workers)))
    program = programs.start("s.py")
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("began-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(random.Random(fault_seed).random() * 0.3)
    program.send_signal(signal.SIGSTOP)
    time.sleep(4.0)  # longer than run_minutes
    program.send_signal(signal.SIGCONT)
    _, errors = program.communicate(timeout=60)
    assert program.returncode == 0, errors
    history = read(tmp_path / "study")[0]
    assert [str(run.state) for run in history.runs.values()] == ["completed", "completed"]
    assert all(run.seconds >= 0 for run in history.runs.values())


def test_a_run_stopped_past_its_limit_is_gone_and_the_rest_complete(programs, tmp_path, fault_seed):
    """It cannot come back with a late result: with SIGCONT there is nothing to go on with."""
    (tmp_path / "s.py").write_text(SCRIPT.replace("WORKERS", "2").replace("2.5 / 60", "1.2 / 60"))
    program = programs.start("s.py")
    deadline = time.monotonic() + 60
    while not (begun := list(tmp_path.glob("began-*"))) and time.monotonic() < deadline:
        time.sleep(0.005)
    victim = int(begun[fault_seed % len(begun)].name.removeprefix("began-"))
    os.kill(victim, signal.SIGSTOP)
    _, errors = program.communicate(timeout=60)
    assert program.returncode == 0, errors
    with pytest.raises(ProcessLookupError):
        os.kill(victim, signal.SIGCONT)
    history = read(tmp_path / "study")[0]
    assert sorted(str(run.state) for run in history.runs.values()) == ["completed", "timed_out"]
    assert sorted(trial.state for trial in history.trials) == ["completed", "failed"]


def test_a_run_over_its_time_is_not_forgiven_because_others_report(run):
    """Only time in which nobody looked is forgiven."""

    def train(run):
        threading.Event().wait()

    assert run(train, seconds=1.5)["state"] == "timed_out"
