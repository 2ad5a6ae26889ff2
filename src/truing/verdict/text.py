"""The verdict in words, right at 80 columns."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import Any

from truing.space.configuration import format_value

WIDTH = 80
LABEL, COLUMN = 30, 11


def number(value: float | None) -> str:
    """Three decimals, fewer for large numbers, two significant digits for small ones; "undefined" for None.

    >>> number(0.0741), number(1234.5), number(0.00012), number(None)
    ('0.074', '1234.5', '0.00012', 'undefined')
    """
    if value is None:
        return "undefined"
    size = abs(value)
    if size >= 1000:
        return f"{value:.1f}"
    if size >= 0.01 or value == 0:
        return f"{value:.3f}"
    return f"{value:.2g}"


def signed(value: float | None) -> str:
    """As `number`, with its sign."""
    return number(value) if value is None or value < 0 else f"+{number(value)}" if value else "0"


def spoken(metric: str) -> str:
    """A metric's name in a sentence."""
    return metric.replace("_", " ").replace("roc auc", "ROC AUC").replace("rmse", "RMSE").replace("mae", "MAE")


def percent(value: float | None) -> str:
    """A share as a percentage with one decimal.

    >>> percent(0.9783), percent(0.1)
    ('97.8 %', '10 %')
    """
    return "undefined" if value is None else f"{100 * value:.1f}".removesuffix(".0") + " %"


def figure(metric: str, value: float | None) -> str:
    """A score in a sentence: shares as percentages, the rest as numbers."""
    return percent(value) if metric in _SHARES else number(value)


_SHARES = {
    "accuracy",
    "balanced_accuracy",
    "sensitivity",
    "specificity",
    "precision",
    "negative_predictive_value",
}


def headline(verdict: Mapping[str, Any]) -> str:
    """The first sentence: about the primary metric, a gain only where the rule claims one."""
    name, metric = verdict["metric"], spoken(verdict["metric"])
    test = (verdict["test"] or {}).get(name)
    source = test if test is not None and test["difference"]["value"] is not None else verdict["validation"]
    where = "on rows never seen" if source is test else "on fresh splits and seeds"
    mine = f"{metric} {figure(name, source['selected'])}"
    difference = source["difference"]
    if verdict["selected"] == verdict["defaults"]:
        return f"The defaults were kept: nothing that was tried did better in the end. {_cap(where)}, {mine}."
    if verdict["validation"]["difference"]["value"] is None:
        return f"No comparison: {verdict['validation']['difference']['reason']}. {_cap(where)}, {mine}."
    against = f"{mine} against {figure(name, source['defaults'])} with the defaults"
    interval = (
        f"{signed(difference['value'])}, 95 % interval {signed(difference['low'])} to {signed(difference['high'])}"
        if difference["low"] is not None
        else f"{signed(difference['value'])}, no interval: {difference['reason']}"
    )
    if verdict["gain"]:
        return f"Tuning helped: {where}, {against} ({interval})."
    return f"No gain shown: {where}, {against} ({interval}). {_why_no_gain(verdict)}"


def _why_no_gain(verdict: Mapping[str, Any]) -> str:
    fresh = verdict["validation"]["difference"]
    if fresh["low"] is None:
        return f"The fresh runs give no interval: {fresh['reason']}."
    sign = -1 if verdict["goal"] == "min" else 1
    if max(sign * fresh["low"], sign * fresh["high"]) < 0:
        return "On fresh runs the defaults are better."
    if min(sign * fresh["low"], sign * fresh["high"]) > 0:
        return "On fresh runs the selected is better, but the locked test set points the other way."
    return (
        f"On fresh runs the difference is {signed(fresh['value'])} with an interval "
        f"from {signed(fresh['low'])} to {signed(fresh['high'])}, which does not exclude zero."
    )


def _cap(text: str) -> str:
    return text[0].upper() + text[1:]


def full(verdict: Mapping[str, Any]) -> str:
    """The whole verdict as the terminal prints it."""
    lines = _wrapped(verdict["headline"])
    lines += _wrapped(" ".join(part for part in (_also(verdict), _base(verdict)) if part))
    lines += [
        "",
        *_configuration("Selected", verdict["selected"]),
        *_configuration("Defaults", verdict["defaults"]),
    ]
    if verdict["model"]:
        lines.append(f"{'Network':<10}kept in model/: {', '.join(verdict['model'])}")
    lines += ["", f"{'':<{LABEL}}{'defaults':>{COLUMN}}{'selected':>{COLUMN}}  difference (95 %)"]
    lines += _validation(verdict) + _test(verdict) + _generalization(verdict)
    share = f"{verdict['trials']} trials, {verdict['runs']} runs + {verdict['verdict_runs']} for the verdict"
    lines += [f"{'search':<{LABEL}}{share}", f"{'':<{LABEL}}{_duration(verdict['seconds'])} of training"]
    if verdict["target"] is not None:
        lines += [f"{'target':<{LABEL}}{_target(verdict['target'])}"]
    for warning in verdict["warnings"]:
        lines += _wrapped(f"! {warning['message']}", hang="  ")
    return "\n".join(line.rstrip() for line in lines)


def _validation(verdict: Mapping[str, Any]) -> list[str]:
    valid, name = verdict["validation"], verdict["metric"]
    protocol = f" ({verdict['protocol']})" if verdict.get("protocol") else ""
    if valid["selected"] is None:
        why = valid["reason"] or "undefined"
        return [
            _row(f"validation {name}", None, valid["as_searched"], None),
            *_note(f"as the search saw it; no fresh figure: {why}"),
        ]
    lines = [_row(f"validation {name}"[:LABEL], valid["defaults"], valid["selected"], valid["difference"])]
    lines += _note(f"{valid['runs']} fresh runs a side, new splits and seeds{protocol}")
    if valid["low"] is not None:
        lines += _note(f"selected {number(valid['low'])} to {number(valid['high'])} (95 %)")
    if valid["as_searched"] is not None:
        lines += [f"{'  as the search saw it':<{LABEL}}{'':>{COLUMN}}{number(valid['as_searched']):>{COLUMN}}"]
        lines += _note(_luck(valid["selected"] - valid["as_searched"], verdict["goal"]))
    return lines


def _luck(difference: float, goal: str) -> str:
    """How much better the search saw it than fresh runs do."""
    luck = difference if goal == "min" else -difference
    if luck < 0:
        return f"no luck in it: fresh runs are {number(-luck)} better"
    return f"luck of splits and seeds: {number(luck)}"


def _test(verdict: Mapping[str, Any]) -> list[str]:
    if verdict["test"] is None:
        return [f"{'locked test':<{LABEL}}none"]
    lines = []
    look = "first look" if verdict["looks"] == 1 else f"look {verdict['looks']}, descriptive"
    for place, (name, entry) in enumerate(verdict["test"].items()):
        lines.append(
            _row(f"locked test {name}"[: LABEL - 1], entry["defaults"], entry["selected"], entry["difference"])
        )
        if place == 0:
            refits = f"{verdict['refits']} refits a side, {verdict['locked_rows']} rows, {look}"
            lines += _note(refits)
    lines.append("the delivered network")
    for name, entry in verdict["test"].items():
        own = entry["delivered"]
        if own["value"] is None:
            text = f"undefined: {own['reason']}"
        elif own["low"] is None:
            text = figure(name, own["value"])
        else:
            text = f"{figure(name, own['value'])} [{figure(name, own['low'])}, {figure(name, own['high'])}]"
        lines += textwrap.wrap(
            f"{'  ' + name:<{LABEL}}{text}", WIDTH, subsequent_indent=" " * LABEL, drop_whitespace=True
        )
    return lines


def _generalization(verdict: Mapping[str, Any]) -> list[str]:
    found = verdict["generalization"]
    parts = [f"{key} {number(found[key])}" for key in ("train", "validation", "test") if found[key] is not None]
    if found["retained"] is not None:
        parts.append(f"retained {found['retained']:.2f}")
    if not parts:
        return []
    return [f"{'generalization':<{LABEL}}{'  '.join(parts)}"]


def _row(label: str, defaults: float | None, selected: float | None, difference: Mapping[str, Any] | None) -> str:
    text = ""
    if difference is not None and difference["value"] is not None:
        text = signed(difference["value"])
        if difference["low"] is not None:
            text += f" [{signed(difference['low'])}, {signed(difference['high'])}]"
    theirs = "-" if defaults is None else number(defaults)
    mine = "undefined" if selected is None else number(selected)
    return f"{label:<{LABEL}}{theirs:>{COLUMN}}{mine:>{COLUMN}}  {text}"


def _note(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 4)


def _also(verdict: Mapping[str, Any]) -> str:
    for name, entry in (verdict["test"] or {}).items():
        if name != verdict["metric"] and entry["selected"] is not None:
            text = f"{_cap(spoken(name))} there: {figure(name, entry['selected'])}"
            if entry["defaults"] is not None and verdict["selected"] != verdict["defaults"]:
                text += f" against {figure(name, entry['defaults'])}"
            return text + "."
    return ""


def _base(verdict: Mapping[str, Any]) -> str:
    base = verdict["base"] or {}
    for name in ("accuracy", verdict["metric"]):
        if base.get(name) is not None:
            what = "the commonest class" if name == "accuracy" else "without looking"
            return (
                f"Always guessing {what}: {spoken(name) + ' ' if name != 'accuracy' else ''}{figure(name, base[name])}."
            )
    return ""


def _target(goal: Mapping[str, Any]) -> str:
    word = {
        True: "the fresh runs reach it",
        False: "the fresh runs do not reach it",
        None: "no fresh runs to tell",
    }
    first = "reached by the search" if goal["search_reached"] else "not reached by the search"
    return f"{goal['value']:g} {first}; {word[goal['fresh_reached']]}"


def _configuration(label: str, config: Mapping[str, Any]) -> list[str]:
    text = " · ".join(f"{name} {format_value(value)}" for name, value in config.items())
    return textwrap.wrap(text, WIDTH, initial_indent=f"{label:<10}", subsequent_indent=" " * 10)


def _wrapped(text: str, hang: str = "") -> list[str]:
    kept = text.replace(" %", "\N{NO-BREAK SPACE}%")  # a percentage stays on its line
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in textwrap.wrap(kept, WIDTH, subsequent_indent=hang)]


def _duration(seconds: float) -> str:
    if not math.isfinite(seconds) or seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
