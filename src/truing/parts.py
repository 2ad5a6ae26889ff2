"""How many rows, groups and events each part of a study has: counts for the journal, never rows or ids."""

from __future__ import annotations

from typing import Any

import numpy as np

from truing.data.data import Data
from truing.setting import Setting

LISTED = 100  # replicates, and classes, above which only their number is told


def parts_of(setting: Setting) -> dict[str, Any] | None:
    """Counts of all rows, the development rows, the locked rows and the replicates; None without data.

    A part is `rows`, and where there are any `groups` (how many), `events` (rows of each class, in the order of
    `classes`) or `mean` and `sd` of y. `classes` is None where y are no classes, or are more than 100.
    `external` and `negative` have a part for each set from elsewhere, by its name; a row there of a class that the task
    does not know is in none of the `events`. `shared_groups` is how many groups have rows both in the locked and in the
    development part.
    """
    data, plan = setting.data, setting.plan
    if not isinstance(data, Data) or plan.rows is None:
        return None
    classes = setting.task.classes
    found: dict[str, Any] = {
        "classes": list(classes) if classes is not None and len(classes) <= LISTED else None,
        "positive": list(setting.task.positive) if setting.task.positive is not None else None,
        "all": _part(data, None, classes),
        "development": _part(data, plan.rows, classes),
        "locked": None,
        "official": setting.official is not None,
        "replicates": len(plan.replicates),
        "folds": [],
    }
    if plan.locked is not None:
        source = setting.official if setting.official is not None else data
        found["locked"] = _part(source, plan.locked, classes)
        if data.group_labels is not None and source.group_labels is not None:
            here, there = data.group_labels[plan.rows], source.group_labels[plan.locked]
            found["shared_groups"] = len(np.intersect1d(here, there))
    for one in setting.outside:
        found.setdefault(one.kind, {})[one.name] = _part(one.data, None, classes)
    for replicate in plan.replicates[:LISTED]:
        if replicate.train is not None and replicate.valid is not None:
            found["folds"].append(
                {
                    "repeat": replicate.repeat,
                    "fold": replicate.fold,
                    "train": _part(data, plan.rows[replicate.train], classes),
                    "valid": _part(data, plan.rows[replicate.valid], classes),
                }
            )
    return found


def _part(data: Data, rows: np.ndarray | None, classes: tuple[Any, ...] | None) -> dict[str, Any]:
    taken = slice(None) if rows is None else rows
    found: dict[str, Any] = {"rows": len(data) if rows is None else len(rows)}
    if data.group_labels is not None:
        found["groups"] = len(np.unique(data.group_labels[taken]))
    if data.labels is None:
        return found
    labels = data.labels[taken]
    if classes is not None and len(classes) <= LISTED:
        here, counts = np.unique(labels, return_counts=True)
        known = dict(zip(here.tolist(), counts.tolist(), strict=True))
        found["events"] = [known.get(name, 0) for name in classes]
    elif classes is None and labels.dtype.kind in "fiu" and len(labels):
        found["mean"] = float(np.mean(labels))
        found["sd"] = float(np.std(labels, ddof=1)) if len(labels) > 1 else None
    return found
