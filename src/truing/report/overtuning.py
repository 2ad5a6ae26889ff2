"""The best score so far as the search saw it, beside what it is worth on rows that had no part in the choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truing.report.columns import plain
from truing.report.facts import inside
from truing.report.figures import BLUE, ORANGE, Drawing, lay_out
from truing.verdict.choice import sentence
from truing.verdict.wording import capital, number, places


def overtuning_of(verdict: Mapping[str, Any] | None, *, metric: str) -> Drawing | None:
    """The figure of a verdict's `overtuning`; None where it has none."""
    found = inside(verdict, "overtuning")
    if verdict is None or not isinstance(found, Mapping) or len(found.get("trials") or ()) < 2:
        return None
    import plotly.graph_objects as go

    trials, seen, worth = found["trials"], found["as_searched"], found["corrected"]
    figure = go.Figure()
    lines = (("as the search saw it", seen, BLUE, "solid"), ("on rows outside the choice", worth, ORANGE, "dash"))
    for name, values, colour, dash in lines:
        line = {"color": colour, "dash": dash, "shape": "hv"}
        figure.add_trace(go.Scatter(x=trials, y=values, mode="lines", name=name, line=line))
    title = plain(capital(sentence(verdict)))
    lay_out(figure, title, x="trial", y=plain(metric))
    decimals = places(*seen, *(v for v in worth if v is not None))
    ends = [number(v, decimals) for v in (seen[0], seen[-1], worth[0], worth[-1])]
    text = (
        f"{title}. The best {plain(metric)} so far went from {ends[0]} to {ends[1]} as the search saw it, and from "
        f"{ends[2]} to {ends[3]} on rows that had no part in the choice."
    )
    return Drawing(title, figure, text)


def side_by_side(verdict: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """The corrections as rows of a table: name, value with interval, and what it estimates or why there is none."""
    found = inside(verdict, "corrections")
    listed = [c for c in found if isinstance(c, Mapping) and c.get("kind")] if isinstance(found, list | tuple) else []
    decimals, rows = places(*(c.get("value") for c in listed if c.get("kind") == "figure")), []
    for each in listed:
        value = each.get("value")
        text = "–" if value is None else number(value, decimals)
        if value is not None and each.get("low") is not None and each.get("high") is not None:
            text += f" [{number(each['low'], decimals)}, {number(each['high'], decimals)}]"
        what = each.get("message") if each["kind"] == "change" else each.get("estimates")
        why = "" if value is not None else f"None here: {each.get('reason')}. It would estimate "
        rows.append({"name": plain(each.get("name")), "value": text, "what": plain(f"{why}{what}")})
    return rows
