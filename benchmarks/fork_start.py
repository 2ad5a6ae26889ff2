"""What a run costs beyond its training: from the moment it is written down as started until its end is known.

A small convolutional network and its optimizer are trained in a process of their own, one run at a time. The function
reports how long it took inside; the rest is the fork, the pipe, the seeds, the rows and the journal.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from _record import record
from torch import nn

import truing as tr
from truing.report.study import JOURNAL
from truing.storage.sqlite import SqliteJournal

MILLISECONDS = 60
TRIALS = 20


def train(run):
    began = time.perf_counter()
    torch.manual_seed(run.seed)
    net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 10))
    optimizer = torch.optim.AdamW(net.parameters(), lr=run.config["learning_rate"])
    x, y = torch.as_tensor(run.train.x), torch.as_tensor(run.train.y)
    for rows in torch.randperm(len(x)).split(64):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
        optimizer.step()
    with torch.no_grad():
        found = net(torch.as_tensor(run.valid.x)).softmax(dim=1)
    run.report(found, inside=time.perf_counter() - began)


def search(folder: str) -> None:
    """The study, in a script of its own, as a person would start it."""
    study = tr.Study(
        train,
        space=tr.Space(learning_rate=tr.Float(1e-4, 1e-1, log=True)),
        data=tr.datasets.digits(),
        metric="log_loss",
        folder=folder,
    )
    study.run(trials=TRIALS, workers=1)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, __file__, folder], check=True, capture_output=True)
        journal = SqliteJournal(Path(folder) / JOURNAL, readonly=True)
        started: dict[int, float] = {}
        beyond, inside = [], []
        for event in journal.read():
            if event.kind == "started":
                started[event.data["run"]] = event.time
            elif event.kind == "finished" and event.data["run"] in started:
                inside.append(event.data["scores"]["inside"])
                beyond.append(event.time - started[event.data["run"]] - inside[-1])
        journal.close()
    median = 1000 * statistics.median(beyond)
    record(
        "fork_start",
        reached=median < MILLISECONDS,
        figure=f"median {median:.0f} ms (quarters {1000 * statistics.quantiles(beyond)[0]:.0f} to "
        f"{1000 * statistics.quantiles(beyond)[2]:.0f}) over {len(beyond)} runs",
        runs=len(beyond),
        median_ms=round(median, 1),
        median_training_ms=round(1000 * statistics.median(inside), 1),
        longest_ms=round(1000 * max(beyond), 1),
    )


if __name__ == "__main__":
    search(sys.argv[1]) if len(sys.argv) > 1 else main()
