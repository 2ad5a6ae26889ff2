"""Carry out a procedure: a study of its own in every part, each in its own folder with its own journal.

FOLDER/evaluate/<procedure>/<part>/ is a study like any other: `truing show` reads it, killing anything loses no
finished run, and the same call goes on. It has no locked rows; a fence around its executor refuses every run that would
get a row which is held out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from truing.data.outline import Outline
from truing.errors import ChangedStudyError, DataError, StudyFailedError, UsageError
from truing.execution.fence import Fence
from truing.execution.job import Job
from truing.judge import Judge, nothing_completed
from truing.loop import Limits, Session, search
from truing.opening import opened
from truing.record.events import Event
from truing.record.history import History
from truing.record.interfaces import Executor, Searcher
from truing.record.procedure import Part, Procedure, Side, Tuned
from truing.record.seeds import stream
from truing.record.source import Source
from truing.record.state import State
from truing.record.trial import SEARCH
from truing.registry import PROCEDURES
from truing.report.progress import Progress, duration
from truing.report.watch import SearchWatch, watching
from truing.resume import JOURNAL, set_aside
from truing.setting import Setting
from truing.verdict.evaluation import Evaluation, headline
from truing.verdict.inner import OUTER, Inner, inner_setting
from truing.verdict.select import RACED, RACED_FEW, RUNS_FOR_ANY, RUNS_FOR_EIGHT
from truing.verdict.stored import KIND, evaluations
from truing.verdict.verdict import without_nan

Describe = Callable[[Path, Setting], dict[str, Any]]


@dataclass(frozen=True)
class Evaluating:
    """A procedure on a study, and all that the studies inside it share with that one.

    Args:
        session: the study's own, whose executor has been closed.
        setting: the study's; its development rows are those that take part.
        validation: its protocol as it was given, not yet bound to rows.
        study, source: what it is, as the journal has it, and its function.
        describe: folder, setting -> what a study inside is.
        executor: makes one for a job.
        trials: of each study inside; None = as many as the searcher has.
        deadline: monotonic seconds, after which no new trial starts.
    """

    procedure: Procedure
    session: Session
    setting: Setting
    validation: Any
    job: Job
    source: Source
    searcher: Searcher
    lookahead: int | None
    describe: Describe
    executor: Callable[[Job], Executor]
    progress: Progress
    trials: int | None
    total: int | None
    workers: int
    deadline: float | None = None

    @property
    def name(self) -> str:
        return str(self.procedure.to_dict()["name"])

    @property
    def rows(self) -> Outline:
        """The development rows as the procedure sees them."""
        if self.setting.data is None:
            raise UsageError(f"{type(self.procedure).__name__} divides rows, and there is no data=: use tr.Seeds(5).")
        return self.setting.outline()["data"]

    @cached_property
    def parts(self) -> Sequence[Part]:
        """The parts, the same at every call."""
        return self.procedure.plan(self.rows, stream(self.setting.plan.seed, "evaluate", self.name))

    def carry_out(self) -> Evaluation:
        """Price it, tune in every part, and store what it came to.

        Raises:
            KeyboardInterrupt: it was interrupted; called again it goes on.
            StudyFailedError: no part came to a configuration.
        """
        parts = self.parts
        for line in (self._price(parts), *(f"Note: {note}" for note in self._notes())):
            self.progress.line(line)
        tuned: list[Tuned] = []
        for place, part in enumerate(parts):
            found = self._tuned(part, f"{part.name} ({place + 1} of {len(parts)}): ")
            if found is None:
                return self._unfinished(place, len(parts))
            tuned.append(found)
        if all(one.trial is None for one in tuned):
            raise StudyFailedError(f"No tuning inside completed. {parts[-1].name}: {tuned[-1].selected.reason}")
        result = self._result(parts, tuned)
        data = {"procedure": self.name, "settings": self.procedure.to_dict(), "result": result}
        self.session.record(Event(KIND, data | {"since": self.session.history.verdict_since}))
        return Evaluation(result)

    def _result(self, parts: Sequence[Part], tuned: Sequence[Tuned]) -> dict[str, Any]:
        rows, plan, task = self.rows, self.setting.plan, self.setting.task
        every = plan.rows if plan.rows is not None else np.empty(0, dtype=np.int64)
        labelled = self.setting.data is not None and self.setting.data.labels is not None
        truth = self.setting.truth(every) if labelled else np.zeros(len(every))
        rng = stream(plan.seed, "evaluate", self.name, "estimate")
        found = {
            "procedure": self.name,
            "settings": self.procedure.to_dict(),
            "describe": self.procedure.describe(),
            **self.procedure.estimate(task, rows, truth, parts, tuned, rng),
            "complete": True,
            "trials": max(one.trials for one in tuned),
            "runs": sum(one.runs for one in tuned),
            "seconds": round(sum(one.seconds for one in tuned), 3),
            "refits": self.procedure.refits,
            "rows": len(rows),
            "groups": None if rows.group_labels is None else len(np.unique(rows.group_labels)),
        }
        found["notes"] = [*self._notes(), *found.get("notes", ()), *self._afterwards(tuned)]
        found["headline"] = headline(found)
        return dict(without_nan(found))

    def _afterwards(self, tuned: Sequence[Tuned]) -> list[str]:
        notes = []
        if len({one.trials for one in tuned}) > 1:
            counts = ", ".join(str(one.trials) for one in tuned)
            notes.append(f"The tunings do not have equally many trials ({counts}): some were begun with more.")
        if any(one.selected.numbers for one in tuned):
            notes.append(
                "The function reports only numbers, so it was given the labels of the rows that score it, and could "
                "have used them."
            )
        return notes

    def _unfinished(self, done: int, of: int) -> Evaluation:
        text = (
            f"{self.procedure.describe()}: {done} of {of} tunings are done, and the time is up; the same call goes on."
        )
        return Evaluation(
            {
                "procedure": self.name,
                "settings": self.procedure.to_dict(),
                "describe": self.procedure.describe(),
                "metric": self.setting.task.primary.name,
                "goal": self.setting.task.goal,
                "complete": False,
                "done": done,
                "of": of,
                "value": None,
                "reason": "not finished",
                "headline": text[0].upper() + text[1:],
            }
        )

    # -- one part --------------------------------------------------------------------------------------------------

    def _tuned(self, part: Part, prefix: str) -> Tuned | None:
        """What the tuning inside a part came to; None where the time was up."""
        if self.deadline is not None and time.monotonic() >= self.deadline and not self._has(part):
            return None
        setting = inner_setting(self.setting, self.validation, part, self.name)
        self.progress.prefix = prefix
        try:
            with self._session(part, setting) as (session, job, study):
                history = session.history
                if self._searched(session, setting, job) == "minutes":
                    return None
                if history.best() is None:
                    return self._failed(history, nothing_completed(history))
                test = self._positions(part.test)
                found = Inner(
                    session,
                    setting,
                    job,
                    study,
                    test,
                    self.procedure.refits,
                    self.progress.line,
                    watching(session, self.progress, {OUTER: "refits"}),
                ).tuned()
        except StudyFailedError as error:
            return self._failed(None, str(error))
        finally:
            self.progress.close()
            self.progress.prefix = ""
        self.progress.line(f"{prefix}trial {found.trial} of {found.trials} selected.")
        return found

    def _has(self, part: Part) -> bool:
        return (self._folder(part) / JOURNAL).exists()

    def _failed(self, history: History | None, why: str) -> Tuned:
        reason = Side(reason=next((line for line in why.splitlines() if line.strip()), why))
        return Tuned(trials=len(history) if history is not None else 0, selected=reason, defaults=reason)

    def _searched(self, session: Session, setting: Setting, job: Job) -> str:
        limits = Limits(self.trials, self.deadline)
        self.progress.total_trials = self.total
        session.watch = SearchWatch(self.progress, limits, self.total)
        judge = Judge(setting, job)
        why = search(session, self.searcher, setting.plan, judge, limits, lookahead=self.lookahead, keep=judge.kept)
        session.record(Event("ended", {"why": why, "target": None}))
        if why == "interrupted":
            raise KeyboardInterrupt
        return why

    def _folder(self, part: Part) -> Path:
        return self.job.folder / "evaluate" / self.name / part.folder

    def _positions(self, rows: np.ndarray) -> np.ndarray:
        every = self.setting.plan.rows
        if every is None:
            raise UsageError("A procedure divides rows, and there is no data=.")
        return every[rows]

    def _held(self, part: Part) -> np.ndarray:
        """Positions that no run inside may train or validate on."""
        plan = self.setting.plan
        locked = plan.locked if plan.locked is not None and plan.locked_in == "development" else np.empty(0, np.int64)
        return locked if self.procedure.overlaps else np.union1d(locked, self._positions(part.test))

    @contextmanager
    def _session(self, part: Part, setting: Setting) -> Iterator[tuple[Session, Job, dict[str, Any]]]:
        folder, space, goal = self._folder(part), self.session.history.space, setting.task.goal
        study = self.describe(folder, setting)
        limit = self.job.predictions_limit // max(1, len(self.parts))
        job = replace(self.job, folder=folder, home=self.job.folder, test=None, predictions_limit=limit)
        with ExitStack() as stack:
            try:
                mine = stack.enter_context(opened(folder, study, self.source, space, goal))
            except ChangedStudyError:
                if (aside := set_aside(folder)) is not None:
                    self.progress.line(
                        f"What was tuned in {folder} is of another study by now; it is set aside in {aside[0]}."
                    )
                mine = stack.enter_context(opened(folder, study, self.source, space, goal))
            session, job = stack.enter_context(
                mine.session(
                    job,
                    lambda job: Fence(self.executor(job), self._held(part), self._positions(part.test), OUTER),
                    workers=self.workers,
                    devices=self.session.devices,
                    asked_to_stop=self.session.asked_to_stop,
                    say=self.progress.line,
                )
            )
            yield session, job, study

    # -- before it starts ------------------------------------------------------------------------------------------

    def _price(self, parts: Sequence[Part]) -> str:
        """Runs and minutes, before it starts."""
        history = self.session.history
        begun = sum(self._has(part) for part in parts)
        so_far = f"; {begun} of {len(parts)} begun before" if begun else ""
        what = f"{self.procedure.describe()}: {len(parts)} tunings"
        what = what[0].upper() + what[1:]
        if self.total is None:
            return f"{what}, each of as many trials as the searcher has{so_far}."
        sizes = [self._size(part) for part in parts]
        runs, races = [], set()
        for replicates, block in sizes:
            searched = self.total * replicates
            raced = RACED if searched >= RUNS_FOR_EIGHT else RACED_FEW if searched >= RUNS_FOR_ANY else 0
            race = min(raced, self.total) if raced > 1 else 0
            runs.append(searched + race * block + 2 * self.procedure.refits)
            races.add(race if block else 0)
        times = [r.seconds for r in history.runs.values() if r.state is State.COMPLETED and r.purpose == SEARCH]
        rehearsed = (history.last("rehearsed") or {}).get("seconds")
        seconds = sum(times) / len(times) if times else rehearsed
        each = _between({replicates for replicates, _ in sizes})
        inside = f"{self.total} trials" + (f" x {each} runs" if each != "1" else "")
        inside += f", a race of {_between(races - {0})}" if races - {0} else ""
        # where the defaults are kept, or trials fail, there are fewer
        text = f"{what} of {inside} and refits, at most {sum(runs):,} runs"
        if seconds is not None and self.setting.rows:
            whole = sum(n * len(part.train) for n, part in zip(runs, parts, strict=True)) / self.setting.rows
            text += f", about {duration(whole * seconds / max(1, self.workers))}"
        return f"{text}{so_far}."

    def _size(self, part: Part) -> tuple[int, int]:
        """Runs of a trial of the tuning inside, and of a candidate of its race; they go by its own rows."""
        validation = self.validation
        if validation is None:
            return 1, 0
        if not hasattr(validation, "bound"):
            return len(self.setting.plan.replicates), validation.block
        inner = inner_setting(self.setting, validation, part, self.name)
        return len(inner.plan.replicates), inner.validation.block

    def _notes(self) -> list[str]:
        notes = getattr(self.procedure, "notes", None)
        found = list(notes(self.rows)) if notes is not None else []
        if self.setting.threshold is not None:
            found.append(
                f"threshold= ({self.setting.threshold}) has no effect here: sensitivity, specificity and what else "
                "needs a decision are at 0.5. The verdict judges the threshold."
            )
        return found


def _between(counts: Collection[int]) -> str:
    """A count, or the smallest and the largest.

    >>> _between({3}), _between({5, 3})
    ('3', '3 to 5')
    """
    return f"{min(counts)} to {max(counts)}" if len(set(counts)) > 1 else str(min(counts))


def procedure_of(given: Any) -> Procedure:
    """The procedure meant: an instance, or a name.

    Raises:
        UsageError: neither.
    """
    if isinstance(given, str):
        return PROCEDURES.get(given)()
    members = ("plan", "estimate", "describe", "to_dict")
    if not isinstance(given, type) and all(callable(getattr(given, name, None)) for name in members):
        return given
    names = ", ".join(repr(name) for name in PROCEDURES)
    raise UsageError(
        f"evaluate() takes tr.Nested(5), tr.Internal(20), tr.InternalExternal() or one of {names}; got {given!r}."
    )


def refuse_copies(procedure: Procedure, setting: Setting, validation: Any) -> None:
    """Refuse, before anything runs, a protocol that cannot divide rows of which there are copies.

    Args:
        validation: as the study was given it, not yet bound to rows.

    Raises:
        UsageError: a part draws rows with replacement, and the protocol puts copies of a row on both sides.
    """
    if setting.data is None:
        return
    name = str(procedure.to_dict()["name"])
    parts = procedure.plan(setting.outline()["data"], stream(setting.plan.seed, "evaluate", name))
    for part in parts:
        if part.units is None:
            continue
        try:
            inner_setting(setting, validation, part, name)
        except DataError as error:
            what = validation.describe() if hasattr(validation, "describe") else type(validation).__name__
            raise UsageError(
                f"{type(procedure).__name__} draws rows with replacement, and validation= ({what}) cannot keep the "
                "copies of a row on one side: give one of Truing's own, such as tr.KFold(5), or evaluate tr.Nested(5). "
                f"It said: {error}"
            ) from error


def stored(history: History, procedure: Procedure, trials: int | None) -> Mapping[str, Any] | None:
    """What an earlier call of the same procedure came to, with the function and space as they are now."""
    for result in evaluations(history):
        if result["settings"] == procedure.to_dict() and (trials is None or result["trials"] == trials):
            return result
    return None
