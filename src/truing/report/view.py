"""`truing.load(folder)`: a study to look at, without its function, its data or a lock."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truing.errors import UsageError
from truing.report.show import run_dict, study_dict, study_text
from truing.report.study import read, write, write_for_paper
from truing.report.table import TrialTable, trial_rows

if TYPE_CHECKING:
    from truing.record.trial import Trial
    from truing.report.importance import Importance
    from truing.report.plots import Plots
    from truing.report.retuned import Retuned
    from truing.report.what_next import WhatNext
    from truing.verdict.verdict import Verdict

NEEDS_FUNCTION = ("run", "robustness", "compare", "external", "evaluate")  # what a Study can do besides


class StudyView:
    """A study as its folder tells it, read-only: made by `truing.load`.

    It runs nothing and takes no lock, so it may look on while the study runs; each call reads the journal anew. It
    unpickles nothing and needs neither the training function nor the data. The folder may have been moved or copied.

    Attributes:
        folder: the study's folder.

    >>> import tempfile
    >>> import truing as tr
    >>> space, loss = tr.Space(x=tr.Float(-1, 2)), tr.Metric("loss", goal="min")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     tr.Study(lambda run: run.report(loss=0.5), space, metric=loss, folder=folder).run(trials=2, workers=0)
    ...     view = tr.load(folder)
    ...     print(len(view.trials()), view.best.value, view.verdict())
    2 0.5 None
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        read(folder)

    def __getattr__(self, name: str) -> Any:
        """Only where there is nothing of that name: what a Study does and a folder cannot is said in a sentence."""
        if name in NEEDS_FUNCTION:
            raise AttributeError(
                f"A loaded study has no {name}(), which needs the training function and the data: make the Study again "
                f"with folder={str(vars(self).get('folder', '...'))!r}, and call its {name}()."
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self) -> str:
        history, study = read(self.folder)
        return f"StudyView(folder={str(self.folder)!r}, metric={study['metric']!r}, trials={len(history)})"

    def __str__(self) -> str:
        """What `truing show FOLDER` prints."""
        history, study = read(self.folder)
        return study_text(self.folder, history, study, max(40, shutil.get_terminal_size((80, 24)).columns))

    def _repr_html_(self) -> str:
        from truing.report.notebook import study_html

        return study_html(*read(self.folder), str(self.folder))

    def trials(self, as_dicts: bool = False) -> TrialTable | list[dict[str, Any]]:
        """The search's trials by number, as `Study.trials` gives them."""
        history, study = read(self.folder)
        rows = trial_rows(history)
        return rows if as_dicts else TrialTable(rows, metric=study["metric"], goal=history.goal)

    @property
    def best(self) -> Trial | None:
        """The best trial so far as the search saw it, luck included, as `Study.best`; None before there is one."""
        return read(self.folder)[0].best()

    def verdict(self) -> Verdict | None:
        """The stored verdict; None before there is one. Nothing is run and nothing looked at."""
        from truing.verdict.verdict import Verdict

        stored = read(self.folder)[0].last("verdict")
        return None if stored is None else Verdict(stored["verdict"])

    def show(self, run: int | None = None) -> dict[str, Any]:
        """How the study stands, or one run of it: what `truing show --json` (`--run N`) prints.

        Raises:
            UsageError: no such run.
        """
        history, study = read(self.folder)
        return study_dict(self.folder, history, study) if run is None else run_dict(self.folder, history, run)

    def importance(self) -> Importance:
        """What mattered, as `Study.importance`: shares of the variance with intervals, from the trials so far."""
        from truing.report.importance import importance_of

        return importance_of(*read(self.folder))

    def what_next(self) -> WhatNext:
        """The checklist and the next space, as `Study.what_next`."""
        from truing.report.importance import importance_of
        from truing.report.what_next import what_next_of

        history, study = read(self.folder)
        return what_next_of(history, importance_of(history, study))

    def retuned(self) -> Retuned:
        """What each architecture reaches with the others tuned for it, as `Study.retuned`."""
        from truing.report.retuned import asked_for, retuned_of

        return asked_for(retuned_of(*read(self.folder)))

    @property
    def plot(self) -> Plots:
        """The study's figures, as `Study.plot`."""
        from truing.report.plots import Plots

        return Plots(self.folder)

    def report(self, path: str | os.PathLike[str] | None = None, *, paper: bool = False) -> Path:
        """Write the report and return its path; by default `report.html` in the folder.

        Args:
            path: elsewhere, such as for a folder that cannot be written to.
            paper: write what a paper needs instead, into the folder `path`; by default `paper/` in the folder.
        """
        there = None if path is None else Path(path).expanduser()
        return write_for_paper(self.folder, there).folder if paper else write(self.folder, there)


def load(folder: str | os.PathLike[str]) -> StudyView:
    """Look at the study in `folder`: its trials, its best, its stored verdict, its report.

    Args:
        folder: of a study that was run, here or elsewhere; it may be running now.

    Raises:
        UsageError: there is no study.
        JournalError: its journal is damaged, is no journal of Truing, or was written by a newer Truing.

    >>> load("studies/nowhere")
    Traceback (most recent call last):
    truing.errors.UsageError: studies/nowhere holds no study; give the folder of one, such as studies/digits.
    """
    if not isinstance(folder, str | os.PathLike) or not str(folder):
        raise UsageError(f"load() takes the folder of a study, such as 'studies/digits', got {folder!r}.")
    whole = Path(folder).expanduser()
    if whole.is_file():
        raise UsageError(f"{whole} is a file; load() takes the folder of a study, such as {str(whole.parent)!r}.")
    return StudyView(whole)
