"""`tr.portfolio(studies)`: a few configurations that together serve many datasets, from finished studies."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from textwrap import wrap
from typing import Any

import numpy as np

from truing.errors import UsageError, short
from truing.record.history import History
from truing.report.study import read
from truing.report.view import StudyView
from truing.space.configuration import format_value
from truing.statistics.portfolio import best_of_random, greedy, left_out, scaled_regret
from truing.study import Study

WIDTH = 80


@dataclass(frozen=True)
class Portfolio:
    """Configurations to try first on a new dataset, in order; `print(portfolio)` shows what they are worth.

    Args:
        figures: what `to_dict()` gives; docs/portfolio.md explains each.

    >>> Portfolio({"configurations": [{"width": 48}], "datasets": ["a", "b"]})
    Portfolio(1 configuration from 2 datasets)
    """

    figures: Mapping[str, Any]

    @property
    def configurations(self) -> list[dict[str, Any]]:
        """The configurations as plain values, the most useful first."""
        return [dict(config) for config in self.figures["configurations"]]

    def to_dict(self) -> dict[str, Any]:
        """All figures as plain JSON values."""
        return copy.deepcopy(dict(self.figures))

    def __repr__(self) -> str:
        many = len(self.figures["configurations"])
        word = "configuration" if many == 1 else "configurations"
        return f"Portfolio({many} {word} from {len(self.figures['datasets'])} datasets)"

    def __str__(self) -> str:
        found = self.figures
        lines = [
            f"Portfolio from {len(found['datasets'])} datasets, {found['candidates']} configurations tried on each."
        ]
        lines += ["", "first   regret on a dataset left out   worst   as many at random   defaults"]
        for row in found["left_out"]:
            lines.append(
                f"{row['first']:>5}   {row['mean']:>28.2f}   {row['worst']:>5.2f}   {row['random']:>17.2f}   "
                f"{found['defaults']:>8.2f}"
            )
        lines += ["0 = the best that was tried there, 1 = a middling one or worse", ""]
        for place, config in enumerate(found["configurations"], 1):
            values = " · ".join(f"{name}\N{NO-BREAK SPACE}{format_value(value)}" for name, value in config.items())
            lines += wrap(values, WIDTH, initial_indent=f"{place:>2}  ", subsequent_indent="    ")
        return "\n".join(lines).replace("\N{NO-BREAK SPACE}", " ")


def portfolio(studies: Sequence[Any], size: int = 8) -> Portfolio:
    """Up to `size` configurations of which one is good on each dataset, the most useful first.

    Greedy over the configurations that all the studies tried (Pfisterer et al. 2021, GECCO companion), which they
    share where space, seed and a search that does not adapt are the same: "random", "sobol" or "grid". It runs nothing
    and only reads. What a portfolio of each length is worth is told for a dataset that took no part in making it.

    Args:
        studies: two or more, each a `Study`, what `truing.load` gave, or a folder; of the same space and metric on
            different data.
        size: at most so many.

    Raises:
        UsageError: too few studies, spaces or metrics that differ, the same data twice, or too few configurations in
            common; the sentence says what to do.

    >>> import tempfile
    >>> import truing as tr
    >>> reward = tr.Metric("reward", goal="max")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for top in (0.2, 0.5, 0.9):
    ...         study = tr.Study(lambda run: run.report(reward=-abs(run.config["x"] - top)), tr.Space(x=tr.Float(0, 1)),
    ...                          metric=reward, search="grid", folder=f"{folder}/{top}")
    ...         study.run(workers=0)
    ...     found = tr.portfolio([f"{folder}/{top}" for top in (0.2, 0.5, 0.9)], size=2)
    >>> [round(config["x"], 2) for config in found.configurations]
    [0.5, 0.25]
    """
    if isinstance(size, bool) or not isinstance(size, Integral) or size < 1:
        raise UsageError(f"portfolio() takes size= from 1 on, such as 8; got {short(size)}.")
    if isinstance(studies, str | os.PathLike) or not isinstance(studies, Sequence) or len(studies) < 2:
        raise UsageError(f"portfolio() takes two or more studies or their folders in a list; got {short(studies)}.")
    folders = [_folder(given) for given in studies]
    told = [read(folder) for folder in folders]
    _alike(folders, told)
    sign = -1.0 if told[0][0].goal == "max" else 1.0
    tables = [{trial.config.key: trial for trial in history.trials} for history, _ in told]
    for folder, (history, _) in zip(folders, told, strict=True):
        if not history.completed:
            raise UsageError(f"{folder} has no completed trial: leave it out, or mend its function and run it again.")
    common = [key for key in tables[0] if all(_ended(table.get(key)) for table in tables)]
    losses = np.array([[_loss(table[key], sign) for table in tables] for key in common], dtype=float)
    if len(common) < 2:
        raise UsageError(
            f"The {len(folders)} studies have {len(common)} finished configuration{'s' * (len(common) != 1)} in "
            "common, too few; "
            'run each with the same space and seed, and search="random", "sobol" or "grid".'
        )
    for folder, completed in zip(folders, np.isfinite(losses).any(axis=0), strict=True):
        if not completed:
            raise UsageError(
                f"None of the {len(common)} configurations that the studies have in common has a value in {folder}: "
                "leave that study out, or mend its function."
            )
    regret = scaled_regret(losses)
    chosen = greedy(regret, int(size))
    apart, at_random = left_out(losses, len(chosen)), best_of_random(regret, len(chosen))
    start = told[0][0].trial(0).config.key
    defaults = float(regret[common.index(start)].mean()) if start in common else None
    return Portfolio(
        {
            "metric": told[0][1]["metric"],
            "goal": told[0][0].goal,
            "datasets": [str(folder) for folder in folders],
            "candidates": len(common),
            "configurations": [tables[0][common[place]].config.to_dict() for place in chosen],
            "regret": [{str(folder): float(regret[place, t]) for t, folder in enumerate(folders)} for place in chosen],
            "left_out": [
                {"first": k + 1, "mean": float(row.mean()), "worst": float(row.max()), "random": float(luck.mean())}
                for k, (row, luck) in enumerate(zip(apart, at_random, strict=True))
            ],
            "defaults": defaults,
        }
    )


def _folder(given: Any) -> Path:
    if isinstance(given, Study | StudyView):
        given = given.folder
    if not isinstance(given, str | os.PathLike) or not str(given):
        raise UsageError(f"portfolio() takes studies or their folders, such as 'studies/digits'; got {short(given)}.")
    return Path(given).expanduser()


def _alike(folders: Sequence[Path], told: Sequence[tuple[History, Mapping[str, Any]]]) -> None:
    """Raises unless all are of one space and metric, each on data of its own."""
    for place, (folder, (history, study)) in enumerate(zip(folders, told, strict=True)):
        for other, (before, earlier) in zip(folders[:place], told[:place], strict=True):
            if folder.resolve() == other.resolve():
                raise UsageError(f"portfolio() needs different studies; got {folder} twice.")
            if study.get("rows") is not None and study.get("data") == earlier.get("data"):
                raise UsageError(
                    f"{folder} and {other} are studies of the same data; a portfolio needs different data."
                )
            if history.space != before.space:
                raise UsageError(f"{folder} and {other} have different spaces; give studies of one space.")
            for what in ("metric", "goal", "dataset_metric", "aggregate"):
                mine, theirs = study.get(what), earlier.get(what)
                if mine != theirs:
                    raise UsageError(f"{folder} and {other} differ in their {what}: {short(mine)} and {short(theirs)}.")


def _ended(trial: Any) -> bool:
    return trial is not None and trial.state in ("completed", "failed")


def _loss(trial: Any, sign: float) -> float:
    return sign * trial.value if trial.state == "completed" and trial.value is not None else float("nan")
