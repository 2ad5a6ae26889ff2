"""`TorchTrainer(build)`: the ready objective for a function that builds a torch module."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from truing.errors import UsageError
from truing.objective.batches import Batches, as_array, as_floats, stacked
from truing.objective.precision import Precision, ordered
from truing.objective.standard import Standard


@dataclass(frozen=True)
class TorchTrainer:
    """Trains `build(config)` by mini-batches and reports after every epoch; returns predict for rows it has not seen.

    It reads these names from the configuration and takes the default for those that are absent:

    | name            | default    | meaning                                                                     |
    |-----------------|------------|-----------------------------------------------------------------------------|
    | optimizer       | "adamw"    | "sgd", "adam", "adamw" or "rmsprop"                                         |
    | learning_rate   | 1e-3 (1e-2 for sgd) | the peak, after the warm-up                                        |
    | momentum        | 0.9        | in [0, 1): of sgd and rmsprop; beta1 of adam and adamw                      |
    | weight_decay    | 0.0        | as the optimizer defines it: decoupled in adamw, an L2 term in the others   |
    | batch_size      | 64         | rows; a last batch of a single row is left out of its epoch                 |
    | label_smoothing | 0.0        | in [0, 1), of the default loss of classes                                   |
    | lr_schedule     | "constant" | "constant", "cosine" or "linear", down to zero after the last step          |
    | warmup          | 0.0        | in [0, 1): share of all steps in which the learning rate rises linearly     |
    | grad_clip       | 0.0        | largest norm of the gradient; 0 or None = no clipping                       |
    | precision       | "float32"  | of training passes: "float32", "tf32", "bfloat16" or "float16"              |
    | channels_last   | False      | the channels of a pixel lie together in memory                              |

    The last two are how it is run and not what is trained; `truing runtime` finds them. Predictions are in float32.

    Inputs: float64 becomes float32 and uint8 is divided by 255; other whole numbers stay as they are (for embeddings).
    A frame, list or sparse matrix of numbers becomes one array. Nothing else is scaled, inputs and targets alike. A
    torch Dataset gives (x, y) or x; y is taken from the Data.

    Args:
        build: configuration -> torch.nn.Module. Outputs: logits (n, classes), or (n,) / (n, 1) for a binary task and
            for regression. Every other parameter of the space is for `build` to read. With an argument named `classes`
            it is called as build(config, classes=run.classes), which differ where a study has several datasets;
            torch.nn.LazyLinear takes as many columns as each has.
        epochs: used where the study sets none.
        loss: (outputs, targets) -> scalar tensor; default cross-entropy, binary cross-entropy with logits, or mean
            squared error. Targets are int64 class codes or float32 values.

    Each report says how many trainable `parameters` the network has, and the last one the score on the training rows.

    The delivered network is kept in FOLDER/model/ as `state_dict.pt` (read it with
    `torch.load(..., weights_only=True)`), `config.json` (the configuration, for `build`) and `training.json` (classes
    in the order of the outputs, epochs, seed).

    Raises:
        UsageError: PyTorch is not installed, a standard name with a value it cannot take, or a network whose outputs do
            not fit the task.

    >>> TorchTrainer(build=lambda config: None).epochs
    20
    """

    build: Callable[[Any], Any]
    epochs: int = 20
    loss: Callable[[Any, Any], Any] | None = None

    def __post_init__(self) -> None:
        if not _torch_is_installed():
            raise UsageError(
                "TorchTrainer needs PyTorch, which is not installed: install Truing with its torch extra, "
                "or report from a function of your own."
            )

    def __call__(self, run: Any) -> Callable[[Any], np.ndarray]:
        import torch

        device, classes, standard = torch.device(run.device), run.classes, Standard.of(run.config)
        net = self._built(run.config, classes)
        if not isinstance(net, torch.nn.Module):
            raise UsageError(f"build(config) must return a torch.nn.Module, got {type(net).__name__}.")
        net.to(device)
        precision = Precision(standard.precision, device)
        batches = Batches(run.train, classes, standard.batch_size, run.seed, device)
        loss_of = self.loss or _default_loss(classes, standard.label_smoothing)
        optimizer: Any = None
        scheduler: Any = None
        for epoch in run.epochs(self.epochs if run.max_epochs is None else None):
            if optimizer is None:
                _materialise(net, batches)
                if standard.channels_last:
                    net.to(memory_format=torch.channels_last)
                optimizer = standard.make_optimizer(net)
                scheduler = standard.make_scheduler(optimizer, run.asked_epochs * len(batches))
            net.train()
            for x, y in batches:
                optimizer.zero_grad(set_to_none=True)
                out = precision.outputs(net, ordered(x, standard.channels_last))
                precision.update(loss_of(_checked(out, len(y), classes), y), net, optimizer, standard.grad_clip)
                scheduler.step()
            valid = run.valid.dataset() if run.valid.kind == "dataset" else run.valid.x
            # On the training rows at the end only: what the figure of the gap needs, for one pass over them.
            last = epoch == run.asked_epochs
            rows = run.train.dataset() if run.train.kind == "dataset" else run.train.x
            run.report(
                _predict(net, valid, classes, device),
                train=_predict(net, rows, classes, device) if last else None,
                epoch=epoch,
                parameters=sum(p.numel() for p in net.parameters() if p.requires_grad),
            )
        _keep(run, net)
        return lambda x: _predict(net, x, classes, device)

    def _built(self, config: Any, classes: list[Any] | None) -> Any:
        """The module, of as many outputs as there are classes where `build` wants to know."""
        try:
            asks = "classes" in signature(self.build).parameters
        except (TypeError, ValueError):  # something built in, which has no signature
            asks = False
        build: Callable[..., Any] = self.build
        return build(config, classes=classes) if asks else build(config)

    def restore(self, model: Path, config: Any, classes: list[Any] | None) -> Callable[[Any], np.ndarray]:
        """The predict function of a network that was delivered, on the CPU.

        Args:
            model: FOLDER/model of the study.
            config: the selected configuration, for `build`.
            classes: in the order of the outputs; None for regression.

        Raises:
            UsageError: nothing was kept, or `build` does not make the network that it was made from.
        """
        import torch

        path = model / "state_dict.pt"
        if not path.is_file():
            raise UsageError(f"{model} holds {_names_of(model)} and no state_dict.pt, so there is no kept network.")
        try:
            weights = torch.load(path, map_location="cpu", weights_only=True)
            net = self._built(config, classes)
            net.load_state_dict(weights)
        except Exception as error:
            first = str(error).strip().splitlines()[0] if str(error).strip() else ""
            raise UsageError(
                f"The kept network in {path} does not fit build(config) as it is now ({type(error).__name__}: {first});"
                " put back the function that it was trained with."
            ) from error
        return lambda x: _predict(net, x, classes, torch.device("cpu"))


def _names_of(folder: Path) -> str:
    return ", ".join(sorted(path.name for path in folder.glob("*"))) or "nothing"


def _torch_is_installed() -> bool:
    """Without importing it, which takes seconds."""
    if "torch" in sys.modules:
        return sys.modules["torch"] is not None
    # The usual places first, past the finder by which a run waits for the import of torch: it answers only once.
    found = importlib.machinery.PathFinder.find_spec("torch") or importlib.util.find_spec("torch")
    return found is not None


def _keep(run: Any, net: Any) -> None:
    import torch

    buffer = io.BytesIO()
    weights = {name: value.cpu() if torch.is_tensor(value) else value for name, value in net.state_dict().items()}
    torch.save(weights, buffer)
    run.keep("state_dict.pt", buffer.getvalue())
    training = {"classes": run.classes, "epochs": run.asked_epochs, "seed": run.seed}
    for name, content in (("config.json", _plain(run.config)), ("training.json", training)):
        run.keep(name, json.dumps(content, indent=2, default=str).encode())


def _plain(config: Any) -> dict[str, Any]:
    """The configuration as it is stored: a Choice of objects with its label."""
    return config.to_dict() if hasattr(config, "to_dict") else dict(config)


def _materialise(net: Any, batches: Batches) -> None:
    """Lazy modules have their parameters only after a first pass."""
    import torch

    lazy = torch.nn.parameter.UninitializedTensorMixin
    if any(isinstance(item, lazy) for item in (*net.parameters(), *net.buffers())):
        with torch.no_grad():
            net.eval()(batches.first())


def _checked(outputs: Any, rows: int, classes: list[Any] | None) -> Any:
    """The outputs themselves, where their shape fits the task."""
    shape = tuple(outputs.shape)
    flat = shape in ((rows,), (rows, 1))
    if classes is None and not flat:
        raise UsageError(f"The network's outputs for {rows} rows have shape {shape}; regression needs ({rows}, 1).")
    if classes is not None and shape != (rows, len(classes)) and not (flat and len(classes) == 2):
        single = f" or ({rows}, 1)" if len(classes) == 2 else ""
        raise UsageError(
            f"The network's outputs for {rows} rows have shape {shape}; {len(classes)} classes need "
            f"({rows}, {len(classes)}){single}, logits without softmax."
        )
    return outputs


def _default_loss(classes: list[Any] | None, smoothing: float) -> Callable[[Any, Any], Any]:
    from torch.nn import functional as F

    def loss(outputs: Any, targets: Any) -> Any:
        if classes is None:
            return F.mse_loss(outputs.reshape(-1), targets)
        if outputs.ndim == 1 or outputs.shape[-1] == 1:
            goal = targets.float() * (1 - smoothing) + smoothing / 2
            return F.binary_cross_entropy_with_logits(outputs.reshape(-1), goal)
        return F.cross_entropy(outputs, targets, label_smoothing=smoothing)

    return loss


def _predict(net: Any, x: Any, classes: list[Any] | None, device: Any, size: int = 1024) -> np.ndarray:
    """Probabilities (n, classes), or values (n,), in evaluation mode."""
    import torch

    x = as_array(x)
    indexed = not hasattr(x, "shape")
    found = []
    with torch.no_grad():
        net.eval()
        for start in range(0, len(x), size):
            stop = min(start + size, len(x))
            # a copy of torch's own: where NumPy's memory happens to lie changes the last bits of a product
            inputs = stacked([x[i] for i in range(start, stop)]) if indexed else as_floats(x[start:stop]).clone()
            out = _checked(net(inputs.to(device)), stop - start, classes).float()
            if classes is None:
                out = out.reshape(-1)
            elif out.ndim == 1 or out.shape[-1] == 1:
                out = torch.sigmoid(out.reshape(-1))
            else:
                out = torch.softmax(out, dim=1)
            found.append(out.cpu().numpy())
    return np.concatenate(found)
