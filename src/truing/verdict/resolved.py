"""The smallest gain that the plan could resolve, beside what the verdict's fresh runs did resolve."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

from truing.record.history import History
from truing.statistics.names import spoken
from truing.verdict.wording import is_share, number, places

_MADE_OF = {"rows": "guessed", "defaults": "by the defaults' runs", "trials": "by the search's runs"}


def resolved(history: History, difference: Mapping[str, Any], same: bool) -> dict[str, Any] | None:
    """As planned before the search and measured in it, and by the fresh runs; None for a search without a plan.

    A 95 % interval of half-width w shows a true gain of w · (z(0.975) + z(power)) / z(0.975) with that power: the
    textbook's 2.8 standard errors for 80 % (Chow, Shao & Wang 2008, Sample Size Calculations in Clinical Research,
    3.1), with the standard error of the interval by which a gain is claimed.

    Args:
        difference: `validation.difference` of the verdict.
        same: the defaults were kept.
    """
    plans = history.notes.get("resolution")
    if not plans:
        return None
    value, reason, power = None, None, plans[-1]["power"]
    if same or difference["value"] is None:
        reason = "there are no fresh runs of two sides"
    elif difference["low"] is None:
        reason = difference["reason"] or "the difference has no interval"
    elif difference["high"] - difference["low"] <= 1e-12 * max(1.0, abs(difference["value"])):
        reason = "the fresh runs differ by the same on every seed, so that nothing is uncertain"
    else:
        normal = NormalDist()
        beyond = (normal.inv_cdf(0.975) + normal.inv_cdf(power)) / normal.inv_cdf(0.975)
        value = (difference["high"] - difference["low"]) / 2 * beyond
    return {
        "guessed": plans[0]["value"] if plans[0]["basis"] == "rows" else None,
        "planned": plans[-1]["value"],
        "basis": plans[-1]["basis"],
        "planned_reason": plans[-1]["reason"],
        "resolved": value,
        "reason": reason,
        "power": power,
    }


def sentence(verdict: Mapping[str, Any]) -> str:
    """What the plan could resolve and what was resolved; empty where neither is known."""
    found = verdict.get("resolution")
    if not found or (found["planned"] is None and found["resolved"] is None):
        return ""
    name = verdict["metric"]
    known = [v for v in (found["planned"], found["resolved"]) if v is not None]

    def shown(value: float) -> str:
        if is_share(name):
            return f"{100 * value:.1f} points"
        return number(value, places(*known))

    power = f"with {100 * found['power']:.0f} % power"
    parts = []
    if found["resolved"] is not None:
        parts.append(f"these fresh runs could show a true gain of {shown(found['resolved'])} {power}")
    if found["planned"] is not None:
        what = shown(found["planned"]) + ("" if parts else f" of {spoken(name)} {power}")
        parts.append(f"the plan said {what} ({_MADE_OF.get(found['basis'], found['basis'])})")
    return "; ".join(parts)
