"""The report of a study: one HTML file that opens without a network.

The page allows itself no request: its policy (Content-Security-Policy) names its two scripts by their
SHA-256, and everything that comes from the study is escaped by the template or stands as JSON that no
browser executes.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from truing.advice import prospects
from truing.errors import JournalError
from truing.record.changes import FUNCTION, changes_of
from truing.record.history import History
from truing.report.columns import many, plain
from truing.report.effects import CAVEAT, Effect
from truing.report.facts import inside, name_of, number, words
from truing.report.figures import DOTS, Drawing, effect_of, score_over_time
from truing.report.importance import ends, named
from truing.report.judgement import drawings as judged
from truing.report.learning import learning_curves
from truing.report.methods import methods, protocol
from truing.report.outside import tables
from truing.report.overtuning import overtuning_of, side_by_side
from truing.report.plots import further
from truing.report.progress import duration
from truing.report.seen import Seen
from truing.report.several import of_datasets
from truing.report.shares import drawing as shares_drawing
from truing.report.space_table import described
from truing.report.table import Row, best_number, ordered, score, trial_rows
from truing.report.what_next import what_next_of
from truing.report.worth import advice_of
from truing.report.worth import drawings as advice_curves
from truing.space.configuration import format_value
from truing.verdict.best_epoch import sentence
from truing.verdict.corrections import renewed
from truing.verdict.evaluation import Evaluation
from truing.verdict.figures import KEPT
from truing.verdict.mattered import percent
from truing.verdict.stored import evaluations
from truing.verdict.text import luck
from truing.verdict.wording import capital, places, places_of_difference, signed
from truing.verdict.wording import number as in_words
from truing.worth.advice import title_of

_ROWS = 1000  # trials in the page's table: a browser lays out ten times as many for seconds
_DOTTED = "·"


def write_report(
    path: Path,
    *,
    history: History,
    study: Mapping[str, Any],
    verdict: Mapping[str, Any] | None,
    verdict_text: str,
    folder_name: str,
) -> None:
    """Write the report to `path`, whole or not at all: a reader never sees half a file.

    Args:
        path: where; its folder must exist. A report that lies there is replaced.
        history, study, verdict, verdict_text, folder_name: as for `report_html`.

    Raises:
        JournalError: the file cannot be written.
    """
    text = report_html(
        history=history, study=study, verdict=verdict, verdict_text=verdict_text, folder_name=folder_name
    )
    path = Path(path)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        unfinished.unlink(missing_ok=True)
        with unfinished.open("xb") as file:  # never through a link; bytes: the scripts' hashes allow no other line ends
            file.write(text.encode("utf-8", "replace"))
        unfinished.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise JournalError(
            f"The report cannot be written to {path} ({error.strerror or error}): mend that, and "
            f"`truing report {path.parent}` writes it."
        ) from error


def report_html(
    *,
    history: History,
    study: Mapping[str, Any],
    verdict: Mapping[str, Any] | None,
    verdict_text: str,
    folder_name: str,
) -> str:
    """The report as the text of one HTML page; pure.

    Args:
        history: the study's history.
        study: the data of its `study` event; a key that is missing leaves out what it would have said.
        verdict: as `Verdict.to_dict()`; None = search only, and the page says how to get one.
        verdict_text: the verdict as the terminal prints it.
        folder_name: the study's folder as a person would type it.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    environment = Environment(
        loader=PackageLoader("truing.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    plotly, page = get_plotlyjs(), environment.get_template("page.js").render()
    return environment.get_template("report.html.j2").render(
        **_page(history, study, verdict, verdict_text, folder_name),
        plotly=Markup(plotly),
        script=Markup(page),
        policy=(
            "default-src 'none'; "
            f"script-src '{_digest(plotly)}' '{_digest(page)}'; "
            "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'"
        ),
        embed=lambda value: Markup(_embedded(value)),
    )


def _page(
    history: History,
    study: Mapping[str, Any],
    verdict: Mapping[str, Any] | None,
    verdict_text: str,
    folder_name: str,
) -> dict[str, Any]:
    """All that the template shows."""
    metric = name_of(study.get("metric") or inside(verdict, "metric"), "score")
    seen = Seen(history, study, verdict)
    found = seen.effects
    drawings = [score_over_time(history, metric=metric)]
    mattered = seen.importance
    mattered_drawing, mattered_place = shares_drawing(mattered), len(drawings)
    drawings += [mattered_drawing] if mattered_drawing is not None else []
    panels = []
    for effect in found:
        drawing = effect_of(effect, history, metric=metric)
        panels.append(
            {
                "effect": effect,
                "drawing": drawing,
                "place": len(drawings),
                "finding": _finding(drawing, effect),
            }
        )
        drawings.append(drawing)
    chosen = inside(verdict, "selected_trial")
    learning = None  # a mean over datasets of curves in their own metric would say nothing
    if not study.get("datasets"):
        learning = learning_curves(history, metric=metric, selected=chosen if isinstance(chosen, int) else None)
    learning_place = len(drawings)
    drawings += [learning] if learning is not None else []
    overtuning, overtuning_place = overtuning_of(verdict, metric=metric), len(drawings)
    drawings += [overtuning] if overtuning is not None else []
    decided = judged(verdict)
    decisions = [{"drawing": one, "place": len(drawings) + place} for place, one in enumerate(decided)]
    drawings += decided
    others = further(seen)
    more = [{"drawing": one, "place": len(drawings) + place} for place, one in enumerate(others)]
    drawings += others
    advised, advised_place = advice_curves(history), len(drawings)
    drawings += advised
    rows = trial_rows(history)
    return {
        "advice": advice_of(history),
        "advice_title": title_of,
        "advice_figures": [{"drawing": one, "place": advised_place + place} for place, one in enumerate(advised)],
        "name": plain(study.get("name") or Path(folder_name).name or "study"),
        "folder": plain(folder_name),
        "metric": metric,
        "goal": history.goal,
        "verdict": verdict,
        "headline": _headline(history, metric, verdict, verdict_text),
        "lead": _lead(verdict, verdict_text),
        "verdict_text": verdict_text.rstrip() if verdict is not None else "",
        "choices": _choices(history, verdict),
        "scores": _scores(metric, verdict),
        "delivered": bool(inside(verdict, "test")),
        "generalization": _generalization(verdict),
        "cost": _cost(history, rows, verdict),
        "evaluations": [
            {"title": capital(one["describe"]), "headline": one["headline"], "text": str(Evaluation(one))}
            for one in evaluations(history)
        ],
        "said": _said(history, verdict),
        "datasets": of_datasets(study, verdict),
        "outside": tables(history, verdict),
        "warnings": _warnings(history, study, verdict),
        "over_time": drawings[0],
        "learning": learning,
        "corrections": side_by_side(renewed(verdict, history) if verdict is not None else None),
        "overtuning": overtuning,
        "overtuning_place": overtuning_place,
        "learning_place": learning_place,
        "decisions": decisions,
        "more": more,
        "mattered": mattered,
        "mattered_drawing": mattered_drawing,
        "mattered_place": mattered_place,
        "named": named,
        "percent": percent,
        "ends": ends,
        "what_next": what_next_of(history, mattered),
        "panels": panels,
        "caveat": CAVEAT,
        "figures": [_bare(drawing) for drawing in drawings],
        "trials": (shown := _trials(history, rows)),
        "untold": len(rows) - len(shown),
        "dots": len(history.completed) <= DOTS,
        "parameters": list(history.space),
        "reasons": any(row["reason"] for row in rows),
        "changes": [
            {"when": change.when, "text": plain(capital(change.text)), "detail": change.detail}
            for change in changes_of(history)
        ],
        "space": [described(name, history.space) for name in history.space],
        "methods": methods(history, study, verdict),
        "facts": _facts(study),
        "number": number,
    }


def _finding(drawing: Drawing, effect: Effect) -> str:
    """The figure's title without the parameter's name, which stands above it."""
    words = drawing.title.removeprefix(plain(effect.parameter) + ": ")
    return words[:1].upper() + words[1:]


def _headline(history: History, metric: str, verdict: Mapping[str, Any] | None, verdict_text: str) -> str:
    if verdict is not None:
        first = next((line.strip() for line in verdict_text.splitlines() if line.strip()), "")
        return plain(verdict.get("headline") or first or "The verdict has no headline.")
    best = history.best()
    if best is None:
        return "No trial has completed yet."
    return (
        f"Search only: best {metric} {score(best.value)} so far, in trial {best.number}. "
        "What tuning gained is not known yet."
    )


def _lead(verdict: Mapping[str, Any] | None, verdict_text: str) -> str:
    """What the verdict's first paragraph says beyond the headline."""
    if verdict is None:
        return ""
    said = plain(verdict.get("headline") or "")
    paragraph = plain(verdict_text.strip().split("\n\n")[0])
    return paragraph.removeprefix(said).strip() if said and paragraph.startswith(said) else ""


def _choices(history: History, verdict: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """A row a parameter: the defaults, the selected, and whether they differ."""
    selected, defaults = inside(verdict, "selected"), inside(verdict, "defaults")
    if verdict is None:
        best = history.best()
        selected = dict(best.config) if best is not None else None
        defaults = dict(history.trials[0].config) if len(history) else None
    selected, defaults = dict(selected or {}), dict(defaults or {})
    names = [n for n in history.space.parameters if n in selected or n in defaults]
    names += [n for n in {**selected, **defaults} if n not in names]
    return [
        {
            "name": plain(n),
            "defaults": plain(format_value(defaults[n])) if n in defaults else "not active",
            "selected": plain(format_value(selected[n])) if n in selected else "not active",
            "changed": (n in selected) != (n in defaults) or selected.get(n) != defaults.get(n),
        }
        for n in names
    ]


def _scores(metric: str, verdict: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """The verdict's figures: what, defaults, selected, difference with interval, delivered network, and a note."""
    rows = []
    validation = inside(verdict, "validation")
    if isinstance(validation, Mapping):
        runs = validation.get("runs")
        row = _figures(
            f"validation {metric}",
            validation,
            f"{runs} fresh run{'' if runs == 1 else 's'} a side" if runs else "fresh runs",
        )
        ends = interval(validation.get("low"), validation.get("high"), validation)
        rows.append({**row, "selected": f"{row['selected']} {ends}".strip()})
        searched = validation.get("as_searched")
        if searched is not None:
            found = _number(searched, validation)
            rows.append({**_NOTHING, "what": "as the search saw it", "selected": found, "note": _luck(verdict)})
        if inside(verdict, "epoch"):
            note = capital(sentence(verdict or {}))
            rows.append({**_NOTHING, "what": "choice of the best epoch", "note": note})
    test = inside(verdict, "test")
    entries = sorted(test.items(), key=lambda item: item[0] != metric) if isinstance(test, Mapping) else ()
    for place, (name, figures) in enumerate(entries):
        row = _figures(f"locked test {plain(name)}", figures, _look(verdict) if place == 0 else "")
        own = inside(figures, "delivered") or {}
        ends = interval(own.get("low"), own.get("high"), own)
        rows.append({**row, "delivered": f"{_number(own.get('value'), own)} {ends}".strip()})
    return rows


_NOTHING = {"what": "", "defaults": "", "selected": "", "difference": "", "delivered": "", "note": ""}


def _figures(what: str, figures: Mapping[str, Any], note: str) -> dict[str, str]:
    """Both sides and their difference; where one does not exist, why."""
    difference = figures.get("difference")
    sides = (figures.get("defaults"), figures.get("selected"))
    gap = "–"
    if isinstance(difference, Mapping):
        value, low, high = (difference.get(key) for key in ("value", "low", "high"))
        decimals = places_of_difference({"value": value, "low": low, "high": high}, *sides)
        gap = "–" if value is None else signed(value, decimals)
        if value is not None and low is not None and high is not None:
            gap += f" [{signed(low, decimals)}, {signed(high, decimals)}]"
        why = difference.get("reason") if value is None or low is None else None
        note = ". ".join(part for part in (note, plain(why) if why else "") if part)
        if difference.get("method") == KEPT:
            gap = "0, the defaults were kept"
    shown = [_number(side, figures) for side in sides]
    return {**_NOTHING, "what": what, "defaults": shown[0], "selected": shown[1], "difference": gap, "note": note}


def _number(value: Any, beside: Mapping[str, Any]) -> str:
    """A score with the decimals that suit it and what stands beside it."""
    if not isinstance(value, int | float):
        return "–"
    sides = [beside.get(key) for key in ("selected", "defaults", "value")]
    return in_words(float(value), places(*(v for v in sides if isinstance(v, int | float))))


def interval(low: Any, high: Any, beside: Mapping[str, Any]) -> str:
    """ "[low, high]"; empty where either end is missing."""
    if not all(isinstance(end, int | float) for end in (low, high)):
        return ""
    return f"[{_number(low, beside)}, {_number(high, beside)}]"


def _look(verdict: Mapping[str, Any] | None) -> str:
    refits, rows, looks = (inside(verdict, key) for key in ("refits", "locked_rows", "looks"))
    parts = [f"{refits} refit{'' if refits == 1 else 's'} a side" if refits else "", f"{rows} rows" if rows else ""]
    parts.append("first look" if looks == 1 else f"look {looks}: descriptive" if isinstance(looks, int) else "")
    return ", ".join(part for part in parts if part)


def _luck(verdict: Mapping[str, Any] | None) -> str:
    if inside(verdict, "validation", "selected") is None or inside(verdict, "validation", "as_searched") is None:
        return ""
    return luck(verdict or {})


def _generalization(verdict: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    found = inside(verdict, "generalization")
    if not isinstance(found, Mapping):
        return []
    known = {part: found.get(part) for part in ("train", "validation", "test")}
    decimals = places(*(v for v in known.values() if isinstance(v, int | float)))
    retained = found.get("retained")
    shown = f"{retained:.2f}" if isinstance(retained, float) and math.isfinite(retained) else number(retained)
    figures = [(part, "–" if v is None else in_words(v, decimals)) for part, v in known.items()]
    why = inside(found, "reasons", "retained") if retained is None else None
    return [*figures, ("retained", f"undefined: {plain(why)}" if why else shown)]


def _cost(history: History, rows: list[Row], verdict: Mapping[str, Any] | None) -> str:
    trials = inside(verdict, "trials")
    runs, more, seconds = inside(verdict, "runs"), inside(verdict, "verdict_runs"), inside(verdict, "seconds")
    parts = [f"{len(history) if trials is None else number(trials)} trial{'s' * ((trials or len(history)) != 1)}"]
    parts.append(f"{sum(row['runs'] for row in rows) if runs is None else number(runs)} runs")
    if more is not None:
        parts[-1] += f" + {number(more)} for the verdict"
    if isinstance(seconds, int | float):
        parts.append(duration(float(seconds)))
    else:
        parts.append(f"{duration(sum(row['seconds'] for row in rows))} of training")
    return f" {_DOTTED} ".join(parts)


def _said(history: History, verdict: Mapping[str, Any] | None) -> list[str]:
    """What the searcher said of where it stands; what the plan can resolve, and what more trials would bring."""
    found = inside(verdict, "search_says") if verdict is not None else inside(history.last("ended"), "says")
    return [plain(line) for line in (*(found or ()), *prospects(history))]


def _warnings(history: History, study: Mapping[str, Any], verdict: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """The verdict's warnings, or before it what was found in the data; and failed trials in any case."""
    found = study.get("findings") if verdict is None else verdict.get("warnings")
    listed = [
        {"code": plain(inside(one, "code") or ""), "message": plain(inside(one, "message") or one)}
        for one in (found if isinstance(found, list | tuple) else ())
    ]
    codes = {one["code"] for one in listed}
    failed = [trial for trial in history.trials if trial.state == "failed"]
    if failed and not any("fail" in code for code in codes):
        share = f"{len(failed)} of {many(len(history), 'trial')} failed"
        why = next((f": {plain(trial.reason)}" for trial in failed if trial.reason), "")
        listed.append({"code": "failed_trials", "message": f"{share}; the first{why}."})
    for change in changes_of(history) if "changed_function" not in codes else ():
        if change.kind == FUNCTION:
            listed.append({"code": "changed_function", "message": plain(f"{capital(change.text)} ({change.when}).")})
    return listed


def _trials(history: History, rows: list[Row]) -> list[dict[str, Any]]:
    """The trial table, best first and failed last; `keys` are what a click on a column's head sorts by.

    Of more trials than a browser shows with ease: the best, and a tenth of the table for those that did not complete.
    """
    best, names = best_number(rows, history.goal), list(history.space)
    table = []
    for row in _few(ordered(rows, history.goal, best_first=True)):
        config = row["config"]
        table.append(
            {
                "best": row["number"] == best,
                "failed": row["state"] == "failed",
                "number": row["number"],
                "state": row["state"],
                "value": score(row["value"], row["se"]),
                "sort": "" if row["value"] is None else repr(row["value"]),
                "runs": row["runs"],
                "seconds": row["seconds"],
                "time": duration(row["seconds"]),
                "config": [
                    (plain(format_value(config[n])), plain(config[n])) if n in config else ("–", "") for n in names
                ],
                "reason": plain(row["reason"] or ""),
            }
        )
    return table


def _few(rows: list[Row]) -> list[Row]:
    if len(rows) <= _ROWS:
        return rows
    scored = [row for row in rows if row["value"] is not None]
    rest = [row for row in rows if row["value"] is None]
    others = rest[-max(_ROWS // 10, _ROWS - len(scored)) :]  # the failed stand last
    return scored[: _ROWS - len(others)] + others


def _facts(study: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the study was, and where it ran: names, settings and counts."""
    asked = (
        ("metric", "metric"),
        ("goal", "goal"),
        ("also", "also measured"),
        ("decision", "decision rule"),
        ("validation", "validation"),
        ("test", "locked test"),
        ("rows", "development rows"),
        ("test_rows", "locked rows"),
        ("search", "search"),
        ("schedule", "schedule"),
        ("epochs", "epochs"),
        ("epoch", "epoch that counts"),
        ("seed", "seed"),
        ("threads", "threads a run"),
        ("versions", "versions"),
        ("git", "git commit"),
        ("commit", "git commit"),
        ("machine", "machine"),
    )
    machine = study.get("machine")
    if isinstance(machine, Mapping):  # a report is passed on; the name of the machine is nobody's business
        machine = {key: value for key, value in machine.items() if key not in ("host", "user")}
    shown = {**study, "validation": protocol(study) or None, "machine": machine}
    found = [(label, words(shown[key])) for key, label in asked if shown.get(key) is not None]
    return [(label, text) for label, text in found if text and text != "–"]


def _bare(drawing: Drawing) -> dict[str, Any]:
    """A figure for the page: its title stands in the page's own text, its colours follow the page's."""
    figure = drawing.figure.to_plotly_json()
    layout = {key: item for key, item in figure["layout"].items() if key not in ("title", "template", "height")}
    layout["margin"] = {"l": 60, "r": 12, "t": 30, "b": 48}
    return {"data": figure["data"], "layout": layout}


def _embedded(value: Any) -> str:
    """JSON that cannot end its script element or be taken for markup."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _digest(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
