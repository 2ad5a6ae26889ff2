"""Open a study's folder for work: the lock, the journal, the executor, the session; each ends with its block."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from truing.execution import checkpoints
from truing.execution.devices import Devices
from truing.execution.job import Job
from truing.identity import coordinator, version_of
from truing.loop import Session, needs_no_more
from truing.record.events import Event
from truing.record.history import History
from truing.record.interfaces import Executor, Journal
from truing.record.source import Source
from truing.registry import EXECUTORS, JOURNALS, SCHEDULES
from truing.resume import JOURNAL, resume
from truing.space.space import Space
from truing.storage.lock import hold
from truing.storage.patience import Patience


@dataclass(frozen=True)
class Opened:
    """A folder that this coordinator holds, and its journal, read to the end.

    Args:
        folder: as a person calls it.
        study, source: what the study is, as the journal has it by now, and its function.
        history: what the journal says.
    """

    folder: Path
    study: Mapping[str, Any]
    source: Source
    journal: Journal
    history: History

    @contextmanager
    def session(
        self,
        job: Job,
        executor: Callable[[Job], Executor],
        *,
        workers: int,
        devices: Devices,
        asked_to_stop: Callable[[], int],
        say: Callable[[str], None],
        first: Sequence[Event] = (),
        schedule: str = "full",
    ) -> Iterator[tuple[Session, Job]]:
        """The executor, started, the session on it, and the job under the version that its runs are recorded with.

        Checkpoints of runs that need no more are discarded before and after.

        Args:
            executor: makes one for a job.
            say: is told when the disk is full, and when there is room again.
            first: what is recorded before `opened`.
            schedule: by its name.
        """
        job = replace(job, version=version_of(self.study, self.source))
        tidy = partial(checkpoints.discard_ended, job, partial(needs_no_more, self.history))
        tidy()
        with ExitStack() as stack:
            stack.callback(tidy)
            started = executor(job)
            stack.callback(started.close)
            session = Session(
                self.journal,
                self.history,
                started,
                SCHEDULES.get(schedule)(),
                asked_to_stop=asked_to_stop,
                devices=devices,
                forget=partial(checkpoints.discard, job),
                patience=Patience(self.folder, say),
            )
            session.record(*first, Event("opened", coordinator(workers, devices)))
            yield session, job


@contextmanager
def opened(
    folder: Path,
    study: Mapping[str, Any],
    source: Source,
    space: Space,
    goal: str,
    *,
    accept_change: bool = False,
    extend: bool = False,
    before: Callable[[Path], None] = lambda folder: None,
) -> Iterator[Opened]:
    """Hold the folder and take up its journal, or begin one.

    Args:
        study: what the study is, as `identity.describe` gives it.
        goal: of its metric, "min" or "max".
        before: looks at the held folder before a journal is made in it.

    Raises:
        ChangedStudyError, FolderInUseError, JournalError: see `truing.errors`; nothing stays held.
    """
    with ExitStack() as stack:
        stack.enter_context(hold(folder))
        before(folder)
        journal = JOURNALS.get("sqlite")(folder / JOURNAL)
        stack.callback(journal.close)
        history = History(space, goal)
        resume(journal, history, study, source, accept_change=accept_change, extend=extend, folder=folder)
        yield Opened(folder, study, source, journal, history)


def executor_of(workers: int) -> Callable[[Job], Executor]:
    """What makes the executor for so many runs at a time; 0 = in this process."""

    def made(job: Job) -> Executor:
        found: Executor = EXECUTORS.get("process" if workers else "inline")(job, workers)
        return found

    return made
