"""A Dataset that does not fit in memory: four million images, 16 GB, of which only the rows in use are ever made.

The study holds their labels and row numbers. It reads 64 rows, by which it would notice other data; the runs read what
they train on and predict. An epoch is as many batches as you say, and the validation set has a size of its own.
"""

import sys

import numpy as np
import torch
from sklearn.model_selection import ShuffleSplit
from torch import nn
from torch.utils.data import DataLoader, Dataset, RandomSampler

import truing as tr

fast = "--fast" in sys.argv
ROWS = 200_000 if fast else 4_000_000


class Images(Dataset):
    """Image i is made when it is asked for; yours would come from a file or a memory map."""

    def __init__(self, labels):
        self.labels, self.read = labels, 0

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, row):
        self.read += 1
        image = np.random.default_rng(row).normal(size=(32, 32)).astype(np.float32)
        image[:, :16] += 0.1 * float(self.labels[row])
        return torch.from_numpy(image), int(self.labels[row])


def probabilities(net, rows):
    net.eval()
    with torch.no_grad():
        batches = DataLoader(rows, batch_size=256)
        return torch.cat([net(b[0] if isinstance(b, list) else b).softmax(dim=1) for b in batches])


def train(run):
    net = nn.Sequential(nn.Flatten(), nn.Linear(32 * 32, run.config["width"]), nn.ReLU(), nn.LazyLinear(2))
    net(torch.zeros(1, 32, 32))
    optimizer = torch.optim.Adam(net.parameters(), lr=run.config["learning_rate"])
    images = run.train.dataset()
    for _ in run.epochs():
        losses = []
        net.train()
        sampler = RandomSampler(images, num_samples=64 * (10 if fast else 200))
        for x, y in DataLoader(images, batch_size=64, sampler=sampler):
            loss = nn.functional.cross_entropy(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        run.report(probabilities(net, run.valid.dataset()), train=float(np.mean(losses)))
    return lambda rows: probabilities(net, rows)


labels = np.random.default_rng(0).integers(0, 2, ROWS).astype(np.int8)
dataset = Images(labels)
study = tr.Study(
    train,
    space=tr.Space(
        width=tr.Int(4, 64, log=True, default=16),
        learning_rate=tr.Float(1e-4, 1e-2, log=True, default=1e-3),
    ),
    data=tr.Data(dataset, y=labels),
    validation=ShuffleSplit(1, test_size=500 if fast else 5000),
    test=np.arange(ROWS - (500 if fast else 5000), ROWS),
    epochs=1 if fast else 5,
    folder="studies/big_dataset",
)
study.run(trials=3 if fast else 30)
print(study.verdict())
print(f"{dataset.read} of {ROWS} rows were read in this process.")
