from __future__ import annotations

import io
import re

import pytest
from rich.cells import cell_len

from truing.report.progress import Progress, Status, duration, status_line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def screen(written: str) -> list[str]:
    """What a terminal shows: the carriage return goes to the start, the erase sequence empties the line."""
    lines = [""]
    for part in re.split(r"(\r|\n|\x1b\[2K)", written):
        if part == "\n":
            lines.append("")
        elif part == "\x1b[2K":
            lines[-1] = ""
        elif part != "\r":
            lines[-1] += part
    return lines


def shown(stream, **settings) -> Progress:
    return Progress(stream, **{"metric": "log_loss", "goal": "min", "total_trials": 40, **settings})


@pytest.mark.parametrize("seconds", [0.01, 0.4, 3, 9.96, 59.6, 61, 132, 3599.7, 3600, 86_399, 86_400, 1e6])
def test_duration_reads_back_to_within_its_smallest_unit(seconds: float) -> None:
    unit = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
    words = duration(seconds).lstrip("<").split()

    back = sum(float(count) * unit[name] for count, name in zip(words[::2], words[1::2], strict=True))

    finest = {"d": 3600, "h": 60, "min": 1, "s": 0.1 if seconds < 9.95 else 1}[words[1]]
    assert abs(back - seconds) <= finest / 2 + 0.05
    assert not re.search(r"\b(60 s|60 min|24 h)\b", duration(seconds))


@pytest.mark.parametrize("seconds", [None, float("nan"), float("inf"), -1.0])
def test_no_duration_is_a_dash(seconds) -> None:
    assert duration(seconds) == "-"


def test_line_says_done_running_failed_best_and_time_left() -> None:
    status = Status(done=12, running=2, failed=1, best=0.07123, best_number=7, seconds_left=80.0)

    line = status_line(status, metric="log_loss", total_trials=40)

    assert line == "12/40 trials · 2 running · 1 failed · best log_loss 0.07123 (trial 7) · 1 min 20 s left"


def test_verdict_counts_runs() -> None:
    status = Status(done=40, running=2, runs_done=12, runs_total=66, phase="race", seconds_left=9.0)

    assert status_line(status, metric="m", total_trials=40) == "race: 12/66 runs · 2 running · 9 s left"


def test_terminal_keeps_one_live_line_and_clears_it() -> None:
    out, clock = Terminal(), Clock()
    progress = shown(out, clock=clock)
    for done in range(41):
        clock.now += 1.0
        progress.update(Status(done=done, running=2))
        assert screen(out.getvalue()) == [
            f"{done}/40 trials · 2 running" if done < 40 else "40/40 trials · 2 running · took 0 s"
        ]
    progress.line("Trial 3 failed.")
    assert screen(out.getvalue()) == ["Trial 3 failed.", "40/40 trials · 2 running · took 0 s"]
    progress.close()
    assert screen(out.getvalue()) == ["Trial 3 failed.", ""]


def test_terminal_is_redrawn_at_most_ten_times_a_second() -> None:
    out, clock = Terminal(), Clock()
    progress = shown(out, clock=clock, total_trials=None)
    for done in range(1000):
        clock.now += 0.001
        progress.update(Status(done=done))

    assert out.getvalue().count("\r") <= 11


def test_live_line_is_cut_to_the_terminal(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    out = Terminal()

    shown(out, metric="m" * 90).update(Status(done=1, running=2, failed=3, best=0.1, best_number=1))

    assert cell_len(screen(out.getvalue())[-1]) < 40


def test_no_colour_anywhere() -> None:
    out = Terminal()
    progress = shown(out)
    progress.update(Status(done=1, failed=1))
    progress.line("x")
    progress.close()

    assert set(re.findall(r"\x1b\[[0-9;]*[A-Za-z]", out.getvalue())) <= {"\x1b[2K"}


def test_dumb_terminal_gets_plain_lines(monkeypatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    out = Terminal()

    shown(out).update(Status(done=1))

    assert out.getvalue() == "1/40 trials\n"


def test_without_a_terminal_lines_are_few_short_and_plain() -> None:
    """2,000 quick trials, the best improving 60 times at first."""
    out = io.StringIO()
    progress = shown(out, total_trials=2000)
    for done in range(2001):
        best = max(0, min(done, 60))
        progress.update(Status(done=done, running=2, best=1 / (best + 1), best_number=best, seconds_elapsed=done / 100))
    progress.close()
    lines = out.getvalue().splitlines()

    assert len(lines) <= 60 + 10 + 2
    assert lines[-1].startswith("2000/2000 trials")
    assert max(map(cell_len, lines)) < 80
    assert "\x1b" not in out.getvalue()
    assert "\r" not in out.getvalue()


def test_without_a_terminal_a_long_trial_still_shows_life_but_a_night_does_not_fill_the_log() -> None:
    out = io.StringIO()
    progress = shown(out)
    progress.update(Status(done=1, running=2, seconds_elapsed=1.0))
    for second in range(2, 36_000):
        progress.update(Status(done=1, running=2, seconds_elapsed=float(second)))
    lines = out.getvalue().splitlines()

    assert 20 <= len(lines) <= 200


def test_an_improvement_is_said_once() -> None:
    out = io.StringIO()
    progress = shown(out)
    for _ in range(3):
        progress.update(Status(done=1, best=0.5, best_number=0))
    progress.update(Status(done=2, best=0.4, best_number=1))
    progress.update(Status(done=3, best=0.4, best_number=1))

    assert len(out.getvalue().splitlines()) == 2


def test_notebook_gets_fewer_lines(monkeypatch) -> None:
    class ZMQInteractiveShell:
        pass

    class IPython:
        get_ipython = staticmethod(ZMQInteractiveShell)

    monkeypatch.setitem(__import__("sys").modules, "IPython", IPython)
    out = Terminal()
    progress = shown(out)
    for done in range(41):
        progress.update(Status(done=done, best=1 / (done + 1), best_number=done))

    assert "\x1b" not in out.getvalue()
    assert len(out.getvalue().splitlines()) <= 5


def test_quiet_writes_nothing() -> None:
    out = io.StringIO()
    progress = shown(out, quiet=True)
    progress.line("x")
    progress.update(Status(done=5))
    progress.close()

    assert out.getvalue() == ""


class Broken(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


class Odd:
    """Has neither write nor isatty."""


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("stream", [None, Broken(), Odd(), closed()], ids=["none", "broken", "odd", "closed"])
def test_no_stream_makes_it_raise(stream) -> None:
    with shown(stream) as progress:
        progress.line("x")
        progress.update(Status(done=5, best=0.1, best_number=1))
        progress.update(Status(done=40))


@pytest.mark.parametrize("terminal", [True, False])
def test_ascii_streams_get_ascii(terminal: bool) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    out.isatty = lambda: terminal  # type: ignore[method-assign]
    progress = shown(out)

    progress.update(Status(done=1, running=2))

    assert b"1/40 trials | 2 running" in raw.getvalue()
