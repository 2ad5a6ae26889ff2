"""What a study says of its plan and of further trials: to a person, in its journal, in `show` and in the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.report.show import study_dict, study_text
from truing.report.study import read

SCORE = tr.Metric("score", goal="max")
SPACE = tr.Space(x=tr.Float(0.0, 1.0, default=0.5), z=tr.Float(0.0, 1.0, default=0.5))


def flat(run: Any) -> None:
    """Nothing to be found: noise of the run, and of the seed that all trials share."""
    own = np.random.default_rng([run.seed, int(1e9 * run.config["x"])])
    run.report(score=0.8 + 0.02 * own.normal() + 0.05 * np.random.default_rng(run.seed).normal())


def improving(run: Any) -> None:
    """The better, the closer to a corner that hardly any of the first trials comes near; little noise."""
    own = np.random.default_rng([run.seed, int(1e9 * run.config["x"])])
    away = (1 - run.config["x"]) * (1 - run.config["z"]) + 0.001
    run.report(score=-float(np.log(away)) + 0.01 * own.normal())


def made(place: Path, train: Any, **more: Any) -> tr.Study:
    settings = {"space": SPACE, "metric": SCORE, "validation": tr.Seeds(4), "folder": place / "study", **more}
    return tr.Study(train, **settings)


def told(place: Path, kind: str) -> list[dict[str, Any]]:
    notes = read(place / "study")[0].notes.get(kind, [])
    return [{key: value for key, value in note.items() if key not in ("time", "order")} for note in notes]


def lines(said: str) -> str:
    """What was printed, as one line, however it was broken."""
    return " ".join(said.split())


def test_on_a_flat_function_the_advice_is_given_once_and_nothing_stops(tmp_path: Path, capsys: Any) -> None:
    made(tmp_path, flat).run(trials=40, workers=0)

    said = lines(capsys.readouterr().err)
    assert said.count("Stop advice after 20 trials: 20 more are expected to gain") == 1
    assert "Stop advice after 30" not in said
    assert said.count("Stop advice after 40 trials") == 1  # how it stands at the end
    outlooks = told(tmp_path, "outlook")
    assert [(one["trials"], one["stop"]) for one in outlooks] == [(20, True), (30, True), (40, True)]
    assert all(0 <= one["gain"] < one["smallest"] for one in outlooks)
    history, study = read(tmp_path / "study")
    assert len(history) == 40
    text = study_text(tmp_path / "study", history, study, 80)
    assert "Stop advice after 40 trials" in lines(text)
    assert max(map(len, text.splitlines()[:20])) <= 80 or str(tmp_path) in text.splitlines()[0]
    found = study_dict(tmp_path / "study", history, study)
    assert found["outlook"]["stop"]
    assert found["resolution"]["basis"] == "trials"
    page = made(tmp_path, flat).report().read_text(encoding="utf-8")
    assert "Stop advice after 40 trials" in page
    assert "Smallest gain this plan can resolve: about" in page


def test_on_a_function_that_still_improves_there_is_none(tmp_path: Path, capsys: Any) -> None:
    made(tmp_path, improving).run(trials=40, workers=0)

    assert "Stop advice" not in capsys.readouterr().err
    outlooks = told(tmp_path, "outlook")
    assert [one["stop"] for one in outlooks] == [False, False, False]
    assert all(one["gain"] > 3 * one["smallest"] for one in outlooks)
    history, study = read(tmp_path / "study")
    assert "no less than" in lines(study_text(tmp_path / "study", history, study, 80))


def test_the_advice_is_taken_back_where_the_search_finds_something(tmp_path: Path, capsys: Any) -> None:
    def late(run: Any) -> None:  # the space grew into something better
        bonus = run.config.get("y", 0.0)
        flat(_Moved(run, bonus))

    made(tmp_path, late).run(trials=30, workers=0)
    assert "Stop advice after 30" in lines(capsys.readouterr().err)
    grown = tr.Space(**{name: SPACE.parameters[name] for name in SPACE}, y=tr.Float(0.0, 9.0, default=0.0))
    made(tmp_path, late, space=grown).run(trials=60, workers=0, extend=True)
    said = lines(capsys.readouterr().err)
    assert "Stop advice after 30 trials" in said  # how it stood when this call began
    assert "After 40 trials: no advice on when to stop, for fewer than 15 random configurations" in said
    assert said.count("Stop advice") == 1
    last = told(tmp_path, "outlook")[-1]
    assert last["trials"] == 60
    assert last["gain"] > last["smallest"]


class _Moved:
    """A run whose score is moved by a bonus."""

    def __init__(self, run: Any, bonus: float) -> None:
        self.seed, self.config, self._run, self._bonus = run.seed, run.config, run, bonus

    def report(self, score: float) -> None:
        self._run.report(score=score + self._bonus)


def test_the_journal_says_the_same_for_any_number_of_workers_and_after_a_break(tmp_path: Path) -> None:
    made(tmp_path / "one", flat).run(trials=32, workers=0)
    made(tmp_path / "three", flat).run(trials=32, workers=3)
    broken = made(tmp_path / "two", flat)
    for trials in (1, 12, 32):
        broken.run(trials=trials, workers=0)

    for kind in ("resolution", "outlook"):
        first = told(tmp_path / "one", kind)
        assert first
        assert first == told(tmp_path / "three", kind) == told(tmp_path / "two", kind)
    assert [one["trials"] for one in told(tmp_path / "one", "resolution")] == [0, 1, 20, 30, 32]
    broken.run(trials=32, workers=0)  # nothing new, so nothing is written anew
    assert len(told(tmp_path / "two", "outlook")) == 3


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"validation": None}, "one run a trial says nothing of its noise"),
        ({"validation": tr.Seeds(1)}, "one run a trial says nothing of its noise"),
        ({"search": tr.GridSearch(points=5)}, "does not draw at random"),
        ({"search": "sequential"}, "does not draw at random"),
    ],
)
def test_where_nothing_is_known_of_it_the_reason_is_told(tmp_path: Path, capsys: Any, more: Any, why: str) -> None:
    made(tmp_path, flat, **more).run(trials=24, workers=0)

    assert "Stop advice" not in capsys.readouterr().err
    last = told(tmp_path, "outlook")[-1]
    assert last["gain"] is None
    assert not last["stop"]
    assert why in last["reason"]
    history, study = read(tmp_path / "study")
    assert why in lines(study_text(tmp_path / "study", history, study, 80))


def test_a_function_without_noise_gets_no_advice_and_is_told_why(tmp_path: Path, capsys: Any) -> None:
    def exact(run: Any) -> None:
        run.report(score=run.config["x"])

    made(tmp_path, exact).run(trials=20, workers=0)

    assert "Stop advice" not in capsys.readouterr().err
    assert "no noise" in told(tmp_path, "outlook")[-1]["reason"]
    assert "no noise" in told(tmp_path, "resolution")[-1]["reason"]


def test_failed_trials_count_as_trials_and_not_as_scores(tmp_path: Path) -> None:
    def failing(run: Any) -> None:
        if run.config["z"] > 0.6:
            raise ValueError(f"no {run.config['z']:.0f}")
        flat(run)

    made(tmp_path, failing).run(trials=40, workers=0)

    found = told(tmp_path, "outlook")
    assert [one["trials"] for one in found] == [20, 30, 40]
    assert "fewer than 15" in found[0]["reason"]
    assert found[-1]["gain"] is not None


def test_a_space_that_is_used_up_has_nothing_more_to_gain(tmp_path: Path) -> None:
    small = tr.Space(x=tr.Int(0, 22, default=3))
    made(tmp_path, flat, space=small).run(trials=40, workers=0)

    found = told(tmp_path, "outlook")
    assert [(one["trials"], one["more"]) for one in found] == [(20, 3), (23, 0)]
    assert "nothing more to try" in found[-1]["reason"]
