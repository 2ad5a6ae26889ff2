"""What a study is, as plain values; what may change is tested with whole studies in test_study.py."""

from __future__ import annotations

import json
import math
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import truing as tr
from truing.identity import changes, coordinator, differing, environment, settings_of
from truing.record.events import decode, encode


@dataclass(frozen=True)
class Odd:
    """A plug-in of somebody else, whose settings are not all plain."""

    sizes: tuple[int, ...] = (1, 2)
    rate: float = math.inf
    function: Any = print
    names: frozenset[str] = frozenset({"a"})


class Bare:
    pass


def test_settings_are_plain_values() -> None:
    assert settings_of(tr.KFold(5, repeats=2)) == {"name": "kfold", "folds": 5, "repeats": 2}
    assert settings_of(tr.GridSearch(points=3)) == {"name": "GridSearch", "points": 3}
    assert settings_of(None) is None
    assert settings_of(Bare()) == {"name": "Bare"}


def test_settings_that_are_not_plain_are_named_and_stable() -> None:
    found = settings_of(Odd())

    assert found["function"] == "builtin_function_or_method"
    assert found["names"] == "frozenset"
    assert decode(encode(found)) == json.loads(json.dumps({**found, "rate": None})) | {"rate": math.inf}
    assert settings_of(Odd()) == found != settings_of(Odd(rate=1.0))


def test_a_foreign_protocol_with_odd_settings_can_be_resumed(tmp_path: Path) -> None:
    """Tuples come back from a journal as lists; that is no change."""

    @dataclass(frozen=True)
    class Mine(tr.Seeds):
        sizes: tuple[int, ...] = (1, 2)
        function: Any = print

        def to_dict(self) -> dict[str, Any]:
            return {"name": "mine", "sizes": self.sizes, "function": self.function}

    for trials in (1, 2):
        study = tr.Study(
            lambda run: run.report(loss=run.config["x"]),
            space=tr.Space(x=tr.Float(0, 1)),
            metric=tr.Metric("loss", goal="min"),
            validation=Mine(2),
            folder=tmp_path / "study",
        )
        study.run(trials=trials, workers=0)
        assert len(study.trials()) == trials


def test_the_commit_is_that_of_the_users_repository(tmp_path: Path) -> None:
    def git(*words: str) -> str:
        identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        command = ["git", "-C", str(tmp_path), *identity, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    file = tmp_path / "study.py"
    file.write_text("x = 1\n")
    git("init", "-q")
    git("add", "study.py")
    git("commit", "-q", "--no-verify", "-m", "first")
    commit = git("rev-parse", "HEAD")

    assert environment(file)["git"] == commit[:12]
    file.write_text("x = 2\n")
    assert environment(file)["git"] == commit[:12] + "+"


def test_without_a_repository_there_is_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert environment(tmp_path / "study.py")["git"] is None
    monkeypatch.setenv("PATH", "")
    assert environment(tmp_path / "study.py")["git"] is None


def test_a_coordinator_says_who_it_is() -> None:
    import os

    found = coordinator(3)

    assert (found["pid"], found["workers"]) == (os.getpid(), 3)
    json.dumps(found)


OLD = {"seed": 0, "metric": "loss", "goal": "min", "validation": {"name": "kfold", "folds": 5}, "git": "a", "file": "b"}


def test_changes_name_what_was_and_what_is() -> None:
    assert changes(OLD, OLD) == []
    assert changes(OLD, OLD | {"git": "other", "file": "other", "search": {"name": "grid"}}) == []
    assert changes(OLD, OLD | {"seed": 1, "validation": None}) == [
        "validation was kfold(folds=5) and is now none",
        "seed was 0 and is now 1",
    ]


def test_where_a_study_runs_is_not_what_it_is() -> None:
    assert not differing(OLD, OLD | {"git": "other", "machine": {"cores": 4}, "cwd": "/", "versions": {"torch": "9"}})
    assert differing(OLD, OLD | {"seed": 1})
    assert differing(OLD, OLD | {"source": {"train": "..."}})
