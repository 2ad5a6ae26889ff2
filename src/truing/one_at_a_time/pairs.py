"""Two configurations run by run: their difference with its interval, and why there is none. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from truing.execution.job import Job
from truing.record.trial import Replicate, RunRecord
from truing.setting import Setting
from truing.statistics.comparison import corrected_t
from truing.statistics.interval import Interval
from truing.verdict.fresh import failure_of, scores_of
from truing.verdict.paired import by_rows

Side = tuple[Sequence[RunRecord | None], Sequence[float] | None]  # runs, and their scores where all have one


def gap_of(
    setting: Setting, job: Job, replicates: Sequence[Replicate], one: Side, other: Side, spread: float, level: float
) -> Interval:
    """one - other on the same rows and seeds: by rows and folds where that can be, else by the corrected t."""
    found = by_rows(setting, job, replicates, one[0], other[0], level=level)
    if found.low is None and one[1] is not None and other[1] is not None:
        found = corrected_t([a - b for a, b in zip(one[1], other[1], strict=True)], spread, level)
    return found


def why_none(runs: Sequence[RunRecord | None], metric: str) -> str | None:
    """Why these runs give no score; None where they do."""
    failed = failure_of(runs, "run")
    if failed is None and any(score is None for score in scores_of(runs, metric)):
        return f"{metric} is undefined in a run"
    return failed


def within(found: dict[str, Any], clip: tuple[float, float]) -> dict[str, Any]:
    """An interval kept inside the metric's range."""
    ends = {key: None if found[key] is None else float(np.clip(found[key], *clip)) for key in ("low", "high")}
    return found | ends
