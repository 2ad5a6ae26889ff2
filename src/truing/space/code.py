"""A space as code: text to paste, from which the same space is made."""

from __future__ import annotations

import importlib
import keyword
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from truing.space.condition import Bounds
from truing.space.parameter import UNSET, Choice, Parameter
from truing.space.repeat import Repeat, pattern
from truing.space.space import Space

WIDTH = 80
Written = Callable[[Any], tuple[str, str] | None]


def space_code(space: Space, notes: Mapping[str, Sequence[str]] | None = None, written: Written | None = None) -> str:
    """`space = tr.Space(...)`, behind the imports that its objects need; every group and role is written out.

    Args:
        notes: name (in a `Repeat` "layer.*.width") -> comments above it.
        written: an object as an expression and the import it needs ("" = none), or None where it has no name. In place
            of a Choice with such objects stands a comment. Default: by its module and its name there.

    >>> from truing.space.parameter import Float
    >>> print(space_code(Space(rate=Float(0.001, 1, log=True))))
    space = tr.Space(
        rate=tr.Float(0.001, 1.0, log=True, group="training"),
    )
    """
    told, write = notes or {}, written or by_name
    lines = ["space = tr.Space("]
    plain: dict[str, Parameter] = {}
    for name, item in space.definition.items():
        if isinstance(item, Repeat):
            lines += ["    tr.Repeat(", f"        {_literal(item.name)},"]
            inside = {inner: told.get(pattern(item.name, inner), ()) for inner in item.parameters}
            lines += [*_block(item.parameters, inside, 8, write), f"        count={_literal(item.count)},", "    ),"]
        else:
            plain[name] = item
    lines += _block(plain, told, 4, write)
    return "\n".join([*_imports(space, write), *lines, ")"])


def by_name(item: Any) -> tuple[str, str] | None:
    """An object by its module and name; one of a script by its name alone; None where it has none.

    >>> import math
    >>> by_name(math.sqrt), by_name(abs), by_name(lambda x: x)
    (('math.sqrt', 'import math'), ('abs', ''), None)
    """
    name = getattr(item, "__qualname__", None) or getattr(item, "__name__", "")
    module = getattr(item, "__module__", None) or ""
    if not isinstance(name, str) or not name.replace(".", "_").isidentifier() or not module:
        return None
    try:
        found: Any = sys.modules["__main__"] if module == "__main__" else importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError):
        return None
    if found is not item:
        return None
    return (name, "") if module in ("__main__", "builtins") else (f"{module}.{name}", f"import {module}")


def code_of(parameter: Parameter) -> str:
    """As it is written.

    >>> code_of(Choice(["relu", "gelu"], group="architecture"))
    'tr.Choice(["relu", "gelu"], group="architecture")'
    """
    return f"tr.{type(parameter).__name__}({', '.join(_joined(word) for word in _arguments(parameter, by_name))})"


def _imports(space: Space, written: Written) -> list[str]:
    needed = set()
    for objects in space.labelled.values():
        found = [written(item) for item in objects.values()]
        if None not in found:
            needed |= {words[1] for words in found if words is not None and words[1]}
    return [*sorted(needed), ""] if needed else []


def _block(
    parameters: Mapping[str, Parameter], notes: Mapping[str, Sequence[str]], indent: int, written: Written
) -> Iterator[str]:
    """The parameters as keywords; all of them in a dict, in their order, where a name cannot be one."""
    space = " " * indent
    odd = any(not name.isidentifier() or keyword.iskeyword(name) or name == "count" for name in parameters)
    if not odd:
        for name, parameter in parameters.items():
            yield from _entry(name, f"{space}{name}=", parameter, notes, written)
        return
    yield f"{space}{{"
    for name, parameter in parameters.items():
        yield from _entry(name, f"{space}    {_literal(name)}: ", parameter, notes, written)
    yield f"{space}}},"


def _entry(
    name: str, head: str, parameter: Parameter, notes: Mapping[str, Sequence[str]], written: Written
) -> Iterator[str]:
    space = " " * (len(head) - len(head.lstrip()))
    for note in notes.get(name, ()):
        yield from _comment(note, space)
    if isinstance(parameter, Choice) and any(written(item) is None for item in (parameter.objects or {}).values()):
        line = f"{name}: keep your own tr.Choice of it; some of its objects have no name to be written here"
        yield from _comment(line, space)
        return
    words = _arguments(parameter, written)
    line = f"{head}tr.{type(parameter).__name__}({', '.join(map(_joined, words))}),"
    if len(line) <= WIDTH:
        yield line
        return
    yield f"{head}tr.{type(parameter).__name__}("
    inner = f"{space}    {', '.join(map(_joined, words))},"
    if len(inner) <= WIDTH:
        yield inner
    else:
        for word in words:
            yield from _folded(f"{space}    ", word)
    yield f"{space}),"


def _comment(note: str, space: str) -> list[str]:
    return textwrap.wrap(" ".join(note.split()), WIDTH, initial_indent=f"{space}# ", subsequent_indent=f"{space}#   ")


Word = str | tuple[str, tuple[str, ...], str]  # an argument, or one of several items between an opening and a closing


def _joined(word: Word) -> str:
    return word if isinstance(word, str) else f"{word[0]}{', '.join(word[1])}{word[2]}"


def _folded(space: str, word: Word) -> Iterator[str]:
    """An argument of its own line; a long list or dict over several, cut between its items only."""
    if isinstance(word, str) or len(space) + len(_joined(word)) + 1 <= WIDTH:
        yield f"{space}{_joined(word)},"
        return
    yield f"{space}{word[0]}"
    line = ""
    for item in word[1]:
        if line and len(space) + 4 + len(line) + len(item) + 2 > WIDTH:
            yield f"{space}    {line}"
            line = ""
        line += f"{' ' if line else ''}{item},"
    yield f"{space}    {line}"
    yield f"{space}{word[2]},"


def _arguments(parameter: Parameter, written: Written) -> list[Word]:
    words: list[Word]
    if isinstance(parameter, Choice):
        words = [_options(parameter, written)]
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
        told = tuple(f"{_literal(name)}: {_condition(values)}" for name, values in parameter.when.items())
        words.append(("when={", told, "}"))
    return words


def _options(parameter: Choice, written: Written) -> Word:
    if parameter.objects is None:
        return "[", tuple(map(_literal, parameter.options)), "]"
    pairs = []
    for label in parameter.options:
        words = written(parameter.objects[label])
        pairs.append(f"{_literal(label)}: {words[0] if words is not None else '...'}")
    return "{", tuple(pairs), "}"


def _condition(values: Any) -> str:
    return f"tr.{values!r}" if isinstance(values, Bounds) else f"[{', '.join(map(_literal, values))}]"


def _literal(value: Any) -> str:
    text = repr(value)
    if isinstance(value, str) and text[0] == "'" and '"' not in value:
        return f'"{text[1:-1]}"'
    return text
