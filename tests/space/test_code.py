"""A space as code: executed, it is the same space."""

from __future__ import annotations

import math

import pytest

import truing as tr
from truing.space.code import WIDTH, space_code

SPACES = [
    tr.Space(),
    tr.Space(rate=tr.Float(1e-5, 1e-1, log=True, default=1e-3, role="nuisance"), n=tr.Int(1, 64, log=True, step=3)),
    tr.Space({"lambda": tr.Float(0, 1), "a b": tr.Int(0, 3), "q\"'uote": tr.Float(0, 1), "fine": tr.Float(0, 1)}),
    tr.Space({"first": tr.Float(0, 1), "class": tr.Choice([None, True, 2.5, "x"], default=None)}, last=tr.Int(1, 2)),
    tr.Space(size=tr.Choice([1, 3, 5], ordered=True, default=3, group="architecture", role="fixed")),
    tr.Space(text=tr.Choice([f'say "it\'s  {k}", long  words\n' for k in range(9)])),
    tr.Space(
        n=tr.Int(0, 9),
        a=tr.Float(0, 1, when={"n": tr.at_least(2)}),
        b=tr.Float(0, 1, when={"n": tr.between(2, 4)}),
        c=tr.Float(0, 1, when={"n": tr.at_most(3)}),
        d=tr.Float(0, 1, when={"n": [1, 2]}),
    ),
    tr.Space(
        tr.Repeat(
            "layer", {"count": tr.Int(1, 3), "w": tr.Int(8, 64, when={"kind": "x"})}, count="k", kind=tr.Choice(["x"])
        ),
        k=tr.Int(1, 3, group="architecture", role="nuisance"),
    ),
]


@pytest.mark.parametrize("space", SPACES, ids=range(len(SPACES)))
def test_the_code_makes_the_same_space(space: tr.Space) -> None:
    names = {"tr": tr}
    exec(space_code(space), names)
    assert names["space"] == space


def test_objects_are_written_with_their_imports() -> None:
    space = tr.Space(f=tr.Choice({"root": math.sqrt, "size": abs}, default="size"))
    names = {"tr": tr}
    exec(space_code(space), names)
    assert names["space"] == space
    assert names["space"].objects["f"] == {"root": math.sqrt, "size": abs}


def test_an_object_without_a_name_is_left_to_the_person() -> None:
    text = space_code(tr.Space(f=tr.Choice({"odd": lambda x: x}), x=tr.Float(0, 1)))
    assert "keep your own tr.Choice" in " ".join(text.split())
    assert all(len(line) <= WIDTH for line in text.splitlines())
