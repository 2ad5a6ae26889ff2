"""`tr.runtime`: what it finds, what it leaves as it was, and what it cannot be led into."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest

import truing as tr
from truing.errors import UsageError
from truing.probe import throughput
from truing.probe.children import Children
from truing.probe.equivalence import SAME, Equivalence
from truing.probe.feasible import DoesNotFit, doubling
from truing.probe.paste import parameters
from truing.probe.race import CannotRun, Timed, race
from truing.probe.settings import REFERENCE, Setting, grid
from truing.probe.stored import read
from truing.probe.throughput import Runtime, _Checks, _chosen, measure
from truing.probe.workload import Work

torch = pytest.importorskip("torch", reason="runtime needs PyTorch")
from torch import nn  # noqa: E402

from truing.probe.workload import Training  # noqa: E402


def build(config: Any) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, config.get("width", 8)), nn.Linear(8, 10)
    )


def processes() -> list[str]:
    """What this process started and is still there."""
    found = []
    for children in Path("/proc/self/task").glob("*/children"):
        for child in children.read_text().split():
            command = Path(f"/proc/{child}/cmdline")
            if command.exists() and b"truing.probe.child" in command.read_bytes():
                found.append(child)
    return found


@pytest.fixture(scope="module")
def found() -> Runtime:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(throughput, "race", functools.partial(race, rounds=[(0.01, 0.5, 1), (0.01, 0.9, 1)]))
        patch.setattr(throughput, "doubling", functools.partial(doubling, largest=128))
        patch.setattr(throughput, "PATIENCE", 0.0)
        before = torch.get_num_threads(), torch.get_rng_state(), torch.get_default_dtype()
        made = tr.runtime(tr.TorchTrainer(build), data=tr.datasets.digits(), config={"learning_rate": 0.01})
        after = torch.get_num_threads(), torch.get_rng_state(), torch.get_default_dtype()
    assert (before[0], before[2]) == (after[0], after[2])
    assert torch.equal(before[1], after[1])
    assert processes() == []
    return made


def test_every_combination_was_timed(found: Runtime) -> None:
    timed = {one.setting for one in found.candidates}

    assert timed == {one for one in grid(found.machine.cores, images=True) if one.runs <= 8} - {
        one for one in timed if str(one) in found.failed
    }
    assert {one.precision for one in timed} == {"float32", "bfloat16"}
    assert {one.channels_last for one in timed} == {False, True}
    assert all(one.rate > 0 for one in found.candidates)


def test_only_what_trains_alike_is_recommended(found: Runtime) -> None:
    told = found.recommended.equivalence

    assert told is not None
    assert told.is_shown
    assert found.reference.setting == REFERENCE
    faster = found.candidates[: found.candidates.index(found.recommended)]
    assert all(one.equivalence is not None and not one.equivalence.is_shown for one in faster)


def test_the_code_makes_a_fixed_group_that_a_space_takes(found: Runtime) -> None:
    names = {"tr": tr, "space": tr.Space(width=tr.Int(4, 8))}

    exec(found.code, names)

    space: Any = names["space"]
    assert {name: space[name].role for name in found.group} == dict.fromkeys(found.group, "fixed")
    assert {space[name].group for name in found.group} == {"runtime"}
    assert space.defaults()["precision"] == found.recommended.setting.precision
    assert f"threads={found.recommended.setting.threads})" in " ".join(found.code.replace("\n# ", " ").split())


def test_the_text_fits_and_says_what_a_batch_size_is(found: Runtime) -> None:
    text = str(found)

    assert max(map(len, text.splitlines())) <= 80
    assert "batch_size belongs to training" in " ".join(text.split())
    assert str(found.recommended.setting) in text
    assert "Loading processes were not timed" in text
    assert "<pre>" in found._repr_html_()


def test_it_is_kept_with_its_machine(found: Runtime, tmp_path: Path) -> None:
    stored = json.loads(found.save(tmp_path / "runtime.json").read_text())

    assert stored["machine"]["torch"] == torch.__version__
    assert stored["recommended"]["rows_per_second"] == found.recommended.rate
    assert stored["batches"]["largest"] == 128
    assert stored["batches"]["ended"] == "none above 128 was tried"

    again = read(tmp_path / "runtime.json")
    other = read(tmp_path / "runtime.json", dataclasses.replace(found.machine, cores=99))
    assert again.elsewhere == ()
    assert found.code in str(again)
    assert other.elsewhere == (f"cores {found.machine.cores}, here 99",)
    assert "time it again here" in str(other)
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(UsageError, match="holds nothing that `truing runtime --save` kept"):
        read(tmp_path / "other.json")


# -- what is chosen ------------------------------------------------------------------------------------------------


def test_a_faster_setting_that_trains_otherwise_is_passed_over() -> None:
    fast, second, own = Setting(precision="bfloat16"), Setting(channels_last=True), Setting(runs=2)
    told = {fast: Equivalence("different"), second: Equivalence("equivalent"), own: SAME, REFERENCE: SAME}
    timed = Timed(dict.fromkeys(told, (1.0,)), (fast, second, own, REFERENCE))

    verdicts, chosen = _chosen(timed, told.__getitem__)

    assert chosen == second
    assert verdicts == {fast: told[fast], second: told[second], REFERENCE: SAME}


def test_runs_side_by_side_and_loaders_are_the_same_arithmetic() -> None:
    assert Setting(1, 2, num_workers=2).arithmetic == REFERENCE.arithmetic
    assert Setting(2).arithmetic != REFERENCE.arithmetic


def test_every_setting_stays_within_the_cores() -> None:
    for cores in (1, 2, 3, 6, 16):
        settings = grid(cores, images=True, dataset=True)

        assert settings[0] == REFERENCE
        assert max(one.cores for one in settings) == cores
        assert len(set(settings)) == len(settings)
    assert {one.cores for one in grid(16, on_gpu=True)} == {1}


def test_the_group_of_a_setting() -> None:
    group = parameters(Setting(num_workers=2), images=True, dataset=True)

    assert {name: one.default if one.options[0] is None else one.options for name, one in group.items()} == {
        "precision": ("float32",),
        "channels_last": (False,),
        "num_workers": (2,),
    }


# -- the work ------------------------------------------------------------------------------------------------------


class Pairs:
    """A Dataset of eight numbers and their class."""

    def __len__(self) -> int:
        return 96

    def __getitem__(self, place: int) -> tuple[Any, int]:
        return torch.full((8,), float(place % 3)), place % 3


def mlp(config: Any) -> nn.Module:
    return nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))


def test_rows_of_a_dataset_come_by_loading_processes() -> None:
    work = Work.of(mlp, data=tr.Data(Pairs(), [place % 3 for place in range(96)]), config={"batch_size": 16})

    assert {one.num_workers for one in grid(2, dataset=work.dataset is not None)} == {0, 1, 2}
    with Children(work) as children:
        for workers in (0, 1):
            children.ask("prepare", Setting(num_workers=workers), None)
            assert min(children.ask("go", 0.05, 2, 1)) > 0


@pytest.mark.parametrize(
    ("net", "shape", "kind"),
    [
        (lambda: nn.Linear(4, 3), (4,), "classes"),
        (lambda: nn.Linear(4, 1), (4,), "values"),
        (lambda: nn.Conv2d(3, 3, 3, padding=1), (3, 8, 8), "values"),
        (lambda: nn.LSTM(4, 5, batch_first=True), (6, 4), "values"),
        (lambda: nn.Sequential(nn.Embedding(20, 4), nn.Flatten(), nn.Linear(24, 2)), (6,), "classes"),
    ],
)
def test_drawn_rows_can_be_learned(net: Any, shape: tuple[int, ...], kind: str) -> None:
    work = Work.of(net, input=shape, config={"learning_rate": 0.02})
    training = Training(work)

    before = training.checked()
    for _ in range(100):
        training.step()

    assert work.loss == kind
    assert training.checked() < before - 0.05 * (work.base or 0)


def test_labels_decide_the_loss_and_rows_of_comparison_are_not_trained_on() -> None:
    import numpy as np

    x = np.random.default_rng(0).normal(size=(100, 8)).astype("float32")
    classes = Work.of(mlp, data=(x, ["a", "b", "c", "a"] * 25))
    values = Work.of(nn.Linear(8, 1), data=(x, x.sum(1)))
    binary = Work.of(nn.Linear(8, 1), data=(x, [0, 1] * 50))

    assert [one.loss for one in (classes, values, binary)] == ["classes", "values", "binary"]
    assert classes.base == pytest.approx(-(0.5 * np.log(0.5) + 0.5 * np.log(0.25)))
    assert binary.base == pytest.approx(np.log(2))
    assert values.base == pytest.approx(x.sum(1).var(), rel=1e-4)
    assert classes.trained == 75
    with pytest.raises(UsageError, match=r"gives \(3,\) for a row, and 2 classes need"):
        Work.of(mlp, data=(x, [0, 1] * 50))


def test_equal_seeds_are_equal_trainings_in_whatever_process() -> None:
    work = Work.of(mlp, config={"batch_size": 16})
    with Children(work) as children:
        children.start(2)
        once = children.ask_each([("train", REFERENCE, [0, 1], 6), ("train", REFERENCE, [1, 0], 6)])
        timed = Timed({REFERENCE: (1e9,), Setting(runs=2): (1e9,)}, (REFERENCE,))
        checks = _Checks(work, children, timed)
        checks._steps = 6

        assert once[0] == once[1][::-1]
        assert [losses[:1] for losses in checks._trained(REFERENCE)][:2] == [losses[:1] for losses in once[0]]
        assert len(once[0][0]) == 4


# -- what goes wrong -----------------------------------------------------------------------------------------------


class Killer(nn.Module):
    """Kills its process at a batch above 64 rows."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 2)

    def forward(self, x: Any) -> Any:
        if len(x) == 128:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.inner(x)


class Glutton(nn.Module):
    """Takes sixteen MiB a row."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 2)

    def forward(self, x: Any) -> Any:
        return self.inner(x) + 0 * torch.ones(len(x), 2**22).sum(1, keepdim=True)


def test_a_process_that_is_killed_ends_the_doubling_and_not_the_session() -> None:
    work = Work.of(Killer(), input=(4,))
    with Children(work) as children:
        assert children.ask("batch", REFERENCE, 64, 0.01, None)[0] > 0
        with pytest.raises(DoesNotFit, match="SIGKILL"):
            children.ask("batch", REFERENCE, 128, 0.01, None)
        assert children.ask("batch", REFERENCE, 32, 0.01, None)[0] > 0  # another one takes its place
    assert processes() == []


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is limited on Linux only")
def test_memory_beyond_the_room_is_refused_by_the_system() -> None:
    work = Work.of(Glutton(), input=(4,), config={"batch_size": 1})
    work = dataclasses.replace(work, tensors=tuple(one[:8] for one in work.tensors), trained=8)
    with Children(work) as children:
        _, memory = children.ask("batch", REFERENCE, 8, 0.01, 2**30)
        assert memory is None or 2**26 < memory < 2**29
        with pytest.raises(DoesNotFit):
            children.ask("batch", REFERENCE, 256, 0.01, 2**30)


def test_a_setting_that_fails_is_said_and_the_others_go_on() -> None:
    class Picky(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(4, 2)

        def forward(self, x: Any) -> Any:
            if torch.is_autocast_enabled("cpu"):
                raise RuntimeError("no such precision here")
            return self.inner(x)

    with Children(Work.of(Picky(), input=(4,))) as children:
        timed = race(
            [REFERENCE, Setting(precision="bfloat16")], measure(children), rounds=[(0.01, 0.5, 1), (0.01, 0.5, 1)]
        )

    assert timed.order == (REFERENCE,)
    assert timed.failed == {Setting(precision="bfloat16"): "RuntimeError: no such precision here"}


def test_an_interruption_leaves_no_process_behind() -> None:
    with pytest.raises(KeyboardInterrupt), Children(Work.of(nn.Linear(4, 2))) as children:
        children.start(1)
        assert len(processes()) == 1
        raise KeyboardInterrupt
    end = time.monotonic() + 30
    while processes() and time.monotonic() < end:
        time.sleep(0.05)
    assert processes() == []


def test_errors_are_sentences() -> None:
    with pytest.raises(UsageError, match='device takes "cpu", "cuda" or "cuda:1"; got'):
        tr.runtime(mlp, device="tpu")
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="PyTorch sees no CUDA GPU here"):
            tr.runtime(mlp, device="cuda")
    with pytest.raises(UsageError, match=r"tr\.runtime|runtime\("):
        tr.runtime(mlp, inputs=(3,))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU here")
def test_on_a_gpu() -> None:
    found = tr.runtime(build, input=(1, 8, 8), device="cuda")

    assert found.machine.gpu
    assert {one.setting.runs for one in found.candidates} == {1}
    assert found.recommended.equivalence is not None
    assert found.recommended.equivalence.is_shown


def test_cannot_run_is_no_does_not_fit() -> None:
    with Children(Work.of(nn.Linear(4, 2))) as children, pytest.raises(CannotRun, match="prepare comes first"):
        children.ask("go", 0.1, 1, 1)


def test_a_process_builds_the_layers_and_objects_of_a_study(tmp_path) -> None:
    def build(config):
        sizes = [4, *(layer["width"] for layer in config.repeat("layer"))]
        parts = [part for size in itertools.pairwise(sizes) for part in (nn.Linear(*size), config["act"]())]
        return nn.Sequential(*parts, nn.Linear(sizes[-1], 2))

    study = tr.Study(
        tr.TorchTrainer(build, epochs=1),
        space=tr.Space(
            tr.Repeat("layer", count="depth", width=tr.Int(4, 16, default=8)),
            depth=tr.Int(1, 3, default=3),
            act=tr.Choice({"relu": nn.ReLU, "tanh": nn.Tanh}, default="tanh"),
        ),
        data=tr.Data(np.zeros((40, 4), "float32"), np.arange(40) % 2),
        metric="accuracy",
        folder=tmp_path,
    )
    net = cloudpickle.loads(cloudpickle.dumps(Work.of(study))).network()
    assert [type(part) for part in net] == [nn.Linear, nn.Tanh] * 3 + [nn.Linear]
    assert net[2].weight.shape == (8, 8)
