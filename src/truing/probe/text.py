"""An inspection at 80 columns, and its space as code."""

from __future__ import annotations

import keyword
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from truing.probe.objects import unwritten, written
from truing.probe.rows import shape_text
from truing.space.condition import Bounds
from truing.space.parameter import UNSET, Choice, Parameter
from truing.space.repeat import Repeat, pattern
from truing.space.space import Space

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
    notes: dict[str, list[str]] = {}
    for one in found.arguments:
        said = [] if one.card else ["no card: a guess around the value it has now"]
        notes[one.name] = [*said, *one.notes]
    lines = ["space = tr.Space("]
    plain: dict[str, Parameter] = {}
    for name, item in found.space.definition.items():
        if isinstance(item, Repeat):
            lines += ["    tr.Repeat(", f"        {_literal(item.name)},"]
            inside = {inner: notes.get(pattern(item.name, inner), []) for inner in item.parameters}
            lines += [*_block(item.parameters, inside, 8), f"        count={_literal(item.count)},", "    ),"]
        else:
            plain[name] = item
    lines += _block(plain, notes, 4)
    return "\n".join([*_imports(found.space), *lines, ")"])


def _imports(space: Space) -> list[str]:
    needed = {
        words[1]
        for objects in space.labelled.values()
        for item in objects.values()
        if (words := written(item)) is not None and words[1]
    }
    return [*sorted(needed), ""] if needed else []


def _block(parameters: Mapping[str, Parameter], notes: Mapping[str, Sequence[str]], indent: int) -> Iterator[str]:
    """The parameters as keywords, those that are no identifiers first, in a dict."""
    space = " " * indent
    odd = [name for name in parameters if not name.isidentifier() or keyword.iskeyword(name) or name == "count"]
    if odd:
        yield f"{space}{{"
        for name in odd:
            yield from _entry(name, f'{space}    "{name}": ', parameters[name], notes)
        yield f"{space}}},"
    for name, parameter in parameters.items():
        if name not in odd:
            yield from _entry(name, f"{space}{name}=", parameter, notes)


def _entry(name: str, head: str, parameter: Parameter, notes: Mapping[str, Sequence[str]]) -> Iterator[str]:
    space = " " * (len(head) - len(head.lstrip()))
    for note in notes.get(name, ()):
        yield from textwrap.wrap(note, WIDTH, initial_indent=f"{space}# ", subsequent_indent=f"{space}#   ")
    if isinstance(parameter, Choice) and unwritten(parameter.objects or {}):
        line = f"{name}: keep your own tr.Choice of it; some of its objects have no name to be written here"
        yield from textwrap.wrap(line, WIDTH, initial_indent=f"{space}# ", subsequent_indent=f"{space}#   ")
        return
    words = _arguments_of(parameter)
    line = f"{head}tr.{type(parameter).__name__}({', '.join(words)}),"
    if len(line) <= WIDTH:
        yield line
        return
    yield f"{head}tr.{type(parameter).__name__}("
    inner = f"{space}    {', '.join(words)},"
    if len(inner) <= WIDTH:
        yield inner
    else:
        for word in words:
            yield from _folded(f"{space}    ", word)
    yield f"{space}),"


def _folded(space: str, word: str) -> Iterator[str]:
    """An argument of its own line; a long list or dict over several."""
    if len(space) + len(word) + 1 <= WIDTH or word[0] not in "[{":
        yield f"{space}{word},"
        return
    yield f"{space}{word[0]}"
    yield from textwrap.wrap(
        word[1:-1] + ",",
        WIDTH,
        initial_indent=f"{space}    ",
        subsequent_indent=f"{space}    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    yield f"{space}{word[-1]},"


def code_of(parameter: Parameter) -> str:
    """As it is written.

    >>> code_of(Choice(["relu", "gelu"], group="architecture"))
    'tr.Choice(["relu", "gelu"], group="architecture")'
    """
    return f"tr.{type(parameter).__name__}({', '.join(_arguments_of(parameter))})"


def _arguments_of(parameter: Parameter) -> list[str]:
    if isinstance(parameter, Choice):
        words = [_literal(list(parameter.options)) if parameter.objects is None else _objects(parameter)]
        words += ["ordered=True"] if parameter.ordered else []
        words += [] if parameter.default is UNSET else [f"default={_literal(parameter.default)}"]
    else:
        words = [_literal(parameter.low), _literal(parameter.high)]
        words += ["log=True"] if parameter.log else []
        words += [f"step={_literal(parameter.step)}"] if parameter.step is not None else []
        words += [] if parameter.default is None else [f"default={_literal(parameter.default)}"]
    words.append(f"group={_literal(str(parameter.group))}")
    words += [] if parameter.role == "scientific" else [f"role={_literal(str(parameter.role))}"]
    if parameter.when:
        told = ", ".join(f"{_literal(name)}: {_condition(values)}" for name, values in parameter.when.items())
        words.append(f"when={{{told}}}")
    return words


def _objects(parameter: Choice) -> str:
    objects = {} if parameter.objects is None else parameter.objects
    pairs = []
    for label in parameter.options:
        words = written(objects[label])
        pairs.append(f"{_literal(label)}: {words[0] if words is not None else '...'}")
    return f"{{{', '.join(pairs)}}}"


def _condition(values: Any) -> str:
    if isinstance(values, Bounds):
        return f"tr.at_least({_literal(values.low)})"
    return _literal(list(values))


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, str):
        return '"' + repr(f"'{value}")[2:-1].replace('"', '\\"') + '"'
    return repr(value)
