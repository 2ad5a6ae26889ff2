"""What a run writes to standard output and error: a file that cannot fill the disk."""

from __future__ import annotations

import os
from pathlib import Path

from truing.execution.size import in_words

MOST = 4 << 20  # bytes; a longer file is shortened
PART = 1 << 20  # bytes that stay of its beginning, and of its end


class Output:
    """The file of one run's output, of which a flood leaves the beginning and the end.

    The run and all it started write to the file's end by themselves, wherever that is, so it can be shortened under
    their hands: no write waits for anybody, and the last words of a process that dies are in the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._head: int | None = None  # where the beginning ends, once something was left out
        self._left_out = 0
        self._mark = b""

    def shorten(self, most: int = MOST) -> None:
        """Leave out the middle of a file longer than `most` bytes."""
        try:
            if os.stat(self._path).st_size <= most:
                return
            with self._path.open("r+b") as file:
                self._cut(file.fileno())
        except OSError:  # the run has removed it, or the disk is at fault: nothing that would be worth a run
            return

    def _cut(self, file: int) -> None:
        if self._head is None:
            first = os.pread(file, PART, 0)
            self._head = first.rfind(b"\n") + 1 or len(first)
        size = os.fstat(file).st_size
        last = os.pread(file, PART, max(self._head, size - PART))
        last = last[last.find(b"\n") + 1 :]
        self._left_out += max(0, os.fstat(file).st_size - self._head - len(self._mark) - len(last))
        self._mark = f"\n[... {in_words(self._left_out)} of output were left out here ...]\n".encode()
        os.truncate(file, self._head)
        end = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            os.write(end, self._mark + last)
        finally:
            os.close(end)
