"""What the runs of a trial say of it: failed, or completed with an estimate of every metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from truing.errors import DataError
from truing.execution.job import Job, kept
from truing.record.history import History
from truing.record.interfaces import Estimate, ScoreTable
from truing.record.state import State
from truing.record.trial import Replicate, RunRecord, Trial
from truing.setting import Setting
from truing.statistics.metric import Metric

RETRIES = 2  # of a run that was killed from outside


@dataclass(frozen=True)
class Judge:
    """Makes the data of a trial's `judged` event from its search runs; reads kept predictions, runs nothing."""

    setting: Setting
    job: Job

    def __call__(self, history: History, trial: Trial) -> dict[str, Any]:
        """A failed run fails its trial and is never averaged away; a missing one leaves it cancelled."""
        failed = failure_of(history, trial)
        if failed is not None:
            word = "" if failed.state is State.FAILED else f"{failed.state}: "
            return {"trial": trial.number, "state": "failed", "reason": f"{word}{failed.reason}"}
        completed = (run for run in runs_of(history, trial) if run.state is State.COMPLETED)
        by_replicate = {run.replicate: run for run in completed}
        if len(by_replicate) < len(self.setting.plan.replicates):
            return {"trial": trial.number, "state": "cancelled", "reason": "not all of its runs were done"}
        runs = [by_replicate[index] for index in sorted(by_replicate)]
        found = {metric.name: self._estimate(metric, trial.number, runs) for metric in self.setting.task.metrics}
        primary = found[self.setting.task.primary.name]
        return {
            "trial": trial.number,
            "state": "completed",
            "value": primary.value,
            "se": primary.se,
            "reason": primary.reason,
            "scores": {name: estimate.value for name, estimate in found.items()},
        }

    def kept(self, trials: int) -> str:
        """What is kept of the runs of the trial after `trials` ones: "predictions" up to a limit, then "loss" a row."""
        size = 4 * len(self.setting.task.classes or (0,)) * self._validated * (trials + 1)
        return "predictions" if size <= self.job.predictions_limit else "loss"

    @cached_property
    def _validated(self) -> int:
        """Rows that a trial predicts."""
        return sum(len(r.valid) for r in self.setting.plan.replicates if r.valid is not None)

    def _estimate(self, metric: Metric, trial: int, runs: Sequence[RunRecord]) -> Estimate:
        scores = [run.scores.get(metric.name) for run in runs]
        together = {}
        if any(score is None for score in scores):
            together = {trial: pooled(self.setting, self.job, metric, runs, self.setting.plan.replicates)}
        return self.setting.estimate(ScoreTable({trial: scores}, together))[trial]


def pooled(
    setting: Setting, job: Job, metric: Metric, runs: Sequence[RunRecord], replicates: Sequence[Replicate]
) -> Estimate:
    """The metric on the out-of-fold predictions of some runs together; `replicates` by the runs' numbers."""
    reasons = [text for run in runs if (text := run.undefined.get(metric.name))]
    why = reasons[0] if reasons else "undefined"
    rows = setting.plan.rows
    if rows is None or metric.kind == "number" or not all(run.predictions for run in runs):
        return Estimate(None, None, why)
    truth = [setting.truth(rows[replicates[run.replicate].valid]) for run in runs]
    try:
        predicted = [kept(job, run) for run in runs]
    except DataError as error:
        return Estimate(None, None, f"{why}; and together: {error}")
    found = setting.task.score(metric, np.concatenate(truth), np.concatenate(predicted))
    if found.value is None:
        return Estimate(None, None, found.reason)
    return Estimate(found.value, None, f"pooled out-of-fold value, since on a replicate: {why}")


def runs_of(history: History, trial: Trial) -> list[RunRecord]:
    """The trial's search runs, in the order they started."""
    return [history.runs[number] for number in trial.runs]


def failure_of(history: History, trial: Trial) -> RunRecord | None:
    """The run a trial failed by: the one of the lowest replicate; a lost run that may be tried again is none."""
    failed = [
        run
        for run in runs_of(history, trial)
        if run.state.ended
        and run.state.trial_state == "failed"
        and not (run.state is State.LOST and run.attempt < RETRIES)
    ]
    return min(failed, key=lambda run: (run.replicate, -run.attempt), default=None)


def nothing_completed(history: History) -> str:
    """Why there is nothing to choose from, with the last error where there is one."""
    if any(trial.state == "completed" for trial in history.trials):
        reasons = [trial.reason for trial in history.trials if trial.state == "completed" and trial.reason]
        why = f" ({reasons[-1]})" if reasons else ""
        return f"Trials completed, but none has a value to choose by: the metric is undefined for all{why}."
    failed = [trial for trial in history.trials if trial.state == "failed"]
    if not failed:
        return "No trial completed yet, so there is nothing to choose from; run the study, with more time or trials."
    run = failure_of(history, failed[-1])
    tail = f"\n\n{run.reason.tail}" if run is not None and run.reason is not None and run.reason.tail else ""
    return f"No trial completed; trial {failed[-1].number} failed with {failed[-1].reason}.{tail}"
