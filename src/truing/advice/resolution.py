"""The smallest gain that a plan can resolve: a rough guess before the search, measured once runs are there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from truing.judge import runs_of
from truing.record.history import History
from truing.record.state import State
from truing.record.trial import Trial
from truing.setting import Setting, fresh_runs
from truing.statistics.constant import base_rate
from truing.statistics.correlated import resolvable
from truing.statistics.further_gain import residual_variance
from truing.statistics.names import spoken

POWER, LEVEL = 0.8, 0.95
TINY = 1e-12  # of a score: two that differ by less are the same
ALONE = "one run a trial says nothing of its noise"
SEVERAL = "the noise of a gain over several datasets is not reckoned before its verdict"
ROWS, DEFAULTS, TRIALS = "rows", "defaults", "trials"
_POINTS = ("accuracy", "balanced_accuracy", "sensitivity", "specificity", "precision", "negative_predictive_value")
_ENDLESS = 100_000  # fresh runs, in whose place any number may stand
# How much two configurations of a network differ on a fold, over what the rows alone would explain: geometric means
# over twelve small tasks with small networks, all but a few of which lie between half and twice them.
_DISCORDANT = 0.12  # of the base rate's errors, the share of rows that one of the two has right and the other wrong
_LOSS = {"log_loss": 0.55, "brier": 0.42, "rmse": 0.4, "mae": 0.4}  # a row's difference, of the constant's score
_AREA = 0.22  # of the standard error of an area that tells nothing apart


@dataclass(frozen=True)
class Resolution:
    """The smallest true difference to the defaults that the verdict's fresh runs would show.

    Args:
        metric: the study's.
        value: in its unit, with a power of 80 %; None = not known.
        basis: what it is made of: "rows" (a guess), "defaults" (the runs of trial 0) or "trials" (paired runs).
        trials: how many had ended.
        s: standard deviation of the paired differences of two configurations on one split.
        runs: fresh runs a side, on splits of their own.
        spread: n_valid / n_train.
        reason: why there is no value.
    """

    metric: str
    value: float | None
    basis: str
    trials: int = 0
    s: float | None = None
    runs: int | None = None
    spread: float = 0.0
    rows: int | None = None
    made_of: str = ""
    reason: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """For the journal, with its sentence."""
        return {**asdict(self), "power": POWER, "level": LEVEL, "text": sentence(self)}


def guessed(setting: Setting) -> Resolution:
    """Before the first run: from the rows, the folds, the metric and the base rate."""
    empty = _empty(setting, ROWS)
    if empty.reason is not None:
        return empty
    s, why = _guess(setting)
    alone = len(setting.plan.replicates) < 2
    if s is None:
        return replace(empty, reason=f"{why}; {ALONE if alone else 'trial 0 will tell'}")
    valid = [len(r.valid) for r in setting.plan.replicates if r.valid is not None]
    of = (
        f"a guess from {_mean(valid):,.0f} rows to validate a run and the base rate, which may be half or twice as much"
    )
    return _with(empty, s, f"{of}; {ALONE if alone else 'trial 0 will tell more'}")


def measured(setting: Setting, history: History, trials: Sequence[Trial]) -> Resolution:
    """From the runs of some trials that have ended: the defaults alone, or against the better half of several.

    Of the defaults alone, the standard deviation of their scores over the splits stands for that of a paired difference
    (the noise of two sides, less what a split does to both: in small networks on twelve tasks the two were 0.6 to
    1.5 times each other); over seeds, which have little in common, it is √2 times that.
    """
    tables = scores_of(setting, history, trials)
    ended = _ended(trials)
    empty = replace(_empty(setting, TRIALS if len(tables) > 1 else DEFAULTS), trials=ended)
    if empty.reason is not None:
        return empty
    if not tables:
        return replace(empty, reason="no trial with a score on every run has completed")
    first, better = tables[0], better_half(tables, setting.task.goal)
    values = np.array([scores for _, scores in better])
    if values.shape[1] < 2:
        return replace(guessed(setting), trials=ended)
    others = [scores for trial, scores in better if trial.number != 0]
    if not others or len(better) < 2:
        s = float(values[0].std(ddof=1)) * (1.0 if empty.spread > 0 else math.sqrt(2.0))
        of = "the defaults" if first[0].number == 0 else f"trial {first[0].number}"
        made_of, alike = f"by the {values.shape[1]} runs of {of}, still roughly", f"runs of {of} score"
    elif first[0].number == 0:
        against = np.array(others) - np.array(first[1])
        s = math.sqrt(float(against.var(axis=1, ddof=1).mean()))
        made_of = f"by the paired runs of the defaults and the better half of {len(tables)} trials"
        alike = "trials differ from the defaults by"
    else:
        s = between(values)
        made_of, alike = f"by the paired runs of the better half of {len(tables)} trials", "trials differ by"
    if s <= TINY * max(1.0, float(np.abs(values).max())):
        return replace(empty, reason=f"all {alike} the same on every split, so there is no noise to measure")
    return _with(empty, s, made_of)


def resolves(setting: Setting, s: float) -> float | None:
    """What the verdict's fresh runs can resolve, were this the standard deviation of a paired difference."""
    empty = _empty(setting, TRIALS)
    return None if empty.reason is not None else _with(empty, s, "").value


def between(values: np.ndarray) -> float:
    """Standard deviation of the paired difference of two of these trials on one split, float (trials, replicates)."""
    return math.sqrt(2.0 * residual_variance(values))


def scores_of(setting: Setting, history: History, trials: Sequence[Trial]) -> list[tuple[Trial, list[float]]]:
    """The completed ones that have a score on every replicate, in the order of the replicates."""
    name, found = setting.task.primary.name, []
    for trial in trials:
        if trial.state != "completed" or trial.value is None:
            continue
        runs = {run.replicate: run for run in runs_of(history, trial) if run.state is State.COMPLETED}
        scores = [runs[number].scores.get(name) for number in sorted(runs)]
        known = [score for score in scores if score is not None and math.isfinite(score)]
        if len(known) == len(setting.plan.replicates):
            found.append((trial, known))
    return found


def sentence(found: Resolution) -> str:
    """What a person reads, in one paragraph."""
    opening = "Smallest gain this plan can resolve"
    if found.value is None or found.s is None or found.runs is None:
        return f"{opening}: not known, for {found.reason}."
    about = "roughly" if found.basis == ROWS else "about"
    power = f"{100 * POWER:.0f} % power, {found.runs} fresh runs a side"
    return f"{opening}: {about} {amount(found.metric, found.value)} ({power}), {found.made_of}. {_remedy(found)}"


def amount(metric: str, value: float, *, unit: bool = True) -> str:
    """A gain in words: of shares in percentage points, two digits.

    >>> amount("accuracy", 0.0183), amount("log_loss", 0.0712), amount("accuracy", 0.12, unit=False)
    ('1.8 points of accuracy', '0.071 of log loss', '12')
    """
    shown = 100 * value if metric in _POINTS else value
    text = f"{shown:.1e}" if 0 < abs(shown) < 1e-4 or abs(shown) >= 1e6 else _two(shown)
    if not unit:
        return text
    name = spoken(metric)
    return f"{text} point{'' if text == '1' else 's'} of {name}" if metric in _POINTS else f"{text} of {name}"


def _remedy(found: Resolution) -> str:
    """What would lower it, and by how much."""
    if found.value is None or found.s is None or found.runs is None:
        return ""
    fewer = amount(found.metric, found.value / math.sqrt(2), unit=False)
    if found.spread == 0:
        twice = amount(found.metric, resolvable(found.s, 2 * found.runs, 0.0, POWER, LEVEL), unit=False)
        return f"With {2 * found.runs} repeats a side: {twice}."
    endless = amount(found.metric, resolvable(found.s, _ENDLESS, found.spread, POWER, LEVEL), unit=False)
    return f"With twice the rows: {fewer}; with more repeats alone: {endless} at best."


def _empty(setting: Setting, basis: str) -> Resolution:
    """Without a value yet: how many fresh runs there will be, or why there will be none."""
    name = setting.task.primary.name
    if setting.datasets:
        return Resolution(name, None, basis, reason=SEVERAL)
    if setting.validation is None:
        would = "tr.Seeds(5)" if setting.data is None else "tr.KFold(5)"
        why = f"one run a trial leaves nothing to compare afresh; validation={would} would"
        return Resolution(name, None, basis, reason=why)
    block, spread = setting.validation.block, float(setting.validation.spread)
    sizes = [
        (len(r.train), len(r.valid)) for r in setting.plan.replicates if r.train is not None and r.valid is not None
    ]
    if spread > 0 and sizes:
        spread = sum(valid for _, valid in sizes) / sum(train for train, _ in sizes)
    runs = block if getattr(setting.validation, "fixed", False) else fresh_runs(block)
    if runs < 2:
        return Resolution(name, None, basis, reason="there is one split only, so fresh runs tell nothing of others")
    return Resolution(name, None, basis, runs=runs, spread=spread, rows=setting.rows)


def _with(empty: Resolution, s: float, made_of: str) -> Resolution:
    value = resolvable(s, empty.runs or 2, empty.spread, POWER, LEVEL)
    return replace(empty, s=s, value=value, made_of=made_of)


def _guess(setting: Setting) -> tuple[float | None, str]:
    """The standard deviation of a paired difference on one split, or why nothing is known of it."""
    task, rows, metric = setting.task, setting.plan.rows, setting.task.primary
    valid = [len(r.valid) for r in setting.plan.replicates if r.valid is not None]
    if rows is None or not valid or setting.data is None or setting.data.labels is None or metric.kind == "number":
        return None, f"nothing is known of the noise of {metric.name.replace('_', ' ')} before the first run"
    y = setting.truth(rows)
    many = len(task.classes) if task.classes is not None else None
    base, each = base_rate(metric, y, y, many, positive=task.positive, labels=task.classes).value, _mean(valid)
    unknown = f"there is no rule for guessing the noise of {metric.name.replace('_', ' ')}"
    if base is None or not math.isfinite(base):
        return None, unknown
    if metric.name == "accuracy" and base < 1:
        return math.sqrt(_DISCORDANT * (1.0 - base) / each), ""
    if metric.name in _LOSS and base > 0:
        return _LOSS[metric.name] * base / math.sqrt(each), ""
    if metric.name == "roc_auc" and many == 2:
        counts = np.bincount(y.astype(np.int64), minlength=2) * each / len(y)
        if counts.min() > 0:
            return _AREA * math.sqrt(float((1.0 / counts).sum()) / 12.0), ""
    return None, unknown


def better_half(tables: Sequence[tuple[Trial, list[float]]], goal: str) -> Sequence[tuple[Trial, list[float]]]:
    """Those a verdict may choose: what makes bad ones vary says nothing of them. At least two, if there are."""
    sign = 1.0 if goal == "min" else -1.0
    ranked = sorted(tables, key=lambda one: (sign * (one[0].value or 0.0), one[0].number))
    return ranked[: max(2, (len(ranked) + 1) // 2)]


def _ended(trials: Sequence[Trial]) -> int:
    return sum(trial.state in ("completed", "failed", "stopped") for trial in trials)


def _mean(sizes: Sequence[int]) -> float:
    return sum(sizes) / len(sizes)


def _two(value: float) -> str:
    """Two significant digits, without an exponent."""
    if value == 0:
        return "0"
    decimals = max(0, 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{decimals}f}"
    return text.removesuffix(".0") if abs(value) >= 10 else text
