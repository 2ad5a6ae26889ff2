"""What people see of a study of thousands of trials: thinned, and said so."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from truing.record.events import Event
from truing.record.history import History, fold
from truing.report.figures import score_over_time
from truing.report.html import report_html
from truing.report.show import study_text
from truing.space.parameter import Float
from truing.space.space import Space

STUDY = {"metric": "loss", "objective": "train", "name": "many"}


def history_of(trials: int, failing: int, goal: str = "min") -> History:
    rng = np.random.default_rng(0)
    events = []
    for number in range(trials):
        events.append(Event("proposed", {"trial": number, "config": {"x": float(rng.random())}}))
        end = {"state": "failed", "reason": "ValueError: no"} if number % failing == failing - 1 else {}
        value = {"state": "completed", "value": float(rng.random()), "se": 0.01}
        events.append(Event("judged", {"trial": number, **(end or value)}))
    return fold(events, Space(x=Float(0, 1)), goal)


@pytest.fixture(scope="module")
def many() -> History:
    return history_of(10_000, 3)


@pytest.mark.parametrize("goal", ["min", "max"])
def test_the_figure_over_time_is_thinned_without_losing_a_best(goal):
    history = history_of(9_000, 9, goal)
    drawing = score_over_time(history, metric="loss")
    dots, line, crosses = drawing.figure.data
    done = {t.number: t.value for t in history.completed}
    records, best = [], None
    for number, value in done.items():
        if best is None or (value < best if goal == "min" else value > best):
            best = value
            records.append((number, value))
    drawn = list(zip(dots.x, dots.y, strict=True))
    assert set(records) <= set(drawn)
    assert all(done[number] == value for number, value in drawn)
    assert len(drawn) <= 2000 + len(records)
    assert list(zip(line.x, line.y, strict=True)) == [*records, (max(done), best)]
    assert len(crosses.x) == 1000
    assert f"{len(drawn)} of {len(done)}" in drawing.text
    assert "every 4th completed trial" in drawing.text
    assert "bars" not in drawing.text


def test_a_figure_of_few_is_whole():
    history = history_of(900, 9)
    drawing = score_over_time(history, metric="loss")
    assert len(drawing.figure.data[0].x) == len(drawing.figure.data[1].x) == 800
    assert "too many" not in drawing.text


def test_the_page_holds_the_best_and_says_what_it_leaves_out(many):
    page = report_html(history=many, study=STUDY, verdict=None, verdict_text="", folder_name="studies/many")
    body = page[page.index('<section id="trials">') : page.index('<section id="space">')]
    shown = [int(n) for n in re.findall(r'<tr class="[^>]*>\s*<td class="n" data-key="(\d+)">', body)]
    ranked = [t.number for t in many.ranked()]
    failed = [t.number for t in many.trials if t.state == "failed"]
    assert shown == ranked[:900] + failed[-100:]
    words = " ".join(body.split())
    assert "1000 of 10000 trials" in words
    assert "truing trials studies/many --json" in words
    assert "there are too many trials to draw each" in " ".join(page.split())


def test_show_fits_a_terminal(many):
    text = study_text(Path("studies/many"), many, STUDY, 80)
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) < 25
    assert "10000 trials (6667 completed, 3333 failed)" in text
    assert "9990 more trials" in text
    last = many.trial(9999)
    assert f"the last: trial 9999 {last.value:.4g} · trial 9998 failed · trial 9997" in text
