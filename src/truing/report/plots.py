"""`study.plot`: the figures of a study, by name."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truing.report.figures import Drawing, escaped, lay_out
from truing.report.isolation import scientific
from truing.report.seen import Seen
from truing.report.study import read
from truing.report.sweeps import sweeps_of

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_LINE = 50  # characters of a title's line: a telephone is 400 pixels wide


@dataclass(frozen=True)
class Kind:
    """A figure that Truing draws.

    Args:
        make: "module:function"; the function takes a `Seen`, and parameters by the names in `takes`, and gives a
            `Drawing`, or a sentence that says why there is none.
        shows: what it shows, for tables of the documentation.
        takes: which arguments are names of parameters.
    """

    make: str
    shows: str
    takes: tuple[str, ...] = ()

    def function(self) -> Callable[..., Drawing | str]:
        """What makes it, imported on first use."""
        module, _, name = self.make.partition(":")
        found: Callable[..., Drawing | str] = getattr(import_module(module), name)
        return found


#: One row a figure: its method of `Plots` has the same name. Documentation and tests are made from this table.
FIGURES: dict[str, Kind] = {
    "over_time": Kind("truing.report.drawn:over_time", "each trial's score by its number, and the best so far"),
    "effect": Kind("truing.report.drawn:effect", "mean score at each value of a parameter", ("parameter",)),
    "learning_curves": Kind("truing.report.drawn:learning", "scores by epoch: the best, the defaults, the others"),
    "importance": Kind("truing.report.drawn:importance", "the share of the variance that each parameter makes"),
    "isolation": Kind(
        "truing.report.isolation:isolation",
        "what each value reaches with the others tuned, at equal tries",
        ("parameter",),
    ),
    "contour": Kind("truing.report.contour:contour", "the score over two parameters", ("across", "up")),
    "parallel": Kind("truing.report.parallel:parallel", "each trial a line across its parameters, the best on top"),
    "seconds": Kind("truing.report.front:by_seconds", "score against seconds of a run, with the front"),
    "parameters": Kind("truing.report.front:by_parameters", "score against the network's parameters, with the front"),
    "gap": Kind("truing.report.gap:against", "a parameter against the train-validation gap", ("parameter",)),
    "more_rows": Kind("truing.report.worth:rows", "the defaults at 25, 50 and 100 % of the training rows"),
    "more_epochs": Kind("truing.report.worth:epochs", "the defaults at half, once and twice the epochs"),
    "sweep": Kind("truing.report.sweeps:swept", "train and validation score over one parameter", ("parameter",)),
    "ablation": Kind("truing.report.ablation:ablated", "the score from the defaults to the selected, step by step"),
    "retuned": Kind(
        "truing.report.retuned_drawn:retuned", "each architecture untuned, and with the others tuned for it"
    ),
    "overtuning": Kind("truing.report.drawn:overtuning", "the best so far as searched, and outside the choice"),
    "calibration": Kind("truing.report.drawn:calibration", "whether the delivered network's probabilities hold"),
    "roc": Kind("truing.report.drawn:roc", "sensitivity against false alarms on the locked rows"),
    "confusion": Kind("truing.report.drawn:confusion", "which class was taken for which on the locked rows"),
    "decision_curve": Kind("truing.report.drawn:decisions", "what deciding by the delivered network is worth"),
}


class Plots:
    """The figures of a study, each a method: what `study.plot` and `tr.load(folder).plot` give.

    Each gives a `plotly.graph_objects.Figure`, which shows itself in a notebook and has `show()` and `write_html()`.
    Its title is a sentence that says what is seen; the same in more words, for somebody who cannot see it, is
    `figure.layout.meta["text"]`. What cannot be drawn gives an empty figure whose title says why. The journal is read
    anew by each call, so they serve while the study runs.

    Args:
        folder: of the study.

    >>> import tempfile
    >>> import truing as tr
    >>> space, loss = tr.Space(x=tr.Float(-1, 2)), tr.Metric("loss", goal="min")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     study = tr.Study(lambda run: run.report(loss=0.5), space, metric=loss, folder=folder)
    ...     study.run(trials=2, workers=0)
    ...     print(study.plot.over_time().layout.title.text)
    Best loss 0.5 in trial 0, of 2 completed trials.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __repr__(self) -> str:
        return f"Plots({str(self._folder)!r}: {', '.join(FIGURES)})"

    def over_time(self) -> Figure:
        """The score of each trial by its number, the best so far as a line, failed trials at the edge."""
        return self._figure("over_time")

    def effect(self, parameter: str | None = None) -> Figure:
        """The mean score at each value or bin of a parameter with its 95 % interval, single trials behind it.

        Args:
            parameter: default: the one that made most of the variance.

        Raises:
            UsageError: the space has no such parameter.
        """
        return self._figure("effect", parameter=parameter)

    def learning_curves(self) -> Figure:
        """The mean score of a trial's runs by epoch: the selected or best, the defaults, some of the others."""
        return self._figure("learning_curves")

    def importance(self) -> Figure:
        """The share of the variance that each parameter makes, with intervals; see docs/importance.md."""
        return self._figure("importance")

    def isolation(self, parameter: str | None = None) -> Figure:
        """The best over all other parameters at each value of one, at equally many tries, with 95 % intervals.

        Args:
            parameter: default: the scientific one that made most of the variance.

        Raises:
            UsageError: the space has no such parameter.
        """
        return self._figure("isolation", parameter=parameter)

    def contour(self, across: str | None = None, up: str | None = None) -> Figure:
        """The score over two parameters, learned from the trials, which are dots; blank where no trial is near.

        Args:
            across, up: default: the two that make most of the variance together.

        Raises:
            UsageError: the space has no such parameter.
        """
        return self._figure("contour", across=across, up=up)

    def parallel(self) -> Figure:
        """Each trial as a line across the parameters that mattered most, the best on top in colour."""
        return self._figure("parallel")

    def seconds(self) -> Figure:
        """Score against seconds of a run, and the front that no trial beats in both."""
        return self._figure("seconds")

    def parameters(self) -> Figure:
        """Score against the number of parameters of the network, and the front that no trial beats in both."""
        return self._figure("parameters")

    def gap(self, parameter: str | None = None) -> Figure:
        """What the score loses from training to validation rows, against a parameter.

        Args:
            parameter: default: what goes with the gap most, the size of the network among them.

        Raises:
            UsageError: the space has no such parameter.
        """
        return self._figure("gap", parameter=parameter)

    def more_rows(self) -> Figure:
        """The defaults at 25, 50 and 100 % of the training rows, as `study.advise()` ran them; see docs/advise.md."""
        return self._figure("more_rows")

    def more_epochs(self) -> Figure:
        """The defaults at half, once and twice the epochs, as `study.advise()` ran them; see docs/advise.md."""
        return self._figure("more_epochs")

    def sweep(self, parameter: str | None = None) -> Figure:
        """Train and validation score over a parameter that was swept, seconds and size of the network below.

        Args:
            parameter: default: the one that was swept last.

        Raises:
            UsageError: the space has no such parameter.
        """
        return self._figure("sweep", parameter=parameter)

    def ablation(self) -> Figure:
        """The score from the defaults to the selected, one parameter at a time, as `study.ablation()` ran it."""
        return self._figure("ablation")

    def retuned(self) -> Figure:
        """Each architecture with the others at their defaults and tuned for it, after a nested search."""
        return self._figure("retuned")

    def overtuning(self) -> Figure:
        """The best score so far as the search saw it, and what it is worth on rows outside the choice."""
        return self._figure("overtuning")

    def calibration(self) -> Figure:
        """How often came true what the delivered network gave a probability, on the locked rows."""
        return self._figure("calibration")

    def roc(self) -> Figure:
        """Sensitivity against the share of false alarms on the locked rows."""
        return self._figure("roc")

    def confusion(self) -> Figure:
        """Which class the delivered network took for which, on the locked rows."""
        return self._figure("confusion")

    def decision_curve(self) -> Figure:
        """The net benefit of deciding by the delivered network; see docs/decision_curve.md."""
        return self._figure("decision_curve")

    def _figure(self, name: str, **given: Any) -> Figure:
        return shown(drawing(name, seen(self._folder), **given))


def seen(folder: Path) -> Seen:
    """The study in `folder`, as the figures take it.

    Raises:
        UsageError: no study is there.
    """
    history, study = read(folder)
    stored = history.last("verdict")
    return Seen(history, study, None if stored is None else stored["verdict"])


def further(found: Seen) -> list[Drawing]:
    """The figures of a report beside those that have a place of their own in it; without those there is nothing for."""
    asked: list[tuple[str, dict[str, str]]] = [
        ("sweep", {"parameter": one.parameter})
        for one in sweeps_of(found.history)
        if one.parameter in found.history.space
    ]
    asked += [("ablation", {}), ("retuned", {})]
    asked += [("isolation", {"parameter": name}) for name in scientific(found)]
    asked += [(name, {}) for name in ("contour", "parallel", "seconds", "parameters", "gap")]
    made = [drawing(name, found, **given) for name, given in asked]
    return [one for one in made if one.figure.data]


def drawing(name: str, found: Seen, **given: Any) -> Drawing:
    """A figure of `FIGURES`; an empty one whose title says why where there is none.

    Args:
        given: the parameters it is of.

    Raises:
        UsageError: the space has no such parameter.
    """
    import plotly.graph_objects as go

    kind = FIGURES[name]
    for argument in kind.takes:
        if given.get(argument) is not None:
            found.parameter(given[argument])
    made = kind.function()(found, **given)
    if isinstance(made, Drawing):
        return made
    figure = go.Figure()
    lay_out(figure, made, x="", y="")
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.update_layout(height=140)
    return Drawing(made, figure, made)


def shown(made: Drawing) -> Figure:
    """The figure to show by itself: its title in lines that fit a narrow screen, its text in `layout.meta`."""
    lines = textwrap.wrap(made.title, _LINE, break_long_words=True) or [""]
    top = 20 * len(lines) + 52
    title = {
        "text": "<br>".join(map(escaped, lines)),
        "font": {"size": 14},
        "x": 0.02,
        "xref": "container",
        "yref": "container",
    }
    title |= {"y": 1, "yanchor": "top", "xanchor": "left", "pad": {"t": 18}}
    made.figure.update_layout(title=title, meta={"title": made.title, "text": made.text})
    before = made.figure.layout.margin.t or 56
    made.figure.update_layout(margin={"t": top}, height=(made.figure.layout.height or 380) + top - before)
    return made.figure
