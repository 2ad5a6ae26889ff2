import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truing.space.encoding import Continuous, Options, Stepped, scale_of
from truing.space.parameter import Choice, Float, Int

QUICK = settings(deadline=None, database=None, derandomize=True, max_examples=150)
UNIT = st.floats(0.0, 1.0)


@st.composite
def scales(draw):
    kind = draw(st.sampled_from(["float", "float log", "int", "int log", "step", "step log", "choice"]))
    if kind == "choice":
        return scale_of(Choice(draw(st.lists(st.one_of(st.text(), st.none()), min_size=1, unique=True))))
    if kind == "float":
        low = draw(st.floats(-1e9, 1e9))
        return scale_of(Float(low, low + max(draw(st.floats(1e-6, 1e9)), 1e-5 * abs(low))))
    if kind == "float log":
        low = draw(st.floats(1e-12, 1e6))
        return scale_of(Float(low, low * draw(st.floats(1.001, 1e12)), log=True))
    low = draw(st.integers(1, 10**6) if "log" in kind else st.integers(-(10**6), 10**6))
    if "int" in kind:
        step = draw(st.integers(1, 50))
        return scale_of(Int(low, low + step * draw(st.integers(1, 10**6)), step=step, log="log" in kind))
    step = draw(st.sampled_from([0.1, 0.25, 0.05, 1e-3, 3.0]))
    return scale_of(Float(low / 8, low / 8 + step * draw(st.integers(1, 1000)), step=step, log="log" in kind))


@QUICK
@given(scales(), UNIT)
def test_a_decoded_value_comes_back_as_it_was(scale, unit):
    value = scale.value(unit)

    assert 0.0 <= scale.unit(value) <= 1.0
    assert scale.value(scale.unit(value)) == value
    assert type(scale.value(scale.unit(value))) is type(value)


@QUICK
@given(scales(), UNIT, UNIT)
def test_decoding_keeps_the_order(scale, one, other):
    low, high = scale.value(min(one, other)), scale.value(max(one, other))
    if isinstance(scale, Options):
        assert scale.index(low) <= scale.index(high)
    else:
        assert low <= high


@QUICK
@given(scales(), st.data())
def test_counted_values_can_be_numbered_and_encoded(scale, data):
    if scale.count == math.inf:
        assert scale.index(scale.middle()) is None
        return
    index = data.draw(st.integers(0, scale.count - 1))
    value = scale.at(index)

    assert scale.index(value) == index
    assert scale.nearest(value) == value
    assert scale.value(scale.unit(value)) == value


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        (Int(1, 4), [1, 2, 3, 4]),
        (Int(1, 10, step=4), [1, 5, 9]),
        (Float(0.0, 0.5, step=0.1), [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        (Float(0.1, 0.3, step=0.1), [0.1, 0.2, 0.3]),
        (Choice(["a", None, 2.5]), ["a", None, 2.5]),
    ],
)
def test_the_values_are_those_one_would_write(parameter, values):
    scale = scale_of(parameter)

    assert [scale.at(index) for index in range(scale.count)] == values
    assert [type(scale.at(index)) for index in range(scale.count)] == [type(value) for value in values]


@pytest.mark.parametrize(
    "parameter", [Int(3, 9), Int(0, 100, step=10), Float(0.0, 1.0, step=0.125), Choice(list("abcde"))]
)
def test_linear_bins_have_equal_width(parameter):
    scale = scale_of(parameter)
    found = [scale.index(scale.value(unit)) for unit in (np.arange(100 * scale.count) + 0.5) / (100 * scale.count)]

    assert np.bincount(found).tolist() == [100] * scale.count


def test_a_log_scale_of_whole_numbers_gives_each_its_share_of_the_logarithm():
    scale = scale_of(Int(1, 6, log=True))
    units = (np.arange(200_000) + 0.5) / 200_000
    shares = np.bincount([scale.value(unit) for unit in units])[1:] / len(units)
    squares = [1 / 2, 1 * 2, 2 * 3, 3 * 4, 4 * 5, 5 * 6, 6 * 6 * 6 / 5]  # neighbours meet at geometric means
    edges = np.log(squares) / 2

    assert shares == pytest.approx(np.diff(edges) / (edges[-1] - edges[0]), abs=1e-4)


def test_continuous_scales_are_linear_or_logarithmic_between_their_ends():
    assert [Continuous(-1.0, 3.0, False).value(u) for u in (0.0, 0.25, 1.0)] == [-1.0, 0.0, 3.0]
    assert [Continuous(1e-4, 1e-1, True).value(u) for u in (0.0, 1 / 3, 2 / 3, 1.0)] == [
        1e-4,
        1e-3,
        1e-2,
        1e-1,
    ]
    assert Continuous(1e-4, 1e-1, True).unit(1e-2) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("parameter", "middle"),
    [
        (Float(0.0, 1.0), 0.5),
        (Float(1e-4, 1e-2, log=True), 1e-3),
        (Int(1, 9), 5),
        (Int(1, 10), 5),
        (Int(8, 32, log=True), 16),
        (Int(16, 128, step=16), 64),
        (Int(1, 1000, log=True), 32),  # the square root of a thousand is 31.6
        (Float(0.0, 0.9, step=0.3), 0.3),
        (Choice(["a", "b", "c"]), "a"),
    ],
)
def test_the_middle_is_the_middle_of_the_scale(parameter, middle):
    found = scale_of(parameter).middle()

    assert found == middle
    assert type(found) is type(middle)


@pytest.mark.parametrize(
    ("parameter", "points", "values"),
    [
        (Float(0.0, 1.0), 5, [0.0, 0.25, 0.5, 0.75, 1.0]),
        (Float(1e-4, 1.0, log=True), 5, [1e-4, 1e-3, 1e-2, 1e-1, 1.0]),
        (Int(1, 4), 5, [1, 2, 3, 4]),
        (Int(0, 100), 5, [0, 25, 50, 75, 100]),
        (Int(1, 6, log=True), 5, [1, 2, 3, 4, 6]),
        (Int(8, 128, log=True), 5, [8, 16, 32, 64, 128]),
        (Float(0.0, 1.0, step=0.1), 3, [0.0, 0.5, 1.0]),
        (Choice([3, 1, 2, 9]), 2, [3, 1, 2, 9]),
    ],
)
def test_a_spread_covers_the_scale(parameter, points, values):
    assert list(scale_of(parameter).spread(points)) == values


@QUICK
@given(scales(), st.integers(2, 12))
def test_a_spread_has_as_many_different_values_as_asked_and_both_ends(scale, points):
    values = list(scale.spread(points))
    if isinstance(scale, Options):
        assert values == list(scale.options)
        return
    assert values == sorted(set(values))
    assert len(values) == min(points, scale.count)
    assert values[0] == scale.low
    assert values[-1] == (scale.high if scale.count == math.inf else scale.at(scale.count - 1))


def test_a_continuous_scale_has_no_numbers():
    with pytest.raises(IndexError, match="cannot be counted"):
        Continuous(0.0, 1.0, False).at(0)
    assert Stepped(0, 3, 1, False).index("a") is None
