"""Reasons to doubt what a verdict says, found in its predictions, its curves and its space. Runs nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.random import Generator

from truing.record.history import History
from truing.record.state import State
from truing.space.configuration import format_value
from truing.space.encoding import Continuous
from truing.statistics.homogeneity import homogeneity
from truing.statistics.score import predicted
from truing.statistics.tries import TOLERATED, rows_for
from truing.verdict.evidence import Evidence
from truing.verdict.wording import percent

EDGE = 0.05  # of a continuous scale; elsewhere the first or the last value
SURE, APART = 0.01, 0.02  # p value of a shift, and the least difference of shares worth a word
CURVE, RUNS = 3, 3  # reports that make a curve, and runs that make a rule

Doubt = tuple[str, str]


def doubts(evidence: Evidence, history: History, rng: Generator) -> list[Doubt]:
    """(code, sentence) of each; pure."""
    return [
        *_one_class(evidence),
        *_commonest(evidence),
        *_few_validated(evidence, history),
        *_at_edge(evidence, history),
        *_last_epoch(evidence, history),
        *_class_shift(evidence, rng),
    ]


def _one_class(evidence: Evidence) -> Iterator[Doubt]:
    task, given, who = evidence.setting.task, evidence.locked, "The delivered network"
    where = "locked rows"
    if isinstance(given, str):
        given, who, where = evidence.pooled, "Each fresh run", "rows it did not train on"
    if task.classes is None or isinstance(given, str):
        return
    found = np.unique(predicted(given.p[0], task.positive))
    if len(found) == 1 and len(np.unique(given.truth)) > 1:
        label, share = task.classes[int(found[0])], float((given.truth == found[0]).mean())
        yield (
            "one_class",
            f"{who} predicts {label!r} for all of the {where}, and only {percent(share)} of them are of that class.",
        )


def _commonest(evidence: Evidence) -> Iterator[Doubt]:
    task, given, rows = evidence.setting.task, evidence.locked, evidence.setting.plan.rows
    if task.classes is None or task.primary.name == "accuracy" or isinstance(given, str) or rows is None:
        return
    commonest = int(np.bincount(evidence.setting.truth(rows)).argmax())
    floor = float((given.truth == commonest).mean())
    ours = float(np.mean([(predicted(p, task.positive) == given.truth).mean() for p in given.p]))
    if ours <= floor + 1e-12:  # but for rounding
        yield (
            "no_better_than_commonest",
            f"On the locked rows the selected configuration is right in {percent(ours)}, and always guessing the "
            f"commonest class, {task.classes[commonest]!r}, in {percent(floor)}.",
        )


def _few_validated(evidence: Evidence, history: History) -> Iterator[Doubt]:
    setting = evidence.setting
    parts = [replicate.valid for replicate in setting.plan.replicates if replicate.valid is not None]
    tries, rows = len(history.completed), setting.plan.rows
    if not parts or rows is None or tries < 2 or setting.data is None:
        return
    seen, word = np.unique(np.concatenate(parts)), "rows"
    if setting.data.group_labels is not None:
        seen, word = np.unique(setting.data.group_labels[rows[seen]]), "groups"
    wanted = rows_for(tries)
    if len(seen) < wanted:
        luck = TOLERATED * np.sqrt(wanted / len(seen))
        yield (
            "small_validation",
            f"Each trial is scored on {len(seen)} {word}, and {tries} tries need {wanted} for the luck of the best to "
            f"stay below {TOLERATED:g} standard deviations of a row's loss; here it may be {luck:.2f}.",
        )


def _at_edge(evidence: Evidence, history: History) -> Iterator[Doubt]:
    found = []
    for name, value in evidence.selected.config.items():
        scale = history.space.scale(name)
        if not scale.ordered or scale.count < 3 or history.space[name].role == "fixed":
            continue
        if isinstance(scale, Continuous):
            low, high = scale.unit(value) < EDGE, scale.unit(value) > 1 - EDGE
        else:
            low, high = scale.index(value) == 0, scale.index(value) == scale.count - 1
        if low or high:
            found.append(f"{name} ({format_value(value)}, at the {'lower' if low else 'upper'} end)")
    if found:
        verb = "stands" if len(found) == 1 else "stand"
        yield "at_edge", f"Of the selected configuration {', '.join(found)} {verb} at the edge of the range."


def _last_epoch(evidence: Evidence, history: History) -> Iterator[Doubt]:
    fresh = [run for run in evidence.fresh.runs.get(evidence.selected.number, ()) if run is not None]
    runs = [*(history.runs[number] for number in evidence.selected.runs), *fresh]
    sign, last, ends = (1.0 if evidence.setting.task.goal == "min" else -1.0), 0, []
    for run in runs:
        curve = [(epoch, score) for epoch, score in run.curve if score is not None]
        if run.state is not State.COMPLETED or len(curve) < CURVE:
            continue
        best = min(curve, key=lambda point: sign * point[1])[0]
        ends.append(best == curve[-1][0])
        last = max(last, curve[-1][0])
    if len(ends) >= RUNS and sum(ends) > len(ends) / 2:
        yield (
            "best_epoch_last",
            f"In {sum(ends)} of {len(ends)} runs of the selected configuration the best epoch was the last one "
            f"({last}): it may not have learned all it can.",
        )


def _class_shift(evidence: Evidence, rng: Generator) -> Iterator[Doubt]:
    setting = evidence.setting
    rows, locked, task = setting.plan.rows, setting.plan.locked, setting.task
    official = setting.official is not None
    source = setting.official if official else setting.data
    if task.classes is None or rows is None or locked is None or source is None or setting.data is None:
        return
    if source.labels is None or setting.data.labels is None:
        return
    mine, theirs = setting.truth(rows), setting.truth(locked, official=official)
    groups = None
    if setting.data.group_labels is not None and source.group_labels is not None:
        groups = (setting.data.group_labels[rows], source.group_labels[locked])
    found = homogeneity(mine, theirs, rng=rng, groups=groups)
    if found.p is None or found.p >= SURE or found.distance < APART:
        return
    k = len(task.classes)
    shares = [np.bincount(part, minlength=k) / len(part) for part in (mine, theirs)]
    most = int(np.abs(shares[0] - shares[1]).argmax())
    p = f"{found.p:.3f}" if found.p >= 0.001 else "below 0.001"
    yield (
        "class_shift",
        f"The classes are not as common in the locked rows as in the development rows: {task.classes[most]!r} is "
        f"{percent(float(shares[1][most]))} there and {percent(float(shares[0][most]))} here "
        f"({found.test}, p {p}).",
    )
