"""What `truing show` prints."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from truing.errors import UsageError
from truing.execution.worker import tail
from truing.record.history import History
from truing.record.state import State
from truing.report.progress import duration
from truing.report.table import render_trials, trial_rows

SHOWN = 10


def study_dict(folder: Path, history: History, study: Mapping[str, Any]) -> dict[str, Any]:
    """How a study stands, for programs."""
    best = history.best()
    return {
        "folder": str(folder),
        "metric": study["metric"],
        "goal": history.goal,
        "trials": len(history),
        "states": dict(Counter(trial.state for trial in history.trials)),
        "runs": sum(run.purpose == "search" for run in history.runs.values()),
        "verdict_runs": sum(run.purpose != "search" for run in history.runs.values()),
        "seconds": round(sum(run.seconds for run in history.runs.values()), 3),
        "best": None if best is None else {"number": best.number, "value": best.value, "config": dict(best.config)},
        "verdict": history.last("verdict") is not None,
        "looks": len(history.notes.get("look", ())),
        "versions": study.get("versions"),
        "git": study.get("git"),
        "machine": study.get("machine"),
    }


def study_text(folder: Path, history: History, study: Mapping[str, Any], width: int) -> str:
    """How a study stands, for people."""
    states = Counter(trial.state for trial in history.trials)
    counted = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    seconds = sum(run.seconds for run in history.runs.values())
    runs = sum(run.purpose == "search" for run in history.runs.values())
    protocol = study.get("validation_text") or "one run a trial"
    lines = [
        f"{folder}: {study['objective']}, {study['metric']} ({history.goal}), {protocol}",
        f"{len(history)} trials ({counted or 'none yet'}), {runs} runs, {duration(seconds)} of training",
    ]
    ended = history.last("ended")
    stored = history.last("verdict")
    if stored is not None:
        lines += ["", *textwrap.wrap(stored["verdict"]["headline"], width), ""]
    elif ended is not None and history.best() is not None:
        lines += [f"The search ended ({ended['why']}). Next: truing verdict {folder}", ""]
    else:
        lines.append("")
    table = render_trials(
        trial_rows(history),
        width=width,
        metric=study["metric"],
        goal=history.goal,
        best_first=True,
        limit=SHOWN,
    )
    lines.append(table)
    versions = " · ".join(f"{name} {version}" for name, version in (study.get("versions") or {}).items())
    machine = study.get("machine") or {}
    lines += [
        "",
        *textwrap.wrap(f"{versions} · {machine.get('system', '')}, {machine.get('cores', '?')} cores", width),
    ]
    if study.get("git"):
        lines.append(f"git {study['git']}")
    return "\n".join(lines)


def run_text(folder: Path, history: History, number: int) -> str:
    """One run: what it was, how it ended, and the end of its output.

    Raises:
        UsageError: no such run.
    """
    run = history.runs.get(number)
    if run is None:
        raise UsageError(f"{folder} has no run {number}; its runs are numbered 0 to {history.next_run - 1}.")
    config = history.trial(run.trial).config
    lines = [
        f"run {run.id}: trial {run.trial}, replicate {run.replicate}, {run.purpose}, {run.state}",
        f"{config}",
        f"seed {run.seed} · {run.epochs} epochs · {duration(run.seconds)}",
    ]
    lines += [
        f"{name} {value if value is not None else run.undefined.get(name, 'undefined')}"
        for name, value in run.scores.items()
    ]
    if run.reason is not None:
        lines.append(str(run.reason))
        if State(run.state).advice:
            lines.append(run.state.advice)
    written = tail(folder / "output" / f"run-{number:06d}.txt", lines=200)
    if not written and run.reason is not None:
        written = run.reason.tail
    lines += ["", written or "(it wrote nothing)"]
    return "\n".join(lines)
