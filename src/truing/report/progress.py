"""Progress of a search: one live line on a terminal, few plain lines elsewhere."""

from __future__ import annotations

import math
import os
import shutil
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

from truing.report.columns import ascii_only, clip, plain
from truing.space.configuration import format_value

SEARCH = "search"
_ERASE = "\r\x1b[2K"
_REDRAW = 0.1  # seconds between two drawings of the live line


@dataclass(frozen=True)
class Status:
    """Where a search or a verdict stands.

    Args:
        done: trials that have ended, failed ones included.
        running: trials (in a verdict: runs) under way.
        failed: trials that failed.
        best, best_number: best value so far and the trial it belongs to; None without any.
        seconds_elapsed: since this call began.
        seconds_left: estimate; None = not known yet.
        runs_done, runs_total: runs that have ended, and how many there will be; None = not known.
        phase: "search", or the name of a part of the verdict: "race", "estimate", "refit".
    """

    done: int = 0
    running: int = 0
    failed: int = 0
    best: float | None = None
    best_number: int | None = None
    seconds_elapsed: float = 0.0
    seconds_left: float | None = None
    runs_done: int = 0
    runs_total: int | None = None
    phase: str = SEARCH


def duration(seconds: float | None) -> str:
    """A time a person can read, to two units.

    >>> [duration(s) for s in (0.4, 59.97, 132, 11_100, 187_000, None)]
    ['0.4 s', '1 min', '2 min 12 s', '3 h 5 min', '2 d 4 h', '-']
    """
    if seconds is None or not math.isfinite(seconds) or seconds < 0:
        return "-"
    if 0 < seconds < 0.05:
        return "<0.1 s"
    if seconds < 9.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _two(whole, 60, "min", "s")
    if whole < 86_370:  # the next half minute would round to a day
        return _two(round(whole / 60), 60, "h", "min")
    return _two(round(whole / 3600), 24, "d", "h")


def _two(count: int, size: int, big: str, small: str) -> str:
    """`count` small units as big ones of `size`, and what remains."""
    whole, rest = divmod(count, size)
    return f"{whole} {big} {rest} {small}" if rest else f"{whole} {big}"


def status_line(status: Status, *, metric: str, total_trials: int | None) -> str:
    """One line that says where things stand; pure.

    >>> now = Status(done=12, running=2, failed=1, best=0.0712, best_number=7, seconds_left=80)
    >>> status_line(now, metric="log_loss", total_trials=40)
    '12/40 trials · 2 running · 1 failed · best log_loss 0.0712 (trial 7) · 1 min 20 s left'
    """
    parts = []
    if status.phase == SEARCH:
        total = "" if total_trials is None else f"/{total_trials}"
        word = "trial" if (total_trials or status.done) == 1 else "trials"
        parts.append(f"{status.done}{total} {word}")
        if status.done == 0 and status.runs_done:
            parts.append("1 run" if status.runs_done == 1 else f"{status.runs_done} runs")
    else:
        total = "" if status.runs_total is None else f"/{status.runs_total}"
        parts.append(f"{plain(status.phase)}: {status.runs_done}{total} runs")
    if status.running:
        parts.append(f"{status.running} running")
    if status.failed:
        parts.append(f"{status.failed} failed")
    if status.best is not None and math.isfinite(status.best):
        whose = "" if status.best_number is None else f" (trial {status.best_number})"
        parts.append(f"best {clip(plain(metric), 24)} {format_value(status.best)}{whose}")
    finished = status.phase == SEARCH and total_trials is not None and status.done >= total_trials
    if finished:
        parts.append(f"took {duration(status.seconds_elapsed)}")
    elif status.seconds_left is not None:
        parts.append(f"{duration(status.seconds_left)} left")
    return " · ".join(parts)


class Progress:
    """Shows the progress of a study on `stream`; never raises because of the stream.

    On a terminal one live line is rewritten in place. Elsewhere plain lines under 80 columns appear: when
    the best improves, at every tenth of the trials, and after a silence that grows with the time elapsed. A
    notebook gets a line at every quarter. No colour is used, so there is nothing to switch off.

    Args:
        stream: a text stream, such as sys.stderr; None = nowhere.
        metric, goal: the primary metric and "min" or "max".
        total_trials: how many trials there will be; None = not known.
        runs_per_trial, workers: for the opening words only.
        quiet: write nothing at all.
        clock: seconds; for tests.

    >>> import io
    >>> out = io.StringIO()
    >>> with Progress(out, metric="log_loss", goal="min", total_trials=2) as progress:
    ...     progress.update(Status(done=1, running=1, best=0.5, best_number=0))
    >>> out.getvalue()
    '1/2 trials · 1 running · best log_loss 0.5 (trial 0)\\n'
    """

    def __init__(
        self,
        stream: TextIO | None,
        *,
        metric: str,
        goal: str,
        total_trials: int | None,
        runs_per_trial: int = 1,
        workers: int = 1,
        quiet: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stream = stream
        self.metric = metric
        self.goal = goal
        self.total_trials = total_trials
        self.runs_per_trial = runs_per_trial
        self.workers = workers
        self.quiet = quiet or stream is None
        self.notebook = _in_notebook()
        self.live = not self.quiet and not self.notebook and _is_terminal(stream)
        self.prefix = ""  # before each status: which part of a whole this is
        self._clock = clock
        self._shown = ""  # the live line as it stands on the terminal
        self._drawn_at = -math.inf
        self._said: Status | None = None  # the last status that got a plain line

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def line(self, text: str) -> None:
        """Write a permanent line, broken between words where the terminal ends; the live line goes below it."""
        shown = self._shown
        self._erase()
        width = self._width() - 1 if self.live else 79
        for part in text.splitlines() or [""]:
            broken = textwrap.wrap(part, width, break_long_words=False, break_on_hyphens=False, subsequent_indent="  ")
            self._write("\n".join(broken or [""]) + "\n")
        if shown:
            self._draw(shown)

    def update(self, status: Status) -> None:
        """Take note of where things stand, and show it where that is worth a line."""
        if self.quiet:
            return
        if self.live:
            now = self._clock()
            if now - self._drawn_at >= _REDRAW:
                self._drawn_at = now
                self._draw(self._text(status))
            return
        if self._worth_a_line(status):
            self._said = status
            self._write(clip(self._text(status), 79) + "\n")

    def close(self) -> None:
        """Take the live line away."""
        self._erase()

    # -- inside ------------------------------------------------------------------------------------

    def _text(self, status: Status) -> str:
        return self.prefix + status_line(status, metric=self.metric, total_trials=self.total_trials)

    def _worth_a_line(self, status: Status) -> bool:
        before = self._said
        if before is None or (before.phase != status.phase and not self.prefix):
            return status.done > 0 or status.runs_done > 0
        share = 4 if self.notebook else 10
        if not self.prefix and _step(status, self.total_trials, share) > _step(before, self.total_trials, share):
            return True
        # The silence grows with the time elapsed, so that a night's log holds dozens of these lines, not
        # thousands.
        silence = max(60.0 if self.notebook else 10.0, status.seconds_elapsed / 20)
        if status.seconds_elapsed - before.seconds_elapsed >= silence:
            return True
        better = status.best_number is not None and status.best_number != before.best_number
        return better and status.done > before.done and not self.notebook and not self.prefix

    def _draw(self, text: str) -> None:
        text = clip(text, self._width() - 1)  # the last column stays free: some terminals wrap there at once
        self._shown = text
        self._write(_ERASE + text)

    def _erase(self) -> None:
        if self._shown:
            self._shown = ""
            self._write(_ERASE)

    def _width(self) -> int:
        try:
            return max(20, os.get_terminal_size(self.stream.fileno()).columns or 80)  # type: ignore[union-attr]
        except (OSError, ValueError, AttributeError):
            return max(20, shutil.get_terminal_size().columns)

    def _write(self, text: str) -> None:
        if self.quiet or self.stream is None:
            return
        try:
            try:
                self.stream.write(text)
            except UnicodeEncodeError:
                self.stream.write(ascii_only(text))
            self.stream.flush()
        except (OSError, ValueError, AttributeError):  # closed, a broken pipe, or not quite a stream
            self.quiet, self.live = True, False


def _step(status: Status, total_trials: int | None, share: int) -> int:
    """Which tenth (or quarter) of the work is done."""
    if status.phase == SEARCH:
        done, total = status.done, total_trials
    else:
        done, total = status.runs_done, status.runs_total
    return done * share // total if total else 0


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return bool(stream is not None and stream.isatty()) and os.environ.get("TERM", "") != "dumb"
    except (OSError, ValueError, AttributeError):
        return False


def _in_notebook() -> bool:
    """True inside a Jupyter kernel; looks only at what is imported already."""
    ipython = sys.modules.get("IPython")
    shell = getattr(ipython, "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"
