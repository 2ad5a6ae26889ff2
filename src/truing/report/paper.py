"""What a paper needs, into a folder: methods, the flow of rows, figures of the delivered network, tables as CSV.

All of it is made from the journal, the kept predictions and the kept labels of the locked rows: the same folder gives
the same files. They hold no row and no id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from truing.errors import DataError, JournalError, UsageError
from truing.execution.job import Job, kept
from truing.record.history import History
from truing.record.task import Task
from truing.record.trial import REFIT, RunRecord
from truing.report.columns import plain
from truing.report.decision import decided
from truing.report.delivered import Scored, Table, calibrated, confusion, roc
from truing.report.export import csv_text, write
from truing.report.facts import inside
from truing.report.flow import flow_rows, flow_svg, flow_text
from truing.report.further import figures
from truing.report.manuscript import manuscript
from truing.report.space_table import described
from truing.report.table import trial_rows
from truing.report.tripod import tripod, tripod_rows, tripod_text
from truing.verdict.locked import LOCKED
from truing.verdict.truth import kept_truth

FILES = (
    "methods.md", "flow.md", "flow.svg", "confusion.svg", "roc.svg", "calibration.svg", "decision.svg",
    "trials.csv", "space.csv", "rows.csv", "verdict.csv", "confusion.csv", "roc.csv", "roc_area.csv", "calibration.csv",
    "calibration_fit.csv", "decision.csv", "tripod.md", "tripod.csv",
)  # fmt: skip


@dataclass(frozen=True)
class Written:
    """What was written.

    Args:
        folder: where.
        files: their names.
        left_out: what could not be made, and why.
    """

    folder: Path
    files: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As `truing report FOLDER --paper --json` prints it."""
        return {
            "folder": str(self.folder),
            "files": list(self.files),
            "left_out": [{"what": what, "why": why} for what, why in self.left_out],
        }


def write_paper(
    folder: Path, target: Path, history: History, study: Mapping[str, Any], verdict: Mapping[str, Any] | None
) -> Written:
    """Write the files into `target`, each whole or not at all; one of an earlier call that is now left out is removed.

    Raises:
        JournalError: a file cannot be written.
    """
    made, left_out = paper(folder, history, study, verdict)
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} is a file; report(paper=True) writes a folder, such as {target.parent / 'paper'}.")
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            if name not in made:
                (target / name).unlink(missing_ok=True)
    except OSError as error:
        raise JournalError(f"{target} cannot be written: {error.strerror or error}.") from error
    for name, text in made.items():
        write(target / name, text)
    return Written(target, tuple(made), tuple(left_out.items()))


def paper(
    folder: Path, history: History, study: Mapping[str, Any], verdict: Mapping[str, Any] | None
) -> tuple[dict[str, str], dict[str, str]]:
    """The files by name, and what is left out with the reason. Reads kept predictions; writes nothing.

    Args:
        verdict: as `Verdict.to_dict()`, or None before it.
    """
    made, left_out = {"methods.md": ""}, dict[str, str]()
    parts = study.get("parts")
    if isinstance(parts, Mapping):
        made |= {"flow.md": flow_text(parts, study), "flow.svg": flow_svg(parts, study)}
        made["rows.csv"] = _csv(flow_rows(parts))
    else:
        told = "rows" in study and study["rows"] is not None
        why = "the journal was written before Truing counted them; run() once more does" if told else "there is no data"
        left_out["the flow of rows"] = why
    made["trials.csv"] = csv_text(trial_rows(history))
    made["space.csv"] = _csv([described(name, history.space) for name in history.space])
    if verdict is None:
        left_out["the verdict's figures"] = "there is no verdict yet"
    rows = list(verdict_rows(verdict)) if verdict is not None else []
    rows += [_row(*figure) for figure in figures(history, verdict)]
    if rows:
        made["verdict.csv"] = _csv(rows)
    found = scored(folder, history, study, verdict)
    if isinstance(found, str):
        left_out["confusion matrix, ROC, calibration and decision curve"] = found
    else:
        table, made["confusion.svg"] = confusion(found)
        made["confusion.csv"] = _csv(table)
        for name, second, what, figure in (
            ("roc", "roc_area", "ROC", roc(found, (verdict or {}).get("roc"))),
            ("calibration", "calibration_fit", "calibration", calibrated(found, (verdict or {}).get("calibration"))),
        ):
            if isinstance(figure, str):
                left_out[what] = figure
                continue
            first, more, made[f"{name}.svg"] = figure
            made |= {f"{name}.csv": _csv(first), f"{second}.csv": _csv(more)}
        curve = decided(found, (verdict or {}).get("net_benefit"))
        if isinstance(curve, str):
            left_out["decision curve"] = curve
        else:
            made["decision.csv"], made["decision.svg"] = _csv(curve[0]), curve[1]
    made["methods.md"] = manuscript(history, study, verdict, found if isinstance(found, Scored) else None, left_out)
    items = tripod(history, study, verdict, made)
    made |= {"tripod.md": tripod_text(items), "tripod.csv": _csv(tripod_rows(items))}
    return {name: made[name] for name in FILES if name in made}, left_out


def scored(folder: Path, history: History, study: Mapping[str, Any], verdict: Mapping[str, Any] | None) -> Scored | str:
    """What the delivered network predicted for the locked rows and what they are; or why that is not known."""
    if verdict is None:
        return "there is no verdict yet"
    if not isinstance(verdict.get("test"), Mapping):
        return "there is no locked test"
    parts = study.get("parts") or {}
    if study.get("classes") is None:
        return "y are no classes"
    if parts.get("classes") is None:
        return "the journal does not name the classes, or there are more than 100"
    run = _delivered(history, verdict)
    if run is None:
        return "the run of the delivered network failed"
    if LOCKED not in run.details.get("checksums", {}):
        return "the function reported only numbers, so there are no predictions for the locked rows"
    try:
        p = kept(Job(folder, Task(()), {}), run, LOCKED).astype(np.float64)
        truth, groups = kept_truth(folder)
    except DataError as error:
        return str(error).replace(f"{folder}/", "").rstrip(".")
    names = tuple(plain(name) for name in parts["classes"])
    if p.ndim != 2 or p.shape != (len(truth), len(names)) or (len(truth) and truth.max() >= len(names)):
        return "the kept predictions and the kept labels do not fit each other"
    positive, at = parts.get("positive"), inside(verdict, "threshold", "value")
    return Scored(truth.astype(np.int64), p, names, tuple(positive) if positive else None, groups, at)


def _delivered(history: History, verdict: Mapping[str, Any]) -> RunRecord | None:
    """The run of the last verdict's delivered network."""
    times = len(history.notes.get("verdict", ()))
    named = REFIT if times < 2 else f"{REFIT}@{times}"
    number = history.verdict_runs.get((named, verdict["selected_trial"], 0))
    return None if number is None else history.runs[number]


def verdict_rows(verdict: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The verdict's figures, one a row: part, metric, what, value, ends of the interval, method, reason."""

    primary, valid = str(verdict.get("metric")), verdict.get("validation") or {}
    own = {"value": valid.get("selected"), **{key: valid.get(key) for key in ("low", "high", "method", "reason")}}
    yield _row("validation", primary, "selected", own)
    yield _row("validation", primary, "defaults", valid.get("defaults"), valid.get("method"))
    yield _row("validation", primary, "difference", valid.get("difference"))
    yield _row("validation", primary, "fresh runs alone", valid.get("fresh"))
    yield _row("validation", primary, "optimism of the choice, taken off", valid.get("optimism"))
    yield _row("validation", primary, "as the search saw it", valid.get("as_searched"))
    for metric, entry in (verdict.get("test") or {}).items():
        reason = {"reason": entry.get("reason")}
        yield _row("locked test", metric, "selected", {"value": entry.get("selected"), **reason})
        yield _row("locked test", metric, "defaults", {"value": entry.get("defaults"), **reason})
        yield _row("locked test", metric, "difference", entry.get("difference"))
        yield _row("locked test", metric, "delivered network", entry.get("delivered"))
    for what in ("train", "validation", "test", "retained"):
        why = inside(verdict, "generalization", "reasons", what)
        value = inside(verdict, "generalization", what)
        yield _row("generalization", primary, what, {"value": value, "reason": why})


def _row(part: str, metric: str, what: str, entry: Any, method: str | None = None) -> dict[str, Any]:
    found = entry if isinstance(entry, Mapping) else {"value": entry}
    return {
        "part": part,
        "metric": metric,
        "figure": what,
        **{key: found.get(key) for key in ("value", "low", "high")},
        "method": found.get("method") or method,
        "reason": found.get("reason") if found.get("value") is None or found.get("low") is None else None,
    }


def _csv(table: Table) -> str:
    return csv_text([{**row, "config": {}} for row in table]) if table else ""
