"""Keep a script that is executed a second time, in the fork server, from removing the study that it belongs to.

Scripts like to begin with `shutil.rmtree("studies/mine")`. The first execution is the person's wish; the second would
take the journal away under the coordinator's hands.
"""

from __future__ import annotations

import os
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

    def lift(self) -> None:
        """The script's own part is over."""
        self._active = False

    def _watch(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._active or event not in REMOVALS or not isinstance(arguments[0], str | bytes | os.PathLike):
            return
        path = os.path.realpath(os.fsdecode(arguments[0]))
        mine = _holds(path, self._root) or _holds(self._root, path)
        if (mine or _is_a_study(path)) and os.path.lexists(path):
            raise RuntimeError(
                f"The script removes or renames {path} before run(). The worker processes execute the script once "
                "more, up to its run(), and would take the study's files away while they are in use; use "
                "run(fresh=True) to begin anew, or run(workers=0)."
            )


def _holds(outer: str, inner: str) -> bool:
    return inner == outer or inner.startswith(outer.rstrip(os.sep) + os.sep)


def _is_a_study(path: str) -> bool:
    return os.path.exists(os.path.join(path, JOURNAL)) or os.path.basename(path).startswith(JOURNAL)
