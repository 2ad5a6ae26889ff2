"""Compute a text in a throw-away fork, so that this process stays as it was."""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable

from truing.execution.forking import fork


def aside(compute: Callable[[], str]) -> str:
    """What `compute` returns, computed in a fork.

    A Dataset often opens its file at the first row it is asked for; opened in the fork server, that file and its
    position would be shared by all runs.

    Raises:
        LookupError: it raised, or its process died; the text says how.

    >>> aside(lambda: "a" * 3)
    'aaa'
    """
    reading, writing = os.pipe()
    pid = fork()
    if pid == 0:
        try:
            os.close(reading)
            signal.set_wakeup_fd(-1)
            try:
                answer = "=" + compute()
            except BaseException as error:
                answer = "!" + "".join(traceback.format_exception_only(error)).strip()
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(answer.encode("utf-8", "replace"))
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read().decode("utf-8", "replace")
    os.waitpid(pid, 0)
    if not answer.startswith("="):
        raise LookupError(answer[1:] or "the process died")
    return answer[1:]
