"""The network that the verdict kept, as a function of x."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

from truing.errors import UsageError
from truing.execution import script
from truing.record.task import Task
from truing.space.configuration import Configuration
from truing.space.space import Space


def kept_predict(
    folder: Path, verdict: Mapping[str, Any], objective: Any, space: Space, task: Task, *, file: Path | None
) -> Callable[[Any], Any]:
    """x -> predictions of the delivered network.

    The objective's own `restore` reads it; without one, `predict(folder, x)` of the study's file, the program or the
    objective's module does.

    Args:
        folder: of the study; the network is in its `model`.
        verdict: as `Verdict.to_dict()`.
        file: of the study, where it has one.

    Raises:
        UsageError: none is kept, or nothing can read it.
    """
    whole = folder.resolve()
    if not verdict["model"] or not any((whole / "model").glob("*")):
        raise UsageError(
            f"No network is kept in {folder / 'model'}: run.keep(name, bytes) in the function keeps it, before the "
            "verdict."
        )
    if hasattr(objective, "restore"):
        config = Configuration(verdict["selected"], dict(space.groups), space.repeats, space.objects)
        classes = list(task.classes) if task.classes is not None else None
        return cast("Callable[[Any], Any]", objective.restore(whole / "model", config, classes))
    own = getattr(objective, "__module__", None) or type(objective).__module__
    for module in (script.MODULE, "__main__", own, type(objective).__module__):
        found = getattr(sys.modules.get(module), "predict", None)
        if callable(found) and (module != "__main__" or script.MODULE not in sys.modules):
            return partial(found, whole)
    raise UsageError(
        f"{file or 'the program'} has no predict(folder, x): define it before the study runs; it reads what run.keep "
        'left in folder / "model" and returns predictions for x.'
    )
