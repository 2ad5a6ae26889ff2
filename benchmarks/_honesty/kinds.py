"""The kinds of task, and where their rows come from: simulated sources without end, and tables of real rows."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.random import Generator

ROWS = (120, 160, 220, 300, 400, 550, 750, 1000)
NOTHING = "nothing"  # the labels have nothing to do with the inputs
SEEN = 2  # rows of each class that a study has at least
TABLES = Path(__file__).parents[2].parent / "shared" / "data" / "pmlb"
LARGE = 4000  # rows of a table from which it can tell the truth about studies of some hundred
MOST_CLASSES, RARE = 12, 0.02  # a class that is rarer is missing in many a study

Rows = tuple[np.ndarray, np.ndarray, np.ndarray | None]


@dataclass(frozen=True)
class Kind:
    """What the studies of one kind share; each study has a source and rows of its own.

    Args:
        priors: the share of each class.
        noise: the share of labels that are drawn anew.
        groups: rows come in groups of about this many; 0 = they do not.
        placebo: the space has only parameters that do nothing.
        careful: the defaults learn slowly; else they are those of textbooks.
        table: the file of a real table.
    """

    name: str
    rows: int
    classes: int
    priors: tuple[float, ...]
    noise: float
    groups: int
    signal: str
    inputs: int
    metric: str
    placebo: bool = False
    careful: bool = False
    table: str = ""

    @property
    def band(self) -> str:
        return "120-199" if self.rows < 200 else "200-449" if self.rows < 450 else "450-1,000"

    @property
    def no_gain(self) -> bool:
        """No configuration is truly better than another."""
        balanced = max(self.priors) - min(self.priors) < 1e-9
        return self.placebo or (self.signal == NOTHING and balanced and self.metric != "log_loss")

    def facts(self) -> dict[str, Any]:
        return {**asdict(self), "band": self.band, "no_gain": self.no_gain}


class Source(Protocol):
    """Where rows come from."""

    def study(self) -> Rows: ...
    def fresh(self, train: int, score: int, rng: Generator) -> tuple[Rows, Rows]: ...


def kinds() -> list[Kind]:
    """68 of them: 48 with a signal, 12 without, 8 whose parameters do nothing. Every factor meets the others."""
    rng, found = np.random.default_rng(20), []
    shapes = ("linear", "sparse", "pairs", "radial", "clusters", "waves")
    metrics = ["accuracy"] * 32 + ["balanced_accuracy"] * 5 + ["roc_auc"] * 5 + ["log_loss"] * 6
    order = rng.permutation(48)
    for i in range(48):
        rows, metric = ROWS[i % 8], metrics[order[i]]
        classes = (2, 2, 3, 2, 5, 3, 2)[i % 7]
        if metric == "roc_auc" or (classes == 5 and rows < 220):
            classes = 2
        skew = (0.0, 0.0, 1.0, 0.5)[(i // 2) % 4]
        if metric == "balanced_accuracy" and rows < 220:
            skew = min(skew, 0.5)
        found.append(
            _kind(
                f"signal-{i:02d}",
                rows,
                classes,
                skew,
                noise=(0.0, 0.1, 0.25)[(i // 3) % 3],
                groups=(0, 0, 0, 4)[(i // 5) % 4] if rows >= 160 else 0,
                signal=shapes[int(rng.integers(6))] if i >= 6 else shapes[i],
                inputs=(6, 10, 16)[(i // 4) % 3],
                metric=metric,
                careful=bool(i % 3 == 1),
            )
        )
    for i in range(12):
        skew = 1.0 if i % 3 == 2 else 0.0
        metric = "accuracy" if i not in (4, 9) else "balanced_accuracy" if i == 4 else "roc_auc"
        classes = 2 if metric == "roc_auc" or i % 2 == 0 else 3
        found.append(
            _kind(
                f"nothing-{i:02d}", ROWS[(i * 3) % 8], classes, skew, signal=NOTHING, metric=metric, careful=i % 2 == 1
            )
        )
    for i in range(8):
        metric = {2: "log_loss", 5: "roc_auc"}.get(i, "accuracy")
        found.append(
            _kind(
                f"placebo-{i:02d}",
                ROWS[i],
                2 if i % 2 or metric == "roc_auc" else 3,
                (0.0, 0.5)[i % 2],
                noise=0.1,
                groups=4 if i == 6 else 0,
                signal=shapes[i % 6],
                metric=metric,
                placebo=True,
            )
        )
    return found


def _kind(name: str, rows: int, classes: int, skew: float, **more: Any) -> Kind:
    share = np.exp(-skew * np.arange(classes))
    share /= share.sum()
    settings = {"noise": 0.0, "groups": 0, "inputs": 10, **more}
    return Kind(name, rows, classes, tuple(float(round(p, 6)) for p in share), **settings)


class Simulated:
    """One task of a kind: a rule from inputs to classes drawn by `rng`, and rows without end."""

    def __init__(self, kind: Kind, rng: Generator) -> None:
        self.kind, self._rng = kind, rng
        d, k = kind.inputs, kind.classes
        self._weights = rng.standard_normal((d, k))
        if kind.signal == "sparse":
            self._weights[rng.permutation(d)[3:]] = 0
        self._angles = rng.uniform(0, 2 * np.pi, (3, k))
        self._centres = 1.6 * rng.standard_normal((3 * k, d))
        self._turn = np.linalg.qr(rng.standard_normal((d, d)))[0]
        self._radii = rng.permutation(k)
        x = self._inputs(20_000, rng)
        scores = self._scores(x)
        self._spread = float(scores.std()) or 1.0
        self._offsets = np.zeros(k)
        goal = np.array(kind.priors)
        for _ in range(200):  # until each class is the highest as often as it is to be
            seen = np.bincount((scores / self._spread + self._offsets).argmax(1), minlength=k) / len(x)
            self._offsets += 0.3 * np.log((goal + 1e-3) / (seen + 1e-3))

    def study(self) -> Rows:
        """The rows of a study; drawn again where a class is missing, for its owner would know that there is one."""
        for _ in range(1000):
            found = self.rows(self.kind.rows, self._rng)
            if self.has_all(found[1]):
                return found
        raise ValueError(f"{self.kind.name}: a class is too rare for {self.kind.rows} rows.")

    def has_all(self, y: np.ndarray) -> bool:
        return int(np.bincount(y, minlength=self.kind.classes).min()) >= SEEN

    def fresh(self, train: int, score: int, rng: Generator) -> tuple[Rows, Rows]:
        return self.rows(train, rng), self.rows(score, rng)

    def rows(self, n: int, rng: Generator) -> Rows:
        """Inputs float32 (n, d), codes (n,), and the group of each row."""
        groups, moved, pushed = None, 0.0, 0.0
        if self.kind.groups:
            sizes = rng.integers(2, 2 * self.kind.groups - 1, n)
            groups = np.repeat(np.arange(n), sizes)[:n]
            moved = 0.7 * rng.standard_normal((n, self.kind.inputs))[groups]
            pushed = 0.6 * rng.standard_normal((n, self.kind.classes))[groups]
        x = self._inputs(n, rng) + moved
        return x.astype(np.float32), self._labels(x, pushed, rng), groups

    def site(self, apart: float, rng: Generator) -> Callable[[int], tuple[np.ndarray, np.ndarray]]:
        """A site of its own: n -> so many rows of it. `apart` says how far its inputs and classes are from others'."""
        moved = 0.5 * apart * rng.standard_normal(self.kind.inputs)
        pushed = 0.7 * apart * rng.standard_normal(self.kind.classes)

        def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
            x = self._inputs(n, rng) + moved
            return x.astype(np.float32), self._labels(x, pushed, rng)

        return draw

    def _inputs(self, n: int, rng: Generator) -> np.ndarray:
        x = rng.standard_normal((n, self.kind.inputs))
        if self.kind.signal == "clusters":
            x = 0.8 * x + self._centres[rng.integers(len(self._centres), size=n)] * 0.7
        return x

    def _labels(self, x: np.ndarray, pushed: Any, rng: Generator) -> np.ndarray:
        k, priors = self.kind.classes, np.array(self.kind.priors)
        if self.kind.signal == NOTHING:
            return rng.choice(k, size=len(x), p=priors / priors.sum())
        y = (self._scores(x) / self._spread + self._offsets + pushed).argmax(1)
        drawn = rng.choice(k, size=len(x), p=priors / priors.sum())
        return np.where(rng.random(len(x)) < self.kind.noise, drawn, y)

    def _scores(self, x: np.ndarray) -> np.ndarray:
        k, z = self.kind.classes, x @ self._turn
        if self.kind.signal in ("linear", "sparse"):
            return x @ self._weights
        if self.kind.signal == "pairs":
            return np.stack([z[:, c % 5] * z[:, (c + 1) % 5] * (1 if c < 5 else -1) for c in range(k)], 1)
        if self.kind.signal == "radial":
            edges = np.linspace(0.6, 2.6, k)[self._radii]
            return -np.square(np.linalg.norm(z[:, :3], axis=1)[:, None] - edges)
        if self.kind.signal == "waves":
            return sum(np.sin(1.8 * z[:, [j]] + self._angles[j]) for j in range(3))
        if self.kind.signal == "clusters":
            apart = np.square(x[:, None] - 0.7 * self._centres[None]).sum(2)
            return -np.stack([apart[:, c::k].min(1) for c in range(k)], 1)
        return np.zeros((len(x), k))


class Table:
    """Rows of a real table: some for the study, the others tell the truth."""

    def __init__(self, kind: Kind, rng: Generator) -> None:
        x, y = read(TABLES / kind.table)
        self._x = ((x - x.mean(0)) / (x.std(0) + 1e-9)).astype(np.float32)
        self._y = y
        order = rng.permutation(len(x))
        self._own, self._others = order[: kind.rows], order[kind.rows :]

    def study(self) -> Rows:
        return self._x[self._own], self._y[self._own], None

    def fresh(self, train: int, score: int, rng: Generator) -> tuple[Rows, Rows]:
        order = rng.permutation(self._others)
        first, second = order[:train], order[train : train + score]
        return (self._x[first], self._y[first], None), (self._x[second], self._y[second], None)


def tables() -> list[Kind]:
    """One kind for each large table of classes; none where the tables are not there."""
    return list(_tables()) if TABLES.is_dir() else []


def _tables() -> Iterator[Kind]:
    listed = [line.split(",") for line in (TABLES / "index.csv").read_text(encoding="utf-8").splitlines()[1:]]
    fit = [
        row
        for row in listed
        if row[1] == "classification" and int(row[2]) >= LARGE and int(row[4]) <= MOST_CLASSES and float(row[5]) >= RARE
    ]
    for i, row in enumerate(sorted(fit)):
        _, y = read(TABLES / f"{row[0]}.tsv.gz")
        share = np.bincount(y) / len(y)
        rows = (200, 400, 800)[i % 3] if share.min() >= 0.08 else 800
        priors = tuple(float(p) for p in share)
        yield Kind(row[0], rows, len(share), priors, 0.0, 0, "real", int(row[3]), "accuracy", table=f"{row[0]}.tsv.gz")


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (n, d) and codes (n,) of a table whose last column, `target`, has the classes."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        names = file.readline().rstrip("\n").split("\t")
        values = np.loadtxt(file, delimiter="\t", dtype=np.float64)
    target = names.index("target")
    _, y = np.unique(values[:, target], return_inverse=True)
    return np.delete(values, target, axis=1), y


def source(kind: Kind, rng: Generator) -> Source:
    if kind.table:
        return Table(kind, rng)
    while True:  # some rules hardly ever give one of the classes
        found = Simulated(kind, rng)
        if found.has_all(found.rows(kind.rows, rng)[1]):
            return found
