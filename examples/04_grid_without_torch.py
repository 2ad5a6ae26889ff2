"""A grid, and no torch: support vector regression from scikit-learn on the diabetes data.

A training function may train anything: it reports predictions for `run.valid` and returns a function that predicts.
"""

import sys

from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

import truing as tr

fast = "--fast" in sys.argv


def train(run):
    model = make_pipeline(StandardScaler(), SVR(**run.config))
    model.fit(run.train.x, run.train.y)
    run.report(model.predict(run.valid.x))
    return model.predict


study = tr.Study(
    train,
    space=tr.Space(
        C=tr.Float(1, 1000, log=True, default=1),
        gamma=tr.Float(1e-4, 1, log=True, default=0.1),
        epsilon=tr.Float(0.1, 10, log=True, default=0.1),
    ),
    data=tr.datasets.diabetes(),
    metric="rmse",
    also=["mae", "r2"],
    validation=tr.KFold(5),
    search=tr.GridSearch(points=2 if fast else 4),  # 4 x 4 x 4, and the defaults, which lie off this grid
    folder="studies/grid",
)
study.run()  # a grid runs to its size
print(study.trials())
print(study.verdict())
