"""Options by label, and options in order."""

import json
import pickle

import numpy as np
import pytest

import truing as tr
from truing.errors import SpaceError
from truing.space.configuration import Configuration


class Relu:
    """An object that is no JSON value."""


def test_the_space_holds_labels_everywhere():
    space = tr.Space(
        activation=tr.Choice({"relu": Relu, "half": [1, 2]}, default="half"),
        slope=tr.Float(0, 1, default=0.1, when={"activation": "half"}),
    )

    assert space.defaults() == {"activation": "half", "slope": 0.1}
    assert space.sample(np.random.default_rng(1))["activation"] in ("relu", "half")
    assert space.check({"activation": "relu"}) == {"activation": "relu"}
    assert json.loads(json.dumps(space.to_dict()))["parameters"][0]["options"] == ["relu", "half"]
    assert "relu, half" in str(space)
    assert space.objects == {"activation": {"relu": Relu, "half": [1, 2]}}


def test_a_stored_space_is_the_same_without_the_objects():
    space = tr.Space(activation=tr.Choice({"relu": Relu, "abs": abs}))
    stored = tr.Space.from_dict(space.to_dict())

    assert stored == space
    assert stored.objects == {}
    assert stored.grew_from(space) == space.grew_from(stored) == []
    assert tr.Space(activation=tr.Choice({"relu": Relu, "abs": abs, "max": max})).grew_from(stored) == []
    assert "no longer be 'abs'" in tr.Space(activation=tr.Choice({"relu": Relu})).grew_from(stored)[0]


def test_objects_inside_a_repeat_are_there_for_each_element():
    space = tr.Space(tr.Repeat("layer", count="n", kind=tr.Choice({"relu": Relu})), n=tr.Int(1, 2, default=2))

    assert space.objects == {"layer.0.kind": {"relu": Relu}, "layer.1.kind": {"relu": Relu}}
    assert space.labelled == {"layer.*.kind": {"relu": Relu}}
    config = Configuration(dict(space.defaults()), space.groups, space.repeats, space.objects)
    assert config.repeat("layer") == [{"kind": Relu}, {"kind": Relu}]


def test_the_configuration_of_a_run_has_objects_and_keeps_labels():
    plain = Configuration({"activation": "relu", "width": 3}, {"activation": "a", "width": "a"})
    config = Configuration(dict(plain), {"activation": "a", "width": "a"}, {}, {"activation": {"relu": Relu}})

    assert config["activation"] is Relu
    assert config.get("activation") is Relu
    assert dict(config) == config.group("a") == {"activation": Relu, "width": 3}
    assert config.to_dict() == dict(plain)
    assert config == plain
    assert config == {"activation": Relu, "width": 3}
    assert config.key == plain.key
    assert hash(config) == hash(plain)
    assert str(config) == "activation relu · width 3"
    assert pickle.loads(pickle.dumps(config))["activation"] is Relu


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: tr.Choice([Relu]), "give such options labels, as in Choice({'relu': Relu, ...})"),
        (lambda: tr.Choice([(64, 32)]), 'as in Choice({"label": option, ...})'),
        (lambda: tr.Choice({Relu: "relu"}), "a label must be a JSON value"),
        (lambda: tr.Choice({}), "options must not be empty"),
        (lambda: tr.Choice({"relu": Relu}, default=Relu), "give its label, 'relu'"),
        (lambda: tr.Choice({"relu": Relu}, default="rely"), "default must be one of 'relu', but is 'rely'."),
        (lambda: tr.Choice(["relu"], objects={"tanh": Relu}), "one object for each of ['relu']"),
        (lambda: tr.Choice({"a": 1}, ordered="yes"), "ordered must be True or False"),
        (lambda: tr.Choice({1, 2}), "a list, or a dict of labels and objects"),
    ],
)
def test_what_no_choice_can_be_is_said_in_one_sentence(make, says):
    with pytest.raises(SpaceError) as caught:
        tr.Space(activation=make())

    assert says in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_ordered_options_lie_on_a_line():
    """As an Int with as many values does: same places in the cube, same middle, same neighbours."""
    options = ["tiny", "small", "medium", "large", "huge"]
    space = tr.Space(size=tr.Choice(options, ordered=True))
    line = tr.Space(size=tr.Int(0, 4))

    assert space.defaults() == {"size": "medium"}
    for place, option in enumerate(options):
        assert space.encode({"size": option})[0] == line.encode({"size": place})[0]
        found = [config["size"] for config in space.neighbours({"size": option})]
        assert found == [options[config["size"]] for config in line.neighbours({"size": place})]
    assert space.scale("size").ordered is True
    assert tr.Space.from_dict(json.loads(json.dumps(space.to_dict()))) == space
    assert tr.Space.from_dict(space.to_dict())["size"].ordered is True
    assert "tiny < small < medium < large < huge" in str(space)


def test_options_without_an_order_are_all_equally_near():
    space = tr.Space(kind=tr.Choice(["a", "b", "c", "d"]))

    assert space.defaults() == {"kind": "a"}
    assert [config["kind"] for config in space.neighbours({"kind": "c"})] == ["a", "b", "d"]
    assert space.scale("kind").ordered is False


def test_neighbours_are_one_step_in_one_parameter():
    space = tr.Space(
        tr.Repeat("layer", count="layers", width=tr.Int(1, 9, default=4)),
        layers=tr.Int(0, 2),
        rate=tr.Float(0.01, 100.0, log=True),
        fixed=tr.Int(1, 9, default=3, role="fixed"),
    )
    config = {"layers": 1, "layer.0.width": 9, "rate": 1.0, "fixed": 3}

    changed = [
        {k: v for k, v in found.items() if config.get(k) != v} | {k: None for k in config if k not in found}
        for found in space.neighbours(config)
    ]

    assert changed == [
        {"layers": 0, "layer.0.width": None},
        {"layers": 2, "layer.1.width": 4},
        {"layer.0.width": 8},
        {"rate": pytest.approx(10**-0.4)},
        {"rate": pytest.approx(10**0.4)},
    ]
    for found in space.neighbours(config):
        assert space.check(found) == found
    with pytest.raises(SpaceError):
        space.neighbours({"layers": 1})
