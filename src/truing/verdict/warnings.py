"""What a person should know before believing the verdict, each with a code for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from truing.record.changes import FUNCTION, SPACE, changes_of, earlier_looks
from truing.record.history import History
from truing.record.trial import ESTIMATE, RACE, REFIT, RunRecord, Trial
from truing.space.configuration import format_value
from truing.statistics.names import spoken
from truing.verdict import external
from truing.verdict.fresh import cause
from truing.verdict.remedies import with_remedy
from truing.verdict.wording import capital, side_by_side


def warnings_of(
    verdict: Mapping[str, Any],
    history: History,
    study: Mapping[str, Any],
    defaults: Trial,
    *,
    locked_as: str,
    labelled: bool,
    few_positives: str | None,
    failed_runs: Sequence[RunRecord],
    doubts: Sequence[tuple[str, str]] = (),
) -> list[dict[str, str]]:
    """The warnings of a verdict; pure.

    Args:
        locked_as: how the locked rows reached the function; see `RunSpec`.
        labelled: the locked rows have labels.
        few_positives: a sentence where one class of the locked rows is small.
        failed_runs: runs of this verdict that failed.
        doubts: code and sentence of what its predictions and curves give reason to; see `doubts`.
    """
    found: list[tuple[str, str]] = []
    difference = verdict["validation"]["difference"]
    if defaults.state != "completed":
        why = (defaults.reason or defaults.state).splitlines()[0].rstrip(" .")
        found.append(
            ("defaults_failed", f"The defaults did not complete ({why}), so there is nothing to compare with.")
        )
    elif difference["value"] is None:
        found.append(("no_comparison", f"No difference from the defaults: {difference['reason']}."))
    found += _failed(failed_runs)
    if verdict["looks"] > 1:
        found.append(
            (
                "later_look",
                f"This is look {verdict['looks']} at the locked test set; only the first has its 95 %, "
                "this one describes.",
            )
        )
    beaten = no_better(verdict)
    if beaten:
        found.append(
            (
                "no_better_than_constant",
                "The selected configuration is no better than a prediction that does not look at the rows: "
                f"{' and '.join(beaten)}.",
            )
        )
    if locked_as == "numbers" and verdict["test"] is not None:
        what = "their labels" if labelled else "these rows"
        found.append(
            (
                "labels_given",
                f"{capital(spoken(verdict['metric']))} on the locked rows is a number that the function computed "
                f"itself, so it was given {what} and could have used them.",
            )
        )
    if few_positives is not None:
        found.append(("few_positives", few_positives))
    assumed = study.get("assumed_defaults") or []
    if assumed:
        values = {name: defaults.config.get(name.replace(".*.", ".0.")) for name in assumed}
        said = ", ".join(f"{name} {format_value(v)}" if v is not None else name for name, v in values.items())
        found.append(
            (
                "assumed_defaults",
                f"No default was given, so the middle of the scale, or the first option, stands for it: {said}.",
            )
        )
    if not study.get("source_readable", True):
        unread = ", ".join(study.get("source_unread") or ["the function"])
        found.append(
            ("source_unreadable", f"The source of {unread} could not be read, so changes to it cannot be seen.")
        )
    for change in changes_of(history):
        if change.kind == FUNCTION:
            found.append(
                ("changed_function", f"{capital(change.text)} ({change.when}): earlier runs are of the old one.")
            )
        elif change.kind == SPACE:
            found.append(("extended_space", f"{capital(change.text)} ({change.when})."))
    same, data, folders = earlier_looks(history)
    if same and verdict["test"] is not None:
        found.append(
            (
                "looked_before",
                f"These locked rows were opened {'once' if same == 1 else f'{same} times'} before, by a study that was "
                f"set aside ({folders}); that counts as a look.",
            )
        )
    if data and verdict["test"] is not None:
        found.append(
            (
                "looked_before",
                f"Other locked rows of the same data were opened before, by a study that was set aside ({folders}): "
                "some of these may have been among them.",
            )
        )
    found += [(f["code"], f["message"]) for f in study.get("findings") or []]
    failed = sum(trial.state == "failed" for trial in history.trials)
    if failed > 0.2 * len(history):
        found.append(
            (
                "many_failed",
                f"{failed} of {len(history)} trial{'s' * (len(history) != 1)} failed; "
                "what the search says of their region is missing.",
            )
        )
    epoch = verdict.get("epoch")
    if epoch and epoch["kept_length"] is False:
        found.append(
            (
                "length_not_kept",
                f"The refits were to end after {epoch['epochs']['selected']} epochs, the median best epoch, but the "
                "function does not go by run.epochs() and trained on: the delivered network is of its own length.",
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
                "There is no locked test set, so no figure here comes from rows that nobody has seen."
                if labelled
                else "There is no locked test set: the figures come from further runs alone.",
            )
        )
    found += external.warnings(verdict.get("external") or {}, verdict["metric"])
    for name, entry in (verdict["test"] or {}).items():
        if entry["delivered"]["value"] is None or entry["selected"] is None:
            why = entry["reason"] or entry["delivered"]["reason"]
            found.append(("undefined", f"{capital(spoken(name))} on the locked rows is undefined: {why}."))
    found += doubts
    return [{"code": code, "message": with_remedy(code, message)} for code, message in dict.fromkeys(found)]


def no_better(verdict: Mapping[str, Any]) -> list[str]:
    """Where the selected does not beat the constant prediction: in its fresh runs, on the locked rows."""
    name, test = verdict["metric"], verdict["test"]
    pairs = [("on validation", verdict["validation"]["selected"], verdict["generalization"].get("base"))]
    if test is not None:
        pairs.append(("on the locked rows", test[name]["selected"], (verdict["base"] or {}).get(name)))
    found = []
    for where, ours, floor in pairs:
        if ours is not None and floor is not None and (ours >= floor if verdict["goal"] == "min" else ours <= floor):
            found.append(f"{where} {spoken(name)} {' against '.join(side_by_side(name, ours, floor))}")
    return found


def _failed(runs: Sequence[RunRecord]) -> list[tuple[str, str]]:
    """One warning for each part of the verdict in which a run failed."""
    by_part: dict[str, list[RunRecord]] = {}
    for run in runs:
        by_part.setdefault(run.purpose.split("@")[0].split(":")[0], []).append(run)
    words = {RACE: "the race", ESTIMATE: "the fresh runs", REFIT: "the refits"}
    found = []
    for part, some in by_part.items():
        many = "1 run" if len(some) == 1 else f"{len(some)} runs"
        first = some[0]
        why = ": ".join(part for part in (str(first.state), cause(first)) if part)
        tail = "" if len(some) == 1 else "; the first"
        found.append(
            (
                f"{part}_failed",
                f"{many} of {words[part]} did not complete{tail} (trial {first.trial}, {why}); a side with one is "
                "not averaged over the others.",
            )
        )
    return found
