"""The same run gives the same numbers, whatever executes it and whatever runs beside it; inline leaves no trace."""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import truing as tr
from truing.execution.inline import InlineExecutor
from truing.execution.job import Job
from truing.execution.process import ProcessExecutor
from truing.record.events import Event
from truing.record.interfaces import Decision, RunSpec
from truing.record.task import Task
from truing.statistics.metric import metric

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes need fork")

digits = load_digits()
X, Y = digits.images[:300].astype("float32").reshape(-1, 1, 8, 8), digits.target[:300]
TASK = Task((metric("log_loss"), metric("accuracy")), tuple(range(10)))


def network(kind):
    if kind == "mlp":
        return torch.nn.Sequential(
            torch.nn.Flatten(),
            torch.nn.Linear(64, 300),
            torch.nn.Dropout(0.3),
            torch.nn.ReLU(),
            torch.nn.Linear(300, 10),
        )
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 16, 3),
        torch.nn.BatchNorm2d(16),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(576, 10),
    )


def train(run):
    """Random numbers of torch, NumPy and Python; a matrix product of NumPy that adds up by the number of threads."""
    net = network(run.config["kind"])
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    x, y = torch.as_tensor(run.train.x) / 16, torch.as_tensor(run.train.y)
    for _ in run.epochs():
        noise = float(np.random.normal() + random.random()) * 1e-3  # noqa: NPY002
        for rows in torch.randperm(len(x)).split(32):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(x[rows] + noise), y[rows]).backward()
            optimizer.step()
        net.eval()
        with torch.no_grad():
            found = net(torch.as_tensor(run.valid.x) / 16).softmax(dim=1).numpy()
        net.train()
        flat = run.train.x.reshape(len(run.train), -1).astype("float32")
        run.report(found, product=float((flat.T @ flat @ flat.T).sum()), threads=torch.get_num_threads())


def job_in(folder: Path, threads: int = 1) -> Job:
    data = tr.Data(X, Y)
    data.store(folder / "data")
    return Job(folder, TASK, {}, train, data, threads=threads)


def spec(number: int, kind: str, threads: int = 1) -> RunSpec:
    rows = np.random.default_rng(0).permutation(300)
    return RunSpec(
        run=number,
        trial=0,
        purpose="search",
        config={"kind": kind},
        seed=7 if number < 10 else number,
        train=rows[:200],
        valid=rows[200:],
        epochs=3,
        threads=threads,
    )


def carry_out(executor, specs):
    """run -> (scores, curve) of runs that are started as there is room, at most `workers` at a time."""
    found, queue = {}, list(specs)
    while len(found) < len(specs):
        chosen = [queue.pop(0) for _ in range(min(executor.free(), len(queue)))]
        executor.start(chosen)
        for event in executor.wait(1.0, lambda event: Decision.GO_ON):
            assert event.data["state"] == "completed", event.data
            found[event.data["run"]] = (event.data["scores"], event.data["curve"])
    executor.close()
    return found


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """Inline, one after the other, beside nothing."""
    executor = InlineExecutor(job_in(tmp_path_factory.mktemp("inline")))
    return carry_out(executor, [spec(0, "mlp"), spec(1, "cnn")])


def test_in_a_process_of_its_own(tmp_path, alone):
    assert carry_out(ProcessExecutor(job_in(tmp_path), 1), [spec(0, "mlp"), spec(1, "cnn")]) == alone


def test_among_other_runs_in_two_processes(tmp_path, alone):
    specs = [spec(10, "cnn"), spec(0, "mlp"), spec(11, "mlp"), spec(12, "cnn"), spec(1, "cnn"), spec(13, "mlp")]
    found = carry_out(ProcessExecutor(job_in(tmp_path), 2), specs)
    assert {number: found[number] for number in (0, 1)} == alone
    assert found[12] != found[10] != alone[1], "another seed gives other numbers"


def test_again_inline_after_other_runs(tmp_path, alone):
    found = carry_out(InlineExecutor(job_in(tmp_path)), [spec(10, "cnn"), spec(1, "cnn"), spec(0, "mlp")])
    assert {number: found[number] for number in (0, 1)} == alone


def test_the_number_of_threads_is_that_of_the_study(tmp_path):
    """Two in a process and inline; and since numbers depend on it, equal numbers on equal threads."""
    inline = carry_out(InlineExecutor(job_in(tmp_path / "inline", threads=2)), [spec(0, "cnn", threads=2)])
    processes = carry_out(ProcessExecutor(job_in(tmp_path / "process", threads=2), 1), [spec(0, "cnn", threads=2)])
    assert inline == processes
    assert inline[0][0]["threads"] == 2.0


def test_one_thread_is_one_thread(alone):
    assert {scores["threads"] for scores, _ in alone.values()} == {1.0}


def test_inline_leaves_the_programs_random_numbers_and_threads_alone(tmp_path, alone):
    """What the program would have drawn next, it still draws next; and its number of threads is not the run's."""
    found = []
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        drawn = []
        for between in (
            lambda: None,
            lambda: found.append(carry_out(InlineExecutor(job_in(tmp_path)), [spec(0, "mlp"), spec(1, "cnn")])),
        ):
            random.seed(1)
            np.random.seed(1)  # noqa: NPY002
            torch.manual_seed(1)
            between()
            drawn.append((random.random(), np.random.random(), torch.rand(1).item()))  # noqa: NPY002
        assert drawn[0] == drawn[1]
        assert torch.get_num_threads() == 3
        assert found == [alone]
    finally:
        torch.set_num_threads(threads)


def test_a_study_gives_the_same_trials_for_any_number_of_workers(tmp_path):
    """Values, curves and predictions, through the public face."""
    histories = []
    for workers in (0, 1, 2):
        folder = tmp_path / str(workers)
        tr.Study(
            train,
            tr.Space(kind=tr.Choice(["mlp", "cnn"])),
            data=tr.Data(X, Y),
            metric="log_loss",
            validation=tr.KFold(2),
            epochs=2,
            folder=folder,
        ).run(trials=2, workers=workers)
        histories.append(_told(folder))
    assert histories[0] == histories[1] == histories[2]


def _told(folder: Path):
    from truing.report.study import read

    history = read(folder)[0]
    runs = {
        (run.trial, run.replicate): (run.seed, dict(run.scores), run.curve)
        for run in history.runs.values()
        if run.trial >= 0
    }
    kept = {path.name: path.read_bytes() for path in sorted((folder / "predictions").iterdir())}
    assert len(runs) == 4
    values = [(dict(trial.config), trial.value, trial.state) for trial in history.trials]
    by_run = {history.runs[int(name[4:10])].replicate: content for name, content in kept.items()}
    return values, runs, by_run


def test_events_are_plain_values(tmp_path):
    """What an executor sends goes through JSON unchanged."""
    from truing.record.events import decode, encode

    executor = InlineExecutor(job_in(tmp_path))
    executor.start([spec(0, "mlp")])
    events: list[Event] = []

    def decide(event: Event) -> Decision:
        events.append(event)
        return Decision.GO_ON

    events += executor.wait(0, decide)
    executor.close()
    for event in events:
        assert decode(encode(event.data)) == event.data
