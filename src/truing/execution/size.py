"""Sizes of memory, as people write them and as they read them."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from truing.errors import UsageError

LEAST = 1_000_000  # bytes; less is a number without its unit
_WRITTEN = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([kmgt])(i?)b?\s*", re.IGNORECASE)


def bytes_of(value: Any, name: str) -> int:
    """The bytes that "4GB", "500MB" or "1.5 GiB" means; a whole number is one of bytes.

    KB, MB, GB, TB count by 1000, as disks and networks do; KiB, MiB, GiB, TiB by 1024.

    Raises:
        UsageError: it is no size, or less than a megabyte, which no process can live on.

    >>> bytes_of("4GB", "run_memory"), bytes_of("1.5 GiB", "run_memory"), bytes_of(2**30, "run_memory")
    (4000000000, 1610612736, 1073741824)
    """
    found: float | None = None
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        found = int(value)
    elif isinstance(value, str) and (written := _WRITTEN.fullmatch(value)) is not None:
        number, letter, binary = written.groups()
        found = float(number) * (1024 if binary else 1000) ** ("kmgt".index(letter.lower()) + 1)
    if found is None:
        shown = repr(value) if len(repr(value)) <= 60 else type(value).__name__
        raise UsageError(
            f'{name} takes a size such as "4GB", "500MB" or "1.5 GiB", or a whole number of bytes, got {shown}.'
        )
    if found < LEAST:
        raise UsageError(f'{name}={value!r} is less than a megabyte; write the unit, such as {name}="4GB".')
    return round(found)


def in_words(size: float) -> str:
    """Bytes for people.

    >>> in_words(4_000_000_000), in_words(1610612736), in_words(512)
    ('4 GB', '1.61 GB', '512 bytes')
    """
    for factor, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= factor:
            return f"{size / factor:.3g} {unit}" if size < 999.5 * factor else f"{size / factor:.0f} {unit}"
    return f"{size:.0f} bytes"
