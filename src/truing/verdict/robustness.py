"""How fragile the optimum is: the selected against configurations a step away, on fresh paired runs.

It costs runs of its own, so it is made only when asked for, and priced before it starts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from truing.errors import UsageError
from truing.execution.job import Job
from truing.loop import Session, carry_out
from truing.record.events import Event
from truing.record.seeds import stream
from truing.record.state import State
from truing.record.trial import SEARCH, Replicate, RunRecord, Trial
from truing.setting import Setting
from truing.space.configuration import Configuration, format_value
from truing.space.encoding import Options, Scale, Stepped
from truing.space.space import Space
from truing.statistics.comparison import corrected_t
from truing.statistics.max_t import simultaneous_low
from truing.verdict import best_epoch
from truing.verdict.figures import interval_dict
from truing.verdict.fresh import Fresh, failure_of
from truing.verdict.repeats import Ends
from truing.verdict.select import fresh_runs
from truing.verdict.wording import number, places

ROBUSTNESS = "robustness"
STEP = 0.1  # of the scale of a number, in the unit cube


@dataclass(frozen=True)
class Neighbour:
    """A configuration that differs from the selected by a step of one parameter, and by what this makes active.

    Args:
        parameter: its name.
        value: what it has here.
    """

    parameter: str
    value: Any
    config: Configuration


def neighbours(space: Space, config: Mapping[str, Any]) -> list[Neighbour]:
    """The configurations a step away, in the space's order.

    A step of a number leads a tenth of its scale down and up, to the next value at least and never past an end; of an
    ordered choice to the option below and above; of any other choice to the option that follows, the first after the
    last. What a step makes active has its default, and what it makes inactive is left out.

    Raises:
        SpaceError: not a configuration of this space.

    >>> import truing as tr
    >>> space = tr.Space(rate=tr.Float(0.001, 1.0, log=True), kind=tr.Choice(["a", "b", "c"]))
    >>> [(n.parameter, n.value) for n in neighbours(space, {"rate": 0.1, "kind": "c"})]
    [('rate', 0.05011872336), ('rate', 0.1995262315), ('kind', 'a')]
    """
    config = space.check(config)
    return [
        Neighbour(name, value, space.moved(config, name, value))
        for name in config
        for value in _steps(space.scale(name), config[name])
    ]


def _steps(scale: Scale, value: Any) -> Sequence[Any]:
    if isinstance(scale, Options) and not scale.ordered:
        place = scale.index(value)
        return (scale.at((place + 1) % scale.count),) if place is not None and scale.count > 1 else ()
    beside = scale.neighbours(value)
    if not isinstance(scale, Stepped):
        return beside
    here, far = scale.unit(value), []
    for next_one in beside:  # the next whole number of many would be hardly a step
        up = next_one > value
        tenth = scale.value(here + STEP if up else here - STEP)
        far.append(max(next_one, tenth) if up else min(next_one, tenth))
    return tuple(far)


def price(setting: Setting, history: Any, config: Mapping[str, Any]) -> str:
    """The sentence that stands before the first run."""
    each, sides = fresh_runs(setting.validation.block), len(neighbours(history.space, config)) + 1
    runs = each * sides
    done = [r for r in history.runs.values() if r.purpose == SEARCH and r.state is State.COMPLETED]
    share = f", {100 * runs / len(done):.0f} % of the search's {len(done)}" if done else ""
    took = f"; about {runs * sum(r.seconds for r in done) / len(done):.0f} s of training" if done else ""
    return f"Robustness: {runs} runs (the selected and {sides - 1} neighbours, {each} fresh runs each){share}{took}."


def robustness(
    session: Session,
    setting: Setting,
    job: Job,
    *,
    say: Callable[[str], None],
    phase: Callable[[str, int], None],
) -> dict[str, Any]:
    """Run the selected of the last verdict and its neighbours, store the figures in the journal, and return them.

    Raises:
        UsageError: there is no verdict, the protocol makes no fresh runs, or there is no step to take.
        KeyboardInterrupt: it was interrupted; called again it goes on.
    """
    history = session.history
    stored = history.last("verdict")
    if stored is None:
        raise UsageError("Robustness is that of what a verdict selected; call verdict() first.")
    if setting.validation is None:
        raise UsageError("Robustness needs fresh runs, and validation=None makes none; give the study a validation=.")
    selected = history.trial(stored["verdict"]["selected_trial"])
    around = neighbours(history.space, selected.config)
    if not around:
        raise UsageError("No parameter of the selected configuration can take a step, so there are no neighbours.")
    say(price(setting, history, selected.config))
    number_of = len(history.notes["verdict"])
    named = ROBUSTNESS if number_of == 1 else f"{ROBUSTNESS}@{number_of}"
    replicates = setting.fresh(named, fresh_runs(setting.validation.block))
    settings = best_epoch.fresh_settings(setting, history, selected)
    found = _perform(
        session, setting, named, selected, [selected.config, *(n.config for n in around)], replicates, settings, phase
    )
    figures = _figures(setting, selected, around, Fresh(replicates, dict(enumerate(found))), number_of)
    session.record(Event(ROBUSTNESS, figures))
    return figures


def _perform(
    session: Session,
    setting: Setting,
    named: str,
    selected: Trial,
    configs: Sequence[Mapping[str, Any]],
    replicates: Sequence[Replicate],
    settings: Mapping[str, Any],
    phase: Callable[[str, int], None],
) -> list[list[RunRecord | None]]:
    """One list a configuration, in the order of the replicates. A run's place is configuration · J + replicate."""
    ends, specs, many = Ends.of(session.history, named), [], len(replicates)
    for place, config in enumerate(configs):
        for replicate in replicates:
            at = place * many + replicate.index
            attempt = ends.to_do((selected.number, at))
            if attempt is not None:  # the seed is that of the replicate alone, so all configurations are paired
                spec = setting.plan.spec(0, selected.number, config, named, replicate, keep="loss", **settings)
                specs.append(replace(spec, replicate=at, attempt=attempt))
    if specs:
        phase(ROBUSTNESS, len(specs))
    if not carry_out(session, specs):
        raise KeyboardInterrupt
    ends = Ends.of(session.history, named)
    return [
        [ends.run((selected.number, place * many + replicate.index)) for replicate in replicates]
        for place in range(len(configs))
    ]


def _figures(
    setting: Setting, selected: Trial, around: Sequence[Neighbour], fresh: Fresh, verdict: int
) -> dict[str, Any]:
    """Mean neighbour by the corrected resampled t, single ones by simultaneous bounds (max-t)."""
    metric, sign = setting.task.primary.name, 1.0 if setting.task.goal == "min" else -1.0
    spread = fresh.spread(setting.validation.spread)
    clip = (setting.task.primary.low, setting.task.primary.high)
    scores = [_scores(fresh, place, metric, spread) for place in range(len(around) + 1)]
    own, why = scores[0]
    entries: list[dict[str, Any]] = [
        {
            "parameter": n.parameter,
            "value": n.value,
            "score": None if values is None else float(np.mean(values)),
            "worse": None,
            "low": None,
            "fragile": None,
            "reason": reason,
        }
        for n, (values, reason) in zip(around, scores[1:], strict=True)
    ]
    found: dict[str, Any] = {
        "verdict": verdict,
        "selected_trial": selected.number,
        "step": STEP,
        "rope": setting.rope.width,
        "runs": len(fresh.replicates) * len(scores),
        "replicates": len(fresh.replicates),
        "selected": None,
        "mean_neighbour": None,
        "worse": None,
        "neighbours": entries,
        "fragile": [],
        "method": "corrected resampled t; single neighbours by simultaneous 95 % bounds (max-t)",
        "reason": why,
    }
    if own is None:
        return found
    found["selected"] = interval_dict(corrected_t(own, spread, clip=clip))
    known = [(entry, values) for entry, (values, _) in zip(entries, scores[1:], strict=True) if values is not None]
    if not known:
        return found | {"reason": "no neighbour completed"}
    table = np.array([values for _, values in known]).T
    worse = sign * (table - own[:, None])
    found["mean_neighbour"] = interval_dict(corrected_t(table.mean(axis=1), spread, clip=clip))
    found["worse"] = interval_dict(corrected_t(worse.mean(axis=1), spread))
    if len(own) < 2:
        return found
    lows = simultaneous_low(worse, spread, rng=stream(setting.plan.seed, ROBUSTNESS, verdict)).tolist()
    for (entry, _), mean, low in zip(known, worse.mean(axis=0).tolist(), lows, strict=True):
        sure = math.isfinite(low)
        entry |= {
            "worse": mean,
            "low": low if sure else None,
            "fragile": sure and low > setting.rope.width,
        }
        if not sure:
            entry["reason"] = "the difference is the same in all runs, which says nothing about new ones"
    found["fragile"] = [place for place, entry in enumerate(entries) if entry["fragile"]]
    return found


def _scores(fresh: Fresh, place: int, metric: str, spread: float) -> tuple[np.ndarray | None, str | None]:
    """One score a split, or why there is none; a failed run is never averaged away."""
    runs = fresh.runs[place]
    failed = failure_of(runs, "run")
    if failed is not None:
        return None, failed
    scores = [run.scores.get(metric) if run is not None else None for run in runs]
    values = fresh.by_split(scores) if spread > 0 else scores
    if any(value is None for value in values):
        return None, f"{metric} is undefined in a run"
    return np.array(values, dtype=float), None


def sentence(verdict: Mapping[str, Any]) -> str:
    """The line of the verdict; empty where robustness was not asked for."""
    found = verdict.get(ROBUSTNESS)
    if not found:
        return ""
    mean = found["mean_neighbour"]
    if mean is None or mean["value"] is None:
        return f"undefined: {found['reason'] or (mean or {}).get('reason')}"
    decimals = places(mean["value"], found["selected"]["value"])
    text = f"mean neighbour at ±{100 * found['step']:.0f} %: {number(mean['value'], decimals)}"
    if mean["low"] is not None:
        text += f" [{number(mean['low'], decimals)}, {number(mean['high'], decimals)}]"
    text += f" (selected beside them {number(found['selected']['value'], decimals)})"
    entries = found["neighbours"]
    text += f"; {_fragile(entries, decimals)}"
    if lost := [entry for entry in entries if entry["score"] is None]:
        names = ", ".join(_name(entry) for entry in lost[:3]) + (" ..." if len(lost) > 3 else "")
        text += f"; without {len(lost)} of {len(entries)} neighbours that gave no score ({names}: {lost[0]['reason']})"
    return text


def _fragile(entries: Sequence[Mapping[str, Any]], decimals: int) -> str:
    found = [entry for entry in entries if entry["fragile"]]
    if not found:
        return "nothing fragile"
    listed = [f"{_name(entry)} (worse by at least {number(entry['low'], decimals)})" for entry in found[:4]]
    return f"fragile: {', '.join(listed)}" + (f" and {len(found) - 4} more" if len(found) > 4 else "")


def _name(entry: Mapping[str, Any]) -> str:
    return f"{entry['parameter']} {format_value(entry['value'])}"
