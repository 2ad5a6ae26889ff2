"""F5: a power cut keeps every acknowledged event. The disk is simulated: what was not synced may be lost, out of order.

The simulated disk is a VFS of apsw: each write goes to the real file at once, and is remembered until its file is
synced. A crash image is made of the files as they were at their last sync and any subset of the later writes, some of
them torn in sectors of 512 bytes. The control with synchronous=NORMAL loses acknowledged events, so the test bites.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from truing.errors import JournalError
from truing.record.events import Event, encode
from truing.storage import sqlite as module
from truing.storage.sqlite import SqliteJournal

apsw = pytest.importorskip("apsw", reason="the power-loss simulator needs apsw")

SECTOR = 512
Write = tuple[int, bytes]


class Disk:
    """What is durable of each file, and the writes since its last sync."""

    def __init__(self) -> None:
        self.durable: dict[str, bytes] = {}
        self.pending: dict[str, list[Write | int]] = {}  # an int truncates

    def write(self, name: str, change: Write | int) -> None:
        self.pending.setdefault(name, []).append(change)

    def sync(self, name: str) -> None:
        self.durable[name] = applied(self.durable.get(name, b""), self.pending.pop(name, []))

    def delete(self, name: str) -> None:
        self.durable.pop(name, None)
        self.pending.pop(name, None)

    def image(self, chance: random.Random) -> dict[str, bytes]:
        """The files after a power cut now."""
        found = {}
        for name in {*self.durable, *self.pending}:
            share = chance.choice([0.0, 0.5, 1.0])
            kept = [part for change in self.pending.get(name, []) if chance.random() < share
                    for part in torn(change, chance)]  # fmt: skip
            found[name] = applied(self.durable.get(name, b""), kept)
        return found


def torn(change: Write | int, chance: random.Random) -> list[Write | int]:
    if isinstance(change, int) or chance.random() < 0.7:
        return [change]
    place, content = change
    sectors = [(place + at, content[at : at + SECTOR]) for at in range(0, len(content), SECTOR)]
    return [sector for sector in sectors if chance.random() < 0.5]


def applied(content: bytes, changes: list[Any]) -> bytes:
    file = bytearray(content)
    for change in changes:
        if isinstance(change, int):
            del file[change:]
            continue
        place, part = change
        file.extend(bytes(max(0, place + len(part) - len(file))))
        file[place : place + len(part)] = part
    return bytes(file)


@pytest.fixture(scope="module")
def vfs() -> Iterator[tuple[str, list[Disk]]]:
    disks: list[Disk] = [Disk()]

    class File(apsw.VFSFile):  # type: ignore[misc, name-defined]
        def __init__(self, inherit: str, name: Any, flags: list[int]) -> None:
            path = name.filename() if isinstance(name, apsw.URIFilename) else name
            self.called = Path(path).name
            super().__init__(inherit, name, flags)

        def xWrite(self, data: bytes, offset: int) -> None:
            super().xWrite(data, offset)
            disks[0].write(self.called, (offset, bytes(data)))

        def xTruncate(self, size: int) -> None:
            super().xTruncate(size)
            disks[0].write(self.called, size)

        def xSync(self, flags: int) -> None:
            super().xSync(flags)
            disks[0].sync(self.called)

    class Vfs(apsw.VFS):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__("losing", "")

        def xOpen(self, name: Any, flags: list[int]) -> Any:
            return File("", name, flags)

        def xDelete(self, name: str, sync: bool) -> None:
            super().xDelete(name, sync)
            disks[0].delete(Path(name).name)

    kept = Vfs()
    yield "losing", disks
    kept.unregister()


def written_until_cut(
    folder: Path, name: str, disks: list[Disk], chance: random.Random, synchronous: str
) -> tuple[int, dict[str, bytes]]:
    """The journal's own statements, by another SQLite, on the losing disk: events acknowledged, and the image."""
    folder.mkdir()
    path = folder / "journal.db"
    disk = disks[0] = Disk()
    connection = apsw.Connection(str(path), vfs=name)
    connection.execute(f"PRAGMA synchronous = FULL; BEGIN; {module.SCHEMA} COMMIT;")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("PRAGMA wal_autocheckpoint = 10")  # so that checkpoints are cut off as well
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("INSERT INTO coordinator (pid, host, started) VALUES (1, 'h', 0.0)")
    connection.execute("COMMIT")
    acknowledged = 0
    for _ in range(chance.randrange(1, 40)):
        batch = chance.randrange(1, 4)
        connection.execute("BEGIN IMMEDIATE")
        for n in range(acknowledged, acknowledged + batch):
            text = encode({"n": n, "padding": "x" * chance.randrange(0, 3000)})
            row = (n + 1, "finished", f"n {n}", 0.5, text)
            connection.execute(module.INSERT, (*row, module._checksum(*row)))
        if chance.random() < 0.05:  # the cut comes before the commit is acknowledged
            break
        connection.execute("COMMIT")
        acknowledged += batch
    image = disk.image(chance)
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    connection.close()
    return acknowledged, image


def survived(folder: Path, image: dict[str, bytes]) -> int:
    """How many events the journal holds when it is opened after the cut; they are the first ones, whole."""
    folder.mkdir()
    for name, content in image.items():
        if not name.endswith("-shm"):
            (folder / name).write_bytes(content)
    journal = SqliteJournal(folder / "journal.db")
    try:
        found = [event.data["n"] for event in journal.read()]
        assert found == list(range(len(found)))
        assert journal.append([Event("ended")]) == len(found) + 1
    finally:
        journal.close()
    return len(found)


IMAGES = 25


def lost_in(tmp_path: Path, vfs: tuple[str, list[Disk]], seed: int, synchronous: str) -> int:
    """In how many of the images an acknowledged event is lost."""
    lost = 0
    for number in range(IMAGES):
        chance = random.Random(1000 * seed + number)
        acknowledged, image = written_until_cut(tmp_path / f"{number}", *vfs, chance, synchronous)
        try:
            found = survived(tmp_path / f"{number}-after", image)
        except JournalError:
            found = -1
        lost += found < acknowledged
    return lost


def test_every_acknowledged_event_survives_a_power_cut(
    tmp_path: Path, vfs: tuple[str, list[Disk]], fault_seed: int
) -> None:
    assert lost_in(tmp_path, vfs, fault_seed, "FULL") == 0


def test_the_simulator_bites(tmp_path: Path, vfs: tuple[str, list[Disk]], fault_seed: int) -> None:
    assert lost_in(tmp_path, vfs, fault_seed, "NORMAL") > IMAGES // 5


def test_the_journal_s_own_settings_are_those(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "journal.db")
    assert journal._connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert journal._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    journal.close()
