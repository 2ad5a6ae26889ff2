"""What a figure is made from: a study as its folder tells it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from truing.errors import UsageError, short
from truing.record.history import History
from truing.report.effects import Effect, effects
from truing.report.facts import inside, name_of
from truing.report.importance import Importance, importance_of


@dataclass(frozen=True)
class Seen:
    """A study, read once; what several figures need of it is computed once, and when it is asked for.

    Args:
        history: of the study.
        study: the data of its `study` event.
        verdict: as `Verdict.to_dict()`; None before there is one.
    """

    history: History
    study: Mapping[str, Any]
    verdict: Mapping[str, Any] | None = None

    @property
    def metric(self) -> str:
        """The name of the primary metric."""
        return name_of(self.study.get("metric") or inside(self.verdict, "metric"), "score")

    @property
    def selected(self) -> int | None:
        """Number of the trial that the verdict chose; None before a verdict."""
        found = inside(self.verdict, "selected_trial")
        return found if isinstance(found, int) else None

    @cached_property
    def effects(self) -> tuple[Effect, ...]:
        """What the trials say of each parameter, each by itself."""
        return tuple(effects(self.history))

    @cached_property
    def importance(self) -> Importance:
        """What mattered; a second of work at a hundred trials."""
        return importance_of(self.history, self.study)

    def by_weight(self) -> list[str]:
        """The parameters, those that made most of the variance first; the others as the space has them."""
        found = [share.names[0] for share in self.importance.shares.parameters]
        return [*found, *(name for name in self.history.space if name not in found)]

    def parameter(self, name: str) -> str:
        """The same name.

        Raises:
            UsageError: the space has no such parameter.
        """
        known = list(self.history.space)
        if name in known:
            return name
        near = difflib.get_close_matches(str(name), known, 1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise UsageError(f"The space has no parameter {short(name)}{hint} It has: {', '.join(known) or 'none'}.")
