"""The facade: `Study` puts the rooms together."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from truing.advice import Rehearsal, plan_line, rehearse
from truing.data.data import Data
from truing.errors import ChangedStudyError, StudyFailedError, UsageError
from truing.execution import script
from truing.execution.interrupt import counted
from truing.execution.job import Job
from truing.identity import coordinator, describe, reconcile
from truing.loop import Limits, Session, failure_of, search
from truing.record.events import Event
from truing.record.history import History
from truing.record.interfaces import Estimate, Executor, ScoreTable
from truing.record.source import name_of, source_of
from truing.record.state import State
from truing.record.trial import SEARCH, Trial
from truing.registry import EXECUTORS, JOURNALS, SCHEDULES, SEARCHERS
from truing.report.progress import Progress, Status, duration
from truing.report.study import JOURNAL, read
from truing.setting import Setting, finite_number, prepare, validation_of, whole_number
from truing.space.space import Space
from truing.storage.lock import hold

if TYPE_CHECKING:
    from truing.report.table import TrialTable
    from truing.statistics.metric import Metric
    from truing.verdict import Verdict


class _Default:
    """Stands for an argument that was not given."""

    def __repr__(self) -> str:
        return "default"


DEFAULT: Any = _Default()


class Study:
    """A search over a space, the protocol that judges it, and the verdict at its end.

    Making a Study touches nothing on disk; `run()` does.

    Args:
        objective: the training function, called with a `Run`; or `tr.TorchTrainer(build)`.
        space: what may vary.
        data: the rows; None for an objective that brings its own and reports numbers.
        metric: what is optimised: a name, or `tr.Metric("reward", goal="max")` for a number you report.
            Default: log loss for classes, RMSE for numbers.
        also: further metrics, for the report only.
        positive: the positive class or classes of the binary metrics. Default in a binary task: the second in
            sorted order.
        validation: `tr.KFold(5)`, `tr.Holdout(0.2)`, `tr.Seeds(5)`, or None for one run a trial. Default: a holdout
            above 20,000 rows, else 5-fold; without data one run a trial.
        test: rows locked away before the first trial: a share, row positions, a mask, a Data (an official test set),
            or None.
        search: "random", "grid", or a searcher such as `tr.GridSearch(points=5)`.
        epochs: how far a run goes; None = as far as the function's own `run.epochs(n)`.
        folder: where the study lives. Default: studies/<name of the script>.
        seed: names every random decision of the study.
        threads: of one run; a training on two threads gives other weights than on one, so it is part of the study.
        run_minutes: a run that takes longer is stopped and its trial fails.
        lookahead: trial k is proposed from the complete trials up to k - lookahead, whatever the number of workers;
            None = from whatever is complete, which is not reproducible in parallel.

    Raises:
        UsageError: arguments that do not fit together, each in one sentence.

    >>> import truing as tr
    >>> study = tr.Study(lambda run: run.report(loss=run.config["x"] ** 2), space=tr.Space(x=tr.Float(-1, 2)),
    ...                  metric=tr.Metric("loss", goal="min"), folder="studies/example")
    >>> study
    Study(folder='studies/example', metric='loss', search='RandomSearch')
    """

    def __init__(
        self,
        objective: Callable[[Any], Any],
        space: Space,
        *,
        data: Data | None = None,
        metric: str | Metric | None = None,
        also: Sequence[str | Metric] = (),
        positive: Any = None,
        validation: Any = DEFAULT,
        test: Any = 0.2,
        search: Any = "random",
        epochs: int | None = None,
        folder: str | Path | None = None,
        seed: int = 0,
        threads: int = 1,
        run_minutes: float | None = None,
        lookahead: int | None = 4,
    ) -> None:
        if not callable(objective):
            raise UsageError(f"The objective must be a function of one run, got {objective!r}.")
        if not isinstance(space, Space):
            raise UsageError(f"space= must be a tr.Space(...), got {type(space).__name__}.")
        if data is not None and not isinstance(data, Data):
            raise UsageError(f"data= must be a tr.Data(x, y), got {type(data).__name__}.")
        self.objective = objective
        self.space = space
        self.data = data
        self.test = test
        self.seed = whole_number(seed, "seed", low=0)
        self.threads = whole_number(threads, "threads", low=1)
        self.epochs = whole_number(epochs, "epochs", low=1) if epochs is not None else None
        self.run_minutes = finite_number(run_minutes, "run_minutes", low=1e-9) if run_minutes is not None else None
        self.lookahead = whole_number(lookahead, "lookahead", low=1) if lookahead is not None else None
        self.searcher = _searcher(search)
        self.file = script.current_file()
        self.folder = Path(folder) if folder is not None else Path("studies") / self._name()
        self._metric, self._also, self._positive = metric, also, positive
        self._validation = validation_of(validation, data, validation is DEFAULT)
        if metric is None or isinstance(metric, str) or data is None:
            self.setting_check()

    def setting_check(self) -> None:
        """Find what does not fit together now, cheaply, rather than at run(); reads labels only."""
        from truing.setting import _task

        _task(self.data, self.test, self._metric, self._also, self._positive)

    def __repr__(self) -> str:
        from truing.statistics.metric import metric

        name = metric(self._metric).name if self._metric is not None else "default"
        return f"Study(folder={str(self.folder)!r}, metric={name!r}, search={type(self.searcher).__name__!r})"

    # -- what a person calls ---------------------------------------------------------------------------------------

    def run(
        self,
        trials: int | None = None,
        minutes: float | None = None,
        target: float | None = None,
        workers: int | None = None,
        *,
        accept_change: bool = False,
        extend: bool = False,
        fresh: bool = False,
    ) -> None:
        """Search; called again, or after a crash, it goes on where it was.

        Args:
            trials: the study's total over all calls, the defaults (trial 0) and failed ones included. Default: 40, or
                without `minutes` and `target` a grid's size.
            minutes: no new trial starts after this time of this call; those begun are finished.
            target: no new trial starts once a trial reaches this value of the metric.
            workers: runs at a time; 0 = in this process, one after the other. Default: the number of cores.
            accept_change: go on although the training function changed.
            extend: go on in a space that grew.
            fresh: set the old folder aside and begin anew.

        Raises:
            ChangedStudyError, FolderInUseError, ObjectiveError, StudyFailedError, JournalError: see `truing.errors`.
            KeyboardInterrupt: after Ctrl-C, when what ran has ended.
        """
        if script.reached(self, "run"):
            return
        limits = self._limits(trials, minutes, target)
        workers = _workers(workers)
        if fresh:
            _set_aside(self.folder)
        with self._session(workers, limits, accept_change=accept_change, extend=extend) as (
            session,
            progress,
        ):
            self._rehearse(session, progress, workers, limits)
            before = len(session.history)
            why = search(
                session,
                self.searcher,
                self.setting.plan,
                lambda trial: self._judge(session.history, trial),
                limits,
                lookahead=self.lookahead,
                keep=lambda: self._keep(session.history),
            )
            session.record(Event("ended", {"why": why, "target": limits.target}))
            progress.close()
            self._say_end(session.history, progress, why, before, limits)
            if why == "interrupted":
                raise KeyboardInterrupt
            if session.history.best() is None:
                raise StudyFailedError(_nothing_completed(session.history))

    def trials(self, as_dicts: bool = False) -> TrialTable | list[dict[str, Any]]:
        """The search's trials by number: a table to look at, or plain dicts as `truing trials --json` prints them.

        Each: number, state, config, value (of the metric; None unless completed), se (standard error over its runs),
        runs, seconds, reason.
        """
        from truing.report.table import TrialTable, trial_rows

        history = self._read()
        if as_dicts:
            return trial_rows(history)
        return TrialTable(trial_rows(history), metric=self.setting.task.primary.name, goal=history.goal)

    def verdict(self, again: bool = False, workers: int | None = None) -> Verdict:
        """The honest end: fresh runs, comparison with the defaults, and one look at the locked test set.

        It is made once; called again it is the stored one, without a look. `again=True` is one more look, and is
        labelled as such.

        Raises:
            StudyFailedError: no trial completed.
            UsageError: the study has not been run.
        """
        from truing.verdict import Verdict, reach

        if script.reached(self, "verdict"):
            raise StudyFailedError("This study is being loaded; its verdict is not made here.")
        stored = self._read().last("verdict")
        if stored is not None and not again:
            return Verdict(stored["verdict"])
        workers = _workers(workers)
        with self._session(workers, Limits(), accept_change=False, extend=False) as (session, progress):
            if session.history.best() is None:
                raise StudyFailedError(_nothing_completed(session.history))
            found = reach(
                session,
                self.setting,
                self._job(),
                session.history.last("study") or {},
                say=progress.line,
                phase=lambda name, total: self._phase(progress, session, name, total),
            )
            progress.close()
        self.report()
        return found

    def report(self) -> Path:
        """Write `report.html` into the folder and return its path; it opens offline.

        Raises:
            UsageError: the study has not been run.
        """
        from truing.report.study import write

        return write(self.folder)

    # -- the pieces ------------------------------------------------------------------------------------------------

    @cached_property
    def setting(self) -> Setting:
        """Task, locked rows and replicates: the same at every call."""
        return prepare(
            data=self.data,
            primary=self._metric,
            also=self._also,
            positive=self._positive,
            validation=self._validation,
            test=self.test,
            epochs=self.epochs,
            threads=self.threads,
            seed=self.seed,
        )

    def _job(self) -> Job:
        return Job(
            folder=self.folder.resolve(),
            task=self.setting.task,
            groups=dict(self.space.groups),
            objective=self.objective,
            data=self.data,
            test=self.setting.official,
            threads=self.threads,
            run_seconds=self.run_minutes * 60 if self.run_minutes is not None else None,
        )

    def _name(self) -> str:
        return self.file.stem if self.file is not None else "study"

    def _limits(self, trials: int | None, minutes: float | None, target: float | None) -> Limits:
        if trials is not None:
            trials = whole_number(trials, "trials", low=1)
        elif hasattr(self.searcher, "trials"):
            trials = self.searcher.trials(self.space)
        else:
            trials = 40
        deadline = time.monotonic() + 60 * finite_number(minutes, "minutes", low=0) if minutes is not None else None
        return Limits(trials, deadline, finite_number(target, "target") if target is not None else None)

    @contextmanager
    def _session(
        self, workers: int, limits: Limits, *, accept_change: bool, extend: bool
    ) -> Iterator[tuple[Session, Progress]]:
        """Hold the folder, open the journal, start the executor; all of it ends with the block."""
        setting = self.setting
        with ExitStack() as stack:
            self.folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(hold(self.folder))
            journal = JOURNALS.get("sqlite")(self.folder / JOURNAL)
            stack.callback(journal.close)
            history = History(self.space, setting.task.goal)
            progress = Progress(
                sys.stderr,
                metric=setting.task.primary.name,
                goal=setting.task.goal,
                total_trials=limits.trials,
                runs_per_trial=len(setting.plan.replicates),
                workers=workers,
            )
            stack.callback(progress.close)
            self._open(journal, history, accept_change=accept_change, extend=extend, say=progress.line)
            presses = stack.enter_context(counted(_say_interrupt(progress), raise_second=workers == 0))
            journal.append([Event("opened", coordinator(workers), time=time.time())])
            self._store()
            executor: Executor = EXECUTORS.get("process" if workers else "inline")(self._job(), workers)
            stack.callback(executor.close)
            schedule = SCHEDULES.get("full")()
            session = Session(journal, history, executor, schedule, asked_to_stop=presses)
            session.watch = _Watch(progress, limits, len(setting.plan.replicates), workers)
            yield session, progress

    def _open(
        self, journal: Any, history: History, *, accept_change: bool, extend: bool, say: Callable[[str], None]
    ) -> None:
        """Read the journal, and see whether it is of this study."""
        past = list(journal.read())
        source = source_of(self.objective)
        new = self._describe(source)
        old = next((event.data for event in reversed(past) if event.kind == "study"), None)
        if old is not None and old["space"] != new["space"]:
            history.space = Space.from_dict(old["space"])
        history.extend(past)

        def record(*events: Event) -> None:
            stamped = [Event(e.kind, e.data, e.key, time.time()) for e in events]
            journal.append(stamped)
            history.extend(stamped)

        if old is None:
            record(Event("study", new))
        elif any(run.state is State.COMPLETED for run in history.runs.values()):
            record(*reconcile(old, new, source, accept_change=accept_change, extend=extend, folder=self.folder))
        elif old != new:
            if history.last("verdict") is not None:
                raise ChangedStudyError(f"{self.folder} holds a verdict; use another folder or fresh=True (--fresh).")
            history.space = self.space
            record(Event("restarted"), Event("study", new))
        if not source.readable and len(history) == 0:
            say(f"Note: the source of {name_of(self.objective)} cannot be read, so changes to it cannot be seen.")
        cut_off = [run.id for run in history.runs.values() if run.state is State.RUNNING]
        record(*(Event("finished", {"run": n, "state": str(State.SUPERSEDED)}, f"finished/{n}") for n in cut_off))

    def _describe(self, source: Any) -> dict[str, Any]:
        official = self.setting.official
        return describe(
            name=self._name(),
            setting=self.setting,
            space=self.space,
            source=source,
            objective=name_of(self.objective),
            search=self.searcher,
            file=self.file,
            variable=_variable(self, self.file),
            run_minutes=self.run_minutes,
            lookahead=self.lookahead,
            fingerprints={
                "data": self._fingerprint,
                "test": official.fingerprint() if official is not None else _rows_digest(self.setting.plan.locked),
            },
        )

    @cached_property
    def _fingerprint(self) -> str | None:
        return self.data.fingerprint() if self.data is not None else None

    def _store(self) -> None:
        """Arrays go into the folder once; workers map them from there."""
        if self.data is not None:
            self.data.store(self.folder / "data")
        if self.setting.official is not None:
            self.setting.official.store(self.folder / "data" / "test")

    def _rehearse(self, session: Session, progress: Progress, workers: int, limits: Limits) -> None:
        identity = source_of(self.objective).identity
        known = session.history.last("rehearsed")
        completed = any(run.state is State.COMPLETED for run in session.history.runs.values())
        if known is not None and completed and known["identity"] == identity:
            return
        progress.line("Rehearsal: the defaults, one epoch of one run ...")

        def watch() -> None:
            if session.asked_to_stop() > 1:
                session.executor.cancel(-1)

        found: Rehearsal = rehearse(session.executor, self.setting, self.space.defaults(), watch)
        if found.note:
            progress.line(found.note)
        data = {**found.__dict__, "locked_as": found.locked_as, "identity": identity}
        session.record(Event("rehearsed", data))
        progress.line(
            plan_line(
                trials=limits.trials,
                runs=len(self.setting.plan.replicates),
                seconds=found.seconds,
                workers=workers,
                protocol=self._protocol(),
                says=duration,
            )
        )
        for sentence in self._before_search():
            progress.line(sentence)

    def _protocol(self) -> str:
        validation = self.setting.validation
        return (
            validation.describe()
            if hasattr(validation, "describe")
            else ("one run a trial" if validation is None else type(validation).__name__)
        )

    def _before_search(self) -> list[str]:
        """What a person should know before the time is spent."""
        decision = self.setting.task.describe_decision()
        lines = [decision] if decision else []
        lines += [f"Note: {finding.message}" for finding in self.setting.findings]
        return lines

    def _keep(self, history: History) -> str:
        """Predictions are kept up to a gigabyte a study; beyond that the loss per row."""
        rows = [len(r.valid) for r in self.setting.plan.replicates if r.valid is not None]
        if not rows:
            return "predictions"
        columns = len(self.setting.task.classes or (0,))
        size = 4 * columns * sum(rows) * (len(history) + 1)
        return "predictions" if size <= self._job().predictions_limit else "loss"

    def _judge(self, history: History, trial: Trial) -> dict[str, Any]:
        """The data of a trial's `judged` event, from its runs."""
        failed = failure_of(history, trial)
        if failed is not None:
            word = "" if failed.state is State.FAILED else f"{failed.state}: "
            return {"trial": trial.number, "state": "failed", "reason": f"{word}{failed.reason}"}
        by_replicate = {
            run.replicate: run
            for run in (history.runs[number] for number in trial.runs)
            if run.state is State.COMPLETED
        }
        if len(by_replicate) < len(self.setting.plan.replicates):
            return {"trial": trial.number, "state": "cancelled", "reason": "not all of its runs were done"}
        runs = [by_replicate[index] for index in sorted(by_replicate)]
        found = {m.name: self._estimate(m, trial.number, runs) for m in self.setting.task.metrics}
        value = found[self.setting.task.primary.name]
        return {
            "trial": trial.number,
            "state": "completed",
            "value": value.value,
            "se": value.se,
            "reason": value.reason,
            "scores": {name: estimate.value for name, estimate in found.items()},
        }

    def _estimate(self, metric: Metric, trial: int, runs: Sequence[Any]) -> Estimate:
        scores = [run.scores.get(metric.name) for run in runs]
        pooled = {}
        if any(score is None for score in scores) and metric.kind != "number":
            pooled = {trial: self._pooled(metric, runs)}
        return self.setting.estimate(ScoreTable({trial: scores}, pooled))[trial]

    def _pooled(self, metric: Metric, runs: Sequence[Any]) -> Estimate:
        """The metric on the out-of-fold predictions of all replicates together."""
        reasons = [text for run in runs if (text := run.undefined.get(metric.name))]
        job, replicates = self._job(), self.setting.plan.replicates
        rows = self.setting.plan.rows
        if rows is None or not all(run.predictions for run in runs):
            return Estimate(None, None, reasons[0] if reasons else "undefined in a fold")
        truth = np.concatenate([self.setting.truth(rows[replicates[run.replicate].valid]) for run in runs])
        found = self.setting.task.score(
            metric,
            truth,
            np.concatenate([np.load(job.predictions(run.id), allow_pickle=False) for run in runs]),
        )
        if found.value is None:
            return Estimate(None, None, found.reason)
        return Estimate(
            found.value,
            None,
            f"pooled out-of-fold value, since in a fold {reasons[0] if reasons else 'it is undefined'}",
        )

    def _read(self) -> History:
        """The journal as it stands, also while somebody else writes it."""
        if not (self.folder / JOURNAL).exists():
            return History(self.space, self.setting.task.goal)
        return read(self.folder)[0]

    def _phase(self, progress: Progress, session: Session, name: str, total: int) -> None:
        session.watch = _VerdictWatch(progress, name, total, len(session.history.runs))

    def _say_end(self, history: History, progress: Progress, why: str, before: int, limits: Limits) -> None:
        best = history.best()
        if best is None or best.value is None:
            return
        name = self.setting.task.primary.name
        if why == "target":
            progress.line(f"Target reached: {name} {best.value:.4g} (trial {best.number}).")
        elif why == "exhausted" and limits.trials is not None and len(history) < limits.trials:
            progress.line(f"All {len(history)} configurations of the space have been tried.")
        elif len(history) == before and why == "trials":
            progress.line(f"The study has its {len(history)} trials; give a larger trials= to go on.")
        progress.line(
            f"Best by the search: trial {best.number}, {name} {best.value:.4g} ({best.config}). "
            "Its luck is still in this figure: the verdict takes it out."
        )
        if why == "interrupted":
            progress.line("Interrupted: nothing that finished is lost; the same command goes on.")


class _Watch:
    """Turns the session's state into a status for the progress line."""

    def __init__(self, progress: Progress, limits: Limits, runs_per_trial: int, workers: int) -> None:
        self._progress, self._limits, self._per = progress, limits, runs_per_trial
        self._began = time.monotonic()
        self._start: tuple[int, int] | None = None
        self._seen = [0, 0, 0]  # trials looked at, done, failed

    def __call__(self, session: Session) -> None:
        history = session.history
        done, failed = self._counts(history)
        ended = len(history.runs) - len(session.running)
        if self._start is None:
            self._start = (done, ended)
        elapsed = time.monotonic() - self._began
        now = done - self._start[0]
        left = None
        if self._limits.trials is not None and now > 0:
            left = elapsed / now * max(0, self._limits.trials - done)
        if self._limits.deadline is not None:
            until = max(0.0, self._limits.deadline - time.monotonic())
            left = until if left is None else min(left, until)
        best = history.best()
        self._progress.update(
            Status(
                done=done,
                running=len({spec.trial for spec in session.running.values()}),
                failed=failed,
                best=best.value if best is not None else None,
                best_number=best.number if best is not None else None,
                seconds_elapsed=elapsed,
                seconds_left=left,
                runs_done=ended,
                phase=SEARCH,
            )
        )

    def _counts(self, history: History) -> tuple[int, int]:
        """Trials done and failed; those that ended long ago are not looked at again."""
        settled, done, failed = self._seen
        late_done = late_failed = 0
        advancing = True
        for number in range(settled, len(history)):
            state = history.trial(number).state
            ended, bad = state in ("completed", "failed", "stopped"), state == "failed"
            if advancing and ended:
                settled, done, failed = number + 1, done + 1, failed + bad
            else:
                advancing = False
                late_done, late_failed = late_done + ended, late_failed + bad
        self._seen = [settled, done, failed]
        return done + late_done, failed + late_failed


class _VerdictWatch:
    """The progress of one part of the verdict."""

    def __init__(self, progress: Progress, name: str, total: int, before: int) -> None:
        self._progress, self._name, self._total, self._before = progress, name, total, before
        self._began = time.monotonic()

    def __call__(self, session: Session) -> None:
        done = len(session.history.runs) - len(session.running) - self._before
        elapsed = time.monotonic() - self._began
        left = elapsed / done * (self._total - done) if done > 0 else None
        self._progress.update(
            Status(
                running=len(session.running),
                seconds_elapsed=elapsed,
                seconds_left=left,
                runs_done=max(0, done),
                runs_total=self._total,
                phase=self._name,
            )
        )


def _searcher(search: Any) -> Any:
    if isinstance(search, str):
        return SEARCHERS.get(search)()
    if not hasattr(search, "suggest") or isinstance(search, type):
        names = ", ".join(repr(name) for name in SEARCHERS)
        raise UsageError(f"search= takes one of {names} or a searcher such as tr.GridSearch(points=5), got {search!r}.")
    return search


def _workers(workers: int | None) -> int:
    if not hasattr(os, "fork"):
        if workers:
            raise UsageError("This system cannot fork; use workers=0, which trains in this process.")
        return 0
    if workers is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return whole_number(workers, "workers", low=0)


def _variable(study: Study, file: Path | None) -> str:
    """The name the study has in its file, for FILE:name."""
    for module in ("__main__", script.MODULE):
        for name, value in list(vars(sys.modules[module]).items()) if module in sys.modules else ():
            if value is study and not name.startswith("_"):
                return name
    return "study"


def _rows_digest(rows: np.ndarray | None) -> str | None:
    import hashlib

    return hashlib.sha256(rows.tobytes()).hexdigest() if rows is not None else None


def _set_aside(folder: Path) -> None:
    """Rename the old folder to FOLDER.old-1, -2, ...; nothing is deleted."""
    if not folder.exists():
        return
    with hold(folder):
        number = 1
        while (aside := folder.with_name(f"{folder.name}.old-{number}")).exists():
            number += 1
        folder.rename(aside)
    print(f"The old study is set aside in {aside}.", file=sys.stderr)


def _say_interrupt(progress: Progress) -> Callable[[int], None]:
    def say(count: int) -> None:
        if count == 1:
            progress.line("Finishing what runs; Ctrl-C again stops it now.")
        elif count == 2:
            progress.line("Stopping now.")

    return say


def _nothing_completed(history: History) -> str:
    failed = [trial for trial in history.trials if trial.state == "failed"]
    if not failed:
        return "No trial completed yet, so there is nothing to choose from; run the study first."
    run = failure_of(history, failed[-1])
    tail = f"\n\n{run.reason.tail}" if run is not None and run.reason is not None and run.reason.tail else ""
    return f"No trial completed; trial {failed[-1].number} failed with {failed[-1].reason}.{tail}"
