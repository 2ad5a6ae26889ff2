"""The figures of the verdict, each by one method. Reads kept predictions, runs nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from truing.execution.job import Job
from truing.record.history import History
from truing.record.trial import RunRecord, Trial
from truing.setting import Setting
from truing.statistics.comparison import corrected_t, rows_and_seeds
from truing.statistics.constant import base_rate
from truing.statistics.interval import Interval, delivered, wilson
from truing.statistics.metric import Metric

Fresh = Mapping[int, Sequence[RunRecord | None]]

ESTIMAND = (
    "the mean score, on further rows like these, of networks trained on {train} rows with the selected "
    "configuration; the luck of splits and seeds is taken out, the luck of these rows is not"
)


def validation(
    setting: Setting, selected: Trial, defaults: Trial | None, fresh: Fresh, spread: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The validation figures and the difference selected - defaults, from runs that took no part in choosing."""
    metric, same = setting.task.primary, defaults is not None and selected.number == defaults.number
    mine = _scores(fresh.get(selected.number, ()), metric.name)
    own = corrected_t(mine, spread, clip=(metric.low, metric.high)) if mine else _nothing(setting)
    theirs: float | None = None
    if same:
        theirs = own.value
        difference = Interval(0.0, 0.0, 0.0, "the defaults were kept")
    elif defaults is None:
        difference = Interval(None, None, None, "", "the defaults did not complete")
    elif not mine:
        difference = _nothing(setting)
    else:
        others = _scores(fresh.get(defaults.number, ()), metric.name)
        theirs = corrected_t(others, spread).value
        pairs = [None if a is None or b is None else a - b for a, b in zip(mine, others, strict=True)]
        difference = corrected_t(pairs, spread)
    trained = _rows_trained(setting)
    figures = {
        "selected": own.value,
        "low": own.low,
        "high": own.high,
        "defaults": theirs,
        "as_searched": selected.value,
        "estimand": ESTIMAND.format(train=trained) if trained else "the mean score over further seeds",
        "rows_trained": trained,
        "method": own.method,
        "reason": own.reason,
        "runs": len(mine),
    }
    return figures, _as_dict(difference)


def locked(
    setting: Setting,
    job: Job,
    selected: Trial,
    sides: Sequence[Trial],
    refits: Fresh,
    locked_as: str,
    rng: np.random.Generator,
) -> dict[str, Any] | None:
    """Every metric on the locked rows: both sides, their difference, and the delivered network."""
    rows = setting.plan.locked
    if rows is None:
        return None
    if locked_as == "numbers":
        return {m.name: _reported(m, len(rows), selected, sides, refits) for m in setting.task.metrics}
    official = setting.official
    truth = setting.truth(rows, official=official is not None)
    source = official if official is not None else setting.data
    groups = source.group_labels[rows] if source is not None and source.group_labels is not None else None
    predicted = {
        trial.number: [
            np.load(job.predictions(run.id, "-locked"), allow_pickle=False).astype(np.float64)
            for run in refits.get(trial.number, ())
            if run is not None
        ]
        for trial in sides
    }
    found = {}
    for metric in setting.task.metrics:
        if metric.kind == "number":
            found[metric.name] = _reported(metric, len(rows), selected, sides, refits)
        else:
            found[metric.name] = _scored(setting, metric, truth, predicted, selected, sides, groups, rng)
    return found


def _scored(
    setting: Setting,
    metric: Metric,
    truth: np.ndarray,
    predicted: Mapping[int, Sequence[np.ndarray]],
    selected: Trial,
    sides: Sequence[Trial],
    groups: np.ndarray | None,
    rng: np.random.Generator,
) -> dict[str, Any]:
    task = setting.task
    common: dict[str, Any] = {"positive": task.positive, "groups": groups, "labels": task.classes}
    mine = predicted[selected.number]
    own = delivered(metric, truth, mine[0], rng=rng, **common)
    scores = [task.score(metric, truth, p).value for p in mine]
    if selected.number == 0:
        mean = _mean(scores)
        return _test_entry(mean, mean, Interval(0.0, 0.0, 0.0, "the defaults were kept"), own)
    others = predicted[sides[1].number] if len(sides) > 1 else []
    pairs = min(len(mine), len(others))
    if not pairs:
        return _test_entry(_mean(scores), None, Interval(None, None, None, "", "the defaults did not complete"), own)
    found = rows_and_seeds(metric, truth, mine[:pairs], others[:pairs], rng=rng, **common)
    return _test_entry(found.selected.value, found.defaults.value, found.difference, own)


def _reported(metric: Metric, rows: int, selected: Trial, sides: Sequence[Trial], refits: Fresh) -> dict[str, Any]:
    """Figures from numbers that the function computed itself on the locked rows."""
    mine = _scores(refits.get(selected.number, ()), metric.name)
    first = mine[0] if mine else None
    if first is not None and metric.name == "accuracy" and 0 <= first <= 1:
        own = wilson(round(first * rows), rows)
    else:
        own = Interval(first, None, None, "", "only a number was reported, so rows cannot be resampled")
    if selected.number == 0:
        return _test_entry(_mean(mine), _mean(mine), Interval(0.0, 0.0, 0.0, "the defaults were kept"), own)
    others = _scores(refits.get(sides[1].number, ()), metric.name) if len(sides) > 1 else []
    if not others or len(others) != len(mine):
        return _test_entry(_mean(mine), None, Interval(None, None, None, "", "the defaults did not complete"), own)
    pairs = [None if a is None or b is None else a - b for a, b in zip(mine, others, strict=True)]
    return _test_entry(_mean(mine), _mean(others), corrected_t(pairs, 0.0), own)


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
    spread: float,
    valid: Mapping[str, Any],
    test: Mapping[str, Any] | None,
    base: Mapping[str, Mapping[str, float | None] | None],
) -> dict[str, float | None]:
    """Train, validation, test, and what is retained above the constant predictor from validation to test.

    retained = (test - base) / (validation - base), the same for losses; None where validation - base is under two
    standard errors, because the ratio is then noise.
    """
    name = setting.task.primary.name
    runs = [run for run in fresh.get(selected.number, ()) if run is not None]
    train = _mean([run.details.get("train") for run in runs])
    scored = test[name]["selected"] if test is not None else None
    value, floor = valid["selected"], (base["development"] or {}).get(name)
    retained = None
    scores = [s for s in _scores(fresh.get(selected.number, ()), name) if s is not None]
    if value is not None and floor is not None and scored is not None and len(scores) > 1:
        error = float(np.std(scores, ddof=1)) * math.sqrt(1 / len(scores) + spread)
        if abs(value - floor) >= 2 * error and value != floor:
            retained = (scored - floor) / (value - floor)
    return {"train": train, "validation": value, "test": scored, "retained": retained}


def target(history: History, goal: str, value: float | None) -> dict[str, Any] | None:
    """Whether the fresh runs still reach the target that ended the search; None where there was none."""
    ended = [note for note in history.notes.get("ended", ()) if note.get("target") is not None]
    if not ended:
        return None
    wanted = ended[-1]["target"]
    reached = None if value is None else bool(value <= wanted if goal == "min" else value >= wanted)
    return {"value": wanted, "search_reached": ended[-1]["why"] == "target", "fresh_reached": reached}


def _scores(runs: Sequence[RunRecord | None], name: str) -> list[float | None]:
    return [run.scores.get(name) if run is not None else None for run in runs]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [v for v in values if v is not None]
    return float(np.mean(known)) if known and len(known) == len(values) else None


def _rows_trained(setting: Setting) -> int | None:
    sizes = [len(r.train) for r in setting.plan.replicates if r.train is not None]
    return round(sum(sizes) / len(sizes)) if sizes else None


def _nothing(setting: Setting) -> Interval:
    return Interval(None, None, None, "", "validation=None makes one run a trial, and no fresh ones")


def _as_dict(interval: Interval) -> dict[str, Any]:
    return {
        "value": interval.value,
        "low": interval.low,
        "high": interval.high,
        "method": interval.method,
        "reason": interval.reason,
    }


def _test_entry(selected: float | None, defaults: float | None, difference: Interval, own: Interval) -> dict[str, Any]:
    return {
        "selected": selected,
        "defaults": defaults,
        "difference": _as_dict(difference),
        "delivered": _as_dict(own),
    }
