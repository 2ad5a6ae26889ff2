"""F19: a run that hangs is timed out, and nothing of it goes on."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from truing.execution.process import ProcessExecutor
from truing.report.study import read

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes need fork")

HERE = Path(__file__).name


def busy(run):
    print("round and round")
    while True:
        pass


def sleeps(run):
    print("round and round")
    time.sleep(600)


def ignores_sigterm(run):
    print("round and round")
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(1)


def turns_sigterm_into_an_exit(run):
    print("round and round")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    time.sleep(600)


def swallows_everything(run):
    print("round and round")
    while True:
        try:
            time.sleep(600)
        except BaseException:
            continue


def stops_itself(run):
    print("round and round")
    os.kill(os.getpid(), signal.SIGSTOP)


@pytest.mark.parametrize(
    "objective", [busy, sleeps, ignores_sigterm, turns_sigterm_into_an_exit, swallows_everything, stops_itself]
)
def test_a_run_that_hangs_is_timed_out(run, objective):
    found = run(objective, seconds=0.6)
    assert found["state"] == "timed_out"
    assert "run_minutes=0.01" in found["reason"]["message"]
    assert "round and round" in found["reason"]["tail"]
    assert 0.5 < found["seconds"] < 60


def test_a_run_that_hangs_shows_where(run):
    found = run(sleeps, seconds=0.5)
    line = sleeps.__code__.co_firstlineno + 2
    assert f'{HERE}", line {line} in sleeps' in found["reason"]["tail"]


def deadlocks(run):
    print("round and round")
    lock = threading.Lock()
    lock.acquire()
    thread = threading.Thread(target=lock.acquire)
    thread.start()
    thread.join()


def waits_for_a_grandchild(run):
    """Which left the group, ignores signals, and has the run's channel and output open."""
    print("round and round")
    if (pid := os.fork()) == 0:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.fork():
            time.sleep(600)
        os.setsid()
        time.sleep(600)
    os.waitpid(pid, 0)


@pytest.mark.parametrize("objective", [deadlocks, waits_for_a_grandchild])
def test_threads_and_grandchildren_do_not_hold_it_up(run, objective):
    """The fixture sees to it that none of them goes on."""
    found = run(objective, seconds=0.6)
    assert found["state"] == "timed_out"


def leaves_grandchildren(run):
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.setsid()
            time.sleep(600)
    (run.folder.parent.parent / "left").write_text(str(os.getpid()))
    run.report(loss=1.0)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("end", ["by itself", "killed"])
def test_no_grandchild_lives_on_beside_another_run(run, tmp_path, end):
    """They are gone with their run, even while other runs train."""
    executor = ProcessExecutor(run.job(lambda run: time.sleep(600) if run.config["x"] else _left(run, end)), 2)
    try:
        executor.start([run.spec(0, config={"x": 1}), run.spec(1, config={"x": 0})])
        found = run.wait(executor)
        assert found["run"] == 1
        assert found["state"] == ("lost" if end == "killed" else "completed")
        (server,) = children_of(os.getpid())
        deadline = time.monotonic() + 20
        while len(children_of(server)) > 1 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(children_of(server)) == 1, "only the other run goes on"
    finally:
        executor.close()


def _left(run, end):
    leaves_grandchildren(run)
    if end == "killed":
        os.kill(os.getpid(), signal.SIGKILL)


def children_of(pid):
    with contextlib.suppress(OSError):
        return {int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
    return set()


LOADER = """
import os, time
import numpy as np
import torch
import truing as tr
from torch.utils.data import DataLoader, TensorDataset

def train(run):
    rows = TensorDataset(torch.as_tensor(np.arange(32.0)))
    loader = DataLoader(rows, batch_size=8, num_workers=2, multiprocessing_context="{context}", persistent_workers=True)
    for _ in run.epochs():
        total = sum(float(batch.sum()) for batch, in loader)
        run.report(loss=total)
        if run.config["x"] == 1 and run.max_epochs:
            iterator = iter(loader)
            next(iterator)
            time.sleep(600)

if __name__ in ("__main__", "__mp_main__"):
    study = tr.Study(train, tr.Space(x=tr.Choice([0, 1])), metric=tr.Metric("loss", goal="min"), search="grid",
                     folder="study", epochs=2, run_minutes=20 / 60)
if __name__ == "__main__":
    study.run(workers=2)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize(("context", "trials", "seconds"), [("fork", 2, 4), ("spawn", 1, 100)])
def test_a_data_loader_works_in_runs_and_goes_with_them(programs, tmp_path, context, trials, seconds):
    """A second run hangs beside its loader's workers, and is timed out with them; `programs` looks for orphans."""
    pytest.importorskip("torch")
    script = LOADER.replace("{context}", context).replace("20 / 60", f"{seconds} / 60")
    programs.script(script.replace("study.run(", f"study.run(trials={trials}, "))
    history = read(tmp_path / "study")[0]
    assert [str(run.state) for run in history.runs.values()] == ["completed", "timed_out"][:trials]
    assert history.trial(0).value == sum(range(32))
