"""Carry out the runs of the defaults, and answer: effects here, figures in the files of the questions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from truing.errors import StudyFailedError
from truing.execution.job import Job
from truing.loop import Session, carry_out
from truing.record.events import Event
from truing.record.history import History
from truing.record.interfaces import RunSpec
from truing.record.state import State
from truing.record.trial import ADVICE, SEARCH
from truing.setting import Setting
from truing.verdict.fresh import failure_of
from truing.verdict.repeats import Ends
from truing.worth.advice import Advice, headline
from truing.worth.base_rate import base_rate_answer
from truing.worth.curves import epochs_answer, rows_answer
from truing.worth.layout import BASE, FULL, QUICK, Layout, layout
from truing.worth.noise import noise_answer
from truing.worth.one_batch import batch_answer
from truing.worth.ran import Ran

EVENT = "advice"
FIRST = 0  # the number under which the runs stand; the defaults are trial 0 of any search


def advise(
    session: Session,
    setting: Setting,
    job: Job,
    defaults: Mapping[str, Any],
    *,
    name: str,
    quick: bool,
    identity: str | None,
    workers: int,
    say: Callable[[str], None],
    phase: Callable[[str, int], None],
    says: Callable[[float | None], str],
) -> Advice:
    """Run what has not been run, answer, store the answers in the journal, and return them.

    Args:
        name: of the study.
        identity: of the training function's source.
        says: seconds in words.

    Raises:
        StudyFailedError: not one run of the defaults completed.
        KeyboardInterrupt: it was interrupted; called again it goes on.
    """
    history = session.history
    rehearsed = history.last("rehearsed") or {}
    planned = layout(setting, rehearsed.get("epochs"), QUICK if quick else FULL)
    specs = _to_do(history, setting, job, planned, defaults)
    say(price(planned, _seconds(history, rehearsed), len(specs), workers, says))
    if specs:
        phase(ADVICE, len(specs))
    if not carry_out(session, specs):
        raise KeyboardInterrupt
    ends = Ends.of(history, ADVICE)
    found = Ran(
        setting,
        job,
        planned,
        {part: [ends.run((FIRST, ask.place)) for ask in asks] for part, asks in planned.asks.items()},
        dict(defaults),
    )
    base = found.runs[BASE]
    if not any(run is not None and run.state is State.COMPLETED for run in base):
        raise StudyFailedError(
            f"Not one run of the defaults completed, so there is no advice: {failure_of(base, 'run')}."
        )
    answers = (
        base_rate_answer(found),
        noise_answer(found),
        batch_answer(found),
        rows_answer(found),
        epochs_answer(found),
    )
    kept = [run for part in found.runs.values() for run in part if run is not None]
    advice = Advice(
        name=name,
        metric=setting.task.primary.name,
        goal=setting.task.goal,
        protocol=setting.protocol,
        headline=headline(answers),
        answers=answers,
        runs=len(kept),
        seconds=round(sum(run.seconds for run in kept), 3),
        quick=quick,
    )
    known = {"identity": identity, "since": history.verdict_since, "defaults": dict(defaults)}
    session.record(Event(EVENT, {**advice.to_dict(), **known}))
    return advice


def stored(history: History, identity: str | None, defaults: Mapping[str, Any], *, quick: bool) -> Advice | None:
    """The advice that stands: of this function and these defaults, of as many runs as asked for; None without any."""
    last = history.last(EVENT)
    known = {"identity": identity, "since": history.verdict_since, "defaults": dict(defaults)}
    if last is None or any(last[key] != value for key, value in known.items()):
        return None
    return None if last["quick"] and not quick else Advice.from_dict(last)


def price(planned: Layout, seconds: float | None, left: int, workers: int, says: Callable[[float | None], str]) -> str:
    """The sentence that stands before the first run."""
    asks = planned.all
    cost = sum(ask.cost for ask in asks)
    text = f"Advice: {len(asks)} runs of the defaults, as much training as {cost:.0f} ordinary runs"
    if left < len(asks):
        done = len(asks) - left
        return text + (", all of them done." if not left else f", {done} of them done.")
    if seconds is not None:
        text += f", about {says(cost * seconds / max(1, min(workers, len(asks))))}"
    return f"{text}."


def _seconds(history: History, rehearsed: Mapping[str, Any]) -> float | None:
    """Of one ordinary run: measured where there are some, else by the rehearsal."""
    known = [r.seconds for r in history.runs.values() if r.state is State.COMPLETED and r.purpose == SEARCH]
    if known:
        return sum(known) / len(known)
    guessed: float | None = rehearsed.get("seconds")
    return guessed


def _to_do(history: History, setting: Setting, job: Job, planned: Layout, defaults: Mapping[str, Any]) -> list[RunSpec]:
    ends, specs = Ends.of(history, ADVICE), []
    valid = [len(a.replicate.valid) for a in planned.all if a.replicate.valid is not None]
    size = 4 * len(setting.task.classes or (0,)) * sum(valid)
    keep = "predictions" if size <= job.predictions_limit else "loss"
    for ask in planned.all:
        attempt = ends.to_do((FIRST, ask.place))
        if attempt is None:
            continue
        far = {} if ask.epochs is None else {"epochs": ask.epochs}
        spec = setting.plan.spec(0, FIRST, defaults, ADVICE, ask.replicate, keep=keep, **far)
        specs.append(replace(spec, replicate=ask.place, attempt=attempt))
    return sorted(
        specs, key=lambda spec: -_cost(planned, spec.replicate)
    )  # the longest first: no worker waits at the end


def _cost(planned: Layout, place: int) -> float:
    return next((ask.cost for ask in planned.all if ask.place == place), math.inf)
