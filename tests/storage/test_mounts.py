"""The file system of a path, from the text of /proc/mounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from truing.errors import JournalError
from truing.storage import mounts
from truing.storage.sqlite import SqliteJournal

TABLE = """\
/dev/vda / ext4 rw,relatime 0 0
tmpfs /tmp tmpfs rw 0 0
server:/home /home nfs4 rw,vers=4.2 0 0
/dev/sdb /home/local ext4 rw 0 0
//nas/share /mnt/my\\040share cifs rw 0 0
user@host:/ /mnt/remote fuse.sshfs rw 0 0
/dev/sdc /over ext4 rw 0 0
host:/lustre /over lustre rw 0 0
broken
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/etc/x", "ext4"),
        ("/tmp/study/journal.db", "tmpfs"),
        ("/home/ann/study", "nfs4"),
        ("/home", "nfs4"),
        ("/homework/study", "ext4"),
        ("/home/local/study", "ext4"),
        ("/mnt/my share/study", "cifs"),
        ("/mnt/remote/a/b", "fuse.sshfs"),
        ("/over/x", "lustre"),
    ],
)
def test_longest_mount_point_decides_and_the_later_covers_the_earlier(path: str, kind: str) -> None:
    assert mounts.type_of(Path(path), TABLE) == kind


def test_no_table_says_nothing() -> None:
    assert mounts.type_of(Path("/x"), "") == ""


def test_this_machine_agrees_with_stat(tmp_path: Path) -> None:
    """A folder for tests is on a local disk; what is asked need not exist."""
    assert mounts.network_type(tmp_path / "not" / "there") == ""


@pytest.mark.parametrize("kind", sorted(mounts.NETWORK))
def test_a_journal_is_refused_on_a_network_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    table = f"host:/share {tmp_path.resolve()} {kind} rw 0 0\n"
    monkeypatch.setattr(Path, "read_text", lambda self, **options: table)

    with pytest.raises(JournalError, match=rf"network file system \({kind}\).*local disk"):
        SqliteJournal(tmp_path / "study" / "journal.db")

    assert list(tmp_path.iterdir()) == []
