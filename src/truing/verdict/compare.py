"""Any two trials of a study, or two studies on the same replicates, side by side. Reads what is there, runs nothing."""

from __future__ import annotations

import copy
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from truing.errors import UsageError
from truing.execution.job import Job
from truing.record.history import History
from truing.record.state import State
from truing.record.trial import ESTIMATE, RACE, SEARCH, Replicate, RunRecord
from truing.setting import Setting
from truing.statistics.equivalence import region
from truing.statistics.metric import METRICS, Metric
from truing.statistics.names import spoken
from truing.verdict.paired import by_rows, paired, plain
from truing.verdict.text import LABEL, _line, _wrapped
from truing.verdict.wording import capital, difference_in_words, number, percent, places, places_of_difference, signed

SAME = ("data", "metric", "goal", "positive", "validation", "test", "seed", "epoch", "epochs", "threads")
NOT_ADJUSTED = "not adjusted for choosing the pair"
WORDS = {
    SEARCH: "runs of the search, by whose scores trials are chosen",
    RACE: "runs of the race, fresh splits and seeds",
    ESTIMATE: "runs of the verdict, fresh splits and seeds",
}


@dataclass(frozen=True)
class Side:
    """One of two that are compared.

    Args:
        trial: its number.
        study: the data of its `study` event.
        setting, job: of the study itself; None where only its folder is there.
    """

    name: str
    trial: int
    history: History
    study: Mapping[str, Any]
    setting: Setting | None = None
    job: Job | None = None

    def runs(self, purpose: str) -> dict[int, RunRecord]:
        """Its completed runs of a purpose, by replicate; the latest where one was repeated."""
        since = self.history.verdict_since if purpose != SEARCH else 0
        return {
            run.replicate: run
            for run in self.history.runs.values()
            if run.trial == self.trial and run.purpose == purpose and run.state is State.COMPLETED and run.id >= since
        }


@dataclass(frozen=True)
class Compared:
    """What `study.compare(3, 17)` and `tr.compare(a, b)` give; `print(compared)` shows all of it.

    Args:
        figures: what `to_dict()` gives; docs/comparison.md has the method of each.

    >>> sides = {"first": {"name": "trial 3"}, "second": {"name": "trial 17"}, "metric": "accuracy"}
    >>> gap = {"value": 0.02, "low": -0.01, "high": 0.05}
    >>> Compared({**sides, "first_score": 0.91, "second_score": 0.89, "difference": gap}).headline
    'Trial 3 against trial 17: accuracy 0.910 against 0.890 (+2.0 points, 95 % interval -1.0 to +5.0).'
    """

    figures: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """All figures as plain JSON values; null where one is undefined, with the reason beside it."""
        return copy.deepcopy(dict(self.figures))

    @property
    def headline(self) -> str:
        """The comparison in a sentence."""
        return _headline(self.figures)

    def __str__(self) -> str:
        return text(self.figures)

    def __repr__(self) -> str:
        return f"Compared({self.headline!r})"

    def _repr_pretty_(self, p: Any, cycle: bool) -> None:
        p.text(repr(self) if cycle else str(self))

    def _repr_html_(self) -> str:
        """The full text in the notebook's own colours, light or dark."""
        style = "color: inherit; background: transparent; line-height: 1.35; overflow-x: auto"
        return f'<pre style="{style}">{html.escape(str(self))}</pre>'


def trial_of(history: History, number: Any) -> int:
    """The number of a trial that completed.

    Raises:
        UsageError: no such trial, or it has no score.
    """
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(history):
        have = f"this study has the trials 0 to {len(history) - 1}" if len(history) else "this study has no trials yet"
        raise UsageError(f"compare() takes the numbers of two trials, and {have}; got {number!r}.")
    trial = history.trial(number)
    if trial.state != "completed" or trial.value is None:
        raise UsageError(f"Trial {number} has no score to compare ({trial.reason or trial.state}).")
    return number


def of_study(history: History) -> int:
    """The trial a study stands for: the one its verdict selected, else the best of its search.

    Raises:
        UsageError: no trial has completed.
    """
    stored, best = history.last("verdict"), history.best()
    if stored is not None:
        return int(stored["verdict"]["selected_trial"])
    if best is None:
        raise UsageError("A study in which no trial has completed cannot be compared.")
    return best.number


def compare_sides(first: Side, second: Side, *, chosen: bool = False) -> Compared:
    """The comparison first - second, by the runs that both have on the same replicates.

    Fresh runs (of the verdict, else of the race) where both have them, else those of the search; never the two pooled.

    Args:
        chosen: the sides are what two studies chose, and not two trials picked by hand.

    Raises:
        UsageError: their runs are not on the same replicates.
    """
    refuse_other_replicates(first.study, second.study)
    if first.study.get("datasets"):
        raise UsageError(
            "compare() is for studies of one dataset; trials() has the scores of a trial on each of several."
        )
    study, goal, metric = first.study, str(first.study["goal"]), str(first.study["metric"])
    if first.trial == second.trial and first.history is second.history:
        raise UsageError(f"compare() takes two different trials; got {first.trial} twice.")
    sources = [found for purpose in _purposes(first.history, study) if (found := _both(first, second, purpose))]
    if not sources:
        raise UsageError("The two have no runs on the same replicates.")
    rope = study.get("rope") or region(METRICS.get(metric, Metric(metric, goal)), None).to_dict()
    main = _figures(first, second, sources[0], study, rope["value"], goal)
    notes = [NOT_ADJUSTED]
    if main["source"] == SEARCH:
        why = "by which each was chosen" if chosen else "which look best for those that were picked by them"
        notes.append(f"made from search scores, {why}")
    return Compared(
        {
            "schema": 1,
            "metric": metric,
            "goal": goal,
            "first": _side(first),
            "second": _side(second),
            **main,
            "search": _figures(first, second, sources[-1], study, rope["value"], goal)
            if sources[0][0] != SEARCH and sources[-1][0] == SEARCH
            else None,
            "rope": rope,
            "notes": notes,
        }
    )


def refuse_other_replicates(one: Mapping[str, Any], other: Mapping[str, Any]) -> None:
    """Two studies can be paired only where their replicates are the same.

    Raises:
        UsageError: what differs.
    """
    if different := [key for key in SAME if one.get(key) != other.get(key)]:
        said = ", ".join(f"{key} ({_short(one.get(key))} and {_short(other.get(key))})" for key in different)
        raise UsageError(
            f"These two studies cannot be compared, for their runs are on other replicates; they differ in {said}."
        )


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _purposes(history: History, study: Mapping[str, Any]) -> list[str]:
    """Best first; a protocol that cannot draw its splits anew has no fresh ones, only further seeds on the old."""
    if study.get("fixed_splits"):
        return [SEARCH]
    looks = range(len(history.notes.get("verdict", ())) + 1, 1, -1)
    later = [f"{purpose}@{number}" for number in looks for purpose in (ESTIMATE, RACE)]
    return [*later, ESTIMATE, RACE, SEARCH]


Source = tuple[str, Sequence[int], Sequence[RunRecord], Sequence[RunRecord]]


def _both(first: Side, second: Side, purpose: str) -> Source | None:
    mine, theirs = first.runs(purpose), second.runs(purpose)
    shared = sorted(mine.keys() & theirs.keys())
    return (purpose, shared, [mine[j] for j in shared], [theirs[j] for j in shared]) if shared else None


def _figures(
    first: Side, second: Side, source: Source, study: Mapping[str, Any], rope: float, goal: str
) -> dict[str, Any]:
    purpose, shared, mine, theirs = source
    metric = str(study["metric"])
    scores = [[run.scores.get(metric) for run in runs] for runs in (mine, theirs)]
    pairs = [None if a is None or b is None else a - b for a, b in zip(*scores, strict=True)]
    spread, known = study.get("spread"), len(pairs) < 2 or study.get("spread") is not None
    made = paired(pairs, float(spread) if spread is not None else 0.0, rope, goal)
    return {
        "source": purpose,
        "replicates": len(shared),
        "first_score": _mean(scores[0]),
        "second_score": _mean(scores[1]),
        **(made if known else _without_spread(made)),
        "rows_and_folds": plain(
            by_rows(
                first.setting,
                first.job,
                _replicates(first.setting, purpose, shared),
                mine,
                theirs,
                other_job=second.job,
            )
        ),
    }


def _without_spread(made: Mapping[str, Any]) -> dict[str, Any]:
    """The difference alone, where the journal does not tell how the replicates share their training rows."""
    why = "the journal does not tell n_valid / n_train, which it needs"
    absent = dict.fromkeys(("worse", "same", "better"))
    return {
        "difference": {**made["difference"], "low": None, "high": None, "reason": made["difference"]["reason"] or why},
        "probabilities": {**made["probabilities"], **absent, "reason": made["probabilities"]["reason"] or why},
    }


def _replicates(setting: Setting | None, purpose: str, shared: Sequence[int]) -> list[Replicate]:
    if setting is None or setting.validation is None:
        return [Replicate(j) for j in shared]
    found = setting.plan.replicates if purpose == SEARCH else setting.fresh(purpose, max(shared) + 1)
    return [found[j] for j in shared]


def _side(side: Side) -> dict[str, Any]:
    return {"name": side.name, "trial": side.trial, "config": dict(side.history.trial(side.trial).config)}


def _mean(scores: Sequence[float | None]) -> float | None:
    known = [score for score in scores if score is not None]
    return sum(known) / len(known) if len(known) == len(scores) and known else None


# -- in words --------------------------------------------------------------------------------------------------------


def _headline(found: Mapping[str, Any]) -> str:
    name, ours, theirs = found["metric"], found["first_score"], found["second_score"]
    if ours is None or theirs is None:
        return f"{_opening(found)}: {found['difference']['reason']}."
    decimals = places(ours, theirs)
    change = difference_in_words(name, found["difference"], ours, theirs)
    return f"{_opening(found)}: {spoken(name)} {number(ours, decimals)} against {number(theirs, decimals)} ({change})."


def _opening(found: Mapping[str, Any]) -> str:
    first, second = found["first"]["name"], found["second"]["name"]
    return f"{capital(first) if first.startswith('trial ') else first} against {second}"


def text(found: Mapping[str, Any]) -> str:
    """The comparison as the terminal prints it, right at 80 columns."""
    base = found["source"].split("@")[0]
    lines = [
        *_wrapped(_headline(found)),
        *_wrapped(f"From {found['replicates']} {WORDS[base]}, on each side, paired."),
        "",
    ]
    for label, part in (("corrected resampled t", "difference"), ("rows and folds (candidate)", "rows_and_folds")):
        lines += _interval(label, found[part], found)
    if found["search"] is not None:
        lines += _interval("the search's scores, same t", found["search"]["difference"], found["search"])
    lines += _line("first is", probabilities_in_words(found["probabilities"]))
    lines += ["", *_wrapped("; ".join(found["notes"])[:1].upper() + "; ".join(found["notes"])[1:] + ".")]
    return "\n".join(line.rstrip() for line in lines)


def _interval(label: str, part: Mapping[str, Any], beside: Mapping[str, Any]) -> list[str]:
    if part["value"] is None:
        return _line(f"{label:<{LABEL}}", f"undefined: {part['reason']}")
    fine = places_of_difference(part, beside["first_score"], beside["second_score"])
    said = signed(part["value"], fine)
    if part["low"] is None or part["high"] is None:
        return _line(f"{label:<{LABEL}}", f"{said}, no interval: {part['reason']}")
    return [f"{label:<{LABEL}}{said} [{signed(part['low'], fine)}, {signed(part['high'], fine)}]"]


def probabilities_in_words(found: Mapping[str, Any]) -> str:
    """Better, practically the same, worse.

    >>> probabilities_in_words({"worse": 0.0194, "same": 0.05, "better": 0.9306, "rope": 0.01, "reason": None})
    'better with probability 93.1 %, practically the same (within ±0.010) 5 %, worse 1.9 %'
    """
    if found["better"] is None:
        return f"undefined: {found['reason']}"
    width = number(found["rope"])
    return (
        f"better with probability {percent(found['better'])}, practically the same (within ±{width}) "
        f"{percent(found['same'])}, worse {percent(found['worse'])}"
    )
