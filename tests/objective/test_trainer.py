"""TorchTrainer against hand-written torch loops, bit for bit."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from truing.data.data import Data
from truing.data.rows import LockedRows, Rows
from truing.errors import UsageError
from truing.objective.standard import Standard
from truing.objective.trainer import TorchTrainer
from truing.record.interfaces import Decision
from truing.record.run import Run
from truing.record.task import Task
from truing.space.configuration import Configuration
from truing.statistics.metric import metric

torch = pytest.importorskip("torch")
nn = torch.nn
F = torch.nn.functional


def table(n: int = 70, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 5))
    return x, (x[:, 0] + 0.5 * rng.normal(size=n) > 0).astype(int) + (x[:, 1] > 0.8)


class Trained:
    """A run carried out here and now, as an executor would: seeded, then trained."""

    def __init__(
        self,
        trainer: TorchTrainer,
        data: Data,
        config: dict[str, Any],
        *,
        metrics: str = "log_loss",
        epochs: int | None = 3,
        cap: int | None = None,
        seed: int = 11,
        train: np.ndarray | None = None,
    ) -> None:
        kept: dict[str, bytes] = {}
        classes = tuple(data.classes()) if metric(metrics).classification else None
        train = np.arange(len(data) * 3 // 5) if train is None else train
        self.task = Task((metric(metrics),), classes)
        self.valid = Rows(data, np.setdiff1d(np.arange(len(data)), train))
        self.train = Rows(data, train)
        self.run = Run(
            config=Configuration(config),
            seed=seed,
            folder=Path(),
            task=self.task,
            train=self.train,
            valid=self.valid,
            epochs=epochs,
            cap=cap,
            send=lambda epoch, value: Decision.GO_ON,
            keep=lambda name, content: kept.__setitem__(name, content),
        )
        torch.manual_seed(seed)
        self.predict = trainer(self.run)
        self.reported = self.run.last.predictions
        self.kept = kept
        self.weights = torch.load(io.BytesIO(kept["state_dict.pt"]), weights_only=True)


def mlp(outputs: int = 3, inputs: int = 5):
    def build(config: Any) -> Any:
        return nn.Sequential(nn.Linear(inputs, 8), nn.ReLU(), nn.Linear(8, outputs))

    return build


def by_hand(build, x, y, loss_of, make, *, seed=11, epochs=3, size=64, schedule=None, clip=0.0) -> Any:
    """The loop of any torch tutorial; batches in the order of a generator seeded with the run's seed."""
    torch.manual_seed(seed)
    net = build({})
    order = torch.Generator().manual_seed(seed)
    optimizer = make(net.parameters())
    steps = epochs * len([i for i in range(0, len(x), size) if len(x) - i != 1])
    scheduler = schedule(optimizer, steps) if schedule else None
    for _ in range(epochs):
        net.train()
        permuted = torch.randperm(len(x), generator=order)
        for chosen in permuted.split(size):
            if len(chosen) == 1:
                continue
            optimizer.zero_grad()
            loss_of(net(x[chosen]), y[chosen]).backward()
            if clip:
                nn.utils.clip_grad_norm_(net.parameters(), clip)
            optimizer.step()
            if scheduler:
                scheduler.step()
    net.eval()
    return net


def same(weights: dict[str, Any], net: Any) -> bool:
    return all(torch.equal(weights[name], value) for name, value in net.state_dict().items())


OPTIM = torch.optim
LR = torch.optim.lr_scheduler
CASES = {
    "defaults are adamw": ({}, lambda p: OPTIM.AdamW(p, lr=1e-3, weight_decay=0.0), {}),
    "sgd's own rate": ({"optimizer": "sgd"}, lambda p: OPTIM.SGD(p, lr=1e-2, momentum=0.9), {}),
    "sgd": (
        {"optimizer": "SGD", "learning_rate": 0.2, "momentum": 0.5, "weight_decay": 0.01, "batch_size": 16},
        lambda p: OPTIM.SGD(p, lr=0.2, momentum=0.5, weight_decay=0.01),
        {"size": 16},
    ),
    "adam": (
        {"optimizer": "adam", "learning_rate": 0.02, "momentum": 0.7, "weight_decay": 0.1},
        lambda p: OPTIM.Adam(p, lr=0.02, betas=(0.7, 0.999), weight_decay=0.1),
        {},
    ),
    "adamw": (
        {"optimizer": "adamw", "learning_rate": 0.02, "momentum": 0.7, "weight_decay": 0.1},
        lambda p: OPTIM.AdamW(p, lr=0.02, betas=(0.7, 0.999), weight_decay=0.1),
        {},
    ),
    "rmsprop": (
        {"optimizer": "rmsprop", "learning_rate": 0.01, "momentum": 0.3, "weight_decay": 0.1},
        lambda p: OPTIM.RMSprop(p, lr=0.01, momentum=0.3, weight_decay=0.1),
        {},
    ),
    "clipped": (
        {"optimizer": "sgd", "learning_rate": 0.5, "grad_clip": 0.05},
        lambda p: OPTIM.SGD(p, lr=0.5, momentum=0.9),
        {"clip": 0.05},
    ),
    "clip of None": ({"optimizer": "sgd", "grad_clip": None}, lambda p: OPTIM.SGD(p, lr=1e-2, momentum=0.9), {}),
    "a last batch of one row": (
        {"optimizer": "sgd", "batch_size": 41, "lr_schedule": "cosine"},
        lambda p: OPTIM.SGD(p, lr=1e-2, momentum=0.9),
        {"size": 41, "schedule": lambda o, steps: LR.CosineAnnealingLR(o, steps)},
    ),
    "batches of one row": (
        {"optimizer": "sgd", "batch_size": 1},
        lambda p: OPTIM.SGD(p, lr=1e-2, momentum=0.9),
        {"size": 1},
    ),
}


@pytest.mark.parametrize("case", [name for name in CASES if name != "batches of one row"])
def test_training_is_that_of_a_hand_written_loop(case: str) -> None:
    """Weights and predictions equal bit for bit; 42 rows train, so batches of 41 leave one row over."""
    config, make, more = CASES[case]
    x, y = table()

    done = Trained(TorchTrainer(mlp()), Data(x, y), config)

    data = torch.tensor(x, dtype=torch.float32)
    more = dict(more)
    schedule = more.pop("schedule", None)
    if schedule is not None:  # torch's cosine accumulates rounding; the trainer's is a closed form
        net = by_hand(mlp(), data[:42], torch.tensor(y[:42]), F.cross_entropy, make, schedule=schedule, **more)
        for name, value in net.state_dict().items():
            torch.testing.assert_close(done.weights[name], value, rtol=1e-5, atol=1e-7)
        return
    net = by_hand(mlp(), data[:42], torch.tensor(y[:42]), F.cross_entropy, make, **more)
    assert same(done.weights, net)
    expected = torch.softmax(net(data[42:].clone()), 1).detach().numpy()
    assert np.array_equal(done.reported, expected)
    assert np.array_equal(done.predict(x[42:]), expected)


def test_batches_of_one_row_train_on_every_row() -> None:
    """The rule for a last single row must not stop a batch size of one."""
    x, y = table(20)

    done = Trained(TorchTrainer(mlp()), Data(x, y), {"optimizer": "sgd", "batch_size": 1}, epochs=1)

    torch.manual_seed(11)
    net = mlp()({})
    optimizer = OPTIM.SGD(net.parameters(), lr=1e-2, momentum=0.9)
    for row in torch.randperm(12, generator=torch.Generator().manual_seed(11)):
        optimizer.zero_grad()
        F.cross_entropy(net(torch.tensor(x[[row]], dtype=torch.float32)), torch.tensor(y[[row]])).backward()
        optimizer.step()
    assert same(done.weights, net)


def test_label_smoothing_of_many_classes_and_of_one_output() -> None:
    """Cross-entropy as torch smooths it; for one output the target moves towards a half by the same rule."""
    x, y = table()
    many = Trained(TorchTrainer(mlp()), Data(x, y), {"label_smoothing": 0.2})
    binary = (y > 0).astype(int)
    one = Trained(TorchTrainer(mlp(1)), Data(x, binary), {"label_smoothing": 0.2})

    data = torch.tensor(x[:42], dtype=torch.float32)
    adamw = CASES["defaults are adamw"][1]
    smooth = nn.CrossEntropyLoss(label_smoothing=0.2)
    assert same(many.weights, by_hand(mlp(), data, torch.tensor(y[:42]), smooth, adamw))

    def bce(out: Any, target: Any) -> Any:
        return F.binary_cross_entropy_with_logits(out.reshape(-1), target.float() * (1 - 0.2) + 0.1)

    assert same(one.weights, by_hand(mlp(1), data, torch.tensor(binary[:42]), bce, adamw))


@pytest.mark.parametrize(("shape", "torchs"), [
    ("cosine", lambda o, steps: LR.CosineAnnealingLR(o, T_max=steps)),
    ("linear", lambda o, steps: LR.LinearLR(o, start_factor=1.0, end_factor=0.0, total_iters=steps)),
    ("constant", lambda o, steps: LR.ConstantLR(o, factor=1.0)),
])  # fmt: skip
@pytest.mark.parametrize("warmup", [0.0, 0.25])
def test_learning_rates_are_those_of_torchs_schedulers(shape: str, torchs: Any, warmup: float) -> None:
    """Step by step over 40 steps, with LinearLR as the warm-up."""
    steps, warm = 40, round(40 * warmup)
    standard = Standard.of({"lr_schedule": shape, "warmup": warmup, "learning_rate": 0.3, "optimizer": "sgd"})

    def rates(make_scheduler: Any) -> list[float]:
        weights = nn.Linear(1, 1)
        optimizer = OPTIM.SGD(weights.parameters(), lr=0.3, momentum=0.9)
        scheduler, found = make_scheduler(optimizer), []
        for _ in range(steps):
            found.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        return [*found, optimizer.param_groups[0]["lr"]]

    def reference(optimizer: Any) -> Any:
        if not warm:
            return torchs(optimizer, steps)
        rise = LR.LinearLR(optimizer, start_factor=1 / (warm + 1), end_factor=1.0, total_iters=warm)
        return LR.SequentialLR(optimizer, [rise, torchs(optimizer, steps - warm)], milestones=[warm])

    ours = rates(lambda optimizer: standard.make_scheduler(optimizer, steps))
    np.testing.assert_allclose(ours, rates(reference), rtol=1e-5, atol=1e-8)
    assert max(ours) == pytest.approx(0.3)
    assert ours[-1] == pytest.approx(0.3 if shape == "constant" else 0.0, abs=1e-12)


def test_schedule_reaches_its_end_at_the_last_epoch_although_the_rehearsal_stops_after_one() -> None:
    """Capped at one epoch, the learning rates are those of the first epoch of the full run."""
    x, y = table()
    config = {"lr_schedule": "linear", "optimizer": "sgd", "learning_rate": 0.1, "batch_size": 16}

    capped = Trained(TorchTrainer(mlp()), Data(x, y), config, epochs=3, cap=1)

    def only_first(optimizer: Any, steps: int) -> Any:
        return LR.LambdaLR(optimizer, lambda step: 1 - step / (3 * steps))

    data = torch.tensor(x[:42], dtype=torch.float32)
    net = by_hand(
        mlp(), data, torch.tensor(y[:42]), F.cross_entropy, lambda p: OPTIM.SGD(p, lr=0.1, momentum=0.9),
        epochs=1, size=16, schedule=only_first,
    )  # fmt: skip
    assert same(capped.weights, net)


def test_regression_hides_no_standardisation() -> None:
    """Targets near a thousand are trained on as they are; the prediction is the plain output."""
    x, _ = table()
    y = 1000 + 50 * x[:, 0]
    config = {"optimizer": "adam", "learning_rate": 0.1}

    done = Trained(TorchTrainer(mlp(1)), Data(x, y), config, metrics="rmse")

    data, target = torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32)
    net = by_hand(
        mlp(1), data[:42], target[:42], lambda out, t: F.mse_loss(out.reshape(-1), t),
        lambda p: OPTIM.Adam(p, lr=0.1),
    )  # fmt: skip
    assert same(done.weights, net)
    assert np.array_equal(done.reported, net(data[42:].clone()).detach().numpy().reshape(-1))


def test_binary_with_one_output_two_outputs_and_flat_outputs() -> None:
    """All give probabilities of the second class; a flat and a (n, 1) output are the same network."""

    class Flat(nn.Sequential):
        def forward(self, x: Any) -> Any:
            return super().forward(x).reshape(-1)

    x, y = table()
    data = Data(x, np.where(y > 0, "yes", "no"))
    one = Trained(TorchTrainer(mlp(1)), data, {"learning_rate": 0.05}, epochs=30)
    flat = Trained(TorchTrainer(lambda config: Flat(*mlp(1)(config))), data, {"learning_rate": 0.05}, epochs=30)
    two = Trained(TorchTrainer(mlp(2)), data, {"learning_rate": 0.05}, epochs=30)

    assert one.predict(x).shape == flat.predict(x).shape == (70,)
    assert two.predict(x).shape == (70, 2)
    assert np.array_equal(one.reported, flat.reported)
    truth = data.labels[42:] == "yes"
    for done in (one, two):
        assert done.reported.shape == (28, 2)
        assert ((done.reported[:, 1] > 0.5) == truth).mean() > 0.65


def test_string_labels_train_as_their_codes_do() -> None:
    x, y = table()
    names = np.array(["low", "mid", "top"])

    by_code = Trained(TorchTrainer(mlp()), Data(x, y), {})
    by_name = Trained(TorchTrainer(mlp()), Data(x, names[y]), {})

    assert np.array_equal(by_code.reported, by_name.reported)
    assert json.loads(by_name.kept["training.json"])["classes"] == ["low", "mid", "top"]


def test_arrays_tensors_and_datasets_train_the_same_network() -> None:
    """float64, float32, tensors, and Datasets whose items are (x, y) or x, give the same weights."""
    x, y = table()

    class Items:
        def __init__(self, both: bool) -> None:
            self.both = both

        def __len__(self) -> int:
            return len(x)

        def __getitem__(self, i: int) -> Any:
            item = torch.tensor(x[i], dtype=torch.float32)
            return (item, int(y[i])) if self.both else item

    given = [
        Data(x, y),
        Data(x.astype(np.float32), y),
        Data(torch.tensor(x), torch.tensor(y)),
        Data(Items(True), y=y),
        Data(Items(False), y=y),
    ]
    trained = [Trained(TorchTrainer(mlp()), data, {}) for data in given]

    for done in trained:
        assert np.array_equal(done.reported, trained[0].reported)
        locked = LockedRows(done.valid._data, np.arange(50, 60))
        assert np.array_equal(done.predict(locked.x), trained[0].predict(x[50:60]))


def test_bytes_become_shares_and_whole_numbers_stay_for_embeddings() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 1, 4, 4), dtype=np.uint8)
    y = (images.mean((1, 2, 3)) > 127).astype(int)

    def build(config: Any) -> Any:
        return nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.Linear(12, 2))

    as_bytes = Trained(TorchTrainer(build), Data(images, y), {})
    as_shares = Trained(TorchTrainer(build), Data((images / np.float32(255)).astype(np.float32), y), {})
    np.testing.assert_allclose(as_bytes.reported, as_shares.reported, rtol=1e-6)

    words = rng.integers(0, 9, (40, 6))
    embedded = Trained(
        TorchTrainer(lambda config: nn.Sequential(nn.EmbeddingBag(9, 4), nn.Linear(4, 2))), Data(words, y), {}
    )
    assert embedded.reported.shape == (16, 2)


def test_lazy_modules_get_their_sizes_from_the_rows() -> None:
    x, y = table()

    def lazy(config: Any) -> Any:
        return nn.Sequential(nn.LazyLinear(8), nn.LazyBatchNorm1d(), nn.ReLU(), nn.LazyLinear(3))

    done = Trained(TorchTrainer(lazy), Data(x, y), {"learning_rate": 0.05}, epochs=20)

    assert done.weights["0.weight"].shape == (8, 5)
    assert (done.reported.argmax(1) == y[42:]).mean() > 0.6


def test_batch_normalisation_trains_with_a_single_row_left_over() -> None:
    """42 rows in batches of 41: torch refuses to normalise one row in training."""
    x, y = table()

    def build(config: Any) -> Any:
        return nn.Sequential(nn.Linear(5, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))

    done = Trained(TorchTrainer(build), Data(x, y), {"batch_size": 41})

    assert done.weights["1.num_batches_tracked"] == 3


def test_same_seed_same_weights_and_another_seed_others() -> None:
    x, y = table()

    def build(config: Any) -> Any:
        return nn.Sequential(nn.Linear(5, 8), nn.Dropout(0.5), nn.Linear(8, 3))

    first, second, other = (Trained(TorchTrainer(build), Data(x, y), {}, seed=s) for s in (4, 4, 5))

    assert np.array_equal(first.reported, second.reported)
    assert not np.array_equal(first.reported, other.reported)


def test_predictions_come_from_evaluation_mode_whatever_the_number_of_rows() -> None:
    """Dropout is off, and rows beyond one chunk of 1,024 are predicted too."""
    x, y = table()
    done = Trained(
        TorchTrainer(lambda config: nn.Sequential(nn.Linear(5, 8), nn.Dropout(0.9), nn.Linear(8, 3))), Data(x, y), {}
    )

    many = np.tile(x, (40, 1))
    found = done.predict(many)
    assert found.shape == (2800, 3)
    np.testing.assert_allclose(found, np.tile(done.predict(x), (40, 1)), atol=1e-6)


def test_epochs_of_the_study_come_before_those_of_the_trainer() -> None:
    x, y = table()

    def reports(epochs: int | None, own: int) -> int:
        return Trained(TorchTrainer(mlp(), epochs=own), Data(x, y), {}, epochs=epochs).run.last.count

    assert reports(5, 2) == 5
    assert reports(2, 5) == 2
    assert reports(None, 4) == 4


def test_parameters_of_other_branches_are_absent_and_others_are_for_build() -> None:
    """A configuration without momentum takes the default; names that are not standard reach build."""
    seen = []

    def build(config: Any) -> Any:
        seen.append(dict(config))
        return mlp()(config)

    x, y = table()
    Trained(TorchTrainer(build), Data(x, y), {"optimizer": "adam", "width": 3})

    assert seen == [{"optimizer": "adam", "width": 3}]


def test_own_loss_is_used() -> None:
    x, _ = table()
    y = x[:, 0] * 3

    done = Trained(
        TorchTrainer(mlp(1), loss=lambda out, t: (out.reshape(-1) - t).abs().mean()), Data(x, y), {}, metrics="mae"
    )

    net = by_hand(
        mlp(1),
        torch.tensor(x[:42], dtype=torch.float32),
        torch.tensor(y[:42], dtype=torch.float32),
        lambda out, t: (out.reshape(-1) - t).abs().mean(),
        CASES["defaults are adamw"][1],
    )
    assert same(done.weights, net)


def test_kept_files_rebuild_the_network() -> None:
    """config.json is the configuration itself, so build(config) and the weights make the same predictions."""
    x, y = table()

    def build(config: Any) -> Any:
        return nn.Sequential(nn.Linear(5, config["width"]), nn.ReLU(), nn.Linear(config["width"], 3))

    done = Trained(TorchTrainer(build), Data(x, y), {"width": 6, "learning_rate": 0.01})

    assert sorted(done.kept) == ["config.json", "state_dict.pt", "training.json"]
    config = json.loads(done.kept["config.json"])
    assert config == {"width": 6, "learning_rate": 0.01}
    net = build(config)
    net.load_state_dict(done.weights)
    again = torch.softmax(net.eval()(torch.tensor(x, dtype=torch.float32)), 1).detach().numpy()
    assert np.array_equal(done.predict(x), again)
    assert json.loads(done.kept["training.json"]) == {"classes": [0, 1, 2], "epochs": 3, "seed": 11}


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"optimizer": "lion"}, "optimizer as one of sgd, adam, adamw, rmsprop; got 'lion'"),
        ({"learning_rate": "fast"}, "learning_rate as a number of at least 0, got 'fast'"),
        ({"learning_rate": -0.1}, "learning_rate as a number of at least 0, got -0.1"),
        ({"momentum": 1.0}, "momentum as a number from 0 to below 1, got 1.0"),
        ({"weight_decay": True}, "weight_decay as a number of at least 0, got True"),
        ({"batch_size": 0}, "batch_size as a whole number of at least 1, got 0"),
        ({"batch_size": 32.5}, "batch_size as a whole number of at least 1, got 32.5"),
        ({"label_smoothing": 1.5}, "label_smoothing as a number from 0 to below 1, got 1.5"),
        ({"lr_schedule": "steps"}, "lr_schedule as one of constant, cosine, linear; got 'steps'"),
        ({"warmup": 1}, "warmup as a number from 0 to below 1, got 1"),
        ({"grad_clip": "auto"}, "grad_clip as a number of at least 0, got 'auto'"),
    ],
)
def test_a_wrong_value_of_a_standard_name_is_one_sentence(config: dict[str, Any], sentence: str) -> None:
    x, y = table()
    with pytest.raises(UsageError) as error:
        Trained(TorchTrainer(mlp()), Data(x, y), config)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("build", "metrics", "sentence"),
    [
        (lambda config: "a network", "log_loss", "must return a torch.nn.Module, got str"),
        (mlp(2), "log_loss", "3 classes need (42, 3)"),
        (mlp(1), "log_loss", "3 classes need (42, 3)"),
        (mlp(2), "rmse", "regression needs (42, 1)"),
    ],
)
def test_a_network_that_does_not_fit_is_one_sentence(build: Any, metrics: str, sentence: str) -> None:
    x, y = table()
    with pytest.raises(UsageError) as error:
        Trained(TorchTrainer(build), Data(x, y if metrics == "log_loss" else x[:, 0]), {}, metrics=metrics)
    assert sentence in str(error.value)


def test_rows_without_labels_are_one_sentence() -> None:
    data = Data(table()[0])
    object.__setattr__(data, "classes", lambda rows=None: [0, 1, 2])
    with pytest.raises(UsageError, match=r"needs rows with labels: give Data\(x, y\)"):
        Trained(TorchTrainer(mlp()), data, {})


def test_it_trains_where_the_run_says() -> None:
    """On the meta device nothing is computed; that the parameters lie there shows that the run's device is used."""
    x, y = table()
    devices = []

    class Probe(nn.Linear):
        def forward(self, inputs: Any) -> Any:
            devices.append((inputs.device.type, self.weight.device.type))
            raise KeyboardInterrupt

    trained = TorchTrainer(lambda config: Probe(5, 3))
    monkey = type("On", (Run,), {"device": property(lambda self: "meta")})
    data = Data(x, y)
    run = monkey(
        config=Configuration({}),
        seed=0,
        folder=Path(),
        task=Task((metric("log_loss"),), (0, 1, 2)),
        train=Rows(data, np.arange(40)),
        valid=Rows(data, np.arange(40, 70)),
        epochs=1,
        cap=None,
        send=lambda epoch, value: Decision.GO_ON,
        keep=lambda name, content: None,
    )
    with pytest.raises(KeyboardInterrupt):
        trained(run)
    assert devices == [("meta", "meta")]


def test_without_torch_it_says_so_when_it_is_made(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # as Python notes a module that cannot be imported

    with pytest.raises(UsageError, match="TorchTrainer needs PyTorch, which is not installed: install Truing with its"):
        TorchTrainer(lambda config: None)


def test_torch_is_looked_for_past_the_finder_that_seeds_it(monkeypatch):
    """That finder answers one question only: asked for the sake of a sentence, it would not seed the real import."""

    class AnswersOnce:
        asked = 0

        def find_spec(self, name, path, target=None):
            self.asked += name == "torch"

    pytest.importorskip("torch")
    finder = AnswersOnce()
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])
    monkeypatch.delitem(sys.modules, "torch")

    assert TorchTrainer(lambda config: None).epochs == 20
    assert finder.asked == 0


@pytest.mark.parametrize("form", ["pandas", "polars", "list", "sparse"])
def test_tables_of_numbers_become_one_array(form: str) -> None:
    import scipy.sparse

    from truing.objective.batches import as_array

    table = np.arange(12.0, dtype=np.float32).reshape(4, 3)
    make: dict[str, Any] = {
        "pandas": lambda t: pytest.importorskip("pandas").DataFrame(t, columns=list("abc")).assign(flag=[True] * 4),
        "polars": lambda t: pytest.importorskip("polars").DataFrame(t, schema=list("abc")),
        "list": lambda t: t.tolist(),
        "sparse": scipy.sparse.csr_array,
    }

    found = as_array(make[form](table))

    assert found.dtype.kind == "f"
    assert found[:, :3].tolist() == table.tolist()


def test_columns_that_are_no_numbers_are_named() -> None:
    from truing.objective.batches import as_array

    frame = pytest.importorskip("pandas").DataFrame({"age": [1.0, 2.0], "sex": ["f", "m"], "pain": ["a", "b"]})
    with pytest.raises(UsageError, match=r"x has other columns \(sex, pain\): encode them"):
        as_array(frame)
    with pytest.raises(UsageError, match="x is a list of others: give a Dataset that pads"):
        as_array([[1, 2], [3]])


def test_it_says_how_large_the_network_is_and_how_it_does_on_the_training_rows() -> None:
    """The last report has both; the score is scikit-learn's, of the network put together again from what was kept."""
    from sklearn.metrics import log_loss as of_sklearn

    x, y = table()
    trained = Trained(TorchTrainer(mlp()), Data(x, y), {"learning_rate": 0.01})
    net = mlp()({})
    net.load_state_dict(trained.weights)
    p = torch.softmax(net(torch.tensor(trained.train.x, dtype=torch.float32)), 1).detach().double().numpy()
    assert trained.run.last.scores["parameters"] == 5 * 8 + 8 + 8 * 3 + 3
    assert [epoch for epoch, _ in trained.run.last.train_curve] == [3]
    assert trained.run.last.train == pytest.approx(of_sklearn(trained.train.y, p / p.sum(1, keepdims=True)), rel=1e-6)
