"""The part of a verdict that opens sets from outside: which runs predict them, and the figures of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from truing.data.outside import EXTERNAL, NEGATIVE, Outside
from truing.execution.job import Job
from truing.record.trial import Trial
from truing.setting import Setting
from truing.verdict import external, negative
from truing.verdict.fresh import Fresh
from truing.verdict.locked import LOCKED, Aside, LockedTest, Refits

Again = Callable[[Outside, Sequence[Trial], np.ndarray], Refits]


@dataclass(frozen=True, eq=False)
class Outsiders:
    """The external sets and negative controls of a verdict.

    Where the function returns predict, the refits that predict the locked rows predict these as well. Where it returns
    none, it is refitted on the same rows with the same seeds for each set, which then stands in `run.valid` as the
    locked rows do.

    Args:
        refits: of the locked test.
        again: carries out further refits with rows of a set in the place of `run.valid`.
        rng: a random stream by its name.
    """

    setting: Setting
    job: Job
    sides: Sequence[Trial]
    comparable: bool
    fresh: Fresh
    refits: Refits
    locked_as: str
    again: Again
    rng: Callable[[str], np.random.Generator]

    def figures(self) -> dict[str, Any]:
        """`external` and `negative`: name -> figures; None where there is no such set."""
        found: dict[str, Any] = {EXTERNAL: None, NEGATIVE: None}
        for one in self.setting.outside:
            entry = self._external(one) if one.kind == EXTERNAL else self._negative(one)
            found[one.kind] = (found[one.kind] or {}) | {one.name: entry}
        return found

    def _external(self, one: Outside) -> dict[str, Any]:
        refits, file = self.refits, f"-{one.key}"
        if self.locked_as != "predict":
            rows = np.flatnonzero(external.known_rows(self.setting, one.data))
            refits, file = self.again(one, self.sides, rows), LOCKED
        aside = external.aside_of(self.setting, one, file)
        rng = self.rng(one.key)
        test = LockedTest(self.setting, self.job, self.sides, refits, self.comparable, self.locked_as, rng, aside)
        origin = external.Origin(self.setting, self.fresh)
        return external.figures(origin, self.job, one, aside, test, self.refits, rng)

    def _negative(self, one: Outside) -> dict[str, Any]:
        selected, rng = self.sides[0], self.rng(one.key)
        first = self.refits[selected.number][0]
        if self.locked_as == "numbers":
            return negative.figures(self.setting, one, None, negative.NUMBERS, rng, negative.NUMBERS)
        compared = negative.median_of_correct(self.setting, self.job, first, self.fresh, selected.number)
        run, file = first, f"-{one.key}"
        if self.locked_as != "predict":
            run, file = self.again(one, [selected], np.arange(len(one.data)))[selected.number][0], LOCKED
        found = Aside("the rows", np.empty(0), None, file).read(self.job, run)
        return negative.figures(self.setting, one, found, compared, rng)
