"""The code a study is made of: its function, what is done to the items of a Dataset, the objects of its space."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from truing.data.data import Data
from truing.record.source import Source, source_of, sources_of

Read = tuple[Source, dict[str, dict[str, Source]]]  # of the function, and of each labelled object by parameter, label


class Code:
    """Reads the source of the function and of the labelled objects whenever asked.

    Args:
        data: the rows, the test set, the sets from outside; what is no Data has no code.
        labelled: of the space: the objects by parameter and label.
    """

    def __init__(self, data: Sequence[Any], labelled: Mapping[str, Mapping[Any, Any]]) -> None:
        self._data, self._labelled = data, labelled
        self._began: Read = (Source(), {})  # as a session began, and as it ended
        self._left = self._began

    def sources(self, objective: Any) -> Read:
        """What the function and the labelled objects are. What a training in this process did to them is no change."""
        now = self._read(objective)
        return self._began if now == self._left else now

    def identity(self, objective: Any) -> str | None:
        """Of the function and of the objects it may get; None where the function's source cannot be read."""
        source, objects = self.sources(objective)
        if source.identity is None or not objects:
            return source.identity
        parts = repr({name: {k: dict(v.parts) for k, v in found.items()} for name, found in objects.items()})
        return hashlib.sha256(f"{source.identity} {parts}".encode("utf-8", "backslashreplace")).hexdigest()

    def trained(self, objective: Any, began: Read) -> None:
        """A session that began with these sources has ended: what they are now is what it made of them."""
        self._began, self._left = began, self._read(objective)

    def _read(self, objective: Any) -> Read:
        return source_of(self._kept(objective)), sources_of(self._labelled)

    def _kept(self, objective: Any) -> Any:
        """What has to stay as it is."""
        transforms = [
            part
            for data in self._data
            if isinstance(data, Data)
            for part in (data.train_transform, data.eval_transform)
            if part is not None
        ]
        return partial(objective, *transforms) if transforms else objective
