"""What a sweep found: train and validation score at each value of one parameter, with seconds and size beside them."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from truing.space.configuration import format_value
from truing.statistics.names import spoken
from truing.verdict.wording import difference_in_words, figure, number, places, places_of_difference, signed

WIDTH = 80
_LONGEST = 14  # of a value in the table


@dataclass(frozen=True)
class Point:
    """One value of the parameter.

    Args:
        value: it; of a Choice of objects the label.
        score: mean validation score over the replicates; None where a run failed.
        interval: of that score: value, low, high (95 %), method, reason.
        difference: score less that of the value held elsewhere, the same rows and seeds on both sides; the intervals of
            all values hold together with 95 % (Bonferroni). None for that value itself.
        train: mean score on the training rows; None where the function neither reports it nor returns predict.
        seconds: mean seconds of a run.
        parameters: of the network, where the function reports them.
        apart: can it be told from the best? Of all pairs together with 95 % (Bonferroni), so that it may be asked of
            whichever turned out best. None = there is no telling.
        reason: why there is no score.
    """

    value: Any
    score: float | None
    interval: Mapping[str, Any] | None
    difference: Mapping[str, Any] | None
    train: float | None
    seconds: float | None
    parameters: float | None
    apart: bool | None
    reason: str | None = None


@dataclass(frozen=True)
class Sweep:
    """Train and validation score over one parameter, the others held. `print` it.

    Args:
        study: its name.
        parameter: what varies.
        metric, goal: what it is judged by.
        protocol: the study's validation, in words.
        held: where the other parameters are, in words; `at` has the values.
        points: one a value, in order.
        reference: place of the value that the configuration held elsewhere has.
        best: place of the best score; None where nothing completed.
        runs: how many it rests on.

    >>> points = tuple(Point(v, s, None, None, None, 1.0, None, None) for v, s in ((1, 0.5), (3, 0.2)))
    >>> found = Sweep("digits", "kernel_size", "log_loss", "min", "5-fold", "the defaults", {}, points, 0, 1, 10)
    >>> found.sentence
    'kernel_size 3 has the best log loss of 2 values, 0.200; without intervals nothing says how surely.'
    """

    study: str
    parameter: str
    metric: str
    goal: str
    protocol: str
    held: str
    at: Mapping[str, Any]
    points: tuple[Point, ...]
    reference: int
    best: int | None
    runs: int

    @property
    def sentence(self) -> str:
        """What is seen."""
        name = self.parameter
        if self.best is None:
            return f"No value of {name} gave a score: {self.points[0].reason}."
        scored = [point for point in self.points if point.score is not None]
        best = self.points[self.best]
        if len(scored) == 1:
            value = figure(self.metric, best.score, places(best.score or 0.0))
            return f"{name} {format_value(best.value)} alone gave a score, {spoken(self.metric)} {value}."
        text = f"{name} {format_value(best.value)} has the best {spoken(self.metric)} of {len(scored)} values, "
        text += figure(self.metric, best.score, places(best.score or 0.0))
        others = [point for point in scored if point is not best]
        close = [format_value(point.value) for point in others if point.apart is False]
        if any(point.apart is None for point in others):
            return f"{text}; without intervals nothing says how surely."
        if not close:
            return f"{text}; all others are worse beyond chance."
        listed = (
            "no other"
            if len(close) == len(others)
            else (", ".join(close[:-1]) + " and " + close[-1] if len(close) > 1 else close[0])
        )
        return (
            f"{text}; {listed} can be told from it."
            if listed == "no other"
            else f"{text}; {listed} cannot be told from it."
        )

    @property
    def against(self) -> str:
        """The best against the value held elsewhere, in a sentence; empty where that is the best."""
        if self.best is None or self.best == self.reference:
            return ""
        best, held = self.points[self.best], self.points[self.reference]
        if best.difference is None or held.score is None:
            return ""
        told = difference_in_words(self.metric, best.difference, best.score, held.score)
        return f"Against {format_value(held.value)}, as in {self.held}: {told}."

    def table(self) -> list[dict[str, Any]]:
        """A dict a value: value, train, score, low, high (95 %), difference and its ends, seconds, parameters."""
        rows = []
        for point in self.points:
            own, other = point.interval or {}, point.difference or {}
            ends = {"low": own.get("low"), "high": own.get("high")}
            beside = {f"difference_{key}": other.get(key) for key in ("low", "high")}
            rows.append(
                {"value": point.value, "train": point.train, "score": point.score, **ends}
                | {"difference": other.get("value"), **beside, "apart": point.apart}
                | {"seconds": point.seconds, "parameters": point.parameters, "reason": point.reason}
            )
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        found = asdict(self)
        return found | {"points": [asdict(point) for point in self.points], "sentence": self.sentence}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Sweep:
        """Of what `to_dict` gave; what else is in it is left out."""
        names = tuple(name for name in cls.__dataclass_fields__ if name != "points")
        return cls(points=tuple(Point(**point) for point in given["points"]), **{name: given[name] for name in names})

    @property
    def text(self) -> str:
        """For a terminal of 80 columns."""
        title = (
            f"Sweep of {self.parameter} in {self.study}: the others at {self.held}, {self.protocol}, {self.runs} runs"
        )
        lines = [*textwrap.wrap(title, WIDTH), "", *self._rows(), ""]
        lines += [line for said in self.said() for line in textwrap.wrap(said, WIDTH)]
        return "\n".join(lines)

    def said(self) -> list[str]:
        """What is seen, and how to take it."""
        failed = [point for point in self.points if point.reason]
        lost = [f"{self.parameter} {format_value(point.value)} gave no score: {point.reason}." for point in failed]
        notes = [
            f"Others were held at {self.held}: elsewhere another value may be best. The best of several values is "
            "partly lucky; a verdict takes that out.",
        ]
        if any(point.difference is not None and point.difference.get("low") is not None for point in self.points):
            notes.insert(0, "The differences hold together with 95 % (Bonferroni); the scores' intervals are for each.")
        return [one for one in (self.sentence, self.against, *lost, *notes) if one]

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Sweep({self.sentence!r})"

    def _repr_html_(self) -> str:
        style = "color: inherit; background: transparent; line-height: 1.35; overflow-x: auto"
        return f'<pre style="{style}">{html.escape(self.text)}</pre>'

    def _rows(self) -> list[str]:
        decimals = min(6, max((places(point.score) for point in self.points if point.score is not None), default=3))
        found = [
            point.difference for point in self.points if point.difference and point.difference["value"] is not None
        ]
        far = max((places_of_difference(one) for one in found), default=decimals)
        far = min(far, decimals + 1)
        held = _clip(format_value(self.points[self.reference].value))
        heads = [
            self.parameter[:_LONGEST],
            "train",
            f"{self.metric} [95 %]"[:24],
            f"less that of {held}",
            "s/run",
            "size",
        ]
        rows = []
        for place, point in enumerate(self.points):
            mark = "*" if place == self.best else " "
            rows.append(
                [
                    mark + _clip(format_value(point.value)),
                    number(point.train, decimals) if point.train is not None else "",
                    _with_ends(point.score, point.interval, decimals, number) if point.score is not None else "failed",
                    _with_ends(point.difference["value"], point.difference, far, signed) if point.difference else "",
                    f"{point.seconds:.3g}" if point.seconds is not None else "",
                    short(point.parameters),
                ]
            )
        used = [column for column in range(6) if any(row[column] for row in rows)]
        heads[0] = f" {heads[0]}"
        wide = [max(len(line[column]) for line in [heads, *rows]) for column in range(6)]
        return [
            "  ".join(f"{line[c]:<{wide[c]}}" if c in (0, 2, 3) else f"{line[c]:>{wide[c]}}" for c in used).rstrip()
            for line in [heads, *rows]
        ] + ["* best"]


def _with_ends(value: float | None, found: Mapping[str, Any] | None, decimals: int, words: Any) -> str:
    text: str = words(value, decimals)
    if not found or found.get("low") is None:
        return text
    return f"{text} [{words(found['low'], decimals)}, {words(found['high'], decimals)}]"


def short(count: float | None) -> str:
    """A number of parameters in few characters.

    >>> short(950.0), short(12_345.0), short(7_300_000.0), short(None)
    ('950', '12.3k', '7.3M', '')
    """
    if count is None:
        return ""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.3g}{letter}"
    return f"{count:.0f}"


def _clip(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def of_history(notes: Sequence[Mapping[str, Any]]) -> list[Sweep]:
    """The last sweep of each parameter, in the order in which they were first made."""
    last: dict[str, Mapping[str, Any]] = {}
    for one in notes:
        last[one["parameter"]] = one
    return [Sweep.from_dict(one) for one in last.values()]
