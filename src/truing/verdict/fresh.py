"""Runs on splits and seeds that took no part in the search, and what their scores say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from truing.execution.job import Job
from truing.judge import pooled
from truing.record.interfaces import Estimate, ScoreTable
from truing.record.state import State
from truing.record.trial import Replicate, RunRecord, Trial
from truing.setting import Setting
from truing.statistics.metric import Metric

LONGEST = 200  # characters of a reason


@dataclass(frozen=True)
class Fresh:
    """Fresh runs of some trials, all on the same replicates.

    Args:
        replicates: the splits and seeds, in order; none with validation=None.
        runs: trial -> one run a replicate, failed ones included; None = it did not come to an end.
    """

    replicates: Sequence[Replicate]
    runs: Mapping[int, Sequence[RunRecord | None]]

    def scores(self, trial: Trial, metric: str) -> list[float | None]:
        """One score a replicate; None where the run failed or its score is undefined."""
        return scores_of(self.runs[trial.number], metric)

    @property
    def rows_trained(self) -> int | None:
        """Mean number of rows a run trains on; None without data."""
        sizes = [len(r.train) for r in self.replicates if r.train is not None]
        return round(sum(sizes) / len(sizes)) if sizes else None

    def by_split(self, values: Sequence[float | None]) -> list[float | None]:
        """One value a replicate as one a split: runs on the same rows, which differ in their seed alone, are averaged.

        Only a protocol that cannot draw its splits anew has fresh runs that share one.
        """
        found: dict[tuple[bytes, bytes], list[float | None]] = {}
        for place, (replicate, value) in enumerate(zip(self.replicates, values, strict=True)):
            rows = (replicate.train, replicate.valid)
            known = all(part is not None for part in rows)
            key = (rows[0].tobytes(), rows[1].tobytes()) if known else (str(place).encode(), b"")  # type: ignore[union-attr]
            found.setdefault(key, []).append(value)
        return [_mean(own) for own in found.values()]

    def spread(self, nominal: float) -> float:
        """n_valid / n_train of these very replicates; 0 where they share no luck of splits."""
        trained = sum(len(r.train) for r in self.replicates if r.train is not None and r.valid is not None)
        validated = sum(len(r.valid) for r in self.replicates if r.train is not None and r.valid is not None)
        return validated / trained if nominal > 0 and trained else float(nominal)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None


def scores_of(runs: Sequence[RunRecord | None], metric: str) -> list[float | None]:
    """One score a run; None where it failed or the score is undefined."""
    return [run.scores.get(metric) if run is not None and run.state is State.COMPLETED else None for run in runs]


def failure_of(runs: Sequence[RunRecord | None], what: str) -> str | None:
    """ "a WHAT failed (...)" for the first that did; None where all completed."""
    for run in runs:
        if run is None:
            return f"a {what} did not come to its end"
        if run.state is not State.COMPLETED:
            word = "failed" if run.state is State.FAILED else f"ended as {run.state}"
            return f"a {what} {word}" + (f" ({cause(run)})" if cause(run) else "")
    return None


def cause(run: RunRecord) -> str:
    """Why a run failed, on one line: the first of its message, and where in the user's code."""
    if run.reason is None:
        return ""
    first = next((line.strip() for line in run.reason.message.splitlines() if line.strip()), "")
    short = first if len(first) <= LONGEST else first[: LONGEST - 3].rstrip() + "..."
    return str(replace(run.reason, message=short if short.endswith("...") else short.rstrip(" .")))


def estimate(setting: Setting, job: Job, fresh: Fresh, trial: Trial, metric: Metric, called: str) -> Estimate:
    """The mean of a trial's fresh scores; where a fold's is undefined, the figure of all predictions pooled.

    A run that failed is never averaged away.

    Args:
        called: what a reason calls the trial, such as "the defaults".
    """
    failed = failure_of(fresh.runs[trial.number], f"fresh run of {called}")
    if failed is not None:
        return Estimate(None, None, failed)
    scores, together = fresh.scores(trial, metric.name), {}
    if any(score is None for score in scores):
        runs = [run for run in fresh.runs[trial.number] if run is not None]
        together = {trial.number: pooled(setting, job, metric, runs, fresh.replicates)}
    found = setting.estimate(ScoreTable({trial.number: scores}, together))[trial.number]
    return Estimate(found.value, found.se, f"{found.reason} with {called}" if found.reason else None)
