"""Whether the system has just killed a process for want of memory.

Such a kill is a SIGKILL like any other, but the kernel counts them: for the machine in /proc/vmstat, for a container or
a service in the files of its control group. A run that is killed while a count rises has run out of memory.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

AWHILE = 10.0  # seconds; a process that held much takes long to go


def counters() -> list[Path]:
    """The files in which this process's system counts such kills, as far as there are any."""
    found = [Path("/proc/vmstat"), Path("/sys/fs/cgroup/memory.events")]
    try:
        groups = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        groups = []
    for line in groups:
        _, kinds, path = line.split(":", 2)
        if not kinds:
            found.append(Path("/sys/fs/cgroup") / path.lstrip("/") / "memory.events")
        elif "memory" in kinds.split(","):
            found.append(Path("/sys/fs/cgroup/memory") / path.lstrip("/") / "memory.oom_control")
    return [file for file in dict.fromkeys(found) if _count(file) is not None]


class Shortage:
    """Watches the counts; `look` as often as convenient.

    Args:
        files: default: the system's.
    """

    def __init__(self, files: Sequence[Path] | None = None) -> None:
        self._files = counters() if files is None else list(files)
        self._seen = [_count(file) for file in self._files]
        self._rose: float | None = None  # monotonic seconds

    def look(self) -> None:
        """Read the counts."""
        now = [_count(file) for file in self._files]
        if any(new is not None and old is not None and new > old for old, new in zip(self._seen, now, strict=True)):
            self._rose = time.monotonic()
        self._seen = now

    def recent(self) -> bool:
        """True when a count has risen within the last seconds."""
        self.look()
        return self._rose is not None and time.monotonic() - self._rose <= AWHILE


def _count(file: Path) -> int | None:
    try:
        for line in file.read_text().splitlines():
            name, _, number = line.partition(" ")
            if name == "oom_kill":
                return int(number)
    except (OSError, ValueError):
        pass
    return None
