"""The region of practical equivalence: documented widths, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from truing.errors import MetricError
from truing.statistics.equivalence import region
from truing.statistics.metric import METRICS, Metric, metric


def test_defaults_are_a_point_or_a_hundredth_of_the_constant_prediction() -> None:
    for name, known in METRICS.items():
        assert region(known, 0.4).width == pytest.approx(0.01 if known.goal == "max" else 0.004), name
    assert region(Metric("accuracy", goal="max"), None).width == 0.01  # a function's own number of a known name
    assert region(Metric("loss", goal="min"), None).width == 0
    assert region(Metric("log_loss", goal="min"), None).width == 0
    assert not region(metric("rmse"), 50.0).given


def test_given_widths_are_taken_as_they_are() -> None:
    for given, width in ((0, 0.0), (0.02, 0.02), (np.float32(0.5), 0.5), (3, 3.0)):
        found = region(metric("accuracy"), 0.4, given)
        assert (found.width, found.given) == (pytest.approx(width), True)


@pytest.mark.parametrize("given", [-0.01, float("nan"), float("inf"), "0.01", True, [0.01]])
def test_what_is_no_width_is_refused_in_one_sentence(given) -> None:
    with pytest.raises(MetricError, match="rope= takes the largest difference of accuracy") as error:
        region(metric("accuracy"), 0.5, given)
    assert repr(given) in str(error.value)
