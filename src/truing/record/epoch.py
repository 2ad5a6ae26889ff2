"""Which report a run's score is taken from: `Study(epoch="last" | "best" | "mean:5")`."""

from __future__ import annotations

import math
import statistics
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from truing.errors import UsageError
from truing.record.report import Report

LAST, BEST, MEAN, AT = "last", "best", "mean", "at"


@dataclass(frozen=True)
class EpochRule:
    """The report that counts.

    Args:
        kind: "last"; "best" by the primary metric's goal, the earlier of two equals; "mean" of the last `n`; or "at":
            the last report up to epoch `n`, which was chosen before the run began.
        n: see above.

    >>> str(EpochRule.parse("mean:5")), str(EpochRule.parse("mean:1"))
    ('mean:5', 'last')
    """

    kind: str = LAST
    n: int = 0

    @classmethod
    def parse(cls, given: Any) -> EpochRule:
        """The rule a person names.

        Raises:
            UsageError: it is none.
        """
        kind, _, number = given.partition(":") if isinstance(given, str) else ("", "", "")
        if (kind in (LAST, BEST) and given == kind) or (kind == MEAN and number.isdecimal() and int(number) > 0):
            return cls(LAST) if number == "1" else cls(kind, int(number or 0))
        raise UsageError(
            'epoch= says which report a run\'s score is taken from: "last", "best", or "mean:5" for the mean of the '
            f"last five; got {given!r}."
        )

    @classmethod
    def read(cls, text: str) -> EpochRule:
        """The rule that `str` wrote."""
        kind, _, number = text.partition(":")
        return cls(kind, int(number or 0))

    def __str__(self) -> str:
        return f"{self.kind}:{self.n}" if self.n else self.kind

    def describe(self) -> str:
        """In words: whose score a run has."""
        return {
            LAST: "its last report",
            BEST: "its best report",
            MEAN: f"the mean of its last {self.n} reports",
            AT: f"its report of epoch {self.n}",
        }[self.kind]


@dataclass
class Chosen:
    """Takes the reports of a run as they come, and has the one that counts.

    It holds the predictions of at most one report.

    Args:
        metric, goal: the primary metric's name and "min" or "max".
        best: the best report so far; None while the metric is undefined in all of them.
    """

    rule: EpochRule
    metric: str
    goal: str
    best: tuple[int, float] | None = None
    _kept: Report | None = None
    _recent: deque[Report] = field(default_factory=deque)

    def take(self, report: Report) -> None:
        """One more report."""
        value = report.scores.get(self.metric)
        better = value is not None and (self.best is None or self._better(value, self.best[1]))
        if value is not None and better:
            self.best = (report.length, value)
        match self.rule.kind:
            case "best":
                if better or self.best is None:
                    self._kept = report
            case "at":
                if self._kept is None or report.length <= self.rule.n:
                    self._kept = report
            case "mean":
                self._kept = report
                self._recent.append(replace(report, predictions=None))
                if len(self._recent) > self.rule.n:
                    self._recent.popleft()
            case _:
                self._kept = report

    def report(self) -> Report | None:
        """What counts; None before the first report. The predictions with a mean are those of the last report."""
        if self.rule.kind != MEAN or self._kept is None:
            return self._kept
        scores: dict[str, float | None] = {}
        undefined: dict[str, str] = {}
        for name in dict.fromkeys(name for report in self._recent for name in report.scores):
            values = [report.scores.get(name) for report in self._recent]
            known = [value for value in values if value is not None]
            scores[name] = math.fsum(known) / len(known) if len(known) == len(values) else None
            if scores[name] is None:
                reasons = [r.undefined.get(name, "not reported") for r in self._recent if r.scores.get(name) is None]
                undefined[name] = (
                    reasons[-1] if not known else f"{reasons[-1]}, in one of the last {len(values)} reports"
                )
        return replace(self._kept, scores=scores, undefined=undefined)

    def standing(self) -> tuple[Report | None, Sequence[Report]]:
        """The reports it holds, for a checkpoint: the one that counts, and those of a mean."""
        return self._kept, tuple(self._recent)

    def put_back(self, kept: Report | None, recent: deque[Report]) -> None:
        """Hold the reports that a checkpoint held."""
        self._kept, self._recent = kept, recent

    def _better(self, value: float, than: float) -> bool:
        return value < than if self.goal == "min" else value > than


def median_epoch(epochs: Sequence[int]) -> int | None:
    """The median of some runs' best epochs as a number of epochs; halves are rounded up; None of none.

    >>> median_epoch([3, 9, 4]), median_epoch([3, 4]), median_epoch([])
    (4, 4, None)
    """
    return math.floor(statistics.median(epochs) + 0.5) if epochs else None
