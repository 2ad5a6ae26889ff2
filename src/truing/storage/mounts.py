"""Which file system a path lies on: SQLite's log and its locks do not hold on network file systems."""

from __future__ import annotations

import re
from pathlib import Path

from truing.errors import JournalError

NETWORK = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "lustre", "fuse.sshfs"})


def type_of(path: Path, mounts: str) -> str:
    """The type of the file system that holds `path`; empty when the table does not say.

    Args:
        path: an absolute path without symbolic links.
        mounts: the text of /proc/mounts; where two lines name one place, the later one covers the earlier.

    >>> type_of(Path("/data/a b/x"), "/dev/sda / ext4 rw 0 0\\nhost:/e /data/a\\\\040b nfs4 rw 0 0\\n")
    'nfs4'
    """
    best, found = -1, ""
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[1]))
        if path.is_relative_to(point) and len(point.parts) >= best:
            best, found = len(point.parts), fields[2]
    return found


def network_type(path: Path) -> str:
    """The type of the network file system that holds `path`; empty for a local one, or where nobody says."""
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:  # no such table, as on macOS
        return ""
    found = type_of(path.resolve(), mounts)
    return found if found in NETWORK else ""


def refuse_network(path: Path) -> None:
    """Refuse a path on a network file system, before anything is made there.

    Raises:
        JournalError: it lies on one.
    """
    if kind := network_type(path):
        raise JournalError(
            f"{path} lies on a network file system ({kind}), where a power cut or a second machine can "
            "destroy a journal: put the study's folder on a local disk."
        )
