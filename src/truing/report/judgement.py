"""Figures of the delivered network's decisions: reliability diagram, ROC curve, confusion matrix; from the verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truing.report.columns import plain
from truing.report.decision import drawing as decision
from truing.report.figures import BLUE, GREY, Drawing, lay_out


def drawings(verdict: Mapping[str, Any] | None) -> list[Drawing]:
    """Those that the verdict has figures for."""
    if verdict is None:
        return []
    made = (
        reliability_of(verdict.get("calibration")),
        roc_of(verdict.get("roc")),
        confusion_of(verdict.get("confusion")),
        decision(verdict.get("net_benefit")),
    )
    return [drawing for drawing in made if drawing is not None]


def reliability_of(found: Mapping[str, Any] | None) -> Drawing | None:
    if not found or not found.get("bins"):
        return None
    import plotly.graph_objects as go

    bins, figure = found["bins"], go.Figure()
    _diagonal(figure, go)
    figure.add_scatter(
        x=[b["mean"] for b in bins],
        y=[b["value"] for b in bins],
        mode="lines+markers",
        name="rows in bins, 95 % interval",
        marker={"color": BLUE, "size": 9},
        line={"color": BLUE, "width": 1.5},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [_away(b, "high") for b in bins],
            "arrayminus": [_away(b, "low") for b in bins],
            "color": BLUE,
        },
        customdata=[b["rows"] for b in bins],
        hovertemplate="said %{x:.2f}, came true %{y:.2f}, %{customdata} rows<extra></extra>",
    )
    title = f"Calibration of {plain(found['on'])}."
    lay_out(figure, title, x="mean probability", y="share that came true")
    listed = "; ".join(
        f"where {b['mean']:.2f} was said {b['value']:.2f} came true ({b['rows']} rows)"
        for b in bins
        if b["value"] is not None
    )
    slope = found["slope"]
    said = f" Slope {slope['value']:.2f}." if slope and slope["value"] is not None else ""
    return Drawing(title, figure, f"{title}{said} Of {plain(found['of'])}: {listed}.")


def roc_of(found: Mapping[str, Any] | None) -> Drawing | None:
    if not found or not found.get("points"):
        return None
    import plotly.graph_objects as go

    figure = go.Figure()
    _diagonal(figure, go)
    x, y = zip(*found["points"], strict=True)
    figure.add_scatter(x=list(x), y=list(y), mode="lines", name="ROC", line={"color": BLUE, "width": 2})
    alarms, hits = found["decision"]
    at = f"threshold {found['threshold']:.3g}" if found["threshold"] is not None else "its own decision"
    figure.add_scatter(x=[alarms], y=[hits], mode="markers", name=at, marker={"color": BLUE, "size": 12})
    area = found["auc"]
    ends = f" [{area['low']:.3f}, {area['high']:.3f}]" if area["low"] is not None else ""
    title = f"ROC of the delivered network on the locked rows: area {area['value']:.3f}{ends}."
    lay_out(figure, title, x="share of negative rows called positive", y="sensitivity")
    text = f"{title} At {at} it finds {100 * hits:.1f} % of the positive rows and calls {100 * alarms:.1f} % of the "
    return Drawing(title, figure, text + "negative ones positive.")


def confusion_of(found: Mapping[str, Any] | None) -> Drawing | None:
    if not found or not found.get("counts"):
        return None
    import plotly.graph_objects as go

    names, counts = [plain(name) for name in found["classes"]], found["counts"]
    figure = go.Figure()
    figure.add_heatmap(
        z=counts,
        x=names,
        y=names,
        text=counts,
        texttemplate="%{text}",
        colorscale="Blues",
        showscale=False,
        hovertemplate="%{y} called %{x}: %{z}<extra></extra>",
    )
    at = f" at threshold {found['threshold']:.3g}" if found["threshold"] is not None else ""
    title = f"Locked rows by class and by what the delivered network calls them{at}."
    lay_out(figure, title, x="called", y="is")
    figure.update_xaxes(type="category")
    figure.update_yaxes(type="category", autorange="reversed")
    listed = "; ".join(
        f"of {sum(row)} {name}, {row[place]} are called so"
        for place, (name, row) in enumerate(zip(names, counts, strict=True))
    )
    return Drawing(title, figure, f"{title} {listed[:1].upper()}{listed[1:]}.")


def _diagonal(figure: Any, go: Any) -> None:
    line = {"color": GREY, "width": 1, "dash": "dot"}
    figure.add_scatter(x=[0, 1], y=[0, 1], mode="lines", line=line, showlegend=False, hoverinfo="skip")
    figure.update_xaxes(range=[-0.02, 1.02])
    figure.update_yaxes(range=[-0.02, 1.02])


def _away(one: Mapping[str, Any], end: str) -> float:
    return 0.0 if one[end] is None or one["value"] is None else abs(one[end] - one["value"])
