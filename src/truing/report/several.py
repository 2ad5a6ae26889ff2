"""What the report shows of a study over several datasets; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truing.report.columns import plain
from truing.report.facts import inside
from truing.verdict.figures import KEPT
from truing.verdict.several_text import about_left_out, about_units
from truing.verdict.wording import number, places, signed

Table = dict[str, Any]
_HEAD = ["defaults", "selected", "difference [95 %]"]


def of_datasets(study: Mapping[str, Any], verdict: Mapping[str, Any] | None) -> list[Table]:
    """Tables, each with title, head, rows of text and a note: of the rows, and after a verdict of its figures."""
    datasets = study.get("datasets")
    if not isinstance(datasets, Mapping) or not datasets:
        return []
    rows = [
        [plain(name), *("–" if one.get(key) is None else f"{one[key]:,}" for key in ("rows", "test_rows", "classes"))]
        for name, one in datasets.items()
    ]
    head = ["dataset", "development rows", "locked rows", "classes"]
    found = [_table("Rows", head, rows, "The locked rows of each were set aside before the first trial.")]
    if not inside(verdict, "datasets") or verdict is None:
        return found
    entries, name = verdict["datasets"], plain(verdict["dataset_metric"])
    fresh = [_row(n, e["validation"], e["gain"]) for n, e in entries.items()]
    head = ["dataset", *_HEAD, "gain in units [95 %]"]
    found.append(_table(f"{name}, fresh runs", head, fresh, about_units(verdict)))
    if verdict["test"] is not None:
        opened = {n: e["test"] for n, e in entries.items() if e["test"] is not None}
        measured = dict.fromkeys(metric for test in opened.values() for metric in test)
        for metric in measured:
            rows = [_row(n, test[metric], None, test[metric]["delivered"]) for n, test in opened.items()]
            head = ["dataset", *_HEAD, "delivered network [95 %]"]
            note = f"{verdict['refits']} refits a side; each dataset's first refit is its delivered network."
            found.append(_table(f"{plain(metric)}, locked rows", head, rows, note))
    left = [
        [*_row(n, one, one["gain"])[:1], str(one["trial"]), *_row(n, one, one["gain"])[1:]]
        for n, one in verdict["left_out"]["datasets"].items()
    ]
    head = ["dataset left out", "chosen trial", *_HEAD, "gain in units [95 %]"]
    found.append(_table(f"{name}, one dataset left out", head, left, about_left_out(verdict)))
    return found


def methods(study: Mapping[str, Any]) -> str:
    """How the datasets make one figure, for the methods paragraph."""
    rows = ", ".join(
        f"{plain(name)} ({one['rows']:,} development and {one['test_rows'] or 'no'} locked rows)"
        for name, one in study["datasets"].items()
    )
    goal = "+" if study["dataset_goal"] == "max" else "-"
    return (
        f"Datasets: {rows}. Every trial ran on all of them. Its value is the {study['aggregate']} over the datasets of "
        f"{goal}(score - score of the defaults) / unit in {plain(study['dataset_metric'])}, where the unit is the "
        "standard deviation of the defaults' search runs on that dataset, at least the difference that does not matter."
    )


def _table(title: str, head: list[str], rows: list[list[str]], note: str) -> Table:
    return {"title": title, "head": head, "rows": rows, "note": note}


def _row(
    name: str, own: Mapping[str, Any], gain: Mapping[str, Any] | None, delivered: Mapping[str, Any] | None = None
) -> list[str]:
    sides = [own["defaults"], own["selected"]]
    decimals, difference = places(*sides), own["difference"]
    shown = ["–" if side is None else number(side, decimals) for side in sides]
    text = "0, the defaults were kept" if difference["method"] == KEPT else _ends(difference, decimals)
    last = _ends(gain, 2) if gain is not None else _ends(delivered or {}, decimals, plainly=True)
    return [plain(name), *shown, text, last]


def _ends(found: Mapping[str, Any], decimals: int, *, plainly: bool = False) -> str:
    told = number if plainly else signed
    if found.get("value") is None:
        return "–"
    text = told(found["value"], decimals)
    if found["low"] is not None and found["high"] is not None:
        text += f" [{told(found['low'], decimals)}, {told(found['high'], decimals)}]"
    return text
