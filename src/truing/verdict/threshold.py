"""The decision threshold and what it is worth, and predictive values at a stated prevalence."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from truing.statistics.interval import Interval
from truing.statistics.operating_point import SHARES, OperatingPoint, Sample, operating_point
from truing.statistics.score import binary
from truing.statistics.threshold import Aim
from truing.verdict.evidence import Evidence, Predicted
from truing.verdict.figures import interval_dict

EVEN = Aim("fixed", 0.5)


def threshold(evidence: Evidence, rng: Generator) -> dict[str, Any] | None:
    """The threshold for the stated aim, chosen out of fold and judged on the locked rows; None where none is asked for.

    Chosen on the out-of-fold predictions of the selected's fresh runs, pooled: each is that of one network, as the
    delivered one's will be. `test` is the delivered network on the locked rows with rows of at least this probability
    called positive; `refits` is the mean over the refits. The method is that of `operating_point`.
    """
    setting = evidence.setting
    by = setting.threshold
    if by is None:
        return None
    found: dict[str, Any] = {
        "aim": str(by),
        "positive": evidence.positive,
        "chosen_on": None,
        **interval_dict(Interval(None, None, None)),
        "test": None,
        "test_reason": None,
        "refits": None,
    }
    pooled, locked = evidence.pooled, evidence.locked
    if by.kind != "fixed":
        if isinstance(pooled, str):
            return found | {"reason": pooled, "test_reason": pooled}
        found["chosen_on"] = (
            f"out-of-fold predictions of {len(evidence.fresh.replicates)} fresh runs, "
            f"{len(np.unique(pooled.rows))} rows"
        )
    made = _point(evidence, by, rng)
    found |= interval_dict(_named(made.threshold, evidence))
    if isinstance(locked, str) or made.threshold.value is None:
        return found | {"test_reason": locked if isinstance(locked, str) else made.threshold.reason}
    found["test"] = {name: interval_dict(figure) for name, figure in made.shares.items()}
    found["refits"] = _mean_of_refits(evidence, locked, made.threshold.value)
    return found


def predictive_values(evidence: Evidence, rng: Generator) -> dict[str, Any] | None:
    """PPV and NPV of the delivered network at the stated prevalence; None where none was stated.

    At the study's threshold, chosen anew in each resample, or else as it decides without one (from 0.5 on, or by the
    most probable class). Sensitivity and specificity are those on the locked rows.
    """
    prevalence = evidence.setting.prevalence
    if prevalence is None:
        return None
    found: dict[str, Any] = {"prevalence": prevalence, "threshold": None, "ppv": None, "npv": None, "reason": None}
    if isinstance(evidence.locked, str):
        return found | {"reason": evidence.locked}
    by = evidence.setting.threshold
    if by is not None and by.kind != "fixed" and isinstance(evidence.pooled, str):
        return found | {"reason": evidence.pooled}
    made = _point(evidence, by, rng, prevalence)
    if made.threshold.value is None:
        return found | {"reason": made.threshold.reason}
    found["threshold"] = made.threshold.value if by is not None else None
    return found | {name: interval_dict(figure) for name, figure in made.at_prevalence.items()}


def _point(evidence: Evidence, by: Aim | None, rng: Generator, prevalence: float | None = None) -> OperatingPoint:
    locked, pooled = evidence.locked, evidence.pooled
    judged = None if isinstance(locked, str) else _sample(evidence, locked, as_decided=by is None)
    chosen = judged if isinstance(pooled, str) else _sample(evidence, pooled, as_decided=by is None)
    empty = Sample(np.empty(0, dtype=bool), np.empty(0))
    return operating_point(by or EVEN, chosen or empty, judged, rng=rng, prevalence=prevalence)


def _sample(evidence: Evidence, of: Predicted, *, as_decided: bool) -> Sample:
    actual, decided, probability = binary(of.truth, of.p[0], evidence.setting.task.positive)
    return Sample(actual == 1, decided.astype(float) if as_decided else probability, of.units)


def _mean_of_refits(evidence: Evidence, locked: Predicted, at: float) -> dict[str, float | None]:
    """Each share as the mean over the refits; None where it is undefined for one."""
    each = []
    for p in locked.p:
        actual, _, probability = binary(locked.truth, p, evidence.setting.task.positive)
        made = operating_point(
            Aim("fixed", at),
            Sample(actual == 1, probability),
            Sample(actual == 1, probability),
            rng=np.random.default_rng(0),
        )
        each.append({name: made.shares[name].value for name in SHARES})
    means: dict[str, float | None] = {}
    for name in SHARES:
        values = [one[name] for one in each]
        means[name] = None if None in values else float(np.mean([v for v in values if v is not None]))
    return means


def _named(interval: Interval, evidence: Evidence) -> Interval:
    """Rows that several runs predicted are drawn together like groups, but are none."""
    if evidence.grouped:
        return interval
    return Interval(
        interval.value,
        interval.low,
        interval.high,
        interval.method.replace("over groups", "over rows"),
        interval.reason.replace("groups", "rows") if interval.reason else None,
    )
