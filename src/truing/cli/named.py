"""The study that a command names, by its file or by its folder, and what its journal holds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from truing.cli.terminal import readable, say
from truing.errors import TruingError, UsageError


def load(name: str, variable: str = "", folder: Path | None = None) -> Any:
    """The study that FILE or FILE:name names, or the one of `folder` in it.

    Raises:
        UsageError: no such file, no study in it, or an error in the file; its traceback is printed first.
    """
    path = name
    if ":" in name and not Path(name).exists():
        path, _, variable = name.rpartition(":")
    names = executed(path)
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


def executed(path: str, what: str = "study file", makes: str = "makes a tr.Study") -> dict[str, Any]:
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


def study_of(folder: Path, call: str = "verdict()") -> Any:
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
    found = load(file, study.get("variable", "study"), folder)
    found.folder = folder
    return found


def stored_verdict(folder: Path) -> dict[str, Any] | None:
    from truing.report.study import JOURNAL, read
    from truing.verdict.corrections import renewed
    from truing.verdict.since import since

    if not (folder / JOURNAL).is_file():
        return None
    history = read(folder)[0]
    stored = history.last("verdict")
    with readable(folder):
        if stored is not None and (note := since(history, stored["verdict"])):
            say(note)
        return renewed(stored["verdict"], history) if stored is not None else None


def best_of(folder: Path) -> dict[str, Any] | None:
    from truing.report.study import read

    best = read(folder)[0].best()
    return None if best is None else {"number": best.number, "value": best.value, "config": dict(best.config)}
