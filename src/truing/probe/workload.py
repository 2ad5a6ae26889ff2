"""What is trained while it is timed: the user's network, their rows or drawn ones that can be learned, a loss."""

from __future__ import annotations

import functools
import inspect
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from truing.data.data import Data
from truing.errors import UsageError
from truing.objective.precision import Precision, ordered
from truing.objective.standard import Standard
from truing.probe.factory import Factory
from truing.probe.inspection import _Look
from truing.probe.repeated import in_all
from truing.probe.rows import Rows, _vocabulary, tensor_of

SMALL = 2**23  # weights of a network of which several are kept ready
SAMPLE = 1024  # rows of the user's that are held in memory
DRAWN = 256  # rows where there are none
KINDS = 10  # at most, of drawn rows
CHECK = 0.25  # share of the user's rows on which trainings are compared, and not trained


@dataclass(frozen=True)
class Work:
    """Everything a process needs to train the network; it can be pickled.

    Args:
        build, values: for `Factory`.
        objects, repeats: of the factory, so that labels and elements are read as in the study.
        tensors, names: rows, as `Rows` has them.
        targets: a tensor; rows along the first axis.
        trained: how many of the rows are trained on; the others are for comparison. All = drawn rows.
        loss: "classes", "binary", "values" or a callable (outputs, targets) -> scalar tensor.
        base: loss of the constant prediction; None = not known.
        standard: optimizer, learning rate, batch size and so on, as `TorchTrainer` reads them.
        device: "cpu" or "cuda" or "cuda:1".
        seed: of weights and order.
        dataset, labels: rows that are read one by one, with a target for each; None = they are in memory.
        rows: how many there are to train on; None = drawn ones, any number.
        words: what the rows are.
        images: the network has convolutions over rows of (channels, height, width).
        name: of the function or class.
    """

    build: Any
    values: Mapping[str, Any]
    objects: Mapping[str, Any]
    repeats: Mapping[str, str]
    tensors: tuple[Any, ...]
    names: tuple[str, ...]
    targets: Any
    trained: int
    loss: str | Callable[[Any, Any], Any]
    base: float | None
    standard: Standard
    device: str
    seed: int
    dataset: Any
    labels: Any
    rows: int | None
    words: str
    images: bool
    name: str

    def network(self) -> Any:
        """A new one, with weights of PyTorch's random numbers as they stand."""
        factory = Factory.of(self.build, self.values)
        factory = replace(factory, objects=dict(self.objects), repeats=dict(self.repeats))
        return factory.make(self.values)[0]

    @classmethod
    def of(
        cls,
        build: Any,
        *,
        input: Any = None,
        data: Any = None,
        config: Mapping[str, Any] | None = None,
        loss: Callable[[Any, Any], Any] | None = None,
        device: str = "cpu",
        seed: int = 0,
    ) -> Work:
        """Look at the network once, and fix what is trained; PyTorch's random numbers are as before.

        Raises:
            UsageError: as `inspect`, or the outputs do not fit the labels.
        """
        import torch

        given, space = dict(config or {}), None
        if hasattr(build, "objective") and hasattr(build, "space"):  # a Study
            space = build.space
            given = {**in_all(space.defaults(), space), **given}
            data = build.data if data is None else data
            build = build.objective
        loss = loss or getattr(build, "loss", None)
        builder = build if isinstance(build, torch.nn.Module) else getattr(build, "build", build)
        data = _as_data(data)
        classes = _classes(data)
        if classes is not None and _asks_for_classes(builder):
            builder = functools.partial(builder, classes=classes)
        standard = Standard.of(given)
        factory = Factory.of(builder, given)
        factory = factory if space is None else factory.knowing(space)
        if factory.config is None:
            given = {name: value for name, value in given.items() if name in factory.defaults or not _trains(name)}
        look = _Look(factory, given, seed)
        before, state = torch.get_num_threads(), torch.get_rng_state()
        torch.set_num_threads(1)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                net, few = look.begun(input if input is not None else data)
                tensors, labels = _rows(data, few, net, seed)
                with torch.no_grad():
                    out = tensor_of(Rows(tuple(one[:2] for one in tensors), few.names).through(net.eval()))
            kind, targets, base = _targets(data, classes, tensors, labels, out, loss, seed)
        finally:
            torch.set_num_threads(before)
            torch.set_rng_state(state)
        count = len(tensors[0])
        by_items = data is not None and data.kind == "dataset"
        every = _encoded(data, classes) if by_items and data is not None and data.labels is not None else None
        images = tensors[0].ndim == 4 and any(isinstance(one, torch.nn.Conv2d) for one in net.modules())
        return cls(
            build=builder,
            values=dict(look.values),
            objects=factory.objects,
            repeats=factory.repeats,
            tensors=tensors,
            names=few.names,
            targets=targets,
            trained=count if data is None or count < 16 else count - int(CHECK * count),
            loss=loss or kind,
            base=None if loss else base,
            standard=standard,
            device=device,
            seed=seed,
            dataset=data.x if by_items and data is not None else None,
            labels=every,
            rows=None if data is None else len(data),
            words=f"{count if data is None else len(data):,} {'drawn ' if data is None else ''}rows of {few}",
            images=images,
            name=factory.name if factory.name != "deepcopy" else type(net).__name__,
        )


class Training:
    """One training in this process, step by step, in one setting of precision and memory order.

    Args:
        work: what is trained.
        precision, channels_last: as `Setting` has them.
        seed: of the weights and the order of the rows.
        batch_size: None = the one of `work`.
        num_workers: loading processes, where the rows are a Dataset; None = rows that are in memory.
    """

    def __init__(
        self,
        work: Work,
        *,
        precision: str = "float32",
        channels_last: bool = False,
        seed: int = 0,
        batch_size: int | None = None,
        num_workers: int | None = None,
    ) -> None:
        import torch

        self.work, self.device = work, torch.device(work.device)
        self.size = batch_size or work.standard.batch_size
        self._precision = Precision(precision, self.device)
        self._last = channels_last
        torch.manual_seed(seed)
        self.net = work.network().to(self.device)
        self._tensors = tuple(self._placed(one) for one in work.tensors)
        self._targets = work.targets.to(self.device)
        lazy = torch.nn.parameter.UninitializedTensorMixin
        if any(isinstance(one, lazy) for one in (*self.net.parameters(), *self.net.buffers())):
            with torch.no_grad():
                self._out(tuple(one[:2] for one in self._tensors))
        if channels_last:
            self.net.to(memory_format=torch.channels_last)
        self.optimizer = work.standard.make_optimizer(self.net)
        self._draw = torch.Generator().manual_seed(seed)
        self._loader = None
        if work.dataset is not None and num_workers is not None:
            self._loader = _loader(work, self.size, num_workers, self.device.type == "cuda")
            self._items = iter(self._loader)
        self._left = torch.empty(0, dtype=torch.long)

    @property
    def is_small(self) -> bool:
        """True where several of it can be kept without a thought of memory."""
        return self._loader is None and sum(one.numel() for one in self.net.parameters()) < SMALL

    def step(self) -> int:
        """One step; how many rows went into it."""
        tensors, targets = self._batch()
        self.optimizer.zero_grad(set_to_none=True)
        self.net.train()
        out = self._precision.outputs(lambda x: tensor_of(Rows(x, self.work.names).through(self.net)), tensors)
        loss = self._loss(out, targets)
        self._precision.update(loss, self.net, self.optimizer, self.work.standard.grad_clip)
        self.last = loss.detach()
        return len(targets)

    def checked(self) -> float:
        """The loss in float32 and evaluation mode, on rows that are not trained on; on the trained ones if drawn."""
        import torch

        first = 0 if self.work.trained == len(self._targets) else self.work.trained
        with torch.no_grad():
            out = self._out(tuple(one[first:] for one in self._tensors))
            return float(self._loss(out, self._targets[first:]))

    def wait(self) -> None:
        """Until the device has done what it was told."""
        import torch

        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def close(self) -> None:
        """End the loading processes."""
        if self._loader is not None:
            self._items = iter(())
            self._loader = None

    def _batch(self) -> tuple[tuple[Any, ...], Any]:
        import torch

        if self._loader is not None:
            try:
                x, y = next(self._items)
            except StopIteration:
                self._items = iter(self._loader)
                x, y = next(self._items)
            return (self._placed(x),), y.to(self.device, non_blocking=True)
        # an epoch's order, and the next one's behind it: a batch may be larger than the rows
        while len(self._left) < self.size:
            self._left = torch.cat([self._left, torch.randperm(self.work.trained, generator=self._draw)])
        chosen, self._left = self._left[: self.size].to(self.device), self._left[self.size :]
        return tuple(ordered(one[chosen], self._last) for one in self._tensors), self._targets[chosen]

    def _out(self, tensors: tuple[Any, ...]) -> Any:
        self.net.eval()
        return tensor_of(Rows(tensors, self.work.names).through(self.net))

    def _placed(self, one: Any) -> Any:
        from truing.objective.batches import as_floats

        return ordered(as_floats(one).to(self.device, non_blocking=True), self._last)

    def _loss(self, out: Any, targets: Any) -> Any:
        from torch.nn import functional as F

        loss = self.work.loss
        if callable(loss):
            return loss(out, targets)
        if loss == "classes":
            return F.cross_entropy(out, targets, label_smoothing=self.work.standard.label_smoothing)
        if loss == "binary":
            return F.binary_cross_entropy_with_logits(out.reshape(-1), targets.float())
        return F.mse_loss(out.reshape(targets.shape), targets)


class Items:
    """Rows of a Dataset with their targets, for a DataLoader."""

    def __init__(self, dataset: Any, labels: Any, like: Any) -> None:
        self._dataset, self._labels, self._like = dataset, labels, like

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, place: int) -> tuple[Any, Any]:
        item = self._dataset[place]
        x = item[0] if isinstance(item, tuple | list) else item
        return x, self._labels[place] if self._labels is not None else self._like[place % len(self._like)]


def _loader(work: Work, size: int, num_workers: int, pinned: bool) -> Any:
    import torch
    from torch.utils.data import DataLoader

    items: Any = Items(work.dataset, work.labels, work.targets)
    return DataLoader(
        items,
        batch_size=min(size, len(items)),
        shuffle=True,
        drop_last=True,
        num_workers=num_workers,
        persistent_workers=num_workers > 0,
        pin_memory=pinned,
        generator=torch.Generator().manual_seed(work.seed),
    )


def _trains(name: str) -> bool:
    return name in Standard.__dataclass_fields__


def _asks_for_classes(build: Any) -> bool:
    try:
        return "classes" in inspect.signature(build).parameters
    except (TypeError, ValueError):
        return False


def _as_data(data: Any) -> Data | None:
    if data is None or isinstance(data, Data):
        return data
    if isinstance(data, tuple) and len(data) == 2:
        return Data(*data)
    return Data(data)


def _classes(data: Data | None) -> list[Any] | None:
    """The labels, where they are classes; None for values and where there are none."""
    if data is None or data.labels is None or data.labels.dtype.kind == "f":
        return None
    return data.classes()


def _encoded(data: Data, classes: list[Any] | None) -> Any:
    import torch

    if classes is not None:
        return torch.as_tensor(data.codes(classes))
    return torch.as_tensor(np.asarray(data.labels, dtype=np.float32))


def _rows(data: Data | None, few: Rows, net: Any, seed: int) -> tuple[tuple[Any, ...], Any]:
    """Rows to train on, and which of the data's they are; drawn ones have the shape and kind of the few."""
    import torch

    from truing.objective.batches import as_array, as_floats, stacked

    if data is not None:
        chosen = np.random.default_rng(seed).permutation(len(data))[:SAMPLE]
        x = as_array(data.x)
        if not hasattr(x, "shape"):
            return (stacked([x[int(i)] for i in chosen]),), chosen
        return (as_floats(x[torch.as_tensor(chosen)] if torch.is_tensor(x) else np.asarray(x[chosen])),), chosen
    draw = torch.Generator().manual_seed(seed)
    found = []
    for one in few.tensors:
        shape = (DRAWN, *one.shape[1:])
        if one.is_floating_point():
            found.append(torch.randn(shape, generator=draw))
        else:
            found.append(torch.randint(0, _vocabulary(net), shape, generator=draw))
    return tuple(found), None


def _targets(
    data: Data | None, classes: list[Any] | None, tensors: tuple[Any, ...], chosen: Any, out: Any, loss: Any, seed: int
) -> tuple[str, Any, float | None]:
    """The kind of loss, the targets of the rows, and the loss of the constant prediction."""
    import torch

    count = len(tensors[0])
    shape = tuple(out.shape[1:])
    if data is not None and data.labels is not None:
        targets = _encoded(data, classes)[torch.as_tensor(chosen)]
        if loss is not None:
            return "own", targets, None
        flat = math.prod(shape) == 1
        if classes is None:
            if not flat:
                raise UsageError(
                    f"The network gives {shape} for a row and y has one value: give loss=, (outputs, targets) -> loss."
                )
            return "values", targets, float(targets.var(unbiased=False))
        if flat and len(classes) == 2:
            return "binary", targets, _entropy(targets)
        if shape != (len(classes),):
            raise UsageError(
                f"The network gives {shape} for a row, and {len(classes)} classes need ({len(classes)},): "
                "give loss=, (outputs, targets) -> loss, or a network that fits the labels."
            )
        return "classes", targets, _entropy(targets)
    if loss is not None:
        return "own", tensors[0], None
    draw = torch.Generator().manual_seed(seed + 1)
    if len(shape) == 1 and shape[0] > 1:
        targets = torch.randint(0, min(shape[0], KINDS), (count,), generator=draw)
        for one in tensors:
            _mark(one, targets, draw)
        return "classes", targets, _entropy(targets)
    if shape == tuple(tensors[0].shape[1:]) and tensors[0].is_floating_point():
        return "values", tensors[0], float(tensors[0].var())
    kinds = torch.randint(0, KINDS, (count,), generator=draw)
    for one in tensors:
        _mark(one, kinds, draw)
    height = (kinds - kinds.float().mean()) / kinds.float().std()
    targets = height.reshape(count, *[1] * len(shape)) * (1 + torch.rand(shape, generator=draw))
    return "values", targets, float(targets.var())


def _mark(rows: Any, kinds: Any, draw: Any) -> None:
    """Make drawn rows such that their kind can be learned: each kind has a pattern, and a mean in each channel."""
    import torch

    if not rows.is_floating_point():
        usual = torch.randint(0, int(rows.max()) + 1, (KINDS, *rows.shape[1:]), generator=draw)
        rows.copy_(torch.where(torch.rand(rows.shape, generator=draw) < 0.5, usual[kinds], rows))
        return
    shape = (KINDS, *rows.shape[1:])
    means = torch.randn((*shape[:2], *[1] * (rows.ndim - 2)), generator=draw)
    rows += (0.5 * torch.randn(shape, generator=draw) + means)[kinds]


def _entropy(targets: Any) -> float:
    """Log loss of always giving the shares of the classes."""
    _, counts = np.unique(targets.numpy(), return_counts=True)
    shares = counts / counts.sum()
    return float(-(shares * np.log(shares)).sum())
