"""The verdict of a study over several datasets: each dataset's own figures, and the gains over all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from truing.execution.job import Job
from truing.loop import Session
from truing.record.changes import changes_of, earlier_looks, own_looks
from truing.record.seeds import stream
from truing.record.state import State
from truing.record.trial import ESTIMATE, RACE, REFIT, SEARCH, RunRecord, Trial
from truing.setting import Setting
from truing.several.judge import called, completed, pairs, units
from truing.several.setting import GAIN
from truing.statistics.comparison import corrected_t
from truing.statistics.interval import Interval
from truing.statistics.standardised import WORST, gain, in_units, left_out, mean_of, together, worst_of
from truing.verdict import figures
from truing.verdict.doubts import doubts
from truing.verdict.evidence import Evidence
from truing.verdict.figures import KEPT, interval_dict
from truing.verdict.fresh import Fresh, estimate
from truing.verdict.headline import fresh as fresh_runs
from truing.verdict.held_fixed import held_fixed
from truing.verdict.locked import LockedTest, few_positives
from truing.verdict.mattered import mattered
from truing.verdict.reach import NOT_KEPT, Reaching, Runs, trainings
from truing.verdict.remedies import NESTED
from truing.verdict.repeats import Ends, own_runs
from truing.verdict.select import REFITS, Candidate, candidates, choose, cost
from truing.verdict.selection import Selection, surface_of
from truing.verdict.several_text import headline
from truing.verdict.verdict import Verdict, without_nan
from truing.verdict.warnings import no_better, warnings_of

ESTIMAND = (
    "the {how} over these datasets of the gain of the selected configuration over the defaults on further rows like "
    "theirs, each in units fixed by the defaults' search runs; it says nothing of datasets that are not among them"
)
SEEDS_ALONE = "where the fresh runs differ in their seeds alone, the luck of the split and of these rows is in it"
SEVERAL = "the choice was made on several datasets together"
LEFT_OUT = (
    "what a configuration gains on a dataset that had no part in choosing it: chosen by its gains in the search on the "
    "other datasets, scored by the search runs it has on the one left out, which exist for every candidate; a search "
    "that reads scores did look at the one left out when it proposed"
)


def reach_several(
    session: Session,
    setting: Setting,
    job: Job,
    study: Mapping[str, Any],
    *,
    say: Callable[[str], None],
    phase: Callable[[str, int], None],
    said: Sequence[str] = (),
) -> Verdict:
    """Make the verdict; see `reach`, which stores it."""
    each = {name: Reaching(session, part, job, study, say, _on(phase, name)) for name, part in setting.datasets.items()}
    return _Several(session, setting, job, study, say, said, each).verdict()


def _on(phase: Callable[[str, int], None], name: str) -> Callable[[str, int], None]:
    return lambda what, runs: phase(f"{what} on {name}", runs)


@dataclass(frozen=True)
class _Several:
    session: Session
    setting: Setting
    job: Job
    study: Mapping[str, Any]
    say: Callable[[str], None]
    said: Sequence[str]
    each: Mapping[str, Reaching]

    def verdict(self) -> Verdict:
        history, names = self.session.history, list(self.each)
        raced = candidates(history)
        if len(raced) > 1 and all(trial.number for trial in raced):
            raced = [*raced, history.trial(0)]  # the gains of the others are measured from it, on the same splits
        self._say_cost(raced)
        choice, race = self._race(raced)
        selected, defaults = history.trial(choice.trial.number), history.trial(0)
        sides = [selected] if selected.number == 0 else [selected, defaults]
        fresh, refits, entries = {}, {}, {}
        for name in names:
            fresh[name] = self.each[name].fresh_runs(sides)
        for name in names:
            refits[name] = self.each[name].refits(sides)
        per = units(self.setting, history)
        for name in names:
            entries[name] = self._entry(name, sides, fresh[name], refits[name], per[name])
        validation, test = self._validation(entries, selected, fresh, per), self._test(entries)
        found = self._figures(selected, validation, test, entries) | {
            "selection": {**choice.to_dict(), "candidates": self._raced(choice, race)},
            "left_out": self._left_out(per),
        }
        found |= self._networks(refits, selected)
        found["corrections"] = _corrections(found)
        found["warnings"] = self._warnings(found, entries, selected, fresh, refits)
        found["headline"] = headline(found)
        return Verdict(without_nan(found))

    # -- choosing --------------------------------------------------------------------------------------------------

    def _race(self, raced: Sequence[Trial]) -> tuple[Selection, dict[str, Fresh]]:
        """The choice by the aggregate of the datasets' gains, over search and race runs together."""
        history, found = self.session.history, {}
        if len(raced) > 1:
            for name, one in self.each.items():
                found[name] = one.raced(raced)
        surface = surface_of(history, self._rng("surrogate"))
        pool = [Candidate(replace(t, value=self._pooled(t, found)), (), 1, None, surface.of(t.number)) for t in raced]
        return Selection(pool, choose(pool, "max"), self.setting, surface), found

    def _pooled(self, trial: Trial, race: Mapping[str, Fresh]) -> float | None:
        history = self.session.history
        per, base = units(self.setting, history), history.trial(0)
        gains = []
        for name, part in self.setting.datasets.items():
            ours, theirs = (self._mean(name, side, race.get(name)) for side in (trial, base))
            gains.append(gain(ours, theirs, per[name], part.task.goal))
        return together(gains, self.setting.aggregate)

    def _mean(self, name: str, trial: Trial, race: Fresh | None) -> float | None:
        """Of a trial's search and race runs on a dataset, in that dataset's metric; None where a race run failed."""
        part = self.setting.datasets[name]
        searched = trial.scores[called(part.task.primary.name, name)]
        if race is None or searched is None:
            return searched
        again = estimate(part, self.job, race, trial, part.task.primary, f"trial {trial.number}").value
        if again is None:
            return None
        many, more = len(part.plan.replicates), len(race.replicates)
        return (searched * many + again * more) / (many + more)

    def _raced(self, choice: Selection, race: Mapping[str, Fresh]) -> list[dict[str, Any]]:
        return [
            {
                "trial": c.trial.number,
                "as_searched": self.session.history.trial(c.trial.number).value,
                "raced": c.trial.value if race else None,
                "mean": c.trial.value,
                "se": None,
                "surrogate": c.surface,
                "distance": None,
            }
            for c in choice.candidates
        ]

    # -- figures ---------------------------------------------------------------------------------------------------

    def _entry(self, name: str, sides: Sequence[Trial], fresh: Fresh, refits: Runs, per: float) -> dict[str, Any]:
        """One dataset's figures, as a verdict on it alone has them."""
        part, history = self.setting.datasets[name], self.session.history
        own = [self._alone(name, trial) for trial in sides]
        since, unknown = history.function_since, {"value": None, "method": "", "reason": SEVERAL}
        valid, difference = figures.validation(
            part, self.job, own[0], history.trial(0) if len(own) == 1 else own[1], fresh, unknown, function_since=since
        )
        one = self.each[name]
        test = LockedTest(part, self.job, sides, refits, True, one.locked_as, self._rng(f"rows {name}")).figures()
        base = figures.base_rates(part)
        return {
            "metric": part.task.primary.name,
            "goal": part.task.goal,
            "unit": per,
            "floor": part.rope.to_dict(),
            "rows": part.rows,
            "locked_rows": len(part.plan.locked) if part.plan.locked is not None else None,
            "classes": len(part.task.classes) if part.task.classes is not None else None,
            "validation": {**valid, "difference": difference},
            "gain": interval_dict(in_units(_interval(difference), per, part.task.goal)),
            "test": test,
            "generalization": figures.generalization(part, own[0], fresh, valid, test, base),
            "base": base["test"] or base["development"],
        }

    def _alone(self, name: str, trial: Trial) -> Trial:
        """The trial as it stands on one dataset."""
        part = self.setting.datasets[name]
        value = trial.scores[called(part.task.primary.name, name)]
        mine = tuple(run.id for run in completed(self.setting, self.session.history, trial)[name])
        return replace(trial, value=value, runs=mine)

    def _validation(
        self,
        entries: Mapping[str, Mapping[str, Any]],
        selected: Trial,
        fresh: Mapping[str, Fresh],
        per: Mapping[str, float],
    ) -> dict[str, Any]:
        """The aggregate of the fresh gains, in the shape of any verdict's validation figures."""
        seeds = self.setting.validation.fixed
        if selected.number == 0:
            found = Interval(0.0, 0.0, 0.0, KEPT)
        else:
            own = [_interval(entry["gain"]) for entry in entries.values()]
            found = worst_of(own, self._wide(fresh, selected, per)) if self._worst else mean_of(own)
        return {
            "selected": found.value,
            "low": found.low if selected.number else None,
            "high": found.high if selected.number else None,
            "defaults": 0.0,
            "as_searched": selected.value,
            "no_luck": next((e["validation"]["no_luck"] for e in entries.values() if e["validation"]["no_luck"]), None),
            "estimand": ESTIMAND.format(how=self.setting.aggregate) + (f"; {SEEDS_ALONE}" if seeds else ""),
            "rows_trained": None,
            "method": found.method,
            "reason": found.reason,
            "runs": sum(len(f.replicates) for f in fresh.values()),
            "difference": interval_dict(found),
        }

    def _wide(self, fresh: Mapping[str, Fresh], selected: Trial, per: Mapping[str, float]) -> list[Interval]:
        """The datasets' gains with intervals that hold together."""
        found, level = [], 1 - 0.05 / len(fresh)
        for name, runs in fresh.items():
            part = self.setting.datasets[name]
            metric, spread = part.task.primary.name, runs.spread(part.validation.spread)
            sides = zip(runs.scores(selected, metric), runs.scores(self.session.history.trial(0), metric), strict=True)
            own = [None if a is None or b is None else a - b for a, b in sides]
            wide = corrected_t(runs.by_split(own) if spread > 0 else own, spread, level)
            found.append(in_units(wide, per[name], part.task.goal))
        return found

    def _test(self, entries: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
        """The aggregate of the gains on the locked rows; None without any, without a value where a dataset has none."""
        own, none = [], [name for name, entry in entries.items() if entry["test"] is None]
        if len(none) == len(entries):
            return None
        for entry in entries.values():
            if entry["test"] is not None:
                scored = entry["test"][entry["metric"]]["difference"]
                own.append(in_units(_interval(scored), entry["unit"], entry["goal"]))
        if none:
            found = Interval(None, None, None, "", f"{' and '.join(none)} {'has' if len(none) == 1 else 'have'} none")
        elif self._worst:
            value = together([one.value for one in own], WORST)
            why = next((one.reason for one in own if one.reason), None)
            found = Interval(value, None, None, "worst of the datasets", why or "each dataset's interval is in its row")
        else:
            found = mean_of(own)
        return {
            GAIN: {
                "selected": found.value,
                "defaults": None if none else 0.0,
                "difference": interval_dict(found),
                "delivered": interval_dict(Interval(None, None, None, "", "each dataset has a network of its own")),
                "reason": found.reason,
            }
        }

    def _left_out(self, per: Mapping[str, float]) -> dict[str, Any]:
        """For each dataset: what the others would have chosen, and its gain there."""
        history, goal = self.session.history, next(iter(self.setting.datasets.values())).task.goal
        table = {}
        for trial in history.completed:
            own = {
                name: trial.scores.get(called(part.task.primary.name, name))
                for name, part in self.setting.datasets.items()
            }
            if all(value is not None for value in own.values()):
                table[trial.number] = {name: float(value or 0.0) for name, value in own.items()}
        found, gains = {}, []
        for name, part in self.setting.datasets.items():
            number = left_out(table, name, per, goal, self.setting.aggregate)
            differences = pairs(self.setting, history, history.trial(number), name)
            scored = corrected_t(differences, part.validation.spread) if number else Interval(0.0, 0.0, 0.0, KEPT)
            own_gain = in_units(scored, per[name], goal)
            gains.append(own_gain)
            found[name] = {
                "trial": number,
                "config": dict(history.trial(number).config),
                "selected": table[number][name],
                "defaults": table[0][name],
                "difference": interval_dict(scored),
                "gain": interval_dict(own_gain),
            }
        return {
            "datasets": found,
            "value": together([one.value for one in gains], self.setting.aggregate),
            "trials": len(table),
            "estimates": LEFT_OUT,
        }

    def _figures(
        self,
        selected: Trial,
        validation: dict[str, Any],
        test: dict[str, Any] | None,
        entries: Mapping[str, Mapping[str, Any]],
    ) -> dict[str, Any]:
        history, first = self.session.history, next(iter(self.setting.datasets.values()))
        spent = [r for r in history.runs.values() if r.purpose == SEARCH or r.purpose in self._names]
        return {
            "schema": 1,
            "metric": GAIN,
            "goal": "max",
            "dataset_metric": first.task.primary.name,
            "dataset_goal": first.task.goal,
            "aggregate": self.setting.aggregate,
            "selected": dict(selected.config),
            "defaults": dict(history.trial(0).config),
            "selected_trial": selected.number,
            "gain": figures.gain("max", validation["difference"], (test or {}).get(GAIN), selected.number == 0),
            "validation": validation,
            "test": test,
            "datasets": dict(entries),
            "looks": len(own_looks(history)) + earlier_looks(history)[0],
            "changes": [change.to_dict() for change in changes_of(history)],
            "generalization": {"train": None, "validation": None, "test": None, "retained": None, "base": None},
            "base": None,
            "trials": len(history),
            "runs": trainings(r for r in spent if r.purpose == SEARCH),
            "verdict_runs": trainings(own_runs(history, self._names)),
            "seconds": round(sum(r.seconds for r in spent), 3),
            "protocol": self.study.get("validation_text"),
            "fixed_splits": self.setting.validation.fixed,
            "refits": REFITS if any(part.opens for part in self.setting.datasets.values()) else 1,
            "locked_rows": sum(entry["locked_rows"] or 0 for entry in entries.values()) or None,
            "search_says": list(self.said),
            "target": figures.target(history, "max", validation["selected"]),
            "held_fixed": held_fixed(history),
            "mattered": mattered(history),
            "robustness": None,
        }

    def _networks(self, refits: Mapping[str, Runs], selected: Trial) -> dict[str, Any]:
        """The files of the delivered networks, one a dataset; without any the reason."""
        files = []
        for name in self.each:
            first, folder = refits[name][selected.number][0], self.job.folder / "model" / name
            if first is not None and first.state is State.COMPLETED and folder.is_dir():
                files += sorted(f"{name}/{path.name}" for path in folder.glob("*"))
        return {"model": files, "model_reason": None if files else NOT_KEPT}

    def _warnings(
        self,
        found: Mapping[str, Any],
        entries: Mapping[str, Mapping[str, Any]],
        selected: Trial,
        fresh: Mapping[str, Fresh],
        refits: Mapping[str, Runs],
    ) -> list[dict[str, str]]:
        history, own = self.session.history, []
        for name, entry in entries.items():
            one, part = self.each[name], self.setting.datasets[name]
            evidence = Evidence(
                part, self.job, self._alone(name, selected), fresh[name], refits[name][selected.number], one.locked_as
            )
            for code, text in doubts(evidence, history, self._rng(f"doubts {name}")):
                own.append((code, text if code == "at_edge" else f"{name}: {text}"))
            if beaten := no_better(entry):
                text = "the selected configuration is no better than a prediction that does not look at the rows"
                own.append(("no_better_than_constant", f"{name}: {text}: {' and '.join(beaten)}."))
            if (few := few_positives(part)) is not None:
                own.append(("few_positives", f"{name}: {few}"))
            if (high := entry["gain"]["high"]) is not None and high < 0:
                own.append(
                    (
                        "worse_on_dataset",
                        f"{name}: on fresh splits and seeds the selected configuration is worse than the defaults.",
                    )
                )
            if found["test"] is not None and entry["test"] is None:
                text = "It has no locked rows, so no figure of it comes from rows that nobody has seen, and there is no"
                own.append(("no_test", f"{name}: {text} gain on locked rows over all datasets."))
            for metric, scored in (entry["test"] or {}).items():
                if scored["delivered"]["value"] is None or scored["selected"] is None:
                    why = scored["reason"] or scored["delivered"]["reason"]
                    own.append(("undefined", f"{name}: {metric} on the locked rows is undefined: {why}."))
        name = found["dataset_metric"]  # what is undefined, or no better than a constant, has been told of each dataset
        told = {name: {"selected": 0.0, "delivered": {"value": 0.0}, "reason": None}}
        asked: dict[str, Any] = {"external": {}, "epoch": None, "metric": name, "test": told if found["test"] else None}
        made = warnings_of(
            {**found, **asked},
            history,
            self.study,
            history.trial(0),
            locked_as=next(iter(self.each.values())).locked_as,
            labelled=all(
                part.data is not None and part.data.labels is not None for part in self.setting.datasets.values()
            ),
            few_positives=None,
            failed_runs=self._failed_runs(),
            doubts=list(dict.fromkeys(own)),
        )
        return [{**warning, "message": _for_several(warning["message"])} for warning in made]

    # -- runs and names --------------------------------------------------------------------------------------------

    @property
    def _worst(self) -> bool:
        return self.setting.aggregate == WORST

    @property
    def _names(self) -> set[str]:
        return {one.named(purpose) for one in self.each.values() for purpose in (RACE, ESTIMATE, REFIT)}

    def _failed_runs(self) -> list[RunRecord]:
        """This verdict's runs that came to a bad end, and count."""
        history = self.session.history
        ends = [tale.counts for name in sorted(self._names) for tale in Ends.of(history, name).tales.values()]
        return [run for run in ends if run is not None and run.state.trial_state == "failed"]

    def _rng(self, what: str) -> Any:
        number = next(iter(self.each.values())).number
        return stream(self.setting.plan.seed, "verdict", number, what)

    def _say_cost(self, raced: Sequence[Trial]) -> None:
        history, alone = self.session.history, len(raced) == 1 and raced[0].number == 0
        runs = sum(
            cost(len(raced), part.validation.block, same=alone, test=part.opens, fresh=True)
            for part in self.setting.datasets.values()
        )
        searched = trainings(r for r in history.runs.values() if r.purpose == SEARCH)
        share = f", {100 * runs / searched:.0f} % of the search's {searched}" if searched else ""
        parts = [f"race of {len(raced)}"] if len(raced) > 1 else []
        parts += ["fresh runs", f"refits, on each of {len(self.each)} datasets"]
        done = trainings(r for r in own_runs(history, self._names) if r.state is State.COMPLETED)
        so_far = f", {done} of them done" if done else ""
        self.say(f"Verdict: {runs} runs ({', '.join(parts)}){so_far}{share}.")


def _for_several(message: str) -> str:
    """The remedies without what is for a study of one dataset: the nested validation, and a chosen threshold."""
    for joint in (f": {NESTED}", f", or {NESTED}", ", or ask for a threshold="):
        message = message.replace(joint, "")
    return message


def _interval(found: Mapping[str, Any]) -> Interval:
    return Interval(found["value"], found["low"], found["high"], found["method"], found["reason"])


def _corrections(verdict: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The selected's gain side by side, each figure with what it estimates."""
    valid, test, left = verdict["validation"], (verdict["test"] or {}).get(GAIN), verdict["left_out"]
    locked = test["difference"] if test is not None else {"value": None, "reason": "there are no locked rows"}
    looks = "" if verdict["looks"] <= 1 else f"; look {verdict['looks']}, so it describes"
    rows: list[tuple[str, str, Mapping[str, Any], str]] = [
        (
            "as_searched",
            "as the search saw it",
            {"value": valid["as_searched"], "method": "mean of its search runs"},
            "nothing: it is the winner's own gain, and the luck of many tries is in it",
        ),
        ("fresh", fresh_runs(verdict), valid["difference"], valid["estimand"]),
        (
            "left_out",
            "one dataset left out",
            {"value": left["value"], "reason": "each dataset's is in its row", "method": "leave one dataset out"},
            left["estimates"],
        ),
        (
            "locked_test",
            "locked rows",
            locked,
            f"the gain on new rows of networks trained on all development rows of each dataset{looks}",
        ),
    ]
    return [
        {
            "code": code,
            "kind": "figure",
            "name": name,
            "value": found.get("value"),
            "low": found.get("low"),
            "high": found.get("high"),
            "method": found.get("method") or "",
            "estimates": estimates,
            "reason": found.get("reason"),
            "message": f"{name[:1].upper()}{name[1:]}: {_said(found)}. It estimates {estimates}.",
        }
        for code, name, found, estimates in rows
    ]


def _said(found: Mapping[str, Any]) -> str:
    value, low, high = (found.get(key) for key in ("value", "low", "high"))
    if value is None:
        return f"undefined: {found.get('reason') or 'not known'}"
    return f"{value:+.2f}" + (f" [{low:+.2f}, {high:+.2f}]" if low is not None and high is not None else "")
