"""The table of trials: as plain values, on the terminal, in a notebook."""

from __future__ import annotations

import html
import math
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, overload

from truing.record.history import History
from truing.record.state import State
from truing.report.columns import cells, clip, pad, plain
from truing.report.export import csv_text, frame, in_order, write
from truing.space.configuration import format_value

Row = dict[str, Any]

_CELL = 18  # a parameter's column is at most this wide, so that one long choice does not push the others out
_INACTIVE = object()  # None may be one of a parameter's options
_ORDER = {"completed": 0, "running": 1, "stopped": 2, "cancelled": 3, "failed": 4}


def trial_rows(history: History) -> list[Row]:
    """The trials of the search by number, as plain values: what `truing trials --json` prints.

    Each is `{"number", "state", "config", "value", "se", "runs", "seconds", "reason"}`. `value` and `se`
    are in the metric's unit and None unless the trial completed; `seconds` is training time summed over its
    runs, to the millisecond; `runs` counts each replicate once, however often it had to be started. Where
    the study places its runs on GPUs, `gpus` names those they were given, as CUDA_VISIBLE_DEVICES does ("0,1"). Of a
    study over several datasets `value` is the standardised gain, and `datasets` has the metric's score on each.
    Where it has further metrics (`also=`), `scores` has the trial's figure of each, None where it has none.
    """
    several, measured = _datasets(history)
    rows: list[Row] = []
    placed = any(run.gpus is not None for run in history.runs.values())
    also = (history.last("study") or {}).get("also") or ()
    also = [f"{m} on {n}" for m in also for n in several] if several else also
    for trial in history.trials:
        completed = trial.state == "completed"
        replicates = {
            history.runs[number].replicate
            for number in trial.runs
            if number in history.runs and history.runs[number].state is not State.SUPERSEDED
        }
        rows.append(
            {
                "number": trial.number,
                "state": str(trial.state),
                "config": dict(trial.config),
                "value": _finite(trial.value) if completed else None,
                "se": _finite(trial.se) if completed else None,
                "runs": len(replicates),
                "seconds": round(float(trial.seconds), 3),
                "reason": None if trial.reason is None else str(trial.reason),
                **({"gpus": _gpus(history, trial.runs)} if placed else {}),
                **({"datasets": {n: trial.scores.get(f"{measured} on {n}") for n in several}} if several else {}),
                **({"scores": {m: _finite(trial.scores.get(m)) if completed else None for m in also}} if also else {}),
            }
        )
    return rows


def best_number(rows: Iterable[Mapping[str, Any]], goal: str) -> int | None:
    """The number of the completed row with the best value; the earlier of two equals; None without any.

    >>> rows = [{"number": 0, "value": 0.3}, {"number": 1, "value": None}, {"number": 2, "value": 0.1}]
    >>> best_number(rows, "min"), best_number(rows, "max")
    (2, 0)
    """
    sign = -1.0 if goal == "max" else 1.0
    scored = [(sign * row["value"], row["number"]) for row in rows if row["value"] is not None]
    return min(scored)[1] if scored else None


def ordered(rows: Iterable[Row], goal: str, *, best_first: bool) -> list[Row]:
    """`rows` by number, or best first: then completed, running, stopped, cancelled and, last, failed ones.

    >>> rows = [{"number": 0, "state": "failed", "value": None}]
    >>> rows.append({"number": 1, "state": "completed", "value": 0.1})
    >>> [row["number"] for row in ordered(rows, "min", best_first=True)]
    [1, 0]
    """
    if not best_first:
        return sorted(rows, key=lambda row: row["number"])
    sign = -1.0 if goal == "max" else 1.0
    return sorted(
        rows,
        key=lambda row: (
            row["value"] is None,
            _ORDER.get(row["state"], 3),
            0.0 if row["value"] is None else sign * row["value"],
            row["number"],
        ),
    )


def score(value: float | None, se: float | None = None) -> str:
    """A value with its standard error; "-" where there is none.

    >>> score(0.07123, 0.00312), score(None), score(0.5)
    ('0.07123 ± 0.0031', '-', '0.5')
    """
    if value is None or not math.isfinite(value):
        return "-"
    if se is None or not math.isfinite(se):
        return format_value(value)
    return f"{format_value(value)} ± {se:.2g}"


def render_trials(
    rows: Iterable[Row],
    *,
    width: int,
    metric: str,
    goal: str,
    best_first: bool = False,
    limit: int | None = None,
) -> str:
    """The trials as lines of at most `width` cells: number, state, score, and the parameters that fit.

    The best trial carries a "*"; a parameter for which there is no room is named below the table; so are
    the reasons of up to three failures.

    >>> row = {"number": 0, "state": "completed", "config": {"depth": 3}, "value": 0.5, "se": 0.01}
    >>> print(render_trials([row], width=80, metric="log_loss", goal="min"))
      trial  state      log_loss ± se    depth
    *     0  completed  0.5000 ± 0.0100      3
    * best
    """
    everything = ordered(rows, goal, best_first=best_first)
    if not everything:
        return clip("No trials yet.", width)
    best = best_number(everything, goal)
    shown = everything if limit is None else everything[: max(0, limit)]
    with_se = any(row.get("se") is not None for row in shown)
    columns = [
        _column("trial", [str(row["number"]) for row in shown], right=True),
        _column("state", [plain(row["state"]) for row in shown]),
        _column(clip(plain(metric), 24) + (" ± se" if with_se else ""), _scores(shown)),
    ]
    columns += _on_each(shown, width)
    lines = ["  " + "  ".join(parts) for parts in zip(*columns, strict=True)]
    names = _names(everything)
    fitting, left_out = _fitting(names, shown, width - cells(lines[0]))
    for column in fitting:
        lines = [f"{line}  {cell}" for line, cell in zip(lines, column, strict=True)]
    for place, row in enumerate(shown, start=1):
        if row["number"] == best:
            lines[place] = "*" + lines[place][1:]
    notes = ["* best"] if any(row["number"] == best for row in shown) else []
    if len(shown) < len(everything):
        notes.append(f"{len(everything) - len(shown)} more trials")
    if left_out:
        notes.append("not shown: " + ", ".join(plain(name) for name in left_out))
    lines.append(" · ".join(notes))
    lines.extend(_failures(everything))
    return "\n".join(clip(line.rstrip(), width) for line in lines if line.strip())


class TrialTable(Sequence[Row]):
    """The trials of a study: a sequence of plain dictionaries that prints as a table.

    Args:
        rows: as `trial_rows` gives them.
        metric, goal: the primary metric and "min" or "max".
        best_first: the best first and the failed last; else by number.

    >>> table = TrialTable([], metric="log_loss", goal="min")
    >>> len(table), str(table)
    (0, 'No trials yet.')
    """

    def __init__(self, rows: Iterable[Row], *, metric: str, goal: str, best_first: bool = False) -> None:
        self._rows = ordered(rows, goal, best_first=best_first)
        self.metric = metric
        self.goal = goal
        self._best_first = best_first

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> TrialTable: ...
    def __getitem__(self, place: int | slice) -> Row | TrialTable:
        if isinstance(place, slice):
            return TrialTable(self._rows[place], metric=self.metric, goal=self.goal, best_first=self._best_first)
        return self._rows[place]

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def __eq__(self, other: object) -> bool:
        return list(self._rows) == list(other) if isinstance(other, Sequence) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        width = min(200, shutil.get_terminal_size((80, 24)).columns)
        return render_trials(self._rows, width=max(40, width), metric=self.metric, goal=self.goal)

    __repr__ = __str__

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str | None:
        """The trials as CSV: one column for each key of a row, then `config.NAME` for each parameter.

        Empty is a parameter that is not active, or a figure that does not exist. Text that a spreadsheet would take
        for a formula gets an apostrophe before it; numbers are in full precision.

        Args:
            path: where to write it; None returns the text instead.

        Raises:
            JournalError: the file cannot be written.

        >>> row = {"number": 0, "state": "completed", "config": {"depth": 3}, "value": 0.5}
        >>> print(TrialTable([row], metric="log_loss", goal="min").to_csv(), end="")
        number,state,value,config.depth
        0,completed,0.5,3
        """
        text = csv_text(self._rows)
        if path is None:
            return text
        write(path, text)
        return None

    def to_pandas(self) -> Any:
        """The trials as a `pandas.DataFrame`, with the columns of `to_csv`.

        A parameter that is not active is missing (NA or NaN) there.

        Raises:
            UsageError: pandas is not installed.
        """
        return frame(self._rows)

    def _repr_html_(self) -> str:
        if not self._rows:
            return "<p>No trials yet.</p>"
        best = best_number(self._rows, self.goal)
        names = _names(self._rows)
        head = "".join(f"<th>{html.escape(h)}</th>" for h in ("trial", "state", self.metric, *names))
        body = []
        for row in self._rows:
            value = score(row["value"], row.get("se")) if row["reason"] is None else f"- ({row['reason']})"
            words = [str(row["number"]), row["state"], value]
            words += [_shown(row["config"].get(name, _INACTIVE)) for name in names]
            tag = "strong" if row["number"] == best else "span"
            body.append("<tr>" + "".join(f"<td><{tag}>{html.escape(plain(w))}</{tag}></td>" for w in words) + "</tr>")
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def _datasets(history: History) -> tuple[list[str], str]:
    """The names of the study's datasets, and the metric on each; none where it has one."""
    study = history.last("study") or {}
    return list(study.get("datasets") or ()), str(study.get("dataset_metric"))


def _on_each(rows: Sequence[Row], width: int) -> list[list[str]]:
    """A column of scores for each dataset; none where they would leave no room for parameters."""
    names = dict.fromkeys(name for row in rows for name in row.get("datasets") or ())
    found = [_column(clip(n, 12), [score(row["datasets"].get(n)) for row in rows], right=True) for n in names]
    return found if sum(cells(column[0]) + 2 for column in found) <= width // 2 - 10 else []


def _gpus(history: History, runs: Sequence[int]) -> str | None:
    """The GPUs that a trial's runs were given, in the order they came up."""
    named = dict.fromkeys(name for run in runs for name in history.runs[run].gpus or ())
    return ",".join(named) or None


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _names(rows: Iterable[Row]) -> list[str]:
    """The parameters of any row, in the order in which the configurations list them."""
    return in_order([row["config"] for row in rows])


def _shown(value: Any) -> str:
    if value is _INACTIVE or (isinstance(value, float) and not math.isfinite(value)):
        return "-"
    return plain(format_value(value))


def _scores(rows: Sequence[Row]) -> list[str]:
    """The scores with a common number of decimals, so that they can be compared down the column."""
    sizes = sorted(abs(row["value"]) for row in rows if row["value"])
    if not sizes or sizes[-1] / sizes[0] > 1e4:
        return [score(row["value"], row.get("se")) for row in rows]
    decimals = min(8, max(0, 3 - math.floor(math.log10(sizes[len(sizes) // 2]))))
    words = []
    for row in rows:
        value, se = row["value"], row.get("se")
        error = "" if se is None else f" ± {se:.{decimals}f}"
        words.append("-" if value is None else f"{value:.{decimals}f}{error}")
    return words


def _fitting(names: Sequence[str], rows: Sequence[Row], room: int) -> tuple[list[list[str]], list[str]]:
    """The columns of the parameters that fit into `room` cells, and the names of the others.

    Long names and values are cut if that lets every parameter in; where it does not, the first ones stay
    legible.
    """
    for most in (_CELL, 14, 12, 10, 8, 6):
        columns = [_parameter(name, rows, most) for name in names]
        if sum(2 + cells(column[0]) for column in columns) <= room:
            return columns, []
    kept: list[list[str]] = []
    for place, name in enumerate(names):
        column = _parameter(name, rows, 12)
        room -= 2 + cells(column[0])
        if room < 0:
            return kept, list(names[place:])
        kept.append(column)
    return kept, []


def _parameter(name: str, rows: Sequence[Row], most: int) -> list[str]:
    values = [row["config"].get(name, _INACTIVE) for row in rows]
    words = [clip(_shown(value), max(8, most)) for value in values]  # 0.008672 stays whole
    widest = max((cells(word) for word in words), default=0)
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values if v is not _INACTIVE)
    return _column(clip(plain(name), max(most, widest)), words, right=numbers)


def _column(head: str, words: Sequence[str], *, right: bool = False) -> list[str]:
    width = max(cells(head), *(cells(word) for word in words)) if words else cells(head)
    return [pad(word, width, right=right) for word in (head, *words)]


def _failures(rows: Sequence[Row]) -> list[str]:
    """One line for each of the first three reasons, with the trials it stopped."""
    reasons: dict[str, list[int]] = {}
    for row in rows:
        if row["state"] == "failed" and row.get("reason"):
            reasons.setdefault(plain(row["reason"]), []).append(row["number"])
    lines = []
    for reason, numbers in list(reasons.items())[:3]:
        named = ", ".join(str(n) for n in sorted(numbers)[:5]) + (", ..." if len(numbers) > 5 else "")
        lines.append(f"failed {named}: {reason}")
    if len(reasons) > 3:
        lines.append(f"{len(reasons) - 3} more reasons")
    return lines
