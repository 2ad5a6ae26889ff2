"""Checkpoints of runs: files that are whole or not there, and that are believed only by their checksum.

FOLDER/checkpoints/<study>-<purpose>-<trial>-<replicate>-<run>/ holds the last two of one run, each a folder:

| file        | what it holds                                                                                  |
|-------------|------------------------------------------------------------------------------------------------|
| content     | what the function saved: a file or a folder                                                    |
| about.json  | the epoch, the reports so far, the random numbers, and the checksums of it all                  |
| arrays.npz  | predictions and random states; never anything pickled                                          |

The names hold a digest of what the study is and of its training function, and one of configuration, seed and rows: so
a checkpoint is never taken up by another run.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from truing.errors import UsageError
from truing.execution.job import Job
from truing.execution.seeding import put_back_random_state, random_state
from truing.record.events import decode, encode
from truing.record.interfaces import RunSpec
from truing.record.standing import Standing
from truing.record.trial import REHEARSAL

KEPT = 2
PART = ".part"  # of the folder that is being written
CHUNK = 1 << 20


class RunCheckpoints:
    """The checkpoints of one run.

    Args:
        folder: theirs alone; made when the first is saved.
        restores: whether there may be any of an earlier attempt.
    """

    def __init__(self, folder: Path, *, restores: bool = True) -> None:
        self._folder = folder
        self._restores = restores
        self._random: tuple[Any, Mapping[str, np.ndarray]] | None = None

    def save(self, save: Callable[[Path], None]) -> None:
        """Let the function write its part beside the others."""
        part = self._folder / PART
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        content = part / "content"
        save(content)
        if not content.exists():
            shutil.rmtree(part, ignore_errors=True)
            raise UsageError(
                "The function given to run.checkpoint() wrote nothing at the path it got; write a file there, such as "
                "run.checkpoint(lambda path: path.write_bytes(state))."
            )
        self._random = random_state()

    def commit(self, standing: Standing) -> None:
        """Put what was saved in its place, and remove all but the last two."""
        part = self._folder / PART
        if self._random is None or not part.exists():
            return
        plain, states = self._random
        arrays = part / "arrays.npz"
        named: dict[str, Any] = {f"run.{name}": array for name, array in standing.arrays.items()}
        named |= {f"random.{name}": array for name, array in states.items()}
        with arrays.open("wb") as file:
            np.savez(file, **named)
        about = {"epoch": standing.epoch, "standing": dict(standing.plain), "random": plain}
        about |= {"content": _digest(part / "content"), "arrays": _digest(arrays)}
        (part / "about.json").write_text(encode({"about": about, "check": _check(about)}))
        _to_the_disk(part)
        numbers = self._numbers()
        os.rename(part, self._folder / f"{max(numbers, default=0) + 1:06d}")
        _to_the_disk(self._folder, deep=False)
        for number in numbers[: -KEPT + 1]:
            shutil.rmtree(self._folder / f"{number:06d}", ignore_errors=True)

    def restore(self) -> tuple[Path, Standing] | None:
        """The newest one whose checksums hold; of a damaged one it is said that it was."""
        if not self._restores:
            return None
        for number in reversed(self._numbers()):
            place = self._folder / f"{number:06d}"
            try:
                standing, self._random = _read(place)
            except Exception as error:  # whatever a damaged file brings about
                print(
                    f"Checkpoint {number} of this run is damaged ({error}); the one before it is used instead.",
                    file=sys.stderr,
                )
                shutil.rmtree(place, ignore_errors=True)
                continue
            self.put_back_random()
            return place / "content", standing
        return None

    def put_back_random(self) -> None:
        """Random numbers go on where they were when the restored one was saved."""
        if self._random is not None:
            put_back_random_state(*self._random)

    def _numbers(self) -> list[int]:
        with contextlib.suppress(OSError):
            return sorted(int(path.name) for path in self._folder.iterdir() if path.name.isdecimal())
        return []


def of_run(job: Job, spec: RunSpec, scratch: Path) -> RunCheckpoints:
    """The checkpoints of a run; a rehearsal's go with its own folder."""
    if spec.purpose == REHEARSAL:
        return RunCheckpoints(scratch / "checkpoint", restores=False)
    return RunCheckpoints(_place(job, spec))


def discard(job: Job, spec: RunSpec) -> None:
    """The run has ended for good."""
    shutil.rmtree(_place(job, spec), ignore_errors=True)


def discard_ended(job: Job, ended: Callable[[str, int, int], bool]) -> None:
    """Remove what runs left whose end nobody saw, and what is of another function or another study.

    Args:
        ended: purpose, trial, replicate -> whether that run needs no other attempt.
    """
    for place in _places(job):
        version, purpose, trial, replicate = place.name.split("-")[:4]
        if version != _short(job.version) or ended(purpose, int(trial), int(replicate)):
            shutil.rmtree(place, ignore_errors=True)
    with contextlib.suppress(OSError):
        (job.folder / "checkpoints").rmdir()  # where it is empty


def _places(job: Job) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from [p for p in (job.folder / "checkpoints").iterdir() if p.name.count("-") == 4]


def _place(job: Job, spec: RunSpec) -> Path:
    rows = [_short(array.tobytes()) if array is not None else "" for array in (spec.train, spec.valid, spec.locked)]
    run = encode([dict(spec.config), spec.seed, spec.epochs, spec.threads, spec.scored, rows])
    name = f"{_short(job.version)}-{spec.purpose}-{spec.trial}-{spec.replicate}-{_short(run)}"
    return job.folder / "checkpoints" / name


def _short(value: str | bytes) -> str:
    return hashlib.sha256(value.encode() if isinstance(value, str) else value).hexdigest()[:12]


def _read(place: Path) -> tuple[Standing, tuple[Any, Mapping[str, np.ndarray]]]:
    """Standing and random state of a checkpoint.

    Raises:
        ValueError: a checksum does not hold.
        OSError, KeyError: a file or a part of it is missing.
    """
    if place.is_symlink() or any(file.is_symlink() for file in place.iterdir()):
        raise ValueError("there is a symbolic link in it")
    stored = decode((place / "about.json").read_text())
    about = stored["about"]
    if stored["check"] != _check(about):
        raise ValueError("its description is not what was written")
    for name, file in (("content", "content"), ("arrays", "arrays.npz")):
        if _digest(place / file) != about[name]:
            raise ValueError(f"{file} is not what was written")
    with np.load(place / "arrays.npz", allow_pickle=False) as opened:
        arrays = {name: opened[name] for name in opened.files}
    own, states = (
        {name.removeprefix(kind): array for name, array in arrays.items() if name.startswith(kind)}
        for kind in ("run.", "random.")
    )
    return Standing(about["epoch"], about["standing"], own), (about["random"], states)


def _check(about: Mapping[str, Any]) -> str:
    return hashlib.sha256(encode(about).encode()).hexdigest()


def _digest(path: Path) -> str:
    """Of a file's content, or of all that is in a folder.

    Raises:
        ValueError: a symbolic link, which could lead anywhere.
    """
    found = hashlib.sha256()
    for file in [path, *sorted(path.rglob("*"))] if path.is_dir() else [path]:
        if file.is_symlink():
            raise ValueError(f"{file.name} is a symbolic link")
        found.update(f"{file.relative_to(path).as_posix()}\0{file.is_dir()}\0".encode())
        if not file.is_dir():
            with file.open("rb") as opened:
                while piece := opened.read(CHUNK):
                    found.update(piece)
    return found.hexdigest()


def _to_the_disk(path: Path, *, deep: bool = True) -> None:
    """Wait until a folder, and all that is in it, is on the disk."""
    for item in [*path.rglob("*"), path] if deep else [path]:
        descriptor = os.open(item, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
