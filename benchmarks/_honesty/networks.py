"""Many small networks trained at once: one hidden layer, SGD with momentum, weight decay and dropout, in NumPy.

Each network has a random stream of its own and none looks at another, so that a network is the same in whatever company
it is trained; `alone` trains one in plain loops, to hold the batch against.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

CLIP = 2.0  # the most that the norm of a step's gradient counts, so that nothing diverges
ROOM = 1_500_000  # numbers of one epoch's dropout masks: about what the cache of a core holds
EVEN = 1.4  # how much the widest network of a batch may be wider than its narrowest


@dataclass(frozen=True, eq=False)
class Training:
    """One network to be trained.

    Args:
        x, y: rows float (n, d) and codes int (n,).
        config: learning_rate, momentum, weight_decay, dropout, width, batch_size, epochs; others are ignored.
    """

    x: np.ndarray
    y: np.ndarray
    classes: int
    config: Mapping[str, Any]
    seed: int


@dataclass(frozen=True, eq=False)
class Network:
    """A trained network."""

    w1: np.ndarray
    b1: np.ndarray
    w2: np.ndarray
    b2: np.ndarray

    def predict(self, x: np.ndarray) -> np.ndarray:
        """Probabilities (n, classes)."""
        hidden = x.astype(self.w1.dtype, copy=False) @ self.w1
        hidden += self.b1
        np.maximum(hidden, 0, out=hidden)
        return softmax(hidden @ self.w2 + self.b2)


def softmax(z: np.ndarray) -> np.ndarray:
    raised = np.exp(z - z.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


def train(trainings: Sequence[Training], dtype: Any = np.float32) -> list[Network]:
    """The networks, in the order of `trainings`."""
    found: list[Network | None] = [None] * len(trainings)
    for chosen in _batches(trainings):
        for place, network in zip(chosen, _together([trainings[i] for i in chosen], dtype), strict=True):
            found[place] = network
    return [network for network in found if network is not None]


def _batches(trainings: Sequence[Training]) -> Iterator[list[int]]:
    """Networks of one batch size and of like width, the longest first."""

    def shape(i: int) -> tuple[int, int, int, int]:
        config = trainings[i].config
        return (trainings[i].x.shape[1], trainings[i].classes, config["batch_size"], config["width"])

    batch: list[int] = []
    most = 0
    for i in sorted(range(len(trainings)), key=lambda i: (*shape(i), -trainings[i].config["epochs"])):
        rows, width = len(trainings[i].x), trainings[i].config["width"]
        if batch:
            first, widest = shape(batch[0]), max(width, shape(batch[0])[3])
            most = max(most, rows)
            apart = first[:3] != shape(i)[:3] or width > max(8, EVEN * first[3])
            if apart or (len(batch) + 1) * most * widest > ROOM:
                yield batch
                batch = []
        if not batch:
            most = rows
        batch.append(i)
    if batch:
        yield batch


def _start(training: Training, dtype: Any) -> tuple[np.random.Generator, Network]:
    rng = np.random.Generator(np.random.SFC64(training.seed))
    d, width = training.x.shape[1], training.config["width"]
    w1 = rng.standard_normal((d, width), dtype=np.float32) * np.float32(np.sqrt(2 / d))
    w2 = rng.standard_normal((width, training.classes), dtype=np.float32) * np.float32(np.sqrt(1 / width))
    return rng, Network(w1.astype(dtype), np.zeros(width, dtype), w2.astype(dtype), np.zeros(training.classes, dtype))


def _together(batch: Sequence[Training], dtype: Any) -> list[Network]:
    order = sorted(range(len(batch)), key=lambda i: -batch[i].config["epochs"])
    trainings = [batch[i] for i in order]
    number, rows = len(trainings), np.array([len(t.x) for t in trainings])
    most, d, k = int(rows.max()), trainings[0].x.shape[1], trainings[0].classes
    width, size = max(t.config["width"] for t in trainings), trainings[0].config["batch_size"]
    epochs = [t.config["epochs"] for t in trainings]
    x, y = np.zeros((number, most, d), dtype), np.zeros((number, most), np.intp)
    w1, b1 = np.zeros((number, d, width), dtype), np.zeros((number, 1, width), dtype)
    w2, b2 = np.zeros((number, width, k), dtype), np.zeros((number, 1, k), dtype)
    streams = []
    for r, training in enumerate(trainings):
        x[r, : rows[r]], y[r, : rows[r]] = training.x, training.y
        rng, start = _start(training, dtype)
        streams.append(rng)
        w1[r, :, : start.w1.shape[1]], w2[r, : start.w2.shape[0]] = start.w1, start.w2
    rate, momentum, decay, drop = (
        np.array([t.config[name] for t in trainings], dtype).reshape(-1, 1, 1)
        for name in ("learning_rate", "momentum", "weight_decay", "dropout")
    )
    weights = [w1, b1, w2, b2]
    speeds = [np.zeros_like(w) for w in weights]
    target = np.eye(k, dtype=dtype)
    mask = np.zeros((number, most, width), dtype)
    turned, turned_y = np.zeros_like(x), np.zeros_like(y)
    for epoch in range(epochs[0]):
        live = sum(e > epoch for e in epochs)
        for r in range(live):
            n, own = rows[r], trainings[r].config["width"]
            places = streams[r].permutation(n)
            np.take(x[r], places, axis=0, out=turned[r, :n])
            turned_y[r, :n] = y[r, places]
            share = drop[r, 0, 0]
            if share > 0:
                kept = streams[r].random((n, own), dtype=np.float32) >= share
                mask[r, :n, :own] = kept / (1 - share)
            else:
                mask[r, :n, :own] = 1
        for begin in range(0, most, size):
            count = np.clip(rows[:live] - begin, 0, size)
            part = slice(begin, min(begin + size, most))
            there = (np.arange(part.stop - begin) < count[:, None])[:, :, None]
            busy = (count > 0).reshape(-1, 1, 1)
            xs, keep = turned[:live, part], mask[:live, part]
            hidden = np.matmul(xs, w1[:live])
            hidden += b1[:live]
            keep = keep * (hidden > 0)
            hidden *= keep
            away = softmax(np.matmul(hidden, w2[:live]) + b2[:live]) - target[turned_y[:live, part]]
            away *= there / np.maximum(count, 1).reshape(-1, 1, 1).astype(dtype)
            back = np.matmul(away, w2[:live].transpose(0, 2, 1))
            back *= keep
            slopes = [
                np.matmul(xs.transpose(0, 2, 1), back),
                back.sum(axis=1, keepdims=True),
                np.matmul(hidden.transpose(0, 2, 1), away),
                away.sum(axis=1, keepdims=True),
            ]
            norm = np.sqrt(sum(np.square(s).sum(axis=(1, 2)) for s in slopes)).reshape(-1, 1, 1)
            scale = np.minimum(1, CLIP / np.maximum(norm, 1e-12)).astype(dtype)
            still = np.where(busy, momentum[:live], 1).astype(dtype)
            away_by, shrink = rate[:live] * busy, decay[:live] * busy
            for w, v, slope, decays in zip(weights, speeds, slopes, (True, False, True, False), strict=True):
                slope *= scale
                if decays:
                    slope += shrink * w[:live]
                v[:live] *= still
                v[:live] += slope
                w[:live] -= away_by * v[:live]
    found: list[Any] = [None] * number
    for r, training in enumerate(trainings):
        own = training.config["width"]
        found[order[r]] = Network(w1[r, :, :own].copy(), b1[r, 0, :own].copy(), w2[r, :own].copy(), b2[r, 0].copy())
    return found


def alone(training: Training, dtype: Any = np.float64) -> Network:
    """The same network, one row after the other: what `train` is checked against."""
    rng, start = _start(training, dtype)
    config, k = training.config, training.classes
    w1, b1, w2, b2 = start.w1, start.b1, start.w2, start.b2
    speeds = [np.zeros_like(w) for w in (w1, b1, w2, b2)]
    for _ in range(config["epochs"]):
        places = rng.permutation(len(training.x))
        masks = np.ones((len(places), config["width"]), dtype)
        if config["dropout"] > 0:
            drop = dtype(config["dropout"])
            masks = (rng.random(masks.shape, dtype=np.float32) >= drop) / (1 - drop)
        for begin in range(0, len(places), config["batch_size"]):
            slopes = [np.zeros_like(w) for w in (w1, b1, w2, b2)]
            chosen = range(begin, min(begin + config["batch_size"], len(places)))
            for at in chosen:
                x, y = training.x[places[at]].astype(dtype), training.y[places[at]]
                sums = x @ w1 + b1
                hidden = np.where(sums > 0, sums, 0) * masks[at]
                away = softmax(hidden @ w2 + b2)
                away[y] -= 1
                back = (w2 @ away) * masks[at] * (sums > 0)
                for slope, part in zip(slopes, (np.outer(x, back), back, np.outer(hidden, away), away), strict=True):
                    slope += part / len(chosen)
            norm = np.sqrt(sum(np.square(slope).sum() for slope in slopes))
            for w, v, slope, decays in zip((w1, b1, w2, b2), speeds, slopes, (1, 0, 1, 0), strict=True):
                v *= config["momentum"]
                v += slope * min(1, CLIP / max(norm, 1e-12)) + config["weight_decay"] * decays * w
                w -= config["learning_rate"] * v
    assert w2.shape[1] == k
    return Network(w1, b1, w2, b2)
