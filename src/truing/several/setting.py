"""What a study over several datasets rests on: the setting of each, and the gain that is searched for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from truing.data.auto_test import JUDGES
from truing.data.data import Data
from truing.data.finding import Finding
from truing.data.outside import Outside
from truing.data.several import refuse_same
from truing.errors import DataError, MetricError, UsageError, short
from truing.record.events import decode, encode
from truing.record.plan import Plan
from truing.record.task import Task
from truing.setting import Setting, prepare
from truing.several.protocol import PerDataset
from truing.statistics.metric import Metric
from truing.statistics.standardised import AGGREGATES

GAIN = "standardised_gain"


def gain_task() -> Task:
    """The task of the study as a whole: the gain over the defaults, in units; more is better."""
    return Task((Metric(GAIN, goal="max"),))


def tasks_of(datasets: Sequence[Outside], task: Callable[[Data], Task]) -> dict[str, Task]:
    """The task of each dataset; they must be of one kind, with one metric.

    Raises:
        MetricError: they are not; or what `task` raises, with the dataset's name before it.
    """
    found = {}
    for one in datasets:
        with_name = _Naming(one.name)
        with with_name:
            found[one.name] = task(one.data)
    (first, of), *others = found.items()
    for name, other in others:
        if other.classification != of.classification or other.primary.name != of.primary.name:
            kinds = [
                f"{n!r} is {'classification' if t.classification else 'regression'} ({t.primary.name})"
                for n, t in ((first, of), (name, other))
            ]
            raise MetricError(f"The datasets of one study are of one kind of task, but {' and '.join(kinds)}.")
    return found


def together(
    datasets: Sequence[Outside],
    *,
    aggregate: str,
    validation: Callable[[Data], Any],
    test: Any,
    **given: Any,
) -> Setting:
    """The setting of a study over these datasets: theirs by name, and a plan that holds the replicates of all.

    Args:
        validation: a dataset -> its protocol.
        test: a share of each dataset, "auto", or None.
        given: as `setting.prepare` takes it.

    Raises:
        UsageError: something does not fit together; where it is of one dataset, its name stands before it.
    """
    refuse_same(tuple(datasets))
    parts: dict[str, Setting] = {}
    replicates: list[Any] = []
    for one in datasets:
        with _Naming(one.name):
            made = prepare(data=one.data, validation=validation(one.data), test=test, **given)
            own = [
                replace(r, index=len(replicates) + place, dataset=one.name)
                for place, r in enumerate(made.plan.replicates)
            ]
            parts[one.name] = replace(made, plan=replace(made.plan, replicates=tuple(own), dataset=one.name))
            replicates += own
    first = next(iter(parts.values()))
    plan = Plan(
        first.plan.seed,
        tuple(replicates),
        epochs=first.plan.epochs,
        threads=first.plan.threads,
        scored=first.plan.scored,
        datasets={name: part.plan for name, part in parts.items()},
    )
    made = Setting(
        gain_task(),
        None,
        None,
        PerDataset({name: part.validation for name, part in parts.items()}, aggregate),
        plan,
        tuple(Finding(f.code, f"{name}: {f.message}") for name, part in parts.items() for f in part.findings),
        reasons=tuple(f"{name}: {_for_several(reason)}" for name, part in parts.items() for reason in part.reasons),
        datasets=parts,
        aggregate=aggregate,
    )
    return replace(made, rope=first.rope) if first.rope.given else made


def described(setting: Setting, datasets: Sequence[Outside], parts: Callable[[Setting], Any]) -> dict[str, Any]:
    """What the journal's `study` event says beside what it says of any study; nothing for one dataset."""
    if not setting.datasets:
        return {}
    first = next(iter(setting.datasets.values()))
    locked = [b"" if p.plan.locked is None else p.plan.locked.tobytes() for p in setting.datasets.values()]
    found = {
        "aggregate": setting.aggregate,
        "data": {
            "data": _digest(*(one.fingerprint() for one in datasets)),
            "test": _digest(*locked) if any(locked) else None,
        },
        "named": [one.describe() for one in datasets],
        "test": next((p.locked.how for p in setting.datasets.values() if p.locked is not None), None),
        "dataset_metric": first.task.primary.name,
        "dataset_goal": first.task.goal,
        "also": [m.name for m in first.task.metrics[1:]],
        "decision": first.task.describe_decision() if len({p.task for p in setting.datasets.values()}) == 1 else "",
        "datasets": {
            name: {
                "rows": part.rows,
                "test_rows": len(part.plan.locked) if part.plan.locked is not None else None,
                "classes": len(part.task.classes) if part.task.classes is not None else None,
                "positive": [part.task.classes[c] for c in part.task.positive]
                if part.task.positive and part.task.classes
                else None,
                "test": part.locked.how if part.locked is not None else None,
                "floor": part.rope.to_dict(),
                "facts": part.data.facts() if part.data is not None else None,
                "parts": parts(part),
            }
            for name, part in setting.datasets.items()
        },
    }
    return dict(decode(encode(found)))


def _for_several(reason: str) -> str:
    """The reason without the nested validation, which is for a study of one dataset."""
    return reason.replace(f", and {JUDGES}", "")


def _digest(*parts: str | bytes) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(hashlib.sha256(part.encode() if isinstance(part, str) else part).digest())
    return found.hexdigest()


def aggregate_of(given: Any) -> str:
    """How gains are put together, itself.

    Raises:
        UsageError: it is neither.

    >>> aggregate_of("worst")
    'worst'
    """
    if not isinstance(given, str) or given not in AGGREGATES:
        raise UsageError(f'aggregate= takes "mean" or "worst" of the gains on the datasets, got {short(given)}.')
    return given


def refuse_what_does_not_combine(given: Mapping[str, Any], test: Any, validation: Any) -> None:
    """Refuse, in one sentence, what is for a study of one dataset.

    Args:
        given: argument -> its value where it is not the default.

    Raises:
        UsageError: something was given.
    """
    if given:
        name = next(iter(given))
        raise UsageError(
            f"{name}={short(given[name])} is for a study of one dataset; leave it out, or make one for each."
        )
    if test is not None and not (isinstance(test, float | int) and not isinstance(test, bool)) and test != "auto":
        raise UsageError(
            f'test= takes a share of each dataset, "auto" or None where data= names several, got {short(test)}.'
        )
    if validation is None:
        raise UsageError("validation=None leaves nothing to compare afresh; several datasets need a protocol.")
    if isinstance(validation, list | tuple):
        raise UsageError("Pairs of (train, valid) rows are of one dataset; give a protocol such as tr.KFold(5).")


def only_for_one(what: str, datasets: Mapping[str, Any]) -> None:
    """Refuse a call that is for a study of one dataset.

    Raises:
        UsageError: the study has several.
    """
    if len(datasets) > 1:
        raise UsageError(f"{what} is for a study of one dataset, and this one has {len(datasets)}.")


class _Naming:
    """What goes wrong inside is said with the name of the dataset before it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, DataError | MetricError | UsageError):
            raise type(error)(f"data[{self._name!r}]: {error}") from error
