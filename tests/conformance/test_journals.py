"""Every registered journal passes the suite, and each check of the suite catches a broken journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from truing.record.events import Event
from truing.registry import JOURNALS
from truing.storage.memory import MemoryJournal
from truing.storage.sqlite import SqliteJournal
from truing.testing import journals as suite

ARGUMENTS: dict[str, Callable[[Path], tuple[Any, ...]]] = {"memory": lambda folder: ()}  # others take a file


def opener(name: str) -> suite.Make:
    arguments = ARGUMENTS.get(name, lambda folder: (folder / "journal.db",))
    return lambda folder: JOURNALS.get(name)(*arguments(folder))


@pytest.mark.parametrize("name", JOURNALS.names())
def test_registered_journal_conforms(name: str, tmp_path: Path) -> None:
    suite.check_journal(opener(name), tmp_path)


def test_the_default_journal_gets_the_durable_checks() -> None:
    assert JOURNALS.get("sqlite").durable


class Backwards(MemoryJournal):
    def append(self, events: Sequence[Event]) -> int:
        return super().append(events[::-1])


class Timeless(MemoryJournal):
    def read(self, since: int = 0) -> Iterator[Event]:
        return (replace(event, time=0.0) for event in super().read(since))


class Keyless(MemoryJournal):
    def append(self, events: Sequence[Event]) -> int:
        return super().append([replace(event, key="") for event in events])


class EmptyKeyIsAKey(MemoryJournal):
    def append(self, events: Sequence[Event]) -> int:
        return super().append([replace(event, key=event.key or "none") for event in events])


class OneTooMany(MemoryJournal):
    def read(self, since: int = 0) -> Iterator[Event]:
        return super().read(max(since - 1, 0))


class WithoutNan(MemoryJournal):
    def read(self, since: int = 0) -> Iterator[Event]:
        return (
            replace(event, data={key: value for key, value in event.data.items() if value == value})
            for event in super().read(since)
        )


class AlwaysSomething(MemoryJournal):
    def append(self, events: Sequence[Event]) -> int:
        return super().append(events or [Event("ended")])


class OneByOne(MemoryJournal):
    def append(self, events: Sequence[Event]) -> int:
        for event in events:
            super().append([event])
        return super().append([])


class Short(MemoryJournal):
    def append(self, events: Sequence[Event]) -> int:
        cut = [
            replace(event, data={**event.data, "tail": event.data["tail"][:65536]}) if "tail" in event.data else event
            for event in events
        ]
        return super().append(cut)


class SharesItsData(MemoryJournal):
    def __init__(self) -> None:
        super().__init__()
        self.kept: list[Event] = []

    def append(self, events: Sequence[Event]) -> int:
        self.kept += [replace(event, seq=len(self.kept) + 1) for event in events]
        return len(self.kept)

    def read(self, since: int = 0) -> Iterator[Event]:
        return iter(self.kept[since:])


class BusyWhileRead(MemoryJournal):
    reading = False

    def append(self, events: Sequence[Event]) -> int:
        return 0 if self.reading else super().append(events)

    def read(self, since: int = 0) -> Iterator[Event]:
        self.reading = True
        yield from super().read(since)
        self.reading = False


class DropsJudgements(MemoryJournal):
    def append(self, events: Sequence[Event]) -> int:
        return super().append([event for event in events if event.kind != "judged"])


class Forgets(MemoryJournal):
    durable = True


class Unfenced(SqliteJournal):
    def append(self, events: Sequence[Event]) -> int:
        (self.epoch,) = self._connection.execute("SELECT max(epoch) FROM coordinator").fetchone()
        return super().append(events)


BROKEN: dict[str, suite.Make] = {
    "order_is_kept": lambda folder: Backwards(),
    "an_event_comes_back_whole": lambda folder: Timeless(),
    "a_key_counts_once": lambda folder: Keyless(),
    "events_without_a_key_are_all_kept": lambda folder: EmptyKeyIsAKey(),
    "reading_begins_where_asked": lambda folder: OneTooMany(),
    "values_survive": lambda folder: WithoutNan(),
    "an_empty_batch_is_nothing": lambda folder: AlwaysSomething(),
    "a_batch_is_all_or_nothing": lambda folder: OneByOne(),
    "a_big_event_fits": lambda folder: Short(),
    "what_is_kept_cannot_be_changed": lambda folder: SharesItsData(),
    "reading_while_writing_is_possible": lambda folder: BusyWhileRead(),
    "the_history_is_the_same": lambda folder: DropsJudgements(),
    "everything_is_there_after_opening_anew": lambda folder: Forgets(),
    "an_earlier_coordinator_is_refused": lambda folder: Unfenced(folder / "journal.db"),
}


@pytest.mark.parametrize("check", [*suite.CHECKS, *suite.DURABLE], ids=lambda check: check.__name__)
def test_the_check_bites(check: suite.Check, tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        check(BROKEN[check.__name__], tmp_path)


def test_check_journal_runs_the_checks(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="keep their order"):
        suite.check_journal(lambda folder: Backwards(), tmp_path / "first")
    with pytest.raises(AssertionError, match="coordinator that was replaced"):
        suite.check_journal(lambda folder: Unfenced(folder / "journal.db"), tmp_path / "last")
