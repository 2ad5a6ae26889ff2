"""A tiny study that is really run, in a process of its own: what hangs, crashes or prints there is an answer too."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from truing.errors import TruingError

SECONDS = 120.0  # a first start from a slow disk takes long; a hang takes for ever
TRIALS = 10
HOME = str(Path(__file__).parents[2])  # where truing lies, for a process in another folder


@dataclass(frozen=True)
class Tried:
    """How a tiny study went.

    Args:
        works: all its trials completed.
        start: seconds until the first two trials were there, the start of the process included.
        run: seconds for each further run.
        why: one sentence, where it does not work.
    """

    works: bool
    start: float = 0.0
    run: float = 0.0
    why: str = ""


def tried(folder: Path, workers: int) -> Tried:
    """Run it in `folder`, with 0 or more workers."""
    code = f"import sys; sys.path.append(sys.argv[1]); from truing.doctor.trial import main; main({workers})"
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-c", code, HOME],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    try:
        out, errors = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return Tried(False, why=f"it did not end within {SECONDS:g} s")
    except BaseException:  # Ctrl-C: nothing may stay behind
        process.kill()
        process.wait()
        raise
    return outcome(out, errors, process.returncode, time.monotonic() - began)


def outcome(out: str, errors: str, code: int, seconds: float) -> Tried:
    """What the process that ran the study said.

    >>> outcome("", "Fatal Python error: Aborted", -6, 1.0)
    Tried(works=False, start=0.0, run=0.0, why='Fatal Python error: Aborted')
    """
    try:
        told = json.loads(out.splitlines()[-1])
        works, run, why = bool(told["works"]), float(told["run"]), str(told["why"])
    except (IndexError, ValueError, KeyError, TypeError):
        lines = errors.strip().splitlines() or [f"its process ended with code {code}"]
        works, run, why = False, 0.0, lines[-1]
    start = max(0.0, seconds - TRIALS * run) if works else 0.0
    return Tried(works, start, run, why.replace(str(Path.home()), "~"))


def main(workers: int) -> None:
    """Run the study here, and print how it went as the last line."""
    with contextlib.redirect_stdout(sys.stderr):
        try:
            told = {"works": True, "run": _timed(workers), "why": ""}
        except (TruingError, OSError) as error:
            told = {"works": False, "run": 0.0, "why": str(error)}
    print(json.dumps(told))


def train(run: Any) -> None:
    """Nothing to learn: what is tried is all around it."""
    run.report(loss=run.config["x"] ** 2)


def _timed(workers: int) -> float:
    """Seconds of one run once everything is under way."""
    from truing.space.parameter import Float
    from truing.space.space import Space
    from truing.statistics.metric import Metric
    from truing.study import Study

    folder = Path("inline" if workers == 0 else "process")
    study = Study(train, Space(x=Float(-1.0, 1.0)), metric=Metric("loss", goal="min"), folder=folder)
    study.run(trials=2, workers=workers)
    began = time.monotonic()
    study.run(trials=2 + TRIALS, workers=workers)
    seconds = time.monotonic() - began
    states = {trial["state"] for trial in study.trials(as_dicts=True)}
    if states != {"completed"}:
        raise OSError(f"trials ended as {', '.join(sorted(states))}")
    return seconds / TRIALS
