"""A study at the end of a notebook's cell: how it stands, its best, its first trials. No link, script or colour."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping
from typing import Any

from truing.record.history import History
from truing.report.columns import many, plain
from truing.report.table import TrialTable, ordered, score, trial_rows
from truing.report.watch import luck

SHOWN = 10


def study_html(history: History | None, study: Mapping[str, Any], folder: str) -> str:
    """The study as HTML that takes the notebook's own colours; everything that comes from outside is escaped.

    Args:
        history: None while the study has not been run.
        study: the data of its `study` event, or at least `metric`.
        folder: as a person would type it.
    """
    head = f"<strong>Study</strong> <code>{_said(folder)}</code>"
    if history is None or not len(history):
        return f"<div><p>{head}: no trials yet; <code>study.run()</code> begins.</p></div>"
    states = Counter(trial.state for trial in history.trials)
    counted = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    metric, goal = str(study.get("metric", "score")), history.goal
    better = "lower" if goal == "min" else "higher"
    parts = [f"<p>{head}: {many(len(history), 'trial')} ({_said(counted)}); {_said(metric)}, {better} is better.</p>"]
    best, stored = history.best(), history.last("verdict")
    if stored is not None:
        parts.append(f"<p><strong>{_said(stored['verdict']['headline'])}</strong></p>")
    if best is not None:
        said = "" if stored is not None else f" {luck(best)}"
        parts.append(
            f"<p>Best by the search: trial {best.number}, {_said(metric)} {_said(score(best.value, best.se))} "
            f"({_said(best.config)}).{said}</p>"
        )
    rows = ordered(trial_rows(history), goal, best_first=True)
    parts.append(TrialTable(rows[:SHOWN], metric=metric, goal=goal, best_first=True)._repr_html_())
    if len(rows) > SHOWN:
        parts.append(f"<p>{len(rows) - SHOWN} more trials: <code>study.trials()</code></p>")
    return f"<div>{''.join(parts)}</div>"


def _said(text: object) -> str:
    return html.escape(plain(text))
