"""What procedures that tune inside came to, as the journal has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truing.record.history import History

KIND = "evaluated"  # of the event: {"procedure", "settings", "since", "result"}


def evaluations(history: History) -> list[Mapping[str, Any]]:
    """The latest result of each procedure and its settings, of the function and space as they are now."""
    latest = {
        repr(note["settings"]): note["result"]
        for note in history.notes.get(KIND, ())
        if note["since"] == history.verdict_since
    }
    return list(latest.values())
