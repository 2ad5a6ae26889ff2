"""What deciding by the delivered network's probabilities is worth: net benefit on the locked rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.random import Generator

from truing.statistics.net_benefit import better, decision_curve
from truing.statistics.score import binary
from truing.verdict.calibration import DELIVERED
from truing.verdict.evidence import Evidence


def net_benefit(evidence: Evidence, rng: Generator) -> dict[str, Any]:
    """The decision curve of the positive class; `points` is empty, with the reason, where there is none."""
    given = evidence.locked
    if not evidence.binary:
        return _none("there is no positive class; positive= names one")
    if isinstance(given, str):
        return _none(given)
    actual, _, p = binary(given.truth, given.p[0], evidence.setting.task.positive)
    return as_block(actual == 1, p, evidence.positive, rng=rng, groups=given.units)


def as_block(
    positive: np.ndarray, p: np.ndarray, called: str, *, rng: Generator, groups: np.ndarray | None
) -> dict[str, Any]:
    """The curve as plain values.

    Args:
        positive: bool (n,); p: float (n,), of the class that is `called` so.

    Returns:
        points: of each threshold probability the model's net benefit (value, low, high), that of treating all, and
            the gain over the better of treating all and none (gain, gain_low, gain_high).
        better: first and last threshold of each stretch on which the gain's interval, each by itself, is above 0.
    """
    if not len(p) or positive.all() or not positive.any():
        return _none("all locked rows are of one side" if len(p) else "there are no locked rows")
    curve = decision_curve(positive, np.clip(p, 0.0, 1.0), rng=rng, groups=groups)
    return _none(None) | {
        "of": called,
        "on": DELIVERED,
        "prevalence": float(positive.mean()),
        "method": curve[0].model.method,
        "points": [
            {
                "threshold": point.threshold,
                "value": point.model.value,
                "low": point.model.low,
                "high": point.model.high,
                "treat_all": point.treat_all,
                "gain": point.gain.value,
                "gain_low": point.gain.low,
                "gain_high": point.gain.high,
            }
            for point in curve
        ],
        "better": [list(stretch) for stretch in better(curve)],
    }


def decision_line(found: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Its line in the verdict; none where there is no curve."""
    if not found or not found["points"]:
        return []
    return [("net benefit", f"{found_better(found)} (delivered network, locked rows)")]


def found_better(found: Mapping[str, Any]) -> str:
    """Where it is above treating all and none, in words.

    >>> found_better({"better": [[0.03, 0.86]]})
    'above treating all and treating none at threshold probabilities 0.03 to 0.86'
    >>> found_better({"better": []})
    'not shown to be above treating all and treating none at any threshold probability'
    """
    stretches = found["better"]
    if not stretches:
        return "not shown to be above treating all and treating none at any threshold probability"
    said = [f"{low:.2f}" if low == high else f"{low:.2f} to {high:.2f}" for low, high in stretches]
    where = ", ".join(said)
    if len(said) > 3:
        many = sum(round(100 * (high - low)) + 1 for low, high in stretches)
        where = f"{stretches[0][0]:.2f} to {stretches[-1][1]:.2f}, at {many} of these"
    return f"above treating all and treating none at threshold probabilities {where}"


def _none(reason: str | None) -> dict[str, Any]:
    empty: dict[str, Any] = {"of": None, "on": None, "prevalence": None, "method": None, "points": [], "better": []}
    return empty | {"reason": reason}
