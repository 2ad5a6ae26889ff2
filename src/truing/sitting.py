"""One sitting at a study: its folder held, its rows stored, its executor started, its progress shown."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from truing.execution.devices import Devices
from truing.execution.interrupt import counted
from truing.execution.job import Job
from truing.loop import Session
from truing.opening import executor_of, opened
from truing.record.events import Event
from truing.record.source import Source
from truing.report.progress import Progress
from truing.report.watch import interrupting
from truing.resume import refuse_orphan
from truing.setting import Setting
from truing.space.space import Space


@contextmanager
def sitting(
    folder: Path,
    study: Mapping[str, Any],
    source: Source,
    space: Space,
    setting: Setting,
    job: Job,
    *,
    workers: int,
    gpus: Devices,
    accept_change: bool,
    extend: bool,
    handed_on: Mapping[str, Any] | None = None,
) -> Iterator[tuple[Session, Progress]]:
    """Hold the folder, open the journal, start the executor; all of it ends with the block.

    Args:
        study: what the study is, as `identity.describe` gives it.
        source: of the function.
        accept_change, extend: go on although the function changed, in a space that grew.
        handed_on: what a study that was set aside leaves to this one.
    """
    goal = setting.task.goal
    agreed = {"accept_change": accept_change, "extend": extend}
    with ExitStack() as stack:
        mine = stack.enter_context(opened(folder, study, source, space, goal, **agreed, before=refuse_orphan))
        progress = Progress(
            sys.stderr,
            metric=setting.task.primary.name,
            goal=goal,
            total_trials=None,
            runs_per_trial=len(setting.plan.replicates),
            workers=workers,
        )
        stack.callback(progress.close)
        presses = stack.enter_context(counted(partial(_say_interrupt, progress), raise_second=workers == 0))
        if job.data is not None:  # arrays go into the folder once; workers map them from there
            job.data.store(folder / "data")
        if job.test is not None:
            job.test.store(folder / "data" / "test")
        for key, data in job.outside.items():
            data.store(job.outside_folder(key))
        if workers:
            on = gpus.describe(workers) or f"{workers} worker{'s' * (workers > 1)}"
            progress.line(f"Starting {on} ...")
        session, _ = stack.enter_context(
            mine.session(
                job,
                executor_of(workers),
                workers=workers,
                devices=gpus,
                asked_to_stop=presses,
                say=progress.line,
                first=[Event("set_aside", dict(handed_on))] if handed_on is not None else [],
                schedule="defaults_first" if setting.datasets else "full",
            )
        )
        yield session, progress


def _say_interrupt(progress: Progress, count: int) -> None:
    if words := interrupting(count):
        progress.line(words)
