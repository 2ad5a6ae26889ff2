"""Every error Truing raises on purpose, with the exit code the command line gives it.

    TruingError
    ├── UsageError            2   the call or the command is wrong
    │   ├── ArgumentError         an argument that a call does not have
    │   ├── SpaceError            a space or a configuration
    │   ├── DataError             data, rows, splits
    │   ├── MetricError           a metric or its input
    │   └── ChangedStudyError     the folder holds another study
    ├── PredictionError       1   what an objective reported
    ├── ObjectiveError        1   the objective failed before the search began
    ├── StudyFailedError      1   no trial completed, or failures stopped the study
    ├── FolderInUseError      3   another coordinator holds the folder
    └── JournalError         74   input or output

A message is one sentence: what is wrong, what was given, what to do.
"""

from __future__ import annotations

import os
import sysconfig
import traceback
from collections.abc import Iterable

_OTHERS = tuple(
    os.path.realpath(folder) + os.sep
    for folder in (os.path.dirname(__file__), *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")))
)


class TruingError(Exception):
    """Base of all errors Truing raises on purpose."""

    exit_code = 1

    @property
    def kind(self) -> str:
        """The name under which `--json` prints the error."""
        return type(self).__name__

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the person's own lines and the sentence, without the library's frames between."""
        frames = [frame for frame in traceback.extract_tb(self.__traceback__) if _is_persons(frame.filename)]
        head = ["Traceback (most recent call last):", *(line.rstrip() for line in traceback.format_list(frames))]
        return [*(head if frames else []), f"{self.kind}: {self}"]


class UsageError(TruingError, ValueError):
    """A call or a command that cannot be carried out as given."""

    exit_code = 2


class ArgumentError(UsageError, TypeError):
    """An argument that a call does not have, or lacks."""


class SpaceError(UsageError):
    """A space or a configuration that breaks a rule; several findings are reported at once."""


class DataError(UsageError):
    """Data, rows or splits that cannot be used as given."""


class MetricError(UsageError):
    """A metric that does not exist or does not fit the task."""


class ChangedStudyError(UsageError):
    """The folder holds results of a study that differs from this one."""


class PredictionError(TruingError, ValueError):
    """Predictions or numbers that an objective reported and that cannot be scored."""


class ObjectiveError(TruingError):
    """The objective failed in the rehearsal; the text carries the objective's own traceback."""


class StudyFailedError(TruingError):
    """No trial completed, or repeated failures stopped the study."""


class FolderInUseError(TruingError):
    """Another coordinator is at work in this folder."""

    exit_code = 3


class JournalError(TruingError, OSError):
    """The journal cannot be read or written."""

    exit_code = 74


def _is_persons(filename: str) -> bool:
    return not filename.startswith("<frozen") and not os.path.realpath(filename).startswith(_OTHERS)


def listed(findings: Iterable[str], error: type[TruingError]) -> None:
    """Raise `error` with all `findings`, one a line; do nothing when there are none.

    >>> listed([], SpaceError)
    """
    found = list(findings)
    if found:
        raise error("\n".join(found))


def short(value: object, size: int = 120) -> str:
    """`repr` of what was given, cut where it is long: a sentence is to be read.

    >>> short("x" * 1000, size=12)
    "'xxxxx ... (1002 characters)"
    """
    try:
        text = repr(value)
    except Exception:
        text = f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= size else f"{text[: size // 2]} ... ({len(text)} characters)"


def is_storable(text: object, longest: int = 10_000) -> bool:
    """True for a text that a file, a terminal and a page can take: no half of a surrogate pair, no NUL, not endless.

    >>> is_storable("é"), is_storable("\\ud800"), is_storable("a" * 20_000), is_storable(3)
    (True, False, False, False)
    """
    if not isinstance(text, str) or len(text) > longest or "\0" in text:
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
