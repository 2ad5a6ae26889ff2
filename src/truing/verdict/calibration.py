"""Whether the selected's probabilities mean what they say."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from truing.statistics.calibration import calibration as slope_and_intercept
from truing.statistics.calibration import reliability
from truing.statistics.score import binary
from truing.verdict.evidence import Evidence
from truing.verdict.figures import interval_dict

DELIVERED = "the delivered network on the locked rows"
FRESH = "the fresh runs, out of fold"


def calibration(evidence: Evidence, rng: Generator) -> dict[str, Any]:
    """Reliability diagram, slope and intercept: of the delivered network on the locked rows, else of the fresh runs.

    Two classes, or a named positive one: the probability of the positive class. More classes: the probability of the
    most probable class, and whether it is right (Guo et al. 2017, ICML, section 2).
    """
    found: dict[str, Any] = {"of": None, "on": None, "slope": None, "intercept": None, "bins": [], "reason": None}
    if not evidence.setting.task.classification:
        return found | {"reason": "only probabilities of classes can be calibrated"}
    given, on = evidence.locked, DELIVERED
    if isinstance(given, str):
        given, on = evidence.pooled, FRESH
    if isinstance(given, str):
        return found | {"reason": given}
    p = given.p[0]
    if evidence.binary:
        actual, _, probability = binary(given.truth, p, evidence.setting.task.positive)
        happened, of = actual == 1, f"the probability of {evidence.positive}"
    else:
        best = p.argmax(axis=1)
        happened, probability = best == given.truth, p.max(axis=1)
        of = "the probability of the most probable class, and whether it is right"
    units = given.units
    made = slope_and_intercept(happened, np.clip(probability, 0.0, 1.0), rng=rng, groups=units)
    slope, intercept = interval_dict(made.slope), interval_dict(made.intercept)
    if not evidence.binary and (happened.all() or not happened.any()):
        why = "the most probable class is right in every row" if happened.all() else "it is right in no row"
        slope, intercept = ({**one, "reason": why} for one in (slope, intercept))
    if on == FRESH and not evidence.grouped:
        for one in (slope, intercept):
            one["method"] = one["method"].replace("over groups", "over rows")
    bins = reliability(happened, probability, groups=units, rng=rng)
    return found | {
        "of": of,
        "on": on,
        "slope": slope,
        "intercept": intercept,
        "bins": [
            {"mean": b.mean, "value": b.share.value, "low": b.share.low, "high": b.share.high, "rows": b.rows}
            for b in bins
        ],
    }
