"""Layers of a Repeat and options that are objects: the printed space builds and trains, read as a study reads it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.errors import UsageError
from truing.space.configuration import Configuration

torch = pytest.importorskip("torch", reason="inspect needs PyTorch")
nn = torch.nn


def layered(config: Any) -> Any:
    sizes = [8]
    parts: list[Any] = []
    for layer in config.repeat("layer"):
        parts += [nn.Linear(sizes[-1], layer["width"]), nn.ReLU(), nn.Dropout(layer.get("dropout", 0.1))]
        sizes.append(layer["width"])
    return nn.Sequential(*parts, nn.Linear(sizes[-1], 3))


def grouped(config: Any) -> Any:
    return Stack(**config.group("architecture"))


class Stack(nn.Module):
    def __init__(self, depth: int = 2, block: Any = (), head: Any = nn.ReLU) -> None:
        super().__init__()
        assert len(block) == depth
        sizes = [8, *(one["width"] for one in block)]
        pairs = zip(pairwise(sizes), block, strict=True)
        layers = [nn.Sequential(nn.Linear(before, after), one["act"]()) for (before, after), one in pairs]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], 3), head())

    def forward(self, x: Any) -> Any:
        return self.layers(x)


def heads(config: Any) -> Any:
    """Each layer's heads must divide the one width: only together does it show."""
    width = config.get("width", 16)
    encoder = [nn.TransformerEncoderLayer(width, one["heads"], 16, batch_first=True) for one in config.repeat("block")]
    return nn.Sequential(nn.Linear(4, width), *encoder, nn.Linear(width, 2))


def classes(config: Any) -> Any:
    return nn.Sequential(nn.Linear(8, 16), config["activation"](), nn.Linear(16, 3))


def functions(config: Any) -> Any:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last, self.act = nn.Linear(8, 16), nn.Linear(16, 3), config["activation"]

        def forward(self, x: Any) -> Any:
            return self.last(self.act(self.first(x)))

    return Net()


def plain(activation: Any = nn.Tanh, norm: Any = nn.BatchNorm1d) -> Any:
    return nn.Sequential(nn.Linear(8, 16), norm(16), activation(), nn.Linear(16, 3))


def copied(code: str) -> tr.Space:
    names: dict[str, Any] = {"tr": tr, "nn": nn, "Stack": Stack}
    exec(code, names)
    space: tr.Space = names["space"]
    return space


def as_in_a_run(space: tr.Space, config: Any) -> Configuration:
    return Configuration(dict(config), space.groups, space.repeats, space.objects)


def trains(make: Callable[[Any], Any], space: tr.Space, shape: tuple[int, ...], points: int = 20) -> None:
    """A step of each of some configurations; warnings are errors, as everywhere."""
    rng = np.random.default_rng(5)
    for config in [space.defaults(), *(space.sample(rng) for _ in range(points))]:
        net = make(as_in_a_run(space, config))
        loss = net(torch.randn(4, *shape)).square().mean()
        loss.backward()
        assert torch.isfinite(loss)


@pytest.mark.parametrize(
    ("build", "shape", "names"),
    [
        (layered, (8,), {"layers", "layer.0.width", "layer.0.dropout"}),
        (heads, (5, 4), {"width", "blocks", "block.0.heads"}),
        (classes, (8,), {"activation"}),
        (functions, (8,), {"activation"}),
    ],
)
def test_the_printed_space_builds_and_trains(build: Any, shape: tuple[int, ...], names: set[str]) -> None:
    found = tr.inspect(build, input=shape)

    space = copied(found.code)
    assert space == found.space
    assert names <= set(space)
    assert found.warnings == ()
    trains(build, space, shape)


def test_each_layer_has_a_parameter_of_its_own() -> None:
    found = tr.inspect(layered, input=(8,))

    widths = [name for name in found.space if name.endswith(".width")]
    assert widths == [f"layer.{place}.width" for place in range(len(widths))]
    assert len(widths) > 1
    assert "tr.Repeat(" in found.code
    assert found.to_dict()["space"] == found.code
    (width,) = [one for one in found.arguments if one.name == "layer.*.width"]
    assert {change.layer for change in width.changes} >= {"0", "3"}  # both layers of the default


def test_classes_are_written_with_the_import_that_they_need() -> None:
    found = tr.inspect(classes, input=(8,))

    first, *_ = found.code.splitlines()
    assert first == "from torch import nn"
    assert found.space.objects["activation"]["gelu"] is nn.GELU
    assert found.space["activation"].default == "relu"
    assert all(len(line) <= 80 for line in str(found).splitlines())


def test_functions_are_functions_again() -> None:
    found = tr.inspect(functions, input=(8,))

    assert found.space.objects["activation"]["tanh"](torch.zeros(1)) == 0
    assert "nn.functional.relu" in found.code


def test_a_class_as_default_has_those_that_may_stand_for_it() -> None:
    found = tr.inspect(plain, input=(8,))

    space = copied(found.code)
    assert space["activation"].default == "tanh"
    assert space["norm"].default == "batch"
    assert space.objects["norm"]["none"] is nn.Identity
    trains(lambda config: plain(config["activation"], config["norm"]), space, (8,))


def test_a_study_with_layers_and_objects_of_its_own(tmp_path: Path) -> None:
    space = tr.Space(
        tr.Repeat(
            "block",
            count="depth",
            width=tr.Int(4, 32, log=True, default=8, group="architecture"),
            act=tr.Choice({"relu": nn.ReLU, "gelu": nn.GELU}, group="architecture"),
        ),
        depth=tr.Int(1, 3, default=2, group="architecture"),
        head=tr.Choice({"soft": nn.Softplus, "flat": nn.Identity}, group="architecture"),
        learning_rate=tr.Float(1e-4, 1e-1, log=True, default=1e-2),
    )
    rng = np.random.default_rng(0)
    data = tr.Data(rng.normal(size=(60, 8)).astype("float32"), np.arange(60) % 3)
    study = tr.Study(tr.TorchTrainer(grouped), space, data=data, folder=tmp_path / "s")

    found = tr.inspect(study)

    printed = copied(found.code)
    assert printed == found.space
    assert printed.repeats["block"].count == "depth"
    assert set(printed.objects["head"]) == {"soft", "flat"}
    assert printed.objects["block.0.act"]["gelu"] is nn.GELU
    assert printed["block.0.width"].default == 8
    trains(grouped, printed, (8,))


def test_objects_without_a_name_are_left_to_the_user() -> None:
    space = tr.Space(
        activation=tr.Choice({"half": lambda: nn.LeakyReLU(0.5), "relu": nn.ReLU}, group="architecture"),
    )
    study = tr.Study(tr.TorchTrainer(classes), space, data=tr.Data(np.zeros((60, 8), "float32"), np.arange(60) % 3))

    found = tr.inspect(study)

    assert "# activation: keep your own tr.Choice" in found.code
    assert set(found.space["activation"].options) == {"half", "relu"}


def test_a_build_that_works_in_no_way_says_why_in_one_sentence() -> None:
    def build(config: Any) -> Any:
        return nn.Sequential(nn.Linear(8, 4), config["activation"].nothing_like_it)

    with pytest.raises(UsageError, match="activation='relu'"):
        tr.inspect(build, input=(8,))
