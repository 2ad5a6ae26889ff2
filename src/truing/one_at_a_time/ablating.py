"""Carry out the ablation path: effects and figures; the result is in `ablation.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from truing.errors import UsageError
from truing.execution.job import Job
from truing.loop import Session
from truing.one_at_a_time.ablation import Ablation, Step
from truing.one_at_a_time.pairs import gap_of, why_none, within
from truing.one_at_a_time.path import path
from truing.one_at_a_time.runs import Ground, Tried, carried_out
from truing.record.events import Event
from truing.record.history import History
from truing.record.state import State
from truing.record.trial import SEARCH, Trial
from truing.setting import Setting
from truing.statistics.comparison import corrected_t
from truing.verdict.fresh import Fresh, scores_of
from truing.verdict.paired import by_rows, plain
from truing.verdict.select import fresh_runs

EVENT, PURPOSE = "ablated", "ablation"
LEVEL = 0.95
MOST = 300  # trials of which the surrogate learns; it grows with the cube


def ends_of(history: History) -> tuple[Trial, Trial, bool]:
    """The defaults, the trial at the end of the path, and whether a verdict selected that.

    Raises:
        UsageError: nothing completed, or the defaults are the best.
    """
    best, stored = history.best(), history.last("verdict")
    if best is None:
        raise UsageError("An ablation path leads from the defaults to the best trial, and no trial has completed.")
    end = history.trial(stored["verdict"]["selected_trial"]) if stored is not None else best
    start = history.trial(0)
    if dict(start.config) == dict(end.config):
        which = "selected" if stored is not None else "the best so far"
        raise UsageError(f"The defaults are {which}, so no path leads away from them.")
    return start, end, stored is not None


def ablation(
    session: Session,
    setting: Setting,
    job: Job,
    *,
    name: str,
    workers: int,
    say: Callable[[str], None],
    phase: Callable[[str, int], None],
    says: Callable[[float | None], str],
) -> Ablation:
    """Run every configuration of the path on fresh splits and seeds, store the figures, and return them.

    Raises:
        UsageError: there is no path, or the protocol makes no fresh runs.
        KeyboardInterrupt: it was interrupted; called again it goes on.
    """
    history = session.history
    if setting.validation is None:
        raise UsageError("An ablation needs fresh runs, and validation=None makes none; give the study a validation=.")
    start, end, selected = ends_of(history)
    done = history.completed[-MOST:]
    y = np.array([float(trial.value or 0.0) for trial in done])
    found, ordered = path(history.space, start.config, end.config, [t.config for t in done], y, setting.task.goal)
    replicates = setting.fresh(PURPOSE, fresh_runs(setting.validation.block))
    ground = Ground(replicates, seeds=PURPOSE, prefix=PURPOSE, fresh=True)
    configs = [start.config, *(move.config for move in found)]

    def price(tried: Tried) -> str:
        return _price(history, len(configs), len(replicates), len(tried.specs), workers, says)

    runs = carried_out(session, setting, job, configs, ground, say=price, line=say, phase=phase, name=PURPOSE)
    metric = setting.task.primary.name
    spread = Fresh(replicates, {}).spread(setting.validation.spread)
    clip = (setting.task.primary.low, setting.task.primary.high)
    reasons = [why_none(group, metric) for group in runs]
    scores = [
        None if why else [float(score) for score in scores_of(group, metric) if score is not None]
        for group, why in zip(runs, reasons, strict=True)
    ]
    level = 1 - (1 - LEVEL) / len(found)
    steps = []
    for place, own in enumerate(scores):
        alone = by_rows(setting, job, replicates, runs[place]) if own is not None else None
        if own is not None and (alone is None or alone.low is None):
            alone = corrected_t(own, spread, clip=clip)
        change: Mapping[str, Any] | None = None
        if place:
            sides = (runs[place], own), (runs[place - 1], scores[place - 1])
            change = plain(gap_of(setting, job, replicates, *sides, spread, level))
        move = found[place - 1] if place else None
        steps.append(
            Step(
                parameter=move.parameter if move else None,
                before=move.before if move else None,
                after=move.after if move else None,
                score=None if own is None else float(np.mean(own)),
                interval=None if alone is None else within(plain(alone), clip),
                change=change,
                reason=reasons[place],
            )
        )
    total = gap_of(setting, job, replicates, (runs[-1], scores[-1]), (runs[0], scores[0]), spread, LEVEL)
    made = Ablation(
        study=name,
        metric=metric,
        goal=setting.task.goal,
        target=end.number,
        selected=selected,
        steps=tuple(steps),
        total=plain(total),
        ordered=ordered,
        each=len(replicates),
    )
    session.record(Event(EVENT, {**made.to_dict(), "known": known(history)}))
    return made


def known(history: History) -> dict[str, Any]:
    """What the path rests on."""
    start, end, selected = ends_of(history)
    return {"since": history.verdict_since, "start": dict(start.config), "end": dict(end.config), "selected": selected}


def stored_ablation(history: History) -> Ablation | None:
    """The last ablation, where it still leads to what is selected; None otherwise."""
    last = history.last(EVENT)
    if last is None or history.best() is None:
        return None
    try:
        return Ablation.from_dict(last) if last["known"] == known(history) else None
    except UsageError:
        return None


def _price(
    history: History, configs: int, each: int, left: int, workers: int, says: Callable[[float | None], str]
) -> str:
    """The sentence that stands before the first run."""
    runs = configs * each
    done = [r for r in history.runs.values() if r.purpose == SEARCH and r.state is State.COMPLETED]
    text = f"Ablation: {runs} runs ({configs} configurations, {each} fresh runs each)"
    text += f", {100 * runs / len(done):.0f} % of the search's {len(done)}" if done else ""
    if not left:
        return f"{text}; all of them done."
    text += f"; {left} to do" if left < runs else ""
    if done:
        text += f", about {says(left * sum(r.seconds for r in done) / len(done) / max(1, min(workers, left)))}"
    return f"{text}."
