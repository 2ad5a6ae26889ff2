"""F22, F23: a study folder from a stranger runs nothing: it is shown as plain text or refused in one sentence."""

from __future__ import annotations

import json
import os
import pickle
import random
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import truing as tr
from truing.errors import TruingError
from truing.record.events import decode, encode
from truing.storage import sqlite as module

# Carries out each command with an ear on whatever could start something, and prints how it ended.
RUNNER = """
import contextlib, importlib, io, json, pkgutil, sys
import truing.report, truing.verdict
from truing.cli.app import main
for room in (truing.report, truing.verdict):  # what they import starts nothing, but opens libraries
    for found in pkgutil.iter_modules(room.__path__, room.__name__ + "."):
        importlib.import_module(found.name)

heard, listening = [], False
SERIOUS = {"os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "os.spawn", "pty.spawn",
           "pickle.find_class", "ctypes.dlopen", "socket.connect", "shutil.rmtree"}

def ear(event, given):
    if listening and event in SERIOUS:
        heard.append(event)

sys.addaudithook(ear)
told = []
for command in json.loads(sys.argv[1]):
    sys.argv = ["truing", *command]
    out, err = io.StringIO(), io.StringIO()
    listening = True
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as error:
        code = error.code
    except BaseException as error:
        code = "raised " + repr(error)[:300]
    listening = False
    told.append({"command": command, "code": code, "out": out.getvalue(), "err": err.getvalue()})
print(json.dumps({"heard": heard, "told": told}))
"""
COMMANDS = ("show", "trials", "report", "verdict")


def train(run: Any) -> Any:
    run.report(np.full(len(run.valid), run.config["scale"]))
    return lambda rows: np.full(len(rows), run.config["scale"])


def study_in(folder: Path) -> tr.Study:
    return tr.Study(
        train,
        space=tr.Space(scale=tr.Float(0.1, 0.9, default=0.4), kind=tr.Choice(["a", "b"])),
        data=tr.Data(np.random.default_rng(0).normal(size=(50, 2)), np.arange(50) % 2),
        metric="log_loss",
        validation=tr.Holdout(0.3),
        folder=folder,
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "study"
    study_in(folder).run(trials=5, workers=0)
    study_in(folder).verdict(workers=0)
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "study"))


def asked(*folders: Path, commands: tuple[str, ...] = COMMANDS) -> list[dict[str, Any]]:
    """What the commands said of the folders, after a look that nothing was started."""
    wanted = [[command, str(folder), *more] for folder in folders for command in commands for more in ([], ["--json"])]
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, json.dumps(wanted)], capture_output=True, text=True, timeout=150, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["heard"] == []
    for told in found["told"]:
        assert isinstance(told["code"], int), told
        assert "Traceback" not in told["err"]
    return list(found["told"])


def changed(folder: Path, statement: str, *values: Any) -> None:
    connection = sqlite3.connect(folder / "journal.db", isolation_level=None)
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute(statement, values)
    connection.close()


def rewritten(folder: Path, change: Any) -> None:
    """Alter the events as somebody who knows the checksum."""
    connection = sqlite3.connect(folder / "journal.db", isolation_level=None)
    rows = connection.execute("SELECT seq, kind, key, time, payload FROM event ORDER BY seq").fetchall()
    for seq, kind, key, moment, payload in rows:
        new = change(seq, kind, decode(payload))
        if new is not None:
            text = new if isinstance(new, str) else encode(new)
            crc = module._checksum(seq, kind, key, moment, text)
            connection.execute("UPDATE event SET payload = ?, crc = ? WHERE seq = ?", (text, crc, seq))
    connection.close()


class Bomb:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.canary}",)


def test_the_ear_hears(tmp_path: Path) -> None:
    """The canary itself: a pickle that is opened would be heard, and would leave its file."""
    bomb = pickle.dumps(Bomb(tmp_path / "canary"))
    code = RUNNER.replace(
        "        with contextlib", f"        import pickle; pickle.loads({bomb!r})\n        with contextlib"
    )
    done = subprocess.run([sys.executable, "-c", code, '[["show", "x"]]'], capture_output=True, text=True, check=True)

    assert set(json.loads(done.stdout.splitlines()[-1])["heard"]) >= {"os.system", "pickle.find_class"}
    assert (tmp_path / "canary").exists()


@pytest.mark.parametrize("column", ["kind", "key", "time", "payload", "crc"])
def test_a_pickle_in_a_column_is_damage(folder: Path, tmp_path: Path, column: str) -> None:
    bomb = pickle.dumps(Bomb(tmp_path / "canary"), protocol=0)
    changed(folder, f"UPDATE event SET {column} = ? WHERE seq = 3", bomb)

    for told in asked(folder):
        assert told["code"] == 74
        assert "put back a copy of the study's folder" in told["err"]
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM event; END", "trigger t"),
        ("CREATE VIEW v AS SELECT load_extension('/tmp/x.so')", "view v"),
        ("CREATE TABLE more (a)", "table more"),
        ("CREATE VIRTUAL TABLE words USING fts5(a)", "table words"),
        ("PRAGMA application_id = 7", "not a Truing journal"),
        ("PRAGMA user_version = 2", "format 2, written by a newer Truing, and this one reads up to 1: upgrade"),
        ("UPDATE sqlite_master SET sql = replace(sql, 'crc INTEGER', 'crc AS (1)') WHERE name = 'event'", "damaged"),
    ],
)
def test_a_schema_that_is_not_ours_is_refused(folder: Path, statement: str, said: str) -> None:
    changed(folder, statement)
    before = (folder / "journal.db").read_bytes()

    for told in asked(folder):
        assert told["code"] == 74
        assert said in " ".join(told["err"].split())
    with pytest.raises(TruingError):
        study_in(folder).run(trials=6, workers=0)
    assert (folder / "journal.db").read_bytes() == before


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, "1" * 5000, '{"state": NaN}', '"\\ud800"', "nul", ""]
)
def test_json_bombs_and_broken_json_are_refused(folder: Path, text: str) -> None:
    rewritten(folder, lambda seq, kind, data: text if seq == 4 else None)

    for told in asked(folder):
        assert told["code"] == 74
        assert len(told["err"]) < 2000


def test_any_change_of_the_events_is_shown_or_refused(folder: Path, tmp_path: Path, fault_seed: int) -> None:
    """Values of other kinds where the fold, the table, the verdict and the report expect their own."""
    chance = random.Random(fault_seed)
    odd = [None, "x", -1, 10**400, 1e999, [], {}, [[]], True, "é" * 300, {"a": {"b": []}}, "\x1b[2J", "../../etc"]

    def spoil(value: Any, depth: int = 0) -> Any:
        if isinstance(value, dict) and value and (depth == 0 or chance.random() < 0.7):
            key = chance.choice(list(value))
            if chance.random() < 0.2:
                return {k: v for k, v in value.items() if k != key}
            return value | {key: spoil(value[key], depth + 1)}
        return chance.choice(odd)

    folders = []
    for number in range(12):
        made = Path(shutil.copytree(folder, tmp_path / f"spoilt-{number}"))
        hit = chance.randrange(1, 40)
        rewritten(made, lambda seq, kind, data, hit=hit: spoil(data) if seq == hit or kind == chance.choice(
            ["study", "verdict", "rehearsed", "opened", "ended"]) else None)  # fmt: skip
        folders.append(made)
    for told in asked(*folders):
        assert told["code"] in (0, 1, 2, 74), told


EVIL = [
    "'; DROP TABLE event;--",
    "<img src=x onerror=alert(1)>",
    '"]}</script><script>alert(1)</script>',
    "javascript:alert(1)",
]


@pytest.mark.parametrize("evil", EVIL)
def test_strings_stay_strings(tmp_path: Path, evil: str) -> None:
    def fails(run: Any) -> None:
        if run.config[evil] == 1:
            raise ValueError(evil)
        run.report(**{evil: 0.5, "loss": 0.1})

    folder = tmp_path / "study"
    study = tr.Study(
        fails,
        space=tr.Space({evil: tr.Choice([0, 1, 2]), "other": tr.Choice([evil, "b"])}),
        metric=tr.Metric("loss", goal="min"),
        also=[tr.Metric(evil, goal="min")],
        search="grid",
        folder=folder,
    )
    study.run(workers=0)

    told = asked(folder, commands=("show", "trials", "report"))
    assert {one["code"] for one in told} == {0}
    rows = study.trials(as_dicts=True)
    assert len(rows) == 6
    assert {row["config"]["other"] for row in rows} == {evil, "b"}
    page = (folder / "report.html").read_text()
    assert "<img src=x" not in page
    assert "<script>alert" not in page
    assert "</script><script>" not in page.replace("</script><script>\n", "")
    assert 'href="javascript' not in page


def test_links_lead_nowhere(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    (folder / "output").mkdir(exist_ok=True)
    (folder / "output" / "run-000002.txt").unlink(missing_ok=True)
    (folder / "output" / "run-000002.txt").symlink_to(secret)
    (folder / "report.html").unlink(missing_ok=True)
    (folder / "report.html").symlink_to(secret)

    told = asked(folder)
    shown = subprocess.run(
        [sys.executable, "-m", "truing", "show", str(folder), "--run", "2"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert {one["code"] for one in told} == {0}
    assert "the secret" not in shown.stdout + shown.stderr
    assert secret.read_text() == "the secret"
    assert not (folder / "report.html").is_symlink()


def test_a_linked_journal_is_not_written_to(folder: Path, tmp_path: Path) -> None:
    """Its own folder's lock would not keep a second coordinator away."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "journal.db").symlink_to(folder / "journal.db")

    with pytest.raises(TruingError, match="is a symbolic link to"):
        study_in(other).run(trials=7, workers=0)


def test_a_verdict_runs_no_program_that_came_with_the_folder(folder: Path, tmp_path: Path) -> None:
    """Without a stored verdict the study file is executed, but not one that lies in the folder, or near at hand."""
    canary = tmp_path / "canary"
    (folder / "evil.py").write_text(f"open({str(canary)!r}, 'w')\n")
    connection = sqlite3.connect(folder / "journal.db", isolation_level=None)
    (first,) = connection.execute("SELECT min(seq) FROM event WHERE kind = 'verdict'").fetchone()
    connection.execute("DELETE FROM event WHERE seq >= ?", (first,))
    connection.close()
    for file in (str(folder / "evil.py"), "evil.py", str(folder / ".." / "study" / "evil.py")):
        rewritten(folder, lambda seq, kind, data, file=file: data | {"file": file} if kind == "study" else None)
        done = subprocess.run(
            [sys.executable, "-m", "truing", "verdict", str(folder)],
            cwd=folder, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

        assert done.returncode == 2
        assert "could bring any program" in " ".join(done.stderr.split())
        assert not canary.exists()
