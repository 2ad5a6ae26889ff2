"""A full disk ends nothing: what could not be written waits in memory, and is tried again until there is room."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from truing.errors import JournalError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
FIRST, LONGEST = 0.5, 30.0  # seconds between two tries: doubled each time
PROBE = 1 << 20  # bytes that must find a place before anybody goes on


class Patience:
    """Knows whether the study's disk is full, since when, and when to try again.

    Args:
        folder: the study's, in which room is looked for; None = whoever tries finds out.
        say: told in one line when the disk is full, and when there is room again.
        clock: seconds; for tests.

    >>> patience = Patience(say=print)
    >>> with patience.trying():
    ...     raise JournalError(errno.ENOSPC, "no room")
    The disk is full: no new run starts, results wait in memory until there is room; free some space (Ctrl-C ends).
    >>> patience.full, patience.due()
    (True, False)
    """

    def __init__(
        self,
        folder: Path | None = None,
        say: Callable[[str], None] = lambda line: None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._say, self._clock = folder, say, clock
        self._pause = 0.0
        self._again = 0.0
        self._needed = 0
        self.full = False

    def due(self) -> bool:
        """True when a try may be made: always, except on a full disk before its time."""
        return not self.full or self._clock() >= self._again

    def lacks(self, needed: int = 0) -> None:
        """Something found no room; `needed` bytes would have done."""
        if not self.full:
            self._say(
                "The disk is full: no new run starts, results wait in memory until there is room; "
                "free some space (Ctrl-C ends)."
            )
        self.full = True
        self._needed = max(self._needed, needed)
        self._pause = min(LONGEST, max(FIRST, 2 * self._pause))
        self._again = self._clock() + self._pause

    @contextlib.contextmanager
    def trying(self) -> Iterator[None]:
        """Try to write: the error of a full disk is kept back, any other passes."""
        try:
            yield
        except JournalError as error:
            if error.errno not in FULL:
                raise
            self.lacks()
            return
        if not self.full:
            return
        if not has_room(self._folder, self._needed):
            self.lacks()
            return
        self.full, self._pause, self._needed = False, 0.0, 0
        self._say("There is room on the disk again: going on.")


def has_room(folder: Path | None, needed: int = 0) -> bool:
    """True when `needed` bytes and some more would find a place in `folder`.

    What the file system counts as free is not enough: a quota is not in it, so a small file is written.
    """
    if folder is None:
        return True
    probe = folder / f".room.{os.getpid()}"
    try:
        status = os.statvfs(folder)
        if status.f_bavail * status.f_frsize < needed + PROBE:
            return False
        with probe.open("wb") as file:
            file.write(bytes(PROBE))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno not in FULL
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)
    return True
