"""The checksum of a file, so that a damaged one is not taken for whole."""

from __future__ import annotations

import zlib
from pathlib import Path

BITE = 1 << 20


def crc_of(path: Path) -> int:
    """CRC-32 of a file's bytes, read in bites.

    Raises:
        OSError: it cannot be read.
    """
    found = 0
    with path.open("rb") as file:
        while bite := file.read(BITE):
            found = zlib.crc32(bite, found)
    return found
