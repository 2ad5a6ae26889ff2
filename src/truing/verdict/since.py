"""Whether the search went on after its verdict, and what else a stored verdict does not have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from truing.record.history import History
from truing.statistics.threshold import Aim


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


def outdated(
    history: History,
    verdict: Mapping[str, Any],
    *,
    metrics: Sequence[str],
    aim: Aim | None,
    prevalence: float | None,
) -> list[str]:
    """One sentence for each thing that the study asks for by now and the stored verdict was made without.

    Args:
        verdict: as `Verdict.to_dict()`.
        metrics: all names, the primary's first.
        aim: of the study's threshold.
    """
    stale, notes = [], []
    if aim is not None and (verdict.get("threshold") or {}).get("aim") != str(aim):
        stale.append("threshold=")
    if prevalence is not None and (verdict.get("predictive_values") or {}).get("prevalence") != prevalence:
        stale.append("prevalence=")
    if stale:
        notes.append(
            f"Note: the stored verdict was made with another {' and '.join(stale)} or none; "
            "verdict(again=True) has it, and is one more look."
        )
    tested = verdict["test"]
    if missing := [name for name in metrics if tested is not None and name not in tested]:
        notes.append(
            f"Note: the stored verdict was made without {', '.join(missing)}; verdict(again=True) has it, and is one "
            "more look."
        )
    after = since(history, verdict)
    return [*notes, after] if after else notes
