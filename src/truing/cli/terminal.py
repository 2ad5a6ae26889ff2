"""What the commands print: text, or one JSON document; standard error has everything else."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from truing.errors import JournalError, TruingError

_document = 1  # the descriptor to which --json prints


@contextlib.contextmanager
def only_json() -> Iterator[None]:
    """Keep standard output for the document: what a study file or a training prints goes to standard error."""
    global _document
    sys.stdout.flush()
    kept, _document = _document, os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os.dup2(_document, 1)
        os.close(_document)
        _document = kept


def print_json(value: Any) -> None:
    from truing.verdict.verdict import without_nan

    text = json.dumps(without_nan(value), ensure_ascii=False, indent=2, allow_nan=False)
    content = memoryview((text + "\n").encode("utf-8", "replace"))
    while content:
        content = content[os.write(_document, content) :]


def say(text: str) -> None:
    print(text, file=sys.stderr)


def width() -> int:
    return max(40, shutil.get_terminal_size((80, 24)).columns) if sys.stdout.isatty() else 80


def quoted(folder: Path) -> str:
    import shlex

    return shlex.quote(str(folder))


def tell(found: Any, folder: Path, as_json: bool) -> None:
    """A verdict, and where its report is."""
    if as_json:
        print_json(found.to_dict())
        return
    print(found)
    say(f"\nReport: {folder / 'report.html'}")


@contextlib.contextmanager
def readable(folder: Path) -> Iterator[None]:
    """What a journal holds need not be what Truing writes: a stranger's is refused in a sentence, not a traceback."""
    try:
        yield
    except TruingError:
        raise
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise JournalError(
            f"The journal of {folder} holds a value that cannot be shown ({type(error).__name__}: {error}, at "
            f"{Path(place.filename).name}:{place.lineno}): put back a copy of the study's folder; if it is as Truing "
            "wrote it, please report this."
        ) from error
