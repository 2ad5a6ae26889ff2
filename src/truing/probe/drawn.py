"""Figures of what was probed: rows a second by setting and by batch size, and loss by learning rate."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from truing.report.columns import plain
from truing.report.figures import BLUE, GREY, ORANGE, Drawing, escaped, lay_out

if TYPE_CHECKING:
    from truing.probe.learning_rates import RangeTest
    from truing.probe.throughput import Runtime

SHOWN = 12  # settings
_CHARS = 24  # of a line of a label


def speeds(found: Runtime) -> Drawing:
    """Settings from the fastest down; below them what the batch size does in the recommended one."""
    from plotly.subplots import make_subplots

    ranked = sorted(found.candidates, key=lambda one: -one.rate)
    kept = ranked[:SHOWN]
    kept += [one for one in (found.recommended, found.reference) if one not in kept]
    labels = ["<br>".join(map(escaped, textwrap.wrap(plain(one.setting), _CHARS))) for one in kept]
    colours = [ORANGE if one == found.recommended else GREY if one == found.reference else BLUE for one in kept]
    fits = found.batches.batches
    rows = 1 + bool(fits)
    figure = make_subplots(rows=rows, cols=1, row_heights=[0.65, 0.35][:rows], vertical_spacing=0.2)
    figure.add_bar(
        x=[one.rate for one in kept],
        y=labels,
        orientation="h",
        marker={"color": colours},
        showlegend=False,
        hovertemplate="%{y}<br>%{x:,.0f} rows a second<extra></extra>",
        row=1,
        col=1,
    )
    title = (
        f"{plain(found.recommended.setting)} is {found.gain:.2g} times as fast as one run on one thread in float32."
        if found.recommended != found.reference
        else "Nothing that was shown to train alike is faster than one run on one thread in float32."
    )
    lay_out(figure, title, x="rows a second, all runs together", y="")
    figure.update_yaxes(categoryorder="array", categoryarray=labels[::-1], automargin=True, row=1, col=1)
    if fits:
        figure.add_scatter(
            x=[one.rows for one in fits],
            y=[one.rate for one in fits],
            mode="lines+markers",
            showlegend=False,
            line={"color": BLUE, "width": 2},
            marker={"size": 7},
            hovertemplate="batches of %{x}<br>%{y:,.0f} rows a second<extra></extra>",
            row=2,
            col=1,
        )
        sizes = [one.rows for one in fits]
        every = 1 + len(sizes) // 7
        figure.update_xaxes(
            title={"text": "batch size"}, type="log", tickvals=sizes[::every], tickformat="d", row=2, col=1
        )
        figure.update_yaxes(title={"text": "rows a second"}, rangemode="tozero", nticks=4, row=2, col=1)
    figure.update_layout(height=180 + 36 * len(kept) + 180 * bool(fits))
    settings = "; ".join(f"{plain(one.setting)} {one.rate:,.0f}" for one in kept)
    batches = "; ".join(f"{one.rows}: {one.rate:,.0f}" for one in fits)
    text = f"{title} Orange is recommended, grey the reference. Rows a second: {settings}."
    return Drawing(title, figure, text + (f" By batch size, one run: {batches}." if batches else ""))


def losses(found: RangeTest) -> Drawing:
    """The loss of each seed by learning rate, with the range that it suggests."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for place, curve in enumerate(found.losses):
        figure.add_scatter(
            x=list(found.rates[: len(curve)]),
            y=list(curve),
            mode="lines",
            name="one seed",
            showlegend=place == 0,
            line={"color": BLUE, "width": 1.3},
            opacity=0.75,
            hovertemplate="%{x:.3g}<br>loss %{y:.4g}<extra></extra>",
        )
    if found.low is not None and found.high is not None:
        figure.add_vrect(x0=found.low, x1=found.high, fillcolor=GREY, opacity=0.18, line_width=0)
        figure.add_vline(x=found.default, line={"color": ORANGE, "width": 2, "dash": "dot"})
        title = (
            f"Learning rates from {found.low:.2g} to {found.high:.2g} are worth a search; the loss falls fastest at "
            f"{found.default:.2g}."
        )
        marks = " The grey band is the range to search, the dotted line where the loss falls fastest."
    else:
        title, marks = "No learning rate made the loss fall.", ""
    lay_out(figure, title, x="learning rate (log scale)", y="loss of a batch")
    figure.update_xaxes(type="log", exponentformat="power")
    low = min((value for curve in found.losses for value in curve), default=0.0)
    starts = [curve[0] for curve in found.losses if curve]
    if starts:  # what diverges leaves the picture, for the fall is what is looked for
        top = max(starts)
        figure.update_yaxes(range=[low - 0.05 * (top - low), top + 0.25 * (top - low)])
    tested = f"{len(found.losses)} seeds, rates from {found.tested[0]:g} to {found.tested[1]:g}, one step each"
    return Drawing(title, figure, f"{title}{marks} {tested}; {plain(found.optimizer)}; a prior, not an answer.")
