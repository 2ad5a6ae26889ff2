"""`truing demo`: a small CNN on scikit-learn's digits, tuned, judged and reported.

The worked example of every tutorial is the kernel size of a convolutional network; here it is tuned together with
channels, learning rate, momentum and batch size, with the protocol that tutorials leave out.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import truing as tr
from truing.errors import UsageError

TRIALS = 24
EPOCHS = 10


def build(kernel_size: int, channels: int) -> Any:
    """Three convolutions with batch normalisation and one linear layer: 8 x 8 images, 10 classes."""
    from torch import nn

    def block(given: int, made: int) -> list[Any]:
        return [nn.Conv2d(given, made, kernel_size, padding="same", bias=False), nn.BatchNorm2d(made), nn.ReLU()]

    return nn.Sequential(
        *block(1, channels),
        *block(channels, 2 * channels),
        nn.MaxPool2d(2),
        *block(2 * channels, 2 * channels),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(2 * channels * 4, 10),
    )


def train(run: Any) -> Any:
    """SGD with momentum; the learning rate falls to zero along a cosine."""
    import torch

    net = build(**run.config.group("architecture"))
    x, y = torch.as_tensor(run.train.x), torch.as_tensor(run.train.y)
    optimizer = torch.optim.SGD(net.parameters(), lr=run.config["learning_rate"], momentum=run.config["momentum"])
    steps = EPOCHS * -(-len(x) // run.config["batch_size"])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in run.epochs(EPOCHS):
        net.train()
        for rows in torch.randperm(len(x)).split(run.config["batch_size"]):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
            optimizer.step()
            schedule.step()
        run.report(probabilities(net, run.valid.x))
    state = io.BytesIO()
    torch.save(net.state_dict(), state)
    run.keep("state_dict.pt", state.getvalue())
    return lambda x: probabilities(net, x)


def probabilities(net: Any, x: Any) -> Any:
    """The softmax of the network's outputs, as (rows, classes)."""
    import torch

    net.eval()
    with torch.no_grad():
        return net(torch.as_tensor(x)).softmax(dim=1)


def study(folder: str | Path = "studies/demo") -> tr.Study:
    """The demo's study.

    Raises:
        UsageError: torch is not installed.
    """
    try:
        import torch  # noqa: F401 - so that the workers know to load it once
    except ImportError:
        raise UsageError(
            "The demo trains with PyTorch, which is not installed: "
            'pip install ".[torch]" in your copy of Truing\'s repository.'
        ) from None
    made = tr.Study(
        train,
        space=tr.Space(
            kernel_size=tr.Choice([1, 3, 5], default=3, group="architecture"),
            channels=tr.Int(4, 16, log=True, default=8, group="architecture"),
            learning_rate=tr.Float(1e-3, 3e-1, log=True, default=1e-2, group="training"),
            momentum=tr.Float(0.0, 0.98, default=0.9, group="training"),
            batch_size=tr.Choice([32, 64, 128], default=64, group="training"),
        ),
        data=tr.datasets.digits(),
        metric="log_loss",
        also=["accuracy", "sensitivity", "specificity", "precision"],
        validation=tr.KFold(5),
        test=0.2,
        search="random",
        epochs=EPOCHS,
        folder=folder,
        seed=0,
    )
    made.file = Path(__file__)
    return made
