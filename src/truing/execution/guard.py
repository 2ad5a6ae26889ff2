"""Keep a script that is executed a second time, in the fork server, from removing the study that it belongs to.

Scripts like to begin with `shutil.rmtree("studies/mine")`. The first execution is the person's wish, and has been
granted; the second would take the journal away under the coordinator's hands, so there it does nothing. Other ways of
removing or renaming the folder cannot be passed over, and are refused.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

JOURNAL = "journal.db"  # what makes a folder a study's
REMOVALS = {"shutil.rmtree", "shutil.move", "os.remove", "os.rmdir", "os.rename"}


class Guard:
    """Refuses to remove or rename `folder`, what holds it, what is in it, and the journals of other studies.

    Args:
        folder: of the study that is being run.
    """

    def __init__(self, folder: Path) -> None:
        self._root = os.path.realpath(folder)
        self._active = True
        sys.addaudithook(self._watch)  # which cannot be removed, but can be told to do nothing
        self._rmtree = shutil.rmtree
        shutil.rmtree = self._pass_over  # type: ignore[assignment]

    def lift(self) -> None:
        """The script's own part is over."""
        self._active = False
        shutil.rmtree = self._rmtree

    def _pass_over(self, path: Any, *arguments: Any, **named: Any) -> None:
        """shutil.rmtree, but for what is guarded."""
        if isinstance(path, str | bytes | os.PathLike) and self._guards(os.path.realpath(os.fsdecode(path))):
            return
        self._rmtree(path, *arguments, **named)

    def _guards(self, path: str) -> bool:
        return _holds(path, self._root) or _holds(self._root, path) or _is_a_study(path)

    def _watch(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._active or event not in REMOVALS or not isinstance(arguments[0], str | bytes | os.PathLike):
            return
        path = os.path.realpath(os.fsdecode(arguments[0]))
        if self._guards(path) and os.path.lexists(path):
            raise RuntimeError(
                f"The script removes or renames {path} before run(). The worker processes execute the script once "
                "more, up to its run(), and would take the study's files away while they are in use; use "
                "run(fresh=True) to begin anew, or run(workers=0)."
            )


def _holds(outer: str, inner: str) -> bool:
    return inner == outer or inner.startswith(outer.rstrip(os.sep) + os.sep)


def _is_a_study(path: str) -> bool:
    return os.path.exists(os.path.join(path, JOURNAL)) or os.path.basename(path).startswith(JOURNAL)
