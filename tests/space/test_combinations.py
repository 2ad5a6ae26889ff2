"""Counting and numbering against brute force: every assignment of values or absence, kept if consistent."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truing.space.parameter import Choice, Float, Int
from truing.space.space import Space

ABSENT = object()


@st.composite
def countable_spaces(draw):
    """Up to five parameters; conditions point to others in a random order, so children may come first."""
    number = draw(st.integers(1, 5))
    order = draw(st.permutations(range(number)))
    made = {}
    for rank, place in enumerate(order):
        when = {}
        for parent in order[:rank]:
            if draw(st.integers(0, 2)) == 0:
                values = values_of(made[f"p{parent}"])
                when[f"p{parent}"] = draw(st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True))
        kind = draw(st.sampled_from(["choice", "int", "float"]))
        role = draw(st.sampled_from(["scientific", "scientific", "nuisance", "fixed"]))
        if kind == "choice":
            options = list("abc")[: draw(st.integers(1, 3))]
            made[f"p{place}"] = Choice(options, when=when, role=role)
        elif kind == "int":
            made[f"p{place}"] = Int(2, draw(st.integers(4, 5)), log=draw(st.booleans()), when=when, role=role)
        else:
            made[f"p{place}"] = Float(0.5, draw(st.sampled_from([1.0, 1.5])), step=0.5, when=when, role=role)
    return Space({f"p{place}": made[f"p{place}"] for place in range(number)})


def values_of(parameter):
    if isinstance(parameter, Choice):
        return list(parameter.options)
    step = 1 if isinstance(parameter, Int) else parameter.step
    return [parameter.low + k * step for k in range(int((parameter.high - parameter.low) / step) + 1)]


def brute_force(space):
    """All configurations as sets of items, straight from the definition of when a parameter is active."""
    choices = []
    for parameter in space.values():
        values = [middle(parameter)] if parameter.role == "fixed" else values_of(parameter)
        choices.append([ABSENT, *values])
    found = set()
    for values in itertools.product(*choices):
        given_ = dict(zip(space, values, strict=True))
        consistent = all(
            (given_[name] is not ABSENT)
            == all(given_[parent] in allowed for parent, allowed in (parameter.when or {}).items())
            for name, parameter in space.items()
        )
        if consistent:
            found.add(frozenset((name, value) for name, value in given_.items() if value is not ABSENT))
    return found


def middle(parameter):
    values = values_of(parameter)
    if isinstance(parameter, Choice):
        return values[0]
    if parameter.log:
        target = math.sqrt(values[0] * values[-1])
        return min(values, key=lambda value: abs(math.log(value / target)))
    return values[(len(values) - 1) // 2]


QUICK = settings(deadline=None, database=None, derandomize=True, max_examples=120)


@QUICK
@given(countable_spaces())
def test_size_and_numbers_agree_with_brute_force(space):
    every = brute_force(space)
    numbered = [space.at(space.combinations, rank) for rank in range(space.size)]

    assert space.size == len(every)
    assert {frozenset(config.items()) for config in numbered} == every
    assert [space.combinations.rank(config) for config in numbered] == list(range(space.size))
    for config in numbered:
        checked = space.check(config)
        assert list(checked.items()) == list(config.items())
        assert space.decode(space.encode(config)[0]) == config


@QUICK
@given(countable_spaces(), st.integers(0, 2**31))
def test_samples_are_configurations_of_the_space(space, seed):
    config = space.sample(np.random.default_rng(seed))

    assert frozenset(config.items()) in brute_force(space)
    assert [name for name in space if name in config] == list(config)


def test_the_first_slot_changes_slowest():
    space = Space(a=Int(1, 2), b=Choice(["x", "y"]))

    assert [space.combinations.at(rank) for rank in range(4)] == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
        {"a": 2, "b": "y"},
    ]


def test_no_such_combination():
    space = Space(a=Int(1, 2))

    for rank in (-1, 2):
        with pytest.raises(IndexError, match=f"no combination number {rank}"):
            space.combinations.at(rank)
    assert space.combinations.rank({"a": 3}) is None
    assert space.combinations.rank({}) is None
    assert space.combinations.rank({"a": 1, "b": 1}) is None
    with pytest.raises(IndexError):
        Space(a=Float(0, 1)).combinations.at(0)


def test_sizes_that_cannot_be_listed_are_exact():
    hundred = Space({f"p{k}": Int(0, 9999) for k in range(100)})

    assert hundred.size == 10**400
    assert hundred.combinations.rank(space_values := hundred.combinations.at(10**399 + 12345)) == 10**399 + 12345
    assert space_values["p99"] == 2345


def test_size_is_infinite_only_where_a_continuous_value_can_occur():
    rate = Float(0.0, 1.0, when={"kind": "b"})

    assert Space(kind=Choice(["a", "b"]), rate=rate).size == math.inf
    assert Space(kind=Choice(["a", "b"], role="fixed"), rate=rate).size == 1
    assert Space(rate=Float(0.0, 1.0, role="fixed"), width=Int(1, 3)).size == 3
    assert Space({f"p{k}": Int(0, 9999) for k in range(100)}, rate=Float(0, 1)).size == math.inf
    assert Space().size == 1


def test_a_large_parent_is_counted_without_listing_its_values():
    space = Space(
        seed=Int(0, 10**9),
        extra=Int(1, 5, when={"seed": [3, 10**9]}),
        more=Int(1, 7, when={"extra": [1, 2]}),
    )

    assert space.size == (10**9 - 1) + 2 * (3 + 2 * 7)
    last = space.combinations.at(space.size - 1)
    assert last == {"seed": 10**9, "extra": 5}
    assert space.combinations.rank(last) == space.size - 1


def test_thousands_of_parameters_are_no_problem():
    space = Space(
        {f"p{k}": Int(0, 9, when={f"p{k - 1}": 9} if k % 3 else None) for k in range(3000)},
    )

    # each chain of three: nine values alone, or the tenth with nine alone, or with the tenth and all ten
    assert space.size == (9 + 9 + 10) ** 1000
    assert space.combinations.rank(space.combinations.at(12345)) == 12345
