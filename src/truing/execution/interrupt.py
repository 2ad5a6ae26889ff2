"""Ctrl-C: once asks to finish what runs, twice asks to stop now."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def counted(say: Callable[[int], None], *, raise_second: bool) -> Iterator[Callable[[], int]]:
    """Count Ctrl-C instead of raising; outside the main thread signals cannot be caught and nothing is counted.

    Args:
        say: told the count at every press.
        raise_second: raise KeyboardInterrupt from the second on, into a training in this very thread.
    """
    count = 0

    def handle(number: int, frame: Any) -> None:
        nonlocal count
        count += 1
        say(count)
        if count > 1 and raise_second:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield lambda: 0
        return
    before = signal.signal(signal.SIGINT, handle)
    try:
        yield lambda: count
    finally:
        signal.signal(signal.SIGINT, before)
