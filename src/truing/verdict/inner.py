"""Inside a part of a procedure: choose as the verdict would, train on all its rows, predict its test rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from truing.execution.job import Job, kept
from truing.loop import Session
from truing.record.plan import Plan
from truing.record.procedure import Part, Side, Tuned
from truing.record.seeds import seed_of, stream
from truing.record.state import State
from truing.record.trial import Replicate, RunRecord, Trial
from truing.setting import Setting
from truing.verdict import best_epoch
from truing.verdict.fresh import failure_of
from truing.verdict.locked import LOCKED
from truing.verdict.reach import Reaching

OUTER = "outer"  # the runs on all rows of a part, which are scored on its test rows


def inner_setting(setting: Setting, validation: Any, part: Part, *names: str) -> Setting:
    """What the study inside a part rests on: its rows of the same Data, and no locked ones.

    Args:
        validation: the protocol as the study was given it, not yet bound to rows.
        names: of its seed's stream, beside the part's folder.
    """
    plan, rows = setting.plan, setting.plan.rows
    if rows is None or setting.data is None:
        raise ValueError("a part has rows")
    mine, seed = rows[part.train], seed_of(plan.seed, "evaluate", *names, part.folder)
    bare = replace(
        setting, locked=None, plan=replace(plan, seed=seed, rows=mine, locked=None), findings=(), units=part.units
    )
    outline = bare.outline()
    if hasattr(validation, "bound"):
        validation = validation.bound(outline)
    if validation is None:
        replicates: Sequence[Replicate] = [Replicate(0, train=np.arange(len(mine), dtype=np.int64))]
    else:
        replicates = validation.plan(outline, stream(seed, "plan"))
    inner = Plan(seed, tuple(replicates), rows=mine, epochs=plan.epochs, threads=plan.threads, scored=plan.scored)
    return replace(bare, validation=validation, plan=inner)


@dataclass(frozen=True)
class Inner:
    """One part whose search is done.

    Args:
        test: positions in the Data of the rows that score it.
        refits: how often each side is trained on all rows of the part.
    """

    session: Session
    setting: Setting
    job: Job
    study: Mapping[str, Any]
    test: np.ndarray
    refits: int
    say: Callable[[str], None]
    phase: Callable[[str, int], None]

    def tuned(self) -> Tuned:
        """Race, refits and predictions; what has been done before is not done again.

        Raises:
            KeyboardInterrupt: it was interrupted; called again it goes on.
        """
        reaching = Reaching(self.session, self.setting, self.job, self.study, self.say, self.phase)
        history, defaults = self.session.history, self.session.history.trial(0)
        selected = reaching.chosen()
        sides = [selected] if selected.number == 0 or defaults.state != "completed" else [selected, defaults]
        runs = self._refits(reaching, sides)
        own = self._side(runs[selected.number], "refit of the selected configuration")
        other = own
        if selected.number != 0:
            missing = Side(reason="the defaults did not complete in the search")
            other = self._side(runs[0], "refit of the defaults") if len(sides) > 1 else missing
        ended = [run for run in history.runs.values() if run.state is not State.SUPERSEDED]
        return Tuned(
            dict(selected.config),
            selected.number,
            len(history),
            len({(run.purpose, run.trial, run.replicate) for run in ended}),
            sum(run.seconds for run in ended),
            selected.value,
            own,
            other,
        )

    def _refits(self, reaching: Reaching, sides: Sequence[Trial]) -> dict[int, list[RunRecord | None]]:
        locked_as = reaching.locked_as
        if locked_as != "numbers":
            reaching._give_up_damaged(OUTER)
        replicates = [reaching._whole(index) for index in range(self.refits)]
        own = partial(best_epoch.refit_settings, self.setting, self.session.history)
        return reaching._perform(OUTER, sides, replicates, own, locked=self.test, locked_as=locked_as)

    def _side(self, runs: Sequence[RunRecord | None], what: str) -> Side:
        failed = failure_of(runs, what)
        if failed is not None:
            return Side(reason=failed)
        done = [run for run in runs if run is not None]
        if all((run.details.get("checksums") or {}).get(LOCKED) is not None for run in done):
            return Side([kept(self.job, run, LOCKED).astype(np.float64) for run in done])
        return Side(numbers=[dict(run.scores) for run in done])
