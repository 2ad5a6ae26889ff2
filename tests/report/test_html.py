from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from truing.errors import JournalError
from truing.record.events import Event
from truing.record.history import History, fold
from truing.report.html import _embedded, report_html, write_report
from truing.space.parameter import Choice, Float
from truing.space.space import Space

EVIL = "<img src=x onerror=window.__xss=1>\"'</script><script>window.__xss=1</script>{{ 7*7 }}&amp;"


class Page(HTMLParser):
    """The tags, the scripts and the visible text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.text = ""
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag if tag in ("script", "style") else ""
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            attrs, text = self.scripts[-1]
            self.scripts[-1] = (attrs, text + data)
        elif not self._inside:
            self.text += data

    @property
    def policy(self) -> str:
        return next(a["content"] or "" for t, a in self.tags if a.get("http-equiv") == "Content-Security-Policy")


@pytest.fixture(scope="module")
def html(told) -> str:
    return report_html(
        history=told.history,
        study=told.study,
        verdict=told.verdict,
        verdict_text=told.verdict_text,
        folder_name="studies/digits",
    )


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def hostile() -> Page:
    space = Space({EVIL: Choice([EVIL, "b"]), "rate": Float(0, 1)})
    events = [
        Event("proposed", {"trial": 0, "config": {EVIL: EVIL, "rate": 0.5}}),
        Event("judged", {"trial": 0, "state": "completed", "value": 0.5, "se": 0.1}),
        Event("proposed", {"trial": 1, "config": {EVIL: "b", "rate": 0.4}}),
        Event("judged", {"trial": 1, "state": "failed", "reason": f"ValueError: {EVIL}" * 9}),
    ]
    verdict = {
        "metric": EVIL,
        "headline": EVIL,
        "selected": {EVIL: EVIL},
        "defaults": {EVIL: "b"},
        "validation": {
            "selected": 0.1,
            "estimand": EVIL,
            "difference": {"value": None, "reason": EVIL, "method": EVIL},
        },
        "test": {EVIL: {"selected": 1.0, "delivered": {"value": 1.0, "method": EVIL}}},
        "warnings": [{"code": EVIL, "message": EVIL}],
    }
    study = dict.fromkeys(
        ("name", "metric", "also", "validation", "validation_text", "test", "search", "git", "decision"), EVIL
    )
    study |= {"versions": {EVIL: EVIL}, "machine": {EVIL: EVIL}}
    return Page(
        report_html(
            history=fold(events, space, "min"),
            study=study,
            verdict=verdict,
            verdict_text=f"{EVIL}\n\n{EVIL}",
            folder_name=EVIL,
        )
    )


def test_nothing_is_fetched(page: Page) -> None:
    for tag, attrs in page.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form", "img", "video", "audio")
        assert "src" not in attrs
        assert (attrs.get("href") or "#").startswith("#")
    styles = [value for _, attrs in page.tags for key, value in attrs.items() if key == "style"]
    assert not any("url(" in (style or "") for style in styles)


def test_no_url_in_the_style_sheet(html: str) -> None:
    style = html[html.index("<style>") : html.index("</style>")]

    assert "url(" not in style
    assert "@import" not in style


def test_policy_names_exactly_the_scripts_of_the_page(page: Page) -> None:
    """As a browser checks them: the SHA-256 of what stands between the tags."""
    allowed = set(re.findall(r"'(sha256-[^']+)'", page.policy))

    run = [text for attrs, text in page.scripts if attrs.get("type") != "application/json"]
    digests = {"sha256-" + base64.b64encode(hashlib.sha256(t.encode()).digest()).decode() for t in run}
    assert len(run) == 2
    assert allowed == digests
    assert "default-src 'none'" in page.policy
    assert "unsafe-eval" not in page.policy
    assert "http" not in page.policy


def test_no_event_handlers_in_the_markup(page: Page) -> None:
    assert [key for _, attrs in page.tags for key in attrs if key.startswith("on")] == []


def test_hostile_names_make_no_tag_and_no_script(page: Page) -> None:
    evil = hostile()

    assert {tag for tag, _ in evil.tags} <= {tag for tag, _ in page.tags}
    assert len(evil.scripts) == 3
    assert evil.scripts[1:] == page.scripts[1:]
    assert [key for _, attrs in evil.tags for key in attrs if key.startswith("on")] == []
    assert "<img src=x onerror" in evil.text
    assert "{{ 7*7 }}" in evil.text
    json.loads(evil.scripts[0][1])


def test_figures_are_json_and_every_place_has_one(page: Page) -> None:
    figures = json.loads(page.scripts[0][1])

    places = [int(attrs["data-figure"] or "") for _, attrs in page.tags if "data-figure" in attrs]
    assert places == list(range(len(figures)))
    first = 1 + 1 + 5  # score over time, what mattered, a panel for each parameter
    assert len(figures) == first + 4 + 3  # four isolated parameters, contour, parallel coordinates, seconds
    labels = [attrs.get("aria-label") for _, attrs in page.tags if "data-figure" in attrs]
    assert all(label and len(label) > 40 for label in labels)


def test_json_on_the_page_cannot_end_its_script() -> None:
    text = _embedded({"a": "</script><!--<script>&\u2028"})

    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"a": "</script><!--<script>&\u2028"}


def test_every_section_is_there_and_linked(page: Page) -> None:
    ids = {attrs["id"] for tag, attrs in page.tags if tag == "section"}

    links = {(attrs["href"] or "")[1:] for tag, attrs in page.tags if tag == "a"}
    known = {"verdict", "warnings", "time", "importance", "what-next", "effects", "more", "trials", "space", "methods"}
    known |= {"facts"}
    assert ids == known
    assert links == ids


def test_verdict_figures_are_on_the_page(told, page: Page) -> None:
    text = " ".join(page.text.split())

    assert told.verdict["headline"] in text
    assert "-0.065 [-0.101, -0.031]" in text
    assert "-0.071 [-0.089, -0.053]" in text
    assert "0.978 [0.957, 0.989]" in text
    assert "luck of splits and seeds: 0.005" in text
    assert "The default of momentum was not given." in text
    assert "Always guessing the commonest class: 10 %." in text


def test_luck_has_a_direction(told) -> None:
    """Where the fresh runs are better than the search saw it there was no luck, whichever way is better."""

    def note(goal: str, seen: float, fresh: float) -> str:
        validation = {**told.verdict["validation"], "as_searched": seen, "selected": fresh}
        verdict = {**told.verdict, "goal": goal, "validation": validation}
        page = Page(
            report_html(history=told.history, study=told.study, verdict=verdict, verdict_text="", folder_name="f")
        )
        return re.search(r"luck of splits and seeds: [\w.]+", page.text).group()

    assert note("min", 0.06, 0.08) == note("max", 0.08, 0.06) == "luck of splits and seeds: 0.020"
    assert note("min", 0.08, 0.06) == note("max", 0.06, 0.08) == "luck of splits and seeds: none"


def test_first_paragraph_is_not_said_twice(told) -> None:
    """The lines of the terminal are joined again, and what the headline says is left out."""
    text = "\n".join(
        ["Tuning helped: a", "long headline.", "Accuracy there: 97.8 % against", "95.6 %.", "", "Selected x 1"]
    )
    verdict = {**told.verdict, "headline": "Tuning helped: a long headline."}
    page = Page(
        report_html(history=told.history, study=told.study, verdict=verdict, verdict_text=text, folder_name="f")
    )
    paragraphs = re.findall(r"\S[^\n]*", page.text)
    assert paragraphs.count("Tuning helped: a long headline.") == 1
    assert "Accuracy there: 97.8 % against 95.6 %." in paragraphs


def test_every_difference_that_is_not_there_has_its_reason(told) -> None:
    entry = {
        "selected": 0.07,
        "defaults": None,
        "difference": {"value": None, "low": None, "high": None, "method": "", "reason": "a refit failed <b>"},
        "delivered": {"value": 0.08, "low": None, "high": None, "method": "", "reason": "one row"},
        "reason": None,
    }
    verdict = {**told.verdict, "test": {"log_loss": entry}}
    page = Page(report_html(history=told.history, study=told.study, verdict=verdict, verdict_text="", folder_name="f"))
    assert "first look. a refit failed <b>" in page.text
    assert "0.080" in page.text


def test_trial_table_is_best_first_and_failed_last(told, html: str) -> None:
    table = html[html.index('class="sortable"') :]

    numbers = [int(n) for n in re.findall(r'<td class="n" data-key="(\d+)">\1</td>\s*<td class="nw"', table)]
    failed = [t.number for t in told.history.trials if t.state == "failed"]
    assert numbers[: -len(failed)] == [t.number for t in told.history.ranked()]
    assert numbers[-len(failed) :] == failed


def test_search_alone_says_how_to_get_a_verdict(told) -> None:
    page = Page(
        report_html(
            history=told.history,
            study=told.study,
            verdict=None,
            verdict_text="",
            folder_name="studies/digits",
        )
    )

    assert "truing verdict studies/digits" in " ".join(page.text.split())
    assert "Search only" in page.text


def test_neither_rows_nor_the_machines_name_are_told(told) -> None:
    study = {**told.study, "test": list(range(7001, 7361)), "rows": [8111, 8222, 8333], "ids": ["patient-17"]}

    text = report_html(
        history=told.history, study=study, verdict=told.verdict, verdict_text="", folder_name="studies/digits"
    )

    page = Page(text)
    everything = page.text + page.scripts[0][1] + page.scripts[2][1] + str([a for _, a in page.tags])
    for row in (7001, 7359, 8222):  # as a number of its own, not as digits of a score
        assert not re.search(rf"(?<![\d.]){row}(?!\d)", everything)
    for secret in ("patient-17", "secret-host", "sha256:5f2c"):
        assert secret not in everything


@pytest.mark.parametrize("verdict", [None, {}, {"validation": None, "test": None, "warnings": None}])
@pytest.mark.parametrize("study", [{}, {"metric": None, "space": None, "machine": "laptop", "versions": None}])
def test_an_empty_study_still_makes_a_page(study, verdict) -> None:
    history = History(Space(x=Float(0, 1)), "max")

    page = Page(report_html(history=history, study=study, verdict=verdict, verdict_text="", folder_name="f"))

    assert "No trials yet." in page.text
    assert "None" not in page.text


def test_nulls_in_the_verdict_are_dashes(told) -> None:
    verdict = {
        **told.verdict,
        "validation": {
            **dict.fromkeys(told.verdict["validation"]),
            "difference": {
                "value": None,
                "low": None,
                "high": None,
                "method": None,
                "reason": "the defaults failed",
            },
        },
        "generalization": dict.fromkeys(("train", "validation", "test", "retained")),
        "test": None,
    }

    page = Page(report_html(history=told.history, study=told.study, verdict=verdict, verdict_text="", folder_name="f"))

    assert "the defaults failed" in page.text
    assert "None" not in page.text
    assert "no locked test" in page.text


def test_file_is_written_whole_and_replaces_the_old_one(told, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")

    write_report(
        target,
        history=told.history,
        study=told.study,
        verdict=None,
        verdict_text="",
        folder_name="studies/digits",
    )

    assert target.read_bytes().endswith(b"</html>")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_a_folder_that_is_not_there_is_one_sentence(told, tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"report cannot be written to .*nowhere.*No such file"):
        write_report(
            tmp_path / "nowhere" / "report.html",
            history=told.history,
            study=told.study,
            verdict=None,
            verdict_text="",
            folder_name="f",
        )
    assert list(tmp_path.iterdir()) == []
