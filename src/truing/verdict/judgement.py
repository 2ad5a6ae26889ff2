"""What the selected's predictions say beside its scores: threshold, predictive values, calibration, agreement."""

from __future__ import annotations

from typing import Any

from numpy.random import Generator

from truing.verdict.agreement import agreement
from truing.verdict.calibration import calibration
from truing.verdict.decision import net_benefit
from truing.verdict.discrimination import confusion, roc
from truing.verdict.evidence import Evidence
from truing.verdict.prevalence import error_rates
from truing.verdict.threshold import predictive_values, threshold


def judgement(evidence: Evidence, rng: Generator) -> dict[str, Any]:
    """The blocks of a verdict that are made from kept predictions; runs nothing."""
    at = threshold(evidence, rng)
    value = at["value"] if at is not None else None
    return {
        "threshold": at,
        "predictive_values": predictive_values(evidence, rng),
        "calibration": calibration(evidence, rng),
        "agreement": agreement(evidence, rng),
        "roc": roc(evidence, rng, value),
        "confusion": confusion(evidence, value),
        "net_benefit": net_benefit(evidence, rng),
        "error_rates": error_rates(evidence, value),
    }
