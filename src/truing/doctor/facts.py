"""What is so on this machine: everything that has to be asked of the system, and no judgement."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from truing import __version__
from truing.doctor.control_groups import limits
from truing.doctor.trial import Tried, tried
from truing.execution.devices import find
from truing.execution.place import THREADS
from truing.storage.mounts import network_type, type_of

SHARED = Path("/dev/shm")
TORCH_SECONDS = 120.0  # a first import from a slow disk takes a minute
EXTRAS = (
    "torch",
    "pandas",
    "polars",
)  # packages that Truing uses where they are installed; `findings.USES` says what for

# Asked in a process of its own: importing torch takes seconds, and a broken build may end the process. The number of
# GPUs comes from the driver's list, so that no CUDA context is made.
ASK_TORCH = """
import json, os
os.environ["PYTORCH_NVML_BASED_CUDA_CHECK"] = "1"
import torch
mps = getattr(torch.backends, "mps", None)
print(json.dumps({"version": str(torch.__version__), "cuda": torch.version.cuda or getattr(torch.version, "hip", None),
                  "gpus": torch.cuda.device_count(), "mps": bool(mps and mps.is_available())}))
"""


@dataclass(frozen=True)
class Torch:
    """The torch that is installed.

    Args:
        cuda: the version of CUDA or ROCm it was built for; None = a CPU build.
        gpus: how many it would use, after CUDA_VISIBLE_DEVICES.
        error: why it cannot be imported; empty where it can.
    """

    version: str
    cuda: str | None = None
    gpus: int = 0
    mps: bool = False
    error: str = ""


@dataclass(frozen=True)
class Disk:
    """The place where studies will lie: free bytes, the type of its file system, and what it lacks."""

    free: int
    filesystem: str = ""
    network: bool = False
    writable: bool = True


@dataclass(frozen=True)
class Facts:
    """What is so on this machine. Sizes are bytes; None = the system does not say.

    Args:
        wanted: what Truing needs -> the least version of it.
        installed: what is installed of that and of the extras -> its version.
        cores, allowed: of the machine, and those this process may run on.
        cpu_limit: how many cores' time a container grants; None = no limit.
        gpus: what the driver lists, by name.
        spread: those over which Truing would spread its runs, by their names in CUDA_VISIBLE_DEVICES.
        visible: CUDA_VISIBLE_DEVICES, where it is set.
        threads: the variables that set numbers of threads, where they are set.
        shared: size of /dev/shm.
        inline, process: the tiny studies that were really run; None where the system cannot fork.
    """

    truing: str
    python: str
    system: str
    wanted: Mapping[str, str]
    installed: Mapping[str, str]
    cores: int
    allowed: int
    disk: Disk
    sqlite: str
    inline: Tried
    process: Tried | None
    cpu_limit: float | None = None
    memory: int | None = None
    available: int | None = None
    memory_limit: int | None = None
    torch: Torch | None = None
    gpus: tuple[str, ...] = ()
    spread: tuple[str, ...] = ()
    visible: str | None = None
    threads: Mapping[str, str] = field(default_factory=dict)
    shared: int | None = None
    encoding: str = "utf-8"
    columns: int = 80
    terminal: bool = False


def gather(folder: Path) -> Facts:
    """Ask the system, and run two tiny studies.

    Args:
        folder: where studies will lie; it need not exist yet.
    """
    place = _existing(folder)
    disk = _disk(place)
    memory, available = _memory()
    bounds = limits()
    wanted = _wanted()
    scratch = _suitable(place, disk)
    with tempfile.TemporaryDirectory(prefix=".truing-doctor-", dir=scratch, ignore_cleanup_errors=True) as empty:
        inline = tried(Path(empty), workers=0)
        process = tried(Path(empty), workers=1) if hasattr(os, "fork") else None
    size = shutil.get_terminal_size((80, 24))
    return Facts(
        truing=__version__,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        wanted=wanted,
        installed={name: found for name in (*wanted, *EXTRAS) if (found := _version(name))},
        cores=os.cpu_count() or 1,
        allowed=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        cpu_limit=bounds.cores,
        memory=memory,
        available=available,
        memory_limit=bounds.memory,
        disk=disk,
        sqlite=sqlite3.sqlite_version,
        torch=_torch(),
        gpus=_gpus(),
        spread=find().names,
        visible=os.environ.get("CUDA_VISIBLE_DEVICES"),
        threads={name: os.environ[name] for name in THREADS if name in os.environ},
        shared=shutil.disk_usage(SHARED).total if SHARED.is_dir() else None,
        encoding=sys.stdout.encoding or "",
        columns=size.columns,
        terminal=sys.stdout.isatty(),
        inline=inline,
        process=process,
    )


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    place = folder.expanduser().absolute()
    while not place.is_dir():
        place = place.parent
    return place


def _suitable(place: Path, disk: Disk) -> Path | None:
    """Where to try: here, so that this file system is the one that is tried; None = the system's own place."""
    return place if disk.writable and not disk.network else None


def _disk(place: Path) -> Disk:
    network = network_type(place)
    kind = network or type_of(place.resolve(), _text(Path("/proc/mounts")))
    try:
        with tempfile.TemporaryFile(dir=place):
            writable = True
    except OSError:
        writable = False
    return Disk(shutil.disk_usage(place).free, kind, bool(network), writable)


def _memory() -> tuple[int | None, int | None]:
    """Of the machine: all of it, and what is available."""
    found = {
        name: int(kib) * 1024 for name, kib in re.findall(r"^(\w+): +(\d+) kB", _text(Path("/proc/meminfo")), re.M)
    }
    if found:
        return found.get("MemTotal"), found.get("MemAvailable")
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), None
    except (ValueError, OSError, AttributeError):
        return None, None


def _wanted() -> dict[str, str]:
    """What Truing's own package says that it needs; empty where it is run from its source."""
    try:
        lines = importlib.metadata.requires("truing") or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    plain = (re.match(r"([\w.-]+)\s*>=\s*([\d.]+)\s*$", line) for line in lines)
    return {found[1]: found[2] for found in plain if found}


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _torch() -> Torch | None:
    version = _version("torch")
    if version is None:
        return None
    command = [sys.executable, "-c", ASK_TORCH]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TORCH_SECONDS, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return Torch(version, error=f"importing it takes longer than {TORCH_SECONDS:.0f} s")
    try:
        return Torch(**json.loads(done.stdout.splitlines()[-1]))
    except (IndexError, ValueError, TypeError):
        lines = done.stderr.strip().splitlines() or [f"the process that imported it ended with {done.returncode}"]
        return Torch(version, error=lines[-1].replace(str(Path.home()), "~"))


def _gpus() -> tuple[str, ...]:
    """The GPUs that the NVIDIA driver lists; none where there is no driver."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return ()
    try:
        asked = [command, "--query-gpu=name,memory.total", "--format=csv,noheader"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return tuple(line.strip() for line in done.stdout.splitlines() if line.strip()) if done.returncode == 0 else ()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""
