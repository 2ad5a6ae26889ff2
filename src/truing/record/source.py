"""What a study's function is, as text: its source and that of the user's own code it reaches.

Two functions are the same when their syntax trees are (comments, docstrings and layout do not count). A function
without readable source (typed at a prompt, or read from standard input) has no identity: its changes cannot be seen,
those of the other parts can.
"""

from __future__ import annotations

import ast
import difflib
import enum
import functools
import hashlib
import inspect
import linecache
import textwrap
import types
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from truing.record.altered import altered_by
from truing.record.constant import shown
from truing.record.reach import anchors, attributes, is_made, is_users, is_users_file, plain, reached

TRAINED = ("_parameters", "_buffers", "_modules")  # of a network: there to be altered

__all__ = ["Source", "is_users_file", "name_of", "source_of", "sources_of"]


@dataclass(frozen=True)
class Source:
    """What an objective is made of.

    Args:
        parts: name -> source text of what could be read.
        readable: whether all of it could.
        unread: the names of what could not.
    """

    parts: Mapping[str, str] = field(default_factory=dict)
    readable: bool = True
    unread: tuple[str, ...] = ()

    @property
    def identity(self) -> str | None:
        """A digest of the syntax trees; None where the source cannot be read."""
        if not self.readable:
            return None
        digest = hashlib.sha256()
        for name in sorted(self.parts):
            digest.update(name.encode() + b"\0" + _tree(self.parts[name]).encode() + b"\0")
        return digest.hexdigest()

    def diff(self, old: Mapping[str, str], *, complete: bool = True) -> str:
        """A unified diff from the `old` parts to these; what could not be read on either side is left out.

        Args:
            complete: the old parts are all there were; else one that is only here may just not have been read.
        """
        lines: list[str] = []
        compared = {*old, *self.parts} if complete else set(old)
        for name in sorted(compared - set(self.unread)):
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
    altered = altered_by(_functions(reached(objective).code.values()), _text_of)
    found = reached(objective, altered)
    parts: dict[str, str] = {}
    unread = () if found.code else (name_of(objective),)
    for name, item in found.code.items():
        text = _text_of(item)
        if text is None:
            unread = (*unread, name)
        else:
            parts[name] = text
    for name, path in found.files.items():
        parts[name] = path.read_text(encoding="utf-8", errors="replace")
    for name, text in found.constants.items():
        parts.setdefault(name, f"{name} = {text}")
    for name, value in found.others.items():
        counts = name.rpartition(".")[2] not in {*TRAINED, *altered.attributes}
        if counts and (content := shown(value, altered.attributes)) is not None:
            parts.setdefault(name, f"{name} = {content}")
    for name, item in found.code.items():
        if isinstance(item, type) and name in parts:
            for attribute, text in _set_later(item, parts[name], altered.attributes):
                parts.setdefault(f"{name}.{attribute}", f"{name}.{attribute} = {text}")
    for name, (file, written) in found.altered.items():  # as it was when the module had been executed
        if file is not None and (text := _assignments(file, written)):
            parts.setdefault(name, text)
    return Source(parts, not unread, unread)


def sources_of(labelled: Mapping[str, Mapping[Any, Any]]) -> dict[str, dict[str, Source]]:
    """What stands behind the labels of a space: parameter -> repr(label) -> its source and its value as text.

    >>> sources_of({"activation": {"relu": len}})["activation"]["'relu'"].parts
    {'value': '[builtins.len]'}
    """
    found: dict[str, dict[str, Source]] = {}
    for name, objects in labelled.items():
        found[name] = {}
        for label, item in objects.items():
            source = source_of(item)
            unread = source.unread if any(is_users(code) for code in anchors(item)) else ()
            parts = {**source.parts, "value": str(shown([item]))}
            found[name][repr(label)] = Source(parts, not unread, unread)
    return found


def _functions(code: Iterable[Any]) -> Iterator[types.FunctionType]:
    for item in code:
        for member in vars(item).values() if isinstance(item, type) else (item,):
            inner = getattr(member, "__func__", None) or getattr(member, "fget", None) or member
            inner = getattr(inner, "__wrapped__", inner)
            if isinstance(inner, types.FunctionType) and not is_made(inner):
                yield inner


def _set_later(item: type, text: str, without: Collection[str]) -> Iterator[tuple[str, str]]:
    """The attributes of a class that are not what its own text says."""
    if issubclass(item, enum.Enum):
        return
    tree = _parsed(text)
    body = next((node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef)), []) if tree else []
    written: dict[str, str | None] = {}
    for node in body:
        for target in getattr(node, "targets", None) or [getattr(node, "target", None)]:
            if isinstance(target, ast.Name):
                try:
                    written[target.id] = plain(ast.literal_eval(getattr(node, "value", None) or ast.Constant(None)))
                except (ValueError, TypeError):
                    written[target.id] = None
    for name, value in vars(item).items():
        found = plain(value) or shown(value, without)
        if found is not None and not name.startswith("_") and name not in without and found != written.get(name):
            yield name, found


def _assignments(file: str, name: str) -> str:
    """The statements of a module that give a global its value."""
    linecache.checkcache(file)
    text = "".join(linecache.getlines(file))
    tree = _parsed(text)
    found = []
    for node in getattr(tree, "body", []):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        named = any(isinstance(target, ast.Name) and target.id == name for target in targets)
        if named and isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            found.append(ast.get_source_segment(text, node) or "")
    return "\n".join(found)


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
        return _class(item) if isinstance(item, type) else None


def _class(item: type) -> str | None:
    """A class of a notebook, whose module has no file: cut out of the cell that its own methods stand in."""
    for member in vars(item).values():
        inner = getattr(member, "__func__", None) or getattr(member, "fget", None) or member
        inner = getattr(inner, "__wrapped__", inner)
        if not isinstance(inner, types.FunctionType) or inner.__qualname__ != f"{item.__qualname__}.{inner.__name__}":
            continue
        cell = "".join(linecache.getlines(inner.__code__.co_filename))
        tree, line = _parsed(cell), inner.__code__.co_firstlineno
        for name, node in _classes(tree, "") if tree is not None else ():
            if name == item.__qualname__ and node.lineno <= line <= (node.end_lineno or line):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                return textwrap.dedent("\n".join(cell.splitlines()[first - 1 : node.end_lineno]))
    return _bare(item)


def _classes(node: ast.AST, prefix: str) -> Iterator[tuple[str, ast.ClassDef]]:
    """The classes inside, each with its qualified name."""
    for child in ast.iter_child_nodes(node):
        inside = prefix
        if isinstance(child, ast.ClassDef):
            yield prefix + child.name, child
            inside = f"{prefix}{child.name}."
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            inside = f"{prefix}{child.name}.<locals>."
        yield from _classes(child, inside)


def _bare(item: type) -> str | None:
    """A class without methods of its own, such as one of settings: its bases, annotations and values."""
    values = {name: plain(value) for name, value in vars(item).items() if not _is_own_of_python(name, value)}
    if None in values.values():
        return None
    bases = ", ".join(base.__qualname__ for base in item.__bases__)
    typed = [f"    {name}: {kind!r}" for name, kind in inspect.get_annotations(item).items()]
    lines = [*typed, *(f"    {name} = {text}" for name, text in values.items())]
    return "\n".join([f"class {item.__name__}({bases}):", *(lines or ["    pass"])])


def _is_own_of_python(name: str, value: Any) -> bool:
    """True for what Python or a decorator such as dataclass adds to a class."""
    if isinstance(value, types.FunctionType):
        return is_made(value)
    return (name.startswith("__") and name.endswith("__")) or isinstance(value, types.MemberDescriptorType)


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
