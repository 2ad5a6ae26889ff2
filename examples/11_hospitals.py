"""Four hospitals: how would the network fare at a fifth?

Heart disease in Cleveland, Budapest, Long Beach and in Switzerland: 920 patients, of whom between 36 and 93 % are ill.
Each hospital is left out once, and the whole tuning is repeated on the other three: sensitivity and specificity at a
hospital that took no part, and the range to expect at a new one. The nested figure beside it is for known hospitals.
`--data FILE` reads another copy of the table.
"""

import csv
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

import truing as tr

fast = "--fast" in sys.argv
MEASURED = ["age", "trestbps", "chol", "thalach", "oldpeak", "ca"]
CODED = {
    "sex": 2,
    "cp": 5,
    "fbs": 2,
    "restecg": 3,
    "exang": 2,
    "slope": 4,
    "thal": 8,
}  # codes, of which some are unused


def table(path):
    """x float32 (n, 6 + 26) with NaN where nothing was measured, y "healthy" or "ill", the hospital of each row."""
    if not path.is_file():
        sys.exit(f"{path} is not there: give the table with --data FILE (heart disease, UCI set 45).")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    number = [[float(row[name]) if row[name] else np.nan for name in (*MEASURED, *CODED)] for row in rows]
    x = np.array(number, dtype=np.float32)
    x[x[:, MEASURED.index("chol")] == 0, MEASURED.index("chol")] = np.nan  # Switzerland's way to say unknown
    x[x[:, MEASURED.index("trestbps")] == 0, MEASURED.index("trestbps")] = np.nan
    columns = [x[:, : len(MEASURED)]]
    for place, size in enumerate(CODED.values(), len(MEASURED)):
        columns.append((x[:, place, None] == np.arange(size)).astype(np.float32))  # all zero where it is missing
    return (
        np.hstack(columns),
        np.where([row["disease"] == "1" for row in rows], "ill", "healthy"),
        [r["site"] for r in rows],
    )


def train(run):
    """A small network; what fills gaps and scales columns comes from the training rows alone."""
    measured = run.train.x[:, : len(MEASURED)]
    middle, width = np.nanmedian(measured, axis=0), np.nanstd(measured, axis=0) + 1e-6

    def ready(x):
        known = np.where(np.isnan(x[:, : len(MEASURED)]), middle, x[:, : len(MEASURED)])
        return torch.from_numpy(np.hstack([(known - middle) / width, x[:, len(MEASURED) :]]).astype(np.float32))

    x, y = ready(run.train.x), torch.from_numpy((run.train.y == "ill").astype(np.float32))
    config = run.config
    net = nn.Sequential(
        nn.Linear(x.shape[1], config["width"]), nn.ReLU(), nn.Dropout(config["dropout"]), nn.Linear(config["width"], 1)
    )
    optimizer = torch.optim.AdamW(net.parameters(), lr=config["learning_rate"], weight_decay=config["weight_decay"])

    def predict(rows):
        net.eval()
        with torch.no_grad():
            return torch.sigmoid(net(ready(rows)))[:, 0].numpy()

    for _ in run.epochs():
        net.train()
        for batch in torch.randperm(len(x)).split(64):
            loss = nn.functional.binary_cross_entropy_with_logits(net(x[batch])[:, 0], y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        run.report(predict(run.valid.x))
    return predict


given = sys.argv[sys.argv.index("--data") + 1] if "--data" in sys.argv else None
x, y, hospital = table(Path(given) if given else Path(__file__).parent / "data" / "heart_disease.csv")
study = tr.Study(
    train,
    space=tr.Space(
        width=tr.Int(4, 64, log=True, default=16),
        dropout=tr.Float(0.0, 0.6, default=0.2),
        learning_rate=tr.Float(3e-4, 3e-2, log=True, default=3e-3),
        weight_decay=tr.Float(1e-4, 3.0, log=True, default=1e-2),
    ),
    data=tr.Data(x, y, site=hospital),
    positive="ill",
    metric="log_loss",
    also=["roc_auc", "sensitivity", "specificity"],
    validation=tr.Holdout(0.25) if fast else tr.KFold(5),
    epochs=2 if fast else 20,
    folder="studies/hospitals",
)
study.run(trials=2 if fast else 20)
print(study.evaluate(tr.InternalExternal()))
print()
print(study.evaluate(tr.Nested(2 if fast else 5)))
print()
print(study.verdict())
