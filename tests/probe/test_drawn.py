"""The figures of a probe show its own numbers, and say what they are."""

from __future__ import annotations

from datetime import date

import pytest

from truing.probe.equivalence import SAME
from truing.probe.feasible import Batch, Feasible
from truing.probe.growing import Curve
from truing.probe.learning_rates import RangeTest
from truing.probe.machine import Machine
from truing.probe.settings import REFERENCE, Setting
from truing.probe.throughput import Candidate, Runtime


def runtime(batches: tuple[Batch, ...] = ()) -> Runtime:
    slow, fast = Candidate(REFERENCE, 900.0, 13, SAME), Candidate(Setting(1, 2), 1800.0, 13, SAME)
    half = Candidate(Setting(1, 2, precision="bfloat16", channels_last=True), 1200.0, 4)
    fits = Feasible(batches, "nothing larger was tried")
    told = date(2026, 11, 24).isoformat()
    return Runtime("build", "rows", 64, "adamw", (fast, half, slow), fast, fits, {}, (), Machine.here(), {}, told)


def test_settings_stand_from_the_fastest_down_and_the_recommended_is_marked() -> None:
    figure = runtime().plot()
    bar = figure.data[0]
    assert list(bar.x) == [1800.0, 1200.0, 900.0]
    assert list(figure.layout.yaxis.categoryarray) == list(bar.y)[::-1]  # plotly draws from the bottom
    assert len(set(bar.marker.color)) == 3
    assert len(figure.data) == 1
    assert figure.layout.meta["title"].endswith("is 2 times as fast as one run on one thread in float32.")
    assert "1,200" in figure.layout.meta["text"]


def test_batch_sizes_are_below_where_some_were_tried() -> None:
    fits = tuple(Batch(rows, rate, None) for rows, rate in ((32, 100.0), (64, 150.0), (128, 140.0)))
    figure = runtime(fits).plot()
    assert list(figure.data[1].x) == [32, 64, 128]
    assert figure.layout.xaxis2.type == "log"
    assert "64: 150" in figure.layout.meta["text"]


def seen_between(low: float | None) -> RangeTest:
    rates, losses = (1e-4, 1e-3, 1e-2, 1e-1), ((2.0, 1.5, 0.5, 90.0), (2.1, 1.4, 0.6))
    high, default = (None, None) if low is None else (0.02, 0.005)
    curves = (Curve(1e-3, 5e-3, 2e-2, True),) * 2
    return RangeTest("build", "rows", "adamw", (1e-4, 0.1), rates, losses, curves, low, high, default, ())


def test_the_curves_end_where_they_diverged_and_the_band_is_the_range() -> None:
    figure = seen_between(1e-3).plot()
    assert [len(trace.x) for trace in figure.data] == [4, 3]
    band, line = figure.layout.shapes
    assert (band.x0, band.x1, line.x0) == (1e-3, 0.02, 0.005)
    assert figure.layout.yaxis.range[1] == pytest.approx(2.1 + 0.25 * 1.6)  # 90 would hide the fall
    assert "from 0.001 to 0.02" in figure.layout.meta["title"]


def test_without_a_fall_there_is_no_band() -> None:
    figure = seen_between(None).plot()
    assert not figure.layout.shapes
    assert figure.layout.meta["title"] == "No learning rate made the loss fall."
