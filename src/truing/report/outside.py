"""The tables of external sets, of later looks at such, and of negative controls; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truing.record.history import History
from truing.report.columns import plain
from truing.report.facts import inside
from truing.verdict.outside_words import negative_line, shift
from truing.verdict.wording import number, places, signed

_HEAD = [
    "score there",
    "defaults",
    "selected",
    "delivered network [95 %]",
    "internal",
    "worse by [95 %]",
    "classes as here",
]


def tables(history: History, verdict: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Each with title, head, rows of text, and a note.

    Args:
        verdict: as `Verdict.to_dict()`; None before it.
    """
    found = [
        _external(f"External set {plain(name)}", entry) for name, entry in (inside(verdict, "external") or {}).items()
    ]
    for note in history.notes.get("external", ()):
        look = f"look {note['look']}" + (", descriptive only" if note["look"] > 1 else "")
        found.append(_external(f"The kept network on {plain(note['name'])}, later ({look})", note["figures"]))
    for name, entry in (inside(verdict, "negative") or {}).items():
        rows = [[str(m["position"]), plain(m["class"]), number(m["probability"], 3)] for m in entry["most"]]
        head = ["position", "looks like", "probability"]
        said = plain(negative_line(name, entry)) + ". This says nothing of accuracy."
        found.append({"title": f"Negative control {plain(name)}", "head": head, "rows": rows, "note": said})
    return found


def _external(title: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    rows = []
    for name, scores in entry["metrics"].items():
        own, drop = scores["delivered"], scores["drop"]
        sides = [scores.get(side) for side in ("defaults", "selected")]
        decimals = places(*sides, own["value"], drop["internal"])
        shown = ["–" if side is None else number(side, decimals) for side in sides]
        ends = "" if own["low"] is None else f" [{number(own['low'], decimals)}, {number(own['high'], decimals)}]"
        single = "–" if own["value"] is None else number(own["value"], decimals) + ends
        ends = "" if drop["low"] is None else f" [{signed(drop['low'], decimals)}, {signed(drop['high'], decimals)}]"
        worse = "–" if drop["value"] is None else signed(drop["value"], decimals) + ends
        rest = [drop["internal"], scores["at_internal_prevalence"]]
        inner, standard = ("–" if value is None else number(value, decimals) for value in rest)
        rows.append([plain(name), *shown, single, inner, worse, standard])
    notes = [f"{entry['rows']:,} rows, held against the {entry['internal']}", *map(plain, shift(entry))]
    shares = [
        f"{plain(one['class'])} {100 * one['external']:.1f} % (here {100 * one['internal']:.1f} %)"
        for one in (entry["prevalence"] or [])[:20]
    ]
    notes += [f"shares of the classes there: {', '.join(shares)}"] if shares else []
    return {"title": title, "head": _HEAD, "rows": rows, "note": "; ".join(notes) + "."}
