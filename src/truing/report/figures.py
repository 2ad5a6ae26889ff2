"""Plotly figures of a study, each with a title that says what is seen and the same in words.

Cartesian SVG traces only: they need neither WebGL nor `unsafe-eval`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from truing.record.history import History
from truing.record.trial import Trial
from truing.report.columns import clip, many, plain
from truing.report.effects import Effect
from truing.space.configuration import format_value

# Okabe and Ito (2008): told apart with any common colour deficiency. Shapes and lines differ as well.
BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#808890"
DOTS = 1000  # above so many trials single dots hide more than they show
_POINTS = 2000  # above so many trials only every second, third, ... is drawn over time
_WIDE = 30.0  # largest over smallest score from which a logarithmic axis reads better


@dataclass(frozen=True)
class Drawing:
    """A figure and what a person who cannot see it needs.

    Args:
        title: what is seen, as one sentence without markup.
        figure: a `plotly.graph_objects.Figure`; its layout carries the title too.
        text: the text alternative.
    """

    title: str
    figure: Any
    text: str


def score_over_time(history: History, *, metric: str) -> Drawing:
    """The score of each trial by its number, the best so far as a line, failed trials marked at the edge.

    Args:
        metric: name of the primary metric, for the axis.
    """
    import plotly.graph_objects as go

    done = history.completed
    failed = [t for t in history.trials if t.state == "failed"]
    name = plain(metric)
    values = [_value(t) for t in done]
    log = logarithmic(values)
    barred = len(done) <= 200 and any(t.se for t in done)
    reach = [0.0 if log or not barred or t.se is None else t.se for t in done]  # bars must fit a linear axis
    every = max(1, math.ceil(len(done) / _POINTS))
    low, high = span([v + s for v, r in zip(values, reach, strict=True) for s in (-r, r)], log)
    figure = go.Figure()
    if done:
        sign = 1.0 if history.goal == "min" else -1.0
        so_far: list[float] = []
        for value in values:
            so_far.append(value if not so_far else sign * min(sign * so_far[-1], sign * value))
        bests = [i for i, value in enumerate(so_far) if i == 0 or value != so_far[i - 1]]
        drawn = sorted({*range(0, len(done), every), *bests})
        steps = range(len(done)) if every == 1 else sorted({*bests, len(done) - 1})
        figure.add_scatter(
            x=[done[i].number for i in drawn],
            y=[values[i] for i in drawn],
            mode="markers",
            name="trial",
            marker={"color": BLUE, "size": 8, "opacity": 0.75},
            error_y={"type": "data", "array": [t.se or 0.0 for t in done], "thickness": 1, "width": 0}
            if barred
            else None,
            hovertemplate="trial %{x}<br>%{y:.4g}<extra></extra>",
        )
        figure.add_scatter(
            x=[done[i].number for i in steps],
            y=[so_far[i] for i in steps],
            mode="lines",
            name="best so far",
            line={"color": ORANGE, "width": 2.5, "shape": "hv"},
            hovertemplate="best up to trial %{x}<br>%{y:.4g}<extra></extra>",
        )
    if failed:
        # They stand on a line of their own, where a bad trial would be.
        edge, low, high = _beyond(low, high, log, above=history.goal == "min")
        crosses = [t.number for t in failed[:: math.ceil(len(failed) / _POINTS)]]
        figure.add_scatter(
            x=crosses,
            y=[edge] * len(crosses),
            mode="markers",
            name="failed",
            marker={"color": RED, "size": 9, "symbol": "x-thin", "line": {"color": RED, "width": 2.5}},
            hovertemplate="trial %{x} failed<extra></extra>",
        )
    title = _headline(history, done, name)
    better = "lower" if history.goal == "min" else "higher"
    lay_out(figure, title, x="trial number", y=f"{clip(name, 40)} ({better} is better)")
    scale(figure, log, low, high)
    if len(history) <= 12:
        figure.update_xaxes(dtick=1)
    words = [title]
    if done:
        first = done[0]
        words.append(f"The first completed trial, {first.number}, had {format_value(_value(first))}.")
        words.append(f"Scores run from {format_value(min(values))} to {format_value(max(values))}.")
        if every > 1:
            words.append(
                f"There are too many to draw: the figure has every {every}{_ordinal(every)} completed trial and each "
                f"that was the best so far, {len(drawn)} of {len(done)}; the line and these figures are of all."
            )
        if barred:
            words.append("Vertical bars are one standard error over the trial's own runs.")
    if failed:
        some = "" if len(crosses) == len(failed) else f" {len(crosses)} of"
        words.append(f"{len(failed)} of {many(len(history), 'trial')} failed; crosses mark{some} them at the edge.")
    if log:
        words.append("The vertical axis is logarithmic.")
    return Drawing(title, figure, " ".join(words))


def effect_of(effect: Effect, history: History, *, metric: str) -> Drawing:
    """The mean score at each value or bin of a parameter with its 95 % interval, the single trials behind it.

    Args:
        effect: one of `effects(history)`; one without cells gives an empty figure that says so.
        metric: name of the primary metric, for the axis.
    """
    import plotly.graph_objects as go

    name, parameter = plain(metric), plain(effect.parameter)
    values = [_value(t) for t in history.completed]
    log = logarithmic(values)
    low, high = span(values, log)
    numeric = effect.kind not in ("choice", "ordered")
    figure = go.Figure()
    if effect.cells:
        inside = [(cell, number) for cell in effect.cells for number in cell.trials]
        if len(inside) <= DOTS:
            figure.add_scatter(
                x=[float(history.trial(n).config[effect.parameter]) if numeric else cell.centre for cell, n in inside],
                y=[_value(history.trial(n)) for _, n in inside],
                mode="markers",
                name="trial",
                marker={
                    "color": [n for _, n in inside],
                    "colorscale": [[0, "#c9ced2"], [1, "#4a5158"]],
                    "size": 6,
                    "opacity": 0.7,
                },
                customdata=[n for _, n in inside],
                hovertemplate="trial %{customdata}<br>%{y:.4g}<extra></extra>",
            )
        floor = low if log else -math.inf  # an interval may reach below zero, which a logarithmic axis cannot show
        figure.add_scatter(
            x=[cell.centre for cell in effect.cells],
            y=[cell.mean for cell in effect.cells],
            mode="markers" if effect.kind == "choice" else "lines+markers",
            name="mean, 95 % interval",
            marker={"color": BLUE, "size": 10},
            line={"color": BLUE, "width": 1.5},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [0.0 if c.upper is None else c.upper - c.mean for c in effect.cells],
                "arrayminus": [0.0 if c.lower is None else c.mean - max(c.lower, floor) for c in effect.cells],
                "color": BLUE,
                "thickness": 2,
                "width": 5,
            },
            customdata=[[escaped(plain(c.label)), c.n] for c in effect.cells],
            hovertemplate="%{customdata[0]}<br>mean %{y:.4g}, %{customdata[1]} trials<extra></extra>",
        )
    title = _finding(effect, history.goal, name)
    better = "lower" if history.goal == "min" else "higher"
    axis = clip(parameter, 40) + (" (log scale)" if effect.log else "")
    lay_out(figure, title, x=axis, y=f"{clip(name, 40)} ({better} is better)")
    scale(figure, log, low, high)
    along(figure, effect)
    dots = "" if not effect.cells or len(inside) > DOTS else " Dots are single trials, the later the darker."
    return Drawing(title, figure, f"{title} {_listed(effect, name)}".strip() + dots)


def along(figure: Any, effect: Effect) -> None:
    """The horizontal axis of a parameter: its scale, and the labels of its values."""
    if effect.log:
        wide = bool(effect.cells) and effect.cells[-1].high / effect.cells[0].low > 30
        figure.update_xaxes(type="log", tickformat="~g", dtick=1 if wide else "D2")
    if effect.kind != "bins":
        labels = [escaped(clip(plain(cell.label), 16)) for cell in effect.cells]
        figure.update_xaxes(tickmode="array", tickvals=[c.centre for c in effect.cells], ticktext=labels)
    if effect.kind in ("choice", "ordered") and effect.cells:
        places = [cell.centre for cell in effect.cells]
        figure.update_xaxes(range=[min(places) - 0.5, max(places) + 0.5])


def _value(trial: Trial) -> float:
    """The value of a completed trial."""
    return math.nan if trial.value is None else float(trial.value)


def _headline(history: History, done: Sequence[Trial], metric: str) -> str:
    best = history.best()
    if best is None:
        return "No trial has completed yet."
    many = "1 completed trial" if len(done) == 1 else f"{len(done)} completed trials"
    return f"Best {metric} {format_value(_value(best))} in trial {best.number}, of {many}."


def _finding(effect: Effect, goal: str, metric: str) -> str:
    parameter = plain(effect.parameter)
    if not effect.cells:
        return f"{parameter}: no completed trial used it."
    if effect.kind == "bins" and not effect.varied and effect.cells[0].low != effect.cells[0].high:
        return f"{parameter}: too few trials to divide ({effect.cells[0].n})."
    if not effect.varied:
        return f"{parameter}: it did not vary ({plain(effect.cells[0].label)})."
    best, worst = effect.best(goal), effect.worst(goal)
    return (
        f"{parameter}: mean {metric} was best ({format_value(best.mean)}) at {clip(plain(best.label), 40)} "
        f"and worst ({format_value(worst.mean)}) at {clip(plain(worst.label), 40)}."
    )


def _listed(effect: Effect, metric: str) -> str:
    words = []
    for cell in effect.cells:
        ends = "" if cell.lower is None else f", 95 % {format_value(cell.lower)} to {format_value(cell.upper)}"
        words.append(f"{plain(cell.label)}: mean {format_value(cell.mean)}{ends}, n = {cell.n}")
    return "; ".join(words) + "." if words else ""


def _ordinal(number: int) -> str:
    """The ending of an ordinal number.

    >>> [f"{n}{_ordinal(n)}" for n in (2, 3, 5, 11, 21)]
    ['2nd', '3rd', '5th', '11th', '21st']
    """
    return "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")


def logarithmic(values: Sequence[float]) -> bool:
    return bool(values) and min(values) > 0 and max(values) / min(values) > _WIDE


def span(values: Sequence[float], log: bool) -> tuple[float, float]:
    """Ends of the score axis, a little beyond the values; the same for every figure of a study."""
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    if log:
        margin = (high / low) ** 0.06
        return low / margin, high * margin
    margin = 0.06 * (high - low) or 0.05 * abs(high) or 0.5
    return low - margin, high + margin


def _beyond(low: float, high: float, log: bool, *, above: bool) -> tuple[float, float, float]:
    """A line beyond the scores, and the ends of an axis that shows it."""
    if log:
        line, low, high = _beyond(math.log(low), math.log(high), False, above=above)
        return math.exp(line), math.exp(low), math.exp(high)
    margin = 0.05 * (high - low)
    return (high, low, high + margin) if above else (low, low - margin, high)


def scale(figure: Any, log: bool, low: float, high: float) -> None:
    if log:
        figure.update_yaxes(type="log", range=[math.log10(low), math.log10(high)], tickformat="~g", dtick="D2")
        return
    figure.update_yaxes(range=[low, high])


def lay_out(figure: Any, title: str, *, x: str, y: str) -> None:
    figure.update_layout(
        title={"text": escaped(title), "font": {"size": 15}},
        template="plotly_white",
        margin={"l": 64, "r": 16, "t": 56, "b": 52},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
        hovermode="closest",
        height=380,
    )
    figure.update_xaxes(title={"text": escaped(x)}, zeroline=False)
    figure.update_yaxes(title={"text": escaped(y)}, zeroline=False)


def escaped(words: str) -> str:
    """Plotly reads a small HTML in its texts; names of users are no markup."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
