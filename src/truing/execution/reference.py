"""How an objective and a Dataset get from the coordinator into the fork server.

By preference: the study the server itself built by executing the script; a name in a module; a pickled copy. A copy
of a Dataset is the last resort, because it may be large. Whatever has the right name is compared before it is
believed: code by its instructions and constants, a Dataset by its fingerprint.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from truing.data.data import Data
from truing.execution.aside import aside
from truing.execution.bytecode import certain, digest
from truing.execution.copying import read_copy
from truing.execution.job import Job
from truing.record.constant import shown
from truing.record.reach import MAIN, Reached, anchors, reached

Part = str  # "objective", "dataset", "official", "objects", or the key of a set from outside
Name = tuple[str, str]
Objects = Mapping[str, Mapping[Any, Any]]


class Missing(LookupError):
    """Parts that the server does not have by itself: what -> why."""

    def __init__(self, why: Mapping[Part, str]) -> None:
        super().__init__("; ".join(f"{part}: {text}" for part, text in why.items()))
        self.why = dict(why)


@dataclass(frozen=True)
class Reference:
    """Where the server finds the parts of a job.

    Args:
        folder: the study's folder, by which the study the server reached is recognised.
        by_study: the server's own study is what the coordinator's was when the server was made.
        digest: of the objective's code.
        objective: (module, qualified name) or None.
        data, test: "stored" for arrays in the study folder, a name for a Dataset, "unnamed", or None for no data.
        fingerprints: of Datasets; None = not to be compared.
        torch: the objective uses it.
        objects: a digest of what stands behind the labels of the space; None where nothing does.
        outside: as `data`, for the sets from outside; their Datasets are not compared, for nothing reads them yet.
    """

    folder: str
    by_study: bool
    digest: str
    objective: Name | None
    data: Name | str | None
    test: Name | str | None
    fingerprints: tuple[str | None, str | None] = (None, None)
    torch: bool = False
    objects: str | None = None
    outside: Mapping[str, Name | str | None] = field(default_factory=dict)


def refer(job: Job, *, by_study: bool, known: Callable[[str, Any], bool]) -> Reference:
    """The reference of a job, made in the coordinator.

    Args:
        known: whether a name of the script still stands for the object it stood for when the server was made.
    """
    found = reached(job.objective)
    objective = _name_of(job.objective)
    if objective is not None and objective[0] in MAIN and not certain(found):
        objective = None  # it may use something that has changed since the server was made, and nobody can tell
    return Reference(
        str(job.study.resolve()),
        by_study,
        digest(found),
        objective,
        _where(job.data, known),
        _where(job.test, known),
        (_fingerprint(job.data), _fingerprint(job.test)),
        _uses_torch(job.objective, found),
        _digest_of(job.objects) if job.objects else None,
        {key: _where(data, known) for key, data in job.outside.items()},
    )


def resolve(
    reference: Reference, folder: Path, study: Any, content: bytes | None
) -> tuple[Any, Data | None, Data | None, Objects, Mapping[str, Data]]:
    """Objective, data, official test set, the objects of the space and the sets from outside in the server.

    Raises:
        Missing: parts of which a copy is needed.
    """
    given = read_copy(content) if content is not None else {}
    if study is not None and not (reference.by_study and str(study.folder.resolve()) == reference.folder):
        study = None
    missing: dict[Part, str] = {}
    found: dict[Part, Any] = {}
    tries: dict[Part, Callable[[], Any]] = {
        "objective": lambda: _objective(reference, study),
        "dataset": lambda: _data(reference.data, folder / "data", study and study.data, reference.fingerprints[0]),
        "official": lambda: _data(
            reference.test, folder / "data" / "test", study and study.test, reference.fingerprints[1]
        ),
        "objects": lambda: _objects(reference, study),
    }
    places = {"dataset": folder / "data", "official": folder / "data" / "test"}
    own = {one.key: one.data for one in study.outside} if study is not None else {}
    for key, where in reference.outside.items():
        places[key] = folder / "data" / "outside" / key
        tries[key] = partial(_data, where, places[key], own.get(key), None)
    for part, attempt in tries.items():
        if part in given:
            found[part] = Data.open(places[part], given[part]) if part in places else given[part]
            continue
        try:
            found[part] = attempt()
        except LookupError as error:
            missing[part] = str(error.args[0] if error.args else error)
    if missing:
        raise Missing(missing)
    outside = {key: found[key] for key in reference.outside}
    return found["objective"], found["dataset"], found["official"], found["objects"], outside


def _objective(reference: Reference, study: Any) -> Any:
    objective = study.objective if study is not None else _find(reference.objective)
    if digest(reached(objective)) != reference.digest:
        raise LookupError("the one of that name is another")
    return objective


def _objects(reference: Reference, study: Any) -> Objects:
    if reference.objects is None:
        return {}
    if study is None:
        raise LookupError("only the study itself has them")
    objects: Objects = study.space.objects
    if _digest_of(objects) != reference.objects:
        raise LookupError("the study has others")
    return objects


def _digest_of(objects: Objects) -> str:
    code = digest(reached(objects))
    return hashlib.sha256(f"{code} {shown(objects)}".encode("utf-8", "backslashreplace")).hexdigest()


def _data(where: Name | str | None, place: Path, own: Any, fingerprint: str | None) -> Data | None:
    if where is None:
        return None
    if where == "stored":
        return Data.open(place)
    if isinstance(own, Data):
        dataset = own.x
    elif isinstance(where, tuple):
        dataset = _find(where)
    else:
        raise LookupError("it has no name")
    try:
        data = Data.open(place, dataset)
    except Exception as error:
        raise LookupError(str(error)) from error
    if fingerprint is not None and aside(data.fingerprint) != fingerprint:
        raise LookupError("the one of that name holds other rows")
    return data


def _name_of(objective: Any) -> Name | None:
    if isinstance(objective, types.FunctionType | type):
        name = objective.__qualname__
        return (objective.__module__, name) if "<" not in name and objective.__module__ else None
    found = anchors(objective)
    return _global_name(objective, getattr(found[-1], "__module__", None)) if found else None


def _where(data: Data | None, known: Callable[[str, Any], bool]) -> Name | str | None:
    if data is None:
        return None
    if data.kind != "dataset":
        return "stored"
    for module in (*MAIN, type(data.x).__module__):
        name = _global_name(data.x, module)
        if name is not None and (module not in MAIN or known(name[1], data.x)):
            return name
    return "unnamed"


def _fingerprint(data: Data | None) -> str | None:
    return data.fingerprint() if data is not None and data.kind == "dataset" else None


def _global_name(item: Any, module: str | None) -> Name | None:
    for name, value in list(vars(sys.modules[module]).items()) if module in sys.modules else ():
        if value is item:
            return (str(module), name)
    return None


def _find(place: Name | None) -> Any:
    if place is None:
        raise LookupError("it has no importable name")
    module, name = place
    try:
        found = sys.modules[module] if module in sys.modules else importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except BaseException as error:  # a module that does not import here, whatever it raises
        raise LookupError(f"{module}.{name}: {error}") from error
    return found


def _uses_torch(objective: Any, found: Reached) -> bool:
    """True when torch is loaded, or the code names it: then it is loaded once in the server instead of in each run."""
    if "torch" in sys.modules:
        return True
    calls = [vars(item).get("__call__") for item in anchors(objective) if isinstance(item, type)]
    members = [member for item in found.code.values() if isinstance(item, type) for member in vars(item).values()]
    for item in (*found.code.values(), *calls, *members):
        if isinstance(item, types.FunctionType) and _names(item.__code__, "torch"):
            return True
    return any(b"import torch" in path.read_bytes() for path in found.files.values())


def _names(code: types.CodeType, word: str) -> bool:
    inner = (part for part in code.co_consts if isinstance(part, types.CodeType))
    named = any(name == word or name.startswith(word + ".") for name in code.co_names)
    return named or any(_names(part, word) for part in inner)
