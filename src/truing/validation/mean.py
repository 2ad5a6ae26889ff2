"""The plain estimate: the mean of a trial's scores over its replicates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from truing.record.interfaces import Estimate, ScoreTable


def mean_estimates(table: ScoreTable) -> Mapping[int, Estimate]:
    """Mean and standard error, sd / sqrt(J), of each trial over its J replicates; each trial by itself.

    The standard error describes the spread of the replicates. It understates the uncertainty of the mean,
    since folds share training rows (Bengio and Grandvalet 2004: no unbiased estimate of it exists); for
    claims use the corrected resampled t. It is None for one replicate.

    A replicate without a score is never left out of the mean: the trial gets the figure of its pooled out-
        of-fold predictions where the table has it, and otherwise none, with the reason.

    >>> mean_estimates(ScoreTable({7: [1.0, 3.0]}))[7]
    Estimate(value=2.0, se=1.0, reason=None)
    >>> mean_estimates(ScoreTable({7: [1.0, None]}))[7].reason
    'undefined on 1 of 2 replicates'
    """
    return {trial: _one(scores, table.pooled.get(trial)) for trial, scores in table.scores.items()}


def _one(scores: Sequence[float | None], pooled: Estimate | None) -> Estimate:
    defined = [score for score in scores if score is not None and math.isfinite(score)]
    if len(defined) == len(scores) and defined:
        mean = math.fsum(defined) / len(defined)
        if len(defined) < 2:
            return Estimate(mean)
        squares = math.fsum((score - mean) ** 2 for score in defined)
        return Estimate(mean, math.sqrt(squares / (len(defined) - 1) / len(defined)))
    if not scores:
        return Estimate(None, reason="no replicate has ended")
    missing = f"undefined on {len(scores) - len(defined)} of {len(scores)} replicates"
    if pooled is None:
        return Estimate(None, reason=missing)
    if pooled.value is None:
        return Estimate(None, reason=pooled.reason or f"{missing} and on all of them pooled")
    return Estimate(pooled.value, reason=pooled.reason or f"{missing}; the pooled out-of-fold figure is given")
