"""Carry out a sweep: effects and figures; the result is in `sweep.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from truing.execution.job import Job
from truing.loop import Session
from truing.one_at_a_time.line import centre_of, line
from truing.one_at_a_time.pairs import gap_of, why_none, within
from truing.one_at_a_time.runs import Ground, Tried, carried_out, trained
from truing.one_at_a_time.sweep import Point, Sweep
from truing.record.events import Event
from truing.record.history import History
from truing.record.state import State
from truing.record.trial import SEARCH, RunRecord
from truing.setting import Setting
from truing.space.configuration import Configuration
from truing.statistics.comparison import corrected_t
from truing.statistics.interval import Interval
from truing.verdict.fresh import Fresh, scores_of
from truing.verdict.paired import by_rows, plain

EVENT = "swept"
LEVEL = 0.95


def sweep(
    session: Session,
    setting: Setting,
    job: Job,
    request: Mapping[str, Any],
    *,
    name: str,
    identity: str | None,
    workers: int,
    say: Callable[[str], None],
    phase: Callable[[str, int], None],
    says: Callable[[float | None], str],
) -> Sweep:
    """Run what has not been run, store the figures in the journal, and return them.

    Args:
        request: parameter, values, points and at, as `Study.sweep` takes them.
        name: of the study.
        identity: of the training function's source.
        says: seconds in words.

    Raises:
        UsageError: no such parameter, value or trial.
        KeyboardInterrupt: it was interrupted; called again it goes on.
    """
    history, parameter = session.history, str(request["parameter"])
    centre, held = centre_of(history, history.space, request["at"])
    points = line(history.space, centre, parameter, request["values"], request["points"])
    configs = [config for _, config in points]
    price = partial(_price, parameter, len(configs), len(setting.plan.replicates), history, workers, says)
    runs = carried_out(
        session,
        setting,
        job,
        configs,
        Ground(setting.plan.replicates),
        say=price,
        line=say,
        phase=phase,
        name=f"sweep of {parameter}",
    )
    found = figures(setting, job, parameter, centre, held, points, runs, name=name)
    session.record(Event(EVENT, {**found.to_dict(), "known": _known(history, identity, centre, configs)}))
    return found


def stored(history: History, identity: str | None, request: Mapping[str, Any]) -> Sweep | None:
    """The sweep that stands: of this function, at these values; None without any."""
    centre, _ = centre_of(history, history.space, request["at"])
    points = line(history.space, centre, str(request["parameter"]), request["values"], request["points"])
    known = _known(history, identity, centre, [config for _, config in points])
    for event in reversed(history.notes.get(EVENT, ())):
        if event["known"] == known and event["parameter"] == request["parameter"]:
            return Sweep.from_dict(event)
    return None


def figures(
    setting: Setting,
    job: Job,
    parameter: str,
    centre: Configuration,
    held: str,
    points: Sequence[tuple[Any, Configuration]],
    runs: Sequence[Sequence[RunRecord | None]],
    *,
    name: str,
) -> Sweep:
    """The score at each value with its interval, and what it gains on the centre's own and loses to the best's."""
    metric, replicates = setting.task.primary.name, setting.plan.replicates
    nominal = setting.validation.spread if setting.validation is not None else 0.0
    own = Fresh(replicates, {}).spread(nominal)
    clip = (setting.task.primary.low, setting.task.primary.high)
    reasons = [why_none(group, metric) for group in runs]
    scores = [
        None if why else [float(s) for s in scores_of(group, metric) if s is not None]
        for group, why in zip(runs, reasons, strict=True)
    ]

    def gap(one: int, other: int, level: float) -> Interval:
        return gap_of(setting, job, replicates, (runs[one], scores[one]), (runs[other], scores[other]), own, level)

    reference = next(place for place, (value, _) in enumerate(points) if repr(value) == repr(centre[parameter]))
    whole = [place for place, values in enumerate(scores) if values is not None]
    sign = 1.0 if setting.task.goal == "min" else -1.0
    best = min(whole, key=lambda place: sign * float(np.mean(scores[place]))) if whole else None  # type: ignore[arg-type]
    others, pairs = max(1, len(whole) - 1), max(1, len(whole) * (len(whole) - 1) // 2)
    made = []
    for place, (value, _) in enumerate(points):
        alone = by_rows(setting, job, replicates, runs[place])
        values = scores[place]
        if alone.low is None and values is not None:
            alone = corrected_t(values, own, clip=clip)
        against = (
            gap(place, reference, 1 - (1 - LEVEL) / others)
            if place != reference and values and scores[reference]
            else None
        )
        apart = gap(place, best, 1 - (1 - LEVEL) / pairs) if best is not None and place != best and values else None
        done = [run for run in runs[place] if run is not None and run.state is State.COMPLETED]
        made.append(
            Point(
                value=value,
                score=None if values is None else float(np.mean(values)),
                interval=within(plain(alone), clip) if values is not None else None,
                difference=None if against is None else plain(against),
                train=_mean([trained(run) for run in done]) if values is not None else None,
                seconds=_mean([run.seconds for run in done]),
                parameters=_mean([run.scores.get("parameters") for run in done]),
                apart=None if apart is None else _told(apart),
                reason=reasons[place],
            )
        )
    return Sweep(
        study=name,
        parameter=parameter,
        metric=metric,
        goal=setting.task.goal,
        protocol=setting.protocol,
        held=held,
        at=dict(centre),
        points=tuple(made),
        reference=reference,
        best=best,
        runs=sum(run is not None for group in runs for run in group),
    )


def _told(apart: Interval) -> bool | None:
    """Whether a difference is not zero; equal scores in all runs cannot be told from each other, interval or not."""
    if apart.low is None or apart.high is None:
        return False if apart.value == 0 else None
    return bool(apart.low > 0 or apart.high < 0)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known and len(known) == len(values) else None


def _known(
    history: History, identity: str | None, centre: Mapping[str, Any], configs: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """What the figures rest on besides the study itself."""
    listed = [dict(config) for config in configs]
    return {"identity": identity, "since": history.verdict_since, "centre": dict(centre), "configs": listed}


def _price(
    parameter: str,
    values: int,
    each: int,
    history: History,
    workers: int,
    says: Callable[[float | None], str],
    found: Tried,
) -> str:
    """The sentence that stands before the first run."""
    runs, left = values * each, len(found.specs)
    text = f"Sweep of {parameter}: {values} values, {each} run{'s' if each > 1 else ''} each"
    if not left:
        return f"{text}, all of them done."
    text += f": {left} to do" if left == runs else f": {left} of {runs} to do"
    times = [r.seconds for r in history.runs.values() if r.state is State.COMPLETED and r.purpose == SEARCH]
    guessed = sum(times) / len(times) if times else (history.last("rehearsed") or {}).get("seconds")
    if guessed:
        text += f", about {says(left * guessed / max(1, min(workers, left)))}"
    return f"{text}."
