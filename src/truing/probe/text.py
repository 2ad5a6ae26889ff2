"""An inspection at 80 columns, and its space as code."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from truing.probe.objects import written
from truing.probe.rows import shape_text
from truing.space.code import code_of as code_of
from truing.space.code import space_code

if TYPE_CHECKING:
    from truing.probe.found import Argument, Inspection

WIDTH = 80
ROWS = 40  # of the layer table; a longer one is cut in the middle


def text(found: Inspection, width: int = WIDTH) -> str:
    """All of it."""
    head = (
        f"{found.name}: {found.parameters:,} parameters, {found.multiply_adds:,} multiply-adds a row. Rows of "
        f"{found.rows} give {shape_text(found.output)}."
    )
    parts = [_wrapped(head, width), "\n".join(_layers(found, width))]
    if found.arguments:
        parts.append("\n".join(_arguments(found, width)))
    else:
        parts.append("It has no arguments, so that nothing of its architecture can be tuned as it is.")
    parts.append("\n".join(_fixed(found, width)))
    if found.warnings:
        parts.append("\n".join(_wrapped(f"Note: {one}", width, "  ") for one in found.warnings))
    parts.append(
        f"A space to copy, of values that build and train ({found.tried} networks were tried):\n\n{found.code}"
    )
    return "\n\n".join(parts)


def _wrapped(words: str, width: int, indent: str = "") -> str:
    return "\n".join(
        textwrap.wrap(words, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=True)
    )


def _layers(found: Inspection, width: int) -> Iterator[str]:
    rows = [("layer", "kind", "output", "parameters", "multiply-adds")]
    for one in found.layers:
        shape = shape_text(one.shape) if one.shape is not None else "not used"
        rows.append((one.name or "(itself)", one.kind, shape, f"{one.parameters:,}", f"{one.multiply_adds:,}"))
    if len(rows) > ROWS:
        cut = len(rows) - ROWS + 1
        rows = [*rows[: ROWS // 2], (f"... {cut} more", "", "", "", ""), *rows[-(ROWS // 2) + 1 :]]
    sizes = [max(len(row[column]) for row in rows) for column in range(5)]
    room = width - sum(sizes[2:]) - 8
    second = min(sizes[1], max(9, room - sizes[0]))
    first = min(sizes[0], max(12, room - second))
    for row in rows:
        name, kind = _short(row[0], first), _short(row[1], second, at_end=True)
        numbers = "  ".join(row[column].rjust(sizes[column]) for column in (3, 4))
        yield f"{name:<{first}}  {kind:<{second}}  {row[2]:<{sizes[2]}}  {numbers}".rstrip()


def _short(words: str, size: int, at_end: bool = False) -> str:
    """Cut in front, where paths are alike; of a class's name at the end."""
    if len(words) <= size:
        return words
    return words[: size - 1] + "…" if at_end else "…" + words[len(words) - size + 1 :]


def _arguments(found: Inspection, width: int) -> Iterator[str]:
    yield "What the arguments change:"
    size = max(len(one.name) for one in found.arguments)
    for one in found.arguments:
        words = f"{_value(one.default)}{' (assumed: the code has no default)' if one.is_assumed else ''}"
        if one.to is not None:
            words += f" -> {_value(one.to)}: {_delta(one.parameters, 'parameters')}, "
            words += f"{_delta(one.multiply_adds, 'multiply-adds')}; {_changes(one)}."
        elif one.changes:
            words += f": {_changes(one)}."
        else:
            words += "."
        if one.why_not:
            words += f" Not proposed: {one.why_not}."
        for note in one.notes:
            words += f" Left out: {note}."
        head = f"  {one.name:<{size}}  "
        yield "\n".join(
            textwrap.wrap(words, width, initial_indent=head, subsequent_indent=" " * 6, break_on_hyphens=False)
        )


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def _delta(more: int, what: str) -> str:
    return f"{more:+,} {what}" if more else f"as many {what}"


def _changes(one: Argument, most: int = 4) -> str:
    """The first few, attributes of the same layer together; sizes that follow from others are left out."""
    by_layer: dict[str, list[str]] = {}
    coming = []
    for change in one.changes:
        if not change.attribute:
            coming.append(change.layer)
        elif change.attribute not in ("weight", "bias", "in_proj_weight", "in_proj_bias") or _is_weight(change.before):
            by_layer.setdefault(change.layer or "itself", []).append(change.attribute)
    said = [f"{layer} ({', '.join(names[:2])})" for layer, names in by_layer.items()]
    if not said and not coming:
        if one.changes:
            return f"sizes in {len(one.changes)} layers"
        return "nothing in the layers, at most what the forward does with them"
    more = f" and {len(said) - most} more" if len(said) > most else ""
    words = ["changes " + ", ".join(said[:most]) + more] if said else []
    if coming:
        tops = [layer for layer in coming if not any(layer.startswith(f"{other}.") for other in coming)]
        words.append(f"layers come or go: {', '.join(tops[:most])}{' ...' if len(tops) > most else ''}")
    return "; ".join(words)


def _is_weight(before: Any) -> bool:
    return before == "initial values"


def _fixed(found: Inspection, width: int) -> Iterator[str]:
    if not found.fixed:
        yield "Nothing that people usually tune is fixed in the code."
        return
    yield "Fixed in the code, and usually tuned (make it an argument to tune it):"
    rows = [(one.what, _value(one.value), one.where, _places(one.layers)) for one in found.fixed]
    sizes = [max(len(row[column]) for row in rows) for column in range(3)]
    for row in rows:
        head = "  " + "  ".join(row[column].ljust(sizes[column]) for column in range(3))
        yield f"{head}  {_short(row[3], max(10, width - len(head) - 2), at_end=True)}".rstrip()


def _places(layers: Sequence[str]) -> str:
    if not layers:
        return "a call in the code"
    return layers[0] + (f" and {len(layers) - 1} more" if len(layers) > 1 else "")


def code(found: Inspection) -> str:
    """`space = tr.Space(...)` with a comment where a range is a guess or was limited; imports come first.

    Objects without a name, such as a lambda, cannot be written: in their place stands a comment.
    """
    notes: dict[str, Sequence[str]] = {}
    for one in found.arguments:
        said = [] if one.card else ["no card: a guess around the value it has now"]
        notes[one.name] = [*said, *one.notes]
    return space_code(found.space, notes, written)
