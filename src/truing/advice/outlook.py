"""During a search: what it can resolve, measured anew, and whether more trials are expected to bring that much."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from truing.advice.resolution import (
    ALONE,
    SEVERAL,
    TINY,
    amount,
    better_half,
    between,
    measured,
    resolves,
    scores_of,
)
from truing.loop import Session
from truing.record.events import Event
from truing.record.history import History
from truing.record.trial import Trial
from truing.setting import Setting
from truing.statistics.further_gain import FEWEST, FurtherGain, further_gain

FIRST = 20  # trials, before which nothing is said of what more would bring
RESOLUTION, OUTLOOK = "resolution", "outlook"
_ENDED = ("completed", "failed", "stopped")
Scored = Sequence[tuple[Trial, list[float]]]


class Outlook:
    """Looks at a search after the defaults, and after 20, 30, 40, 60, 80, 120, ... trials; it never stops anything.

    What it finds is an event of the journal. It is made of the first so many trials by their number, once all of them
    have ended, so it is the same for any number of workers. Each check costs about as much as the trials before it
    are many, and the checks thin out: in all it is linear in the trials.

    Args:
        watch: what else looks on; called first.
        say: shows a person a line.
    """

    def __init__(
        self,
        setting: Setting,
        searcher: Any,
        history: History,
        watch: Callable[[Session], None],
        say: Callable[[str], None],
    ) -> None:
        self.setting, self.searcher, self._watch, self._say = setting, searcher, watch, say
        looked = [note["trials"] for kind in (RESOLUTION, OUTLOOK) for note in history.notes.get(kind, ())]
        self._checks = checks(max(looked, default=0))
        self._next = next(self._checks)
        self._prefix = self._known = 0

    def __call__(self, session: Session) -> None:
        self._watch(session)
        history = session.history
        known = sum(history.states[state] for state in _ENDED)
        if known == self._known:
            return
        self._known = known
        while self._prefix < len(history) and history.trial(self._prefix).state in _ENDED:
            self._prefix += 1
        while self._next <= self._prefix:
            self._look(session, self._next)
            self._next = next(self._checks)

    def close(self, session: Session) -> None:
        """The search has ended: a last look at all of its trials, where there are new ones."""
        history, number = session.history, len(session.history)
        looked = [note["trials"] for note in history.notes.get(OUTLOOK, ())]
        if number >= FIRST and number > max(looked, default=0) and all(t.state in _ENDED for t in history.trials):
            self._look(session, number, aloud=False)

    def _look(self, session: Session, number: int, *, aloud: bool = True) -> None:
        history = session.history
        trials = [history.trial(place) for place in range(number)]
        found = replace(measured(self.setting, history, _of_now(history, trials)), trials=number)
        session.note(Event(RESOLUTION, found.to_dict()))
        if number == 1:
            if found.value is not None and found.basis != "rows":
                self._say(found.to_dict()["text"])
            return
        before = history.last(OUTLOOK)
        outlook = expected(self.setting, self.searcher, history, trials)
        session.note(Event(OUTLOOK, outlook))
        if aloud and outlook["stop"] != (before is not None and before["stop"]):
            self._say(outlook["text"])


def checks(after: int = 0) -> Iterator[int]:
    """After how many trials is looked, those past `after`.

    >>> from itertools import islice
    >>> list(islice(checks(), 8)), next(checks(40))
    ([1, 20, 30, 40, 60, 80, 120, 160], 60)
    """
    if after < 1:
        yield 1
    step = FIRST
    while True:
        for number in (step, step * 3 // 2):
            if number > after:
                yield number
        step *= 2


def stop_advice(history: History) -> list[str]:
    """The advice that stands, for the end of a search; none where it is not to stop."""
    last = history.last(OUTLOOK)
    return [last["text"]] if last is not None and last["stop"] else []


def prospects(history: History) -> list[str]:
    """What the plan can resolve, and what more trials would bring, as last found; for whoever looks at a study."""
    return [last["text"] for kind in (RESOLUTION, OUTLOOK) if (last := history.last(kind)) is not None]


def expected(setting: Setting, searcher: Any, history: History, trials: list[Trial]) -> dict[str, Any]:
    """The data of an `outlook` event: what as many trials again are expected to gain, and if that is resolved.

    What can be resolved is here that of two good configurations: the further gain is one over the best so far.
    """
    more = len(trials)
    size = history.space.size
    if size != math.inf:
        more = int(min(more, size - len(trials)))
    name, smallest = setting.task.primary.name, None
    why = _unknown(setting, searcher, more)
    known = [] if why else scores_of(setting, history, _of_now(history, trials))
    drawn = [(trial, scores) for trial, scores in known if trial.number >= max(1, history.search_since)]
    found = FurtherGain(None, more, reason=why or f"fewer than {FEWEST} random configurations have completed")
    if len(drawn) >= FEWEST:
        table = np.array([scores for _, scores in better_half(drawn, setting.task.goal)])
        s = between(table)
        if s <= TINY * max(1.0, float(np.abs(table).max())):
            why = "all trials differ by the same on every split, so there is no noise to hold a gain against"
            found = FurtherGain(None, more, reason=why)
        else:
            smallest = resolves(setting, s)
            found = _further(setting, drawn, [one for one in known if one not in drawn], s, more)
    return {
        "trials": len(trials),
        "more": found.more,
        "gain": found.value,
        "smallest": smallest,
        "stop": found.value is not None and smallest is not None and found.value < smallest,
        "reliability": found.reliability,
        "reason": found.reason,
        "text": sentence(name, len(trials), found, smallest),
    }


def sentence(metric: str, trials: int, found: FurtherGain, smallest: float | None) -> str:
    """What a person reads."""
    if found.value is None or smallest is None:
        return f"After {trials} trials: no advice on when to stop, for {found.reason}."
    least, unit = amount(metric, smallest, unit=False), amount(metric, smallest)
    small = found.value < 0.01 * smallest
    gains = f"{found.more} more are expected to gain " + (
        "next to nothing" if small else f"about {amount(metric, found.value)}"
    )
    tell = "fresh runs can tell between two good configurations"
    if found.value < smallest:
        return (
            f"Stop advice after {trials} trials: {gains}, less than the {unit if small else least} that {tell}; "
            "the verdict could be next."
        )
    return f"After {trials} trials: {gains}, no less than the {least} that {tell}."


def _unknown(setting: Setting, searcher: Any, more: int) -> str | None:
    """Why nothing can be said of further trials, whatever their scores."""
    if setting.datasets:
        return SEVERAL
    if len(setting.plan.replicates) < 2 or setting.validation is None:
        return ALONE
    if resolves(setting, 1.0) is None:
        return "there is one split only, so fresh runs tell nothing of others"
    if not getattr(searcher, "draws", False):
        return "this search does not draw at random from the space, so what it found does not tell of what is next"
    return "there is nothing more to try" if more < 1 else None


def _further(setting: Setting, drawn: Scored, others: Scored, s: float, more: int) -> FurtherGain:
    metric = setting.task.primary
    noise = 0.5 * s**2 / len(setting.plan.replicates)  # s is of differences, so of two sides
    values = [float(trial.value) for trial, _ in drawn if trial.value is not None]
    rest = [float(trial.value) for trial, _ in others if trial.value is not None]
    best = (min if metric.goal == "min" else max)(rest) if rest else None
    limit = metric.low if metric.goal == "min" else metric.high
    return further_gain(values, noise, more, goal=metric.goal, other=best, limit=limit)


def _of_now(history: History, trials: list[Trial]) -> list[Trial]:
    """Those whose runs are all of the training function as it is now."""
    return [trial for trial in trials if all(run >= history.function_since for run in trial.runs)]
