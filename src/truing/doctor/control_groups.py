"""What a container grants: cores and memory by the control groups of Linux, which `os.cpu_count` does not know."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

UNLIMITED = 1 << 60  # version 1 writes a number near 2**63 for "no limit"


@dataclass(frozen=True)
class Limits:
    """Cores' time and bytes of memory that this process may use; None = no limit."""

    cores: float | None = None
    memory: int | None = None


def limits(root: Path = Path("/")) -> Limits:
    """The tightest limits of the control groups this process is in, of version 2 or 1.

    A group's limit holds for all below it, so the groups above count too. In a container the own group is often
    mounted as the root, and its path from outside does not exist: the mount itself is then looked at.

    Args:
        root: of the file system, for tests.
    """
    cores: list[float] = []
    memory: list[int] = []
    base = root / "sys/fs/cgroup"
    for controllers, path in _groups(root / "proc/self/cgroup"):
        if not controllers:
            for group in _upwards(base, path):
                quota, _, period = _read(group / "cpu.max").partition(" ")
                cores += _ratio(quota, period)
                memory += _number(_read(group / "memory.max"))
        if "cpu" in controllers:
            for group in _upwards(_mounted(base, controllers, "cpu"), path):
                cores += _ratio(_read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us"))
        if "memory" in controllers:
            for group in _upwards(_mounted(base, controllers, "memory"), path):
                memory += _number(_read(group / "memory.limit_in_bytes"))
    return Limits(min(cores, default=None), min(memory, default=None))


def _groups(file: Path) -> Iterator[tuple[list[str], str]]:
    """Controllers (none in version 2) and path of each group this process is in."""
    for line in _read(file).splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number:
            yield [name for name in controllers.split(",") if name], path


def _mounted(base: Path, controllers: list[str], one: str) -> Path:
    """Where version 1 mounts these controllers: together, or this one under its own name."""
    together = base / ",".join(controllers)
    return together if together.is_dir() else base / one


def _upwards(base: Path, path: str) -> Iterator[Path]:
    """The group and those above it, up to the mount."""
    group = base / path.strip("/")
    while group != base and base in group.parents:
        yield group
        group = group.parent
    yield base


def _ratio(quota: str, period: str) -> list[float]:
    numbers = [*_number(quota), *_number(period)]
    return [numbers[0] / numbers[1]] if len(numbers) == 2 and numbers[1] > 0 else []


def _number(text: str) -> list[int]:
    """The number, or nothing for "max", -1 and whatever else means no limit."""
    return [int(text)] if text.isdigit() and 0 < int(text) < UNLIMITED else []


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
