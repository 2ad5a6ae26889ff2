"""The effect of each parameter: the mean score of the trials at each of its values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from truing.record.history import History
from truing.record.trial import Trial
from truing.space.configuration import format_value
from truing.space.parameter import Choice, Int

MOST = 8  # values or bins of one parameter
FEWEST = 4  # trials in a bin: an interval from fewer says little
LEVEL = 0.95
CAVEAT = "Each point is the average over whatever else varied: association in this search, not proof of a cause."


@dataclass(frozen=True)
class Cell:
    """The trials at one value of a parameter, or in one bin of it.

    Args:
        label: the value, or "low to high" of the bin.
        low, high: the smallest and largest value in it; both the value itself where it is one value.
        centre: where to draw it: the mean on the parameter's scale; for a choice its place in the list.
        trials: numbers of the trials in it.
        n: how many these are.
        mean: mean of the trials' values, in the metric's unit.
        lower, upper: ends of the 95 % t interval of that mean, the trial as the unit; None with n < 2.
    """

    label: str
    low: Any
    high: Any
    centre: float
    trials: tuple[int, ...]
    n: int
    mean: float
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Effect:
    """What the completed trials say about one parameter.

    Args:
        parameter: its name.
        kind: "choice" (options without an order), "ordered" (options on a line), "values" (each value apart) or
            "bins".
        log: whether its scale is logarithmic.
        cells: in the order of the values; without empty ones.
        inactive: completed trials in which the parameter was not active; they are in no cell.
    """

    parameter: str
    kind: str
    log: bool
    cells: tuple[Cell, ...]
    inactive: int

    @property
    def varied(self) -> bool:
        """True when there are at least two cells to compare."""
        return len(self.cells) > 1

    def best(self, goal: str) -> Cell:
        """The cell with the best mean."""
        return min(self.cells, key=lambda cell: -cell.mean if goal == "max" else cell.mean)

    def worst(self, goal: str) -> Cell:
        """The cell with the worst mean."""
        return max(self.cells, key=lambda cell: -cell.mean if goal == "max" else cell.mean)


def effects(history: History) -> list[Effect]:
    """One effect a parameter, in the order of the space; from completed trials only.

    A choice, an `Int` with at most 8 values in its range, and any parameter of which at most 8 values were
    tried (each twice on average) gets one cell a value. Any other is cut into up to 8 bins of equally many
    trials, at least 4 in each; equal values are never parted. A cell has the mean of its trials' values
    and, from two trials on, mean ± t(n-1) s / sqrt(n) (Student 1908): a description of this search. It
    takes the trials of a cell as a sample, so in an adaptive search it is narrower than what a repeated
    search would show.
    """
    done = history.completed
    return [_effect(name, parameter, done) for name, parameter in history.space.items()]


def interval(values: Sequence[float], level: float = LEVEL) -> tuple[float, float] | None:
    """mean ± t(n-1) s / sqrt(n); None with fewer than two values.

    >>> low, high = interval([1.0, 2.0, 3.0])
    >>> round(low, 3), round(high, 3)
    (-0.484, 4.484)
    """
    if len(values) < 2:
        return None
    from scipy.special import stdtrit

    array = np.asarray(values, dtype=float)
    half = float(stdtrit(len(array) - 1, 0.5 + level / 2) * array.std(ddof=1) / math.sqrt(len(array)))
    mean = float(array.mean())
    return mean - half, mean + half


def bins(values: Sequence[float], *, most: int = MOST, fewest: int = FEWEST) -> list[list[int]]:
    """Positions of `values` in up to `most` bins of about equally many, from the lowest values up.

    Equal values share a bin, so bins can be larger, and fewer, than asked for.

    >>> bins([5.0, 1.0, 2.0, 1.0, 9.0, 8.0], fewest=2)
    [[1, 3], [2, 0], [5, 4]]
    """
    order = sorted(range(len(values)), key=lambda i: (values[i], i))
    count = max(1, min(most, len(order) // fewest))
    parts: list[list[int]] = []
    for part in np.array_split(np.arange(len(order)), count):
        fresh = [order[i] for i in part]
        while parts and fresh and values[fresh[0]] == values[parts[-1][-1]]:
            parts[-1].append(fresh.pop(0))
        if fresh:
            parts.append(fresh)
    return parts


def _effect(name: str, parameter: Any, done: Sequence[Trial]) -> Effect:
    active = [trial for trial in done if name in trial.config]
    inactive = len(done) - len(active)
    if isinstance(parameter, Choice):
        cells = []
        for place, option in enumerate(parameter.options):
            group = [trial for trial in active if trial.config[name] == option]
            if group:
                cells.append(_cell(format_value(option), option, option, float(place), group))
        return Effect(name, "ordered" if parameter.ordered else "choice", False, tuple(cells), inactive)
    log = bool(parameter.log)
    tried = sorted({trial.config[name] for trial in active})
    few = len(tried) <= MOST and 2 * len(tried) <= len(active)
    if few or (isinstance(parameter, Int) and len(tried) <= MOST and _size(parameter) <= MOST):
        cells = [
            _cell(
                format_value(value),
                value,
                value,
                float(value),
                [t for t in active if t.config[name] == value],
            )
            for value in tried
        ]
        return Effect(name, "values", log, tuple(cells), inactive)
    cells = []
    for positions in bins([float(trial.config[name]) for trial in active]):
        group = [active[i] for i in positions]
        inside = [trial.config[name] for trial in group]
        low, high = min(inside), max(inside)
        label = format_value(low) if low == high else f"{format_value(low)} to {format_value(high)}"
        cells.append(_cell(label, low, high, _centre(inside, log), group))
    return Effect(name, "bins", log, tuple(cells), inactive)


def _cell(label: str, low: Any, high: Any, centre: float, group: Sequence[Trial]) -> Cell:
    values = [float(trial.value) for trial in group if trial.value is not None]
    ends = interval(values)
    return Cell(
        label=label,
        low=low,
        high=high,
        centre=centre,
        trials=tuple(trial.number for trial in group),
        n=len(values),
        mean=float(np.mean(values)),
        lower=None if ends is None else ends[0],
        upper=None if ends is None else ends[1],
    )


def _centre(values: Sequence[float], log: bool) -> float:
    array = np.asarray(values, dtype=float)
    return float(np.exp(np.log(array).mean())) if log else float(array.mean())


def _size(parameter: Int) -> int:
    return (parameter.high - parameter.low) // (parameter.step or 1) + 1
