"""How many layers a network has, and of which type each is: `tr.Repeat` makes one set of parameters for every layer.

What stands behind a label (a function, a class) goes to `build`; the journal and all tables have the label. A kernel
size exists only for layers that have a kernel.
"""

import sys

from torch import nn

import truing as tr

fast = "--fast" in sys.argv


def plain(inputs, width, kernel):
    return nn.Conv2d(inputs, width, kernel, padding="same")


def separable(inputs, width, kernel):
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, kernel, padding="same", groups=inputs), nn.Conv2d(inputs, width, kernel_size=1)
    )


def pointwise(inputs, width):
    return nn.Conv2d(inputs, width, kernel_size=1)


def build(config):
    blocks, channels = [], 1
    for layer in config.repeat("layer"):  # as many as config["layers"] says: {"kind": plain, "width": 16, "kernel": 3}
        kind = layer.pop("kind")
        blocks += [kind(channels, **layer), nn.BatchNorm2d(layer["width"]), config["activation"]()]
        channels = layer["width"]
    return nn.Sequential(*blocks, nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * channels, 10))


study = tr.Study(
    tr.TorchTrainer(build),
    space=tr.Space(
        tr.Repeat(
            "layer",
            count="layers",
            kind=tr.Choice({"plain": plain, "separable": separable, "pointwise": pointwise}, default="plain"),
            width=tr.Int(8, 32, log=True, default=16),
            kernel=tr.Choice([3, 5, 7], ordered=True, default=3, when={"kind": ["plain", "separable"]}),
        ),
        layers=tr.Int(1, 4, default=2, group="architecture"),
        activation=tr.Choice({"relu": nn.ReLU, "gelu": nn.GELU}, default="relu", group="architecture"),
        learning_rate=tr.Float(1e-4, 1e-1, log=True, default=3e-3, group="training"),
        batch_size=tr.Choice([32, 64, 128], ordered=True, default=64, group="training"),
    ),
    data=tr.datasets.digits(),
    metric="log_loss",
    also=["accuracy"],
    validation=tr.Holdout(0.2),
    epochs=1 if fast else 10,
    folder="studies/layers",
)
study.run(trials=3 if fast else 40)
print(study.verdict())
print(build(study.space.run_config(study.verdict().selected)))  # the network again, without its weights
