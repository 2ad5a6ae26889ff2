"""What a study's function is, as text: its source and that of the user's own code it reaches.

Two functions are the same when their syntax trees are (comments, docstrings and layout do not count). A function
without readable source (typed at a prompt, or read from standard input) has no identity: its changes cannot be seen.
"""

from __future__ import annotations

import ast
import difflib
import functools
import hashlib
import inspect
import textwrap
import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from truing.record.reach import attributes, is_users_file, reached

__all__ = ["Source", "is_users_file", "name_of", "source_of"]


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
    """The source of `objective` and of everything of the user's own that it reaches by name.

    >>> source_of(len).readable
    False
    """
    found = reached(objective)
    parts: dict[str, str] = {}
    readable = bool(found.code)
    for name, item in found.code.items():
        text = _text_of(item)
        if text is None:
            readable = False
        else:
            parts[name] = text
    for name, path in found.files.items():
        parts[name] = path.read_text(encoding="utf-8", errors="replace")
    for name, text in found.constants.items():
        parts.setdefault(name, f"{name} = {text}")
    return Source(parts, readable)


def name_of(objective: Any) -> str:
    """A short name for messages: the function's, or the class's with what it wraps.

    >>> import functools, json
    >>> name_of(functools.partial(json.dumps, indent=1))
    'dumps'
    """
    if isinstance(objective, types.FunctionType | type):
        return objective.__qualname__
    if isinstance(objective, functools.partial):
        return name_of(objective.func)
    if isinstance(objective, types.MethodType | types.BuiltinFunctionType):
        return objective.__qualname__
    inner = [name_of(v) for _, v in attributes(objective) if isinstance(v, types.FunctionType | type)]
    return f"{type(objective).__name__}({', '.join(inner)})"


def _text_of(item: Any) -> str | None:
    try:
        if isinstance(item, types.FunctionType) and item.__name__ == "<lambda>":
            return _lambda(item.__code__, "".join(inspect.findsource(item)[0]))
        return textwrap.dedent(inspect.getsource(item))
    except (OSError, TypeError, SyntaxError, IndexError):
        return None


def _lambda(code: types.CodeType, file: str) -> str | None:
    """The lambda alone, cut out of the statement it stands in, whose other parts are not its own."""
    tree = _parsed(file)
    spans = [
        (line, column)
        for line, _, column, end in code.co_positions()
        if line is not None and column is not None and column != end  # an empty span is the compiler's own
    ]
    if tree is None or not spans:
        return None
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Lambda)
        and all((node.lineno, node.col_offset) <= place <= _end(node) for place in spans)
    ]
    if not around:
        return None
    innermost = max(around, key=lambda node: (node.lineno, node.col_offset))
    return ast.get_source_segment(file, innermost)


def _end(node: ast.expr) -> tuple[int, int]:
    return (node.end_lineno or node.lineno, node.end_col_offset or node.col_offset)


def _parsed(text: str) -> ast.AST | None:
    for written in (text, f"({text})"):  # a lambda over several lines is whole only in parentheses
        try:
            return ast.parse(written)
        except (SyntaxError, ValueError):
            continue
    return None


def _tree(text: str) -> str:
    """The syntax tree without docstrings and positions; the text itself where it does not parse alone."""
    tree = _parsed(text)
    if tree is None:
        return " ".join(text.split())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef | ast.Module):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(node.body) > 1:
                node.body = node.body[1:]
    return ast.dump(tree)
