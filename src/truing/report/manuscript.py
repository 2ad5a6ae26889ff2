"""The methods section of a paper, made from the journal: facts with their numbers, and what a reader should doubt."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from truing.record.changes import changes_of, earlier_looks, own_looks
from truing.record.history import History
from truing.record.state import State
from truing.record.trial import SEARCH
from truing.report.columns import plain
from truing.report.delivered import Scored
from truing.report.facts import inside, words
from truing.report.flow import outside, part_in_words
from truing.report.further import sentences
from truing.report.methods import methods
from truing.report.progress import duration
from truing.report.space_table import described

_CALLED = {
    "race": "to choose among the best",
    "estimate": "to estimate",
    "refit": "on all development rows",
    "robustness": "to try neighbours of the selected",
}

_ENDED = {
    "trials": "all the trials asked for were done",
    "exhausted": "there was nothing more to try",
    "target": "the target was reached",
    "minutes": "its time was up",
    "interrupted": "it was interrupted",
    "failures": "failures of one kind stopped it",
}


def manuscript(
    history: History,
    study: Mapping[str, Any],
    verdict: Mapping[str, Any] | None,
    found: Scored | None,
    left_out: Mapping[str, str],
) -> str:
    """The section as Markdown; pure. A fact that the journal does not hold is left out.

    Args:
        found: the delivered network's predictions, where they are kept.
        left_out: what could not be made, and why.
    """
    name = plain(study.get("name") or "the study")
    lines = [f"# Methods of {name}", ""]
    lines += ["## Data", "", _data(study), ""]
    lines += ["## Hyperparameters", "", *_space(history), ""]
    lines += ["## Search, validation and test", ""]
    for paragraph in methods(history, study, verdict):
        lines += [paragraph, ""]
    if more := sentences(history, verdict):
        lines += ["## Further figures", "", *(f"- {sentence}" for sentence in more), ""]
    lines += ["## Runs, seeds and machine", "", _runs(history), "", _machine(history, study), ""]
    lines += ["## Looks at the locked rows", "", _looks(history, study), ""]
    lines += ["## Deviations", "", *_deviations(history), ""]
    if warned := [plain(warning["message"]) for warning in (verdict or {}).get("warnings", ())]:
        lines += ["## Limits that the verdict names", "", *(f"- {message}" for message in warned), ""]
    lines += ["## Figures and tables", "", *_figures(found, left_out, kept=bool(inside(verdict, "model"))), ""]
    return "\n".join(lines)


def _data(study: Mapping[str, Any]) -> str:
    parts = study.get("parts")
    if not isinstance(parts, Mapping):
        if study.get("rows") is None:
            return "The study has no data of its own: the training function brings what it needs and reports numbers."
        return f"{study['rows']} development rows and {study.get('test_rows') or 'no'} locked rows."
    sentences = [f"Given were {part_in_words(parts['all'], parts)}; none was excluded."]
    locked = parts.get("locked")
    if locked is not None:
        how = plain(study.get("test") or "").strip()
        kind = "An official test set" if parts["official"] else "Before the first trial a test part was locked away"
        sentences.append(f"{kind}{f' ({how})' if how else ''}: {part_in_words(locked, parts)}.")
    else:
        sentences.append("No test part was locked away.")
    sentences.append(f"Development rows: {part_in_words(parts['development'], parts)}.")
    if (shared := parts.get("shared_groups")) is not None:
        who = "No group has" if not shared else "1 group has" if shared == 1 else f"{shared} groups have"
        sentences.append(f"{who} rows both in the locked and in the development part.")
    for kind, name, part in outside(parts):
        what = "External set" if kind == "external" else "Negative control (inputs of none of the classes)"
        sentences.append(f"{what} {plain(name)}: {part_in_words(part, parts)}, opened by the verdict only.")
    span = inside(study, "facts", "time")
    if isinstance(span, Sequence) and len(span) == 2:
        sentences.append(f"The rows are from {plain(span[0])} to {plain(span[1])}.")
    if (sites := inside(study, "facts", "sites")) is not None:
        sentences.append(f"They come from {_many(sites, 'site')}.")
    for finding in study.get("findings") or ():
        if message := plain(finding.get("message") or ""):
            sentences.append(message if message.endswith(".") else f"{message}.")
    return " ".join(sentences)


def _space(history: History) -> list[str]:
    lines = [f"{_many(len(history.space), 'hyperparameter')} varied:", ""]
    for name in history.space:
        row = described(name, history.space)
        when = "" if row["when"] == "always" else f"; only where {row['when']}"
        role = "" if row["role"] == "scientific" else f", {row['role']}"
        lines.append(
            f"- {row['name']} ({row['kind']}, {row['group']}{role}): {row['span']}; default {row['default']}{when}."
        )
    return lines


def _runs(history: History) -> str:
    counted = [run for run in history.runs.values() if run.state is not State.SUPERSEDED]
    purposes = Counter(run.purpose.partition("@")[0].partition(":")[0] for run in counted)
    others = ", ".join(
        f"{count} {_CALLED.get(purpose, f'for {plain(purpose)}')}"
        for purpose, count in purposes.items()
        if purpose != SEARCH
    )
    more = f", and the verdict further runs: {others}" if others else ""
    states = Counter(str(run.state) for run in counted)
    ended = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in sorted(states.items()))
    seeds = len({run.seed for run in counted})
    sentences = [
        f"The search made {_many(purposes[SEARCH], 'run')}{more}.",
        f"By their end: {ended or 'none yet'}.",
        f"The runs used {_many(seeds, 'different seed')}, all derived from the study's seed {history.seed}; "
        "replicate j has the same seed in every trial.",
    ]
    epochs = [run.epochs for run in counted if run.purpose == SEARCH and run.state is State.COMPLETED]
    if any(epochs):
        span = f"{min(epochs)}" if min(epochs) == max(epochs) else f"{min(epochs)} to {max(epochs)}"
        sentences.append(
            f"A completed search run took {span} epoch{'' if span == '1' else 's'}, "
            f"{statistics.median(epochs):g} in the median."
        )
    sentences.append(f"All trainings together took {duration(sum(run.seconds for run in counted))}.")
    return " ".join(sentences)


def _machine(history: History, study: Mapping[str, Any]) -> str:
    machine = study.get("machine") or {}
    opened = history.notes.get("opened", ())
    sentences = []
    if study.get("threads") is not None:
        sentences.append(f"Each run used {_many(study['threads'], 'thread')}.")
    workers = list(dict.fromkeys(note.get("workers") for note in opened))
    if workers:
        said = " then ".join("one at a time in one process" if not w else f"up to {w} at a time" for w in workers)
        sentences.append(f"Runs were made {said}.")
    cards = {name for run in history.runs.values() for name in run.gpus or ()}
    sentences.append(f"They had {_many(len(cards), 'GPU')}." if cards else "They were given no GPU by Truing.")
    if machine:
        there = [plain(machine[key]) for key in ("system", "processor") if machine.get(key)]
        there += [f"{machine['cores']} cores"] if machine.get("cores") else []
        sentences.append(f"Machine: {', '.join(there)}.")
    if study.get("git"):
        sentences.append(f"Commit of the study's file: {plain(study['git'])}.")
    return " ".join(sentences)


def _looks(history: History, study: Mapping[str, Any]) -> str:
    if study.get("test_rows") is None:
        return "There are no locked rows."
    own = len(own_looks(history))
    same, other, folders = earlier_looks(history)
    sentences = [f"This study has looked at the locked rows {_times(own)}."]
    if same or other:
        where = f" ({plain(folders)})"
        sentences.append(
            f"Studies that were set aside in this place before it{where} looked at the very same rows {_times(same)}"
            f" and at other locked rows of the same data {_times(other)}."
        )
    else:
        sentences.append("No study that was set aside in this place before it looked at them.")
    if own + same + other > 1:
        sentences.append("Figures after the first look describe; their intervals no longer have 95 % coverage.")
    later = Counter(plain(look["external"]) for look in history.notes.get("look", ()) if "external" in look)
    for name, count in later.items():
        sentences.append(f"The external set {name}, which came later, was looked at {_times(count)}.")
    sentences.append("Looks at copies of the data in other folders cannot be known.")
    return " ".join(sentences)


def _deviations(history: History) -> list[str]:
    lines = [f"- From trial {c.trial} on: {plain(c.text)}." for c in changes_of(history)]
    calls = [str(note.get("why")) for note in history.notes.get("ended", ())]
    if len(calls) > 1:
        said = ", then ".join(_ENDED.get(why, plain(why)) for why in calls)
        lines.append(f"- The search was made in {len(calls)} calls, and each ended so: {said}.")
    if len(calls) == 1 and calls[0] in ("interrupted", "failures"):
        lines.append(f"- The search did not come to its planned end: {_ENDED[calls[0]]}.")
    again = sum(run.state is State.SUPERSEDED for run in history.runs.values())
    if again:
        lines.append(f"- {_many(again, 'run')} that {'was' if again == 1 else 'were'} cut off, or left a damaged file, "
                     "began again with the same seed and counts once.")  # fmt: skip
    failed = [trial for trial in history.trials if trial.state == "failed"]
    reasons = Counter(plain((trial.reason or "no reason told").splitlines()[0])[:120] for trial in failed)
    for reason, count in reasons.most_common(5):
        lines.append(f"- {_many(count, 'trial')} failed: {reason}.")
    if len(reasons) > 5:
        lines.append(f"- {len(reasons) - 5} more reasons of failure are in trials.csv.")
    return lines or ["None is recorded: nothing was changed after the first trial, and no trial failed."]


def _figures(found: Scored | None, left_out: Mapping[str, str], *, kept: bool) -> list[str]:
    lines = []
    if found is not None:
        network = "the delivered network" + ", the one that is kept," * kept
        lines.append(
            f"- Confusion matrix, ROC, calibration and decision curve are of {network} on {found.rows}. Intervals: "
            + ("over rows." if found.groups is None else "over groups.")
        )
        rule = (
            f"A row counts as {found.sides[0][0]} from a probability of {found.threshold:.4g} on."
            if found.threshold is not None
            else f"A row counts as {found.sides[0][0]} from a probability of 0.5 on."
            if len(found.names) == 2
            else "The most probable class is predicted."
        )
        lines.append(f"- {words(rule)}")
    return [*lines, *(f"- Left out, {what}: {why.rstrip('.')}." for what, why in left_out.items())] or [
        "- Nothing is left out."
    ]


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"
