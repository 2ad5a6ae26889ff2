"""Which file the fork server must execute, so that it has by name what the coordinator has."""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from truing.data.data import Data
from truing.execution.job import Job
from truing.record.reach import anchors, is_users_file, reached

MODULE = "truing_study_file"  # the name under which the command line loads a study file


@dataclass(frozen=True)
class Target:
    """A file, or a module of `python -m`, and the name it runs under.

    Args:
        run_name: "__main__", or the name under which `truing run` loads study files.
    """

    run_name: str
    path: str | None = None
    module: str | None = None


def target_of(job: Job) -> Target | None:
    """The file to execute; None where importing or copying does.

    polars works in threads, and in a process forked after they were started it waits for ever. A script that has used
    it is therefore not executed where runs are forked: what they need goes there as a copy.
    """
    if uses_polars(job):
        return None
    for name in (MODULE, "__main__"):
        if name in sys.modules and _has_part_of(name, job):
            return _study_file() if name == MODULE else _script()
    return None


def uses_polars(job: Job) -> bool:
    """True when the rows, or a module or object that the objective's code names, are of polars."""
    if "polars" not in sys.modules:
        return False
    if any(
        data is not None and _is_polars(item)
        for data in (job.data, job.test, *job.outside.values())
        for item in _given(data)
    ):
        return True
    functions = [item for item in reached(job.objective).code.values() if isinstance(item, types.FunctionType)]
    named = [(f.__globals__.get(name), name) for f in functions for name in f.__code__.co_names]
    return any(name == "polars" or _is_polars(value) for value, name in named)


def _given(data: Data | None) -> list[Any]:
    return [] if data is None else [data.x, data.y]


def _is_polars(value: Any) -> bool:
    name = value.__name__ if isinstance(value, types.ModuleType) else getattr(type(value), "__module__", "")
    return str(name).split(".")[0] == "polars"


def _has_part_of(name: str, job: Job) -> bool:
    """True when the objective or a Dataset is defined in the module `name`, or made by it."""
    datasets = [
        data.x
        for data in (job.data, job.test, *job.outside.values())
        if isinstance(data, Data) and data.kind == "dataset"
    ]
    if any(getattr(item, "__module__", None) == name for item in [*anchors(job.objective), *map(type, datasets)]):
        return True
    return bool(datasets)  # one of an installed class, such as a TensorDataset, is made somewhere in it


def _study_file() -> Target | None:
    path = getattr(sys.modules[MODULE], "__file__", None)
    return Target(MODULE, path=path) if path is not None and Path(path).is_file() else None


def _script() -> Target | None:
    main = sys.modules["__main__"]
    path = getattr(main, "__file__", None)
    if not path or not is_users_file(path) or not Path(path).is_file():
        return None
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name and spec.name != "__main__":  # which is a folder given to Python
        return Target("__main__", module=spec.name.removesuffix(".__main__"))
    return Target("__main__", path=str(Path(path).resolve()))
