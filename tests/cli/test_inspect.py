"""`truing inspect FILE:build`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import Called

pytest.importorskip("torch", reason="inspect needs PyTorch")

FILE = """
from torch import nn

def build(config):
    return nn.Sequential(nn.Linear(4, config["width"]), nn.ReLU(), nn.Linear(config["width"], 2))

def small(classes=2):
    return nn.Linear(4, classes)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.py"
    path.write_text(FILE)
    return path


def test_the_text_ends_with_a_space_to_copy(call: Called, file: Path) -> None:
    done = call("inspect", f"{file}:build", "--set", "width=16")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("build: 114 parameters, 96 multiply-adds a row.")
    assert "width=tr.Int(16, 64, log=True, default=16" in done.stdout or "width=tr.Int(8, 64" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_json(call: Called, file: Path) -> None:
    done = call("inspect", str(file), "--input", "4", "--json")

    document = json.loads(done.stdout)
    assert [one["name"] for one in document["arguments"]] == ["width"]
    assert document["fixed"][0]["line"] == 5


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["{file}:other"], "has nothing named 'other'; it has build, small."),
        (["no_file.py:build"], "There is no model file no_file.py"),
        (["{file}:build", "--input", "a"], "--input takes the shape of one row, such as 3,32,32; got 'a'."),
        (["{file}:build", "--input", "5"], "The network of build fails on rows of (5,)"),
        (["{file}:build", "--set", "width"], "--set takes NAME=VALUE, such as width=32; got 'width'."),
    ],
)
def test_errors_are_one_sentence_and_exit_2(call: Called, file: Path, arguments: list[str], said: str) -> None:
    done = call("inspect", *(one.format(file=file) for one in arguments))

    assert done.returncode == 2
    assert done.stdout == ""
    assert said in done.stderr
    assert "Traceback" not in done.stderr
