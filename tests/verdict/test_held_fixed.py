"""What was held fixed is a caveat, and what of it interacts with a tuned parameter is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import truing as tr
from truing.verdict.held_fixed import sentence


def made(folder: Path, space: tr.Space) -> Any:
    def function(run: Any) -> None:
        run.report(loss=float(run.config["lr"]))

    study = tr.Study(function, space, metric=tr.Metric("loss", goal="min"), seed=1, folder=folder, search="random")
    study.run(trials=3)
    return study


def test_fixed_parameters_are_named_with_what_they_interact_with(tmp_path: Path) -> None:
    space = tr.Space(
        lr=tr.Float(1e-3, 1e-1, log=True),
        momentum=tr.Float(0, 0.99, default=0.9, role="fixed"),
        my_own=tr.Choice(["x"]),
        off=tr.Int(1, 3, role="fixed", when={"kind": "b"}),
        kind=tr.Choice(["a", "b"], role="fixed"),
    )
    study = made(tmp_path / "s", space)
    verdict = study.verdict()
    found = {one["name"]: one for one in verdict.to_dict()["held_fixed"]}
    assert set(found) == {"momentum", "my_own", "kind"}  # `off` was never active
    assert found["momentum"] == {"name": "momentum", "value": 0.9, "interacts_with": ["lr"]}  # an alias of a card
    assert found["my_own"]["interacts_with"] == []
    text = " ".join(str(verdict).split())
    assert "held fixed momentum 0.9, my_own x, kind a: nothing here says that these choices are right" in text
    assert "momentum interacts with lr, which was tuned" in text
    assert max(map(len, str(verdict).splitlines())) <= 80
    page = study.report().read_text(encoding="utf-8")
    assert "momentum interacts with lr, which was tuned" in page


def test_nothing_fixed_says_nothing(tmp_path: Path) -> None:
    verdict = made(tmp_path / "s", tr.Space(lr=tr.Float(1e-3, 1e-1, log=True))).verdict()
    assert verdict.to_dict()["held_fixed"] == []
    assert "held fixed" not in str(verdict)


def test_many_are_counted() -> None:
    many = [{"name": f"p{k}", "value": k, "interacts_with": ["lr", "b", "c", "d"]} for k in range(10)]
    said = sentence({"held_fixed": many})
    assert "p7 7 and 2 more:" in said
    assert "p0 interacts with lr, b, c and 1 more, which were tuned" in said
    assert "so do 7 more of them" in said
    assert sentence({}) == ""
