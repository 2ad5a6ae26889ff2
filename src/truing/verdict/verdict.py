"""The verdict as an object: a dictionary with names, and a text."""

from __future__ import annotations

import copy
import html
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
