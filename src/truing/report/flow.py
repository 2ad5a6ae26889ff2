"""The flow of rows: from all that were given to the locked rows, the development rows and the folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from truing.report.columns import clip, plain
from truing.report.svg import document

CLASSES = 12  # above which the events of a part are told as a range
LISTED = 20  # folds above which only their range stands in the picture's text


def events_in_words(part: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    """A part's events: of the positive class where there is one, else of each class; or the mean of y; may be empty.

    >>> parts = {"classes": ["no", "yes"], "positive": None}
    >>> events_in_words({"rows": 9, "events": [6, 3]}, parts)
    "3 events ('yes')"
    """
    counts, classes = part.get("events"), parts.get("classes")
    if counts is None or classes is None:
        mean, sd = part.get("mean"), part.get("sd")
        return "" if mean is None else f"y {mean:.4g}" + ("" if sd is None else f" (SD {sd:.4g})")
    positive = parts.get("positive") or ([1] if len(classes) == 2 else None)
    if positive is not None:
        named = " or ".join(repr(classes[code]) for code in positive)
        many = sum(counts[code] for code in positive)
        return plain(f"{many} event{'' if many == 1 else 's'} ({named})")
    if len(classes) <= CLASSES:
        return plain(", ".join(f"{name!r} {count}" for name, count in zip(classes, counts, strict=True)))
    return f"{len(classes)} classes of {min(counts)} to {max(counts)} rows"


def part_in_words(part: Mapping[str, Any], parts: Mapping[str, Any]) -> str:
    """Rows, groups and events of a part.

    >>> part_in_words({"rows": 9, "groups": 4, "events": [6, 3]}, {"classes": [0, 1]})
    '9 rows, 4 groups, 3 events (1)'
    """
    groups = part.get("groups")
    words = [_many(part["rows"], "row"), _many(groups, "group") if groups is not None else ""]
    return ", ".join(word for word in (*words, events_in_words(part, parts)) if word)


def outside(parts: Mapping[str, Any]) -> list[tuple[str, str, Mapping[str, Any]]]:
    """The sets from elsewhere: "external" or "negative", the name, and the part."""
    return [(kind, name, part) for kind in ("external", "negative") for name, part in parts.get(kind, {}).items()]


def flow_rows(parts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row of a table for each step: step, rows, groups, and events by class or the mean of y."""
    steps: list[tuple[str, Mapping[str, Any]]] = [("all rows given", parts["all"])]
    if parts["locked"] is not None:
        steps.append(("locked test, an official one" if parts["official"] else "locked test", parts["locked"]))
    steps.append(("development", parts["development"]))
    steps += [(f"{kind} set {plain(name)}", part) for kind, name, part in outside(parts)]
    for fold in parts["folds"]:
        for side, words in (("train", "train"), ("valid", "validation")):
            steps.append((f"repeat {fold['repeat'] + 1}, fold {fold['fold'] + 1}, {words}", fold[side]))
    found = []
    for step, part in steps:
        row = {"step": step, "rows": part["rows"], "groups": part.get("groups")}
        for code, name in enumerate(parts["classes"] or ()):
            row[f"class {name}"] = part["events"][code] if "events" in part else None
        if parts["classes"] is None:
            row |= {"mean of y": part.get("mean"), "sd of y": part.get("sd")}
        found.append(row)
    return found


def flow_text(parts: Mapping[str, Any], study: Mapping[str, Any]) -> str:
    """The flow as a page of Markdown."""
    lines = ["# Flow of rows", "", f"All rows given: {part_in_words(parts['all'], parts)}."]
    if parts["official"]:
        lines[-1] += f" Beside them an official test set: {part_in_words(parts['locked'], parts)}."
    lines += ["", "- Excluded: none. Truing uses every row that it is given.", *_branches(parts, study), ""]
    folds = parts["folds"]
    if folds:
        sides = [(fold, part_in_words(fold["train"], parts), part_in_words(fold["valid"], parts)) for fold in folds]
        lines += ["| repeat | fold | trains on | validates on |", "|---|---|---|---|"]
        lines += [f"| {f['repeat'] + 1} | {f['fold'] + 1} | {a} | {b} |" for f, a, b in sides]
        if parts["replicates"] > len(folds):
            lines.append(f"\nThese are the first {len(folds)} of {parts['replicates']} replicates.")
        lines.append("")
    return "\n".join(lines)


def flow_svg(parts: Mapping[str, Any], study: Mapping[str, Any]) -> str:
    """The flow as a figure: all rows, the locked and the development rows, and the folds."""
    width = 690
    given, locked, developed = parts["all"], parts["locked"], parts["development"]
    out: list[str] = ['<text class="head" x="16" y="28">Flow of rows</text>']
    official = parts["official"]
    out += _box(190, 48, 300, "All rows given", given, parts)
    out += _box(370, 190, 290, "Development rows", developed, parts)
    if locked is not None:
        title = "Locked test rows (official)" if official else "Locked test rows"
        out += _box(20, 190, 290, title, locked, parts, "locked")
    fork = '<path class="frame" d="M340 134V162'
    out.append(fork + ("H165V190M340 162H515V190" if locked is not None and not official else "H515V190") + '"/>')
    out.append('<text class="small" x="350" y="152">excluded: none</text>')
    if locked is not None:
        out.append('<text class="small" x="165" y="298" text-anchor="middle">opened by the verdict only</text>')
    height = 312
    for place, (kind, name, part) in enumerate(outside(parts)):
        what = "External set" if kind == "external" else "Negative control"
        text = clip(f"{what} {plain(name)}: {_many(part['rows'], 'row')}", 44)
        out.append(f'<text class="small" x="20" y="{334 + 18 * place}">{escape(text)}</text>')
        height = max(height, 352 + 18 * place)
    folds = parts["folds"]
    if folds:
        out.append('<path class="frame" d="M515 276V318"/>')
        protocol = clip(plain(study.get("validation_text") or "validation"), 40)
        out.append(f'<text class="small" x="523" y="302">{escape(protocol)}</text>')
        out += _box(355, 318, 320, f"{_many(parts['replicates'], 'replicate')}, each", None, parts, lines=_span(folds))
        height = max(height, 424)
    said = f"All rows given: {part_in_words(given, parts)}. Excluded: none. " + " ".join(
        line.removeprefix("- ") for line in _branches(parts, study)
    )
    if folds:
        said += " Each replicate: " + "; ".join(_span(folds)) + "."
    return document("Flow of rows", said, out, width, height)


def _branches(parts: Mapping[str, Any], study: Mapping[str, Any]) -> list[str]:
    lines = []
    if parts["locked"] is not None:
        how = study.get("test") or "set aside before the first trial"
        lines.append(f"- Locked test: {part_in_words(parts['locked'], parts)} ({plain(how)}).")
    else:
        lines.append("- Locked test: none.")
    lines.append(f"- Development: {part_in_words(parts['development'], parts)}.")
    for kind, name, part in outside(parts):
        what = "External set" if kind == "external" else "Negative control"
        lines.append(f"- {what} {plain(name)}, from elsewhere, opened by the verdict: {part_in_words(part, parts)}.")
    return lines


def _span(folds: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = []
    for side, words in (("train", "trains on"), ("valid", "validates on")):
        rows = [fold[side]["rows"] for fold in folds]
        text = f"{words} {_between(rows)} rows"
        if "groups" in folds[0][side]:
            groups = [fold[side]["groups"] for fold in folds]
            text += f", {_between(groups)} group{'s' * (max(groups) != 1)}"
        lines.append(text)
    return lines


def _between(values: Sequence[int]) -> str:
    return f"{min(values)}" if min(values) == max(values) else f"{min(values)} to {max(values)}"


def _box(
    x: float,
    y: float,
    width: float,
    title: str,
    part: Mapping[str, Any] | None,
    parts: Mapping[str, Any],
    kind: str = "box",
    *,
    lines: Sequence[str] = (),
) -> list[str]:
    middle = x + width / 2
    if part is not None:
        groups = part.get("groups")
        many = _many(part["rows"], "row") + (f", {_many(groups, 'group')}" if groups is not None else "")
        lines = [many, clip(events_in_words(part, parts), 46)]
    found = [
        f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="86" rx="6"/>',
        f'<text x="{middle}" y="{y + 26}" text-anchor="middle" font-weight="600">{escape(title)}</text>',
    ]
    for place, line in enumerate(lines):
        found.append(f'<text x="{middle}" y="{y + 48 + 20 * place}" text-anchor="middle">{escape(line)}</text>')
    return found


def _many(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"
