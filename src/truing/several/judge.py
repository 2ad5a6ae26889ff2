"""What a trial's runs on several datasets say of it: the gains over the defaults, together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from truing.execution.job import Job
from truing.judge import Judge, failure_of, pooled, runs_of
from truing.record.history import History
from truing.record.interfaces import Estimate, ScoreTable
from truing.record.state import State
from truing.record.trial import RunRecord, Trial
from truing.setting import Setting
from truing.several.setting import GAIN
from truing.statistics.metric import Metric
from truing.statistics.standardised import WORST, gain, together, unit


@dataclass(frozen=True)
class SeveralJudge:
    """Makes the data of a trial's `judged` event from its runs on all datasets; reads kept predictions, runs nothing.

    The value of trial 0, the defaults, is 0: the others wait until it is judged (`schedule/defaults_first.py`), so that
    what a trial is worth does not depend on which finishes first.
    """

    setting: Setting
    job: Job

    def __call__(self, history: History, trial: Trial) -> dict[str, Any]:
        """A run that failed on one dataset fails its trial; a missing one leaves it cancelled."""
        failed = failure_of(history, trial)
        if failed is not None:
            word = "" if failed.state is State.FAILED else f"{failed.state}: "
            on = self.setting.plan.replicates[failed.replicate].dataset
            return {"trial": trial.number, "state": "failed", "reason": f"on {on}: {word}{failed.reason}"}
        if sum(len(found) for found in completed(self.setting, history, trial).values()) < len(
            self.setting.plan.replicates
        ):
            return {"trial": trial.number, "state": "cancelled", "reason": "not all of its runs were done"}
        scores: dict[str, float | None] = {}
        reasons = []
        for name, runs in completed(self.setting, history, trial).items():
            for metric in self.setting.datasets[name].task.metrics:
                found = self._estimate(name, metric, trial.number, runs)
                scores[called(metric.name, name)] = found.value
                if found.value is None and metric == self.setting.datasets[name].task.primary:
                    reasons.append(f"on {name}: {found.reason}")
        defaults = scores if trial.number == 0 else history.trial(0).scores
        per = units(self.setting, history)
        gains = {}
        for name, part in self.setting.datasets.items():
            own = called(part.task.primary.name, name)
            if per[name] == 0:
                reasons.append(
                    f"on {name} the defaults' runs all score alike, and for a metric of your own, or labels that are "
                    "all the same, there is no least difference that matters: give rope="
                )
            else:
                gains[name] = gain(scores[own], defaults.get(own), per[name], part.task.goal)
        value = together([gains.get(name) for name in self.setting.datasets], self.setting.aggregate)
        return {
            "trial": trial.number,
            "state": "completed",
            "value": value,
            "se": self._error(history, trial, gains, per) if value is not None else None,
            "reason": "; ".join(reasons) or None,
            "scores": {GAIN: value, **scores},
        }

    def kept(self, trials: int) -> str:
        """What is kept of the runs of the trial after `trials` ones: "predictions" up to a limit, then "loss" a row."""
        size = 0
        for part in self.setting.datasets.values():
            rows = sum(len(r.valid) for r in part.plan.replicates if r.valid is not None)
            size += 4 * len(part.task.classes or (0,)) * rows * (trials + 1)
        return "predictions" if size <= self.job.predictions_limit else "loss"

    def _estimate(self, name: str, metric: Metric, trial: int, runs: Sequence[RunRecord]) -> Estimate:
        part = self.setting.datasets[name]
        scores = [run.scores.get(metric.name) for run in runs]
        alone = {}
        if any(score is None for score in scores):
            alone = {trial: pooled(part, self.job, metric, runs, self.setting.plan.replicates)}
        return part.estimate(ScoreTable({trial: scores}, alone))[trial]

    def _error(
        self, history: History, trial: Trial, gains: Mapping[str, float | None], per: Mapping[str, float]
    ) -> float | None:
        """Standard error of the value over the runs: of the paired differences in units; of the worst dataset alone."""
        errors = {}
        for name in self.setting.datasets:
            found = np.array(pairs(self.setting, history, trial, name), dtype=float)
            if len(found) < 2 or not np.isfinite(found).all():
                return None
            errors[name] = float(found.std(ddof=1)) / math.sqrt(len(found)) / per[name]
        if self.setting.aggregate == WORST:
            return errors[min(gains, key=lambda name: gains[name] or 0.0)]
        return math.sqrt(sum(error**2 for error in errors.values())) / len(errors)


def called(metric: str, dataset: str) -> str:
    """What a trial's score of a metric on a dataset is called.

    >>> called("accuracy", "wdbc")
    'accuracy on wdbc'
    """
    return f"{metric} on {dataset}"


def completed(setting: Setting, history: History, trial: Trial) -> dict[str, list[RunRecord]]:
    """Dataset -> the trial's completed search runs on it, by replicate."""
    by_replicate = {run.replicate: run for run in runs_of(history, trial) if run.state is State.COMPLETED}
    return {
        name: [by_replicate[r.index] for r in part.plan.replicates if r.index in by_replicate]
        for name, part in setting.datasets.items()
    }


def units(setting: Setting, history: History) -> dict[str, float]:
    """The unit of each dataset: fixed by the runs of trial 0; see `statistics/standardised.py`."""
    found = {}
    for name, runs in completed(setting, history, history.trial(0)).items():
        part = setting.datasets[name]
        found[name] = unit([run.scores.get(part.task.primary.name) for run in runs], part.rope.width)
    return found


def pairs(setting: Setting, history: History, trial: Trial, name: str) -> list[float | None]:
    """Trial - defaults on a dataset, one a search replicate; None where either is undefined."""
    metric = setting.datasets[name].task.primary.name
    sides = [completed(setting, history, side)[name] for side in (trial, history.trial(0))]
    scores = zip(*([run.scores.get(metric) for run in runs] for runs in sides), strict=True)
    return [None if a is None or b is None else a - b for a, b in scores]


def judge_of(setting: Setting, job: Job) -> Judge | SeveralJudge:
    """The judge of a study's trials."""
    return SeveralJudge(setting, job) if setting.datasets else Judge(setting, job)
