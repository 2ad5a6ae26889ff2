"""What a verdict and the evaluations say beyond validation and locked test, as sentences and as rows of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from truing.record.history import History
from truing.report.columns import plain
from truing.report.facts import inside
from truing.verdict.held_fixed import sentence as held_fixed_in_words
from truing.verdict.judgement_text import GAP, judgement_lines
from truing.verdict.outside_words import external_line, later_lines, negative_line
from truing.verdict.robustness import sentence as robustness_in_words
from truing.verdict.stored import evaluations

_CALLED = {"threshold": "Decision threshold", "prevalence": "Predictive values at a stated prevalence"}


def sentences(history: History, verdict: Mapping[str, Any] | None) -> list[str]:
    """One a figure, with its interval; no position of a row is among them."""
    found: list[str] = []
    for label, text in judgement_lines(verdict or {}):
        if label:
            found.append(f"{_CALLED.get(label, label.capitalize())}: {text}")
        elif found:  # the line goes on
            found[-1] += f"; {text}"
    if said := robustness_in_words(verdict or {}):
        found.append(f"Robustness: {said}")
    if said := held_fixed_in_words(verdict or {}):
        found.append(f"Held fixed: {said}")
    for name, entry in (inside(verdict, "external") or {}).items():
        found.append(f"External set {external_line(name, entry, str(inside(verdict, 'metric')))}")
    for note in history.notes.get("external", ()):
        found.append("; ".join(line.strip() for line in later_lines(note["name"], note["figures"])))
    for name, entry in (inside(verdict, "negative") or {}).items():
        found.append(f"Negative control {negative_line(name, {**entry, 'most': []})}")
    for one in evaluations(history):
        told = f"Tuning repeated inside. {one['headline']} It estimates {one['estimand']}"
        if (reach := one.get("range")) and reach["low"] is not None:
            told += f"; the 95 % range for a new site is {reach['low']:.4g} to {reach['high']:.4g}"
        for note in one.get("notes", ()):
            told += f". {note.rstrip('.')}"
        found.append(told)
    return [f"{plain(text.replace(GAP, ' ')).rstrip('.')}." for text in found]


Figures = tuple[str, str, str, Any]  # part, metric, figure, and its value or dictionary


def figures(history: History, verdict: Mapping[str, Any] | None) -> Iterator[Figures]:
    """The same for a table."""
    found, primary = verdict or {}, str(inside(verdict, "metric"))
    if by := found.get("threshold"):
        yield "threshold", str(by["aim"]), "chosen threshold", by
        for name, entry in (by["test"] or {}).items():
            yield "threshold", str(name), "delivered network, locked test", entry
    if values := found.get("predictive_values"):
        for name in ("ppv", "npv"):
            figure = values[name] or {"value": None, "reason": values.get("reason")}
            yield "predictive values", name, f"at a prevalence of {values['prevalence']:g}", figure
    for name in ("slope", "intercept"):
        if inside(found, "calibration", name) is not None:
            yield "calibration", name, plain(found["calibration"]["on"]), found["calibration"][name]
    if inside(found, "agreement", "unanimous") is not None:
        for name in ("mean", "unanimous", "right_where_unanimous", "right_where_split"):
            yield "agreement", name.replace("_", " "), "trainings", found["agreement"][name]
    if tried := found.get("robustness"):
        for name in ("selected", "mean_neighbour", "worse"):
            entry = tried[name] or {"value": None, "reason": tried["reason"]}
            yield "robustness", primary, name.replace("_", " "), entry
    for name, entry in (found.get("external") or {}).items():
        yield from _outside(f"external set {plain(name)}", entry)
    for note in history.notes.get("external", ()):
        yield from _outside(f"{plain(note['name'])}, look {note['look']}", note["figures"])
    for name, entry in (found.get("negative") or {}).items():
        yield f"negative control {plain(name)}", "share", "surer than half of the correct rows", entry["above"]
    for one in evaluations(history):
        for metric, entry in one["metrics"].items():
            part = plain(one["describe"])
            own = {key: entry.get(key) for key in ("low", "high", "method", "reason")}
            yield part, str(metric), "selected", {"value": entry["selected"], **own}
            yield part, str(metric), "defaults", {"value": entry["defaults"], "reason": entry.get("defaults_reason")}
            yield part, str(metric), "difference", entry["difference"]
            if entry.get("range"):
                reach = entry["range"]
                yield part, str(metric), "range for a new site", {**reach, "value": None, "reason": reach["reason"]}


def _outside(part: str, entry: Mapping[str, Any]) -> Iterator[Figures]:
    for metric, scores in entry["metrics"].items():
        for side in ("selected", "defaults"):
            if side in scores:
                yield part, str(metric), side, {"value": scores[side], "reason": scores.get("reason")}
        for what in ("difference", "delivered", "drop"):
            if scores.get(what):
                yield part, str(metric), "delivered network" if what == "delivered" else what, scores[what]
