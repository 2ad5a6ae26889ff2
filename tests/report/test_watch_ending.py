"""The words at the end of a search."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import truing as tr


@pytest.mark.parametrize(("best", "said"), [(0.0, "These are the defaults"), (0.7, "Its luck is still in this figure")])
def test_defaults_that_nothing_beat_are_not_told_of_luck(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], best: float, said: str
) -> None:
    def train(run: Any) -> None:
        run.report(loss=(run.config["x"] - best) ** 2)

    space = tr.Space(x=tr.Choice([0.0, 0.7], default=0.0))
    tr.Study(train, space, metric=tr.Metric("loss", goal="min"), search="grid", folder=tmp_path / "s").run(workers=0)

    told = capsys.readouterr().err
    assert said in told
    assert ("luck" in told) == (best != 0.0)
