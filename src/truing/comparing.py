"""`truing.compare(a, b)`: what two studies deliver, side by side."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from truing.errors import UsageError, short
from truing.report.study import read
from truing.report.view import StudyView
from truing.study import Study
from truing.verdict.compare import Compared, Side, compare_sides, of_study, trial_of


def compare(first: Any, second: Any) -> Compared:
    """What two studies deliver, first - second: each one's selected, or before its verdict the best of its search.

    It runs nothing and only reads. The two must have their runs on the same replicates: the same data, metric,
    validation, test and seed; what may differ is the space, the function, the search. Given as studies, with their
    data, the candidate over rows and folds is made too.

    Args:
        first, second: a `Study`, what `truing.load` gave, or the folder of a study.

    Raises:
        UsageError: no study there, or not on the same replicates; the sentence says what differs.

    >>> import tempfile
    >>> import truing as tr
    >>> reward = tr.Metric("reward", goal="max")
    >>> def train(run):
    ...     run.report(reward=run.config["x"] + 0.01 * (run.seed % 7))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for top in (1, 2):
    ...         tr.Study(train, tr.Space(x=tr.Float(0, top)), metric=reward, validation=tr.Seeds(3),
    ...                  folder=f"{folder}/{top}").run(trials=3, workers=0)
    ...     found = tr.compare(f"{folder}/2", f"{folder}/1").to_dict()
    >>> found["difference"]["value"] > 0, found["notes"][0]
    (True, 'not adjusted for choosing the pair')
    """
    one, other = _side(first), _side(second)
    if one.name == other.name:
        raise UsageError(f"compare() takes two studies; got {one.name} twice.")
    return compare_sides(one, other, chosen=True)


def compare_trials(folder: Path, first: int, second: int) -> Compared:
    """Two trials of the study in a folder, without its data; as `Study.compare`."""
    history, study = read(folder)
    numbers = [trial_of(history, number) for number in (first, second)]
    return compare_sides(*(Side(f"trial {n}", n, history, study) for n in numbers))


def _side(given: Any) -> Side:
    if isinstance(given, Study):
        history, study = read(given.folder)
        return Side(str(given.folder), of_study(history), history, study, given._setting, given._job)
    if isinstance(given, StudyView):
        given = given.folder
    if not isinstance(given, str | os.PathLike) or not str(given):
        raise UsageError(f"compare() takes two studies or their folders, such as 'studies/digits', got {short(given)}.")
    folder = Path(given).expanduser()
    history, study = read(folder)
    return Side(str(folder), of_study(history), history, study)
