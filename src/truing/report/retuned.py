"""What each architecture reaches with the other parameters tuned for it, from a nested search."""

from __future__ import annotations

import html
import json
import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from truing.errors import UsageError
from truing.one_at_a_time.sweep import short
from truing.record.history import History
from truing.record.trial import Trial
from truing.report.columns import clip, pad, plain
from truing.report.facts import name_of
from truing.report.front import PARAMETERS, SECONDS, cost_of
from truing.search.nested import modules_as_told
from truing.space.configuration import format_value
from truing.space.encoding import default_of
from truing.statistics.equal_tries import BestOf, behind, best_of, tries_for

SHOWN = 12  # architectures in a table of the terminal
_WIDTH = 80
_NAMES = 30


@dataclass(frozen=True)
class Architecture:
    """One architecture, with what was tuned for it.

    Args:
        values: what makes it: name -> value.
        trials: numbers of its trials, those that failed among them.
        untuned: the score with all else at its defaults; None where that failed.
        of: the expected best of equally many tries for all architectures, with a 95 % interval; the defaults, which
            nobody drew, are not among them. None without a score.
        best: its best trial, and that one's score; None without a score.
        apart: is it worse than the one with the best `of`? All answers hold together with 95 %. None = there is no
            telling; for that one itself, too.
        seconds: median of a run.
        parameters: of the network, where the function reports them; the median where they vary.
    """

    values: Mapping[str, Any]
    trials: tuple[int, ...]
    untuned: float | None
    of: BestOf | None
    best: tuple[int, float] | None
    apart: bool | None
    seconds: float | None
    parameters: float | None

    @property
    def label(self) -> str:
        """Its values in words."""
        return ", ".join(f"{plain(name)} {plain(format_value(value))}" for name, value in self.values.items())


@dataclass(frozen=True)
class Retuned:
    """Architectures, each with the other parameters tuned for it by equally many trials. `print` it.

    Args:
        metric, goal: what they are judged by.
        outer, inner: names of what makes an architecture, and of what was tuned for each.
        tries: the expected best of how many is compared.
        architectures: the best first, those without a score last.

    >>> of = BestOf(1, 2, 0.25, None, None)
    >>> one = Architecture({"depth": 2}, (0, 1, 2), 0.5, of, (1, 0.25), None, 1.0, None)
    >>> Retuned("log_loss", "min", ("depth",), ("learning_rate",), 1, (one,)).sentence
    'depth 2 alone gave a score, 0.25.'
    """

    metric: str
    goal: str
    outer: tuple[str, ...]
    inner: tuple[str, ...]
    tries: int
    architectures: tuple[Architecture, ...]

    @property
    def sentence(self) -> str:
        """What is seen."""
        scored = [one for one in self.architectures if one.of is not None]
        if not scored:
            ran = any(one.untuned is not None for one in self.architectures)
            what = "has a trial yet in which anything was tuned" if ran else "gave a score"
            return f"No architecture of {len(self.architectures)} {what}."
        first = scored[0]
        value = "" if first.of is None else format_value(first.of.value)
        others = scored[1:]
        if not others:
            return f"{first.label} alone gave a score, {value}."
        told = (
            f"{first.label} reaches the best {plain(self.metric)} of {len(scored)} architectures tuned alike, {value}"
        )
        if any(one.apart is None for one in others):
            return told + "; so few trials each do not say how surely."
        close = sum(one.apart is False for one in others)
        if close == 0:
            return told + "; all others are worse beyond chance."
        if close == len(others):
            return told + "; no other can be told from it."
        return told + f"; {close} other{'s' * (close > 1)} cannot be told from it."

    @property
    def against(self) -> str:
        """Whether tuning changed which is best, in a sentence; empty where nothing ran with the defaults."""
        known = [one for one in self.architectures if one.untuned is not None]
        if len(known) < 2 or known[0] is not self.architectures[0]:
            return ""
        sign = 1.0 if self.goal == "min" else -1.0
        before = min(known, key=lambda one: sign * (one.untuned or 0.0))
        if before is known[0]:
            return "It is the best with the others at their defaults, too."
        place = 1 + [one.label for one in self.architectures].index(before.label)
        return (
            f"With the others at their defaults it would have been {before.label} "
            f"({format_value(before.untuned)}), which tuned is number {place}."
        )

    def said(self) -> list[str]:
        """What is seen, and how to take it."""
        counts = [len(one.trials) - (one.untuned is not None) for one in self.architectures]
        each = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
        what = f"the expected best of {self.tries} trials" if self.tries > 1 else "the mean of the trials"
        notes = [
            f"The score is {what} drawn out of the {each} that each had, the same draws for all, so that none gains by "
            "more tries. All were judged on the same rows, whose luck is in the best: a verdict takes it out."
        ]
        if self.tries == 1:
            notes.append("From 7 trials an architecture the best of several are compared.")
        elif any(one.apart is False for one in self.architectures):
            notes.append("More trials for each (per_group=) tell more of them apart.")
        lost = [one for one in self.architectures if one.of is None]
        if len(lost) < len(self.architectures):
            only = [one.label for one in lost if one.untuned is not None]
            notes += _listed("Nothing tuned for", only)
            notes += _listed("Without a score", [one.label for one in lost if one.untuned is None])
        return [one for one in (self.sentence, self.against, *notes) if one]

    def table(self) -> list[dict[str, Any]]:
        """A dict an architecture: its values, trials, untuned, score, low, high (95 %), best_trial, apart and costs."""
        return [
            dict(one.values)
            | {"trials": len(one.trials), "untuned": one.untuned}
            | {
                "score": one.of.value if one.of else None,
                "low": one.of.low if one.of else None,
                "high": one.of.high if one.of else None,
                "best_trial": one.best[0] if one.best else None,
                "best": one.best[1] if one.best else None,
            }
            | {"apart": one.apart, "seconds": one.seconds, "parameters": one.parameters}
            for one in self.architectures
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self) | {"sentence": self.sentence, "against": self.against}

    @property
    def text(self) -> str:
        """For a terminal of 80 columns."""
        title = f"{', '.join(self.inner)} tuned anew for each of {len(self.architectures)} architectures"
        lines = [*textwrap.wrap(plain(title), _WIDTH, break_on_hyphens=False), "", *self._rows(), ""]
        lines += [line for said in self.said() for line in textwrap.wrap(said, _WIDTH, break_on_hyphens=False)]
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Retuned({self.sentence!r})"

    def _repr_html_(self) -> str:
        style = "color: inherit; background: transparent; line-height: 1.35; overflow-x: auto"
        return f'<pre style="{style}">{html.escape(self.text)}</pre>'

    def _rows(self) -> list[str]:
        tuned = f"best of {self.tries} [95 %]" if self.tries > 1 else "mean [95 %]"
        rows = [["", "untuned", tuned, "s/run", "size", "trial"]]
        for one in self.architectures[:SHOWN]:
            rows.append(
                [
                    clip(one.label, _NAMES),
                    format_value(one.untuned) if one.untuned is not None else "-",
                    _ends(one.of) if one.of is not None else "-",
                    f"{one.seconds:.3g}" if one.seconds is not None else "",
                    short(one.parameters),
                    str(one.best[0]) if one.best is not None else "",
                ]
            )
        used = [column for column in range(6) if any(row[column] for row in rows[1:])]
        wide = [max(len(row[column]) for row in rows) for column in range(6)]
        more = len(self.architectures) - SHOWN
        return ["  ".join(pad(row[c], wide[c], right=c in (1, 3, 4, 5)) for c in used).rstrip() for row in rows] + [
            f"and {more} more, in table()"
        ] * (more > 0)


def _listed(what: str, labels: Sequence[str]) -> list[str]:
    """A sentence with the first four; none where there is none."""
    more = f" and {len(labels) - 4} more" if len(labels) > 4 else ""
    return [f"{what}: {'; '.join(labels[:4])}{more}."] if labels else []


def _ends(of: BestOf) -> str:
    if of.low is None or of.high is None:
        return str(format_value(of.value))
    return f"{format_value(of.value)} [{format_value(of.low)}, {format_value(of.high)}]"


def retuned_of(history: History, study: Mapping[str, Any]) -> Retuned | None:
    """Of the last nested search; None where none was run.

    Args:
        study: the data of the study's last event of that kind.
    """
    searched = _searched(history)
    if searched is None:
        return None
    settings, trials = searched
    outer, inner = modules_as_told(history.space, settings)
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        groups.setdefault(json.dumps(_values(trial, outer)), []).append(trial)
    sign = 1.0 if history.goal == "min" else -1.0
    tuned = [[trial for trial in group if not _at_defaults(history, trial, inner)] for group in groups.values()]
    scores = [np.array([_score(trial) for trial in group], dtype=float) for group in tuned]
    counts = [int(np.isfinite(one).sum()) for one in scores]
    tries = tries_for([count for count in counts if count] or [1])
    rng = np.random.default_rng([history.seed, len(history)])
    best = [
        best_of(one[np.isfinite(one)], tries, history.goal, rng) if count else None
        for one, count in zip(scores, counts, strict=True)
    ]
    known = [place for place, of in enumerate(best) if of is not None]
    order = sorted(known, key=lambda place: sign * (best[place].value if best[place] else 0.0))  # type: ignore[union-attr]
    made = []
    for place in [*order, *(place for place in range(len(best)) if best[place] is None)]:
        group = list(groups.values())[place]
        apart = None
        if best[place] is not None and place != order[0]:
            apart = _apart(scores[order[0]], scores[place], tries, history.goal, rng, len(known) - 1)
        made.append(_architecture(history, group, outer, inner, best[place], apart))
    metric = name_of(study.get("metric"), "score")
    return Retuned(metric, history.goal, outer, inner, tries, tuple(made))


def asked_for(found: Retuned | None) -> Retuned:
    """What was found.

    Raises:
        UsageError: nothing was.
    """
    if found is None:
        raise UsageError(
            "No nested search has run here; make the study with search=tr.SequentialSearch(nested=True) and run it."
        )
    return found


def _searched(history: History) -> tuple[Mapping[str, Any], list[Trial]] | None:
    """The settings of the last nested search, and its trials: the defaults, and what was proposed under it."""
    marks = [mark for mark in history.marks if mark.kind == "study" and mark.data.get("search")]
    nested = [mark for mark in marks if (mark.data["search"] or {}).get("nested")]
    if not nested:
        return None
    settings = nested[-1].data["search"]
    kept = []
    for trial in history.trials:
        before = [mark for mark in marks if mark.trial <= trial.number]
        if trial.number == 0 or (before and before[-1].data["search"] == settings):
            kept.append(trial)
    return settings, kept


def _values(trial: Trial, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: trial.config[name] for name in names if name in trial.config}


def _at_defaults(history: History, trial: Trial, names: tuple[str, ...]) -> bool:
    return all(trial.config.get(name, value) == value for name in names for value in [default_of(history.space[name])])


def _score(trial: Trial) -> float:
    """NaN where it has none."""
    return float(trial.value) if trial.state == "completed" and trial.value is not None else math.nan


def _apart(
    first: np.ndarray, second: np.ndarray, tries: int, goal: str, rng: np.random.Generator, others: int
) -> bool | None:
    """Of the draws that both have a score of."""
    n = min(len(first), len(second))
    both = np.isfinite(first[:n]) & np.isfinite(second[:n])
    if both.sum() < tries:
        return None
    return behind(first[:n][both], second[:n][both], tries, goal, rng, others)


def _architecture(
    history: History,
    group: Sequence[Trial],
    outer: tuple[str, ...],
    inner: tuple[str, ...],
    of: BestOf | None,
    apart: bool | None,
) -> Architecture:
    sign = 1.0 if history.goal == "min" else -1.0
    scores = {trial.number: score for trial in group if math.isfinite(score := _score(trial))}
    best = min(scores, key=lambda number: (sign * scores[number], number), default=None)
    plainly = next((trial for trial in group if _at_defaults(history, trial, inner)), None)
    costs = [[cost_of(history, trial, by) for trial in group] for by in (SECONDS, PARAMETERS)]
    seconds, parameters = (
        float(np.median(known)) if (known := [cost for cost in each if cost is not None]) else None for each in costs
    )
    return Architecture(
        _values(group[0], outer),
        tuple(trial.number for trial in group),
        scores.get(plainly.number) if plainly is not None else None,
        of,
        (best, scores[best]) if best is not None else None,
        apart,
        seconds,
        parameters,
    )
