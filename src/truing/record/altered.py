"""What the reached code alters while it runs: the state of such a value says nothing of what the code is.

A list that losses are appended to, a cache, a counter, weights that are trained in place. Told from the syntax
trees; where it cannot be told (no source), every container the code names may be altered.
"""

from __future__ import annotations

import ast
import types
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, is_dataclass
from typing import Any

Root = tuple[str, tuple[str, ...], bool]  # name, attributes read from it, whether it is the value itself

_METHODS = (
    "append extend insert remove pop clear sort reverse add update discard setdefault popitem appendleft popleft "
    "extendleft rotate difference_update intersection_update symmetric_difference_update fill put itemset resize "
    "partition setflags setfield move_to_end subtract __setitem__ __delitem__"
)
_OF_ARGUMENT = (
    "shuffle copyto put place putmask put_along_axis fill_diagonal heappush heappop heapify heapreplace heappushpop "
    "insort insort_left insort_right setattr delattr"
)
_VIEWS = "get setdefault values items view reshape ravel transpose numpy detach squeeze unsqueeze"
METHODS, OF_ARGUMENT, VIEWS = (frozenset(names.split()) for names in (_METHODS, _OF_ARGUMENT, _VIEWS))
OVER = frozenset(("enumerate", "zip", "iter", "reversed", "next"))
MAKING = ("__init__", "__post_init__", "__new__", "__setstate__")


@dataclass
class Altered:
    """Values by identity (held, so that no number is given twice), names of globals, and names of attributes."""

    values: dict[int, Any] = field(default_factory=dict)
    names: set[tuple[int, str]] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)

    def holds(self, value: Any, depth: int = 4) -> bool:
        """True where the value or something inside it is altered."""
        if id(value) in self.values:
            return True
        if not depth or not isinstance(value, list | tuple | set | frozenset | dict) or len(value) > 1000:
            return False
        return any(self.holds(v, depth - 1) for v in (value.values() if isinstance(value, dict) else value))

    def mark(self, value: Any) -> None:
        if (
            isinstance(value, list | tuple | set | dict | bytearray)
            or array_like(value)
            or _is_record(value)
            or type(value).__module__ == "collections"
        ):
            self.values[id(value)] = value


def array_like(value: Any) -> bool:
    """True for an array or a tensor."""
    return type(value).__module__.split(".")[0] in ("numpy", "torch") and hasattr(value, "dtype")


def altered_by(functions: Iterable[types.FunctionType], text_of: Callable[[Any], str | None]) -> Altered:
    """What these functions alter of what is not their own."""
    found = Altered()
    scans = {}
    for function in functions:
        text = text_of(function)
        tree = _tree(text) if text is not None else None
        if tree is None:
            for name in (*function.__code__.co_names, *function.__code__.co_freevars):
                found.mark(_outer(function, name))
        else:
            scans[function] = _Scan(function, tree, found)
    for scan in scans.values():
        scan.direct()
    while sum(scan.passed_on(scans) for scan in scans.values()):  # what one passes on is news to its callers
        continue
    return found


class _Scan:
    """One function with those inside it."""

    def __init__(self, function: types.FunctionType, tree: ast.AST, found: Altered) -> None:
        self.function, self.tree, self.found = function, tree, found
        self.parameters: set[str] = set()  # those whose value is altered
        self._done: set[tuple[Root, bool]] = set()
        code = function.__code__
        self._names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        self._positions = code.co_varnames[: code.co_argcount]
        self._local = {name for part in _codes(code) for name in (*part.co_varnames, *part.co_cellvars)}
        self._nodes = list(ast.walk(tree))
        self._global = {name for node in self._nodes if isinstance(node, ast.Global) for name in node.names}
        self._local -= self._global
        self._alias: dict[str, list[Root]] = {}
        for target, value in _bindings(self._nodes):
            whole = isinstance(target, ast.Name)
            roots = [(name, path, bare and whole) for name, path, bare in _roots(value)]
            for node in ast.walk(target):
                if isinstance(node, ast.Name):
                    self._alias.setdefault(node.id, []).extend(roots)

    def direct(self) -> None:
        """What the statements alter."""
        making = self.function.__name__ in MAKING
        for node in self._nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del) and node.id in self._global:
                self.found.names.add((id(self.function.__globals__), node.id))
            elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
                self._alter(node.value)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
                self._attribute(node, making)
            elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                for root in _roots(ast.Name(node.target.id, ast.Load())):
                    self._follow(root, added=True)
            elif isinstance(node, ast.Call):
                self._call(node)

    def _attribute(self, node: ast.Attribute, making: bool) -> None:
        own = isinstance(node.value, ast.Name) and node.value.id == (self._positions or ("",))[0]
        if not (making and own):
            self.found.attributes.add(node.attr)
        for value in self._values(node.value):
            if isinstance(value, types.ModuleType):
                self.found.names.add((id(vars(value)), node.attr))
            elif _is_record(value) or array_like(value):
                self.found.mark(value)

    def _call(self, node: ast.Call) -> None:
        name: str = getattr(node.func, "attr", "") or getattr(node.func, "id", "")
        in_place = name.endswith("_") and not name.startswith("_")
        if isinstance(node.func, ast.Attribute) and (in_place or name in METHODS):
            self._alter(node.func.value, method=name)
        if node.args and (in_place or name in OF_ARGUMENT):
            self._alter(node.args[0])
        if name == "setattr" and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
            self.found.attributes.add(str(node.args[1].value))
        for keyword in node.keywords:
            if keyword.arg == "out":
                self._alter(keyword.value)

    def passed_on(self, scans: dict[types.FunctionType, _Scan]) -> bool:
        """Alter what is given to parameters that are altered; True when this is news."""
        before = (len(self._done), len(self.parameters))
        for node in self._nodes:
            if not isinstance(node, ast.Call):
                continue
            for callee in self._values(node.func):
                scan = scans.get(callee) if isinstance(callee, types.FunctionType) else None
                if scan is not None and scan.parameters:
                    for name, value in zip(scan._positions, node.args, strict=False):
                        if name in scan.parameters:
                            self._alter(value)
                    for keyword in node.keywords:
                        if keyword.arg in scan.parameters:
                            self._alter(keyword.value)
        return (len(self._done), len(self.parameters)) != before

    def _alter(self, node: ast.AST, method: str = "") -> None:
        for root in _roots(node):
            self._follow(root, method=method)

    def _follow(self, root: Root, *, added: bool = False, method: str = "") -> None:
        """Mark what a root stands for; `added` is `x += ...`, which alters an element's owner only in an array."""
        name, path, bare = root
        key = (root, added)
        if key in self._done:
            return
        self._done.add(key)
        if not added:
            self.found.attributes.update(path)
        for other, more, same in self._alias.get(name, ()):
            self._follow((other, (*more, *path), bare and same), added=added, method=method)
        if name in self._names:
            self.parameters.add(name)
            self._default(name)
        for value in self._values_of(name, path):
            if added and not bare and not array_like(value):
                continue
            if method and type(value).__module__.startswith("torch") and not method.endswith("_"):
                self._done.discard(key)
                continue  # a tensor's own add() makes another
            self.found.mark(value)

    def _default(self, name: str) -> None:
        function = self.function
        last = self._positions[::-1]
        defaults = dict(zip(last, (function.__defaults__ or ())[::-1], strict=False))
        self.found.mark({**defaults, **(function.__kwdefaults__ or {})}.get(name))

    def _values(self, node: ast.AST) -> Iterator[Any]:
        for name, path, _ in _roots(node):
            yield from self._values_of(name, path)

    def _values_of(self, name: str, path: tuple[str, ...]) -> Iterator[Any]:
        if name in self._local and name not in self.function.__code__.co_freevars:
            return
        value = _outer(self.function, name)
        for attribute in path:
            if not isinstance(value, types.ModuleType):
                break
            value = vars(value).get(attribute)
        yield value


def _roots(node: ast.AST) -> list[Root]:
    """The names that an expression is a part or a view of."""
    if isinstance(node, ast.Name):
        return [(node.id, (), True)]
    if isinstance(node, ast.Attribute):
        return [(name, (*path, node.attr), bare) for name, path, bare in _roots(node.value)]
    if isinstance(node, ast.Subscript):
        return [(name, path, False) for name, path, _ in _roots(node.value)]
    inside: list[ast.AST] = []
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr in VIEWS:
            inside = [node.func.value]
        elif isinstance(node.func, ast.Name) and node.func.id in OVER:
            inside = [*node.args]
        return [(name, path, False) for part in inside for name, path, _ in _roots(part)]
    if isinstance(node, ast.Starred | ast.NamedExpr):
        inside = [node.value]
    elif isinstance(node, ast.IfExp):
        inside = [node.body, node.orelse]
    elif isinstance(node, ast.BoolOp):
        inside = [*node.values]
    elif isinstance(node, ast.Tuple | ast.List):
        inside = [*node.elts]
    return [root for part in inside for root in _roots(part)]


def _bindings(nodes: list[ast.AST]) -> Iterator[tuple[ast.AST, ast.AST]]:
    for node in nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name | ast.Tuple | ast.List):
                    yield target, node.value
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and isinstance(node.target, ast.Name) and node.value:
            yield node.target, node.value
        elif isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            yield ast.Tuple([node.target], ast.Store()), node.iter


def _outer(function: types.FunctionType, name: str) -> Any:
    """What a name that is not local stands for now."""
    for free, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        if free == name:
            try:
                return cell.cell_contents
            except ValueError:
                return None
    return function.__globals__.get(name)


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _is_record(value: Any) -> bool:
    return is_dataclass(value) and not isinstance(value, type)


def _tree(text: str) -> ast.AST | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):
        return None
