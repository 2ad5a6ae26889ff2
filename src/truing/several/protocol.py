"""The protocol of a study over several datasets: each dataset's own, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PerDataset:
    """Each dataset is divided by a protocol of its own; a replicate is dataset x split x seed.

    Args:
        of: name -> the dataset's protocol.
        aggregate: "mean" or "worst", of the gains on the datasets.
    """

    of: Mapping[str, Any]
    aggregate: str

    @property
    def spread(self) -> float:
        """0: figures over all datasets are made from theirs, and never from a pool of all runs."""
        return 0.0

    @property
    def fixed(self) -> bool:
        """True when a dataset's fresh runs differ in their seeds alone: its splits are kept, or they share one."""
        return any(getattr(one, "fixed", False) or one.spread == 0 for one in self.of.values())

    def describe(self) -> str:
        """In words.

        >>> from truing.validation.kfold import KFold
        >>> PerDataset({"a": KFold(5), "b": KFold(5)}, "mean").describe()
        '5-fold on each of 2 datasets'
        """
        said = {name: _in_words(one) for name, one in self.of.items()}
        if len(set(said.values())) == 1:
            return f"{next(iter(said.values()))} on each of {len(said)} datasets"
        return ", ".join(f"{text} on {name}" for name, text in said.items())

    def to_dict(self) -> dict[str, Any]:
        """As plain values for the journal."""
        return {"name": "several", "of": {name: _plain(one) for name, one in self.of.items()}}


def _in_words(protocol: Any) -> str:
    return str(protocol.describe()) if hasattr(protocol, "describe") else type(protocol).__name__


def _plain(protocol: Any) -> Any:
    return dict(protocol.to_dict()) if hasattr(protocol, "to_dict") else type(protocol).__name__
