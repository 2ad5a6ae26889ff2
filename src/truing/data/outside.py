"""Sets that are judged from outside: external ones of the same task, and negative controls that are of none.

They are set aside before the first trial, as a locked test set is; no run of a search ever gets a row of them.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np

from truing.data.data import Data
from truing.data.duplicates import duplicates
from truing.data.finding import Finding
from truing.data.lock import FEW, fits
from truing.errors import DataError, is_storable, short

EXTERNAL, NEGATIVE = "external", "negative"
LONGEST = 40  # characters of a name


@dataclass(frozen=True, eq=False)
class Outside:
    """One named set.

    Args:
        kind: "external" (same task and labels, another origin) or "negative" (inputs of none of the classes, no y).
        name: as the person calls it.
        data: its rows. Of a Dataset no item is read before the verdict, so its content is known by length and labels.
    """

    kind: str
    name: str
    data: Data

    @property
    def key(self) -> str:
        """What its files are called: the name as a file system takes it, and a checksum of it.

        >>> Outside("external", "USPS (1989)", Data(np.zeros((1, 1)), [0])).key
        'external-usps_1989-cad871b6'
        """
        plain = re.sub(r"[^a-z0-9]+", "_", self.name.lower()).strip("_")
        return f"{self.kind}-{plain or 'set'}-{zlib.crc32(self.name.encode()):08x}"

    @property
    def called(self) -> str:
        """In a sentence."""
        return f"external set {self.name}" if self.kind == EXTERNAL else f"negative control {self.name}"

    def fingerprint(self) -> str:
        """As `Data.fingerprint`."""
        return self.data.fingerprint()

    def rows(self) -> str:
        """The fingerprint of x and y alone: the same rows with groups beside them are the same rows."""
        if self.data.kind == "dataset":
            return self.fingerprint()
        return Data(self.data.x, self.data.y).fingerprint()

    def describe(self) -> str:
        """For the journal: name, rows and the beginning of the fingerprint."""
        return f"{self.name} ({len(self.data)} rows, {self.fingerprint()[:12]})"


def named_sets(kind: str, given: Any) -> tuple[Outside, ...]:
    """What `external=` or `negative=` names.

    Raises:
        DataError: no mapping from names to Data, y missing in an external set or present in a negative control.

    >>> [one.name for one in named_sets("negative", {"clothes": Data(np.zeros((2, 1)))})]
    ['clothes']
    """
    if given is None:
        return ()
    example = '{"usps": tr.Data(x, y)}' if kind == EXTERNAL else '{"clothes": tr.Data(x)}'
    if not isinstance(given, Mapping):
        raise DataError(f"{kind}= takes named sets, such as {example}, got {short(given)}.")
    found = [Outside(kind, _name(kind, name), _unread(kind, name, data)) for name, data in given.items()]
    keys = [one.key for one in found]
    if len(set(keys)) < len(keys):
        raise DataError(f"{kind}= names the same set twice: {', '.join(map(str, given))}.")
    return tuple(found)


def _name(kind: str, name: Any) -> str:
    fine = is_storable(name, LONGEST) and name.strip() == name and name.isprintable() and name and name[0] != "-"
    if not fine:
        raise DataError(
            f"{kind}= has the name {short(name)}: give a text of at most {LONGEST} characters on one line, such as "
            "'usps'."
        )
    return str(name)


def _unread(kind: str, name: Any, data: Any) -> Data:
    """The Data; one of a Dataset as a copy whose fingerprint reads no item."""
    if not isinstance(data, Data):
        raise DataError(f"{kind}[{name!r}] must be a tr.Data, got {type(data).__name__}.")
    if kind == EXTERNAL and data.y is None:
        raise DataError(
            f"{kind}[{name!r}] has no y: give tr.Data(x, y), or negative= for inputs of none of the classes."
        )
    if kind == NEGATIVE and data.y is not None:
        raise DataError(
            f"{kind}[{name!r}] has a y, but a negative control is of none of the classes: give tr.Data(x), or "
            "external= for rows that have labels of this task."
        )
    if not len(data):
        raise DataError(f"{kind}[{name!r}] has no rows.")
    if data.kind != "dataset":
        return data
    unread, digest = copy(data), hashlib.sha256(f"unread dataset {len(data)}".encode())
    for values in (data.labels, data.group_labels, data.site_labels, data.times, data.id_labels):
        digest.update(b"none" if values is None else np.ascontiguousarray(values).tobytes())
    unread.__dict__["_fingerprint"] = digest.hexdigest()
    return unread


def check(data: Data, sets: Sequence[Outside], classes: Sequence[Any] | None) -> None:
    """Whether a network trained on `data` can be asked about the sets.

    Args:
        classes: the classes of the task; None for regression.

    Raises:
        DataError: rows of another kind or shape, or no label that is a class.
    """
    for one in sets:
        fits(data, one.data, one.called, labelled=False)
        if one.kind == NEGATIVE and classes is None:
            raise DataError("negative= is for classification: a regression has no top probability to look at.")
        if one.kind == EXTERNAL and classes is not None:
            theirs = one.data.classes()
            if not set(theirs) & set(classes):
                raise DataError(
                    f"No label of the {one.called} ({_few(theirs)}) is a class of the data ({_few(list(classes))}): "
                    "give its y in the same words."
                )
        labels = one.data.labels
        if classes is None and labels is not None and labels.dtype.kind not in "fiu":
            raise DataError(f"The {one.called} needs numbers as y, got {labels.dtype}.")


def leaks(
    data: Data, parts: Mapping[str, np.ndarray], others: Mapping[str, Data], sets: Sequence[Outside]
) -> list[Finding]:
    """Rows, groups and ids of the sets that are met in another part as well; and external sets that are small.

    Args:
        parts, others: the parts of the study, as in `duplicates`, the development rows first.
    """
    if not sets:
        return []
    own = {one.called: one.data for one in sets}
    found = [
        f for f in duplicates(data, parts, {**others, **own}) if f.code == "duplicates_not_sought" or _names(f, own)
    ]
    for one in sets:
        found += _same_ids(data, parts, one)
        if one.kind == EXTERNAL and len(one.data) < FEW:
            message = (
                f"The {one.called} has only {len(one.data)} row{'s' * (len(one.data) != 1)}: its figures will have "
                f"wide intervals (under {FEW})."
            )
            found.append(Finding("small_external_set", message, len(one.data)))
    return found


def _names(finding: Finding, own: Mapping[str, Data]) -> bool:
    return any(called in finding.message for called in own)


def _same_ids(data: Data, parts: Mapping[str, np.ndarray], one: Outside) -> list[Finding]:
    mine, theirs = data.id_labels, one.data.id_labels
    if mine is None or theirs is None:
        return []
    found = []
    for part, rows in parts.items():
        known = set(mine[rows].tolist())
        shared = np.flatnonzero([value in known for value in theirs.tolist()])
        if shared.size:
            what = "One id is" if shared.size == 1 else f"{shared.size} ids are"
            message = f"{what} on both sides: in {part} and in the {one.called}."
            found.append(Finding("ids_on_both_sides", message, int(shared.size), shared.astype(np.int64)))
    return found


def _few(values: Sequence[Any]) -> str:
    return ", ".join(repr(value) for value in values[:5]) + (" ..." if len(values) > 5 else "")
