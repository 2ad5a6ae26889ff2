"""How a study stands, and one of its runs: as plain values, and as `truing show` prints them."""

from __future__ import annotations

import shlex
import textwrap
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from truing.advice import prospects
from truing.errors import UsageError
from truing.execution.devices import Devices
from truing.execution.failure import tail
from truing.one_at_a_time import stored_ablation
from truing.one_at_a_time.ablating import PURPOSE as ABLATION
from truing.record.changes import changes_of, earlier_looks, own_looks
from truing.record.history import History
from truing.record.state import State
from truing.record.trial import ADVICE, SEARCH, TRIED, RunRecord, Trial
from truing.report.columns import clip, many, plain
from truing.report.front import PARAMETERS, SECONDS, Front, front_of
from truing.report.gap import gaps
from truing.report.importance import Importance, importance_of, in_a_line
from truing.report.progress import duration
from truing.report.retuned import retuned_of
from truing.report.sweeps import sweeps_of
from truing.report.table import render_trials, trial_rows
from truing.report.what_next import what_next_of
from truing.report.worth import advice_of
from truing.space.configuration import format_value
from truing.verdict.mattered import QUICK
from truing.verdict.stored import evaluations

SHOWN = 10
_ENDED = {
    "trials": "all its trials are done",
    "exhausted": "there is nothing more to try",
    "target": "the target was reached",
    "minutes": "its time was up",
    "interrupted": "it was interrupted, and the same command goes on",
    "failures": "failures of one kind stopped it, and the same command goes on",
}


def study_dict(folder: Path, history: History, study: Mapping[str, Any]) -> dict[str, Any]:
    """How a study stands, for programs."""
    best = history.best()
    return {
        "folder": str(folder),
        "metric": study["metric"],
        "goal": history.goal,
        "trials": len(history),
        "states": dict(Counter(trial.state for trial in history.trials)),
        "runs": _counted(history, search=True),
        "verdict_runs": _counted(history, search=False),
        "seconds": round(sum(run.seconds for run in history.runs.values()), 3),
        "best": None if best is None else {"number": best.number, "value": best.value, "config": dict(best.config)},
        "verdict": history.last("verdict") is not None,
        "looks": len(own_looks(history)) + earlier_looks(history)[0],
        "evaluations": [{k: r[k] for k in ("procedure", "headline")} for r in evaluations(history)],
        "importance": None if (found := _mattered(history, study)) is None else found.to_dict(),
        "ablation": None if (path := stored_ablation(history)) is None else path.to_dict(),
        "what_next": what_next_of(history, found).to_dict(),
        "retuned": None if (nested := retuned_of(history, study)) is None else nested.to_dict(),
        "sweeps": [one.to_dict() for one in sweeps_of(history)],
        "fronts": [front.to_dict() for front in _fronts(history)],
        "gap": None if (gap := gaps(history)) is None else gap.to_dict(),
        "changes": [change.to_dict() for change in changes_of(history)],
        "resolution": history.last("resolution"),
        "outlook": history.last("outlook"),
        "advice": None if (advised := advice_of(history)) is None else advised.to_dict(),
        "versions": study.get("versions"),
        "git": study.get("git"),
        "machine": study.get("machine"),
        "workers": (history.last("opened") or {}).get("workers"),
        "gpus": (history.last("opened") or {}).get("gpus", []),
        "gpus_per_run": (history.last("opened") or {}).get("gpus_per_run"),
    }


def study_text(folder: Path, history: History, study: Mapping[str, Any], width: int) -> str:
    """How a study stands, for people."""
    states = Counter(trial.state for trial in history.trials)
    counted = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    known = [run for run in history.runs.values() if run.state is not State.SUPERSEDED]
    searched = sum(run.seconds for run in known if run.purpose == SEARCH)
    besides = [run.seconds for run in known if run.purpose != SEARCH]
    runs = _counted(history, search=True)
    protocol = study.get("validation_text") or "one run a trial"
    about = f"{study['objective']}, {study['metric']} ({history.goal}), {protocol}"
    first = [f"{folder}: {about}"] if len(f"{folder}: {about}") <= width else [f"{folder}:", about]
    lines = [
        *first,
        *textwrap.wrap(
            f"{many(len(history), 'trial')} ({counted or 'none yet'}), {many(runs, 'run')}, "
            f"{duration(searched)} of training"
            + f"; {many(len(besides), 'run')} besides the search, {duration(sum(besides))}"
            * bool(besides),
            width,
        ),
    ]
    opened = history.last("opened") or {}
    if on := Devices(tuple(opened.get("gpus", ())), opened.get("gpus_per_run")).describe(opened.get("workers", 0)):
        lines.append(on)
    ended = history.last("ended")
    stored = history.last("verdict")
    at_work = _at_work(history)
    if stored is not None:
        lines += ["", *textwrap.wrap(stored["verdict"]["headline"], width), ""]
    elif at_work:
        lines += [*textwrap.wrap(at_work, width), ""]
    elif ended is not None:
        why = f"The search has ended: {_ENDED.get(ended['why'], ended['why'])}."
        ready = history.best() is not None
        lines += textwrap.wrap(why + " Next:" * ready, width)
        lines += [f"  truing verdict {shlex.quote(str(folder))}"] * ready + [""]
    else:
        lines.append("")
    if (advised := advice_of(history)) is not None:
        told = f"Is tuning worth it? {advised.headline}"
        lines += [*textwrap.wrap(plain(told), width, subsequent_indent="  "), ""]
    for said in prospects(history):
        lines += textwrap.wrap(said, width, subsequent_indent="  ")
    if prospects(history):
        lines.append("")
    for result in evaluations(history):
        lines += [*textwrap.wrap(result["headline"], width), ""]
    table = render_trials(
        trial_rows(history),
        width=width,
        metric=study["metric"],
        goal=history.goal,
        best_first=True,
        limit=SHOWN,
    )
    lines.append(table)
    if (found := _mattered(history, study)) is not None:
        text = f"What mattered: {in_a_line(found)}."
        lines += ["", *textwrap.wrap(text, width, subsequent_indent="  ")]
    for said in _costs(history, study):
        lines += textwrap.wrap(said, width, subsequent_indent="  ")
    if (path := stored_ablation(history)) is not None:
        lines += textwrap.wrap(plain(path.sentence), width, subsequent_indent="  ")
    if (nested := retuned_of(history, study)) is not None:
        for said in (nested.sentence, nested.against):
            lines += textwrap.wrap(said, width, subsequent_indent="  ")
    for one in sweeps_of(history):
        lines += textwrap.wrap(plain(f"Sweep: {one.sentence}"), width, subsequent_indent="  ")
    if len(history) > 2 * SHOWN:
        lines.append(clip("the last: " + " · ".join(_briefly(trial) for trial in history.trials[:-4:-1]), width))
    lines += _next(history, found, width)
    lines += _changes(history, width)
    versions = " · ".join(f"{name} {version}" for name, version in (study.get("versions") or {}).items())
    machine = study.get("machine") or {}
    lines += [
        "",
        *textwrap.wrap(f"{versions} · {machine.get('system', '')}, {machine.get('cores', '?')} cores", width),
    ]
    if study.get("git"):
        lines.append(f"git {study['git']}")
    return "\n".join(lines)


def _mattered(history: History, study: Mapping[str, Any]) -> Importance | None:
    """What mattered, where it is told in a second: not while somebody runs the study, nor from very many trials."""
    if _at_work(history) or not 1 < len(history.completed) <= QUICK:
        return None
    return importance_of(history, study)


def _next(history: History, found: Importance | None, width: int) -> list[str]:
    """What the checklist warns of, and one line for the rest; nothing while somebody runs the study."""
    if _at_work(history) or not history.completed:
        return []
    told = what_next_of(history, found)
    lines = ["", *textwrap.wrap(f"What next: {told.passed}", width, subsequent_indent="  ")]
    for check in told.warnings:
        lines += textwrap.wrap(plain(f"- {check.name}: {check.evidence} {check.advice}"), width, subsequent_indent="  ")
    return lines


def _fronts(history: History) -> list[Front]:
    """Score against seconds and against parameters, where trials differ in them."""
    found = [front_of(history, by) for by in (SECONDS, PARAMETERS)]
    return [one for one in found if one is not None and len(set(one.costs.values())) > 1]


def _costs(history: History, study: Mapping[str, Any]) -> list[str]:
    """A sentence for each front on which the best is not worth its cost, and one for what goes with the gap."""
    said = [front.sentence(study["metric"]) for front in _fronts(history) if front.enough is not None]
    found = gaps(history)
    return said if found is None or found.first is None else [*said, found.sentence()]


def _changes(history: History, width: int) -> list[str]:
    """What was changed while the study went on, each with its day and the trial from which it holds."""
    changes = changes_of(history)
    if not changes:
        return []
    lines = ["", "Changed since it began:"]
    for change in changes:
        size = sum(line[:1] in "+-" and line[:3] not in ("+++", "---") for line in change.detail.splitlines())
        diff = f" ({size} lines of the diff; --json and the report have it)" if size else ""
        lines += textwrap.wrap(plain(f"  {change.when}: {change.text}{diff}."), width, subsequent_indent="    ")
    return lines


def _briefly(trial: Trial) -> str:
    value = format_value(trial.value) if trial.state == "completed" and trial.value is not None else trial.state
    return f"trial {trial.number} {value}"


def _counted(history: History, *, search: bool) -> int:
    """Runs of the search, or of the verdict; one that was cut off and run again counts once."""
    runs = (
        r
        for r in history.runs.values()
        if r.state is not State.SUPERSEDED and not r.purpose.startswith((ADVICE, TRIED, ABLATION))
    )
    return sum((run.purpose == SEARCH) is search for run in runs)


def _at_work(history: History) -> str:
    """Who took the folder and has not said that it ended; empty where nobody."""
    opened, ended = history.last("opened"), [history.last(kind) for kind in ("ended", "advice", "swept", "ablated")]
    if opened is None or any(one is not None and one["order"] >= opened["order"] for one in ended):
        return ""
    since = datetime.fromtimestamp(opened["time"]).isoformat(sep=" ", timespec="seconds")
    who = f"Process {opened['pid']} on {opened['host']} took this folder at {since}"
    return f"{who}; if it is gone, the same command goes on."


def run_dict(folder: Path, history: History, number: int) -> dict[str, Any]:
    """One run, for programs.

    Raises:
        UsageError: no such run.
    """
    run = _run(folder, history, number)
    return {
        "run": run.id,
        "trial": run.trial,
        "purpose": run.purpose,
        "replicate": run.replicate,
        "attempt": run.attempt,
        "seed": run.seed,
        "gpus": list(run.gpus) if run.gpus is not None else None,
        "state": str(run.state),
        "config": dict(history.trial(run.trial).config),
        "scores": dict(run.scores),
        "undefined": dict(run.undefined),
        "epochs": run.epochs,
        "seconds": round(run.seconds, 3),
        "reason": str(run.reason) if run.reason is not None else None,
        "output": _written(folder, run),
    }


def run_text(folder: Path, history: History, number: int, width: int) -> str:
    """One run: what it was, how it ended, and the end of its output.

    Raises:
        UsageError: no such run.
    """
    run = _run(folder, history, number)
    config = history.trial(run.trial).config
    attempt = f", attempt {run.attempt + 1}" if run.attempt else ""
    lines = [
        f"run {run.id}: trial {run.trial}, replicate {run.replicate}, {run.purpose}, {run.state}{attempt}",
        *textwrap.wrap(f"{config}", width),
        f"seed {run.seed} · {run.epochs} epochs · {duration(run.seconds)}{_on(run)}",
    ]
    lines += [
        f"{name} {format_value(value) if value is not None else run.undefined.get(name, 'undefined')}"
        for name, value in run.scores.items()
    ]
    if run.reason is not None:
        lines += textwrap.wrap(str(run.reason), width)
        lines += textwrap.wrap(run.state.advice, width)
    lines += ["", _written(folder, run) or "(it wrote nothing)"]
    return "\n".join(lines)


def _on(run: RunRecord) -> str:
    if run.gpus is None:
        return ""
    return f" · GPU {', '.join(run.gpus)}" if run.gpus else " · CPU only"


def _run(folder: Path, history: History, number: int) -> RunRecord:
    run = history.runs.get(number)
    if run is None:
        known = f"its runs are numbered {min(history.runs)} to {max(history.runs)}" if history.runs else "it has none"
        raise UsageError(f"{folder} has no run {number}; {known}.")
    return run


def _written(folder: Path, run: RunRecord) -> str:
    """The end of what a run wrote; of one in the coordinator's own process, its traceback."""
    written = tail(folder / "output" / f"run-{run.id:06d}.txt", lines=200)
    return written or (run.reason.tail if run.reason is not None else "")
