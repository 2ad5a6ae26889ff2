"""`truing demo`: its study is the promised one, it ends with verdict and report, and it is done once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from truing import demo
from truing.record.source import source_of
from truing.report.study import read

# The demo with fewer trials and epochs; the rest of the command line as it is.
SHORT = "from truing import demo; demo.TRIALS, demo.EPOCHS = 2, 1; from truing.cli import main; main()"


def truing(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", SHORT, *arguments],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=170,
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder in which the demo was run, and what it printed."""
    where = tmp_path_factory.mktemp("demo")
    done = truing(where, "demo", "--workers", "2")
    assert done.returncode == 0, done.stderr
    return where, done.stdout


def test_its_study_is_the_promised_one(tmp_path: Path) -> None:
    study = demo.study(tmp_path / "demo")

    assert set(study.space) == {"kernel_size", "channels", "learning_rate", "momentum", "batch_size"}
    assert demo.TRIALS >= 20
    assert [metric.name for metric in study._task.metrics] == [
        "log_loss",
        "accuracy",
        "sensitivity",
        "specificity",
        "precision",
    ]
    assert len(study._setting.plan.replicates) == 5
    assert len(study._setting.plan.locked) == pytest.approx(0.2 * 1797, abs=1)
    assert not (tmp_path / "demo").exists()


def test_its_function_can_be_read_although_it_is_an_installed_one(tmp_path: Path) -> None:
    """Else the demo would begin with a note that changes to it cannot be seen."""
    found = source_of(demo.study(tmp_path).objective)

    assert found.readable
    assert {"train", "build", "probabilities"} <= set(found.parts)


def test_it_ends_with_verdict_and_report(finished: tuple[Path, str]) -> None:
    where, printed = finished
    folder = where / "studies" / "demo"

    history, _ = read(folder)
    assert [trial.state for trial in history.trials] == ["completed"] * 2
    verdict = history.last("verdict")["verdict"]
    assert set(verdict["test"]) == {"log_loss", "accuracy", "sensitivity", "specificity", "precision"}
    assert "locked test" in printed
    assert (folder / "report.html").stat().st_size > 100_000
    assert (folder / "model" / "state_dict.pt").stat().st_size > 1000


def test_on_a_finished_folder_it_prints_the_stored_verdict(finished: tuple[Path, str]) -> None:
    where, printed = finished
    journal = where / "studies" / "demo" / "journal.db"
    before = journal.read_bytes()

    again = truing(where, "demo")

    assert again.returncode == 0, again.stderr
    assert again.stdout == printed
    assert journal.read_bytes() == before


def test_the_delivered_network_scores_what_the_verdict_says(finished: tuple[Path, str]) -> None:
    """Loaded from the folder by torch alone, on the locked rows, which the journal does not name."""
    import torch

    where, _ = finished
    study = demo.study(where / "studies" / "demo")
    verdict = read(study.folder)[0].last("verdict")["verdict"]
    config = verdict["selected"]
    net = demo.build(config["kernel_size"], config["channels"])
    net.load_state_dict(torch.load(study.folder / "model" / "state_dict.pt", weights_only=True))
    locked = study._setting.plan.locked
    x, y = study.data.x[locked], study.data.y[locked]

    right = (demo.probabilities(net, x).argmax(dim=1).numpy() == y).mean()

    assert right == pytest.approx(verdict["test"]["accuracy"]["delivered"]["value"], abs=1e-9)


def test_the_verdict_of_the_demo_is_found_again_by_its_folder(finished: tuple[Path, str]) -> None:
    where, _ = finished

    done = truing(where, "verdict", "studies/demo", "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["looks"] == 1


def test_without_torch_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')\n", encoding="utf-8")

    done = truing(tmp_path, "demo", PYTHONPATH=str(tmp_path))

    assert done.returncode == 2
    assert '".[torch]"' in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "studies").exists()
