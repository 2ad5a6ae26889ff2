"""F8: when the disk fails to sync, the journal stops at once: what it acknowledged is there when it is reopened."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from truing.storage.sqlite import SqliteJournal

WRITER = """
import sys
from pathlib import Path
from truing.errors import TruingError
from truing.record.events import Event
from truing.storage.sqlite import SqliteJournal
try:
    journal = SqliteJournal(Path(sys.argv[1]))
    for n in range(60):
        journal.append([Event("finished", {"n": n}, key=f"n {n}")])
        print(n, flush=True)
except TruingError as error:
    print(error, file=sys.stderr)
    try:
        journal.append([Event("finished", {"n": 999}, key="n 999")])
        print(999, flush=True)  # on the same handle nobody knows what is on the disk
    except (TruingError, NameError):
        pass
    sys.exit(error.exit_code)
"""

FOLDER = range(1, 12)  # the syncs before the first append


def may_trace() -> bool:
    return (
        shutil.which("strace") is not None
        and subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0
    )


def test_a_failed_sync_ends_it_with_74_and_keeps_what_was_acknowledged(tmp_path: Path, fault_seed: int) -> None:
    if not may_trace():
        pytest.skip("strace, which fails the call, may not be used here")
    for when in (1 + fault_seed, 5 + 2 * fault_seed):
        path = tmp_path / f"{when}" / "journal.db"
        inject = f"inject=fsync,fdatasync:error=EIO:when={when}"
        command = ["strace", "-f", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", inject]
        done = subprocess.run(
            [*command, sys.executable, "-c", WRITER, str(path)],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        acknowledged = [int(line) for line in done.stdout.split()]

        # SQLite does not mind when the sync of a folder fails while a new file is made: nothing is acknowledged yet
        assert done.returncode == 74 or (when in FOLDER and acknowledged == list(range(60))), done.stderr
        assert "Traceback" not in done.stderr
        assert acknowledged == list(range(len(acknowledged)))
        journal = SqliteJournal(path)
        found = [event.data["n"] for event in journal.read()]
        journal.close()
        assert found == list(range(len(found)))
        assert len(found) >= len(acknowledged)
