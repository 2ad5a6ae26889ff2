"""Which items of TRIPOD+AI a study's report answers, from the journal; the rest is named as the author's.

(Collins, Moons, Dhiman et al. 2024, BMJ 385:e078378: 27 items, 52 with their parts; here in our own words.)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from truing.record.history import History
from truing.report.facts import inside
from truing.verdict.stored import evaluations

ANSWERED, IN_PART, AUTHOR, NOT_HERE = "answered", "in part", "by the author", "does not apply"
SOURCE = "Collins et al. 2024, BMJ 385:e078378"

#: (item, section, what it asks in our own words)
ITEMS = (
    ("1", "Title", "says that a prediction model is developed or evaluated, for whom, and what it predicts"),
    ("2", "Abstract", "a structured summary, by the statement's own list for abstracts"),
    ("3a", "Introduction", "the health problem, why a model is wanted, and which models there are"),
    ("3b", "Introduction", "whom the model is for, where in their care, and who uses it"),
    ("3c", "Introduction", "known inequalities between groups of people"),
    ("4", "Introduction", "the aim: development, evaluation, or both"),
    ("5a", "Data", "where the data of each part come from, why these, and whom they represent"),
    ("5b", "Data", "when they were collected, and the end of follow-up"),
    ("6a", "Participants", "setting, number and place of the centres"),
    ("6b", "Participants", "who was eligible"),
    ("6c", "Participants", "treatments, and how they were dealt with"),
    ("7", "Preparation", "preprocessing and checks of quality, the same for all groups of people or not"),
    ("8a", "Outcome", "what is predicted, its time horizon, how and when it was assessed"),
    ("8b", "Outcome", "who assessed it, where that takes judgement"),
    ("8c", "Outcome", "whether they were blinded"),
    ("9a", "Predictors", "why these predictors, and any selection before modelling"),
    ("9b", "Predictors", "what each is, how and when it was measured"),
    ("9c", "Predictors", "who measured them, where that takes judgement"),
    ("10", "Sample size", "how the size was arrived at for each part, and whether it suffices"),
    ("11", "Missing data", "how missing values were handled, and why rows were left out"),
    ("12a", "Analysis", "which rows served which purpose, and how they were divided"),
    ("12b", "Analysis", "how predictors enter: form, scaling, transformation"),
    ("12c", "Analysis", "kind of model and why; every step of building it, tuning included; internal validation"),
    ("12d", "Analysis", "how differences between clusters, such as hospitals, were estimated"),
    ("12e", "Analysis", "measures and figures of performance, and why these"),
    ("12f", "Analysis", "any updating, such as recalibration, after evaluation"),
    ("12g", "Analysis", "how the predictions of an evaluation were made"),
    ("13", "Class imbalance", "whether and how it was dealt with, and any recalibration after"),
    ("14", "Fairness", "what was done about fairness, and why"),
    ("15", "Model output", "what the model gives; how classes and thresholds were arrived at"),
    ("16", "Training and evaluation", "how the two differ in setting, eligibility, outcome and predictors"),
    ("17", "Ethics", "approval, and consent or waiver"),
    ("18a", "Open science", "funding"),
    ("18b", "Open science", "conflicts of interest"),
    ("18c", "Open science", "where the protocol is, or that there was none"),
    ("18d", "Open science", "registration, or that there was none"),
    ("18e", "Open science", "whether and where the data can be had"),
    ("18f", "Open science", "whether and where the code can be had"),
    ("19", "Patients and public", "their involvement, or that there was none"),
    ("20a", "Results: participants", "the flow of participants, with and without the outcome"),
    ("20b", "Results: participants", "what they are like, overall and by source, with missing values"),
    ("20c", "Results: participants", "how evaluation rows differ from development rows in predictors and outcome"),
    ("21", "Results: development", "participants and events in each analysis: development, tuning, evaluation"),
    ("22", "Results: specification", "the whole model, so that others can predict with it"),
    ("23a", "Results: performance", "performance with intervals, also in key groups of people"),
    ("23b", "Results: performance", "differences in performance between clusters, where they were examined"),
    ("24", "Results: updating", "the updated model and its performance"),
    ("25", "Discussion", "what the results mean, fairness and earlier studies included"),
    ("26", "Discussion", "limits: sample, missing data, overfitting, and what they do to the results"),
    ("27a", "Usability", "what to do where an input is poor or missing"),
    ("27b", "Usability", "what users have to do, and what they must know"),
    ("27c", "Usability", "next steps, generalizability and transfer included"),
)


@dataclass(frozen=True)
class Item:
    """One item.

    Args:
        number, section, asks: which it is.
        status: answered, in part, by the author, or does not apply.
        where: where the answer is, and what is left to the author.
    """

    number: str
    section: str
    asks: str
    status: str
    where: str


def tripod(
    history: History, study: Mapping[str, Any], verdict: Mapping[str, Any] | None, files: Mapping[str, str]
) -> list[Item]:
    """Every item with its answer; pure. What the journal does not hold is the author's.

    Args:
        files: of the paper's folder, by name; only what is there is pointed to.
    """
    found = _answers(history, study, verdict, files)
    return [Item(number, section, asks, *found.get(number, (AUTHOR, ""))) for number, section, asks in ITEMS]


def _answers(
    history: History, study: Mapping[str, Any], verdict: Mapping[str, Any] | None, files: Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    parts, facts = study.get("parts"), study.get("facts")
    parts = parts if isinstance(parts, Mapping) else None
    tested = isinstance(inside(verdict, "test"), Mapping)
    sites = inside(facts, "sites")
    if inside(facts, "time"):
        found["5b"] = (IN_PART, "methods.md, Data: the span of the rows' times. Yours: follow-up")
    if sites is not None:
        found["6a"] = (IN_PART, "methods.md, Data: the number of sites. Yours: which they are, and the setting")
    if study.get("findings"):
        found["7"] = (
            IN_PART,
            "methods.md, Data: what was found about the rows. Yours: preparation before and in training",
        )
    if parts is not None:
        found["12a"] = (ANSWERED, "methods.md, Data and Search, validation and test; flow.md, flow.svg, rows.csv")
        found["20a"] = (IN_PART, "flow.md, flow.svg, rows.csv from the rows given on. Yours: who was left out before")
        found["21"] = (ANSWERED, "rows.csv: rows, groups and events of each part and fold")
        if parts.get("classes") is not None:
            found["13"] = (IN_PART, "rows.csv: rows of each class in each part. Yours: what the training does about it")
        if parts.get("locked") is not None or parts.get("external"):
            where = "rows.csv: rows and events of each part. Yours: setting, eligibility and predictors"
            found["16"] = found["20c"] = (IN_PART, where)
        else:
            found["16"] = found["20c"] = (NOT_HERE, "no rows were set apart to evaluate on")
    told = "hyperparameters with ranges and defaults, the search, how the selected was chosen, validation"
    found["12c"] = (IN_PART, f"methods.md: {told}; space.csv, trials.csv. Yours: the kind of model and why")
    if study.get("classes") is not None:
        by = inside(verdict, "threshold")
        if by and by.get("value") is not None and by.get("chosen_on"):
            found["15"] = (
                ANSWERED,
                f"methods.md: probabilities; the threshold, chosen for {by['aim']}, and its interval",
            )
        else:
            found["15"] = (IN_PART, "methods.md: probabilities and the rule of decision. Yours: why that rule")
    procedures = {str(one.get("procedure")) for one in evaluations(history) if one.get("complete", True)}
    if "internal_external" in procedures:
        found["12d"] = (ANSWERED, "methods.md, Further figures: the tuning repeated with one site left out")
        found["23b"] = (ANSWERED, "methods.md, Further figures and verdict.csv: pooled, and the range for a new site")
    elif sites == 1:
        found["12d"] = found["23b"] = (NOT_HERE, "all rows are of one site")
    if verdict is not None:
        figures = [name for name in ("calibration.svg", "roc.svg", "confusion.svg", "decision.svg") if name in files]
        shown = f"; {', '.join(figures)}" if figures else ""
        found["12e"] = (IN_PART, f"methods.md: the metrics and the method of each interval{shown}. Yours: why these")
        subgroups = "Yours: key groups of people, which Truing does not know"
        what = "locked test and validation" if tested else "validation only: there is no locked test"
        found["23a"] = (IN_PART, f"verdict.csv: {what}, with 95 % intervals. {subgroups}")
        if tested:
            where = "methods.md, Search, validation and test, and Looks at the locked rows"
            predicted = "confusion.svg" in files
            found["12g"] = (ANSWERED, where) if predicted else (IN_PART, f"{where}. Yours: how the function predicts")
        if inside(verdict, "model"):
            found["22"] = (
                IN_PART,
                "model/ keeps the network, verdict.csv and methods.md what was selected. Yours: its code",
            )
        if verdict.get("warnings"):
            found["26"] = (
                IN_PART,
                "methods.md, Limits that the verdict names. Yours: all that the journal cannot know",
            )
    return found


def tripod_text(items: list[Item]) -> str:
    """The table as Markdown."""
    counts = Counter(item.status for item in items)
    said = ", ".join(f"{counts[status]} {status}" for status in (ANSWERED, IN_PART, AUTHOR, NOT_HERE))
    lines = ["# TRIPOD+AI", ""]
    lines += [f"The 27 items of TRIPOD+AI ({SOURCE}), {len(items)} with their parts, in our own words: {said}.", ""]
    lines += [
        "What is answered stands in this folder, from the journal alone. An item it does not hold is the author's, "
        "and so is the judgement whether an answer suffices. A medical journal asks for the statement's own list.",
        "",
    ]
    lines += ["| item | section | asks for | | where |", "|---|---|---|---|---|"]
    lines += [f"| {i.number} | {i.section} | {i.asks} | {i.status} | {i.where or '-'} |" for i in items]
    return "\n".join([*lines, ""])


def tripod_rows(items: list[Item]) -> list[dict[str, Any]]:
    """The same for a CSV file."""
    return [
        {"item": i.number, "section": i.section, "asks": i.asks, "status": i.status, "where": i.where} for i in items
    ]
