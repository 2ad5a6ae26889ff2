"""The advice of `truing advise` in the report: its two curves, drawn from the event that holds the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from truing.record.history import History
from truing.report.columns import plain
from truing.report.figures import BLUE, ORANGE, Drawing, lay_out
from truing.report.seen import Seen
from truing.verdict.wording import number, places
from truing.worth.advice import MORE_EPOCHS, MORE_ROWS, Advice, Answer

_AXES = {MORE_ROWS: "training rows, %", MORE_EPOCHS: "epochs"}
_WANTS = {MORE_ROWS: "more data", MORE_EPOCHS: "longer training"}
_NO_ADVICE = "There is no advice yet: `truing advise` makes it."


def advice_of(history: History) -> Advice | None:
    """The last advice of a study, of the function and the space as they are now; None without any."""
    last = history.last("advice")
    return None if last is None or last.get("since", 0) != history.verdict_since else Advice.from_dict(last)


def rows(seen: Seen) -> Drawing | str:
    return _drawn(seen, MORE_ROWS)


def epochs(seen: Seen) -> Drawing | str:
    return _drawn(seen, MORE_EPOCHS)


def drawings(history: History) -> list[Drawing]:
    """The curves that the last advice has; none without any."""
    advice = advice_of(history)
    found = [curve(advice, question) for question in (MORE_ROWS, MORE_EPOCHS)] if advice is not None else []
    return [one for one in found if one is not None]


def curve(advice: Advice, question: str) -> Drawing | None:
    """Scores at shares of the rows, or of the epochs; bars are the paired 95 % interval of the step to each point.

    Args:
        question: "more_rows" or "more_epochs".
    """
    answer = advice[question]
    points = [p for p in answer.points if p.get("x") is not None and p.get("value") is not None]
    if len(points) < 2:
        return None
    import plotly.graph_objects as go

    metric, axis = plain(advice.metric), _AXES[question]
    x, y = [p["x"] for p in points], [p["value"] for p in points]
    bars = _steps(answer, advice.goal, len(points))
    figure = go.Figure()
    known = [place for place, bar in enumerate(bars) if bar is not None]
    figure.add_scatter(
        x=x, y=y, mode="lines+markers", name="mean score", line={"color": BLUE, "width": 2.5}, marker={"size": 9}
    )
    if known:
        ends = [(place, bars[place] or (0.0, 0.0)) for place in known]
        figure.add_scatter(
            x=[x[place] for place in known],
            y=[y[place - 1] + (low + high) / 2 for place, (low, high) in ends],
            mode="markers",
            name="where the step to it may end (95 %)",
            marker={"color": ORANGE, "size": 9, "symbol": "line-ew", "line": {"color": ORANGE, "width": 2.5}},
            error_y={
                "type": "data",
                "array": [(high - low) / 2 for _, (low, high) in ends],
                "color": ORANGE,
                "thickness": 2.5,
                "width": 8,
            },
            hoverinfo="skip",
        )
    title = _title(answer, question, advice.metric)
    better = "lower" if advice.goal == "min" else "higher"
    lay_out(figure, title, x=axis, y=f"{metric} ({better} is better)")
    figure.update_xaxes(tickvals=x, range=[0, max(x) * 1.06])
    decimals = places(*y)
    told = ", ".join(f"{number(v, decimals)} at {p['what']}" for v, p in zip(y, points, strict=True))
    text = f"{title} Mean {metric}: {told}."
    if known:
        text += " Bars: the 95 % interval of the paired step from the point before, laid on that point."
    return Drawing(title, figure, text)


def _drawn(seen: Seen, question: str) -> Drawing | str:
    advice = advice_of(seen.history)
    if advice is None:
        return _NO_ADVICE
    return curve(advice, question) or f"{_WANTS[question].capitalize()}: {advice[question].sentence}"


def _title(answer: Answer, question: str, metric: str) -> str:
    wants, answered = _WANTS[question], answer.answer
    if answered == "yes":
        return f"{wants.capitalize()} would probably improve {plain(metric)}."
    if answered in ("no", "worse"):
        return f"No sign that {wants} would improve {plain(metric)}."
    gain = answer.figures.get("gain") or {}
    if question == MORE_ROWS and (gain.get("low") or 0.0) > 0:
        return f"More rows improved {plain(metric)}, but as far as can be told by the steps that came with them."
    return f"Whether {wants} would improve {plain(metric)} cannot be told from these runs."


def _steps(answer: Answer, goal: str, number: int) -> Sequence[tuple[float, float] | None]:
    """(low, high) of the step to each point from the one before, in the metric's own direction; None = not known."""
    sign = 1.0 if goal == "max" else -1.0
    figures = answer.figures
    last = figures.get("gain")
    before = figures.get("from_half" if answer.question == MORE_EPOCHS else "from_quarter")
    found: list[Mapping[str, Any] | None] = [None] * number
    found[-1] = last or before
    if number > 2:
        found[1] = before
    bars: list[tuple[float, float] | None] = []
    for one in found:
        if not one or one.get("low") is None or one.get("high") is None:
            bars.append(None)
        else:
            low, high = sorted((sign * one["low"], sign * one["high"]))
            bars.append((low, high))
    return bars
