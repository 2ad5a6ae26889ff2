"""Whether the search went on after its verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truing.record.history import History


def since(history: History, verdict: Mapping[str, Any]) -> str:
    """A sentence when trials came after the stored verdict; empty otherwise.

    Args:
        verdict: as `Verdict.to_dict()`.
    """
    judged, now = verdict["trials"], len(history)
    if now <= judged:
        return ""
    return (
        f"Note: this verdict was made after {judged} of the {now} trials; verdict(again=True) or "
        "truing verdict FOLDER --again judges them all, and is one more look."
    )
