"""Learning curves, against the plain tuples they stand for."""

from __future__ import annotations

import json
import math
import pickle
import random

import pytest

from truing.errors import JournalError
from truing.record.curve import Curve, parted
from truing.record.events import Event, encode
from truing.record.history import History, fold
from truing.space.parameter import Float
from truing.space.space import Space


def curves(seed: int):
    rng = random.Random(seed)
    for _ in range(50):
        first, length = rng.choice([(1, 20), (0, 3), (5, 1), (1, 0), (7, 300)])
        epochs = [first + i for i in range(length)]
        if rng.random() < 0.4:
            epochs = [rng.randrange(1000) for _ in epochs]
        yield tuple((e, None if rng.random() < 0.1 else rng.choice([rng.gauss(0, 1), math.inf, 3])) for e in epochs)


def test_it_is_the_tuple_it_was_made_of():
    for plain in curves(0):
        for found in (Curve(plain), Curve.of_text(encode([list(point) for point in plain])), Curve(Curve(plain))):
            assert found == plain
            assert plain == found
            assert found == [list(point) for point in plain]
            assert list(found) == list(plain)
            assert len(found) == len(plain)
            assert found[1:-1] == plain[1:-1]
            assert not plain or (found[0], found[-1]) == (plain[0], plain[-1])
            assert pickle.loads(pickle.dumps(found)) == found
            assert repr(found) == repr(Curve(plain))
            assert hash(found) == hash(Curve(plain))
            assert found != (*plain, (1, 1.0))


def test_a_curve_cut_out_of_an_event_leaves_the_rest():
    rng = random.Random(1)
    hostile = ['"curve":[[1,2]]', ',"curve":[[', "]]", '\\",\\"curve\\":[[9,9]]', '","curve":[[1,2]],"']
    for plain in curves(2):
        data = {"run": 3, "state": "failed", "reason": {"kind": rng.choice(hostile), "tail": rng.choice(hostile)}}
        data |= {"scores": {"curve": 0.5, rng.choice(hostile): math.nan}, "curve": [list(point) for point in plain]}
        data |= {"epochs": 2, "note": rng.choice(hostile)}
        found = parted(encode(data))
        if not plain:
            assert found is None
            continue
        assert found is not None
        rest = {key: value for key, value in data.items() if key != "curve"}
        assert json.loads(found[0]) == json.loads(encode(rest))
        assert found[1] == plain


@pytest.mark.parametrize("text", ["[[1]]", '[["a",2]]', '[[1,"a"]]', "[[1,2,3]]", "[[1,2],3]", "[[1.5,2]]", "[[1,2"])
def test_what_is_no_curve_is_told_when_it_is_read(text):
    with pytest.raises(JournalError, match="learning curve"):
        list(Curve.of_text(text))


def events(trials: int):
    for number in range(trials):
        yield Event("proposed", {"trial": number, "config": {"x": number / 10}})
        for fold_number in range(2):
            run = 2 * number + fold_number
            yield Event("started", {"run": run, "trial": number, "purpose": "search", "replicate": fold_number})
            yield Event("reported", {"run": run, "epoch": 1, "score": 0.5})
            end = {"state": "completed", "scores": {"loss": run / 7}, "curve": [[1, run / 7]], "seconds": 0.25}
            yield Event("finished", {"run": run, **end})
        yield Event("judged", {"trial": number, "state": "completed", "value": 1 / (1 + number)})


def test_folding_in_one_go_gives_what_folding_one_by_one_gives():
    space, told = Space(x=Float(0, 1)), list(events(8))
    whole, steps = fold(told, space, "min"), History(space, "min")
    for event in told:
        steps.extend([event])
    assert list(whole.trials) == list(steps.trials)
    assert whole.runs == steps.runs
    assert whole.best() == steps.best()


def test_what_somebody_holds_of_a_history_never_changes_under_them():
    space, told = Space(x=Float(0, 1)), list(events(4))
    history = History(space, "min")
    held = []
    for event in told:
        history.extend([event])
        for record in (*history.trials, *history.runs.values()):
            held.append((record, repr(record)))
    assert [(repr(record), said) for record, said in held if repr(record) != said] == []
