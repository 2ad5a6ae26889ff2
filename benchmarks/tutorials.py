"""What stands behind docs/tutorials.md: fifteen simulations whose truth is known, their figures and their numbers.

Each point is a function of a random stream that gives numbers, a figure, and whether the page's claim held: an effect
in the stated direction of at least three standard errors. The page is made from `_tutorials.md` and the numbers; a test
fails where page and numbers differ. NumPy only, under three minutes on one core.
"""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402
from _record import RESULTS, record  # noqa: E402

from truing.report.svg import Plot, Series  # noqa: E402

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "tutorials.md"
FIGURES = HERE.parent / "docs" / "figures"
TEMPLATE = HERE / "_tutorials.md"
FIELD = re.compile(r"\{\{(\w+)\.(\w+):([^}]*)\}\}")
LIMIT = 180  # seconds


@dataclass(frozen=True)
class Found:
    """What one simulation found: numbers for the page, the figure, and whether the claim held."""

    numbers: dict[str, float]
    plot: Plot
    holds: bool


def mean_se(values: np.ndarray) -> tuple[float, float]:
    """Mean and its standard error over independent repetitions, the first axis."""
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))


def ends(mean: np.ndarray, se: np.ndarray) -> tuple[list[float], list[float]]:
    """95 % intervals for the bars of a figure."""
    return (np.asarray(mean) - 1.96 * np.asarray(se)).tolist(), (np.asarray(mean) + 1.96 * np.asarray(se)).tolist()


def over(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Column means and their standard errors."""
    return values.mean(0), values.std(0, ddof=1) / np.sqrt(len(values))


def dots(name: str, x: list[float], values: np.ndarray, colour: int = 0, kind: str = "dots") -> Series:
    """Column means with 95 % intervals."""
    mean, se = over(values)
    low, high = ends(mean, se)
    return Series(name, x, mean.tolist(), low, high, kind=kind, colour=colour)


def ridge(x: np.ndarray, y: np.ndarray, l2: float) -> np.ndarray:
    """Weights of a ridge regression on labels -1 and 1, in whichever form is smaller."""
    n, d = x.shape
    if d <= n:
        return np.linalg.solve(x.T @ x + l2 * np.eye(d), x.T @ y)
    return x.T @ np.linalg.solve(x @ x.T + l2 * np.eye(n), y)


def right(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> float:
    """Accuracy in per cent."""
    return float(100 * np.mean((x @ weights > 0) == (y > 0)))


# -- forty configurations of a small network on 150 rows, many times ---------------------------------------------------

STUDIES, TRIALS, ROWS, INPUTS = 250, 40, 150, 8


@cache
def tournament() -> dict[str, np.ndarray]:
    """Accuracy of 40 random configurations in 250 studies: on training, validation and test rows (150 each), and truth.

    A configuration is the width, scale and ridge of a network with one random hidden layer; 15 % of the labels are
    wrong; the truth is the accuracy on 3,000 further rows with the same share of wrong labels.
    """
    rng = np.random.default_rng(1)
    names = ("train", "valid", "test", "truth")
    found = {name: np.empty((STUDIES, TRIALS)) for name in names}
    for study in range(STUDIES):
        direction = rng.normal(size=(INPUTS, 2))

        def draw(n: int, direction: np.ndarray = direction) -> tuple[np.ndarray, np.ndarray]:
            x = rng.normal(size=(n, INPUTS))
            z = x @ direction
            y = np.where(z[:, 0] + 0.5 * z[:, 1] ** 2 / np.sqrt(INPUTS) > 0.5, 1.0, -1.0)
            return x, np.where(rng.random(n) < 0.15, -y, y)

        parts = {name: draw(3000 if name == "truth" else ROWS) for name in names}
        for trial in range(TRIALS):
            width, l2 = int(np.exp(rng.uniform(np.log(4), np.log(300)))), 10 ** rng.uniform(-3, 2)
            hidden = rng.normal(size=(INPUTS + 1, width)) * 10 ** rng.uniform(-0.5, 0.5)

            def features(x: np.ndarray, hidden: np.ndarray = hidden) -> np.ndarray:
                return np.c_[np.ones(len(x)), np.maximum(0, np.c_[x, np.ones(len(x))] @ hidden)]

            weights = ridge(features(parts["train"][0]), parts["train"][1], l2)
            for name in names:
                found[name][study, trial] = right(features(parts[name][0]), parts[name][1], weights)
    return found


def choosing_on_the_test_set(rng: np.random.Generator) -> Found:
    """1. The configuration chosen on training, on test and on validation rows: what is reported, and what is true."""
    found, at = tournament(), np.arange(STUDIES)
    chosen = {name: found[name].argmax(1) for name in ("train", "test", "valid")}
    reported = np.stack(
        [found["train"][at, chosen["train"]], found["test"][at, chosen["test"]], found["test"][at, chosen["valid"]]], 1
    )
    true = np.stack([found["truth"][at, chosen[name]] for name in chosen], 1)
    gap, se = over(reported - true)
    loss, loss_se = mean_se(true[:, 2] - true[:, 0])
    where = {0.0: "the training rows", 1.0: "the test rows", 2.0: "rows of their own"}
    plot = Plot(
        f"Chosen on the test rows, a score flatters by {gap[1]:.1f} points; on rows of their own by {gap[2]:.1f}",
        f"Mean accuracy of the chosen of {TRIALS} configurations over {STUDIES} simulated studies. Chosen by training "
        f"accuracy: {reported[:, 0].mean():.1f} % reported, {true[:, 0].mean():.1f} % true. Chosen on the test rows: "
        f"{reported[:, 1].mean():.1f} % and {true[:, 1].mean():.1f} %. Chosen on validation rows and scored on test "
        f"rows: {reported[:, 2].mean():.1f} % and {true[:, 2].mean():.1f} %.",
        [dots("reported", [0, 1, 2], reported, 1), dots("true", [0, 1, 2], true, 0)],
        "the best of 40 is chosen on",
        "accuracy, %",
        xlim=(-0.5, 2.5),
        xticks=where,
    )
    numbers = {
        "train_gap": gap[0], "train_gap_se": se[0], "test_gap": gap[1], "test_gap_se": se[1], "own_gap": gap[2],
        "own_gap_se": se[2], "train_loss": loss, "train_loss_se": loss_se,
    }  # fmt: skip
    return Found(numbers, plot, gap[1] > 3 * se[1] and gap[0] > 3 * se[0] and abs(gap[2]) < 3 * se[2])


def validating_on_training_rows(rng: np.random.Generator) -> Found:
    """2. Labels that are pure chance, k nearest neighbours: accuracy on the rows trained on, and the truth (50 %)."""
    neighbours = [1, 3, 5, 9, 15, 25]
    seen, fresh = np.empty((200, len(neighbours))), np.empty((200, len(neighbours)))
    for repeat in range(200):
        x, y = rng.normal(size=(100, 4)), rng.choice([-1.0, 1.0], 100)
        new, z = rng.normal(size=(100, 4)), rng.choice([-1.0, 1.0], 100)
        for column, k in enumerate(neighbours):
            for rows, labels, out in ((x, y, seen), (new, z, fresh)):
                near = np.argsort(((rows[:, None] - x[None]) ** 2).sum(2), 1)[:, :k]
                out[repeat, column] = 100 * np.mean(np.sign(y[near].sum(1)) == labels)
    mean, se = over(seen - fresh)
    plot = Plot(
        "On the rows it was trained on, a model of pure chance looks up to perfect",
        f"Labels are coin tosses, so nothing can be right more than 50 % of the time. Accuracy of k nearest neighbours "
        f"on the rows trained on: {seen[:, 0].mean():.0f} % with k = 1, {seen[:, 2].mean():.1f} % with k = 5, "
        f"{seen[:, -1].mean():.1f} % with k = 25. On fresh rows {fresh.mean():.1f} % for all.",
        [dots("rows it was trained on", neighbours, seen, 1), dots("fresh rows", neighbours, fresh, 0)],
        "neighbours k (fewer fit closer)",
        "accuracy, %",
        xlim=(0, 26),
        ylim=(40, 104),
        rules=[(50.0, "chance")],
    )
    numbers = {
        "seen_1": seen[:, 0].mean(), "seen_5": seen[:, 2].mean(), "seen_5_se": over(seen)[1][2],
        "fresh_1": fresh[:, 0].mean(), "fresh_1_se": over(fresh)[1][0],
    }  # fmt: skip
    return Found(numbers, plot, bool((mean > 3 * se).all()) and abs(fresh[:, 0].mean() - 50) < 3 * over(fresh)[1][0])


def optimizing_for_the_test_folds(rng: np.random.Generator) -> Found:
    """3. No signal at all: columns chosen on all rows before cross-validation, or inside each training part."""
    outside, inside, each = np.empty(200), np.empty(200), np.empty(200)

    def score(x: np.ndarray, y: np.ndarray, train: np.ndarray, valid: np.ndarray, by: np.ndarray, take: int) -> float:
        strength = np.abs(x[by].T @ y[by])
        columns = np.argsort(-strength)[:take]
        centre = x[train][:, columns].T @ y[train]
        return float(np.mean((x[valid][:, columns] @ centre > 0) == (y[valid] > 0)))

    for repeat in range(200):
        x, y = rng.normal(size=(60, 500)), rng.permutation(np.repeat([-1.0, 1.0], 30))
        folds = rng.permutation(60).reshape(5, 12)
        scores = []
        for valid in folds:
            train = np.setdiff1d(np.arange(60), valid)
            takes = [score(x, y, train, valid, train, take) for take in (1, 2, 3, 5, 8, 13, 21, 34, 55, 89)]
            scores.append((score(x, y, train, valid, np.arange(60), 10), takes[4], max(takes)))
        outside[repeat], inside[repeat], each[repeat] = 100 * np.mean(scores, 0)
    table = np.stack([outside, each, inside], 1)
    mean, se = over(table)
    plot = Plot(
        f"With no signal at all, tuning on the test folds makes {mean[0]:.0f} % and {mean[1]:.0f} % of chance's 50 %",
        f"Labels are coin tosses. 5-fold accuracy where ten of 500 columns were chosen on all rows before: "
        f"{mean[0]:.1f} %. Where each fold took the setting that was best on its own test part: {mean[1]:.1f} %. Where "
        f"columns were chosen inside the training part, with one setting: {mean[2]:.1f} %.",
        [Series("", [0, 1, 2], mean.tolist(), *ends(mean, se), kind="bars", colour=0)],
        "what was done with the test folds",
        "5-fold accuracy, %",
        xlim=(-0.6, 2.6),
        ylim=(0, 100),
        xticks={0.0: "columns chosen on all rows", 1.0: "best setting per test fold", 2.0: "nothing"},
        rules=[(50.0, "truth")],
    )
    numbers = {
        "outside": mean[0], "outside_se": se[0], "each": mean[1], "each_se": se[1], "inside": mean[2],
        "inside_se": se[2],
    }  # fmt: skip
    return Found(numbers, plot, mean[0] - 50 > 3 * se[0] and mean[1] - 50 > 3 * se[1] and abs(mean[2] - 50) < 3 * se[2])


def many_configurations(rng: np.random.Generator) -> Found:
    """4. The more configurations are tried, the more the best validation score flatters."""
    found, tries = tournament(), [1, 2, 5, 10, 20, 40]
    gap, true = np.empty((STUDIES, len(tries))), np.empty((STUDIES, len(tries)))
    at = np.arange(STUDIES)
    for column, k in enumerate(tries):
        best = found["valid"][:, :k].argmax(1)
        true[:, column] = found["truth"][at, best]
        gap[:, column] = found["valid"][at, best] - true[:, column]
    mean, se = over(gap)
    better, better_se = mean_se(true[:, -1] - true[:, 3])
    plot = Plot(
        f"One configuration flatters by {mean[0]:+.1f} points, the best of 40 by {mean[-1]:+.1f}",
        f"Mean best validation accuracy minus the true accuracy of that configuration, by configurations tried, over "
        f"{STUDIES} simulated studies: " + ", ".join(f"{k}: {m:+.1f}" for k, m in zip(tries, mean, strict=True)) + ".",
        [dots("best score minus its truth", tries, gap, 1)],
        "configurations tried (log scale)",
        "optimism, points of accuracy",
        logx=True,
        rules=[(0.0, "no optimism")],
    )
    numbers = {
        "one": mean[0], "one_se": se[0], "ten": mean[3], "ten_se": se[3], "forty": mean[-1], "forty_se": se[-1],
        "better": better, "better_se": better_se,
    }  # fmt: skip
    return Found(numbers, plot, mean[-1] > 3 * se[-1] and abs(mean[0]) < 3 * se[0])


def perfect_training_accuracy(rng: np.random.Generator) -> Found:
    """5. Wider and wider networks on 150 rows: training accuracy reaches 100 %, and the truth need not suffer."""
    widths = [4, 10, 30, 80, 150, 400, 1000, 3000]
    seen, true = np.empty((40, len(widths))), np.empty((40, len(widths)))
    for repeat in range(40):
        direction = rng.normal(size=(4, 3))
        x, new = rng.normal(size=(150, 4)), rng.normal(size=(2000, 4))
        y, z = (np.sign(np.sin(part @ direction).sum(1)) for part in (x, new))
        for column, width in enumerate(widths):
            hidden = rng.normal(size=(5, width))
            a, b = (np.maximum(0, np.c_[part, np.ones(len(part))] @ hidden) for part in (x, new))
            weights = ridge(a, y, 1e-4 * width)
            seen[repeat, column], true[repeat, column] = right(a, y, weights), right(b, z, weights)
    gain, se = mean_se(true[:, -1] - true[:, 2])
    plot = Plot(
        f"{seen[:, -1].mean():.0f} % on the training rows, and {gain:.1f} points better on fresh ones "
        f"than at {seen[:, 2].mean():.0f} %",
        "Accuracy by width of the network, on the 150 training rows and on fresh rows. "
        + "; ".join(
            f"width {w}: {a:.1f} % and {b:.1f} %" for w, a, b in zip(widths, seen.mean(0), true.mean(0), strict=True)
        )
        + ".",
        [dots("training rows", widths, seen, 1, "line"), dots("fresh rows", widths, true, 0, "line")],
        "width of the network (log scale)",
        "accuracy, %",
        logx=True,
    )
    numbers = {
        "seen_wide": seen[:, -1].mean(), "true_wide": true[:, -1].mean(), "true_wide_se": over(true)[1][-1],
        "seen_30": seen[:, 2].mean(), "true_30": true[:, 2].mean(), "gain": gain, "gain_se": se,
    }  # fmt: skip
    return Found(numbers, plot, gain > 3 * se and seen[:, -1].min() == 100)


def specificity(rng: np.random.Generator) -> Found:
    """6. One test with sensitivity 80 % and specificity 90 % at several prevalences: what the other figures do."""
    shares = [0.02, 0.05, 0.1, 0.2, 0.35, 0.5]
    kinds = np.empty((3, 300, len(shares)))
    for column, share in enumerate(shares):
        ill = rng.binomial(1000, share, 300)
        missed, alarms = rng.binomial(ill, 0.2), rng.binomial(1000 - ill, 0.1)
        kinds[0, :, column] = 100 * (1 - alarms / (1000 - ill))
        kinds[1, :, column] = 100 * (1 - (missed + alarms) / 1000)
        kinds[2, :, column] = alarms - missed
    spec, accuracy, difference = kinds
    x = [100 * share for share in shares]
    plot = Plot(
        "Specificity stays at 90 % where the difference of the errors changes its sign",
        "A test of sensitivity 80 % and specificity 90 % on 1,000 rows. By prevalence, specificity, accuracy, and "
        "false positives minus false negatives: "
        + "; ".join(
            f"{a:.0f} %: {b:.1f} %, {c:.1f} %, {d:+.0f}"
            for a, b, c, d in zip(x, spec.mean(0), accuracy.mean(0), difference.mean(0), strict=True)
        )
        + ".",
        [
            dots("specificity, %", x, spec, 0),
            dots("accuracy, %", x, accuracy, 2),
            dots("false positives - false negatives, rows", x, difference, 1),
        ],
        "prevalence, %",
        "per cent, or rows",
        rules=[(0.0, "")],
    )
    low, low_se = mean_se(difference[:, 0])
    high, high_se = mean_se(difference[:, -1])
    numbers = {
        "low": low, "low_se": low_se, "high": high, "high_se": high_se, "spec_low": spec[:, 0].mean(),
        "spec_high": spec[:, -1].mean(), "acc_low": accuracy[:, 0].mean(), "acc_high": accuracy[:, -1].mean(),
        "acc_se": over(accuracy)[1].max(),
    }  # fmt: skip
    return Found(numbers, plot, low > 3 * low_se and high < -3 * high_se)


def precision(rng: np.random.Generator) -> Found:
    """7. Five networks that differ by their seed alone: how often they agree, and their precision, by prevalence."""
    shares = [0.02, 0.05, 0.1, 0.2, 0.35, 0.5]
    agree, precise = np.empty((120, len(shares))), np.empty((120, len(shares)))
    for repeat in range(120):
        direction = rng.normal(size=6)
        direction *= 1.3 / np.linalg.norm(direction)

        def draw(n: int, share: float, d: np.ndarray = direction) -> tuple[np.ndarray, np.ndarray]:
            y = np.where(rng.random(n) < share, 1.0, -1.0)
            return rng.normal(size=(n, 6)) + y[:, None] * d, y

        x, y = draw(300, 0.5)
        nets = []
        for _ in range(5):
            hidden = rng.normal(size=(7, 60))
            nets.append((hidden, ridge(np.maximum(0, np.c_[x, np.ones(300)] @ hidden), y, 3.0)))
        for column, share in enumerate(shares):
            new, z = draw(2000, share)
            calls = np.stack([np.maximum(0, np.c_[new, np.ones(2000)] @ h) @ w > 0 for h, w in nets])
            pairs = [np.mean(calls[i] == calls[j]) for i in range(5) for j in range(i)]
            agree[repeat, column] = 100 * np.mean(pairs)
            precise[repeat, column] = 100 * np.mean([np.mean(z[c] > 0) for c in calls])
    x_axis = [100 * share for share in shares]
    plot = Plot(
        "Networks agree with themselves the same, while precision falls with the prevalence",
        "Agreement between seeds, and precision, of the same five networks by prevalence: "
        + "; ".join(
            f"{a:.0f} %: {b:.1f} % and {c:.1f} %"
            for a, b, c in zip(x_axis, agree.mean(0), precise.mean(0), strict=True)
        )
        + ".",
        [dots("two seeds agree", x_axis, agree, 0), dots("precision", x_axis, precise, 1)],
        "prevalence among the rows scored, %",
        "per cent",
        ylim=(0, 100),
    )
    fall, fall_se = mean_se(precise[:, -1] - precise[:, 0])
    change, change_se = mean_se(agree[:, -1] - agree[:, 0])
    numbers = {
        "agree_low": agree[:, 0].mean(), "agree_high": agree[:, -1].mean(), "agree_se": over(agree)[1].max(),
        "precision_low": precise[:, 0].mean(), "precision_high": precise[:, -1].mean(),
        "precision_se": over(precise)[1].max(), "change": change, "change_se": change_se,
    }  # fmt: skip
    return Found(numbers, plot, fall > 3 * fall_se and abs(change) < fall / 10)


@cache
def repeated() -> tuple[np.ndarray, np.ndarray]:
    """5-fold accuracy of 300 data sets of 100 rows, divided anew 40 times, and its truth for models of 80 rows."""
    rng = np.random.default_rng(8)
    scores, truth = np.empty((300, 40)), np.empty(300)
    for place in range(300):
        direction = rng.normal(size=5)
        direction *= 0.8 / np.linalg.norm(direction)
        y = np.where(rng.random(100) < 0.5, 1.0, -1.0)
        x = np.c_[rng.normal(size=(100, 5)) + y[:, None] * direction, np.ones(100)]
        z = np.where(rng.random(2000) < 0.5, 1.0, -1.0)
        new = np.c_[rng.normal(size=(2000, 5)) + z[:, None] * direction, np.ones(2000)]
        true = []
        for repeat in range(40):
            hits = 0.0
            for valid in rng.permutation(100).reshape(5, 20):
                train = np.setdiff1d(np.arange(100), valid)
                weights = ridge(x[train], y[train], 1.0)
                hits += right(x[valid], y[valid], weights) / 5
                if repeat < 2:
                    true.append(right(new, z, weights))
            scores[place, repeat] = hits
        truth[place] = np.mean(true)
    return scores, truth


def repeating(rng: np.random.Generator) -> Found:
    """8. Repeats shrink the part of the error that is luck of the division; the luck of the rows stays."""
    scores, truth = repeated()
    counts = [1, 2, 5, 10, 20, 40]
    error = np.stack([(scores[:, :k].mean(1) - truth) ** 2 for k in counts], 1)
    between = np.stack([scores[:, :k].var(1, ddof=1) / k if k > 1 else scores.var(1, ddof=1) for k in counts], 1)
    size, luck = np.sqrt(error.mean(0)), np.sqrt(between.mean(0))
    size_se = error.std(0, ddof=1) / np.sqrt(len(error)) / (2 * size)
    plot = Plot(
        f"40 repeats leave {100 * size[-1] / size[0]:.0f} % of the error of one",
        "Typical distance of the mean 5-fold accuracy from the truth, and the part that is luck of the division, by "
        "repeats of the same 100 rows: "
        + "; ".join(f"{k}: {a:.2f} and {b:.2f} points" for k, a, b in zip(counts, size, luck, strict=True))
        + ".",
        [
            Series("distance from the truth", counts, size.tolist(), *ends(size, size_se), kind="dots", colour=1),
            Series("luck of the division alone", counts, luck.tolist(), kind="dots", colour=0),
        ],
        "repeats of 5-fold (log scale)",
        "points of accuracy",
        logx=True,
        ylim=(0, 1.1 * float(size.max())),
    )
    numbers = {
        "error_1": size[0], "error_1_se": size_se[0], "error_40": size[-1], "error_40_se": size_se[-1],
        "luck_1": luck[0], "luck_40": luck[-1],
    }  # fmt: skip
    return Found(numbers, plot, size[-1] > 3 * size_se[-1] and size[-1] > 3 * luck[-1])


def the_same_every_time(rng: np.random.Generator) -> Found:
    """9. The same rows, divided anew: 5-fold gives another figure each time."""
    scores, _ = repeated()
    spread = scores.std(1, ddof=1)
    width = np.ptp(scores[:, :20], axis=1)
    mean, se = mean_se(spread)
    wide, wide_se = mean_se(width)
    order = np.argsort(np.abs(spread - mean))[:5]
    series = [
        Series("", [i + 1 + 0.012 * (j - 20) for j in range(40)], scores[k].tolist(), kind="dots", colour=i % 4)
        for i, k in enumerate(order)
    ]
    plot = Plot(
        f"Same rows, same model, another division: 5-fold moves by {mean:.1f} points (SD)",
        f"5-fold accuracy of five typical data sets of 100 rows, each divided anew 40 times. Over 300 data sets the "
        f"standard deviation between divisions is {mean:.2f} points, and 20 divisions span {wide:.1f} points.",
        series,
        "data set",
        "5-fold accuracy, %",
        xlim=(0.5, 5.5),
        xticks={float(i): str(i) for i in range(1, 6)},
    )
    return Found({"sd": mean, "sd_se": se, "span": wide, "span_se": wide_se}, plot, mean > 3 * se)


@cache
def elsewhere() -> tuple[list[float], np.ndarray, np.ndarray]:
    """Accuracy of two models in places where a marker agrees with the label as often as given, and internally.

    One model sees five columns of the disease and a marker of the place, which agrees with the label in 90 % of the
    training rows; the other sees the five columns alone.
    """
    rng = np.random.default_rng(10)
    agreement = [0.9, 0.8, 0.7, 0.6, 0.5]
    found = np.empty((2, 200, len(agreement)))
    inside = np.empty((200, 2))
    for repeat in range(200):
        direction = rng.normal(size=5)
        direction *= 0.9 / np.linalg.norm(direction)

        def draw(n: int, share: float, d: np.ndarray = direction) -> tuple[np.ndarray, np.ndarray]:
            y = np.where(rng.random(n) < 0.5, 1.0, -1.0)
            marker = np.where(rng.random(n) < share, y, -y)
            return np.c_[rng.normal(size=(n, 5)) + y[:, None] * d, marker, np.ones(n)], y

        x, y = draw(300, 0.9)
        columns = ([0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4, 6])
        nets = [ridge(x[:, use], y, 1.0) for use in columns]
        own, z = draw(1000, 0.9)
        inside[repeat] = [right(own[:, use], z, w) for use, w in zip(columns, nets, strict=True)]
        for column, share in enumerate(agreement):
            new, z = draw(1000, share)
            found[:, repeat, column] = [right(new[:, use], z, w) for use, w in zip(columns, nets, strict=True)]
    return agreement, found, inside


def new_data(rng: np.random.Generator) -> Found:
    """10. A locked test of the same source says nothing about a place where a shortcut no longer holds."""
    _, found, inside = elsewhere()
    both = np.stack([inside[:, 0], found[0, :, -1]], 1)
    drop, se = mean_se(both[:, 0] - both[:, 1])
    plain, plain_se = mean_se(inside[:, 1] - found[1, :, -1])
    mean, error = over(both)
    plot = Plot(
        f"{mean[0]:.0f} % on locked rows of the same hospital, {mean[1]:.0f} % in another one",
        f"Accuracy of a model that learned a marker of its own hospital beside the disease: {mean[0]:.1f} % on locked "
        f"rows from there, {mean[1]:.1f} % where the marker says nothing; a drop of {drop:.1f} points over 200 "
        f"simulations. A model without the marker drops by {plain:.1f}.",
        [Series("", [0, 1], mean.tolist(), *ends(mean, error), kind="bars", colour=0)],
        "where the rows come from",
        "accuracy, %",
        xlim=(-0.8, 1.8),
        ylim=(0, 100),
        xticks={0.0: "locked rows, same hospital", 1.0: "another hospital"},
    )
    numbers = {"inside": mean[0], "outside": mean[1], "drop": drop, "drop_se": se, "plain": plain, "plain_se": plain_se}
    return Found(numbers, plot, drop > 3 * se and abs(plain) < drop / 10)


def external_data(rng: np.random.Generator) -> Found:
    """11. External rows that are nearly identical favour a model with a shortcut; rows of another origin show it."""
    agreement, found, _ = elsewhere()
    x = [100 * share for share in agreement]
    near, near_se = mean_se(found[0, :, 0] - found[1, :, 0])
    far, far_se = mean_se(found[0, :, -1] - found[1, :, -1])
    plot = Plot(
        f"Nearly identical rows put the shortcut {near:+.1f} points ahead, another origin {far:+.1f}",
        "Accuracy of a model with a shortcut and of one without, in places where the marker agrees with the label less "
        "and less often: "
        + "; ".join(
            f"{a:.0f} %: {b:.1f} and {c:.1f} %" for a, b, c in zip(x, found[0].mean(0), found[1].mean(0), strict=True)
        )
        + ". It agrees in 90 % of the training rows.",
        [
            dots("with the shortcut", x, found[0], 1, "line"),
            dots("without it", x, found[1], 0, "line"),
        ],
        "how often the marker agrees with the label there, % (training: 90)",
        "accuracy, %",
        xlim=(92, 48),
        xticks={value: f"{value:.0f}" for value in x},
    )
    numbers = {"near": near, "near_se": near_se, "far": far, "far_se": far_se}
    return Found(numbers, plot, near > 3 * near_se and far < -3 * far_se)


def grid_search(rng: np.random.Generator) -> Found:
    """12. 81 evaluations of a smooth function of four parameters, of which one or two matter: grid, random, optimum."""
    regret = np.empty((1000, 3))
    axis = np.array([0.0, 0.5, 1.0])
    grid = np.stack(np.meshgrid(*[axis] * 4), -1).reshape(-1, 4)
    middle = np.stack(np.meshgrid(*[np.array([1, 3, 5]) / 6] * 4), -1).reshape(-1, 4)
    for repeat in range(1000):
        weights, best = rng.permutation([1.0, 0.3, 0.03, 0.01]), rng.random(4)
        for column, points in enumerate((grid, middle, rng.random((81, 4)))):
            regret[repeat, column] = 100 * (weights * (points - best) ** 2).sum(1).min()
    mean, se = over(regret)
    gain, gain_se = mean_se(regret[:, 0] - regret[:, 2])
    plot = Plot(
        f"81 points of a grid miss the optimum by {mean[0]:.1f} points, 81 random ones by {mean[2]:.1f}",
        f"Mean distance from the optimum after 81 evaluations, in points of a smooth score, over 1,000 random "
        f"functions of four parameters: a grid of three values with the ends {mean[0]:.2f}, three values in the middle "
        f"of thirds {mean[1]:.2f}, random {mean[2]:.2f}. The optimum is 0.",
        [Series("", [0, 1, 2], mean.tolist(), *ends(mean, se), kind="bars", colour=0)],
        "81 evaluations",
        "missed by, points",
        xlim=(-0.6, 2.6),
        ylim=(0, 1.25 * float(mean.max())),
        xticks={0.0: "grid, ends and middle", 1.0: "grid, middles of thirds", 2.0: "random"},
    )
    numbers = {
        "grid": mean[0], "grid_se": se[0], "middle": mean[1], "middle_se": se[1], "random": mean[2],
        "random_se": se[2], "gain": gain, "gain_se": gain_se,
    }  # fmt: skip
    return Found(numbers, plot, mean[0] > 3 * se[0])


def random_until_success(rng: np.random.Generator) -> Found:
    """13. Draw until the validation score reaches a target: what the one that stopped the search is worth."""
    found = tournament()
    target = float(np.quantile(found["truth"], 0.9))
    hit = found["valid"] >= target
    stopped = hit.any(1)
    first = hit.argmax(1)[stopped]
    at = np.flatnonzero(stopped)
    true, seen = found["truth"][at, first], found["valid"][at, first]
    below, below_se = mean_se(100.0 * (true < target))
    gap, gap_se = mean_se(seen - true)
    edges = np.arange(-16, 13, 2.0)
    counts = np.histogram(true - target, edges)[0]
    share = 100 * counts / len(true)
    plot = Plot(
        f"{below:.0f} % of the searches that stopped at success had not succeeded",
        f"Searches stop at the first validation accuracy of {target:.1f} % or more, which one configuration in ten "
        f"truly reaches. {int(stopped.sum())} of {STUDIES} stopped. True accuracy of the one that stopped it, against "
        f"the target: below it in {below:.0f} % of them, on average {gap:.1f} points less than was seen.",
        [Series("", (edges[:-1] + 1).tolist(), share.tolist(), kind="bars", colour=0)],
        "true accuracy of the success, points above the target",
        "share of the searches, %",
        ylim=(0, 1.1 * float(share.max())),
    )
    numbers = {
        "target": target, "stopped": float(stopped.sum()), "studies": float(STUDIES), "below": below,
        "below_se": below_se, "gap": gap, "gap_se": gap_se,
    }  # fmt: skip
    return Found(numbers, plot, below - 50 > 3 * below_se and gap > 3 * gap_se)


def one_thing(rng: np.random.Generator) -> Found:
    """14. Width at one learning rate for all, and at one tuned for each: another difference of the widths."""
    widths, rates, seeds = [4, 16, 64, 256], [0.003, 0.01, 0.03, 0.1, 0.3, 1.0], 24
    loss = np.empty((seeds, len(widths), len(rates)))
    for seed in range(seeds):
        direction = rng.normal(size=(6, 3)) / 2
        x, new = rng.normal(size=(120, 6)), rng.normal(size=(600, 6))
        y, z = (np.tanh(part @ direction).sum(1) for part in (x, new))
        for i, width in enumerate(widths):
            start, out = rng.normal(size=(6, width)) / np.sqrt(6), rng.normal(size=width) / np.sqrt(width)
            for j, rate in enumerate(rates):
                a, b = start.copy(), out.copy()
                for _ in range(60):
                    h = np.tanh(x @ a)
                    error = h @ b - y
                    down = (error[:, None] * b) * (1 - h**2)
                    b -= rate * h.T @ error / len(x)
                    a -= rate * x.T @ down / len(x)
                    if not np.isfinite(b).all() or np.abs(b).max() > 1e6:
                        break
                rest = np.tanh(new @ a) @ b - z
                value = float(np.mean(rest**2) / np.var(z))
                loss[seed, i, j] = min(value, 2.0) if np.isfinite(value) else 2.0
    mean = loss.mean(0)
    own = mean.argmin(1)
    fixed = int(own[0])
    at_one, tuned = loss[:, :, fixed], loss[:, np.arange(len(widths)), own]
    wide_fixed, wide_fixed_se = mean_se(at_one[:, -1] - at_one[:, 0])
    wide_tuned, wide_tuned_se = mean_se(tuned[:, -1] - tuned[:, 0])
    x_axis = [float(w) for w in widths]
    best = ", ".join(f"{rates[k]:g}" for k in own)
    plot = Plot(
        f"At the narrow network's learning rate the wide one looks {wide_fixed:+.2f} worse; tuned, {wide_tuned:+.2f}",
        f"Error of networks of width 4, 16, 64 and 256 relative to guessing the mean, after 60 steps: at the learning "
        f"rate {rates[fixed]:g}, the best of width 4: " + ", ".join(f"{v:.2f}" for v in at_one.mean(0))
        + f"; each at its own best learning rate ({best}): " + ", ".join(f"{v:.2f}" for v in tuned.mean(0)) + ".",
        [dots("one rate for all", x_axis, at_one, 1, "line"), dots("tuned for each", x_axis, tuned, 0, "line")],
        "width (log scale)",
        "error (1 = guessing the mean)",
        logx=True,
        xlim=(3, 340),
        xticks={4.0: "4", 16.0: "16", 64.0: "64", 256.0: "256"},
    )  # fmt: skip
    numbers = {
        "fixed": wide_fixed, "fixed_se": wide_fixed_se, "tuned": wide_tuned, "tuned_se": wide_tuned_se,
        "rate_narrow": rates[own[0]], "rate_wide": rates[own[-1]],
    }  # fmt: skip
    return Found(numbers, plot, wide_fixed > 3 * wide_fixed_se and abs(wide_tuned) < wide_fixed / 10)


def other_animals(rng: np.random.Generator) -> Found:
    """15. Inputs of no class: how sure the model is of them says nothing about how often it is right."""
    accuracy, fooled = np.empty(300), np.empty(300)
    for repeat in range(300):
        centres = rng.normal(size=(3, 6))
        centres *= rng.uniform(0.9, 2.6) / np.linalg.norm(centres, axis=1, keepdims=True)

        def draw(n: int, at: np.ndarray = centres) -> tuple[np.ndarray, np.ndarray]:
            y = rng.integers(0, len(at), n)
            return np.c_[rng.normal(size=(n, 6)) + at[y], np.ones(n)], y

        x, y = draw(200)
        new, z = draw(500)
        stranger = rng.normal(size=(1, 6))
        stranger *= rng.uniform(0.0, 4.0) / np.linalg.norm(stranger)
        others, _ = draw(500, stranger)
        weights = np.zeros((7, 3))
        for _ in range(150):
            p = np.exp(x @ weights - (x @ weights).max(1, keepdims=True))
            p /= p.sum(1, keepdims=True)
            weights -= 0.5 * (x.T @ (p - np.eye(3)[y]) / len(x) + 0.005 * weights)
        sure = []
        for rows in (new, others):
            p = np.exp(rows @ weights - (rows @ weights).max(1, keepdims=True))
            sure.append(p / p.sum(1, keepdims=True))
        hit = sure[0].argmax(1) == z
        accuracy[repeat] = 100 * hit.mean()
        fooled[repeat] = 100 * np.mean(sure[1].max(1) > np.median(sure[0].max(1)[hit]))
    ranks = [np.argsort(np.argsort(values)) for values in (accuracy, fooled)]
    r = float(np.corrcoef(*ranks)[0, 1])
    r_se = float(1 / np.sqrt(len(accuracy) - 3))
    mean, se = mean_se(fooled)
    alike = fooled[(accuracy >= 75) & (accuracy < 85)]
    low, high = np.quantile(alike, [0.1, 0.9])
    some = rng.permutation(300)[:150]
    plot = Plot(
        f"Models right on 75 to 85 % are fooled by {low:.0f} to {high:.0f} % of the strangers",
        f"300 simulated models of three classes, 150 of them drawn: accuracy on rows of these classes, from "
        f"{accuracy.min():.0f} to {accuracy.max():.0f} %, against the share of inputs of no class of which it is surer "
        f"than of the median of its correct answers, on average {mean:.0f} %. Rank correlation {r:.2f} "
        f"(standard error {r_se:.2f}). Of the {len(alike)} models with an accuracy of 75 to 85 %, the middle four "
        f"fifths are fooled by {low:.0f} to {high:.0f} %.",
        [Series("", accuracy[some].tolist(), fooled[some].tolist(), kind="dots", colour=0)],
        "accuracy on rows of its classes, %",
        "strangers that fool it, %",
        ylim=(0, 100),
    )
    numbers = {"r": r, "r_se": r_se, "explained": 100 * r * r, "fooled": mean, "fooled_se": se, "low": low}
    numbers |= {"high": high, "alike": float(len(alike))}
    return Found(numbers, plot, r * r < 0.5 and high - low > 30)


POINTS: dict[str, Callable[[np.random.Generator], Found]] = {
    "p01": choosing_on_the_test_set,
    "p02": validating_on_training_rows,
    "p03": optimizing_for_the_test_folds,
    "p04": many_configurations,
    "p05": perfect_training_accuracy,
    "p06": specificity,
    "p07": precision,
    "p08": repeating,
    "p09": the_same_every_time,
    "p10": new_data,
    "p11": external_data,
    "p12": grid_search,
    "p13": random_until_success,
    "p14": one_thing,
    "p15": other_animals,
}


def figure_of(point: str) -> str:
    """The name of a point's figure, such as `p01_choosing_on_the_test_set.svg`."""
    return f"{point}_{POINTS[point].__name__}.svg"


def rendered(template: str, points: dict[str, dict]) -> str:
    """The page: `{{p01.test_gap:.1f}}` becomes the number, and `{{p01.figure:}}` the figure with its words."""

    def put(match: re.Match[str]) -> str:
        point, name, form = match.groups()
        if name == "figure":
            return f"![{points[point]['words']}](figures/{figure_of(point)})"
        return format(points[point]["numbers"][name], form)

    return FIELD.sub(put, template)


def page() -> str:
    """The page as the stored numbers make it."""
    stored = json.loads((RESULTS / "tutorials.json").read_text(encoding="utf-8"))
    return rendered(TEMPLATE.read_text(encoding="utf-8"), stored["details"]["points"])


def main() -> None:
    began, points = time.monotonic(), {}
    FIGURES.mkdir(exist_ok=True)
    for number, (point, simulate) in enumerate(POINTS.items(), 1):
        started = time.monotonic()
        found = simulate(np.random.default_rng(100 + number))
        (FIGURES / figure_of(point)).write_text(found.plot.svg(), encoding="utf-8")
        words = f"{found.plot.title}. {found.plot.description}".replace("[", "(").replace("]", ")")
        points[point] = {
            "numbers": {name: round(float(value), 6) for name, value in found.numbers.items()},
            "words": words,
            "holds": bool(found.holds),
        }
        print(f"{point} {'holds' if found.holds else 'DOES NOT HOLD'} ({time.monotonic() - started:.1f} s): ", end="")
        print(", ".join(f"{name} {value:.3g}" for name, value in found.numbers.items()), flush=True)
    seconds, holding = time.monotonic() - began, sum(point["holds"] for point in points.values())
    record(
        "tutorials",
        reached=holding == len(points) and seconds < LIMIT,
        figure=f"{holding} of {len(points)} claims held in simulations with known truth; {seconds:.0f} s",
        points=points,
    )
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
