"""Small figures as SVG, written by hand: lines, dots with intervals, bars and a matrix, for light and dark pages."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

_STYLE = """
    .paper { fill: #ffffff }
    text { fill: #1f2328; font-size: 13px }
    .head { font-weight: 600; font-size: 15px }
    .small { fill: #57606a; font-size: 12px }
    .frame { stroke: #57606a; fill: none }
    .grid { stroke: #d8dee4; fill: none }
    .rule { stroke: #57606a; fill: none; stroke-dasharray: 5 4; stroke-width: 1.5 }
    .c0 { stroke: #0969da; fill: #0969da } .c1 { stroke: #bc4c00; fill: #bc4c00 }
    .c2 { stroke: #1a7f37; fill: #1a7f37 } .c3 { stroke: #8250df; fill: #8250df }
    .c4 { stroke: #57606a; fill: #57606a }
    .line { fill: none; stroke-width: 2.2; stroke-linejoin: round } .thin { fill: none; stroke-width: 1.6 }
    .box { fill: #f6f8fa; stroke: #57606a } .locked { fill: #fff3e0; stroke: #b35900 }
    .cell { fill: #0969da; stroke: none }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #0d1117 }
      text { fill: #e6edf3 } .small { fill: #9da7b3 }
      .frame, .rule { stroke: #8b949e } .grid { stroke: #30363d }
      .c0 { stroke: #58a6ff; fill: #58a6ff } .c1 { stroke: #f0883e; fill: #f0883e }
      .c2 { stroke: #3fb950; fill: #3fb950 } .c3 { stroke: #a371f7; fill: #a371f7 }
      .c4 { stroke: #8b949e; fill: #8b949e }
      .line, .thin { fill: none }
      .box { fill: #161b22; stroke: #8b949e } .locked { fill: #2b1d0e; stroke: #e3a04f }
    }"""
_FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"
_CHAR = 7.3  # px, about the mean width of a letter at 13 px


@dataclass(frozen=True)
class Series:
    """Points of one kind.

    Args:
        name: for the legend; empty = none.
        x, y: positions in the units of the axes.
        low, high: ends of the interval of each y, where there are any.
        kind: "line", "dots", "step" (right, then up), "bars" (from the bottom of the axis) or "band" (from each low to
            its high).
        colour: 0 to 4.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float | None] | None = None
    high: Sequence[float | None] | None = None
    kind: str = "line"
    colour: int = 0


@dataclass(frozen=True)
class Plot:
    """One figure with two axes.

    Args:
        title: what is seen, in a sentence.
        description: the same for who does not see it, with the numbers.
        across, up: names of the axes.
        xlim, ylim: their ends; None = from the points.
        xticks: labels at places; None = round numbers.
        rules: horizontal lines with their names.
        diagonal: draw the line y = x.
    """

    title: str
    description: str
    series: Sequence[Series]
    across: str
    up: str
    xlim: tuple[float, float] | None = None
    ylim: tuple[float, float] | None = None
    xticks: Mapping[float, str] | None = None
    rules: Sequence[tuple[float, str]] = ()
    diagonal: bool = False
    logx: bool = False
    width: int = 660
    height: int = 400

    def svg(self) -> str:
        """The figure as the text of an SVG file; pure."""
        head = textwrap.wrap(self.title, int((self.width - 32) / 9))
        named = [s for s in self.series if s.name]
        legend = _legend(named, self.width)
        top = 20 + 20 * len(head) + 20 * (len(legend)) + 12
        left, right, bottom = 66, 18, 54
        box = (left, top, self.width - right, self.height - bottom)
        x0, x1 = self.xlim or _ends([v for s in self.series for v in s.x], self.logx)
        y0, y1 = self.ylim or _ends([v for s in self.series for v in _all(s)] + [v for v, _ in self.rules])
        place = (lambda v: math.log10(v)) if self.logx else (lambda v: v)

        def px(value: float) -> float:
            return box[0] + (place(value) - place(x0)) / ((place(x1) - place(x0)) or 1) * (box[2] - box[0])

        def py(value: float) -> float:
            return box[3] - (value - y0) / ((y1 - y0) or 1) * (box[3] - box[1])

        out = [f'<text class="head" x="16" y="{26 + 20 * i}">{escape(line)}</text>' for i, line in enumerate(head)]
        for row, entries in enumerate(legend):
            y = 26 + 20 * len(head) + 20 * row
            for at, item in entries:
                out += [*_swatch(item, at, y), f'<text x="{at + 28}" y="{y}">{escape(item.name)}</text>']
        for value, label in _ticks(y0, y1):
            out.append(f'<path class="grid" d="M{box[0]} {py(value):.1f}H{box[2]}"/>')
            out.append(f'<text class="small" x="{box[0] - 8}" y="{py(value) + 4:.1f}" text-anchor="end">{label}</text>')
        ticks = list(self.xticks.items()) if self.xticks is not None else _ticks(x0, x1, log=self.logx)
        for value, label in ticks:
            out.append(f'<path class="frame" d="M{px(value):.1f} {box[3]}v5"/>')
            out.append(
                f'<text class="small" x="{px(value):.1f}" y="{box[3] + 19}" text-anchor="middle">{escape(label)}</text>'
            )
        out.append(f'<path class="frame" d="M{box[0]} {box[1]}V{box[3]}H{box[2]}"/>')
        middle = (box[0] + box[2]) / 2
        out.append(f'<text x="{middle:.0f}" y="{self.height - 12}" text-anchor="middle">{escape(self.across)}</text>')
        side = (box[1] + box[3]) / 2
        out.append(
            f'<text x="18" y="{side:.0f}" text-anchor="middle" transform="rotate(-90 18 {side:.0f})">'
            f"{escape(self.up)}</text>"
        )
        if self.diagonal:
            out.append(f'<path class="rule" d="M{px(x0):.1f} {py(x0):.1f}L{px(x1):.1f} {py(x1):.1f}"/>')
        for series in self.series:
            out += _drawn(series, px, py, box)
        for value, label in self.rules:
            out.append(f'<path class="rule" d="M{box[0]} {py(value):.1f}H{box[2]}"/>')
            out.append(
                f'<text class="small" x="{box[2] - 4}" y="{py(value) - 6:.1f}" text-anchor="end">{escape(label)}</text>'
            )
        return document(self.title, self.description, out, self.width, self.height)


def matrix(
    title: str, description: str, counts: Sequence[Sequence[int]], names: Sequence[str], *, across: str, up: str
) -> str:
    """Counts as a grid of cells, each as dark as its share of its row; pure.

    Args:
        counts: one row for each actual class, one column for each predicted one.
        names: of the classes.
    """
    size = max(34, min(84, 520 // max(1, len(names))))
    short = [name if len(name) <= 14 else name[:13] + "…" for name in names]
    left = 60 + int(_CHAR * max(len(name) for name in short))
    width = max(420, left + size * len(names) + 24)
    head = textwrap.wrap(title, int((width - 32) / 9))
    top = 20 * len(head) + 68
    out = [f'<text class="head" x="16" y="{26 + 20 * i}">{escape(line)}</text>' for i, line in enumerate(head)]
    out.append(
        f'<text x="{left + size * len(names) / 2:.0f}" y="{top - 32}" text-anchor="middle">{escape(across)}</text>'
    )
    side = top + size * len(names) / 2
    out.append(
        f'<text x="18" y="{side:.0f}" text-anchor="middle" transform="rotate(-90 18 {side:.0f})">{escape(up)}</text>'
    )
    wide = max(len(name) for name in short) * _CHAR > size
    for i, name in enumerate(short):
        x, y = left + size * (i + 0.5), top + size * (i + 0.5)
        shown = name if not wide else name[: max(2, int(size / _CHAR) - 1)] + "…"
        out.append(f'<text class="small" x="{x:.0f}" y="{top - 10}" text-anchor="middle">{escape(shown)}</text>')
        out.append(f'<text class="small" x="{left - 10}" y="{y + 4:.0f}" text-anchor="end">{escape(name)}</text>')
    for i, row in enumerate(counts):
        whole = sum(row) or 1
        for j, count in enumerate(row):
            x, y = left + size * j, top + size * i
            shade = 0.5 * count / whole
            out.append(
                f'<rect class="cell" x="{x + 1}" y="{y + 1}" width="{size - 2}" height="{size - 2}" '
                f'fill-opacity="{0.05 + shade:.3f}"/>'
                f'<text x="{x + size / 2:.0f}" y="{y + size / 2 + 5:.0f}" text-anchor="middle">{count}</text>'
            )
    return document(title, description, out, width, top + size * len(names) + 24)


def document(title: str, description: str, parts: Sequence[str], width: float, height: float) -> str:
    """A whole SVG file: it loads nothing, says in words what it shows, and follows the page's colours."""
    body = "\n  ".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" role="img"\n  aria-labelledby="title desc" font-family="{_FONT}">\n'
        f'  <title id="title">{escape(title)}</title>\n  <desc id="desc">{escape(description)}</desc>\n'
        f"  <style>{_STYLE}\n  </style>\n"
        f'  <rect class="paper" width="{width:.0f}" height="{height:.0f}" rx="6"/>\n  {body}\n</svg>\n'
    )


def _all(series: Series) -> Iterator[float]:
    for values in (series.y, series.low or (), series.high or ()):
        yield from (v for v in values if v is not None)


def _ends(values: Sequence[float], log: bool = False) -> tuple[float, float]:
    low, high = min(values, default=0.0), max(values, default=1.0)
    if log:
        return low / 1.15, high * 1.15
    margin = 0.06 * (high - low) or 0.5
    return low - margin, high + margin


def _ticks(low: float, high: float, *, log: bool = False) -> list[tuple[float, str]]:
    """Round places between the ends, at most eight."""
    if log:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        near = [m * 10.0**p for p in powers for m in (1, 2, 5) if low <= m * 10.0**p <= high]
        return [(v, f"{v:g}") for v in near]
    step = 10.0 ** math.floor(math.log10((high - low) / 4 or 1))
    step *= next(m for m in (1, 2, 5, 10) if (high - low) / (step * m) <= 7)
    first = math.ceil(low / step - 1e-9)
    return [(i * step, f"{round(i * step, 10):g}") for i in range(first, math.floor(high / step + 1e-9) + 1)]


def _legend(named: Sequence[Series], width: int) -> list[list[tuple[float, Series]]]:
    rows: list[list[tuple[float, Series]]] = []
    at = math.inf
    for item in named:
        need = 44 + _CHAR * len(item.name)
        if at + need > width - 8:
            rows.append([])
            at = 16.0
        rows[-1].append((at, item))
        at += need
    return rows


def _swatch(series: Series, x: float, y: float) -> list[str]:
    colour = f"c{series.colour}"
    if series.kind in ("line", "step"):
        return [f'<path class="{colour} line" d="M{x} {y - 4}h22"/>']
    if series.kind == "bars":
        return [f'<rect class="{colour}" x="{x + 4}" y="{y - 10}" width="12" height="12" fill-opacity="0.7"/>']
    return [f'<circle class="{colour}" cx="{x + 11}" cy="{y - 4}" r="4.5"/>']


def _drawn(series: Series, px, py, box: tuple[float, float, float, float]) -> Iterator[str]:  # type: ignore[no-untyped-def]
    colour = f"c{series.colour}"
    points = [(px(x), py(y)) for x, y in zip(series.x, series.y, strict=True)]
    if series.kind == "bars":
        gap = min((b - a for (a, _), (b, _) in pairwise(points)), default=120.0)
        wide = min(64.0, 0.6 * abs(gap))
        for x, y in points:
            yield (
                f'<rect class="{colour}" x="{x - wide / 2:.1f}" y="{min(y, box[3]):.1f}" width="{wide:.1f}" '
                f'height="{abs(box[3] - y):.1f}" fill-opacity="0.7"/>'
            )
    elif series.kind == "band":
        ends = [(x, py(y)) for (x, _), y in zip(points, series.low or (), strict=True) if y is not None]
        ends += [
            (x, py(y)) for (x, _), y in reversed(list(zip(points, series.high or (), strict=True))) if y is not None
        ]
        if ends:
            around = "L".join(f"{x:.1f} {y:.1f}" for x, y in ends)
            yield f'<path class="{colour}" stroke="none" fill-opacity="0.16" stroke-opacity="0" d="M{around}Z"/>'
        return
    elif series.kind in ("line", "step") and points:
        path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
        for x, y in points[1:]:
            path += f"H{x:.1f}V{y:.1f}" if series.kind == "step" else f"L{x:.1f} {y:.1f}"
        yield f'<path class="{colour} line" d="{path}"/>'
    for (x, _), low, high in zip(points, series.low or (), series.high or (), strict=False):
        if low is not None and high is not None:
            whisker = f"M{x:.1f} {py(low):.1f}V{py(high):.1f}m-4 0h8M{x - 4:.1f} {py(low):.1f}h8"
            yield f'<path class="{colour} thin" d="{whisker}"/>'
    if series.kind == "dots":
        for x, y in points:
            yield f'<circle class="{colour}" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'
