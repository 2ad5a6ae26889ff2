"""kill -9 at 50 random moments of a study with two workers and of its verdict, and on with the same command each time.

The victim is the coordinator, the fork server or one of the runs. When the coordinator dies the same command is given
again. After each kill the journal is read, and what it then holds must be there in the end, unchanged; every fold of
every trial must count once; and the verdict must select what an undisturbed study selects, with the same scores.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from _record import record

import truing as tr
from truing.errors import JournalError
from truing.loop import RETRIES
from truing.record.events import Event
from truing.report.study import JOURNAL
from truing.storage.sqlite import SqliteJournal

FOLDS = 5


def train(run):
    """A small perceptron on digits, about a fifth of a second."""
    import torch

    torch.manual_seed(run.seed)
    net = torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(64, run.config["width"]), torch.nn.ReLU(), torch.nn.LazyLinear(10)
    )
    x, y = torch.as_tensor(run.train.x), torch.as_tensor(run.train.y)
    net(x[:2])
    optimizer = torch.optim.SGD(net.parameters(), lr=run.config["learning_rate"], momentum=0.9)

    def probabilities(rows):
        with torch.no_grad():
            return net(torch.as_tensor(rows)).softmax(dim=1)

    for _ in run.epochs():
        for rows in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
            optimizer.step()
        run.report(probabilities(run.valid.x))
    return probabilities


def search(folder: str, trials: int) -> None:
    """The study, in a script of its own, as a person would start it."""
    import torch  # noqa: F401 - loaded once in the fork server

    study = tr.Study(
        train,
        space=tr.Space(
            width=tr.Int(8, 64, log=True, default=16), learning_rate=tr.Float(1e-3, 1, log=True, default=0.01)
        ),
        data=tr.datasets.digits(),
        metric="log_loss",
        validation=tr.KFold(FOLDS),
        epochs=8,
        folder=folder,
    )
    study.run(trials=trials, workers=2)
    study.verdict(workers=2)


def start(folder: Path, trials: int) -> subprocess.Popen[bytes]:
    with (folder.parent / f"{folder.name}.log").open("ab") as log:
        return subprocess.Popen([sys.executable, __file__, "--study", str(folder), str(trials)], stdout=log, stderr=log)


def children(parents: set[int]) -> set[int]:
    """The processes that `parents` have started."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], check=True, capture_output=True, text=True).stdout
    pairs = [[int(number) for number in line.split()] for line in listed.splitlines()]
    return {pid for pid, parent in pairs if parent in parents}


def victim(coordinator: int, folder: Path, draw: random.Random) -> tuple[str, int]:
    """One of the study's processes: most often the coordinator, else the fork server or a run.

    A run that was killed twice by itself or with its server is spared: a third time would rightly fail its trial.
    """
    servers = children({coordinator})
    runs = sorted(children(servers))
    which = draw.choices(["coordinator", "server", "run"], [5, 2, 3])[0]
    if worn(folder):
        which = "coordinator"
    if which == "run" and runs:
        return which, draw.choice(runs)
    if which != "coordinator" and servers:
        return "server", sorted(servers)[0]
    return "coordinator", coordinator


def events(folder: Path) -> list[Event]:
    """What the journal holds now."""
    try:
        journal = SqliteJournal(folder / JOURNAL, readonly=True)
    except JournalError:  # killed before there was one
        return []
    try:
        return list(journal.read())
    finally:
        journal.close()


def finished(folder: Path) -> dict[int, tuple]:
    """run -> what the journal says of it, for the runs that are completed in it now."""
    started, ended = {}, {}
    for event in events(folder):
        if event.kind == "started":
            started[event.data["run"]] = event.data
        elif event.kind == "finished" and event.data["state"] == "completed":
            run = started[event.data["run"]]
            place = (run["purpose"], run["trial"], run["replicate"], run["seed"])
            ended[event.data["run"]] = (*place, tuple(sorted(event.data["scores"].items())))
    return ended


def worn(folder: Path) -> bool:
    """Whether a run is at its last attempt."""
    attempts: dict[int, int] = {}
    for event in events(folder):
        if event.kind == "started":
            attempts[event.data["run"]] = event.data["attempt"]
        elif event.kind == "finished":
            attempts.pop(event.data["run"], None)
    return max(attempts.values(), default=0) >= RETRIES


def pause(coordinator: subprocess.Popen[bytes], draw: random.Random) -> bool:
    """Wait for a random moment: one in four from now, which is often before the first run, the others while runs are
    running; True when the study ended before it."""
    if draw.random() < 0.75:
        while coordinator.poll() is None and not children(children({coordinator.pid})):
            time.sleep(0.05)
    try:
        coordinator.wait(draw.uniform(0, 2))
    except subprocess.TimeoutExpired:
        return False
    return True


@dataclass
class Storm:
    """One study, who was killed in it, and what its journal held after each kill and at the end."""

    folder: Path
    killed: Counter[str] = field(default_factory=Counter)
    held: list[dict[int, tuple]] = field(default_factory=list)
    gave_up: int = 0  # coordinators that ended with an error of their own after their fork server was killed


def weather(storm: Storm, trials: int, kills: int, draw: random.Random) -> None:
    """Kill until there were `kills`, or the study is done; then let it end.

    Raises:
        RuntimeError: the study ended with an error that no kill explains.
    """
    coordinator, which = start(storm.folder, trials), ""
    while True:
        if storm.killed.total() == kills:
            coordinator.wait(900)
        elif not pause(coordinator, draw):
            which, pid = victim(coordinator.pid, storm.folder, draw)
            with contextlib.suppress(ProcessLookupError):  # it may just have ended by itself
                os.kill(pid, signal.SIGKILL)
                storm.killed[which] += 1
            if which == "coordinator":
                coordinator.wait()
            storm.held.append(finished(storm.folder))
        if coordinator.poll() == 0:
            break
        if coordinator.poll() is not None:
            if which == "":
                raise RuntimeError(f"The study ended with exit code {coordinator.poll()}: {log(storm.folder)}")
            storm.gave_up += which != "coordinator"
            coordinator, which = start(storm.folder, trials), ""
    storm.held.append(finished(storm.folder))


def log(folder: Path) -> str:
    return (folder.parent / f"{folder.name}.log").read_text(encoding="utf-8")[-2000:]


def left_behind(folder: Path) -> int:
    """Processes whose command line still names the folder, once they had time to end."""
    for _ in range(50):
        listed = subprocess.run(["ps", "-A", "-o", "args="], check=True, capture_output=True, text=True).stdout
        found = sum(str(folder) in line for line in listed.splitlines())
        if not found:
            return 0
        time.sleep(0.1)
    return found


def main(kills: int, trials: int, seed: int) -> None:
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as temporary:
        calm, storms = Path(temporary) / "undisturbed", []
        if start(calm, trials).wait(900):
            raise RuntimeError(f"The undisturbed study did not end well: {log(calm)}")
        expected, scores = summary(calm), Counter(finished(calm).values())
        while (left := kills - sum(storm.killed.total() for storm in storms)) > 0:
            storms.append(Storm(Path(temporary) / f"disturbed-{len(storms)}"))
            weather(storms[-1], trials, left, draw)
        lost = twice = remains = 0
        same = trials_same = scores_same = True
        other: list[str] = []
        for storm in storms:
            end, found = storm.held[-1], summary(storm.folder)
            lost += len({run for before in storm.held for run, what in before.items() if end.get(run) != what})
            twice += sum(count - 1 for count in Counter(what[:3] for what in end.values()).values())
            same &= found["selected"] == expected["selected"]
            trials_same &= found["trials"] == expected["trials"]
            scores_same &= Counter(end.values()) == scores
            other += [
                f"{here} instead of {there}"
                for here, there in zip(found["trials"], expected["trials"], strict=False)
                if here != there
            ]
            remains += left_behind(storm.folder)
    killed = sum((storm.killed for storm in storms), Counter())
    record(
        "kill",
        reached=not lost and not twice and same and trials_same and scores_same and not remains,
        figure=f"{killed.total()} kills ({', '.join(f'{count} of a {who}' for who, count in killed.most_common())}) "
        f"in {len(storms)} studies: {lost} finished runs lost, {twice} counted twice, selected configuration "
        f"{'the same' if same else 'ANOTHER'}, trials {'the same' if trials_same else 'DIFFERENT'}, "
        f"scores {'the same' if scores_same else 'DIFFERENT'}, {remains} processes left",
        kills=dict(killed),
        trials=trials,
        finished_runs=[len(storm.held[-1]) for storm in storms],
        finished_at_each_kill=[[len(before) for before in storm.held[:-1]] for storm in storms],
        coordinators_that_gave_up=sum(storm.gave_up for storm in storms),
        trials_that_differ=other,
        seed=seed,
    )


def summary(folder: Path) -> dict:
    """What the command line says of a study: its trials and what its verdict selected."""

    def ask(*command: str):
        asked = [sys.executable, "-m", "truing", *command, str(folder), "--json"]
        return json.loads(subprocess.run(asked, check=True, capture_output=True).stdout)

    rows = ask("trials")
    kept = ("number", "state", "config", "value", "se", "runs", "reason")
    return {"trials": [{key: row[key] for key in kept} for row in rows], "selected": ask("verdict")["selected"]}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--study", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.study:
        search(given.study[0], int(given.study[1]))
    else:
        main(given.kills, given.trials, given.seed)
