"""Two configurations on the same replicates: the difference by each method, and the three probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from truing.errors import DataError
from truing.execution.job import Job, kept
from truing.record.state import State
from truing.record.trial import Replicate, RunRecord
from truing.setting import Setting
from truing.statistics.comparison import corrected_t
from truing.statistics.correlated import correlated_t
from truing.statistics.interval import Interval
from truing.statistics.row_scores import row_scores
from truing.statistics.rows_and_folds import rows_and_folds

METHOD = "t over rows and folds"


def paired(pairs: Sequence[float | None], spread: float, rope: float, goal: str) -> dict[str, Any]:
    """The difference first - second of J replicates by the corrected resampled t, and how probable each verdict is.

    Args:
        pairs: one difference a replicate; None leaves everything undefined.
        spread: n_valid / n_train; 0 for seeds.
        rope: half the width of the region of practical equivalence.

    >>> found = paired([0.02, 0.03, 0.01, 0.02, 0.02], 0.25, 0.01, "max")
    >>> [round(found["probabilities"][key], 2) for key in ("worse", "same", "better")]
    [0.0, 0.05, 0.95]
    """
    return {
        "difference": plain(corrected_t(pairs, spread)),
        "probabilities": asdict(correlated_t(pairs, spread, rope, goal)),
    }


def by_rows(
    setting: Setting | None,
    job: Job | None,
    replicates: Sequence[Replicate],
    first: Sequence[RunRecord | None],
    second: Sequence[RunRecord | None] | None = None,
    *,
    other_job: Job | None = None,
    level: float = 0.95,
) -> Interval:
    """First - second, or the first alone, with rows and folds as two sources of chance.

    Args:
        first, second: one run a replicate, in their order.
        other_job: of the second, where it is of another study.
        level: of the interval.

    Returns:
        None inside, with its reason, without kept predictions or where the metric is no mean over rows.
    """
    why = None
    if setting is None or job is None:
        why = "it needs the study itself, with its data, and not only its folder"
    elif setting.plan.rows is None or setting.data is None or setting.data.labels is None:
        why = "there are no rows"
    if why is not None or setting is None or job is None or setting.plan.rows is None:
        return Interval(None, None, None, METHOD, why)
    total, count, folds = np.zeros(len(setting.plan.rows)), np.zeros(len(setting.plan.rows)), []
    try:
        for place, replicate in enumerate(replicates):
            apart = _rows_of(setting, job, replicate, first[place])
            if second is not None:
                apart = apart - _rows_of(setting, other_job or job, replicate, second[place])
            total[replicate.valid] += apart
            count[replicate.valid] += 1
            folds.append(float(apart.mean()))
    except DataError as error:
        return Interval(None, None, None, METHOD, str(error))
    seen = count > 0
    groups = setting.data.group_labels if setting.data is not None else None
    own = groups[setting.plan.rows[seen]] if groups is not None else None
    return rows_and_folds(total[seen] / count[seen], folds, groups=own, level=level)


def _rows_of(setting: Setting, job: Job, replicate: Replicate, run: RunRecord | None) -> np.ndarray:
    if run is None or run.state is not State.COMPLETED or not run.predictions or replicate.valid is None:
        raise DataError("not all of the runs have kept predictions")
    rows = setting.plan.rows
    truth = setting.truth(rows[replicate.valid] if rows is not None else replicate.valid)
    found = row_scores(setting.task.primary, truth, kept(job, run).astype(np.float64), setting.task.positive)
    if found is None:
        raise DataError(f"{setting.task.primary.name} is no mean over rows")
    return found


def plain(found: Interval) -> dict[str, Any]:
    """An interval as the verdict has it."""
    return {key: getattr(found, key) for key in ("value", "low", "high", "method", "reason")}
