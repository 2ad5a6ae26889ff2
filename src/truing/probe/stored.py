"""A finding of `runtime` that was kept: what it recommends, and whether it was made on such a machine as this."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from truing.errors import UsageError
from truing.probe.machine import Machine
from truing.probe.settings import Setting


@dataclass(frozen=True)
class Stored:
    """What `Runtime.save` kept.

    Args:
        document: all of it.
        elsewhere: how the machine it was timed on differs from this one; empty = it is alike.
    """

    document: Mapping[str, Any]
    elsewhere: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return {**self.document, "elsewhere": list(self.elsewhere)}

    def __str__(self) -> str:
        kept = self.document["recommended"]
        setting = Setting(**{name: kept[name] for name in Setting.__dataclass_fields__})
        head = f"{self.document['name']}, timed on {self.document['day']}: {setting}."
        warning = f"Timed on another machine ({'; '.join(self.elsewhere)}): time it again here.\n\n"
        return f"{head}\n\n{warning if self.elsewhere else ''}{self.document['code']}"


def read(path: str | Path, here: Machine | None = None) -> Stored:
    """Read what was kept, beside this machine.

    Args:
        here: the machine to compare with; None = this one.

    Raises:
        UsageError: the file is not there, or holds something else.
    """
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        there = Machine.of(document["machine"])
        here = here or Machine.here(there.gpu)
        found = Stored(document, tuple(there.other_than(here)))
        str(found)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} holds nothing that `truing runtime --save` kept ({type(error).__name__}).") from error
    return found
