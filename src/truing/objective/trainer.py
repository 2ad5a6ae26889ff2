"""`TorchTrainer(build)`: the ready objective for a function that builds a torch module."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from truing.errors import UsageError

OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop")
LR_SCHEDULES = ("constant", "cosine", "linear")


@dataclass(frozen=True)
class TorchTrainer:
    """Trains `build(config)` by mini-batches and reports after every epoch; returns predict for rows it has not seen.

    It reads these names from the configuration and takes the default for those that are absent:

    | name            | default    | meaning                                                                     |
    |-----------------|------------|-----------------------------------------------------------------------------|
    | optimizer       | "adamw"    | "sgd", "adam", "adamw" or "rmsprop"                                         |
    | learning_rate   | 1e-3 (1e-2 for sgd) | the peak, after the warm-up                                        |
    | momentum        | 0.9        | of sgd and rmsprop; beta1 of adam and adamw                                 |
    | weight_decay    | 0.0        | as the optimizer defines it: decoupled in adamw, an L2 term in the others   |
    | batch_size      | 64         | rows                                                                        |
    | label_smoothing | 0.0        | in [0, 1), classification only                                              |
    | lr_schedule     | "constant" | "constant", "cosine" or "linear", to zero at the last step                  |
    | warmup          | 0.0        | share of all steps in which the learning rate rises linearly                |
    | grad_clip       | 0.0        | largest norm of the gradient; 0 or None = no clipping                       |

    Args:
        build: configuration -> torch.nn.Module. Outputs: logits (n, classes), or (n,) / (n, 1) for a binary task and
            for regression. Every other parameter of the space is for `build` to read.
        epochs: used where the study sets none.
        loss: (outputs, targets) -> scalar tensor; default cross-entropy, binary cross-entropy with logits, or mean
            squared error. Targets are int64 class codes or float32 values.

    The delivered network is kept in FOLDER/model/ as `state_dict.pt` (read it with
    `torch.load(..., weights_only=True)`) and `config.json`.

    Raises:
        UsageError: a standard name with a value it cannot take.

    >>> TorchTrainer(build=lambda config: None).epochs
    20
    """

    build: Callable[[Any], Any]
    epochs: int = 20
    loss: Callable[[Any, Any], Any] | None = None

    def __call__(self, run: Any) -> Callable[[Any], np.ndarray]:
        import torch

        device = torch.device(run.device)
        config = run.config
        net = self.build(config)
        if not isinstance(net, torch.nn.Module):
            raise UsageError(f"build(config) must return a torch.nn.Module, got {type(net).__name__}.")
        net.to(device)
        classes = run.classes
        codes = {label: code for code, label in enumerate(classes)} if classes is not None else None
        batch_size = int(_number(config, "batch_size", 64, low=1))
        generator = torch.Generator().manual_seed(run.seed)
        batches = _Batches(run.train, codes, batch_size, generator, device)
        total = run_epochs = 0
        optimizer: Any = None
        scheduler: Any = None
        clip = config.get("grad_clip") or 0.0
        loss_of = self.loss or _default_loss(classes, _number(config, "label_smoothing", 0.0, low=0.0))
        for epoch in run.epochs(self.epochs):
            if optimizer is None:  # lazy modules have their parameters only after a first pass
                _materialise(net, batches)
                run_epochs = run.asked_epochs
                total = run_epochs * len(batches)
                optimizer = _optimizer(config, net)
                scheduler = _scheduler(config, optimizer, total)
            net.train()
            for x, y in batches:
                optimizer.zero_grad(set_to_none=True)
                loss = loss_of(net(x), y)
                loss.backward()
                if clip:
                    torch.nn.utils.clip_grad_norm_(net.parameters(), float(clip))
                optimizer.step()
                scheduler.step()
            run.report(_outputs(net, run.valid, classes, device), epoch=epoch)
        buffer = io.BytesIO()
        torch.save({name: value.cpu() for name, value in net.state_dict().items()}, buffer)
        run.keep("state_dict.pt", buffer.getvalue())
        kept = {"config": dict(config), "classes": classes, "epochs": run_epochs, "seed": run.seed}
        run.keep("config.json", json.dumps(kept, indent=2, default=str).encode())
        return lambda x: _predict(net, x, classes, device)


class _Batches:
    """Shuffled mini-batches of (inputs, targets) on the device, a new order every epoch."""

    def __init__(self, rows: Any, codes: dict[Any, int] | None, size: int, generator: Any, device: Any) -> None:
        import torch

        labels = rows.labels
        if labels is None:
            raise UsageError("TorchTrainer needs labels: give Data(x, y).")
        if codes is not None:
            targets = np.fromiter((codes[label] for label in labels.tolist()), dtype=np.int64, count=len(labels))
        else:
            targets = np.asarray(labels, dtype=np.float32)
        self._targets = torch.as_tensor(targets).to(device)
        self._size, self._generator, self._device = size, generator, device
        self._dataset = rows.dataset() if rows.data.kind == "dataset" else None
        self._x = None if self._dataset is not None else _floats(rows.x).to(device)

    def __len__(self) -> int:
        return max(1, math.ceil(len(self._targets) / self._size))

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        import torch

        order = torch.randperm(len(self._targets), generator=self._generator)
        for start in range(0, len(order), self._size):
            chosen = order[start : start + self._size]
            # a last batch of one row breaks batch normalisation; its row comes again next epoch
            if len(chosen) == 1 and len(order) > 1:
                return
            yield self._inputs(chosen), self._targets[chosen.to(self._device)]

    def _inputs(self, chosen: Any) -> Any:
        if self._x is not None:
            return self._x[chosen.to(self._device)]
        return _stack([self._dataset[i] for i in chosen.tolist()]).to(self._device)  # type: ignore[index]

    def first(self) -> Any:
        import torch

        return self._inputs(torch.arange(min(2, len(self._targets))))


def _stack(items: list[Any]) -> Any:
    from torch.utils.data import default_collate

    return _floats(default_collate([item[0] if isinstance(item, tuple | list) else item for item in items]))


def _floats(x: Any) -> Any:
    """Inputs as a tensor; float64 becomes float32, whole numbers stay for embeddings, bytes become [0, 1]."""
    import torch

    tensor = torch.as_tensor(x)
    if tensor.dtype is torch.float64:
        return tensor.float()
    return tensor.float() / 255 if tensor.dtype is torch.uint8 else tensor


def _materialise(net: Any, batches: _Batches) -> None:
    import torch

    lazy = torch.nn.parameter.UninitializedParameter
    if any(isinstance(parameter, lazy) for parameter in net.parameters()):
        with torch.no_grad():
            net.eval()(batches.first())


def _optimizer(config: Any, net: Any) -> Any:
    import torch

    name = _one_of(config, "optimizer", "adamw", OPTIMIZERS)
    rate = _number(config, "learning_rate", 1e-2 if name == "sgd" else 1e-3, low=0.0)
    momentum = _number(config, "momentum", 0.9, low=0.0)
    decay = _number(config, "weight_decay", 0.0, low=0.0)
    weights = list(net.parameters())
    if name == "sgd":
        return torch.optim.SGD(weights, lr=rate, momentum=momentum, weight_decay=decay)
    if name == "rmsprop":
        return torch.optim.RMSprop(weights, lr=rate, momentum=momentum, weight_decay=decay)
    kind = torch.optim.Adam if name == "adam" else torch.optim.AdamW
    return kind(weights, lr=rate, betas=(momentum, 0.999), weight_decay=decay)


def _scheduler(config: Any, optimizer: Any, total: int) -> Any:
    import torch

    shape = _one_of(config, "lr_schedule", "constant", LR_SCHEDULES)
    share = _number(config, "warmup", 0.0, low=0.0)
    if share >= 1:
        raise UsageError(f"warmup is the share of all steps and must be below 1, got {share}.")
    warm = round(share * total)

    def factor(step: int) -> float:
        if step < warm:
            return (step + 1) / (warm + 1)
        done = (step - warm) / max(1, total - warm)
        if shape == "cosine":
            return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
        return max(0.0, 1 - done) if shape == "linear" else 1.0

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


def _default_loss(classes: list[Any] | None, smoothing: float) -> Callable[[Any, Any], Any]:
    from torch.nn import functional as F

    def loss(outputs: Any, targets: Any) -> Any:
        flat = outputs.ndim == 1 or outputs.shape[-1] == 1
        if classes is None:
            return F.mse_loss(outputs.reshape(-1), targets)
        if flat:
            goal = targets.float() * (1 - smoothing) + smoothing / 2
            return F.binary_cross_entropy_with_logits(outputs.reshape(-1), goal)
        return F.cross_entropy(outputs, targets, label_smoothing=smoothing)

    return loss


def _outputs(net: Any, rows: Any, classes: list[Any] | None, device: Any) -> np.ndarray | None:
    return _predict(net, rows.dataset() if rows.data.kind == "dataset" else rows.x, classes, device)


def _predict(net: Any, x: Any, classes: list[Any] | None, device: Any, size: int = 1024) -> np.ndarray:
    """Probabilities (n, classes), or values (n,), in evaluation mode."""
    import torch

    indexed = not hasattr(x, "shape")
    found = []
    with torch.no_grad():
        net.eval()
        for start in range(0, len(x), size):
            stop = min(start + size, len(x))
            inputs = _stack([x[i] for i in range(start, stop)]) if indexed else _floats(x[start:stop])
            out = net(inputs.to(device)).float()
            if classes is None:
                out = out.reshape(-1)
            elif out.ndim == 1 or out.shape[-1] == 1:
                out = torch.sigmoid(out.reshape(-1))
            else:
                out = torch.softmax(out, dim=1)
            found.append(out.cpu().numpy())
    return np.concatenate(found)


def _number(config: Any, name: str, default: float, *, low: float) -> float:
    value = config.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < low:
        raise UsageError(f"TorchTrainer reads {name} as a number of at least {low:g}, got {value!r}.")
    return float(value)


def _one_of(config: Any, name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = str(config.get(name, default)).lower()
    if value not in allowed:
        raise UsageError(f"TorchTrainer knows {name} as one of {', '.join(allowed)}; got {value!r}.")
    return value
