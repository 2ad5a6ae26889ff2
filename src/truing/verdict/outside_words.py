"""What a verdict says of sets from outside: a line for each."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from truing.statistics.names import spoken
from truing.verdict.figures import KEPT
from truing.verdict.wording import difference_in_words, figure, is_share, number, percent, places, signed

NOTABLE = 0.05  # a class whose share moved by less is not named in the line


def external_line(name: str, entry: Mapping[str, Any], metric: str) -> str:
    """The score of both sides there, the delivered network's, and the drop.

    >>> own = {"value": 0.8, "low": 0.7, "high": 0.9, "reason": None}
    >>> drop = {"value": 0.1, "low": 0.05, "high": 0.15, "internal": 0.9, "reason": None}
    >>> gap = {"value": None, "low": None, "high": None, "method": "", "reason": "a refit failed"}
    >>> scores = {"accuracy": {"selected": 0.8, "defaults": None, "difference": gap, "delivered": own, "drop": drop}}
    >>> entry = {"rows": 50, "scored": 50, "internal": "locked test", "metrics": scores}
    >>> entry |= {"prevalence": None, "new_classes": [], "missing_classes": []}
    >>> external_line("hospital B", entry, "accuracy")[:67]
    'hospital B (50 rows): accuracy 80 %, worse by 10.0 points (95 % int'
    """
    many = entry["rows"]
    parts = [f"{name} ({many:,} row{'s' * (many != 1)})"]
    scores = entry["metrics"].get(metric) or {}
    if scores.get("selected") is None:
        why = scores.get("reason") or (scores.get("delivered") or {}).get("reason") or "undefined"
        text = f"{spoken(metric)} undefined: {why}"
    else:
        text = f"{spoken(metric)} {figure(metric, scores['selected'])}{_dropped(metric, scores, entry['internal'])}"
        text += _against(metric, scores)
    own = scores.get("delivered") or {}
    if own.get("value") is not None:
        text += f"; the delivered network {_with_ends(metric, own)}"
    parts.append(text)
    return ": ".join(parts) + "".join(f"; {note}" for note in shift(entry))


def later_lines(name: str, entry: Mapping[str, Any]) -> list[str]:
    """The kept network on rows that came later: a line a metric, each at most 80 columns wide."""
    look = "first look" if entry["look"] == 1 else f"look {entry['look']} at this set, descriptive only"
    many = entry["rows"]
    lines = [f"The kept network on {name}: {many:,} row{'s' * (many != 1)}, {look}"]
    for metric, scores in entry["metrics"].items():
        own = scores["delivered"]
        if own["value"] is None:
            text = f"undefined: {own['reason']}"
        else:
            text = f"{_with_ends(metric, own)}{_dropped(metric, scores, entry['internal'])}"
        lines += textwrap.wrap(f"  {metric}  {text}", 80, subsequent_indent="    ")
    for note in shift(entry):
        lines += textwrap.wrap(f"  {note}", 80, subsequent_indent="    ")
    return lines


def _dropped(metric: str, scores: Mapping[str, Any], internal: str) -> str:
    drop = scores["drop"]
    if drop["value"] is None:
        return f" (no drop: {drop['reason']})"
    size = drop["value"]
    word = "worse" if size >= 0 else "better"
    turn = 1 if size >= 0 else -1
    ends = None if drop["low"] is None else sorted((turn * drop["low"], turn * drop["high"]))
    scale, unit, decimals = (
        (100, " points", 1) if is_share(metric) else (1, "", places(drop["value"], drop["internal"]))
    )
    text = f", {word} by {number(abs(size) * scale, decimals)}{unit}"
    if ends is not None:
        low, high = (signed(scale * end, decimals).removeprefix("+") for end in ends)
        text += f" (95 % interval {low} to {high})"
    where = "in" if internal == "validation" else "on the"
    return f"{text} than {where} {internal} ({figure(metric, drop['internal'])})"


def _against(metric: str, scores: Mapping[str, Any]) -> str:
    difference = scores["difference"]
    if difference.get("method") == KEPT:
        return ", the defaults being kept"
    if scores["defaults"] is None or difference["value"] is None:
        return ""
    gap = difference_in_words(metric, difference, scores["selected"], scores["defaults"])
    return f"; the defaults {figure(metric, scores['defaults'])} ({gap})"


def _with_ends(metric: str, own: Mapping[str, Any]) -> str:
    text = figure(metric, own["value"])
    if own["low"] is None:
        return text
    scale, decimals = (100, 1) if is_share(metric) else (1, places(own["value"]))
    return f"{text} [{', '.join(number(scale * own[end], decimals) for end in ('low', 'high'))}]"


def shift(entry: Mapping[str, Any]) -> list[str]:
    """How the rows differ: new and missing classes, the class whose share moved most, the mean of the target."""
    notes = []
    if entry["new_classes"]:
        named = ", ".join(f"{c['class']!r} ({c['rows']} rows)" for c in entry["new_classes"][:3])
        notes.append(f"left out are rows of new classes: {named}{' ...' * (len(entry['new_classes']) > 3)}")
    if entry["missing_classes"]:
        named = ", ".join(repr(label) for label in entry["missing_classes"][:5])
        notes.append(f"without the classes {named}{' ...' * (len(entry['missing_classes']) > 5)}")
    if entry["prevalence"]:
        most = max(entry["prevalence"], key=lambda one: abs(one["difference"]))
        if abs(most["difference"]) >= NOTABLE:
            notes.append(
                f"class {most['class']!r} is {percent(most['external'])} there, {percent(most['internal'])} here"
            )
    if entry.get("target"):
        here, there = entry["target"]["internal"], entry["target"]["external"]
        decimals = places(here["mean"], there["mean"])
        notes.append(f"mean y {number(there['mean'], decimals)} there, {number(here['mean'], decimals)} here")
    return notes


def negative_line(name: str, entry: Mapping[str, Any]) -> str:
    """How often the network is surer of a stranger than of a typical row that it gets right.

    >>> above = {"value": 0.12, "low": 0.08, "high": 0.17}
    >>> entry = {"rows": 200, "above": above, "median": 0.98, "of": "locked rows", "most": []}
    >>> negative_line("clothes", entry)[:61]
    'clothes (200 inputs of none of the classes): 12 % [8.0, 17.0]'
    """
    many, above = entry["rows"], entry["above"]
    head = f"{name} ({many:,} input{'s' * (many != 1)} of none of the classes): "
    if above["value"] is None:
        return f"{head}undefined: {above['reason']}"
    ends = "" if above["low"] is None else f" [{100 * above['low']:.1f}, {100 * above['high']:.1f}]"
    text = f"{head}{percent(above['value'])}{ends} look surer than half of the correct {entry['of']} "
    text += f"(top probability above {number(entry['median'], 3)})"
    if entry["most"]:
        most = entry["most"][0]
        text += (
            f"; most like a class: position {most['position']} as {most['class']!r} ({number(most['probability'], 3)})"
        )
    return text
