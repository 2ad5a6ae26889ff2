"""What the journal says, folded: trials and runs as they stand after the events read so far."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from sys import intern
from types import MappingProxyType
from typing import Any, TypeVar

from truing.record.curve import Curve
from truing.record.events import Event
from truing.record.state import State
from truing.record.trial import SEARCH, Reason, RunRecord, Trial
from truing.space.space import Space

T = TypeVar("T")


_MARKED = ("study", "opened", "accepted", "extended", "restarted", "set_aside")


@dataclass(frozen=True)
class Mark:
    """An event about the study as a whole, and how far the study was: numbers of the next trial and run."""

    kind: str
    data: Mapping[str, Any]
    time: float
    trial: int
    run: int


class History:
    """The fold of a study's events, and what searchers and schedules get to see.

    Only the loop extends it; to plug-ins it is read-only. Extending costs O(new events).

    Args:
        space: the space of the study; a `study` or `extended` event brings its own.
        goal: "min" or "max"; a `study` event brings its own.
        horizon: trials from this number on are shown as configurations without scores; None = no limit.
    """

    def __init__(self, space: Space, goal: str, *, horizon: int | None = None) -> None:
        self.space = space
        self.goal = goal
        self.horizon = horizon
        self.seed = 0  # of the study; names what a searcher draws once and not at every step
        self.search_since = 0  # trials from this number on are of the search and the space as they are now
        self._trials: list[Trial] = []
        self.runs: dict[int, RunRecord] = {}
        self.states: Counter[str] = Counter()  # of the trials
        self.keys: set[str] = set()
        self.notes: dict[str, list[dict[str, Any]]] = {}
        self.marks: list[Mark] = []  # what changes are told from, in their order
        self.verdict_runs: dict[tuple[str, int, int], int] = {}  # completed: (purpose, trial, replicate) -> run
        self.function_since = 0  # runs from this number on are of the training function as it is now
        self.verdict_since = 0  # a verdict takes no run of its own from before this number
        self.next_run = 0
        self._best: int | None = None
        self._young_trial = self._young_run = 0  # from these numbers on: made in the present call of extend

    # -- reading ---------------------------------------------------------------------------------------------------

    @property
    def trials(self) -> Sequence[Trial]:
        """All trials by number; those past the horizon without scores."""
        if self.horizon is None:
            return tuple(self._trials)
        return tuple(t if t.number < self.horizon else t.blinded() for t in self._trials)

    def trial(self, number: int) -> Trial:
        found = self._trials[number]
        return found if self.horizon is None or number < self.horizon else found.blinded()

    def __len__(self) -> int:
        return len(self._trials)

    def __iter__(self) -> Iterator[Trial]:
        return iter(self.trials)

    @property
    def completed(self) -> Sequence[Trial]:
        """The trials with a value, by number."""
        return tuple(t for t in self.trials if t.state == "completed" and t.value is not None)

    def best(self) -> Trial | None:
        """The completed trial with the best value; the earlier one of two equals; None without any."""
        if self.horizon is None:
            return None if self._best is None else self._trials[self._best]
        done = self.completed
        if not done:
            return None
        sign = 1.0 if self.goal == "min" else -1.0
        return min(done, key=lambda t: (sign * (t.value if t.value is not None else 0.0), t.number))

    def ranked(self) -> list[Trial]:
        """The completed trials, best first; equals by number."""
        sign = 1.0 if self.goal == "min" else -1.0
        return sorted(self.completed, key=lambda t: (sign * (t.value if t.value is not None else 0.0), t.number))

    def used(self, key: str) -> bool:
        """True when a trial with this configuration key exists."""
        return key in self.keys

    def at_step(self, horizon: int | None) -> History:
        """This history as a searcher may see it: trials from number `horizon` on without scores. O(1), shared."""
        view = History.__new__(History)
        view.__dict__.update(self.__dict__)
        view.horizon = horizon
        return view

    def last(self, kind: str) -> dict[str, Any] | None:
        """The data of the last event of a kind that is neither a trial's nor a run's, or None."""
        found = self.notes.get(kind)
        return found[-1] if found else None

    # -- folding ---------------------------------------------------------------------------------------------------

    def extend(self, events: Iterable[Event]) -> None:
        """Take in the events that came after those already folded."""
        self._young_trial, self._young_run = len(self._trials), self.next_run
        for event in events:
            fold = _FOLDS.get(event.kind)
            if fold is None:
                self._note(event)
            else:
                fold(self, event)

    def _young(self, trial: Trial) -> bool:
        """True for a trial made in this call of `extend`, which nobody can have seen."""
        return trial.number >= self._young_trial

    def _note(self, event: Event) -> None:
        self._mark(event)
        order = sum(len(found) for found in self.notes.values())  # the clock may have been set back in between
        self.notes.setdefault(event.kind, []).append({**event.data, "time": event.time, "order": order})

    def _mark(self, event: Event) -> None:
        if event.kind in _MARKED:
            self.marks.append(Mark(event.kind, event.data, event.time, len(self._trials), self.next_run))

    def _study(self, event: Event) -> None:
        before = self.last("study")
        self._note(event)
        if "space" in event.data:
            self.space = Space.from_dict(event.data["space"])
        self.goal = event.data.get("goal", self.goal)
        self.seed = event.data.get("seed", self.seed)
        if before is not None and before.get("search") != event.data.get("search"):
            self.search_since = len(self._trials)

    def _proposed(self, event: Event) -> None:
        data = event.data
        config = self.space.restore(data["config"])
        self._trials.append(Trial(data["trial"], config, seen=data.get("seen", 0)))
        self.states["running"] += 1
        self.keys.add(config.key)

    def _started(self, event: Event) -> None:
        data = event.data
        run = RunRecord(
            id=data["run"],
            trial=data["trial"],
            purpose=data["purpose"],
            replicate=data["replicate"],
            attempt=data.get("attempt", 0),
            seed=data.get("seed", 0),
            gpus=tuple(data["gpus"]) if data.get("gpus") is not None else None,
        )
        self.runs[run.id] = run
        self.next_run = max(self.next_run, run.id + 1)
        if run.purpose == SEARCH:
            trial = self._trials[run.trial]
            self._trials[run.trial] = _with(trial, self._young(trial), runs=(*trial.runs, run.id))

    def _reported(self, event: Event) -> None:
        data = event.data
        run = self.runs[data["run"]]
        self.runs[run.id] = _with(run, False, curve=Curve((*run.curve, (data["epoch"], data["score"]))))

    def _finished(self, event: Event) -> None:
        data = event.data
        run = self.runs[data["run"]]
        if run.state.ended:  # a second word about a run that has ended changes nothing
            return
        reason = data.get("reason")
        self.runs[run.id] = run = _with(
            run,
            run.id >= self._young_run,
            state=_STATES[data["state"]],
            scores=_shared(data.get("scores")),
            undefined=_shared(data.get("undefined")),
            curve=curve if isinstance(curve := data.get("curve", ()), Curve) else Curve(curve),
            seconds=data.get("seconds", 0.0),
            epochs=data.get("epochs", 0),
            reason=Reason(**reason) if reason else None,
            predictions=data.get("predictions", False),
            details=_shared(_compact(data.get("details"))),
        )
        if run.purpose == SEARCH:
            trial = self._trials[run.trial]
            self._trials[run.trial] = _with(trial, self._young(trial), seconds=trial.seconds + run.seconds)
        elif run.state is State.COMPLETED and run.id >= self.verdict_since:
            self.verdict_runs[(run.purpose, run.trial, run.replicate)] = run.id

    def _damaged(self, event: Event) -> None:
        """What a run left is damaged: it is run again, and counts once."""
        run = self.runs[event.data["run"]]
        self.runs[run.id] = _with(run, False, state=State.SUPERSEDED)
        self.verdict_runs.pop((run.purpose, run.trial, run.replicate), None)

    def _judged(self, event: Event) -> None:
        data = event.data
        trial = self._trials[data["trial"]]
        self.states[trial.state] -= 1
        self.states[data["state"]] += 1
        self._trials[trial.number] = _with(
            trial,
            self._young(trial),
            state=data["state"],
            value=data.get("value"),
            se=data.get("se"),
            scores=_shared(data.get("scores")),
            reason=data.get("reason"),
        )
        judged = self._trials[trial.number]
        if judged.state == "completed" and judged.value is not None:
            best = None if self._best is None else self._trials[self._best]
            sign = 1.0 if self.goal == "min" else -1.0
            if (
                best is None
                or best.value is None
                or (sign * judged.value, judged.number) < (sign * best.value, best.number)
            ):
                self._best = judged.number

    def _robustness(self, event: Event) -> None:
        """It was asked for after the verdict it is of, and is shown with it."""
        self._note(event)
        if self.notes.get("verdict"):
            last = self.notes["verdict"][-1]
            self.notes["verdict"][-1] = {**last, "verdict": {**last["verdict"], "robustness": dict(event.data)}}

    def _restarted(self, event: Event) -> None:
        """Nothing had completed and the study changed: begin anew; run numbers are never given twice."""
        following, marks = self.next_run, self.marks
        self.__init__(self.space, self.goal)  # type: ignore[misc]
        self.next_run, self.marks = following, marks
        self._mark(event)

    def _accepted(self, event: Event) -> None:
        """Another training function: what a verdict ran with the old one says nothing of it."""
        self._note(event)
        self.function_since = self.next_run
        self._void()

    def _void(self) -> None:
        self.verdict_since = self.next_run
        self.verdict_runs = {}

    def _extended(self, event: Event) -> None:
        """The space grew: the defaults of new parameters stand in for the earlier trials."""
        self._note(event)
        self._void()
        self.space = Space.from_dict(event.data["space"])
        self.search_since = len(self._trials)
        self._trials = [_with(trial, False, config=self.space.complete(trial.config)) for trial in self._trials]
        self.keys |= {trial.config.key for trial in self._trials}


def _with(item: T, young: bool, **changes: Any) -> T:
    """`dataclasses.replace`, a tenth as slow: every event of a journal comes through here.

    Args:
        young: nobody has seen the item yet, so it need not be made anew.
    """
    kind = type(item)
    put, new = _PUT[kind], item
    if not young:
        new = object.__new__(kind)
        for name, value in zip(put, _VALUES[kind](item), strict=True):
            put[name](new, value)
    for name, value in changes.items():
        put[name](new, value)
    return new


# past the frozen classes' own refusal, by their slots
_VALUES: dict[type, Any] = {kind: attrgetter(*(f.name for f in fields(kind))) for kind in (RunRecord, Trial)}
_PUT: dict[type, dict[str, Any]] = {
    kind: {f.name: vars(kind)[f.name].__set__ for f in fields(kind)} for kind in (RunRecord, Trial)
}
_STATES = {str(state): state for state in State}  # a tenth of the time that State(...) takes
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def _compact(details: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """With the training curve, where the function reports one, as small as the other."""
    if not details or "train_curve" not in details:
        return details
    return {**details, "train_curve": Curve(details["train_curve"])}


def _shared(found: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The same with one string for each name: read from a journal, each event has strings of its own."""
    if not found:
        return _NOTHING
    small = {intern(name): intern(value) if type(value) is str else value for name, value in found.items()}
    if "train_curve" in small:
        small["train_curve"] = Curve(small["train_curve"])
    return small


_FOLDS = {
    "study": History._study,
    "proposed": History._proposed,
    "started": History._started,
    "reported": History._reported,
    "finished": History._finished,
    "judged": History._judged,
    "damaged": History._damaged,
    "accepted": History._accepted,
    "extended": History._extended,
    "restarted": History._restarted,
    "robustness": History._robustness,
}


def fold(events: Iterable[Event], space: Space, goal: str) -> History:
    """The history that `events` tell, from nothing."""
    history = History(space, goal)
    history.extend(events)
    return history
