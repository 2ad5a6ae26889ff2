"""Propose, run, record, judge."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from truing.errors import JournalError, StudyFailedError
from truing.execution.devices import NO_GPUS, Devices
from truing.judge import RETRIES, failure_of, runs_of
from truing.record.events import Event
from truing.record.history import History
from truing.record.interfaces import Decision, Executor, Journal, RunSpec, Schedule, Searcher
from truing.record.plan import Plan
from truing.record.seeds import stream
from truing.record.state import State
from truing.record.trial import SEARCH, RunRecord, Trial
from truing.storage.patience import Patience

SAME_FAILURES = 5  # in a row, with the same exception and line, end the search
TICK = 0.25  # seconds between looks at the clock and at the person
QUICK = 0.02  # seconds of a run that ends before anybody could look at its start
OPEN = ("running", "cancelled")  # states of a trial whose runs are not all in


@dataclass
class Session:
    """What the search and the verdict share: the record, the executor, and somebody who watches.

    Args:
        watch: called with the session after every event; shows progress.
        asked_to_stop: how often the person asked to stop: once = finish what runs, twice = stop now.
        devices: the GPUs, and how many of them a run takes.
        forget: told of every run that ended for good.
        patience: with a full disk: no new run starts, and what has ended waits in memory.
    """

    journal: Journal
    history: History
    executor: Executor
    schedule: Schedule
    watch: Callable[[Session], None] = lambda session: None
    asked_to_stop: Callable[[], int] = lambda: 0
    devices: Devices = NO_GPUS
    patience: Patience = field(default_factory=Patience)
    forget: Callable[[RunSpec], None] = lambda spec: None
    running: dict[int, RunSpec] = field(default_factory=dict)
    _noted: list[Event] = field(default_factory=list)
    _quick: bool = False

    def record(self, *events: Event) -> None:
        """Write events down, at once and to stay; only then are they true. On a full disk it waits for room.

        Raises:
            JournalError: they cannot be written, or the person asked to stop while there was no room.
        """
        self.note(*events)
        self.flush()
        while self._noted:
            if self.asked_to_stop():
                raise JournalError(_still_full(self._noted))
            self._rest()

    def note(self, *events: Event) -> None:
        """Take in what follows from the events before it: it is written with the next one, or before a wait.

        Were it lost, the same would be proposed, started and judged again.
        """
        stamped = [Event(event.kind, event.data, event.key, event.time or time.time()) for event in events]
        self._noted += stamped
        self.history.extend(stamped)

    def flush(self) -> None:
        """Write down what was only noted; what finds no room on the disk stays noted until a later call."""
        if (self._noted or self.patience.full) and self.patience.due():
            with self.patience.trying():
                if self._noted:
                    self.journal.append(self._noted)
                self._noted = []

    def _rest(self) -> None:
        time.sleep(TICK)
        self.watch(self)
        self.flush()

    def step(self, queue: deque[RunSpec]) -> list[RunRecord]:
        """Start what fits, wait for an end, write it down; the runs that ended for good."""
        chosen: list[RunSpec] = []
        while queue and not self.patience.full and len(chosen) < self.executor.free():
            gpus = self.devices.place(spec.gpus for spec in (*self.running.values(), *chosen))
            if gpus is None:  # it waits until a run that has them ends
                break
            told = gpus if self.devices.told else None
            chosen.append(replace(queue.popleft(), run=self.history.next_run + len(chosen), gpus=told))
        self.note(*(Event("started", _started(spec)) for spec in chosen))
        if not self._quick:
            self.flush()
        self.running |= {spec.run: spec for spec in chosen}
        self.executor.start(chosen)
        if self.asked_to_stop() > 1:
            for run in list(self.running):
                self.executor.cancel(run)
        ended = []
        for event in self.executor.wait(TICK, self._decide) if self.running else ():
            spec = self.running.pop(event.data["run"])
            self.note(Event("finished", event.data, f"finished/{spec.run}", event.time))
            self.flush()
            record = self.history.runs[spec.run]
            self._quick = record.seconds < QUICK
            if record.state is State.LOST and spec.attempt < RETRIES:
                queue.appendleft(replace(spec, attempt=spec.attempt + 1))
            elif record.state is State.SUPERSEDED:  # its files found no room, which is not its fault
                self.patience.lacks(record.details.get("lacked_bytes", 0))
                queue.appendleft(spec)
            else:
                ended.append(record)
                if record.state is not State.CANCELLED:  # the same command goes on with that one
                    self.forget(spec)
        if self.patience.full and not self.running:
            self._rest()
        if not ended:
            self.flush()
        self.watch(self)
        return ended

    def _decide(self, event: Event) -> Decision:
        self.history.extend([event])
        return self.schedule.keep(self.history, event.data["run"])


@dataclass(frozen=True)
class Limits:
    """When a search ends; `trials` counts over all calls, `deadline` (monotonic seconds) is this call's."""

    trials: int | None = None
    deadline: float | None = None
    target: float | None = None

    def reached(self, history: History) -> str | None:
        """Why no new trial may start; None while one may."""
        best = history.best()
        sign = 1.0 if history.goal == "min" else -1.0
        if (
            self.target is not None
            and best is not None
            and best.value is not None
            and sign * best.value <= sign * self.target
        ):
            return "target"
        if self.trials is not None and len(history) >= self.trials:
            return "trials"
        if self.deadline is not None and time.monotonic() >= self.deadline:
            return "minutes"
        return None


def search(
    session: Session,
    searcher: Searcher,
    plan: Plan,
    judge: Callable[[History, Trial], dict[str, Any]],
    limits: Limits,
    *,
    lookahead: int | None = 4,
    keep: Callable[[int], str] = lambda trials: "predictions",
) -> str:
    """Search until a limit is reached, the searcher has nothing new, or somebody asks to stop; returns which.

    Args:
        keep: number of trials so far -> what is kept of the next one's runs, "predictions" or "loss".

    Raises:
        StudyFailedError: five trials in a row failed with the same exception at the same line.
    """
    history = session.history
    queue = unfinished(history, plan, keep(len(history)))
    failures: list[tuple[str, str]] = []
    for trial in _all_runs_ended(history, queue):
        session.note(Event("judged", judge(history, trial)))
    why = None
    while True:
        why = ("interrupted" if session.asked_to_stop() else None) or limits.reached(history) or why
        while not why and len(queue) < session.executor.free() and not _too_early(history, searcher, lookahead):
            if session.schedule.next(history) is None:
                break  # it waits for what runs
            new = _propose(session, searcher, plan.seed, lookahead)
            queue += _runs_for(new, plan, keep(new.number)) if new is not None else ()
            why = limits.reached(history) if new is not None else "exhausted"
        if session.asked_to_stop():
            queue.clear()
        if not queue and not session.running:
            _judge_open(session, judge)
            session.watch(session)
            return why or "exhausted"
        for run in session.step(queue):
            trial = history.trial(run.trial)
            if run.state is not State.COMPLETED:  # a failed fold fails its trial: the other folds need not start
                queue = deque(spec for spec in queue if spec.trial != run.trial)
            awaited = any(spec.trial == run.trial for spec in (*queue, *session.running.values()))
            if awaited or trial.state not in OPEN:
                continue
            session.note(Event("judged", judge(history, trial)))
            failures = _repeated(failures, history, history.trial(run.trial))
            if len(failures) >= SAME_FAILURES:
                while session.running:
                    session.step(deque())
                _judge_open(session, judge)
                raise StudyFailedError(_stopped_by_failures(history, history.trial(run.trial)))


def carry_out(session: Session, specs: Sequence[RunSpec]) -> bool:
    """Run all `specs` of the verdict to their ends; False when somebody asked to stop before that."""
    queue = deque(specs)
    while queue or session.running:
        if session.asked_to_stop():
            queue.clear()
        if queue or session.running:
            session.step(queue)
    return not session.asked_to_stop()


def unfinished(history: History, plan: Plan, keep: str) -> deque[RunSpec]:
    """The runs that trials proposed earlier still need: cut off by the coordinator's end, or never started."""
    queue: deque[RunSpec] = deque()
    for trial in history.trials:
        if trial.state not in OPEN or failure_of(history, trial) is not None:
            continue
        runs = runs_of(history, trial)
        ended = {run.replicate for run in runs if run.state in (State.COMPLETED, State.STOPPED)}
        attempts = {run.replicate: run.attempt + 1 for run in runs if run.state is State.LOST}
        queue += [
            replace(spec, attempt=attempts.get(spec.replicate, 0))
            for spec in _runs_for(trial, plan, keep)
            if spec.replicate not in ended
        ]
    return queue


def needs_no_more(history: History, purpose: str, trial: int, replicate: int) -> bool:
    """True when that run has come to its end for good, or its trial has."""
    if purpose != SEARCH:
        return (purpose, trial, replicate) in history.verdict_runs
    if trial >= len(history) or history.trial(trial).state not in OPEN:
        return True
    runs = runs_of(history, history.trial(trial))
    return any(run.replicate == replicate and run.state is State.COMPLETED for run in runs)


def _all_runs_ended(history: History, queue: deque[RunSpec]) -> list[Trial]:
    """Trials whose runs are all in, and which the coordinator did not live to judge."""
    waiting = {spec.trial for spec in queue}
    return [t for t in history.trials if t.state in OPEN and t.number not in waiting]


def _propose(session: Session, searcher: Searcher, seed: int, lookahead: int | None) -> Trial | None:
    """The defaults first; then whatever the searcher makes of the complete steps up to number - lookahead."""
    history, number = session.history, len(session.history)
    horizon = None if lookahead is None else max(number - lookahead, _must_see(history, searcher))
    config = (
        history.space.defaults()
        if number == 0
        else searcher.suggest(history.at_step(horizon), stream(seed, "search", number))
    )
    if config is None:
        return None
    seen = number if horizon is None else horizon
    session.note(Event("proposed", {"trial": number, "config": dict(config), "seen": seen}))
    return history.trial(number)


def _too_early(history: History, searcher: Searcher, lookahead: int | None) -> bool:
    """True while a searcher that reads scores must wait for the trials it is promised to see."""
    if not getattr(searcher, "adaptive", True):
        return False
    known = max(_must_see(history, searcher), len(history) - lookahead if lookahead is not None else 0)
    if known <= 0:
        return False
    latest = range(known, len(history))
    still_open = sum(history.states[state] for state in OPEN)
    return still_open > sum(history.trial(number).state in OPEN for number in latest)


def _must_see(history: History, searcher: Searcher) -> int:
    """Of how many trials the next one must see the scores, whatever the lookahead: those before a stage begins."""
    return max(0, min(searcher.sees(history), len(history))) if hasattr(searcher, "sees") else 0


def _runs_for(trial: Trial, plan: Plan, keep: str) -> list[RunSpec]:
    return [plan.spec(0, trial.number, trial.config, SEARCH, replicate, keep=keep) for replicate in plan.replicates]


def _started(spec: RunSpec) -> dict[str, Any]:
    return {
        "run": spec.run,
        "trial": spec.trial,
        "purpose": spec.purpose,
        "replicate": spec.replicate,
        "attempt": spec.attempt,
        "seed": spec.seed,
        **({} if spec.gpus is None else {"gpus": list(spec.gpus)}),
    }


def _still_full(noted: Sequence[Event]) -> str:
    ends = sum(event.kind == "finished" for event in noted)
    runs = {0: "nothing that finished is lost", 1: "1 finished run could not be written down and will be run again"}
    what = runs.get(ends, f"{ends} finished runs could not be written down and will be run again")
    return f"The disk is full: {what}; free some space, and the same command goes on with all that was written before."


def _judge_open(session: Session, judge: Callable[[History, Trial], dict[str, Any]]) -> None:
    """Trials some of whose runs did not come to an end are cancelled; the same command goes on with them."""
    for trial in session.history.trials:
        if trial.state == "running":
            session.note(Event("judged", judge(session.history, trial)))
    session.flush()


def _repeated(failures: list[tuple[str, str]], history: History, trial: Trial) -> list[tuple[str, str]]:
    """The failures of the trials that ended last, as long as they are of one kind.

    What a configuration can bring about (divergence, too little memory or time) counts only while nothing has
    completed: on a grid such configurations are neighbours.
    """
    found = failure_of(history, trial) if trial.state == "failed" else None
    if found is None or (found.state in _OF_THE_CONFIGURATION and history.states["completed"]):
        return []
    fingerprint = found.reason.fingerprint if found.reason is not None else ("", "")
    return [*failures, fingerprint] if not failures or failures[-1] == fingerprint else [fingerprint]


_OF_THE_CONFIGURATION = (State.DIVERGED, State.OUT_OF_MEMORY, State.TIMED_OUT)


def _stopped_by_failures(history: History, trial: Trial) -> str:
    run = failure_of(history, trial)
    reason = run.reason if run is not None else None
    lines = f"\n\n{reason.tail}" if reason is not None and reason.tail else ""
    return (
        f"{SAME_FAILURES} trials in a row failed with the same error, so the study stops: {reason}; "
        f"mend the training function and run again.{lines}"
    )
