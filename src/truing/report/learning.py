"""Learning curves: the mean score of a trial's runs, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from truing.record.history import History
from truing.record.state import State
from truing.record.trial import Trial
from truing.report.columns import clip, plain
from truing.report.figures import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    Drawing,
    lay_out,
    logarithmic,
    scale,
    span,
)
from truing.space.configuration import format_value

TOP = 5  # of the search, drawn in colour
OTHERS = 60  # further trials, evenly by rank: more lines hide more than they show

Points = list[tuple[int, float]]


def mean_curve(history: History, trial: Trial, *, train: bool = False) -> Points:
    """(epoch, mean over the trial's search runs), at the epochs that every one of them reported.

    So the mean never changes because a run ended earlier than the others. Of several reports in one epoch the last
    counts.

    Args:
        train: the scores on the training rows, where the function reports them.
    """
    runs: list[dict[int, float]] = []
    for number in trial.runs:
        run = history.runs[number]
        if run.state is State.COMPLETED:
            points = run.details.get("train_curve", ()) if train else run.curve
            runs.append({int(epoch): float(score) for epoch, score in points if score is not None})
    if not runs:
        return []
    shared = sorted(set.intersection(*(set(run) for run in runs)))
    return [(epoch, sum(run[epoch] for run in runs) / len(runs)) for epoch in shared]


def learning_curves(history: History, *, metric: str, selected: int | None = None) -> Drawing | None:
    """The curves of the selected (else the best), the defaults, the best by the search, and some of the others.

    Args:
        metric: name of the primary metric, for the axis.
        selected: number of the selected trial; None before a verdict.

    Returns:
        None where no trial reported more than once.
    """
    ranked = history.ranked()
    if not ranked:
        return None
    first = next((t for t in ranked if t.number == selected), ranked[0])
    top = [t for t in ranked[:TOP] if t.number != first.number]
    defaults = next((t for t in ranked if t.number == 0 and first.number != 0), None)
    named = {first.number, *(t.number for t in top), 0}
    rest = [t for t in ranked if t.number not in named]
    drawn = rest if len(rest) <= OTHERS else [rest[round(i * (len(rest) - 1) / (OTHERS - 1))] for i in range(OTHERS)]
    curves = {t.number: mean_curve(history, t) for t in (first, *top, *drawn, *((defaults,) if defaults else ()))}
    if max(map(len, curves.values())) < 2 or not curves[first.number]:
        return None
    trained = mean_curve(history, first, train=True)
    return _drawn(history, plain(metric), first, top, defaults, drawn, curves, trained, len(rest), selected is not None)


def _drawn(
    history: History,
    metric: str,
    first: Trial,
    top: Sequence[Trial],
    defaults: Trial | None,
    others: Sequence[Trial],
    curves: Mapping[int, Points],
    trained: Points,
    rest: int,
    judged: bool,
) -> Drawing:
    import plotly.graph_objects as go

    word = "selected" if judged else "best by the search"
    figure = go.Figure()
    _lines(figure, [(t.number, curves[t.number]) for t in others], "other trials", GREY, 1.0, opacity=0.45)
    _lines(figure, [(t.number, curves[t.number]) for t in top if t is not defaults], "next best", BLUE, 1.5)
    if defaults is not None:
        _lines(figure, [(0, curves[0])], "defaults", GREEN, 3.0, dash="dash")
    if trained:
        _lines(figure, [(first.number, trained)], f"{word}, training rows", ORANGE, 2.0, dash="dot")
    called = f"{word}, the defaults" if first.number == 0 else word
    _lines(figure, [(first.number, curves[first.number])], called, ORANGE, 3.0)
    sign = 1.0 if history.goal == "min" else -1.0
    epoch, best = min(curves[first.number], key=lambda point: sign * point[1])
    figure.add_scatter(
        x=[epoch],
        y=[best],
        mode="markers",
        showlegend=False,
        marker={"color": ORANGE, "size": 10, "symbol": "circle"},
        hovertemplate="best at epoch %{x}<br>%{y:.4g}<extra></extra>",
    )
    shown = [value for t in (first, *top, *((defaults,) if defaults else ())) for _, value in curves[t.number]]
    shown += [value for _, value in trained] + [curves[t.number][-1][1] for t in others if curves[t.number]]
    log = logarithmic([*shown, *(value for points in curves.values() for _, value in points)])
    title = _title(word, first.number, curves[first.number], (epoch, best), metric)
    better = "lower" if history.goal == "min" else "higher"
    lay_out(figure, title, x="epoch", y=f"{clip(metric, 40)} ({better} is better)")
    scale(figure, log, *span(shown, log))
    last = max(points[-1][0] for points in curves.values() if points)
    figure.update_xaxes(tickformat="d", dtick=1 if last <= 12 else None)
    return Drawing(title, figure, _text(title, history, metric, defaults, others, curves, trained, rest, log))


def _lines(
    figure: Any,
    named: Sequence[tuple[int, Points]],
    name: str,
    colour: str,
    width: float,
    *,
    dash: str = "solid",
    opacity: float = 1.0,
) -> None:
    """Some trials as one trace, with a gap between one and the next; a single point gets a mark."""
    x: list[int | None] = []
    y: list[float | None] = []
    numbers: list[int | None] = []
    for number, points in named:
        x += [*(epoch for epoch, _ in points), None]
        y += [*(value for _, value in points), None]
        numbers += [number] * (len(points) + 1)
    if not any(value is not None for value in y):
        return
    figure.add_scatter(
        x=x[:-1],
        y=y[:-1],
        customdata=numbers[:-1],
        mode="lines+markers" if any(len(points) == 1 for _, points in named) else "lines",
        name=name,
        opacity=opacity,
        line={"color": colour, "width": width, "dash": dash},
        marker={"size": 4},
        hovertemplate="trial %{customdata}, epoch %{x}<br>%{y:.4g}<extra></extra>",
    )


def _title(word: str, number: int, points: Points, best: tuple[int, float], metric: str) -> str:
    epoch, value = best
    whose = f"The {word} (trial {number})"
    last, final = points[-1]
    if len(points) == 1:
        return f"{whose}: mean {metric} {format_value(value)} at epoch {epoch}, its only report."
    if epoch == last:
        return f"{whose}: mean {metric} was best ({format_value(value)}) at its last epoch, {last}: more might help."
    return (
        f"{whose}: mean {metric} was best ({format_value(value)}) at epoch {epoch} of {last}, "
        f"and {format_value(final)} at the last."
    )


def _text(
    title: str,
    history: History,
    metric: str,
    defaults: Trial | None,
    others: Sequence[Trial],
    curves: Mapping[int, Points],
    trained: Points,
    rest: int,
    log: bool,
) -> str:
    words = [title, "Each line is the mean over a trial's runs, at the epochs that all of them reported."]
    if defaults is not None and curves[0]:
        start, end = curves[0][0], curves[0][-1]
        words.append(
            f"The defaults go from {format_value(start[1])} at epoch {start[0]} to {format_value(end[1])} at {end[0]}."
        )
    if trained:
        words.append(f"On its training rows it ends at {format_value(trained[-1][1])}.")
    if others:
        many = (
            f"{len(others)} of the {rest} other trials, evenly by rank," if rest > len(others) else "All other trials"
        )
        words.append(f"{many} are thin grey lines; their beginnings may run off the panel.")
    if log:
        words.append("The vertical axis is logarithmic.")
    return " ".join(words)
