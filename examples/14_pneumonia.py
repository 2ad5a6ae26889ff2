"""X-rays of children's lungs, whose official test set comes from elsewhere: the score does not hold there.

PneumoniaMNIST's official test images are an external set here. A fifth of the official training images is the
locked test. Both are scored by the same refits, so the verdict says how much of the score is lost away from home
(the drop), whether pneumonia is as common there (the shift in prevalence), and what the score would be if it were:
what is left of the drop is owed to the images themselves. The file is looked for in --data DIR (default:
../shared/data/images beside the repository). Without it two simulated hospitals stand in, the second with fewer of
the ill and with blurrier images.
"""

import sys
from pathlib import Path

import numpy as np
from torch import nn

import truing as tr

fast = "--fast" in sys.argv
default = Path(__file__).resolve().parents[2] / "shared" / "data" / "images"
folder = Path(sys.argv[sys.argv.index("--data") + 1]) if "--data" in sys.argv else default
NAMES = np.array(["normal", "pneumonia"])


def from_file(rows):
    images = np.load(folder / "pneumoniamnist.npz")
    chosen = np.random.default_rng(0).permutation(len(images["x_train"]))[:rows]
    near = tr.Data(images["x_train"][chosen], NAMES[images["y_train"][chosen].ravel()])
    return near, tr.Data(images["x_test"], NAMES[images["y_test"].ravel()])


def simulated(rows):
    rng = np.random.default_rng(0)

    def hospital(n, share, signal):
        y = (rng.random(n) < share).astype(int)
        x = rng.normal(0.5, 0.15, (n, 28, 28)) + signal * y[:, None, None] * (np.arange(28) > 14)
        return tr.Data(np.clip(255 * x, 0, 255).astype(np.uint8), NAMES[y])

    return hospital(min(rows, 1000), 0.74, 0.03), hospital(600, 0.62, 0.01)


def build(config):
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(28 * 28, config["width"]),
        nn.ReLU(),
        nn.Dropout(config["dropout"]),
        nn.Linear(config["width"], 1),
    )


here = (folder / "pneumoniamnist.npz").is_file()
if not here:
    print(f"{folder} has no pneumoniamnist.npz (--data DIR): two simulated hospitals stand in.")
near, elsewhere = (from_file if here else simulated)(800 if fast else 5000)

study = tr.Study(
    tr.TorchTrainer(build),
    space=tr.Space(
        width=tr.Int(8, 128, log=True, default=32),
        dropout=tr.Float(0.0, 0.6, default=0.2),
        learning_rate=tr.Float(1e-4, 1e-2, log=True, default=1e-3),
        weight_decay=tr.Float(1e-5, 1.0, log=True, default=1e-2),
        batch_size=tr.Choice([32, 64, 128], default=64),
    ),
    data=near,
    positive="pneumonia",
    external={"official test": elsewhere},
    metric="log_loss",
    also=["roc_auc", "accuracy", "sensitivity", "specificity"],
    validation=tr.Holdout(0.2),
    test=0.2,
    epochs=3 if fast else 20,
    folder="studies/pneumonia",
)
study.run(trials=2 if fast else 20)
verdict = study.verdict()
print(verdict)
found = verdict.to_dict()["external"]["official test"]
print("\n                    locked   elsewhere   worse by (95 %)             elsewhere, classes as here")
for name, scores in found["metrics"].items():
    drop, standard = scores["drop"], scores["at_internal_prevalence"]
    if drop["low"] is not None and standard is not None:
        ends = f"{drop['value']:+.3f} [{drop['low']:+.3f}, {drop['high']:+.3f}]"
        print(f"{name:18}  {drop['internal']:.3f}    {scores['selected']:.3f}       {ends:26}  {standard:.3f}")
for share in found["prevalence"]:
    print(f"{share['class']:18}  {100 * share['internal']:.0f} % here, {100 * share['external']:.0f} % elsewhere")
