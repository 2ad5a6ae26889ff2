"""Isolation: the best over all other parameters at each value of one, at equally many tries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from truing.record.history import History
from truing.report.columns import clip, many, plain
from truing.report.effects import Cell, Effect
from truing.report.figures import BLUE, GREY, ORANGE, Drawing, along, escaped, lay_out, logarithmic, scale, span
from truing.report.seen import Seen
from truing.space.configuration import format_value
from truing.statistics.equal_tries import BestOf, best_of, tries_for
from truing.verdict.mattered import WHOLE

ENOUGH = 9  # trials in a bin, for three tries
FEWEST = 3  # trials at a value, below which nothing is said of it


@dataclass(frozen=True)
class Isolated:
    """One value, or bin of values, of a parameter.

    Args:
        label: the value, or "low to high".
        centre: where to draw it.
        best: the trial with the best score there, and its score.
        of: the expected best of equally many tries.
    """

    label: str
    centre: float
    best: tuple[int, float]
    of: BestOf


def wider(effect: Effect) -> Sequence[Cell]:
    """The values of a parameter; neighbouring bins are put together until each has nine trials, for three tries."""
    if effect.kind != "bins":
        return effect.cells
    groups: list[list[Cell]] = []
    for cell in effect.cells:
        if groups and sum(one.n for one in groups[-1]) < ENOUGH:
            groups[-1].append(cell)
        else:
            groups.append([cell])
    if len(groups) > 1 and sum(one.n for one in groups[-1]) < ENOUGH:
        last = groups.pop()
        groups[-1] += last
    if len(groups) < 2:  # one value compares with nothing
        return effect.cells
    return [_together(group, effect.log) for group in groups]


def _together(group: Sequence[Cell], log: bool) -> Cell:
    if len(group) == 1:
        return group[0]
    n, first, last = sum(one.n for one in group), group[0], group[-1]
    centres = np.array([one.centre for one in group])
    weights = np.array([one.n for one in group]) / n
    centre = float(np.exp(weights @ np.log(centres)) if log else weights @ centres)
    label = f"{format_value(first.low)} to {format_value(last.high)}"
    mean = float(weights @ np.array([one.mean for one in group]))
    trials = tuple(number for one in group for number in one.trials)
    return Cell(label, first.low, last.high, centre, trials, n, mean, None, None)


def isolate(effect: Effect, history: History) -> tuple[list[Isolated], list[str]]:
    """What each value reaches with the other parameters tuned, and the labels of those with fewer than 3 trials."""
    cells = wider(effect)
    kept = [cell for cell in cells if cell.n >= FEWEST]
    few = [cell.label for cell in cells if cell.n < FEWEST]
    if not kept:
        return [], few
    tries, found = tries_for([cell.n for cell in kept]), []
    rng = np.random.default_rng([history.seed, len(history)])
    sign = 1.0 if history.goal == "min" else -1.0
    for cell in kept:
        scores = {n: float(history.trial(n).value or 0.0) for n in cell.trials}
        first = min(scores, key=lambda n: (sign * scores[n], n))
        of = best_of(np.array(list(scores.values())), tries, history.goal, rng)
        found.append(Isolated(cell.label, cell.centre, (first, scores[first]), of))
    return found, few


def isolation(seen: Seen, parameter: str | None = None) -> Drawing | str:
    """The figure; without a parameter that of the scientific one that made most of the variance."""
    import plotly.graph_objects as go

    name = parameter if parameter is not None else next(iter(scientific(seen)), None)
    if name is None:
        return "No parameter varied, so there is none to isolate."
    effect = next(one for one in seen.effects if one.parameter == name)
    found, few = isolate(effect, seen.history)
    called = clip(plain(name), 40)
    if not found:
        return f"{called}: no value of it has {FEWEST} completed trials, too few to isolate it."
    metric, history = plain(seen.metric), seen.history
    ends = [end for one in found for end in (one.of.low, one.of.high, one.of.value, one.best[1]) if end is not None]
    log = logarithmic(ends)
    low, high = span(ends, log)
    figure = go.Figure()
    figure.add_scatter(
        x=[one.centre for one in found],
        y=[one.best[1] for one in found],
        mode="markers",
        name="best trial",
        marker={"color": GREY, "size": 8, "symbol": "diamond-open"},
        customdata=[one.best[0] for one in found],
        hovertemplate="trial %{customdata}<br>%{y:.4g}<extra></extra>",
    )
    tries = found[0].of.tries
    word = "mean of all, 95 % interval" if tries == 1 else f"best of {tries}, 95 % interval"
    figure.add_scatter(
        x=[one.centre for one in found],
        y=[one.of.value for one in found],
        mode="markers" if effect.kind == "choice" else "lines+markers",
        name=word,
        marker={"color": BLUE, "size": 10},
        line={"color": BLUE, "width": 1.5},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [0.0 if one.of.high is None else one.of.high - one.of.value for one in found],
            "arrayminus": [0.0 if one.of.low is None else one.of.value - one.of.low for one in found],
            "color": BLUE,
            "thickness": 2,
            "width": 5,
        },
        customdata=[[escaped(plain(one.label)), one.of.n] for one in found],
        hovertemplate="%{customdata[0]}<br>%{y:.4g}, %{customdata[1]} trials<extra></extra>",
    )
    order = sorted(found, key=lambda one: one.of.value if history.goal == "min" else -one.of.value)
    first = order[0]
    figure.add_scatter(
        x=[first.centre],
        y=[first.of.value],
        mode="markers",
        showlegend=False,
        hoverinfo="skip",
        marker={"color": ORANGE, "size": 10},
    )
    what = f"the mean {metric}" if tries == 1 else f"the best of {tries} tries"
    title = _title(called, what, order, seen)
    better = "lower" if history.goal == "min" else "higher"
    lay_out(
        figure, title, x=called + (" (log scale)" if effect.log else ""), y=f"{clip(metric, 40)} ({better} is better)"
    )
    scale(figure, log, low, high)
    along(figure, effect)
    return Drawing(title, figure, f"{title} {_words(found, few, seen)}")


def _title(called: str, what: str, order: list[Isolated], seen: Seen) -> str:
    region = "" if seen.importance.region == WHOLE else f", {seen.importance.region}"
    first = order[0]
    here = f"{clip(plain(first.label), 30)} ({format_value(first.of.value)})"
    if len(order) == 1:
        return f"{called}: {what} over the other parameters, at its only value with enough trials, {here}{region}."
    last = order[-1]
    there = f"{clip(plain(last.label), 30)} ({format_value(last.of.value)})"
    apart = first.of, last.of
    ends = [(one.low, one.high) for one in apart if one.low is not None and one.high is not None]
    overlap = len(ends) == 2 and max(low for low, _ in ends) <= min(high for _, high in ends)
    unsure = "; their intervals overlap" if overlap else ""
    return f"{called}: over the other parameters, {what} is best at {here} and worst at {there}{region}{unsure}."


def _words(found: list[Isolated], few: list[str], seen: Seen) -> str:
    listed = "; ".join(
        f"{plain(one.label)} {format_value(one.of.value)}"
        + ("" if one.of.low is None else f" [{format_value(one.of.low)}, {format_value(one.of.high)}]")
        + f", its best trial {one.best[0]} {format_value(one.best[1])}, n = {one.of.n}"
        for one in found
    )
    tries = found[0].of.tries
    words = [
        f"Expected best of {many(tries, 'trial')} drawn from those at each value, so that one tried more often has no "
        f"advantage, with 95 % intervals over trials: {listed}. The luck of so few tries is in every one alike."
    ]
    if few:
        words.append(f"Left out with fewer than {FEWEST} trials: {', '.join(map(plain, few))}.")
    failed = sum(trial.state == "failed" for trial in seen.history.trials)
    if failed:
        words.append(f"{many(failed, 'failed trial')} {'is' if failed == 1 else 'are'} missing at every value.")
    if seen.importance.region != WHOLE:
        words.append("An adaptive search tuned the other parameters more where scores were good.")
    return " ".join(words)


def scientific(seen: Seen, most: int = 4) -> list[str]:
    """The parameters to isolate on a page: varied and scientific, or all where none is, those that mattered first."""
    varied: dict[str, Any] = {one.parameter: one for one in seen.effects if one.varied}
    asked = [name for name in varied if seen.history.space[name].role == "scientific"]
    return [name for name in seen.by_weight() if name in (asked or varied)][:most]
