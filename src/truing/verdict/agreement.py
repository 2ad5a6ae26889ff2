"""How far trainings of the selected configuration agree with each other, and who is right where they do not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator

from truing.statistics.agreement import agreement as agreeing
from truing.statistics.bootstrap import bootstrap, units
from truing.statistics.interval import Interval
from truing.statistics.score import predicted
from truing.statistics.share import share
from truing.verdict.evidence import Evidence
from truing.verdict.figures import interval_dict


def agreement(evidence: Evidence, rng: Generator) -> dict[str, Any]:
    """Of the refits on the locked rows, which differ in their seeds alone; else of the fresh repeats, out of fold.

    `mean` is the mean over rows of the share of pairs of trainings that predict the same class, `unanimous` the share
    of rows on which all do, `right_where_split` the share of right predictions on the others, `right_where_unanimous`
    that on these. Intervals are over rows, or groups, for these very trainings.
    """
    found: dict[str, Any] = {
        "of": None,
        "trainings": None,
        "rows": None,
        "split_rows": None,
        "mean": None,
        "unanimous": None,
        "right_where_unanimous": None,
        "right_where_split": None,
        "reason": None,
    }
    if not evidence.setting.task.classification:
        return found | {"reason": "trainings of a regression agree on no class"}
    made = _classes(evidence)
    if isinstance(made, str):
        return found | {"reason": made}
    classes, truth, groups, of = made
    result = agreeing(classes)
    if result.mean is None:
        return found | {"of": of, "trainings": len(classes), "reason": result.reason}
    together = result.rows == 1
    cast = (classes >= 0).sum(axis=0)
    right = ((classes == truth) & (classes >= 0)).sum(axis=0) / cast
    pick = lambda where: None if groups is None else groups[where]  # noqa: E731
    nowhere = Interval(None, None, None, "", "the trainings agree on every row")
    never = Interval(None, None, None, "", "the trainings agree on no row")
    split = _mean(right[~together], pick(~together), rng) if not together.all() else nowhere
    if not together.all() and len(evidence.setting.task.classes or ()) == 2 and (cast == 2).all():
        split = Interval(None, None, None, "", "where two trainings differ on two classes, one of them is right")
    return found | {
        "of": of,
        "trainings": int(cast.max()),
        "rows": len(truth),
        "split_rows": int((~together).sum()),
        "mean": interval_dict(_mean(result.rows, groups, rng)),
        "unanimous": interval_dict(share(together, rng=rng, groups=groups)),
        "right_where_unanimous": interval_dict(
            share(right[together] == 1, rng=rng, groups=pick(together)) if together.any() else never
        ),
        "right_where_split": interval_dict(split),
    }


def _classes(evidence: Evidence) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, str] | str:
    """Classes predicted, int (trainings, rows), -1 where one did not predict a row; truth, groups, and of what."""
    positive, locked = evidence.setting.task.positive, evidence.locked
    if not isinstance(locked, str):
        classes = np.stack([predicted(p, positive) for p in locked.p])
        return classes, locked.truth, locked.units, "refits on the locked rows, which differ in their seeds alone"
    parts = evidence.out_of_fold
    if isinstance(parts, str):
        return parts
    every = np.unique(np.concatenate([part.rows for part in parts]))
    table = np.full((len(parts), len(every)), -1)
    truth = np.zeros(len(every), dtype=np.int64)
    groups = None if parts[0].units is None else np.empty(len(every), dtype=parts[0].units.dtype)
    for training, part in enumerate(parts):
        at = np.searchsorted(every, part.rows)
        table[training, at], truth[at] = predicted(part.p[0], positive), part.truth
        if groups is not None and part.units is not None:
            groups[at] = part.units
    twice = (table >= 0).sum(axis=0) >= 2
    if not twice.any():
        return "no row was predicted by two fresh runs"
    of = "fresh runs, out of fold, which differ in their splits and seeds"
    return table[:, twice], truth[twice], None if groups is None else groups[twice], of


def _mean(values: np.ndarray, groups: np.ndarray | None, rng: Generator) -> Interval:
    """The mean of rows with the percentile bootstrap over rows or groups."""
    of, value = units(len(values), groups), float(values.mean())
    method = f"percentile bootstrap over {of.word}"
    drawn, trouble = bootstrap(lambda w: float(w @ values / w.sum()), of, len(values), rng)
    if trouble is not None:
        return Interval(value, None, None, method, trouble)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(value, float(low), float(high), method)
