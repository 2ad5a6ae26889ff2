"""Commands, exit codes, and what goes to which stream."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import truing as tr
from truing.errors import TruingError
from truing.report.study import read
from truing.storage.lock import hold

from .conftest import NUMBERS, STUDY, Called

KEYS = ["number", "state", "config", "value", "se", "runs", "seconds", "reason"]


def one_document(text: str) -> Any:
    """The JSON in `text`, which must be all of it, and strict."""

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def no_traceback(text: str) -> bool:
    return "Traceback" not in text


@pytest.mark.parametrize("command", ["", "run", "show", "trials", "verdict", "report", "demo", "inspect", "doctor"])
def test_help(call: Called, command: str) -> None:
    done = call(*command.split(), "--help")

    assert done.returncode == 0
    assert done.stderr == ""
    assert "Usage:" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    expected = {
        "run": ["--trials", "--minutes", "--target", "--workers", "--fresh", "--accept-change", "--extend", "--json"],
        "show": ["--run", "--json"],
        "trials": ["--json"],
        "verdict": ["--again", "--json"],
        "report": ["FOLDER"],
        "demo": ["--folder"],
        "inspect": ["FILE[:build]", "--input", "--set", "--json"],
        "doctor": ["--folder", "--json"],
        "": ["doctor", "run", "show", "trials", "verdict", "report", "demo", "--version"],
    }
    for option in expected[command]:
        assert option in done.stdout


def test_without_a_command_there_is_help_and_exit_code_2(call: Called) -> None:
    done = call()

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage:")
    assert "doctor" in done.stderr


def test_a_terminal_without_the_signs_gets_others_in_their_place(call: Called, tmp_path: Path) -> None:
    (tmp_path / "study.py").write_text(NUMBERS)
    assert call("run", "study.py", "--trials", "2", "--workers", "0", PYTHONIOENCODING="ascii").returncode == 0
    done = call("trials", "numbers", PYTHONIOENCODING="ascii")

    assert (done.returncode, done.stderr) == (0, "")
    assert "loss ? se" in done.stdout


def test_the_main_job_from_start_to_verdict(call: Called, tmp_path: Path) -> None:
    """One study through all commands, in a folder with a space in its name, and from other folders."""
    (tmp_path / "my work").mkdir()
    (tmp_path / "my work" / "a study.py").write_text(STUDY)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    home = tmp_path / "my work"

    done = call("run", "a study.py", "--trials", "4", "--workers", "2", cwd=home)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "Next: truing verdict 'the study'"
    assert "Plan: 4 trials x 3 runs (3-fold)" in done.stderr
    assert "4/4 trials" in done.stderr
    assert max(map(len, done.stderr.splitlines())) <= 80

    folder = home / "the study"
    shown = call("show", folder, cwd=elsewhere)
    assert shown.returncode == 0
    assert "4 trials (4 completed), 12 runs" in shown.stdout
    assert [line for line in shown.stdout.splitlines() if len(line) > 80 and str(folder) not in line] == []
    study = tr.Study(
        len, space=tr.Space(x=tr.Float(0, 1)), metric=tr.Metric("x", goal="min"), folder=folder
    )  # any study of this folder reads the same trials
    trials = one_document(call("trials", folder, "--json", cwd=elsewhere).stdout)
    assert trials == study.trials(as_dicts=True)
    assert [list(row) for row in trials] == [[*KEYS, "scores"]] * 4  # the study has also=
    assert [row["runs"] for row in trials] == [3] * 4

    printed = call("show", folder, "--run", "2").stdout
    assert "run 2: trial 0, replicate 2, search, completed" in printed
    assert "a training prints" in printed
    assert one_document(call("show", folder, "--run", "2", "--json").stdout)["output"] == "a training prints"

    verdict = call("verdict", folder, "--workers", "2", "--json", cwd=elsewhere)
    assert verdict.returncode == 0, verdict.stderr
    found = one_document(verdict.stdout)
    assert found["schema"] == 1
    assert (found["looks"], found["trials"], found["runs"], found["verdict_runs"]) == (
        1,
        4,
        12,
        30,
    )  # 12 fresh runs and 3 refits a side
    assert (folder / "report.html").is_file()
    assert "the study file is executed" in verdict.stderr

    (home / "a study.py").rename(home / "gone.py")  # the stored verdict needs nobody
    again = call("verdict", folder, "--json", cwd=elsewhere)
    assert one_document(again.stdout) == found
    assert call("verdict", folder).stdout.startswith(found["headline"][:40])
    assert one_document(call("show", folder, "--json").stdout)["looks"] == 1

    once_more = call("verdict", folder, "--again", "--json")
    assert once_more.returncode == 2
    assert re.search(r"a study\.py is gone; ", one_document(once_more.stdout)["error"]["message"])
    (home / "gone.py").rename(home / "a study.py")
    second = one_document(call("verdict", folder, "--again", "--workers", "0", "--json", cwd=elsewhere).stdout)
    assert second["looks"] == 2
    assert "later_look" in {warning["code"] for warning in second["warnings"]}

    (folder / "report.html").unlink()
    written = call("report", folder, cwd=elsewhere)
    assert (written.returncode, written.stdout.strip()) == (0, str(folder / "report.html"))
    assert (folder / "report.html").is_file()

    copied = tmp_path / "copied"  # a study's folder may be moved
    shutil.copytree(folder, copied)
    assert one_document(call("verdict", copied, "--json").stdout) == second


def test_run_with_json_is_one_document_whatever_is_printed(call: Called, tmp_path: Path) -> None:
    loud = STUDY.replace('print("a training prints")', 'import os; os.system("echo a shell prints"); print("loud")')
    (tmp_path / "study.py").write_text(loud)

    for workers in ("0", "2"):
        done = call("run", "study.py", "--trials", "2", "--workers", workers, "--json", "--fresh")
        assert done.returncode == 0, done.stderr
        assert one_document(done.stdout)["folder"] == "the study"
        assert "the study file is executed" in done.stderr
        assert ("a shell prints" in done.stderr) is (workers == "0")


def test_not_a_number_is_null(call: Called, tmp_path: Path) -> None:
    (tmp_path / "study.py").write_text(NUMBERS.replace("** 2", '** 2 if run.config["x"] != 1.5 else float("nan")'))
    assert call("run", "study.py", "--trials", "3", "--workers", "0").returncode == 0

    trials = one_document(call("trials", "numbers", "--json").stdout)

    assert [(row["state"], row["value"] is None, row["se"] is None) for row in trials] == [
        ("failed", True, True),
        ("completed", False, False),
        ("completed", False, False),
    ]


def test_the_arguments_of_run_reach_it(call: Called, tmp_path: Path) -> None:
    (tmp_path / "study.py").write_text(NUMBERS)
    run = lambda *more: call("run", "study.py", "--workers", "0", *more)  # noqa: E731
    count = lambda: len(one_document(call("trials", "numbers", "--json").stdout))  # noqa: E731

    assert run("--trials", "3").returncode == 0
    (tmp_path / "study.py").write_text(NUMBERS.replace("** 2", "** 4"))
    refused = run("--trials", "4")
    assert refused.returncode == 2
    assert '+    run.report(loss=run.config["x"] ** 4)' in refused.stderr
    assert no_traceback(refused.stderr)
    assert run("--trials", "4", "--accept-change").returncode == 0
    (tmp_path / "study.py").write_text(NUMBERS.replace("** 2", "** 4").replace("Float(-1, 2", "Float(-1, 9"))
    assert "--extend" in run("--trials", "5").stderr
    assert run("--trials", "5", "--extend").returncode == 0
    assert count() == 5
    assert run("--trials", "2", "--fresh").returncode == 0
    assert count() == 2
    assert (tmp_path / "numbers.old-1").is_dir()
    assert run("--minutes", "5", "--target", "1000").returncode == 0
    assert count() == 2


def test_a_study_is_chosen_by_name(call: Called, tmp_path: Path) -> None:
    two = NUMBERS + NUMBERS.replace("study = ", "other = ").replace('"numbers"', '"others"')
    (tmp_path / "study.py").write_text(two)
    unnamed = two.replace("study = ", "first = ")
    (tmp_path / "unnamed.py").write_text(unnamed)
    run = lambda file: call("run", file, "--trials", "1", "--workers", "0")  # noqa: E731

    assert run("study.py").stdout.endswith("Next: truing verdict numbers\n")
    assert run("study.py:other").stdout.endswith("Next: truing verdict others\n")
    wrong = run("study.py:third")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "no study named 'third'; it has study, other" in wrong.stderr
    several = run("unnamed.py")
    assert several.returncode == 2
    assert "it has first, other: give unnamed.py:NAME" in several.stderr
    verdict = call("verdict", "others", "--workers", "0")  # not the file's `study`, but the one of this folder
    assert verdict.returncode == 0, verdict.stderr


def test_a_script_that_runs_itself_works_with_every_command(call: Called, tmp_path: Path) -> None:
    """`run()` and `verdict()` in the file are for `python study.py`; the commands take over when they are reached."""
    (tmp_path / "study.py").write_text(
        NUMBERS + "study.run(trials=99)\nprint(study.trials())\nprint(study.verdict())\nprint('never')\n"
    )
    done = call("run", "study.py", "--trials", "2", "--workers", "0")
    assert done.returncode == 0, done.stderr
    assert "never" not in done.stdout
    assert done.stdout.splitlines()[-1] == "Next: truing verdict numbers"
    verdict = call("verdict", "numbers", "--workers", "2", "--json")
    assert verdict.returncode == 0, verdict.stderr
    assert one_document(verdict.stdout)["trials"] == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "There is no study file study.py"),
        ("x = 1\n", "no study named `study`; name one"),
        ("def f(:\n", "is not valid Python: invalid syntax"),
        ("import no_such_module_anywhere\n", "ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
        ("import sys\nsys.exit(3)\n", "ends itself with sys.exit(3)"),
        (NUMBERS.replace('"min"', '"low"'), "goal"),
        (NUMBERS.replace("Float(-1, 2", "Float(3, 2"), "Parameter 'x'"),
        (NUMBERS.replace("tr.Seeds(2)", '"kfld"'), "did you mean 'kfold'"),
        ("\0", "study.py"),
    ],
)
def test_a_mistake_in_a_study_file(call: Called, tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "study.py").write_text(text)
    done = call("run", "study.py", "--json")

    assert done.returncode == 2
    error = one_document(done.stdout)["error"]
    assert set(error) == {"kind", "message"}
    assert said in error["message"]
    assert error["message"] in done.stderr
    assert 'File "' not in error["message"] or "study.py" in error["message"]  # only the person's own lines
    assert "truing/" not in done.stderr
    assert {path.name for path in tmp_path.iterdir()} <= {"study.py"}


@pytest.mark.parametrize(
    "words",
    [
        ["run"],
        ["run", "study.py", "--trials", "many"],
        ["run", "study.py", "--trials", "0"],
        ["run", "study.py", "--workers", "-1"],
        ["run", "study.py", "--minutes", "-1"],
        ["run", "study.py", "--surprise"],
        ["show", "no such folder"],
        ["show", "study.py"],
        ["trials", "."],
        ["verdict", "no such folder"],
        ["report", "no such folder"],
        ["explode"],
    ],
)
def test_a_wrong_command_is_one_sentence_and_code_2(call: Called, tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "study.py").write_text(NUMBERS)
    done = call(*words, "--json")

    assert done.returncode == 2
    assert set(one_document(done.stdout)["error"]) == {"kind", "message"}
    assert no_traceback(done.stderr)
    assert len(done.stderr.splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"study.py"}


def test_a_run_that_is_not_there(call: Called, tmp_path: Path) -> None:
    (tmp_path / "study.py").write_text(NUMBERS)
    call("run", "study.py", "--trials", "1", "--workers", "0")
    done = call("show", "numbers", "--run", "7")

    assert done.returncode == 2
    assert done.stderr == "truing: numbers has no run 7; its runs are numbered 0 to 1.\n"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise ValueError('too bad')", "ValueError: too bad"),
        ("run.report(loss=float('nan'))", "5 trials in a row failed with the same error"),
    ],
    ids=["rehearsal", "search"],
)
def test_a_study_that_fails_has_code_1(call: Called, tmp_path: Path, body: str, said: str) -> None:
    (tmp_path / "study.py").write_text(NUMBERS.replace('run.report(loss=run.config["x"] ** 2)', body))
    done = call("run", "study.py", "--workers", "2", "--json")

    assert done.returncode == 1
    assert said in one_document(done.stdout)["error"]["message"]
    assert "truing verdict" not in done.stdout
    assert "truing/study.py" not in done.stderr
    shown = call("show", "numbers").stdout
    assert "Next: " not in shown
    assert ("The search has ended: failures of one kind stopped it" in shown) is ("nan" in body)


def test_a_folder_in_use_has_code_3_and_can_be_read(call: Called, tmp_path: Path) -> None:
    (tmp_path / "study.py").write_text(NUMBERS)
    call("run", "study.py", "--trials", "1", "--workers", "0")
    with hold(tmp_path / "numbers"):
        for words in (["run", "study.py"], ["run", "study.py", "--fresh"], ["verdict", "numbers"]):
            done = call(*words, "--json")
            assert done.returncode == 3
            error = one_document(done.stdout)["error"]
            assert error["kind"] == "FolderInUseError"
            assert f"process {os.getpid()} of" in error["message"]
        assert call("show", "numbers").returncode == 0
        assert len(one_document(call("trials", "numbers", "--json").stdout)) == 1


def test_a_damaged_journal_and_a_folder_that_cannot_be_made_have_code_74(call: Called, tmp_path: Path) -> None:
    (tmp_path / "study.py").write_text(NUMBERS)
    (tmp_path / "numbers").mkdir()
    (tmp_path / "numbers" / "journal.db").write_bytes(b"not a journal at all")
    for words in (["run", "study.py"], ["show", "numbers"], ["trials", "numbers"], ["report", "numbers"]):
        done = call(*words, "--json")
        assert done.returncode == 74, done.stderr
        assert "not a Truing journal" in one_document(done.stdout)["error"]["message"]

    (tmp_path / "file").write_text("")
    (tmp_path / "study.py").write_text(NUMBERS.replace('folder="numbers"', 'folder="file/numbers"'))
    done = call("run", "study.py")
    assert done.returncode == 74
    assert len(done.stderr.splitlines()) == 1
    assert no_traceback(done.stderr)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_ctrl_c_finishes_what_runs_with_code_130_and_goes_on_later(call: Called, tmp_path: Path, workers: str) -> None:
    (tmp_path / "study.py").write_text(
        NUMBERS.replace("    run.report", "    import time; time.sleep(0.2)\n    run.report")
    )
    words = [sys.executable, "-m", "truing", "run", "study.py", "--trials", "8", "--workers", workers, "--json"]
    process = subprocess.Popen(
        words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    until = time.monotonic() + 100
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(TruingError):
            if read(tmp_path / "numbers")[0].best() is not None:
                break
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it: to the whole group
    out, err = process.communicate(timeout=100)

    assert process.returncode == 130, err
    assert one_document(out)["error"]["kind"] == "Interrupted"
    assert "Finishing what runs" in err
    assert no_traceback(err)
    history = read(tmp_path / "numbers")[0]
    assert {str(run.state) for run in history.runs.values()} == {"completed"}
    assert 0 < len(history) < 8
    shown = call("show", "numbers").stdout
    assert "it was interrupted" in shown
    assert call("run", "study.py", "--trials", "8", "--workers", workers).returncode == 0
    assert [row["runs"] for row in one_document(call("trials", "numbers", "--json").stdout)] == [2] * 8


def test_a_study_from_a_prompt_has_no_file_to_execute(call: Called, tmp_path: Path) -> None:
    def train(run: Any) -> None:
        run.report(loss=run.config["x"])

    study = tr.Study(
        train,
        space=tr.Space(x=tr.Float(0, 1)),
        metric=tr.Metric("loss", goal="min"),
        folder=tmp_path / "study",
    )
    study.file = None  # what a notebook has
    study.run(trials=1, workers=0)
    done = call("verdict", "study")

    assert done.returncode == 2
    assert "was defined in a notebook or at a prompt; call study.verdict() there." in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_verdict_finds_what_the_file_names_by_a_relative_path(call: Called, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "target.txt").write_text("0.25")
    (home / "study.py").write_text(
        NUMBERS.replace("import truing as tr", "import truing as tr\nGOAL = float(open('target.txt').read())")
    )
    assert call("run", "study.py", "--trials", "2", "--workers", "0", cwd=home).returncode == 0

    done = call("verdict", home / "numbers", "--workers", "2", "--json")  # the workers execute the file too
    assert done.returncode == 0, done.stderr


def test_output_into_a_closed_pipe_is_no_traceback(tmp_path: Path, call: Called) -> None:
    (tmp_path / "study.py").write_text(NUMBERS)
    call("run", "study.py", "--trials", "1", "--workers", "0")
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "truing", "trials", "numbers"],
        cwd=tmp_path,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        timeout=100,
    )
    os.close(write)

    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
