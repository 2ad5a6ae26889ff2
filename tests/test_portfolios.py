"""`tr.portfolio` on folders of finished studies."""

from __future__ import annotations

import json

import numpy as np
import pytest

import truing as tr
from truing.errors import UsageError

SPACE = tr.Space(x=tr.Float(0, 1, default=0.9), kind=tr.Choice(["a", "b"], default="a"))


def data(seed: int) -> tr.Data:
    rng = np.random.default_rng(seed)
    return tr.Data(rng.normal(size=(60, 2)), rng.normal(size=60))


def study(folder, best: float, *, seed: int = 0, space: tr.Space = SPACE, **settings) -> tr.Study:
    def train(run):
        if run.config["kind"] == "b" and run.config["x"] > 0.8:
            raise ValueError("it breaks")
        run.report(np.full(len(run.valid.x), abs(run.config["x"] - best)) + np.asarray(run.valid.y))

    made = tr.Study(
        train, space, data=data(int(100 * best)), metric="rmse", test=None, validation=tr.Holdout(0.3), seed=seed,
        folder=folder, **settings,
    )  # fmt: skip
    made.run(trials=30, workers=0)
    return made


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory):
    place = tmp_path_factory.mktemp("portfolio")
    return [study(place / str(best), best).folder for best in (0.1, 0.15, 0.6, 0.65)]


def test_one_configuration_for_each_kind_of_dataset(folders) -> None:
    found = tr.portfolio([str(folders[0]), tr.load(folders[1]), *folders[2:]], size=2)
    places = sorted(config["x"] for config in found.configurations)
    assert abs(places[0] - 0.125) < 0.08
    assert abs(places[1] - 0.625) < 0.08
    told = found.to_dict()
    json.dumps(told, allow_nan=False)
    assert told["candidates"] == 30
    assert [row["first"] for row in told["left_out"]] == [1, 2]
    assert told["left_out"][1]["mean"] < told["left_out"][1]["random"] < told["defaults"]
    assert max(map(len, str(found).splitlines())) <= 80
    assert all(SPACE.check(config) for config in found.configurations)


def test_it_only_reads(folders) -> None:
    before = [(folder / "journal.db").read_bytes() for folder in folders]
    assert str(tr.portfolio(folders)) == str(tr.portfolio(folders))
    assert [(folder / "journal.db").read_bytes() for folder in folders] == before


def test_what_does_not_belong_together_is_refused(folders, tmp_path) -> None:
    other = study(tmp_path / "seed", 0.3, seed=5)
    wider = study(tmp_path / "space", 0.4, space=tr.Space(x=tr.Float(0, 2, default=0.9), kind=SPACE["kind"]))
    same = study(tmp_path / "same", 0.1)
    for given, words in (
        ([folders[0], other], "1 finished configuration in common.*same space and seed"),
        ([folders[0], wider], "different spaces"),
        ([folders[0], same], "the same data"),
        ([folders[0], folders[0]], "twice"),
        ([folders[0]], "two or more studies"),
        (str(folders[0]), "in a list"),
        ([folders[0], 3], "studies or their folders"),
    ):
        with pytest.raises(UsageError, match=words):
            tr.portfolio(given)
    with pytest.raises(UsageError, match="size="):
        tr.portfolio(folders, size=0)


def test_a_configuration_of_many_parameters_keeps_to_the_screen(tmp_path) -> None:
    wide = tr.Space(
        x=tr.Float(0, 1), kind=SPACE["kind"], **{f"a_rather_long_name_{k}": tr.Float(0, 1) for k in range(6)}
    )
    found = tr.portfolio(
        [study(tmp_path / str(k), 0.3 + k / 3, space=wide, seed=0) for k in range(2)], size=np.int64(2)
    )
    text = str(found)

    assert max(map(len, text.splitlines())) <= 80
    assert all(f"{name} " in " ".join(text.split()) for name in wide)


def test_a_study_in_which_nothing_completed_is_named(folders, tmp_path) -> None:
    def broken(run):
        raise ValueError("never")

    dead = tr.Study(
        broken, SPACE, data=data(9), metric="rmse", test=None, search="random", seed=0, folder=tmp_path / "dead"
    )
    with pytest.raises(tr.TruingError):
        dead.run(trials=9, workers=0)
    with pytest.raises(UsageError, match=r"dead has no completed trial: leave it out"):
        tr.portfolio([folders[0], dead])
