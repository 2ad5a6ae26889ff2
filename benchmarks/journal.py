"""2,000 trivial trials in one process, with Truing's SQLite journal and with Optuna's SQLite storage.

The two take turns, so that whatever else the machine does disturbs both: each turn is a whole study of Truing's, and
the next quarter of Optuna's study, which gets as many trials in the end.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
import warnings
from pathlib import Path

from _record import record

import truing as tr
from truing.record.events import Event
from truing.report.study import JOURNAL
from truing.storage.sqlite import SqliteJournal

TURNS = 4
TIMES = 20.0
FULL = 2  # PRAGMA synchronous


def objective(run):
    run.report(loss=(run.config["x"] - 0.3) ** 2 + run.config["y"] ** 2)


def study(folder: Path) -> tr.Study:
    return tr.Study(
        objective,
        space=tr.Space(x=tr.Float(-1, 1), y=tr.Float(-1, 1)),
        data=None,
        validation=None,
        metric=tr.Metric("loss", goal="min"),
        folder=folder,
    )


def optuna_study(folder: Path):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = f"sqlite:///{folder / 'optuna.db'}"
    return optuna.create_study(storage=storage, sampler=optuna.samplers.RandomSampler(seed=0))


def optuna_objective(trial) -> float:
    return (trial.suggest_float("x", -1, 1) - 0.3) ** 2 + trial.suggest_float("y", -1, 1) ** 2


def check_durability(folder: Path) -> int:
    """Trials after each of which a stranger saw the finished run committed, with synchronous=FULL.

    Raises:
        RuntimeError: an append returned before its events were in the file, or synchronous is less than FULL.
    """
    seen = 0
    append = SqliteJournal.append

    def watched(journal: SqliteJournal, events: list[Event]) -> int:
        nonlocal seen
        last = append(journal, events)
        level = journal._connection.execute("PRAGMA synchronous").fetchone()[0]
        if level < FULL or journal._connection.in_transaction:
            raise RuntimeError(f"An append was acknowledged with synchronous={level}, before its commit.")
        if any(event.kind == "finished" for event in events):
            stranger = sqlite3.connect(f"file:{journal.path}?mode=ro", uri=True)
            found = stranger.execute("SELECT max(seq) FROM event").fetchone()[0]
            stranger.close()
            if found != last:
                raise RuntimeError(f"Event {last} was acknowledged, but the file ends with {found}.")
            seen += 1
        return last

    SqliteJournal.append = watched
    try:
        study(folder).run(trials=50, workers=0)
    finally:
        SqliteJournal.append = append
    if seen < 50:
        raise RuntimeError(f"50 trials ran, but only {seen} finished runs were written.")
    return seen


def main(trials: int) -> None:
    warnings.filterwarnings("ignore")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        checked = check_durability(folder / "checked")
        theirs = optuna_study(folder)
        rates: dict[str, list[float]] = {"truing": [], "optuna": []}
        for turn in range(TURNS):
            ours = study(folder / f"truing-{turn}")
            began = time.perf_counter()
            ours.run(trials=trials, workers=0)
            rates["truing"].append(trials / (time.perf_counter() - began))
            began = time.perf_counter()
            theirs.optimize(optuna_objective, n_trials=trials // TURNS)
            rates["optuna"].append(trials / TURNS / (time.perf_counter() - began))
        with sqlite3.connect(ours.folder / JOURNAL) as file:
            count = "SELECT count(*) FROM event WHERE kind = 'finished'"
            finished, mode = file.execute(count).fetchone()[0], file.execute("PRAGMA journal_mode").fetchone()[0]
    if finished < trials:
        raise RuntimeError(f"{trials} trials were asked for and {finished} runs are in the journal.")
    median = {name: statistics.median(values) for name, values in rates.items()}
    ratio = statistics.median(a / b for a, b in zip(rates["truing"], rates["optuna"], strict=True))
    record(
        "journal",
        reached=ratio >= TIMES,
        figure=f"{ratio:.1f} times ({median['truing']:.0f} trials a second, Optuna {median['optuna']:.0f}); "
        "each finished run committed, synchronous=FULL",
        trials=trials,
        truing_per_second=[round(rate, 1) for rate in rates["truing"]],
        optuna_per_second=[round(rate, 1) for rate in rates["optuna"]],
        journal_mode=mode,
        commits_checked=checked,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000)
    main(parser.parse_args().trials)
