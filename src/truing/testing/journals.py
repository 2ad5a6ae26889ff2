"""What every journal must do, for authors of journals: run `check_journal` in a test of your own.

    from truing.testing.journals import check_journal

    def test_my_journal(tmp_path):
        check_journal(lambda folder: MyJournal(folder / "journal.db"), tmp_path)

`make(folder)` opens the journal that lies in `folder`, or makes it. Called again for the same folder it opens
the same journal anew, as the coordinator that takes over. A journal that cannot be opened anew says so:
`durable = False`; the checks in DURABLE are then left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from truing.errors import JournalError
from truing.record.events import Event
from truing.record.history import History, fold
from truing.record.interfaces import Journal
from truing.space.parameter import Float
from truing.space.space import Space

Make = Callable[[Path], Journal]
Check = Callable[[Make, Path], None]


def check_journal(make: Make, folder: Path) -> None:
    """Run every check that applies, each in a folder of its own below `folder`.

    Raises:
        AssertionError: the journal breaks a rule; the message says which.
    """
    probe = folder / "probe"
    probe.mkdir(parents=True, exist_ok=True)
    journal = make(probe)
    durable = getattr(journal, "durable", True)
    journal.close()
    for check in (*CHECKS, *DURABLE) if durable else CHECKS:
        place = folder / check.__name__
        place.mkdir(parents=True, exist_ok=True)
        check(make, place)


# -- any journal ---------------------------------------------------------------------------------------


def order_is_kept(make: Make, folder: Path) -> None:
    """Events come back in the order they went in, numbered from 1 without gaps, however they were batched."""
    journal = make(folder)
    positions = [journal.append(_numbered(*span)) for span in ((0, 3), (3, 4), (4, 700))]
    read = list(journal.read())
    journal.close()
    _equal(positions, [3, 4, 700], "append() must give the position of the last event")
    _equal([event.seq for event in read], list(range(1, 701)), "positions must count from 1 without gaps")
    _equal([event.data["n"] for event in read], list(range(700)), "events must keep their order")


def an_event_comes_back_whole(make: Make, folder: Path) -> None:
    """Kind, data, key and time are what was given; only the position is new."""
    journal = make(folder)
    data = {"run": 3, "scores": {"loss": 0.1}}
    journal.append([Event("finished", data, key="finished 3", time=1234567890.123456)])
    (read,) = journal.read()
    journal.close()
    _equal(read, Event("finished", data, key="finished 3", time=1234567890.123456, seq=1), "an event")


def a_key_counts_once(make: Make, folder: Path) -> None:
    """An event whose key is there already is dropped, from the same batch and from a later one."""
    journal = make(folder)
    first = [_keyed("a", 0), _keyed("a", 1), _keyed("", 2)]
    _equal(journal.append(first), 2, "the position after a batch with a repeated key")
    _equal(journal.append([_keyed("a", 3), _keyed("b", 4)]), 3, "the position after a batch with a known key")
    _equal(journal.append([_keyed("b", 5)]), 3, "the position after a known key alone")
    read = [(event.seq, event.data["n"]) for event in journal.read()]
    journal.close()
    _equal(read, [(1, 0), (2, 2), (3, 4)], "the first event of each key must stay")


def events_without_a_key_are_all_kept(make: Make, folder: Path) -> None:
    """An empty key limits nothing."""
    journal = make(folder)
    journal.append([_keyed("", 0), _keyed("", 0)])
    journal.append([_keyed("", 0)])
    count = len(list(journal.read()))
    journal.close()
    _equal(count, 3, "events with an empty key must all be kept")


def reading_begins_where_asked(make: Make, folder: Path) -> None:
    """read(since) gives exactly the events after that position."""
    journal = make(folder)
    journal.append(_numbered(0, 600))
    for since in (0, 1, 255, 256, 257, 599, 600, 601):
        read = [event.seq for event in journal.read(since)]
        _equal(read, list(range(since + 1, 601)), f"read({since})")
    journal.close()


def values_survive(make: Make, folder: Path) -> None:
    """Floats to the last bit, NaN, infinities, any text, big integers, nesting."""
    data: dict[str, Any] = {
        "floats": [0.1, 5e-324, 1.7976931348623157e308, -0.0],
        "special": [math.inf, -math.inf],
        "integers": [2**70, -1, 0],
        "text": ["é", "漢字", "🙂", "\ud800", "\x00", "'; DROP TABLE event;--", ""],
        "nested": {"a": [{"b": None}, [], {}], "true": True},
    }
    journal = make(folder)
    journal.append([Event("study", {**data, "nan": math.nan})])
    (read,) = journal.read()
    journal.close()
    nan = read.data.pop("nan", None)
    _equal(isinstance(nan, float) and math.isnan(nan), True, f"NaN must come back as NaN, not as {nan!r}")
    _equal(repr(read.data), repr(data), "data must come back as it was")


def an_empty_batch_is_nothing(make: Make, folder: Path) -> None:
    """append([]) adds nothing and gives the last position, 0 in an empty journal."""
    journal = make(folder)
    _equal(journal.append([]), 0, "append([]) to an empty journal")
    journal.append(_numbered(0, 2))
    _equal(journal.append([]), 2, "append([]) after two events")
    count = len(list(journal.read()))
    journal.close()
    _equal(count, 2, "append([]) must add nothing")


def a_batch_is_all_or_nothing(make: Make, folder: Path) -> None:
    """One event that cannot be written down refuses its whole batch, and the journal goes on."""
    journal = make(folder)
    journal.append(_numbered(0, 1))
    bad = [*_numbered(1, 3), Event("study", {"x": object()})]
    _refused(lambda: journal.append(bad), "a value that is not JSON")
    read = [event.data["n"] for event in journal.read()]
    _equal(read, [0], "a refused batch must leave nothing")
    _equal(journal.append(_numbered(1, 2)), 2, "the position after a refused batch")
    journal.close()


def a_big_event_fits(make: Make, folder: Path) -> None:
    """Four million characters, such as a long curve, come back whole."""
    journal = make(folder)
    journal.append([Event("finished", {"tail": "x" * 4_000_000})])
    (read,) = journal.read()
    journal.close()
    _equal(len(read.data["tail"]), 4_000_000, "the length of a big value")


def what_is_kept_cannot_be_changed(make: Make, folder: Path) -> None:
    """Neither changing the data that was given nor the data that was read changes the journal."""
    journal = make(folder)
    data = {"scores": {"loss": 1.0}}
    journal.append([Event("finished", data)])
    data["scores"]["loss"] = 2.0
    (read,) = journal.read()
    read.data["scores"]["loss"] = 3.0
    (again,) = journal.read()
    journal.close()
    _equal(again.data, {"scores": {"loss": 1.0}}, "the journal's own data")


def reading_while_writing_is_possible(make: Make, folder: Path) -> None:
    """Events appended while a reader is under way neither disturb it nor get lost."""
    journal = make(folder)
    journal.append(_numbered(0, 600))
    read = []
    for number, event in enumerate(journal.read()):
        read.append(event.data["n"])
        if number % 100 == 0 and number < 600:
            journal.append(_numbered(600 + number // 100, 601 + number // 100))
    everything = [event.data["n"] for event in journal.read()]
    journal.close()
    _equal(read[:600], list(range(600)), "a reader under way must see what was there when it began")
    _equal(everything, list(range(606)), "what was written meanwhile must be there")


def the_history_is_the_same(make: Make, folder: Path) -> None:
    """Folding what was read gives the history of the events themselves, in one go and piece by piece."""
    journal = make(folder)
    events = _study()
    for event in events:
        journal.append([event])
    space = Space(x=Float(0.0, 1.0))
    whole = fold(journal.read(), space, "min")
    pieces = History(space, "min")
    for since in range(0, len(events), 3):
        pieces.extend(event for event in journal.read(since) if event.seq <= since + 3)
    journal.close()
    expected = _state(fold(events, space, "min"))
    _equal(_state(whole), expected, "the history folded from the journal")
    _equal(_state(pieces), expected, "the history folded piece by piece")


# -- journals that can be opened anew ------------------------------------------------------------------


def everything_is_there_after_opening_anew(make: Make, folder: Path) -> None:
    """Events, positions and keys outlive close()."""
    for start in (0, 3, 6):
        journal = make(folder)
        _equal(journal.append(_numbered(start, start + 3)), start + 3, "the position after opening anew")
        journal.append([Event("study", {"n": -1}, key="n 0")])
        journal.close()
    journal = make(folder)
    read = [event.data["n"] for event in journal.read()]
    journal.close()
    _equal(read, list(range(9)), "the events after opening anew")


def an_earlier_coordinator_is_refused(make: Make, folder: Path) -> None:
    """Once another coordinator opened the journal, the earlier one's append fails and leaves nothing."""
    old = make(folder)
    old.append(_numbered(0, 1))
    new = make(folder)
    try:
        _refused(lambda: old.append(_numbered(1, 2)), "an append by a coordinator that was replaced")
        _equal(new.append(_numbered(2, 3)), 2, "the new coordinator's position")
        _refused(lambda: old.append(_numbered(3, 4)), "a second append by a coordinator that was replaced")
        _equal([event.data["n"] for event in new.read()], [0, 2], "the events of both coordinators")
    finally:
        old.close()
        new.close()


CHECKS: tuple[Check, ...] = (
    order_is_kept,
    an_event_comes_back_whole,
    a_key_counts_once,
    events_without_a_key_are_all_kept,
    reading_begins_where_asked,
    values_survive,
    an_empty_batch_is_nothing,
    a_batch_is_all_or_nothing,
    a_big_event_fits,
    what_is_kept_cannot_be_changed,
    reading_while_writing_is_possible,
    the_history_is_the_same,
)
DURABLE: tuple[Check, ...] = (everything_is_there_after_opening_anew, an_earlier_coordinator_is_refused)


def _numbered(start: int, stop: int) -> list[Event]:
    return [_keyed(f"n {n}", n) for n in range(start, stop)]


def _keyed(key: str, n: int) -> Event:
    return Event("study", {"n": n}, key=key)


def _study() -> list[Event]:
    """Two trials of two runs, one of them failed, and a call's end."""
    told: list[tuple[str, dict[str, Any]]] = [("study", {"goal": "min"})]
    for trial, x in enumerate((0.25, 0.75)):
        told.append(("proposed", {"trial": trial, "config": {"x": x}, "seen": trial}))
        for replicate in range(2):
            run = 2 * trial + replicate
            start = {"run": run, "trial": trial, "purpose": "search", "replicate": replicate, "seed": run}
            end: dict[str, Any] = {"run": run, "state": "completed", "scores": {"loss": x}, "seconds": 0.5}
            if run == 3:
                reason = {"kind": "ValueError", "message": "no", "where": "a.py:1", "tail": "…"}
                end = {"run": run, "state": "failed", "reason": reason}
            told += [("started", start), ("finished", end)]
        told.append(("judged", {"trial": trial, "state": "completed", "value": x}))
    told.append(("ended", {"why": "trials"}))
    return [Event(kind, data, key=f"{kind} {number}") for number, (kind, data) in enumerate(told)]


def _state(history: History) -> tuple[Any, ...]:
    return list(history.trials), history.runs, history.notes, history.keys, history.verdict_runs


def _equal(got: Any, expected: Any, what: str) -> None:
    if got != expected:
        raise AssertionError(f"{what}: got {_short(got)}, expected {_short(expected)}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 400 else f"{text[:200]} ... {text[-200:]}"


def _refused(call: Callable[[], Any], what: str) -> None:
    try:
        call()
    except JournalError:
        return
    raise AssertionError(f"{what} must be refused with a JournalError")
