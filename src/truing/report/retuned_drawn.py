"""The figure of a nested search: each architecture with the others at their defaults, and tuned for it."""

from __future__ import annotations

from truing.report.columns import clip, plain
from truing.report.figures import BLUE, GREY, Drawing, escaped, lay_out, logarithmic
from truing.report.retuned import Retuned, retuned_of
from truing.report.seen import Seen
from truing.space.configuration import format_value

_SHOWN = 20
_CHARS = 24  # of an architecture beside its score: a telephone is 400 pixels wide


def retuned(seen: Seen) -> Drawing | str:
    """The figure for `study.plot`, or why there is none."""
    found = retuned_of(seen.history, seen.study)
    if found is None:
        return "No nested search has run; search=tr.SequentialSearch(nested=True) tunes anew for each architecture."
    if not any(one.of is not None for one in found.architectures):
        return plain(found.sentence)
    return drawn(found)


def drawn(found: Retuned) -> Drawing:
    """Architectures from the best down, scores with their intervals across."""
    import plotly.graph_objects as go

    shown = [one for one in found.architectures if one.of is not None][:_SHOWN]
    labels = [escaped(f"{place}. {clip(one.label, _CHARS)}") for place, one in enumerate(shown, start=1)]
    figure = go.Figure()
    untuned = [(label, one) for label, one in zip(labels, shown, strict=True) if one.untuned is not None]
    figure.add_scatter(
        x=[one.untuned for _, one in untuned],
        y=[label for label, _ in untuned],
        mode="markers",
        name="others at their defaults",
        marker={"color": GREY, "size": 8, "symbol": "diamond-open"},
        hovertemplate="%{y}<br>%{x:.4g} untuned<extra></extra>",
    )
    best = [one.of for one in shown if one.of is not None]
    figure.add_scatter(
        x=[of.value for of in best],
        y=labels,
        mode="markers",
        name=f"best of {found.tries}, 95 % interval" if found.tries > 1 else "mean, 95 % interval",
        marker={"color": BLUE, "size": 9},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": [0.0 if of.high is None else of.high - of.value for of in best],
            "arrayminus": [0.0 if of.low is None else of.value - of.low for of in best],
            "color": BLUE,
            "thickness": 1.5,
            "width": 4,
        },
        hovertemplate="%{y}<br>%{x:.4g} tuned<extra></extra>",
    )
    better = "lower" if found.goal == "min" else "higher"
    lay_out(figure, plain(found.sentence), x=f"{clip(plain(found.metric), 40)} ({better} is better)", y="")
    figure.update_yaxes(type="category", categoryorder="array", categoryarray=labels[::-1], automargin=True)
    ends = [end for of in best for end in (of.low, of.high, of.value) if end is not None]
    ends += [one.untuned for _, one in untuned if one.untuned is not None]
    if logarithmic(ends):
        figure.update_xaxes(type="log", dtick="D2", tickformat="~g")
    figure.update_layout(height=170 + 34 * len(labels))
    told = "; ".join(
        f"{one.label}: {format_value(one.of.value)}"
        + (f" [{format_value(one.of.low)}, {format_value(one.of.high)}]" if one.of.low is not None else "")
        + (f", untuned {format_value(one.untuned)}" if one.untuned is not None else "")
        for one in shown
        if one.of is not None
    )
    rest = len(found.architectures) - len(shown)
    more = f" Not drawn: {rest} more." if rest else ""
    return Drawing(plain(found.sentence), figure, plain(f"{' '.join(found.said())} In order: {told}.{more}"))
