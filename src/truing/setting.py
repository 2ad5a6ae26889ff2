"""From what the user gave to what is run: the task, the locked rows, the replicates. No effects."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from truing.data.auto_test import auto_share
from truing.data.data import Data
from truing.data.duplicates import duplicates
from truing.data.finding import Finding
from truing.data.how_many import HowMany
from truing.data.lock import Locked, lock
from truing.data.outside import EXTERNAL, Outside, check, leaks
from truing.errors import DataError, MetricError, UsageError, short
from truing.record.interfaces import Estimate, ScoreTable
from truing.record.plan import Plan
from truing.record.seeds import stream
from truing.record.task import Task, named_positive
from truing.record.trial import Replicate
from truing.registry import VALIDATIONS
from truing.statistics.constant import base_rate
from truing.statistics.equivalence import NONE, Region, region
from truing.statistics.metric import Metric, metric
from truing.statistics.threshold import Aim, aim

MANY = 20  # different whole numbers as y, above which a metric has to say whether they are classes
RULES = ("best", "one_se", "cheapest", "nearest")  # by which a study chooses what it delivers; verdict/select.py
AUTO = "auto"
FRESH_RUNS = 10  # at least, a side, by which the verdict compares; in whole repeats
LARGE = 20_000  # rows above which the default is a holdout instead of 5-fold


@dataclass(frozen=True, eq=False)
class Setting:
    """What all of a study rests on, the same at every call.

    Args:
        data: the rows given; None without data.
        locked: which of them are locked away, or the official test set.
        validation: the protocol; None = one run a trial, without validation rows.
        plan: replicates and seeds.
        findings: what a person should know about the rows.
        rope: differences of the metric that do not matter, fixed before the first trial.
        rule: by which the configuration to deliver is chosen; one of RULES.
        units: the unit of each development row that no split may part, where it is not the row's group; else None.
        threshold: what the decision threshold is chosen for; None = none is asked for.
        prevalence: at which predictive values are to be stated; None = at none.
        outside: external sets and negative controls, which only the verdict opens.
        reasons: sentences on what "auto" chose, and why.
        datasets: of a study over several, the setting of each by its name; `data` is then None.
        aggregate: how the gains on them make a trial's value, "mean" or "worst".
    """

    task: Task
    data: Data | None
    locked: Locked | None
    validation: Any
    plan: Plan
    findings: tuple[Finding, ...] = ()
    rope: Region = NONE
    rule: str = "best"
    units: np.ndarray | None = None
    threshold: Aim | None = None
    prevalence: float | None = None
    outside: tuple[Outside, ...] = ()
    reasons: tuple[str, ...] = ()
    datasets: Mapping[str, Setting] = field(default_factory=dict)
    aggregate: str = "mean"

    @property
    def official(self) -> Data | None:
        """The official test set, where the locked rows are not rows of `data`."""
        return self.locked.official if self.locked is not None else None

    @property
    def has_test(self) -> bool:
        return self.plan.locked is not None

    @property
    def opens(self) -> bool:
        """True when the verdict opens rows that were set aside: then both sides are refitted several times."""
        return self.has_test or any(one.kind == EXTERNAL for one in self.outside)

    @property
    def rows(self) -> int | None:
        """Number of development rows."""
        return None if self.plan.rows is None else len(self.plan.rows)

    @property
    def protocol(self) -> str:
        """The protocol in words."""
        if self.validation is None:
            return "one run a trial"
        describe = getattr(self.validation, "describe", None)
        return str(describe()) if describe is not None else type(self.validation).__name__

    def outline(self) -> dict[str, Any]:
        """The development rows as validation protocols see them."""
        if self.data is None:
            return {}
        found = self.data.outline(self.plan.rows, classification=self.task.classification)
        if self.units is not None:
            found = replace(found, group_labels=self.units, groups_in_all=None)
        return {"data": found}

    def truth(self, rows: np.ndarray, *, official: bool = False) -> np.ndarray:
        """Codes or values of rows (positions in the Data given, or in the official test set)."""
        source = self.official if official else self.data
        if source is None or source.labels is None:
            raise DataError("There are no labels to score against.")
        return self.task.truth(source.labels[rows])

    def fresh(self, block: str, n: int) -> Sequence[Replicate]:
        """At least `n` fresh replicates in whole repeats, from the stream called `block`."""
        if self.validation is None:
            return []
        return self.validation.fresh(self.outline(), n, stream(self.plan.seed, "fresh", block))

    def estimate(self, table: ScoreTable) -> dict[int, Estimate]:
        """What each trial's scores say."""
        if self.validation is not None:
            return dict(self.validation.estimate(table))
        found = {}
        for trial, scores in table.scores.items():
            value = scores[0] if len(scores) == 1 else None
            found[trial] = Estimate(value, None, None if value is not None else "undefined")
        return found


def prepare(
    *,
    data: Data | None,
    primary: str | Metric | None,
    also: Sequence[str | Metric],
    positive: Any,
    validation: Any,
    test: Any,
    epochs: int | None,
    threads: int,
    seed: int,
    scored: str = "last",
    rope: float | None = None,
    rule: str = "best",
    outside: Sequence[Outside] = (),
) -> Setting:
    """Lock the test rows away and lay out the replicates.

    Raises:
        UsageError: metric, data, validation or test do not fit together; one sentence says which.
    """
    task = task_of(data, test, primary, also, positive)
    if data is None:
        if isinstance(test, Data) or not (test is None or _is_auto(test) or isinstance(test, float | int)):
            raise DataError("test= was given without data=; give both, or neither.")
        if outside:
            raise DataError(f"{outside[0].kind}= was given without data=; give both, or neither.")
        replicates = validation.plan({}, stream(seed, "plan")) if validation is not None else [Replicate(0)]
        plan = Plan(seed, tuple(replicates), epochs=epochs, threads=threads, scored=scored)
        return _ruled(Setting(task, None, None, validation, plan), rope, rule)
    set_apart, reasons = getattr(validation, "set_apart", None), []
    if _is_auto(test):
        whole = data.outline(classification=task.classification)
        test, why = auto_share(HowMany.of(whole))
        if set_apart is None and data.times is not None:  # the latest rows, whatever the validation
            set_apart = VALIDATIONS.get(AUTO)().set_apart
        reasons.append(why)
    locked = lock(data, test, stream(seed, "test"), classification=task.classification, set_apart=set_apart)
    reasons = [f"Test: {locked.how}, because of {why}." for why in reasons]
    check(data, outside, task.classes)
    outline = {"data": data.outline(locked.development, classification=task.classification)}
    if hasattr(validation, "bound"):
        validation = validation.bound(outline)
    if because := getattr(validation, "because", ""):
        reasons.insert(0, f"Validation: {validation.describe()}, because {because}.")
    if validation is None:
        replicates = [Replicate(0, train=np.arange(len(locked.development), dtype=np.int64))]
    else:
        replicates = validation.plan(outline, stream(seed, "plan"))
    official = locked.official
    rows = np.arange(len(official), dtype=np.int64) if official is not None else locked.test
    plan = Plan(
        seed,
        tuple(replicates),
        rows=locked.development,
        locked=rows,
        locked_in="test" if official is not None else "development",
        epochs=epochs,
        threads=threads,
        scored=scored,
    )
    findings = _findings(data, locked, outline, validation, outside)
    found = Setting(task, data, locked, validation, plan, findings, outside=tuple(outside), reasons=tuple(reasons))
    return _ruled(found, rope, rule)


def _is_auto(given: Any) -> bool:
    return isinstance(given, str) and given == AUTO


def _ruled(setting: Setting, rope: float | None, rule: str) -> Setting:
    """With the region of practical equivalence, which needs the rows, and the rule."""
    return replace(setting, rope=region(setting.task.primary, _constant_score(setting), rope), rule=rule_of(rule))


def fresh_runs(block: int) -> int:
    """Runs a side of the estimate: whole repeats of `block` runs, at least ten runs.

    >>> fresh_runs(5), fresh_runs(3), fresh_runs(1)
    (10, 12, 10)
    """
    return block * math.ceil(FRESH_RUNS / block)


def rule_of(rule: Any) -> str:
    """The name of a rule of choice, itself.

    Raises:
        UsageError: no such rule.

    >>> rule_of("cheapest")
    'cheapest'
    """
    if not isinstance(rule, str) or rule not in RULES:
        raise UsageError(f"rule= takes one of {', '.join(map(repr, RULES))}, got {short(rule)}.")
    return rule


def _constant_score(setting: Setting) -> float | None:
    """What a prediction that does not look scores on the development rows; None where it cannot be told."""
    task, rows = setting.task, setting.plan.rows
    unlabelled = setting.data is None or setting.data.labels is None
    if rows is None or not len(rows) or unlabelled or task.primary.kind == "number" or task.goal == "max":
        return None
    y = setting.truth(rows)
    classes = len(task.classes) if task.classes is not None else None
    return base_rate(task.primary, y, y, classes, positive=task.positive, labels=task.classes).value


def validation_of(given: Any, data: Data | None, default: bool) -> Any:
    """The protocol meant by `validation=`: an instance, a name, or the default for this much data.

    Raises:
        UsageError: a name that is not registered, or something that is no protocol.
    """
    if default:
        if data is None:
            return None
        return VALIDATIONS.get("holdout")(0.2) if len(data) > LARGE else VALIDATIONS.get("kfold")(5)
    if isinstance(given, str):
        if given == AUTO and data is None:  # no rows to go by
            return None
        if given == "splitter":
            raise UsageError('validation="splitter" is given as the splitter itself, such as ShuffleSplit(5).')
        return VALIDATIONS.get(given)()
    if given is None or (not isinstance(given, type) and all(hasattr(given, m) for m in ("plan", "fresh", "estimate"))):
        return given
    splits = not isinstance(given, type) and all(callable(getattr(given, m, None)) for m in ("split", "get_n_splits"))
    if splits or (isinstance(given, Iterable) and not isinstance(given, type | bytes | Mapping)):
        if data is None:
            raise UsageError(f"validation={given!r} divides rows, and there is no data=: use tr.Seeds(5).")
        return VALIDATIONS.get("splitter")(given)
    raise UsageError(
        "validation= takes tr.KFold(5), tr.GroupKFold(5), tr.TimeOrdered(5), tr.Holdout(0.2), tr.Seeds(5), a "
        f"scikit-learn splitter, pairs of (train, valid) rows, None or a name, got {given!r}."
    )


def task_of(data: Data | None, test: Any, primary: Any, also: Any, positive: Any) -> Task:
    """The metrics on the labels; reads labels only.

    Raises:
        MetricError: they do not fit together; one sentence says why.
    """
    if isinstance(also, str | Metric):
        also = [also]
    if not isinstance(also, Sequence):
        raise MetricError(f'also= takes a list of metrics, such as ["accuracy"], got {also!r}.')
    if primary is None:
        if data is None or data.labels is None:
            raise MetricError('metric= is needed: a name such as "log_loss", or tr.Metric("reward", goal="max").')
        many = len(np.unique(data.labels)) if data.labels.dtype.kind in "iu" else 0
        if many > MANY:
            raise MetricError(
                f"y has {many} different whole numbers, which may be classes or amounts: say "
                'metric="log_loss" for classes, or metric="rmse" for amounts.'
            )
        primary = "rmse" if data.labels.dtype.kind == "f" else "log_loss"
    metrics: list[Metric] = []
    for item in (primary, *also):
        found = metric(item)
        if found.name not in [m.name for m in metrics]:
            metrics.append(found)
    kinds = {m.kind for m in metrics if m.kind != "number"}
    classification = bool(kinds & {"label", "probability"})
    if classification and "regression" in kinds:
        names = ", ".join(m.name for m in metrics)
        raise MetricError(f"The metrics {names} mix classification and regression; keep to one kind.")
    if not kinds or (data is None or data.labels is None):
        if positive is not None and (data is None or data.labels is None):
            raise MetricError("positive= names a class, but there is no Data with labels.")
        classes = None
        if data is not None and data.labels is not None and data.labels.dtype.kind != "f":
            classes = tuple(data.classes())
        return Task(
            tuple(metrics), classes, named_positive(positive, classes) if positive is not None and classes else None
        )
    if not classification:
        if data.labels.dtype.kind not in "fiu":
            raise MetricError(f"{metrics[0].name} needs numbers as y, got {data.labels.dtype}.")
        if positive is not None:
            raise MetricError(f"positive= is for classification, but {metrics[0].name} is a regression metric.")
        return Task(tuple(metrics))
    if data.labels.dtype.kind == "f" and not np.all(data.labels == np.round(data.labels)):
        raise MetricError(
            f"{metrics[0].name} needs classes as y, but y holds fractions; use rmse, mae or r2 for regression."
        )
    labels = set(data.classes()) | (set(test.classes()) if isinstance(test, Data) else set())
    classes = tuple(sorted(labels))
    if len(classes) < 2:
        raise MetricError(f"y has only one class, {classes[0]!r}; there is nothing to tell apart.")
    codes = named_positive(positive, classes) if positive is not None else None
    return Task(tuple(metrics), classes, codes)


def _findings(
    data: Data, locked: Locked, outline: dict[str, Any], validation: Any, outside: Sequence[Outside]
) -> tuple[Finding, ...]:
    found = list(locked.warnings)
    parts = {"development rows": locked.development}
    others = {}
    if locked.test is not None:
        parts["locked test set"] = locked.test
    elif locked.official is not None:
        others["locked test set"] = locked.official
    found += duplicates(data, parts, others)
    found += leaks(data, parts, others, outside)
    notes = getattr(validation, "notes", None)
    for note in notes(outline) if notes is not None else ():
        found.append(Finding("rare_class" if note.startswith("The class ") else "splits", note))
    return tuple(found)


def threshold_of(given: Any, task: Task) -> Aim | None:
    """What `threshold=` asks for.

    Raises:
        MetricError: it is none, or the task has no positive class.
    """
    if given is None:
        return None
    found = aim(given)
    _two_sided(task, "threshold=")
    return found


def prevalence_of(given: Any, task: Task) -> float | None:
    """What `prevalence=` states.

    Raises:
        UsageError: it is no share between 0 and 1, or the task has no positive class.
    """
    if given is None:
        return None
    found = finite_number(given, "prevalence")
    if not 0 < found < 1:
        raise UsageError(
            f"prevalence= is the share of positives where the network is used, such as 0.02; got {given!r}."
        )
    _two_sided(task, "prevalence=")
    return found


def _two_sided(task: Task, what: str) -> None:
    if task.classes is None:
        raise MetricError(f"{what} is for classes, and this task has none.")
    if len(task.classes) != 2 and task.positive is None:
        raise MetricError(
            f"{what} needs a positive class, and there are {len(task.classes)} classes: say positive=, such as "
            f"positive={task.classes[-1]!r}."
        )


def finite_number(value: Any, name: str, *, above: float | None = None) -> float:
    """A real finite number, or a sentence.

    Raises:
        UsageError: it is none, or is not above `above`.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise UsageError(f"{name} must be a number, got {value!r}.")
    if not math.isfinite(value) or (above is not None and value <= above):
        raise UsageError(f"{name} must be finite{f' and above {above:g}' if above is not None else ''}, got {value!r}.")
    return float(value)


def whole_number(value: Any, name: str, *, low: int) -> int:
    """A whole number of at least `low`, or a sentence.

    Raises:
        UsageError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
        raise UsageError(f"{name} must be a whole number of at least {low}, got {value!r}.")
    return int(value)
