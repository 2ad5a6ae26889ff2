"""The figures of a negative control: how sure the network is of inputs that are of none of its classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from truing.data.outside import Outside
from truing.errors import DataError
from truing.execution.job import Job, kept
from truing.record.state import State
from truing.record.trial import RunRecord
from truing.setting import Setting
from truing.statistics.bootstrap import units
from truing.statistics.delivered import delivered
from truing.statistics.score import predicted
from truing.verdict.figures import interval_dict
from truing.verdict.fresh import Fresh
from truing.verdict.locked import NO_DELIVERY, Aside

MOST = 5  # inputs that are named
NUMBERS = "the function reports only numbers, so nobody knows its probabilities"


def median_of_correct(
    setting: Setting, job: Job, first: RunRecord | None, fresh: Fresh, selected: int
) -> tuple[float, int, str] | str:
    """The median top probability of internal rows that are predicted correctly, their number, and which rows they are.

    The locked rows as the delivered network predicts them; without a locked test the out-of-fold predictions of the
    fresh runs. A sentence where there are none.

    Args:
        selected: the number of the selected trial.
    """
    pairs: list[tuple[np.ndarray, np.ndarray]] = []
    if setting.has_test:
        where, locked = "locked rows", Aside.locked(setting)
        found = locked.read(job, first)
        pairs = [(locked.truth, found)] if found is not None else []
    else:
        where = "validation rows of the fresh runs"
        for run, replicate in zip(fresh.runs.get(selected, ()), fresh.replicates, strict=False):
            if run is None or run.state is not State.COMPLETED or not run.predictions or replicate.valid is None:
                continue
            rows = setting.plan.rows
            positions = replicate.valid if rows is None else rows[replicate.valid]
            try:
                pairs.append((setting.truth(positions), kept(job, run).astype(np.float64)))
            except DataError:
                continue
    tops = [p.max(axis=1)[_right(setting, y, p)] for y, p in pairs]
    together = np.concatenate(tops) if tops else np.empty(0)
    if not len(together):
        return f"no prediction for the {where} that is correct is kept"
    return float(np.median(together)), len(together), where


def _right(setting: Setting, y: np.ndarray, p: np.ndarray) -> np.ndarray:
    return predicted(p, setting.task.positive) == y


def figures(
    setting: Setting,
    one: Outside,
    predictions: np.ndarray | None,
    compared: tuple[float, int, str] | str,
    rng: np.random.Generator,
    why: str | None = None,
) -> dict[str, Any]:
    """What is said of one negative control.

    Args:
        predictions: the delivered network's, (n, classes); None where it gave none.
        compared: as `median_of_correct` gives it.
        why: the reason where there are no predictions.

    Returns:
        rows, groups; `above`: the share of inputs whose top probability is above the median of the correct internal
        ones, with Wilson's interval, by groups where there are any; `most`: the inputs that look most like a class, as
        positions in the Data given, class and probability.
    """
    groups = one.data.group_labels
    found: dict[str, Any] = {
        "rows": len(one.data),
        "groups": None if groups is None else units(len(one.data), groups).number,
    }
    undefined = why or NO_DELIVERY if predictions is None else compared if isinstance(compared, str) else None
    if undefined is not None or predictions is None or isinstance(compared, str):
        nothing = {"value": None, "low": None, "high": None, "method": "", "reason": undefined}
        return {**found, "median": None, "correct": None, "of": None, "above": nothing, "most": [], "by_class": None}
    median, correct, where = compared
    top = predictions.max(axis=1)
    above = (top > median).astype(float)
    # the share of inputs that are above is an accuracy whose truth is "above" for all: one method for both
    share = delivered(
        "accuracy", np.ones(len(top), dtype=np.int64), np.column_stack([1 - above, above]), rng=rng, groups=groups
    )
    classes = setting.task.classes or ()
    order = np.argsort(-top, kind="stable")[:MOST]
    chosen = predictions.argmax(axis=1)
    by_class: Sequence[float] = (np.bincount(chosen, minlength=len(classes)) / len(chosen)).tolist()
    return {
        **found,
        "median": median,
        "correct": correct,
        "of": where,
        "above": interval_dict(share),
        "most": [
            {"position": int(row), "class": classes[int(chosen[row])], "probability": float(top[row])} for row in order
        ],
        "by_class": [{"class": label, "share": part} for label, part in zip(classes, by_class, strict=True)],
    }
