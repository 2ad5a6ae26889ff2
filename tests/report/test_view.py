"""A study looked at from its folder alone."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import sqlite3
import stat
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import truing as tr
from truing.errors import JournalError, UsageError
from truing.storage.lock import hold

LOSS = tr.Metric("loss", goal="min")


def train(run: Any) -> None:
    for _ in run.epochs(3):
        run.report(loss=(run.config["x"] - 0.5) ** 2 + run.seed % 100 / 1e6)


def study_of(folder: Path, **more: Any) -> tr.Study:
    settings: dict[str, Any] = {"metric": LOSS, "validation": tr.Seeds(2), "folder": folder, **more}
    return tr.Study(train, tr.Space(x=tr.Float(-1.0, 2.0, default=1.5)), **settings)


@pytest.fixture(scope="module")
def done(tmp_path_factory: Any) -> tr.Study:
    study = study_of(tmp_path_factory.mktemp("view") / "study")
    study.run(trials=12, workers=0)
    study.verdict(workers=0)
    return study


def test_a_view_says_what_the_study_says(done: tr.Study) -> None:
    view = tr.load(done.folder)

    assert view.trials(as_dicts=True) == done.trials(as_dicts=True)
    assert str(view.trials()) == str(done.trials())
    assert view.best == done.best
    found = view.verdict()
    assert found is not None
    assert found.to_dict() == done.verdict(workers=0).to_dict()
    assert view.show()["trials"] == 12
    assert view.show(run=1)["scores"].keys() == {"loss"}
    assert "12 trials" in str(view)
    assert repr(view).startswith("StudyView(folder=")
    json.dumps(view.show())


def test_the_best_is_the_trial_with_the_best_value(done: tr.Study, tmp_path: Path) -> None:
    rows = done.trials(as_dicts=True)
    best = min(rows, key=lambda row: row["value"])

    assert done.best is not None
    assert (done.best.number, done.best.value, dict(done.best.config)) == (
        best["number"],
        best["value"],
        best["config"],
    )
    new = study_of(tmp_path / "new")
    assert new.best is None
    assert not (tmp_path / "new").exists()


def test_what_needs_the_function_says_so(done: tr.Study) -> None:
    view = tr.load(done.folder)

    for name in ("run", "evaluate", "robustness", "compare", "external"):
        assert callable(getattr(tr.Study, name))
        with pytest.raises(AttributeError, match=rf"has no {name}\(\), which needs .* folder='.*', and call"):
            getattr(view, name)
    with pytest.raises(AttributeError, match="'StudyView' object has no attribute 'rum'"):
        view.rum  # noqa: B018
    assert pickle.loads(pickle.dumps(view)).folder == view.folder


def test_before_a_verdict_there_is_none(tmp_path: Path) -> None:
    study_of(tmp_path / "s").run(trials=1, workers=0)

    assert tr.load(tmp_path / "s").verdict() is None


def test_a_folder_moved_elsewhere_reads_the_same_and_reports(done: tr.Study, tmp_path: Path) -> None:
    moved = tmp_path / "else where" / "x"
    shutil.copytree(done.folder, moved)
    view = tr.load(str(moved))

    assert view.trials(as_dicts=True) == done.trials(as_dicts=True)
    assert view.report() == moved / "report.html"
    assert view.report(tmp_path / "mine.html") == tmp_path / "mine.html"
    assert "Truing report" in (tmp_path / "mine.html").read_text()


def test_looking_changes_nothing_on_the_disk(done: tr.Study, tmp_path: Path) -> None:
    """Neither the journal nor anything beside it; also in a folder that cannot be written to."""
    copied = tmp_path / "copied"
    shutil.copytree(done.folder, copied)
    for extra in ("journal.db-wal", "journal.db-shm"):
        (copied / extra).unlink(missing_ok=True)
    before = {p.relative_to(copied): p.read_bytes() for p in copied.rglob("*") if p.is_file()}
    copied.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        view = tr.load(copied)
        view.trials(), view.best, view.verdict(), view.show(), view._repr_html_(), str(view)
    finally:
        copied.chmod(stat.S_IRWXU)
    after = {p.relative_to(copied): p.read_bytes() for p in copied.rglob("*") if p.is_file()}
    assert {name: after.get(name) for name in before} == before
    assert {name.name for name in after if name not in before} <= {"journal.db-wal", "journal.db-shm"}


def test_it_needs_no_lock_and_sees_what_is_written_since(tmp_path: Path) -> None:
    study = study_of(tmp_path / "s")
    study.run(trials=2, workers=0)
    view = tr.load(tmp_path / "s")
    with hold(tmp_path / "s"):
        assert len(view.trials()) == 2
        assert len(tr.load(tmp_path / "s").trials()) == 2
    study.run(trials=3, workers=0)
    assert len(view.trials()) == 3


def test_nothing_is_unpickled_and_no_function_is_needed(done: tr.Study) -> None:
    """In a process that knows neither the function nor a way to unpickle."""
    code = f"""
import pickle, sys
def refuse(*a, **k): raise SystemExit("unpickled")
pickle.load = pickle.loads = pickle.Unpickler = refuse
import truing as tr
view = tr.load({str(done.folder)!r})
assert len(view.trials()) == 12 and view.best and view.verdict() and view.show(0 if 0 in view.show() else 1)
view._repr_html_()
assert "torch" not in sys.modules and "sklearn" not in sys.modules and "pandas" not in sys.modules
print("ok")
"""
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd="/")

    assert made.stdout == "ok\n", made.stderr


@pytest.mark.parametrize("what", ["missing", "empty", "foreign", "pickle", "file", "none"])
def test_what_is_no_study_is_one_sentence(what: str, tmp_path: Path) -> None:
    place: Any = tmp_path / "place"
    match what:
        case "empty":
            place.mkdir()
        case "foreign":
            place.mkdir()
            sqlite3.connect(place / "journal.db").executescript("create table a (b); insert into a values (1);")
        case "pickle":
            place.mkdir()
            (place / "journal.db").write_bytes(pickle.dumps({"a": 1}))
        case "file":
            place.write_text("x")
        case "none":
            place = None
    with pytest.raises((UsageError, JournalError)) as caught:
        tr.load(place)
    assert "\n" not in str(caught.value)
    assert any(words in str(caught.value) for words in ("folder of a study", "folder of one", "another folder"))


class Strict(HTMLParser):
    """Which elements and attributes there are."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_is_escaped_and_holds_no_link(tmp_path: Path) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    space = tr.Space({nasty: tr.Choice([nasty, "<a href='x'>"], default=nasty)}) if _takes_mapping() else None
    space = space or tr.Space(kind=tr.Choice([nasty, "<a href='x'>"], default=nasty))
    study = tr.Study(
        lambda run: run.report(loss=0.5), space, metric=LOSS, validation=tr.Seeds(2), folder=tmp_path / "<b>s"
    )
    study.run(trials=2, workers=0)
    for shown in (study, tr.load(study.folder), study.verdict(workers=0)):
        found = Strict(shown._repr_html_())
        assert found.tags <= {"div", "p", "strong", "code", "table", "thead", "tbody", "tr", "th", "td", "span", "pre"}
        assert found.attributes <= {"style"}
    assert nasty in Strict(study._repr_html_()).text


def _takes_mapping() -> bool:
    try:
        tr.Space({"a b": tr.Int(1, 2)})
    except Exception:
        return False
    return True


def test_html_says_state_best_and_the_first_ten(done: tr.Study, tmp_path: Path) -> None:
    text = Strict(done._repr_html_()).text

    assert "12 trials (12 completed)" in text
    assert done.best is not None
    assert f"Best by the search: trial {done.best.number}, loss" in text
    assert done.verdict(workers=0).headline in text
    assert "2 more trials" in text
    assert len(re.findall("<tr>", done._repr_html_())) == 11
    first = re.findall(r"<tbody><tr><td><strong>(\d+)", done._repr_html_())
    assert first == [str(done.best.number)]
    new = study_of(tmp_path / "new")
    assert "no trials yet" in new._repr_html_()
    assert not (tmp_path / "new").exists()


def test_html_sets_no_colour_of_its_own(done: tr.Study) -> None:
    """A notebook may be dark: text and ground are the notebook's."""
    for shown in (done, tr.load(done.folder), done.verdict(workers=0)):
        page = shown._repr_html_()
        colours = re.findall(r"(?:color|background)\s*:\s*([^;\"']+)", page)
        assert set(colours) <= {"inherit", "transparent"}


def test_the_command_prints_csv(done: tr.Study) -> None:
    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "truing", "trials", str(done.folder), *words],
            capture_output=True, text=True, timeout=120, env=os.environ,
        )  # fmt: skip

    assert command("--csv").stdout == done.trials().to_csv()  # type: ignore[union-attr]
    both = command("--csv", "--json")
    assert both.returncode == 2
    assert "--json and --csv" in both.stdout
