"""The kept network on rows that came after the verdict: a look of its own, counted."""

from __future__ import annotations

import copy
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from truing.data.outside import Outside
from truing.data.rows import LockedRows
from truing.errors import DataError, PredictionError, TruingError, UsageError
from truing.execution.job import Job, kept
from truing.loop import Session
from truing.record.events import Event
from truing.record.history import History
from truing.record.seeds import stream
from truing.record.trial import REFIT
from truing.setting import Setting
from truing.statistics.delivered import delivered
from truing.statistics.drop import Known, Scored, drop
from truing.statistics.interval import Interval
from truing.statistics.metric import Metric
from truing.verdict.external import LOCKED_TEST, VALIDATION, aside_of, at_internal_prevalence, description
from truing.verdict.figures import interval_dict
from truing.verdict.locked import LOCKED, Aside
from truing.verdict.outside_words import later_lines
from truing.verdict.verdict import without_nan

Predict = Callable[[Any], Any]


@dataclass(frozen=True)
class Later:
    """The kept network's figures on one external set that came later; `print` shows them.

    Args:
        name: of the set.
        figures: what `to_dict()` gives: as `verdict["external"][name]`, for the delivered network alone; and `look`
            (the number of the look at these rows) and `descriptive` (True from the second look on).
    """

    name: str
    figures: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """All figures as plain JSON values."""
        return copy.deepcopy(dict(self.figures))

    def __str__(self) -> str:
        return "\n".join(later_lines(self.name, self.figures))

    def __repr__(self) -> str:
        first = textwrap.shorten(str(self).splitlines()[0], 70)
        return f"Later({first!r})"


def look_later(session: Session, setting: Setting, job: Job, one: Outside, predict: Predict) -> Later:
    """Count the look, then score: a look that was cut off goes on as the same one.

    Args:
        predict: x -> predictions of the kept network.

    Raises:
        PredictionError, UsageError: predict failed, or its predictions cannot be read; one sentence says why.
    """
    history = session.history
    number, open_look = _number(history, one)
    if not open_look:
        session.record(
            Event(
                "look",
                {"external": one.name, "number": number, "fingerprint": one.rows(), "rows": len(one.data)},
            )
        )
    rows = LockedRows(one.data, np.arange(len(one.data)))
    try:
        given = predict(rows.x)
    except TruingError:
        raise
    except Exception as error:
        raise UsageError(
            f"The kept network could not predict the {one.called} ({type(error).__name__}: {error}); mend that, and "
            "the same call goes on as the same look."
        ) from error
    try:
        found = setting.task.read(given, len(rows))
    except PredictionError as error:
        raise PredictionError(f"The predictions for the {one.called}: {error}") from None
    entry = without_nan(_figures(setting, job, history, one, found))
    entry |= {"look": number, "descriptive": number > 1}
    session.record(Event("external", {"name": one.name, "fingerprint": one.rows(), "look": number, "figures": entry}))
    return Later(one.name, entry)


def _number(history: History, one: Outside) -> tuple[int, bool]:
    """The number of this look at these rows, or at the set of this name, and whether it was begun before.

    A look at the same set in the verdict itself counts.
    """
    mine = one.rows()
    looks = [
        look
        for look in history.notes.get("look", ())
        if "external" in look and (look["external"] == one.name or look["fingerprint"] == mine)
    ]
    done = {(end["name"], end["fingerprint"], end["look"]) for end in history.notes.get("external", ())}
    before = sum(
        one.name in (note["verdict"].get("external") or {}) or one.describe().rsplit(" (", 1)[1] in _given(history)
        for note in history.notes.get("verdict", ())
    )
    for look in looks:
        key = (look["external"], look["fingerprint"], look["number"])
        if key not in done and key[:2] == (one.name, mine):
            return int(look["number"]), True
    return before + len(looks) + 1, False


def _given(history: History) -> list[str]:
    """The sets that the study itself was given, as rows and beginning of the fingerprint."""
    given: Sequence[str] = (history.last("study") or {}).get("external") or ()
    return [text.rsplit(" (", 1)[1] for text in given]


def _figures(setting: Setting, job: Job, history: History, one: Outside, p: np.ndarray) -> dict[str, Any]:
    verdict = (history.last("verdict") or {})["verdict"]
    aside, rng = aside_of(setting, one, ""), stream(setting.plan.seed, "external", one.key)
    mine = p.astype(float)[aside.scored] if aside.scored is not None else p.astype(float)
    inside = _locked_predictions(setting, job, history, verdict)
    scores = {}
    for metric in setting.task.metrics:
        if metric.kind == "number":
            why = f"{metric.name} is a number that the function reports, and these rows were scored by predictions"
            own = missing = Interval(None, None, None, "", why)
            level = weighted = None
        else:
            own = delivered(
                metric,
                aside.truth,
                mine,
                rng=rng,
                positive=setting.task.positive,
                groups=aside.groups,
                labels=setting.task.classes,
            )
            missing, level = _drop(setting, verdict, metric, aside, mine, inside, rng)
            weighted = at_internal_prevalence(setting, aside.truth, [mine], metric)
        scores[metric.name] = {
            "delivered": interval_dict(own),
            "drop": interval_dict(missing) | {"internal": level},
            "at_internal_prevalence": weighted,
            "reason": own.reason,
        }
    internal = LOCKED_TEST if setting.has_test else VALIDATION
    return {
        "metric": setting.task.primary.name,
        **description(setting, one.data),
        "internal": internal,
        "metrics": scores,
    }


def _locked_predictions(
    setting: Setting, job: Job, history: History, verdict: Mapping[str, Any]
) -> tuple[Aside, np.ndarray] | None:
    """The delivered network's predictions for the locked rows; None where they are not kept."""
    made = len(history.notes.get("verdict", ()))
    named = REFIT if made <= 1 else f"{REFIT}@{made}"
    run = history.verdict_runs.get((named, verdict["selected_trial"], 0))
    if run is None or not setting.has_test:
        return None
    locked = Aside.locked(setting)
    try:
        return locked, kept(job, history.runs[run], LOCKED).astype(np.float64)
    except DataError:
        return None


def _drop(
    setting: Setting,
    verdict: Mapping[str, Any],
    metric: Metric,
    aside: Aside,
    mine: np.ndarray,
    inside: tuple[Aside, np.ndarray] | None,
    rng: np.random.Generator,
) -> tuple[Interval, float | None]:
    task = setting.task
    external = Scored(aside.truth, [mine], aside.groups)
    internal: Scored | Known
    if inside is not None:
        locked, p = inside
        internal, level = Scored(locked.truth, [p], locked.groups), task.score(metric, locked.truth, p).value
    else:
        valid = verdict["validation"]
        if metric.name != verdict["metric"] or valid["selected"] is None or setting.has_test:
            return Interval(None, None, None, "", "no internal predictions of the kept network are there"), None
        internal, level = _validated(valid, metric), valid["selected"]
    found = drop(metric, internal, external, rng=rng, positive=task.positive, labels=task.classes)
    return found, level


def _validated(valid: Mapping[str, Any], metric: Metric) -> Known:
    """The verdict's validation figure with the standard error that its interval was made with."""
    from scipy.special import stdtrit

    low, high, df = valid["low"], valid["high"], valid["runs"] - 1
    if low is None or df < 1 or low <= metric.low or high >= metric.high:  # cut off at the end of the range
        return Known(valid["selected"], None, 1.0)
    return Known(valid["selected"], (high - low) / 2 / float(stdtrit(df, 0.975)), float(df))
