"""What mattered in the search: each parameter's and each group's share of the variance. Reads what is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.random import Generator

from truing.record.history import History
from truing.record.trial import Trial
from truing.registry import SEARCHERS
from truing.statistics.importance import FEWEST, FEWEST_EACH, Share, shares

WHOLE, SEARCHED = "over the whole space", "in the region searched"
QUICK = 150  # trials up to which it takes less than two seconds
WIDE = 15  # parameters that vary, above which it takes longer
SHOWN = 5  # parameters in the line
_LEAST = 0.01  # smaller shares are not named in the line


def serving(history: History) -> tuple[list[Trial], str]:
    """The completed trials that shares are made from, and the region they speak of.

    Trials of searches that read no scores (random, Sobol, grid) speak of the whole space. Where an adaptive search had
    any part, and too few others are left, all trials serve and only speak of the region searched.
    """
    done = list(history.completed)
    even = _even(history, done)
    need = max(FEWEST, FEWEST_EACH * len(history.space))
    whole = len(even) == len(done) or len(even) >= need
    return (even, WHOLE) if whole else (done, SEARCHED)


def drawing_for(history: History, trials: Sequence[Trial]) -> Generator:
    """The random numbers of a study's shares: the verdict and `study.importance()` tell the same from the same."""
    return np.random.default_rng([history.seed, len(trials)])


def mattered(history: History) -> dict[str, Any]:
    """The shares of the variance for the verdict, as plain values; docs/importance.md says what a share is.

    Of more than 150 trials, 150 that are drawn by lot, and none of more than 15 parameters: a verdict does not wait
    many seconds for a line, and `study.importance()` has all.

    Returns:
        parameters and groups (a list each of name, share, low, high, the largest first; null with the reason), region,
        trials, drawn_from (how many there were), r2 of scores that the surrogate had not seen, and the reason.
    """
    used, region = serving(history)
    rng, count = drawing_for(history, used), len(used)
    if count > QUICK:
        used = [used[k] for k in np.sort(rng.permutation(count)[:QUICK])]
    known: dict[str, Any] = {"parameters": None, "groups": None, "region": region, "trials": len(used), "r2": None}
    known["drawn_from"] = count
    vary = sum(history.space.scale(name).count > 1 for name in history.space)
    if vary > WIDE:
        return {**known, "reason": f"the shares of {vary} parameters take longer, and study.importance() has them"}
    y = np.array([float(trial.value or 0.0) for trial in used])
    try:
        found = shares(history.space, [trial.config for trial in used], y, rng)
    except np.linalg.LinAlgError:  # one line of a verdict must not cost the verdict
        return {**known, "reason": "the surrogate could not be fitted to these scores"}
    if found.why:
        return {**known, "r2": found.r2, "reason": found.why}
    own, groups = [_entry(share) for share in found.parameters], [_entry(share) for share in found.groups]
    return {**known, "parameters": own, "groups": groups, "r2": found.r2, "reason": None}


def sentence(verdict: Mapping[str, Any]) -> str:
    """The largest shares, then those of the groups; empty for a stored verdict without them.

    >>> sentence({"mattered": {"parameters": [{"name": "rate", "share": 0.58}], "groups": [], "reason": None,
    ...                        "region": "over the whole space", "r2": 0.9}})
    'rate 58 % of the variance over the whole space (R2 0.90)'
    >>> sentence({"mattered": {"parameters": None, "reason": "all scores are equal"}})
    'not told: all scores are equal'
    """
    found = verdict.get("mattered")
    if not found:
        return ""
    if found["parameters"] is None:
        return f"not told: {found['reason']}"
    top = [one for one in found["parameters"] if one["share"] >= _LEAST][:SHOWN] or found["parameters"][:1]
    listed = " · ".join(f"{one['name']} {percent(one['share'])}" for one in top)
    some, of = found.get("trials"), found.get("drawn_from")
    drawn = f", from {some} of {of} trials" if of != some else ""
    said = f"{listed} of the variance {found['region']} (R2 {found['r2']:.2f}{drawn})"
    if found["groups"]:
        said += "; by group " + " · ".join(f"{one['name']} {percent(one['share'])}" for one in found["groups"])
    return said


def percent(value: float) -> str:
    """A share in words.

    >>> percent(0.584), percent(0.003), percent(0.0)
    ('58 %', '< 1 %', '0 %')
    """
    return "< 1 %" if 0.0005 <= value < 0.01 else f"{100 * value:.0f} %"


def _entry(share: Share) -> dict[str, Any]:
    return {"name": share.names[0], "share": share.share, "low": share.low, "high": share.high}


def _even(history: History, done: Sequence[Trial]) -> list[Trial]:
    """The completed trials of the defaults and of searches that read no scores."""
    marks = [mark for mark in history.marks if mark.kind == "study" and mark.data.get("search")]
    kept = []
    for trial in done:
        before = [mark for mark in marks if mark.trial <= trial.number] or marks[:1]
        if trial.number == 0 or (before and not _adaptive(before[-1].data["search"])):
            kept.append(trial)
    return kept


def _adaptive(described: Any) -> bool:
    """Whether a searcher, as the journal describes it, reads scores; one that nobody knows is taken to."""
    if isinstance(described, Mapping) and described.get("adaptive") is False:
        return False  # one that is so by its settings
    name = described.get("name") if isinstance(described, Mapping) else described
    for known, target in SEARCHERS.rows.items():
        if name in (known, target.rpartition(":")[2]):
            return bool(getattr(SEARCHERS.get(known), "adaptive", True))
    return True
