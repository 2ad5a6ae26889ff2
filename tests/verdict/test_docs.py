"""docs/verdict.md names what the code has."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "verdict.md").read_text()


def test_every_code_of_a_warning_is_on_the_page() -> None:
    source = (ROOT / "src" / "truing" / "verdict" / "warnings.py").read_text()
    page = (ROOT / "docs" / "warnings.md").read_text()
    codes = set(re.findall(r'\(\s*"([a-z_]+)",\s*f?"', source)) | {"few_positives", "estimate_failed", "refit_failed"}
    assert len(codes) > 9
    assert {code for code in codes if f"`{code}`" not in page} == set()


def test_printed_line_is_the_products_own(judged, logistic, capsys) -> None:
    judged(logistic(), trials=40)
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Verdict:")]
    assert line in PAGE


def test_every_figure_of_the_page_is_a_key_of_the_verdict(judged, logistic) -> None:
    found = judged(logistic()).verdict.to_dict()
    found["test[m]"] = found["test"]["log_loss"]
    rows = [line.split("|")[1] for line in PAGE.splitlines() if line.startswith("| `") and "`run" not in line]
    named = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    parent = ""
    for name in named:
        if name.startswith("."):
            name = f"{parent}{name}"
        parent = name.rsplit(".", 1)[0]
        place = found
        for step in name.split("."):
            assert step in place, name
            place = place[step]
    assert len(named) >= 12
