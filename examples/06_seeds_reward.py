"""A number of one's own, without data: an agent that learns which of ten slot machines pays best.

The score depends on luck, so a trial is five runs that differ in their seed; the verdict then runs both sides again
with fresh seeds.
"""

import sys

import numpy as np

import truing as tr

fast = "--fast" in sys.argv
STEPS = 50 if fast else 1000


def train(run):
    """A gradient bandit (Sutton & Barto 2018, Reinforcement Learning, section 2.8)."""
    rng = np.random.default_rng(run.seed)
    pays = rng.normal(0, 1, 10)
    preference, baseline, earned = np.zeros(10), 0.0, 0.0
    for step in range(1, STEPS + 1):
        chances = np.exp(preference - preference.max())
        chances /= chances.sum()
        arm = rng.choice(10, p=chances)
        reward = rng.normal(pays[arm], 1)
        if run.config["baseline"] == "mean":
            baseline += (reward - baseline) / step
        preference += run.config["step_size"] * (reward - baseline) * (np.eye(10)[arm] - chances)
        earned += pays[arm]
    run.report(reward=earned / STEPS)


study = tr.Study(
    train,
    space=tr.Space(
        step_size=tr.Float(1e-3, 10, log=True, default=0.01),
        baseline=tr.Choice(["none", "mean"], default="none"),
    ),
    data=None,
    metric=tr.Metric("reward", goal="max"),
    validation=tr.Seeds(5),
    folder="studies/reward",
)
study.run(trials=3 if fast else 40)
print(study.verdict())
