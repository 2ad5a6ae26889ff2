"""Everything on the lists of `architectures/` is found, and the space that is printed builds and trains."""

from __future__ import annotations

import importlib
import importlib.util
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.errors import UsageError

torch = pytest.importorskip("torch", reason="inspect needs PyTorch")

HERE = Path(__file__).parent / "architectures"
LISTS = tomllib.loads((HERE / "lists.toml").read_text(encoding="utf-8"))
_seen: dict[str, tuple[Any, tr.Inspection]] = {}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def listed(name: str) -> tuple[Any, tr.Inspection]:
    """What builds an architecture of the lists, and its inspection, made once."""
    if name not in _seen:
        file, _, variable = LISTS[name]["build"].partition(":")
        if name in ("bert", "vit"):
            pytest.importorskip("transformers", reason="transformers is not installed")
        if file.endswith(".py"):
            spec = importlib.util.spec_from_file_location(f"architecture_{name}", HERE / file)
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module
            spec.loader.exec_module(module)
        else:
            module = importlib.import_module(file)
        build = getattr(module, variable)
        given = LISTS[name]["input"]
        _seen[name] = build, tr.inspect(build, input=given, config=LISTS[name].get("config"))
    return _seen[name]


def lines_of(file: str, part: str) -> set[int]:
    source = (HERE / file).read_text(encoding="utf-8")
    return {source[:place].count("\n") + 1 for place in range(len(source)) if source.startswith(part, place)}


def rows_for(name: str, count: int) -> list[Any]:
    given = LISTS[name]["input"]
    shapes = given if isinstance(given[0], list) else [given]
    if LISTS[name].get("words"):
        return [torch.randint(0, 100, (count, *shape)) for shape in shapes]
    return [torch.randn(count, *shape) for shape in shapes]


def first_tensor(found: Any) -> Any:
    return found.logits if hasattr(found, "logits") else found


@pytest.mark.parametrize("name", LISTS)
def test_what_the_arguments_change_is_found(name: str) -> None:
    found = {one.name: one for one in listed(name)[1].arguments}

    for argument, changes in LISTS[name]["changes"].items():
        assert set(changes) <= {str(change) for change in found[argument].changes}, argument
    for argument in LISTS[name].get("data", []):
        assert found[argument].why_not.startswith("the data decide it")
        assert argument not in listed(name)[1].space


@pytest.mark.parametrize("name", LISTS)
def test_what_the_code_fixes_is_found_with_its_line(name: str) -> None:
    found = listed(name)[1].fixed

    for one in LISTS[name]["fixed"]:
        same = [
            fixed
            for fixed in found
            if (fixed.what, fixed.value) == (one["what"], one["value"])
            and (one["layer"] in fixed.layers if one["layer"] else not fixed.layers)
        ]
        assert same, one
        if one["line"]:
            file = LISTS[name]["build"].partition(":")[0]
            assert {fixed.line for fixed in same} & lines_of(file, one["line"]), (one, same)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor is True")  # torch on its own Transformer without biases
@pytest.mark.parametrize("name", LISTS)
def test_the_printed_space_builds_and_trains_at_20_random_points(name: str) -> None:
    build, found = listed(name)
    given = LISTS[name].get("config", {})
    names: dict[str, Any] = {"tr": tr}
    exec(found.code, names)
    space = names["space"]
    for parameter, kind in LISTS[name]["space"].items():
        assert type(space[parameter]).__name__ == kind, parameter

    # also of parameters that a card holds fixed: freeing one must not break the space
    free = tr.Space({key: replace(one, role="scientific") for key, one in space.items()})
    rng = np.random.default_rng(7)
    configs = [space.sample(rng) for _ in range(5)] + [free.sample(rng) for _ in range(20)]
    plain = "config" not in build.__code__.co_varnames if hasattr(build, "__code__") else True
    for config in configs:
        torch.manual_seed(0)
        kept = {key: value for key, value in given.items() if key not in space}
        net = build(**kept, **config.group("architecture")) if plain else build(config)
        losses = one_step(net, name, config)
        assert np.isfinite(losses).all(), config


def one_step(net: Any, name: str, config: Any) -> list[float]:
    """The loss before and after a step of AdamW with the configuration's own learning rate."""
    optimizer = torch.optim.AdamW(net.parameters(), lr=config["learning_rate"], weight_decay=config["weight_decay"])
    rows, losses = rows_for(name, 4), []
    goal = None
    for _ in range(2):
        out = first_tensor(net.train()(*rows)).flatten(1)
        goal = torch.zeros(len(out), dtype=torch.long) if goal is None else goal
        loss = torch.nn.functional.cross_entropy(out, goal)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


@pytest.mark.parametrize("name", LISTS)
def test_parameters_and_multiply_adds_are_those_of_torch(name: str) -> None:
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    build, found = listed(name)
    plain = "config" not in build.__code__.co_varnames if hasattr(build, "__code__") else True
    config = {one.name: one.default for one in found.arguments if one.default is not None}
    net = build(**LISTS[name].get("config", {})) if plain else build(Given(config))
    assert found.parameters == sum(one.numel() for one in net.parameters())
    if name == "lstm":
        return  # torch counts nothing of an LSTM: see below
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        # torch does not count its fused attention on a CPU, but the same in products of matrices
        with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter, torch.no_grad():
            net.eval()(*rows_for(name, 3))
    finally:
        torch.backends.mha.set_fastpath_enabled(True)
    assert found.multiply_adds == counter.get_total_flops() / 2 / 3


class Given(dict):
    def group(self, name: str) -> dict[str, Any]:
        return dict(self)


def test_an_lstm_needs_what_its_cells_need() -> None:
    from torch.utils.flop_counter import FlopCounterMode

    layers = {one.name: one for one in listed("lstm")[1].layers}
    cells = torch.nn.LSTMCell(16, 16), torch.nn.LSTMCell(16, 16)  # two layers, 9 words
    with FlopCounterMode(display=False) as counter:
        for cell in cells:
            for _ in range(9):
                cell(torch.zeros(1, 16))

    assert layers["lstm"].multiply_adds == counter.get_total_flops() / 2


def test_output_shapes_are_those_that_come_out() -> None:
    shapes = {one.name: one.shape for one in listed("lenet")[1].layers}

    assert shapes["conv1"] == (6, 28, 28)
    assert shapes["conv2"] == (16, 10, 10)
    assert listed("unet")[1].output == (2, 16, 16)


def test_heads_must_divide_the_width_and_the_space_knows() -> None:
    space = listed("transformer_encoder")[1].space
    widths = range(space["d_model"].low, space["d_model"].high + 1, space["d_model"].step)

    assert len(widths) > 2
    assert len(space["heads"].options) > 2
    assert all(width % heads == 0 for width in widths for heads in space["heads"].options)


def test_a_patch_that_does_not_divide_the_image_is_left_out_and_said() -> None:
    found = listed("mixer")[1]

    assert all(16 % size == 0 for size in found.space["patch_size"].options)
    assert "32 does not work" in {one.name: one for one in found.arguments}["patch_size"].notes
    assert "# 32 does not work" in found.code


def test_an_argument_that_is_read_only_beside_another_value_is_conditional() -> None:
    def build(config):
        inner = [torch.nn.Linear(4, 8), torch.nn.ReLU()]
        if config.get("regularise", "none") == "dropout":
            inner.append(torch.nn.Dropout(config.get("dropout", 0.1)))
        return torch.nn.Sequential(*inner, torch.nn.Linear(8, 2))

    found = tr.inspect(build, input=4, config={"regularise": "none"})
    arguments = {one.name: one for one in found.arguments}

    assert found.space["regularise"].options == ("none", "dropout")
    assert found.space["dropout"].when == {"regularise": ("dropout",)}
    assert arguments["dropout"].default == 0.1


def test_attribute_style_and_words_without_default() -> None:
    def build(config):
        act = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}[config.activation]
        return torch.nn.Sequential(torch.nn.Linear(4, config.width), act(), torch.nn.Linear(config.width, 2))

    found = tr.inspect(build)

    assert found.rows == "4 (guessed from the first layer)"
    assert found.space["activation"].options == ("relu", "tanh")
    assert found.space["width"].default == 64
    assert all(one.is_assumed for one in found.arguments)


def test_a_study_gives_its_data_and_defaults() -> None:
    def build(config):
        width = config["width"]
        return torch.nn.Sequential(torch.nn.Linear(6, width), torch.nn.ReLU(), torch.nn.Linear(width, 2))

    study = tr.Study(
        tr.TorchTrainer(build),
        space=tr.Space(width=tr.Int(4, 32, default=12)),
        data=tr.Data(np.zeros((40, 6)), np.arange(40) % 2),
        metric="accuracy",
    )
    found = tr.inspect(study)

    assert found.rows == "6"
    assert found.space["width"].default == 12


def test_a_module_has_layers_and_nothing_to_tune() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.Dropout(0.3), torch.nn.Linear(5, 1))
    found = tr.inspect(net)

    assert found.parameters == 26
    assert found.arguments == ()
    assert [(one.what, one.value) for one in found.fixed if one.what == "dropout"] == [("dropout", 0.3)]


def test_random_numbers_and_threads_are_as_before() -> None:
    torch.manual_seed(3)
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()
    tr.inspect(lambda: torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Dropout(0.5)))

    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.get_num_threads() == threads
    assert torch.nn.Module.__init__.__qualname__ == "Module.__init__"


@pytest.mark.parametrize("name", LISTS)
def test_the_text_fits_a_terminal_and_the_rest_is_json(name: str) -> None:
    found = listed(name)[1]

    assert max(map(len, str(found).splitlines())) <= 80
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert document["parameters"] == found.parameters
    assert document["space"] == found.code


def returns_a_number(config):
    return config.get("width", 3)


def fails(config):
    raise ValueError("there is no such backbone")


def linear(inputs=4):
    return torch.nn.Linear(inputs, 2)


@pytest.mark.parametrize(
    ("build", "arguments", "said"),
    [
        (returns_a_number, {}, "must return a torch.nn.Module, got int"),
        (fails, {}, "ValueError: there is no such backbone"),
        (linear, {"input": (5,)}, "The network of linear fails on rows of (5,)"),
        (linear, {"config": {"width": 3}}, "linear has no argument 'width'; it has inputs."),
        (linear, {"input": "abc"}, "input takes the shape of one row"),
        (lambda: torch.nn.ReLU(), {}, "cannot be guessed from its first layer"),
        (3, {}, "inspect takes a function that builds"),
    ],
)
def test_errors_are_one_sentence(build: Any, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        tr.inspect(build, **arguments)

    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_torch_is_imported_only_when_it_is_called() -> None:
    code = "import sys, truing as tr; tr.inspect; tr.Inspection; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert done.stdout.strip() == "False", done.stderr
