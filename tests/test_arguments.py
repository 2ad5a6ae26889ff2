"""A mistyped keyword is one sentence, and editors still see the signature."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import Any

import pytest

import truing as tr
from truing.errors import ArgumentError, UsageError

SETTINGS: dict[str, Any] = {"space": tr.Space(x=tr.Float(0, 1)), "metric": tr.Metric("loss", goal="min")}


def train(run: Any) -> None:
    run.report(loss=run.config["x"])


@pytest.mark.parametrize(
    ("wrong", "near"), [("epoch_s", "epochs"), ("sede", "seed"), ("validaton", "validation"), ("Metric", "metric")]
)
def test_the_nearest_name_is_given(wrong: str, near: str) -> None:
    with pytest.raises(UsageError, match=rf"^Study\(\) has no argument '{wrong}'; did you mean {near}=\?$"):
        tr.Study(train, **(SETTINGS | {wrong: 1}))


def test_a_name_near_to_none_gets_the_list() -> None:
    with pytest.raises(TypeError, match=r"^Study\(\) has no argument 'qqq'; it takes objective, space, data, .*\.$"):
        tr.Study(train, **SETTINGS, qqq=1)  # type: ignore[call-arg]


def test_run_and_verdict_too(tmp_path: Any) -> None:
    study = tr.Study(train, **SETTINGS, folder=tmp_path / "s")
    with pytest.raises(ArgumentError, match=r"run\(\) has no argument 'worker'; did you mean workers=\?"):
        study.run(worker=0)  # type: ignore[call-arg]
    with pytest.raises(ArgumentError, match=r"verdict\(\) has no argument 'agian'; did you mean again=\?"):
        study.verdict(agian=True)  # type: ignore[call-arg]
    assert not (tmp_path / "s").exists()


def test_what_is_missing_or_too_much_is_one_sentence() -> None:
    with pytest.raises(ArgumentError, match=r"^Study\(\): missing a required .*'space'; it takes objective, space, "):
        tr.Study(train)  # type: ignore[call-arg]
    with pytest.raises(ArgumentError, match=r"^Study\(\): too many positional arguments; it takes"):
        tr.Study(train, SETTINGS["space"], 3)  # type: ignore[misc]


NONE = r"it takes no arguments; the number of trials goes to run\(trials=20\), a seed to Study\(seed=7\)\.$"
REPEAT = r'it takes name, .*, as in Repeat\("layer", count="layers", width=Int\(8, 64\)\)\.$'


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: tr.SobolSearch(3), rf"^SobolSearch\(\): too many positional arguments; {NONE}"),  # type: ignore[call-arg]
        (lambda: tr.RandomSearch(seed=3), rf"^RandomSearch\(\) has no argument 'seed'; {NONE}"),  # type: ignore[call-arg]
        (lambda: tr.GridSearch(ponts=3), r"^GridSearch\(\) has no argument 'ponts'; did you mean points=\?$"),  # type: ignore[call-arg]
        (lambda: tr.Repeat(count="n", width=tr.Int(1, 8)), f"missing a required .*'name'; {REPEAT}"),  # type: ignore[call-arg]
        (lambda: tr.Repeat("layer", width=tr.Int(1, 8)), f"missing a required .*'count'; {REPEAT}"),  # type: ignore[call-arg]
    ],
)
def test_a_searcher_or_repeat_made_wrongly_is_one_sentence(make: Any, says: str) -> None:
    with pytest.raises(ArgumentError, match=says):
        make()


def test_the_signature_is_not_hidden() -> None:
    for function, name in ((tr.Study, "epoch"), (tr.Study.run, "extend"), (tr.Study.verdict, "again")):
        assert name in inspect.signature(function).parameters
    assert "minutes: no new trial starts" in (tr.Study.run.__doc__ or "")
    assert str(inspect.signature(tr.Repeat)).startswith("(name: ")
    assert not inspect.signature(tr.SobolSearch).parameters
    assert str(inspect.signature(tr.Study)).startswith("(objective: ")


def test_a_type_error_inside_stays_what_it_is(tmp_path: Any) -> None:
    def broken(run: Any) -> None:
        len(3)  # type: ignore[arg-type]

    with pytest.raises(tr.TruingError, match=r"object of type 'int' has no len\(\)"):
        tr.Study(broken, **SETTINGS, folder=tmp_path / "s").run(trials=1, workers=0)


CELL = """
def train(run):
    return helper(run)

def helper(run):
    return run.config["x"] / 0

study = tr.Study(train, tr.Space(x=tr.Float(0, 1)), metric=tr.Metric("loss", goal="min"), folder={folder!r})
study.run(trials=1, workers=0)
"""


def test_a_notebook_shows_the_persons_lines_alone(tmp_path: Any) -> None:
    """In IPython itself: the cell's line, the function's own traceback, and nothing of the library."""
    pytest.importorskip("IPython")
    code = f"""
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_cell("import truing as tr")
shell.run_cell({CELL.format(folder=str(tmp_path / "s"))!r})
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=tmp_path,
        env={**__import__("os").environ, "IPYTHONDIR": str(tmp_path / "ipython")},
    )  # fmt: skip
    shown = done.stdout + done.stderr

    assert "ObjectiveError: The rehearsal failed" in shown
    assert "study.run(trials=1, workers=0)" in shown
    assert 'run.config["x"] / 0' in shown
    assert "ZeroDivisionError" in shown
    for frame in ("study.py", "advice.py", "worker.py", "arguments.py", "interactiveshell.py"):
        assert frame not in shown


def test_an_argument_of_run_given_to_the_study_is_sent_there() -> None:
    with pytest.raises(ArgumentError, match=r"'trials': trials= belongs to run\(trials=3\)"):
        tr.Study(print, tr.Space(x=tr.Int(1, 2)), trials=3)
