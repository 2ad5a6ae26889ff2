"""Every mistake is one sentence with the parameter, the value and the rule; all are told at once."""

import inspect
import math

import numpy as np
import pytest

from truing.errors import SpaceError
from truing.space.parameter import Choice, Float, Int
from truing.space.space import Space

MISTAKES = [
    (Float(0.1, 0.01), ["low must be below high", "low=0.1", "high=0.01"]),
    (Float(0.1, 0.1), ["low must be below high"]),
    (Int(3, 3), ["low must be below high", "low=3"]),
    (Float(0.0, 1.0, log=True), ["log", "low above 0", "low=0.0"]),
    (Int(-1, 8, log=True), ["log", "low above 0", "low=-1"]),
    (Float(0.0, 1.0, default=2.0), ["default", "between 0.0 and 1.0", "2.0"]),
    (Int(1, 9, step=2, default=4), ["default", "step=2", "is 4"]),
    (Float(0.0, 1.0, step=0.25, default=0.3), ["default", "step=0.25", "0.3"]),
    (Int(1, 9, default=2.5), ["default", "whole number", "2.5"]),
    (Float(0.0, 1.0, default=True), ["default", "finite number", "True"]),
    (Float(0.0, 1.0, step=0), ["step must be above 0", "step=0"]),
    (Float(0.0, 1.0, step=-0.1), ["step must be above 0", "step=-0.1"]),
    (Int(1, 9, step=10), ["step must be at most high - low", "step=10"]),
    (Int(1, 9, step=0.5), ["step must be a whole number", "step=0.5"]),
    (Float(math.nan, 1.0), ["low must be a finite number", "nan"]),
    (Float(0.0, math.inf), ["high must be a finite number", "inf"]),
    (Float(0.0, 10**400), ["high must be a finite number"]),
    (Float(False, 1.0), ["low must be a finite number", "False"]),
    (Float("0", 1.0), ["low must be a finite number", "'0'"]),
    (Float(-1.7e308, 1.7e308), ["high - low must be a finite number"]),
    (Float(1.0, 1.0 + 1e-12), ["high - low must be at least a millionth"]),
    (Int(1.5, 9), ["low must be a whole number", "1.5"]),
    (Int(1, True), ["high must be a whole number", "True"]),
    (Int(0, 2**50), ["at most 2**40 values"]),
    (Int(0, 10**400), ["at most 2**40 values"]),
    (Int(10**12, 10**13, step=1, log=True), ["at most 2**40 values"]),
    (Int(10**13, 10**13 + 9, log=True), ["log scale needs step above"]),
    (Float(0.0, 1.0, log="yes"), ["log must be True or False", "'yes'"]),
    (Choice([]), ["options must not be empty"]),
    (Choice("abc"), ["options must be a list", "'abc'"]),
    (Choice({"a"}), ["options must be a list"]),
    (Choice(["a", "b", "a"]), ["options must differ", "'a'", "twice"]),
    (Choice([1, True]), ["options must differ", "True equals the option 1"]),
    (Choice([1, object]), ["JSON value", "object"]),
    (Choice([1, (2, 3)]), ["JSON value", "(2, 3)"]),
    (Choice([1.0, math.nan]), ["JSON value", "nan"]),
    (Choice(["a", "b"], default="c"), ["default", "one of 'a', 'b'", "'c'"]),
    (Choice(["a"], role="secret"), ["role", "scientific, nuisance, fixed", "'secret'"]),
    (Choice(["a"], group=""), ["group", "''"]),
    (Choice(["a"], when={"nothing": 1}), ["when", "'nothing'", "not a parameter"]),
    (Choice(["a"], when={"othr": "x"}), ["'othr'", "did you mean 'other'?"]),
    (Choice(["a"], when={"other": "z"}), ["when", "'other' cannot take", "'z'"]),
    (Choice(["a"], when={"other": []}), ["when", "at least one value of 'other'"]),
    (Choice(["a"], when="other"), ["when", "mapping", "'other'"]),
    (Choice(["a"], when={"wrong": "a"}), ["circular", "wrong needs wrong"]),
    (0.5, ["Float, an Int or a Choice", "0.5"]),
]


@pytest.mark.parametrize(("parameter", "words"), MISTAKES, ids=lambda item: repr(item)[:60])
def test_a_mistake_is_one_sentence_with_name_value_and_rule(parameter, words):
    with pytest.raises(SpaceError) as caught:
        Space(other=Choice(["x", "y"]), wrong=parameter)

    message = str(caught.value)
    assert message.startswith("Parameter 'wrong': ")
    assert message.endswith(".")
    assert "\n" not in message
    for word in words:
        assert word in message


def test_the_example_of_the_documentation_reads_as_promised():
    with pytest.raises(SpaceError) as caught:
        Space(learning_rate=Float(0.1, 0.01))

    assert str(caught.value) == "Parameter 'learning_rate': low must be below high, but low=0.1 and high=0.01."


def test_all_mistakes_are_told_at_once():
    with pytest.raises(SpaceError) as caught:
        Space(
            rate=Float(1.0, 0.1, role="odd"),
            width=Int(1, 8, default=9),
            kind=Choice(["a", "a"]),
            depth=Int(1, 4, when={"knd": "a"}),
        )

    lines = str(caught.value).splitlines()
    assert [line.split("'")[1] for line in lines] == ["rate", "rate", "width", "kind", "depth"]


def test_a_circle_is_told_once_as_a_chain():
    with pytest.raises(SpaceError) as caught:
        Space(
            outside=Int(1, 2, when={"a": 1}),
            a=Int(1, 2, when={"b": 1}),
            b=Int(1, 2, when={"c": 1}),
            c=Int(1, 2, when={"a": 1}),
        )

    assert str(caught.value).count("\n") == 0
    assert "a needs b needs c needs a" in str(caught.value)


def test_a_diamond_is_no_circle():
    space = Space(
        bottom=Int(1, 2, when={"left": 1, "right": 1}),
        left=Int(1, 2, when={"top": 1}),
        right=Int(1, 2, when={"top": 1}),
        top=Int(1, 2),
    )

    assert space.size == 1 + (4 + 1)  # top = 2 alone; else left x right, of which one has two bottoms


@pytest.mark.parametrize("name", ["", 3, None])
def test_a_name_is_a_text(name):
    with pytest.raises(SpaceError, match="a name must be a text"):
        Space({name: Float(0, 1)})


def test_a_name_given_twice_and_a_mapping_that_is_none():
    with pytest.raises(SpaceError, match="'rate': it is given twice"):
        Space({"rate": Float(0, 1)}, rate=Float(0, 2))
    with pytest.raises(SpaceError, match="mapping of names to parameters"):
        Space([("rate", Float(0, 1))])


def test_numpy_numbers_and_whole_floats_are_welcome():
    space = Space(
        rate=Float(np.float64(0.5), np.int64(2)),
        width=Int(1, 1e3, default=np.int32(7)),
        kind=Choice(np.array([1, 2])),
    )

    assert space == Space(rate=Float(0.5, 2.0), width=Int(1, 1000, default=7), kind=Choice([1, 2]))
    assert type(space.defaults()["width"]) is int


def test_options_that_are_not_in_one_list_are_shown_in_one():
    with pytest.raises(SpaceError, match=r"write Choice\(\[3, 5\]\)"):
        Choice(3, 5)
    with pytest.raises(SpaceError, match=r"write Choice\(\['a', 'b'\]\)"):
        Choice("a", "b", default="a")
    named = ["options", "ordered", "default", "objects", "group", "role", "when"]
    assert list(inspect.signature(Choice).parameters) == named


def test_something_that_is_no_parameter_hides_no_other_mistake():
    with pytest.raises(SpaceError) as caught:
        Space(c=(1, 2), rate=Float(1, 0), child=Int(1, 2, when={"c": 1}), lost=Int(1, 2, when={"d": 1}))

    lines = str(caught.value).splitlines()
    assert [line.split("'")[1] for line in lines] == ["c", "rate", "lost"]


@pytest.mark.parametrize("option", ["\ud800", "a\udfff"])
def test_half_a_surrogate_pair_is_no_option_and_no_name(option):
    with pytest.raises(SpaceError, match="an option must be"):
        Space(c=Choice(["a", option]))
    with pytest.raises(SpaceError, match="UTF-8"):
        Space({option: Int(1, 2)})


def test_true_is_not_the_option_one():
    with pytest.raises(SpaceError, match="must be one of 0, 1, but is True"):
        Space(c=Choice([0, 1], default=True))
    with pytest.raises(SpaceError, match="must be one of False, True, but is 1"):
        Space(c=Choice([False, True])).check({"c": 1})
    assert Space(c=Choice([0.0, 1.0], default=1)).defaults() == {"c": 1.0}
