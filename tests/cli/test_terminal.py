"""On a terminal of 80 columns: one live line, nothing wider, nothing broken within a word."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from .conftest import NUMBERS

SLOW = NUMBERS.replace("    run.report", "    import time; time.sleep(0.15)\n    run.report")


def on_a_terminal(folder: Path, *words: str, columns: int = 80) -> tuple[int, str]:
    """Exit code and all that a terminal got."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-m", "truing", *words],
        cwd=folder,
        env={**environment, "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        close_fds=True,
    )
    os.close(theirs)
    got, until = b"", time.monotonic() + 120
    try:
        while time.monotonic() < until:
            ready, _, _ = select.select([ours], [], [], 1.0)
            try:
                part = os.read(ours, 65536) if ready else b" "
            except OSError:  # the other end is closed
                break
            if not part:
                break
            got += part if ready else b""
    finally:
        if time.monotonic() >= until:
            process.kill()
        os.close(ours)
    return process.wait(60), got.decode()


def screen(got: str) -> list[str]:
    """What is left on the screen: a carriage return with an erasure takes a line away."""
    lines = got.replace("\r\n", "\n").split("\n")
    return [re.split(r"\r\x1b\[2K", line)[-1] for line in lines]


@pytest.mark.parametrize("columns", [80, 50])
def test_progress_is_one_live_line(tmp_path: Path, columns: int) -> None:
    (tmp_path / "study.py").write_text(SLOW)
    code, got = on_a_terminal(tmp_path, "run", "study.py", "--trials", "6", "--workers", "2", columns=columns)

    drawn = re.findall(r"\r\x1b\[2K([^\r\n]*)", got)
    live = [text for text in drawn if re.match(r"\d+/6 trials", text)]
    left = screen(got)
    assert code == 0, got
    assert len(live) >= 3
    assert any("best loss" in text for text in live)
    assert max(map(len, live)) < columns
    assert max(map(len, left)) <= columns
    assert not any(re.match(r"\d+/6 trials", line) for line in left)
    assert [line for line in left if line][-1] == "Next: truing verdict numbers"


@pytest.mark.parametrize("words", [["show"], ["trials"]])
def test_tables_fit_the_terminal(tmp_path: Path, words: list[str]) -> None:
    wide = NUMBERS.replace(
        "tr.Space(", "tr.Space({f'a_parameter_with_a_long_name_{i}': tr.Int(1, 9) for i in range(9)}, "
    )
    (tmp_path / "study.py").write_text(wide)
    assert on_a_terminal(tmp_path, "run", "study.py", "--trials", "3", "--workers", "0")[0] == 0
    code, got = on_a_terminal(tmp_path, *words, "numbers")

    lines = screen(got)
    assert code == 0, got
    assert max(map(len, lines)) <= 80
    assert "not shown: " in got or all(f"name_{i}" in got for i in range(9))


def test_an_error_is_broken_between_words(tmp_path: Path) -> None:
    code, got = on_a_terminal(tmp_path, "run", "a_study_file_that_is_not_there_at_all.py", columns=60)

    lines = [line for line in screen(got) if line.strip()]
    assert code == 2
    assert len(lines) > 1
    assert max(map(len, lines)) < 60
    assert " ".join(line.strip() for line in lines) == (
        "truing: There is no study file a_study_file_that_is_not_there_at_all.py; "
        "give a Python file that makes a tr.Study."
    )
