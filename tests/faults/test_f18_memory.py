"""F18: a run that wants more memory than there is, or than it may have, ends as out_of_memory; the others go on."""

from __future__ import annotations

import os
import re
import resource
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from truing.execution import shortage
from truing.report.study import read

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes need fork")
linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in /proc")


def raises(error: BaseException) -> Callable[[Any], None]:
    def train(run: Any) -> None:
        print("about to fail")
        raise error

    return train


def exhausts_memory(run: Any) -> None:
    np.empty((1 << 50,), dtype=np.uint8)


FAILURES = [
    ("MemoryError", raises(MemoryError()), "out_of_memory", "MemoryError", ""),
    ("an allocation that fails", exhausts_memory, "out_of_memory", "", "Unable to allocate"),
    ("torch's allocation", raises(RuntimeError("[enforce fail] can't allocate memory")), "out_of_memory", "", ""),
]


@pytest.mark.parametrize(
    ("objective", "state", "kind", "words"), [f[1:] for f in FAILURES], ids=[f[0] for f in FAILURES]
)
def test_a_python_error_ends_the_run_in_its_state(run, objective, state, kind, words):
    run.fails(objective, state, kind, words)


def test_inline_it_ends_in_the_same_state(run):
    run.fail_inline(FAILURES)


def named(name, base=RuntimeError, text="CUDA out of memory. Tried to allocate 2.00 GiB"):
    """An exception class of torch or CUDA, which need not be here."""
    return raises(type(name, (base,), {})(text))


ACCELERATORS = {
    "torch.OutOfMemoryError": named("OutOfMemoryError"),
    "cudaErrorMemoryAllocation": named("AcceleratorError", text="CUDA error: out of memory"),
    "cuBLAS": named("RuntimeError", text="CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    "MPS": named("RuntimeError", text="MPS backend out of memory (MPS allocated: 1 GB)"),
    "JAX": named("XlaRuntimeError", text="RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8 bytes."),
    "a loader's worker": named("RuntimeError", text="DataLoader worker (pid 7) exited: out of shared memory."),
}


@pytest.mark.parametrize("objective", ACCELERATORS.values(), ids=list(ACCELERATORS))
def test_out_of_memory_on_accelerators(run, objective):
    assert run.inline(objective)["state"] == "out_of_memory"


def allocates_without_bound(run):
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    kept = []
    while True:
        kept.append(np.empty(1 << 24))


def test_torch_s_own_words(run):
    torch = pytest.importorskip("torch")
    found = run.inline(lambda run: torch.empty(1 << 50, dtype=torch.uint8))
    assert found["state"] == "out_of_memory", found
    assert "allocate memory" in found["reason"]["message"]


def test_a_limit_of_the_process_itself(run):
    found = run(allocates_without_bound)
    assert found["state"] == "out_of_memory"
    assert "Unable to allocate" in found["reason"]["message"]


# -- run_memory ------------------------------------------------------------------------------------------------------

LIMIT = 300_000_000


def takes(megabytes, where="itself"):
    """A function that holds so much: in its process, in children, in children with sessions of their own."""

    def hold(share):
        kept = np.ones(share * 125_000)
        time.sleep(60)
        return kept

    def train(run):
        print("taking it")
        if where == "itself":
            hold(megabytes)
        for _ in range(3):
            if os.fork() == 0:
                if where == "sessions":
                    os.setsid()
                if where == "orphans" and os.fork():
                    os._exit(0)
                hold(megabytes // 3)
                os._exit(0)
        time.sleep(60)

    return train


@linux
@pytest.mark.parametrize("where", ["itself", "children", "sessions", "orphans"])
def test_a_run_that_holds_too_much_is_stopped_with_all_it_started(run, where):
    objective = takes(600, where)
    found = run(objective, memory=LIMIT)
    assert found["state"] == "out_of_memory"
    assert found["reason"]["kind"] == "MemoryLimit"
    held = re.search(r"held (\d+) MB together, more than run_memory=300 MB", found["reason"]["message"])
    assert held is not None, found["reason"]
    assert 300 <= int(held[1]) <= 900
    assert "taking it" in (run.folder / "output" / "run-000000.txt").read_text()
    assert "in train" in found["reason"]["tail"], "the line where it stood"


@linux
def test_one_that_ignores_the_question_is_killed(run):
    def train(run):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        kept = []
        while True:
            kept.append(np.ones(1 << 20))
            time.sleep(0.01)

    assert run(train, memory=LIMIT)["state"] == "out_of_memory"


@linux
def test_what_is_shared_and_what_is_mapped_does_not_count_in_full(run, tmp_path):
    """A forked copy shares its parent's pages, and mapped rows are the system's to drop."""
    np.save(tmp_path / "rows.npy", np.zeros(1 << 25))

    def train(run):
        mine = np.ones(100_000_000 // 8)
        rows = np.load(tmp_path / "rows.npy", mmap_mode="r")
        rows.sum()
        children = []
        for _ in range(3):
            if (pid := os.fork()) == 0:
                mine.sum()
                time.sleep(0.5)
                os._exit(0)
            children.append(pid)
        for pid in children:
            os.waitpid(pid, 0)
        run.report(loss=1.0)

    found = run(train, memory=340_000_000)
    assert found["state"] == "completed", found.get("reason")


@linux
def test_the_others_go_on_and_it_is_never_tried_again(programs, tmp_path):
    programs.script(STUDY)
    history = read(tmp_path / "study")[0]
    assert [trial.state for trial in history.trials] == ["completed", "failed", "completed", "completed"]
    assert history.trial(1).reason.startswith("out_of_memory: MemoryLimit: its processes held")
    assert len(history.trial(1).runs) == 1
    assert history.last("study")["run_memory"] == LIMIT


STUDY = """
import time
import numpy as np
import truing as tr

def train(run):
    if run.config["x"] == 1:
        kept = np.ones(50_000_000)
        time.sleep(60)
    time.sleep(0.2)
    run.report(loss=run.config["x"])

study = tr.Study(train, tr.Space(x=tr.Choice([0, 1, 2, 3])), metric=tr.Metric("loss", goal="min"), search="grid",
                 folder="study", run_memory="300MB")
study.run(workers=2)
"""


# -- killed by the system --------------------------------------------------------------------------------------------


@linux
@pytest.mark.parametrize("counted", [True, False])
def test_a_kill_that_the_system_counts_is_out_of_memory(run, tmp_path, monkeypatch, counted):
    """The kernel's count of such kills rises, and the process dies of SIGKILL; without the count it is lost."""
    counter = tmp_path / "memory.events"
    counter.write_text("low 0\nhigh 0\noom 3\noom_kill 3\n")
    monkeypatch.setattr(shortage, "counters", lambda: [counter])

    def kill(pid):
        if counted:
            counter.write_text("low 0\nhigh 0\noom 4\noom_kill 4\n")
        os.kill(pid, signal.SIGKILL)

    found = run(lambda run: time.sleep(60), while_running=kill)
    assert found["state"] == ("out_of_memory" if counted else "lost")
    assert "SIGKILL" in found["reason"]["message"]


def test_the_counters_of_this_system_are_read():
    for file in shortage.counters():
        assert shortage.Shortage([file]).recent() is False
