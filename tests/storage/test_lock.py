"""One coordinator a folder, whatever becomes of it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from truing.errors import FolderInUseError, JournalError
from truing.storage.lock import FILE, hold

HOLDER = """
import sys, time
from pathlib import Path
from truing.storage.lock import hold
lock = hold(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_second_coordinator_is_refused_with_the_holder_s_name(tmp_path: Path) -> None:
    process = holder(tmp_path)
    try:
        with pytest.raises(FolderInUseError) as refusal:
            hold(tmp_path)
    finally:
        end(process)

    text = str(refusal.value)
    assert f"process {process.pid} " in text
    assert socket.gethostname() in text
    assert f"truing show {tmp_path}" in text
    assert refusal.value.exit_code == 3


def test_kill_frees_the_folder_and_what_it_left_behind_blocks_nobody(tmp_path: Path) -> None:
    process = holder(tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert json.loads((tmp_path / FILE).read_text())["pid"] == process.pid

    with hold(tmp_path):
        assert json.loads((tmp_path / FILE).read_text())["pid"] == os.getpid()


def test_second_hold_in_the_same_process_is_refused_until_release(tmp_path: Path) -> None:
    lock = hold(tmp_path)
    with pytest.raises(FolderInUseError, match=f"process {os.getpid()} "):
        hold(tmp_path)
    lock.release()
    lock.release()

    hold(tmp_path).release()


def test_a_forgotten_lock_is_freed(tmp_path: Path) -> None:
    hold(tmp_path)

    hold(tmp_path).release()


def test_forked_child_neither_keeps_nor_frees_the_lock(tmp_path: Path) -> None:
    """A child that outlives its parent must not hold the folder; one that ends must not free it."""
    lock = hold(tmp_path)
    go, done = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.write(done[1], b"forked")
        os.read(go[0], 1)
        os._exit(0)
    os.read(done[0], 6)
    with pytest.raises(FolderInUseError):  # the child is there, and the parent still holds it
        hold(tmp_path)

    lock.release()
    hold(tmp_path).release()  # the child is still there

    os.write(go[1], b"x")
    os.waitpid(child, 0)
    for descriptor in (*go, *done):
        os.close(descriptor)


def test_executed_child_does_not_inherit_the_lock(tmp_path: Path) -> None:
    lock = hold(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, close_fds=False
    )
    lock.release()
    try:
        hold(tmp_path).release()
    finally:
        process.communicate(b"\n")


@pytest.mark.parametrize("text", ["", "not json", "[]", '{"pid": 1}'])
def test_any_text_in_the_file_does(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with hold(tmp_path):
        (tmp_path / FILE).write_text(text)
        with pytest.raises(FolderInUseError, match="another process"):
            hold(tmp_path)


def test_folder_is_made(tmp_path: Path) -> None:
    with hold(tmp_path / "studies" / "digits") as lock:
        assert (lock.folder / FILE).is_file()


def test_a_file_in_the_way_is_said(tmp_path: Path) -> None:
    (tmp_path / "study").write_text("")

    with pytest.raises(JournalError, match="study cannot be used"):
        hold(tmp_path / "study")
