"""The verdict as an object: a dictionary with names, and a text."""

from __future__ import annotations

import copy
import html
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from truing.verdict.prevalence import prevalence_of
from truing.verdict.text import full


@dataclass(frozen=True)
class Verdict:
    """The honest end of a study; `print(verdict)` shows all of it.

    Args:
        figures: what `to_dict()` gives; docs/verdict.md has the method of each.

    >>> verdict = Verdict({"selected": {"width": 48}, "gain": False, "headline": "No gain shown.", "warnings": []})
    >>> verdict
    Verdict('No gain shown.')
    >>> verdict.selected, verdict.gain
    ({'width': 48}, False)
    """

    figures: Mapping[str, Any]

    @property
    def selected(self) -> dict[str, Any]:
        """The configuration the study delivers, as plain values; `space.run_config()` makes a `run.config` of it."""
        return dict(self.figures["selected"])

    @property
    def gain(self) -> bool:
        """True when a gain over the defaults is claimed."""
        return bool(self.figures["gain"])

    @property
    def headline(self) -> str:
        """The verdict in a sentence or two."""
        return str(self.figures["headline"])

    @property
    def warnings(self) -> list[dict[str, str]]:
        """What to know before believing it: code and message."""
        return [dict(warning) for warning in self.figures["warnings"]]

    def to_dict(self) -> dict[str, Any]:
        """All figures as plain JSON values; null where one is undefined, with the reason beside it."""
        return copy.deepcopy(dict(self.figures))

    def prevalence_of(self, positives: int, rows: int) -> dict[str, Any]:
        """How many of new rows are really positive, where the delivered network calls some of them so.

        The share it calls positive is no prevalence: it misses some and raises false alarms. Corrected for both as the
        locked rows showed them (Rogan & Gladen 1978, Am J Epidemiol 107:71), with an interval that holds the luck of
        these rows, of the sensitivity and of the specificity (Lang & Reiczigel 2014, Prev Vet Med 113:13); of groups,
        as many locked rows count as would be independent. It asks that these errors carry over.

        Args:
            positives: how many of the new rows the network calls positive, at the study's threshold if it has one.
            rows: how many new rows there are, independent of each other.

        Returns:
            value, low, high; apparent, the share called so; unclipped, what the formula gives, with a note where that
            is outside 0..1; method, threshold, and the reason where it is undefined.

        Raises:
            UsageError: counts that are none, or more positives than rows.

        >>> rates = {"sensitivity": {"value": 178 / 179, "independent_rows": 179}, "reason": None,
        ...          "specificity": {"value": 358 / 359, "independent_rows": 359}}
        >>> found = Verdict({"error_rates": rates}).prevalence_of(4060, 11284)
        >>> round(found["value"], 3), round(found["low"], 3), round(found["high"], 3)
        (0.36, 0.349, 0.372)
        """
        return prevalence_of(self.figures, positives, rows)

    def __str__(self) -> str:
        return full(self.figures)

    def __repr__(self) -> str:
        return f"Verdict({self.headline!r})"

    def _repr_pretty_(self, p: Any, cycle: bool) -> None:
        """The full text at the end of a notebook's cell or an IPython line."""
        p.text(repr(self) if cycle else str(self))

    def _repr_html_(self) -> str:
        """The full text in the notebook's own colours, light or dark."""
        style = "color: inherit; background: transparent; line-height: 1.35; overflow-x: auto"
        return f'<pre style="{style}">{html.escape(str(self))}</pre>'


def without_nan(value: Any) -> Any:
    """The same plain values with null for what JSON cannot hold.

    >>> without_nan({"a": [float("nan"), 1.0], "b": float("inf")})
    {'a': [None, 1.0], 'b': None}
    """
    if isinstance(value, Mapping):
        return {str(key): without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
