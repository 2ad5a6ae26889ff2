"""What timings hold for: processor, cores, memory, GPUs, versions. Nothing of it names the machine or its owner."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

GIB = 2**30


@dataclass(frozen=True)
class Machine:
    """A machine as far as timings depend on it.

    Args:
        processor: its name.
        cores: that this process may use.
        memory: GiB of the machine, rounded; None = the system does not say.
        gpu: name of the GPU that was used; "" = none was.
        torch, python, system: versions and name.
    """

    processor: str
    cores: int
    memory: int | None
    gpu: str
    torch: str
    python: str
    system: str

    @classmethod
    def here(cls, gpu: str = "") -> Machine:
        try:
            version = importlib.metadata.version("torch")
        except importlib.metadata.PackageNotFoundError:
            version = ""
        total = _meminfo("MemTotal")
        return cls(
            processor=_processor(),
            cores=cores(),
            memory=None if total is None else round(total / GIB),
            gpu=gpu,
            torch=version,
            python=platform.python_version(),
            system=f"{platform.system()} {platform.machine()}",
        )

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Machine:
        return cls(**{name: stored[name] for name in cls.__dataclass_fields__})

    def other_than(self, here: Machine) -> list[str]:
        """What is different there, in words; the patch of Python does not matter.

        >>> one = Machine("A", 2, 8, "", "2.13", "3.11.1", "Linux x86_64")
        >>> one.other_than(Machine("A", 4, 8, "", "2.13", "3.11.9", "Linux x86_64"))
        ['cores 2, here 4']
        """
        names = ["processor", "cores", "memory", "gpu", "torch", "system"]
        mine, theirs = asdict(self), asdict(here)
        return [
            f"{name} {mine[name] or 'none'}, here {theirs[name] or 'none'}"
            for name in names
            if mine[name] != theirs[name]
        ]

    def __str__(self) -> str:
        parts = [f"{self.cores} core{'s' * (self.cores > 1)} of {self.processor}"]
        parts += [f"{self.memory} GiB"] if self.memory is not None else []
        parts += [self.gpu] if self.gpu else []
        parts += [f"torch {self.torch}", self.system]
        return ", ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def cores() -> int:
    """Those this process may run on, no more than a container grants it time for."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = _text(Path("/sys/fs/cgroup/cpu.max")).partition(" ")
    if quota.isdecimal() and period.strip().isdecimal() and int(period):
        allowed = min(allowed, max(1, int(quota) // int(period)))
    return allowed


def available() -> int | None:
    """Bytes that can still be had, by the system and by the container's limit; None = not known."""
    found = [one for one in (_meminfo("MemAvailable"), _left()) if one is not None]
    return min(found) if found else None


def _left() -> int | None:
    limit, used = (_text(Path(f"/sys/fs/cgroup/memory.{name}")).strip() for name in ("max", "current"))
    return max(0, int(limit) - int(used)) if limit.isdecimal() and used.isdecimal() else None


def _meminfo(name: str) -> int | None:
    found = re.search(rf"^{name}: +(\d+) kB", _text(Path("/proc/meminfo")), re.M)
    if found:
        return int(found[1]) * 1024
    if name == "MemTotal" and hasattr(os, "sysconf"):
        try:
            return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (ValueError, OSError):
            return None
    return None


def _processor() -> str:
    found = re.search(r"^model name\s*: (.+)$", _text(Path("/proc/cpuinfo")), re.M)
    return found[1].strip() if found else platform.processor() or platform.machine()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
