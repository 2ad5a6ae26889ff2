"""Several rows of one patient: `groups=` keeps them on one side of every split.

Each synthetic patient has a habit of his own that marks his rows, and says nothing about the next patient. With rows
dealt at random a network recognises the patient, and its score is a promise that it cannot keep.
"""

import sys

import numpy as np
from torch import nn

import truing as tr

fast = "--fast" in sys.argv


def visits(patients=120, each=5, seed=0):
    """x (patients * each, 12) float32, y "healthy" or "ill", and the patient of each row."""
    rng = np.random.default_rng(seed)
    ill = rng.random(patients) < 0.4
    habit = rng.normal(0, 2, (patients, 8))
    signs = rng.normal(0, 1, (patients, 4)) + 0.8 * ill[:, None]
    patient = np.repeat(np.arange(patients), each)
    x = np.hstack([habit, signs])[patient] + rng.normal(0, 0.5, (patients * each, 12))
    return x.astype(np.float32), np.where(ill, "ill", "healthy")[patient], patient


def build(config):
    return nn.Sequential(nn.Linear(12, config["width"]), nn.ReLU(), nn.Linear(config["width"], 1))


x, y, patient = visits()
study = tr.Study(
    tr.TorchTrainer(build),
    space=tr.Space(
        width=tr.Int(2, 64, log=True, default=32),
        learning_rate=tr.Float(1e-4, 1e-1, log=True, default=1e-2),
        weight_decay=tr.Float(1e-4, 10, log=True, default=1e-2),
    ),
    data=tr.Data(x, y, groups=patient),
    positive="ill",
    metric="log_loss",
    also=["sensitivity", "specificity"],
    validation=tr.KFold(5),
    test=0.25,
    epochs=2 if fast else 20,
    folder="studies/groups",
)
study.run(trials=2 if fast else 30)
print(study.verdict())
