"""Sequential search: one group of parameters at a time, the others frozen at the best so far."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from truing.arguments import spelled_class
from truing.errors import UsageError
from truing.record.events import Event
from truing.record.history import History
from truing.record.seeds import seed_of, stream
from truing.record.trial import Trial
from truing.search.gain import Gain, gain
from truing.search.grid import GridSearch
from truing.search.inner import inner_searcher, named
from truing.search.joint import draw
from truing.search.nested import Nested
from truing.search.order import Order, groups_of, ordered
from truing.search.part import part_of
from truing.search.retuning import Retuning
from truing.space.configuration import Configuration, format_value
from truing.space.encoding import default_of
from truing.space.space import Space

if TYPE_CHECKING:  # numpy loads numpy.random on first use; importing it here would slow every start
    from numpy.random import Generator

    from truing.record.interfaces import Searcher


@spelled_class(", as in SequentialSearch(per_group=8, joint=8)")
@dataclass(frozen=True)
class SequentialSearch:
    """One group of parameters at a time, the others frozen at the best so far; then joint trials over all groups.

    It starts from the defaults. A *stage* searches one group with its inner searcher; a *round* is a stage of every
    group, and each stage starts from the best of all trials before it. Rounds follow until a whole one improves the
    best by no more than the noise, which is one standard error of the paired difference between the best before and
    after it (the same replicates; of the two estimates where a replicate has no score; with one run a trial nothing
    tells, and any gain counts). Then come `joint` trials that differ from the best in two groups or more, over the
    values the stages could have tried: the first and every second a step away, the others anywhere. What one group
    at a time could not see is a better point between the groups; `says` tells whether they found one.

    With `nested=True` it does not go from group to group: for each architecture all other parameters are tuned anew,
    with as many trials as for every other one, and the same draws. It reads no scores. `study.retuned()` has what each
    architecture reaches, and docs/search_sequential.md why one tuned once for all of them misleads.

    A parameter whose parent lies in another group is searched while that parent makes it active; while frozen it has
    the value of the best trial that had it, or its default.

    Args:
        order: groups in their order, each the name of a group or a list of parameter names that are a group of their
            own (the name of a Repeat stands for all of it); what is left out stays frozen. None = the space's groups
            in its own order. With `nested` the first is the architecture and the others together what is tuned for
            it; None = what `modules_of` says.
        inner: searches a group: a name, a searcher, or group -> either (a list's key is its names joined by ", ").
            None = "grid"; with `nested` "random" for what is tuned for each architecture.
        per_group: trials a stage, for an inner searcher that has no end of its own, such as "random"; with `nested`
            trials for each architecture, its defaults among them.
        joint: trials at the end over all groups; 0 = none. With `nested` there are none.
        nested: tune the other parameters anew for each architecture.

    Raises:
        UsageError: settings that are none of these; those that do not fit the space are found when the study is made.

    >>> from truing.space.parameter import Choice, Int
    >>> space = Space(
    ...     layers=Int(1, 4, group="architecture"), kind=Choice(["mlp", "cnn"], group="architecture"), rate=Int(1, 3)
    ... )
    >>> SequentialSearch().says(History(space, "min"))[0].split(", until")[0]
    'Sequential search: rounds of architecture (7 trials), training (2)'
    """

    order: Order | None = None
    inner: Any = None
    per_group: int = 8
    joint: int = 8
    nested: bool = False

    @property
    def adaptive(self) -> bool:
        """Whether it reads scores: unless it is nested."""
        return not self.nested

    def __post_init__(self) -> None:
        if not isinstance(self.nested, bool):
            raise UsageError(f"SequentialSearch takes nested=True or nested=False, got {self.nested!r}.")
        for name, least in (("per_group", 1), ("joint", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise UsageError(f"SequentialSearch needs {name} to be a whole number from {least}, got {value!r}.")
        if self.order is not None:
            object.__setattr__(self, "order", ordered(self.order))
        for searcher in self.inner.values() if isinstance(self.inner, Mapping) else [self.inner]:
            if searcher is not None:
                inner_searcher(searcher)

    # -- what the loop asks ----------------------------------------------------------------------------------------

    def check(self, space: Space) -> None:
        """Whether the settings fit the space.

        Raises:
            UsageError: order or inner names what the space has not, or a parameter twice; nested, and there is no
                architecture, nothing to tune for it, or too many of them.
        """
        groups = self._nested.check(space) if self.nested else groups_of(space, self.order)
        if isinstance(self.inner, Mapping):
            unknown = [key for key in self.inner if key not in groups]
            if unknown:
                raise UsageError(f"inner= names the group {unknown[0]!r}, but the groups are {', '.join(groups)}.")

    def trials(self, space: Space, before: Sequence[Configuration] = ()) -> int | None:
        """None where the scores decide when it ends; nested: those of all architectures, and what was there before."""
        return self._nested.trials(space, before) if self.nested else None

    def sees(self, view: History) -> int:
        """How many trials the next step must see the scores of: all that came before its stage; nested: none."""
        if self.nested:
            return 0
        course = self._course(view, len(view))
        if course.waits:
            return len(view)
        stage = course.stages[-1]
        unsure = stage.round > 0 and stage.done < stage.size and not hasattr(self._inner(stage.label), "trials")
        if unsure and self._ask(view, stage, stream(view.seed, "search", len(view))) is None:
            return len(view)  # the stage ends before its time, so the next one begins
        return stage.start

    def suggest(self, view: History, rng: Generator) -> Configuration | None:
        """The next configuration of the stage under way; None after the joint trials, or the last architecture's."""
        if len(view) == 0:
            return view.space.defaults()
        if self.nested:
            return self.retuning(view).next(view.used)
        closed = 0
        while True:
            course = self._course(view, len(view) + 1, closed)
            stage = course.stages[-1]
            if not stage.round:
                return self._joint(view, stage, rng) if stage.done < stage.size else None
            config = self._ask(view, stage, rng)
            if config is not None:
                return config
            closed = len(course.stages)

    def says(self, view: History) -> list[str]:
        """Where it stands, or how it ended: the rounds, and whether the joint trials beat them.

        Nested: how many trials of each architecture there are.
        """
        if self.nested:
            return self._nested.says(view)
        course = self._course(view, len(view) + 1) if len(view) else _Course()
        stages, joint = course.stages, next((s for s in course.stages if not s.round), None)
        if not any(stage.done for stage in stages):
            return self._plan(view)
        names = ", ".join(groups_of(view.space, self.order))
        if joint is None:
            last = stages[-1]
            done = [f"{s.label} {s.done} of {s.size} trials" for s in stages if s.round == last.round and s.size]
            return [
                f"Sequential search, round {last.round}: {', '.join(done)}.",
                "It has not come to its joint trials, so a local optimum has not been looked for.",
            ]
        best = _best(view, joint.start)
        if best is None or best.value is None:
            return [f"Sequential search over {names}: no trial has completed."]
        rounds = len(course.gains)
        lines = [f"Sequential search: {rounds} round{'s' * (rounds > 1)} of {names}; {_brought(course.gains[-1])}."]
        if joint.size == 0:
            why = "joint=0" if self.joint == 0 else "with one group to vary its own trials are the joint ones"
            return [*lines, f"No joint trials ({why})."]
        if joint.done == 0:
            return [*lines, "Its joint trials have not been run, so a local optimum has not been looked for."]
        return [*lines, *self._against(view, joint, best)]

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values, the inner searchers by their names."""
        inner = self.inner if self.inner is not None else "random" if self.nested else "grid"
        shown = {k: named(v) for k, v in inner.items()} if isinstance(inner, Mapping) else named(inner)
        order = None if self.order is None else [e if isinstance(e, str) else list(e) for e in self.order]
        settings = {"order": order, "inner": shown, "per_group": self.per_group, "joint": self.joint}
        if self.nested:
            settings |= {"nested": True, "adaptive": False}
        return {"name": type(self).__name__, **settings}

    @cached_property
    def _nested(self) -> Nested:
        return Nested(self.order, self.inner, self.per_group)

    def architectures(self, space: Space) -> int:
        """With `nested`: how many there are."""
        return len(self._nested.of(space, 0).architectures)

    def retuning(self, view: History) -> Retuning:
        """With `nested`: the architectures, and the trials of each."""
        return self._nested.of(view.space, view.seed)

    # -- the course of the search ----------------------------------------------------------------------------------

    def _inner(self, label: str) -> Searcher:
        found: Searcher = inner_searcher(
            (self.inner.get(label) if isinstance(self.inner, Mapping) else self.inner) or "grid"
        )
        return found

    def _course(self, view: History, upto: int, closed: int = 0) -> _Course:
        """The stages that begin before trial number `upto`; reads no score of a trial from that number on.

        Args:
            closed: so many stages are over, whatever their sizes say.
        """
        trials, groups = view.trials, groups_of(view.space, self.order)
        stages: list[_Stage] = []
        gains: list[Gain] = []
        start = max(1, view.search_since)
        while not gains or gains[-1].beyond_noise:
            first = start
            for label, names in groups.items():
                if start >= upto:
                    return _Course(tuple(stages), tuple(gains), waits=True)
                stage = self._stage(view, trials, len(gains) + 1, label, names, start)
                stages.append(stage)
                if stage.done < stage.size and stage.end == len(trials) and len(stages) > closed:
                    return _Course(tuple(stages), tuple(gains))
                start = stage.end
            if start >= upto:
                return _Course(tuple(stages), tuple(gains), waits=True)
            gains.append(gain(view, _best_of(view, trials[:first]), _best_of(view, trials[:start])))
        every = tuple(name for names in groups.values() for name in names)
        base, space, _ = _frozen(view, trials[:start], every)
        vary = sum(any(space.scale(name).count > 1 for name in names) for names in groups.values())
        size = self.joint if vary > 1 else 0
        done = min(size, len(trials) - start)
        return _Course((*stages, _Stage(0, "joint", start, base, space, size, done, start + done)), tuple(gains))

    def _stage(
        self, view: History, trials: Sequence[Trial], number: int, label: str, names: tuple[str, ...], start: int
    ) -> _Stage:
        base, space, before = _frozen(view, trials[:start], names)
        inner = self._inner(label)
        known = len({config.key for config in before})
        total = inner.trials(space, before) if hasattr(inner, "trials") else None
        size = total - len(before) if total is not None else int(min(self.per_group, max(0, space.size - known)))
        end = start
        while end < len(trials) and end - start < size and _inside(trials[end].config, space):
            end += 1
        return _Stage(number, label, start, base, space, size, end - start, end)

    def _ask(self, view: History, stage: _Stage, rng: Generator) -> Configuration | None:
        """What the inner searcher makes of the trials that lie in the stage's part of the space, the base first."""
        part = History(stage.space, view.goal)
        part.seed = seed_of(view.seed, "stage", stage.start)
        inside = [trial for trial in view.trials if _inside(trial.config, stage.space)]
        inside.sort(key=lambda trial: (trial.config != stage.base, trial.number))
        for number, trial in enumerate(inside):
            part.extend([Event("proposed", {"trial": number, "config": trial.config.to_dict()})])
            if trial.state != "running":
                judged = {"trial": number, "state": trial.state, "value": trial.value, "se": trial.se}
                part.extend([Event("judged", {**judged, "scores": dict(trial.scores)})])
        config = self._inner(stage.label).suggest(part, rng)
        return None if config is None else view.space.restore(config)

    def _joint(self, view: History, stage: _Stage, rng: Generator) -> Configuration | None:
        groups = groups_of(view.space, self.order)
        points = {
            name: inner.points
            for label, names in groups.items()
            if isinstance(inner := self._inner(label), GridSearch)
            for name in names
        }
        near = stage.done % 2 == 0
        config = draw(stage.space, list(groups.values()), points, view.used, rng, near=near)
        return None if config is None else view.space.restore(config)

    # -- in words --------------------------------------------------------------------------------------------------

    def _plan(self, view: History) -> list[str]:
        if len(view) == 0:
            first = History(view.space, view.goal)
            first.extend([Event("proposed", {"trial": 0, "config": view.space.defaults().to_dict()})])
            view = first
        start, groups = len(view), groups_of(view.space, self.order)
        stages = [self._stage(view, view.trials, 1, label, names, start) for label, names in groups.items()]
        parts = [f"{stage.label} ({stage.size}{' trials' * (place == 0)})" for place, stage in enumerate(stages)]
        end = f"then {self.joint} joint trials over all groups" if self.joint and len(groups) > 1 else "no joint trials"
        rest = [name for name in view.space if not any(name in names for names in groups.values())]
        frozen = f"; {', '.join(rest)} stay{'s' * (len(rest) == 1)} as the defaults have it" if rest else ""
        return [
            f"Sequential search: rounds of {', '.join(parts)}, until one brings less than the noise; {end}{frozen}. "
            "A later round has only what is new beside the best by then."
        ]

    def _against(self, view: History, joint: _Stage, best: Trial) -> list[str]:
        """Whether the joint trials beat the best before them."""
        metric = (view.last("study") or {}).get("metric", "value")
        winner = _best_of(view, view.trials[joint.start : joint.start + joint.size])
        ran = f"{joint.done} joint trial{'s' * (joint.done > 1)} over all groups"
        held = f"trial {best.number} ({metric} {_shown(best.value)})"
        found = gain(view, best, winner)
        if winner is None or not found.size > 0:
            return [
                f"{ran} did not beat the best of one group at a time, {held}: no local optimum shows, "
                "which so few trials cannot rule out."
            ]
        beat = f"joint trial {winner.number} ({_shown(winner.value)})"
        size, noise = _shown(found.size), _shown(found.noise)
        if not found.beyond_luck(joint.done):
            return [
                f"Of {ran} {beat} is better than the best of one group at a time, {held}, but by no more ({size}, "
                f"noise {noise}) than the best of {joint.done} may be by luck: no local optimum shows."
            ]
        luck = f"noise {noise}" if found.noise is not None else "with one run a trial its luck is not known"
        return [
            f"{beat.capitalize()} beat the best of one group at a time, {held}, by {size} ({luck}): that was a local "
            "optimum, for the groups depend on each other. Go on over all at once, such as with search='sobol'."
        ]


@dataclass(frozen=True)
class _Stage:
    """One group under search.

    Args:
        round: from 1; 0 = the joint trials.
        start, end: the number of its first trial, and of the first that is not its own.
        base: the best before it.
        space: the space with all but the group fixed at `base`, whose values are the defaults.
        size, done: trials it takes, and has.
    """

    round: int
    label: str
    start: int
    base: Configuration
    space: Space
    size: int
    done: int
    end: int


@dataclass(frozen=True)
class _Course:
    """The stages so far, what each whole round brought, and whether what comes next must see every score."""

    stages: tuple[_Stage, ...] = ()
    gains: tuple[Gain, ...] = ()
    waits: bool = False


def _best(view: History, start: int) -> Trial | None:
    return _best_of(view, view.trials[:start])


def _best_of(view: History, trials: Sequence[Trial]) -> Trial | None:
    """The completed trial with the best value, the earlier of two equals."""
    sign = 1.0 if view.goal == "min" else -1.0
    scored = [(sign * t.value, t.number, t) for t in trials if t.state == "completed" and t.value is not None]
    return min(scored)[2] if scored else None


_Frozen = tuple[Configuration, Space, tuple[Configuration, ...]]
_known: dict[Any, tuple[Sequence[Trial], _Frozen]] = {}


def _frozen(view: History, before: Sequence[Trial], free: tuple[str, ...]) -> _Frozen:
    """The best so far, the space in which all but `free` is fixed at it, and what lies in that space already.

    It is asked for anew at every step, and is the same as long as the trials before are; so it is kept.
    """
    key = (view.space, view.goal, free, len(before))
    trials, found = _known.get(key, (None, None))
    if found is None or trials != before:  # the same trials are the same objects, which is seen at once
        if len(_known) > 256:
            _known.clear()
        found = _freeze(view, before, free)
        _known[key] = (before, found)
    return found


def _freeze(view: History, before: Sequence[Trial], free: tuple[str, ...]) -> _Frozen:
    """As `_frozen`.

    What is inactive there has the value of the best trial that had it, or its default: it counts where a parent that
    is free makes it active.
    """
    best = _best_of(view, before)
    base = best.config if best is not None else before[0].config
    values = dict(base)
    sign = 1.0 if view.goal == "min" else -1.0
    for name in view.space:
        if name in values:
            continue
        having = [t for t in before if name in t.config and t.state == "completed" and t.value is not None]
        found = min(having, key=lambda t: (sign * (t.value or 0.0), t.number), default=None)
        values[name] = found.config[name] if found is not None else default_of(view.space[name])
    space = part_of(view.space, json.dumps(values), free)
    return base, space, tuple(trial.config for trial in before if _inside(trial.config, space))


def _inside(config: Configuration, space: Space) -> bool:
    """True when what the space fixes is as it has it."""
    values = config.to_dict()  # a plain dict is looked up ten times as fast, and every trial comes through here
    return all(values.get(name, value) == value for name, value in _fixed(space).items())


@lru_cache(maxsize=256)
def _fixed(space: Space) -> dict[str, Any]:
    """name -> the one value it can have."""
    return {name: scale.at(0) for name in space if (scale := space.scale(name)).count == 1}


def _brought(last: Gain) -> str:
    """What the last round brought, as the end of a sentence."""
    if last.size == 0:
        return "the last brought nothing"
    if math.isinf(last.size) or last.noise is None:
        return f"the last brought {_shown(last.size)}"
    return f"the last brought {_shown(last.size)}, less than the noise of {_shown(last.noise)} ({last.how})"


def _shown(value: float | None) -> str:
    return "-" if value is None else str(format_value(float(value)))
