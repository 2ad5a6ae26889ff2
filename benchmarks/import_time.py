"""`import truing` against `import numpy`, in fresh interpreters that take turns, and what it brings with it."""

from __future__ import annotations

import statistics
import subprocess
import sys

from _record import record

TURNS = 31
RATIO = 2.0
HEAVY = ("torch", "sklearn", "scipy", "pandas", "plotly")
CLOCK = "import time; began = time.perf_counter(); import {0}; print(time.perf_counter() - began)"


def ask(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def main() -> None:
    modules = ("numpy", "truing")
    for name in modules:  # compiled files and the disk cache are there for both
        ask(CLOCK.format(name))
    seconds: dict[str, list[float]] = {name: [] for name in modules}
    for turn in range(TURNS):
        for name in modules if turn % 2 else modules[::-1]:
            seconds[name].append(float(ask(CLOCK.format(name))))
    numpy, truing = (1000 * statistics.median(seconds[name]) for name in modules)
    loaded = ask(f"import sys, truing; print(*[name for name in {HEAVY} if name in sys.modules])").split()
    record(
        "import_time",
        reached=truing <= RATIO * numpy and not loaded,
        figure=f"{truing / numpy:.2f} times ({truing:.1f} ms, numpy {numpy:.1f} ms); "
        f"heavy modules loaded: {', '.join(loaded) or 'none'}",
        turns=TURNS,
        numpy_ms=round(numpy, 2),
        truing_ms=round(truing, 2),
        heavy=loaded,
    )


if __name__ == "__main__":
    main()
