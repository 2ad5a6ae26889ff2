"""F6: a truncated or altered file is refused or replaced, and never taken for an empty study or for other numbers."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.errors import JournalError, TruingError
from truing.execution.job import kept
from truing.report.study import read, write
from truing.verdict.locked import LockedTest

JOURNAL = "journal.db"
ADVICE = ("copy of the study's folder", "give the folder of", "upgrade Truing")
X = np.random.default_rng(0).normal(size=(60, 2))
Y = (X[:, 0] > 0).astype(int)


def train(run: Any) -> Any:
    def predict(rows: Any) -> Any:
        return 1 / (1 + np.exp(-run.config["scale"] * rows[:, 0]))

    run.report(predict(run.valid.x))
    return predict


def study_in(folder: Path) -> tr.Study:
    return tr.Study(
        train,
        space=tr.Space(scale=tr.Float(0.1, 30.0, log=True, default=1.0)),
        data=tr.Data(X, Y),
        metric="log_loss",
        validation=tr.Holdout(0.3, repeats=2),
        folder=folder,
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "study"
    study_in(folder).run(trials=12, workers=0)
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "study"))


def outcome(use: Callable[[], Any]) -> tuple[Any, JournalError | None]:
    try:
        return use(), None
    except JournalError as error:
        return None, error


def told(folder: Path) -> list[dict[str, Any]]:
    return study_in(folder).trials(as_dicts=True)


def cut(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(len(content))]


def flipped(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.randrange(1, 20)):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def page_lost(content: bytes, chance: random.Random) -> bytes:
    page = 4096 * chance.randrange(1, len(content) // 4096)
    return content[:page] + bytes(4096) + content[page + 4096 :]


def page_of_noise(content: bytes, chance: random.Random) -> bytes:
    page = 4096 * chance.randrange(len(content) // 4096)
    return content[:page] + chance.randbytes(4096) + content[page + 4096 :]


@pytest.mark.parametrize("damage", [cut, flipped, page_lost, page_of_noise])
def test_a_damaged_journal_is_refused_with_advice_or_says_the_same(folder: Path, damage: Any, fault_seed: int) -> None:
    before, path = told(folder), folder / JOURNAL
    good, chance = path.read_bytes(), random.Random(fault_seed)
    refused = 0
    for _ in range(15):
        bad = damage(good, chance)
        path.write_bytes(bad)
        for use in (lambda: told(folder), lambda: study_in(folder).run(trials=12, workers=0)):
            found, error = outcome(use)
            if error is None:
                assert found is None or found == before
                continue
            refused += 1
            assert error.exit_code == 74
            assert str(path) in str(error)
            assert any(advice in str(error) for advice in ADVICE), str(error)
            assert path.read_bytes() == bad  # nobody makes it worse
    assert refused > 4


def test_the_command_line_says_it_in_one_sentence(folder: Path) -> None:
    path = folder / JOURNAL
    path.write_bytes(path.read_bytes()[: 3 * 4096 + 100])
    for command in ("show", "trials", "report", "verdict"):
        asked = [sys.executable, "-m", "truing", command, str(folder), "--json"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)

        error = json.loads(done.stdout)["error"]
        assert done.returncode == 74
        assert error["kind"] == "JournalError"
        assert "put back a copy of the study's folder" in error["message"]
        assert "Traceback" not in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_lost_journal_is_no_empty_study(folder: Path) -> None:
    (folder / "output").mkdir(exist_ok=True)
    (folder / "output" / "run-000000.txt").write_text("")
    (folder / JOURNAL).unlink()

    with pytest.raises(JournalError, match=r"journal\.db is gone: put back a copy"):
        study_in(folder).run(trials=12, workers=0)

    assert not (folder / JOURNAL).exists()


@pytest.mark.parametrize("name", ["x.npy", "y.npy", "data.json"])
@pytest.mark.parametrize("damage", [cut, flipped])
def test_damaged_rows_are_stored_again_before_anybody_trains_on_them(
    folder: Path, name: str, damage: Any, fault_seed: int
) -> None:
    path = folder / "data" / name
    good = path.read_bytes()
    path.write_bytes(damage(good, random.Random(fault_seed)))

    study_in(folder).run(trials=14, workers=0)

    assert path.read_bytes() == good
    assert [row["state"] for row in told(folder)] == ["completed"] * 14


@pytest.mark.parametrize("damage", [cut, flipped])
def test_rows_damaged_while_a_study_runs_are_said_in_a_sentence(folder: Path, damage: Any) -> None:
    path = folder / "data" / "x.npy"
    path.write_bytes(path.read_bytes()[:90])

    with pytest.raises(TruingError, match=r"x\.npy is damaged .*delete .* so that the data is stored again"):
        tr.Data.open(folder / "data")


@pytest.mark.parametrize("damage", [cut, flipped, lambda content, chance: None])
def test_damaged_predictions_of_a_refit_cost_that_refit_and_no_look(folder: Path, damage: Any, fault_seed: int) -> None:
    """Cut off between the refits and the verdict, with a damaged file among them."""
    expected = study_in(folder).verdict(workers=0).to_dict()
    shutil.rmtree(folder)
    study_in(folder).run(trials=12, workers=0)

    class Cut(BaseException):
        pass

    figures = LockedTest.figures
    try:
        LockedTest.figures = lambda self: (_ for _ in ()).throw(Cut)  # type: ignore[method-assign]
        with pytest.raises(Cut):
            study_in(folder).verdict(workers=0)
    finally:
        LockedTest.figures = figures  # type: ignore[method-assign]
    files = sorted((folder / "predictions").glob("*-locked.npy"))
    hit = random.Random(fault_seed).choice(files)
    worse = damage(hit.read_bytes(), random.Random(fault_seed))
    hit.unlink()
    if worse is not None:
        hit.write_bytes(worse)

    found = study_in(folder).verdict(workers=0).to_dict()

    assert len(read(folder)[0].notes["look"]) == 1
    for verdict in (expected, found):
        del verdict["seconds"]
    assert found == expected


def test_kept_predictions_are_checked_against_the_record(folder: Path) -> None:
    study = study_in(folder)
    history, job = read(folder)[0], study._job
    for run in history.runs.values():
        assert len(kept(job, run)) == 14
    path = job.predictions(3)
    array = np.load(path)
    array.flat[0] += 0.25
    np.save(path, array)  # a file that NumPy reads without complaint

    with pytest.raises(TruingError, match=r"run 3 are damaged .*does not match its checksum"):
        kept(job, history.runs[3])


def test_a_report_of_a_damaged_journal_leaves_the_old_report(folder: Path) -> None:
    page = write(folder)
    before = page.read_bytes()
    (folder / JOURNAL).write_bytes(b"SQLite format 3\0" + bytes(5000))

    with pytest.raises(JournalError):
        write(folder)

    assert page.read_bytes() == before
