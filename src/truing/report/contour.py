"""The score over two parameters: a surface learned from the trials, and the trials on it."""

from __future__ import annotations

from typing import Any

import numpy as np

from truing.report.columns import clip, many, plain
from truing.report.figures import ORANGE, Drawing, escaped, lay_out
from truing.report.seen import Seen
from truing.space.configuration import format_value
from truing.space.encoding import Scale
from truing.statistics.surface import GRID, Surface, surface
from truing.verdict.mattered import WHOLE

_DOTS = 300
_TICKS = 5
# Cividis, dark to light, which is told apart with any colour deficiency (Nuñez, Anderton & Renslow 2018)
_COLOURS = "Cividis"


def contour(seen: Seen, across: str | None = None, up: str | None = None) -> Drawing | str:
    """The figure; without names the two that make most of the variance together."""
    import plotly.graph_objects as go

    pair = _pair(seen, across, up)
    if pair is None:
        return "It takes two parameters that varied to draw a surface over them."
    if pair[0] == pair[1]:
        return f"{clip(plain(pair[0]), 40)}: a surface takes two different parameters."
    history, metric = seen.history, plain(seen.metric)
    done = history.completed
    rng = np.random.default_rng([history.seed, len(done)])
    configs, y = [t.config for t in done], np.array([float(t.value or 0.0) for t in done])
    found = surface(history.space, configs, y, pair, rng)
    names = [clip(plain(name), 30) for name in pair]
    if found.why:
        return f"{names[0]} and {names[1]}: no surface, for {found.why}."
    scales = [history.space.scale(name) for name in pair]
    figure = go.Figure()
    better = "lower" if history.goal == "min" else "higher"
    drawn: dict[str, Any] = {
        "x": found.across.tolist(),
        "y": found.up.tolist(),
        "z": [[None if np.isnan(v) else float(f"{v:.5g}") for v in row] for row in found.mean],
        "colorscale": _COLOURS,
        "reversescale": history.goal == "max",
        "colorbar": {"title": {"text": ""}, "thickness": 12, "tickformat": ".3~g", "len": 0.9, "xpad": 4},
        "hovertemplate": "surface %{z:.4g}<extra></extra>",
    }
    if all(scale.count > GRID for scale in scales):
        lines = {"width": 0.5, "color": "rgba(255,255,255,0.5)"}
        figure.add_contour(**drawn, line=lines, ncontours=12, connectgaps=False)
    else:
        figure.add_heatmap(**drawn, xgap=1, ygap=1)
    ranked = [t for t in history.ranked() if all(name in t.config for name in pair)]
    shown = (
        ranked if len(ranked) <= _DOTS else [ranked[round(i * (len(ranked) - 1) / (_DOTS - 1))] for i in range(_DOTS)]
    )
    for trials, name, mark in (
        (shown[1:], "trial", {"color": "white", "size": 6, "opacity": 0.9, "line": {"color": "black", "width": 1}}),
        (
            ranked[:1],
            "the best",
            {"color": ORANGE, "size": 13, "symbol": "star", "line": {"color": "black", "width": 1}},
        ),
    ):
        if trials:
            figure.add_scatter(
                x=[scales[0].unit(t.config[pair[0]]) for t in trials],
                y=[scales[1].unit(t.config[pair[1]]) for t in trials],
                mode="markers",
                name=name,
                marker=mark,
                customdata=[[t.number, format_value(t.value)] for t in trials],
                hovertemplate="trial %{customdata[0]}<br>%{customdata[1]}<extra></extra>",
            )
    title = _title(found, names, scales, seen, metric)
    labels = [
        name + (" (log scale)" if getattr(history.space[one], "log", False) else "")
        for name, one in zip(names, pair, strict=True)
    ]
    lay_out(figure, title, x=labels[0], y=labels[1])
    for axis, scale, wide in (("xaxis", scales[0], 10), ("yaxis", scales[1], 8)):
        where, said = _ticks(scale, wide)
        figure.update_layout({axis: {"tickmode": "array", "tickvals": where, "ticktext": said, "range": [-0.02, 1.02]}})
        figure.update_layout({axis: {"showgrid": False, "automargin": True}})
    figure.update_layout(height=420)
    return Drawing(title, figure, f"{title} {_words(found, seen, metric, better, len(shown), len(ranked))}")


def _pair(seen: Seen, across: str | None, up: str | None) -> tuple[str, str] | None:
    varied = [one.parameter for one in seen.effects if one.varied]
    if across is None and up is None and seen.importance.shares.pairs:
        own = {share.names[0]: share.share for share in seen.importance.shares.parameters}
        # what the two explain together: their own shares and that of the pair
        first = max(seen.importance.shares.pairs, key=lambda pair: pair.share + sum(own[n] for n in pair.names))
        return first.names[0], first.names[1]
    rest = iter(name for name in seen.by_weight() if name in varied and name not in (across, up))
    first_name = across if across is not None else next(rest, None)
    second = up if up is not None else next(rest, None)
    return None if first_name is None or second is None else (first_name, second)


def _ticks(scale: Scale, wide: int) -> tuple[list[float], list[str]]:
    """Places of values on a scale, and what they are called."""
    values = list(scale.spread(_TICKS)) if scale.ordered else list(scale.spread(GRID))
    values = values[:: -(-len(values) // 8)]
    return [float(scale.unit(v)) for v in values], [escaped(clip(plain(_short(v)), wide)) for v in values]


def _short(value: Any) -> str:
    return f"{value:.2g}" if isinstance(value, float) else format_value(value)


def _title(found: Surface, names: list[str], scales: list[Scale], seen: Seen, metric: str) -> str:
    loss = found.mean if seen.history.goal == "min" else -found.mean
    row, column = np.unravel_index(int(np.nanargmin(loss)), loss.shape)
    at = [
        clip(plain(_short(s.value(float(p)))), 20)
        for s, p in zip(scales, (found.across[column], found.up[row]), strict=True)
    ]
    return (
        f"Averaged over the other parameters, {metric} is best ({format_value(float(found.mean[row, column]))}) around "
        f"{names[0]} {at[0]} and {names[1]} {at[1]}."
    )


def _words(found: Surface, seen: Seen, metric: str, better: str, shown: int, known: int) -> str:
    low, high = float(np.nanmin(found.mean)), float(np.nanmax(found.mean))
    blank = float(np.isnan(found.mean).mean())
    words = [
        f"The colour is {metric}, from {format_value(low)} to {format_value(high)}, {better} is better and "
        "darker, as a Gaussian process "
        f"learned it from {many(len(found.trials), 'trial')}; it predicts scores it has not seen with "
        f"R2 {found.r2:.2f} (5-fold).",
        f"Dots are {'trials' if shown == known else f'{shown} of {known} trials'}, the star is the best.",
    ]
    if blank > 0:
        words.append(f"{100 * blank:.0f} % of the area is blank, for no trial is near.")
    if seen.importance.region != WHOLE:
        words.append("An adaptive search goes where scores are good, so the surface is of the region searched.")
    return " ".join(words)
