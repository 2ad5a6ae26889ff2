"""A convolutional network on 8 x 8 digits: the kernel size, the width and how it is trained.

As a script:      python examples/01_digits.py
By the command:   truing run examples/01_digits.py, then truing verdict studies/digits
"""

import sys

import torch
from torch import nn

import truing as tr

fast = "--fast" in sys.argv


class ConvNet(nn.Module):
    def __init__(self, kernel_size, channels):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, channels, kernel_size, padding="same"),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(channels, 2 * channels, kernel_size, padding="same"),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(8 * channels, 10),
        )

    def forward(self, x):
        return self.layers(torch.as_tensor(x))


def fit_one_epoch(net, optimizer, x, y, batch_size):
    net.train()
    y = torch.as_tensor(y)
    for rows in torch.randperm(len(x)).split(batch_size):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
        optimizer.step()


def probabilities(net, x):
    net.eval()
    with torch.no_grad():
        return net(x).softmax(dim=1)


def train(run):
    net = ConvNet(**run.config.group("architecture"))
    optimizer = torch.optim.SGD(net.parameters(), lr=run.config["learning_rate"], momentum=run.config["momentum"])
    for _ in run.epochs():
        fit_one_epoch(net, optimizer, run.train.x, run.train.y, run.config["batch_size"])
        run.report(probabilities(net, run.valid.x))
    return lambda x: probabilities(net, x)


study = tr.Study(
    train,
    space=tr.Space(
        kernel_size=tr.Choice([1, 3, 5, 7], default=3, group="architecture"),
        channels=tr.Int(8, 32, log=True, default=16, group="architecture"),
        learning_rate=tr.Float(1e-4, 1e-1, log=True, default=1e-2, group="training"),
        momentum=tr.Float(0.0, 0.98, default=0.9, group="training"),
        batch_size=tr.Choice([32, 64, 128], default=64, group="training"),
    ),
    data=tr.datasets.digits(),
    metric="log_loss",
    also=["accuracy", "sensitivity", "specificity", "precision"],
    validation=tr.KFold(5),
    test=0.2,
    search="random",
    epochs=2 if fast else 15,
    folder="studies/digits",
    seed=0,
)
study.run(trials=2 if fast else 40, workers=2)
verdict = study.verdict()
print(verdict)
print(study.trials())
