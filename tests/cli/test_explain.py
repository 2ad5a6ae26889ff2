"""`truing explain` as a person meets it."""

from __future__ import annotations

import json

import pytest

from truing.knowledge import cards


def test_it_lists_and_explains(call) -> None:
    listed, one = call("explain"), call("explain", "Kernel-Size")

    assert listed.returncode == one.returncode == 0
    assert all(f"\n  {name}" in listed.stdout for name in cards())
    assert max(map(len, (listed.stdout + one.stdout).splitlines())) <= 80
    assert one.stdout.startswith("kernel_size (architecture, mostly scientific)\n")
    assert listed.stderr == one.stderr == ""


def test_json_is_one_document(call) -> None:
    listed, one = call("explain", "--json"), call("explain", "lr", "--optimizer", "sgd", "--json")

    assert [found["name"] for found in json.loads(listed.stdout)["cards"]] == list(cards())
    assert json.loads(one.stdout)["name"] == "learning_rate"
    assert json.loads(one.stdout)["default"] == 0.01


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("explain", "kernal_size"), "No card is called 'kernal_size'; did you mean 'kernel_size'?"),
        (("explain", "lr", "--optimizer", "adma"), "The cards know no optimizer 'adma'; did you mean 'adam'?"),
        (("explain", "--model", "cnn"), "--optimizer and --model go with a name"),
    ],
)
def test_a_slip_gets_a_sentence(call, words, says) -> None:
    done = call(*words)

    assert done.returncode == 2
    assert says in done.stderr
    assert done.stdout == ""
