"""The figures of an external set: rows of the same task from another origin, scored once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from truing.data.data import Data
from truing.data.outside import Outside
from truing.errors import DataError
from truing.execution.job import Job
from truing.record.trial import Trial
from truing.setting import Setting
from truing.statistics.drop import Known, Scored, drop
from truing.statistics.interval import Interval
from truing.statistics.metric import REGRESSION, Metric
from truing.statistics.score import parts
from truing.verdict.figures import interval_dict
from truing.verdict.fresh import Fresh, estimate, scores_of
from truing.verdict.locked import Aside, LockedTest, Refits

LOCKED_TEST, VALIDATION = "locked test", "validation"
NEW = "no row of it has a class that the network knows"


@dataclass(frozen=True, eq=False)
class Origin:
    """What an external set is compared with: the study's own rows.

    Args:
        fresh: the fresh runs, whose score is the internal one where there is no locked test.
    """

    setting: Setting
    fresh: Fresh

    @property
    def internal(self) -> str:
        """Which internal score the external one is held against."""
        return LOCKED_TEST if self.setting.has_test else VALIDATION

    def known(self, job: Job, trial: Trial, metric: Metric) -> Known | str:
        """The mean of the fresh runs with its standard error; why there is none."""
        found = estimate(self.setting, job, self.fresh, trial, metric, "the selected configuration")
        if not self.fresh.replicates or found.value is None:
            return found.reason or "there are no fresh runs"
        scores = [s for s in self.fresh.scores(trial, metric.name) if s is not None]
        if len(scores) < max(2, len(self.fresh.replicates)):
            return Known(found.value, None, 1.0)
        spread = self.fresh.spread(self.setting.validation.spread)
        error = float(np.std(scores, ddof=1)) * math.sqrt(1 / len(scores) + spread)
        return Known(found.value, error, len(scores) - 1.0)


def known_rows(setting: Setting, data: Data) -> np.ndarray:
    """Which rows have a class that the task knows: bool (n,); for a regression all."""
    if setting.task.classes is None or data.labels is None:
        return np.ones(len(data), dtype=bool)
    known = set(setting.task.classes)
    return np.array([label in known for label in data.labels.tolist()], dtype=bool)


def aside_of(setting: Setting, one: Outside, file: str) -> Aside:
    """The rows of the set that are scored, and where their predictions lie."""
    if one.data.labels is None:
        raise DataError(f"The {one.called} has no labels to score against.")
    scored = known_rows(setting, one.data)
    groups = one.data.group_labels
    return Aside(
        f"the rows of {one.name}",
        setting.task.truth(one.data.labels[scored]),
        groups[scored] if groups is not None else None,
        file,
        scored,
    )


def figures(
    origin: Origin, job: Job, one: Outside, aside: Aside, test: LockedTest, inside: Refits, rng: np.random.Generator
) -> dict[str, Any]:
    """All that is said of one external set.

    Args:
        test: its refits, with the set in the place of the locked rows.
        inside: the refits whose predictions for the locked rows are kept.
        rng: for the resamples of the drop.
    """
    setting, selected = origin.setting, test.sides[0]
    scores = test.figures() or {}
    for name, entry in scores.items():
        metric = setting.task.metric(name)
        found, internal = _drop(origin, job, aside, test, inside, metric, rng)
        entry["drop"] = interval_dict(found) | {"internal": internal}
        entry["at_internal_prevalence"] = None
        if entry["selected"] is not None and test.locked_as != "numbers":
            predicted = [p for run in test.refits[selected.number] if (p := aside.read(job, run)) is not None]
            entry["at_internal_prevalence"] = at_internal_prevalence(setting, aside.truth, predicted, metric)
    return {**description(setting, one.data), "internal": origin.internal, "metrics": scores}


def _drop(
    origin: Origin,
    job: Job,
    aside: Aside,
    test: LockedTest,
    inside: Refits,
    metric: Metric,
    rng: np.random.Generator,
) -> tuple[Interval, float | None]:
    setting, selected = origin.setting, test.sides[0]
    runs, sign = test.refits[selected.number], 1.0 if metric.goal == "min" else -1.0
    if test.locked_as == "numbers" or metric.kind == "number":
        ours = scores_of(runs, metric.name)
        theirs: Sequence[float | None] = (
            scores_of(inside[selected.number], metric.name)
            if setting.has_test
            else origin.fresh.scores(selected, metric.name)
        )
        if not ours or not theirs or None in ours or None in theirs or test.locked_as != "numbers":
            return Interval(None, None, None, "", f"{metric.name} was not reported on both sides"), None
        means = [float(np.mean([v for v in side if v is not None])) for side in (ours, theirs)]
        why = "only numbers were reported, so the luck of the rows cannot be in an interval"
        return Interval(sign * (means[0] - means[1]), None, None, "as reported", why), means[1]
    there = [aside.read(job, run) for run in runs]
    if any(p is None for p in there):
        return Interval(None, None, None, "", "a refit of the selected configuration failed"), None
    external = Scored(aside.truth, [p for p in there if p is not None], aside.groups)
    if not len(aside.truth):
        return Interval(None, None, None, "", NEW), None
    internal: Scored | Known
    if setting.has_test:
        locked = Aside.locked(setting)
        here = [locked.read(job, run) for run in inside[selected.number]]
        internal = Scored(locked.truth, [p for p in here if p is not None], locked.groups)
        scored = [setting.task.score(metric, locked.truth, p).value for p in internal.predictions]
        level = float(np.mean([s for s in scored if s is not None])) if scored and None not in scored else None
    else:
        known = origin.known(job, selected, metric)
        if isinstance(known, str):
            return Interval(None, None, None, "", known), None
        internal, level = known, known.value
    found = drop(metric, internal, external, rng=rng, positive=setting.task.positive, labels=setting.task.classes)
    return found, level


def description(setting: Setting, data: Data) -> dict[str, Any]:
    """What may be told of the rows of an external set against the development rows: counts and shares, no row."""
    scored = known_rows(setting, data)
    groups = None if data.group_labels is None else len(np.unique(data.group_labels[scored]))
    found: dict[str, Any] = {"rows": len(data), "scored": int(scored.sum()), "groups": groups}
    own = setting.data.labels if setting.data is not None else None
    if own is None or data.labels is None:
        return {**found, "prevalence": None, "target": None, "new_classes": [], "missing_classes": []}
    own = own[setting.plan.rows] if setting.plan.rows is not None else own
    classes = setting.task.classes
    if classes is None:
        sides = {"internal": own.astype(float), "external": data.labels.astype(float)}
        target = {name: {"mean": float(y.mean()), "sd": float(y.std())} for name, y in sides.items()}
        return {**found, "prevalence": None, "target": target, "new_classes": [], "missing_classes": []}
    inside, outside = _counts(own), _counts(data.labels)
    total = max(1, int(scored.sum()))
    prevalence = [
        {
            "class": label,
            "internal": inside.get(label, 0) / len(own),
            "external": outside.get(label, 0) / total,
            "difference": outside.get(label, 0) / total - inside.get(label, 0) / len(own),
        }
        for label in classes
    ]
    return {
        **found,
        "prevalence": prevalence,
        "target": None,
        "new_classes": [{"class": label, "rows": n} for label, n in outside.items() if label not in set(classes)],
        "missing_classes": [label for label in classes if label in inside and label not in outside],
    }


def _counts(labels: np.ndarray) -> dict[Any, int]:
    values, counts = np.unique(labels, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def at_internal_prevalence(
    setting: Setting, truth: np.ndarray, predictions: Sequence[np.ndarray], metric: Metric
) -> float | None:
    """The mean score were the classes as common outside as in the development rows: each row weighs by its class.

    Direct standardisation (Rothman, Greenland & Lash 2008, Modern Epidemiology, ch. 3). What of the drop it takes away
    is owed to the mix of classes alone. None for a regression, and where a class of the development rows is absent.
    """
    if (
        metric.kind in (REGRESSION, "number")
        or setting.task.classes is None
        or setting.plan.rows is None
        or not len(truth)
    ):
        return None
    k = len(setting.task.classes)
    inside = np.bincount(setting.truth(setting.plan.rows), minlength=k).astype(float)
    outside = np.bincount(truth, minlength=k).astype(float)
    if np.any((inside > 0) & (outside == 0)):
        return None
    ratio = np.divide(inside / inside.sum(), outside / outside.sum(), out=np.zeros(k), where=outside > 0)
    values = [
        float(np.mean(parts(metric, truth, p, positive=setting.task.positive)(ratio[truth]))) for p in predictions
    ]
    return float(np.mean(values)) if values and all(math.isfinite(v) for v in values) else None


def warnings(external: Mapping[str, Mapping[str, Any]], metric: str) -> list[tuple[str, str]]:
    """What to know before believing the figures: new classes, and a score that did not hold."""
    found = []
    for name, entry in external.items():
        if entry["new_classes"]:
            many = sum(c["rows"] for c in entry["new_classes"])
            classes = ", ".join(repr(c["class"]) for c in entry["new_classes"][:5])
            found.append(
                (
                    "new_classes",
                    f"{many} row{'s' * (many != 1)} of the external set {name} {'is' if many == 1 else 'are'} of "
                    f"classes that the development rows do not have ({classes}); they are left out of its score.",
                )
            )
        ends = (entry["metrics"].get(metric) or {}).get("drop") or {}
        if ends.get("low") is not None and ends["low"] > 0:
            found.append(
                (
                    "did_not_hold",
                    f"The score did not hold on the external set {name}: it is worse there than on the "
                    f"{entry['internal']} by more than chance explains; do not expect the internal figure elsewhere.",
                )
            )
    return found
