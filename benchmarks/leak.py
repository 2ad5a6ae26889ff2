"""5,000 tiny trials on two workers: do file descriptors, threads, processes or memory grow, and what does a run cost?

The coordinator and its fork server are looked at from outside, in /proc, five times a second. The first tenth of the
trials is the start; after it nothing may grow.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _record import record

import truing as tr
from truing.report.study import JOURNAL
from truing.storage.sqlite import SqliteJournal

MILLISECONDS = 60  # what fork_start promises of a run
WORKERS = 2


def train(run):
    run.report(loss=(run.config["x"] - 0.3) ** 2)


def search(folder: str, trials: int) -> None:
    study = tr.Study(train, space=tr.Space(x=tr.Float(-1, 1)), metric=tr.Metric("loss", goal="min"), folder=folder)
    study.run(trials=trials, workers=WORKERS)


def look(pid: int) -> dict[str, int]:
    """Descriptors, threads and resident kilobytes of a process, and how many it has started that live."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    status = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    return {
        "descriptors": len(list(Path(f"/proc/{pid}/fd").iterdir())),
        "threads": int(status["Threads"][0]),
        "resident_kb": int(status["VmRSS"][0]),
        "children": len(children),
    }


def watched(command: list[str]) -> list[dict[str, dict[str, int]]]:
    """Carry out the command, and look at it and at its fork server until it ends."""
    process, found = subprocess.Popen(command, stderr=subprocess.DEVNULL), []
    while process.poll() is None:
        try:
            servers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="utf-8").split()
            if servers:
                found.append({"coordinator": look(process.pid), "server": look(int(servers[0]))})
        except (OSError, KeyError):
            pass
        time.sleep(0.2)
    if process.returncode:
        raise RuntimeError(f"The study ended with exit code {process.returncode}.")
    return found


def costs(folder: Path) -> list[float]:
    """Seconds from the start of a run to its end, by the journal."""
    journal = SqliteJournal(folder / JOURNAL, readonly=True)
    started, found = {}, []
    for event in journal.read():
        if event.kind == "started":
            started[event.data["run"]] = event.time
        elif event.kind == "finished":
            found.append(event.time - started[event.data["run"]] - event.data["seconds"])
    journal.close()
    return found


def main(trials: int) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "study"
        began = time.perf_counter()
        looks = watched([sys.executable, __file__, "--study", str(folder), "--trials", str(trials)])
        seconds = time.perf_counter() - began
        beyond = costs(folder)
    fifth = len(looks) // 5
    first, last = looks[len(looks) // 10 : len(looks) // 10 + fifth], looks[-fifth:]
    grown, told = {}, []
    for who in ("coordinator", "server"):
        for what in ("descriptors", "threads", "children", "resident_kb"):
            before, after = (max(each[who][what] for each in part) for part in (first, last))
            grown[f"{who} {what}"] = [before, after]
            if what == "resident_kb":
                told.append(f"{who} {before / 1024:.0f} to {after / 1024:.0f} MB resident")
    # a descriptor more or less is a run that was just being started
    flat = all(b - a <= 2 for name, (a, b) in grown.items() if not name.endswith("resident_kb"))
    median = 1000 * statistics.median(beyond)
    counts = ", ".join(f"{name} {a} to {b}" for name, (a, b) in grown.items() if not name.endswith("resident_kb"))
    record(
        "leak",
        reached=flat and median < MILLISECONDS and len(beyond) >= trials,
        figure=f"{trials} trials in {seconds:.0f} s: {counts}; {', '.join(told)}; a run costs {median:.0f} ms (median)",
        trials=trials,
        first_and_last_fifth=grown,
        median_ms=round(median, 2),
        looks=len(looks),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=5000)
    parser.add_argument("--study", help=argparse.SUPPRESS)
    given = parser.parse_args()
    search(given.study, given.trials) if given.study else main(given.trials)
