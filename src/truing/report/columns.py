"""Text in terminal columns: how wide it is, cut to a width, made harmless."""

from __future__ import annotations

import unicodedata

_ASCII = str.maketrans({"·": "|", "±": "+/-", "…": "...", "×": "x", "–": "-", "—": "-", "−": "-"})


def plain(text: object) -> str:
    """`text` on one line, without control characters: a name or a message cannot move the cursor.

    >>> plain("a\\nb\\x1b[31m")
    'a b?[31m'
    """
    joined = " ".join(str(text).split())
    return "".join("?" if unicodedata.category(c) in ("Cc", "Cf", "Cs") else c for c in joined)


def many(count: int, thing: str) -> str:
    """A number of things.

    >>> many(1, "trial"), many(2, "trial")
    ('1 trial', '2 trials')
    """
    return f"{count} {thing}{'s' * (count != 1)}"


def cells(text: str) -> int:
    """How many terminal cells `text` takes: wide characters two, combining ones none.

    >>> cells("log_loss"), cells("日本"), cells("e\\u0301")
    (8, 4, 1)
    """
    return sum(_cell(c) for c in text)


def clip(text: str, width: int) -> str:
    """`text`, cut to at most `width` cells; a cut is marked with "…".

    >>> clip("learning_rate", 8)
    'learnin…'
    """
    if cells(text) <= width:
        return text
    kept, used = "", 0
    for c in text:
        if used + _cell(c) > width - 1:
            break
        kept, used = kept + c, used + _cell(c)
    return (kept + "…") if width > 0 else ""


def pad(text: str, width: int, *, right: bool = False) -> str:
    """`text` with spaces up to `width` cells; to its left where `right` is true.

    >>> pad("7", 3, right=True)
    '  7'
    """
    space = " " * max(0, width - cells(text))
    return space + text if right else text + space


def ascii_only(text: str) -> str:
    """`text` for a stream that cannot encode it.

    >>> ascii_only("0.07 ± 0.01 · …")
    '0.07 +/- 0.01 | ...'
    """
    return text.translate(_ASCII).encode("ascii", "replace").decode("ascii")


def _cell(c: str) -> int:
    if unicodedata.combining(c):
        return 0
    return 2 if unicodedata.east_asian_width(c) in ("W", "F") else 1
