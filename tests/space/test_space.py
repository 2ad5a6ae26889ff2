import json
import pickle

import numpy as np
import pytest
from scipy import stats

from truing.errors import SpaceError
from truing.space.configuration import Configuration
from truing.space.parameter import Choice, Float, Int
from truing.space.space import Space


@pytest.fixture
def space():
    return Space(
        momentum=Float(0.0, 0.98, default=0.9, when={"optimizer": ["sgd"]}),  # the child comes first
        optimizer=Choice(["sgd", "adam"], default="adam"),
        rate=Float(1e-4, 1e-1, log=True, group="training", role="nuisance"),
        width=Int(8, 32, log=True, default=16, group="architecture"),
        kernel=Choice([1, 3, 5], default=5, role="fixed", group="architecture"),
        nesterov=Choice([True, False], when={"momentum": [0.9], "optimizer": "sgd"}),
    )


def test_is_a_mapping_in_the_order_given(space):
    names = ["momentum", "optimizer", "rate", "width", "kernel", "nesterov"]

    assert list(space) == list(space.parameters) == list(space.groups) == [name for name, _ in space.items()] == names
    assert len(space) == 6
    assert "width" in space
    assert "depth" not in space
    assert space["width"] == Int(8, 32, log=True, default=16, group="architecture")
    assert space.groups["kernel"] == "architecture"


@pytest.mark.parametrize("name", ["self", "mapping", "items", "group", "parameters", "size", "sample", "lambda", "a b"])
def test_no_name_is_reserved(name):
    space = Space(**{name: Int(1, 2)})

    assert space == Space({name: Int(1, 2)})
    assert space.size == 2
    assert space.defaults() == {name: 1}
    assert space[name] == Int(1, 2)


def test_mapping_and_keywords_are_joined_in_order():
    assert list(Space({"lambda": Float(0, 1)}, b=Int(1, 2), a=Int(1, 2))) == ["lambda", "b", "a"]


def test_defaults_leave_out_the_inactive_and_remember_what_was_assumed(space):
    assert list(space.defaults().items()) == [
        ("optimizer", "adam"),
        ("rate", 0.003162277660),
        ("width", 16),
        ("kernel", 5),
    ]
    assert space.assumed_defaults == ("rate", "nesterov")
    assert Space(a=Choice([1, None], default=None)).assumed_defaults == ()
    assert Space(a=Choice([1, None], default=None)).defaults() == {"a": None}
    assert Space(a=Choice([1, 2], default=None)).assumed_defaults == ("a",)


def test_conditions_hold_only_all_together_and_through_active_parents(space):
    base = {"rate": 0.01, "width": 8, "kernel": 5}

    assert space.check({"optimizer": "sgd", "momentum": 0.9, "nesterov": True, **base})["nesterov"] is True
    assert "nesterov" not in space.check({"optimizer": "sgd", "momentum": 0.5, **base})
    with pytest.raises(SpaceError, match=r"'nesterov': it is inactive where momentum=0.5, optimizer='sgd' .* True"):
        space.check({"optimizer": "sgd", "momentum": 0.5, "nesterov": True, **base})
    with pytest.raises(SpaceError, match="'nesterov': its value is missing"):
        space.check({"optimizer": "sgd", "momentum": 0.9, **base})


def test_check_orders_and_gives_plain_types(space):
    config = space.check(
        {"width": np.int64(9), "rate": np.float32(0.0625), "kernel": 5.0, "optimizer": np.str_("adam")}
    )

    assert list(config.items()) == [("optimizer", "adam"), ("rate", 0.0625), ("width", 9), ("kernel", 5)]
    assert [type(value) for value in config.values()] == [str, float, int, int]
    assert json.loads(json.dumps(config.to_dict())) == config
    assert type(space.check({"optimizer": "adam", "rate": 0.01, "width": 8.0, "kernel": 5})["width"]) is int
    assert type(Space(a=Float(0, 5)).check({"a": 3})["a"]) is float


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"rate": 1.0}, "Parameter 'rate': its value must lie between 0.0001 and 0.1, but is 1.0."),
        ({"rate": float("nan")}, "Parameter 'rate': its value must be a finite number, but is nan."),
        ({"rate": "fast"}, "Parameter 'rate': its value must be a finite number, but is 'fast'."),
        ({"rate": True}, "Parameter 'rate': its value must be a finite number, but is True."),
        ({"rate": None}, "Parameter 'rate': its value must be a finite number, but is None."),
        ({"width": 8.5}, "Parameter 'width': its value must be a whole number, but is 8.5."),
        ({"width": 10**400}, None),
        (
            {"optimizer": "lion"},
            "Parameter 'optimizer': its value must be one of 'sgd', 'adam', but is 'lion'.",
        ),
        (
            {"optimizer": ["sgd"]},
            "Parameter 'optimizer': its value must be one of 'sgd', 'adam', but is ['sgd'].",
        ),
        ({"kernel": 3}, "Parameter 'kernel': it is fixed at 5, but is 3."),
        (
            {"kernal": 3},
            "Parameter 'kernal': it is not in this space (did you mean 'kernel'?); the space has ",
        ),
    ],
)
def test_check_names_the_parameter_the_value_and_the_rule(space, change, sentence):
    right = {"optimizer": "adam", "rate": 0.01, "width": 8, "kernel": 5}
    with pytest.raises(SpaceError) as caught:
        space.check({**right, **change})

    assert str(caught.value).startswith(sentence or "Parameter 'width': its value must ")
    assert "\n" not in str(caught.value)


def test_check_tells_everything_at_once(space):
    with pytest.raises(SpaceError) as caught:
        space.check({"rate": 2.0, "optimizer": "lion", "kernel": 3, "depth": 1})

    # width is missing; momentum and nesterov depend on a wrong optimizer and are not judged
    assert sorted(line.split("'")[1] for line in str(caught.value).splitlines()) == [
        "depth",
        "kernel",
        "optimizer",
        "rate",
        "width",
    ]


def test_check_snaps_to_the_step_and_refuses_what_lies_between():
    space = Space(a=Float(0.0, 1.0, step=0.1))

    assert space.check({"a": 0.1 + 0.2}) == {"a": 0.3}
    with pytest.raises(SpaceError, match=r"'a': its value must be 0.0 plus a multiple of step=0.1, but is 0.25"):
        space.check({"a": 0.25})


def test_restore_takes_any_names_as_they_are(space):
    config = space.restore({"gone": 1, "width": 99})

    assert isinstance(config, Configuration)
    assert config == {"gone": 1, "width": 99}
    assert config.group("architecture") == {"width": 99}


def test_encoding_marks_the_active_and_comes_back(space):
    unit, active = space.encode(space.check({"optimizer": "adam", "rate": 0.01, "width": 8, "kernel": 5}))

    assert unit.dtype == np.float64
    assert active.dtype == np.bool_
    assert active.tolist() == [False, True, True, True, True, False]
    assert unit[[0, 5]].tolist() == [0.5, 0.5]
    assert unit[2] == pytest.approx(2 / 3)
    rng = np.random.default_rng(0)
    for _ in range(300):
        config = space.sample(rng)
        unit, active = space.encode(config)
        assert space.decode(unit) == config
        assert [name for name, is_active in zip(space, active, strict=True) if is_active] == list(config)
        assert space.check(config) == config


def test_activity_follows_from_the_decoded_parents_only(space):
    unit = np.array([0.1, 0.9, 0.5, 0.5, 0.0, 0.5])

    assert list(space.decode(unit)) == ["optimizer", "rate", "width", "kernel"]
    unit[1] = 0.1
    assert list(space.decode(unit)) == ["momentum", "optimizer", "rate", "width", "kernel"]
    assert space.decode(unit)["kernel"] == 5
    assert space.decode(np.full(6, 7.0)) == space.decode(np.ones(6))


def test_points_that_are_none_are_refused(space):
    with pytest.raises(SpaceError, match=r"shape \(6,\), but got \(5,\)"):
        space.decode(np.zeros(5))
    with pytest.raises(SpaceError, match="must be numbers"):
        space.decode(np.full(6, np.nan))
    with pytest.raises(SpaceError, match=r"'optimizer': 'lion' is not one of its values"):
        space.encode({"optimizer": "lion"})
    with pytest.raises(SpaceError, match=r"'rate': -1 is not one of its values"):
        space.encode({"rate": -1})


def test_encoding_stands_the_default_in_for_a_parameter_that_came_later():
    old = Space(rate=Float(0.0, 1.0))
    new = Space(rate=Float(0.0, 1.0), width=Int(1, 4, default=2), depth=Int(1, 3, default=3, when={"width": 2}))

    unit, active = new.encode(old.check({"rate": 0.25}))
    assert unit.tolist() == [0.25, 0.375, pytest.approx(5 / 6)]
    assert active.all()
    assert old.encode({"rate": 0.25, "width": 3})[0].tolist() == [0.25]


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        (Int(3, 9), list(range(3, 10))),
        (Int(10, 50, step=10), [10, 20, 30, 40, 50]),
        (Float(0.0, 1.0, step=0.25), [0.0, 0.25, 0.5, 0.75, 1.0]),
        (Choice(["a", "b", "c"]), ["a", "b", "c"]),
    ],
)
def test_sampling_is_uniform_over_values(parameter, values):
    space = Space(a=parameter)
    rng = np.random.default_rng(11)
    drawn = [space.sample(rng)["a"] for _ in range(7000)]

    assert stats.chisquare([drawn.count(value) for value in values]).pvalue > 1e-3


def test_sampling_is_uniform_on_the_scale():
    space = Space(a=Float(-2.0, 2.0), b=Float(1e-5, 1e-1, log=True))
    rng = np.random.default_rng(12)
    drawn = [space.sample(rng) for _ in range(4000)]

    assert stats.kstest([config["a"] for config in drawn], stats.uniform(-2, 4).cdf).pvalue > 1e-3
    assert stats.kstest([config["b"] for config in drawn], stats.loguniform(1e-5, 1e-1).cdf).pvalue > 1e-3


def test_goes_through_json_and_pickle(space):
    text = json.dumps(space.to_dict(), allow_nan=False)
    again = Space.from_dict(json.loads(text))

    assert again == space
    assert hash(again) == hash(space)
    assert again.to_dict() == space.to_dict()
    assert again.defaults() == space.defaults()
    assert again.assumed_defaults == space.assumed_defaults
    assert pickle.loads(pickle.dumps(space)) == space
    rng, other = np.random.default_rng(3), np.random.default_rng(3)
    assert [space.sample(rng) for _ in range(20)] == [again.sample(other) for _ in range(20)]


@pytest.mark.parametrize(
    "data", [{}, {"parameters": [{"name": "a"}]}, {"parameters": [{"name": "a", "kind": "odd"}]}, 3]
)
def test_a_description_that_is_none_is_refused(data):
    with pytest.raises(SpaceError, match="does not describe a space"):
        Space.from_dict(data)


@pytest.mark.parametrize(
    "other",
    [
        Space(b=Int(1, 4), a=Choice([1, 2])),
        Space(a=Choice([1.0, 2.0]), b=Int(1, 4)),
        Space(a=Choice([1, 2], default=1), b=Int(1, 4)),
        Space(a=Choice([1, 2]), b=Int(1, 4, group="g")),
        Space(a=Choice([1, 2]), b=Int(1, 4, when={"a": 1})),
        Space(a=Choice([1, 2])),
    ],
)
def test_equal_means_the_same_in_every_setting(other):
    space = Space(a=Choice([1, 2]), b=Int(1, 4))

    assert space == Space(a=Choice((1, 2)), b=Int(1.0, 4.0))
    assert space != other
    assert space != {"a": Choice([1, 2]), "b": Int(1, 4)}


def test_a_single_value_stands_for_a_list_of_one():
    one = Space(a=Choice(["x", "y"]), b=Int(1, 2, when={"a": "x"}))

    assert one == Space(a=Choice(["x", "y"]), b=Int(1, 2, when={"a": ["x"]}))
    assert one.size == 3


def test_shows_itself(space):
    lines = str(space).splitlines()

    assert len(lines) == 6
    assert " ".join(lines[0].split()) == "momentum float 0 to 0.98 default 0.9 training when optimizer is sgd"
    assert " ".join(lines[2].split()) == ("rate float 0.0001 to 0.1, log default 0.003162 (assumed) training nuisance")
    assert "\n" not in repr(space)
    assert eval(repr(space)) == space
    assert str(Space()) == ""
