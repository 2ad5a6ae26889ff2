"""One group of parameters at a time, and at the end whether that was enough: sequential search, without torch.

Boosted trees on the breast cancer data: first the shape of the trees, then how they learn. The last lines of the search
say what joint trials over both groups found; the verdict repeats them.
"""

import sys

from sklearn.ensemble import HistGradientBoostingClassifier

import truing as tr

fast = "--fast" in sys.argv


def train(run):
    model = HistGradientBoostingClassifier(max_iter=10 if fast else 60, random_state=run.seed, **run.config)
    model.fit(run.train.x, run.train.y)
    run.report(model.predict_proba(run.valid.x))
    return model.predict_proba


study = tr.Study(
    train,
    space=tr.Space(
        max_leaf_nodes=tr.Int(3, 31, log=True, default=31, group="trees"),
        min_samples_leaf=tr.Int(5, 60, log=True, default=20, group="trees"),
        learning_rate=tr.Float(0.01, 1.0, log=True, default=0.1, group="learning"),
        l2_regularization=tr.Choice([0.0, 1.0, 10.0], default=0.0, group="learning"),
    ),
    data=tr.datasets.breast_cancer(),
    metric="log_loss",
    also=["accuracy"],
    validation=tr.Holdout(0.3) if fast else tr.KFold(5),
    search=tr.SequentialSearch(order=["learning", "trees"], inner=tr.GridSearch(points=2 if fast else 4), joint=6),
    folder="studies/sequential",
)
study.run()  # without trials= it runs to its own end
print(study.trials())
print(study.verdict())
