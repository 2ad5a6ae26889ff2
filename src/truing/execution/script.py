"""Execute a user's file up to its first run(), for the fork server and for the command line.

A plain script needs no `__main__` guard: the fork server executes it once, and the first `run()` it meets becomes the
server's loop, with everything the script has built so far in memory.
"""

from __future__ import annotations

import contextlib
import runpy
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from truing.execution.place import working_directory
from truing.execution.target import MODULE, Target
from truing.record.reach import is_users_file

__all__ = [
    "MODULE",
    "ReachedError",
    "about_to_judge",
    "clear",
    "current_file",
    "load",
    "reached",
    "serve_inside",
    "variable_of",
    "working_directory",
]

_on_reach: Callable[[Any, str], bool] | None = None
_file: Path | None = None


class ReachedError(BaseException):
    """The file being loaded has come to a verdict(): there is nothing more to load."""


def current_file() -> Path | None:
    """The file the user's code comes from: the one being loaded, else the script Python was started with."""
    if _file is not None:
        return _file
    main = sys.modules.get("__main__")
    path = getattr(main, "__file__", None)
    return Path(path).resolve() if path and is_users_file(path) else None


def reached(study: Any, call: str) -> bool:
    """Called first in run() and verdict(): True when the call must do nothing because a file is being loaded."""
    return _on_reach is not None and _on_reach(study, call)


def variable_of(study: Any) -> str:
    """The name the study has in its file, for FILE:name."""
    for module in ("__main__", MODULE):
        for name, value in list(vars(sys.modules[module]).items()) if module in sys.modules else ():
            if value is study and not name.startswith("_"):
                return name
    return "study"


def about_to_judge() -> None:
    """Called before a verdict is made: while a file is being loaded, the loading ends here instead."""
    if _on_reach is not None:
        raise ReachedError


def load(path: Path) -> dict[str, Any]:
    """Execute a study file as the module `truing_study_file`, with run() doing nothing, up to its first verdict().

    Returns:
        the file's names; an error after the first run() ends the loading quietly, one before it is raised.
    """
    ran: list[Any] = []

    def skip(study: Any, call: str) -> bool:
        ran.append(study)
        if call != "run":
            raise ReachedError
        return True

    module = _module(MODULE, path)
    _execute(module, path, skip, quiet_after=ran)
    if ran:
        module.__dict__.setdefault("study", ran[0])
    return module.__dict__


def serve_inside(target: Target, folder: Path, serve: Callable[[Any], None]) -> None:
    """Execute a script (or `python -m` module) in the server; its run() of the study in `folder` becomes `serve`.

    A file that does not call run() itself, for `truing run` does, is executed to its end; its study is served then.
    """

    def enter(study: Any, call: str) -> bool:
        if study.folder.resolve() == folder:
            serve(study)
            raise ReachedError  # serve came back: this is not the main thread
        return call == "run"  # an earlier study of the file has been run; its verdict may be stored

    names: dict[str, Any] = {}
    if target.module is not None:
        with _reaching(enter, None), contextlib.suppress(ReachedError):
            names = runpy.run_module(target.module, run_name="__main__", alter_sys=True)
    elif target.path is not None:
        module = _module(target.run_name, Path(target.path))
        names = module.__dict__
        _execute(module, Path(target.path), enter, quiet_after=None)
    for value in list(names.values()):
        own = getattr(value, "folder", None)
        if hasattr(value, "objective") and isinstance(own, Path) and own.resolve() == folder:
            serve(value)


def _module(name: str, path: Path) -> types.ModuleType:
    module = types.ModuleType(name)
    module.__file__ = str(path)
    module.__dict__["__builtins__"] = __builtins__
    sys.modules[name] = module
    parent = str(path.parent)
    if parent not in sys.path:
        sys.path.insert(0, parent)
    return module


def _execute(
    module: types.ModuleType, path: Path, on_reach: Callable[[Any, str], bool], quiet_after: list[Any] | None
) -> None:
    code = compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    with _reaching(on_reach, path):
        try:
            exec(code, module.__dict__)
        except ReachedError:
            pass
        except Exception:
            if not quiet_after:
                raise


class _reaching:
    """Set what run() and verdict() do while a file is executed."""

    def __init__(self, on_reach: Callable[[Any, str], bool], path: Path | None) -> None:
        self._new = (on_reach, path)

    def __enter__(self) -> None:
        global _on_reach, _file
        self._old = (_on_reach, _file)
        _on_reach, _file = self._new[0], self._new[1] or _file

    def __exit__(self, *_: object) -> None:
        global _on_reach, _file
        _on_reach, file = self._old
        _file = file or _file  # a study of this file may still ask where it came from


def clear() -> None:
    """In a run's own process: run() means run() again, but a study inside a training is a mistake and says so."""
    global _on_reach

    def refuse(study: Any, call: str) -> bool:
        raise RuntimeError(f"study.{call}() was called inside a training run; start studies outside.")

    _on_reach = refuse
