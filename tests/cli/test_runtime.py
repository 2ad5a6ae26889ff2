"""`truing runtime` and `truing range`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Called

pytest.importorskip("torch", reason="they need PyTorch")

FILE = """
import numpy as np
from torch import nn

print("the file is executed")
x = np.random.default_rng(0).normal(size=(200, 4)).astype("float32")
rows = (x, (x[:, 0] > 0).astype(int))

def build(config):
    print("a network is built")
    return nn.Sequential(nn.Linear(4, config["width"]), nn.ReLU(), nn.Linear(config["width"], 2))
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.py"
    path.write_text(FILE)
    return path


def test_a_range_of_the_files_own_rows_is_one_document(call: Called, file: Path) -> None:
    done = call("range", str(file), "--data", "rows", "--set", "width=8", "--steps", "40", "--seeds", "1", "--json")

    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["rows"] == "200 rows of 4"
    assert document["low"] < document["high"]
    assert "tr.Float(" in document["code"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["runtime", "{file}", "--data", "x_train"], "has no data named 'x_train'; it has x, rows."),
        (["runtime", "{file}", "--device", "tpu"], 'device takes "cpu", "cuda" or "cuda:1"'),
        (["runtime", "no_file.json"], "no_file.json holds nothing that `truing runtime --save` kept"),
        (["runtime", "{file}", "--input", "5"], "The network of build fails on rows of (5,)"),
        (["range", "{file}", "--steps", "2"], "A range test takes at least 20 steps and 1 seed; got steps=2"),
    ],
)
def test_errors_are_one_sentence_and_exit_2(call: Called, file: Path, arguments: list[str], said: str) -> None:
    done = call(*(one.format(file=file) for one in arguments))

    assert done.returncode == 2
    assert done.stdout.replace("the file is executed", "").replace("a network is built", "").strip() == ""
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


LAYERS = """
import numpy as np
import truing as tr
from torch import nn

def build(config):
    sizes = [4, *(layer["width"] for layer in config.repeat("layer"))]
    parts = [part for size in zip(sizes, sizes[1:]) for part in (nn.Linear(*size), config["act"]())]
    return nn.Sequential(*parts, nn.Linear(sizes[-1], 2))

x = np.random.default_rng(0).normal(size=(200, 4)).astype("float32")
study = tr.Study(
    tr.TorchTrainer(build, epochs=1),
    space=tr.Space(
        tr.Repeat("layer", count="depth", width=tr.Int(4, 16, default=8)),
        depth=tr.Int(1, 3, default=2),
        act=tr.Choice({"relu": nn.ReLU, "tanh": nn.Tanh}),
    ),
    data=tr.Data(x, (x[:, 0] > 0).astype(int)),
    metric="accuracy",
)
"""


def test_layers_and_objects_of_the_files_study_are_read_as_it_has_them(call: Called, tmp_path: Path) -> None:
    path = tmp_path / "layers.py"
    path.write_text(LAYERS)
    done = call("range", f"{path}:build", "--steps", "40", "--seeds", "1", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == "200 rows of 4"

    done = call("inspect", f"{path}:build", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["parameters"] == (4 * 8 + 8) + (8 * 8 + 8) + (8 * 2 + 2)
