"""What every ready objective must do, for authors of objectives: run `check_objective` in a test of your own.

    from truing.testing.objectives import check_objective

    def test_my_objective(tmp_path):
        check_objective(lambda: MyTrainer(build), tmp_path, config={"learning_rate": 0.05})

`make()` gives the objective, and `config` is a configuration with which it learns an easy task: 3 classes, 8 numbers a
row, float32, on 120 rows, within 40 epochs. A training function of your own need not keep all of these promises: they
are what makes an objective fit for any study.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from truing.data.data import Data
from truing.data.rows import LockedRows
from truing.execution.job import Job
from truing.execution.worker import perform
from truing.record.interfaces import Decision, RunSpec
from truing.record.task import Task
from truing.statistics.metric import metric

Make = Callable[[], Any]
Check = Callable[["Trial"], None]
ROWS, CLASSES, WIDTH = 120, 3, 8
TRAIN, VALID, LOCKED = np.arange(60), np.arange(60, 90), np.arange(90, 120)
ENOUGH = 40  # epochs


def check_objective(make: Make, folder: Path, config: Mapping[str, Any]) -> None:
    """Run every check.

    Args:
        make: gives the objective.
        folder: for what the runs write.
        config: a configuration with which it learns.

    Raises:
        AssertionError: the objective breaks a rule; the message says which.
    """
    for check in CHECKS:
        check(Trial(make, folder / check.__name__, config))


class Trial:
    """Carries out runs of an objective on the task of the checks."""

    def __init__(self, make: Make, folder: Path, config: Mapping[str, Any]) -> None:
        self.make = make
        self.folder = folder
        self.config = config
        self.told: list[int] = []
        self.predict: Any = None

    def run(
        self,
        objective: Any = None,
        *,
        data: Data | None = None,
        decide: Callable[[int], Decision] = lambda epoch: Decision.GO_ON,
        **more: Any,
    ) -> dict[str, Any]:
        """The data of the run's `finished` event; it must have completed."""
        objective = self.make() if objective is None else objective
        self.told = []

        def train(run: Any) -> Any:
            self.predict = objective(run)
            return self.predict

        def send(epoch: int, score: float | None) -> Decision:
            self.told.append(epoch)
            return decide(epoch)

        task = Task((metric("log_loss"), metric("accuracy")), tuple(range(CLASSES)))
        self.folder.mkdir(parents=True, exist_ok=True)
        job = Job(self.folder, task, {}, train, data if data is not None else easy())
        given: dict[str, Any] = {"train": TRAIN, "valid": VALID, "epochs": 3, "seed": 5} | more
        spec = RunSpec(run=0, trial=0, purpose="search", config=dict(self.config), **given)
        found = perform(job, spec, send, self.folder / "run")
        _true(found["state"] == "completed", f"a run must complete, but ended as {found['state']}: {_why(found)}")
        return found

    def predictions(self, which: str = "") -> np.ndarray:
        """The predictions kept of the last run."""
        return np.asarray(np.load(self.folder / "predictions" / f"run-000000{which}.npy"))


def easy(seed: int = 0) -> Data:
    """Three clouds in eight dimensions."""
    rng = np.random.default_rng(seed)
    y = np.arange(ROWS) % CLASSES
    x = rng.normal(size=(ROWS, WIDTH)).astype(np.float32)
    x[np.arange(ROWS), y] += 3.0
    return Data(x, y)


# -- checks ----------------------------------------------------------------------------------------------------------


def reports_after_each_epoch(trial: Trial) -> None:
    """One report an epoch, with a score each."""
    found = trial.run()
    _equal(trial.told, [1, 2, 3], "the epochs of the reports")
    _true(all(score is not None for _, score in found["curve"]), f"each report must have a score, not {found['curve']}")
    _equal(found["epochs"], 3, "the number of epochs")


def goes_as_far_as_the_study_says(trial: Trial) -> None:
    """`epochs` of the study rule, a cap rules over them; without both it has a number of its own."""
    trial.run(epochs=5)
    _equal(len(trial.told), 5, "the number of reports where the study says 5 epochs")
    trial.run(epochs=5, cap=1)
    _equal(len(trial.told), 1, "the number of reports in the rehearsal")
    found = trial.run(epochs=None, cap=1)
    _true(found["details"].get("asked_epochs", 0) >= 1, "without Study(epochs=) it must ask run.epochs(n) for its own")


def stops_when_it_is_told(trial: Trial) -> None:
    """After a STOP there is no further report."""
    trial.run(epochs=10, decide=lambda epoch: Decision.STOP if epoch >= 4 else Decision.GO_ON)
    _equal(trial.told, [1, 2, 3, 4], "the epochs of the reports where the fourth is answered with STOP")


def the_seed_makes_the_numbers(trial: Trial) -> None:
    """The same seed gives the same curve, made anew or not; another seed gives another."""
    objective = trial.make()
    curves = [trial.run(thing, seed=seed)["curve"] for thing, seed in ((objective, 3), (objective, 3), (None, 3))]
    _true(curves[0] == curves[1], f"run twice it gives {curves[0]} and then {curves[1]} with one seed")
    _true(curves[0] == curves[2], f"made anew it gives {curves[2]} instead of {curves[0]} with one seed")
    _true(trial.run(seed=4)["curve"] != curves[0], "another seed must give another curve")


def learns_an_easy_task(trial: Trial) -> None:
    """After 40 epochs it is right about at least 8 of 10 rows that it has not seen."""
    found = trial.run(epochs=ENOUGH)["scores"]
    _true(found["accuracy"] >= 0.8, f"after {ENOUGH} epochs accuracy must be at least 0.8, and is {found['accuracy']}")
    _true(found["log_loss"] < np.log(3), f"log loss must be below that of guessing, and is {found['log_loss']}")


def returns_what_it_reported(trial: Trial) -> None:
    """The returned predict gives for run.valid.x what the last report said."""
    data = easy()
    trial.run(data=data)
    _true(
        callable(trial.predict), f"it must return a function from rows to predictions, and returned {trial.predict!r}"
    )
    again = _read(trial.predict(data.x[VALID]))
    _true(np.allclose(again, trial.predictions(), atol=1e-5), "predict(run.valid.x) must give what was last reported")


def predicts_each_row_by_itself(trial: Trial) -> None:
    """A row's prediction depends neither on the other rows nor on their order or number."""
    data = easy()
    trial.run(data=data)
    whole = _read(trial.predict(data.x[LOCKED]))
    _equal(whole.shape, (len(LOCKED), CLASSES), "the shape of the predictions")
    order = np.random.default_rng(1).permutation(len(LOCKED))
    _true(
        np.allclose(_read(trial.predict(data.x[LOCKED][order])), whole[order], atol=1e-5),
        "rows in another order must get the same predictions",
    )
    alone = np.concatenate([_read(trial.predict(data.x[LOCKED][i : i + 1])) for i in range(5)])
    _true(np.allclose(alone, whole[:5], atol=1e-5), "a row alone must get the prediction that it gets among others")
    again = _read(trial.predict(data.x[LOCKED]))
    _true(np.array_equal(again, whole), "asked twice, predict must give the same")


def works_without_the_labels_it_predicts(trial: Trial) -> None:
    """Rows whose labels are locked are predicted as well, and the labels make no difference."""
    data = easy()
    trial.run(data=data, locked=LOCKED)
    with_predict = trial.predictions("-locked")
    trial.run(data=data, locked=LOCKED, locked_as="locked")
    _equal(trial.predictions("-locked").shape, with_predict.shape, "the shape of the predictions of locked rows")
    _true(
        np.allclose(trial.predictions("-locked"), with_predict, atol=1e-5),
        "the validation labels must make no difference to the training",
    )
    _true(len(_read(trial.predict(LockedRows(data, LOCKED).x))) == len(LOCKED), "predict must take locked rows")


def leaves_the_rows_alone(trial: Trial) -> None:
    """Training and predicting write to nobody's rows."""
    data = easy()
    before = data.x.copy(), data.y.copy()
    trial.run(data=data, locked=LOCKED, score_train=True)
    rows = data.x[LOCKED]
    kept = rows.copy()
    trial.predict(rows)
    _true(np.array_equal(data.x, before[0]) and np.array_equal(data.y, before[1]), "the data must stay as they are")
    _true(np.array_equal(rows, kept), "predict must not write to the rows it is given")


class Indexed:
    """A map-style Dataset of (x, y)."""

    def __init__(self, data: Data) -> None:
        self._x, self._y = data.x, data.y

    def __len__(self) -> int:
        return len(self._x)

    def __getitem__(self, place: int) -> Any:
        if not isinstance(place, int):
            raise TypeError(f"A Dataset is read by whole numbers, not by {place!r}.")
        return self._x[place], int(self._y[place])

    def __iter__(self) -> Any:
        raise TypeError("A Dataset may be larger than memory: read the rows of the run by their numbers.")


def takes_a_dataset(trial: Trial) -> None:
    """Rows of a Dataset do as well as rows of an array, and give the same numbers."""
    arrays = trial.run(locked=LOCKED)["scores"]
    rows = easy()
    dataset = trial.run(data=Data(Indexed(rows), rows.y), locked=LOCKED)["scores"]
    for name, value in arrays.items():
        _true(abs(dataset[name] - value) < 1e-4, f"{name} is {value} on an array, and {dataset[name]} on its Dataset")


def delivers_its_network(trial: Trial) -> None:
    """The delivered run leaves something in FOLDER/model/, and no other run does."""
    trial.run()
    _true(not (trial.folder / "model").exists(), "only the delivered run may leave files in model/")
    trial.run(keep_model=True)
    files = [path for path in (trial.folder / "model").glob("*") if path.stat().st_size]
    _true(bool(files), "the delivered run must leave its network with run.keep(name, bytes)")


def can_be_copied_to_workers(trial: Trial) -> None:
    """A pickled copy trains to the same numbers, and its source can be read, so that changes are seen."""
    import cloudpickle

    from truing.record.source import source_of

    objective = trial.make()
    here = trial.run(objective)["curve"]
    there = trial.run(cloudpickle.loads(cloudpickle.dumps(objective)))["curve"]
    _true(here == there, f"a copy gives {there} instead of {here}")
    _true(source_of(objective).readable, "the source of what it is made of must be readable")


CHECKS: tuple[Check, ...] = (
    reports_after_each_epoch,
    goes_as_far_as_the_study_says,
    stops_when_it_is_told,
    the_seed_makes_the_numbers,
    learns_an_easy_task,
    returns_what_it_reported,
    predicts_each_row_by_itself,
    works_without_the_labels_it_predicts,
    leaves_the_rows_alone,
    takes_a_dataset,
    delivers_its_network,
    can_be_copied_to_workers,
)


def _read(found: Any) -> np.ndarray:
    """Predictions as an array, of whatever kind they are."""
    return np.asarray(found.detach().cpu() if hasattr(found, "detach") else found)


def _why(found: Mapping[str, Any]) -> str:
    reason = found.get("reason") or {}
    return f"{reason.get('kind')}: {reason.get('message')}\n{reason.get('tail', '')}"


def _true(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _equal(found: Any, wanted: Any, what: str) -> None:
    if found != wanted:
        raise AssertionError(f"{what} must be {wanted!r}, not {found!r}")
