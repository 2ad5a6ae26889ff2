"""Run what the verdict needs, in order, and make its figures.

Every run is in the journal, so a verdict that was cut off goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from truing.data.outside import EXTERNAL, Outside
from truing.errors import DataError, StudyFailedError
from truing.execution.job import Job, kept
from truing.loop import Session, carry_out
from truing.record.changes import changes_of, earlier_looks, own_looks
from truing.record.events import Event
from truing.record.seeds import seed_of, stream
from truing.record.state import State
from truing.record.trial import ESTIMATE, RACE, REFIT, SEARCH, Replicate, RunRecord, Trial
from truing.setting import Setting
from truing.verdict import best_epoch, figures
from truing.verdict import choice as flattery
from truing.verdict.corrections import corrections
from truing.verdict.delivery import Delivery
from truing.verdict.doubts import doubts
from truing.verdict.evidence import Evidence
from truing.verdict.fresh import Fresh, cause
from truing.verdict.headline import headline
from truing.verdict.held_fixed import held_fixed
from truing.verdict.judgement import judgement
from truing.verdict.locked import LOCKED, NO_DELIVERY, LockedTest, few_positives
from truing.verdict.mattered import mattered
from truing.verdict.outside import Outsiders
from truing.verdict.paired import paired
from truing.verdict.repeats import Ends, own_runs
from truing.verdict.resolved import resolved
from truing.verdict.select import REFITS, candidates, cost, fresh_runs
from truing.verdict.selection import Selection, select, surface_of
from truing.verdict.truth import keep_truth
from truing.verdict.verdict import Verdict, without_nan
from truing.verdict.warnings import warnings_of

Runs = dict[int, list[RunRecord | None]]
REPORTED = 10_000  # rows that a refit reports on, by which nothing is decided
NOT_KEPT = "not kept; run.keep(name, bytes) in the function keeps it"


def reach(
    session: Session,
    setting: Setting,
    job: Job,
    study: Mapping[str, Any],
    *,
    say: Callable[[str], None],
    phase: Callable[[str, int], None],
    said: Sequence[str] = (),
) -> Verdict:
    """Make the verdict, store it in the journal, and return it.

    Args:
        say: prints a line.
        phase: told the name and the number of runs of what comes next.
        said: what the searcher says of how it ended.

    Raises:
        KeyboardInterrupt: it was interrupted; called again it goes on.
        StudyFailedError: the delivered network could not be trained.
    """
    if setting.datasets:
        from truing.verdict.several import reach_several  # which stands on this file

        verdict = reach_several(session, setting, job, study, say=say, phase=phase, said=said)
    else:
        verdict = Reaching(session, setting, job, study, say, phase, said).verdict()
    session.record(Event("verdict", {"verdict": verdict.to_dict()}))
    return verdict


@dataclass(frozen=True)
class Reaching:
    session: Session
    setting: Setting
    job: Job
    study: Mapping[str, Any]
    say: Callable[[str], None]
    phase: Callable[[str, int], None]
    said: Sequence[str] = ()

    @property
    def number(self) -> int:
        """1 for the first verdict of the study."""
        return len(self.session.history.notes.get("verdict", ())) + 1

    def verdict(self) -> Verdict:
        history = self.session.history
        raced = candidates(history)
        self._say_cost(raced)
        choice = self._race(raced)
        selected = choice.trial
        defaults = history.trial(0)
        comparable = defaults.state == "completed"
        sides = [selected] if selected.number == 0 or not comparable else [selected, defaults]
        fresh = self.fresh_runs(sides)
        refits = self.refits(sides)
        keep_truth(self.setting, self.job.folder)
        test = LockedTest(
            self.setting, self.job, sides, refits, comparable, self.locked_as, self._rng("rows")
        ).figures()
        outside = Outsiders(
            self.setting, self.job, sides, comparable, fresh, refits, self.locked_as, self._refit_on, self._rng
        ).figures()
        flattered = flattery.figures(self.setting, self.job, history, choice, self._rng("choice"))
        optimism = flattered.pop("optimism")
        found = self._figures(selected, defaults if comparable else None, fresh, test, optimism) | outside
        found["selection"] = choice.to_dict()
        found["comparison"] = self._comparison(selected, defaults if comparable else None, fresh)
        found["resolution"] = resolved(history, found["validation"]["difference"], selected.number == 0)
        found |= flattered
        found["epoch"] = best_epoch.figures(
            self.setting, history, selected, defaults if comparable else None, fresh, refits[selected.number]
        )
        evidence = Evidence(self.setting, self.job, selected, fresh, refits[selected.number], self.locked_as)
        found["held_fixed"], found["mattered"] = held_fixed(history), mattered(history)
        found["robustness"] = None  # made only when asked for, by runs of its own
        found |= judgement(evidence, self._rng("judgement"))
        found["corrections"] = corrections(found, history)
        found |= self._network(refits[selected.number][0])
        found["warnings"] = warnings_of(
            found,
            history,
            self.study,
            defaults,
            locked_as=self.locked_as,
            labelled=self.setting.data is not None and self.setting.data.labels is not None,
            few_positives=few_positives(self.setting),
            failed_runs=self._failed_runs(),
            doubts=doubts(evidence, history, self._rng("doubts")),
        )
        found["headline"] = headline(found)
        return Verdict(without_nan(found))

    def _figures(
        self,
        selected: Trial,
        defaults: Trial | None,
        fresh: Fresh,
        test: dict[str, Any] | None,
        optimism: Mapping[str, Any],
    ) -> dict[str, Any]:
        history, task, plan = self.session.history, self.setting.task, self.setting.plan
        validation, difference = figures.validation(
            self.setting, self.job, selected, defaults, fresh, optimism, function_since=history.function_since
        )
        base = figures.base_rates(self.setting)
        spent = [r for r in history.runs.values() if r.purpose in (SEARCH, *self._names)]
        return {
            "schema": 1,
            "metric": task.primary.name,
            "goal": task.goal,
            "selected": dict(selected.config),
            "defaults": dict(history.trial(0).config),
            "selected_trial": selected.number,
            "gain": figures.gain(task.goal, difference, (test or {}).get(task.primary.name), selected.number == 0),
            "validation": {**validation, "difference": difference},
            "test": test,
            "looks": len(own_looks(history)) + earlier_looks(history)[0],
            "changes": [change.to_dict() for change in changes_of(history)],
            "generalization": figures.generalization(self.setting, selected, fresh, validation, test, base),
            "base": base["test"] or base["development"],
            "trials": len(history),
            "runs": trainings(r for r in spent if r.purpose == SEARCH),
            "verdict_runs": trainings(own_runs(history, self._names)),
            "seconds": round(sum(r.seconds for r in spent), 3),
            "protocol": self.study.get("validation_text"),
            "fixed_splits": bool(getattr(self.setting.validation, "fixed", False)),
            "refits": REFITS if self.setting.opens else 1,
            "locked_rows": len(plan.locked) if plan.locked is not None else None,
            "search_says": list(self.said),
            "target": figures.target(history, task.goal, validation["selected"]),
        }

    def _comparison(self, selected: Trial, defaults: Trial | None, fresh: Fresh) -> dict[str, Any] | None:
        """Selected - defaults by the corrected t on the same fresh runs; None where there are not two sides.

        It knows nothing of the choice: the verdict's own difference is less the optimism of that.
        """
        if defaults is None or selected.number == defaults.number or not fresh.replicates:
            return None
        name, spread = self.setting.task.primary.name, fresh.spread(self.setting.validation.spread)
        sides = zip(fresh.scores(selected, name), fresh.scores(defaults, name), strict=True)
        pairs: list[float | None] = [None if a is None or b is None else a - b for a, b in sides]
        own = fresh.by_split(pairs) if spread > 0 else pairs
        found = paired(own, spread, self.setting.rope.width, self.setting.task.goal)
        return {"probabilities": found["probabilities"], "corrected_t": found["difference"]}

    def _network(self, delivered: RunRecord | None) -> dict[str, Any]:
        """The files of the delivered network; without any the reason."""
        model = self.job.folder / "model"
        files = sorted(p.name for p in model.glob("*")) if model.is_dir() else []
        if delivered is None or delivered.state is not State.COMPLETED:
            earlier = "; model/ holds that of the earlier verdict" if files else ""
            return {"model": [], "model_reason": f"none: {NO_DELIVERY}{earlier}"}
        return {"model": files, "model_reason": None if files else NOT_KEPT}

    def chosen(self) -> Trial:
        """The race alone: the configuration that would be delivered."""
        return self._race(candidates(self.session.history)).trial

    # -- the runs --------------------------------------------------------------------------------------------------

    def _race(self, raced: Sequence[Trial]) -> Selection:
        history, fresh = self.session.history, None
        if len(raced) > 1 and self.setting.validation is not None:
            fresh = self.raced(raced)
        elif self.setting.rule == "best":
            raced = raced[:1]
        else:  # no race was run, so the rule has the search's scores of all trials to go by
            raced = history.ranked()
        return select(self.setting, self.job, history, raced, fresh, surface_of(history, self._rng("surrogate")))

    def raced(self, trials: Sequence[Trial]) -> Fresh:
        """The runs of the race: one whole repeat of fresh splits each."""
        replicates = self.setting.fresh(self.named(RACE), self.setting.validation.block)
        return Fresh(replicates, self._perform(RACE, trials, replicates))

    def fresh_runs(self, sides: Sequence[Trial]) -> Fresh:
        if self.setting.validation is None:
            return Fresh((), {trial.number: () for trial in sides})
        replicates = self.setting.fresh(self.named(ESTIMATE), fresh_runs(self.setting.validation.block))
        own = partial(best_epoch.fresh_settings, self.setting, self.session.history)
        return Fresh(replicates, self._perform(ESTIMATE, sides, replicates, own, score_train=True))

    def refits(self, sides: Sequence[Trial]) -> Runs:
        """trial -> its refits on all development rows; the first of the selected is delivered."""
        selected, plan = sides[0], self.setting.plan
        replicates = [self._whole(index) for index in range(REFITS if self.setting.opens else 1)]
        more: dict[str, Any] = {}
        if self.setting.opens:
            self._open_lockbox()
        if self.setting.has_test:
            more = {"locked": plan.locked, "locked_in": plan.locked_in, "locked_as": self.locked_as}
        if self.locked_as == "predict":
            more["outside"] = tuple(one.key for one in self.setting.outside)
        if self.locked_as != "numbers":
            self._give_up_damaged(self.named(REFIT), *[f"-{key}" for key in more.get("outside", ())])
        model = Delivery(self.job.folder, self.setting.plan.dataset)
        if (self.named(REFIT), selected.number, 0) not in self.session.history.verdict_runs:
            model.begin(keep_old=self.number > 1)
        own = partial(best_epoch.refit_settings, self.setting, self.session.history)
        runs = self._perform(
            REFIT, sides if self.setting.opens else [selected], replicates, own, delivered=selected, **more
        )
        mine = runs[selected.number]
        done = [run is not None and run.state is State.COMPLETED for run in mine]
        if done[0]:
            model.end()
        else:  # a run that failed after run.keep() has left files that are no network
            model.restore()
        if not any(done):
            raise StudyFailedError(_refit_failed(mine))
        return runs

    def _refit_on(self, one: Outside, sides: Sequence[Trial], rows: np.ndarray) -> Runs:
        """The refits again, for a function without predict: a set from outside stands where the locked rows do."""
        count = REFITS if one.kind == EXTERNAL else 1
        purpose = f"{REFIT}:{one.key}"
        more: dict[str, Any] = {"locked": rows, "locked_in": one.key, "locked_as": self.locked_as}
        if self.locked_as != "numbers":
            self._give_up_damaged(self.named(purpose))
        own = partial(best_epoch.refit_settings, self.setting, self.session.history)
        replicates = [self._whole(index) for index in range(count)]
        return self._perform(purpose, sides, replicates, own, seeded=self.named(REFIT), **more)

    def _whole(self, index: int) -> Replicate:
        """All development rows to train on; a fifth of them, at most 10,000, to report on so that the function runs."""
        rows = self.setting.rows
        if rows is None:
            return Replicate(index)
        every = np.arange(rows, dtype=np.int64)
        fifth = np.sort(self._rng("fifth").choice(rows, size=min(max(1, rows // 5), REPORTED), replace=False))
        return Replicate(index, every, fifth)

    def _open_lockbox(self) -> None:
        """Count the look before it happens; a verdict that was cut off and goes on is still the same look."""
        looks = own_looks(self.session.history)
        if not any(look["verdict"] == self.number for look in looks):
            self.session.record(Event("look", {"verdict": self.number, "number": len(looks) + 1}))

    def _perform(
        self,
        purpose: str,
        trials: Sequence[Trial],
        replicates: Sequence[Replicate],
        own: Callable[[Trial], Mapping[str, Any]] = lambda trial: {},
        *,
        delivered: Trial | None = None,
        seeded: str | None = None,
        **more: Any,
    ) -> Runs:
        """Carry out what has not completed yet; trial -> its runs in the order of the replicates.

        Args:
            own: what is of one trial's runs alone, as `RunSpec` names it.
            seeded: the purpose whose seeds these runs have; None = their own.
        """
        history, named = self.session.history, self.named(purpose)
        refusing = [(delivered.number, r.index) for r in replicates] if delivered is not None else []
        ends, specs = Ends.of(history, named, refusing), []
        for replicate in replicates:
            for trial in trials:
                attempt = ends.to_do((trial.number, replicate.index))
                if attempt is not None:
                    settings = {**more, **own(trial)}
                    spec = self.setting.plan.spec(
                        0, trial.number, trial.config, named, replicate, keep=self._room(), **settings
                    )
                    keep = delivered is not None and trial.number == delivered.number and replicate.index == 0
                    if seeded is not None:
                        spec = replace(spec, seed=seed_of(self.setting.plan.seed, seeded, replicate.index))
                    specs.append(replace(spec, keep_model=keep, attempt=attempt))
        if specs:
            self.phase(purpose.split(":")[0], len(specs))
        if not carry_out(self.session, specs):
            raise KeyboardInterrupt
        ends = Ends.of(history, named)
        return {t.number: [ends.run((t.number, r.index)) for r in replicates] for t in trials}

    def _give_up_damaged(self, named: str, *outside: str) -> None:
        """Runs whose predictions for rows set aside cannot be read are run again; it stays the same look."""
        files = ([LOCKED] if self.setting.has_test or ":" in named else []) + list(outside)
        for run in own_runs(self.session.history, (named,)):
            if run.state is State.COMPLETED:
                try:
                    for file in files:
                        kept(self.job, run, file)
                except DataError as error:
                    self.session.record(Event("damaged", {"run": run.id, "reason": str(error)}))
                    self.say(f"{error} It is run again.")

    def _room(self) -> str:
        """Predictions are kept up to the study's limit; beyond that the loss per row."""
        kept = self.job.folder / "predictions"
        size = sum(file.stat().st_size for file in kept.glob("*.npy")) if kept.is_dir() else 0
        return "predictions" if size < self.job.predictions_limit else "loss"

    # -- words and names -------------------------------------------------------------------------------------------

    @property
    def locked_as(self) -> str:
        """How the locked rows reach the function; the last run before the refits knows what it returns."""
        if self.setting.task.primary.kind == "number":  # only the function itself can compute it
            return "numbers"
        for run in reversed(self.session.history.runs.values()):
            if run.state is State.COMPLETED and not run.purpose.startswith(REFIT):
                if run.details.get("predict"):
                    return "predict"
                return "numbers" if run.details.get("report") == "numbers" else "locked"
        return "predict"

    def named(self, purpose: str) -> str:
        """What the runs of this verdict are called: a later look has runs, splits and seeds of its own."""
        own = f"{purpose}:{self.setting.plan.dataset}" if self.setting.plan.dataset else purpose
        return own if self.number == 1 else f"{own}@{self.number}"

    @property
    def _names(self) -> list[str]:
        again = [f"{REFIT}:{one.key}" for one in self.setting.outside]
        return [self.named(purpose) for purpose in (RACE, ESTIMATE, REFIT, *again)]

    def _failed_runs(self) -> list[RunRecord]:
        """This verdict's runs that came to a bad end, and count."""
        counting = [tale.counts for name in self._names for tale in Ends.of(self.session.history, name).tales.values()]
        return [run for run in counting if run is not None and run.state.trial_state == "failed"]

    def _rng(self, what: str) -> np.random.Generator:
        return stream(self.setting.plan.seed, "verdict", self.number, what)

    def _again(self, one: Outside, sides: int) -> int:
        """Runs that a set from outside takes of its own."""
        if one.kind == EXTERNAL:
            return REFITS * sides
        return 0 if self.locked_as == "numbers" else 1

    def _say_cost(self, raced: Sequence[Trial]) -> None:
        history, validation = self.session.history, self.setting.validation
        defaults = history.trial(0)
        alone = (len(raced) == 1 and raced[0].number == 0) or defaults.state != "completed"
        runs = cost(
            len(raced),
            validation.block if validation is not None else 1,
            same=alone,
            test=self.setting.opens,
            fresh=validation is not None,
        )
        if self.locked_as != "predict":  # a set from outside then takes refits of its own
            more = sum(self._again(one, 1 if alone else 2) for one in self.setting.outside)
            runs += more
        searched = trainings(r for r in history.runs.values() if r.purpose == SEARCH)
        share = f", {100 * runs / searched:.0f} % of the search's {searched}" if searched else ""
        parts = [f"race of {len(raced)}"] if len(raced) > 1 and validation is not None else []
        parts += ["fresh runs"] if validation is not None else []
        parts += ["refits" if self.setting.opens else "one refit"]
        done = trainings(r for r in own_runs(history, self._names) if r.state is State.COMPLETED)
        so_far = f", {done} of them done" if done else ""
        self.say(f"Verdict: {runs} {'run' if runs == 1 else 'runs'} ({', '.join(parts)}){so_far}{share}.")


def trainings(runs: Iterable[RunRecord]) -> int:
    """How many trainings: one that was cut off or killed from outside and begun again counts once."""
    return len({(r.purpose, r.trial, r.replicate) for r in runs if r.state is not State.SUPERSEDED})


def _refit_failed(runs: Sequence[RunRecord | None]) -> str:
    last = next((run for run in runs if run is not None), None)
    why = f"{last.state}: {cause(last)}" if last is not None else "it did not run"
    tail = f"\n\n{last.reason.tail}" if last is not None and last.reason is not None and last.reason.tail else ""
    return (
        f"The selected configuration could not be trained on all development rows ({why}), so there is no verdict; "
        f"mend the cause, or search on with more trials, and call verdict again.{tail}"
    )
