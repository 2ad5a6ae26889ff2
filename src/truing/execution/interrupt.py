"""Ctrl-C: once asks to finish what runs, twice asks to stop now."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Interrupted(KeyboardInterrupt):
    """The person's Ctrl-C, unlike a KeyboardInterrupt that a training function raises itself."""


@contextmanager
def counted(say: Callable[[int], None], *, raise_second: bool) -> Iterator[Callable[[], int]]:
    """Count Ctrl-C instead of raising; outside the main thread signals cannot be caught and nothing is counted.

    The third press raises in any case: whoever presses three times wants out, whatever hangs.

    Args:
        say: told the count at every press.
        raise_second: raise `Interrupted` from the second on, into a training in this very thread.
    """
    count = 0

    def handle(number: int, frame: Any) -> None:
        nonlocal count
        count += 1
        with suppress(RuntimeError):  # the signal came in the middle of a line that is being written
            say(count)
        if count > 2 or (count > 1 and raise_second):
            raise Interrupted

    if threading.current_thread() is not threading.main_thread():
        yield lambda: 0
        return
    before = signal.signal(signal.SIGINT, handle)
    try:
        yield lambda: count
    finally:
        # None: it was installed by a program that embeds Python, and cannot be put back from here
        signal.signal(signal.SIGINT, before if before is not None else signal.SIG_DFL)
