"""The SQLite journal against kills, damage, full disks, strangers and readers."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from truing.errors import JournalError
from truing.record.events import Event
from truing.storage import sqlite as module
from truing.storage.sqlite import SqliteJournal

COMMITTER = """
import sys
from pathlib import Path
from truing.record.events import Event
from truing.storage.sqlite import SqliteJournal
journal = SqliteJournal(Path(sys.argv[1]))
n = int(sys.argv[2])
while True:
    batch = [Event("finished", {"n": i}, key=f"n {i}") for i in range(n, n + 1 + n % 3)]
    journal.append(batch)
    n += len(batch)
    print(n, flush=True)  # acknowledged: everything below n
"""


def numbered(start: int, stop: int, *, padding: int = 0) -> list[Event]:
    return [Event("finished", {"n": n, "padding": "x" * padding}, key=f"n {n}") for n in range(start, stop)]


def numbers(path: Path) -> list[int]:
    journal = SqliteJournal(path, readonly=True)
    try:
        return [event.data["n"] for event in journal.read()]
    finally:
        journal.close()


def written(path: Path, count: int, *, padding: int = 0) -> Path:
    journal = SqliteJournal(path)
    journal.append(numbered(0, count, padding=padding))
    journal.close()
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def raw(path: Path) -> Callable[[str], None]:
    """Change the file behind the journal's back."""

    def execute(statement: str) -> None:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute(statement)
        connection.close()

    return execute


# -- kills -----------------------------------------------------------------------------------------------


def test_kill_loses_no_acknowledged_event_and_counts_none_twice(path: Path) -> None:
    rng = random.Random(0)
    acknowledged = 0
    for _ in range(20):
        process = subprocess.Popen(
            [sys.executable, "-c", COMMITTER, str(path), str(acknowledged)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(rng.randrange(1, 60)):
            acknowledged = int(process.stdout.readline())
        os.kill(process.pid, signal.SIGKILL)
        rest = process.communicate()[0].split("\n")
        acknowledged = max([acknowledged, *(int(line) for line in rest[:-1])])

        # The next one starts at what was acknowledged: what was written beyond is written again.
        found = numbers(path)
        assert found == list(range(len(found)))
        assert len(found) >= acknowledged


def test_a_new_journal_appears_whole_or_not_at_all(path: Path) -> None:
    """Killed while it is made: what lies under the final name is a journal, and a later opening goes on."""
    code = (
        "import os, sys\nfrom pathlib import Path\nfrom truing.storage.sqlite import SqliteJournal\n"
        "real, os.link = os.link, lambda *a: os._exit(9)\nSqliteJournal(Path(sys.argv[1]))"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 9
    assert not path.exists()

    written(path, 3)

    assert numbers(path) == [0, 1, 2]


# -- damage ----------------------------------------------------------------------------------------------


def test_truncated_file_is_refused(path: Path) -> None:
    """A reader never takes a part for the whole, a writer never builds on it, and neither touches it."""
    written(path, 300, padding=200)
    good = path.read_bytes()
    rng = random.Random(2)
    for cut in [
        1,
        10,
        4095,
        4096,
        len(good) - 100,
        *(rng.randrange(1, len(good)) for _ in range(20)),
        len(good),
    ]:
        part = good[:-cut]
        path.write_bytes(part)

        with pytest.raises(JournalError, match=r"damaged.*copy of the study's folder"):
            numbers(path)
        with pytest.raises(JournalError, match=r"damaged.*copy of the study's folder"):
            SqliteJournal(path)
        assert path.read_bytes() == part


def test_torn_page_is_refused(path: Path) -> None:
    written(path, 300, padding=200)
    content = bytearray(path.read_bytes())
    content[4096 * 5 : 4096 * 6] = bytes(4096)
    path.write_bytes(content)

    with pytest.raises(JournalError, match="damaged"):
        SqliteJournal(path)
    with pytest.raises(JournalError, match="damaged"):
        numbers(path)


def test_any_flipped_byte_of_an_event_is_found(path: Path) -> None:
    """Random single-byte damage: refused or without effect, never other events."""
    written(path, 40, padding=50)
    good = path.read_bytes()
    expected = numbers(path)
    rng = random.Random(1)
    refused = 0
    for _ in range(60):
        content = bytearray(good)
        content[rng.randrange(16, len(content))] ^= 1 << rng.randrange(8)
        path.write_bytes(content)
        try:
            assert numbers(path) == expected
        except JournalError:
            refused += 1
    assert refused > 10


@pytest.mark.parametrize(
    ("statement", "position"),
    [
        ("UPDATE event SET payload = replace(payload, '\"n\":1', '\"n\":7') WHERE seq = 2", 2),
        ("UPDATE event SET kind = 'started' WHERE seq = 3", 3),
        ("UPDATE event SET key = 'other' WHERE seq = 1", 1),
        ("UPDATE event SET time = 99 WHERE seq = 4", 4),
        ("UPDATE event SET payload = x'ff' WHERE seq = 4", 4),
        ("DELETE FROM event WHERE seq = 3", 3),
    ],
)
def test_changed_event_is_named(path: Path, raw: Callable[[str], None], statement: str, position: int) -> None:
    written(path, 5)
    raw(statement)

    with pytest.raises(JournalError, match=f"event {position} "):
        numbers(path)


def test_text_that_is_not_utf8_is_damage_too(path: Path, raw: Callable[[str], None]) -> None:
    written(path, 2)
    raw("UPDATE event SET kind = CAST(x'ff' AS TEXT)")

    with pytest.raises(JournalError):
        numbers(path)


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\0", os.urandom(8192)])
@pytest.mark.parametrize("readonly", [True, False])
def test_what_is_no_journal_is_refused_and_left_alone(path: Path, content: bytes, readonly: bool) -> None:
    path.write_bytes(content)

    with pytest.raises(JournalError):
        SqliteJournal(path, readonly=readonly)

    assert path.read_bytes() == content


def test_missing_journal_holds_no_study(path: Path) -> None:
    with pytest.raises(JournalError, match="holds no study"):
        SqliteJournal(path, readonly=True)
    assert not path.exists()


def test_log_without_its_journal_is_refused(path: Path) -> None:
    """SQLite would play an old log into the new file."""
    path.with_name("journal.db-wal").write_bytes(b"x" * 100)

    with pytest.raises(JournalError, match=r"journal\.db is gone but its log"):
        SqliteJournal(path)


def test_removed_while_in_use_is_noticed(path: Path) -> None:
    journal = SqliteJournal(path)
    journal.append(numbered(0, 1))
    path.unlink()
    written(path.with_name("other.db"), 1).rename(path)

    with pytest.raises(JournalError, match="removed or replaced"):
        journal.append(numbered(1, 2))
    journal.close()


# -- strangers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("readonly", [True, False])
def test_another_program_s_database_is_refused(path: Path, raw: Callable[[str], None], readonly: bool) -> None:
    raw("CREATE TABLE trial (id)")

    with pytest.raises(JournalError, match="not a Truing journal"):
        SqliteJournal(path, readonly=readonly)


@pytest.mark.parametrize("readonly", [True, False])
def test_newer_format_is_refused(path: Path, raw: Callable[[str], None], readonly: bool) -> None:
    written(path, 1)
    raw("PRAGMA user_version = 99")

    with pytest.raises(JournalError, match=r"format 99.*upgrade Truing"):
        SqliteJournal(path, readonly=readonly)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER x AFTER INSERT ON event BEGIN DELETE FROM event; END",
        "CREATE VIEW x AS SELECT 1",
        "CREATE TABLE x (y)",
    ],
)
def test_foreign_parts_are_refused(path: Path, raw: Callable[[str], None], statement: str) -> None:
    written(path, 1)
    raw(statement)

    with pytest.raises(JournalError, match="instead of the tables event and coordinator"):
        SqliteJournal(path)


def test_deeply_nested_data_is_refused_on_both_ways(path: Path, raw: Callable[[str], None]) -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    journal = SqliteJournal(path)
    with pytest.raises(JournalError, match="cannot be written down"):
        journal.append([Event("study", {"x": deep})])
    journal.close()

    payload = "[" * 100_000
    crc = module._checksum(1, "study", None, 0.0, payload)
    raw(f"INSERT INTO event VALUES (1, 'study', NULL, 0.0, '{payload}', {crc})")
    with pytest.raises(JournalError, match="event 1 is not readable"):
        numbers(path)


# -- a full or failing disk ------------------------------------------------------------------------------


def test_full_disk_refuses_whole_batches_and_goes_on_when_there_is_room(path: Path) -> None:
    journal = SqliteJournal(path)
    journal._connection.execute("PRAGMA max_page_count = 20")
    done = 0
    with pytest.raises(JournalError, match="disk is full") as full:
        while True:
            journal.append(numbered(done, done + 5, padding=1000))
            done += 5
    assert full.value.errno == errno.ENOSPC
    assert full.value.exit_code == 74
    assert [event.data["n"] for event in journal.read()] == list(range(done))

    journal._connection.execute("PRAGMA max_page_count = 100000")
    assert journal.append(numbered(done, done + 5, padding=1000)) == done + 5
    journal.close()
    assert numbers(path) == list(range(done + 5))


FAILING = """
import resource, sys
from pathlib import Path
from truing.errors import JournalError
from truing.record.events import Event
from truing.storage.sqlite import SqliteJournal
journal = SqliteJournal(Path(sys.argv[1]))
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, most))  # a write beyond it fails, as on a broken disk
n = 0
try:
    while n < 1000:
        journal.append([Event("finished", {"n": n, "padding": "x" * 1000}, key=f"n {n}")])
        n += 1
except JournalError as error:
    print(n, error)
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
try:
    journal.append([Event("finished", {"n": n}, key=f"n {n}")])
except JournalError as error:
    print(n, error)
"""


def test_after_a_failed_write_nothing_more_is_taken(path: Path) -> None:
    """Only a new opening knows what is on the disk, even when the disk seems to work again."""
    printed = subprocess.run(
        [sys.executable, "-c", FAILING, str(path)], capture_output=True, text=True, check=True
    ).stdout.splitlines()

    assert len(printed) == 2
    assert printed[0] == printed[1]
    assert "disk I/O error" in printed[0]
    acknowledged = int(printed[0].split()[0])
    assert 5 < acknowledged < 100
    assert numbers(path) == list(range(acknowledged))
    journal = SqliteJournal(path)
    assert journal.append(numbered(acknowledged, acknowledged + 1)) == acknowledged + 1
    journal.close()


def test_interrupt_leaves_no_half_batch(path: Path) -> None:
    """Ctrl-C between two events of a batch."""
    journal = SqliteJournal(path)

    class Interrupting(str):
        def __str__(self) -> str:
            raise KeyboardInterrupt

        def __format__(self, spec: str) -> str:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        journal.append([*numbered(0, 3), Event(Interrupting("study"))])
    assert list(journal.read()) == []
    assert journal.append(numbered(0, 3)) == 3
    journal.close()


def test_event_that_does_not_fit_harms_nothing(path: Path) -> None:
    journal = SqliteJournal(path)
    with pytest.raises(JournalError):
        journal.append([Event("study", time=float("nan"))])
    with pytest.raises(JournalError):
        journal.append([Event("study", key="\ud800")])
    assert journal.append(numbered(0, 1)) == 1
    journal.close()


# -- readers and other users -----------------------------------------------------------------------------


def test_settings_that_durability_rests_on(path: Path) -> None:
    journal = SqliteJournal(path)
    settings = {
        name: journal._connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "trusted_schema")
    }
    journal.close()

    assert settings == {"journal_mode": "wal", "synchronous": 2, "trusted_schema": 0}


def test_another_process_reads_while_a_study_runs(path: Path) -> None:
    journal = SqliteJournal(path)
    journal.append(numbered(0, 3))
    code = (
        "import sys\nfrom pathlib import Path\nfrom truing.storage.sqlite import SqliteJournal\n"
        "journal = SqliteJournal(Path(sys.argv[1]), readonly=True)\nposition = 0\n"
        "for line in sys.stdin:\n"
        "    seen = [event.seq for event in journal.read(position)]\n"
        "    position = seen[-1]\n    print(seen, flush=True)\n"
    )
    reader = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert reader.stdin is not None
    assert reader.stdout is not None
    seen = []
    for stop in (5, 700):
        reader.stdin.write("read\n")
        reader.stdin.flush()
        seen.append(reader.stdout.readline())
        assert journal.append(numbered(stop - 2, stop)) > 0
    last = reader.communicate("read\n")[0]
    journal.close()

    assert [*seen, last] == ["[1, 2, 3]\n", "[4, 5]\n", "[6, 7]\n"]
    assert reader.returncode == 0


def test_an_unfinished_reader_neither_blocks_the_writer_nor_its_log(path: Path) -> None:
    journal = SqliteJournal(path)
    journal.append(numbered(0, 1000))
    reader = SqliteJournal(path, readonly=True)
    unfinished = reader.read()
    next(unfinished)
    for n in range(1000, 3000):
        journal.append(numbered(n, n + 1, padding=2000))

    assert path.with_name("journal.db-wal").stat().st_size < 16 * 2**20
    assert 1 + len(list(unfinished)) == 1000
    reader.close()
    journal.close()


def test_a_reader_changes_nothing(path: Path) -> None:
    written(path, 3)
    before = path.read_bytes()
    reader = SqliteJournal(path, readonly=True)
    with pytest.raises(JournalError, match="opened for reading"):
        reader.append(numbered(3, 4))
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._connection.execute("DELETE FROM event")
    reader.close()

    assert path.read_bytes() == before


def test_finished_study_is_read_where_nothing_can_be_made_beside_it(path: Path) -> None:
    """As in a read-only folder: SQLite cannot make the index of its log."""
    written(path, 3)
    path.with_name("journal.db-shm").symlink_to("nowhere")  # SQLite follows none here

    assert numbers(path) == [0, 1, 2]


def test_log_that_cannot_be_indexed_is_never_passed_over(path: Path, tmp_path: Path) -> None:
    journal = SqliteJournal(path)
    journal.append(numbered(0, 3))
    copy = tmp_path / "copy" / "journal.db"
    copy.parent.mkdir()
    shutil.copy(path, copy)
    shutil.copy(path.with_name("journal.db-wal"), copy.with_name("journal.db-wal"))
    journal.close()
    copy.with_name("journal.db-shm").symlink_to("nowhere")

    with pytest.raises(JournalError, match="permissions"):
        SqliteJournal(copy, readonly=True)
    copy.with_name("journal.db-shm").unlink()
    assert numbers(copy) == [0, 1, 2]


def test_odd_names_of_folders(tmp_path: Path) -> None:
    path = tmp_path / "50% ? #1 é 'x'" / "journal.db"

    written(path, 2)

    assert numbers(path) == [0, 1]
    assert sorted(p.name for p in path.parent.iterdir() if not p.name.endswith(("-wal", "-shm"))) == ["journal.db"]


def test_replaced_coordinator_learns_by_whom(path: Path) -> None:
    old, new = SqliteJournal(path), SqliteJournal(path)

    with pytest.raises(JournalError, match=f"took over .*: process {os.getpid()} on "):
        old.append(numbered(0, 1))
    assert new.epoch == old.epoch + 1
    old.close()
    new.close()


def test_forked_child_may_not_write(path: Path) -> None:
    journal = SqliteJournal(path)
    journal.append(numbered(0, 1))
    child = os.fork()
    if child == 0:
        try:
            journal.append(numbered(1, 2))
        except JournalError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert journal.append(numbered(1, 2)) == 2
    journal.close()


def test_closed_journal_says_so(path: Path) -> None:
    journal = SqliteJournal(path)
    journal.close()
    journal.close()

    with pytest.raises(JournalError, match="closed"):
        journal.append(numbered(0, 1))
    with pytest.raises(JournalError, match="closed"):
        list(journal.read())
