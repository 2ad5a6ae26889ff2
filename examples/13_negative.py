"""A network of digits looks at clothes: how sure is it of what is no digit at all?

Fashion-MNIST is the negative control of a network tuned on MNIST. It has no labels here, and is no validation set:
the verdict says how often the network is surer of a shirt than of half of the digits that it gets right. The files
are looked for in --data DIR (default: ../shared/data/images beside the repository). Without them scikit-learn's
digits and waves of that size stand in.
"""

import sys
from pathlib import Path

import numpy as np
from torch import nn

import truing as tr

fast = "--fast" in sys.argv
default = Path(__file__).resolve().parents[2] / "shared" / "data" / "images"
folder = Path(sys.argv[sys.argv.index("--data") + 1]) if "--data" in sys.argv else default


def from_files(rows):
    mnist, fashion = (np.load(folder / f"{name}.npz") for name in ("mnist", "fashion_mnist"))
    return tr.Data(mnist["x_train"][:rows], mnist["y_train"][:rows]), {"clothes": tr.Data(fashion["x_test"][:rows])}


def stand_in(rows):
    data = tr.datasets.digits()
    x = np.asarray(data.x, dtype=np.float32).reshape(-1, 8, 8)
    waves = np.sin(np.random.default_rng(0).uniform(0.2, 2.0, (400, 8, 1)) * np.arange(8)) / 2 + 0.5
    return tr.Data(x[:rows], np.asarray(data.y)[:rows]), {"waves": tr.Data(waves.astype(np.float32))}


def build(config):
    return nn.Sequential(
        nn.Flatten(),
        nn.LazyLinear(config["width"]),
        nn.ReLU(),
        nn.Dropout(config["dropout"]),
        nn.Linear(config["width"], 10),
    )


here = all((folder / f"{name}.npz").is_file() for name in ("mnist", "fashion_mnist"))
if not here:
    print(f"{folder} has no mnist.npz and fashion_mnist.npz (--data DIR): scikit-learn's digits and waves stand in.")
digits, strangers = (from_files if here else stand_in)(600 if fast else 6000)

study = tr.Study(
    tr.TorchTrainer(build),
    space=tr.Space(
        width=tr.Int(16, 256, log=True, default=64),
        dropout=tr.Float(0.0, 0.6, default=0.2),
        learning_rate=tr.Float(1e-4, 1e-1, log=True, default=1e-3),
        batch_size=tr.Choice([32, 64, 128], default=64),
    ),
    data=digits,
    negative=strangers,
    metric="log_loss",
    also=["accuracy"],
    validation=tr.Holdout(0.2),
    test=0.2,
    epochs=2 if fast else 15,
    folder="studies/negative",
)
study.run(trials=2 if fast else 20)
verdict = study.verdict()
print(verdict)
for name, found in verdict.to_dict()["negative"].items():
    print(f"Most like a digit among the {name}:")
    for one in found["most"]:
        print(f"  position {one['position']} as {one['class']} with probability {one['probability']:.3f}")
