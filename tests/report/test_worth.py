"""The advice in figures, in `show` and in the report."""

from __future__ import annotations

import numpy as np
import pytest

import truing as tr
from truing.report.html import report_html
from truing.report.show import study_dict, study_text
from truing.report.study import read
from truing.report.worth import curve
from truing.worth.advice import Advice, Answer


def advice(goal: str = "max", answer: str = "yes", gain: tuple[float, float] | None = (0.02, 0.06)) -> Advice:
    step = None if gain is None else {"value": sum(gain) / 2, "low": gain[0], "high": gain[1]}
    rows = [{"what": f"{x} %", "value": y, "x": x} for x, y in ((25, 0.80), (50, 0.86), (100, 0.90))]
    epochs = [{"what": f"{x} epochs", "value": y, "x": x} for x, y in ((5, 0.85), (10, 0.90))]
    answers = (
        Answer("more_rows", answer, "So.", rows, {"gain": step, "from_quarter": None}),
        Answer("more_epochs", "unclear", "So <b>so</b>.", epochs, {"gain": None, "from_half": step}),
        *(Answer(question, "not asked", "Not asked.") for question in ("base_rate", "noise", "one_batch")),
    )
    return Advice("digits", "accuracy", goal, "5-fold", "Yes.", answers, 20, 3.0)


def bars(drawing) -> tuple[list[float], list[float], list[float]]:
    trace = drawing.figure.data[1]
    middle, half = np.array(trace.y), np.array(trace.error_y.array)
    return list(trace.x), list(middle - half), list(middle + half)


def test_a_bar_is_the_paired_interval_laid_on_the_point_before() -> None:
    x, low, high = bars(curve(advice(), "more_rows"))
    assert x == [100]
    assert low == pytest.approx([0.88])
    assert high == pytest.approx([0.92])
    x, low, high = bars(curve(advice(goal="min"), "more_rows"))  # a gain goes down there
    assert low == pytest.approx([0.80])
    assert high == pytest.approx([0.84])
    x, low, _ = bars(curve(advice(), "more_epochs"))
    assert x == [10]
    assert low == pytest.approx([0.87])


def test_the_title_says_what_is_seen() -> None:
    assert curve(advice(), "more_rows").title == "More data would probably improve accuracy."
    assert curve(advice(answer="no"), "more_rows").title.startswith("No sign that more data")
    assert "by the steps" in curve(advice(answer="unclear"), "more_rows").title
    unclear = advice(answer="unclear", gain=(-0.01, 0.02))
    assert curve(unclear, "more_rows").title.startswith("Whether more data")
    assert "0.800 at 25 %" in curve(advice(), "more_rows").text
    assert len(curve(advice(gain=None), "more_rows").figure.data) == 1


def test_show_report_and_plot_have_it_also_without_a_trial(tmp_path) -> None:
    def train(run):
        for _ in run.epochs():
            run.report(np.clip(run.valid.x[:, 0], 0, 1))

    x = np.linspace(0, 1, 120)[:, None]
    data = tr.Data(x, (x[:, 0] > 0.5).astype(int))
    study = tr.Study(train, tr.Space(a=tr.Float(0, 1)), data=data, metric="log_loss", epochs=4, folder=tmp_path)
    found = study.advise(workers=0, quick=True)
    history, told = read(tmp_path)
    assert study_dict(tmp_path, history, told)["advice"]["headline"] == found.headline
    text = study_text(tmp_path, history, told, 80)
    assert "Is tuning worth it?" in text
    assert "took this folder" not in text  # nobody is at work
    counts = f"0 trials (none yet), 0 runs, 0 s of training; {found.runs} runs besides the search"
    assert counts in " ".join(text.split())
    page = report_html(history=history, study=told, verdict=None, verdict_text="", folder_name=str(tmp_path))
    assert 'id="advice"' in page
    assert found.headline in page
    assert 'data-figure="0"' not in page  # no empty axes where there is no trial
    figure = study.plot.more_epochs()
    assert list(figure.data[0].x) == [2, 4, 8]
    assert list(study.plot.more_rows().data[0].x) == [25, 50, 100]
