"""How a training is run: other bits and another order, the same training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import truing as tr
from truing.objective import precision
from truing.objective.precision import Precision
from truing.objective.standard import Standard

torch = pytest.importorskip("torch", reason="TorchTrainer needs PyTorch")
from torch import nn  # noqa: E402

SEEN: list[Any] = []


class Spy(nn.Module):
    """Notes the order and the type in which rows arrive and leave."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.out = nn.Conv2d(1, 4, 3), nn.Linear(144, 10)

    def forward(self, x: Any) -> Any:
        inner = self.conv(x)
        if self.training:
            SEEN.append((x.is_contiguous(memory_format=torch.channels_last), inner.dtype, self.conv.weight.dtype))
        return self.out(inner.flatten(1))


def loss_of(folder: Path, **runtime: Any) -> float:
    SEEN.clear()
    study = tr.Study(
        tr.TorchTrainer(lambda config: Spy()),
        space=tr.Space(
            learning_rate=tr.Float(1e-4, 1e-1, log=True, default=1e-2),
            **{name: tr.Choice([value], group="runtime", role="fixed") for name, value in runtime.items()},
        ),
        data=tr.datasets.digits(),
        validation=tr.Holdout(0.2),
        epochs=2,
        folder=folder,
    )
    study.run(trials=1, workers=0)
    return float(study.trials(as_dicts=True)[0]["value"])


def test_each_training_sets_the_switches_for_tf32_as_it_wants_them(monkeypatch) -> None:
    monkeypatch.setattr(precision, "_BEFORE", [])
    switches = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [one.allow_tf32 for one in switches]
    try:
        device, net = torch.device("cuda"), torch.nn.Linear(2, 1)  # the switches are there without a GPU
        plain, rounded = (Precision(name, device) for name in ("float32", "tf32"))
        for one, wanted in ((plain, before), (rounded, [True, True]), (plain, before)):
            one.outputs(net, torch.zeros(1, 2))
            assert [switch.allow_tf32 for switch in switches] == wanted
    finally:
        for switch, was in zip(switches, before, strict=True):
            switch.allow_tf32 = was


def test_the_runtime_group_is_read_and_changes_the_training_by_little(tmp_path: Path) -> None:
    plain = loss_of(tmp_path / "a")
    assert SEEN[0][1] == torch.float32

    low = loss_of(tmp_path / "b", precision="bfloat16", channels_last=True)

    assert SEEN[0] == (True, torch.bfloat16, torch.float32)
    assert low != plain
    assert low == pytest.approx(plain, abs=0.05)


@pytest.mark.parametrize(
    ("config", "said"),
    [({"precision": "int8"}, "precision as one of float32, tf32"), ({"channels_last": 1}, "channels_last as True")],
)
def test_a_value_it_cannot_take_is_said(config: dict[str, Any], said: str) -> None:
    with pytest.raises(tr.TruingError, match=said):
        Standard.of(config)
