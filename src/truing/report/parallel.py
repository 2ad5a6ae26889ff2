"""Parallel coordinates: each trial a line across the parameters that mattered most, the best on top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from truing.record.trial import Trial
from truing.report.columns import clip, many, plain
from truing.report.figures import BLUE, GREY, ORANGE, Drawing, escaped, lay_out
from truing.report.seen import Seen
from truing.space.configuration import format_value

AXES = 6  # the most important parameters: more cannot be read
OTHERS = 200  # grey lines, evenly by rank
TENTH, FEWEST = 10, 3
OFF = -0.14  # where a line goes where the parameter is not active
_LABELS = 8  # options that are named on an axis


def parallel(seen: Seen) -> Drawing | str:
    """A row for each parameter, which fits a narrow screen; plain lines, as the WebGL trace needs unsafe-eval."""
    import plotly.graph_objects as go

    ranked = seen.history.ranked()
    varied = [one.parameter for one in seen.effects if one.varied]
    names = [name for name in seen.by_weight() if name in varied][:AXES]
    if len(names) < 2 or len(ranked) < 2:
        return "It takes two completed trials and two parameters that varied to draw parallel coordinates."
    best = ranked[: min(max(FEWEST, len(ranked) // TENTH), len(ranked) // 2, 30)]
    rest = ranked[len(best) :]
    others = rest if len(rest) <= OTHERS else [rest[round(i * (len(rest) - 1) / (OTHERS - 1))] for i in range(OTHERS)]
    figure = go.Figure()
    rows = list(range(len(names)))[::-1]
    for row in rows:
        figure.add_scatter(x=[0, 1], y=[row, row], mode="lines", line={"color": GREY, "width": 1}, **_SILENT)
    _lines(figure, seen, others, names, rows, "others", GREY, 1.0, 0.35)
    _lines(figure, seen, best[1:], names, rows, f"best {len(best)}", BLUE, 1.8, 0.9)
    _lines(figure, seen, best[:1], names, rows, f"best, trial {best[0].number}", ORANGE, 3.5, 1.0)
    title = _title(seen, best, names)
    lay_out(figure, title, x="place on each parameter's own scale", y="parameter")
    figure.update_yaxes(visible=False, range=[-0.45, len(names) - 0.5], fixedrange=True)
    off = any(name not in trial.config for name in names for trial in (*best, *others))
    figure.update_xaxes(range=[OFF - 0.06 if off else -0.06, 1.1], showgrid=False, fixedrange=True)
    figure.update_xaxes(tickmode="array", tickvals=[0, 1], ticktext=["lowest", "highest"])
    for row, name in zip(rows, names, strict=True):
        _axis(figure, seen, name, row)
        if off and any(name not in trial.config for trial in (*best, *others)):
            _note(figure, OFF, row, "off", anchor="center", shift=-11)
    figure.update_layout(height=130 + 74 * len(names))
    return Drawing(title, figure, _words(seen, title, best, others, rest, names, len(varied)))


_SILENT: dict[str, Any] = {"showlegend": False, "hoverinfo": "skip"}


def _place(seen: Seen, trial: Trial, name: str) -> float:
    """0 to 1 along the parameter's axis; options stand evenly, the first at 0."""
    if name not in trial.config:
        return OFF
    scale, value = seen.history.space.scale(name), trial.config[name]
    if scale.count <= _LABELS:
        index = scale.index(value)
        return 0.5 if index is None or scale.count < 2 else index / (float(scale.count) - 1)
    return float(scale.unit(value))


def _lines(
    figure: Any,
    seen: Seen,
    trials: Sequence[Trial],
    names: Sequence[str],
    rows: Sequence[int],
    name: str,
    colour: str,
    width: float,
    opacity: float,
) -> None:
    """Some trials as one trace, with a gap between one and the next."""
    x: list[float | None] = []
    y: list[int | None] = []
    told: list[str | None] = []
    for trial in trials:
        x += [*(round(_place(seen, trial, one), 4) for one in names), None]
        y += [*rows, None]
        told += [f"trial {trial.number}<br>{format_value(trial.value)}"] * (len(names) + 1)
    if x:
        figure.add_scatter(
            x=x[:-1],
            y=y[:-1],
            customdata=told[:-1],
            mode="lines",
            name=name,
            opacity=opacity,
            line={"color": colour, "width": width},
            hovertemplate="%{customdata}<extra></extra>",
        )


def _axis(figure: Any, seen: Seen, name: str, row: int) -> None:
    """The name above an axis, its values below it."""
    _note(figure, 0, row, escaped(clip(plain(name), 40)), anchor="left", shift=11, size=13)
    scale = seen.history.space.scale(name)
    if scale.count > _LABELS:
        log = bool(getattr(seen.history.space[name], "log", False))
        low, high = (scale.value(0.0), scale.value(1.0))
        _note(figure, 0, row, escaped(clip(format_value(low), 12)), anchor="left", shift=-11)
        _note(
            figure, 1, row, escaped(clip(format_value(high), 12)) + (", log" if log else ""), anchor="right", shift=-11
        )
        return
    count = int(scale.count)
    wide = max(4, 36 // count)
    for index in range(count):
        place = 0.5 if count < 2 else index / (count - 1)
        anchor = "left" if place == 0 else "right" if place == 1 else "center"
        text = clip(plain(format_value(scale.at(index))), wide)
        _note(figure, place, row, escaped(text), anchor=anchor, shift=-11)


def _note(figure: Any, x: float, y: float, text: str, *, anchor: str, shift: int, size: int = 11) -> None:
    figure.add_annotation(x=x, y=y, text=text, xanchor=anchor, yshift=shift, showarrow=False, font={"size": size})


def _title(seen: Seen, best: Sequence[Trial], names: Sequence[str]) -> str:
    """On which parameter the best agree: all of them in a part of its axis."""
    spread = {}
    for name in names:
        places = [_place(seen, trial, name) for trial in best]
        spread[name] = max(places) - min(places)
    first = min(names, key=lambda name: spread[name])
    called = clip(plain(first), 40)
    values = [trial.config[first] for trial in best if first in trial.config]
    if spread[first] > 0.5:
        return f"The best {len(best)} trials agree on no parameter: each is spread over half of its range or more."
    if not values:
        return f"The best {len(best)} trials agree most on {called}: it is off in all of them."
    ends = sorted({_place(seen, t, first): format_value(t.config[first]) for t in best if first in t.config}.items())
    low, high = clip(plain(ends[0][1]), 30), clip(plain(ends[-1][1]), 30)
    where = f"all have {low}" if low == high else f"all lie from {low} to {high}"
    return f"The best {len(best)} trials agree most on {called}: {where}."


def _words(
    seen: Seen,
    title: str,
    best: Sequence[Trial],
    others: Sequence[Trial],
    rest: Sequence[Trial],
    names: Sequence[str],
    varied: int,
) -> str:
    first = best[0]
    config = ", ".join(
        f"{plain(name)} {plain(format_value(first.config[name])) if name in first.config else 'off'}" for name in names
    )
    words = [
        title,
        f"Each line is a trial across its parameters, one below the other. The best, trial {first.number} "
        f"({plain(seen.metric)} {format_value(first.value)}), has {config}.",
    ]
    some = f"{len(others)} of {len(rest)}, evenly by rank," if len(others) < len(rest) else f"{len(rest)}"
    words.append(f"Grey lines are {some} other trials.")
    if varied > len(names):
        words.append(f"Of {many(varied, 'parameter')} that varied these are the {len(names)} that mattered most.")
    return " ".join(words)
