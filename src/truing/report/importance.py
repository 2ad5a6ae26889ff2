"""What mattered in a study: shares of variance, and what sets the best trials apart, with their notes."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from truing.record.history import History
from truing.record.trial import Trial
from truing.report.columns import cells, clip, many, pad, plain
from truing.statistics.importance import Share, Shares, shares
from truing.statistics.ped_anova import Divergences, ped_anova
from truing.verdict.mattered import WHOLE, drawing_for, percent, serving

FAILED = 0.2  # share of the trials from which on their absence is said
SHOWN = 0.005  # pairs below half a per cent are not printed
FEW_PAIRS = 5
_WIDTH = 80


@dataclass(frozen=True)
class Importance:
    """What mattered, as a study's trials tell it.

    Args:
        metric: whose variance it is.
        region: "over the whole space" where the trials were proposed without reading scores, else "in the region
            searched".
        trials: numbers of the trials it was made from.
        shares: the functional ANOVA: every parameter's own share of the variance, every two together, the surrogate's
            quality; see `truing.statistics.importance.Shares`.
        best: PED-ANOVA: what sets the best tenth apart; see `truing.statistics.ped_anova.Divergences`.
        notes: what to keep in mind, a sentence each.
    """

    metric: str
    region: str
    trials: tuple[int, ...]
    shares: Shares
    best: Divergences
    notes: tuple[str, ...]

    def table(self) -> list[dict[str, Any]]:
        """A dict a parameter, the largest share first, then one for every two, then one for each group of parameters.

        Each: parameter (of two, "a × b"; of a group, where there are several, "group architecture": what its
        parameters make, alone and two of them together), share, low, high (its 95 % interval), total (with all that
        it makes together with others), total_low, total_high, best (share of what sets the best tenth apart) and p
        (how often chance does as much); None where it does not apply or could not be told.
        """
        best = {one.name: one for one in self.best.parameters}
        own = {share.names[0]: share for share in self.shares.parameters}
        rows = []
        for name in [*own, *(name for name in best if name not in own)]:
            share, other = own.get(name), best.get(name)
            keys = ("share", "low", "high", "total", "total_low", "total_high")
            row: dict[str, Any] = {"parameter": name, **{key: getattr(share, key, None) for key in keys}}
            rows.append({**row, "best": getattr(other, "share", None), "p": getattr(other, "p", None)})
        called = [(" × ".join(share.names), share) for share in self.shares.pairs]
        for label, share in [*called, *((f"group {share.names[0]}", share) for share in self.shares.groups)]:
            row = {"parameter": label, "share": share.share, "low": share.low, "high": share.high}
            rows.append({**row, "total": None, "total_low": None, "total_high": None, "best": None, "p": None})
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "metric": self.metric,
            "region": self.region,
            "trials": list(self.trials),
            "shares": self.table(),
            "three_or_more": self.shares.rest,
            "r2": self.shares.r2,
            "noise": self.shares.noise,
            "reason": self.shares.why or None,
            "best_reason": self.best.why or None,
            "best_trials": self.best.top,
            "notes": list(self.notes),
        }

    @property
    def text(self) -> str:
        """The table and its notes for a terminal of 80 columns."""
        found, lines = self.shares, [f"What mattered for {plain(self.metric)} {self.region}, by {_counted(self)}"]
        if found.why:
            lines += textwrap.wrap(f"Shares of the variance are left out: {plain(found.why)}.", _WIDTH)
        else:
            lines += ["", *self._columns(), ""]
            if found.rest is not None:
                lines.append(f"three or more together {percent(found.rest)}")
            if found.groups:
                lines += textwrap.wrap(_by_group(found), _WIDTH)
            lines += textwrap.wrap(_quality(found), _WIDTH)
        lines += ["", *textwrap.wrap(self._best(), _WIDTH)]
        lines += [
            line for note in self.notes for line in textwrap.wrap(f"- {plain(note)}", _WIDTH, subsequent_indent="  ")
        ]
        return "\n".join(lines)

    @property
    def sentences(self) -> tuple[str, ...]:
        """How good the surrogate is, what sets the best apart, and the notes."""
        quality = () if self.shares.why else (_quality(self.shares),)
        groups = (_by_group(self.shares),) if self.shares.groups else ()
        return (*groups, *quality, self._best(), *map(plain, self.notes))

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.text)}</pre>"

    def _columns(self) -> list[str]:
        pairs = [share for share in self.shares.pairs if share.share >= SHOWN][:FEW_PAIRS]
        shown = [(named(share), share) for share in (*self.shares.parameters, *pairs)]
        wide = min(40, max(cells(name) for name, _ in shown))
        lines = [f"{pad('', wide)}  share of variance (95 %)   with others"]
        for name, share in shown:
            total = "" if share.total is None else percent(share.total)
            lines.append(
                f"{pad(clip(name, wide), wide)}  {pad(percent(share.share), 5, right=True)}  "
                f"{pad(ends(share), 18)}  {pad(total, 5, right=True)}".rstrip()
            )
        return lines

    def _best(self) -> str:
        found = self.best
        if found.why:
            return f"What sets the best tenth apart is left out: {plain(found.why)}."
        told = [one for one in found.parameters if one.p <= 0.05]
        start = f"The best {found.top} of {found.trials} trials (PED-ANOVA)"
        if not told:
            return f"{start} differ from all trials by no more than chance does, in any parameter."
        listed = ", ".join(f"{plain(one.name)} {percent(one.share)}" for one in told)
        return f"{start} are set apart by {listed}; the other parameters by no more than chance."


def importance_of(history: History, study: Mapping[str, Any]) -> Importance:
    """What mattered in a study, from its completed trials.

    Trials of searches that read no scores (random, Sobol, grid) speak of the whole space. Where an adaptive search had
    any part, and too few others are left, all trials serve and the result is labelled "in the region searched": such a
    search goes where scores are good, so its trials are no even sample, and the shares are those of a surface that was
    learned mostly there.

    Args:
        history: of the study.
        study: the data of its `study` event.
    """
    done = list(history.completed)
    used, region = serving(history)
    rng = drawing_for(history, used)
    configs, y = [trial.config for trial in used], np.array([float(trial.value or 0.0) for trial in used])
    found = shares(history.space, configs, y, rng)
    best = ped_anova(history.space, configs, y, rng, goal=history.goal)
    notes = tuple(_notes(history, done, used, found, region == WHOLE))
    return Importance(str(study.get("metric", "score")), region, tuple(t.number for t in used), found, best, notes)


def _notes(history: History, done: Sequence[Trial], used: Sequence[Trial], found: Shares, whole: bool) -> list[str]:
    notes = []
    if not whole:
        notes.append(
            "An adaptive search goes where scores are good, so these trials are no even sample of the space: the "
            "shares are of the region searched, and their intervals do not know of that."
        )
    elif len(used) < len(done):
        left = many(len(done) - len(used), "trial")
        notes.append(f"{left} of an adaptive search are left out, for they are no even sample of the space.")
    if found.trials and found.trials < len(used):
        notes.append(f"The shares are from {found.trials} of the {len(used)} trials, drawn by lot.")
    failed = sum(trial.state == "failed" for trial in history.trials)
    if failed > FAILED * len(history):
        notes.append(
            f"{failed} of {many(len(history), 'trial')} failed and are missing here: what makes them fail is not seen."
        )
    if found.moved:
        notes.append(
            f"{many(found.moved, 'score')} far outside {'was' if found.moved == 1 else 'were'} moved to three "
            "interquartile ranges beyond the quartiles, else the variance would be that of a few trials."
        )
    if found.idle:
        notes.append(f"Nothing is known of {', '.join(found.idle)}: one value in all these trials.")
    if any(parameter.when for parameter in history.space.values()):
        notes.append("A conditional parameter's share is what its values change where it is active.")
    if not found.why:
        notes.append("A share depends on the ranges: a parameter given a narrow one, or a good one, has a small share.")
    return notes


def _counted(found: Importance) -> str:
    return many(len(found.trials), "trial")


def _quality(found: Shares) -> str:
    noise = (
        ""
        if found.noise is None
        else f" Noise makes {percent(found.noise)} of the scores' variance and is in no share."
    )
    return f"The surrogate predicts scores it has not seen with R2 {found.r2:.2f} (4-fold).{noise}"


def _by_group(found: Shares) -> str:
    """The share of each group."""
    listed = ", ".join(f"{named(share)} {percent(share.share)} {ends(share)}" for share in found.groups)
    return f"By group, alone and two of a group together: {listed}."


def named(share: Share) -> str:
    """A parameter, or two."""
    return " × ".join(plain(name) for name in share.names)


def ends(share: Share) -> str:
    """Its interval, in whole per cent."""
    return f"[{100 * share.low:.0f}, {100 * share.high:.0f}]"


def in_a_line(found: Importance) -> str:
    """What mattered, in a sentence: what `truing show` prints."""
    if found.shares.why:
        return f"not told: {plain(found.shares.why)}"
    top = [share for share in found.shares.parameters if share.share >= 0.01][:4]
    listed = " · ".join(f"{named(share)} {percent(share.share)} {ends(share)}" for share in top)
    return f"{listed} of the variance {found.region} (R2 {found.shares.r2:.2f})"
