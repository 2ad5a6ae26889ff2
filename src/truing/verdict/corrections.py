"""The selected configuration's score side by side, each figure with what it estimates, and what stands between them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truing.record.history import History
from truing.verdict import best_epoch
from truing.verdict.headline import fresh
from truing.verdict.text import chosen, luck
from truing.verdict.wording import capital, number, places

FIGURE, CHANGE = "figure", "change"
NOT_ASKED = "not asked for; study.evaluate(tr.Nested(5)) makes it"


def corrections(verdict: Mapping[str, Any], history: History | None = None) -> list[dict[str, Any]]:
    """The figures first, then the changes; pure.

    Each has code, kind ("figure": a score; "change": a corrected figure minus the uncorrected one), name, value, low
    and high in the metric's unit, method, what it estimates, a reason where a part of it is None, and a sentence.

    Args:
        history: where a nested validation is looked for.
    """
    return [*_figures(verdict, history), *_changes(verdict)]


def _figures(verdict: Mapping[str, Any], history: History | None) -> list[dict[str, Any]]:
    valid, bbc = verdict["validation"], verdict.get("bbc") or {}
    trained = f"networks trained on {valid['rows_trained']} rows" if valid["rows_trained"] else "further runs"
    found = [
        _entry(
            "as_searched",
            "as the search saw it",
            {"value": valid["as_searched"], "method": "mean of its search runs"},
            "nothing: it is the winner's own score, and the luck of many tries is in it",
            "the score that chose it has no interval that means anything",
        ),
        _entry(
            "fresh",
            fresh(verdict) if "splits" in valid["estimand"] else "fresh seeds",
            valid["fresh"],
            f"the mean score, on fresh splits and seeds, of {trained} with this configuration; the luck of the "
            "search's own runs is taken out, that of these rows, on which it was chosen, is not",
        ),
    ]
    if valid["optimism"]["value"] is not None:
        own = {**valid, "value": valid["selected"]}
        found.append(_entry("corrected", "less the optimism of the choice", own, valid["estimand"]))
    chosen = f"the mean score on further rows like these of {trained}, each with what this rule of choice "
    chosen += (
        "takes among these configurations; the luck of the choice is taken out, that they were proposed by looking "
    )
    chosen += "at these rows is not"
    found.append(_entry("bbc_cv", "BBC-CV, the choice repeated", bbc, chosen))
    found.append(_locked(verdict))
    found.append(_of_nested(_nested(history)))
    return found


def _of_nested(nested: Mapping[str, Any] | None, name: str = "nested validation") -> dict[str, Any]:
    return _entry(
        "nested",
        name,
        nested or {"value": None, "reason": NOT_ASKED},
        "the mean score on rows outside of the whole procedure, search included, of what it selects on a part of "
        "these rows; not of this very configuration",
    )


def renewed(verdict: Mapping[str, Any], history: History) -> dict[str, Any]:
    """A stored verdict with the nested validation that was made since, where it was made without one; pure."""
    nested, given = _nested(history), verdict.get("corrections")
    if nested is None or not isinstance(given, list | tuple):
        return dict(verdict)
    late = _of_nested(nested, "nested validation, made since")
    return {**verdict, "corrections": [late if _is_lacking(one) else one for one in given]}


def _is_lacking(entry: Any) -> bool:
    return isinstance(entry, Mapping) and entry.get("code") == "nested" and entry.get("reason") == NOT_ASKED


def _locked(verdict: Mapping[str, Any]) -> dict[str, Any]:
    test = (verdict["test"] or {}).get(verdict["metric"])
    refits = verdict.get("refits")
    if test is None:
        figures: Mapping[str, Any] = {"value": None, "reason": "there is no locked test set"}
    else:
        figures = {"value": test["selected"], "method": f"mean of {refits} refits", "reason": test["reason"]}
    looks = "" if verdict["looks"] <= 1 else f"; look {verdict['looks']}, so it describes"
    estimates = "the score on new rows of networks trained on all development rows with this configuration" + looks
    return _entry(
        "locked_test",
        "locked test",
        figures,
        estimates,
        "its interval is that of the difference and of the delivered network, in `test`",
    )


def _nested(history: History | None) -> Mapping[str, Any] | None:
    """The latest nested validation of the function and the space as they are."""
    if history is None:
        return None
    notes = [
        note
        for note in history.notes.get("evaluated", ())
        if note.get("procedure") == "nested" and note.get("since", 0) == history.verdict_since
    ]
    return notes[-1]["result"] if notes else None


def _entry(code: str, name: str, figures: Mapping[str, Any], estimates: str, no_ends: str = "") -> dict[str, Any]:
    value, low, high = (figures.get(key) for key in ("value", "low", "high"))
    reason = figures.get("reason")
    if reason is None and value is not None and low is None:
        reason = no_ends or None
    decimals = places(value)
    said = number(value, decimals) if value is not None else f"undefined: {reason or 'not known'}"
    if low is not None and high is not None:
        said += f" [{number(low, decimals)}, {number(high, decimals)}]"
    return {
        "code": code,
        "kind": FIGURE,
        "name": name,
        "value": value,
        "low": low if value is not None else None,
        "high": high if value is not None else None,
        "method": figures.get("method") or "",
        "estimates": estimates,
        "reason": reason,
        "message": f"{capital(name)}: {said}. It estimates {estimates}.".replace("..", "."),
    }


def _changes(verdict: Mapping[str, Any]) -> list[dict[str, Any]]:
    valid, found = verdict["validation"], []
    if valid["fresh"]["value"] is not None and valid["as_searched"] is not None:
        gap = valid["fresh"]["value"] - valid["as_searched"]
        found.append(_change("search_luck", "luck of the search's runs", gap, f"{capital(luck(verdict))}."))
    flattery = valid["optimism"]
    if flattery["value"] is not None:
        less = -flattery["value"]
        found.append(_change("choice", "optimism of the choice", less, f"{capital(chosen(verdict))}.", found=flattery))
    if verdict.get("epoch"):
        optimism = verdict["epoch"]["optimism"]
        value, low, high = (optimism[key] for key in ("value", "low", "high"))
        message = capital(best_epoch.sentence(verdict))
        ends = (None, None) if low is None or high is None else (-high, -low)
        found.append(
            _change("best_epoch", "choice of the epoch", None if value is None else -value, message, ends, optimism)
        )
    return found


def _change(
    code: str,
    name: str,
    value: float | None,
    message: str,
    ends: tuple[float | None, float | None] = (None, None),
    found: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    method, reason = ((found or {}).get(key) for key in ("method", "reason"))
    return {
        "code": code,
        "kind": CHANGE,
        "name": name,
        "value": value,
        "low": ends[0],
        "high": ends[1],
        "method": method or "",
        "estimates": "what the uncorrected score flatters by, with the opposite sign",
        "reason": reason,
        "message": message,
    }
