import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from truing.space.condition import at_least
from truing.space.parameter import Choice, Float, Int
from truing.space.space import Space

OPTIMIZER = Choice(["sgd", "adam"])
GROWN = [
    (Float(0.1, 1.0), Float(0.1, 1.0)),
    (Float(0.1, 1.0), Float(0.01, 2.0)),
    (Float(0.1, 1.0, default=0.2), Float(0.1, 1.0, default=0.2, group="other")),
    (Float(0.0, 1.0, step=0.5), Float(0.0, 1.0, step=0.25)),
    (Float(0.0, 1.0, step=0.5), Float(0.0, 1.0)),
    (Float(0.0, 1.0, default=0.5, role="fixed"), Float(0.5, 1.0, default=0.5)),
    (Int(4, 8), Int(2, 16)),
    (Int(4, 8, step=2), Int(2, 8, step=2)),
    (Int(4, 8, step=2), Int(0, 9)),
    (Choice(["a", "b"]), Choice(["c", "b", "a"])),
    (Choice(["a", "b"], role="nuisance"), Choice(["a", "b"])),
    (Int(4, 8, when={"optimizer": "sgd"}), Int(4, 9, when={"optimizer": ["sgd"]})),
    (Choice([1, 2]), Choice([1.0, 2.0, 3.0])),
    (Choice([1, 2], ordered=True), Choice([1, 2, 3], ordered=True)),
]
SHRUNK = [
    (Float(0.1, 1.0), Float(0.2, 1.0), "low rose from 0.1 to 0.2"),
    (Float(0.1, 1.0), Float(0.1, 0.9), "high fell from 1.0 to 0.9"),
    (Float(0.1, 1.0), Float(0.1, 1.0, log=True), "scale changed from log=False to log=True"),
    (Float(0.0, 1.0), Float(0.0, 1.0, step=0.1), "step=0.1 leaves out"),
    (Float(0.0, 1.0, step=0.2), Float(0.0, 1.0, step=0.5), "step changed from 0.2 to 0.5"),
    (Int(4, 8), Float(4, 8), "changed from Int to Float"),
    (Int(4, 8), Int(4, 8, step=2), "step changed from 1 to 2"),
    (Int(4, 8, step=2), Int(3, 9, step=2), "leaves out earlier values"),
    (Int(4, 8), Int(4, 8, default=5, role="fixed"), "now fixed"),
    (
        Int(4, 8, default=5, role="fixed"),
        Int(4, 8, default=6, role="fixed"),
        "now fixed at another value than 5",
    ),
    (Choice(["a", "b"]), Choice(["a", "c"]), "can no longer be 'b'"),
    (
        Choice(["a", "b"]),
        Choice(["a", "b"], default="a", role="fixed"),
        "now fixed at another value than 'b'",
    ),
    (Choice([0, 1]), Choice([False, True]), "can no longer be 0, 1"),
    (Choice([False, True]), Choice([0, 1, 2]), "can no longer be False, True"),
    (Int(4, 8), Int(4, 8, when={"optimizer": "sgd"}), "conditions changed"),
    (Int(4, 8, when={"optimizer": "sgd"}), Int(4, 8), "conditions changed"),
]


def spaces(old, new):
    return Space(optimizer=OPTIMIZER, x=old), Space(x=new, optimizer=OPTIMIZER)


@pytest.mark.parametrize(("old", "new"), GROWN)
def test_wider_is_growth(old, new):
    before, after = spaces(old, new)

    assert after.grew_from(before) == []
    assert before.grew_from(before) == []


@pytest.mark.parametrize(("old", "new", "words"), SHRUNK)
def test_what_was_lost_is_said(old, new, words):
    before, after = spaces(old, new)
    (sentence,) = after.grew_from(before)

    assert sentence.startswith("Parameter 'x': ")
    assert words in sentence
    assert sentence.endswith(".")


def test_a_parameter_that_is_gone_and_new_ones():
    old = Space(optimizer=OPTIMIZER, x=Int(1, 4))
    new = Space(
        optimizer=Choice(["sgd", "adam", "lion"]),
        assumed=Int(1, 2),
        given=Int(1, 2, default=1),
        beta=Float(0.0, 1.0, when={"optimizer": "lion"}),  # no earlier configuration has lion
        momentum=Float(0.0, 1.0, when={"optimizer": ["sgd", "lion"]}),
    )

    assert [sentence.split("'")[1] for sentence in new.grew_from(old)] == ["x", "assumed", "momentum"]


numbers = st.builds(
    lambda low, count, step: Int(low, low + count * step, step=step),
    st.integers(0, 5),
    st.integers(1, 4),
    st.integers(1, 3),
)


@settings(deadline=None, database=None, derandomize=True, max_examples=300)
@given(numbers, numbers)
def test_growth_of_ranges_agrees_with_the_sets_of_values(old, new):
    before, after = (set(range(p.low, p.high + 1, p.step)) for p in (old, new))

    assert (Space(x=new).grew_from(Space(x=old)) == []) == (before <= after)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (Float(0, 1, default=0.5), Float(0, 6, default=3.0)),
        (Float(0, 1), Float(0, 6, default=3.0)),
        (Float(0, 1, default=0.5), Float(0, 6)),
    ],
)
def test_a_given_default_that_changes_is_said(old, new):
    (sentence,) = Space(w=new).grew_from(Space(w=old))

    assert "'w': its default was 0.5 and is 3.0, but trial 0 stays" in sentence


def test_an_assumed_default_moves_with_its_range():
    assert Space(w=Float(0, 6)).grew_from(Space(w=Float(0, 1))) == []
    assert Space(w=Float(0, 6, default=0.5)).grew_from(Space(w=Float(0, 1))) == []


def test_a_condition_is_the_same_where_it_holds_for_the_same_old_values():
    old = Space(layers=Int(1, 3), kind=Choice(["a", "b"]), x=Int(1, 2, when={"layers": [2, 3], "kind": "b"}))

    def grown(layers, kind):
        options = Choice(["a", "b", "c"])
        return Space(layers=Int(1, 5), kind=options, x=Int(1, 2, when={"layers": layers, "kind": kind}))

    assert grown(at_least(2), "b").grew_from(old) == []
    assert grown([2, 3], ["b", "c"]).grew_from(old) == []
    assert "conditions changed" in grown(at_least(3), "b").grew_from(old)[0]
    assert "conditions changed" in grown(at_least(2), ["a", "b"]).grew_from(old)[0]


def test_a_range_of_an_uncountable_parent_must_stay():
    old = Space(rate=Float(0, 1), x=Int(1, 2, when={"rate": at_least(0.5)}))

    assert Space(rate=Float(0, 2), x=Int(1, 2, when={"rate": at_least(0.5)})).grew_from(old) == []
    assert Space(rate=Float(0, 2), x=Int(1, 2, when={"rate": at_least(0.4)})).grew_from(old) != []


def test_a_new_parameter_beyond_the_old_numbers_needs_no_default():
    old = Space(layers=Int(1, 3))

    assert Space(layers=Int(1, 5), x=Int(1, 2, when={"layers": at_least(4)})).grew_from(old) == []
    assert "needs default=" in Space(layers=Int(1, 5), x=Int(1, 2, when={"layers": at_least(3)})).grew_from(old)[0]
