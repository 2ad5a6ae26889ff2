"""`truing evaluate`: a process of its own, as a person calls it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from .conftest import NUMBERS, STUDY, Called


def test_nested_by_file_and_again_by_folder(tmp_path: Path, call: Called) -> None:
    (tmp_path / "my study.py").write_text(STUDY)

    first = call("evaluate", "my study.py", "--nested", "2", "--trials", "2", "--workers", "1", "--json")

    assert first.returncode == 0, first.stderr
    found = json.loads(first.stdout)
    assert found["procedure"] == "nested"
    assert [part["name"] for part in found["parts"]] == ["fold 1", "fold 2"]
    assert "2 tunings of 2 trials" in first.stderr
    again = call("evaluate", "the study", "--nested", "2", "--trials", "2")
    assert again.returncode == 0, again.stderr
    assert again.stdout.splitlines()[1].startswith("Nested 2-fold: log loss")  # the study file prints first
    assert max(map(len, again.stdout.splitlines())) <= 80
    assert "tunings" not in again.stderr  # nothing was tuned anew
    refused = call("verdict", "the study/evaluate/nested/fold-1-of-2", "--workers", "0")
    assert refused.returncode == 2  # it has no locked rows of its own, and the file names another study
    assert "another study" in refused.stderr
    inside = call("show", "the study/evaluate/nested/fold-1-of-2")
    assert inside.returncode == 0, inside.stderr
    shown = json.loads(call("show", "the study", "--json").stdout)
    assert shown["evaluations"][0]["procedure"] == "nested"


def test_mistakes_end_with_a_sentence_and_code_two(tmp_path: Path, call: Called) -> None:
    (tmp_path / "study.py").write_text(STUDY)
    (tmp_path / "by_numbers.py").write_text(NUMBERS)

    for words, sentence in (
        (["study.py"], "takes one of --nested 5, --internal 20 and --internal-external; got none"),
        (["study.py", "--nested", "3", "--internal", "3"], "got --nested and --internal"),
        (["study.py", "--nested", "1"], "folds must be a whole number of at least 2"),
        (["study.py", "--internal", "3", "--repeats", "2"], "--repeats is for --nested"),
        (["study.py", "--internal-external"], "There are no sites to leave out"),
        (["by_numbers.py", "--nested", "2"], "there is no data="),
    ):
        done = call("evaluate", *words, "--json", "--workers", "0")
        assert done.returncode == 2, done.stderr
        assert sentence in json.loads(done.stdout)["error"]["message"]


def test_an_interruption_ends_with_130_and_the_same_command_goes_on(tmp_path: Path, call: Called) -> None:
    slow = STUDY.replace("    run.report(", "    import time; time.sleep(0.1)\n    run.report(")
    (tmp_path / "study.py").write_text(slow)
    words = ["evaluate", "study.py", "--nested", "2", "--trials", "4", "--workers", "1"]
    program = subprocess.Popen(
        [sys.executable, "-m", "truing", *words],
        cwd=tmp_path,
        env=dict(os.environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    first, deadline = tmp_path / "the study" / "evaluate" / "nested" / "fold-1-of-2", time.monotonic() + 100
    while not list(first.glob("output/run-000002*")) and time.monotonic() < deadline:
        time.sleep(0.02)
    program.send_signal(signal.SIGINT)
    _, errors = program.communicate(timeout=100)

    assert program.returncode == 130, errors
    assert "the same command goes on" in errors
    done = call(*words)
    assert done.returncode == 0, done.stderr
    assert "1 of 2 begun before" in " ".join(done.stderr.split())
    assert json.loads(call("show", "the study", "--json").stdout)["evaluations"]
