"""The smallest gain that the plan could resolve, beside what the verdict's fresh runs did resolve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from truing.record.history import History
from truing.record.trial import Trial
from truing.setting import Setting
from truing.statistics.correlated import resolvable
from truing.statistics.summary import absent
from truing.verdict.fresh import Fresh
from truing.verdict.wording import is_share, number, places, spoken

_MADE_OF = {"rows": "guessed", "defaults": "by the defaults' runs", "trials": "by the search's runs"}


def resolved(
    setting: Setting, history: History, selected: Trial, defaults: Trial | None, fresh: Fresh
) -> dict[str, Any] | None:
    """As planned before the search and measured in it, and by the fresh runs; None for a search without a plan.

    Like the plan's, the figure is that of `resolvable`: with the standard deviation of these fresh paired differences.
    """
    plans = history.notes.get("resolution")
    if not plans:
        return None
    value, reason = None, None
    if defaults is None or selected.number == defaults.number or not fresh.replicates or setting.validation is None:
        reason = "there are no fresh runs of two sides"
    else:
        name, spread = setting.task.primary.name, fresh.spread(setting.validation.spread)
        sides = zip(fresh.scores(selected, name), fresh.scores(defaults, name), strict=True)
        pairs: list[float | None] = [None if a is None or b is None else a - b for a, b in sides]
        own = fresh.by_split(pairs) if spread > 0 else pairs
        reason = absent(own) or ("fewer than two fresh runs a side" if len(own) < 2 else None)
        if reason is None:
            value = resolvable(float(np.std(np.array(own, dtype=float), ddof=1)), len(own), spread)
    return {
        "guessed": plans[0]["value"] if plans[0]["basis"] == "rows" else None,
        "planned": plans[-1]["value"],
        "basis": plans[-1]["basis"],
        "planned_reason": plans[-1]["reason"],
        "resolved": value,
        "reason": reason,
        "power": plans[-1]["power"],
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
