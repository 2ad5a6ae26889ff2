"""`Study(epoch="best")` is one more choice by the validation rows: what it flatters by, and how it is corrected.

The best of a run's reports is the best in part by luck. So the verdict's runs have their epoch chosen beforehand: the
median best epoch of the same configuration's search runs. A fresh run still goes its whole way, but its score is that
of this epoch; how much better its own best epoch looks is the size of the optimism (whatever is chosen by a score makes
that score optimistic: Cawley and Talbot 2010, Journal of Machine Learning Research 11:2079). Refits end there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from truing.record.epoch import AT, BEST, EpochRule, median_epoch
from truing.record.history import History
from truing.record.state import State
from truing.record.trial import RunRecord, Trial
from truing.setting import Setting
from truing.statistics.comparison import corrected_t
from truing.statistics.interval import Interval
from truing.verdict.figures import NO_SPLITS, interval_dict
from truing.verdict.fresh import Fresh
from truing.verdict.wording import number, places


def chosen_by_score(setting: Setting) -> bool:
    """True with epoch="best"."""
    return EpochRule.read(setting.plan.scored).kind == BEST


def length(setting: Setting, history: History, trial: Trial) -> int | None:
    """Epochs that the verdict trains this configuration for; None where the study's own length stays."""
    if not chosen_by_score(setting):
        return None
    runs = [history.runs[n] for n in trial.runs if history.runs[n].state is State.COMPLETED]
    now = [run for run in runs if run.id >= history.function_since] or runs
    return median_epoch([run.details["epoch"] for run in now if run.details.get("epoch")])


def fresh_settings(setting: Setting, history: History, trial: Trial) -> dict[str, Any]:
    """How the fresh runs of a side differ from those of the search: the epoch that counts is known beforehand."""
    epochs = length(setting, history, trial)
    return {} if epochs is None else {"scored": str(EpochRule(AT, epochs))}


def refit_settings(setting: Setting, history: History, trial: Trial) -> dict[str, Any]:
    """A refit is a network, not a curve: it goes so far, and what it is at its end counts."""
    epochs = length(setting, history, trial)
    return {"scored": "last"} | ({} if epochs is None else {"epochs": epochs})


def figures(
    setting: Setting, history: History, selected: Trial, defaults: Trial | None, fresh: Fresh, refits: Sequence[Any]
) -> dict[str, Any] | None:
    """The choice of the epoch, for the verdict; None where the study makes none.

    `optimism` is the mean over the selected's fresh runs of (score at the run's own best epoch - score at the epoch
    fixed beforehand), in the metric's unit, with the interval of the validation figures.
    """
    if not chosen_by_score(setting):
        return None
    sides = {"selected": length(setting, history, selected)}
    sides["defaults"] = length(setting, history, defaults) if defaults is not None else None
    runs = fresh.runs.get(selected.number, ())
    return {
        "rule": BEST,
        "epochs": sides,
        "up_to": max((len_of(run) for run in runs if run is not None), default=None),
        "optimism": interval_dict(_optimism(setting, fresh, runs)),
        "kept_length": _kept_length(refits, sides["selected"]),
    }


def len_of(run: RunRecord) -> int:
    """How many epochs a run went."""
    return int(run.details.get("asked_epochs") or run.epochs)


def _optimism(setting: Setting, fresh: Fresh, runs: Sequence[RunRecord | None]) -> Interval:
    if not runs:
        return Interval(None, None, None, "", NO_SPLITS)
    name = setting.task.primary.name
    pairs: list[float] = []
    for run in runs:
        at = run.scores.get(name) if run is not None and run.state is State.COMPLETED else None
        best = run.details.get("best_score") if run is not None else None
        if at is None or best is None:
            return Interval(None, None, None, "", "a fresh run of the selected configuration has no score")
        pairs.append(best - at)
    spread = fresh.spread(setting.validation.spread)
    return corrected_t(fresh.by_split(pairs) if spread > 0 else pairs, spread)


def _kept_length(refits: Sequence[RunRecord | None], epochs: int | None) -> bool | None:
    """Whether the refits ended where they were told to; None where it cannot be told."""
    done = [run for run in refits if run is not None and run.state is State.COMPLETED]
    if not done or epochs is None:
        return None
    return all("asked_epochs" in run.details or run.epochs <= epochs for run in done)


def sentence(verdict: Mapping[str, Any]) -> str:
    """The choice of the epoch among the corrections; empty where there was none."""
    found = verdict.get("epoch")
    if not found:
        return ""
    mine, theirs, optimism = found["epochs"]["selected"], found["epochs"]["defaults"], found["optimism"]
    among = f" of up to {found['up_to']}" if found["up_to"] else ""
    text = f"a search run's score is that of its best epoch{among}, chosen by that very score"
    if optimism["value"] is None:
        text += f"; how much this flatters is not known: {optimism['reason']}."
    else:
        text += f": it would flatter the fresh runs by {_size(verdict, optimism)}, and is taken out of them."
    if mine is not None:
        other = f" (defaults: {theirs})" if theirs is not None and theirs != mine else ""
        figures = "The figures above are those" if optimism["value"] is not None else "The refits are networks"
        ends = ", where the refits end too" if optimism["value"] is not None else ""
        text += f" {figures} of epoch {mine}{other}, the median best epoch of the search runs{ends}."
    return text


def _size(verdict: Mapping[str, Any], optimism: Mapping[str, Any]) -> str:
    """How much, with its interval; the best is never worse than the fixed one, so the sign says nothing."""
    decimals = places(verdict["validation"]["selected"], verdict["validation"]["as_searched"])
    if optimism["value"] == 0:
        return "nothing"
    if optimism["low"] is None:
        return number(abs(optimism["value"]), decimals)
    sign = -1 if verdict["goal"] == "min" else 1
    low, high = sorted(max(0.0, sign * optimism[end]) for end in ("low", "high"))
    return f"{number(abs(optimism['value']), decimals)} [{number(low, decimals)}, {number(high, decimals)}]"
