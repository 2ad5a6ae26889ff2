"""What a person should know before believing the verdict, each with a code for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from truing.record.history import History
from truing.record.trial import Trial


def warnings_of(
    verdict: Mapping[str, Any], history: History, study: Mapping[str, Any], locked_as: str, defaults: Trial
) -> list[dict[str, str]]:
    """The warnings of a verdict; pure."""
    found: list[tuple[str, str]] = []
    if defaults.state != "completed":
        found.append(
            (
                "defaults_failed",
                f"The defaults did not complete ({defaults.reason}), so there is nothing to compare with.",
            )
        )
    elif verdict["validation"]["difference"]["value"] is None:
        found.append(
            (
                "no_comparison",
                f"No difference from the defaults: {verdict['validation']['difference']['reason']}.",
            )
        )
    if verdict["looks"] > 1:
        found.append(
            (
                "later_look",
                f"This is look {verdict['looks']} at the locked test set; only the first has its 95 %, "
                "this one describes.",
            )
        )
    if locked_as == "numbers" and verdict["test"] is not None:
        found.append(
            (
                "labels_given",
                "The function reports only numbers, so it was given the labels of the locked rows and could "
                "have used them.",
            )
        )
    assumed = study.get("assumed_defaults") or []
    if assumed:
        names = ", ".join(assumed)
        found.append(("assumed_defaults", f"No default was given for {names}: the middle of the scale stands for it."))
    if not study.get("source_readable", True):
        found.append(
            (
                "source_unreadable",
                "The function's source could not be read, so changes to it between calls cannot be seen.",
            )
        )
    if history.notes.get("accepted"):
        found.append(
            (
                "changed_function",
                "The training function changed during the study and the change was accepted: earlier runs are "
                "of the old one.",
            )
        )
    found += [(f["code"], f["message"]) for f in study.get("findings") or []]
    failed = sum(trial.state == "failed" for trial in history.trials)
    if failed > 0.2 * len(history):
        found.append(
            (
                "many_failed",
                f"{failed} of {len(history)} trials failed; what the search says of their region is missing.",
            )
        )
    goal = verdict.get("target")
    if goal is not None and goal["search_reached"] and goal["fresh_reached"] is False:
        found.append(
            (
                "target_missed",
                f"The search stopped at the target {goal['value']:g}, but the fresh runs do not reach it.",
            )
        )
    if verdict["test"] is None:
        found.append(
            (
                "no_test",
                "There is no locked test set, so no figure here comes from rows that nobody has seen.",
            )
        )
    found += [
        ("undefined", f"{name} on the locked rows is undefined: {entry['delivered']['reason']}.")
        for name, entry in (verdict["test"] or {}).items()
        if entry["delivered"]["value"] is None
    ]
    return [{"code": code, "message": message} for code, message in found]
