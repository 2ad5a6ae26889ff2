"""Do the defaults beat a prediction that does not look?"""

from __future__ import annotations

import numpy as np

from truing.errors import DataError
from truing.execution.job import kept
from truing.statistics.comparison import corrected_t
from truing.statistics.constant import constant_predictions
from truing.statistics.interval import Interval
from truing.statistics.row_scores import row_scores
from truing.statistics.rows_and_folds import rows_and_folds
from truing.worth.advice import BASE_RATE, Answer
from truing.worth.layout import BASE
from truing.worth.ran import NO, NOT_ASKED, UNCLEAR, WORSE, YES, Ran, turned
from truing.worth.words import interval_dict, moved, scored, spoken

_CAUSES = "labels that do not belong to their rows, a learning rate far off, x without a scale"


def base_rate_answer(found: Ran) -> Answer:
    """The defaults' score on each split against the constant fitted on its training rows, paired."""
    setting, metric = found.setting, found.setting.task.primary
    why = None
    if setting.data is None or setting.plan.rows is None:
        why = "without data= there is no guess to compare with"
    elif setting.validation is None:
        why = "validation=None keeps no rows to score a guess on"
    elif metric.kind == "number":
        why = f"{metric.name} is a number of your own, so nobody knows what a guess would score"
    elif setting.data.labels is None:
        why = "there are no labels"
    if why is not None:
        return Answer(BASE_RATE, NOT_ASKED, f"Not asked: {why}.", reason=why)
    ours, failed = found.mean(BASE), found.failure(BASE)
    floors, constants = _constants(found)
    if failed is not None or ours is None or any(score is None for score in floors):
        why = failed or f"{metric.name} of the guess is undefined"
        return Answer(BASE_RATE, UNCLEAR, f"It cannot be told: {why}.", reason=why)
    floor = float(np.mean([score for score in floors if score is not None]))
    gain = _gain(found, floors, constants)
    answer = found.answer(gain)
    guess = _guess(found)
    sides = f"{scored(metric.name, ours)} against {scored(metric.name, floor).removeprefix(_name(metric.name))}"
    more = moved(metric.name, gain, ours, floor)
    number = len(floors)
    if answer == YES:
        text = f"The defaults beat {guess}: {sides}, {more}."
    elif answer == WORSE:
        text = f"The defaults do worse than {guess}: {sides}, {more}. "
        text += f"Usual causes: {_CAUSES}."
    elif answer == NO:
        text = f"No signal: the defaults score as {guess} does ({sides}; {more}). Usual causes: {_CAUSES}."
    else:
        of = "splits" if found.layout.splits > 1 else "seeds"
        text = f"No signal shown: with {number} {of} the defaults cannot be told from {guess}: {sides}, {more}. "
        text += f"Usual causes: {_CAUSES}; or too few rows."
    points = ({"what": "the defaults", "value": ours}, {"what": guess, "value": floor})
    return Answer(BASE_RATE, answer, text, points, {"gain": interval_dict(gain), "splits": number}, gain.reason)


def _name(metric: str) -> str:
    return f"{spoken(metric)} "


def _guess(found: Ran) -> str:
    metric = found.setting.task.primary
    if not found.setting.task.classification:
        return "always guessing the median" if metric.name == "mae" else "always guessing the mean"
    if metric.kind == "probability":
        return "always giving the shares of the classes"
    return "always guessing the commonest class"


def _constants(found: Ran) -> tuple[list[float | None], list[np.ndarray]]:
    """What the constant of each split's training rows scores on its validation rows, and its predictions there."""
    setting, task = found.setting, found.setting.task
    many = len(task.classes) if task.classes is not None else None
    scores, predictions = [], []
    for one in found.layout.replicates(BASE):
        if setting.plan.rows is None or one.train is None or one.valid is None:
            return [None], []
        y, truth = (setting.truth(setting.plan.rows[rows]) for rows in (one.train, one.valid))
        constant = constant_predictions(task.primary, y, len(truth), many)
        scores.append(task.score(task.primary, truth, constant).value)
        predictions.append(constant)
    return scores, predictions


def _gain(found: Ran, floors: list[float | None], constants: list[np.ndarray]) -> Interval:
    """By rows and folds where the metric is a mean over rows, else by the corrected resampled t; above 0 = better."""
    try:
        interval = _by_rows(found, constants)
    except DataError as error:
        interval = Interval(None, None, None, "", str(error))
    if interval.low is None:
        pairs = zip(found.scores(BASE), floors, strict=True)
        gaps = [a - b for a, b in pairs if a is not None and b is not None]
        interval = corrected_t(gaps, found.spread(found.layout.replicates(BASE)))
    return turned(interval, found.sign)


def _by_rows(found: Ran, constants: list[np.ndarray]) -> Interval:
    setting, task, rows = found.setting, found.setting.task, found.setting.plan.rows
    if rows is None or setting.data is None:
        raise DataError("there are no rows")
    total, count, folds = np.zeros(len(rows)), np.zeros(len(rows)), []
    for one, run, constant in zip(found.layout.replicates(BASE), found.runs[BASE], constants, strict=True):
        if run is None or not run.predictions:
            raise DataError("not all of the runs have kept predictions")
        truth = setting.truth(rows[one.valid])
        predicted = kept(found.job, run).astype(np.float64)
        ours, theirs = (row_scores(task.primary, truth, p, task.positive) for p in (predicted, constant))
        if ours is None or theirs is None:
            raise DataError(f"{task.primary.name} is no mean over rows")
        total[one.valid] += ours - theirs
        count[one.valid] += 1
        folds.append(float((ours - theirs).mean()))
    seen, groups = count > 0, setting.data.group_labels
    return rows_and_folds(total[seen] / count[seen], folds, groups=None if groups is None else groups[rows[seen]])
