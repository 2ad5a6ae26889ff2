"""The commands. With --json, standard output is one JSON document and everything else goes to standard error."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Annotated

import typer

from truing.cli import judging, knowing
from truing.cli.named import best_of, load, stored_verdict
from truing.cli.options import Folder, Json, Workers
from truing.cli.terminal import only_json, print_json, quoted, readable, say, tell, width
from truing.errors import TruingError, UsageError

INTERRUPTED = 130
IO = 74

app = typer.Typer(
    name="truing",
    help="Tune a deep-learning model, and know what the tuning is worth.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


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
        say(context.get_help())
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

    stored = stored_verdict(folder)
    if stored is not None:
        tell(Verdict(stored), folder, as_json)
        return
    study = example.study(folder)
    say("Tuning kernel size, channels, learning rate, momentum and batch size of a small CNN on 8 x 8 digits.")
    study.run(trials=example.TRIALS, workers=workers)
    tell(study.verdict(workers=workers), folder, as_json)


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
    only: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="No search: sweep this one parameter, the others at their defaults."),
    ] = None,
    points: Annotated[int | None, typer.Option(help="With --only: so many values of a number. Default: 7.")] = None,
    as_json: Json = False,
) -> None:
    """Search; the same command goes on where it was."""
    if only is None and points is not None:
        raise UsageError("--points goes with --only NAME.")
    if (only is not None and (trials, minutes, target) != (None, None, None)) or (
        only and (fresh or accept_change or extend)
    ):
        raise UsageError("--only sweeps one parameter and takes --points, --workers and --json alone.")
    study = load(file)
    if only is not None:
        found = study.sweep(only, points=7 if points is None else points, workers=workers)
        print_json(found.to_dict()) if as_json else print(found)
        return
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
        print_json({"folder": str(study.folder), "trials": len(rows), "best": best_of(study.folder)})
        return
    study.report()
    print(f"Next: truing verdict {quoted(study.folder)}")


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
    with readable(folder):
        if as_json:
            print_json(study_dict(folder, history, study) if run is None else run_dict(folder, history, run))
        elif run is not None:
            print(run_text(folder, history, run, width()))
        else:
            print(study_text(folder, history, study, width()))


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
    with readable(folder):
        rows = trial_rows(history)
        if as_json:
            print_json(rows)
        elif as_csv:
            print(csv_text(ordered(rows, history.goal, best_first=best_first)), end="")
        else:
            print(render_trials(rows, width=width(), metric=study["metric"], goal=history.goal, best_first=best_first))


app.command()(judging.advise)
app.command()(judging.verdict)
app.command()(judging.ablation)
app.command()(judging.evaluate)


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
        with readable(folder):
            written = write_for_paper(folder)
        if as_json:
            print_json(written.to_dict())
        else:
            print("\n".join(str(written.folder / name) for name in written.files))
            say("".join(f"Left out: {what}: {why}.\n" for what, why in written.left_out).rstrip())
        return
    with readable(folder):
        path = write(folder)
    if as_json:
        print_json({"report": str(path)})
    else:
        print(path)


app.command()(judging.compare)
app.command()(knowing.explain)
app.command()(knowing.inspect)
app.command()(knowing.runtime)
app.command("range")(knowing.range_test)


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
        say("Looking at the machine, and running two tiny studies ...")
    facts = gather(folder)
    found = findings(facts)
    if as_json:
        print_json(document(facts, found))
    else:
        print(text(found, width()))
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
        with only_json() if as_json else contextlib.nullcontext():
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


def _failed(kind: str, message: str, code: int, as_json: bool) -> int:
    if as_json:
        print_json({"error": {"kind": kind, "message": message}})
    text = f"truing: {message}"
    if sys.stderr.isatty():  # a terminal would break it within a word
        columns = shutil.get_terminal_size((80, 24)).columns - 1
        text = "\n".join(textwrap.fill(line, columns, drop_whitespace=False) for line in text.splitlines())
    say(text)
    return code
