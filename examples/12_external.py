"""Digits tuned on MNIST, judged on USPS and on optdigits: the same task from other hands, pens and scanners.

The locked test says how the network does on further MNIST digits; the external sets say how it does elsewhere, and
the verdict says how much is lost on the way. The files are looked for in --data DIR (default: ../shared/data/images
beside the repository). Without them scikit-learn's digits stand in: tuned on clean ones, judged on turned and on
noisy ones.
"""

import sys
from pathlib import Path

import numpy as np
from torch import nn

import truing as tr

fast = "--fast" in sys.argv
default = Path(__file__).resolve().parents[2] / "shared" / "data" / "images"
folder = Path(sys.argv[sys.argv.index("--data") + 1]) if "--data" in sys.argv else default
SIZE = 8


def resize(x, size=SIZE):
    """Square images (n, h, h) to (n, size, size), each pixel the mean of the area it covers."""
    h = x.shape[1]
    edges, cells = np.linspace(0, h, size + 1), np.arange(h)
    weight = np.clip(np.minimum(edges[1:, None], cells + 1) - np.maximum(edges[:-1, None], cells), 0, None)
    weight /= weight.sum(axis=1, keepdims=True)
    return np.einsum("ih,nhw,jw->nij", weight, x, weight, optimize=True).astype(np.float32)


def from_files(rows):
    """MNIST without its margin, which the others do not have; USPS; optdigits. All in 0 to 1."""
    mnist, usps, digits = (np.load(folder / f"{name}.npz") for name in ("mnist", "usps", "sklearn_digits"))
    near = tr.Data(resize(mnist["x_train"][:rows, 4:24, 4:24] / 255), mnist["y_train"][:rows])
    return near, {
        "usps": tr.Data(resize(usps["x_test"] / float(usps["scale"])), usps["y_test"]),
        "optdigits": tr.Data(resize(digits["x"] / 16), digits["y"]),
    }


def stand_in(rows):
    """Clean digits of scikit-learn to develop on; others of them, turned by a quarter or noisy, as external sets."""
    data = tr.datasets.digits()
    x, y = np.asarray(data.x, dtype=np.float32).reshape(-1, 8, 8), np.asarray(data.y)
    noise = np.random.default_rng(0).normal(0, 0.3, x[1500:].shape).astype(np.float32)
    return tr.Data(x[: min(rows, 1200)], y[: min(rows, 1200)]), {
        "turned": tr.Data(np.rot90(x[1200:1500], axes=(1, 2)).copy(), y[1200:1500]),
        "noisy": tr.Data(np.clip(x[1500:] + noise, 0, 1), y[1500:]),
    }


def build(config):
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(SIZE * SIZE, config["width"]),
        nn.ReLU(),
        nn.Dropout(config["dropout"]),
        nn.Linear(config["width"], 10),
    )


here = all((folder / f"{name}.npz").is_file() for name in ("mnist", "usps", "sklearn_digits"))
if not here:
    print(f"{folder} has no mnist.npz, usps.npz and sklearn_digits.npz (--data DIR): scikit-learn's digits stand in.")
near, far = (from_files if here else stand_in)(600 if fast else 6000)

study = tr.Study(
    tr.TorchTrainer(build),
    space=tr.Space(
        width=tr.Int(16, 256, log=True, default=64),
        dropout=tr.Float(0.0, 0.6, default=0.2),
        learning_rate=tr.Float(1e-4, 1e-1, log=True, default=1e-3),
        weight_decay=tr.Float(1e-5, 1.0, log=True, default=1e-2),
        batch_size=tr.Choice([32, 64, 128], default=64),
    ),
    data=near,
    external=far,
    metric="log_loss",
    also=["accuracy"],
    validation=tr.Holdout(0.2),
    test=0.2,
    epochs=2 if fast else 15,
    folder="studies/external",
)
study.run(trials=2 if fast else 20)
verdict = study.verdict()
print(verdict)
for name, found in verdict.to_dict()["external"].items():
    scores = found["metrics"]["accuracy"]
    if scores["drop"]["value"] is not None:
        inside, outside = scores["drop"]["internal"], scores["selected"]
        print(f"{name}: accuracy {100 * outside:.1f} % there, {100 * inside:.1f} % on the locked test")
