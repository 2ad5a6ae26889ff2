"""What a study's function is, as text: the source of the function and of the user's own code it calls by name.

Two functions are the same when their syntax trees are (comments and layout do not count). Installed packages are not
followed: their versions stand in the journal. A function without readable source (typed at a prompt, or read from
standard input) has no identity: its changes cannot be seen.
"""

from __future__ import annotations

import ast
import difflib
import functools
import hashlib
import inspect
import sys
import sysconfig
import textwrap
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Source:
    """The readable parts of an objective: name -> source text, and whether all of it could be read."""

    parts: Mapping[str, str] = field(default_factory=dict)
    readable: bool = True

    @property
    def identity(self) -> str | None:
        """A digest of the syntax trees; None where the source cannot be read."""
        if not self.readable:
            return None
        digest = hashlib.sha256()
        for name in sorted(self.parts):
            digest.update(name.encode() + b"\0" + _tree(self.parts[name]).encode() + b"\0")
        return digest.hexdigest()

    def diff(self, old: Mapping[str, str]) -> str:
        """A unified diff from the `old` parts to these."""
        lines: list[str] = []
        for name in sorted({*old, *self.parts}):
            before, after = old.get(name, ""), self.parts.get(name, "")
            if _tree(before) != _tree(after):
                lines += difflib.unified_diff(
                    before.splitlines(), after.splitlines(), f"{name} (journal)", f"{name} (now)", lineterm=""
                )
        return "\n".join(lines)


def source_of(objective: Any) -> Source:
    """The source of `objective` and of everything of the user's own that it names.

    >>> source_of(len).readable
    False
    """
    parts: dict[str, str] = {}
    readable = True
    queue: list[Any] = [objective]
    seen: set[int] = set()
    while queue:
        item = queue.pop()
        if id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, types.FunctionType | type):
            try:
                text = textwrap.dedent(inspect.getsource(item))
            except (OSError, TypeError):
                readable = False
                continue
            parts[item.__qualname__] = text
        queue += _named_by(item, parts)
    return Source(parts, readable and bool(parts))


def name_of(objective: Any) -> str:
    """A short name for messages: the function's, or the class's with what it wraps."""
    if isinstance(objective, types.FunctionType | type):
        return objective.__qualname__
    if isinstance(objective, functools.partial):
        return name_of(objective.func)
    inner = [name_of(v) for v in _values(objective) if isinstance(v, types.FunctionType | type)]
    return f"{type(objective).__name__}({', '.join(inner)})"


def _named_by(item: Any, parts: dict[str, str]) -> Iterator[Any]:
    """The user's functions and classes that `item` refers to; constants go into `parts` as they are met."""
    if isinstance(item, types.MethodType):
        yield from (item.__func__, item.__self__)
    elif isinstance(item, functools.partial):
        parts[f"{name_of(item)} arguments"] = f"({_plain(item.args)}, {_plain(item.keywords)})"
        yield item.func
    elif isinstance(item, types.FunctionType):
        yield from _globals_of(item, parts)
    elif isinstance(item, type):
        for member in vars(item).values():
            inner = getattr(member, "__func__", getattr(member, "fget", member))
            if isinstance(inner, types.FunctionType):
                yield from _globals_of(inner, parts)
        yield from (base for base in item.__bases__ if _is_users(base))
    elif not isinstance(item, types.BuiltinFunctionType):
        if _is_users(type(item)):
            yield type(item)
        for name, value in _attributes(item):
            if isinstance(value, types.FunctionType | type | functools.partial):
                yield value
            elif (text := _plain(value)) is not None:
                parts[f"{type(item).__qualname__}.{name}"] = text


def _globals_of(function: types.FunctionType, parts: dict[str, str]) -> Iterator[Any]:
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=False)
    named = {name: function.__globals__.get(name) for name in _names(function.__code__)}
    for name, cell in cells:
        try:
            named[name] = cell.cell_contents
        except ValueError:  # a cell that is filled later
            continue
    for name, value in named.items():
        if isinstance(value, types.FunctionType | type):
            if _is_users(value):
                yield value
        elif isinstance(value, functools.partial):
            yield value
        elif value is not None and (text := _plain(value)) is not None:
            parts[name] = f"{name} = {text}"


def _names(code: types.CodeType) -> set[str]:
    found = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= _names(constant)
    return found


def _attributes(item: Any) -> list[tuple[str, Any]]:
    if is_dataclass(item):
        return [(f.name, getattr(item, f.name)) for f in fields(item)]
    return list(getattr(item, "__dict__", {}).items())


def _values(item: Any) -> list[Any]:
    return [value for _, value in _attributes(item)]


def _plain(value: Any) -> str | None:
    """The text of a constant; None for what is not one."""
    if isinstance(value, str | int | float | bool | type(None)):
        return repr(value)
    if isinstance(value, list | tuple) and all(_plain(v) is not None for v in value) and len(value) <= 1000:
        return repr(value)
    if isinstance(value, dict) and all(_plain(k) and _plain(v) is not None for k, v in value.items()):
        return repr(value)
    return None


@functools.cache
def _installed() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    found = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib", "scripts")}
    found.add(str(Path(__file__).resolve().parents[1]))  # Truing itself
    return tuple(str(Path(path).resolve()) + "/" for path in found)


def is_users_file(path: str | None) -> bool:
    """True for a file that is neither the standard library's, nor an installed package's, nor Truing's."""
    if not path:
        return True
    if path.startswith("<"):
        return not path.startswith("<frozen")
    return not str(Path(path).resolve()).startswith(_installed())


def _is_users(item: Any) -> bool:
    module = sys.modules.get(getattr(item, "__module__", "") or "")
    if module is None:
        return True
    if getattr(module, "__name__", "") == "builtins":
        return False
    return is_users_file(getattr(module, "__file__", None))


def _tree(text: str) -> str:
    """The syntax tree without docstrings and positions; the text itself where it does not parse alone."""
    try:
        tree = ast.parse(text)
    except SyntaxError:  # a lambda cut out of the middle of a call
        return " ".join(text.split())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(node.body) > 1:
                node.body = node.body[1:]
    return ast.dump(tree)
