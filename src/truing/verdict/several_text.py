"""The verdict of a study over several datasets in words, right at 80 columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truing.statistics.names import spoken
from truing.verdict.figures import KEPT
from truing.verdict.wording import capital, number, places, signed

DATASET, FIGURE = 18, 10
EARLIER = "figures of the search, and the units, are of an earlier version of the function"


def headline(verdict: Mapping[str, Any]) -> str:
    """The verdict in a sentence or two: the gain over all datasets, and on how many of them there is one."""
    how, names = verdict["aggregate"], verdict["datasets"]
    if verdict["selected_trial"] == 0:
        return "The defaults were kept: nothing that was tried did better over the datasets in the end."
    valid = verdict["validation"]["difference"]
    test = ((verdict["test"] or {}).get(verdict["metric"]) or {}).get("difference") or {"value": None}
    if valid["value"] is None:
        return f"No comparison with the defaults: {valid['reason']}."
    gain = f"a {how} gain of {in_units(valid)} over the defaults"
    better, worse = ([n for n, e in names.items() if _beyond(e["gain"], sign)] for sign in (1, -1))
    shown = f"Shown better on {len(better)} of {len(names)}" if better else "Shown better on none by itself"
    shown += f", shown worse on {', '.join(worse)}." if worse else ", shown worse on none."
    rows = f" On locked rows: {in_units(test)}." if test["value"] is not None else ""
    where = f"on {len(names)} datasets, by {'fresh seeds' if verdict['fixed_splits'] else 'fresh splits and seeds'}"
    if verdict["gain"]:
        return f"Tuning helped: {where}, {gain}. {shown}{rows}"
    if valid["low"] is None:
        why = f"There is no interval: {valid['reason']}."
    elif valid["low"] > 0:
        why = "The locked rows point the other way."
    elif valid["high"] < 0:
        why = "The defaults are better."
    else:
        why = "The interval does not exclude zero."
    return f"No gain shown: {where}, {gain}. {why} {shown}{rows}"


def in_units(found: Mapping[str, Any]) -> str:
    """A gain with its interval.

    >>> in_units({"value": 1.234, "low": 0.5, "high": 2.0})
    '+1.23 units (95 % interval +0.50 to +2.00)'
    """
    if found["value"] is None:
        return "undefined"
    ends = ""
    if found["low"] is not None and found["high"] is not None:
        ends = f" (95 % interval {signed(found['low'], 2)} to {signed(found['high'], 2)})"
    return f"{signed(found['value'], 2)} units{ends}"


def table(verdict: Mapping[str, Any]) -> list[str]:
    """The figures of each dataset: a block on fresh runs, one on locked rows, one with that dataset left out."""
    name, names = verdict["dataset_metric"], verdict["datasets"]
    head = f"{'defaults':>{FIGURE}}{'selected':>{FIGURE}}  difference (95 %)"
    runs = {entry["validation"]["runs"] for entry in names.values()}
    many = f"{min(runs)}" if len(runs) == 1 else f"{min(runs)} to {max(runs)}"
    fresh = "fresh seeds" if verdict["fixed_splits"] else "fresh splits and seeds"
    lines = [f"{name} on each dataset, {many} runs a side, {fresh}", f"{'':<{DATASET}}{head}"]
    for dataset, entry in names.items():
        valid = entry["validation"]
        lines += _row(dataset, valid["defaults"], valid["selected"], valid["difference"], valid["reason"])
    if verdict["test"] is not None:
        look = "first look" if verdict["looks"] == 1 else f"look {verdict['looks']}: descriptive"
        lines += ["", f"{name} on the locked rows of each, {verdict['refits']} refits a side, {look}"]
        lines.append(f"{'':<{DATASET}}{head}")
        for dataset, entry in names.items():
            if entry["test"] is None:
                lines.append(f"  {dataset}: no locked rows")
                continue
            own = entry["test"][name]
            rows = f"{dataset} ({entry['locked_rows']})"
            lines += _row(rows, own["defaults"], own["selected"], own["difference"], own["reason"])
    lines += ["", f"{name} with the dataset left out: what the others alone would select"]
    lines.append(f"{'':<{DATASET}}{head}")
    for dataset, own in verdict["left_out"]["datasets"].items():
        label = f"{dataset}: trial {own['trial']}"
        lines += _row(label, own["defaults"], own["selected"], own["difference"], own["difference"]["reason"])
    return lines


def gains(verdict: Mapping[str, Any]) -> list[str]:
    """The gain over all datasets by each figure, and the units."""
    lines = [f"the selected's {verdict['aggregate']} gain over the defaults, in units"]
    for each in verdict["corrections"]:
        text = f"  {each['name']:<28}"
        if each["value"] is None:
            why = f"  {each['reason']}" if each["code"] == "locked_test" and each["reason"] else ""
            lines.append(f"{text}{'undefined':>{FIGURE}}{why}")
            continue
        text += f"{signed(each['value'], 2):>{FIGURE}}"
        if each["low"] is not None and each["high"] is not None:
            text += f"  [{signed(each['low'], 2)}, {signed(each['high'], 2)}]"
        lines.append(text)
    return lines


def about_units(verdict: Mapping[str, Any]) -> str:
    """What a unit is on each dataset, in words."""
    units = ", ".join(f"{name} {number(e['unit'])}" for name, e in verdict["datasets"].items())
    metric = spoken(verdict["dataset_metric"])
    return (
        f"A unit is the standard deviation of the defaults' search runs on the dataset, at least the difference that "
        f"does not matter; in {metric}: {units}."
    )


def about_left_out(verdict: Mapping[str, Any]) -> str:
    """What the figures with a dataset left out estimate."""
    return capital(f"{verdict['left_out']['estimates']}.")


def _beyond(found: Mapping[str, Any], sign: int) -> bool:
    edge = found["low"] if sign > 0 else found["high"]
    return edge is not None and sign * edge > 0


def _row(
    name: str, defaults: float | None, selected: float | None, difference: Mapping[str, Any], reason: str | None
) -> list[str]:
    decimals = places(defaults, selected)
    label = f"  {name}"
    sides = "".join(f"{'-' if side is None else number(side, decimals):>{FIGURE}}" for side in (defaults, selected))
    if difference["method"] == KEPT:
        text = "0, the defaults"
    elif difference["value"] is None:
        text = "-"
    else:
        text = signed(difference["value"], decimals)
        if difference["low"] is not None and difference["high"] is not None:
            text += f" [{signed(difference['low'], decimals)}, {signed(difference['high'], decimals)}]"
    lines = (
        [f"{label:<{DATASET}}{sides}  {text}"] if len(label) < DATASET else [label, f"{'':<{DATASET}}{sides}  {text}"]
    )
    why = reason or (difference["reason"] if difference["low"] is None else None)
    return [*lines, f"    {why}"] if why else lines
