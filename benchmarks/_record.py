"""Write down what a benchmark measured, with date and machine, for `_table.py` to put into README.md."""

from __future__ import annotations

import json
import os
import platform
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def record(name: str, *, reached: bool, figure: str, **details: Any) -> None:
    """Print the figure and keep it in results/NAME.json.

    Args:
        reached: whether it is what the project promises.
        figure: the row's figure in words, as it will stand in the table.
        details: what else was measured.
    """
    found = {
        "figure": figure,
        "reached": bool(reached),
        "command": f"python benchmarks/{name}.py",
        "date": date.today().isoformat(),
        "machine": machine(),
        "details": details,
    }
    print(f"{name}: {figure} ({'reached' if reached else 'NOT REACHED'})")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def machine() -> str:
    """Cores, processor, system and versions, in a line; nothing that names the machine or its owner."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("numpy", "torch", "optuna"))
    return f"{_cores()} cores, {_processor()}, {platform.system()}, Python {platform.python_version()}, {versions}"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
