"""The figure of honesty: how far figures are from the truth, and how often intervals hold it. SVG by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

WIDE, HIGH, LEFT, ROW = 900, 26, 300, 22
BLUE, ORANGE, GREY, DARK = "#2563a8", "#d9822b", "#b8bec6", "#24292f"


def drawn(figures: Mapping[str, Any], bands: Sequence[str]) -> str:
    """Two panels beside their names: bias in points with twice the standard error, and coverage in per cent."""
    places = ("all", *bands, "signal-free", "adaptive")
    biases = [("corrected figure", "bias", BLUE), ("best observed", "bias_best_observed", ORANGE)]
    covers = [
        ("locked test, delivered", "coverage_delivered", BLUE),
        ("difference, fresh runs", "coverage_difference", ORANGE),
        ("difference, locked rows", "coverage_locked_difference", DARK),
    ]
    first = list(_panel(figures, places, biases, 40, "figure - truth, points of accuracy", 100, (-0.5, 0.5)))
    below = 40 + HIGH + ROW * len(places) + 70
    second = list(_panel(figures, places, covers, below, "coverage of 95 % intervals, %", 100, (93, 100)))
    high = below + HIGH + ROW * len(places) + 60
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {high}" '
            'font-family="sans-serif" font-size="13">',
            f'<rect width="{WIDE}" height="{high}" fill="#ffffff"/>',
            *first,
            *second,
            "</svg>\n",
        ]
    )


def _panel(
    figures: Mapping[str, Any],
    places: Sequence[str],
    series: Sequence[tuple[str, str, str]],
    top: int,
    title: str,
    factor: float,
    promised: tuple[float, float],
) -> Iterator[str]:
    found = {
        (name, place): (factor * own["value"], factor * own["se"])
        for _, name, _ in series
        for place in places
        if (own := figures[name][place]) and own["se"] == own["se"]
    }
    ends = [v + s * 2 * e for v, e in found.values() for s in (-1, 1)] + list(promised)
    low, high = min(ends), min(max(ends), 100.0 if promised[1] == 100 else max(ends))
    margin = 0.04 * (high - low)

    def x(value: float) -> float:
        return LEFT + (WIDE - LEFT - 40) * (value - low + margin) / (high - low + 2 * margin)

    bottom = top + HIGH + ROW * len(places)
    yield f'<text x="{LEFT}" y="{top - 14}" font-weight="bold" fill="{DARK}">{escape(title)}</text>'
    left, right = x(promised[0]), x(min(promised[1], high))
    size = f'width="{right - left:.1f}" height="{bottom - top}"'
    yield f'<rect x="{left:.1f}" y="{top}" {size} fill="{GREY}" opacity="0.35"/>'
    yield f'<text x="{left + 4:.1f}" y="{top + 13}" fill="{DARK}" font-size="11">promised over all</text>'
    for tick in _ticks(low, high):
        yield _line(x(tick), x(tick), top, bottom, GREY)
        yield f'<text x="{x(tick):.1f}" y="{bottom + 16}" text-anchor="middle" fill="{DARK}">{tick:g}</text>'
    for row, place in enumerate(places):
        middle = top + HIGH + ROW * row + ROW / 2
        yield f'<text x="{LEFT - 12}" y="{middle + 4}" text-anchor="end" fill="{DARK}">{escape(_named(place))}</text>'
        for number, (_, name, colour) in enumerate(series):
            if (name, place) not in found:
                continue
            value, se = found[(name, place)]
            y = middle + 6 * (number - (len(series) - 1) / 2)
            yield _line(x(value - 2 * se), x(min(value + 2 * se, high)), y, y, colour)
            yield f'<circle cx="{x(value):.1f}" cy="{y}" r="3.4" fill="{colour}"/>'
    for number, (label, _, colour) in enumerate(series):
        at = LEFT + 190 * number
        yield f'<circle cx="{at}" cy="{bottom + 33}" r="4" fill="{colour}"/>'
        yield f'<text x="{at + 10}" y="{bottom + 37}" fill="{DARK}">{escape(label)}</text>'


def _line(x1: float, x2: float, y1: float, y2: float, colour: str) -> str:
    return f'<line x1="{x1:.1f}" x2="{x2:.1f}" y1="{y1}" y2="{y2}" stroke="{colour}"/>'


def _named(place: str) -> str:
    return f"{place} rows" if place[0].isdigit() else "all studies" if place == "all" else place


def _ticks(low: float, high: float) -> list[float]:
    step = next(s for s in (0.5, 1, 2, 5, 10, 20, 50) if (high - low) / s <= 9)
    first = int(low // step)
    return [step * i for i in range(first, first + 40) if low <= step * i <= high]
