"""Threshold, predictive values, calibration and agreement in a few words; only where they say something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truing.verdict.calibration import FRESH
from truing.verdict.decision import decision_line
from truing.verdict.wording import number

GAP = "\N{NO-BREAK SPACE}"  # a figure is not torn at the end of a line
_SHORT = (
    ("sensitivity", "sensitivity"),
    ("specificity", "specificity"),
    ("precision", "PPV"),
    ("negative_predictive_value", "NPV"),
)


def judgement_lines(verdict: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(label, text) of each line; pure."""
    found = _threshold(verdict.get("threshold"))
    found += _predictive(verdict.get("predictive_values"))
    found += _calibration(verdict.get("calibration"))
    found += decision_line(verdict.get("net_benefit"))
    return found + _agreement(verdict.get("agreement"))


def share_in_words(figure: Mapping[str, Any] | None) -> str:
    """A share with its interval as percentages.

    >>> share_in_words({"value": 0.978, "low": 0.957, "high": 0.989}).replace(GAP, " ")
    '97.8 % [95.7, 98.9]'
    >>> share_in_words({"value": None, "reason": "there are no rows"})
    'undefined (there are no rows)'
    """
    if figure is None or figure["value"] is None:
        return f"undefined ({(figure or {}).get('reason') or 'not made'})"
    text = f"{100 * figure['value']:.1f}{GAP}%"
    if figure["low"] is None:
        return f"{text}{_no_interval(figure)}"
    return f"{text}{GAP}[{100 * figure['low']:.1f},{GAP}{100 * figure['high']:.1f}]"


def number_in_words(figure: Mapping[str, Any] | None, decimals: int = 2) -> str:
    """A number with its interval.

    >>> number_in_words({"value": 0.82, "low": 0.6, "high": 1.04}).replace(GAP, " ")
    '0.82 [0.60, 1.04]'
    """
    if figure is None or figure["value"] is None:
        return f"undefined ({(figure or {}).get('reason') or 'not made'})"
    text = number(figure["value"], decimals)
    if figure["low"] is None:
        return f"{text}{_no_interval(figure)}"
    return f"{text}{GAP}[{number(figure['low'], decimals)},{GAP}{number(figure['high'], decimals)}]"


def _no_interval(figure: Mapping[str, Any]) -> str:
    """Why a figure stands without its interval; empty where no reason was told, as for a number that was given.

    >>> _no_interval({"reason": "there are fewer than two groups to resample"})
    ' (no interval: fewer than two groups to resample)'
    """
    why = str(figure.get("reason") or "").removeprefix("there are ")
    return f" (no interval: {why})" if why else ""


def _threshold(found: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    if found is None:
        return []
    if found["value"] is None:
        return [("threshold", f"for {found['aim']}: undefined, for {found['reason']}")]
    at = number_in_words(found, 3)
    source = f" for {found['aim']}, from {found['chosen_on']}" if found["chosen_on"] else ", as given"
    lines = [("threshold", at + source)]
    if found["test"] is None:
        return [*lines, ("", f"not judged on locked rows: {found['test_reason']}")]
    parts = [f"{word} {share_in_words(found['test'][name])}" for name, word in _SHORT]
    return [*lines, ("", f"the delivered network at it, locked rows: {', '.join(parts)}")]


def _predictive(found: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    if found is None:
        return []
    at = f"{100 * found['prevalence']:.3g}{GAP}%"
    if found["ppv"] is None:
        return [("prevalence", f"{at}: predictive values undefined, for {found['reason']}")]
    where = (
        f"threshold {number(found['threshold'], 3)}" if found["threshold"] is not None else "as it decides by itself"
    )
    values = f"PPV {share_in_words(found['ppv'])}, NPV {share_in_words(found['npv'])}"
    return [("prevalence", f"{at}: {values} (the delivered network, {where})")]


def _calibration(found: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    if not found or found["slope"] is None:
        return []
    where = "fresh runs, out of fold" if found["on"] == FRESH else "delivered network, locked rows"
    most = ", of the most probable class" if found["of"].startswith("the probability of the most") else ""
    fits = [found["slope"], found["intercept"]]
    last = where + most
    if all(one["value"] is not None and one["low"] is None for one in fits) and fits[0]["reason"] == fits[1]["reason"]:
        last += _no_interval(fits[0])  # once is enough
        fits = [{**one, "reason": None} for one in fits]
    slope, intercept = (number_in_words(one) for one in fits)
    return [("calibration", f"slope {slope} (ideal 1), intercept {intercept} (ideal 0); {last}")]


def _agreement(found: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    if not found or found["unanimous"] is None:
        return []
    who = "refits" if found["of"].startswith("refits") else "fresh runs"
    all_of = "both" if found["trainings"] == 2 else f"all {found['trainings']}"
    text = f"{all_of} {who} agree on {share_in_words(found['unanimous'])} of the rows"
    split = found["right_where_split"]
    if split["value"] is not None:
        rows = "1 row where" if found["split_rows"] == 1 else f"{found['split_rows']} rows where"
        text += f"; on the {rows} they differ, each is right in {share_in_words(split)} on average"
    return [("agreement", text)]
