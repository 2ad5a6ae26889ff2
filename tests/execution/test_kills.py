"""Killing whatever can be killed: nothing that finished is lost, and nothing is left behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from truing.errors import UsageError
from truing.record.history import History
from truing.report.study import read

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

# A run announces itself in a file named after it and waits until the test lets all runs go.
SCRIPT = """
import os, signal, subprocess, sys, time
from pathlib import Path
import truing as tr

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whatever started the tests may ignore it

def train(run):
    subprocess.Popen(["sleep", "600"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    (run.folder / "big").write_bytes(b"x" * 100_000)
    if not run.folder.name.startswith("rehearsal"):
        Path(f"began-{os.getpid()}").touch()
        while not os.path.exists("go"):
            time.sleep(0.01)
    run.report(loss=(run.config["x"] - 0.25) ** 2)

study = tr.Study(train, tr.Space(x=tr.Float(-1.0, 1.0)), metric=tr.Metric("loss", goal="min"), folder="study")
study.run(trials=4, workers=2)
print("done")
"""


def begun(folder: Path) -> list[int]:
    """Process numbers of the runs that have begun to train, without the rehearsal's."""
    return [int(path.name.removeprefix("began-")) for path in folder.glob("began-*")]


def waiting(programs) -> list[int]:
    """Those of them that live."""
    alive = programs.alive()
    return [pid for pid in begun(programs.folder) if pid in alive]


def until(condition: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(0.01)


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def started(programs, extra: str = ""):
    """The script, past its rehearsal and with two runs that wait."""
    (programs.folder / "s.py").write_text(SCRIPT.replace("study = ", extra + "\nstudy = "))
    program = programs.start("s.py")
    until(lambda: len(waiting(programs)) >= 2 or program.poll() is not None, "two runs")
    assert program.poll() is None, program.communicate()
    return program


def history(folder: Path) -> History:
    return read(folder / "study")[0]


def complete(folder: Path, trials: int = 4) -> None:
    found = history(folder)
    assert [trial.state for trial in found.trials] == ["completed"] * trials
    counted = Counter((run.trial, run.replicate) for run in found.runs.values() if run.state == "completed")
    assert set(counted.values()) == {1}, "no finished run counts twice"


def end(program, folder: Path, code: int = 0) -> tuple[str, str]:
    (folder / "go").touch()
    output, errors = program.communicate(timeout=100)
    assert program.returncode == code, errors
    return output, errors


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_worker_killed_from_outside_is_run_again(programs, tmp_path, number):
    program = started(programs)
    victim = waiting(programs)[0]
    os.kill(victim, number)
    until(lambda: victim not in programs.alive() and len(waiting(programs)) >= 2, "another in its place")
    end(program, tmp_path)
    complete(tmp_path)
    states = Counter(str(run.state) for run in history(tmp_path).runs.values())
    assert states == {"completed": 4, "lost": 1}
    (lost,) = [run for run in history(tmp_path).runs.values() if run.state == "lost"]
    assert lost.reason is not None
    assert lost.reason.kind == signal.Signals(number).name
    (again,) = [run for run in history(tmp_path).runs.values() if run.trial == lost.trial and run.id != lost.id]
    assert (again.seed, again.attempt) == (lost.seed, 1)
    assert not (tmp_path / "study" / "runs").exists()


def test_a_run_killed_three_times_is_lost_and_the_study_lives(programs, tmp_path):
    program = started(programs, extra="Path('doomed').touch()")
    victims = []
    for _ in range(3):
        until(lambda: _of_trial(tmp_path, 0, victims) is not None, "the run of trial 0")
        victim = _of_trial(tmp_path, 0, victims)
        victims.append(victim)
        os.kill(_process_of(tmp_path, victim), signal.SIGKILL)
    end(program, tmp_path)
    trials = history(tmp_path).trials
    assert [trial.state for trial in trials] == ["failed", "completed", "completed", "completed"]
    assert "SIGKILL" in (trials[0].reason or "")
    assert len(trials[0].runs) == 3


def _of_trial(folder: Path, trial: int, apart_from: list[int]) -> int | None:
    """The run of a trial that has begun to train."""
    with contextlib.suppress(IndexError, UsageError):
        for run in history(folder).trial(trial).runs:
            if run not in apart_from and _process_of(folder, run):
                return run
    return None


def _process_of(folder: Path, run: int) -> int | None:
    """The process that trains a run: the one whose standard output is the run's file."""
    for pid in begun(folder):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{pid}/fd/1").endswith(f"run-{run:06d}.txt"):
                return pid
    return None


def test_a_killed_fork_server_is_replaced_and_its_runs_are_repeated(programs, tmp_path):
    program = started(programs)
    server = parent(waiting(programs)[0])
    assert parent(server) == program.pid
    before = set(programs.alive())
    os.kill(server, signal.SIGKILL)
    until(lambda: len(waiting(programs)) >= 2 and not before - {program.pid} & set(programs.alive()), "new runs")
    end(program, tmp_path)
    complete(tmp_path)
    assert Counter(str(run.state) for run in history(tmp_path).runs.values()) == {"completed": 4, "lost": 2}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_killed_coordinator_leaves_nothing_and_the_same_command_goes_on(programs, tmp_path, number):
    program = started(programs)
    program.send_signal(number)
    program.communicate(timeout=60)
    until(lambda: not programs.alive(), "the end of server, runs and what they started")
    until(lambda: not list((tmp_path / "study" / "runs").glob("*")), "the end of the runs' folders")
    interrupted = {run.id for run in history(tmp_path).runs.values() if run.state == "running"}
    assert len(interrupted) == 2
    (tmp_path / "go").touch()
    output, _ = programs.run("s.py")
    assert output == "done\n"
    complete(tmp_path)
    assert {run.id for run in history(tmp_path).runs.values() if run.state == "superseded"} == interrupted
    assert {run.attempt for run in history(tmp_path).runs.values()} == {0}, "its end is not counted against a run"


def test_coordinator_and_server_killed_together(programs, tmp_path):
    """Nobody is left to clean up, but the kernel; the next start removes the runs' folders."""
    program = started(programs)
    server = parent(waiting(programs)[0])
    os.kill(program.pid, signal.SIGSTOP)
    os.kill(server, signal.SIGSTOP)
    os.kill(server, signal.SIGKILL)
    program.kill()
    program.communicate(timeout=60)
    until(lambda: not waiting(programs), "the end of the runs")
    programs.kill()  # what the runs had started, which nothing ties to them any more
    (tmp_path / "go").touch()
    programs.run("s.py")
    complete(tmp_path)
    assert not (tmp_path / "study" / "runs").exists()


def test_a_server_whose_coordinator_dies_while_a_copy_of_it_lives_on(programs, tmp_path):
    """A process that some library forks has the program's connections, too; the server does not wait for its end."""
    (tmp_path / "go").touch()
    later = """
import ctypes
if ctypes.CDLL(None).fork() == 0:
    Path('copy').touch(); time.sleep(600)
os.kill(os.getpid(), signal.SIGKILL)
"""
    (tmp_path / "s.py").write_text(SCRIPT + later)
    program = programs.start("s.py")
    program.wait(timeout=60)
    until(lambda: (tmp_path / "copy").exists() and len(programs.alive()) == 1, "the end of all but the copy")
    programs.kill()


def test_a_program_that_exits_at_once_leaves_nothing(programs, tmp_path):
    (tmp_path / "go").touch()
    (tmp_path / "s.py").write_text(SCRIPT + "os._exit(0)\n")
    programs.run("s.py")
    until(lambda: not programs.alive(), "the end of the server")


def test_a_program_that_fails_after_its_study_leaves_nothing(programs, tmp_path):
    (tmp_path / "go").touch()
    (tmp_path / "s.py").write_text(SCRIPT + "raise RuntimeError('afterwards')\n")
    programs.run("s.py", code=1)
    assert not programs.alive()


# -- Ctrl-C ----------------------------------------------------------------------------------------------------------


def command(programs, *words: str):
    """`truing run` of the script, with two runs that wait."""
    (programs.folder / "s.py").write_text(SCRIPT)
    return programs.start("-m", "truing", "run", "s.py", "--trials", "4", *words)


def said(program, text: str) -> None:
    """Read standard error up to a line with `text`."""
    for line in program.stderr:
        if text in line:
            return
    raise AssertionError(f"it never said {text!r}")


def test_ctrl_c_once_lets_the_running_ones_finish(programs, tmp_path):
    program = command(programs, "--workers", "2")
    until(lambda: len(waiting(programs)) >= 2, "two runs")
    program.send_signal(signal.SIGINT)
    said(program, "Ctrl-C again")
    _, errors = end(program, tmp_path, code=130)
    assert "the same command goes on" in errors
    assert Counter(str(run.state) for run in history(tmp_path).runs.values()) == {"completed": 2}
    assert not programs.alive()
    programs.run("-m", "truing", "run", "s.py", "--trials", "4", "--workers", "2")
    complete(tmp_path)


def test_ctrl_c_twice_stops_now(programs, tmp_path):
    program = command(programs, "--workers", "2")
    until(lambda: len(waiting(programs)) >= 2, "two runs")
    program.send_signal(signal.SIGINT)
    said(program, "Ctrl-C again")
    program.send_signal(signal.SIGINT)
    _, errors = program.communicate(timeout=60)
    assert program.returncode == 130, errors
    assert not programs.alive()
    assert not (tmp_path / "study" / "runs").exists()
    assert Counter(str(run.state) for run in history(tmp_path).runs.values()) == {"cancelled": 2}
    (tmp_path / "go").touch()
    programs.run("-m", "truing", "run", "s.py", "--trials", "4", "--workers", "2")
    complete(tmp_path)


def test_inline_ctrl_c_once_finishes_and_twice_stops(programs, tmp_path):
    program = command(programs, "--workers", "0")
    until(lambda: (tmp_path / "study" / "runs" / "run-000000").exists(), "a run")
    program.send_signal(signal.SIGINT)
    said(program, "Ctrl-C again")
    end(program, tmp_path, code=130)
    assert [str(run.state) for run in history(tmp_path).runs.values()] == ["completed"]
    (tmp_path / "go").unlink()
    program = programs.start("-m", "truing", "run", "s.py", "--trials", "4", "--workers", "0")
    until(lambda: (tmp_path / "study" / "runs" / "run-000001").exists(), "the next run")
    program.send_signal(signal.SIGINT)
    said(program, "Ctrl-C again")
    program.send_signal(signal.SIGINT)
    _, errors = program.communicate(timeout=60)
    assert program.returncode == 130, errors
    assert [str(run.state) for run in history(tmp_path).runs.values()] == ["completed", "cancelled"]
    assert not (tmp_path / "study" / "runs").exists()
    programs.kill()  # what the runs had started: inline they are the program's own children
    (tmp_path / "go").touch()
    programs.run("-m", "truing", "run", "s.py", "--trials", "4", "--workers", "0")
    complete(tmp_path)
    programs.kill()


def test_ctrl_c_in_a_plain_script_is_a_keyboard_interrupt(programs, tmp_path):
    program = started(programs)
    program.send_signal(signal.SIGINT)
    said(program, "Ctrl-C again")
    output, errors = end(program, tmp_path, code=-signal.SIGINT)
    assert "done" not in output
    assert re.search(r"^KeyboardInterrupt", errors, re.MULTILINE)


def test_ctrl_c_a_third_time_ends_even_a_program_that_waits_for_its_server(programs, tmp_path):
    """The script hangs where only the server executes it."""
    hang = "if os.path.exists('second'): Path('hangs').touch(); time.sleep(600)\nPath('second').touch()\n"
    (tmp_path / "s.py").write_text(SCRIPT.replace("study = ", hang + "study = "))
    program = programs.start("s.py")
    until(lambda: (tmp_path / "hangs").exists(), "the server")
    for number in range(3):
        program.send_signal(signal.SIGINT)
        said(program, ("Ctrl-C again", "Stopping now", "interrupt.Interrupted")[number])
    program.communicate(timeout=60)
    assert program.returncode != 0
