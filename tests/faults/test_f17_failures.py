"""F17: however a training function fails or its process dies, its run ends in its state, with its last words."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes need fork")

HERE = Path(__file__).name


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


class Rude(Exception):
    def __str__(self) -> str:
        raise KeyboardInterrupt


class Unpicklable(Exception):
    def __init__(self) -> None:
        super().__init__("holds a lock")
        self.lock = threading.Lock()

    def __reduce__(self) -> Any:
        raise TypeError("cannot be pickled")


def raises(error: BaseException) -> Callable[[Any], None]:
    def train(run: Any) -> None:
        print("about to fail")
        raise error

    return train


def raises_unpicklable(run: Any) -> None:
    raise Unpicklable


def recursion(run: Any) -> None:
    recursion(run)


FAILURES = [
    ("an exception", raises(ValueError("the rate is too high")), "failed", "ValueError", "the rate is too high"),
    ("sys.exit", raises(SystemExit(3)), "failed", "SystemExit", "3"),
    ("KeyboardInterrupt", raises(KeyboardInterrupt()), "failed", "KeyboardInterrupt", ""),
    ("GeneratorExit", raises(GeneratorExit()), "failed", "GeneratorExit", ""),
    ("no text", raises(Unprintable()), "failed", "Unprintable", "cannot be read"),
    ("an interrupt for a text", raises(Rude()), "failed", "Rude", "cannot be read"),
    ("cannot be pickled", raises_unpicklable, "failed", "Unpicklable", "holds a lock"),
    ("half a surrogate pair", raises(ValueError("\ud800")), "failed", "ValueError", "\\ud800"),
    ("recursion", recursion, "failed", "RecursionError", "maximum recursion depth"),
    ("a study inside", lambda run: start_a_study(), "failed", "RuntimeError", "inside a training run"),
]


def start_a_study() -> None:
    import truing as tr

    tr.Study(
        lambda run: run.report(loss=1.0), tr.Space(x=tr.Float(0, 1)), metric=tr.Metric("loss", goal="min"), folder="x"
    ).run()


@pytest.mark.parametrize(
    ("objective", "state", "kind", "words"), [f[1:] for f in FAILURES], ids=[f[0] for f in FAILURES]
)
def test_a_python_error_ends_the_run_in_its_state(run, objective, state, kind, words):
    run.fails(objective, state, kind, words)


def test_inline_it_ends_in_the_same_state(run):
    run.fail_inline([failure for failure in FAILURES if failure[0] != "a study inside"])  # which is allowed inline


def test_where_it_failed_and_what_it_wrote(run, tmp_path):
    def train(run):
        print("epoch 1 is fine")
        os.write(2, b"from C: \xff\xfe\n")
        raise LookupError("in the middle")

    found = run(train)
    line = train.__code__.co_firstlineno + 3
    assert found["reason"]["where"] == f"{HERE}:{line}"
    for text in (found["reason"]["tail"], (tmp_path / "output" / "run-000000.txt").read_text(errors="replace")):
        assert "epoch 1 is fine" in text
        assert "from C: \ufffd\ufffd" in text.replace("��", "\ufffd\ufffd")
        assert text.rstrip().endswith("LookupError: in the middle")
        assert f", line {line}, in train" in text


def exits_quietly(run):
    print("now it goes")
    os._exit(0)


def exits_with_a_code(run):
    run.report(loss=0.5)
    print("now it goes")
    os._exit(9)


def segfaults(run):
    print("now it goes")
    ctypes.string_at(0)


def aborts(run):
    print("now it goes")
    os.abort()


def kills_itself_by(number):
    def train(run):
        print("now it goes")
        os.kill(os.getpid(), number)
        time.sleep(60)

    return train


@pytest.mark.parametrize(
    ("objective", "state", "kind"),
    [
        (exits_quietly, "crashed", "exit 0"),
        (exits_with_a_code, "crashed", "exit 9"),
        (segfaults, "crashed", "SIGSEGV"),
        (aborts, "crashed", "SIGABRT"),
        (kills_itself_by(signal.SIGBUS), "crashed", "SIGBUS"),
        (kills_itself_by(signal.SIGILL), "crashed", "SIGILL"),
        (kills_itself_by(signal.SIGFPE), "crashed", "SIGFPE"),
        (kills_itself_by(signal.SIGKILL), "lost", "SIGKILL"),
        (kills_itself_by(signal.SIGTERM), "lost", "SIGTERM"),
        (kills_itself_by(signal.SIGHUP), "lost", "SIGHUP"),
    ],
    ids=lambda value: getattr(value, "__name__", None) or value,
)
def test_a_process_that_dies(run, objective, state, kind):
    found = run(objective)
    assert (found["state"], found["reason"]["kind"]) == (state, kind)
    assert "now it goes" in found["reason"]["tail"]
    assert "scores" not in found


def test_a_crash_names_the_line(run):
    found = run(segfaults)
    line = segfaults.__code__.co_firstlineno + 2
    assert f'{HERE}", line {line} in segfaults' in found["reason"]["tail"]


def test_what_was_reported_before_the_end_is_kept_as_a_curve(run):
    found = run(exits_with_a_code)
    assert (found["curve"], found["epochs"]) == ([[1, 0.5]], 1)


def test_a_killed_run_leaves_no_half_written_file(run, tmp_path):
    def train(run):
        folder = run.folder.parent.parent
        (folder / "predictions").mkdir()
        (folder / "predictions" / "run-000000.part").write_bytes(b"half")
        (run.folder / "big").write_bytes(b"x" * 1000)
        os.kill(os.getpid(), signal.SIGKILL)

    assert run(train)["state"] == "lost"
    assert not list(tmp_path.glob("predictions/*"))
