"""Whether a run failed for want of room on the study's disk, which is no fault of its configuration."""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
PROBE = 1 << 16


class NoRoomError(OSError):
    """A file of the study found no room; `needed` bytes would have done."""

    def __init__(self, path: Path, needed: int) -> None:
        super().__init__(f"The disk is full: {path.name} ({needed / 1e6:.1f} MB) found no room in {path.parent}.")
        self.needed = needed


def lacking(error: BaseException, folder: Path) -> int | None:
    """How many bytes a run lacked when it ended with `error`; None where the study's disk had nothing to do with it.

    A function that fills another disk, such as /dev/shm, has failed; only when the study's own disk is full too is
    the run to be repeated.
    """
    if isinstance(error, NoRoomError):
        return error.needed
    by_number = isinstance(error, OSError) and (error.errno in FULL or error.errno is None)
    by_words = isinstance(error, RuntimeError) and "PytorchStreamWriter failed" in str(error)
    return PROBE if (by_number or by_words) and is_full(folder) else None


def is_full(folder: Path) -> bool:
    """True when not even a small file finds room in `folder`."""
    probe = folder / f".probe.{os.getpid()}"
    try:
        with probe.open("wb") as file:
            file.write(bytes(PROBE))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error.errno in FULL
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)
    return False
