"""F19: a run that hangs is timed out, and nothing of it goes on."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

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
