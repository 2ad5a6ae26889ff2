"""What next: the checklist after a study, and a space for the next one."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from truing.advice.checks import NOT_JUDGED, PASS, WARN, Check, checklist
from truing.advice.next_space import next_space
from truing.record.history import History
from truing.report.columns import plain
from truing.report.importance import Importance
from truing.space.code import space_code
from truing.space.space import Space

_WIDTH = 80


@dataclass(frozen=True)
class WhatNext:
    """What to do after a study.

    Args:
        checks: the checklist, each "pass", "warn" or "not judged" with its evidence.
        space: for the next study; None from fewer than five completed trials.
        changes: parameter -> what is other than in the space of this study.

    >>> check = Check("best at the edge of its range", "pass", "The best lies inside.", "")
    >>> WhatNext((check,), None, {}).passed
    '1 of 1 checks pass.'
    """

    checks: tuple[Check, ...]
    space: Space | None
    changes: Mapping[str, str]

    @property
    def code(self) -> str:
        """The space as code to paste; empty without one.

        Of options that are objects it has the objects where the study was made with them; a folder knows labels only.
        """
        if self.space is None:
            return ""
        return space_code(self.space, {name: (plain(said),) for name, said in self.changes.items()})

    @property
    def warnings(self) -> tuple[Check, ...]:
        """The checks that warn."""
        return tuple(check for check in self.checks if check.state == WARN)

    @property
    def passed(self) -> str:
        """A line for what passed and what could not be judged."""
        passed = [check.name for check in self.checks if check.state == PASS]
        unknown = [check.name for check in self.checks if check.state == NOT_JUDGED]
        parts = [f"{len(passed)} of {len(self.checks)} checks pass"]
        return "; ".join(parts + ([f"not judged: {', '.join(unknown)}"] if unknown else [])) + "."

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "checks": [check.to_dict() for check in self.checks],
            "space": None if self.space is None else self.space.to_dict(),
            "changes": dict(self.changes),
            "code": self.code,
        }

    def _repr_html_(self) -> str:
        style = "color: inherit; background: transparent; line-height: 1.35; overflow-x: auto"
        return f'<pre style="{style}">{html.escape(str(self))}</pre>'

    def __str__(self) -> str:
        lines = ["What next"]
        for check in self.checks:
            told = f"{check.state}: {check.name}: {check.evidence} {check.advice}".rstrip()
            lines += textwrap.wrap(plain(told), _WIDTH, subsequent_indent="  ")
        if self.space is not None:
            lines += ["", "A space for the next study:", "", self.code]
        return "\n".join(lines)


def what_next_of(history: History, importance: Importance | None, space: Space | None = None) -> WhatNext:
    """The checklist and the next space of a study as far as it is.

    Args:
        importance: of the same study; None = not computed, and the checks do without.
        space: the study's own where it is at hand, for its objects; default: the journal's.
    """
    shares = {} if importance is None else {s.names[0]: s.total or s.share for s in importance.shares.parameters}
    own = space if space is not None and space == history.space else history.space
    found = next_space(own, [trial.config for trial in history.ranked()])
    checks = checklist(history, shares)
    return WhatNext(checks, None, {}) if found is None else WhatNext(checks, found.space, found.changes)
