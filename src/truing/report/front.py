"""Score against cost: seconds of a run, or parameters of the network, with the front that no trial beats in both."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from truing.record.history import History
from truing.record.state import State
from truing.record.trial import RunRecord, Trial
from truing.report.columns import clip, plain
from truing.report.figures import BLUE, GREY, ORANGE, Drawing, lay_out, logarithmic, scale, span
from truing.report.seen import Seen
from truing.space.configuration import format_value
from truing.statistics.front import front

SECONDS, PARAMETERS = "seconds", "parameters"
_UNIT = {SECONDS: "seconds of training a run", PARAMETERS: "parameters of the network"}
_DRAWN = 2000


@dataclass(frozen=True)
class Front:
    """Trials by what they cost.

    Args:
        by: "seconds" or "parameters".
        costs: trial -> median over its completed search runs.
        scores: trial -> its value.
        trials: numbers of those on the front, the cheapest first; the last is the best of all.
        enough: the cheapest on the front within one standard error of the best; None where that is the best itself, or
            the best has no standard error.
        apart: how much cheaper that is, its cost over the best's.
    """

    by: str
    costs: Mapping[int, float]
    scores: Mapping[int, float]
    trials: tuple[int, ...]
    enough: int | None
    apart: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "by": self.by,
            "front": [{"trial": n, "cost": self.costs[n], "value": self.scores[n]} for n in self.trials],
            "within_one_se": self.enough,
            "share_of_cost": self.apart,
        }

    def sentence(self, metric: str) -> str:
        """What it says."""
        best = self.trials[-1]
        if self.enough is not None and self.apart is not None:
            return (
                f"Trial {self.enough} is within one standard error of the best {plain(metric)} (trial {best}) "
                f"at {share(self.apart)} of its {self.by}."
            )
        cheap = self.trials[0]
        if cheap == best:
            value = format_value(self.scores[best])
            return f"Trial {best} has the best {plain(metric)} ({value}) and the fewest {self.by}."
        return (
            f"The best {plain(metric)} ({format_value(self.scores[best])}, trial {best}) takes "
            f"{amount(self.by, self.costs[best])}; trial {cheap} takes {amount(self.by, self.costs[cheap])} "
            f"for {format_value(self.scores[cheap])}."
        )


def front_of(history: History, by: str) -> Front | None:
    """The front of the completed trials; None with fewer than two whose cost is known."""
    costs, scores = {}, {}
    for trial in history.completed:
        cost, value = cost_of(history, trial, by), trial.value
        if cost is not None and value is not None and math.isfinite(value):
            costs[trial.number], scores[trial.number] = cost, float(value)
    if len(costs) < 2:
        return None
    numbers = list(costs)
    kept = front(np.array([costs[n] for n in numbers]), np.array([scores[n] for n in numbers]), history.goal)
    trials = tuple(numbers[place] for place in kept)
    best, enough = history.trial(trials[-1]), None
    if best.se is not None and math.isfinite(best.se):
        near = [n for n in trials[:-1] if abs(scores[n] - scores[best.number]) <= best.se]
        enough = next((n for n in near if costs[n] <= 0.9 * costs[best.number]), None)  # less is not worth a sentence
    apart = None if enough is None else costs[enough] / costs[best.number]
    return Front(by, costs, scores, trials, enough, apart)


def cost_of(history: History, trial: Trial, by: str) -> float | None:
    """The median over a trial's completed search runs; None where none says it."""
    runs = [history.runs[number] for number in trial.runs]
    found = [_of(run, by) for run in runs if run.state is State.COMPLETED]
    known = [cost for cost in found if cost is not None and math.isfinite(cost) and cost > 0]
    return float(np.median(known)) if known else None


def _of(run: RunRecord, by: str) -> float | None:
    return run.seconds if by == SECONDS else run.scores.get("parameters")


def share(of: float) -> str:
    """A share of a cost, in words.

    >>> share(0.5), share(0.214), share(0.004)
    ('50 %', '21 %', '0.4 %')
    """
    return f"{100 * of:.0f} %" if of >= 0.01 else f"{100 * of:.1g} %"


def amount(by: str, cost: float) -> str:
    """A cost with its unit.

    >>> amount("seconds", 1.234), amount("parameters", 12345.0)
    ('1.2 s a run', '12,345 parameters')
    """
    return (
        f"{cost:.2g} s a run"
        if by == SECONDS and cost < 100
        else (f"{cost:,.0f} s a run" if by == SECONDS else f"{cost:,.0f} parameters")
    )


def by_seconds(seen: Seen) -> Drawing | str:
    found = front_of(seen.history, SECONDS)
    return "Fewer than two completed trials took a known time." if found is None else _drawn(found, seen)


def by_parameters(seen: Seen) -> Drawing | str:
    found = front_of(seen.history, PARAMETERS)
    if found is None:
        return (
            "Fewer than two trials said how many parameters their network has: run.report(..., parameters=n) says it."
        )
    if len(set(found.costs.values())) == 1:
        return f"Every network has {amount(PARAMETERS, next(iter(found.costs.values())))}, so there is no front."
    return _drawn(found, seen)


def _drawn(found: Front, seen: Seen) -> Drawing:
    import plotly.graph_objects as go

    history, metric = seen.history, plain(seen.metric)
    log = logarithmic(list(found.scores.values()))
    low, high = span(list(found.scores.values()), log)
    log_cost = max(found.costs.values()) / min(found.costs.values()) > 10
    left, right = span(list(found.costs.values()), log_cost)
    figure = go.Figure()
    every = math.ceil(len(found.costs) / _DRAWN)
    others = [n for n in found.costs if n not in found.trials][::every]
    hover = "trial %{customdata}<br>%{x:.3g} " + found.by + "<br>%{y:.4g}<extra></extra>"
    common = {"mode": "markers", "hovertemplate": hover}
    if others:
        figure.add_scatter(
            **common,
            x=[found.costs[n] for n in others],
            y=[found.scores[n] for n in others],
            customdata=others,
            name="trial",
            marker={"color": GREY, "size": 7, "opacity": 0.55},
        )
    # from the cheapest up: at each cost the best that it buys
    edge = high if history.goal == "min" else low
    figure.add_scatter(
        x=[found.costs[found.trials[0]], *(found.costs[n] for n in found.trials), right],
        y=[edge, *(found.scores[n] for n in found.trials), found.scores[found.trials[-1]]],
        mode="lines",
        name="front",
        line={"color": BLUE, "width": 2, "shape": "hv"},
        hoverinfo="skip",
    )
    figure.add_scatter(
        **common,
        x=[found.costs[n] for n in found.trials],
        y=[found.scores[n] for n in found.trials],
        customdata=list(found.trials),
        showlegend=False,
        marker={"color": BLUE, "size": 9},
    )
    if found.enough is not None:
        figure.add_scatter(
            **common,
            x=[found.costs[found.enough]],
            y=[found.scores[found.enough]],
            customdata=[found.enough],
            name="within 1 SE",
            marker={"color": ORANGE, "size": 13, "symbol": "circle-open", "line": {"width": 3}},
        )
    title = found.sentence(metric)
    better = "lower" if history.goal == "min" else "higher"
    lay_out(
        figure,
        title,
        x=_UNIT[found.by] + (" (log scale)" if log_cost else ""),
        y=f"{clip(metric, 40)} ({better} is better)",
    )
    scale(figure, log, low, high)
    if log_cost:
        wide = right / left > 100
        figure.update_xaxes(
            type="log",
            range=[math.log10(left), math.log10(right)],
            tickformat="~s" if found.by == PARAMETERS else "~g",
            dtick=1 if wide else "D2",
        )
    else:
        figure.update_xaxes(range=[left, right], tickformat="~s" if found.by == PARAMETERS else "~g", nticks=6)
    shown = found.trials if len(found.trials) <= 8 else (*found.trials[:4], *found.trials[-4:])
    listed = "; ".join(
        f"trial {n}: {format_value(found.scores[n])} at {amount(found.by, found.costs[n])}" for n in shown
    )
    text = (
        f"{title} The front, which no trial beats in both, has {len(found.trials)} of {len(found.costs)} trials, the "
        f"cheapest first{'' if shown == found.trials else ', four from each end'}: {listed}. Scores are those of the "
        f"search, luck included."
    )
    return Drawing(title, figure, text)
