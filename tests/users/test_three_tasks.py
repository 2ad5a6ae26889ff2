"""Three tasks as a new user writes them with only the docs at hand: each under 30 lines, in a script of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from truing.report.study import read

DATA = Path(__file__).parents[3] / "shared" / "data"

FASHION = """
import numpy as np, torch, truing as tr
from torch import nn

file = np.load(PATH)
x, y = file["x_train"][:10_000, None], file["y_train"][:10_000]
names = np.array("top trouser pullover dress coat sandal shirt sneaker bag boot".split())

def build(config):
    return nn.Sequential(
        nn.Conv2d(1, config["channels"], 3, stride=2), nn.ReLU(),
        nn.Conv2d(config["channels"], 2 * config["channels"], 3, stride=2), nn.ReLU(),
        nn.Flatten(), nn.Dropout(config["dropout"]), nn.LazyLinear(10),
    )

space = tr.Space(
    channels=tr.Int(4, 32, log=True, default=8, group="architecture"),
    dropout=tr.Float(0, 0.6, default=0.2, group="architecture"),
    learning_rate=tr.Float(1e-4, 1e-2, log=True, default=1e-3, group="training"),
)
study = tr.Study(
    tr.TorchTrainer(build), space, data=tr.Data(x[:ROWS], names[y[:ROWS]]),
    test=tr.Data(file["x_test"][:ROWS, None], names[file["y_test"][:ROWS]]),
    also=["accuracy"], validation=tr.Holdout(0.2), epochs=EPOCHS, folder="studies/fashion",
)
study.run(trials=TRIALS)
print(study.verdict())
"""

HEART = """
import pandas as pd, truing as tr
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

table = pd.read_csv(PATH).drop(columns="num")
table["sex"] = table["sex"].map({0: "female", 1: "male"}).astype("category")

def train(run):
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")),
    )
    net = MLPClassifier((run.config["width"],), alpha=run.config["alpha"], early_stopping=True, random_state=run.seed)
    model = make_pipeline(columns, net).fit(run.train.x, run.train.y)
    run.report(model.predict_proba(run.valid.x), classes=model.classes_)
    return model.predict_proba

space = tr.Space(width=tr.Int(4, 64, log=True, default=16), alpha=tr.Float(1e-4, 1, log=True, default=1e-2))
data = tr.Data(table, "disease", groups="site")
study = tr.Study(train, space, data=data, metric="roc_auc", also=["sensitivity", "specificity"], positive=1,
                 validation=tr.KFold(3), test=0.2, folder="studies/heart")
study.run(trials=TRIALS)
print(study.verdict())
"""

HOUSES = """
import pandas as pd, torch, truing as tr
from torch import nn

table = pd.read_csv(PATH, sep="\\t")

def build(config):
    return nn.Sequential(
        nn.BatchNorm1d(table.shape[1] - 1), nn.Linear(table.shape[1] - 1, config["width"]), nn.ReLU(),
        nn.Linear(config["width"], 1),
    )

space = tr.Space(
    width=tr.Int(8, 128, log=True, default=32),
    learning_rate=tr.Float(1e-4, 1e-1, log=True, default=1e-2),
    weight_decay=tr.Float(1e-6, 1e-1, log=True, default=1e-4),
)
data = tr.Data(table[:ROWS].astype("float32"), "target")
study = tr.Study(tr.TorchTrainer(build), space, data=data, metric="rmse", also=["r2"], epochs=EPOCHS,
                 folder="studies/houses")
study.run(trials=TRIALS)
print(study.verdict())
"""


@pytest.mark.parametrize(
    ("code", "file"),
    [
        (FASHION, "images/fashion_mnist.npz"),
        (HEART, "clinical/heart_disease_4sites.csv"),
        (HOUSES, "pmlb/197_cpu_act.tsv.gz"),
    ],
    ids=["images with an official test set", "a clinic's table with gaps", "a table of numbers"],
)
def test_a_new_user_reaches_the_verdict(code: str, file: str, tmp_path: Path) -> None:
    path = DATA / file
    if not path.exists():
        pytest.skip(f"{path.name} does not lie beside the repository")
    assert sum(bool(line.strip()) for line in code.splitlines()) < 30
    settings = {"PATH": repr(str(path)), "ROWS": "600", "EPOCHS": "2", "TRIALS": "2"}
    script = tmp_path / "task.py"
    script.write_text("".join(f"{name} = {value}\n" for name, value in settings.items()) + code, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-W", "error", script.name],
        cwd=tmp_path,
        env=os.environ | {"COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=170,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    (folder,) = (tmp_path / "studies").iterdir()
    history, _ = read(folder)
    assert {trial.state for trial in history.trials} == {"completed"}
    assert history.last("verdict") is not None
