"""Events as text: whatever a study's data are, they come back as they were."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from truing.record.events import decode, encode

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["$float", "$dict", "nan"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["$float", "$dict", "a", "$"]) | st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(PLAIN)
def test_round_trip(data):
    """Compared by Python's own text, in which NaN equals NaN; and any JSON reader can read it."""
    text = encode(data)
    assert repr(decode(text)) == repr(data)
    json.loads(text, parse_constant=pytest.fail)


def test_a_parameter_may_have_the_name_of_a_mark():
    """A configuration of one parameter called "$float" is no number."""
    assert decode(encode({"config": {"$float": "nan"}})) == {"config": {"$float": "nan"}}
    assert math.isnan(decode(encode({"config": {"x": math.nan}}))["config"]["x"])
