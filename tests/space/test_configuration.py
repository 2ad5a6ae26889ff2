import copy
import json
import pickle
import subprocess
import sys

import pytest

from truing.errors import SpaceError
from truing.space.configuration import Configuration, format_value

GROUPS = {"width": "architecture", "rate": "training", "momentum": "optimizer"}


def test_behaves_like_a_dict_in_order():
    config = Configuration({"width": 22, "rate": 0.031}, GROUPS)

    assert list(config) == ["width", "rate"]
    assert dict(**config) == {"width": 22, "rate": 0.031} == config.to_dict()
    assert "momentum" not in config
    assert config.get("momentum", 0.0) == 0.0
    assert repr(config) == "{'width': 22, 'rate': 0.031}"
    assert str(config) == "width 22 · rate 0.031"


def test_equals_any_mapping_with_the_same_items_and_hashes_alike():
    one = Configuration({"a": 1, "b": "x"})
    other = Configuration({"b": "x", "a": 1.0}, {"a": "g"})

    assert one == other == {"a": True, "b": "x"}
    assert hash(one) == hash(other)
    assert one.key == other.key
    assert one != {"a": 1}
    assert one != 3
    assert len({one, other}) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"a": 1}, {"a": 2}),
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, {"a": "1"}),
        ({"a": None}, {"a": "None"}),
        ({"a": 1}, {"a": 1, "b": None}),
        ({"a": 0.1}, {"a": 0.1 + 2**-56}),
        ({"a": "b", "c": "d"}, {"a": "d", "c": "b"}),
    ],
)
def test_keys_tell_configurations_apart(first, second):
    assert Configuration(first).key != Configuration(second).key


def test_the_key_is_the_same_in_a_process_with_other_hashes():
    config = Configuration({"kind": "sgd", "rate": 0.1, "wide": True, "none": None})
    code = (
        "from truing.space.configuration import Configuration;"
        "print(Configuration({'none': None, 'rate': 0.1, 'wide': True, 'kind': 'sgd'}).key)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONHASHSEED": "5"})

    assert done.stdout.strip() == config.key


def test_a_group_gives_its_active_parameters_and_an_unknown_one_is_refused():
    config = Configuration({"width": 22, "rate": 0.031}, GROUPS)

    assert config.group("architecture") == {"width": 22}
    assert config.group("optimizer") == {}
    with pytest.raises(SpaceError, match=r"no group 'model' .* architecture, training, optimizer"):
        config.group("model")


def test_a_missing_name_says_whether_it_is_inactive_or_unknown():
    config = Configuration({"width": 22, "rate": 0.031}, GROUPS)

    with pytest.raises(KeyError, match="'momentum' is not active"):
        config["momentum"]
    with pytest.raises(KeyError, match="'depth' is not in this configuration, which has width, rate"):
        config["depth"]


@pytest.mark.parametrize("name", ["key", "group", "self", "values", "items", "_values"])
def test_no_name_is_reserved(name):
    config = Configuration({name: 1}, {name: "training"})

    assert config[name] == 1
    assert config.group("training") == {name: 1}
    assert len(config.key) == 16


def test_cannot_be_changed():
    source = {"a": 1}
    config = Configuration(source)
    source["a"] = 2
    config.to_dict()["a"] = 3

    assert config == {"a": 1}
    with pytest.raises(TypeError):
        config["a"] = 2
    with pytest.raises(AttributeError):
        config.anything = 2


def test_survives_pickling_copying_and_json():
    config = Configuration({"width": 22, "rate": 0.031}, GROUPS)
    for again in (pickle.loads(pickle.dumps(config)), copy.deepcopy(config)):
        assert again == config
        assert again.group("architecture") == {"width": 22}
    assert json.loads(json.dumps(config.to_dict())) == config


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.031622776, "0.03162"),
        (1.0, "1"),
        (1e-6, "1e-06"),
        (1234.567, "1235"),
        (98765.4, "98765"),
        (3, "3"),
        (10**7, "10000000"),
        (True, "True"),
        (None, "None"),
        ("sgd", "sgd"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
    ],
)
def test_values_are_shown_short(value, shown):
    assert format_value(value) == shown
