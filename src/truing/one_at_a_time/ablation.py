"""What the ablation path found: which change of the defaults made the gain."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from truing.space.configuration import format_value
from truing.statistics.names import spoken
from truing.verdict.wording import difference_in_words, number, places, places_of_difference, signed

WIDTH = 80
_LONGEST = 40  # of a step's words


@dataclass(frozen=True)
class Step:
    """One configuration of the path.

    Args:
        parameter: what changed here; None at the start.
        before, after: its values.
        score: mean validation score over the fresh runs; None where a run failed.
        interval: of that score: value, low, high (95 %), method, reason.
        change: score less that of the step before, run by run; the intervals of all steps hold together with 95 %
            (Bonferroni). None at the start.
        reason: why there is no score.
    """

    parameter: str | None
    before: Any
    after: Any
    score: float | None
    interval: Mapping[str, Any] | None
    change: Mapping[str, Any] | None
    reason: str | None = None

    @property
    def helped(self) -> bool | None:
        """Whether the change can be told from none, either way; None without an interval."""
        if self.change is None or self.change["low"] is None:
            return None
        return bool(self.change["low"] > 0 or self.change["high"] < 0)


@dataclass(frozen=True)
class Ablation:
    """The way from the defaults to the selected, one parameter at a time, each step run anew. `print` it.

    Args:
        study: its name.
        metric, goal: what it is judged by.
        target: number of the trial at the end.
        selected: it is what the verdict selected; else the best so far.
        steps: the start, then one a parameter.
        total: the end less the start: value, low, high (95 %), method, reason.
        ordered: the order is the surrogate's; else the space's, for there were too few trials.
        each: fresh runs of each configuration.

    >>> start = Step(None, None, None, 0.5, None, None)
    >>> step = Step("rate", 0.1, 0.3, 0.2, None, {"value": -0.3, "low": -0.4, "high": -0.2})
    >>> total = {"value": -0.3, "low": -0.4, "high": -0.2}
    >>> found = Ablation("digits", "log_loss", "min", 7, True, (start, step), total, True, 10)
    >>> found.sentence.split("; ")[1]
    'most by rate, 100 % of it.'
    """

    study: str
    metric: str
    goal: str
    target: int
    selected: bool
    steps: tuple[Step, ...]
    total: Mapping[str, Any]
    ordered: bool
    each: int

    @property
    def sentence(self) -> str:
        """What is seen."""
        name = "the selected" if self.selected else f"the best so far, trial {self.target}"
        moved = self.steps[1:]
        lost = [step for step in self.steps if step.score is None]
        if lost:
            where = "the defaults" if lost[0].parameter is None else f"the step of {lost[0].parameter}"
            return (
                f"The way from the defaults to {name} cannot be told whole: {where} gave no score ({lost[0].reason})."
            )
        sign = -1.0 if self.goal == "min" else 1.0
        gains = [(sign * step.change["value"], step) for step in moved if step.change is not None]
        total = difference_in_words(self.metric, self.total, self.steps[0].score, self.steps[-1].score)
        start = f"From the defaults to {name} the {spoken(self.metric)} changes by {total}"
        gain, most = max(gains, key=lambda one: one[0])
        whole = sign * (self.total["value"] or 0.0)
        if gain <= 0 or whole <= 0:
            return f"{start}; no step gains."
        share = f", {100 * gain / whole:.0f} % of it" if gain <= whole else ""
        told = "" if most.helped else ", which cannot be told from none"
        return f"{start}; most by {most.parameter}{share}{told}."

    def table(self) -> list[dict[str, Any]]:
        """A dict a step: parameter, before, after, score, low, high (95 %), change and its ends, reason."""
        rows = []
        for step in self.steps:
            own, change = step.interval or {}, step.change or {}
            rows.append(
                {"parameter": step.parameter, "before": step.before, "after": step.after, "score": step.score}
                | {"low": own.get("low"), "high": own.get("high"), "change": change.get("value")}
                | {"change_low": change.get("low"), "change_high": change.get("high"), "reason": step.reason}
            )
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self) | {"steps": [asdict(step) for step in self.steps], "sentence": self.sentence}

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Ablation:
        """Of what `to_dict` gave; what else is in it is left out."""
        names = tuple(name for name in cls.__dataclass_fields__ if name != "steps")
        return cls(steps=tuple(Step(**step) for step in given["steps"]), **{name: given[name] for name in names})

    def said(self) -> list[str]:
        """What is seen, and how to take it."""
        order = "by a surrogate of the trials" if self.ordered else "as the space has them, for there are few trials"
        notes = [
            f"{self.each} fresh runs of each, the same splits and seeds. The changes hold together with 95 % "
            "(Bonferroni); the scores' intervals are for each.",
            f"The order is {order}: in another order a parameter's part may be another where parameters work together.",
        ]
        return [self.sentence, *notes]

    @property
    def text(self) -> str:
        """For a terminal of 80 columns."""
        end = "the selected" if self.selected else f"trial {self.target}, the best so far"
        lines = [*textwrap.wrap(f"Ablation of {self.study}: from the defaults to {end}", WIDTH), "", *self._rows(), ""]
        return "\n".join([*lines, *(line for said in self.said() for line in textwrap.wrap(said, WIDTH))])

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"Ablation({self.sentence!r})"

    def _repr_html_(self) -> str:
        style = "color: inherit; background: transparent; line-height: 1.35; overflow-x: auto"
        return f'<pre style="{style}">{html.escape(self.text)}</pre>'

    def _rows(self) -> list[str]:
        decimals = max((places(step.score) for step in self.steps if step.score is not None), default=3)
        known = [step.change for step in self.steps if step.change and step.change["value"] is not None]
        far = min(decimals + 1, max((places_of_difference(one) for one in known), default=decimals))
        rows = [["", f"{self.metric} [95 %]"[:26], "change"]]
        for step in self.steps:
            score = (
                "failed" if step.score is None else number(step.score, decimals) + _ends(step.interval, decimals, False)
            )
            change = step.change
            told = (
                "" if not change or change["value"] is None else signed(change["value"], far) + _ends(change, far, True)
            )
            rows.append([words(step), score, told])
        first = min(_LONGEST, WIDTH - 2 * 2 - max(len(r[1]) for r in rows) - max(len(r[2]) for r in rows))
        second = max(len(row[1]) for row in rows)
        return [f"{_clip(a, max(first, 8)):<{max(first, 8)}}  {b:<{second}}  {c}".rstrip() for a, b, c in rows]


def words(step: Step) -> str:
    """What a step is.

    >>> words(Step("rate", 0.1, 0.25, None, None, None))
    'rate 0.1 -> 0.25'
    """
    if step.parameter is None:
        return "the defaults"
    return f"{step.parameter} {format_value(step.before)} -> {format_value(step.after)}"


def _ends(found: Mapping[str, Any] | None, decimals: int, sign: bool) -> str:
    if not found or found.get("low") is None:
        return ""
    say = signed if sign else number
    return f" [{say(found['low'], decimals)}, {say(found['high'], decimals)}]"


def _clip(text: str, wide: int) -> str:
    return text if len(text) <= wide else text[: wide - 3] + "..."
