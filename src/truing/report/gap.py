"""Which parameter goes with the gap between training and validation score."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from truing.record.history import History
from truing.record.state import State
from truing.record.trial import Trial
from truing.report.columns import clip, many, plain
from truing.report.effects import Effect
from truing.report.figures import BLUE, DOTS, ORANGE, Drawing, along, lay_out
from truing.report.front import PARAMETERS, front_of
from truing.report.seen import Seen
from truing.space.configuration import format_value
from truing.space.parameter import Choice
from truing.statistics.rank_correlation import RankCorrelation, rank_correlation

SIZE = "size of the network"


@dataclass(frozen=True)
class Gaps:
    """The gaps of a study's trials, and what goes with them.

    Args:
        of: trial -> mean gap of its runs: positive where validation is worse than training, in the metric's unit.
        by: parameter, or "size of the network" -> Spearman's correlation with the gap, the strongest first; parameters
            without an order are not here. The intervals hold together for all of them (Bonferroni).
    """

    of: Mapping[int, float]
    by: Mapping[str, RankCorrelation]

    @property
    def first(self) -> str | None:
        """The strongest whose interval leaves out 0."""
        return next((name for name, one in self.by.items() if one.clear), None)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "trials": len(self.of),
            "median": float(np.median(list(self.of.values()))),
            "correlations": [
                {"parameter": name, "spearman": one.value, "low": one.low, "high": one.high, "trials": one.n}
                for name, one in self.by.items()
            ],
        }

    def sentence(self) -> str:
        """What goes with the gap."""
        name = self.first
        if name is None:
            return "No parameter is shown to go with the gap between training and validation."
        one = self.by[name]
        more = "larger" if one.value > 0 else "smaller"
        return (
            f"The gap between training and validation is {more} where {clip(plain(name), 40)} is larger "
            f"(Spearman {one.value:+.2f} [{one.low:+.2f}, {one.high:+.2f}]); an association, no proof of a cause."
        )


def gap(history: History, trial: Trial) -> float | None:
    """The mean over a trial's completed search runs of what the end of the run loses from training to validation rows.

    At the last epoch that reported both; positive where validation is worse. None where no run reported both.
    """
    sign, found = 1.0 if history.goal == "min" else -1.0, []
    for number in trial.runs:
        run = history.runs[number]
        if run.state is not State.COMPLETED:
            continue
        train = {int(e): v for e, v in run.details.get("train_curve", ()) if v is not None and math.isfinite(v)}
        both = [(int(e), v) for e, v in run.curve if int(e) in train and v is not None and math.isfinite(v)]
        if both:
            epoch, value = both[-1]
            found.append(sign * (float(value) - float(train[epoch])))
    return float(np.mean(found)) if found else None


def gaps(history: History) -> Gaps | None:
    """The gaps of all completed trials; None where fewer than two runs reported training scores."""
    known = ((trial.number, gap(history, trial)) for trial in history.completed)
    of = {number: value for number, value in known if value is not None}
    if len(of) < 2:
        return None
    ranks: dict[str, dict[int, float]] = {}
    for name, parameter in history.space.items():
        if isinstance(parameter, Choice) and not parameter.ordered:
            continue
        on = {n: history.trial(n).config[name] for n in of if name in history.trial(n).config}
        ranked = list(parameter.options).index if isinstance(parameter, Choice) else float
        ranks[name] = {n: float(ranked(value)) for n, value in on.items()}
    size = front_of(history, PARAMETERS)
    if size is not None and SIZE not in ranks:
        ranks[SIZE] = {n: cost for n, cost in size.costs.items() if n in of}
    level = 1.0 - 0.05 / max(1, len(ranks))
    found = {
        name: rank_correlation(np.array(list(one.values())), np.array([of[n] for n in one]), level)
        for name, one in ranks.items()
    }
    told = {name: one for name, one in found.items() if one is not None}
    return Gaps(of, dict(sorted(told.items(), key=lambda item: -abs(item[1].value))))


def against(seen: Seen, parameter: str | None = None) -> Drawing | str:
    """The figure; without a parameter that of what goes with the gap most."""
    import plotly.graph_objects as go

    history, found = seen.history, gaps(seen.history)
    if found is None:
        return (
            "There is no gap to show: fewer than two trials reported scores on the training rows (report(train=...))."
        )
    name = parameter if parameter is not None else next(iter(found.by), None) or next(iter(history.space), None)
    if name is None:
        return "The space has no parameter to set against the gap."
    figure, effect = go.Figure(), _effect(seen, name)
    size = front_of(history, PARAMETERS) if effect is None else None
    places = dict(size.costs) if size is not None else _places(effect, history)
    shown = [n for n in found.of if n in places]
    if not shown:
        return f"{clip(plain(name), 40)}: no trial that used it reported scores on the training rows."
    kept = shown[:: math.ceil(len(shown) / DOTS)]
    figure.add_scatter(
        x=[places[n] for n in kept],
        y=[found.of[n] for n in kept],
        mode="markers",
        name="trial",
        marker={"color": BLUE, "size": 7, "opacity": 0.65},
        customdata=kept,
        hovertemplate="trial %{customdata}<br>gap %{y:.4g}<extra></extra>",
    )
    if effect is not None:
        cells = [(cell.centre, [found.of[n] for n in cell.trials if n in found.of]) for cell in effect.cells]
        cells = [(centre, inside) for centre, inside in cells if inside]
        figure.add_scatter(
            x=[centre for centre, _ in cells],
            y=[float(np.median(inside)) for _, inside in cells],
            mode="markers" if effect.kind == "choice" else "lines+markers",
            name="median",
            marker={"color": ORANGE, "size": 10, "symbol": "diamond"},
            line={"color": ORANGE, "width": 2},
            hovertemplate="median gap %{y:.4g}<extra></extra>",
        )
    title = _title(found, name, shown)
    log = (effect is not None and effect.log) or (effect is None and _wide([places[n] for n in shown]))
    unit = " (number of parameters)" if effect is None else ""
    axis = clip(plain(name), 40) + unit + (" (log scale)" if log else "")
    lay_out(figure, title, x=axis, y=f"gap in {clip(plain(seen.metric), 30)} (0 = none)")
    figure.update_yaxes(zeroline=True, zerolinewidth=1, rangemode="tozero")
    if effect is not None:
        along(figure, effect)
    elif log:
        figure.update_xaxes(type="log", tickformat="~s", dtick=1 if _wide([places[n] for n in shown], 100) else "D2")
    listed = "; ".join(
        f"{clip(plain(other), 40)} {one.value:+.2f} [{one.low:+.2f}, {one.high:+.2f}]"
        for other, one in found.by.items()
    )
    ranks = f" Spearman's correlation with the gap, intervals that hold together: {listed}." if listed else ""
    text = (
        f"{title} The gap is what the score at the end of a run loses from the training rows to the validation rows, "
        f"mean over a trial's runs: from {format_value(min(found.of[n] for n in shown))} to "
        f"{format_value(max(found.of[n] for n in shown))} over {many(len(shown), 'trial')}.{ranks}"
    )
    return Drawing(title, figure, text)


def _effect(seen: Seen, name: str) -> Effect | None:
    """None for the size of the network, which is no parameter of the space."""
    return next((one for one in seen.effects if one.parameter == name), None)


def _places(effect: Effect | None, history: History) -> dict[int, float]:
    cells = () if effect is None else effect.cells
    options = effect is not None and effect.kind in ("choice", "ordered")
    return {
        n: cell.centre if options else float(history.trial(n).config[effect.parameter])  # type: ignore[union-attr]
        for cell in cells
        for n in cell.trials
    }


def _wide(values: list[float], times: float = 10) -> bool:
    return min(values) > 0 and max(values) / min(values) > times


def _title(found: Gaps, name: str, shown: list[int]) -> str:
    if name == found.first:
        return found.sentence()
    called, middle = clip(plain(name), 40), format_value(float(np.median([found.of[n] for n in shown])))
    one = found.by.get(name)
    if one is None:
        return f"{called}: the median gap between training and validation is {middle}."
    word = "goes with" if one.clear else "is not shown to go with"
    return (
        f"{called} {word} the gap between training and validation "
        f"(Spearman {one.value:+.2f} [{one.low:+.2f}, {one.high:+.2f}])."
    )
