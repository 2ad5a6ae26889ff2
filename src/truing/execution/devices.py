"""Which GPUs a run gets: counted without touching CUDA, given to the least loaded, told by CUDA_VISIBLE_DEVICES.

A process that has used CUDA cannot be forked, so neither the coordinator nor the fork server asks CUDA what there is:
the driver's own library (NVML) and the kernel's list do. Each run's process
learns of its GPUs before CUDA starts in it.
"""

from __future__ import annotations

import ctypes
import math
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from truing.errors import UsageError

VARIABLE = "CUDA_VISIBLE_DEVICES"
LISTED = Path("/proc/driver/nvidia/gpus")
LIBRARIES = ("libnvidia-ml.so.1", "libnvidia-ml.so")
USERS = ("torch", "tensorflow", "jax", "cupy")  # a program that has loaded one of these may want a GPU


@dataclass(frozen=True)
class Devices:
    """The GPUs of a session, and how many of them a run takes; where a run goes is a pure function of what runs.

    Args:
        names: as CUDA_VISIBLE_DEVICES names them: numbers, "GPU-..." or "MIG-...".
        per_run: GPUs a run: None = one, shared by as many runs as there are workers for it; 0 = none; a fraction =
            that share of one; a whole number = so many of its own.
        asked: False where no driver could be asked, and the names are only what CUDA_VISIBLE_DEVICES says.

    >>> two = Devices(("0", "1"), per_run=0.5)
    >>> two.place([]), two.place([("0",)]), two.place([("0",), ("1",), ("0",)])
    (('0',), ('1',), ('1',))
    >>> two.most, two.place([("0",), ("1",), ("0",), ("1",)]) is None
    (4, True)
    """

    names: tuple[str, ...] = ()
    per_run: float | None = None
    asked: bool = True

    @property
    def most(self) -> int | None:
        """How many runs fit at a time; None = any number."""
        if self.per_run is None or self.per_run == 0:
            return None
        if self.per_run < 1:
            return len(self.names) * _sharing(self.per_run)
        return int(len(self.names) // self.per_run)

    def at_a_time(self, workers: int) -> int:
        """How many of so many workers can be busy."""
        return workers if self.most is None else min(workers, self.most)

    def place(self, taken: Iterable[Sequence[str] | None]) -> tuple[str, ...] | None:
        """The GPUs of one more run beside those that run: the least loaded, of these the first; None = it must wait.

        Empty = the run is kept from all GPUs, or there are none.

        Args:
            taken: the GPUs of each run that runs.
        """
        if self.per_run == 0 or not self.names:
            return ()
        loads = Counter(name for run in taken for name in run or ())
        free = sorted(range(len(self.names)), key=lambda number: (loads[self.names[number]], number))
        if self.per_run is not None:
            room = _sharing(self.per_run) if self.per_run < 1 else 1
            free = [number for number in free if loads[self.names[number]] < room]
        count = 1 if self.per_run is None else math.ceil(self.per_run)
        if len(free) < count:
            return None
        return tuple(self.names[number] for number in sorted(free[:count]))

    @property
    def told(self) -> bool:
        """False where there is nothing to tell a run: there are no GPUs, and none are to be kept from it."""
        return bool(self.names) or self.per_run == 0

    def describe(self, workers: int) -> str:
        """ "2 workers on 2 GPUs"; empty where no GPU is used.

        >>> Devices(("0", "1"), per_run=2).describe(1), Devices(("0",)).describe(4), Devices().describe(2)
        ('1 worker on 2 GPUs, 2 GPUs a run', '4 workers on 1 GPU', '')
        """
        if not self.names or self.per_run == 0:
            return ""
        who = f"{workers} worker{'' if workers == 1 else 's'}" if workers else "this process"
        many = len(self.names)
        share = "" if self.per_run in (None, 1) else f", {self.per_run:g} GPU{'s' * (self.per_run > 1)} a run"
        unasked = "" if self.asked else f" ({VARIABLE}; no driver to ask)"
        return f"{who} on {many} GPU{'' if many == 1 else 's'}{share}{unasked}"


NO_GPUS = Devices()


def share_of(per_run: float | None) -> float | None:
    """The GPUs a run is to have, where that many can be had at all.

    Raises:
        UsageError: less than none, or more than one but not whole.

    >>> share_of(0.5), share_of(2.0), share_of(None)
    (0.5, 2.0, None)
    """
    if per_run is not None and (per_run < 0 or (per_run > 1 and per_run != int(per_run))):
        raise UsageError(
            f"gpus_per_run= takes 0 (the CPU only), a share of one GPU such as 0.5, or a whole number, got {per_run:g}."
        )
    return per_run


def find(per_run: float | None = None, *, environ: Mapping[str, str] = os.environ) -> Devices:
    """The GPUs this process may use, without touching CUDA.

    CUDA_VISIBLE_DEVICES is read as CUDA reads it, and cut where the driver has no such GPU. Where no driver can be
    asked (no NVML, no /proc/driver/nvidia), the GPUs it names are believed, and without it there are none.

    Raises:
        UsageError: a run is to have more GPUs than there are.
    """
    if per_run == 0:
        return Devices((), per_run)
    uuids = installed()
    names = visible(environ.get(VARIABLE), uuids)
    devices = Devices(names, per_run, asked=uuids is not None)
    if per_run is not None and per_run > len(names):
        there = f"{len(names)} GPU{'' if len(names) == 1 else 's'}" if names else "no GPU"
        hidden = f" ({VARIABLE} is {environ[VARIABLE]!r})" if VARIABLE in environ else ""
        advice = "gpus_per_run=0 trains on the CPU, and None takes what there is"
        raise UsageError(f"gpus_per_run={per_run:g} asks for more than there is, {there}{hidden}: {advice}.")
    if per_run is not None and per_run > 1 and any(name.startswith("MIG-") for name in names):
        raise UsageError(f"gpus_per_run={per_run:g}: CUDA gives a process one MIG device only; use gpus_per_run=1.")
    return devices


def visible(given: str | None, uuids: Sequence[str] | None) -> tuple[str, ...]:
    """The names of the GPUs that CUDA would show, in its order.

    As CUDA does: the list ends at the first entry that is not a GPU, and one that names a GPU twice shows none.

    Args:
        given: CUDA_VISIBLE_DEVICES; None = not set.
        uuids: of the GPUs that the driver has; None = nobody could be asked.

    >>> visible(None, ["GPU-a", "GPU-b"]), visible("1,0", ["GPU-a", "GPU-b"]), visible("0,7,1", ["GPU-a", "GPU-b"])
    (('0', '1'), ('1', '0'), ('0',))
    >>> visible("GPU-b", ["GPU-a", "GPU-b"]), visible("", ["GPU-a"]), visible("-1", ["GPU-a"]), visible("0,1", None)
    (('GPU-b',), (), (), ('0', '1'))
    """
    if given is None:
        return tuple(str(number) for number in range(len(uuids or ())))
    if uuids is not None and not uuids:
        return ()
    found: list[str] = []
    which: list[object] = []
    for entry in (part.strip() for part in given.split(",")):
        one = _which(entry, uuids)
        kind = entry[:4] if entry[:4] in ("GPU-", "MIG-") else ""
        if one is None or (found and kind != (found[0][:4] if found[0][:4] in ("GPU-", "MIG-") else "")):
            break
        if one in which:
            return ()
        which.append(one)
        found.append(entry if kind else str(one))
    return tuple(found)


def installed() -> list[str] | None:
    """The UUIDs of the GPUs that the driver has ("" where it does not say); None = there is no driver to ask."""
    found = _nvml()
    return found if found is not None else _listed(LISTED)


@contextmanager
def shown(gpus: Sequence[str] | None) -> Iterator[None]:
    """Show only these GPUs to what starts CUDA within the block; None = as it is."""
    if gpus is None:
        yield
        return
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = ",".join(gpus)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = before


def wanted() -> bool:
    """True when this program has loaded a library that trains on GPUs."""
    return any(name in sys.modules for name in USERS)


def _sharing(share: float) -> int:
    """Runs on one GPU; 1/3 given as 0.3333 is still three."""
    return int(1 / share + 1e-3)


def _which(entry: str, uuids: Sequence[str] | None) -> object | None:
    """The GPU that an entry of CUDA_VISIBLE_DEVICES means; None where it means none."""
    if entry.startswith("MIG-"):
        return entry
    if entry.startswith("GPU-"):
        if uuids is None or not all(uuids):
            return entry
        meant = [uuid for uuid in uuids if uuid.lower().startswith(entry.lower())]  # it may be abbreviated
        return meant[0] if len(meant) == 1 else None
    digits = entry.removeprefix("+")
    digits = digits[: next((i for i, c in enumerate(digits) if c not in "0123456789"), len(digits))]
    if not digits:
        return None
    return int(digits) if uuids is None or int(digits) < len(uuids) else None


def _nvml() -> list[str] | None:
    """By NVIDIA's management library, which makes no CUDA context; None where it is not there."""
    library = None
    for name in LIBRARIES:
        with suppress(OSError):
            library = ctypes.CDLL(name)
            break
    if library is None:
        return None
    try:
        if library.nvmlInit_v2():
            return None
        try:
            count = ctypes.c_uint()
            if library.nvmlDeviceGetCount_v2(ctypes.byref(count)):
                return None
            return [_uuid(library, number) for number in range(count.value)]
        finally:
            library.nvmlShutdown()
    except AttributeError:  # some other library of that name
        return None


def _uuid(library: ctypes.CDLL, number: int) -> str:
    handle, text = ctypes.c_void_p(), ctypes.create_string_buffer(96)
    if library.nvmlDeviceGetHandleByIndex_v2(ctypes.c_uint(number), ctypes.byref(handle)):
        return ""
    return "" if library.nvmlDeviceGetUUID(handle, text, ctypes.c_uint(96)) else text.value.decode("ascii", "replace")


def _listed(folder: Path) -> list[str] | None:
    """By the kernel's list, for containers without the library."""
    try:
        gpus = sorted(folder.iterdir())
    except OSError:
        return None
    found = []
    for gpu in gpus:
        uuid = ""
        with suppress(OSError):
            for line in (gpu / "information").read_text(encoding="utf-8").splitlines():
                if line.startswith("GPU UUID:"):
                    uuid = line.partition(":")[2].strip()
        found.append(uuid)
    return found
