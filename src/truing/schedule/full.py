"""The plain schedule: every trial runs all its epochs on all its replicates."""

from __future__ import annotations

from dataclasses import dataclass

from truing.record.history import History
from truing.record.interfaces import Continue, Decision, New


@dataclass(frozen=True)
class Full:
    """No run is stopped early and none is put off: the loop's number of trials is the only limit."""

    def next(self, view: History) -> New | Continue | None:
        """Always a new trial, as far as the study goes, on every replicate."""
        return New()

    def keep(self, view: History, run: int) -> Decision:
        """Always go on."""
        return Decision.GO_ON
