"""What a function is made of: the functions, classes and constants of the user's own that it reaches by name.

Installed packages are not followed: their versions stand in the journal.
"""

from __future__ import annotations

import argparse
import dis
import enum
import functools
import hashlib
import importlib.machinery
import site
import sys
import sysconfig
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path, PurePath
from typing import Any

from truing.record.altered import Altered

NAMESPACES = (types.SimpleNamespace, argparse.Namespace)
CONTAINERS = (list, tuple, set, frozenset, dict, *NAMESPACES)
MAIN = ("__main__", "truing_study_file")  # one file, whether Python or `truing run` executes it


@dataclass
class Reached:
    """What an objective reaches, in an order that depends on the code alone.

    Args:
        code: name -> function or class.
        constants: name -> text of a plain value.
        files: name -> path of a module of the user's that is imported inside a function.
        others: name -> a value that is neither code nor plain: an array, a network, a logger.
        altered: name -> (file, name there) of a global left out because the code alters it.
    """

    code: dict[str, Any] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)
    others: dict[str, Any] = field(default_factory=dict)
    altered: dict[str, tuple[str | None, str]] = field(default_factory=dict)


def reached(objective: Any, altered: Altered | None = None) -> Reached:
    """Everything of the user's own that `objective` reaches, itself first; without the state of what is `altered`.

    >>> list(reached(len).code)
    []
    """
    walk = _Walk(_home(objective), altered or Altered())
    walk.take("objective", objective)
    while walk.queue:
        walk.follow(*walk.queue.pop(0))
    return walk.found


def anchors(objective: Any) -> list[Any]:
    """The functions and classes that an objective is put together from, the innermost last.

    >>> import functools, json
    >>> [item.__name__ for item in anchors(functools.partial(json.dumps, indent=1))]
    ['dumps']
    """
    if isinstance(objective, types.FunctionType | type):
        return [objective]
    if isinstance(objective, types.MethodType):
        return [objective.__func__, type(objective.__self__)]
    if isinstance(objective, functools.partial):
        return anchors(objective.func)
    named = [v for _, v in attributes(objective) if isinstance(v, types.FunctionType | type | functools.partial)]
    return [type(objective), *(anchor for item in named for anchor in anchors(item))]


def attributes(item: Any) -> list[tuple[str, Any]]:
    """The attributes of an instance: its fields where it is a dataclass."""
    if is_dataclass(item):
        return [(f.name, getattr(item, f.name, None)) for f in fields(item)]
    return list(getattr(item, "__dict__", {}).items())


def is_users_file(path: str | None) -> bool:
    """True for a file that is neither the standard library's, nor an installed package's, nor Truing's."""
    if not path:
        return True
    if path.startswith("<"):
        return not path.startswith("<frozen")
    return _users_path(path)


@functools.lru_cache(4096)
def _users_path(path: str) -> bool:
    resolved = Path(path).resolve()
    if {"site-packages", "dist-packages"} & set(resolved.parts):
        return False
    return not str(resolved).startswith(_installed())


@functools.cache
def _installed() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    found = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib", "scripts")}
    found.add(str(Path(__file__).resolve().parents[1]))  # Truing itself
    found.update(getattr(site, "getsitepackages", list)())
    return tuple(str(Path(path).resolve()) + "/" for path in found)


def is_users(item: Any) -> bool:
    """True for a function, class or module of the user's own."""
    name = item.__name__ if isinstance(item, types.ModuleType) else getattr(item, "__module__", "") or ""
    module = sys.modules.get(name)
    if module is None:
        return True
    if name == "builtins":
        return False
    if not hasattr(module, "__file__"):
        return name in MAIN or name not in sys.builtin_module_names
    return is_users_file(module.__file__)


def is_made(function: types.FunctionType) -> bool:
    """True for a method that a decorator such as dataclass wrote: nobody's source, it follows from the class's own."""
    code = getattr(getattr(function, "__wrapped__", function), "__code__", function.__code__)
    return code.co_filename == "<string>" and "__create_fn__" in code.co_qualname


LONGEST = 100_000  # characters of a constant that is told in full


def plain(value: Any, depth: int = 4) -> str | None:
    """The text of a constant, the same in every process; None for what is not one.

    >>> plain({"b": {2, 1}}), plain(object())
    ("{'b': {1, 2}}", None)
    """
    if isinstance(value, str | bytes | int | float | complex | bool | type(None) | PurePath | enum.Enum):
        if isinstance(value, str | bytes) and len(value) > LONGEST:  # a text to train on; the journal need not hold it
            content = value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
            return f"{type(value).__name__}({len(value)}, sha {hashlib.sha256(content).hexdigest()[:16]})"
        return repr(value)
    if depth and isinstance(value, list | tuple | set | frozenset | dict) and len(value) <= 1000:
        if isinstance(value, dict):
            pairs = [(plain(k, depth - 1), plain(v, depth - 1)) for k, v in value.items()]
            if any(key is None or text is None for key, text in pairs):
                return None
            return "{" + ", ".join(f"{key}: {text}" for key, text in pairs) + "}"
        texts = [plain(v, depth - 1) for v in value]
        if any(text is None for text in texts):
            return None
        if isinstance(value, set | frozenset):
            return "{" + ", ".join(sorted(str(text) for text in texts)) + "}"
        inner = ", ".join(str(text) for text in texts)
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(texts) == 1 else ''})"
    if depth and is_dataclass(value) and not isinstance(value, type):
        named = [(name, plain(v, depth - 1)) for name, v in attributes(value)]
        if all(text is not None for _, text in named):
            return f"{type(value).__qualname__}({', '.join(f'{name}={text}' for name, text in named)})"
    return None


def _home(objective: Any) -> str:
    """The module whose names need no prefix: that of the user's own function or class."""
    own = [item for item in anchors(objective) if is_users(item)]
    if not own and isinstance(objective, types.FunctionType):  # of an installed package: that module is the user's here
        own = [objective]
    return getattr(own[-1], "__module__", "") if own else ""


class _Walk:
    def __init__(self, home: str, altered: Altered) -> None:
        self.found = Reached()
        self._altered = altered
        self._inside = 10_000  # items of containers that are looked at
        self.queue: list[tuple[str, Any]] = []
        self._home = (*MAIN, home)
        self._seen: dict[int, Any] = {}  # by identity; the objects are held, so that no number is given twice

    def take(self, name: str, value: Any) -> None:
        """Note a value that was met under a name: code and what is made of it is followed later."""
        if isinstance(value, types.ModuleType | types.BuiltinFunctionType | types.MethodWrapperType):
            return
        if isinstance(value, types.FunctionType | type):
            if is_users(value) or getattr(value, "__module__", None) in self._home:
                self._later(name, value)
        elif isinstance(value, functools.partial | types.MethodType):
            self._later(name, value)
        elif self._altered.values and self._altered.holds(value):
            if is_users(type(value)):
                self._later(name, type(value))
        elif (text := plain(value)) is not None:
            self.found.constants[name] = text
            if is_dataclass(value) and is_users(type(value)):
                self._later(name, type(value))
        elif isinstance(wrapped := getattr(value, "__wrapped__", None), types.FunctionType):  # functools.cache
            self.take(name, wrapped)
        elif name == "objective" or is_users(type(value)):
            self._later(name, value)
        else:
            self.found.others[name] = value
            if isinstance(value, CONTAINERS):
                self._later(name, value)

    def _later(self, name: str, value: Any) -> None:
        if id(value) not in self._seen:
            self._seen[id(value)] = value
            self.queue.append((name, value))

    def follow(self, name: str, item: Any) -> None:
        """Note the item and take what it names."""
        if isinstance(item, types.FunctionType):
            self._code(item)
            self._function(item)
        elif isinstance(item, type):
            self._code(item)
            self._class(item)
        elif isinstance(item, types.MethodType):
            self.take(name, item.__func__)
            self.take(f"{name} instance", item.__self__)
        elif isinstance(item, functools.partial):
            self.take(name, item.func)
            for place, value in [*enumerate(item.args), *item.keywords.items()]:
                self.take(f"{name} argument {place}", value)
        elif isinstance(item, CONTAINERS) and not is_users(type(item)):
            self._container(name, item)
        else:
            kind = type(item)
            if is_users(kind):
                self._later(name, kind)
                if name != "objective":
                    self.found.others[name] = item
            for attribute, value in attributes(item):
                self.take(f"{kind.__qualname__}.{attribute}", value)

    def _container(self, name: str, item: Any) -> None:
        """Take the code in it; what else it holds is told by its text."""
        values = vars(item) if isinstance(item, NAMESPACES) else item
        values = list(values.values() if isinstance(values, dict) else values)[: min(1000, self._inside)]
        self._inside -= len(values)
        if isinstance(item, set | frozenset):
            values.sort(key=lambda value: getattr(value, "__qualname__", ""))
        for place, value in enumerate(values):
            if isinstance(value, types.FunctionType | type | functools.partial | types.MethodType):
                self.take(f"{name}[{place}]", value)
            elif isinstance(value, CONTAINERS) and not is_users(type(value)):
                if plain(value) is None:
                    self._later(f"{name}[{place}]", value)
            elif is_users(type(value)):
                self.take(type(value).__name__, type(value))

    def _code(self, item: Any) -> None:
        module = getattr(item, "__module__", "") or ""
        name = item.__qualname__ if module in self._home else f"{module}.{item.__qualname__}"
        unique, number = name, 2
        while unique in self.found.code:
            unique, number = f"{name} ({number})", number + 1
        self.found.code[unique] = item

    def _class(self, item: type) -> None:
        for base in item.__bases__:
            self.take(base.__name__, base)
        for name, member in vars(item).items():
            inner = getattr(member, "__func__", None) or getattr(member, "fget", None) or member
            inner = getattr(inner, "__wrapped__", inner)
            if isinstance(inner, types.FunctionType):
                if is_made(inner):
                    continue
                if inner.__qualname__ == f"{item.__qualname__}.{inner.__name__}":
                    self._function(inner)  # its text is the class's
                else:
                    self.take(name, inner)
            elif isinstance(inner, type) and name != "__class__":
                self.take(name, inner)

    def _function(self, function: types.FunctionType) -> None:
        defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
        for place, value in enumerate(defaults):
            if plain(value) is None or callable(value):
                self.take(f"{function.__qualname__} default {place}", value)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
            try:
                self.take(f"{function.__qualname__} {name}", cell.cell_contents)
            except ValueError:  # a cell that is filled later
                continue
        if isinstance(wrapped := getattr(function, "__wrapped__", None), types.FunctionType):
            self.take(function.__name__, wrapped)
        module = function.__globals__.get("__name__", "")
        prefix = "" if module in self._home else f"{module}."
        for path in _global_names(function.__code__):
            value = function.__globals__.get(path[0], _MISSING)
            used, names = path[0], function.__globals__
            for attribute in path[1:]:
                if not (isinstance(value, types.ModuleType) and is_users(value)):
                    break
                names = vars(value)
                value, used = getattr(value, attribute, _MISSING), f"{used}.{attribute}"
            last = used.rpartition(".")[2]
            rebound = (id(names), last) in self._altered.names
            if rebound or (self._altered.values and self._altered.holds(value)):
                self.found.altered[prefix + used] = (names.get("__file__"), last)
            if value is not _MISSING and not rebound:
                self.take(prefix + used, value)
        for name in _imports(function.__code__):
            path_of = _file_of(name)
            if path_of is not None and name != module:
                self.found.files[f"module {name}"] = path_of


_MISSING = object()


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """A code object and those inside it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _global_names(code: types.CodeType) -> list[tuple[str, ...]]:
    """The global names a function reads, each with the attributes read from it at once: ("np", "random", "rand")."""
    found: dict[tuple[str, ...], None] = {}
    for part in _codes(code):
        current: tuple[str, ...] = ()
        for step in dis.get_instructions(part):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
                if current:
                    found[current] = None
                current = (step.argval,)
            elif current and step.opname in ("LOAD_ATTR", "LOAD_METHOD"):
                current = (*current, step.argval)
            elif step.opname not in ("EXTENDED_ARG", "PUSH_NULL", "CACHE"):
                if current:
                    found[current] = None
                current = ()
    return list(found)


def _imports(code: types.CodeType) -> list[str]:
    """The modules that a function imports itself, by their absolute names."""
    found: dict[str, None] = {}
    for part in _codes(code):
        steps = [step for step in dis.get_instructions(part) if step.opname != "EXTENDED_ARG"]
        for place, step in enumerate(steps):
            if step.opname == "IMPORT_NAME" and place >= 2 and not steps[place - 2].argval:  # 0 dots: not relative
                found[step.argval] = None
    return list(found)


def _file_of(name: str) -> Path | None:
    """The file of a module of the user's own, found without importing anything; None for all others."""
    search: Sequence[str] | None = None
    spec = None
    for part in name.split("."):
        loaded = sys.modules.get(part) if search is None else None
        if loaded is not None and not is_users(loaded):
            return None
        try:
            spec = importlib.machinery.PathFinder.find_spec(part, search)
        except (ImportError, ValueError):
            return None
        if spec is None:
            return None
        search = spec.submodule_search_locations
    origin = spec.origin if spec is not None else None
    if origin is None or not origin.endswith(".py") or not is_users_file(origin):
        return None
    return Path(origin)
