"""The table of a nested search against enumeration by hand, with failures, and what a person sees."""

from __future__ import annotations

import itertools
import json

import pytest

import truing as tr
from truing.errors import UsageError
from truing.report.retuned import retuned_of
from truing.report.show import study_dict, study_text
from truing.report.study import read

SPACE = tr.Space(
    depth=tr.Int(1, 3, group="architecture"),
    rate=tr.Float(0.0, 1.0, default=0.5, role="nuisance"),
)


def train(run):
    depth, rate = run.config["depth"], run.config["rate"]
    if depth == 3:
        raise ValueError("too deep")
    run.report(accuracy=1 - 0.2 * depth * abs(rate - 0.2 * depth), parameters=10_000 * depth)


def searched(folder, function=train, per_group=9, **given):
    study = tr.Study(
        function,
        space=SPACE,
        metric=tr.Metric("accuracy", goal="max"),
        folder=folder,
        search=tr.SequentialSearch(nested=True, per_group=per_group),
    )
    study.run(workers=0, **given)
    return study


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return searched(tmp_path_factory.mktemp("nested") / "s")


def test_the_score_is_the_mean_best_over_all_subsets_of_what_was_drawn(study):
    found = study.retuned()
    assert [dict(one.values) for one in found.architectures] == [{"depth": 1}, {"depth": 2}, {"depth": 3}]
    trials = {trial["number"]: trial for trial in study.trials(as_dicts=True)}
    for one in found.architectures[:2]:
        own = [trials[number] for number in one.trials]
        assert [trial["config"]["depth"] for trial in own] == [one.values["depth"]] * 9
        drawn = [trial["value"] for trial in own if trial["config"]["rate"] != 0.5]
        assert found.tries == 2
        every = [max(pair) for pair in itertools.combinations(drawn, 2)]
        assert one.of.value == pytest.approx(sum(every) / len(every))
        assert one.untuned == next(trial["value"] for trial in own if trial["config"]["rate"] == 0.5)
        assert one.best == max(((t["number"], t["value"]) for t in own), key=lambda pair: (pair[1], -pair[0]))
        assert one.parameters == 10_000 * one.values["depth"]


def test_an_architecture_that_fails_is_last_and_said(study):
    found = study.retuned()
    last = found.architectures[-1]
    assert (last.of, last.best, last.untuned, last.apart) == (None, None, None, None)
    assert len(last.trials) == 9
    assert "Without a score: depth 3." in found.text
    assert found.table()[-1]["score"] is None


def test_text_fits_and_plain_values_are_json(study):
    found = study.retuned()
    assert max(map(len, found.text.splitlines())) <= 80
    assert found.text.startswith("rate tuned anew for each of 3 architectures")
    assert "the same draws for all" in " ".join(found.text.split())
    assert json.loads(json.dumps(found.to_dict()))["architectures"][0]["values"] == {"depth": 1}
    assert tr.load(study.folder).retuned().to_dict() == found.to_dict()


def test_show_and_report_have_it(study):
    history, about = read(study.folder)
    sentence = study.retuned().sentence
    assert sentence in " ".join(study_text(study.folder, history, about, 80).split())
    assert study_dict(study.folder, history, about)["retuned"]["sentence"] == sentence
    assert sentence in study.report().read_text(encoding="utf-8")


def test_the_figure_has_each_architecture_once(study):
    figure = study.plot.retuned()
    assert [len(trace.x) for trace in figure.data] == [2, 2]
    assert list(figure.data[1].y) == ["1. depth 1", "2. depth 2"]
    of = study.retuned().architectures[0].of
    assert figure.data[1].error_x.array[0] == pytest.approx(of.high - of.value)


def test_cut_after_the_defaults_it_says_that_nothing_was_tuned(tmp_path):
    study = searched(tmp_path / "s", trials=3)
    assert study.retuned().sentence == "No architecture of 3 has a trial yet in which anything was tuned."
    assert study.plot.retuned().layout.annotations or study.plot.retuned().layout.title.text


def test_without_a_nested_search_it_says_how_to_run_one(tmp_path):
    study = tr.Study(
        train, space=SPACE, metric=tr.Metric("accuracy", goal="max"), folder=tmp_path / "s", search="random"
    )
    with pytest.raises(UsageError, match="holds no study"):
        study.retuned()
    study.run(workers=0, trials=3)
    with pytest.raises(UsageError, match=r"make the study with search=tr.SequentialSearch\(nested=True\)"):
        study.retuned()
    assert retuned_of(*read(study.folder)) is None


def test_equal_architectures_are_not_told_apart_and_unequal_ones_are(tmp_path):
    def same(run):
        run.report(accuracy=1 - abs(run.config["rate"] - 0.3))

    found = searched(tmp_path / "same", same, per_group=20).retuned()
    assert [one.apart for one in found.architectures] == [None, False, False]
    assert "no other can be told from it" in found.sentence

    def other(run):
        run.report(accuracy=run.config["depth"] - abs(run.config["rate"] - 0.3))

    found = searched(tmp_path / "other", other, per_group=20).retuned()
    assert [one.apart for one in found.architectures] == [None, True, True]
    assert "all others are worse beyond chance" in found.sentence
