"""What the conformance suite leaves open about the journal in memory."""

from __future__ import annotations

import pytest

from truing.errors import JournalError
from truing.record.events import Event
from truing.storage.memory import MemoryJournal


def test_closed_journal_takes_and_gives_nothing() -> None:
    journal = MemoryJournal()
    journal.close()
    journal.close()

    with pytest.raises(JournalError, match="closed"):
        journal.append([Event("ended")])
    with pytest.raises(JournalError, match="closed"):
        journal.read()


def test_value_that_is_not_json_is_named() -> None:
    with pytest.raises(JournalError, match=r"kind 'study'.*set"):
        MemoryJournal().append([Event("study", {"x": {1, 2}})])
