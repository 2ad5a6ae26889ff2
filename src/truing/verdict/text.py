"""The whole verdict in words, right at 80 columns."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import Any

from truing.space.configuration import format_value
from truing.statistics.names import spoken
from truing.verdict import choice, held_fixed, mattered, resolved, robustness, selection, several_text
from truing.verdict.best_epoch import sentence
from truing.verdict.figures import KEPT
from truing.verdict.headline import fresh
from truing.verdict.judgement_text import judgement_lines
from truing.verdict.outside_words import external_line, negative_line
from truing.verdict.wording import (
    capital,
    figure,
    is_share,
    number,
    percent,
    places,
    places_of_difference,
    side_by_side,
    signed,
)

WIDTH = 80
LABEL, COLUMN, LEAD = 30, 11, 11
_GAP = "\N{NO-BREAK SPACE}"
_TOGETHER = ("sensitivity", "specificity")
_CLASSES = {"log_loss", "brier"}


def full(verdict: Mapping[str, Any]) -> str:
    """The verdict as the terminal prints it."""
    if verdict.get("datasets"):
        return _of_several(verdict)
    lines = _wrapped(verdict["headline"])
    lines += _wrapped(" ".join(part for part in (_also(verdict), _base(verdict)) if part))
    lines += ["", *_listed("Selected", verdict["selected"])]
    if verdict["selected"] != verdict["defaults"]:
        lines += _listed("Defaults", verdict["defaults"])
    if verdict["model"]:
        lines += _line("Network", f"kept in model/: {', '.join(verdict['model'])}")
    elif verdict.get("model_reason"):
        lines += _line("Network", verdict["model_reason"])
    lines += ["", f"{'':<{LABEL}}{'defaults':>{COLUMN}}{'selected':>{COLUMN}}  difference (95 %)"]
    lines += _validation(verdict) + _test(verdict) + _delivered(verdict) + _side_by_side(verdict) + [""]
    lines += _generalization(verdict)
    lines += _probabilities(verdict)
    if said := resolved.sentence(verdict):
        lines += _line("resolution", said)
    if chosen := selection.sentence(verdict):
        lines += _line("chosen", chosen)
    if said := robustness.sentence(verdict):
        lines += _line("robustness", said)
    for label, text in judgement_lines(verdict):
        lines += [line.replace("\N{NO-BREAK SPACE}", " ") for line in _line(label, text)]
    lines += _outside(verdict)
    if verdict.get("epoch"):
        lines += _line("best epoch", sentence(verdict))
    return "\n".join(line.rstrip() for line in [*lines, *_end(verdict)])


def _of_several(verdict: Mapping[str, Any]) -> str:
    """Of a study over several datasets: a table of each, then the gains over all of them."""
    lines = [*_wrapped(verdict["headline"]), "", *_listed("Selected", verdict["selected"])]
    if verdict["selected"] != verdict["defaults"]:
        lines += _listed("Defaults", verdict["defaults"])
    kept = f"one a dataset, kept in model/: {', '.join(verdict['model'])}" if verdict["model"] else ""
    lines += _line("Networks", kept or verdict["model_reason"] or "none")
    for line in ("", *several_text.table(verdict), "", *several_text.gains(verdict)):
        lines += [line] if len(line) <= WIDTH else _wrapped(line, hang="    ")
    lines += [
        "",
        *_wrapped(several_text.about_units(verdict)),
        *(_line("as searched", several_text.EARLIER) if verdict["validation"].get("no_luck") else []),
        *_line("left out", several_text.about_left_out(verdict)),
    ]
    if chosen := selection.sentence(verdict):
        lines += _line("chosen", chosen)
    return "\n".join(line.rstrip() for line in [*lines, *_end(verdict)])


def _end(verdict: Mapping[str, Any]) -> list[str]:
    """What mattered, what was held fixed, the target, what was run, what the searcher said, and the warnings."""
    lines = []
    for label, said in (("what mattered", mattered.sentence(verdict)), ("held fixed", held_fixed.sentence(verdict))):
        if said:
            lines += [line.replace(_GAP, " ") for line in _line(label, said.replace(" %", f"{_GAP}%"))]
    if verdict["target"] is not None:
        lines += _line("target", _target(verdict))
    runs = f"{_many(verdict['runs'], 'run')} + {verdict['verdict_runs']} for the verdict"
    lines += _line(
        "search", f"{_many(verdict['trials'], 'trial')}, {runs}, {_duration(verdict['seconds'])} of training"
    )
    for said in verdict.get("search_says") or ():
        lines += _line("", said)
    if verdict["warnings"]:
        lines.append("")
    for warning in verdict["warnings"]:
        lines += _wrapped(f"! {warning['message']}", hang="  ")
    return lines


# -- the parts, in their order ---------------------------------------------------------------------------------------


def _also(verdict: Mapping[str, Any]) -> str:
    """The first further metric of the locked test, in words and without a claim; both of a pair."""
    test = verdict["test"] or {}
    known = [name for name, entry in test.items() if name != verdict["metric"] and entry["selected"] is not None]
    named = known[:1]
    if named and named[0] in _TOGETHER and set(_TOGETHER) <= set(known):
        named = list(_TOGETHER)
    parts: list[str] = []
    for name in named:
        ours, theirs = test[name]["selected"], test[name]["defaults"]
        apart = theirs is not None and verdict["selected"] != verdict["defaults"]
        told = side_by_side(name, ours, theirs) if apart else [figure(name, ours, places(ours, theirs))]
        parts.append(f"{spoken(name)}{'' if parts else ' there:'} {' against '.join(told)}")
    return f"{capital(', '.join(parts))}." if parts else ""


def _base(verdict: Mapping[str, Any]) -> str:
    """The base rate: what a predictor that does not look would have."""
    base, name = verdict["base"] or {}, verdict["metric"]
    if base.get("accuracy") is not None:
        return f"Always guessing the commonest class: {percent(base['accuracy'])}."
    if base.get(name) is None:
        return ""
    score = f"{spoken(name)} {figure(name, base[name])}"
    if name in ("rmse", "mae", "r2"):
        return f"Always predicting the {'median' if name == 'mae' else 'mean'}: {score}."
    if name in _CLASSES:
        return f"Always predicting the classes' frequencies: {score}."
    return f"Without looking at the rows: {score}."


def _validation(verdict: Mapping[str, Any]) -> list[str]:
    valid, name = verdict["validation"], verdict["metric"]
    protocol = f" ({verdict['protocol']})" if verdict.get("protocol") else ""
    seen = _row("as the search saw it", None, valid["as_searched"], None)
    if valid["selected"] is None:
        return [f"validation{protocol}", *_row(name, None, None, None, valid["reason"]), *seen]
    lines = _wrapped(f"validation{protocol}: {_many(valid['runs'], 'fresh run')} a side, {fresh(verdict)}", hang="  ")
    lines += _row(name, valid["defaults"], valid["selected"], valid["difference"])
    if valid["low"] is not None:
        decimals = places(valid["selected"], valid["defaults"])
        ends = f"{number(valid['low'], decimals)} to {number(valid['high'], decimals)}"
        lines += _note(f"the selected's 95 % interval: {ends}")
    elif valid["reason"]:
        lines += _note(f"no interval: {valid['reason']}")
    flattered = (valid.get("optimism") or {}).get("value") is not None
    lines += seen
    if valid["as_searched"] is not None:
        lines += _note(_luck(verdict))
    if flattered:
        lines += _note(chosen(verdict))
    return lines


def luck(verdict: Mapping[str, Any]) -> str:
    """How much better the search saw it than fresh runs do; "none" where it did not.

    Between two versions of the function the distance is no luck, and is not called so.
    """
    if verdict["validation"].get("no_luck"):
        return str(verdict["validation"]["no_luck"])
    valid, what = verdict["validation"], fresh(verdict).removeprefix("fresh ")
    again = (valid.get("fresh") or {"value": valid["selected"]})["value"]  # of a stored verdict before there were two
    gap = again - valid["as_searched"]
    size, decimals = gap if verdict["goal"] == "min" else -gap, places(again, valid["as_searched"])
    some = number(size, decimals) if size >= 0.5 * 10**-decimals else f"less than {10**-decimals:.{decimals}f}"
    of = f"{what} and of the best epoch" if verdict.get("epoch") else what
    return f"luck of {of}: {some if size > 0 else 'none'}"


def chosen(verdict: Mapping[str, Any]) -> str:
    """By how much the choice on these rows flatters, which the corrected figure is less by."""
    flattery = verdict["validation"].get("optimism") or {"value": None, "reason": "it was not estimated"}
    if flattery["value"] is None:
        return f"optimism of the choice: not known, {flattery['reason']}"
    size, decimals = abs(flattery["value"]), places(verdict["validation"]["selected"])
    some = number(size, decimals) if size >= 0.5 * 10**-decimals else f"less than {10**-decimals:.{decimals}f}"
    return f"optimism of the choice, taken off: {some if size > 0 else 'none'}"


def _luck(verdict: Mapping[str, Any]) -> str:
    """The luck, and what of it the fresh runs take out."""
    if verdict["validation"].get("no_luck"):
        return luck(verdict)
    if verdict["validation"]["rows_trained"] is None:
        return f"{luck(verdict)}; the fresh runs take that luck out"
    kept = "these splits" if verdict.get("fixed_splits") else "this one split"
    if (verdict["validation"].get("optimism") or {}).get("value") is not None:
        return f"{luck(verdict)}; the fresh runs take that luck out"
    whose = "these rows" if "splits" in fresh(verdict) else f"{kept} and of these rows"
    return f"{luck(verdict)}; the fresh runs take that luck out, not the luck of {whose}"


def _test(verdict: Mapping[str, Any]) -> list[str]:
    if verdict["test"] is None:
        return ["locked test: none"]
    look = "first look" if verdict["looks"] == 1 else f"look {verdict['looks']}, descriptive only"
    rows = f"{verdict['locked_rows']:,} rows"
    lines = _wrapped(f"locked test: {_many(verdict['refits'], 'refit')} a side, {rows}, {look}", hang="  ")
    for name, entry in verdict["test"].items():
        lines += _row(name, entry["defaults"], entry["selected"], entry["difference"], entry.get("reason"))
    return lines


def _delivered(verdict: Mapping[str, Any]) -> list[str]:
    """The delivered network's own scores."""
    if verdict["test"] is None:
        return []
    lines = ["the delivered network (first refit of the selected), on the same rows"]
    for name, entry in verdict["test"].items():
        own = entry["delivered"]
        if own["value"] is None:
            text = f"undefined: {own['reason']}"
        elif own["low"] is None:
            text = f"{figure(name, own['value'])}, no interval: {own['reason']}"
        elif is_share(name):
            text = f"{percent(own['value'])} [{100 * own['low']:.1f}, {100 * own['high']:.1f}]"
        else:
            decimals = places(own["value"])
            text = f"{number(own['value'], decimals)} [{', '.join(number(own[e], decimals) for e in ('low', 'high'))}]"
        lines += _beside(f"  {name}", text)
    return lines


def _probabilities(verdict: Mapping[str, Any]) -> list[str]:
    found = (verdict.get("comparison") or {}).get("probabilities")
    if not found or found["better"] is None:
        return []
    width = number(found["rope"])
    said = f"better than the defaults with probability {percent(found['better'])}, practically the same (within "
    return _line("selected", f"{said}±{width}) {percent(found['same'])}, worse {percent(found['worse'])}")


def _side_by_side(verdict: Mapping[str, Any]) -> list[str]:
    """The selected's score by each correction; what each estimates is in `corrections` and in the report."""
    found = [c for c in verdict.get("corrections") or () if c.get("kind") == "figure" and c["value"] is not None]
    if len(found) < 3:
        return []
    decimals, lines = places(*(c["value"] for c in found)), [f"the selected's {spoken(verdict['metric'])} side by side"]
    for each in found:
        label = f"  {each['name']}"
        text = f"{label:<{LABEL + COLUMN}}{number(each['value'], decimals):>{COLUMN}}"
        if each["low"] is not None and each["high"] is not None:
            text += f"  [{number(each['low'], decimals)}, {number(each['high'], decimals)}]"
        lines.append(text)
    if said := choice.sentence(verdict):
        lines += _note(said)
    return lines


def _generalization(verdict: Mapping[str, Any]) -> list[str]:
    found = verdict["generalization"]
    known = [found[key] for key in ("train", "validation", "test")]
    if not any(value is not None for value in known):
        return []
    decimals, why = places(*known), ""
    parts = [
        f"{key} {number(found[key], decimals)}" for key in ("train", "validation", "test") if found[key] is not None
    ]
    if found["retained"] is not None:
        parts.append(f"retained {found['retained']:.2f}")
    elif verdict["test"] is not None and (found.get("reasons") or {}).get("retained"):
        parts.append("(retained: undefined,")
        why = f" {found['reasons']['retained']})"
    gap = "\N{NO-BREAK SPACE}"
    text = "  ".join(part.replace(" ", gap) for part in parts) + why
    return [line.replace(gap, " ") for line in _line("generalization", text)]


def _outside(verdict: Mapping[str, Any]) -> list[str]:
    """A line for each external set and each negative control."""
    lines = []
    for name, entry in (verdict.get("external") or {}).items():
        lines += _line("external", external_line(name, entry, verdict["metric"]))
    for name, entry in (verdict.get("negative") or {}).items():
        lines += _line("negative", negative_line(name, entry))
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def _target(verdict: Mapping[str, Any]) -> str:
    goal = verdict["target"]
    first = "reached by the search" if goal["search_reached"] else "not reached by the search"
    word = {
        True: "the fresh runs reach it too" if goal["search_reached"] else "the fresh runs reach it",
        False: "the fresh runs do not reach it",
        None: "no fresh runs to tell",
    }[goal["fresh_reached"]]
    return f"{verdict['metric']} {goal['value']:g}: {first}; {word}"


# -- lines -----------------------------------------------------------------------------------------------------------


def _row(
    name: str,
    defaults: float | None,
    selected: float | None,
    difference: Mapping[str, Any] | None,
    reason: str | None = None,
) -> list[str]:
    """One metric's line; a long name gets a line of its own, and what is undefined its reason below."""
    decimals, text = places(defaults, selected), ""
    if difference is not None and difference.get("method") == KEPT:
        text = "0, the defaults were kept"
    elif difference is not None and difference["value"] is not None:
        fine = places_of_difference(difference, defaults, selected)
        text = signed(difference["value"], fine)
        if difference["low"] is not None and difference["high"] is not None:
            text += f" [{signed(difference['low'], fine)}, {signed(difference['high'], fine)}]"
    theirs = (
        "-" if defaults is None and difference is not None else "" if defaults is None else number(defaults, decimals)
    )
    figures = f"{theirs:>{COLUMN}}{number(selected, decimals):>{COLUMN}}  {text}"
    label = f"  {name}"
    lines = [f"{label:<{LABEL}}{figures}"] if len(label) < LABEL else [label[:WIDTH], f"{'':<{LABEL}}{figures}"]
    if len(lines[-1]) > WIDTH:
        lines = [*lines[:-1], lines[-1].removesuffix(text), f"{text:>{WIDTH}}"]
    if selected is None and reason:
        lines += _note(f"undefined: {reason}")
    elif difference is not None and difference["value"] is None and difference.get("reason"):
        lines += _note(f"no difference: {difference['reason']}")
    elif difference is not None and difference["low"] is None and difference.get("reason"):
        lines += _note(f"no interval: {difference['reason']}")
    return lines


def _note(text: str) -> list[str]:
    return _wrapped(f"    {text}", hang="    ")


def _line(label: str, text: str) -> list[str]:
    width = max(LEAD, len(label) + 2)
    return textwrap.wrap(text, WIDTH, initial_indent=f"{label:<{width}}", subsequent_indent=" " * width)


def _beside(label: str, text: str) -> list[str]:
    if len(label) >= LABEL:
        return [label[:WIDTH], *textwrap.wrap(text, WIDTH, initial_indent=" " * LABEL, subsequent_indent=" " * LABEL)]
    return textwrap.wrap(text, WIDTH, initial_indent=f"{label:<{LABEL}}", subsequent_indent=" " * LABEL)


def _listed(label: str, config: Mapping[str, Any]) -> list[str]:
    """A configuration; a parameter is not torn from its value at the end of a line."""
    gap = "\N{NO-BREAK SPACE}"
    parts = [f"{name}{gap}{str(format_value(value)).replace(' ', gap)}" for name, value in config.items()]
    text = f"{gap}· ".join(parts) or "(no parameters)"
    return [line.replace(gap, " ") for line in _line(label, text)]


def _wrapped(text: str, hang: str = "") -> list[str]:
    kept = text.replace(" %", "\N{NO-BREAK SPACE}%")  # a percentage stays on its line
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in textwrap.wrap(kept, WIDTH, subsequent_indent=hang)]


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _duration(seconds: float) -> str:
    if not math.isfinite(seconds) or seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
