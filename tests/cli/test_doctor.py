"""`truing doctor` as a person meets it."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import truing as tr
from truing import cli
from truing.doctor import facts as room
from truing.doctor.trial import Tried

from .conftest import Called


def test_this_machine_runs_and_nothing_is_left(call: Called, tmp_path: Path) -> None:
    done = call("doctor", "--json", OMP_NUM_THREADS="3")

    told = json.loads(done.stdout)
    found = {finding["name"]: finding for finding in told["findings"]}
    assert (done.returncode, told["can_run"]) == (0, True), done.stdout
    assert found["inline"]["status"] == "ok"
    assert "works" in found["inline"]["text"]
    assert found["process"]["status"] == ("ok" if hasattr(os, "fork") else "note")
    assert f"{sys.version_info.major}.{sys.version_info.minor}." in found["python"]["text"]
    assert told["facts"]["truing"] == tr.__version__
    assert told["facts"]["threads"]["OMP_NUM_THREADS"] == "3"
    assert list(tmp_path.iterdir()) == []


def test_a_fault_is_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(room, "tried", lambda folder, workers: Tried(workers == 0, why="the system forbids it"))
    monkeypatch.setattr(room, "_torch", lambda: None)
    monkeypatch.setattr(sys, "argv", ["truing", "doctor", "--folder", str(tmp_path / "not" / "there")])

    with pytest.raises(SystemExit) as left:
        cli.main()

    out = capsys.readouterr().out
    assert left.value.code == 1
    assert "a run in a process fails: the system forbids it" in " ".join(out.split())
    assert "does not run here as it stands: process" in out
    assert max(map(len, out.splitlines())) <= 80
    assert list(tmp_path.iterdir()) == []


def test_a_network_folder_is_looked_at_and_not_written_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tried_in: list[Path] = []
    monkeypatch.setattr(room, "network_type", lambda place: "nfs4")
    monkeypatch.setattr(room, "tried", lambda folder, workers: tried_in.append(folder) or Tried(True))
    monkeypatch.setattr(room, "_torch", lambda: None)

    found = room.gather(tmp_path)

    assert replace(found.disk, free=0) == room.Disk(0, "nfs4", network=True)
    assert tried_in
    assert not any(folder.is_relative_to(tmp_path) for folder in tried_in)
