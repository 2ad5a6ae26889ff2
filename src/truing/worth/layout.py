"""Which runs of the defaults answer the questions, and what each costs. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from truing.data.outline import Outline
from truing.data.split import share_of_groups, share_of_rows
from truing.record.seeds import stream
from truing.record.trial import ADVICE, Replicate
from truing.setting import Setting

BASE, SEEDS, BATCH, QUARTER, HALF, SHORT, LONG = "base", "seeds", "batch", "quarter", "half", "short", "long"
_FROM = {BASE: 0, SEEDS: 100, BATCH: 200, QUARTER: 300, HALF: 400, SHORT: 500, LONG: 600}  # places of their runs
ROWS = 32  # of the one batch
VISITS = 8_000  # so often, all rows and epochs together, a row of the batch is to be trained on at least
DEAREST = 5  # ordinary runs that this may cost, where these are short
FEWEST = 8  # rows of the smallest share that are worth a training

NO_DATA = "the study has no data=, so Truing does not know the rows"
NO_VALID = "validation=None gives the function no rows to report on"
NO_EPOCHS = "the function does not go by run.epochs(), so Truing cannot shorten or lengthen a run"
OWN_EPOCHS = (
    "the function sets the number itself, run.epochs({0}); with Study(epochs={0}) and run.epochs() a run can be longer"
)
TOO_SHORT = "a run has one epoch only, of which there is no half"


@dataclass(frozen=True)
class Size:
    """How many runs each question gets.

    Args:
        splits: that the defaults are scored on.
        seeds: further ones on the first split.
        curves: splits of the shares of the rows and of half the epochs.
        long: splits of twice the epochs, which costs most.
    """

    splits: int
    seeds: int
    curves: int
    long: int


FULL, QUICK = Size(5, 3, 4, 3), Size(3, 2, 3, 2)


@dataclass(frozen=True)
class Ask:
    """One run of the defaults.

    Args:
        place: its number among the runs of this purpose, the same at every call.
        replicate: rows and seed.
        epochs: how far it goes; None = as the study has it.
        cost: in ordinary runs.
    """

    place: int
    replicate: Replicate
    epochs: int | None = None
    cost: float = 1.0


@dataclass(frozen=True)
class Layout:
    """All runs by what they are for, and why some are not made.

    Args:
        splits: how many different splits the base runs are on; 0 without validation rows of Truing's own.
        epochs: of an ordinary run; None where the function does not go by `run.epochs()`.
        why_not: of a part that has no runs, the reason.
    """

    asks: Mapping[str, Sequence[Ask]]
    splits: int
    epochs: int | None
    why_not: Mapping[str, str]

    @property
    def all(self) -> list[Ask]:
        return [ask for part in self.asks.values() for ask in part]

    def replicates(self, part: str) -> list[Replicate]:
        """Rows and seeds of the runs of a part, in order."""
        return [ask.replicate for ask in self.asks.get(part, ())]


def layout(setting: Setting, asked: int | None, size: Size = FULL) -> Layout:
    """The runs that answer the questions for this study.

    Rows of the base are drawn afresh from the development rows, as the study's validation draws them. A smaller size
    has the first of the larger one's runs.

    Args:
        asked: epochs that the function asked for in the rehearsal; None where it asked for none.
    """
    base = _base(setting, size.splits)
    rows = setting.plan.rows
    splits = 0 if rows is None or setting.validation is None else len({_key(one) for one in base})
    asks = {BASE: [Ask(_FROM[BASE] + place, one) for place, one in enumerate(base)]}
    why: dict[str, str] = {}
    if splits > 1:
        asks[SEEDS] = [
            Ask(_FROM[SEEDS] + place, replace(base[0], index=_FROM[SEEDS] + place)) for place in range(size.seeds)
        ]
    if rows is None or setting.data is None:
        why |= dict.fromkeys((BATCH, QUARTER), NO_DATA)
    else:
        if setting.validation is None:
            why[BATCH] = NO_VALID
        else:
            asks[BATCH] = [_one_batch(setting, base[0], asked)]
        _shares(setting, base[: size.curves], asks, why)
    _lengths(setting, base, asked, size, asks, why)
    return Layout(asks, splits, asked, why)


def _base(setting: Setting, number: int) -> list[Replicate]:
    if setting.validation is None:
        first = setting.plan.replicates[0]
        return [replace(first, index=place, repeat=place) for place in range(number)]
    found = list(setting.fresh(ADVICE, FULL.splits))
    described = getattr(setting.validation, "to_dict", None)
    kind = described()["name"] if described is not None else ""
    if kind == "time_ordered":  # the last ones train on the most rows, as what is delivered does
        found.reverse()
    return found[:number]


def _key(replicate: Replicate) -> tuple[bytes, bytes]:
    train, valid = replicate.train, replicate.valid
    return (b"" if train is None else train.tobytes(), b"" if valid is None else valid.tobytes())


def _one_batch(setting: Setting, split: Replicate, epochs: int | None) -> Ask:
    """A few rows to train on and to be scored on, again and again until they make an ordinary run.

    Repeated as rows they make it whatever sets the number of epochs, with as many steps and the same schedule.
    """
    rows = split.train if split.train is not None else np.arange(0)
    rng = stream(setting.plan.seed, ADVICE, BATCH)
    strata = setting.outline()["data"].strata
    number = max(2, min(ROWS, len(rows) // 2))
    chosen = rng.permutation(rows)
    if strata is not None:  # the classes in turn, so that the commonest does not fill it
        codes = strata[chosen]
        turn = np.zeros(len(chosen), dtype=np.int64)
        for code in np.unique(codes):
            turn[codes == code] = np.arange(int((codes == code).sum()))
        chosen = chosen[np.argsort(turn, kind="stable")]
    batch = np.sort(chosen[:number])
    visits = max(len(rows), min(DEAREST * len(rows), math.ceil(VISITS / epochs))) if epochs else len(rows)
    train = np.tile(batch, max(1, math.ceil(visits / len(batch))))
    one = replace(split, index=_FROM[BATCH], train=train, valid=batch)
    return Ask(_FROM[BATCH], one, cost=len(train) / max(1, len(rows)))


def _shares(setting: Setting, base: Sequence[Replicate], asks: dict[str, list[Ask]], why: dict[str, str]) -> None:
    """A quarter within a half of each split's training rows; the validation rows and the seed stay."""
    whole: Outline = setting.outline()["data"]
    quarters: list[Ask] = []
    halves: list[Ask] = []
    for place, one in enumerate(base):
        if one.train is None or len(one.train) < 4 * FEWEST:
            why[QUARTER] = f"a quarter of the training rows would be fewer than {FEWEST}"
            return
        rng = stream(setting.plan.seed, ADVICE, HALF, place)
        half = _share(whole, one.train, rng)
        quarter = _share(whole, half, rng) if half is not None else None
        if half is None or quarter is None:
            why[QUARTER] = "there are too few groups to leave half of them out, and half of these once more"
            return
        for into, name, rows in ((quarters, QUARTER, quarter), (halves, HALF, half)):
            cost = len(rows) / len(one.train)
            into.append(Ask(_FROM[name] + place, replace(one, train=rows), cost=cost))
    asks[QUARTER], asks[HALF] = quarters, halves


def _share(whole: Outline, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray | None:
    """Half of some rows: the latest where time is known, whole groups, else stratified by class."""
    if whole.time is not None:
        order = np.argsort(whole.time[rows], kind="stable")
        return np.sort(rows[order[len(rows) // 2 :]])
    strata = None if whole.strata is None else whole.strata[rows]
    if whole.group_labels is None:
        return np.asarray(rows[share_of_rows(len(rows), 0.5, strata, rng)])
    groups = np.unique(whole.group_labels[rows], return_inverse=True)[1].reshape(-1)
    if groups.max() < 1:
        return None
    return np.asarray(rows[share_of_groups(groups, 0.5, strata, rng)])


def _lengths(
    setting: Setting,
    base: Sequence[Replicate],
    asked: int | None,
    size: Size,
    asks: dict[str, list[Ask]],
    why: dict[str, str],
) -> None:
    """Half the epochs and twice, on rows and seeds of the base."""
    if asked is None:
        why |= dict.fromkeys((SHORT, LONG), NO_EPOCHS)
        return
    if asked < 2:
        why[SHORT] = TOO_SHORT
    else:
        half = asked // 2
        asks[SHORT] = [
            Ask(_FROM[SHORT] + place, one, half, half / asked) for place, one in enumerate(base[: size.curves])
        ]
    if setting.plan.epochs is None or asked < setting.plan.epochs:
        why[LONG] = OWN_EPOCHS.format(asked)
    else:
        asks[LONG] = [Ask(_FROM[LONG] + place, one, 2 * asked, 2.0) for place, one in enumerate(base[: size.long])]
