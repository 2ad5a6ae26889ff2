"""Commands that judge: advise, verdict, ablation, evaluate, compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from truing.cli.named import load, stored_verdict, study_of
from truing.cli.options import Folder, Json, Workers
from truing.cli.terminal import print_json, quoted, readable, say, tell
from truing.errors import UsageError


def verdict(
    folder: Folder,
    again: Annotated[bool, typer.Option("--again", help="One more look at the locked test set; labelled so.")] = False,
    robustness: Annotated[
        bool, typer.Option("--robustness", help="Also run each configuration a step away; priced before it starts.")
    ] = False,
    external: Annotated[
        list[str] | None,
        typer.Option(
            "--external",
            metavar="NAME=FILE.npz",
            help="Score the kept network on arrays x, y (and groups) that came later; a counted look.",
        ),
    ] = None,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """The honest end: fresh runs, one look at the locked rows."""
    from truing.verdict import Verdict

    if external:
        if again or robustness:
            raise UsageError("--external scores the kept network and nothing else; give --again or --robustness apart.")
        _external(folder, external, as_json)
        return
    stored = stored_verdict(folder)
    if stored is not None and not again and (not robustness or stored.get("robustness") is not None):
        with readable(folder):
            tell(Verdict(stored), folder, as_json)
    else:
        found = study_of(folder).verdict(again=again, workers=workers, robustness=robustness)
        tell(found, folder, as_json)


def advise(
    file: Annotated[str, typer.Argument(metavar="FILE[:name]", help="A study file, or the folder of a study.")],
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer splits and seeds: 14 runs' worth instead of 20.")
    ] = False,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Is tuning worth it? Runs of the defaults; no look."""
    study = study_of(Path(file), "advise()") if Path(file).is_dir() else load(file)
    found = study.advise(quick=quick, workers=workers)
    if as_json:
        print_json(found.to_dict())
    else:
        print(found)


def ablation(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of a study, or its file.")],
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Which change of the defaults made the gain? Fresh runs; no look."""
    study = study_of(folder, "ablation()") if folder.is_dir() else load(str(folder))
    found = study.ablation(workers=workers)
    if as_json:
        print_json(found.to_dict())
    else:
        print(found)


def evaluate(
    file: Annotated[str, typer.Argument(metavar="FILE[:name]", help="A study file, or the folder of a study.")],
    nested: Annotated[int | None, typer.Option(metavar="FOLDS", help="The whole study in so many outer folds.")] = None,
    repeats: Annotated[int, typer.Option(help="With --nested: so many divisions into outer folds.")] = 1,
    internal: Annotated[
        int | None, typer.Option(metavar="RESAMPLES", help="Bootstrap optimism from so many resamples.")
    ] = None,
    internal_external: Annotated[
        bool, typer.Option("--internal-external", help="Each site left out once: Data(site=), else groups.")
    ] = False,
    trials: Annotated[
        int | None, typer.Option(help="Trials of each tuning inside. Default: as many as the study has.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="No new trial starts after this time.")] = None,
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Repeat the whole tuning inside; the same command goes on."""
    import truing as tr

    asked = [name for name, given in (("--nested", nested), ("--internal", internal)) if given is not None]
    asked += ["--internal-external"] * internal_external
    if len(asked) != 1:
        got = " and ".join(asked) or "none"
        raise UsageError(f"truing evaluate takes one of --nested 5, --internal 20 and --internal-external; got {got}.")
    if repeats != 1 and nested is None:
        raise UsageError(f"--repeats is for --nested; got it with {asked[0]}.")
    procedure: Any = tr.InternalExternal()
    if nested is not None:
        procedure = tr.Nested(nested, repeats)
    elif internal is not None:
        procedure = tr.Internal(internal)
    study = study_of(Path(file)) if Path(file).is_dir() else load(file)
    found = study.evaluate(procedure, trials=trials, workers=workers, minutes=minutes)
    if as_json:
        print_json(found.to_dict())
    else:
        print(found)


def compare(
    folder: Folder,
    first: Annotated[str, typer.Argument(metavar="A", help="A trial's number, or the folder of another study.")],
    second: Annotated[str | None, typer.Argument(metavar="B", help="The other trial's number.")] = None,
    as_json: Json = False,
) -> None:
    """Two trials of a study, or what two studies deliver, side by side; runs nothing."""
    from truing.comparing import compare as compare_studies
    from truing.comparing import compare_trials

    with readable(folder):
        if second is None:
            found = compare_studies(folder, first)
        elif first.isdecimal() and second.isdecimal():
            found = compare_trials(folder, int(first), int(second))
        else:
            raise UsageError(f"compare takes FOLDER A B with the numbers of two trials, got {first} and {second}.")
    if as_json:
        print_json(found.to_dict())
    else:
        print(found)


def _external(folder: Path, given: list[str], as_json: bool) -> None:
    """Score the kept network on each NAME=FILE.npz."""
    from truing.cli.arrays import arrays, named
    from truing.several.setting import only_for_one

    files = [named(item) for item in given]
    known = dict(files)
    if len(known) < len(files):
        raise UsageError("--external names the same set twice; give each a name of its own.")
    _refuse_without_verdict(folder)
    read = {name: arrays(name, file) for name, file in files}  # before the study's own folder is entered
    study = study_of(folder.resolve(), "external(name, data)")
    only_for_one("--external", study.datasets)
    found = {name: study.external(name, one.like(study.data)) for name, one in read.items()}
    if as_json:
        print_json({"folder": str(folder), "external": {name: one.to_dict() for name, one in found.items()}})
        return
    print("\n\n".join(map(str, found.values())))
    say(f"\nReport: {folder / 'report.html'}")


def _refuse_without_verdict(folder: Path) -> None:
    from truing.report.study import read

    if read(folder)[0].last("verdict") is None:
        raise UsageError(
            f"The study in {folder} has no verdict, so no network is kept: `truing verdict {quoted(folder)}` makes it."
        )
