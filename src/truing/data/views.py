"""One Dataset, two views of its rows: as one trains on them, and as they are predicted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from truing.data.form import kind_of
from truing.errors import DataError

Transform = Callable[[Any], Any]


@dataclass(frozen=True, eq=False)
class Views:
    """A Dataset with what is done to x of its items for training and for evaluation; itself gives them as they are.

    Args:
        source: the Dataset.
        train, evaluate: x -> x; None = as it is.
    """

    source: Any
    train: Transform | None = None
    evaluate: Transform | None = None

    @classmethod
    def of(cls, x: Any, train: Any, evaluate: Any) -> Views:
        """The views of a Dataset.

        Raises:
            DataError: x is no Dataset, or a transform cannot be called.
        """
        if kind_of(x) != "dataset":
            raise DataError(
                f"train_transform= and eval_transform= are for a Dataset, and x is a {type(x).__name__}: "
                "transform its rows in the training function, or give a Dataset."
            )
        for name, transform in (("train_transform", train), ("eval_transform", evaluate)):
            if transform is not None and not callable(transform):
                raise DataError(f"{name}= takes a function from x to x, got {transform!r}.")
        return cls(x.source if isinstance(x, Views) else x, train, evaluate)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, row: int) -> Any:
        return self.source[row]


def source_of(x: Any) -> Any:
    """The Dataset behind its views; anything else as it is."""
    return x.source if isinstance(x, Views) else x


def transform_of(x: Any, *, training: bool) -> Transform | None:
    """What is done to the x of an item of that Dataset."""
    if not isinstance(x, Views):
        return None
    return x.train if training else x.evaluate
