"""The designs that tune inside: which rows they take, and what they say where a figure cannot be made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import accuracy_score, roc_auc_score

from truing.data.outline import Outline
from truing.errors import DataError, UsageError
from truing.record.procedure import Part, Side, Tuned
from truing.record.task import Task
from truing.statistics.metric import metric
from truing.statistics.score import Score
from truing.validation.internal import Internal, corrected
from truing.validation.internal_external import InternalExternal
from truing.validation.nested import Nested
from truing.validation.parts import agreement

RNG = np.random.default_rng
TASK = Task((metric("accuracy"), metric("roc_auc")), ("healthy", "ill"))


def tuned(parts: Any, truth: np.ndarray, refits: int = 3, seed: int = 0) -> list[Tuned]:
    """Two refits' worth of noise around the truth, one a part."""
    rng, found = RNG(seed), []
    for part in parts:
        sides = []
        for strength in (1.2, 0.4):
            latent = strength * (truth[part.test] - 0.5) + rng.normal(size=(refits, len(part.test)))
            p = 1 / (1 + np.exp(-latent))
            sides.append(Side([np.stack([1 - one, one], axis=1) for one in p]))
        found.append(Tuned({"width": len(part.train)}, 1, 5, 25, 2.0, 0.7, *sides))
    return found


# -- nested ------------------------------------------------------------------------------------------------------------


def test_outer_folds_are_stratified_and_repeats_are_other_divisions() -> None:
    labels = np.repeat(["a", "b"], [40, 10])
    parts = Nested(5, repeats=2).plan(Outline(50, labels), RNG(0))

    assert [part.folder for part in parts][::5] == ["fold-1-of-5", "repeat-2-fold-1-of-5"]
    assert all((labels[part.test] == "b").sum() == 2 for part in parts)
    for repeat in (0, 1):
        rows = np.concatenate([part.test for part in parts if part.repeat == repeat])
        assert sorted(rows.tolist()) == list(range(50))
    assert {tuple(p.test) for p in parts[:5]} != {tuple(p.test) for p in parts[5:]}


def test_pooled_is_of_all_rows_and_the_interval_that_of_nadeau_and_bengio() -> None:
    truth = (RNG(1).random(90) < 0.5).astype(int)
    rows = Outline(90, truth)
    parts = Nested(3).plan(rows, RNG(2))
    inside = tuned(parts, truth)

    found = Nested(3).estimate(TASK, rows, truth, parts, inside, RNG(0))

    order = np.concatenate([part.test for part in parts])
    aucs, folds, gaps = [], [], []
    for refit in range(3):
        p = np.concatenate([one.selected.predictions[refit][:, 1] for one in inside])
        aucs.append(roc_auc_score(truth[order], p))
    for part, one in zip(parts, inside, strict=True):
        ours = [accuracy_score(truth[part.test], p.argmax(axis=1)) for p in one.selected.predictions]
        theirs = [accuracy_score(truth[part.test], p.argmax(axis=1)) for p in one.defaults.predictions]
        folds.append(np.mean(ours))
        gaps.append(np.mean(ours) - np.mean(theirs))
    assert found["metrics"]["roc_auc"]["pooled"]["selected"]["value"] == pytest.approx(np.mean(aucs))
    assert found["value"] == pytest.approx(np.mean(folds))
    away = stats.t.ppf(0.975, 2) * np.std(gaps, ddof=1) * np.sqrt(1 / 3 + 30 / 60)
    assert found["difference"]["value"] == pytest.approx(np.mean(gaps))
    assert found["difference"]["low"] == pytest.approx(np.mean(gaps) - away)
    assert found["difference"]["high"] == pytest.approx(np.mean(gaps) + away)


def test_too_few_groups_and_wrong_numbers_are_refused() -> None:
    with pytest.raises(DataError, match=r"There are 3 groups, too few for 5 outer folds: use tr\.Nested\(3\)"):
        Nested(5).plan(Outline(12, None, np.arange(12) % 3), RNG(0))
    with pytest.raises(UsageError, match="folds"):
        Nested(1)
    with pytest.raises(UsageError, match="resamples"):
        Internal(1)
    with pytest.raises(UsageError, match="trials"):
        InternalExternal(trials=0)


def test_rows_in_time_are_warned_of() -> None:
    rows = Outline(20, time=np.arange(20))
    assert "whatever their time" in Nested(4).notes(rows)[0]
    assert "whatever their time" in Internal(4).notes(rows)[0]


# -- internal ----------------------------------------------------------------------------------------------------------


def test_a_resample_takes_whole_groups_and_says_which_rows_belong_together() -> None:
    groups = np.repeat(np.arange(10), [1, 2, 3, 4, 5, 1, 2, 3, 4, 5])
    parts = Internal(20).plan(Outline(30, None, groups), RNG(0))[1:]

    for part in parts:
        times = [np.bincount(part.train, minlength=30)[groups == g] for g in range(10)]
        assert all(len(set(own.tolist())) == 1 for own in times)  # all rows of a group equally often
        assert sum(int(own[0]) for own in times) == 10  # as many groups as there are
        assert (part.units == groups[part.train]).all()


def test_more_resamples_begin_with_the_same_ones() -> None:
    few, many = (Internal(n).plan(Outline(25, np.arange(25) % 2), RNG(5)) for n in (3, 6))
    assert [p.train.tolist() for p in few] == [p.train.tolist() for p in many[:4]]


def test_a_resample_has_two_classes() -> None:
    labels = np.repeat([0, 1], [29, 1])
    for part in Internal(30).plan(Outline(30, labels), RNG(0))[1:]:
        assert len(set(labels[part.train].tolist())) == 2


def test_harrell_by_hand_and_percentiles_from_a_hundred_on() -> None:
    rng = RNG(3)
    boot, original = rng.normal(0.9, 0.02, 120), rng.normal(0.8, 0.03, 120)
    one = Part("", "", np.arange(3), np.arange(3))
    scores = [Score(0.88), *map(Score, boot)], [Score(0.88), *map(Score, original)]

    found = corrected(*scores, [one] * 121)

    optimism = np.mean(boot - original)
    assert found["optimism"] == pytest.approx(optimism)
    assert found["se"] == pytest.approx(stats.sem(boot - original))
    assert found["interval"].value == pytest.approx(0.88 - optimism)
    assert found["interval"].low == pytest.approx(np.percentile(boot, 2.5) - optimism)
    assert found["interval"].high == pytest.approx(np.percentile(boot, 97.5) - optimism)


def test_where_networks_fit_every_resample_perfectly_there_is_no_interval() -> None:
    one = Part("", "", np.arange(3), np.arange(3))
    found = corrected([Score(1.0)] * 4, [Score(1.0), Score(0.9), Score(0.92), Score(0.91)], [one] * 4)

    assert found["interval"].value == pytest.approx(0.91)
    assert found["interval"].low is None
    assert "same in every resample" in found["interval"].reason


# -- internal-external -------------------------------------------------------------------------------------------------


def test_a_group_at_two_sites_is_left_out_with_both() -> None:
    sites = np.array(list("aaabbbccc"))
    groups = np.array([0, 1, 2, 2, 3, 4, 5, 6, 7])  # group 2 has rows at a and at b
    rows = Outline(9, None, groups, sites=sites)

    by_name = {part.name: part for part in InternalExternal().plan(rows, RNG(0))}

    assert by_name["a"].train.tolist() == [4, 5, 6, 7, 8]
    assert by_name["b"].train.tolist() == [0, 1, 6, 7, 8]
    assert by_name["c"].train.tolist() == [0, 1, 2, 3, 4, 5]
    assert any("several sites" in note for note in InternalExternal().notes(rows))


def test_sites_may_be_given_for_all_rows_of_the_data_of_which_some_are_locked() -> None:
    rows = Outline(4, places=np.array([0, 2, 3, 5]), n_in_all=6)
    parts = InternalExternal(site=["x", "y", "x", "y", "x", "y"]).plan(rows, RNG(0))

    assert [(part.name, part.test.tolist()) for part in parts] == [("x", [0, 1]), ("y", [2, 3])]
    with pytest.raises(DataError, match="5 values for 6 rows"):
        InternalExternal(site=list("xyxyx")).plan(rows, RNG(0))


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (Outline(4), "There are no sites"),
        (Outline(4, sites=np.array(list("aaaa"))), "All rows are of one site"),
        (Outline(4, sites=np.arange(4)), "Each row is a site of its own"),
        (Outline(4, None, np.zeros(4), sites=np.array(list("aabb"))), "no row is left to tune on"),
    ],
)
def test_what_cannot_be_left_out_is_refused(rows: Outline, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        InternalExternal().plan(rows, RNG(0))


def test_a_site_of_one_class_is_named_and_its_auc_is_no_number() -> None:
    truth = np.r_[np.arange(40) % 2, np.ones(20, dtype=int)]
    rows = Outline(60, truth, sites=np.repeat(["north", "south", "west"], 20))
    parts = InternalExternal().plan(rows, RNG(0))

    found = InternalExternal().estimate(TASK, rows, truth, parts, tuned(parts, truth), RNG(0))

    assert any("'west' has only rows of the class 1" in note for note in InternalExternal().notes(rows))
    assert found["parts"][2]["metrics"]["roc_auc"]["selected"] is None
    assert found["parts"][0]["metrics"]["roc_auc"]["selected"] is not None
    assert found["metrics"]["roc_auc"]["selected"] is None
    assert found["metrics"]["roc_auc"]["reason"].startswith("west: ")
    assert found["metrics"]["roc_auc"]["range"]["value"] is None
    assert found["metrics"]["roc_auc"]["pooled"]["selected"]["value"] is not None
    assert found["value"] is not None  # accuracy is defined everywhere
    assert "descriptive" in found["range"]["method"]


def test_the_configurations_stand_side_by_side() -> None:
    found = agreement([Tuned({"a": 1, "b": 2}, 3), Tuned({"a": 1, "b": 5}, 0), Tuned({"a": 1}, 2), Tuned()])

    assert (found["tunings"], found["distinct"], found["defaults_kept"]) == (3, 3, 1)
    assert found["parameters"]["a"]["same"]
    assert found["parameters"]["b"]["values"] == [2, 5, None]


def test_few_rows_of_a_class_at_a_site_are_counted_and_said() -> None:
    site = np.repeat(["Basel", "Bern", "Chur"], 30)
    truth = np.tile([0, 1], 45)
    truth[30:57] = 0
    truth[57:60] = 1
    rows = Outline(90, np.array(["healthy", "ill"])[truth], sites=site)
    parts = InternalExternal().plan(rows, RNG(0))

    found = InternalExternal().estimate(TASK, rows, truth, parts, tuned(parts, truth), RNG(0))

    assert any("Fewer than 10 of a class at: Bern (3 of ill)." in note for note in InternalExternal().notes(rows))
    assert [part["classes"] for part in found["parts"]][1] == {"healthy": 27, "ill": 3}
