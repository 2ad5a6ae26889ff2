"""Every example runs as a script with --fast, and is a study file that `truing run` can load."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from truing.report.study import read

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))
NEEDS_TORCH = {path.name for path in EXAMPLES if re.search(r"^(import|from) torch", path.read_text("utf-8"), re.M)}


def run(path: Path, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Execute an example in an empty folder; warnings are errors in its own process."""
    return subprocess.run(
        [sys.executable, "-W", "error", *arguments, str(path), "--fast"],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=170,
    )


def the_study(folder: Path) -> Path:
    (found,) = (folder / "studies").iterdir()
    return found


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs_to_its_verdict(path: Path, tmp_path: Path) -> None:
    done = run(path, tmp_path)

    assert done.returncode == 0, done.stderr
    history, _ = read(the_study(tmp_path))
    assert {trial.state for trial in history.trials} == {"completed"}
    assert history.last("verdict") is not None
    assert history.last("verdict")["verdict"]["headline"].split()[0] in done.stdout
    assert (the_study(tmp_path) / "report.html").stat().st_size > 10_000
    if path.stem == "09_big_dataset":  # the Dataset itself counts, in the process that runs the study
        assert done.stdout.splitlines()[-1] == "64 of 200000 rows were read in this process."
        stored = sum(part.stat().st_size for part in (the_study(tmp_path) / "data").iterdir())
        assert stored < 2 * 200_000  # labels, a byte each


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_says_what_it_shows(path: Path) -> None:
    assert len(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "") > 80


def test_the_examples_are_numbered_without_gaps() -> None:
    assert [int(path.name[:2]) for path in EXAMPLES] == list(range(1, len(EXAMPLES) + 1))


def test_an_example_is_a_study_file_of_the_command_line(tmp_path: Path) -> None:
    """`truing run` and `truing verdict` on the example that needs least."""
    path = next(path for path in EXAMPLES if path.stem.endswith("seeds_reward"))
    command = [sys.executable, "-m", "truing"]

    ran = subprocess.run(
        [*command, "run", str(path), "--trials", "3", "--workers", "1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=170,
    )

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == "Next: truing verdict studies/reward"
    assert len(read(the_study(tmp_path))[0]) == 3


def test_the_examples_without_torch_run_without_torch(tmp_path: Path) -> None:
    """An import hook that refuses torch stands for a machine that has none."""
    (tmp_path / "no").mkdir()
    (tmp_path / "no" / "torch.py").write_text("raise ImportError('torch is not installed')\n", encoding="utf-8")
    without = [path for path in EXAMPLES if path.name not in NEEDS_TORCH]
    assert len(without) == 3

    for path in without:
        (tmp_path / path.stem).mkdir()
        done = run(path, tmp_path / path.stem, PYTHONPATH=str(tmp_path / "no"))

        assert done.returncode == 0, done.stderr
