"""The figure of the ablation path: the score after each step, from the defaults to the selected."""

from __future__ import annotations

from truing.one_at_a_time import Ablation, stored_ablation
from truing.one_at_a_time.ablation import words
from truing.report.columns import clip, plain
from truing.report.figures import BLUE, GREY, Drawing, escaped, lay_out, logarithmic
from truing.report.seen import Seen
from truing.space.configuration import format_value

_CHARS = 26  # of a step beside its score: a telephone is 400 pixels wide


def ablated(seen: Seen) -> Drawing | str:
    """The figure for `study.plot`, or why there is none."""
    found = stored_ablation(seen.history)
    if found is None:
        return "There is no ablation path to what is selected now; study.ablation() makes it."
    return drawn(found)


def drawn(found: Ablation) -> Drawing:
    """Steps from top to bottom, scores with their intervals across."""
    import plotly.graph_objects as go

    kept = [(place, step) for place, step in enumerate(found.steps) if step.score is not None]
    labels = [f"{place}. {clip(plain(words(step)), _CHARS)}" for place, step in enumerate(found.steps)]
    figure = go.Figure()
    intervals = [step.interval or {} for _, step in kept]
    up = [
        max(0.0, i["high"] - s.score) if i.get("high") is not None else 0.0
        for i, (_, s) in zip(intervals, kept, strict=True)
    ]
    down = [
        max(0.0, s.score - i["low"]) if i.get("low") is not None else 0.0
        for i, (_, s) in zip(intervals, kept, strict=True)
    ]
    figure.add_scatter(
        x=[step.score for _, step in kept],
        y=[escaped(labels[place]) for place, _ in kept],
        mode="lines+markers",
        name="validation, 95 % interval",
        showlegend=False,
        line={"color": BLUE, "width": 2},
        marker={"size": 9},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": up,
            "arrayminus": down,
            "thickness": 1.5,
            "width": 4,
            "color": GREY,
        },
        hovertemplate="%{y}<br>%{x:.4g}<extra></extra>",
    )
    better = "lower" if found.goal == "min" else "higher"
    lay_out(figure, plain(found.sentence), x=f"{plain(found.metric)} ({better} is better)", y="step")
    figure.update_yaxes(
        type="category",
        categoryorder="array",
        categoryarray=[escaped(label) for label in labels[::-1]],
        automargin=True,
    )
    ends = [end for i in intervals for end in (i.get("low"), i.get("high")) if end is not None]
    if logarithmic([step.score for _, step in kept if step.score is not None] + ends):
        figure.update_xaxes(type="log", dtick="D2", tickformat="~g")
    figure.update_layout(height=150 + 44 * len(labels))
    told = "; ".join(
        f"{plain(words(step))}: {'no score' if step.score is None else format_value(step.score)}"
        for step in found.steps
    )
    return Drawing(plain(found.sentence), figure, plain(f"{' '.join(found.said())} In order: {told}."))
