"""The page "Where tutorials mislead" says what the benchmark measured, and the benchmark says it again."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
STORED = json.loads((ROOT / "benchmarks" / "results" / "tutorials.json").read_text(encoding="utf-8"))
POINTS = STORED["details"]["points"]


@pytest.fixture(scope="module")
def tutorials() -> ModuleType:
    """benchmarks/tutorials.py, which is no package, with what it imports from beside it."""
    folder, name = ROOT / "benchmarks", "tutorials_benchmark"
    sys.path.insert(0, str(folder))
    try:
        spec = importlib.util.spec_from_file_location(name, folder / "tutorials.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    return module


def test_the_page_is_what_the_stored_numbers_make(tutorials: ModuleType) -> None:
    assert (ROOT / "docs" / "tutorials.md").read_text(encoding="utf-8") == tutorials.page()


def test_another_number_would_change_the_page(tutorials: ModuleType) -> None:
    template = tutorials.TEMPLATE.read_text(encoding="utf-8")
    for point, stored in POINTS.items():
        for name in re.findall(rf"\{{\{{{point}\.(\w+):", template):
            if name != "figure":
                numbers = {**stored["numbers"], name: stored["numbers"][name] + 7}
                other = {**POINTS, point: {**stored, "numbers": numbers}}
                assert tutorials.rendered(template, other) != tutorials.page(), (point, name)


def test_each_point_has_its_heading_its_figure_and_a_claim_that_held(tutorials: ModuleType) -> None:
    page = (ROOT / "docs" / "tutorials.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (\d+)\.", page, re.MULTILINE)

    assert [int(number) for number in headings] == list(range(1, 16))
    assert list(POINTS) == list(tutorials.POINTS) == [f"p{n:02d}" for n in range(1, 16)]
    for point, stored in POINTS.items():
        assert stored["holds"], point
        assert f"(figures/{tutorials.figure_of(point)})" in page
        assert (ROOT / "docs" / "figures" / tutorials.figure_of(point)).is_file()
    assert STORED["reached"]


@pytest.mark.parametrize("point", ["p02", "p06", "p12"])
def test_a_point_is_made_again_as_it_is_stored(tutorials: ModuleType, point: str) -> None:
    """The figure on the page too, but for the last digits that another processor may give."""
    found = tutorials.POINTS[point](np.random.default_rng(100 + int(point[1:])))

    assert found.holds
    for name, value in POINTS[point]["numbers"].items():
        assert found.numbers[name] == pytest.approx(value, rel=1e-4, abs=1e-4), name
    words = f"{found.plot.title}. {found.plot.description}".replace("[", "(").replace("]", ")")
    assert words == POINTS[point]["words"]
