"""A study of 10,000 trials, 5 runs each, 20 reports a run: the coordinator's memory, and what a person then waits for.

Real: the loop, the journal on disk, the history, the judge, the searcher, seeds, configurations and reports.
Simulated: the training, a formula that takes no time, and the workers: runs are inline, so that 50,000 of them take
minutes and not hours. The process that is measured is therefore coordinator and worker in one, and the figure an upper
bound.

The commands are then called as a person calls them, each in a process of its own, from its start to its end.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from _record import record

import truing as tr
from truing.report.study import JOURNAL

RUNS, REPORTS = 5, 20
MEGABYTES, SHOW, REPORT = 100, 2.0, 20.0
TURNS = 3
PAGE = os.sysconf("SC_PAGE_SIZE")


class Watched:
    """The training: counts its calls, and notes memory and time at the start of each trial."""

    def __init__(self) -> None:
        self.memory: list[int] = []
        self.began: list[float] = []
        self._calls = 0

    def __call__(self, run) -> None:
        if self._calls % RUNS == 0:
            self.memory.append(resident())
            self.began.append(time.perf_counter())
        self._calls += 1
        rate, width = run.config["learning_rate"], run.config["channels"]
        floor = 0.06 + 0.09 * (math.log10(rate) + 1.7) ** 2 + 0.4 / width + run.seed / 2**31 / 50
        for epoch in run.epochs():
            loss = floor + 2.0 / epoch
            run.report(loss=loss, accuracy=math.exp(-loss))


def resident() -> int:
    """Bytes of this process that are in memory."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * PAGE


def study(folder: Path, objective=None) -> tr.Study:
    return tr.Study(
        objective if objective is not None else Watched(),
        space=tr.Space(
            kernel_size=tr.Choice([1, 3, 5, 7], default=3, group="architecture"),
            channels=tr.Int(8, 32, log=True, default=16, group="architecture"),
            learning_rate=tr.Float(1e-4, 1e-1, log=True, default=1e-2, group="training"),
            momentum=tr.Float(0.0, 0.98, default=0.9, group="training"),
            batch_size=tr.Choice([32, 64, 128], default=64, group="training"),
        ),
        metric=tr.Metric("loss", goal="min"),
        also=[tr.Metric("accuracy", goal="max")],
        validation=tr.Seeds(RUNS),
        epochs=REPORTS,
        folder=folder,
    )


def search(folder: Path, trials: int) -> None:
    """The study, in a process of its own; prints what it noted."""
    watched = Watched()
    study(folder, watched).run(trials=trials, workers=0)
    memory, began = watched.memory[1:], watched.began[1:]  # the first is the rehearsal's
    each = [b - a for a, b in pairwise(began)]
    tenth = max(1, len(each) // 10)
    first, last = statistics.median(each[:tenth]), statistics.median(each[-tenth:])
    print(resident() - memory[1], max(memory) - memory[1], 1000 * first, 1000 * last, began[-1] - began[0])


def seconds(*words: str | Path) -> float:
    """The median of some calls of the command, with the compiled modules that an installation has."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    found = []
    for _ in range(1 + TURNS):
        began = time.perf_counter()
        command = [sys.executable, "-m", "truing", *map(str, words)]
        subprocess.run(command, check=True, capture_output=True, env=environment)
        found.append(time.perf_counter() - began)
    return statistics.median(found[1:])


def main(trials: int, keep: Path | None) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = keep if keep is not None else Path(temporary) / "study"
        words = [sys.executable, __file__, "--trials", str(trials), "--search", str(folder)]
        told = subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        grown, highest, first, last, took = map(float, told.split())
        show = seconds("show", folder)
        listed = seconds("trials", folder)
        report = seconds("report", folder)
        sizes = {name: (folder / name).stat().st_size / 1e6 for name in (JOURNAL, "report.html")}
    record(
        "scale",
        reached=max(grown, highest) < MEGABYTES * 1e6 and show < SHOW and report < REPORT,
        figure=f"{max(grown, highest) / 1e6:.0f} MB; `show` {show:.2f} s, `trials` {listed:.2f} s, "
        f"`report` {report:.1f} s ({sizes['report.html']:.1f} MB); a trial costs {first:.2f} ms in the first tenth "
        f"and {last:.2f} ms in the last",
        trials=trials,
        runs=trials * RUNS,
        reports=trials * RUNS * REPORTS,
        grown_mb=round(grown / 1e6, 1),
        highest_mb=round(highest / 1e6, 1),
        show_s=round(show, 2),
        trials_s=round(listed, 2),
        report_s=round(report, 2),
        report_mb=round(sizes["report.html"], 1),
        journal_mb=round(sizes[JOURNAL], 1),
        first_tenth_ms=round(first, 3),
        last_tenth_ms=round(last, 3),
        search_s=round(took, 1),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--keep", type=Path, help="leave the study in this folder")
    parser.add_argument("--search", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    main(given.trials, given.keep) if given.search is None else search(given.search, given.trials)
