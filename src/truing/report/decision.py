"""The decision curve as a table, as a figure for a paper and as one for the page; from the verdict's block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from truing.report.columns import plain
from truing.report.delivered import Scored, Table
from truing.report.figures import BLUE, GREY, Drawing, lay_out
from truing.report.svg import Plot, Series
from truing.verdict.decision import as_block, found_better

ORANGE = "#bc4c00"


def decided(found: Scored, told: Mapping[str, Any] | None = None) -> tuple[Table, str] | str:
    """The decision curve of the delivered network and its figure; or why there is none.

    Args:
        told: the verdict's `net_benefit`; None where it was made before there was one, and then it is made anew.
    """
    if told is None:
        if len(found.sides) != 1:
            return "there is no positive class; positive= names one"
        name, actual, p = found.sides[0]
        told = as_block(actual, p, name, rng=np.random.default_rng(7), groups=found.groups)
    points = told["points"]
    if not points:
        return str(told["reason"])
    table = [{**point, "treat_none": 0.0} for point in points]
    low, high = _floor(told), _ceiling(told)
    shown = [point for point in points if point["value"] >= low]
    treated = [point for point in points if point["treat_all"] >= low]
    series = [
        _band(points, low),
        Series("the delivered network, 95 %", [q["threshold"] for q in shown], [q["value"] for q in shown]),
        Series("treat all", [q["threshold"] for q in treated], [q["treat_all"] for q in treated], colour=1),
        Series("treat none", [0.0, 1.0], [0.0, 0.0], colour=4),
    ]
    title = _title(told)
    across = f"threshold probability of {plain(told['of'])}"
    return table, Plot(title, _said(told), series, across, "net benefit", (0.0, 1.0), (low, high)).svg()


def drawing(told: Mapping[str, Any] | None) -> Drawing | None:
    """The same for the page; None where there is none."""
    if not told or not told.get("points"):
        return None
    import plotly.graph_objects as go

    points, figure = told["points"], go.Figure()
    low, high = _floor(told), _ceiling(told)
    known = [q for q in points if q["low"] is not None]
    figure.add_scatter(
        x=[q["threshold"] for q in known] + [q["threshold"] for q in reversed(known)],
        y=[max(q["high"], low) for q in known] + [max(q["low"], low) for q in reversed(known)],
        fill="toself",
        fillcolor="rgba(9, 105, 218, 0.15)",
        line={"width": 0},
        showlegend=False,
        hoverinfo="skip",
    )
    for name, key, colour in (("the delivered network, 95 %", "value", BLUE), ("treat all", "treat_all", ORANGE)):
        shown = [q for q in points if q[key] >= low]
        figure.add_scatter(
            x=[q["threshold"] for q in shown],
            y=[q[key] for q in shown],
            mode="lines",
            name=name,
            line={"color": colour, "width": 2},
            hovertemplate="from %{x:.2f} on: %{y:.3f}<extra>" + name + "</extra>",
        )
    none = {"color": GREY, "width": 1.5, "dash": "dot"}
    figure.add_scatter(x=[0, 1], y=[0, 0], mode="lines", name="treat none", line=none, hoverinfo="skip")
    title = _title(told)
    lay_out(figure, title, x="threshold probability", y="net benefit")
    figure.update_xaxes(range=[0, 1])
    figure.update_yaxes(range=[low, high])
    return Drawing(title, figure, _said(told))


def _title(told: Mapping[str, Any]) -> str:
    if told["better"]:
        where = found_better(told).partition("probabilities ")[2]
        return f"Deciding by the delivered network beats treating all and treating none at thresholds {where}."
    return "Deciding by the delivered network is not shown to beat treating all and treating none at any threshold."


def _said(told: Mapping[str, Any]) -> str:
    points = told["points"]
    some = [min(points, key=lambda q: abs(q["threshold"] - t)) for t in (0.05, 0.1, 0.2, 0.5)]
    listed = "; ".join(
        f"at {q['threshold']:.2f} {_ends(q)}, treating all {q['treat_all']:.3f}"
        for q in {id(q): q for q in some}.values()
    )
    return (
        f"{_title(told)} Net benefit of treating for {plain(told['of'])} from a threshold probability on, in true "
        f"positives a row, on the locked rows, {100 * told['prevalence']:.1f} % of them positive; treating none is 0: "
        f"{listed}. Intervals: {told['method']}, for each threshold by itself."
    )


def _ends(point: Mapping[str, Any]) -> str:
    ends = "" if point["low"] is None else f" [{point['low']:.3f}, {point['high']:.3f}]"
    return f"{point['value']:.3f}{ends}"


def _ceiling(told: Mapping[str, Any]) -> float:
    tops = [q["high"] if q["high"] is not None else q["value"] for q in told["points"]]
    return 1.05 * max(*tops, told["prevalence"])


def _floor(told: Mapping[str, Any]) -> float:
    """Far below zero nothing is to be read: treating all falls without end."""
    return -0.3 * _ceiling(told)


def _band(points: Sequence[Mapping[str, Any]], floor: float) -> Series:
    known = [q for q in points if q["low"] is not None and q["high"] >= floor]
    return Series(
        "",
        [q["threshold"] for q in known],
        [q["value"] for q in known],
        [max(q["low"], floor) for q in known],
        [q["high"] for q in known],
        kind="band",
    )
