"""The methods paragraph of a report, made from what the journal holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from truing.record.changes import FUNCTION, SETTING, SPACE, VERSIONS, changes_of
from truing.record.changes import SEARCH as SEARCHER
from truing.record.epoch import EpochRule
from truing.record.history import History
from truing.record.trial import SEARCH
from truing.report.columns import plain
from truing.report.effects import CAVEAT
from truing.report.facts import inside, name_of, number, of_the_rows, words
from truing.report.several import methods as several_datasets

_SOURCES = {
    "corrected resampled t": "mean ± t(J-1)·s·√(1/J + n_valid/n_train) over the J runs (Nadeau and Bengio 2003)",
    "t over seeds": "mean ± t(J-1)·s/√J over the J runs (Student 1908)",
    "t over rows and folds": "variance = s²(rows, averaged over repeats)/n + s²(folds)/J, t with Satterthwaite's "
    "degrees of freedom (Satterthwaite 1946)",
    "t over groups and folds": "variance = s²(groups, averaged over repeats)/n + s²(folds)/J, t with Satterthwaite's "
    "degrees of freedom (Satterthwaite 1946)",
    "t over rows": "the variance of the row differences averaged over seeds and of the seeds together, with "
    "Satterthwaite's degrees of freedom",
    "t over groups": "the variance of the group differences averaged over seeds and of the seeds together, with "
    "Satterthwaite's degrees of freedom",
    "Wilson": "the score interval of a proportion (Wilson 1927)",
    "percentile bootstrap": "of the one network (Efron and Tibshirani 1993)",
}
_STATES = ("completed", "running", "stopped", "failed", "cancelled")


def methods(history: History, study: Mapping[str, Any], verdict: Mapping[str, Any] | None) -> list[str]:
    """Paragraphs a reader could put into a paper; a fact that the journal does not hold is left out.

    Args:
        history: the study's history.
        study: the data of its `study` event.
        verdict: as `Verdict.to_dict()`, or None before it.
    """
    paragraphs = [_search(history, study), _validation(study)]
    if verdict is not None:
        paragraphs += [_verdict(history, verdict), _test(verdict, study)]
    paragraphs += [_effects(), _versions(study)]
    return [paragraph for paragraph in paragraphs if paragraph]


def protocol(study: Mapping[str, Any]) -> str:
    """The validation protocol in words; empty where there is none."""
    return words(study.get("validation_text") or study.get("validation") or "")


def _search(history: History, study: Mapping[str, Any]) -> str:
    counts = Counter(trial.state for trial in history.trials)
    states = ", ".join(f"{counts[state]} {state}" for state in _STATES if counts[state])
    runs = sum(1 for run in history.runs.values() if run.purpose == SEARCH)
    searcher = words(study.get("search") or "")
    verb = "maximised" if history.goal == "max" else "minimised"
    sentences = [
        f"The search{f' ({searcher})' if searcher else ''} {verb} "
        f"{name_of(study.get('metric'), 'the metric')} over {_many(len(history.space), 'parameter')} "
        f"in {_many(len(history), 'trial')} "
        f"({states or 'none yet'}), {_many(runs, 'run')} in all; trial 0 is the defaults."
    ]
    if study.get("epochs") is not None:
        sentences.append(f"A run goes to at most {number(study['epochs'])} epochs.")
    if study.get("epoch") not in (None, "last"):
        sentences.append(f"A run's score is that of {EpochRule.read(study['epoch']).describe()}.")
    if study.get("seed") is not None:
        sentences.append(f"Every random decision comes from seed {number(study['seed'])}.")
    if counts["failed"]:
        sentences.append("A trial of which one run failed has failed: it is not averaged over the others.")
    for change in changes_of(history):
        if change.kind in (FUNCTION, SPACE, SEARCHER, SETTING, VERSIONS):
            sentences.append(f"From trial {change.trial} on: {plain(change.text)}.")
    return " ".join(sentences)


def _validation(study: Mapping[str, Any]) -> str:
    sentences = [several_datasets(study)] if study.get("datasets") else []
    rows, locked = study.get("rows"), study.get("test_rows")
    if rows is not None and words(rows):
        held = f", {number(locked)} locked away as test rows" if locked is not None else ""
        development = f"{number(rows)} for development" if _is_count(rows) else words(rows)
        known = of_the_rows(study.get("facts"))
        sentences.append(f"Rows: {development}{held}{f'; in all {known}' if known else ''}.")
    judged = protocol(study)
    if judged:
        sentences.append(
            f"A trial was judged by {judged}: its score {'on each ' if study.get('datasets') else ''}is the mean over "
            "its replicates, and ± is the standard error of that mean over them. All trials share the same replicates "
            "(splits and seeds), "
            "so they are paired. Replicates share training rows, so the standard error describes their "
            "scatter and is no interval for new data."
        )
    sentences += [words(chosen) for chosen in study.get("chosen") or () if isinstance(chosen, str)]
    if study.get("decision"):
        sentences.append(f"Decision rule: {words(study['decision']).rstrip('.')}.")
    if study.get("test"):
        sentences.append("The test rows were set aside before the first trial; only the verdict opens them.")
    return " ".join(sentences)


def _verdict(history: History, verdict: Mapping[str, Any]) -> str:
    sentences = []
    if verdict.get("verdict_runs") is not None:
        sentences.append(f"The verdict used {_many(verdict['verdict_runs'], 'run')} beyond the search.")
    sentences.append(_choosing(history))
    runs = inside(verdict, "validation", "runs")
    if runs:
        what = "seeds" if verdict.get("fixed_splits") else "splits and seeds"
        where = "the splits of the search, with seeds" if verdict.get("fixed_splits") else what
        left = "these splits and rows" if verdict.get("fixed_splits") else "these rows"
        sentences.append(
            f"The validation figures come from {_many(runs, 'further run')} a side, on {where} that took no part in "
            "the search or in choosing and are the same for both sides; this removes the luck of "
            f"{what}, not that of {left}."
        )
    taken = inside(verdict, "validation", "optimism", "value")
    if taken is not None:
        sentences.append(
            "From the selected's mean half of the bootstrap optimism of the choice was taken off "
            f"({number(abs(taken))}; Efron 1983, Harrell et al. 1996), for it was chosen on these rows."
        )
    if inside(verdict, "epoch"):
        sentences.append(
            "In them each side was scored at an epoch fixed before they began, the median best epoch of its search "
            "runs, to which its refits were trained: so the choice of the best epoch by the validation rows is in "
            "none of the figures (Cawley and Talbot 2010)."
        )
    estimand = inside(verdict, "validation", "estimand")
    if estimand and inside(verdict, "validation", "selected") is not None:
        sentences.append(f"What they estimate: {_stripped(estimand)}.")
    method = inside(verdict, "validation", "difference", "method")
    if inside(verdict, "selected") == inside(verdict, "defaults"):
        sentences.append("The defaults were kept, so there is nothing to compare and no gain to claim.")
    else:
        if method:
            sentences.append(f"The 95 % interval of the validation difference (selected - defaults): {_cited(method)}.")
        sentences.append(
            "A gain is claimed only when that interval lies wholly on the better side of zero in the primary "
            "metric and the locked test does not point the other way; other metrics never claim."
        )
    return " ".join(sentences)


def _choosing(history: History) -> str:
    """How the selected configuration was chosen, as the last verdict's own runs tell."""
    times = len(history.notes.get("verdict", ()))
    at = "" if times < 2 else f"@{times}"
    several = (history.last("study") or {}).get("datasets") or {}
    named = {f"race:{name}{at}" for name in several} or {f"race{at}"}
    runs = [run for run in history.runs.values() if run.purpose in named]
    raced = {run.trial for run in runs}
    if not raced:
        return "The selected configuration is the best by the search."
    return (
        f"The best {len(raced)} by the search ran once more on a fresh fold set each, "
        f"{len({(r.purpose, r.trial, r.replicate) for r in runs})} runs; the selected configuration has the best mean "
        "of its search and fresh runs."
    )


def _test(verdict: Mapping[str, Any], study: Mapping[str, Any]) -> str:
    test = verdict.get("test")
    if not isinstance(test, Mapping) or not test:
        return "There is no locked test in this verdict."
    kept = inside(verdict, "selected") == inside(verdict, "defaults")
    times = f"{number(verdict['refits'])} times" if isinstance(verdict.get("refits"), int) else "with several seeds"
    who = "The selected configuration was" if kept else "The selected configuration and the defaults were each"
    sentences = [
        f"Locked test: {who[0].lower()}{who[1:]} trained again on all development rows, {times} with seeds of their "
        "own, and scored on the locked rows; what these runs had as validation rows were rows they trained on, and "
        "counts for nothing. The first refit of the selected configuration is the delivered network."
    ]
    if not kept:
        sentences.append("The difference is that of the means.")
    if any(inside(warning, "code") == "labels_given" for warning in verdict.get("warnings") or ()):
        sentences.append("The function computed these figures itself, with the labels of the locked rows at hand.")
    primary = name_of(verdict.get("metric") or study.get("metric"))
    names = sorted(test, key=lambda name: (name != primary, name))
    for what, part in (("Interval of the difference", "difference"), ("The delivered network", "delivered")):
        used: dict[str, list[str]] = {}
        for name in names:
            method = inside(test, name, part, "method")
            if method and not (kept and part == "difference"):
                used.setdefault(_cited(method), []).append(words(name))
        sentences += [f"{what} ({', '.join(metrics)}): {method}." for method, metrics in used.items()]
    if inside(verdict, "generalization", "retained") is not None:
        sentences.append(
            "Retained is (test - base) / (validation - base), where base is the score of the best constant "
            "prediction, fitted and scored on the development rows."
        )
    looks = verdict.get("looks")
    if isinstance(looks, int):
        often = "once" if looks == 1 else f"{looks} times"
        sentences.append(f"The locked rows have been looked at {often}.")
        if looks > 1:
            sentences.append("After the first look the figures describe, and no longer have 95 % coverage.")
    return " ".join(sentences)


def _cited(method: Any) -> str:
    """A method's name with what it is and its source, where it is one of the verdict's own."""
    name = _stripped(method)
    known = next((text for start, text in _SOURCES.items() if name.startswith(start)), None)
    return name if known is None or "(" in name else f"{name}, {known}"


def _effects() -> str:
    return (
        "Effects of parameters: means over completed trials with the 95 % t interval of a mean (Student "
        f"1908), the trial as the unit. {CAVEAT} Failed trials are in no mean."
    )


def _versions(study: Mapping[str, Any]) -> str:
    versions = words(study.get("versions") or "")
    return f"Versions: {versions}." if versions else ""


def _stripped(sentence: Any) -> str:
    return words(str(sentence)).rstrip(".")


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
