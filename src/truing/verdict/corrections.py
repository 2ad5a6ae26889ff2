"""What stands between the winner's own score and the figures of a verdict, each with its size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truing.verdict import best_epoch
from truing.verdict.text import luck
from truing.verdict.wording import capital


def corrections(verdict: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Code, value in the metric's unit (the corrected minus the uncorrected figure), and a sentence; pure."""
    valid, found = verdict["validation"], []
    if valid["selected"] is not None and valid["as_searched"] is not None:
        gap = valid["selected"] - valid["as_searched"]
        found.append({"code": "search_luck", "value": gap, "message": f"{capital(luck(verdict))}."})
    if verdict.get("epoch"):
        value = verdict["epoch"]["optimism"]["value"]
        message = capital(best_epoch.sentence(verdict))
        found.append({"code": "best_epoch", "value": None if value is None else -value, "message": message})
    return found
