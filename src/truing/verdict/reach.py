"""Run what the verdict needs, in order, and make its figures.

Every run is in the journal, so a verdict that was cut off goes on where it was.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from truing.errors import StudyFailedError
from truing.execution.job import Job
from truing.loop import Session, carry_out
from truing.record.events import Event
from truing.record.interfaces import ScoreTable
from truing.record.seeds import stream
from truing.record.state import State
from truing.record.trial import ESTIMATE, RACE, REFIT, Replicate, RunRecord, Trial
from truing.setting import Setting
from truing.verdict import figures
from truing.verdict.select import REFITS, candidates, cost, fresh_runs, winner
from truing.verdict.text import headline
from truing.verdict.verdict import Verdict
from truing.verdict.warnings import warnings_of

Runs = Mapping[tuple[int, int], RunRecord]


def reach(
    session: Session,
    setting: Setting,
    job: Job,
    study: Mapping[str, Any],
    *,
    say: Callable[[str], None],
    phase: Callable[[str, int], None],
) -> Verdict:
    """Make the verdict, store it in the journal, and return it.

    Args:
        say: prints a line.
        phase: told the name and the number of runs of what comes next.

    Raises:
        KeyboardInterrupt: it was interrupted; called again it goes on.
        StudyFailedError: the delivered network could not be trained.
    """
    verdict = _Reaching(session, setting, job, study, say, phase).verdict()
    session.record(Event("verdict", {"verdict": verdict.to_dict()}))
    return verdict


@dataclass(frozen=True)
class _Reaching:
    session: Session
    setting: Setting
    job: Job
    study: Mapping[str, Any]
    say: Callable[[str], None]
    phase: Callable[[str, int], None]

    @property
    def number(self) -> int:
        """1 for the first verdict of the study."""
        return len(self.session.history.notes.get("verdict", ())) + 1

    def verdict(self) -> Verdict:
        history, task = self.session.history, self.setting.task
        searched = [r for r in history.runs.values() if r.purpose == "search" and r.state is State.COMPLETED]
        raced = candidates(history, len(searched))
        defaults = history.trial(0)
        comparable = defaults.state == "completed"
        self._say_cost(raced, len(searched), comparable)
        selected = self._race(raced)
        same = selected.number == 0
        sides = [selected] if same or not comparable else [selected, defaults]
        fresh, spread = self._estimate_runs(sides)
        refits = self._refit(sides)
        validation, difference = figures.validation(
            self.setting, selected, defaults if comparable else None, fresh, spread
        )
        test = figures.locked(self.setting, self.job, selected, sides, refits, self._locked_as, self._rng("rows"))
        gain = figures.gain(task.goal, difference, (test or {}).get(task.primary.name), same)
        base = figures.base_rates(self.setting)
        generalization = figures.generalization(self.setting, selected, fresh, spread, validation, test, base)
        runs = history.runs.values()
        found: dict[str, Any] = {
            "schema": 1,
            "metric": task.primary.name,
            "goal": task.goal,
            "selected": dict(selected.config),
            "defaults": dict(defaults.config),
            "selected_trial": selected.number,
            "gain": gain,
            "validation": {**validation, "difference": difference},
            "test": test,
            "looks": len(history.notes.get("look", ())),
            "generalization": generalization,
            "base": base["test"] or base["development"],
            "trials": len(history),
            "runs": sum(r.purpose == "search" for r in runs),
            "verdict_runs": sum(r.purpose != "search" for r in runs),
            "seconds": round(sum(r.seconds for r in runs), 3),
            "protocol": self.study.get("validation_text"),
            "refits": REFITS if self.setting.has_test else 1,
            "locked_rows": len(self.setting.plan.locked) if self.setting.plan.locked is not None else None,
            "model": sorted(p.name for p in (self.job.folder / "model").glob("*"))
            if (self.job.folder / "model").is_dir()
            else [],
            "target": figures.target(history, task.goal, validation["selected"]),
        }
        found["warnings"] = warnings_of(found, history, self.study, self._locked_as, defaults)
        found["headline"] = headline(found)
        return Verdict(found)

    # -- the runs --------------------------------------------------------------------------------------------------

    def _race(self, raced: Sequence[Trial]) -> Trial:
        if len(raced) < 2 or self.setting.validation is None:
            return raced[0]
        replicates = self.setting.fresh(self._named(RACE), self.setting.validation.block)
        runs = self._perform(RACE, raced, replicates)
        name, fresh = self.setting.task.primary.name, {}
        for trial in raced:
            mine = [runs.get((trial.number, r.index)) for r in replicates]
            scores = [run.scores.get(name) if run is not None else None for run in mine]
            value = self.setting.estimate(ScoreTable({trial.number: scores}))[trial.number].value
            fresh[trial.number] = (value, len(replicates))
        before = {trial.number: len(self.setting.plan.replicates) for trial in raced}
        return winner(raced, before, fresh, self.setting.task.goal)

    def _estimate_runs(self, sides: Sequence[Trial]) -> tuple[dict[int, list[RunRecord | None]], float]:
        """trial -> its fresh runs in order of replicates, and n_valid / n_train."""
        if self.setting.validation is None:
            return {}, 0.0
        replicates = self.setting.fresh(self._named(ESTIMATE), fresh_runs(self.setting.validation.block))
        runs = self._perform(ESTIMATE, sides, replicates, score_train=True)
        found = {t.number: [runs.get((t.number, r.index)) for r in replicates] for t in sides}
        return found, float(self.setting.validation.spread)

    def _refit(self, sides: Sequence[Trial]) -> dict[int, list[RunRecord | None]]:
        """trial -> its refits on all development rows; the first of the selected is delivered."""
        selected, plan = sides[0], self.setting.plan
        replicates = [self._whole(index) for index in range(REFITS if self.setting.has_test else 1)]
        if self.setting.has_test:
            self._open_lockbox()
        if not any(
            (self._purpose(REFIT), selected.number, r.index) in self.session.history.verdict_runs for r in replicates
        ):
            shutil.rmtree(self.job.folder / "model", ignore_errors=True)
        more = (
            {"locked": plan.locked, "locked_in": plan.locked_in, "locked_as": self._locked_as}
            if self.setting.has_test
            else {}
        )
        runs = self._perform(
            REFIT, sides if self.setting.has_test else [selected], replicates, delivered=selected, **more
        )
        if (selected.number, 0) not in runs:
            raise StudyFailedError(self._refit_failed(selected))
        return {t.number: [runs.get((t.number, r.index)) for r in replicates] for t in sides}

    def _whole(self, index: int) -> Replicate:
        """All development rows to train on; a fifth of the same rows to report on, so that the function runs."""
        rows = self.setting.rows
        if rows is None:
            return Replicate(index)
        every = np.arange(rows, dtype=np.int64)
        fifth = np.sort(self._rng("fifth").choice(rows, size=max(1, rows // 5), replace=False))
        return Replicate(index, every, fifth)

    def _open_lockbox(self) -> None:
        """Count the look before it happens; a verdict that was cut off and goes on is still the same look."""
        looks = self.session.history.notes.get("look", [])
        if not any(look["verdict"] == self.number for look in looks):
            self.session.record(Event("look", {"verdict": self.number, "number": len(looks) + 1}))

    def _perform(
        self,
        purpose: str,
        trials: Sequence[Trial],
        replicates: Sequence[Replicate],
        *,
        delivered: Trial | None = None,
        **more: Any,
    ) -> dict[tuple[int, int], RunRecord]:
        """Carry out what is not in the journal yet; (trial, replicate) -> its completed run."""
        history, named = self.session.history, self._purpose(purpose)
        specs = []
        for replicate in replicates:
            for trial in trials:
                if (named, trial.number, replicate.index) not in history.verdict_runs:
                    spec = self.setting.plan.spec(0, trial.number, trial.config, named, replicate, **more)
                    keep = delivered is not None and trial.number == delivered.number and replicate.index == 0
                    specs.append(replace(spec, keep_model=keep))
        if specs:
            self.phase(purpose, len(specs))
        if not carry_out(self.session, specs):
            raise KeyboardInterrupt
        found = {}
        for replicate in replicates:
            for trial in trials:
                run = history.verdict_runs.get((named, trial.number, replicate.index))
                if run is not None:
                    found[trial.number, replicate.index] = history.runs[run]
        return found

    # -- words and names -------------------------------------------------------------------------------------------

    @property
    def _locked_as(self) -> str:
        """How the locked rows reach the function; the last completed run knows what the function returns."""
        for run in reversed(self.session.history.runs.values()):
            if run.state is State.COMPLETED and run.purpose == "search":
                if run.details.get("predict"):
                    return "predict"
                return "numbers" if run.details.get("report") == "numbers" else "locked"
        return "predict"

    def _purpose(self, purpose: str) -> str:
        return purpose if self.number == 1 else f"{purpose}@{self.number}"

    _named = _purpose

    def _rng(self, what: str) -> np.random.Generator:
        return stream(self.setting.plan.seed, "verdict", self.number, what)

    def _say_cost(self, raced: Sequence[Trial], searched: int, comparable: bool) -> None:
        validation = self.setting.validation
        block = validation.block if validation is not None else 1
        runs = cost(
            len(raced),
            block,
            same=(len(raced) == 1 and raced[0].number == 0) or not comparable,
            test=self.setting.has_test,
            fresh=validation is not None,
        )
        share = f", {100 * runs / searched:.0f} % of the search's {searched}" if searched else ""
        race = f"a race of {len(raced)}, " if len(raced) > 1 and validation is not None else ""
        self.say(f"Verdict: {race}fresh runs and refits, {runs} runs in all{share}.")

    def _refit_failed(self, selected: Trial) -> str:
        named = self._purpose(REFIT)
        failed = [r for r in self.session.history.runs.values() if r.purpose == named and r.trial == selected.number]
        last = failed[-1] if failed else None
        why = f"{last.state}: {last.reason}" if last is not None else "it did not run"
        tail = f"\n\n{last.reason.tail}" if last is not None and last.reason is not None and last.reason.tail else ""
        return (
            f"The selected configuration could not be trained on all development rows ({why}), "
            f"so there is no verdict.{tail}"
        )
