"""The standard names of a training's hyperparameters: read, checked, and made into torch's own objects."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from truing.errors import UsageError
from truing.objective.precision import PRECISIONS

OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop")
LR_SCHEDULES = ("constant", "cosine", "linear")


@dataclass(frozen=True)
class Standard:
    """What a configuration says under the standard names, defaults where it says nothing; see `TorchTrainer`."""

    optimizer: str
    learning_rate: float
    momentum: float
    weight_decay: float
    batch_size: int
    label_smoothing: float
    lr_schedule: str
    warmup: float
    grad_clip: float
    precision: str
    channels_last: bool

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Standard:
        """Read a configuration.

        Raises:
            UsageError: a standard name with a value it cannot take.

        >>> Standard.of({"optimizer": "sgd"}).learning_rate
        0.01
        """
        optimizer = _one_of(config, "optimizer", "adamw", OPTIMIZERS)
        return cls(
            optimizer=optimizer,
            learning_rate=_number(config, "learning_rate", 1e-2 if optimizer == "sgd" else 1e-3),
            momentum=_number(config, "momentum", 0.9, below=1.0),
            weight_decay=_number(config, "weight_decay", 0.0),
            batch_size=_whole(config, "batch_size", 64),
            label_smoothing=_number(config, "label_smoothing", 0.0, below=1.0),
            lr_schedule=_one_of(config, "lr_schedule", "constant", LR_SCHEDULES),
            warmup=_number(config, "warmup", 0.0, below=1.0),
            grad_clip=0.0 if config.get("grad_clip") is None else _number(config, "grad_clip", 0.0),
            precision=_one_of(config, "precision", "float32", PRECISIONS),
            channels_last=_flag(config, "channels_last"),
        )

    def make_optimizer(self, net: Any) -> Any:
        """The optimizer of the network's parameters."""
        import torch

        weights, rate, decay = list(net.parameters()), self.learning_rate, self.weight_decay
        if self.optimizer == "sgd":
            return torch.optim.SGD(weights, lr=rate, momentum=self.momentum, weight_decay=decay)
        if self.optimizer == "rmsprop":
            return torch.optim.RMSprop(weights, lr=rate, momentum=self.momentum, weight_decay=decay)
        kind = torch.optim.Adam if self.optimizer == "adam" else torch.optim.AdamW
        return kind(weights, lr=rate, betas=(self.momentum, 0.999), weight_decay=decay)

    def make_scheduler(self, optimizer: Any, steps: int) -> Any:
        """A linear warm-up, then the schedule, to be stepped after each of so many steps."""
        import torch

        return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: self.factor(step, steps))

    def factor(self, step: int, steps: int) -> float:
        """The share of the peak learning rate at `step`, from 0.

        >>> linear = Standard.of({"lr_schedule": "linear", "warmup": 0.2})
        >>> [round(linear.factor(step, 10), 3) for step in (0, 1, 2, 6, 10)]
        [0.333, 0.667, 1.0, 0.5, 0.0]
        """
        warm = round(self.warmup * steps)
        if step < warm:
            return (step + 1) / (warm + 1)
        done = min(1.0, (step - warm) / max(1, steps - warm))
        if self.lr_schedule == "cosine":
            return 0.5 * (1 + math.cos(math.pi * done))
        return 1 - done if self.lr_schedule == "linear" else 1.0


def _number(config: Mapping[str, Any], name: str, default: float, *, below: float = math.inf) -> float:
    value = config.get(name, default)
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if not numeric or not 0 <= value < below:
        span = "of at least 0" if math.isinf(below) else f"from 0 to below {below:g}"
        raise UsageError(f"TorchTrainer reads {name} as a number {span}, got {value!r}.")
    return float(value)


def _whole(config: Mapping[str, Any], name: str, default: int) -> int:
    value = config.get(name, default)
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if not numeric or value < 1 or value != int(value):
        raise UsageError(f"TorchTrainer reads {name} as a whole number of at least 1, got {value!r}.")
    return int(value)


def _one_of(config: Mapping[str, Any], name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = config.get(name, default)
    if not isinstance(value, str) or value.lower() not in allowed:
        raise UsageError(f"TorchTrainer knows {name} as one of {', '.join(allowed)}; got {value!r}.")
    return value.lower()


def _flag(config: Mapping[str, Any], name: str) -> bool:
    value = config.get(name, False)
    if not isinstance(value, bool):
        raise UsageError(f"TorchTrainer reads {name} as True or False; got {value!r}.")
    return value
