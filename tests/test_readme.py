"""The README's code is the example's and runs, and its output is what Truing prints today."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "examples" / "01_digits.py"


def load(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_readme = load(ROOT / "docs" / "_readme.py")


def quick(code: str) -> str:
    code = re.sub(r"\btrials=\d+", "trials=2", code)
    return re.sub(r"\bepochs=\d+", "epochs=2", code)


def run(code: str, folder: Path) -> str:
    """What a script prints in an empty folder; warnings are errors."""
    (folder / "mine.py").write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "mine.py"],
        cwd=folder,
        env=os.environ | {"COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def labels(printed: str) -> list[str]:
    """The first word of each line at the left edge below the headline and of each metric's line.

    Warnings are left out, and the lines that are not there where the defaults were kept or nothing raced.
    """
    lines = re.split(r"^(?=Selected)", printed, flags=re.MULTILINE)[-1].splitlines()
    metrics = ("log_loss", "accuracy", "sensitivity", "specificity", "precision")
    words = [line.split()[0] for line in lines if re.match(r"\w", line) or line.strip().startswith(metrics)]
    return [word for word in words if word not in ("Defaults", "selected", "chosen")]


def test_the_code_is_the_example() -> None:
    assert _readme.block(README, "code: examples/01_digits.py") == _readme.shown(EXAMPLE.read_text(encoding="utf-8"))


def test_the_code_runs_and_prints_what_the_readme_shows(tmp_path: Path) -> None:
    """The figures are those of the whole study; the lines they stand in must be today's."""
    code = quick(_readme.block(README, "code: examples/01_digits.py"))

    verdict, trials = _readme.parts(run(code, tmp_path))

    shown = _readme.block(README, "output: the verdict")
    assert labels(shown) == labels(verdict)
    assert len(labels(shown)) >= 9
    assert _readme.block(README, "output: the trials").splitlines()[0].split()[:2] == trials.splitlines()[0].split()[:2]


def test_the_output_is_that_of_the_whole_study() -> None:
    shown = _readme.block(README, "output: the verdict")
    rows = re.findall(r"^\*? +(\d+) +completed", _readme.block(README, "output: the trials"), re.MULTILINE)

    assert "40 trials, 200 runs" in shown
    assert [int(row) for row in rows] == list(range(40))
    assert all(len(line) <= 80 for line in shown.splitlines())


def test_the_sketch_of_a_training_function_is_right(tmp_path: Path) -> None:
    """With a model that has the methods the sketch calls."""
    (sketch,) = [code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "MyModel" in code]
    before = (
        "import truing as tr\n"
        "from sklearn.linear_model import SGDClassifier\n"
        "class MyModel(SGDClassifier):\n"
        "    def __init__(self, alpha):\n"
        "        super().__init__(loss='log_loss', alpha=alpha)\n"
        "    def fit_one_epoch(self, x, y):\n"
        "        self.partial_fit(x.reshape(len(x), -1), y, classes=range(10))\n"
        "    def predict_proba(self, x):\n"
        "        return SGDClassifier.predict_proba.__get__(self)(x.reshape(len(x), -1))\n"
    )
    after = (
        "study = tr.Study(train, space=tr.Space(alpha=tr.Float(1e-5, 1e-1, log=True)), data=tr.datasets.digits(),\n"
        "                 epochs=2, folder='sketch')\n"
        "study.run(trials=2, workers=0)\n"
        "print(study.trials(as_dicts=True)[1]['state'])\n"
    )

    assert run(before + sketch + after, tmp_path).splitlines()[-1] == "completed"


def test_the_medical_task_runs(tmp_path: Path) -> None:
    (code,) = [code for code in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "malignant" in code]

    printed = run(quick(code), tmp_path)

    locked = printed[printed.index("locked test") :]
    assert all(name in locked for name in ("sensitivity", "specificity", "precision", "negative_predictive_value"))


def test_every_python_block_is_one_of_these() -> None:
    assert len(re.findall(r"^```python$", README, re.MULTILINE)) == 3


def test_no_host_of_a_package_registry_is_named() -> None:
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md"]:
        assert not re.search(r"pypi\.|download\.pytorch|index-url", page.read_text(encoding="utf-8")), page.name


@pytest.mark.parametrize("target", ["demo", "test", "check", "bench"])
def test_the_makefile_has_the_targets_that_are_promised(target: str) -> None:
    assert re.search(rf"^{target}: \$\(STAMP\)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_the_benchmarks_table_is_made_of_the_results() -> None:
    table = load(ROOT / "benchmarks" / "_table.py")
    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")

    assert table.written(page) == page
    scripts = {path.stem for path in (ROOT / "benchmarks").glob("[a-z]*.py")}
    assert scripts == set(table.PROMISES)
