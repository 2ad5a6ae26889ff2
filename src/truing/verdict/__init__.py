"""The honest end of a study: select, run afresh, compare with the defaults, refit, open the lockbox once."""

from truing.verdict.reach import reach
from truing.verdict.robustness import robustness
from truing.verdict.verdict import Verdict

__all__ = ["Verdict", "reach", "robustness"]
