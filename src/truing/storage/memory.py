"""A journal in memory, for studies without a folder and for tests: gone with the process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from truing.errors import JournalError
from truing.record.events import Event, decode, encode


class MemoryJournal:
    """Events in a list.

    Data is kept as the same text that a file would hold: what is read back is what a journal on disk would
    give, and nothing the caller changes afterwards reaches it.

    >>> journal = MemoryJournal()
    >>> journal.append([Event("proposed", {"trial": 0}), Event("ended")])
    2
    >>> [(event.seq, event.kind) for event in journal.read(since=1)]
    [(2, 'ended')]
    """

    durable = False

    def __init__(self) -> None:
        self._events: list[tuple[Event, str]] = []
        self._keys: set[str] = set()
        self._closed = False

    def append(self, events: Sequence[Event]) -> int:
        """Take in `events`, all or none; the position of the journal's last event.

        An event whose non-empty key is there already is left out.

        Raises:
            JournalError: the journal is closed, or an event holds a value that is not JSON.
        """
        self._check_open()
        texts = [encoded(event) for event in events]
        for event, text in zip(events, texts, strict=True):
            if event.key and event.key in self._keys:
                continue
            self._keys.add(event.key)
            self._events.append((replace(event, data={}, seq=len(self._events) + 1), text))
        return len(self._events)

    def read(self, since: int = 0) -> Iterator[Event]:
        """The events after position `since`, in order, as far as they were there when reading began."""
        self._check_open()
        return (replace(event, data=decode(text)) for event, text in self._events[since:])

    def close(self) -> None:
        """Forget nothing, take nothing more; a second call does nothing."""
        self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise JournalError("The journal is closed: open it again before reading or writing.")


def encoded(event: Event) -> str:
    """The data of `event` as text.

    Raises:
        JournalError: it holds a value that is not JSON, or is nested too deeply.
    """
    try:
        return encode(event.data)
    except (TypeError, ValueError, RecursionError) as error:
        raise JournalError(f"An event of kind {event.kind!r} cannot be written down: {error}.") from error
