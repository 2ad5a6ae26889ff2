"""What a person asked a study for, made into what it works with: its searcher, folder, workers and limits."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from truing.errors import UsageError, short
from truing.execution import devices
from truing.execution.devices import Devices
from truing.loop import Limits
from truing.record.history import History
from truing.registry import SEARCHERS
from truing.setting import finite_number, whole_number
from truing.space.space import Space


def searcher_of(search: Any, space: Space) -> Any:
    """The searcher, by its name or itself; it has agreed to the space."""
    if isinstance(search, str):
        search = SEARCHERS.get(search)()
    if not hasattr(search, "suggest") or isinstance(search, type):
        names = ", ".join(repr(name) for name in SEARCHERS)
        raise UsageError(f"search= takes one of {names} or a searcher such as tr.GridSearch(points=5), got {search!r}.")
    if hasattr(search, "check"):
        search.check(space)
    return search


def folder_of(folder: Any, file: Path | None) -> Path:
    """Where the study lives; nothing is made there.

    Args:
        file: the script that makes the study, after which the folder is called by default.
    """
    if folder is None:
        return Path("studies") / (file.stem if file is not None else "study")
    if not isinstance(folder, str | os.PathLike) or not str(folder) or "\0" in str(folder):
        raise UsageError(f"folder= takes the path of a folder, such as 'studies/digits', got {short(folder)}.")
    try:
        os.fsencode(folder)
    except UnicodeEncodeError:
        raise UsageError(f"folder= takes a path that this system can hold, got {short(folder)}.") from None
    return Path(folder).expanduser()


def place(workers: int | None, gpus_per_run: float | None) -> tuple[int, Devices]:
    """How many runs at a time, and on which GPUs.

    Raises:
        UsageError: a run is to have more GPUs than there are.
    """
    found, number = devices.find(gpus_per_run), _workers(workers)
    if workers is None and gpus_per_run is None and found.names and devices.wanted():
        number = min(number, len(found.names))
    return found.at_a_time(number), found


def _workers(workers: int | None) -> int:
    if not hasattr(os, "fork"):
        if workers:
            raise UsageError("This system cannot fork; use workers=0, which trains in this process.")
        return 0
    if workers is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return whole_number(workers, "workers", low=0)


def limits_of(searcher: Any, trials: int | None, minutes: float | None, target: float | None) -> Limits:
    """When no new trial starts; the minutes count from now."""
    if trials is not None:
        trials = whole_number(trials, "trials", low=1)
    elif not hasattr(searcher, "trials"):
        trials = 40
    deadline = time.monotonic() + 60 * finite_number(minutes, "minutes", above=0) if minutes is not None else None
    return Limits(trials, deadline, finite_number(target, "target") if target is not None else None)


def total_of(searcher: Any, space: Space, history: History, asked: int | None) -> int | None:
    """How many trials there will be, those of earlier calls included; None where nobody can say."""
    if hasattr(searcher, "trials"):
        most = searcher.trials(space, [trial.config for trial in history.trials])
    else:
        most = space.size
    counts = [count for count in (asked, most) if count is not None and count != float("inf")]
    return max(int(min(counts)), len(history)) if counts else None
