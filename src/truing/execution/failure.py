"""What went wrong with a run: a state, and a reason in words that can be printed and stored."""

from __future__ import annotations

import errno
import os
import traceback
from pathlib import Path

from truing.errors import TruingError
from truing.record.run import DivergedError
from truing.record.source import is_users_file
from truing.record.state import State
from truing.record.trial import Reason

OWN = str(Path(__file__).parents[1]) + os.sep
TAIL_LINES = 20
TAIL_BYTES = 16_384
_OUT_OF_MEMORY = (  # torch on the CPU and on accelerators, CUDA's libraries, JAX, a data loader's worker
    "can't allocate memory",
    "out of memory",
    "alloc_failed",
    "resource_exhausted",
    "out of shared memory",
)


def state_of(error: BaseException) -> State:
    """The state of a run whose objective raised `error`.

    >>> str(state_of(MemoryError())), str(state_of(SystemExit(3)))
    ('out_of_memory', 'failed')
    """
    if isinstance(error, DivergedError) or type(error).__name__ == "NotFinite":
        return State.DIVERGED
    if isinstance(error, MemoryError) or type(error).__name__ in ("OutOfMemoryError", "ResourceExhaustedError"):
        return State.OUT_OF_MEMORY
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return State.OUT_OF_MEMORY
    if isinstance(error, RuntimeError) and any(words in _text(error).casefold() for words in _OUT_OF_MEMORY):
        return State.OUT_OF_MEMORY
    return State.FAILED


def failure(error: BaseException) -> Reason:
    """What went wrong, with the traceback from the user's own first line on.

    Where Truing refuses what it was given, the traceback ends at the user's call: the sentence says what is wrong, and
    lines of Truing between the two would only hide it.
    """
    frames = traceback.extract_tb(error.__traceback__)
    while isinstance(error, TruingError) and frames and _own(frames[-1]):
        del frames[-1]
    users = [frame for frame in frames if is_users_file(frame.filename)]
    where = f"{Path(users[-1].filename).name}:{users[-1].lineno}" if users else ""
    while frames and not is_users_file(frames[0].filename):
        del frames[0]
    lines = ["Traceback (most recent call last):\n", *traceback.format_list(frames)] if frames else []
    lines.append(f"{type(error).__name__}: {_text(error)}")
    return Reason(_printable(type(error).__name__), _text(error)[:2000], _printable(where), _last("".join(lines)))


def tail(path: Path, lines: int = TAIL_LINES) -> str:
    """The last lines of a run's output; empty where there is none."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:  # it may be a stranger's
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def _own(frame: traceback.FrameSummary) -> bool:
    """A line of Truing, or of the `__init__` that a dataclass was given, which has no file."""
    return frame.filename.startswith(OWN) or (frame.filename, frame.name) == ("<string>", "__init__")


def _text(error: BaseException) -> str:
    try:
        return _printable(str(error))
    except BaseException:  # an exception whose __str__ raises, whatever it raises, is the user's too
        return "(its text cannot be read)"


def _printable(text: str) -> str:
    """Without halves of surrogate pairs, which no terminal and no file takes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _last(text: str, size: int = 8000) -> str:
    text = _printable(text)
    return text if len(text) <= size else "..." + text[-size:]
