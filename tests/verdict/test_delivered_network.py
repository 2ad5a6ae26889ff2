"""The network in FOLDER/model/ is the one whose score the verdict gives."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import log_loss, recall_score
from sklearn.model_selection import train_test_split

import truing as tr
from truing.verdict.delivery import Delivery

torch = pytest.importorskip("torch")


def build(config: Any) -> Any:
    from torch import nn

    return nn.Sequential(nn.BatchNorm1d(30), nn.Linear(30, config["width"]), nn.ReLU(), nn.Linear(config["width"], 2))


def test_files_of_the_trainer_give_the_delivered_score(judged) -> None:
    """Read as the docs say, on the locked rows, with scikit-learn's metrics of the malignant class."""
    cancer = load_breast_cancer()
    x, y = cancer.data, np.where(cancer.target == 0, "malignant", "benign")
    train, locked = train_test_split(np.arange(len(y)), test_size=120, random_state=0, stratify=y)
    done = judged(
        tr.TorchTrainer(build),
        data=tr.Data(x, y),
        test=np.sort(locked),
        positive="malignant",
        also=["sensitivity", "specificity"],
        space=tr.Space(width=tr.Int(2, 16, default=4), learning_rate=tr.Float(1e-3, 1e-1, log=True, default=1e-3)),
        validation=tr.Holdout(0.25),
        epochs=3,
        trials=3,
    )
    model = done.study.folder / "model"
    config = json.loads((model / "config.json").read_text())
    assert config == done.verdict.selected
    net = build(config)
    net.load_state_dict(torch.load(model / "state_dict.pt", weights_only=True))
    rows = torch.tensor(x[np.sort(locked)], dtype=torch.float32)
    with torch.no_grad():
        p = torch.softmax(net.eval()(rows), 1).numpy().astype(float)

    classes = json.loads((model / "training.json").read_text())["classes"]
    assert classes == ["benign", "malignant"]
    truth = y[np.sort(locked)]
    found = done.verdict.to_dict()["test"]
    p /= p.sum(1, keepdims=True)
    assert found["log_loss"]["delivered"]["value"] == pytest.approx(log_loss(truth, p), rel=1e-5)
    guessed = np.where(p[:, 1] >= 0.5, "malignant", "benign")
    assert found["sensitivity"]["delivered"]["value"] == pytest.approx(
        recall_score(truth, guessed, pos_label="malignant")
    )
    assert found["specificity"]["delivered"]["value"] == pytest.approx(recall_score(truth, guessed, pos_label="benign"))
    assert found["sensitivity"]["delivered"]["method"] == "Wilson"
    assert done.verdict.to_dict()["model"] == ["config.json", "state_dict.pt", "training.json"]
    assert len(train) == 449


def test_runs_of_the_search_leave_nothing_behind(judged, logistic) -> None:
    """run.keep() is called by every run; only the delivered one's call writes."""
    done = judged(logistic(noise=0.1))
    assert [p.name for p in (done.study.folder / "model").iterdir()] == ["weights.bin"]


def test_an_unfinished_network_is_never_taken_for_the_delivered_one(tmp_path) -> None:
    """Begun and cut off, begun again; given up; and the first verdict of all has nothing to put aside."""
    model, delivery = tmp_path / "model", Delivery(tmp_path)

    def write(text: str) -> None:
        model.mkdir(exist_ok=True)
        (model / "w").write_text(text)

    write("rest of a run that was cut off")
    delivery.begin(keep_old=False)
    assert not model.exists()
    write("first")
    delivery.end()

    delivery.begin(keep_old=True)
    write("half of the second")
    delivery.begin(keep_old=True)  # killed and called again
    assert not model.exists()
    delivery.restore()
    assert (model / "w").read_text() == "first"

    delivery.begin(keep_old=True)
    write("second")
    delivery.end()
    assert (model / "w").read_text() == "second"
    assert [p.name for p in tmp_path.iterdir()] == ["model"]
