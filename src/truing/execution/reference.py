"""How an objective and a Dataset get from the coordinator into the fork server.

By preference: the study the server itself built by executing the script; a name in a module; a pickled copy. A copy
of a Dataset is the last resort, because it may be large.
"""

from __future__ import annotations

import functools
import importlib
import pickle
import sys
import types
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from truing.data.data import Data
from truing.record.source import is_users_file, source_of


class Missing(LookupError):
    """Something the server does not have by itself; the coordinator must send a copy."""


@dataclass(frozen=True)
class Reference:
    """Where the server finds the parts of a job.

    Args:
        folder: the study's folder, by which the study the server reached is recognised.
        identity: digest of the objective's source; None where it cannot be read.
        objective: (module, qualified name) or None.
        dataset, official: (module, name) of a Dataset, "stored" for arrays in the study folder, None for no data.
    """

    folder: str
    identity: str | None
    objective: tuple[str, str] | None
    dataset: tuple[str, str] | str | None = None
    official: tuple[str, str] | str | None = None

    def open_data(self, folder: Path, dataset: Any) -> Data | None:
        return None if self.dataset is None else Data.open(folder / "data", dataset)

    def open_test(self, folder: Path, official: Any) -> Data | None:
        return None if self.official is None else Data.open(folder / "data" / "test", official)


def refer(folder: Path, objective: Any, data: Data | None, test: Data | None) -> Reference:
    """The reference of a job, made in the coordinator."""
    return Reference(
        str(folder.resolve()), source_of(objective).identity, _name_of(objective), _where(data), _where(test)
    )


def resolve(reference: Reference, study: Any, content: bytes | None) -> tuple[Any, Any, Any]:
    """Objective, Dataset and official Dataset in the server; Missing where a copy is needed."""
    if content is not None:
        return pickle.loads(content)  # over the coordinator's own pipe; nothing pickled is ever stored
    if study is not None and str(study.folder.resolve()) == reference.folder:
        objective = study.objective
        dataset = study.data.x if study.data is not None else None
        official = study.test.x if isinstance(study.test, Data) else None
    else:
        objective = _find(reference.objective)
        dataset = _find(reference.dataset) if isinstance(reference.dataset, tuple) else None
        official = _find(reference.official) if isinstance(reference.official, tuple) else None
        if reference.dataset == "unnamed" or reference.official == "unnamed":
            raise Missing("a Dataset without a name in a module")
    if reference.identity is None or source_of(objective).identity != reference.identity:
        raise Missing("the same objective")
    return objective, dataset, official


def copy(objective: Any, data: Data | None, test: Data | None) -> bytes:
    """A pickled copy of what the server could not find; the user's own modules travel by value."""
    import cloudpickle

    modules = {
        module
        for item in _anchors(objective)
        if (module := sys.modules.get(getattr(item, "__module__", "") or "")) is not None
        and module.__name__ != "__main__"
        and is_users_file(getattr(module, "__file__", None))
    }
    for module in modules:
        cloudpickle.register_pickle_by_value(module)
    try:
        datasets = [d.x if d is not None and d.kind == "dataset" else None for d in (data, test)]
        return cloudpickle.dumps((objective, *datasets))
    finally:
        for module in modules:
            cloudpickle.unregister_pickle_by_value(module)


def lives_in_main(objective: Any, *data: Data | None) -> bool:
    """True when the objective or a Dataset is defined in the script Python was started with."""
    items = [*_anchors(objective), *(type(d.x) for d in data if d is not None)]
    return any(getattr(item, "__module__", None) == "__main__" for item in items)


def module_of(objective: Any) -> str | None:
    """The module the objective is defined in."""
    anchors = _anchors(objective)
    return getattr(anchors[-1], "__module__", None) if anchors else None


def _anchors(objective: Any) -> list[Any]:
    """The functions and classes an objective is made of, itself first."""
    if isinstance(objective, types.FunctionType | type):
        return [objective]
    if isinstance(objective, types.MethodType):
        return [objective.__func__, type(objective.__self__)]
    if isinstance(objective, functools.partial):
        return _anchors(objective.func)
    inner = (
        [getattr(objective, f.name) for f in fields(objective)]
        if is_dataclass(objective)
        else list(getattr(objective, "__dict__", {}).values())
    )
    named = [item for item in inner if isinstance(item, types.FunctionType | type | functools.partial)]
    return [type(objective), *(anchor for item in named for anchor in _anchors(item))]


def _name_of(objective: Any) -> tuple[str, str] | None:
    if isinstance(objective, types.FunctionType | type):
        name = objective.__qualname__
        return (objective.__module__, name) if "<" not in name else None
    return _global_name(objective, module_of(objective))


def _where(data: Data | None) -> tuple[str, str] | str | None:
    if data is None:
        return None
    if data.kind != "dataset":
        return "stored"
    for module in ("__main__", "truing_study_file", type(data.x).__module__):
        found = _global_name(data.x, module)
        if found is not None:
            return found
    return "unnamed"


def _global_name(item: Any, module: str | None) -> tuple[str, str] | None:
    names = vars(sys.modules[module]) if module in sys.modules else {}
    for name, value in list(names.items()):
        if value is item:
            return (str(module), name)
    return None


def _find(place: Any) -> Any:
    if not isinstance(place, tuple):
        raise Missing("an objective with a name")
    module, name = place
    try:
        found = sys.modules[module] if module in sys.modules else importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except Exception as error:  # a module that does not import here: a copy must do
        raise Missing(f"{module}.{name}: {error}") from error
    return found
