"""Breast cancer: how many malignant masses are found (sensitivity), and how many benign ones are left in peace
(specificity).

`positive=` says which class these words are about. The search goes by log loss, which sees every probability; the
figures that a physician reads are printed beside it, with intervals, for rows that were locked away.
"""

import sys

from torch import nn

import truing as tr

fast = "--fast" in sys.argv


def build(config):
    return nn.Sequential(
        nn.BatchNorm1d(30),  # scales each measurement by the training rows alone
        nn.Linear(30, config["width"]),
        nn.ReLU(),
        nn.Dropout(config["dropout"]),
        nn.Linear(config["width"], 1),
    )


study = tr.Study(
    tr.TorchTrainer(build),
    space=tr.Space(
        width=tr.Int(4, 64, log=True, default=16),
        dropout=tr.Float(0.0, 0.6, default=0.2),
        learning_rate=tr.Float(1e-4, 1e-1, log=True, default=1e-3),
        weight_decay=tr.Float(1e-5, 1.0, log=True, default=1e-2),
        batch_size=tr.Choice([16, 32, 64], default=32),
    ),
    data=tr.datasets.breast_cancer(),
    positive="malignant",
    metric="log_loss",
    also=["sensitivity", "specificity", "precision", "npv", "roc_auc"],
    validation=tr.KFold(5),
    test=0.3,
    epochs=2 if fast else 30,
    folder="studies/medical",
)
study.run(trials=2 if fast else 30)
print(study.verdict())
