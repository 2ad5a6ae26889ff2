"""Can the model learn a few rows by heart? One that cannot has a fault, or is too small."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from truing.data.data import Data
from truing.errors import DataError
from truing.execution.job import kept
from truing.record.trial import RunRecord
from truing.space.configuration import format_value
from truing.statistics.constant import constant_predictions
from truing.statistics.metric import METRICS
from truing.verdict.fresh import failure_of
from truing.verdict.wording import percent
from truing.worth.advice import ONE_BATCH, Answer
from truing.worth.layout import BATCH
from truing.worth.ran import NO, NOT_ASKED, UNCLEAR, YES, Ran
from truing.worth.words import scored

LEARNED = 0.1  # of what the constant loses on these rows: below it they are learned
_CAUSES = (
    "a learning rate far too low or too high, labels that do not belong to their rows, frozen layers, a softmax before "
    "the loss, or a model that is too small"
)
_REGULARISERS = (
    "dropout",
    "weight_decay",
    "label_smoothing",
    "drop_path",
    "stochastic_depth",
    "mixup",
    "l2",
    "l1",
    "alpha",
    "penalty",
)


def batch_answer(found: Ran) -> Answer:
    """The defaults, trained on a few rows again and again, and scored on these very rows."""
    why = found.layout.why_not.get(BATCH)
    if why is not None:
        return Answer(ONE_BATCH, NOT_ASKED, f"Not asked: {why}.", reason=why)
    (run,) = found.runs[BATCH]
    failed = failure_of([run], "run")
    if failed is not None or run is None:
        why = failed or "the run did not come to its end"
        text = f"It cannot be told: {why} on the one batch."
        return Answer(ONE_BATCH, UNCLEAR, text, reason=why)
    (split,) = found.layout.replicates(BATCH)
    rows = split.valid
    number = 0 if rows is None else len(rows)
    if run.predictions and found.setting.task.primary.kind != "number":
        share, told, points = _by_predictions(found, run, rows)
    else:
        share, told, points = _by_number(found, run)
    if share is None:
        text = f"It cannot be told: {told}."
        return Answer(ONE_BATCH, UNCLEAR, text, points, {"rows": number}, told)
    figures = {"rows": number, "left": share}
    if share <= LEARNED:
        return Answer(ONE_BATCH, YES, f"The defaults learn {number} rows by heart: {told}.", points, figures)
    against = _regularisers(found)
    repeated = 0 if split.train is None else len(split.train) // max(1, number)
    passes = repeated * (found.layout.epochs or 1)
    of = f"in {passes:,} passes over them" if found.layout.epochs else "in a run that saw nothing else"
    text = f"The defaults do not learn {number} rows by heart {of}: {told}. "
    text += f"Look for a fault first: {_CAUSES}."
    if against:
        text += f" {against} may hold it back, too: try without."
    return Answer(ONE_BATCH, NO, text, points, figures)


def _by_predictions(
    found: Ran, run: RunRecord, rows: np.ndarray | None
) -> tuple[float | None, str, list[dict[str, Any]]]:
    """What is left of the constant's loss on these rows, in words too."""
    setting, task = found.setting, found.setting.task
    if rows is None or setting.plan.rows is None:
        return None, "there are no rows", []
    truth = setting.truth(setting.plan.rows[rows])
    try:
        predicted = kept(found.job, run).astype(np.float64)
    except DataError as error:
        return None, str(error).rstrip("."), []
    if not task.classification:
        spread = float(np.std(truth))
        away = float(np.sqrt(np.mean((predicted - truth) ** 2)))
        points: list[dict[str, Any]] = [
            {"what": "RMSE on the batch", "value": away},
            {"what": "always guessing its mean", "value": spread},
        ]
        if not spread:
            return None, "all rows of the batch have the same y", points
        told = f"RMSE {away:.3g} there, {100 * away / spread:.0f} % of what always guessing their mean gives"
        return away / spread, told, points
    many = len(task.classes or ())
    constant = constant_predictions(METRICS["log_loss"], truth, len(truth), many)
    loss, floor = (float(task.score(METRICS["log_loss"], truth, p).value or 0.0) for p in (predicted, constant))
    right = float(np.mean(predicted.argmax(axis=1) == truth))
    commonest = float(np.max(np.bincount(truth)) / len(truth))
    points = [
        {"what": "accuracy on the batch", "value": right},
        {"what": "log loss on the batch", "value": loss},
        {"what": "log loss of the shares of its classes", "value": floor},
    ]
    if not floor:
        return None, "all rows of the batch are of one class", points
    told = f"accuracy {percent(right)} there, log loss {loss:.3g} (shares of the classes: {floor:.3g})"
    # label smoothing and the like keep probabilities from 1: then all rows right will do
    left = 0.0 if right == 1.0 else min(loss / floor, (1 - right) / (1 - commonest))
    return left, told, points


def _by_number(found: Ran, run: RunRecord) -> tuple[float | None, str, list[dict[str, Any]]]:
    metric = found.setting.task.primary
    value = run.scores.get(metric.name)
    points = [{"what": f"{metric.name} on the batch", "value": value}]
    end = metric.high if metric.goal == "max" else metric.low
    if value is None:
        return None, f"{metric.name} is undefined on the batch", points
    if metric.kind == "number" or not math.isfinite(end):
        what = f"the function reports only the number {metric.name}, and nobody knows how good it can get"
        return None, f"{what} (on the batch it came to {value:.4g})", points
    floor = metric.low if metric.goal == "max" else _constant(found)
    if floor is None or not math.isfinite(floor) or floor == end:
        return None, f"the function reports only numbers ({metric.name} came to {value:.4g} on the batch)", points
    return abs(end - value) / abs(end - floor), f"{scored(metric.name, value)} there", points


def _constant(found: Ran) -> float | None:
    """What the constant scores on the batch itself."""
    setting, task, rows = found.setting, found.setting.task, found.layout.replicates(BATCH)[0].valid
    if rows is None or setting.plan.rows is None:
        return None
    truth = setting.truth(setting.plan.rows[rows])
    many = len(task.classes) if task.classes is not None else None
    constant = constant_predictions(task.primary, truth, len(truth), many)
    return task.score(task.primary, truth, constant).value


def _regularisers(found: Ran) -> str:
    """What the defaults, or the data, have against learning by heart."""
    listed = [
        f"{name} {format_value(value)}"
        for name, value in found.defaults.items()
        if any(part in name for part in _REGULARISERS) and isinstance(value, int | float) and value > 0
    ]
    data = found.setting.data
    if isinstance(data, Data) and data.train_transform is not None:
        listed.append("the train_transform of the data")
    return " and ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)
