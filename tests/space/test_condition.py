"""Conditions on numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import truing as tr
from truing.errors import SpaceError
from truing.space.combinations import Combinations, Slot
from truing.space.encoding import scale_of


def layered(condition, parent=None):
    return tr.Space(parent=parent or tr.Int(1, 5, default=3), child=tr.Choice(["a", "b"], when={"parent": condition}))


@pytest.mark.parametrize(
    ("condition", "active"),
    [
        (tr.at_least(2), {2, 3, 4, 5}),
        (tr.at_least(2.5), {3, 4, 5}),
        (tr.at_most(2), {1, 2}),
        (tr.between(2, 4), {2, 3, 4}),
        ([tr.at_least(4)], {4, 5}),
        ({"at_least": 2, "at_most": 3}, {2, 3}),
        (tr.at_least(np.int64(5)), {5}),
    ],
)
def test_the_child_is_active_for_these_numbers_only(condition, active):
    space = layered(condition)

    for number in range(1, 6):
        values = {"parent": number} | ({"child": "b"} if number in active else {})
        assert space.check(values) == values
        wrong = {"parent": number} | ({} if number in active else {"child": "b"})
        with pytest.raises(SpaceError):
            space.check(wrong)
    assert space.size == 5 + len(active)
    assert tr.Space.from_dict(space.to_dict()) == space


def test_numbers_of_every_kind_can_be_asked():
    assert ("child" in layered(tr.at_most(0.3), tr.Float(0, 1, default=0.3)).defaults()) is True
    assert ("child" in layered(tr.at_least(0.3), tr.Float(0, 1, default=0.2)).defaults()) is False
    assert layered(tr.at_least(0.3), tr.Float(0, 1, step=0.1, default=0)).size == 3 + 8 * 2
    assert layered(tr.at_least(32), tr.Choice([64, 16, 32])).size == 1 + 2 * 2
    assert layered(tr.at_least(2), tr.Int(1, 10**6)).size == 1 + 2 * (10**6 - 1)  # and does not list a million


def test_a_fixed_parent_counts_with_its_default():
    space = layered(tr.at_least(4), tr.Int(1, 5, default=3, role="fixed"))

    assert space.size == 1
    assert "child" not in space.sample(np.random.default_rng(0))


def test_a_description_says_the_range_in_words():
    assert "when parent is at least 2" in str(layered(tr.at_least(2)))
    assert "when parent is at most 2.5" in str(layered(tr.at_most(2.5)))
    assert "when parent is between 2 and 4" in str(layered(tr.between(2, 4)))


@pytest.mark.parametrize(
    ("condition", "parent", "says"),
    [
        (tr.at_least(6), None, "can never hold: 'parent' is never at least 6, for it runs from 1 to 5"),
        (tr.between(2.2, 2.8), None, "is never between 2.2 and 2.8"),
        (tr.between(4, 2), None, "a range of 'parent' that rises, but is between(4, 2)"),
        (tr.at_least("2"), None, "needs finite numbers for 'parent', but is at_least('2')"),
        (tr.at_least(True), None, "needs finite numbers"),
        (tr.at_least(float("nan")), None, "needs finite numbers"),
        (tr.at_least(None), None, "needs finite numbers"),
        ([1, tr.at_least(3)], None, "values of 'parent' or one range of it"),
        (tr.at_least(1), tr.Choice(["x", "y"]), "'parent' is one of 'x', 'y': list those that are meant"),
        (tr.at_least(1), tr.Choice([1, True, None]), "options must differ"),
        (tr.at_least(2), tr.Float(0, 1), "is never at least 2, for it runs from 0.0 to 1.0"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_sentence(condition, parent, says):
    with pytest.raises(SpaceError) as caught:
        layered(condition, parent)

    assert says in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def ranges():
    number = st.integers(-1, 8)
    return st.one_of(
        number.map(tr.at_least),
        number.map(tr.at_most),
        st.tuples(number, number).map(lambda pair: tr.between(min(pair), max(pair))),
        st.frozensets(number, min_size=1),
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), ranges()), min_size=1, max_size=4), st.booleans())
def test_combinations_under_ranges_are_those_of_brute_force(conditions, rising):
    """Four parents of 0 ... 6 in a row, each child asking one of them; counted, listed and ranked."""
    import itertools

    domain = scale_of(tr.Int(0, 6)) if rising else scale_of(tr.Choice([3, 0, 6, 1, 5, 2, 4]))
    slots = [Slot(f"p{i}", domain) for i in range(2)]
    for number, (parent, allowed) in enumerate(conditions):
        slots.append(Slot(f"c{number}", scale_of(tr.Choice(["x", "y"])), when=((parent % 2, allowed),)))
    combinations = Combinations(tuple(slots))

    wanted = []
    for first, second in itertools.product([domain.at(k) for k in range(7)], repeat=2):
        active = [f"c{n}" for n, (parent, allowed) in enumerate(conditions) if (first, second)[parent % 2] in allowed]
        for values in itertools.product("xy", repeat=len(active)):
            wanted.append({"p0": first, "p1": second, **dict(zip(active, values, strict=True))})
    found = [combinations.at(rank) for rank in range(int(combinations.count))]
    assert found == wanted
    assert [combinations.rank(values) for values in found] == list(range(len(found)))
