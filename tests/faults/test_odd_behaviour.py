"""What a training function may do, however odd: its run completes and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes need fork")


def closes_streams(run):
    sys.stdout.close()
    sys.stderr.close()
    run.report(loss=1.0)


def replaces_streams(run):
    sys.stdout = sys.stderr = None
    run.report(loss=1.0)


def changes_signals(run):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    run.report(loss=1.0)


def leaves_a_thread(run):
    threading.Thread(target=time.sleep, args=(600,)).start()
    run.report(loss=1.0)


def leaves_a_process(run):
    subprocess.Popen(["sleep", "600"])
    run.report(loss=1.0)


def leaves_a_daemon(run):
    subprocess.Popen(["sleep", "600"], start_new_session=True)
    run.report(loss=1.0)


def comes_back_twice(run):
    os.fork()
    run.report(loss=1.0)


def registers_an_exit(run):
    import atexit

    folder = run.folder.parent.parent
    atexit.register(lambda: (folder / "exit handler").write_text("ran"))
    run.report(loss=1.0)


WORKS = {
    "megabytes": lambda run: [print("x" * 1000) for _ in range(5000)] and run.report(loss=1.0),
    "bytes that are no text": lambda run: os.write(1, bytes(range(256)) * 100) and run.report(loss=1.0),
    "standard output closed": closes_streams,
    "descriptors 0 to 2 closed": lambda run: [os.close(end) for end in range(3)] and run.report(loss=1.0),
    "standard output replaced": replaces_streams,
    "another directory": lambda run: os.chdir("/") or run.report(loss=1.0),
    "signal handlers changed": changes_signals,
    "a thread that goes on": leaves_a_thread,
    "a process that goes on": leaves_a_process,
    "a process that left its group": leaves_a_daemon,
    "a forked copy that comes back": comes_back_twice,
    "the run's folder removed": lambda run: run.folder.rmdir() or run.report(loss=1.0),
    "standard input": lambda run: run.report(loss=1.0 if sys.stdin.read() == "" else 2.0),
    "an exit handler": registers_an_exit,
    "numpy numbers": lambda run: run.report(loss=np.float32(1.0)),
    "many reports": lambda run: [run.report(loss=1.0) for _ in range(2000)] and None,
}


@pytest.mark.parametrize("objective", WORKS.values(), ids=list(WORKS))
def test_odd_behaviour_that_is_no_failure(run, tmp_path, objective):
    """The run completes; the fixture sees to it that nothing of it goes on."""
    found = run(objective)
    assert found["state"] == "completed", found.get("reason")
    assert found["scores"] == {"loss": 1.0}
    assert not (tmp_path / "exit handler").exists()


def test_a_megabyte_of_curve_comes_through(run):
    """More than fits into a pipe at once, while the coordinator listens."""

    def train(run):
        run.last.curve.extend((epoch, epoch / 3) for epoch in range(100_000))
        run.report(loss=1.0)

    found = run(train)
    assert len(found["curve"]) == 100_001
    assert found["curve"][99_999] == [99_999, 99_999 / 3]


def test_each_run_has_an_empty_folder_of_its_own(run, tmp_path):
    def train(run):
        if list(run.folder.iterdir()) or not run.folder.is_relative_to(tmp_path):
            raise ValueError("not empty")
        (run.folder / "file").write_text("mine")
        run.report(loss=1.0)

    assert run(train)["state"] == "completed"
