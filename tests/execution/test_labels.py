"""The objects behind the labels of a space get into every run, and into nothing that is stored."""

from __future__ import annotations

import functools
import linecache
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

import truing as tr
from truing.errors import ChangedStudyError
from truing.report.study import read

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes need fork")


class Double:
    factor = 2

    def __call__(self, x):
        return x * self.factor


class Add:
    def __init__(self, term):
        self.term = term

    def __call__(self, x):
        return x + self.term


def through_layers(run):
    found = 10
    for layer in run.config.repeat("layer"):
        found = _called(layer["kind"], found)
    run.report(loss=float(found))


def study(folder, workers, choice, **agreed):
    made = tr.Study(
        _calls,
        tr.Space(kind=choice, other=tr.Int(0, 9)),
        metric=tr.Metric("loss", goal="min"),
        search="grid",
        folder=folder,
    )
    made.run(trials=20, workers=workers, **agreed)
    return made


def _called(kind, value=10):
    found = kind() if isinstance(kind, type) else kind
    return found(value)


class Local:
    def __call__(self, x):
        return -x


OBJECTS = {
    "class": Double,
    "object": Add(5),
    "lambda": lambda x: x - 3,
    "partial": functools.partial(pow, exp=2),
    "builtin": abs,
    "closure": (lambda term: lambda x: x + term)(0.5),
}
VALUES = {"class": 20, "object": 15, "lambda": 7, "partial": 100, "builtin": 10, "closure": 10.5}


@pytest.mark.parametrize("workers", [0, 2])
def test_the_function_gets_objects_and_the_record_has_labels(tmp_path, workers):
    made = study(tmp_path, workers, tr.Choice(OBJECTS))

    trials = read(tmp_path)[0].trials
    assert {trial.config["kind"] for trial in trials} <= set(OBJECTS)
    assert len({trial.config["kind"] for trial in trials}) >= 2
    for trial in trials:
        assert trial.value == VALUES[trial.config["kind"]]
    assert {row["config"]["kind"] for row in made.trials(as_dicts=True)} <= set(OBJECTS)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"cloudpickle" in path.read_bytes()]


def test_a_repeat_of_objects_in_processes(tmp_path):
    made = tr.Study(
        through_layers,
        tr.Space(
            tr.Repeat("layer", count="layers", kind=tr.Choice({"double": Double, "plus": Add(1)})),
            layers=tr.Int(0, 2),
        ),
        metric=tr.Metric("loss", goal="min"),
        search="grid",
        folder=tmp_path,
    )
    made.run(workers=2)

    found = {}
    for trial in read(tmp_path)[0].trials:
        kinds = [layer["kind"] for layer in trial.config.repeat("layer")]
        found[tuple(kinds)] = trial.value
    assert found == {
        (): 10,
        ("double",): 20,
        ("plus",): 11,
        ("double", "double"): 40,
        ("double", "plus"): 21,
        ("plus", "double"): 22,
        ("plus", "plus"): 12,
    }


def test_another_object_behind_a_label_is_a_changed_function(tmp_path):
    study(tmp_path, 0, tr.Choice({"a": Add(1), "b": Double}))

    with pytest.raises(ChangedStudyError, match=r"(?s)kind='a' value.*\+.*term=2"):
        study(tmp_path, 0, tr.Choice({"a": Add(2), "b": Double}))
    with pytest.raises(ChangedStudyError, match=r"(?s)kind='b'.*builtins\.abs"):
        study(tmp_path, 0, tr.Choice({"a": Add(1), "b": abs}))
    study(tmp_path, 0, tr.Choice({"a": Add(1), "b": Double}))  # nothing was written by the refusals
    with pytest.raises(ChangedStudyError, match=r"(?s)kind='b'.*-\[Double\]\n\+\[Local\]"):
        study(tmp_path, 0, tr.Choice({"a": Add(1), "b": Local}))
    study(tmp_path, 0, tr.Choice({"a": Add(2), "b": Local}), accept_change=True)


def test_an_edited_class_behind_a_label_is_a_changed_function(tmp_path, monkeypatch):
    def run(factor, **agreed):
        (tmp_path / "edited.py").write_text(f"class Kind:\n    def __call__(self, x):\n        return x * {factor}\n")
        module = types.ModuleType("edited")
        module.__file__ = str(tmp_path / "edited.py")
        monkeypatch.setitem(sys.modules, "edited", module)
        linecache.checkcache()
        exec(compile((tmp_path / "edited.py").read_text(), module.__file__, "exec"), vars(module))
        study(tmp_path / "study", 0, tr.Choice({"a": module.Kind}), **agreed)

    run(2)
    run(2)
    with pytest.raises(ChangedStudyError, match=r"(?s)kind='a' Kind.*\+ +return x \* 3"):
        run(3)
    run(3, accept_change=True)


def test_a_label_more_is_a_space_that_grew_and_no_changed_function(tmp_path):
    def run(extend, **objects):
        made = tr.Study(
            _calls,
            tr.Space(kind=tr.Choice(objects)),
            metric=tr.Metric("loss", goal="min"),
            folder=tmp_path,
            search="grid",
        )
        made.run(workers=0, extend=extend)
        return [trial.config["kind"] for trial in read(tmp_path)[0].trials]

    assert run(False, a=Add(1), b=Double) == ["a", "b"]
    with pytest.raises(ChangedStudyError, match="extend=True"):
        run(False, a=Add(1), b=Double, c=Local)
    assert run(True, a=Add(1), b=Double, c=Local) == ["a", "b", "c"]
    with pytest.raises(ChangedStudyError, match="can no longer be 'b'"):
        run(True, a=Add(1), c=Local)


def test_a_label_that_becomes_an_object_is_a_changed_function(tmp_path):
    def run(choice):
        made = tr.Study(
            _reports_seven, tr.Space(kind=choice), metric=tr.Metric("loss", goal="min"), folder=tmp_path, search="grid"
        )
        made.run(workers=0)

    run(tr.Choice(["a", "b"]))
    with pytest.raises(ChangedStudyError, match="The training function is no longer"):
        run(tr.Choice({"a": Add(1), "b": Double}))


def _calls(run):
    run.report(loss=float(_called(run.config["kind"])))


def _reports_seven(run):
    run.report(loss=7.0)


SCRIPT = """
import os, signal, time
from pathlib import Path
import truing as tr

class Plus:  # of this script alone
    def __call__(self, x):
        return x + 1

def train(run):
    if not run.folder.name.startswith("rehearsal"):
        number = len(list(Path(".").glob("began-*")))
        Path(f"began-{os.getpid()}").touch()
        while number >= 3 and not os.path.exists("go"):
            time.sleep(0.01)
    print(run.config["kind"], run.config["lambda"])
    for layer in run.config.group("architecture")["layer"]:
        assert layer["kind"](1) in (2, 0), layer
    run.report(loss=float(run.config["kind"]()(run.config["x"])))

study = tr.Study(
    train,
    tr.Space(
        {"lambda": tr.Float(0, 1)},
        tr.Repeat("layer", count="layers", kind=tr.Choice({"plus": Plus(), "minus": lambda x: x - 1})),
        layers=tr.Int(1, 3, group="architecture"),
        kind=tr.Choice({"plus": Plus, "abs": lambda: abs}),
        x=tr.Float(0, 1),
    ),
    metric=tr.Metric("loss", goal="min"), folder="study",
)
study.run(trials=8, workers=2)
print("done")
"""


def test_a_killed_study_with_labels_goes_on(programs, tmp_path):
    (tmp_path / "s.py").write_text(SCRIPT)
    program = programs.start("s.py")
    _until(lambda: len(list(tmp_path.glob("began-*"))) >= 5 or program.poll() is not None)
    assert program.poll() is None, program.communicate()
    program.kill()
    program.wait()
    _until(lambda: not programs.alive())
    before = {t.number: t.config for t in read(tmp_path / "study")[0].trials if t.state == "completed"}
    (tmp_path / "go").touch()

    output, errors = programs.start("s.py").communicate(timeout=100)

    assert "done" in output, errors
    trials = read(tmp_path / "study")[0].trials
    assert [trial.state for trial in trials] == ["completed"] * 8
    assert {number: trials[number].config for number in before} == before
    assert len(before) >= 1
    for trial in trials:
        wanted = trial.config["x"] + 1 if trial.config["kind"] == "plus" else trial.config["x"]
        assert trial.value == pytest.approx(wanted)
    (tmp_path / "s.py").unlink()  # what reads the folder has no objects
    for command in ("show", "trials", "report"):
        done = subprocess.run(
            [sys.executable, "-m", "truing", command, "study"], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr


def _until(condition, seconds=60.0):
    import time

    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("waited too long")
        time.sleep(0.01)


CELLS = """
import linecache
cell = '''
import truing as tr

class Twice:
    def __call__(self, x):
        return 2 * x

def train(run):
    run.report(loss=float(run.config["kind"]()(run.config["x"])))

def study(folder):
    return tr.Study(
        train,
        tr.Space(kind=tr.Choice({"twice": Twice, "same": lambda: (lambda x: x)}), x=tr.Int(1, 3)),
        metric=tr.Metric("loss", goal="min"), folder=folder, search="grid",
    )
'''
linecache.cache["<cell 1>"] = (len(cell), None, cell.splitlines(True), "<cell 1>")
exec(compile(cell, "<cell 1>", "exec"), globals())
made = study("study")
made.run(workers=2)
print([(row["config"]["kind"], row["config"]["x"], row["value"]) for row in made.trials(as_dicts=True)])
"""


def test_classes_of_a_notebook_travel_by_copy(tmp_path):
    """Nothing has an importable name there."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CELLS], cwd=tmp_path, capture_output=True, text=True, timeout=100
    )

    assert done.returncode == 0, done.stderr
    found = eval(done.stdout.splitlines()[-1])
    assert sorted(found) == sorted(
        [("twice", x, 2.0 * x) for x in (1, 2, 3)] + [("same", x, float(x)) for x in (1, 2, 3)]
    )


def test_what_cannot_be_copied_is_said_in_one_sentence(tmp_path):
    with Path(__file__).open("rb") as file, pytest.raises(tr.TruingError, match="objects of this study cannot be co"):
        study(tmp_path, 2, tr.Choice({"file": file}))
