"""One set of parameters for each element, against brute force over all configurations."""

import itertools
import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import truing as tr
from truing.errors import SpaceError
from truing.space.configuration import Configuration


def network(low=0, high=3, **layer):
    parts = {
        "kind": tr.Choice(["conv", "dense"]),
        "size": tr.Choice([1, 3, 5], ordered=True, when={"kind": "conv"}),
        "width": tr.Int(8, 16, step=8, default=8),
    }
    return tr.Space(
        tr.Repeat("layer", count="layers", **{**parts, **layer}),
        layers=tr.Int(low, high, default=min(2, high), group="architecture"),
        rate=tr.Choice([0.1, 0.2]),
    )


def brute(low=0, high=3):
    """Every configuration, written down without the space."""
    conv = [{"kind": "conv", "size": size, "width": width} for size in (1, 3, 5) for width in (8, 16)]
    layer = conv + [{"kind": "dense", "width": width} for width in (8, 16)]
    for count in range(low, high + 1):
        for layers in itertools.product(layer, repeat=count):
            for rate in (0.1, 0.2):
                flat = {f"layer.{i}.{name}": v for i, one in enumerate(layers) for name, v in one.items()}
                yield {"layers": count, **flat, "rate": rate}


def test_the_configurations_are_those_of_brute_force():
    space, wanted = network(), {json.dumps(c, sort_keys=True): c for c in brute()}

    found = [space.at(space.combinations, rank) for rank in range(int(space.size))]

    assert space.size == len(wanted) == 2 * (1 + 8 + 64 + 512)
    assert {json.dumps(dict(config), sort_keys=True) for config in found} == set(wanted)
    for rank, config in enumerate(found[::7]):
        assert space.combinations.rank(config) == 7 * rank
        assert space.check(dict(config)) == config
        unit, active = space.encode(config)
        assert space.decode(unit) == config
        assert {name for name, on in zip(space, active, strict=True) if on} == set(config)


def test_a_grid_walks_all_of_them_once():
    from truing.record.history import History
    from truing.record.seeds import stream
    from truing.record.trial import Trial

    space = network(high=1)
    view, seen = History(space, "min"), []
    search = tr.GridSearch(points=9)
    while (config := search.suggest(view, stream(0, "search", len(seen)))) is not None:
        view._trials.append(Trial(len(seen), config))
        view.keys.add(config.key)
        seen.append(json.dumps(dict(config), sort_keys=True))

    assert sorted(seen) == sorted(json.dumps(c, sort_keys=True) for c in brute(high=1))


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32))
def test_drawn_configurations_come_back_from_the_cube_the_journal_and_a_pickle(seed):
    space = network(width=tr.Int(4, 400, log=True), dropout=tr.Float(0, 0.5, when={"kind": "dense", "layers": [1, 3]}))
    config = space.sample(np.random.default_rng(seed))

    assert space.decode(space.encode(config)[0]) == config
    assert space.check(json.loads(json.dumps(dict(config)))) == config
    assert len(config.repeat("layer")) == config["layers"]
    copied = pickle.loads(pickle.dumps(config))
    assert copied == config
    assert copied.repeat("layer") == config.repeat("layer")
    assert copied.group("architecture") == config.group("architecture")
    for layer in config.repeat("layer"):
        assert ("size" in layer) == (layer["kind"] == "conv")
        assert ("dropout" in layer) == (layer["kind"] == "dense" and config["layers"] != 2)


def test_names_stand_after_the_count_however_the_space_is_given():
    layer = tr.Repeat("layer", count="layers", width=tr.Int(1, 4))
    first, last = tr.Int(1, 2), tr.Float(0, 1)
    wanted = ["first", "layers", "layer.0.width", "layer.1.width", "last"]

    assert list(tr.Space(layer, first=first, layers=tr.Int(1, 2), last=last)) == wanted
    assert list(tr.Space({"first": first, "layers": tr.Int(1, 2), "layer": layer, "last": last})) == wanted
    assert list(tr.Space({"first": first}, layer, {"layers": tr.Int(1, 2)}, last=last)) == wanted
    assert next(iter(tr.Space({"lambda": last}, layer, layers=tr.Choice([2, 1])))) == "lambda"
    again = tr.Space(tr.Space(layer, first=first, layers=tr.Int(1, 2), last=last))
    assert list(again) == wanted
    assert again.defaults().repeat("layer") == [{"width": 2}]


def test_a_group_holds_the_layers_as_one_argument():
    def conv_net(layers, layer):
        return layers, [tuple(one) for one in layer]

    config = network().check(
        {"layers": 2, "layer.0.kind": "conv", "layer.0.size": 3, "layer.0.width": 8}
        | {"layer.1.kind": "dense", "layer.1.width": 16, "rate": 0.1}
    )

    assert conv_net(**config.group("architecture")) == (2, [("kind", "size", "width"), ("kind", "width")])
    assert config.group("training") == {"rate": 0.1}
    assert network().check({"layers": 0, "rate": 0.1}).group("architecture") == {"layers": 0, "layer": []}


def test_a_layer_may_be_of_two_groups():
    space = network(dropout=tr.Float(0, 0.5, group="training"))
    config = space.defaults()

    assert config.group("training") == {"layer": [{"dropout": 0.25}, {"dropout": 0.25}], "rate": 0.1}
    assert [list(one) for one in config.group("architecture")["layer"]] == [["kind", "size", "width"]] * 2


def test_group_and_role_are_the_counts_unless_given():
    space = tr.Space(
        tr.Repeat("l", count="n", a=tr.Int(1, 2), b=tr.Int(1, 2, group="training", role="scientific")),
        tr.Repeat("f", count="m", a=tr.Int(1, 2)),
        n=tr.Int(1, 2, group="architecture", role="nuisance"),
        m=tr.Int(1, 2, default=2, group="own", role="fixed"),
    )

    assert (space["l.0.a"].group, space["l.0.a"].role) == ("architecture", "nuisance")
    assert (space["l.0.b"].group, space["l.0.b"].role) == ("training", "scientific")
    assert (space["f.1.a"].group, space["f.1.a"].role) == ("own", "scientific")  # two layers, their kinds to be found
    assert space.size == (2 * 2 + 2**2 * 2**2) * 2 * 2
    assert tr.Space.from_dict(space.to_dict()).groups == space.groups


def test_a_count_that_is_itself_conditional():
    space = tr.Space(
        tr.Repeat("layer", count="layers", width=tr.Int(1, 2)),
        model=tr.Choice(["linear", "deep"]),
        layers=tr.Int(1, 2, group="architecture", when={"model": "deep"}),
    )

    assert space.size == 1 + 2 + 4
    linear = space.check({"model": "linear"})
    assert linear.repeat("layer") == []
    assert linear.group("architecture") == {}


def test_a_condition_inside_may_ask_the_count_and_the_space():
    space = tr.Space(
        tr.Repeat(
            "layer",
            {"few": tr.Int(1, 2, when={"layers": tr.at_most(2)}), "one": tr.Int(1, 2, when={"layers": [1, 3]})},
            count="layers",
            norm=tr.Choice(["batch", "none"], when={"deep": True}),
        ),
        layers=tr.Int(1, 3),
        deep=tr.Choice([False, True]),
    )

    names = {tuple(sorted(space.at(space.combinations, rank))) for rank in range(int(space.size))}
    wanted = set()
    for count, deep in itertools.product((1, 2, 3), (False, True)):
        one = [f"layer.{i}.few" for i in range(count) if count <= 2]
        one += [f"layer.{i}.one" for i in range(count) if count in (1, 3)]
        one += [f"layer.{i}.norm" for i in range(count) if deep]
        wanted.add(tuple(sorted(["layers", "deep", *one])))
    assert names == wanted
    assert "layer.2.few" not in space  # it could never be active


def test_a_parameter_of_the_space_may_ask_a_layer():
    space = tr.Space(
        tr.Repeat("layer", count="n", kind=tr.Choice(["conv", "dense"])),
        n=tr.Int(0, 1),
        pool=tr.Choice([2, 3], when={"layer.0.kind": "conv"}),
    )

    assert space.size == 1 + 1 + 2


LAYERS = tr.Int(1, 3)
WIDTH = tr.Int(1, 2)
WRONG = [
    (lambda: tr.Space(tr.Repeat("l", count="layrs", w=WIDTH), layers=LAYERS), "did you mean 'layers'?"),
    (lambda: tr.Space(tr.Repeat("l", count=3, w=WIDTH), layers=LAYERS), "count names 3"),
    (lambda: tr.Space(tr.Repeat("l", count="n", w=WIDTH), n=tr.Float(1, 3)), "an Int or a Choice of whole numbers"),
    (lambda: tr.Space(tr.Repeat("l", count="n", w=WIDTH), n=tr.Choice(["a"])), "an Int or a Choice of whole numbers"),
    (lambda: tr.Space(tr.Repeat("l", count="n", w=WIDTH), n=tr.Choice([True])), "an Int or a Choice of whole numbers"),
    (lambda: tr.Space(tr.Repeat("l", count="n", w=WIDTH), n=tr.Int(-1, 3)), "0 to 100 elements"),
    (lambda: tr.Space(tr.Repeat("l", count="n", w=WIDTH), n=tr.Int(1, 101)), "0 to 100 elements"),
    (lambda: tr.Space(tr.Repeat("l", count="n", w=WIDTH), n=tr.Choice([0])), "0 to 100 elements"),
    (lambda: tr.Space(tr.Repeat("l", count="n", w=WIDTH), n=tr.Int(0, 1, default=0, role="fixed")), "fixed at 0"),
    (lambda: tr.Space(tr.Repeat("l", count="n", w=WIDTH), n=tr.Int(3, 1)), "low must be below high"),
    (lambda: tr.Space(tr.Repeat("l", count="n"), n=LAYERS), "it has no parameters"),
    (lambda: tr.Space(tr.Repeat("", count="n", w=WIDTH), n=LAYERS), "a name must be a text"),
    (lambda: tr.Space(tr.Repeat("n", count="n", w=WIDTH), n=LAYERS), "a parameter of the space has the same name"),
    (lambda: tr.Space(tr.Repeat("l", WIDTH, count="n"), n=LAYERS), "as keywords or as a dict"),
    (lambda: tr.Space(tr.Repeat("l", count="n", w=3), n=LAYERS), "'l.0.w': must be a Float, an Int or a Choice"),
    (lambda: tr.Space(tr.Repeat("l", count="n", w=tr.Int(3, 1)), n=LAYERS), "'l.0.w': low must be below high"),
    (
        lambda: tr.Space(tr.Repeat("l", count="n", w=WIDTH, v=tr.Int(1, 2, when={"u": 1})), n=LAYERS),
        "'l.0.v': when names 'u'",
    ),
    (
        lambda: tr.Space(tr.Repeat("l", count="n", w=tr.Int(1, 2, when={"w": 1})), n=LAYERS),
        "conditions must not be circular",
    ),
    (lambda: tr.Space(tr.Repeat("l", count="n", w=tr.Int(1, 2, when={"n": 9})), n=LAYERS), "can never hold"),
    (lambda: tr.Space(tr.Repeat("l", count="n", w=tr.Repeat("m", count="n", w=WIDTH)), n=LAYERS), "another Repeat"),
    (lambda: tr.Space(*[tr.Repeat("l", count="n", w=WIDTH)] * 2, n=LAYERS), "it is given twice"),
    (lambda: tr.Space(tr.Repeat("l", count="n", w=WIDTH), {"l.2.w": WIDTH}, n=LAYERS), "'l.2.w': it is given twice"),
    (lambda: tr.Space(other=tr.Repeat("l", count="n", w=WIDTH), n=LAYERS), "under another name, 'other'"),
]


@pytest.mark.parametrize(("make", "says"), WRONG, ids=[says for _, says in WRONG])
def test_a_wrong_repeat_is_said_in_one_sentence(make, says):
    with pytest.raises(SpaceError) as caught:
        make()

    assert says in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_an_unknown_repeat_and_a_repeat_read_like_a_parameter():
    config = network().defaults()

    with pytest.raises(SpaceError, match="no Repeat 'layers' in this space; its repeats: layer"):
        config.repeat("layers")
    with pytest.raises(KeyError, match=r"config\.repeat\('layer'\)"):
        config["layer"]
    with pytest.raises(KeyError, match="not active"):
        config["layer.2.kind"]
    with pytest.raises(SpaceError, match="its repeats: none"):
        Configuration({"a": 1}).repeat("layer")


def test_it_is_stored_and_shown_as_it_was_given():
    space = network()
    stored = json.loads(json.dumps(space.to_dict()))

    assert tr.Space.from_dict(stored) == space
    assert list(tr.Space.from_dict(stored)) == list(space)
    assert [item["name"] for item in stored["parameters"]] == ["layers", "rate"]
    lines = str(space).splitlines()
    assert [line.split()[0] for line in lines] == ["layers", "layer.*.kind", "layer.*.size", "layer.*.width", "rate"]
    assert lines[2].endswith("each of layers, when kind is conv")
    assert "1 < 3 < 5" in lines[2]
    assert space.assumed_defaults == ("rate", "layer.*.kind", "layer.*.size")
    assert eval(repr(space), {**vars(tr), "Space": tr.Space, **_names()}) == space


def _names():
    from truing.space import condition, parameter, repeat

    return {**vars(parameter), **vars(condition), **vars(repeat)}


def test_more_layers_and_more_kinds_are_growth():
    old = network()

    assert network(high=5).grew_from(old) == []
    assert network(kind=tr.Choice(["conv", "dense", "skip"])).grew_from(old) == []
    assert network(dropout=tr.Float(0, 1, default=0.0)).grew_from(old) == []
    grown = network(high=5)
    for config in (old.sample(np.random.default_rng(seed)) for seed in range(20)):
        assert grown.check(grown.complete(config)) == config


@pytest.mark.parametrize(
    ("new", "says"),
    [
        (network(high=2), "Parameter 'layers': high fell from 3 to 2"),
        (network(kind=tr.Choice(["conv"])), "Parameter 'layer.0.kind': it can no longer be 'dense'"),
        (network(dropout=tr.Float(0, 1)), "Parameter 'layer.0.dropout': it is new and needs default="),
        (network(width=tr.Int(8, 16, step=8, default=8, when={"kind": "conv"})), "its conditions changed"),
        (tr.Space(layers=tr.Int(0, 3, default=2), rate=tr.Choice([0.1, 0.2])), "Repeat 'layer': it is gone"),
        (
            tr.Space(
                tr.Repeat("layer", count="depth", kind=tr.Choice(["conv", "dense"])),
                layers=tr.Int(0, 3, default=2),
                depth=tr.Int(0, 3, default=2),
                rate=tr.Choice([0.1, 0.2]),
            ),
            "Repeat 'layer': its count was 'layers' and is 'depth'",
        ),
    ],
)
def test_what_is_lost_is_said_once(new, says):
    found = new.grew_from(network())

    assert len(found) == 1
    assert says in found[0]


def test_a_hundred_layers_are_still_counted():
    space = network(high=100)

    assert space.size == 2 * sum(8**count for count in range(101))
    config = space.sample(np.random.default_rng(0))
    assert space.decode(space.encode(config)[0]) == config


COUNTS = st.sampled_from(
    [tr.Int(0, 2), tr.Int(1, 3, step=2), tr.Choice([2, 0, 1]), tr.Int(1, 3, default=2, role="fixed")]
)
ON_COUNT = st.sampled_from([None, tr.at_least(2), tr.at_most(2), [1, 3], [2]])


@settings(max_examples=60, deadline=None)
@given(COUNTS, ON_COUNT, st.booleans(), st.sampled_from([None, "a", "b"]))
def test_any_repeat_agrees_with_brute_force(count, on_count, asks_outside, on_sibling):
    """Conditions on the count, on a sibling and on a parameter outside, all at once."""
    numbers = {0, 1, 2} if not isinstance(count, tr.Int) or count.low == 0 else {1, 3} if count.step else {2}
    if isinstance(on_count, list):  # values that the count can take, if it may vary
        domain = {1, 2, 3} if count.role == "fixed" else numbers
        on_count = [n for n in on_count if n in domain] or None
    elif on_count is not None and not any(n in on_count for n in numbers):
        on_count = None
    meets = (lambda n: True) if on_count is None else (lambda n: n in on_count)
    when = ({} if on_count is None else {"n": on_count}) | ({} if on_sibling is None else {"kind": on_sibling})
    outer = {"deep": True} if asks_outside else {}
    inner = {
        "kind": tr.Choice(["a", "b"], when=outer or None),
        "width": tr.Choice([1, 2, 3], when=when or None),
    }
    if not any(n >= 1 and meets(n) for n in numbers):
        with pytest.raises(SpaceError, match="can never hold"):
            tr.Space(tr.Repeat("x", count="n", **inner), n=count, deep=tr.Choice([True, False]))
        return
    space = tr.Space(tr.Repeat("x", count="n", **inner), n=count, deep=tr.Choice([True, False]))

    wanted = set()
    for n, deep in itertools.product(numbers, (True, False)):
        one = []
        for kind in ("a", "b") if deep or not asks_outside else (None,):
            layer = {} if kind is None else {"kind": kind}
            has_width = meets(n) and (on_sibling is None or kind == on_sibling)
            one += [{**layer, "width": width} for width in (1, 2, 3)] if has_width else [layer]
        for layers in itertools.product(one, repeat=n):
            flat = {f"x.{i}.{name}": value for i, each in enumerate(layers) for name, value in each.items()}
            wanted.add(json.dumps({"n": n, "deep": deep, **flat}, sort_keys=True))

    found = [space.at(space.combinations, rank) for rank in range(int(space.size))]
    assert {json.dumps(dict(config), sort_keys=True) for config in found} == wanted
    assert len(found) == len(wanted)
    for config in found[::5]:
        assert space.decode(space.encode(config)[0]) == space.check(dict(config)) == config
        assert len(config.repeat("x")) == config["n"]
    again = tr.Space.from_dict(json.loads(json.dumps(space.to_dict())))
    assert (again, again.size) == (space, space.size)
