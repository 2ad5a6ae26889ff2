"""How a training is run, without changing what is trained: threads, runs, precision, memory order, loaders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Setting:
    """One way to run a training.

    Args:
        threads: cores that one training computes with.
        runs: trainings side by side.
        precision: "float32", "bfloat16", "float16" or "tf32".
        channels_last: the channels of a pixel lie next to each other in memory.
        num_workers: processes that read and prepare batches for one training; 0 = it does so itself.
    """

    threads: int = 1
    runs: int = 1
    precision: str = "float32"
    channels_last: bool = False
    num_workers: int = 0

    @property
    def arithmetic(self) -> Setting:
        """What of it changes the numbers of a training: not who works beside it, and not who reads its rows.

        >>> Setting(1, 2).arithmetic == Setting().arithmetic
        True
        """
        return Setting(self.threads, 1, self.precision, self.channels_last)

    @property
    def cores(self) -> int:
        return self.threads * self.runs

    def __str__(self) -> str:
        parts = [f"{self.runs} run{'s' * (self.runs > 1)}", f"{self.threads} thread{'s' * (self.threads > 1)}"]
        parts += [self.precision, *(["channels last"] if self.channels_last else [])]
        parts += [f"{self.num_workers} loader{'s' * (self.num_workers > 1)}"] if self.num_workers else []
        return ", ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


REFERENCE = Setting()


def grid(
    cores: int,
    *,
    images: bool = False,
    dataset: bool = False,
    precisions: Sequence[str] = ("float32", "bfloat16"),
    on_gpu: bool = False,
    most: int = 8,
) -> list[Setting]:
    """Every setting worth a look; the reference comes first.

    Args:
        cores: that may be used.
        images: the network has convolutions over rows of (channels, height, width).
        dataset: the rows are read one by one, so that loading processes can help.
        precisions: that the device has.
        on_gpu: one run at a time, on one thread: the GPU computes.
        most: runs at a time, for each is a process with its memory.

    >>> [str(one) for one in grid(2, precisions=["float32"])]
    ['1 run, 1 thread, float32', '1 run, 2 threads, float32', '2 runs, 1 thread, float32']
    >>> len(grid(2, images=True)), len(grid(2, images=True, dataset=True))
    (12, 36)
    """
    sides = [(1, 1)] if on_gpu else [(r, t) for r in _steps(min(cores, most)) for t in _steps(cores // r)]
    orders = [False, True] if images else [False]
    loaders = [0, *_steps(min(cores, most))] if dataset else [0]
    return [Setting(t, r, p, c, w) for r, t in sides for p in precisions for c in orders for w in loaders]


def _steps(most: int) -> list[int]:
    """1, 2, 4 ... and the most itself.

    >>> _steps(6)
    [1, 2, 4, 6]
    """
    found = [1]
    while found[-1] * 2 <= most:
        found.append(found[-1] * 2)
    return found if found[-1] == most else [*found, most]
