"""Figures that were there before `study.plot`, each from what a study's folder tells."""

from __future__ import annotations

from typing import Any

from truing.report.decision import drawing as decision
from truing.report.figures import Drawing, effect_of, score_over_time
from truing.report.judgement import confusion_of, reliability_of, roc_of
from truing.report.learning import learning_curves
from truing.report.overtuning import overtuning_of
from truing.report.seen import Seen
from truing.report.shares import drawing as shares

_NO_VERDICT = "There is no verdict yet, and this figure is drawn from it."


def over_time(seen: Seen) -> Drawing | str:
    return score_over_time(seen.history, metric=seen.metric)


def effect(seen: Seen, parameter: str | None = None) -> Drawing | str:
    name = parameter if parameter is not None else seen.by_weight()[0]
    (found,) = (one for one in seen.effects if one.parameter == name)
    return effect_of(found, seen.history, metric=seen.metric)


def learning(seen: Seen) -> Drawing | str:
    if seen.study.get("datasets"):
        return "Curves of several datasets, each in its own metric, have no common mean to draw."
    found = learning_curves(seen.history, metric=seen.metric, selected=seen.selected)
    return found or "There are no learning curves: no completed run reported more than once."


def importance(seen: Seen) -> Drawing | str:
    return shares(seen.importance) or f"Shares of the variance are left out: {seen.importance.shares.why}."


def overtuning(seen: Seen) -> Drawing | str:
    missing = _NO_VERDICT if seen.verdict is None else "The verdict has no scores outside the choice to draw."
    return overtuning_of(seen.verdict, metric=seen.metric) or missing


def calibration(seen: Seen) -> Drawing | str:
    return reliability_of(_part(seen, "calibration")) or _missing(seen, "calibration")


def roc(seen: Seen) -> Drawing | str:
    return roc_of(_part(seen, "roc")) or _missing(seen, "a ROC curve")


def confusion(seen: Seen) -> Drawing | str:
    return confusion_of(_part(seen, "confusion")) or _missing(seen, "a table of confusions")


def decisions(seen: Seen) -> Drawing | str:
    return decision(_part(seen, "net_benefit")) or _missing(seen, "a decision curve")


def _part(seen: Seen, name: str) -> Any:
    return None if seen.verdict is None else seen.verdict.get(name)


def _missing(seen: Seen, what: str) -> str:
    return _NO_VERDICT if seen.verdict is None else f"The verdict has no figures for {what}."
