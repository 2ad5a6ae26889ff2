"""`range_test(build)`: between which learning rates a training works at all, as a prior for a search."""

from __future__ import annotations

import html
import math
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from truing.arguments import spelled
from truing.errors import UsageError
from truing.probe.children import Children
from truing.probe.feasible import DoesNotFit
from truing.probe.growing import BELOW, EARLY, Curve, rates, read
from truing.probe.inspection import needs_torch
from truing.probe.race import CannotRun
from truing.probe.throughput import _check_device
from truing.probe.workload import Work
from truing.space.parameter import Float

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

WIDTH = 80
STOP = 4.0  # times the first loss, where a training is given up
DECADE = 10.0  # the range is at least so wide


@dataclass(frozen=True)
class RangeTest:
    """What a learning-rate range test saw: a prior for the range of a search, not an answer.

    Args:
        name: of the network's function or class.
        rows: what was trained on, in words.
        optimizer: that made the steps.
        tested: lowest and highest rate.
        rates: of the steps.
        losses: one list for each seed; shorter than `rates` where the training diverged.
        curves: what each of them says.
        low, high: ends of the range; None = no seed's loss fell.
        default: where the loss fell fastest, within the range.
        notes: what to know before it is used.

    >>> found = RangeTest("build", "256 drawn rows of 8", "adamw, batches of 64", (1e-6, 10.0), (1e-6, 10.0), (), (),
    ...                   0.0003, 0.04, 0.01, ())
    >>> found.parameter
    Float(0.0003, 0.04, log=True, default=0.01)
    """

    name: str
    rows: str
    optimizer: str
    tested: tuple[float, float]
    rates: tuple[float, ...]
    losses: tuple[tuple[float, ...], ...]
    curves: tuple[Curve, ...]
    low: float | None
    high: float | None
    default: float | None
    notes: tuple[str, ...]

    @property
    def parameter(self) -> Float | None:
        """The range as a parameter of a space; None = nothing was found."""
        if self.low is None or self.high is None:
            return None
        return Float(self.low, self.high, log=True, default=self.default, group="training")

    @property
    def code(self) -> str:
        """The same, to be pasted; "" = nothing was found."""
        if self.parameter is None:
            return ""
        return (
            "# a prior from a range test, not an answer: widen it when the best is at an end\n"
            "learning_rate=tr.Float(\n"
            f'    {self.low:g}, {self.high:g}, log=True, default={self.default:g}, group="training"\n'
            "),"
        )

    def to_dict(self) -> dict[str, Any]:
        """As plain values; what `truing range --json` prints."""
        return {
            "name": self.name,
            "rows": self.rows,
            "optimizer": self.optimizer,
            "tested": list(self.tested),
            "rates": list(self.rates),
            "losses": [list(one) for one in self.losses],
            "falls": [one.falls for one in self.curves],
            "steepest": [one.steepest for one in self.curves],
            "turns": [one.turns for one in self.curves],
            "low": self.low,
            "high": self.high,
            "default": self.default,
            "notes": list(self.notes),
            "code": self.code or None,
        }

    def plot(self) -> Figure:
        """The loss by learning rate as a Plotly figure, with the range that it suggests; its text is `layout.meta`."""
        from truing.probe.drawn import losses
        from truing.report.plots import shown

        return shown(losses(self))

    def __str__(self) -> str:
        return _text(self)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


@spelled("range_test")
def range_test(
    build: Any,
    *,
    input: Any = None,
    data: Any = None,
    config: Mapping[str, Any] | None = None,
    loss: Callable[[Any, Any], Any] | None = None,
    device: str = "cpu",
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
    seeds: int = 3,
    seed: int = 0,
) -> RangeTest:
    """Let the learning rate grow from step to step, and see where the loss falls and where it turns.

    The range test of Smith (2017, Cyclical learning rates for training neural networks, WACV, section 3.3), with rates
    that grow by the same factor each step. Over the seeds, as geometric means: the range begins at a tenth of the rate
    at which a tenth of the fall is done, for a training has many steps at one rate and here it has one; it ends at half
    of the rate at which the loss is lowest; the default is where the loss falls fastest.

    It is a prior for the range, not an answer: a rate that is good for a few steps need not be for many, warm-up and
    schedules shift it, and weights that were trained before want less. Let the search decide.

    Args:
        build, input, data, config, loss, device: as for `runtime`. The optimizer, its momentum and the batch size in
            `config` are those of the test: others have another range.
        low, high: lowest and highest rate, 0 < low < high.
        steps: from one to the other, at least 20.
        seeds: trainings.
        seed: of the first.

    Raises:
        UsageError: as `runtime`; or low, high, steps or seeds that make no sense.

    >>> import torch
    >>> found = range_test(torch.nn.Linear(8, 3), config={"optimizer": "sgd"}, steps=40, seeds=1)
    >>> found.tested, found.low < found.default <= found.high
    ((1e-06, 10.0), True)
    """
    needs_torch("range_test")
    _check_device(device)
    if not (0 < low < high < math.inf):
        raise UsageError(f"low and high take learning rates, 0 < low < high; got low={low!r}, high={high!r}.")
    if steps < 20 or seeds < 1:
        raise UsageError(f"A range test takes at least 20 steps and 1 seed; got steps={steps!r}, seeds={seeds!r}.")
    work = Work.of(build, input=input, data=data, config=config, loss=loss, device=device, seed=seed)
    at = rates(low, high, steps)
    with Children(work) as children:
        try:
            losses = [children.ask("range_test", seed + one, low, high, steps, STOP) for one in range(seeds)]
        except (CannotRun, DoesNotFit) as error:
            raise UsageError(f"{work.name} cannot be trained on {work.words}: {error}.") from None
    curves = [read(one, at.tolist()) for one in losses]
    first, last, default, notes = _range(curves, (low, high))
    return RangeTest(
        name=work.name,
        rows=work.words,
        optimizer=f"{work.standard.optimizer}, batches of {work.standard.batch_size}",
        tested=(low, high),
        rates=tuple(float(one) for one in at),
        losses=tuple(tuple(one) for one in losses),
        curves=tuple(curves),
        low=first,
        high=last,
        default=default,
        notes=tuple(notes),
    )


def _range(
    curves: list[Curve], tested: tuple[float, float]
) -> tuple[float | None, float | None, float | None, list[str]]:
    """Ends and default from the curves of all seeds, and what to say with them."""
    useful = [(one.falls, one.steepest, one.turns) for one in curves if one.falls and one.steepest and one.turns]
    if not useful:
        return None, None, None, ["The loss fell with no rate: more steps, or other rows, may show more."]
    falls, steepest, turns = (float(np.exp(np.mean(np.log(column)))) for column in zip(*useful, strict=True))
    notes = []
    if not all(one.diverges for one in curves):
        notes.append(f"The loss did not turn up to {tested[1]:g} with every seed: the upper end may lie higher.")
    if len(useful) < len(curves):
        notes.append(f"With {len(curves) - len(useful)} of {len(curves)} seeds the loss did not fall.")
    high = turns / BELOW
    low = falls / EARLY
    if low > high / DECADE:
        low = high / DECADE
        notes.append("Fall and turn lie close together: the range was widened downwards to a factor of ten.")
    low, high = _digits(low), _digits(high)
    return low, high, _digits(min(max(steepest, low), high)), notes


def _digits(value: float) -> float:
    return float(f"{value:.2g}")


def _text(found: RangeTest, width: int = WIDTH) -> str:
    head = (
        f"{found.name}: {len(found.losses)} trainings of up to {len(found.rates)} steps on {found.rows}, "
        f"{found.optimizer}; the learning rate grew from {found.tested[0]:g} to {found.tested[1]:g}."
    )
    parts = [_wrapped(head, width), *_drawn(found, width)]
    parts += [_wrapped(one, width) for one in found.notes]
    if found.code:
        said = (
            "The range ends at half of the rate at which the loss was lowest, and begins at a tenth of the one at "
            "which it had begun to fall, for here each rate had one step. It fell fastest at about "
            f"{found.default:g}. This is a prior for the range and not an answer: the search decides."
        )
        parts += [_wrapped(said, width), found.code]
    return "\n\n".join(parts)


def _wrapped(words: str, width: int) -> str:
    return "\n".join(textwrap.wrap(words, width, break_on_hyphens=False))


def _drawn(found: RangeTest, width: int, height: int = 8) -> list[str]:
    """The mean curve in characters, over the logarithm of the rate."""
    longest = max(map(len, found.losses), default=0)
    if longest < 2:
        return []
    first = max(one[0] for one in found.losses if one)
    means = [float(np.mean([min(one[i], 1.5 * first) for one in found.losses if len(one) > i])) for i in range(longest)]
    low, high = min(means), max(means)
    if high <= low:
        return []
    columns = min(width - 12, longest)
    cells = [[" "] * columns for _ in range(height)]
    for column in range(columns):
        a, b = column * longest // columns, max(column * longest // columns + 1, (column + 1) * longest // columns)
        level = (float(np.mean(means[a:b])) - low) / (high - low)
        cells[height - 1 - round(level * (height - 1))][column] = "*"
    lines = [
        f"{high:>9.3g} |" + "".join(cells[0]).rstrip(),
        *(" " * 10 + "|" + "".join(row).rstrip() for row in cells[1:-1]),
    ]
    lines += [f"{low:>9.3g} |" + "".join(cells[-1]).rstrip()]
    ends = f"{found.rates[0]:g}", f"{found.rates[longest - 1]:.2g}"
    lines.append(" " * 11 + ends[0] + " " * max(1, columns - len(ends[0]) - len(ends[1])) + ends[1])
    lines.append(" " * 11 + "learning rate (log scale) against the loss of the batch")
    return ["\n".join(lines)]
