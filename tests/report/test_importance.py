"""What mattered in a study: which trials serve, what is said of them, and what a person sees."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

import truing as tr
from truing.errors import UsageError
from truing.report.shares import drawing
from truing.verdict.mattered import percent

SPACE = tr.Space(
    rate=tr.Float(1e-5, 1e-1, log=True), kind=tr.Choice(["a", "b"]), width=tr.Int(1, 8), idle=tr.Float(0, 1)
)


def train(run: Any) -> None:
    c = run.config
    run.report(loss=(math.log10(c["rate"]) + 2) ** 2 + 1.5 * (c["kind"] == "a") + 0.1 * c["width"])


def study(folder: Path, search: Any = "random", trials: int = 40) -> tr.Study:
    made = tr.Study(
        train, SPACE, metric=tr.Metric("loss", goal="min"), folder=folder, search=search, test=None, validation=None
    )
    made.run(trials=trials, workers=0)
    return made


def test_random_trials_speak_of_the_whole_space(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = study(tmp_path / "s").importance()
    table = found.table()

    assert found.region == "over the whole space"
    assert found.trials == tuple(range(40))
    assert table[0]["parameter"] == "rate"
    assert table[0]["low"] < table[0]["share"] < table[0]["high"]
    assert {row["parameter"] for row in table[:4]} == set(SPACE)
    assert any(row["parameter"] == "rate × kind" for row in table)
    assert json.loads(json.dumps(found.to_dict(), allow_nan=False))["r2"] > 0.5
    assert all(len(line) <= 80 for line in str(found).splitlines())
    assert "What mattered for loss over the whole space, by 40 trials" in str(found)
    assert tr.load(tmp_path / "s").importance() == found


def test_an_adaptive_search_is_labelled(tmp_path: Path) -> None:
    found = study(tmp_path / "s", "sequential", trials=60).importance()

    assert found.region == "in the region searched"
    assert any("no even sample of the space" in note for note in found.notes)


def test_even_trials_serve_alone_where_there_are_enough_of_them(tmp_path: Path) -> None:
    study(tmp_path / "s", trials=30)
    found = study(tmp_path / "s", "sequential", trials=36).importance()

    assert found.region == "over the whole space"
    assert found.trials == tuple(range(30))
    assert any(note.startswith("6 trials of an adaptive search are left out") for note in found.notes)


def test_show_and_report_tell_it(tmp_path: Path) -> None:
    made = study(tmp_path / "s")
    page = made.report().read_text(encoding="utf-8")
    shown = tr.load(tmp_path / "s")

    words = " ".join(str(shown).split())
    assert "What mattered: rate " in words
    assert "of the variance over the whole space (R2 " in words
    assert shown.show()["importance"]["shares"][0]["parameter"] == "rate"
    assert "<h2>What mattered</h2>" in page
    assert "of the variance of loss over the whole space" in page


def test_too_few_trials_are_said_and_nothing_is_drawn(tmp_path: Path) -> None:
    made = study(tmp_path / "s", trials=12)
    found = made.importance()

    assert "12 trials are too few for 4 parameters: it takes 20" in " ".join(str(found).split())
    assert drawing(found) is None
    assert "Shares of the variance are left out" in made.report().read_text(encoding="utf-8")


def test_a_study_without_trials(tmp_path: Path) -> None:
    made = tr.Study(train, SPACE, metric=tr.Metric("loss", goal="min"), folder=tmp_path / "s")
    with pytest.raises(UsageError, match="holds no study"):
        made.importance()


def test_the_figure_says_in_words_what_it_shows(tmp_path: Path) -> None:
    found = study(tmp_path / "s").importance()
    drawn = drawing(found)

    assert drawn is not None
    assert drawn.title.startswith("rate makes ")
    assert drawn.title in drawn.text
    assert all(f"{name} " in drawn.text for name in SPACE)
    assert "(%)" in drawn.figure.layout.xaxis.title.text


def test_shares_in_words() -> None:
    assert [percent(v) for v in (0.0, 0.004, 0.0101, 0.999)] == ["0 %", "< 1 %", "1 %", "100 %"]
