"""Take up a study's folder: see whether its journal is of this study, and put right what a killed coordinator left."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from truing.errors import ChangedStudyError, JournalError, UsageError
from truing.identity import another, changes, differing, reconcile
from truing.record.changes import looked
from truing.record.events import Event
from truing.record.history import History
from truing.record.interfaces import Journal
from truing.record.source import Source
from truing.record.state import State
from truing.record.trial import ADVICE, TRIED
from truing.space.space import Space
from truing.storage.lock import FILE as LOCK
from truing.storage.lock import hold
from truing.storage.sqlite import SqliteJournal

JOURNAL = "journal.db"


def resume(
    journal: Journal,
    history: History,
    study: Mapping[str, Any],
    source: Source,
    *,
    accept_change: bool,
    extend: bool,
    folder: Path,
) -> None:
    """Fold the journal into `history` and write down what is new about the study.

    Before a first completed run anything may change, and what came before is then void; after it, see `reconcile`.
    Runs for advice and of sweeps are no results, so they commit nobody: they are there to change what is amiss.
    Runs that a killed coordinator left are superseded: they are run again and count once.

    Args:
        study: this study, as `identity.describe` gives it.

    Raises:
        ChangedStudyError: the folder holds another study, or a change must be agreed to.
    """
    old: dict[str, Any] | None = None

    def past() -> Iterator[Event]:
        nonlocal old
        for event in getattr(journal, "read_sparsely", journal.read)():
            if event.kind == "study":
                old = event.data
            yield event

    refold(history, past(), folder)
    if old is None:
        events = [Event("study", dict(study))]
    elif any(
        run.state is State.COMPLETED and not run.purpose.startswith((ADVICE, TRIED)) for run in history.runs.values()
    ):
        events = [*reconcile(old, study, source, accept_change=accept_change, extend=extend, folder=folder)]
    elif differing(old, study):
        if history.last("verdict") is not None:
            raise ChangedStudyError(f"{folder} holds a verdict; use another folder or fresh=True (--fresh).")
        done = (run for run in history.runs.values() if run.state is State.COMPLETED)
        if any(run.purpose.startswith(TRIED) for run in done) and (different := changes(old, study)):
            raise ChangedStudyError(another(folder, different))  # or rows that a sweep scored could become locked ones
        told = {"changed": differing(old, study), "trials": len(history)}
        events = [Event("restarted", told), Event("study", dict(study))]
    else:
        events = [Event("study", dict(study))] if old != study else []
    if not any(event.kind == "restarted" for event in events):
        events += [_superseded(run.id) for run in history.runs.values() if run.state is State.RUNNING]
    stamped = [Event(event.kind, event.data, event.key, time.time()) for event in events]
    journal.append(stamped)
    history.extend(stamped)


def refold(history: History, events: Iterable[Event], folder: Path) -> None:
    """Fold what a journal on disk says.

    Raises:
        JournalError: an event is whole, but is none that Truing writes.
    """
    event = Event("")

    def told() -> Iterator[Event]:
        nonlocal event
        for event in events:  # noqa: UP028 - the last one is looked at below
            yield event

    collected = gc.isenabled()
    gc.disable()  # all of it stays: looking through it again and again would take half the time
    try:
        history.extend(told())
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise JournalError(
            f"Event {event.seq} ({event.kind!r}) of {folder / JOURNAL} is none that this Truing can read "
            f"({type(error).__name__}: {error}): put back a copy of the study's folder, or use another folder; the "
            "file was left as it is."
        ) from error
    finally:
        if collected:
            gc.enable()


def refuse_orphan(folder: Path) -> None:
    """Refuse a folder whose journal is gone while what its runs left is there: beginning anew would hide the loss.

    Raises:
        JournalError: it is such a folder.
    """
    if not (folder / JOURNAL).exists() and any(folder.glob("output/run-*.txt")):
        raise JournalError(
            f"{folder} holds the output of runs, but its {JOURNAL} is gone: put back a copy of it, or give another "
            "folder (or move this one away) to begin anew."
        )


def _superseded(run: int) -> Event:
    return Event("finished", {"run": run, "state": str(State.SUPERSEDED)}, f"finished/{run}")


def set_aside(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """Rename the old folder to FOLDER.old-1, -2, ...; nothing is deleted.

    Returns:
        The new name, and the data of the new study's `set_aside` event; None without a folder.

    Raises:
        UsageError: the folder holds something else than a study.
        FolderInUseError: a coordinator is at work in it.
    """
    if not folder.exists():
        return None
    whole = folder.resolve()
    if not whole.is_dir() or not ((whole / JOURNAL).exists() or all(path.name == LOCK for path in whole.iterdir())):
        raise UsageError(f"{folder} holds no study, so fresh=True (--fresh) leaves it alone; give another folder.")
    with hold(whole):
        told = _handed_on(whole)
        number = 1
        while (aside := whole.with_name(f"{whole.name}.old-{number}")).exists():
            number += 1
        whole.rename(aside)
    told["folder"] = aside.name
    return (folder.with_name(aside.name) if folder.name == whole.name else aside), told


def _handed_on(folder: Path) -> dict[str, Any]:
    """What the next study in this place should know: a look at the same rows is not undone by another folder."""
    history = History(Space({}), "min")
    try:
        journal = SqliteJournal(folder / JOURNAL, readonly=True)
        try:
            refold(history, journal.read(), folder)
        finally:
            journal.close()
    except JournalError:  # damaged: what was read counts
        pass
    return {"trials": len(history), "looked": looked(history)}
