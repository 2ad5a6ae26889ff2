"""The process in which a network is trained and timed: nothing it does to threads or precision is left behind."""

from __future__ import annotations

import contextlib
import os
import resource
import time
import traceback
import warnings
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any

from truing.execution.copying import read_copy
from truing.probe.settings import Setting
from truing.probe.workload import Training, Work

WARM, WARMING = 3, 0.1  # steps before any is timed, and seconds after which one is enough
POINTS = 3  # steps after which trainings are compared


def main(descriptor: int) -> None:
    """Answer commands until the other end is gone: ("command", arguments...) -> ("done", value) or ("failed", why)."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)  # what the user's code prints
    warnings.simplefilter("ignore")
    line = Connection(descriptor)
    child: Child | None = None
    while True:
        try:
            command, *arguments = line.recv()
        except (EOFError, OSError):
            break
        try:
            if command == "work":
                child, found = Child(read_copy(arguments[0])["work"]), None
            else:
                found = getattr(child, command)(*arguments)
            line.send(("done", found))
        except (EOFError, BrokenPipeError):
            break
        except BaseException as error:
            line.send(("failed", _sentence(error), _is_memory(error)))
    if child is not None:
        child.rest()
    os._exit(0)  # threads of a library may still wait for something


class Child:
    """What can be asked of it."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self._training: Training | None = None
        self._kept: dict[Setting, Training] = {}  # small ones that were timed, warm for the next time

    def facts(self) -> dict[str, Any]:
        """What the device can do: precisions worth a look, and its name."""
        import torch

        if self.work.device == "cpu":
            return {"precisions": ["float32", "bfloat16"], "gpu": ""}
        device = torch.device(self.work.device)
        major, _ = torch.cuda.get_device_capability(device)
        more = ["tf32", "bfloat16", "float16"] if major >= 8 else ["float16"]
        return {"precisions": ["float32", *more], "gpu": torch.cuda.get_device_name(device)}

    def prepare(self, setting: Setting, batch: int | None = None) -> float:
        """Make a training, or take the one that was kept, and warm it up; seconds that its last step took."""
        import torch

        self.rest()
        torch.set_num_threads(setting.threads)
        kept = self._kept.get(setting) if batch is None else None
        self._training = kept or Training(
            self.work,
            precision=setting.precision,
            channels_last=setting.channels_last,
            seed=self.work.seed,
            batch_size=batch,
            num_workers=setting.num_workers,
        )
        # batches that loading processes made meanwhile are no measure of how fast they make them
        start = time.perf_counter()
        loads = 2 * setting.num_workers + 2 if self.work.dataset is not None and setting.num_workers else 0
        if batch is None and self._training.is_small:
            self._kept[setting] = self._training
        for step in range(max(WARM, loads) if kept is None else 1):
            if step >= max(1, loads) and time.perf_counter() - start > WARMING:
                break
            began = time.perf_counter()
            self._training.step()
            self._training.wait()
        return time.perf_counter() - began

    def go(self, seconds: float, blocks: int, least: int) -> list[float]:
        """Train on; rows a second in each block. Ends when the time is over and there are the least blocks."""
        training = self._training
        if training is None:
            raise RuntimeError("prepare comes first")
        found: list[float] = []
        start = time.perf_counter()
        while len(found) < blocks and (len(found) < least or time.perf_counter() - start < seconds):
            rows, began = 0, time.perf_counter()
            while True:
                rows += training.step()
                training.wait()
                if (took := time.perf_counter() - began) >= seconds / blocks:
                    break
            found.append(rows / took)
        return found

    def rest(self) -> None:
        """Let go of the training and its loading processes."""
        if self._training is not None:
            self._training.close()
            self._training = None

    def train(self, setting: Setting, seeds: list[int], steps: int) -> list[list[float]]:
        """For each seed the checked loss before training, and at some points until the last step."""
        import torch

        self.rest()
        self._kept.clear()
        torch.set_num_threads(setting.threads)
        stops = points(steps)
        found = []
        for seed in seeds:
            training = Training(self.work, precision=setting.precision, channels_last=setting.channels_last, seed=seed)
            losses = [training.checked()]
            for step in range(1, steps + 1):
                training.step()
                if step in stops:
                    losses.append(training.checked())
            found.append(losses)
        return found

    def batch(self, setting: Setting, size: int, seconds: float, room: int | None) -> tuple[float, int | None]:
        """Rows a second with batches of this size, and the bytes that takes; memory beyond the room is refused."""
        import torch

        on_gpu = self.work.device != "cpu"
        self._kept.clear()
        before = 0 if on_gpu else _resident()
        if on_gpu:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(torch.device(self.work.device))
        with contextlib.nullcontext() if on_gpu or room is None else limited(room):
            self.prepare(setting, size)
            rates = self.go(seconds, 3, 1)
            self.rest()
        rates.sort()
        if on_gpu:
            return rates[len(rates) // 2], int(torch.cuda.max_memory_allocated(torch.device(self.work.device)))
        most = _most()
        return rates[len(rates) // 2], max(0, most - before) if most and before else None

    def range_test(self, seed: int, low: float, high: float, steps: int, stop: float) -> list[float]:
        """Losses of the batches while the learning rate grows from step to step; ends where they diverge."""
        from truing.probe.growing import growing

        return growing(Training(self.work, seed=seed), low, high, steps, stop)


def points(steps: int) -> list[int]:
    """After a third, two thirds and all of the steps.

    >>> points(100), points(2)
    ([33, 67, 100], [1, 2])
    """
    return sorted({max(1, round(steps * part / POINTS)) for part in range(1, POINTS + 1)})


@contextlib.contextmanager
def limited(room: int) -> Iterator[None]:
    """No more memory than this beyond what the process has: asking for it is then an error and no danger."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
    except OSError:  # not Linux: the forecast of the next batch's memory is all there is
        yield
        return
    most = used + room
    resource.setrlimit(resource.RLIMIT_AS, (most if before[1] < 0 else min(most, before[1]), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def _resident() -> int:
    """Bytes of this process in memory; from here on the most is counted anew. 0 = the system does not say."""
    import gc

    gc.collect()
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        return 0
    return _status("VmRSS")


def _most() -> int:
    """Bytes that were in memory at most since then."""
    return _status("VmHWM")


def _status(name: str) -> int:
    try:
        with open("/proc/self/status", encoding="utf-8") as file:
            return next((int(line.split()[1]) * 1024 for line in file if line.startswith(name)), 0)
    except OSError:
        return 0


def _is_memory(error: BaseException) -> bool:
    words = f"{type(error).__name__} {error}".lower()
    return isinstance(error, MemoryError) or any(
        part in words for part in ("out of memory", "outofmemory", "allocate memory", "not enough memory", "bad_alloc")
    )


def _sentence(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if os.environ.get("TRUING_TRACEBACKS"):
        traceback.print_exc()
    return f"{type(error).__name__}: {lines[0].removesuffix('.')}" if lines else type(error).__name__
