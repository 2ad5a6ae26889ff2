"""The choice of what to deliver: from the journal to candidates, and how it was made, for the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from truing.execution.job import Job
from truing.judge import runs_of
from truing.record.history import History
from truing.record.state import State
from truing.record.trial import RunRecord, Trial
from truing.setting import Setting
from truing.statistics.surrogate import MOST, Surrogate, distances, surrogate
from truing.verdict.fresh import Fresh, estimate
from truing.verdict.select import SURROGATE_R2, SURROGATE_WEIGHT, Candidate, choose, standing


@dataclass(frozen=True)
class Surface:
    """The surrogate of a study's search scores.

    Args:
        trials, values: the trials it was fitted to, and their scores.
        fit: None where there are too few of them, or all scores are equal.
    """

    trials: tuple[int, ...]
    values: tuple[float, ...]
    fit: Surrogate | None

    @property
    def believed(self) -> bool:
        return self.fit is not None and self.fit.r2 is not None and self.fit.r2 > SURROGATE_R2

    def of(self, trial: int) -> float | None:
        """What it says of a trial; None where it is not believed or did not see it."""
        if not self.believed or self.fit is None or trial not in self.trials:
            return None
        return float(self.fit.mean(np.array(self.values))[self.trials.index(trial)])

    @property
    def why(self) -> str:
        """Whether it has a say, and why."""
        if self.fit is None:
            return "too few trials, or all with one score, for a surrogate"
        said = f"its cross-validated R2 is {self.fit.r2:.2f}"
        return f"{said}, above {SURROGATE_R2}" if self.believed else f"{said}, not above {SURROGATE_R2}"


def surface_of(history: History, rng: np.random.Generator) -> Surface:
    """The surrogate of the completed trials' search scores; of 300 of them, evenly by rank, where there are more."""
    ranked = history.ranked()
    if len(ranked) > MOST:
        first = ranked[:20]  # those that may race are always among them
        places = np.linspace(20, len(ranked) - 1, MOST - 20).round().astype(int)
        ranked = first + [ranked[place] for place in places]
    trials = sorted(ranked, key=lambda trial: trial.number)
    values = [float(trial.value) for trial in trials if trial.value is not None]
    fit = surrogate(history.space, [trial.config for trial in trials], np.array(values), rng) if trials else None
    return Surface(tuple(trial.number for trial in trials), tuple(values), fit)


@dataclass(frozen=True)
class Selection:
    """What was chosen, among which candidates, by which rule."""

    candidates: Sequence[Candidate]
    place: int
    setting: Setting
    surface: Surface
    race: Fresh | None = None

    @property
    def trial(self) -> Trial:
        return self.candidates[self.place].trial

    def to_dict(self) -> dict[str, Any]:
        """For the verdict: the rule, the candidates with what they were ranked by, and the surrogate's part."""
        goal = self.setting.task.goal
        ranks = standing(self.candidates, goal)
        best = int(np.argmin(ranks))
        fit = self.surface.fit
        return {
            "rule": self.setting.rule,
            "rope": self.setting.rope.to_dict(),
            "best": self.candidates[best].trial.number,
            "surrogate": {
                "used": self.surface.believed and len(self.candidates) > 1,
                "r2": fit.r2 if fit is not None else None,
                "weight": SURROGATE_WEIGHT,
                "reason": self.surface.why,
            },
            "candidates": [
                {
                    "trial": c.trial.number,
                    "as_searched": c.trial.value,
                    "raced": c.raced[0] if c.raced is not None else None,
                    "mean": c.mean,
                    "se": c.error,
                    "surrogate": c.surface,
                    "distance": c.distance,
                }
                # times differ from one machine and moment to the next: they are told where they decide
                | ({"seconds": c.seconds} if self.setting.rule in ("cheapest", "one_se") else {})
                for c in self.candidates
            ],
        }


def select(
    setting: Setting, job: Job, history: History, trials: Sequence[Trial], race: Fresh | None, surface: Surface
) -> Selection:
    """Choose among `trials`, best first by the search.

    Args:
        race: their runs in the race; None where there was none.
    """
    found = [_candidate(setting, job, history, trial, race, surface) for trial in trials]
    place = choose(found, setting.task.goal, rule=setting.rule, rope=setting.rope.width)
    return Selection(found, place, setting, surface, race)


def _candidate(
    setting: Setting, job: Job, history: History, trial: Trial, race: Fresh | None, surface: Surface
) -> Candidate:
    name, runs = setting.task.primary.name, searched(history, trial)
    scores: list[float | None] = [run.scores.get(name) for run in runs]
    times, raced = [run.seconds for run in runs], None
    if race is not None:
        value = estimate(setting, job, race, trial, setting.task.primary, f"trial {trial.number}").value
        raced, scores = (value, len(race.replicates)), [*scores, *race.scores(trial, name)]
        times += [run.seconds for run in race.runs[trial.number] if run is not None]
    away = float(np.sqrt(distances(history.space, [trial.config, history.trial(0).config])[:, 0, 1].sum()))
    return Candidate(
        trial,
        scores,
        len(setting.plan.replicates),
        raced,
        surface.of(trial.number),
        sum(times) / len(times) if times else 0.0,
        away,
    )


def searched(history: History, trial: Trial) -> list[RunRecord]:
    """The trial's search runs that completed."""
    return [run for run in runs_of(history, trial) if run.state is State.COMPLETED]


def sentence(verdict: Mapping[str, Any]) -> str:
    """How the choice was made; empty where there was nothing to choose from."""
    found = verdict.get("selection")
    if not found or len(found["candidates"]) < 2:
        return ""
    many, rule = len(found["candidates"]), found["rule"]
    raced = any(c["raced"] is not None for c in found["candidates"])
    by = "best mean of search and race runs" if raced else "best by the search"
    if found["surrogate"]["used"]:
        by += f", with {found['surrogate']['weight']} of the surrogate (R2 {found['surrogate']['r2']:.2f})"
    rules = {
        "best": f"the {by}",
        "one_se": f"the cheapest within one standard error of the {by}",
        "cheapest": f"the cheapest within {found['rope']['value']:.3g} of the {by}",
        "nearest": f"the nearest to the defaults within {found['rope']['value']:.3g} of the {by}",
    }
    among = f"of the {many} that raced" if raced else f"of the {many} candidates"
    return f"trial {verdict['selected_trial']}, {among}: {rules[rule]}"
