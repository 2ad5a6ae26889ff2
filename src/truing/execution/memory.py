"""How much memory a run holds: the resident size of its processes together.

A run's process is forked from a server that has everything imported, and its data loader's workers are forked from it,
so most of what each of them has resident it shares with others. A page that k processes share is counted to each by
1/k (proportional set size, in /proc/PID/smaps_rollup, Linux 4.14 and later); elsewhere it counts in full.

Pages of mapped files do not count: the study's rows are mapped, all runs read the same copy of them, and the system
drops such pages when it needs room.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROC = Path("/proc")


def processes(pid: int) -> set[int]:
    """A process and all that descend from it; the process alone where /proc does not tell."""
    found, waiting = {pid}, [pid]
    while waiting:
        for listed in PROC.glob(f"{waiting.pop()}/task/*/children"):
            try:
                new = {int(number) for number in listed.read_text().split()} - found
            except (OSError, ValueError):  # it has just ended
                continue
            found |= new
            waiting += new
    return found


def held(pid: int, limit: int) -> int:
    """Bytes that a process and all that descend from it hold together, exact where that is above `limit`.

    Counting what is shared means to walk through all pages, so it is done only where the plain sum is too much.
    """
    pids = processes(pid)
    whole = sum(_resident(number) for number in pids)
    return whole if whole <= limit else sum(_fair_share(number) for number in pids)


def _resident(pid: int) -> int:
    """Resident bytes that are not of mapped files; 0 of a process that has ended."""
    if sys.platform != "linux":
        return _told_by_ps(pid)
    return _sum(PROC / str(pid) / "status", ("RssAnon:", "RssShmem:"))


def _fair_share(pid: int) -> int:
    """The same, pages that several share divided among them."""
    share = _sum(PROC / str(pid) / "smaps_rollup", ("Pss_Anon:", "Pss_Shmem:"))
    return share or _resident(pid)


def _sum(file: Path, names: tuple[str, ...]) -> int:
    """The sum of some lines such as `RssAnon:  123 kB`, in bytes."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(names))


def _told_by_ps(pid: int) -> int:
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return int(told) * 1024 if told.strip().isdigit() else 0
