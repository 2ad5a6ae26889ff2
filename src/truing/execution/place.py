"""Where the user's code is at home: arguments, module search path, working directory, environment."""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


@dataclass(frozen=True)
class Place:
    """What a process looks like from inside to the code that runs in it."""

    argv: tuple[str, ...]
    path: tuple[str, ...]
    cwd: str
    environ: tuple[tuple[str, str], ...] = ()

    @classmethod
    def now(cls) -> Place:
        """This process as it stands; without the numbers of threads, which are the server's own."""
        kept = tuple((name, value) for name, value in os.environ.items() if name not in THREADS)
        return cls(tuple(sys.argv), tuple(sys.path), working_directory(), kept)

    @classmethod
    def at_start(cls, file: str | None) -> Place:
        """This process as it was when Python began to execute the script `file`.

        A script may have changed its directory and its arguments since, and will do so again in the server.
        """
        now = cls.now()
        if file is None:
            return now
        for place, word in enumerate(sys.orig_argv[1:], 1):
            cwd = _started_in(word, file)
            if cwd is not None:
                return cls(tuple(sys.orig_argv[place:]), now.path, cwd, now.environ)
        return now

    def enter(self) -> None:
        """Make this process look so, as far as the directory still exists."""
        sys.argv[:] = self.argv
        sys.path[:] = self.path
        for name, value in self.environ:
            if os.environ.get(name) != value:
                os.environ[name] = value
        with contextlib.suppress(OSError):
            os.chdir(self.cwd)


def working_directory() -> str:
    """The current directory, or the file system's root where it is gone."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return "/"


def _started_in(word: str, file: str) -> str | None:
    """The directory from which `word` names `file`; None where it does not."""
    if os.path.isabs(word):
        return working_directory() if os.path.realpath(word) == os.path.realpath(file) else None
    # since Python 3.9 __file__ is the start directory and the word put together, unchanged
    plain = word.removeprefix("./")
    for ending in (os.sep + word, os.sep + plain):
        if plain and file.endswith(ending):
            start = file.removesuffix(ending) or os.sep
            if os.path.realpath(Path(start) / word) == os.path.realpath(file):
                return start
    return None
