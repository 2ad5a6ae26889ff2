"""`runtime(build)`: how to run the trainings of a study so that most rows are through in a second."""

from __future__ import annotations

import html
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truing.arguments import spelled
from truing.errors import UsageError
from truing.probe import paste, runtime_text
from truing.probe.children import Children
from truing.probe.equivalence import LEARNED, SAME, Equivalence, compared
from truing.probe.feasible import DoesNotFit, Feasible, doubling
from truing.probe.inspection import needs_torch
from truing.probe.machine import Machine, available
from truing.probe.race import BLOCKS, CannotRun, Timed, race, sweep
from truing.probe.settings import REFERENCE, Setting, grid
from truing.probe.workload import Work

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

SEEDS = 5
STEPS = (20, 100)  # at least and at most, of an equal-seed comparison
PATIENCE = 0.8  # seconds for one training of it, within these
AGAIN = 4  # times as many steps, where the reference has learned too little
FIRST_BATCH = 32
HOPELESS = 0.2  # of the best so far: a step of the warm-up that is slower than that is timing enough
BUSY = 0.3  # load for each core, before anything is timed
EACH = 2**30  # bytes reckoned for a process with torch in it


@dataclass(frozen=True)
class Candidate:
    """A setting, and what was found of it.

    Args:
        rate: rows a second of all its runs together.
        blocks: of time in which it was timed; those that were slow dropped out early.
        equivalence: whether it trains as the reference; None = it was not asked, for a faster one was shown to.
    """

    setting: Setting
    rate: float
    blocks: int
    equivalence: Equivalence | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            **self.setting.to_dict(),
            "rows_per_second": self.rate,
            "blocks": self.blocks,
            "equivalence": None if self.equivalence is None else self.equivalence.to_dict(),
        }


@dataclass(frozen=True)
class Runtime:
    """How to run the trainings of a study on this machine; `print` shows it, `to_dict()` gives it as plain values.

    Args:
        name: of the network's function or class.
        rows: what was trained on, in words.
        batch_size: of all timings but those of batch sizes.
        optimizer: that made the steps.
        candidates: every setting that ran, the fastest first; those that dropped out early come last.
        recommended: the fastest that was shown to train as the reference does.
        batches: the batch sizes that fit, in the recommended setting; one run alone.
        failed: setting in words -> why it could not be timed.
        notes: what was not measured, and why.
        machine: what the timings hold for.
        seconds: {"timing", "checking", "batches", "all"}.
        day: of the measurement.

    >>> one, two = Candidate(Setting(), 900.0, 13, SAME), Candidate(Setting(1, 2), 1620.0, 13, SAME)
    >>> found = Runtime("build", "256 drawn rows of 8", 64, "adamw", (two, one), two, Feasible((), "nothing was tried"),
    ...                 {}, (), Machine.here(), {"timing": 5.0}, "2026-11-24")
    >>> found.gain, str(found.alone.setting), found.group
    (1.8, '1 run, 1 thread, float32', {'precision': Choice(['float32'], group='runtime', role='fixed')})
    """

    name: str
    rows: str
    batch_size: int
    optimizer: str
    candidates: tuple[Candidate, ...]
    recommended: Candidate
    batches: Feasible
    failed: Mapping[str, str]
    notes: tuple[str, ...]
    machine: Machine
    seconds: Mapping[str, float]
    day: str

    @property
    def reference(self) -> Candidate:
        """One run on one thread in float32."""
        return next(one for one in self.candidates if one.setting == REFERENCE)

    @property
    def alone(self) -> Candidate:
        """The fastest for one training by itself."""
        return max((one for one in self.candidates if one.setting.runs == 1), key=lambda one: one.rate)

    @property
    def gain(self) -> float:
        """How many times as many rows a second as the reference."""
        return self.recommended.rate / self.reference.rate

    @property
    def code(self) -> str:
        """The fixed `runtime` group, to be pasted."""
        return paste.code(self)

    @property
    def group(self) -> dict[str, Any]:
        """The same as parameters of a space.

        >>> import truing as tr
        >>> from truing.probe.paste import parameters
        >>> space = tr.Space({"width": tr.Int(8, 64), **parameters(Setting(precision="bfloat16"))})
        >>> space.defaults()["precision"]
        'bfloat16'
        """
        return paste.parameters(self.recommended.setting, images=self.has_images, dataset=self.has_loaders)

    @property
    def has_images(self) -> bool:
        return any(one.setting.channels_last for one in self.candidates)

    @property
    def has_loaders(self) -> bool:
        return any(one.setting.num_workers for one in self.candidates)

    def to_dict(self) -> dict[str, Any]:
        """As plain values; what `truing runtime --json` prints and `--save` keeps."""
        return {
            "name": self.name,
            "rows": self.rows,
            "batch_size": self.batch_size,
            "optimizer": self.optimizer,
            "candidates": [one.to_dict() for one in self.candidates],
            "recommended": self.recommended.to_dict(),
            "gain": self.gain,
            "alone": self.alone.to_dict(),
            "batches": self.batches.to_dict(),
            "failed": dict(self.failed),
            "notes": list(self.notes),
            "machine": self.machine.to_dict(),
            "seconds": dict(self.seconds),
            "day": self.day,
            "code": self.code,
        }

    def save(self, path: str | Path) -> Path:
        """Keep it as JSON, with the machine it holds for.

        Raises:
            OSError: the file cannot be written.
        """
        path = Path(path)
        path.write_text(json.dumps(self.to_dict(), indent=2) + "\n", encoding="utf-8")
        return path

    def plot(self) -> Figure:
        """Rows a second of each setting and by batch size, as a Plotly figure; its text is `layout.meta`."""
        from truing.probe.drawn import speeds
        from truing.report.plots import shown

        return shown(speeds(self))

    def __str__(self) -> str:
        return runtime_text.text(self)

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(str(self))}</pre>"


@spelled("runtime")
def runtime(
    build: Any,
    *,
    input: Any = None,
    data: Any = None,
    config: Mapping[str, Any] | None = None,
    loss: Callable[[Any, Any], Any] | None = None,
    device: str = "cpu",
    seed: int = 0,
    full: bool = False,
) -> Runtime:
    """Find how to run trainings of this network so that most rows are through in a second, on this machine.

    Threads, runs side by side, precision, memory order (networks with convolutions) and loading processes (rows of a
    Dataset) are timed in every combination by successive elimination: all shortly, the faster ones longer. The fastest
    is recommended only if it trains as the reference does, one run on one thread in float32: five trainings with equal
    seeds, losses compared at three points, the 90 % interval of the paired difference within 1 % of the loss of the
    constant prediction. Timings and trainings happen in processes of their own, so that nothing here changes.

    Throughput is a matter of time, never of the score: batch sizes are reported, and none is recommended, for another
    one is another training.

    Args:
        build: as `inspect` takes it: `build(config)`, a function or module class with plain arguments, a module, a
            `TorchTrainer`, or a `Study` of one.
        input: shape of one row, or some rows, as `inspect` takes it; None = those of `data`, else guessed.
        data: rows to train on: a `tr.Data`, a Dataset, or (x, y); None = drawn rows that can be learned.
        config: values for `build`, and for the names that `TorchTrainer` reads (optimizer, batch_size ...).
        loss: (outputs, targets) -> scalar tensor; default by the outputs and labels, as `TorchTrainer`.
        device: "cpu", "cuda" or "cuda:1".
        seed: of weights, rows and order.
        full: time every setting at length, three seconds each, instead of dropping slow ones early.

    Raises:
        UsageError: as `inspect`; the device is not there; outputs that do not fit the labels; it does not train.

    >>> import torch
    >>> found = runtime(torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3)))
    >>> found.recommended.setting.precision in ("float32", "bfloat16"), found.recommended.equivalence.is_shown
    (True, True)
    """
    needs_torch("runtime")
    _check_device(device)
    began = time.perf_counter()
    work = Work.of(build, input=input, data=data, config=config, loss=loss, device=device, seed=seed)
    with Children(work) as children:
        return _found(work, children, full, began)


def _found(work: Work, children: Children, full: bool, began: float) -> Runtime:
    on_gpu = work.device != "cpu"
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    facts = children.ask("facts")
    machine = Machine.here(facts["gpu"])
    room = available()
    settings = grid(
        machine.cores,
        images=work.images,
        dataset=work.dataset is not None,
        precisions=facts["precisions"],
        on_gpu=on_gpu,
        most=8 if room is None else max(1, min(8, room // EACH)),
    )
    children.start(max(one.runs for one in settings))
    started = time.perf_counter()
    timer = measure(children, full)
    timed = sweep(settings, timer, seed=work.seed) if full else race(settings, timer, always=REFERENCE, seed=work.seed)
    if REFERENCE not in timed.rates:
        why = timed.failed.get(REFERENCE, "it failed")
        raise UsageError(f"{work.name} cannot be trained on {work.words}: {why}.")
    checked = time.perf_counter()
    verdicts, chosen = _chosen(timed, _Checks(work, children, timed))
    tried = time.perf_counter()
    candidates = tuple(Candidate(one, timed.rate(one), len(timed.rates[one]), verdicts.get(one)) for one in timed.order)
    recommended = next(one for one in candidates if one.setting == chosen)
    batches = _batches(work, children, chosen)
    done = time.perf_counter()
    return Runtime(
        name=work.name,
        rows=work.words,
        batch_size=work.standard.batch_size,
        optimizer=work.standard.optimizer,
        candidates=candidates,
        recommended=recommended,
        batches=batches,
        failed={str(one): why for one, why in timed.failed.items()},
        notes=_notes(work, on_gpu, load, machine.cores),
        machine=machine,
        seconds={
            "timing": checked - started,
            "checking": tried - checked,
            "batches": done - tried,
            "all": done - began,
        },
        day=date.today().isoformat(),
    )


def measure(children: Children, full: bool = False) -> Callable[[Setting, float, int], list[float]]:
    """What times a setting in these processes; `full` = as many blocks as are asked for, however long they take."""

    best = [0.0]

    def timed(setting: Setting, seconds: float, blocks: int) -> list[float]:
        try:
            step = max(children.ask_all(setting.runs, "prepare", setting))
            size = children.batch_size * setting.runs
            if not full and size / step < HOPELESS * best[0]:
                return [size / step]
            rates = children.ask_all(setting.runs, "go", seconds, blocks, BLOCKS if full else 1)
            children.ask_all(setting.runs, "rest")
        except DoesNotFit as error:
            raise CannotRun(str(error)) from None
        # what is through in the same block of time, in all runs together
        found = [sum(block) for block in zip(*rates, strict=False)]
        best[0] = max(best[0], statistics.median(found))
        return found

    return timed


class _Checks:
    """Equal-seed comparisons, each arithmetic once, the reference's trainings shared."""

    def __init__(self, work: Work, children: Children, timed: Timed[Setting]) -> None:
        self._work, self._children = work, children
        self._most = max(one.runs for one in timed.rates)
        second = work.standard.batch_size / timed.rate(REFERENCE)
        self._steps = min(STEPS[1], max(STEPS[0], int(PATIENCE / second)))
        self._reference: list[list[float]] = []
        self._known: dict[Setting, Equivalence] = {REFERENCE.arithmetic: SAME}

    def __call__(self, setting: Setting) -> Equivalence:
        key = setting.arithmetic
        if key not in self._known:
            try:
                self._known[key] = self._compared(key)
            except (CannotRun, DoesNotFit) as error:
                self._known[key] = Equivalence(f"failed: {error}")
        return self._known[key]

    def _compared(self, key: Setting) -> Equivalence:
        from truing.probe.child import points

        if not self._reference:
            self._reference = self._trained(REFERENCE)
            first, last = (sum(one[place] for one in self._reference) for place in (0, -1))
            if first - last < LEARNED * 0.01 * abs(self._base) * len(self._reference):
                self._steps *= AGAIN
                self._reference = self._trained(REFERENCE)
        return compared(self._reference, self._trained(key), base=self._base, steps=points(self._steps))

    @property
    def _base(self) -> float:
        if self._work.base is not None:
            return self._work.base
        return sum(one[0] for one in self._reference) / len(self._reference)  # a loss of the user's: where it begins

    def _trained(self, setting: Setting) -> list[list[float]]:
        """The losses of all seeds, shared among processes that do not compete for cores."""
        seeds = [self._work.seed + number for number in range(SEEDS)]
        beside = max(1, min(self._most // setting.threads, len(seeds)))
        parts: list[list[int]] = [seeds[place::beside] for place in range(beside)]
        answers = self._children.ask_each([("train", setting, part, self._steps) for part in parts])
        found = {
            seed: losses
            for part, answer in zip(parts, answers, strict=True)
            for seed, losses in zip(part, answer, strict=True)
        }
        return [found[seed] for seed in seeds]


def _chosen(
    timed: Timed[Setting], check: Callable[[Setting], Equivalence]
) -> tuple[dict[Setting, Equivalence], Setting]:
    """Down the order, until one is shown to train as the reference; the reference itself always is."""
    found: dict[Setting, Equivalence] = {REFERENCE: SAME}
    for setting in timed.order:
        found[setting] = check(setting)
        if found[setting].is_shown:
            return found, setting
    return found, REFERENCE


def _batches(work: Work, children: Children, setting: Setting) -> Feasible:
    free = available() if work.device == "cpu" else None
    room = None if free is None else int(0.8 * free / setting.runs)
    one = replace(setting, runs=1)

    def tries(size: int) -> tuple[float, int | None]:
        try:
            rate, memory = children.ask("batch", one, size, 0.15, room)
        except CannotRun as error:
            raise DoesNotFit(str(error)) from None
        return rate, memory

    return doubling(tries, first=FIRST_BATCH, rows=work.rows, room=room)


def _notes(work: Work, on_gpu: bool, load: float, cores: int) -> tuple[str, ...]:
    notes = []
    if load > BUSY * cores:
        notes.append(
            f"The machine was busy before this began (load {load:.1f} on {cores} cores): the timings are rough, so "
            "repeat them when it is quiet."
        )
    if work.dataset is None:
        notes.append("Loading processes were not timed: the rows lie in memory, and data= gave no Dataset.")
    if not work.images:
        notes.append("Channels last was not timed: the network has no two-dimensional convolutions.")
    if on_gpu:
        notes.append("Runs side by side on one GPU were not timed.")
    if work.rows is None:
        notes.append(
            "The rows were drawn: give data= (--data NAME) for the comparison with equal seeds to be of yours."
        )
    return tuple(notes)


def _check_device(device: str) -> None:
    import torch

    kind = device.partition(":")[0]
    if kind not in ("cpu", "cuda"):
        raise UsageError(f'device takes "cpu", "cuda" or "cuda:1"; got {device!r}.')
    if kind == "cuda" and not torch.cuda.is_available():
        raise UsageError(f"device={device!r}, and PyTorch sees no CUDA GPU here: leave it out to time the CPU.")
