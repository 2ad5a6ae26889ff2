"""What a model's source says without being executed: options of an argument, literals in a forward, initialisers."""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from truing.record.reach import is_users_file

ACTIVATIONS = frozenset(
    [
        "relu",
        "relu6",
        "gelu",
        "tanh",
        "sigmoid",
        "silu",
        "elu",
        "selu",
        "celu",
        "leaky_relu",
        "mish",
        "hardswish",
        "hardtanh",
        "softplus",
        "prelu",
        "rrelu",
        "glu",
    ]
)
DROPOUTS = frozenset(["dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"])
POOLINGS = frozenset(["max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d", "lp_pool2d"])
NORMALISATIONS = frozenset(["batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm"])


@dataclass(frozen=True)
class Literal:
    """A value that a line of the source fixes.

    Args:
        what: "dropout", "activation", "pooling", "normalisation" or "initialisation".
        value: the number, or the name of the function.
        file, line: where; lines from 1.
    """

    what: str
    value: Any
    file: str
    line: int


@functools.lru_cache(64)
def tree_of(file: str) -> ast.Module | None:
    """The syntax tree of a file; None where it cannot be read (a prompt, a notebook)."""
    try:
        return ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return None


def file_of(item: Any) -> str | None:
    """The user's own file in which a function or class is defined; None for an installed package's."""
    item = getattr(item, "func", item)  # of a partial
    try:
        file = inspect.getsourcefile(item if isinstance(item, type) else inspect.unwrap(item))
    except (TypeError, OSError, AttributeError):
        return None
    return file if file is not None and is_users_file(file) and Path(file).is_file() else None


def nodes_of(items: Sequence[Any]) -> Iterator[tuple[str, ast.AST]]:
    """Each function and class of the user's among `items`, and what these name in the same file, as (file, node)."""
    files: dict[str, set[str]] = {}
    for item in items:
        file = file_of(item)
        if file is not None:
            files.setdefault(file, set()).add(getattr(getattr(item, "func", item), "__qualname__", "").split(".")[0])
    for file, names in files.items():
        tree = tree_of(file)
        if tree is None:
            continue
        defined = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        wanted = [name for name in names if name in defined]
        for name in wanted:
            for node in ast.walk(defined[name]):
                named = node.id if isinstance(node, ast.Name) else ""
                # of classes only those that the model is made of: their names stand in `names`
                if isinstance(defined.get(named), ast.FunctionDef) and named not in wanted:
                    wanted.append(named)
        yield from ((file, defined[name]) for name in wanted)


def literals(items: Sequence[Any]) -> list[Literal]:
    """What calls of functions fix: dropout, activation, pooling and normalisation in a forward; initialisers anywhere.

    Args:
        items: the function that builds, and the classes of the modules it made.
    """
    found = []
    for file, node in nodes_of(items):
        for call in ast.walk(node):
            if isinstance(call, ast.Call) and (fixed := _fixed_by(call)) is not None:
                found.append(Literal(*fixed, file, _line(call)))
    return sorted(set(found), key=lambda one: (one.file, one.line, one.what, str(one.value)))


def _line(call: ast.Call) -> int:
    return getattr(call.func, "end_lineno", None) or call.lineno


def _fixed_by(call: ast.Call) -> tuple[str, Any] | None:
    name, owner = _called(call.func)
    if owner is None and name not in DROPOUTS | POOLINGS | NORMALISATIONS | ACTIVATIONS:
        return None
    if owner in ("self", "config"):
        return None
    if name in DROPOUTS:
        given = call.args[1] if len(call.args) > 1 else _keyword(call, "p")
        if given is None:
            return "dropout", 0.5
        return ("dropout", given.value) if isinstance(given, ast.Constant) else None
    if name in POOLINGS:
        return "pooling", name
    if name in NORMALISATIONS:
        return "normalisation", name
    if name in ACTIVATIONS:
        return "activation", name
    if name.endswith("_") and owner == "init":
        return "initialisation", name
    if name in ("normal_", "uniform_") and owner in ("data", "weight", "bias"):
        return "initialisation", name
    return None


def _called(func: ast.expr) -> tuple[str, str | None]:
    """The last two parts of what is called: nn.init.zeros_ -> zeros_, init."""
    if isinstance(func, ast.Name):
        return func.id, None
    if not isinstance(func, ast.Attribute):
        return "", None
    owner = func.value
    if isinstance(owner, ast.Attribute):
        return func.attr, owner.attr
    return func.attr, owner.id if isinstance(owner, ast.Name) else ""


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((one.value for one in call.keywords if one.arg == name), None)


def keyword_line(file: str, first: int, last: int, names: Sequence[str]) -> int | None:
    """The line in which a call between two lines gives one of the keywords; None where it gives none."""
    tree = tree_of(file)
    for call in ast.walk(tree) if tree is not None else ():
        if isinstance(call, ast.Call) and first <= call.lineno <= (call.end_lineno or 0) <= last:
            for keyword in call.keywords:
                if keyword.arg in names:
                    return keyword.lineno
    return None


def takes_a_configuration(build: Callable[..., Any], name: str) -> bool | None:
    """True when the source reads things out of the parameter `name`, False when it only uses it; None = no source."""
    body = _definition(build)
    if body is None:
        return None
    for node in ast.walk(body):
        if isinstance(node, ast.Subscript | ast.Attribute) and _is_name(node.value, name):
            return True
        if isinstance(node, ast.Call) and any(one.arg is None and _is_name(one.value, name) for one in node.keywords):
            return True
    return False


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _definition(item: Any) -> Any:
    file = file_of(item)
    tree = tree_of(file) if file is not None else None
    item = getattr(item, "func", item)
    if tree is None:
        return None
    name, code = getattr(item, "__name__", ""), getattr(item, "__code__", None)
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef) and n.name == name]
    if code is not None:  # there may be several of that name; a decorator stands above the def
        nodes = [n for n in nodes if code.co_firstlineno in (n.lineno, *(one.lineno for one in n.decorator_list))]
    return nodes[0] if nodes else None


def starred(build: Callable[..., Any], name: str) -> list[tuple[Any, str | None, tuple[int, list[str]]]]:
    """What is called with ** of the configuration.

    Returns:
        (function or class, the group that is given or None = all, how many parameters the call gives besides by
        position and which by name).
    """
    body = _definition(build)
    found: list[tuple[Any, str | None, tuple[int, list[str]]]] = []
    for node in ast.walk(body) if body is not None else ():
        if not isinstance(node, ast.Call):
            continue
        for one in node.keywords:
            if one.arg is not None:
                continue
            group: str | None = None
            value = one.value
            if isinstance(value, ast.Call) and _called(value.func)[0] == "group" and value.args:
                given = value.args[0]
                group = str(given.value) if isinstance(given, ast.Constant) else None
                value = value.func.value if isinstance(value.func, ast.Attribute) else value
            if _is_name(value, name):
                callee = _value_of(node.func, getattr(build, "__globals__", {}))
                if callee is not None:
                    found.append((callee, group, (len(node.args), [k.arg for k in node.keywords if k.arg])))
    return found


def _value_of(node: ast.AST, names: Mapping[str, Any]) -> Any:
    """What a dotted name stands for; None where it stands for nothing known."""
    if isinstance(node, ast.Name):
        return names.get(node.id, getattr(builtins, node.id, None))
    if isinstance(node, ast.Attribute):
        return getattr(_value_of(node.value, names), node.attr, None)
    return None


def options(build: Callable[..., Any], config: str | None, names: Sequence[str]) -> dict[str, list[Any]]:
    """Argument -> the words that the source compares it with or looks up by it.

    An argument is followed into functions and classes of the user's own to which it is handed.

    Args:
        build: the function that builds.
        config: the name of its parameter that is a configuration; None = its parameters are the arguments.
        names: the arguments, where they are parameters.
    """
    found: dict[str, list[Any]] = {}
    todo: list[tuple[Any, str | None, dict[str, str]]] = [(build, config, {} if config else {n: n for n in names})]
    seen: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
    while todo:
        item, mapping, known = todo.pop()
        function = vars(item).get("__init__") if isinstance(item, type) else getattr(item, "func", item)
        node = _definition(item)
        if node is None or (key := (node.name, tuple(sorted(known.items())))) in seen:
            continue
        seen.add(key)
        scope = _Scope(mapping, known, getattr(function, "__globals__", {}))
        scope.read(node)
        for name, values in scope.found.items():
            found.setdefault(name, []).extend(value for value in values if value not in found.get(name, []))
        todo += [(callee, None, handed) for callee, handed in scope.handed]
        if config is not None and mapping is not None:
            for callee, _, _ in starred(item, config):
                todo.append((callee, None, {name: name for name in parameters(callee)}))
    return found


def parameters(item: Any) -> dict[str, inspect.Parameter]:
    """The named parameters of a callable; none where it does not tell."""
    try:
        given = inspect.signature(item).parameters
    except (TypeError, ValueError):
        return {}
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {name: one for name, one in given.items() if one.kind not in variable}


class _Scope:
    """Where the arguments go in one function or class."""

    def __init__(self, config: str | None, known: dict[str, str], names: Mapping[str, Any]) -> None:
        self.config, self.known, self.names = config, dict(known), names
        self.dicts: dict[str, ast.Dict] = {}
        self.found: dict[str, list[Any]] = {}
        self.handed: list[tuple[Any, dict[str, str]]] = []

    def read(self, body: ast.AST) -> None:
        for node in ast.walk(body):
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                target = node.targets[0]
                label = target.id if isinstance(target, ast.Name) else _dotted(target)
                if (argument := self.argument(node.value)) is not None:
                    self.known[label] = argument
                elif isinstance(node.value, ast.Dict):
                    self.dicts[label] = node.value
        for node in ast.walk(body):
            if isinstance(node, ast.Compare):
                self.compared(node)
            elif isinstance(node, ast.Subscript):
                self.looked_up(node.value, node.slice)
            elif isinstance(node, ast.Match):
                values = [c.pattern.value for c in node.cases if isinstance(c.pattern, ast.MatchValue)]
                self.add(node.subject, [v.value for v in values if isinstance(v, ast.Constant)])
            elif isinstance(node, ast.Call):
                self.called(node)

    def argument(self, node: ast.AST) -> str | None:
        """The argument that an expression reads, as config["x"], config.get("x"), config.x, or by its own name."""
        if isinstance(node, ast.Name):
            return self.known.get(node.id)
        if isinstance(node, ast.Attribute) and _dotted(node) in self.known:
            return self.known[_dotted(node)]
        key: ast.AST | None = None
        if isinstance(node, ast.Subscript) and _is_name(node.value, self.config or ""):
            key = node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            key = node.args[0] if node.args and _is_name(node.func.value, self.config or "") else None
        elif isinstance(node, ast.Attribute) and _is_name(node.value, self.config or ""):
            return node.attr
        return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None

    def add(self, node: ast.AST, values: Sequence[Any]) -> None:
        name = self.argument(node)
        if name is not None:
            known = self.found.setdefault(name, [])
            known += [value for value in values if isinstance(value, str) and value not in known]

    def compared(self, node: ast.Compare) -> None:
        for left, other in ((node.left, node.comparators[0]), (node.comparators[0], node.left)):
            if isinstance(other, ast.Constant):
                self.add(left, [other.value])
            elif isinstance(other, ast.Tuple | ast.List | ast.Set):
                self.add(left, [one.value for one in other.elts if isinstance(one, ast.Constant)])

    def looked_up(self, table: ast.AST, key: ast.AST) -> None:
        if self.argument(key) is None:
            return
        literal = table if isinstance(table, ast.Dict) else self.dicts.get(_dotted(table))
        if literal is not None:
            self.add(key, [one.value for one in literal.keys if isinstance(one, ast.Constant)])
            return
        value = _value_of(table, self.names)
        if isinstance(value, Mapping):
            self.add(key, list(value))

    def called(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
            self.looked_up(node.func.value, node.args[0])
        callee = _value_of(node.func, self.names)
        if callee is None or file_of(callee) is None:
            return
        order, handed = list(parameters(callee)), {}
        for place, value in enumerate(node.args):
            if place < len(order) and (name := self.argument(value)) is not None:
                handed[order[place]] = name
        for one in node.keywords:
            if one.arg is not None and (name := self.argument(one.value)) is not None:
                handed[one.arg] = name
        if handed:
            self.handed.append((callee, handed))


def _dotted(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
