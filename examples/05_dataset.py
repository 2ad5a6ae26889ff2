"""Rows in a torch Dataset: it is indexed where it is needed, and never copied or read whole.

Labels are given beside it as `y=`, so that rows can be divided by class without reading them.
"""

import sys

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, Dataset

import truing as tr

fast = "--fast" in sys.argv


class Images(Dataset):
    """Stands for a folder of image files: an item is read and prepared when it is asked for."""

    def __init__(self, images, labels):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, row):
        return torch.tensor(self.images[row] / 16, dtype=torch.float32).flatten(), int(self.labels[row])


def probabilities(net, rows):
    net.eval()
    with torch.no_grad():
        return torch.cat([net(inputs(batch)).softmax(dim=1) for batch in DataLoader(rows, batch_size=256)])


def inputs(batch):
    """Items come as the Dataset gives them; those of locked rows come without the label."""
    return batch[0] if isinstance(batch, list) else batch


def train(run):
    net = nn.Sequential(nn.Linear(64, run.config["width"]), nn.ReLU(), nn.Linear(run.config["width"], 10))
    optimizer = torch.optim.AdamW(net.parameters(), lr=run.config["learning_rate"])
    batches = DataLoader(run.train.dataset(), batch_size=run.config["batch_size"], shuffle=True)
    for _ in run.epochs():
        net.train()
        for x, y in batches:
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()
        run.report(probabilities(net, run.valid.x))
    return lambda rows: probabilities(net, rows)


digits = load_digits()
study = tr.Study(
    train,
    space=tr.Space(
        width=tr.Int(16, 128, log=True, default=32),
        learning_rate=tr.Float(1e-4, 1e-1, log=True, default=1e-3),
        batch_size=tr.Choice([32, 64, 128], default=64),
    ),
    data=tr.Data(Images(digits.images, digits.target), y=digits.target),
    also=["accuracy"],
    validation=tr.Holdout(0.2),
    epochs=1 if fast else 10,
    folder="studies/dataset",
)
study.run(trials=2 if fast else 20)
print(study.verdict())
