"""One configuration for three tables: tumours, wines and digits, tuned together.

They differ in rows, columns and classes, and a point of log loss is not worth the same on each. So a trial is worth the
mean of its gains over the defaults, each in units of the scatter that the defaults themselves have on that table. The
verdict says for each table whether the selected is better there, and what would have been chosen without it.
"""

import sys

import torch
from sklearn import datasets
from torch import nn

import truing as tr

fast = "--fast" in sys.argv


def train(run):
    """A network with as many inputs and outputs as the table has; columns are scaled by the training rows alone."""
    x, y = torch.as_tensor(run.train.x, dtype=torch.float32), torch.as_tensor(run.train.y)
    middle, scale = x.mean(0), x.std(0) + 1e-6
    width = run.config["width"]
    net = nn.Sequential(
        nn.Linear(x.shape[1], width), nn.ReLU(), nn.Dropout(run.config["dropout"]), nn.Linear(width, len(run.classes))
    )
    optimizer = torch.optim.AdamW(net.parameters(), lr=run.config["learning_rate"])

    @torch.no_grad()
    def predict(rows):
        net.eval()
        return net((torch.as_tensor(rows, dtype=torch.float32) - middle) / scale).softmax(1).numpy()

    for _ in run.epochs():
        net.train()
        for batch in torch.randperm(len(x)).split(run.config["batch_size"]):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net((x[batch] - middle) / scale), y[batch]).backward()
            optimizer.step()
        run.report(predict(run.valid.x))
    return predict


study = tr.Study(
    train,
    space=tr.Space(
        width=tr.Int(8, 128, log=True, default=32, group="architecture"),
        dropout=tr.Float(0.0, 0.5, default=0.1, group="architecture"),
        learning_rate=tr.Float(1e-4, 1e-1, log=True, default=1e-3, group="training"),
        batch_size=tr.Choice([16, 32, 64], default=32, group="training"),
    ),
    data={
        "tumours": tr.Data(*datasets.load_breast_cancer(return_X_y=True)),  # 569 rows, 30 columns, 2 classes
        "wines": tr.Data(*datasets.load_wine(return_X_y=True)),  # 178 rows, 13 columns, 3 classes
        "digits": tr.Data(*datasets.load_digits(return_X_y=True)),  # 1,797 rows, 64 columns, 10 classes
    },
    aggregate="mean",  # "worst" for a configuration that is to be good on each
    metric="log_loss",
    also=["accuracy"],
    validation=tr.KFold(2 if fast else 5),
    epochs=2 if fast else 15,
    folder="studies/several",
)
study.run(trials=3 if fast else 20)
print(study.verdict())
