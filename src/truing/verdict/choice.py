"""What the choice flatters by: the whole rule repeated in resamples of the rows, and the search watched for overtuning.

Complete rows only. The configurations are the completed trials all of whose search runs have kept predictions. In each
resample the rule chooses on the rows drawn: the best by the search's predictions, as many as raced; of those the ones
that raced, which alone have further predictions; and of these the best by the study's rule, with the surrogate's
smoothing where it was believed. What it chose is scored on the rows left out, by the predictions of the race, on whose
splits and seeds nothing rests but the last step. Without a race the choice and the score are by the search's
predictions. A configuration that did not race never stands, with fewer repeats, beside one that did: that would
over-correct by a point and more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.random import Generator

from truing.errors import DataError
from truing.execution.job import Job, kept
from truing.record.epoch import EpochRule
from truing.record.history import History
from truing.record.state import State
from truing.record.trial import Replicate, RunRecord, Trial
from truing.setting import Setting
from truing.statistics.bootstrap import Units, resamples, units
from truing.statistics.choice_bias import along_the_search, corrected_for_choice, optimism_of_choice
from truing.statistics.metric import Metric
from truing.statistics.row_scores import MEANS, row_scores
from truing.statistics.score import parts
from truing.verdict.paired import plain
from truing.verdict.select import Candidate, choose
from truing.verdict.selection import Selection, searched
from truing.verdict.wording import number, places

METHOD = "bootstrap bias corrected CV"
OPTIMISM = "bootstrap optimism of the choice"
NO_RACE = "there was no race, so that the search's single runs are all there is to choose by"
MOST_TRIALS = 300
MOST_SCORES = 40_000_000  # of rows x configurations, beyond which resampling would take minutes
SECONDS = 2.0  # of resampling, as a rule of thumb by which their number is set; never by a clock
FEWEST = 100  # resamples
REMEMBERED = 4  # tables of scores, each of one resample
POINTS = 60  # of the figure along the search


@dataclass(frozen=True)
class Scores:
    """The scores of some configurations, run by run, under any weights of the rows.

    Args:
        runs: for each replicate its rows, and from weights of these rows to the score of every configuration, (k,).
        number: of configurations.
    """

    runs: Sequence[tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]]
    number: int
    _known: dict[bytes, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    def table(self, weights: np.ndarray) -> np.ndarray:
        """The score of each run, float (runs, k); NaN where undefined on the rows that have weight.

        The last few are remembered: of one resample it is asked for the choice and again for each candidate judged.
        """
        key = weights.tobytes()
        if key not in self._known:
            if len(self._known) >= REMEMBERED:
                del self._known[next(iter(self._known))]
            found = self._table(weights)
            found.flags.writeable = False
            self._known[key] = found
        return self._known[key]

    def _table(self, weights: np.ndarray) -> np.ndarray:
        found = np.full((len(self.runs), self.number), np.nan)
        for place, (rows, scores) in enumerate(self.runs):
            own = weights[rows]
            if own.any():
                found[place] = scores(own)
        return found

    def means(self, weights: np.ndarray) -> np.ndarray:
        """Their means, float (k,): a ranking metric is never pooled over folds, whose scales differ."""
        return mean_of_known(self.table(weights))


def mean_of_known(table: np.ndarray) -> np.ndarray:
    """Over the first axis, of what is not NaN; NaN where nothing is.

    >>> mean_of_known(np.array([[1.0, np.nan], [3.0, np.nan]])).tolist()
    [2.0, nan]
    """
    known = ~np.isnan(table)
    count = known.sum(axis=0)
    return np.divide(np.where(known, table, 0.0).sum(axis=0), count, out=np.full(len(count), np.nan), where=count > 0)


def figures(setting: Setting, job: Job, history: History, selection: Selection, rng: Generator) -> dict[str, Any]:
    """`optimism`: by how much the choice on these rows flatters what it chose; `bbc`: the score of what the whole rule
    chooses, on rows outside the choice; `overtuning`: the search along its trials.

    Each is None inside with its `reason`, where there are no predictions to resample.
    """
    why = _unfit(setting)
    trials = [t for t in history.trials if t.state == "completed" and t.value is not None]
    if why is None and len(trials) < 2:
        why = "there was only one configuration to choose from"
    if why is None and setting.validation is not None:
        if len(trials) > MOST_TRIALS:
            best = {t.number for t in history.ranked()[:MOST_TRIALS]}
            trials = [t for t in trials if t.number in best]
        try:
            return _figures(setting, job, history, selection, trials, rng)
        except DataError as error:
            why = str(error)
    none = {"value": None, "method": OPTIMISM, "reason": why}
    return {
        "optimism": none,
        "bbc": _none(why or ""),
        "overtuning": {"trials": [], "as_searched": [], "corrected": [], "reason": why},
    }


def _none(why: str) -> dict[str, Any]:
    return {
        "value": None,
        "low": None,
        "high": None,
        "method": METHOD,
        "reason": why,
        "configurations": 0,
        "race": False,
    }


def _unfit(setting: Setting) -> str | None:
    if setting.data is None or setting.plan.rows is None or setting.data.labels is None:
        return "there are no rows to resample"
    if setting.task.primary.kind == "number":
        return "the function reported numbers, and rows cannot be resampled in a number"
    if EpochRule.read(setting.plan.scored).kind == "mean":
        return "the score is a mean of several reports, and the predictions of only one are kept"
    return None


def _figures(
    setting: Setting, job: Job, history: History, selection: Selection, trials: Sequence[Trial], rng: Generator
) -> dict[str, Any]:
    plan, metric = setting.plan, setting.task.primary
    rows = np.unique(np.concatenate([r.valid for r in plan.replicates if r.valid is not None]))
    race, size = selection.race, sum(len(r.valid) for r in plan.replicates if r.valid is not None)
    if len(trials) * size > MOST_SCORES:
        raise DataError(f"{len(trials)} configurations on {len(rows):,} rows are too many to resample")
    full = Scored(setting, job, metric)
    search = full.scores([searched(history, t) for t in trials], plan.replicates)
    raced: Scores | None = None
    if race is not None:
        ends = [[run for run in race.runs[c.trial.number] if run is not None] for c in selection.candidates]
        if any(len(runs) < len(race.replicates) for runs in ends):
            raise DataError("a run of the race failed, so its predictions are not complete")
        raced = full.scores(ends, race.replicates)
        rows = np.unique(np.concatenate([rows, *(r.valid for r in race.replicates if r.valid is not None)]))
    of, number = full.units(rows), _resamples(metric, len(trials), size, len(plan.replicates), len(rows))

    def everywhere(weights: np.ndarray) -> np.ndarray:
        """Of the rows that anybody was validated on, as weights of all development rows."""
        spread = np.zeros(full.number)
        spread[rows] = weights
        return spread

    rule = _Rule(selection, [t.number for t in trials], search, raced, setting.task.goal)
    found = corrected_for_choice(
        lambda w: rule.choose(everywhere(w)),
        lambda place, w: rule.judge(place, everywhere(w)),
        of,
        len(rows),
        rng,
        number=number,
    )
    flattery = None
    if raced is not None:
        flattery = optimism_of_choice(
            lambda w: rule.choose(everywhere(w)),
            lambda place, w: rule.apparent(place, everywhere(w)),
            of,
            len(rows),
            rng,
            number=max(FEWEST, number // 2),
        )
    worth = along_the_search(
        lambda w: search.means(everywhere(w)), setting.task.goal, of, len(rows), rng, number=max(FEWEST, number // 2)
    )
    undefined = None if flattery is not None else "it is undefined in too many resamples" if raced else NO_RACE
    return {
        "optimism": {"value": flattery, "method": OPTIMISM, "reason": undefined},
        "bbc": {
            **plain(found),
            "configurations": len(trials),
            "raced": len(selection.candidates) if raced is not None else 0,
            "race": raced is not None,
            "resamples": number,
        },
        "overtuning": _overtuning(trials, worth, setting.task.goal),
    }


@dataclass(frozen=True)
class Scored:
    """From runs with kept predictions to scores under weights."""

    setting: Setting
    job: Job
    metric: Metric

    @property
    def number(self) -> int:
        """Of development rows."""
        return int(self.setting.rows or 0)

    def scores(self, runs: Sequence[Sequence[RunRecord]], replicates: Sequence[Replicate]) -> Scores:
        """Of some configurations, each with one completed run a replicate.

        Raises:
            DataError: predictions are missing or damaged, or only the loss was kept.
        """
        found, plan = [], self.setting.plan
        ordered = [{run.replicate: run for run in own} for own in runs]
        for replicate in replicates:
            if replicate.valid is None or plan.rows is None:
                raise DataError("there are no rows to resample")
            truth = self.setting.truth(plan.rows[replicate.valid])
            predictions = (self._kept(own.get(replicate.index)) for own in ordered)
            found.append((replicate.valid, self._scored(truth, predictions)))
        return Scores(found, len(runs))

    def _kept(self, run: RunRecord | None) -> np.ndarray:
        if run is None or run.state is not State.COMPLETED or not run.predictions:
            which = "a run" if run is None else f"run {run.id}"
            raise DataError(
                f"of {which} no predictions were kept (beyond 1 GB a study keeps the loss of each row alone)"
            )
        return kept(self.job, run).astype(np.float64)

    def _scored(self, truth: np.ndarray, predictions: Iterable[np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
        positive, by_row, others = self.setting.task.positive, [], []
        for p in predictions:
            own = row_scores(self.metric, truth, p, positive)
            if own is not None:
                by_row.append(own)
            else:
                others.append(parts(self.metric, truth, p, positive=positive))
        if by_row:
            table = np.array(by_row)
            return lambda w: np.asarray(table @ w / w.sum())
        return lambda w: np.array([float(np.mean(of(w))) for of in others])

    def units(self, rows: np.ndarray) -> Units:
        """Whole groups where the rows have groups."""
        data, plan = self.setting.data, self.setting.plan
        groups = data.group_labels if data is not None else None
        return units(len(rows), groups[plan.rows[rows]] if groups is not None and plan.rows is not None else None)


@dataclass(frozen=True)
class _Rule:
    """The whole choice rule on any weights of the rows."""

    selection: Selection
    trials: Sequence[int]
    search: Scores
    raced: Scores | None
    goal: str

    def choose(self, weights: np.ndarray) -> int | None:
        """A candidate's place with a race, a trial's place without."""
        scores = self.search.table(weights)
        means = mean_of_known(scores)
        losses = np.where(np.isnan(means), np.inf, means if self.goal == "min" else -means)
        if not np.isfinite(losses).any():
            return None
        candidates = self.selection.candidates
        places = list(range(len(candidates)))
        if self.raced is None and len(candidates) < 2:
            return int(np.argmin(losses))
        if self.raced is not None:
            first = {self.trials[place] for place in np.argsort(losses, kind="stable")[: len(candidates)]}
            places = [place for place in places if candidates[place].trial.number in first] or places
        at = {number: place for place, number in enumerate(self.trials)}
        places.sort(key=lambda place: losses[at[candidates[place].trial.number]])
        again = self.raced.table(weights) if self.raced is not None else None
        surface = self._surface(means)
        field = [self._candidate(candidates[p], at, scores, means, None if again is None else again[:, p], surface)
                 for p in places]  # fmt: skip
        setting = self.selection.setting
        chosen = places[choose(field, self.goal, rule=setting.rule, rope=setting.rope.width)]
        return chosen if self.raced is not None else at[candidates[chosen].trial.number]

    def judge(self, place: int, weights: np.ndarray) -> float:
        return float((self.raced or self.search).means(weights)[place])

    def apparent(self, place: int, weights: np.ndarray) -> float:
        """Of a candidate of the race, over its runs of search and race together: what it is chosen by."""
        if self.raced is None:
            return self.judge(place, weights)
        at = self.trials.index(self.selection.candidates[place].trial.number)
        own = [*self.search.table(weights)[:, at], *self.raced.table(weights)[:, place]]
        return float(mean_of_known(np.array(own)[:, None])[0])

    def _candidate(
        self,
        own: Candidate,
        at: Mapping[int, int],
        scores: np.ndarray,
        means: np.ndarray,
        again: np.ndarray | None,
        surface: Mapping[int, float],
    ) -> Candidate:
        """The candidate as it would stand, were these the rows."""
        place, raced = at[own.trial.number], own.raced
        every = [*scores[:, place], *(() if again is None else again)]
        if again is not None:
            mean = mean_of_known(again[:, None])[0]
            raced = (None if np.isnan(mean) else float(mean), len(again))
        return replace(
            own,
            trial=replace(own.trial, value=None if np.isnan(means[place]) else float(means[place])),
            scores=[None if np.isnan(v) else float(v) for v in every],
            raced=raced,
            surface=surface.get(own.trial.number),
        )

    def _surface(self, means: np.ndarray) -> dict[int, float]:
        """The surrogate's smoothing of these scores; its lengths and noise stay as they were."""
        surface = self.selection.surface
        if not surface.believed or surface.fit is None:
            return {}
        by_trial = dict(zip(self.trials, means, strict=True))
        values = np.array([by_trial.get(number, np.nan) for number in surface.trials])
        smooth = surface.fit.mean(np.where(np.isnan(values), surface.values, values))
        return dict(zip(surface.trials, smooth.tolist(), strict=True))


def _resamples(metric: Metric, trials: int, size: int, runs: int, rows: int) -> int:
    """How many resamples some seconds allow, by counting operations: never by a clock, so that it is reproducible."""
    one = 3e-4 + trials * size * (2e-9 if metric.name not in ("roc_auc", "average_precision") else 3e-8)
    one += 0.0 if metric.name in MEANS else trials * runs * 4e-5
    return int(min(resamples(rows), max(FEWEST, SECONDS / one)))


def _overtuning(trials: Sequence[Trial], worth: np.ndarray, goal: str) -> dict[str, Any]:
    """The best so far as the search saw it and as it is worth, and how far the second fell behind its own best."""
    values = np.array([t.value for t in trials], dtype=float)
    best = np.minimum.accumulate(values) if goal == "min" else np.maximum.accumulate(values)
    good = ~np.isnan(worth)
    if not good.any():
        return {"trials": [], "as_searched": [], "corrected": [], "reason": "it is undefined in every resample"}
    sign, first, half = (1.0 if goal == "max" else -1.0), int(np.flatnonzero(good)[0]), len(trials) // 2
    lost = float((sign * (worth[good] - worth[-1])).max())
    shown = np.unique(np.linspace(first, len(trials) - 1, min(POINTS, len(trials) - first)).round().astype(int))
    return {
        "trials": [trials[place].number for place in shown],
        "as_searched": [float(best[place]) for place in shown],
        "corrected": [None if np.isnan(worth[place]) else float(worth[place]) for place in shown],
        "since": trials[max(half, first)].number,
        "rise": float(sign * (best[-1] - best[max(half, first)])),
        "corrected_rise": float(sign * (worth[-1] - worth[max(half, first)])),
        "lost": max(0.0, lost),
        "reason": None,
    }


def sentence(verdict: Mapping[str, Any]) -> str:
    """Whether the search was still finding something, in words; empty where it cannot be told."""
    found = verdict.get("overtuning") or {}
    if not found.get("trials"):
        return ""
    decimals = places(found["as_searched"][-1])
    rise, real = found["rise"], found["corrected_rise"]
    small = 0.5 * 10**-decimals
    text = f"since trial {found['since']} the best score improved by {number(max(rise, 0.0), decimals)}"
    if rise < small:
        return f"since trial {found['since']} the best score did not improve any more"
    if real >= 0.5 * rise:
        return f"{text}, what it is worth on rows outside the choice by {number(real, decimals)}: no overtuning seen"
    by = f"by {number(real, decimals)}" if real >= small else "not at all" if real > -small else ""
    if by:
        return f"{text}, what it is worth on rows outside the choice {by}: overtuning, further trials fit these rows"
    worse = number(-real, decimals)
    return f"{text}, what it is worth on rows outside the choice worsened by {worse}: overtuning, trials fit these rows"
