"""The facade: `Study` puts the rooms together."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truing.advice import Outlook, before_search, rehearsal, rehearsed, stop_advice
from truing.arguments import spelled
from truing.asked import folder_of, limits_of, place, searcher_of, total_of
from truing.code import Code
from truing.data.data import Data
from truing.data.outside import EXTERNAL, NEGATIVE, check, named_sets
from truing.data.several import datasets_of
from truing.errors import ChangedStudyError, StudyFailedError, UsageError
from truing.execution import devices, script
from truing.execution.devices import Devices
from truing.execution.job import Job
from truing.execution.size import bytes_of, in_words
from truing.identity import another, changes, describe, inside
from truing.judge import nothing_completed
from truing.loop import Session, search
from truing.notes import notes
from truing.opening import executor_of
from truing.parts import parts_of
from truing.record.epoch import EpochRule
from truing.record.events import Event
from truing.record.history import History
from truing.record.source import Source, name_of
from truing.report.facts import of_the_rows
from truing.report.progress import Progress, duration
from truing.report.study import read
from truing.report.watch import SearchWatch, ending, watching
from truing.resume import JOURNAL, set_aside
from truing.setting import (
    Setting,
    finite_number,
    prepare,
    prevalence_of,
    rule_of,
    task_of,
    threshold_of,
    validation_of,
    whole_number,
)
from truing.several import setting as several
from truing.several.judge import judge_of
from truing.sitting import sitting
from truing.space.space import Space
from truing.statistics.equivalence import region
from truing.storage.lock import refuse_held

if TYPE_CHECKING:
    from truing.one_at_a_time import Ablation, Sweep
    from truing.record.trial import Trial
    from truing.report.importance import Importance
    from truing.report.plots import Plots
    from truing.report.retuned import Retuned
    from truing.report.table import TrialTable
    from truing.report.what_next import WhatNext
    from truing.statistics.metric import Metric
    from truing.verdict import Verdict
    from truing.verdict.compare import Compared
    from truing.verdict.evaluation import Evaluation
    from truing.verdict.later import Later
    from truing.worth import Advice


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
        data: the rows; None for an objective that brings its own and reports numbers. Several datasets by name,
            {"a": tr.Data(x, y), "b": tr.Data(x, y)}, make one study over them: every trial runs on all of them, and
            `run.dataset` says on which; see docs/datasets_several.md.
        metric: what is optimised: a name, or `tr.Metric("reward", goal="max")` for a number you report.
            Default: log loss for classes, RMSE for numbers.
        also: further metrics, for the report only.
        aggregate: of several datasets, what a trial is worth: the "mean" or the "worst" of its gains over the defaults,
            each in units of the standard deviation of the defaults' runs on that dataset.
        positive: the positive class or classes of the binary metrics. Default in a binary task: the second in
            sorted order.
        validation: `tr.KFold(5)`, `tr.GroupKFold(5)`, `tr.TimeOrdered(5)`, `tr.Holdout(0.2)`, `tr.Seeds(5)` or the name
            of a design, such as "time_ordered", or "auto", which goes by the rows and says why; a scikit-learn
            splitter, pairs of (train, valid) rows, or None for one run a trial. Default: a holdout above 20,000 rows,
            else 5-fold; without data one run a trial.
        test: rows locked away before the first trial: a share, row positions, a mask, a Data (an official test set),
            None, or "auto", which goes by the rows and says why.
        external: {"name": Data, ...}: rows of the same task from another origin, opened once, by the verdict; see
            docs/external.md.
        negative: {"name": Data, ...}: inputs of none of the classes, without y; see docs/negative.md.
        search: "random", "grid", "sobol", "sequential", or a searcher such as `tr.GridSearch(points=5)`.
        epochs: how far a run goes; None = as far as the function's own `run.epochs(n)`.
        epoch: which report a run's score is taken from: "last"; "best", which is one more choice on the validation
            rows and is corrected for in the verdict; or "mean:5", the mean of the last five, or of fewer if there are
            no more.
        folder: where the study lives. Default: studies/<name of the script>.
        seed: names every random decision of the study.
        threads: of one run; a training on two threads gives other weights than on one, so it is part of the study.
        run_minutes: a run that takes longer is stopped and its trial fails.
        run_memory: "4GB", "500MB", "1.5 GiB" or bytes; a run that holds more, with all the processes it started, is
            stopped and its trial fails.
        gpus_per_run: None = the workers are spread evenly over the GPUs that CUDA_VISIBLE_DEVICES leaves; 0 = the
            CPU only; 0.5 = two runs share a GPU; 2 = two GPUs for each run. Each run sees only its own. Not part of
            what a study is, though scores from another device may differ in their last digits.
        lookahead: trial k is proposed from the complete trials up to k - lookahead, whatever the number of workers;
            None = from whatever is complete, which is not reproducible in parallel.
        rule: by which the verdict chooses what it delivers: "best", "one_se", "cheapest" or "nearest"; see
            docs/selection.md for what each costs.
        rope: the largest difference of the metric that does not matter, in its unit; fixed before the first trial.
            Default: 0.01 where the best score is 1, else 1 % of what the constant prediction scores.
        threshold: from which probability of the positive class on a row counts as positive, chosen by the verdict on
            out-of-fold predictions: "youden", "sensitivity>=0.95", "specificity>=0.9", a pair (cost of a false alarm,
            cost of a miss), or the threshold itself. It changes no run and no metric; the verdict judges it beside
            them.
        prevalence: the share of positives where the network is to be used; the verdict gives predictive values there.

    Raises:
        UsageError: arguments that do not fit together, each in one sentence.

    >>> import truing as tr
    >>> def train(run):
    ...     run.report(loss=run.config["x"] ** 2)
    >>> space, loss = tr.Space(x=tr.Float(-1, 2)), tr.Metric("loss", goal="min")
    >>> study = tr.Study(train, space, metric=loss, folder="studies/example")
    >>> study
    Study(folder='studies/example', metric='loss', search='RandomSearch')
    """

    @spelled("Study", elsewhere=dict.fromkeys(("trials", "minutes", "target", "workers"), "run"))
    def __init__(
        self,
        objective: Callable[[Any], Any],
        space: Space,
        *,
        data: Data | Mapping[str, Data] | None = None,
        metric: str | Metric | None = None,
        also: Sequence[str | Metric] = (),
        positive: Any = None,
        validation: Any = DEFAULT,
        test: Any = 0.2,
        external: Mapping[str, Data] | None = None,
        negative: Mapping[str, Data] | None = None,
        search: Any = "random",
        epochs: int | None = None,
        epoch: str = "last",
        folder: str | Path | None = None,
        seed: int = 0,
        threads: int = 1,
        run_minutes: float | None = None,
        run_memory: str | int | None = None,
        gpus_per_run: float | None = None,
        lookahead: int | None = 4,
        rule: str = "best",
        rope: float | None = None,
        threshold: str | float | tuple[float, float] | None = None,
        prevalence: float | None = None,
        aggregate: str | None = None,
    ) -> None:
        if not callable(objective):
            raise UsageError(f"The objective must be a function of one run, got {objective!r}.")
        if not isinstance(space, Space):
            raise UsageError(f"space= must be a tr.Space(...), got {type(space).__name__}.")
        if data is not None and not isinstance(data, Data | Mapping):
            raise UsageError(f"data= must be a tr.Data(x, y), or several by name, got {type(data).__name__}.")
        self.objective = objective
        self.space = space
        datasets = datasets_of(data)
        if datasets:
            given = {"external": external, "negative": negative, "threshold": threshold, "prevalence": prevalence}
            given |= {"rule": None if rule == "best" else rule, "epoch": epoch if epoch == "best" else None}
            several.refuse_what_does_not_combine({k: v for k, v in given.items() if v is not None}, test, validation)
        elif aggregate is not None:
            raise UsageError(
                'aggregate= is for several datasets, such as data={"a": tr.Data(x, y), "b": tr.Data(x, y)}.'
            )
        self.aggregate = several.aggregate_of(aggregate if aggregate is not None else "mean")
        self.data = data if isinstance(data, Data) else None
        self.datasets = {one.name: one.data for one in datasets}
        self.test = test
        self.outside = datasets or (*named_sets(EXTERNAL, external), *named_sets(NEGATIVE, negative))
        self.seed = whole_number(seed, "seed", low=0)
        self.threads = whole_number(threads, "threads", low=1)
        self.epochs = whole_number(epochs, "epochs", low=1) if epochs is not None else None
        self.epoch = str(EpochRule.parse(epoch))
        self.run_minutes = finite_number(run_minutes, "run_minutes", above=0) if run_minutes is not None else None
        share = finite_number(gpus_per_run, "gpus_per_run") if gpus_per_run is not None else None
        self.gpus_per_run = devices.share_of(share)
        self.run_memory = bytes_of(run_memory, "run_memory") if run_memory is not None else None
        self.lookahead = whole_number(lookahead, "lookahead", low=1) if lookahead is not None else None
        self.searcher = searcher_of(search, space)
        self.file = script.current_file()
        self.folder = folder_of(folder, self.file)
        self._metric, self._also, self._positive = metric, also, positive
        self._protocol = partial(validation_of, validation, default=validation is DEFAULT)
        self._validation = None if datasets else self._protocol(self.data)
        task = partial(task_of, test=test, primary=metric, also=also, positive=positive)
        self._tasks = several.tasks_of(datasets, task) if datasets else {}
        self._task = several.gain_task() if datasets else task(self.data)
        known = next(iter(self._tasks.values()), self._task)
        self.rope = region(known.primary, None, rope).width if rope is not None else None
        self.rule = rule_of(rule)
        self._aim, self._prevalence = threshold_of(threshold, self._task), prevalence_of(prevalence, self._task)
        self._code = Code([self.data, self.test, *(one.data for one in self.outside)], space.labelled)

    def __repr__(self) -> str:
        name, kind = self._task.primary.name, type(self.searcher).__name__
        return f"Study(folder={str(self.folder)!r}, metric={name!r}, search={kind!r})"

    def _repr_html_(self) -> str:
        """How the study stands, its best and its first trials, at the end of a notebook's cell."""
        from truing.report.notebook import study_html

        history = self._read()
        known = {"metric": self._task.primary.name}
        return study_html(history, history.last("study") or known, str(self.folder))

    # -- what a person calls ---------------------------------------------------------------------------------------

    @spelled("run")
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
            trials: the study's total over all calls, the defaults (trial 0) and failed ones included. Default: 40; a
                grid runs to its size, a sequential search to its own end.
            minutes: no new trial starts after this time of this call; those begun are finished.
            target: no new trial starts once a trial reaches this value of the metric.
            workers: runs at a time; 0 = in this process, one after the other. Default: the number of cores; on a
                machine with GPUs, one for each if the program has loaded torch. At most as many as
                `gpus_per_run` lets onto the GPUs.
            accept_change: go on although the training function changed.
            extend: go on in a space that grew.
            fresh: set the old folder aside and begin anew.

        Raises:
            ChangedStudyError, FolderInUseError, ObjectiveError, StudyFailedError, JournalError: see `truing.errors`.
            KeyboardInterrupt: after Ctrl-C, when what ran has ended.
        """
        if script.reached(self, "run"):
            return
        limits = limits_of(self.searcher, trials, minutes, target)
        workers, gpus = self._place(workers)
        refuse_held(self.folder)
        handed_on = None
        if fresh and self._setting and (aside := set_aside(self.folder)) is not None:
            print(f"The old study is set aside in {aside[0]}.", file=sys.stderr)
            handed_on = aside[1]
        agreed = {"accept_change": accept_change, "extend": extend}
        with self._session(workers, gpus, **agreed, handed_on=handed_on) as (session, progress):
            history, before = session.history, len(session.history)
            progress.total_trials = total = total_of(self.searcher, self.space, history, limits.trials)
            session.watch = SearchWatch(progress, limits, total)
            before_search(
                session,
                self._setting,
                history.trial(0).config if before else self.space.defaults(),
                identity=self._identity,
                trials=total,
                minutes=minutes,
                workers=workers,
                memory=in_words(self.run_memory) if self.run_memory is not None and workers else "",
                searcher=self.searcher,
                notes=[*self._notes(workers), *self._says(history)],
                say=progress.line,
                says=duration,
            )
            session.watch = outlook = Outlook(self._setting, self.searcher, history, session.watch, progress.line)
            judge = judge_of(self._setting, self._job)
            plan, lookahead = self._setting.plan, self.lookahead
            try:
                why = search(session, self.searcher, plan, judge, limits, lookahead=lookahead, keep=judge.kept)
            except StudyFailedError:
                session.record(Event("ended", {"why": "failures", "target": limits.target}))
                raise
            outlook.close(session)
            said = self._says(history)
            session.record(Event("ended", {"why": why, "target": limits.target, "says": said}))
            progress.close()
            told = ending(history, self._task.primary.name, why, before=before, asked=limits.trials, said=said)
            for line in (*told, *stop_advice(history)):
                progress.line(line)
            if why == "interrupted":
                raise KeyboardInterrupt("the search")  # what it means was said by then
            if history.best() is None:
                raise StudyFailedError(nothing_completed(history))

    def trials(self, as_dicts: bool = False) -> TrialTable | list[dict[str, Any]]:
        """The search's trials by number: a table to look at, or plain dicts as `truing trials --json` prints them.

        Each: number, state, config, value (of the metric; None unless completed), se (standard error over its runs),
        runs, seconds, reason; and gpus, where runs are placed on GPUs.
        """
        from truing.report.table import TrialTable, trial_rows

        history = self._read()
        if as_dicts:
            return trial_rows(history)
        return TrialTable(trial_rows(history), metric=self._task.primary.name, goal=history.goal)

    @property
    def best(self) -> Trial | None:
        """The best trial so far, as the search saw it; None before a trial has completed.

        It is the lucky number: the best of many noisy values (`.value`) is better than its configuration is worth.
        `verdict()` says what that is, and may select another. Its `.config` is the configuration, `.number` the
        trial's, `.se` the standard error over its own runs.
        """
        return self._read().best()

    @spelled("verdict")
    def verdict(self, again: bool = False, workers: int | None = None, robustness: bool = False) -> Verdict:
        """The honest end: fresh runs, comparison with the defaults, and one look at the locked test set.

        It is made once; called again it is the stored one, without a look. `again=True` is one more look, and is
        labelled as such. `robustness=True` goes on with `robustness()`, whose runs come on top.

        Raises:
            StudyFailedError: no trial completed.
            UsageError: the study has not been run.
        """
        if robustness:
            several.only_for_one("robustness=True", self.datasets)
        found = self._verdict(again, workers)
        return self.robustness(workers) if robustness else found

    def _verdict(self, again: bool, workers: int | None) -> Verdict:
        from truing.verdict import Verdict, reach
        from truing.verdict.corrections import renewed
        from truing.verdict.since import outdated

        if script.reached(self, "verdict"):
            raise StudyFailedError("This study is being loaded; its verdict is not made here.")
        past = self._read()
        stored = past.last("verdict")
        if stored is not None and not again:
            if different := changes(past.last("study") or {}, self._describe(*self._sources)):
                raise ChangedStudyError(another(self.folder, different))
            names = [metric.name for metric in self._task.metrics]
            lacking = outdated(past, stored["verdict"], metrics=names, aim=self._aim, prevalence=self._prevalence)
            for note in lacking:
                print(note, file=sys.stderr)
            return Verdict(renewed(stored["verdict"], past))
        script.about_to_judge()
        if len(past) == 0:
            raise UsageError(f"The study in {self.folder} has not been run; call run() before verdict().")
        if past.best() is None:
            raise StudyFailedError(nothing_completed(past))
        workers, gpus = self._place(workers)
        refuse_held(self.folder)
        with self._session(workers, gpus, accept_change=False, extend=False) as (session, progress):
            phase = watching(session, progress)
            study, said = session.history.last("study") or {}, self._says(session.history)
            found = reach(session, self._setting, self._job, study, say=progress.line, phase=phase, said=said)
            progress.close()
        self.report()
        return found

    @spelled("robustness")
    def robustness(self, workers: int | None = None) -> Verdict:
        """The verdict with its robustness: the selected against each configuration a step away, on fresh paired runs.

        It costs ten runs or more for the selected and for each neighbour, which is said before the first. A number
        steps a tenth of its scale down and up, a choice to the next option. It is made once for a verdict, kept in the
        journal, and stands in the verdict from then on; called again it is the stored one. No look at locked rows.

        Raises:
            UsageError: there is no verdict yet, or the protocol makes no fresh runs.
        """
        from truing.verdict import Verdict
        from truing.verdict import robustness as around

        past = self._read()
        several.only_for_one("robustness()", self.datasets)
        stored = past.last("verdict")
        if stored is not None and stored["verdict"].get("robustness") is not None:
            if different := changes(past.last("study") or {}, self._describe(*self._sources)):
                raise ChangedStudyError(another(self.folder, different))
            return Verdict(stored["verdict"])
        if stored is None:
            raise UsageError("Robustness is that of what a verdict selected; call verdict() first.")
        workers, gpus = self._place(workers)
        refuse_held(self.folder)
        with self._session(workers, gpus, accept_change=False, extend=False) as (session, progress):
            phase = watching(session, progress)
            around(session, self._setting, self._job, say=progress.line, phase=phase)
            progress.close()
        self.report()
        stored = self._read().last("verdict")
        return Verdict((stored or {})["verdict"])

    def evaluate(
        self,
        procedure: Any,
        trials: int | None = None,
        workers: int | None = None,
        minutes: float | None = None,
    ) -> Evaluation:
        """What this whole tuning is worth: it is repeated inside, on development rows alone.

        Each tuning inside is a study of its own in FOLDER/evaluate; the price is said before the first starts. Called
        again, or after a crash, it goes on where it was; once done it is the stored one.

        Args:
            procedure: `tr.Nested(5)`, `tr.Internal(20)`, `tr.InternalExternal()`, or a name.
            trials: of each tuning inside. Default: the procedure's own, else as many as the study has; before its
                first run what `run()` would make.
            workers: as in `run`.
            minutes: no new trial starts after this time of this call; what it gives then is not `complete`.

        Raises:
            UsageError: there are no rows to divide, or the procedure cannot divide these.
            StudyFailedError: no tuning inside completed.
            KeyboardInterrupt: after Ctrl-C, when what ran has ended.
        """
        from truing.evaluate import Evaluating, procedure_of, refuse_copies, stored
        from truing.verdict.evaluation import Evaluation

        several.only_for_one("evaluate()", self.datasets)
        procedure = procedure_of(procedure)
        if script.reached(self, "evaluate"):
            raise StudyFailedError("This study is being loaded; its evaluation is not made here.")
        asked = trials if trials is not None else getattr(procedure, "trials", None)
        asked = whole_number(asked, "trials", low=1) if asked is not None else None
        past = self._read()
        if (found := stored(past, procedure, asked)) is not None:
            if different := changes(past.last("study") or {}, self._describe(*self._sources)):
                raise ChangedStudyError(another(self.folder, different))
            if asked is None and len(past) > found["trials"]:
                has = f"{found['trials']} trials each, and the study has {len(past)} by now"
                print(f"Note: this was made with {has}; evaluate(..., trials={len(past)}) goes on.", file=sys.stderr)
            return Evaluation(found)
        script.about_to_judge()
        if self.data is None:
            raise UsageError(f"{type(procedure).__name__} divides rows, and there is no data=: use tr.Seeds(5).")
        refuse_copies(procedure, self._setting, self._validation)
        limits = limits_of(self.searcher, asked if asked is not None else len(past) or None, minutes, None)
        workers, gpus = self._place(workers)
        refuse_held(self.folder)
        with self._session(workers, gpus, accept_change=False, extend=False) as (session, progress):
            if not rehearsed(session.history, self._identity):
                defaults, identity = self.space.defaults(), self._identity
                rehearsal(session, self._setting, defaults, identity=identity, workers=workers, say=progress.line)
            session.executor.close()  # those inside have their own
            described = self._describe(*self._sources)
            job = replace(self._job, test=None, outside={})
            result = Evaluating(
                procedure,
                session,
                self._setting,
                self._validation,
                job,
                self._sources[0],
                self.searcher,
                self.lookahead,
                lambda folder, setting: inside(described, folder.name, setting, parts_of(setting)),
                executor_of(workers),
                progress,
                limits.trials,
                total_of(self.searcher, self.space, History(self.space, self._task.goal), limits.trials),
                workers,
                limits.deadline,
            ).carry_out()
            progress.close()
        if len(past):
            self.report()
        return result

    @spelled("advise")
    def advise(self, quick: bool = False, workers: int | None = None) -> Advice:
        """Is tuning worth it, and does the model want more data or longer training? Runs of the defaults alone.

        Five questions: do the defaults beat a prediction that does not look; what do seeds and splits alone change; can
        the model learn a few rows by heart; the score at 25, 50 and 100 % of the training rows; and at half, once and
        twice the epochs. It costs about as much as 20 runs (`quick`: 14), which is said before the first; asked again
        it runs nothing, and after a crash it goes on. No look at locked rows. The runs are no results of the study:
        before a first trial anything may be changed after them.

        Args:
            quick: fewer splits and seeds, so that more cannot be told.
            workers: as in `run`.

        Raises:
            UsageError: a study over several datasets.
            ObjectiveError: a Python error in the rehearsal.
            StudyFailedError: not one run of the defaults completed.
            KeyboardInterrupt: after Ctrl-C, when what ran has ended.
        """
        from truing.worth import advise
        from truing.worth.asking import stored

        several.only_for_one("advise()", self.datasets)
        if script.reached(self, "advise"):
            raise StudyFailedError("This study is being loaded; it is not advised on here.")
        past, identity = self._read(), self._identity
        found = stored(past, identity, self.space.defaults(), quick=quick)
        if found is not None and not changes(past.last("study") or {}, self._describe(*self._sources)):
            return found
        script.about_to_judge()
        workers, gpus = self._place(workers)
        refuse_held(self.folder)
        with self._session(workers, gpus, accept_change=False, extend=False) as (session, progress):
            defaults, say = self.space.defaults(), progress.line
            known = session.history.last("rehearsed") or {}
            if "epochs" not in known or not rehearsed(session.history, identity):
                rehearsal(session, self._setting, defaults, identity=identity, workers=workers, say=say)
            found = advise(
                session,
                self._setting,
                self._job,
                defaults,
                name=self.folder.name,
                quick=quick,
                identity=identity,
                workers=workers,
                say=say,
                phase=watching(session, progress),
                says=duration,
            )
            progress.close()
        if len(past):
            self.report()
        return found

    @spelled("sweep")
    def sweep(
        self,
        parameter: str,
        values: Sequence[Any] | None = None,
        points: int = 7,
        at: str | int | Mapping[str, Any] = "defaults",
        workers: int | None = None,
    ) -> Sweep:
        """Train and validation score over one parameter, the others held; seconds and network size beside them.

        Each value runs on the search's own splits and seeds, so all are paired with each other and with the trials.
        What has been run is not run again: asked twice it is the stored one, after a crash it goes on, and more values
        cost only themselves. It is priced before it starts, looks at no locked rows, and changes nothing of what the
        study selects: to go on with what it showed, narrow or move the range in the space. Before a first trial
        everything may be changed after it. docs/sweep.md says how to read it.

        Args:
            parameter: which one varies.
            values: those to run. Default: every option of a Choice; of a number `points` on its own scale. The value
                held elsewhere is always among them.
            points: how many of a number.
            at: where the others are held: "defaults", "best" (trial so far), the number of a trial, or a mapping of
                values; what it leaves out has its default.
            workers: as in `run`.

        Raises:
            UsageError: no such parameter, value or trial; a study over several datasets.
            ObjectiveError: a Python error in the rehearsal.
            KeyboardInterrupt: after Ctrl-C, when what ran has ended.
        """
        from truing.one_at_a_time import stored, sweep

        several.only_for_one("sweep()", self.datasets)
        if script.reached(self, "sweep"):
            raise StudyFailedError("This study is being loaded; nothing is swept here.")
        request = {"parameter": parameter, "values": values, "points": points, "at": at}
        past, identity = self._read(), self._identity
        if not len(past):
            past.space = self.space
        found = stored(past, identity, request)
        if found is not None and not changes(past.last("study") or {}, self._describe(*self._sources)):
            return found
        script.about_to_judge()
        workers, gpus = self._place(workers)
        refuse_held(self.folder)
        with self._session(workers, gpus, accept_change=False, extend=False) as (session, progress):
            if not len(session.history) and not rehearsed(session.history, identity):
                start, say = self.space.defaults(), progress.line
                rehearsal(session, self._setting, start, identity=identity, workers=workers, say=say)
            known: dict[str, Any] = {
                "name": self.folder.name,
                "identity": identity,
                "workers": workers,
                "says": duration,
            }
            phase = watching(session, progress)
            found = sweep(session, self._setting, self._job, request, **known, say=progress.line, phase=phase)
            progress.close()
        return found

    @spelled("ablation")
    def ablation(self, workers: int | None = None) -> Ablation:
        """Which change of the defaults made the gain: from them to the selected, one parameter at a time.

        The order is that of the largest gains by a surrogate of the trials; every configuration on the way is run on
        fresh splits and seeds, the same for all, which is said and priced before the first. Before a verdict it leads
        to the best trial so far. Asked again it is the stored one; no look at locked rows. docs/ablation.md says how to
        read it.

        Args:
            workers: as in `run`.

        Raises:
            UsageError: nothing has completed, the defaults are selected, or the protocol makes no fresh runs.
            KeyboardInterrupt: after Ctrl-C, when what ran has ended.
        """
        from truing.one_at_a_time import ablation, stored_ablation
        from truing.one_at_a_time.ablating import ends_of

        several.only_for_one("ablation()", self.datasets)
        if script.reached(self, "ablation"):
            raise StudyFailedError("This study is being loaded; nothing is ablated here.")
        past = self._read()
        ends_of(past)
        found, was, now = stored_ablation(past), past.last("study") or {}, self._describe(*self._sources)
        if found is not None and not changes(was, now) and was.get("source") == now["source"]:
            return found
        script.about_to_judge()
        workers, gpus = self._place(workers)
        refuse_held(self.folder)
        with self._session(workers, gpus, accept_change=False, extend=False) as (session, progress):
            known: dict[str, Any] = {"name": self.folder.name, "workers": workers, "says": duration}
            phase = watching(session, progress)
            found = ablation(session, self._setting, self._job, **known, say=progress.line, phase=phase)
            progress.close()
        self.report()
        return found

    @spelled("external")
    def external(self, name: str, data: Data) -> Later:
        """Score the kept network of the verdict on rows that came later: a look of its own, counted.

        The network of `tr.TorchTrainer` is found by itself. For a function of your own the study's file (or the script)
        has `predict(folder, x)`: it reads what `run.keep` left in folder / "model" and returns predictions for x, as
        the function's own predict would.

        Args:
            name: how the set is called. Further looks at the same rows, or under the same name, are descriptive only.
            data: rows of the same task: x in the kind and shape of the study's, with y.

        Raises:
            UsageError: no verdict, no kept network, no predict, or rows that do not fit.
        """
        several.only_for_one("external()", self.datasets)
        script.about_to_judge()
        (one,) = named_sets(EXTERNAL, {name: data})
        past = self._read()
        stored = past.last("verdict")
        if stored is None:
            raise UsageError(f"The study in {self.folder} has no verdict, so no network is kept; call verdict() first.")
        if self.data is None:
            raise UsageError("The study has no data=, so there are no rows that an external set could be like.")
        check(self.data, [one], self._task.classes)
        from truing.verdict.kept_network import kept_predict
        from truing.verdict.later import look_later

        model = (self.folder, stored["verdict"], self.objective, self.space)
        predict = kept_predict(*model, self._task, file=self.file)
        refuse_held(self.folder)
        with self._session(0, self._place(0)[1], accept_change=False, extend=False) as (session, progress):
            progress.close()
            found = look_later(session, self._setting, self._job, one, predict)
        self.report()
        return found

    def compare(self, first: int, second: int) -> Compared:
        """Two trials of this study, first - second, by the runs that both have on the same replicates.

        It runs nothing. Fresh runs where both have them, else those of the search; a pair picked by hand is not
        adjusted for having been picked.

        Raises:
            UsageError: no such trial, or one without a score; the study has not been run.
        """
        from truing.verdict.compare import Side, compare_sides, trial_of

        history = self._read()
        study = history.last("study")
        if study is None:
            raise UsageError(f"The study in {self.folder} has not been run; call run() before compare().")
        numbers = [trial_of(history, number) for number in (first, second)]
        sides = [Side(f"trial {n}", n, history, study, self._setting, self._job) for n in numbers]
        return compare_sides(*sides)

    def importance(self) -> Importance:
        """What mattered: each parameter's share of the variance of the score, every two together, with intervals.

        It runs nothing. `print` it, or see its `table()`, `notes` and `to_dict()`; docs/importance.md says what a share
        means and when it misleads.

        Raises:
            UsageError: the study has not been run.
        """
        from truing.report.importance import importance_of

        return importance_of(*read(self.folder))

    def what_next(self) -> WhatNext:
        """A checklist of the search, pass or warn with the evidence, and a space for a next study as code.

        It runs nothing. `print` it, or see its `checks`, `space`, `code` and `to_dict()`; docs/what-next.md says how
        each check decides.

        Raises:
            UsageError: the study has not been run.
        """
        from truing.report.importance import importance_of
        from truing.report.what_next import what_next_of

        history, study = read(self.folder)
        return what_next_of(history, importance_of(history, study), self.space)

    def retuned(self) -> Retuned:
        """What each architecture reaches with the other parameters tuned for it, after a nested search.

        It runs nothing. `print` it, or see its `table()`, `sentence` and `to_dict()`; docs/search_sequential.md says
        what is compared.

        Raises:
            UsageError: no search with `SequentialSearch(nested=True)` has run.
        """
        from truing.report.retuned import asked_for, retuned_of

        return asked_for(retuned_of(*read(self.folder)))

    @property
    def plot(self) -> Plots:
        """The study's figures: `study.plot.over_time()`, `.effect("kernel_size")` and others; see docs/figures.md."""
        from truing.report.plots import Plots

        return Plots(self.folder)

    def report(self, *, paper: bool = False) -> Path:
        """Write `report.html` into the folder and return its path; it opens offline.

        Args:
            paper: write what a paper needs instead (methods, the flow of rows, figures, tables as CSV) into `paper/` in
                the folder, and return that.

        Raises:
            UsageError: the study has not been run.
        """
        from truing.report.study import write, write_for_paper

        return write_for_paper(self.folder).folder if paper else write(self.folder)

    # -- the pieces ------------------------------------------------------------------------------------------------

    @cached_property
    def _setting(self) -> Setting:
        """Task, locked rows and replicates: the same at every call."""
        given: dict[str, Any] = {
            "primary": self._metric,
            "also": self._also,
            "positive": self._positive,
            "test": self.test,
            "epochs": self.epochs,
            "threads": self.threads,
            "seed": self.seed,
            "scored": self.epoch,
            "rope": self.rope,
            "rule": self.rule,
        }
        if self.datasets:
            return several.together(self.outside, aggregate=self.aggregate, validation=self._protocol, **given)
        made = prepare(data=self.data, validation=self._validation, outside=self.outside, **given)
        return replace(made, threshold=self._aim, prevalence=self._prevalence)

    @property
    def _sources(self) -> tuple[Source, dict[str, dict[str, Source]]]:
        return self._code.sources(self.objective)

    @property
    def _identity(self) -> str | None:
        return self._code.identity(self.objective)

    @property
    def _job(self) -> Job:
        return Job(
            folder=self.folder.resolve(),
            task=self._task,
            groups=dict(self.space.groups),
            repeats=self.space.repeats,
            objects=self.space.objects,
            objective=self.objective,
            data=self.data,
            test=self._setting.official,
            outside={one.key: one.data for one in self.outside},
            datasets={one.name: (one.key, self._tasks[one.name]) for one in self.outside} if self.datasets else {},
            threads=self.threads,
            run_seconds=self.run_minutes * 60 if self.run_minutes is not None else None,
            run_memory=self.run_memory,
        )

    def _says(self, history: History) -> list[str]:
        """What the searcher has to say of where it stands."""
        return list(self.searcher.says(history)) if hasattr(self.searcher, "says") else []

    def _notes(self, workers: int) -> list[str]:
        return notes(
            self._setting,
            *self._sources,
            rows=of_the_rows(self.data.facts()) if self.data is not None else "",
            run_memory=self.run_memory,
            workers=workers,
            out_of_order=self.lookahead is None and getattr(self.searcher, "adaptive", True),
            metric_given=self._metric is not None,
        )

    @contextmanager
    def _session(
        self,
        workers: int,
        gpus: Devices,
        *,
        accept_change: bool,
        extend: bool,
        handed_on: dict[str, Any] | None = None,
    ) -> Iterator[tuple[Session, Progress]]:
        """Sit down at it: the folder held, the executor started; all of it ends with the block."""
        source, objects = self._sources
        with sitting(
            self.folder,
            self._describe(source, objects),
            source,
            self.space,
            self._setting,
            self._job,
            workers=workers,
            gpus=gpus,
            accept_change=accept_change,
            extend=extend,
            handed_on=handed_on,
        ) as begun:
            try:
                yield begun
            finally:
                self._code.trained(self.objective, (source, objects))

    def _place(self, workers: int | None) -> tuple[int, Devices]:
        return place(workers, self.gpus_per_run)

    def _describe(self, source: Source, objects: dict[str, dict[str, Source]]) -> dict[str, Any]:
        official, locked = self._setting.official, self._setting.plan.locked
        rows = hashlib.sha256(locked.tobytes()).hexdigest() if locked is not None else None
        described = describe(
            name=self.folder.name,
            setting=self._setting,
            space=self.space,
            source=source,
            objective=name_of(self.objective),
            search=self.searcher,
            file=self.file,
            variable=script.variable_of(self),
            run_minutes=self.run_minutes,
            run_memory=self.run_memory,
            lookahead=self.lookahead,
            fingerprints={
                "data": self.data.fingerprint() if self.data is not None else None,
                "test": official.fingerprint() if official is not None else rows,
            },
            objects=objects,
            parts=parts_of(self._setting),
        )
        return described | several.described(self._setting, self.outside, parts_of)

    def _read(self) -> History:
        """The journal as it stands, also while somebody else writes it."""
        if not (self.folder / JOURNAL).exists():
            return History(self.space, self._task.goal)
        return read(self.folder)[0]
