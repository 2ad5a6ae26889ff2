"""The range for a new site, at simulated sites: is the score of one more site in it?"""

from __future__ import annotations

from typing import Any

import numpy as np

from _honesty.executor import FIXED
from _honesty.kinds import Kind, Simulated
from _honesty.networks import Network, Training, train
from truing.record.seeds import seed_of, stream
from truing.statistics.metric import metric
from truing.statistics.score import score
from truing.statistics.sites import new_site

SITES, FEWEST, MOST = 8, 80, 400
NEW, MANY = 10, 20_000  # new sites a study, and the rows that tell what a site's score truly is
APART = (0.0, 0.4, 1.0)  # how far sites are from each other


def site_kinds() -> list[tuple[Kind, float]]:
    """24 kinds of task with sites, from no difference between them to a large one."""
    shapes, found = ("linear", "sparse", "pairs", "clusters"), []
    for i in range(24):
        name = ("accuracy", "roc_auc", "accuracy", "log_loss")[(i // 3) % 4]
        classes = 2 if name == "roc_auc" or i % 2 else 3
        share = np.exp(-(0.0, 0.8)[i // 12] * np.arange(classes))
        priors = tuple(float(p) for p in share / share.sum())
        kind = Kind(f"sites-{i:02d}", 0, classes, priors, (0.0, 0.15)[i % 2], 0, shapes[i % 4], 8, name)
        found.append((kind, APART[i % 3]))
    return found


def conduct_sites(kind: Kind, apart: float, number: int, seed: int) -> dict[str, Any]:
    """The range from eight sites, each left out once, and the scores at further ones."""
    rng = stream(seed, kind.name, number, "sites")
    task = Simulated(kind, rng)
    seen = [task.site(apart, rng)(int(rng.integers(FEWEST, MOST + 1))) for _ in range(SITES)]
    whole = list(range(SITES))
    chosen = [[j for j in whole if j != i] for i in whole] + [whole]
    work = [
        Training(
            np.concatenate([seen[j][0] for j in sites]),
            np.concatenate([seen[j][1] for j in sites]),
            kind.classes,
            FIXED,
            seed_of(seed, kind.name, number, place),
        )
        for place, sites in enumerate(chosen)
    ]
    *left_out, delivered = train(work)
    scores = [_score(kind, network, *rows) for network, rows in zip(left_out, seen, strict=True)]
    by = metric(kind.metric)
    found = new_site(scores, (by.low, by.high), rows=[len(y) for _, y in seen])
    like, truly = [], []
    for _ in range(NEW):
        draw = task.site(apart, rng)
        like.append(_score(kind, delivered, *draw(int(rng.integers(FEWEST, MOST + 1)))))
        truly.append(_score(kind, delivered, *draw(MANY)))
    return {
        "kind": kind.name,
        "number": number,
        "metric": kind.metric,
        "apart": apart,
        "low": found.low,
        "high": found.high,
        "scores": scores,
        "new": like,
        "new_truth": truly,
    }


def _score(kind: Kind, network: Network, x: np.ndarray, y: np.ndarray) -> float | None:
    return score(kind.metric, y, network.predict(x).astype(float)).value
