"""Put examples/01_digits.py into README.md, and what it really prints: `make readme`.

The example is run as it stands, in a folder of its own. With --code only the code is put in place.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "01_digits.py"


def shown(source: str) -> str:
    """The example as the README shows it: without its docstring and without what --fast changes."""
    source = re.sub(r'\A""".*?"""\n+', "", source, flags=re.DOTALL)
    source = source.replace("import sys\n\n", "").replace('fast = "--fast" in sys.argv\n\n\n', "\n")
    source = re.sub(r"\d+ if fast else (\d+)", r"\1", source)
    return source


def block(page: str, mark: str) -> str:
    """The content of the code block under `mark`."""
    found = re.search(rf"<!-- {re.escape(mark)} -->\n```\w+\n(.*?)```", page, re.DOTALL)
    if found is None:
        raise SystemExit(f"README.md has no block under <!-- {mark} -->.")
    return found[1]


def placed(page: str, mark: str, content: str) -> str:
    """The page with `content` in the code block under `mark`."""
    block(page, mark)
    pattern = rf"(<!-- {re.escape(mark)} -->\n```\w+\n).*?(```)"
    return re.sub(pattern, lambda found: found[1] + content + found[2], page, count=1, flags=re.DOTALL)


def output() -> str:
    """What the example prints when nobody helps it."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([sys.executable, str(EXAMPLE)], cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip() + "\n"


def parts(printed: str) -> tuple[str, str]:
    """The verdict and the table of trials."""
    at = re.search(r"^ *trial +state", printed, re.MULTILINE)
    if at is None:
        raise SystemExit("The example printed no table of trials.")
    return printed[: at.start()].rstrip() + "\n", printed[at.start() :]


if __name__ == "__main__":
    readme = ROOT / "README.md"
    page = placed(
        readme.read_text(encoding="utf-8"), "code: examples/01_digits.py", shown(EXAMPLE.read_text(encoding="utf-8"))
    )
    if "--code" not in sys.argv:
        verdict, trials = parts(output())
        page = placed(page, "output: the verdict", verdict)
        page = placed(page, "output: the trials", trials)
    readme.write_text(page, encoding="utf-8")
