"""Reading for a history: the same events, with curves that are decoded when somebody looks."""

from __future__ import annotations

import math
import random
import sqlite3

import pytest

from truing.errors import JournalError
from truing.record.curve import Curve
from truing.record.events import Event
from truing.storage import sqlite
from truing.storage.sqlite import SqliteJournal


def told(count: int) -> list[Event]:
    rng = random.Random(0)
    found = []
    for run in range(count):
        curve = [[e, rng.choice([rng.random(), None])] for e in range(1, rng.choice([1, 2, 30]))]
        found.append(Event("started", {"run": run}, time=1.5))
        data = {"run": run, "curve": curve, "epochs": len(curve), "x": rng.choice([1, math.inf, {"$float": "no"}, "$"])}
        found.append(Event("finished", data, f"finished/{run}", time=2.5))
        found.append(Event("judged", {"curve": [[1, 2]], "trial": run}))
    return found


def test_the_same_events_in_the_same_order(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite, "BITE", 7)
    journal = SqliteJournal(tmp_path / "journal.db")
    journal.append(told(40))
    plain, sparse = list(journal.read()), list(journal.read_sparsely())
    assert sparse == plain
    assert any(isinstance(event.data.get("curve"), Curve) for event in sparse if event.kind == "finished")
    assert not any(isinstance(event.data.get("curve"), Curve) for event in plain)
    assert list(journal.read_sparsely(since=100)) == plain[100:]
    journal.close()


@pytest.mark.parametrize("reading", ["read", "read_sparsely"])
def test_an_event_that_is_no_json_is_named_and_those_before_it_are_told(tmp_path, reading):
    journal = SqliteJournal(tmp_path / "journal.db")
    journal.append([Event("note", {"n": n}, time=1.0) for n in range(9)])
    journal.close()
    with sqlite3.connect(tmp_path / "journal.db") as file:
        text = '{"n":}'
        file.execute(
            "UPDATE event SET payload = ?, crc = ? WHERE seq = 5", (text, sqlite._checksum(5, "note", None, 1.0, text))
        )
    journal = SqliteJournal(tmp_path / "journal.db", readonly=True)
    seen = []
    with pytest.raises(JournalError, match="event 5 is not readable JSON"):
        seen.extend(event.seq for event in getattr(journal, reading)())
    assert seen == [1, 2, 3, 4]
    journal.close()


@pytest.mark.parametrize("reading", ["read", "read_sparsely"])
def test_a_damaged_event_is_named_and_those_before_it_are_told(tmp_path, reading):
    journal = SqliteJournal(tmp_path / "journal.db")
    journal.append([Event("note", {"n": n}, time=1.0) for n in range(9)])
    journal.close()
    with sqlite3.connect(tmp_path / "journal.db") as file:
        file.execute("UPDATE event SET payload = '{}' WHERE seq = 5")
    journal = SqliteJournal(tmp_path / "journal.db", readonly=True)
    events, seen = getattr(journal, reading)(), []
    with pytest.raises(JournalError, match="event 5 does not match its checksum"):
        while True:
            seen.append(next(events).seq)
    assert seen == [1, 2, 3, 4]
    journal.close()
