"""The validation figures of the verdict, each by one method. Reads what is kept, runs nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from truing.execution.job import Job
from truing.record.history import History
from truing.record.trial import Trial
from truing.setting import Setting
from truing.statistics.comparison import corrected_t
from truing.statistics.constant import base_rate
from truing.statistics.interval import Interval
from truing.verdict.fresh import Fresh, estimate
from truing.verdict.paired import by_rows

KEPT = "the defaults were kept"
EARLIER = "searched with an earlier version of the function"
#: The share of the bootstrap's optimism that is luck of the rows, which fresh runs share; the rest is luck of splits
#: and seeds, which they do not. Measured: with it the paired difference is 0.0, +0.1 and -0.1 points off in 710
#: studies of 68 kinds with three seeds (without it +0.6, with the whole of it -0.6); benchmarks/honesty.py, of a
#: further seed.
OF_THE_ROWS = 0.5
Z = 1.96  # standard errors on either side of a 95 % interval
NO_SPLITS = "validation=None makes one run a trial, and no fresh ones"


def validation(
    setting: Setting,
    job: Job,
    selected: Trial,
    defaults: Trial | None,
    fresh: Fresh,
    optimism: Mapping[str, Any],
    *,
    function_since: int = 0,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The validation figures and the difference selected - defaults: fresh runs, less the optimism of the choice.

    Fresh runs take out the luck of the search's splits and seeds. Their rows are those that the choice was made on,
    whose luck is half of the bootstrap's optimism of the choice (see `OF_THE_ROWS`). Both figures are less by the
    same, so that selected - defaults is the difference.

    Args:
        defaults: None where the search could not score them.
        optimism: of the choice, in the metric's unit and sign, as `choice.figures` has it; None in it = not known.
        function_since: the first run of the training function as it is now.
    """
    goal, flattery = setting.task.goal, optimism["value"]
    whole = 0.0 if flattery is None else min(0.0, flattery) if goal == "min" else max(0.0, flattery)
    less = OF_THE_ROWS * whole
    observed = _one_side(setting, job, fresh, selected, "the selected configuration")
    own = _lowered(observed, less, abs(whole), (setting.task.primary.low, setting.task.primary.high))
    theirs: float | None = None
    if defaults is None:
        difference = Interval(None, None, None, "", "the defaults did not complete in the search")
    elif selected.number == defaults.number:
        theirs, difference = own.value, Interval(0.0, 0.0, 0.0, KEPT)
    else:
        other = _one_side(setting, job, fresh, defaults, "the defaults")
        apart = _difference(setting, job, fresh, selected, defaults, observed, other)
        theirs, difference = other.value, _lowered(apart, less, 0.0)
    trained = fresh.rows_trained
    figures = {
        "selected": own.value,
        "low": own.low,
        "high": own.high,
        "defaults": theirs,
        "as_searched": selected.value,
        "fresh": interval_dict(observed),
        "optimism": {**optimism, "value": less if flattery is not None and own.value is not None else None},
        "no_luck": EARLIER if any(run < function_since for run in selected.runs) else None,
        "estimand": _estimand(setting, trained, chosen=flattery is not None),
        "rows_trained": trained,
        "method": own.method,
        "reason": own.reason,
        "runs": len(fresh.replicates),
    }
    return figures, interval_dict(difference)


def _lowered(found: Interval, by: float, uncertain: float, ends: tuple[float, float] | None = None) -> Interval:
    """A figure less the optimism of the choice, which is known to within `uncertain` (one standard error).

    In benchmarks/honesty.py the score's interval needs that share to hold what it promises, and the difference's,
    whose rows and seeds are the same on both sides, does not.
    """
    if found.value is None or by == 0:
        return found
    low, high = ends if ends is not None else (-math.inf, math.inf)
    value = min(max(found.value - by, low), high)
    if found.low is None or found.high is None:
        return replace(found, value=value)
    below, above = (math.hypot(abs(end - found.value), Z * uncertain) for end in (found.low, found.high))
    return replace(found, value=value, low=max(low, found.value - by - below), high=min(high, found.value - by + above))


def _one_side(setting: Setting, job: Job, fresh: Fresh, trial: Trial, called: str) -> Interval:
    metric = setting.task.primary
    if not fresh.replicates:
        return Interval(None, None, None, "", NO_SPLITS)
    found = estimate(setting, job, fresh, trial, metric, called)
    scores = fresh.scores(trial, metric.name)
    if found.value is None or any(score is None for score in scores):
        return Interval(found.value, None, None, "pooled out-of-fold" if found.value is not None else "", found.reason)
    return _ends(setting, job, fresh, scores, trial, clip=(metric.low, metric.high))


def _difference(
    setting: Setting, job: Job, fresh: Fresh, selected: Trial, defaults: Trial, own: Interval, other: Interval
) -> Interval:
    if own.value is None or other.value is None:
        return Interval(None, None, None, "", own.reason if own.value is None else other.reason)
    name = setting.task.primary.name
    scores = zip(fresh.scores(selected, name), fresh.scores(defaults, name), strict=True)
    pairs = [None if a is None or b is None else a - b for a, b in scores]
    if any(pair is None for pair in pairs):
        reason = own.reason if own.method.startswith("pooled") else other.reason
        return Interval(own.value - other.value, None, None, "pooled out-of-fold", reason)
    return _ends(setting, job, fresh, pairs, selected, defaults)


def _ends(
    setting: Setting,
    job: Job,
    fresh: Fresh,
    scores: Sequence[float | None],
    *sides: Trial,
    clip: tuple[float, float] | None = None,
) -> Interval:
    """The mean of one number a fresh run: by rows and folds where each row has a score and splits are drawn anew.

    Elsewhere by the corrected resampled t, which in benchmarks/honesty.py is half as wide again and claims less.
    """
    spread = fresh.spread(setting.validation.spread) if setting.validation is not None else 0.0
    own = fresh.by_split(scores) if spread > 0 else scores
    if spread > 0 and len(own) == len(scores):
        found = by_rows(setting, job, fresh.replicates, *(fresh.runs[side.number] for side in sides))
        if found.low is not None and found.high is not None:
            low, high = clip if clip is not None else (-math.inf, math.inf)
            return replace(found, low=max(low, found.low), high=min(high, found.high))
    return corrected_t(own, spread, clip=clip)


def _estimand(setting: Setting, trained: int | None, *, chosen: bool) -> str:
    name = setting.task.primary.name
    if trained is None:
        return f"the mean {name} of the selected configuration over further seeds; the luck of seeds is taken out"
    if getattr(setting.validation, "fixed", False):
        return (
            f"the mean {name} of the selected configuration over further seeds, trained on {trained} rows, on the "
            "splits of the search, which cannot be drawn anew; the luck of seeds is taken out, the luck of those "
            "splits, by which it was chosen, and of these rows is not"
        )
    if setting.validation is not None and setting.validation.spread == 0:
        return (
            f"the mean {name} of the selected configuration over further seeds, trained on {trained} rows and scored "
            "on one fresh split; the luck of seeds is taken out, the luck of that split and of these rows is not"
        )
    on = getattr(setting.validation, "rows_like", None)
    if on is None:
        grouped = setting.data is not None and setting.data.groups is not None
        on = "rows of further groups like these" if grouped else "further rows like these"
    return (
        f"the mean {name}, on {on}, of networks trained on {trained} rows with the selected "
        "configuration; the luck of splits and seeds is taken out, "
        + ("and that of being chosen on these rows" if chosen else "the luck of these rows is not")
    )


def gain(goal: str, difference: Mapping[str, Any], test: Mapping[str, Any] | None, same: bool) -> bool:
    """Claimed only if the fresh corrected difference excludes zero and the locked test does not point the other way."""
    edge = difference["high"] if goal == "min" else difference["low"]
    if same or edge is None or not (edge < 0 if goal == "min" else edge > 0):
        return False
    seen = test["difference"]["value"] if test is not None else None
    return seen is None or (seen <= 0 if goal == "min" else seen >= 0)


def base_rates(setting: Setting) -> dict[str, dict[str, float | None] | None]:
    """What a predictor that does not look scores, fitted on development rows: there, and on the locked rows."""
    task, plan = setting.task, setting.plan
    metrics = [m for m in task.metrics if m.kind != "number"]
    if setting.data is None or setting.data.labels is None or plan.rows is None or not metrics:
        return {"development": None, "test": None}
    developed = setting.truth(plan.rows)
    classes = len(task.classes) if task.classes is not None else None

    def rates(truth: np.ndarray) -> dict[str, float | None]:
        return {
            m.name: base_rate(m, developed, truth, classes, positive=task.positive, labels=task.classes).value
            for m in metrics
        }

    if plan.locked is None:
        return {"development": rates(developed), "test": None}
    truth = setting.truth(plan.locked, official=setting.official is not None)
    return {"development": rates(developed), "test": rates(truth)}


def generalization(
    setting: Setting,
    selected: Trial,
    fresh: Fresh,
    valid: Mapping[str, Any],
    test: Mapping[str, Any] | None,
    base: Mapping[str, Mapping[str, float | None] | None],
) -> dict[str, Any]:
    """Train, validation, test, and what of the distance to the constant predictor is retained from validation to test.

    retained = (test - base) / (validation - base), the same for losses; None, with its reason, where validation is
    not better than base by two standard errors, because the ratio is then noise.
    """
    name = setting.task.primary.name
    completed = fresh.runs.get(selected.number, ())
    train = _mean([run.details.get("train") if run is not None else None for run in completed])
    entry = (test or {}).get(name)
    scored = entry["selected"] if entry is not None else None
    floor = (base["development"] or {}).get(name)
    retained, why = _retained(setting, selected, fresh, valid["selected"], scored, floor)
    reasons = {}
    if train is None:
        late = any(run is not None and run.details.get("epoch") for run in completed)
        reasons["train"] = (
            NO_SPLITS
            if not completed
            else "the score is that of an earlier epoch than predict is of, and no train= was reported there"
            if late
            else "the function reported no train= and returned no predict, or it is undefined there"
        )
    if valid["selected"] is None:
        reasons["validation"] = valid["reason"] or "undefined"
    if scored is None:
        reasons["test"] = "there is no locked test" if entry is None else entry["reason"] or "undefined"
    if why is not None:
        reasons["retained"] = why
    return {
        "train": train,
        "validation": valid["selected"],
        "test": scored,
        "retained": retained,
        "base": floor,
        "reasons": reasons,
    }


def _retained(
    setting: Setting, selected: Trial, fresh: Fresh, value: float | None, scored: float | None, floor: float | None
) -> tuple[float | None, str | None]:
    if floor is None:
        return None, "no constant predictor can be scored for this metric here"
    if value is None or scored is None:
        return None, "it needs both the validation and the test figure"
    known = [s for s in fresh.scores(selected, setting.task.primary.name) if s is not None]
    if len(known) < max(2, len(fresh.replicates)):
        return None, "the standard error of the validation figure is not known"
    spread = fresh.spread(setting.validation.spread)
    error = float(np.std(known, ddof=1)) * math.sqrt(1 / len(known) + spread)
    above = (floor - value) if setting.task.goal == "min" else (value - floor)
    if above <= 0 or above < 2 * error:
        return None, "validation is not better than the constant predictor by two standard errors"
    return (scored - floor) / (value - floor), None


def target(history: History, goal: str, value: float | None) -> dict[str, Any] | None:
    """Whether the fresh runs still reach the target that ended the search; None where there was none."""
    ended = [note for note in history.notes.get("ended", ()) if note.get("target") is not None]
    if not ended:
        return None
    wanted = ended[-1]["target"]
    reached = None if value is None else bool(value <= wanted if goal == "min" else value >= wanted)
    return {"value": wanted, "search_reached": ended[-1]["why"] == "target", "fresh_reached": reached}


def _mean(values: list[Any]) -> float | None:
    known = [float(v) for v in values if isinstance(v, int | float) and math.isfinite(v)]
    return float(np.mean(known)) if known and len(known) == len(values) else None


def interval_dict(interval: Interval) -> dict[str, Any]:
    """An interval as plain values."""
    return {
        "value": interval.value,
        "low": interval.low,
        "high": interval.high,
        "method": interval.method,
        "reason": interval.reason,
    }
