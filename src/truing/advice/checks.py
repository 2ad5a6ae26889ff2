"""The checklist after a study: pass or warn, each with its evidence. One pure function a check.

The list is that of Google's Deep Learning Tuning Playbook (Godbole et al. 2023, "Identifying bad search space
boundaries", "Not sampling enough points in the search space", "Examining the training curves", "How can optimization
failures be debugged", "Deciding how long to train"); the figures that decide are Truing's own and stand in each
docstring.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from truing.advice.next_space import beyond, is_edge
from truing.errors import UsageError
from truing.knowledge import card
from truing.record.history import History
from truing.record.state import State
from truing.record.trial import RunRecord, Trial
from truing.space.configuration import format_value
from truing.space.parameter import Choice
from truing.statistics.proportions import wilson

PASS, WARN, NOT_JUDGED = "pass", "warn", "not judged"
FEW = 5  # trials below which a place in the range says nothing
GOOD = 3  # trials within a standard error of the best, the best included, that are enough
LONG = 8  # reports of a run from which its curve can be judged
MATTERS = 0.1  # share of the variance


@dataclass(frozen=True)
class Check:
    """One line of the checklist.

    Args:
        name: what was looked at.
        state: "pass", "warn" or "not judged".
        evidence: a sentence with numbers; of one not judged, why.
        advice: what to do; empty unless it warns.
    """

    name: str
    state: str
    evidence: str
    advice: str = ""

    def to_dict(self) -> dict[str, str]:
        """Plain JSON values."""
        return asdict(self)


def checklist(history: History, shares: Mapping[str, float]) -> tuple[Check, ...]:
    """Every check of a study.

    Args:
        shares: parameter -> its share of the variance, with others; empty where it could not be told.
    """
    return tuple(check(history, shares) for check in CHECKS)


def edge(history: History, shares: Mapping[str, float]) -> Check:
    """Warns where the best lies in the outer tenth of a range (of few values: at the end).

    On the parameter's scale; an end that means something, such as a dropout of 0, is none. Of the next four trials at
    least one must lie in the outer quarter of that side, else a parameter that makes no difference would warn.
    """
    name, best, ranked = "best at the edge of its range", history.best(), history.ranked()
    if best is None or len(ranked) < FEW:
        return Check(name, NOT_JUDGED, f"{len(ranked)} completed trials are fewer than {FEW}.")
    found, looked = [], 0
    for own, parameter in history.space.items():
        if own not in best.config or parameter.role == "fixed" or _is_list(parameter):
            continue
        looked += 1
        scale, value = history.space.scale(own), best.config[own]
        for side, word in ((-1, "low"), (1, "high")):
            if isinstance(parameter, Choice):
                ends = scale.count > 2
            else:
                ends = beyond(own, parameter, side) != (parameter.low if side < 0 else parameter.high)
            if not ends or not is_edge(scale, value, side):
                continue
            others = [scale.unit(t.config[own]) for t in ranked[1:FEW] if own in t.config]
            near = sum(unit <= 0.25 if side < 0 else unit >= 0.75 for unit in others)
            if near:
                found.append(
                    f"{own} = {format_value(value)} at the {word} end of {_range(parameter)}, and {near} of the next "
                    f"{len(others)} in its outer quarter"
                )
    if not looked:
        return Check(name, NOT_JUDGED, "No parameter of the best trial is a number or has an order.")
    if found:
        return Check(
            name, WARN, f"The best trial has {'; '.join(found)}.", "Extend that range: better may lie beyond it."
        )
    return Check(name, PASS, f"The best trial is at no end that its neighbours share, in {looked} ordered parameters.")


def enough_good(history: History, shares: Mapping[str, float]) -> Check:
    """Warns where fewer than three trials, the best included, lie within one standard error of the best."""
    name, best = "enough good trials", history.best()
    if best is None or best.value is None or len(history.completed) < FEW:
        return Check(name, NOT_JUDGED, f"{len(history.completed)} completed trials are fewer than {FEW}.")
    if best.se is None or best.se <= 0:
        return Check(name, NOT_JUDGED, "The best trial has no standard error: one run a trial tells no noise.")
    good = sum(abs(float(t.value or 0.0) - best.value) <= best.se for t in history.completed)
    told = (
        f"{good} of {len(history.completed)} trials, the best included, lie within one standard error "
        f"({format_value(best.se)}) of the best"
    )
    if good < GOOD:
        return Check(name, WARN, f"{told}.", "Search on where the good ones lie, such as in the proposed space.")
    return Check(name, PASS, f"{told}.")


def diverged(history: History, shares: Mapping[str, float]) -> Check:
    """Warns from two trials and 10 % that diverged (NaN or infinity), with Wilson's interval and where they lie.

    Where: the parameter whose values differ most between them and the others, by the rank-sum test with Bonferroni's
    level 0.05 / d (Mann & Whitney 1947).
    """
    name = "diverged trials"
    ended = [t for t in history.trials if t.state in ("completed", "failed", "stopped")]
    if len(ended) < FEW:
        return Check(name, NOT_JUDGED, f"{len(ended)} ended trials are fewer than {FEW}.")
    lost = {t.number for t in ended if any(history.runs[r].state is State.DIVERGED for r in t.runs)}
    interval = wilson(len(lost), len(ended))
    low, high = (100 * (end or 0.0) for end in (interval.low, interval.high))
    share = (
        f"{len(lost)} of {len(ended)} trials diverged ({100 * len(lost) / len(ended):.0f} % [{low:.0f}, {high:.0f}])"
    )
    if len(lost) < 2 or len(lost) < 0.1 * len(ended):
        return Check(name, PASS, f"{share}.")
    where = _apart(history, ended, lost)
    return Check(
        name,
        WARN,
        f"{share}{where}.",
        "Narrow the range there, or add warm-up or gradient clipping (truing explain grad_clip).",
    )


def still_improving(history: History, shares: Mapping[str, float]) -> Check:
    """Warns where the best trials gain in the last quarter at least 5 % of all that they gain, and more than noise.

    Of the runs of the three best trials; each end is the median of a tenth of the curve, and two thirds of the runs
    must do so. Noise is that of the steps, by second differences, and the mean gain over the runs must be twice its
    standard error. (Playbook: the best checkpoint always in the last 25 % = too short.)
    """
    name = "still improving at the end"
    curves = _curves(history, history.ranked()[:3])
    if not curves:
        return Check(name, NOT_JUDGED, _NO_CURVES)
    found, gained, errors = [], [], []
    for curve in curves:
        part = max(1, len(curve) // 10)
        start, then, end = (
            float(np.median(curve[at : at + part])) for at in (0, 3 * len(curve) // 4, len(curve) - part)
        )
        found.append((then - end) / (start - end) if start > end else 0.0)
        gained.append(then - end)
        errors.append(_noise(curve) * math.sqrt(2 * (math.pi / 2 if part > 2 else 1.0) / part))  # of two medians
    sure = float(np.mean(gained)) > 2 * float(np.mean(errors)) / math.sqrt(len(errors))
    share, many = float(np.median(found)), sum(one >= 0.05 for one in found)
    told = f"The best trials make {100 * share:.0f} % of their gain in the last quarter (median of {len(found)} runs)"
    if share >= 0.05 and many >= 2 * len(found) / 3 and sure:
        return Check(name, WARN, f"{told}.", "Train longer: raise epochs.")
    return Check(name, PASS, f"{told}{', no more than noise brings' * (share >= 0.05 and not sure)}.")


def _noise(curve: np.ndarray) -> float:
    """The standard deviation from report to report, by second differences: what bends is no noise."""
    return float(np.std(np.diff(curve, n=2))) / math.sqrt(6)


def done_early(history: History, shares: Mapping[str, float]) -> Check:
    """Warns where the best trials have 99 % of their gain within the first tenth of the epochs.

    Median over the runs of the three best trials. (Playbook: always in the first 10 % = too long.)
    """
    name = "done in the first tenth"
    curves = [c for c in _curves(history, history.ranked()[:3]) if len(c) >= 10 and c[0] > c.min()]
    if not curves:
        return Check(name, NOT_JUDGED, "No run of the best trials has a curve of ten reports that gains anything.")
    places = [float((int(np.argmax(c <= c[0] - 0.99 * (c[0] - c.min()))) + 1) / len(c)) for c in curves]
    place = float(np.median(places))
    told = f"The best trials have 99 % of their gain after {100 * place:.0f} % of the epochs ({len(curves)} runs)"
    if place <= 0.1:
        return Check(name, WARN, f"{told}.", "Fewer epochs would do, and leave time for more trials.")
    return Check(name, PASS, f"{told}.")


def overfitting(history: History, shares: Mapping[str, float]) -> Check:
    """Warns where the best trial's validation score worsens from its best to the end by more than noise.

    Curves are smoothed over three reports; noise is the standard deviation of their steps over the square root of two,
    and the mean over the runs must be worse by more than twice that. The gap to training is told where reported.
    """
    name, best = "overfitting in the best", history.best()
    runs = _runs(history, [best]) if best is not None else []
    if not runs or best is None:
        return Check(name, NOT_JUDGED, _NO_CURVES)
    losses, noises, gaps = [], [], []
    for run, curve in runs:
        smooth = np.convolve(curve, np.ones(3) / 3, "valid")
        losses.append(float(smooth[-1] - smooth.min()))
        noises.append(_noise(curve))
        train = [float(v) for _, v in run.details.get("train_curve", ()) if v is not None and math.isfinite(v)]
        if train:
            gaps.append(float(curve[-1]) - (1.0 if history.goal == "min" else -1.0) * train[-1])
    loss, noise = float(np.mean(losses)), float(np.mean(noises))
    total = float(np.mean([abs(c[0] - c.min()) for _, c in runs]))
    worse = format_value(loss)
    told = f"Trial {best.number} ends {worse} worse than its best epochs, where noise is {format_value(noise)}"
    gap = f"; training is better by {format_value(float(np.mean(gaps)))}" if gaps else ""
    if loss > 2 * noise and loss > 0.02 * total:
        return Check(name, WARN, f"{told}{gap}.", "Regularise more, or train shorter; epoch='best' costs a correction.")
    return Check(name, PASS, f"{told}{gap}.")


def late_variance(history: History, shares: Mapping[str, float]) -> Check:
    """Warns where scores in the last quarter of the best trial vary more than the five best trials differ.

    The standard deviation around a line, over the square root of its runs, against the best's distance to the fifth.
    """
    name, ranked = "late variance", history.ranked()
    runs = _runs(history, ranked[:1])
    if not runs:
        return Check(name, NOT_JUDGED, _NO_CURVES)
    if len(ranked) < FEW:
        return Check(name, NOT_JUDGED, f"{len(ranked)} completed trials are fewer than {FEW}.")
    spreads = []
    for _, curve in runs:
        late = curve[-max(4, len(curve) // 4) :]
        at = np.arange(len(late))
        rest = late - np.polyval(np.polyfit(at, late, 1), at)
        spreads.append(float(np.square(rest).sum() / (len(late) - 2)))
    spread = math.sqrt(float(np.mean(spreads)) / len(runs))
    apart = abs(float(ranked[0].value or 0.0) - float(ranked[FEW - 1].value or 0.0))
    told = (
        f"From epoch to epoch the best trial's late score varies by {format_value(spread)} (standard deviation), and "
        f"the best five trials lie {format_value(apart)} apart"
    )
    if spread > apart:
        return Check(name, WARN, f"{told}.", 'Lower the learning rate at the end (a schedule), or epoch="mean:5".')
    return Check(name, PASS, f"{told}.")


def fixed_interacts(history: History, shares: Mapping[str, float]) -> Check:
    """Warns where a parameter of role "fixed" interacts, by the cards, with one that matters.

    One matters that makes a tenth of the variance; where shares are not known, one that the best moved from its
    default.
    """
    name, best = "a fixed parameter that interacts", history.best()
    fixed = [own for own, parameter in history.space.items() if parameter.role == "fixed"]
    if not fixed:
        return Check(name, NOT_JUDGED, "No parameter of the space is fixed.")
    if best is None:
        return Check(name, NOT_JUDGED, "No trial has completed.")
    defaults = history.space.defaults()
    if shares:
        winners = [own for own in history.space if shares.get(own, 0.0) >= MATTERS]
    else:
        winners = [own for own in best.config if own not in fixed and best.config[own] != defaults.get(own)]
    found = []
    for own in fixed:
        for other in winners:
            if _card(other) in _interacts(own) or _card(own) in _interacts(other):
                why = f"makes {100 * shares[other]:.0f} % of the variance" if shares else "moved from its default"
                found.append(f"{own} is fixed and interacts with {other}, which {why}")
    if found:
        return Check(name, WARN, f"{'; '.join(found)}.", "Tune the fixed one too, or say it as a caveat.")
    count = f"{len(fixed)} fixed parameter{'s' * (len(fixed) != 1)}"
    return Check(name, PASS, f"By the cards none of {count} interacts with the {len(winners)} that matter.")


CHECKS: tuple[Callable[[History, Mapping[str, float]], Check], ...] = (
    edge,
    enough_good,
    diverged,
    still_improving,
    done_early,
    overfitting,
    late_variance,
    fixed_interacts,
)
_NO_CURVES = f"The best trials have no curves of at least {LONG} reports."


def _runs(history: History, trials: Sequence[Trial]) -> list[tuple[RunRecord, np.ndarray]]:
    """Completed search runs with a curve that is long enough; the scores so that smaller is better."""
    sign, found = 1.0 if history.goal == "min" else -1.0, []
    for run in (history.runs[number] for trial in trials for number in trial.runs):
        scores = [score for _, score in run.curve if score is not None and math.isfinite(score)]
        if run.state is State.COMPLETED and len(scores) >= LONG:
            found.append((run, sign * np.array(scores, dtype=float)))
    return found


def _curves(history: History, trials: Sequence[Trial]) -> list[np.ndarray]:
    return [curve for _, curve in _runs(history, trials)]


def _is_list(parameter: Any) -> bool:
    return isinstance(parameter, Choice) and not parameter.ordered


def _range(parameter: Any) -> str:
    ends = (
        (parameter.options[0], parameter.options[-1])
        if isinstance(parameter, Choice)
        else (parameter.low, parameter.high)
    )
    return " to ".join(map(format_value, ends))


def _apart(history: History, ended: Sequence[Trial], lost: set[int]) -> str:
    """Where the diverged ones lie, as the end of a sentence; empty where nothing is clear."""
    found = []
    for own, parameter in history.space.items():
        if _is_list(parameter):
            continue
        scale = history.space.scale(own)
        here = [scale.unit(t.config[own]) for t in ended if t.number in lost and own in t.config]
        else_ = [scale.unit(t.config[own]) for t in ended if t.number not in lost and own in t.config]
        if len(here) < 2 or len(else_) < 2:
            continue
        a, b = np.array(here)[:, None], np.array(else_)[None, :]
        area = float((a > b).mean() + 0.5 * (a == b).mean())
        se = math.sqrt((len(here) + len(else_) + 1) / (12 * len(here) * len(else_)))
        found.append((abs(area - 0.5) / se, own, area, float(np.median(here)), float(np.median(else_))))
    if not found:
        return ""
    z, own, area, here_, else__ = max(found)
    if math.erfc(z / math.sqrt(2)) > 0.05 / len(found):
        return ""
    scale = history.space.scale(own)
    values = format_value(scale.value(here_)), format_value(scale.value(else__))
    word = "higher" if area > 0.5 else "lower"
    return f"; their {own} is {word}, in the median {values[0]} against {values[1]}"


def _card(name: str) -> str:
    try:
        return card(name).name
    except UsageError:
        return ""


def _interacts(name: str) -> tuple[str, ...]:
    try:
        return card(name).interacts
    except UsageError:
        return ()
