"""F9: a second coordinator is refused at once and touches nothing. F10: what a killed one left blocks nobody."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.errors import FolderInUseError
from truing.report.study import read
from truing.storage.lock import FILE, hold

HOLDER = """
import sys, time
from pathlib import Path
from truing.storage.lock import hold
with hold(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(100)
"""


class Counted:
    """Rows that count how often they are read."""

    def __init__(self) -> None:
        self.x = np.random.default_rng(0).normal(size=(40, 2))
        self.reads = 0

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, row: int) -> Any:
        self.reads += 1
        return self.x[row]


def train(run: Any) -> None:
    run.report(np.full(len(run.valid), 0.4))


def study_in(folder: Path, dataset: Any) -> tr.Study:
    return tr.Study(
        train,
        space=tr.Space(x=tr.Float(0, 1, default=0.5)),
        data=tr.Data(dataset, y=np.arange(40) % 2),
        metric="log_loss",
        validation=tr.Holdout(0.3),
        test=None,
        folder=folder,
    )


@pytest.fixture
def held(tmp_path: Path) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    folder = tmp_path / "study"
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield folder, process
    process.kill()
    process.communicate()


@pytest.mark.parametrize("more", [{}, {"fresh": True}])
def test_the_second_is_refused_before_it_reads_a_row_or_writes_a_file(
    held: tuple[Path, subprocess.Popen[str]], more: dict[str, Any]
) -> None:
    folder, process = held
    (folder / "journal.db").write_bytes(b"")  # of the first, half-made
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    dataset = Counted()

    with pytest.raises(FolderInUseError, match=f"in use by process {process.pid} of .* since ") as error:
        study_in(folder, dataset).run(trials=2, workers=0, **more)

    assert error.value.exit_code == 3
    assert dataset.reads == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert process.poll() is None


def test_whoever_only_looks_does_not_keep_the_folder_from_its_coordinator(tmp_path: Path) -> None:
    """The look before the data are read takes the lock for a moment."""
    looker = (
        "import sys\nfrom pathlib import Path\nfrom truing.storage.lock import refuse_held\n"
        "print('looks', flush=True)\nwhile True: refuse_held(Path(sys.argv[1]))"
    )
    hold(tmp_path).release()
    process = subprocess.Popen([sys.executable, "-c", looker, str(tmp_path)], stdout=subprocess.PIPE, stderr=-3)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(30):
            hold(tmp_path).release()
    finally:
        process.kill()
        process.communicate()


def test_a_killed_one_blocks_nobody_even_when_its_number_lives_again(tmp_path: Path) -> None:
    """The text in the lock names a process that lives: this one. It is the lock that counts, not the text."""
    folder = tmp_path / "study"
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    left = json.loads((folder / FILE).read_text())
    assert left["pid"] == process.pid
    (folder / FILE).write_text(json.dumps(left | {"pid": os.getpid()}))

    study_in(folder, Counted()).run(trials=2, workers=0)

    assert len(read(folder)[0].completed) == 2


def test_the_command_line_names_the_first_and_ends_with_3(held: tuple[Path, subprocess.Popen[str]]) -> None:
    folder, process = held
    file = folder.parent / "mine.py"
    file.write_text(
        "import truing as tr\n"
        "study = tr.Study(lambda run: run.report(loss=1.0), space=tr.Space(x=tr.Float(0, 1)),\n"
        f"                 metric=tr.Metric('loss', goal='min'), folder={str(folder)!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "truing", "run", str(file), "--json"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    error = json.loads(done.stdout)["error"]
    assert done.returncode == 3
    assert error["kind"] == "FolderInUseError"
    assert f"process {process.pid} of " in error["message"]
    assert f"truing show {folder}" in error["message"]


def test_a_stopped_first_one_still_holds_the_folder(held: tuple[Path, subprocess.Popen[str]]) -> None:
    """Stopped is not dead: nobody takes over by the clock."""
    folder, process = held
    os.kill(process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(FolderInUseError):
            study_in(folder, Counted()).run(trials=2, workers=0)
    finally:
        os.kill(process.pid, signal.SIGCONT)
    time.sleep(0)
    assert process.poll() is None
