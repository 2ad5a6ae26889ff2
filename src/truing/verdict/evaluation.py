"""What a procedure that tunes inside came to, as an object: a dictionary with names, and a text."""

from __future__ import annotations

import copy
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from truing.space.configuration import format_value
from truing.statistics.names import spoken
from truing.verdict.text import COLUMN, LABEL, WIDTH, _line, _many, _note, _row, _wrapped
from truing.verdict.wording import capital, number, places, places_of_difference, side_by_side, signed

SHOWN = 12  # parts listed one by one; of resamples and many sites the rest is in to_dict() and in the report


@dataclass(frozen=True)
class Evaluation:
    """What `study.evaluate(procedure)` gives; `print(evaluation)` shows all of it.

    Args:
        figures: what `to_dict()` gives; the page of the procedure has the method of each.

    >>> found = Evaluation({"procedure": "nested", "headline": "Nested 5-fold: accuracy 0.91.", "complete": True})
    >>> found
    Evaluation('Nested 5-fold: accuracy 0.91.')
    """

    figures: Mapping[str, Any]

    @property
    def headline(self) -> str:
        """The figure in a sentence or two."""
        return str(self.figures["headline"])

    @property
    def complete(self) -> bool:
        """False where `minutes=` ended it: the same call goes on."""
        return bool(self.figures["complete"])

    @property
    def value(self) -> float | None:
        """The primary metric's figure; None where it is undefined, and `to_dict()["reason"]` says why."""
        value: float | None = self.figures.get("value")
        return value

    def to_dict(self) -> dict[str, Any]:
        """All figures as plain JSON values; null where one is undefined, with the reason beside it."""
        return copy.deepcopy(dict(self.figures))

    @property
    def text(self) -> str:
        """All of it, right at 80 columns."""
        return full(self.figures)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Evaluation({self.headline!r})"

    def _repr_pretty_(self, p: Any, cycle: bool) -> None:
        p.text(repr(self) if cycle else str(self))

    def _repr_html_(self) -> str:
        """The full text in the notebook's own colours, light or dark."""
        style = "color: inherit; background: transparent; line-height: 1.35; overflow-x: auto"
        return f'<pre style="{style}">{html.escape(str(self))}</pre>'


def headline(found: Mapping[str, Any]) -> str:
    """The primary figure in words; no gain is claimed by it, for that is the verdict's."""
    name, value, title = found["metric"], found["value"], capital(found["describe"])
    if value is None:
        return f"{title}: {spoken(name)} is undefined ({found['reason']})."
    own, low, high, other = side_by_side(name, value, found["low"], found["high"], found["defaults"])
    text = f"{title}: {spoken(name)} {own}"
    if found["low"] is not None:
        text += f" (95 % interval {low} to {high})"
    if found["defaults"] is None:
        return f"{text}."
    text += f", against {other} with the defaults"
    gap = found["difference"]
    if gap["value"] is not None and gap["low"] is not None and gap["high"] is not None:
        fine = places_of_difference(gap, found["defaults"], value)
        if gap["method"] == "the defaults were kept":
            return f"{text}, which were kept every time."
        ends = f"{signed(gap['low'], fine)} to {signed(gap['high'], fine)}"
        text += f" ({signed(gap['value'], fine)}, 95 % interval {ends})"
    return f"{text}."


def short(found: Mapping[str, Any]) -> str:
    """The figure on one line, for lists of corrections."""
    return str(found["headline"])


def full(found: Mapping[str, Any]) -> str:
    """The evaluation as the terminal prints it."""
    lines = _wrapped(found["headline"])
    if not found["complete"]:
        return "\n".join(lines)
    lines += ["", *_line("estimates", found["estimand"]), *_line("interval", found["method"]), ""]
    lines.append(f"{'':<{LABEL}}{'defaults':>{COLUMN}}{'selected':>{COLUMN}}  difference (95 %)")
    for name, entry in found["metrics"].items():
        lines += _row(name, entry["defaults"], entry["selected"], entry["difference"], entry["reason"])
        lines += _beyond(entry)
    lines += ["", *_parts(found), "", *_agreement(found)]
    took = f"{_many(found['trials'], 'trial')} each, {found['runs']:,} runs in all"
    lines += ["", *_line("inside", f"{_many(len(found['parts']), 'tuning')} of {took}")]
    for note in found["notes"]:
        lines += _wrapped(f"! {note}", hang="  ")
    return "\n".join(line.rstrip() for line in lines)


def _beyond(entry: Mapping[str, Any]) -> list[str]:
    """Below a metric's line what only some procedures have."""
    lines, decimals = [], places(entry["selected"], entry["defaults"])
    if entry["selected"] is not None and entry["low"] is not None:
        lines += _note(f"95 % interval: {number(entry['low'], decimals)} to {number(entry['high'], decimals)}")
    elif entry["selected"] is not None and entry["reason"]:
        lines += _note(f"no interval: {entry['reason']}")
    if entry.get("optimism") is not None:
        lines += _note(
            f"apparent {number(entry['apparent'], decimals)}, optimism {signed(entry['optimism'], decimals)} "
            f"(standard error {number(entry['optimism_se'], decimals)})"
        )
    pooled = (entry.get("pooled") or {}).get("selected") or {}
    if pooled.get("value") is not None:
        lines += _note(f"all rows pooled: {number(pooled['value'], decimals)}")
    reach = entry.get("range")
    if reach is not None and reach["low"] is not None:
        what = "descriptive range for a new site" if "descriptive" in reach["method"] else "range for a new site"
        lines += _note(f"{what}: {number(reach['low'], decimals)} to {number(reach['high'], decimals)}")
    elif reach is not None:
        lines += _note(f"no range for a new site: {reach['reason']}")
    return lines


def _parts(found: Mapping[str, Any]) -> list[str]:
    name, shown = found["metric"], found["parts"][:SHOWN]
    lines = _wrapped(f"{name} of each, scored on rows that its tuning did not see:")
    if found["procedure"] == "internal":
        lines = _wrapped(f"{name} of each on the original rows:")
    for part in shown:
        cell = part["metrics"][name]
        label = f"{part['name']} ({part['rows']:,} rows)"
        gap = cell.get("difference")
        lines += _row(label, cell["defaults"], cell["selected"], gap and dict(gap, reason=None), cell["reason"])
        if cell.get("low") is not None:
            decimals = places(cell["selected"], cell["defaults"])
            lines += _note(f"95 % interval: {number(cell['low'], decimals)} to {number(cell['high'], decimals)}")
    left = len(found["parts"]) - len(shown)
    lines += [f"  and {left} more"] if left else []
    others = [other for other in found["metrics"] if other != name]
    return lines + ([] if found["procedure"] == "internal" else _others(shown, others))


def _others(parts: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """The further metrics of the selected, one line a part, as many columns beside each other as there is room for."""
    lines: list[str] = []
    cells = {name: [_cell(part["metrics"][name]) for part in parts] for name in names}
    while names:
        widths: list[int] = []
        while len(widths) < len(names):
            name = names[len(widths)]
            wide = max(COLUMN, *(len(text) + 2 for text in (name, *cells[name])))
            if widths and LABEL + sum(widths) + wide > WIDTH:
                break
            widths.append(min(wide, WIDTH - LABEL))
        here, names = names[: len(widths)], names[len(widths) :]
        lines.append(f"{'':<{LABEL}}" + "".join(f"{n[:w]:>{w}}" for n, w in zip(here, widths, strict=True)))
        for place, part in enumerate(parts):
            told = "".join(f"{cells[name][place]:>{w}}" for name, w in zip(here, widths, strict=True))
            lines.append(f"  {part['name']:<{LABEL - 2}.{LABEL - 3}}{told}")
    return ["", *lines] if lines else []


def _cell(cell: Mapping[str, Any]) -> str:
    """A part's figure, with its interval where one was made.

    >>> _cell({"selected": 0.9, "low": 0.7, "high": 0.96}), _cell({"selected": 0.9})
    ('0.900 [0.700, 0.960]', '0.900')
    """
    decimals = places(cell["selected"])
    text = number(cell["selected"], decimals)
    if cell.get("low") is None or cell.get("high") is None:
        return text
    return f"{text} [{number(cell['low'], decimals)}, {number(cell['high'], decimals)}]"


def _agreement(found: Mapping[str, Any]) -> list[str]:
    """The selected configurations side by side."""
    agreed = found["agreement"]
    kept = f"; the defaults were kept in {agreed['defaults_kept']}" if agreed["defaults_kept"] else ""
    lines = _wrapped(f"{_many(agreed['distinct'], 'configuration')} selected in {agreed['tunings']} tunings{kept}:")
    for name, one in agreed["parameters"].items():
        lines += _beside(name, _values(one["values"], same=one["same"]))
    return lines


def _values(values: Sequence[Any], *, same: bool) -> str:
    if same:
        return f"{format_value(values[0])} in all"
    return " · ".join("-" if value is None else str(format_value(value)) for value in values)


def _beside(label: str, text: str) -> list[str]:
    import textwrap

    start = f"  {label:<20} "
    return textwrap.wrap(text, WIDTH, initial_indent=start, subsequent_indent=" " * min(len(start), 40))
