"""Every registered procedure keeps the rules of `truing.testing.procedures`, and each rule catches a broken one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import truing.testing.procedures as suite
from truing.registry import PROCEDURES
from truing.validation.internal import Internal
from truing.validation.nested import Nested


@pytest.mark.parametrize("name", PROCEDURES.names())
def test_conformance(name: str) -> None:
    suite.check_procedure(PROCEDURES.get(name))


@dataclass(frozen=True)
class Altered(Nested):
    """Nested, with one of its parts changed."""

    def change(self, part: Any, rows: Any) -> Any:
        return part

    def plan(self, rows: Any, rng: Any) -> Any:
        parts = list(super().plan(rows, rng))
        return [self.change(parts[0], rows), *parts[1:]]


class LeaksOneRow(Altered):
    def change(self, part: Any, rows: Any) -> Any:
        return replace(part, train=np.append(part.train, part.test[0]))


class LeaksAGroup(Altered):
    def change(self, part: Any, rows: Any) -> Any:
        if rows.group_labels is None:
            return part
        mate = np.flatnonzero(rows.group_labels == rows.group_labels[part.test[0]])[-1]
        return replace(part, train=np.union1d(part.train, [mate]), test=np.setdiff1d(part.test, [mate]))


class OutsideTheRows(Altered):
    def change(self, part: Any, rows: Any) -> Any:
        return replace(part, train=np.append(part.train, len(rows)))


class OneFolder(Altered):
    def change(self, part: Any, rows: Any) -> Any:
        return replace(part, folder=f"fold-2-of-{self.folds}")


class UpwardFolder(Altered):
    def change(self, part: Any, rows: Any) -> Any:
        return replace(part, folder="../fold-1")


class AnotherEachTime(Nested):
    def plan(self, rows: Any, rng: Any) -> Any:
        return super().plan(rows, np.random.default_rng())


class Writes(Altered):
    def change(self, part: Any, rows: Any) -> Any:
        rows.labels[0] = 1 - rows.labels[0]
        return part


class CopiesApart(Internal):
    def plan(self, rows: Any, rng: Any) -> Any:
        return [replace(part, units=None) for part in super().plan(rows, rng)]


class SaysLess(Nested):
    def estimate(self, *given: Any) -> Any:
        return {k: v for k, v in super().estimate(*given).items() if k != "estimand"}


class Averages(Nested):
    """Leaves out the parts that failed."""

    def estimate(self, task: Any, rows: Any, truth: Any, parts: Any, tuned: Any, rng: Any) -> Any:
        kept = [place for place, one in enumerate(tuned) if one.selected.reason is None]
        return super().estimate(task, rows, truth, [parts[i] for i in kept], [tuned[i] for i in kept], rng)


class Swaps(Nested):
    """Takes the defaults for the selected."""

    def estimate(self, task: Any, rows: Any, truth: Any, parts: Any, tuned: Any, rng: Any) -> Any:
        turned = [replace(one, selected=one.defaults, defaults=one.selected) for one in tuned]
        return super().estimate(task, rows, truth, parts, turned, rng)


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (LeaksOneRow, suite.no_row_leaks),
        (LeaksAGroup, suite.no_group_leaks),
        (OutsideTheRows, suite.positions_are_valid),
        (OneFolder, suite.folders_are_different),
        (UpwardFolder, suite.folders_are_different),
        (AnotherEachTime, suite.plans_repeat),
        (Writes, suite.rows_are_left_alone),
        (CopiesApart, suite.copies_stay_together),
        (SaysLess, suite.figures_are_complete),
        (Swaps, suite.perfect_is_perfect),
        (Averages, suite.failures_are_not_averaged_away),
    ],
)
def test_each_rule_catches_a_broken_one(broken: type, check: Any) -> None:
    with pytest.raises(AssertionError):
        check(broken)
