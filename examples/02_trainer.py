"""No training loop of one's own: `tr.TorchTrainer` takes a function that builds a network from a configuration.

It reads the usual names (optimizer, learning_rate, momentum, weight_decay, batch_size, ...) by itself; all other
parameters are for `build`. A parameter with `when=` exists only where its condition holds.
"""

import sys

from torch import nn

import truing as tr

fast = "--fast" in sys.argv


def build(config):
    layers = [nn.Flatten()]
    inputs = 64
    for _ in range(config["layers"]):
        layers += [nn.Linear(inputs, config["width"]), nn.ReLU(), nn.Dropout(config["dropout"])]
        inputs = config["width"]
    return nn.Sequential(*layers, nn.Linear(inputs, 10))


study = tr.Study(
    tr.TorchTrainer(build),
    space=tr.Space(
        layers=tr.Int(1, 3, default=2, group="architecture"),
        width=tr.Int(16, 128, log=True, default=64, group="architecture"),
        dropout=tr.Float(0.0, 0.5, default=0.1, group="architecture"),
        optimizer=tr.Choice(["sgd", "adamw"], default="adamw", group="training"),
        learning_rate=tr.Float(1e-4, 1e-1, log=True, default=1e-3, group="training"),
        momentum=tr.Float(0.0, 0.98, default=0.9, when={"optimizer": ["sgd"]}, group="training"),
        weight_decay=tr.Float(1e-6, 1e-1, log=True, default=1e-4, when={"optimizer": ["adamw"]}, group="training"),
        lr_schedule=tr.Choice(["constant", "cosine"], default="constant", group="training"),
        batch_size=tr.Choice([32, 64, 128], default=64, group="training"),
    ),
    data=tr.datasets.digits(),
    metric="log_loss",
    also=["accuracy"],
    validation=tr.Holdout(0.2, repeats=2),
    epochs=2 if fast else 20,
    folder="studies/trainer",
)
study.run(trials=2 if fast else 40)
print(study.verdict())  # the delivered network is in studies/trainer/model/
