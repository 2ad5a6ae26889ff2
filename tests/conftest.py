"""Programs that run studies, watched from outside: what they print, what they leave behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import truing

PATIENCE = 120.0  # seconds; only a broken program ever waits so long


def until(condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Wait until `condition` is true."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(0.02)


class Programs:
    """Starts programs that can be told from all other processes of the machine by a word in their environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = f"TRUING_TEST={uuid.uuid4().hex}"
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *words: str | Path, stdin: str | None = None, python: bool = True) -> subprocess.Popen[str]:
        name, value = self.mark.split("=")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COV"))} | {name: value}
        # of what the tests were started with, only the place of truing itself, where it is not installed
        home = str(Path(truing.__file__).resolve().parents[1])
        environment["PYTHONPATH"] = home if home in os.environ.get("PYTHONPATH", "").split(os.pathsep) else ""
        environment["COLUMNS"] = "200"
        program = subprocess.Popen(
            [*([sys.executable] if python else []), *map(str, words)],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._started.append(program)
        if stdin is not None and program.stdin is not None:
            program.stdin.write(stdin)
            program.stdin.close()
            program.stdin = None
        return program

    def run(self, *words: str | Path, stdin: str | None = None, code: int = 0) -> tuple[str, str]:
        """Standard output and standard error of a program that must end with `code`."""
        program = self.start(*words, stdin=stdin)
        output, errors = program.communicate(timeout=PATIENCE)
        assert program.returncode == code, f"{program.returncode}: {output}\n{errors}"
        return output, errors

    def script(self, text: str, *arguments: str, name: str = "study_script.py", code: int = 0) -> tuple[str, str]:
        """Write a script and run it."""
        (self.folder / name).write_text(text)
        return self.run(name, *arguments, code=code)

    def alive(self) -> dict[int, str]:
        """Number and command line of all processes of these programs, however they were started."""
        found = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                with contextlib.suppress(OSError):
                    if self.mark.encode() in (entry / "environ").read_bytes().split(b"\0"):
                        state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                        if state not in "ZX":
                            found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        return found

    def kill(self) -> None:
        """Kill what is left of the programs."""
        for pid in self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def close(self) -> None:
        """Kill what is left of the programs, and let go of them."""
        self.kill()
        for program in self._started:
            program.kill()
            program.wait()
            for stream in (program.stdout, program.stderr):
                if stream is not None:
                    stream.close()


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    """Programs in `tmp_path`; a test fails that leaves one of their processes behind."""
    made = Programs(tmp_path)
    try:
        yield made
        if sys.platform == "linux":
            with contextlib.suppress(TimeoutError):
                until(lambda: not made.alive(), "the end of all processes", 10)
            assert made.alive() == {}
    finally:
        made.close()
