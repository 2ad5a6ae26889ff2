"""The defaults alone first: for studies whose other trials are measured from them."""

from __future__ import annotations

from dataclasses import dataclass

from truing.errors import StudyFailedError
from truing.record.history import History
from truing.record.interfaces import Continue, Decision, New


@dataclass(frozen=True)
class DefaultsFirst:
    """No other trial starts before trial 0 is judged; then as `Full`, every trial runs all on all its replicates."""

    def next(self, view: History) -> New | Continue | None:
        """A new trial; None while the defaults run.

        Raises:
            StudyFailedError: the defaults have no score to measure from.
        """
        if len(view) == 0:
            return New()
        defaults = view.trial(0)
        if defaults.state in ("running", "cancelled"):
            return None
        if defaults.state != "completed" or defaults.value is None:
            why = (defaults.reason or defaults.state).rstrip(" .")
            raise StudyFailedError(
                f"The defaults have no score ({why}), and gains are measured from them; mend the cause, and begin anew "
                "with fresh=True (--fresh)."
            )
        return New()

    def keep(self, view: History, run: int) -> Decision:
        """Always go on."""
        return Decision.GO_ON
