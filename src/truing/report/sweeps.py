"""The figure of a sweep: train and validation score over one parameter, seconds and size below."""

from __future__ import annotations

import math
from typing import Any

from truing.one_at_a_time.sweep import Sweep, of_history
from truing.record.history import History
from truing.report.columns import plain
from truing.report.figures import BLUE, GREEN, GREY, ORANGE, Drawing, escaped, lay_out, logarithmic
from truing.report.seen import Seen
from truing.space.configuration import format_value


def sweeps_of(history: History) -> list[Sweep]:
    """The last sweep of each parameter, of the function and the space as they are now."""
    made = history.notes.get("swept", ())
    return of_history([one for one in made if one["known"]["since"] == history.verdict_since])


def swept(seen: Seen, parameter: str | None = None) -> Drawing | str:
    """The figure for `study.plot`, or why there is none; of the parameter swept last where none is named."""
    every = sweeps_of(seen.history)
    if parameter is None:
        return drawn(every[-1], seen.history) if every else "Nothing has been swept; study.sweep(NAME) does that."
    found = [one for one in every if one.parameter == parameter]
    if not found:
        return f"{plain(parameter)} has not been swept; study.sweep() or truing run --only does that."
    return drawn(found[0], seen.history)


def drawn(found: Sweep, history: History) -> Drawing:
    """Scores above, below them what each value costs."""
    from plotly.subplots import make_subplots

    points, metric = found.points, plain(found.metric)
    numeric = all(isinstance(p.value, int | float) and not isinstance(p.value, bool) for p in points)
    log = (
        numeric and bool(getattr(history.space.scale(found.parameter), "log", False))
        if found.parameter in history.space
        else False
    )
    where = [float(p.value) if log else format_value(p.value) for p in points]
    costs = [
        (name, values, colour)
        for name, values, colour in (
            ("seconds a run", [p.seconds for p in points], GREY),
            ("parameters", [p.parameters for p in points], GREEN),
        )
        if any(value is not None for value in values)
    ]
    rows = 1 + len(costs)
    heights = [1.0 - 0.22 * len(costs), *[0.22] * len(costs)]
    figure = make_subplots(rows=rows, cols=1, shared_xaxes=True, vertical_spacing=0.07, row_heights=heights)
    _scores(figure, found, where)
    for place, (name, values, colour) in enumerate(costs, start=2):
        kept = [(x, v) for x, v in zip(where, values, strict=True) if v is not None]
        figure.add_scatter(
            x=[x for x, _ in kept],
            y=[v for _, v in kept],
            mode="lines+markers",
            name=name,
            showlegend=False,
            line={"color": colour, "width": 1.5},
            marker={"symbol": "square", "size": 6},
            hovertemplate=f"%{{x}}<br>%{{y:.4g}} {name}<extra></extra>",
            row=place,
            col=1,
        )
    better = "lower" if found.goal == "min" else "higher"
    lay_out(figure, plain(found.sentence), x="", y="")
    figure.update_yaxes(title={"text": escaped(f"{metric} ({better} is better)")}, row=1, col=1)
    shown = [score for p in points for score in (p.score, p.train) if score is not None]
    ends = [
        end for p in points if p.interval for end in (p.interval.get("low"), p.interval.get("high")) if end is not None
    ]
    if logarithmic([*shown, *ends]):
        figure.update_yaxes(type="log", dtick="D2", tickformat="~g", row=1, col=1)
    for place, (name, _, _) in enumerate(costs, start=2):
        figure.update_yaxes(title={"text": name}, rangemode="tozero", tickformat="~s", nticks=4, row=place, col=1)
    if log:
        figure.update_xaxes(type="log", tickvals=where, ticktext=[format_value(p.value) for p in points])
    else:
        figure.update_xaxes(type="category", categoryorder="array", categoryarray=where)
    figure.update_xaxes(title={"text": escaped(plain(found.parameter))}, row=rows, col=1)
    figure.update_layout(height=360 + 110 * len(costs))
    return Drawing(plain(found.sentence), figure, _text(found, bool(costs)))


def _scores(figure: Any, found: Sweep, where: list[Any]) -> None:
    kept = [(x, p) for x, p in zip(where, found.points, strict=True) if p.score is not None]
    intervals = [p.interval or {} for _, p in kept]
    up = [
        max(0.0, i["high"] - p.score) if i.get("high") is not None else 0.0
        for i, (_, p) in zip(intervals, kept, strict=True)
    ]
    down = [
        max(0.0, p.score - i["low"]) if i.get("low") is not None else 0.0
        for i, (_, p) in zip(intervals, kept, strict=True)
    ]
    figure.add_scatter(
        x=[x for x, _ in kept],
        y=[p.score for _, p in kept],
        mode="lines+markers",
        name="validation, 95 % interval",
        line={"color": BLUE, "width": 2},
        marker={"size": 8},
        error_y={"type": "data", "symmetric": False, "array": up, "arrayminus": down, "thickness": 1.5, "width": 4},
        hovertemplate="%{x}<br>%{y:.4g} validation<extra></extra>",
        row=1,
        col=1,
    )
    trained = [(x, p.train) for x, p in kept if p.train is not None]
    if trained:
        figure.add_scatter(
            x=[x for x, _ in trained],
            y=[value for _, value in trained],
            mode="lines+markers",
            name="training rows",
            line={"color": ORANGE, "width": 2, "dash": "dot"},
            marker={"size": 7, "symbol": "diamond"},
            hovertemplate="%{x}<br>%{y:.4g} training<extra></extra>",
            row=1,
            col=1,
        )


def _text(found: Sweep, costs: bool) -> str:
    words = []
    for point in found.points:
        told = f"{format_value(point.value)}: "
        if point.score is None:
            words.append(told + "no score")
            continue
        told += f"validation {format_value(point.score)}"
        low, high = (None if point.interval is None else point.interval.get(key) for key in ("low", "high"))
        if low is not None and high is not None and math.isfinite(low):
            told += f" (95 % {format_value(low)} to {format_value(high)})"
        told += f", training {format_value(point.train)}" if point.train is not None else ""
        told += f", {point.seconds:.3g} s" if costs and point.seconds is not None else ""
        told += f", {point.parameters:.0f} parameters" if point.parameters is not None else ""
        words.append(told)
    return plain(" ".join([found.sentence, *found.said()[1:]]) + f" In {found.metric}: {'; '.join(words)}.")
