"""The commands. With --json, standard output is one JSON document and everything else goes to standard error."""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import shutil
import sys
import textwrap
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from truing.errors import JournalError, TruingError, UsageError

INTERRUPTED = 130
IO = 74

app = typer.Typer(
    name="truing",
    help="Tune a deep-learning model, and know what the tuning is worth.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of a study.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Workers = Annotated[int | None, typer.Option(help="Runs at a time; 0 = in this process. Default: the cores.")]


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    if version:
        from truing import __version__

        print(f"truing {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        _say(context.get_help())
        raise typer.Exit(2)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where the study lives.")] = Path("studies/demo"),
    workers: Workers = None,
    as_json: Json = False,
) -> None:
    """Tune a small CNN on real digits, with verdict and report."""
    from truing import demo as example
    from truing.verdict import Verdict

    stored = _stored_verdict(folder)
    if stored is not None:
        _tell(Verdict(stored), folder, as_json)
        return
    study = example.study(folder)
    _say("Tuning kernel size, channels, learning rate, momentum and batch size of a small CNN on 8 x 8 digits.")
    study.run(trials=example.TRIALS, workers=workers)
    _tell(study.verdict(workers=workers), folder, as_json)


@app.command()
def run(
    file: Annotated[str, typer.Argument(metavar="FILE[:name]", help="A study file; it names its study `study`.")],
    trials: Annotated[
        int | None, typer.Option(help="Trials in all, over all calls. Default: 40, or a grid's size.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="No new trial starts after this time.")] = None,
    target: Annotated[float | None, typer.Option(help="No new trial starts once a trial reaches this value.")] = None,
    workers: Workers = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Set the old folder aside and begin anew.")] = False,
    accept_change: Annotated[
        bool, typer.Option("--accept-change", help="Go on although the training function changed.")
    ] = False,
    extend: Annotated[bool, typer.Option("--extend", help="Go on in a space that grew.")] = False,
    as_json: Json = False,
) -> None:
    """Search; the same command goes on where it was."""
    study = _load(file)
    try:
        study.run(
            trials=trials,
            minutes=minutes,
            target=target,
            workers=workers,
            fresh=fresh,
            accept_change=accept_change,
            extend=extend,
        )
    except KeyboardInterrupt as interrupt:
        if interrupt.args and not as_json:
            raise _Told from None
        raise
    if as_json:
        rows = study.trials(as_dicts=True)
        _print_json({"folder": str(study.folder), "trials": len(rows), "best": _best(study.folder)})
        return
    study.report()
    print(f"Next: truing verdict {_quoted(study.folder)}")


@app.command()
def show(
    folder: Folder,
    run: Annotated[int | None, typer.Option("--run", help="Print the output of this run.")] = None,
    as_json: Json = False,
) -> None:
    """How a study stands, also while it runs."""
    from truing.report.show import run_dict, run_text, study_dict, study_text
    from truing.report.study import read

    history, study = read(folder)
    with _readable(folder):
        if as_json:
            _print_json(study_dict(folder, history, study) if run is None else run_dict(folder, history, run))
        elif run is not None:
            print(run_text(folder, history, run, _width()))
        else:
            print(study_text(folder, history, study, _width()))


@app.command()
def trials(
    folder: Folder,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, with a column for each parameter.")] = False,
    best_first: Annotated[bool, typer.Option("--best", help="The best first, the failed last.")] = False,
) -> None:
    """The trials of a study."""
    from truing.report.export import csv_text
    from truing.report.study import read
    from truing.report.table import ordered, render_trials, trial_rows

    history, study = read(folder)
    if as_json and as_csv:
        raise UsageError("--json and --csv are two formats; give one of them.")
    with _readable(folder):
        rows = trial_rows(history)
        if as_json:
            _print_json(rows)
        elif as_csv:
            print(csv_text(ordered(rows, history.goal, best_first=best_first)), end="")
        else:
            print(render_trials(rows, width=_width(), metric=study["metric"], goal=history.goal, best_first=best_first))


@app.command()
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
    stored = _stored_verdict(folder)
    if stored is not None and not again and (not robustness or stored.get("robustness") is not None):
        with _readable(folder):
            _tell(Verdict(stored), folder, as_json)
    else:
        found = _study_of(folder).verdict(again=again, workers=workers, robustness=robustness)
        _tell(found, folder, as_json)


@app.command()
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
    study = _study_of(Path(file)) if Path(file).is_dir() else _load(file)
    found = study.evaluate(procedure, trials=trials, workers=workers, minutes=minutes)
    if as_json:
        _print_json(found.to_dict())
    else:
        print(found)


@app.command()
def report(
    folder: Folder,
    paper: Annotated[
        bool, typer.Option("--paper", help="Write FOLDER/paper/ instead: methods, flow of rows, figures, CSV.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write report.html: one file that opens offline."""
    from truing.report.study import write, write_for_paper

    if paper:
        with _readable(folder):
            written = write_for_paper(folder)
        if as_json:
            _print_json(written.to_dict())
        else:
            print("\n".join(str(written.folder / name) for name in written.files))
            _say("".join(f"Left out: {what}: {why}.\n" for what, why in written.left_out).rstrip())
        return
    with _readable(folder):
        path = write(folder)
    if as_json:
        _print_json({"report": str(path)})
    else:
        print(path)


@app.command()
def compare(
    folder: Folder,
    first: Annotated[str, typer.Argument(metavar="A", help="A trial's number, or the folder of another study.")],
    second: Annotated[str | None, typer.Argument(metavar="B", help="The other trial's number.")] = None,
    as_json: Json = False,
) -> None:
    """Two trials of a study, or what two studies deliver, side by side; runs nothing."""
    from truing.comparing import compare as compare_studies
    from truing.comparing import compare_trials

    with _readable(folder):
        if second is None:
            found = compare_studies(folder, first)
        elif first.isdecimal() and second.isdecimal():
            found = compare_trials(folder, int(first), int(second))
        else:
            raise UsageError(f"compare takes FOLDER A B with the numbers of two trials, got {first} and {second}.")
    if as_json:
        _print_json(found.to_dict())
    else:
        print(found)


@app.command()
def explain(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A hyperparameter, or another name for it; none = list all.")
    ] = None,
    optimizer: Annotated[str | None, typer.Option(help="As it is with this optimizer, such as sgd.")] = None,
    model: Annotated[str | None, typer.Option(help="As it is in this family of models, such as cnn.")] = None,
    as_json: Json = False,
) -> None:
    """What a hyperparameter does, its range, and where to read of it."""
    from truing.knowledge import card, cards
    from truing.knowledge.text import explained, listing

    if name is None:
        if optimizer is not None or model is not None:
            raise UsageError("--optimizer and --model go with a name, such as truing explain learning_rate.")
        if as_json:
            _print_json({"cards": [one.to_dict() for one in cards().values()]})
        else:
            print(listing(cards().values(), _width()))
        return
    found = card(name)
    if as_json:
        _print_json(found.under(optimizer=optimizer, model=model).to_dict())
    else:
        print(explained(found, _width(), optimizer=optimizer, model=model))


@app.command()
def inspect(
    file: Annotated[str, typer.Argument(metavar="FILE[:build]", help="A file with `build(config)` or a module class.")],
    given: Annotated[
        str | None, typer.Option("--input", metavar="3,32,32", help="Shape of one row. Default: guessed.")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An argument without a default; repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """What a model has to tune, as a space to copy; trains nothing."""
    from truing.cli.model import asked, model_of, shape_of
    from truing.probe import inspect as inspect_model

    build, data, defaults = model_of(file, _executed)
    shape = data if given is None else shape_of(given)
    found = inspect_model(build, input=shape, config=defaults | asked(settings or []))
    if as_json:
        _print_json(found.to_dict())
    else:
        print(found)


@app.command()
def doctor(
    folder: Annotated[Path, typer.Option(help="Where studies will lie.")] = Path(),
    as_json: Json = False,
) -> None:
    """The machine, the extras, what is missing."""
    from truing.doctor.facts import gather
    from truing.doctor.findings import can_run, document, findings
    from truing.doctor.text import text

    if not as_json:
        _say("Looking at the machine, and running two tiny studies ...")
    facts = gather(folder)
    found = findings(facts)
    if as_json:
        _print_json(document(facts, found))
    else:
        print(text(found, _width()))
    if not can_run(found):
        raise typer.Exit(1)


def main() -> None:
    """Parse, call, and turn every failure into one sentence and an exit code."""
    as_json = "--json" in sys.argv[1:]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without the sign for plus-minus gets a question mark
    collected = gc.isenabled()
    if sys.argv[1:2] in (["show"], ["trials"], ["report"]):
        gc.disable()  # what they read stays until they end: half a million objects of a large study
    try:
        with _only_json() if as_json else contextlib.nullcontext():
            code = _called(as_json)
    finally:
        if collected:
            gc.enable()
    sys.exit(code)


class _Told(Exception):
    """An interruption that was already answered with a sentence."""


def _called(as_json: bool) -> int:
    try:
        code = app(standalone_mode=False)
        if code == INTERRUPTED:
            return _failed("Interrupted", "Interrupted; the same command goes on.", INTERRUPTED, as_json)
        return code if isinstance(code, int) else 0
    except TruingError as error:
        return _failed(error.kind, str(error), error.exit_code, as_json)
    except _Told:
        return INTERRUPTED
    except KeyboardInterrupt:
        return _failed("Interrupted", "Interrupted; the same command goes on.", INTERRUPTED, as_json)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as error:
        return _failed("OSError", f"{error.strerror or error}: {error.filename or ''}".rstrip(": "), IO, as_json)
    except Exception as error:
        if not hasattr(error, "format_message"):  # not the parser's: a fault of Truing, to be seen whole
            raise
        return _failed("UsageError", error.format_message(), 2, as_json)


_document = 1  # the descriptor to which --json prints


@contextlib.contextmanager
def _only_json() -> Iterator[None]:
    """Keep standard output for the document: what a study file or a training prints goes to standard error."""
    global _document
    sys.stdout.flush()
    kept, _document = _document, os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os.dup2(_document, 1)
        os.close(_document)
        _document = kept


def _failed(kind: str, message: str, code: int, as_json: bool) -> int:
    if as_json:
        _print_json({"error": {"kind": kind, "message": message}})
    text = f"truing: {message}"
    if sys.stderr.isatty():  # a terminal would break it within a word
        columns = shutil.get_terminal_size((80, 24)).columns - 1
        text = "\n".join(textwrap.fill(line, columns, drop_whitespace=False) for line in text.splitlines())
    _say(text)
    return code


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
    study = _study_of(folder.resolve(), "external(name, data)")
    only_for_one("--external", study.datasets)
    found = {name: study.external(name, one.like(study.data)) for name, one in read.items()}
    if as_json:
        _print_json({"folder": str(folder), "external": {name: one.to_dict() for name, one in found.items()}})
        return
    print("\n\n".join(map(str, found.values())))
    _say(f"\nReport: {folder / 'report.html'}")


def _refuse_without_verdict(folder: Path) -> None:
    from truing.report.study import read

    if read(folder)[0].last("verdict") is None:
        raise UsageError(
            f"The study in {folder} has no verdict, so no network is kept: `truing verdict {_quoted(folder)}` makes it."
        )


def _load(name: str, variable: str = "", folder: Path | None = None) -> Any:
    """The study that FILE or FILE:name names, or the one of `folder` in it.

    Raises:
        UsageError: no such file, no study in it, or an error in the file; its traceback is printed first.
    """
    path = name
    if ":" in name and not Path(name).exists():
        path, _, variable = name.rpartition(":")
    names = _executed(path)
    made = _studies(names)
    here = [study for study in made.values() if folder is not None and study.folder.resolve() == folder]
    if here:
        return here[0]
    if variable in made:
        return made[variable]
    listed = ", ".join(made)
    if variable:
        raise UsageError(f"{path} has no study named {variable!r}; it has {listed or 'none'}.")
    if "study" in made:
        return made["study"]
    if len({id(study) for study in made.values()}) == 1:
        return next(iter(made.values()))
    advice = f"it has {listed}: give {path}:NAME" if made else "name one `study = tr.Study(...)` at the top level"
    raise UsageError(f"{path} has no study named `study`; {advice}.")


def _executed(path: str, what: str = "study file", makes: str = "makes a tr.Study") -> dict[str, Any]:
    """The names of a file that was executed up to its first verdict().

    Raises:
        UsageError: no such file, or an error in it; its traceback is printed first.
    """
    from truing.execution import script

    file = Path(path)
    if not file.is_file():
        raise UsageError(f"There is no {what} {path}; give a Python file that {makes}.")
    try:
        return script.load(file.resolve())
    except (TruingError, KeyboardInterrupt):
        raise
    except SyntaxError as error:
        raise UsageError(f"{path} is not valid Python: {error}.") from error
    except SystemExit as error:
        raise UsageError(f"{path} ends itself with sys.exit({error.code!r}) before it {makes}.") from error
    except Exception as error:
        from truing.execution.worker import failure

        raise UsageError(f"{path} fails when it is executed:\n{failure(error).tail}") from error


def _studies(names: dict[str, Any]) -> dict[str, Any]:
    from truing.study import Study

    return {name: item for name, item in names.items() if isinstance(item, Study) and not name.startswith("_")}


def _study_of(folder: Path, call: str = "verdict()") -> Any:
    """The study of a folder, made by executing the file its journal names.

    Raises:
        UsageError: the file is gone, or the study was defined where there is no file.
    """
    from truing.report.study import read

    _, study = read(folder)
    file = study.get("file")
    from truing import demo as example

    if file is not None and Path(file) == Path(example.__file__):
        return example.study(folder)
    if file is None:
        raise UsageError(f"The study in {folder} was defined in a notebook or at a prompt; call study.{call} there.")
    if not Path(file).is_file():
        raise UsageError(
            f"The study file {file} is gone; put it back, or call study.{call} in a script that makes the same study."
        )
    folder = folder.resolve()
    if not Path(file).is_absolute() or Path(file).resolve().is_relative_to(folder):
        raise UsageError(
            f"The study file {file} lies in the study's own folder, and a folder from somebody else could bring any "
            f"program; read it, then call study.{call} in it."
        )
    if study.get("cwd") and Path(study["cwd"]).is_dir():
        os.chdir(study["cwd"])  # so that the file finds what it names by a relative path
    found = _load(file, study.get("variable", "study"), folder)
    found.folder = folder
    return found


@contextlib.contextmanager
def _readable(folder: Path) -> Iterator[None]:
    """What a journal holds need not be what Truing writes: a stranger's is refused in a sentence, not a traceback."""
    try:
        yield
    except TruingError:
        raise
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise JournalError(
            f"The journal of {folder} holds a value that cannot be shown ({type(error).__name__}: {error}, at "
            f"{Path(place.filename).name}:{place.lineno}): put back a copy of the study's folder; if it is as Truing "
            "wrote it, please report this."
        ) from error


def _stored_verdict(folder: Path) -> dict[str, Any] | None:
    from truing.report.study import JOURNAL, read
    from truing.verdict.since import since

    if not (folder / JOURNAL).is_file():
        return None
    history = read(folder)[0]
    stored = history.last("verdict")
    with _readable(folder):
        if stored is not None and (note := since(history, stored["verdict"])):
            _say(note)
        return stored["verdict"] if stored is not None else None


def _best(folder: Path) -> dict[str, Any] | None:
    from truing.report.study import read

    best = read(folder)[0].best()
    return None if best is None else {"number": best.number, "value": best.value, "config": dict(best.config)}


def _tell(found: Any, folder: Path, as_json: bool) -> None:
    """A verdict, and where its report is."""
    if as_json:
        _print_json(found.to_dict())
        return
    print(found)
    _say(f"\nReport: {folder / 'report.html'}")


def _print_json(value: Any) -> None:
    from truing.verdict.verdict import without_nan

    text = json.dumps(without_nan(value), ensure_ascii=False, indent=2, allow_nan=False)
    content = memoryview((text + "\n").encode("utf-8", "replace"))
    while content:
        content = content[os.write(_document, content) :]


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _width() -> int:
    return max(40, shutil.get_terminal_size((80, 24)).columns) if sys.stdout.isatty() else 80


def _quoted(folder: Path) -> str:
    import shlex

    return shlex.quote(str(folder))
