"""A study's folder, read: its history and facts, and its report written."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truing.errors import JournalError, UsageError
from truing.record.history import History
from truing.resume import JOURNAL, refold
from truing.space.space import Space
from truing.storage.sqlite import SqliteJournal

if TYPE_CHECKING:
    from truing.report.paper import Written


def read(folder: Path) -> tuple[History, Mapping[str, Any]]:
    """The history of the study in `folder` and the data of its last `study` event; also while a study runs.

    Raises:
        UsageError: no study is there.
        JournalError: the journal cannot be read.
    """
    if not (folder / JOURNAL).is_file():
        raise UsageError(f"{folder} holds no study; give the folder of one, such as studies/digits.")
    journal = SqliteJournal(folder / JOURNAL, readonly=True)
    try:
        events, first = journal.read_sparsely(), []
        for event in events:
            first.append(event)
            if event.kind == "study":
                break
        else:
            raise UsageError(f"{folder} holds a journal, but no study has begun in it; run the study again.")
        history = History(Space({}), "min")
        refold(history, chain(first, events), folder)
    finally:
        journal.close()
    study = history.notes["study"][-1]
    if wrong := [name for name in ("metric", "objective") if not isinstance(study.get(name), str)]:
        raise JournalError(f"{folder / JOURNAL} does not say the study's {wrong[0]}: put back a copy of the folder.")
    return history, study


def write(folder: Path, path: Path | None = None) -> Path:
    """Write `report.html` into the folder of a study, or the report to `path`.

    Raises:
        UsageError: no study is there.
        JournalError: it cannot be written.
    """
    from truing.report.html import write_report  # which `truing show` need not wait for
    from truing.verdict.verdict import Verdict

    history, study = read(folder)
    stored = history.last("verdict")
    verdict = Verdict(stored["verdict"]) if stored is not None else None
    path = folder / "report.html" if path is None else path
    write_report(
        path,
        history=history,
        study=study,
        verdict=verdict.to_dict() if verdict is not None else None,
        verdict_text=str(verdict) if verdict is not None else "",
        folder_name=str(folder),
    )
    return path


def write_for_paper(folder: Path, path: Path | None = None) -> Written:
    """Write what a paper needs into `paper/` in the folder of a study, or into the folder `path`.

    Raises:
        UsageError: no study is there.
        JournalError: a file cannot be written.
    """
    from truing.report.paper import write_paper

    history, study = read(folder)
    if study.get("datasets"):
        raise UsageError(
            f"{folder} is a study over several datasets, and what a paper needs is written for one; its report.html "
            "and `truing verdict --json` have the figures."
        )
    stored = history.last("verdict")
    verdict = stored["verdict"] if stored is not None else None
    return write_paper(folder, folder / "paper" if path is None else path, history, study, verdict)
