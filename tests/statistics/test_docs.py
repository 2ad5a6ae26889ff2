"""docs/metrics.md says what the docstrings say, and the docstrings what the table of metrics says."""

import inspect
import re
from pathlib import Path

import pytest

from truing.statistics import ALIASES, METRICS, classification, ranking, regression

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def facts(name):
    """The goal, range, definition, undefined and source that a metric's docstring states."""
    room = next(m for m in (classification, ranking, regression) if hasattr(m, name))
    text = inspect.getdoc(getattr(room, name))
    pattern = r"Goal: (\w+)\. Range: (.+?)\.\nDefinition: (.+?)\.\nUndefined: (.+?)\.\nSource: (.+?)\.\n(?:\n|$)"
    found = re.search(pattern, text, re.DOTALL)
    return [" ".join(part.split()) for part in found.groups()]


def rows():
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def test_the_page_lists_every_metric_once_in_order():
    assert [re.findall("`(.+?)`", row[0])[0] for row in rows()] == list(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_the_page_says_what_the_docstring_says(name):
    row = next(row for row in rows() if row[0].startswith(f"`{name}`"))
    assert re.findall("`(.+?)`", row[0])[1:] == [alias for alias, of in ALIASES.items() if of == name]
    assert [cell.replace("\\|", "|") for cell in row[1:]] == facts(name)


@pytest.mark.parametrize("name", METRICS)
def test_the_docstring_says_what_the_table_of_metrics_says(name):
    goal, between, *_ = facts(name)
    assert goal == METRICS[name].goal
    assert [float(end) for end in between.split(" to ")] == [METRICS[name].low, METRICS[name].high]
