"""`truing demo`: a small CNN on scikit-learn's digits, tuned, judged and reported.

The worked example of every tutorial is the kernel size of a convolutional network; here it is tuned together with
channels, learning rate, momentum and batch size, with the protocol that tutorials leave out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import truing as tr
from truing.errors import UsageError

TRIALS = 20
EPOCHS = 10


def build(config: Any) -> Any:
    """A CNN of two convolutions with batch normalisation and one linear layer: 8 x 8 images, 10 classes."""
    from torch import nn

    kernel, channels = config["kernel_size"], config["channels"]
    return nn.Sequential(
        nn.Conv2d(1, channels, kernel, padding="same"),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(channels, 2 * channels, kernel, padding="same"),
        nn.BatchNorm2d(2 * channels),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(2 * channels * 4, 10),
    )


def study(folder: str | Path = "studies/demo") -> tr.Study:
    """The demo's study.

    Raises:
        UsageError: torch is not installed.
    """
    try:
        import torch  # noqa: F401 - so that the workers know to load it once
    except ImportError:
        raise UsageError('The demo trains with PyTorch, which is not installed: pip install "truing[torch]".') from None
    made = tr.Study(
        tr.TorchTrainer(build),
        space=tr.Space(
            kernel_size=tr.Choice([1, 3, 5], default=3, group="architecture"),
            channels=tr.Int(4, 32, log=True, default=8, group="architecture"),
            learning_rate=tr.Float(1e-3, 3e-1, log=True, default=1e-2, group="training"),
            momentum=tr.Float(0.0, 0.98, default=0.9, group="training"),
            batch_size=tr.Choice([32, 64, 128], default=64, group="training"),
            optimizer=tr.Choice(["sgd"], default="sgd", group="training", role="fixed"),
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
