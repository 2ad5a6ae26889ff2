"""The coordinator's end of runs in processes: messages in any order, and a study's folder as it was left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from truing.errors import ObjectiveError
from truing.execution import forkserver, process
from truing.execution.aside import aside
from truing.execution.job import Job
from truing.execution.process import ProcessExecutor
from truing.execution.server import _ended
from truing.record.interfaces import Decision, RunSpec
from truing.record.task import Task
from truing.statistics.metric import Metric

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes need fork")


def trains(run):
    run.report(loss=1.0)


def waits(run):
    run.report(loss=1.0)
    time.sleep(600)


def job_in(folder: Path, objective=trains, **more) -> Job:
    return Job(folder, Task((Metric("loss", goal="min"),)), {}, objective, **more)


def spec(number: int, **more) -> RunSpec:
    return RunSpec(run=number, trial=0, purpose="search", config={}, seed=0, **more)


def go_on(event):
    return Decision.GO_ON


@pytest.fixture
def executor(tmp_path):
    made = ProcessExecutor(job_in(tmp_path), 2)
    yield made
    made.close()


def test_an_exit_that_is_told_before_the_outcome_is_read_loses_nothing(executor):
    """The server's message may come first: what the run said is still in its channel."""
    executor.start([spec(0)])
    told = []

    def decide(event):
        told.append(event)
        return Decision.GO_ON

    (token,) = executor._training
    while not told:
        executor._from_child(token, decide)  # the report, so that the run goes on to its end
        time.sleep(0.01)
    exited = None
    while exited is None:
        assert executor._server.poll(30)
        message = executor._server.receive()
        exited = message if message[0] == "exited" else None
    executor._from_server(exited, decide)
    (event,) = executor.wait(0, decide)
    assert event.data["state"] == "completed"
    assert executor.free() == 2


def test_two_runs_at_once_and_no_more(executor):
    assert executor.free() == 2
    executor.start([spec(0), spec(1)])
    assert executor.free() == 0
    ended = []
    while len(ended) < 2:
        ended += executor.wait(1, go_on)
    assert {event.data["run"] for event in ended} == {0, 1}


def test_a_large_specification_reaches_the_run(tmp_path):
    """Positions of many rows: more than a pipe holds."""
    import numpy as np

    def counts(run):
        run.report(loss=float(len(run.config["rows"])))

    executor = ProcessExecutor(job_in(tmp_path, counts), 1)
    rows = np.arange(400_000)
    executor.start([RunSpec(run=0, trial=0, purpose="search", config={"rows": rows.tolist()}, seed=0, train=rows)])
    ended = []
    while not ended:
        ended += executor.wait(1, go_on)
    executor.close()
    assert ended[0].data["scores"] == {"loss": 400_000.0}


def test_closing_stops_what_runs(tmp_path):
    executor = ProcessExecutor(job_in(tmp_path, waits), 2)
    executor.start([spec(0), spec(1)])
    pids = []
    while len(pids) < 2:
        executor.wait(0.1, go_on)
        pids = [child.pid for child in executor._training.values() if child.pid is not None]
    executor.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_what_a_killed_coordinator_left_is_swept_away(tmp_path):
    (tmp_path / "runs" / "run-000007").mkdir(parents=True)
    (tmp_path / "predictions").mkdir()
    for name in ("run-000007.part", "run-000006.npy"):
        (tmp_path / "predictions" / name).write_bytes(b"")
    ProcessExecutor(job_in(tmp_path), 1).close()
    assert not (tmp_path / "runs").exists()
    assert [path.name for path in (tmp_path / "predictions").iterdir()] == ["run-000006.npy"]


def test_a_server_that_dies_again_and_again_ends_the_study_with_a_sentence(tmp_path, monkeypatch):
    executor = ProcessExecutor(job_in(tmp_path), 1)
    monkeypatch.setattr(forkserver, "BOOT", "raise SystemExit('no server today')")
    os.kill(executor._server.pid, signal.SIGKILL)
    with pytest.raises(ObjectiveError, match=r"The worker processes cannot be started.*no server today"):
        for number in range(3):
            executor.start([spec(number)])
            executor.wait(1, go_on)
    executor.close()


def test_the_limit_of_one_run_is_not_that_of_another(tmp_path, monkeypatch):
    """A run that is stopped leaves the others alone; the time of each counts from its own start."""
    monkeypatch.setattr(process, "GRACE", 0.2)

    def train(run):
        if run.config["hangs"]:
            time.sleep(600)
        time.sleep(0.4)
        run.report(loss=1.0)

    executor = ProcessExecutor(job_in(tmp_path, train, run_seconds=1.5), 2)
    executor.start([RunSpec(run=0, trial=0, purpose="search", config={"hangs": True}, seed=0)])
    states = {}
    number = 0
    while 0 not in states:
        if executor.free():
            number += 1
            executor.start([RunSpec(run=number, trial=0, purpose="search", config={"hangs": False}, seed=0)])
        states |= {event.data["run"]: event.data["state"] for event in executor.wait(1, go_on)}
    executor.close()
    assert states.pop(0) == "timed_out"
    assert set(states.values()) == {"completed"}


def test_without_waitid_as_on_macos(monkeypatch):
    monkeypatch.delattr(os, "waitid")
    pid = os.fork()
    if pid == 0:
        os.setpgid(0, 0)
        os._exit(5)
    status = None
    while status is None:
        status = _ended(pid)
    assert os.waitstatus_to_exitcode(status) == 5


def test_aside_leaves_this_process_as_it_was():
    seen = []

    def compute():
        seen.append(1)
        return str(os.getpid())

    assert aside(compute) != str(os.getpid())
    assert seen == []
    with pytest.raises(LookupError, match="ZeroDivisionError"):
        aside(lambda: str(1 / 0))
    with pytest.raises(LookupError, match="the process died"):
        aside(lambda: os._exit(1))


def test_a_server_is_started_with_few_modules():
    """It imports what it needs; what the study needs comes with the study."""
    code = "import sys; from truing.execution import server; print([m for m in {modules} if m in sys.modules])"
    modules = ("torch", "sklearn", "scipy", "pandas", "plotly", "rich", "typer", "jinja2", "sqlite3")
    told = subprocess.run(
        [sys.executable, "-c", code.format(modules=modules)], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "[]"
