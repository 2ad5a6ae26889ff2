"""The same faults done to Truing and to Optuna, side by side: what became of the study is counted, not claimed.

Optuna is set up as its documentation advises for runs that may die: RDBStorage with a heartbeat every second, a grace
period of two and RetryFailedTrialCallback(max_retry=2), `catch=(Exception,)`, two worker processes on one study, and
JournalStorage where the fault is one of its file's. Truing runs with two workers. The objective is the same few lines.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pickle
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from _record import record

TRIALS = 20
LONGEST = 20.0  # seconds after which a study that hangs is ended
COMMON = '''
import ctypes, faulthandler, os, resource, signal, sys, time
FAULT, AT, PAUSE = {fault!r}, 4, {pause}

def nth():
    """How many times the function has been called before, by whichever process."""
    n = 0
    while True:
        try:
            os.close(os.open(f"call-{{n}}", os.O_CREAT | os.O_EXCL))
            return n
        except FileExistsError:
            n += 1

def objective(x, report):
    time.sleep(PAUSE)
    n = nth()
    if n == AT:
        with open("victim", "w") as file:
            file.write(str(os.getpid()))
    if FAULT == "wait" and n == AT:
        time.sleep(600)
    if FAULT == "pause" and n == AT:
        for _ in range(30):
            time.sleep(0.2)
    if FAULT == "exit" and n == AT:
        raise SystemExit(3)
    if FAULT == "segfault" and n == AT:
        faulthandler.disable()
        ctypes.string_at(0)
    if FAULT == "quit" and n == AT:
        os._exit(0)
    if FAULT == "memory" and n == AT:
        held = []
        for _ in range(30):
            held.append(b"x" * 50_000_000)
            time.sleep(0.1)
    if FAULT == "attribute" and n == AT:
        return report(x, object())
    if FAULT == "values" and n >= AT:
        return report({{4: float("nan"), 5: float("-inf"), 6: "0.5"}}.get(n, x))
    if FAULT == "none" and n == AT:
        return report(None)
    return report(x)
'''
TRUING = """
import truing as tr

def train(run):
    def report(value, more=None):
        run.report(loss=value, **({{}} if more is None else {{"more": more}}))
    if run.seed >= 0 and not os.path.exists("rehearsed"):
        open("rehearsed", "w").close()
        return run.report(loss=1.0)
    objective(run.config["x"], report)

study = tr.Study(train, space=tr.Space(x=tr.Float(0, 1)), metric=tr.Metric("loss", goal="min"), folder="{folder}",
                 {settings})
"""
OPTUNA = """
import optuna
from optuna.storages import JournalStorage, RDBStorage, RetryFailedTrialCallback
from optuna.storages.journal import JournalFileBackend
from optuna.study import MaxTrialsCallback
from optuna.trial import TrialState

optuna.logging.set_verbosity(optuna.logging.ERROR)

def tune(trial):
    def report(value, more=None):
        if more is not None:
            trial.set_user_attr("more", more)
        return value
    return objective(trial.suggest_float("x", 0, 1), report)

if "{storage}" == "journal":
    storage = JournalStorage(JournalFileBackend("{folder}/journal.log"))
else:
    storage = RDBStorage("sqlite:///{folder}/study.db", heartbeat_interval=1, grace_period=2,
                         failed_trial_callback=RetryFailedTrialCallback(max_retry=2))
study = optuna.create_study(storage=storage, study_name="s", load_if_exists=True, sampler={sampler})
ended = (TrialState.COMPLETE, TrialState.FAIL, TrialState.PRUNED)
study.optimize(tune, n_trials={trials}, catch=(Exception,), callbacks=[MaxTrialsCallback({trials}, states=ended)])
states = [trial.state.name.lower() for trial in study.get_trials(deepcopy=False)]
print("ENDED", ", ".join(f"{{states.count(state)}} {{state}}" for state in sorted(set(states))))
"""
READ_OPTUNA = """
import collections, json, sys, optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
optuna.logging.set_verbosity(optuna.logging.ERROR)
where = "{folder}/journal.log"
storage = JournalStorage(JournalFileBackend(where)) if "{storage}" == "journal" else "sqlite:///{folder}/study.db"
study = optuna.load_study(study_name="s", storage=storage, sampler={sampler})
trials = study.get_trials(deepcopy=False)
try:
    best = study.best_value
except ValueError:
    best = None
print(json.dumps([collections.Counter(t.state.name.lower() for t in trials), repr(best)]))
"""


class Side:
    """One of the two, in a folder of its own."""

    name = ""

    def __init__(self, place: Path, fault: str = "", settings: str = "", storage: str = "sqlite", disk: bool = False):
        place.mkdir()
        self.place, self.folder, self.storage, self.disk = place, "disk/s" if disk else "s", storage, disk
        self.sampler = "optuna.samplers.RandomSampler(seed=0)"
        self.processes: list[subprocess.Popen] = []
        self.write(fault, settings)

    def write(self, fault: str, settings: str = "", trials: int = TRIALS) -> None:
        self.trials = trials
        template = TRUING if self.name == "truing" else OPTUNA
        told = {"folder": self.folder, "settings": settings, "trials": trials, "storage": self.storage}
        # a survivor needs the time to see the stale heartbeat
        pause = 0.3 if fault in ("wait", "pause", "exit", "segfault", "quit", "values", "two") else 0.05
        text = COMMON.format(fault=fault, pause=pause) + template.format(**told, sampler=self.sampler)
        (self.place / "study.py").write_text(text)

    def start(self, count: int | None = None) -> None:
        for _ in range(count or self.count):
            with (self.place / "log").open("ab") as log:
                command = [sys.executable, *self.command]
                if self.disk:
                    command = ["unshare", "-rm", "sh", "-c", MOUNT, "sh", *command]
                else:
                    (self.place / self.folder).mkdir(exist_ok=True)
                process = subprocess.Popen(command, cwd=self.place, stdout=log, stderr=log, start_new_session=True)
                self.processes.append(process)
            if self.name == "optuna" and (count or self.count) > 1:
                self.until(lambda: (self.place / "s" / "study.db").exists(), 20)
                time.sleep(0.5)

    def until(self, happened: Callable[[], bool], seconds: float = LONGEST) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if happened():
                return True
            time.sleep(0.05)
        return False

    def done(self) -> bool:
        return all(process.poll() is not None for process in self.processes)

    def victim(self) -> int:
        file = self.place / "victim"
        self.until(lambda: file.exists() and file.read_text() != "", 40)
        return int(file.read_text())

    def end(self) -> str:
        """Wait for the end, or make one; the exit codes."""
        ended = self.until(self.done)
        codes = [process.poll() for process in self.processes]
        self.kill()
        return "" if ended and not any(codes) else "hangs" if not ended else f"exit {'/'.join(map(str, codes))}"

    def kill(self) -> None:
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for process in descendants(str(self.place)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.processes = []

    def log(self) -> str:
        lines = [line for line in (self.place / "log").read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1].strip() if lines else ""

    def error(self) -> str:
        """The last error of a traceback, or the last words."""
        return shortened(last_error((self.place / "log").read_text(errors="replace")) or self.log())

    def again(self) -> str:
        """The same command once more."""
        self.start(1)
        return self.end()


class Truing(Side):
    name, count = "truing", 1

    @property
    def command(self) -> list[str]:
        return ["-m", "truing", "run", "study.py", "--workers", "2", "--trials", str(self.trials)]

    def states(self) -> str:
        asked = [sys.executable, "-m", "truing", "trials", self.folder, "--json"]
        done = subprocess.run(asked, cwd=self.place, capture_output=True, text=True, check=False)
        found = json.loads(done.stdout)
        if isinstance(found, dict):
            return f"refused: {shortened(found['error']['message'])}"
        values = [row["value"] for row in found if row["value"] is not None]
        return counted(Counter(row["state"] for row in found), repr(min(values, default=None)))

    @property
    def file(self) -> Path:
        return self.place / self.folder / "journal.db"


class Optuna(Side):
    name, count = "optuna", 2
    command = ("study.py",)

    def states(self) -> str:
        told = {"folder": self.folder, "storage": self.storage, "sampler": self.sampler}
        done = subprocess.run(
            [sys.executable, "-c", READ_OPTUNA.format(**told)],
            cwd=self.place, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            return f"cannot be read: {shortened(last_error(done.stderr) or done.stderr.strip()[-200:])}"
        states, best = json.loads(done.stdout)
        return counted(Counter(states), best)

    @property
    def file(self) -> Path:
        return self.place / self.folder / ("journal.log" if self.storage == "journal" else "study.db")


MOUNT = 'mount -t tmpfs -o size=8m none disk && mkdir disk/s && head -c 8150000 /dev/zero > disk/ballast && exec "$@"'


def descendants(mark: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if os.readlink(entry / "cwd") == mark:
                    found.append(int(entry.name))
    return found


def last_error(text: str) -> str:
    """The last line of a traceback that names an exception, without the module's name."""
    found = re.findall(r"^(?:[\w.]+\.)?(\w*(?:Error|Exception|Exit|Interrupt)\b: .*)$", text, re.MULTILINE)
    if found:
        return found[-1]
    said = re.findall(r"^truing: (.*(?:\n .*)*)", text, re.MULTILINE)
    return said[-1] if said else ""


def shortened(text: str, size: int = 110) -> str:
    text = " ".join(text.replace("|", "/").split())
    text = re.sub(
        r" of \S+ on \S+ since [^:]*[\d:+-]+", " of USER on HOST since TIME", text.replace(tempfile.gettempdir(), "")
    )
    return text if len(text) <= size else text[: size - 3] + "..."


def counted(states: Counter[str], best: str) -> str:
    words = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    odd = best in ("-inf", "inf", "nan")
    return (words or "no trials") + (f"; best value {best}" if odd else "")


def joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


# -- the faults ------------------------------------------------------------------------------------------------------


def killed_worker(side: Side) -> str:
    side.write("wait")
    side.start()
    os.kill(side.victim(), signal.SIGKILL)
    return joined(side.end(), side.states())


def killed_group(side: Side) -> str:
    side.write("wait")
    side.start()
    side.victim()
    side.kill()
    side.start()
    return joined(side.end(), side.states())


def stopped_worker(side: Side) -> str:
    side.write("pause", "run_minutes=0.05,")
    side.start()
    victim = side.victim()
    os.kill(victim, signal.SIGSTOP)
    time.sleep(8)
    with contextlib.suppress(ProcessLookupError):
        os.kill(victim, signal.SIGCONT)
    return joined(side.end(), side.states())


def hangs(side: Side) -> str:
    side.write("wait", "run_minutes=0.05,")
    side.start()
    return joined(side.end(), side.states())


def objective_that(fault: str, settings: str = "") -> Callable[[Side], str]:
    def act(side: Side) -> str:
        side.write(fault, settings)
        side.start()
        ended = side.end()
        return joined(ended and f"{ended} ({side.error()})", side.states())

    return act


def torn(side: Side) -> str:
    """The last ten bytes of the log are lost after a kill; then the same command."""
    side.write("wait")
    side.start(1)
    side.victim()
    side.kill()
    log = side.file.with_name(side.file.name + "-wal") if side.name == "truing" else side.file
    before = side.states()
    log.write_bytes(log.read_bytes()[:-10])
    ended = side.again()
    return joined(f"before {before}", ended and f"{ended} ({side.error()})", "after " + side.states())


def damaged(side: Side) -> str:
    """A page in the middle of the finished study's file becomes noise; then the same command for more trials."""
    side.write("")
    side.start(1)
    side.end()
    content = bytearray(side.file.read_bytes())
    for page in range(2, len(content) // 4096, 2):
        content[4096 * page : 4096 * page + 4096] = bytes(range(256)) * 16
    side.file.write_bytes(content)
    side.write("", trials=TRIALS + 2)
    ended = side.again()
    return joined(ended and f"{ended} ({side.error()})", side.states())


def newer(side: Side) -> str:
    side.write("")
    side.start(1)
    side.end()
    with contextlib.closing(sqlite3.connect(side.file, isolation_level=None)) as file:
        if side.name == "truing":
            file.execute("PRAGMA user_version = 99")
        else:
            file.execute("UPDATE alembic_version SET version_num = 'v99.0.0'")
            file.execute("UPDATE version_info SET schema_version = 99")
    ended = side.again()
    return joined(ended, side.error())


def two(side: Side) -> str:
    """A second process with the same command while the first runs."""
    side.write("two")
    side.start(1)
    side.until(lambda: (side.place / "call-1").exists(), 30)
    began = time.monotonic()
    side.start(1)
    second = side.processes[1]
    side.until(lambda: second.poll() is not None)
    code, seconds = second.poll(), time.monotonic() - began
    words = f"the second ends with {code}" + (f" after {seconds:.1f} s ({side.error()})" if code else "")
    return joined(words, side.end() and "", side.states())


def full_disk(side: Side) -> str:
    """The disk of 8 MB, nearly full, fills up, and is given room after a while."""
    (side.place / "disk").mkdir()
    side.write("", trials=600)
    text = (side.place / "study.py").read_text()
    big = text.replace("time.sleep(PAUSE)", "time.sleep(0.002)").replace("n = nth()", "n = -1")
    (side.place / "study.py").write_text(big)
    side.start(1)
    process = side.processes[0]
    root = Path(f"/proc/{process.pid}/root") / side.place.relative_to("/") / "disk"
    paused = side.until(lambda: "The disk is full" in side_log(side) or process.poll() is not None, 60)
    if process.poll() is not None:  # it came to its end with the disk as it was
        ended = re.findall(r"^ENDED (.*)$", side_log(side), re.MULTILINE)
        return joined(f"exit {process.poll()} ({last_error(side_log(side)) or 'no error'})"[:140], *ended)
    time.sleep(2)
    with contextlib.suppress(OSError):
        (root / "ballast").unlink()
    side.until(lambda: process.poll() is not None, 60)
    code = process.poll()
    side.kill()
    words = "pauses and says so" if paused else "does not say anything"
    finished = "600/600 trials" in side_log(side)
    return joined(words, f"exit {code} when there is room", "600 trials done" if finished else shortened(side.log()))


def side_log(side: Side) -> str:
    return (side.place / "log").read_text(errors="replace")


class Bomb:
    def __init__(self, canary: str) -> None:
        self.canary = canary

    def __reduce__(self):
        return os.system, (f"touch {self.canary}",)


def hostile(side: Side) -> str:
    """A pickle that starts a program lies where the study keeps its own things; then the same command."""
    canary = side.place / "canary"
    side.sampler = "optuna.samplers.CmaEsSampler(seed=0, n_startup_trials=2)"
    side.write("")
    text = (side.place / "study.py").read_text()
    (side.place / "study.py").write_text(
        text.replace(
            'trial.suggest_float("x", 0, 1)', 'trial.suggest_float("x", 0, 1) + 0 * trial.suggest_float("y", 0, 1)'
        )
    )
    side.start(1)
    side.end()
    bomb = pickle.dumps(Bomb(str(canary)))
    with contextlib.closing(sqlite3.connect(side.file, isolation_level=None)) as file:
        if side.name == "truing":
            file.execute("UPDATE event SET payload = ?", (bomb,))
        else:
            query = "UPDATE trial_system_attributes SET value_json = ? WHERE key LIKE 'cma%optimizer%'"
            if not file.execute(query, (json.dumps(bomb.hex()),)).rowcount:
                return "no pickle was found in its file"
    changed = (side.place / "study.py").read_text().replace(f"n_trials={TRIALS}", f"n_trials={TRIALS + 2}")
    (side.place / "study.py").write_text(changed.replace(f"Callback({TRIALS}", f"Callback({TRIALS + 2}"))
    side.trials += 2
    ended = side.again()
    return joined("THE PROGRAM RAN" if canary.exists() else "nothing ran", ended and f"{ended} ({side.error()})")


FAULTS: dict[str, tuple[Callable[[Side], str], dict[str, str]]] = {
    "`kill -9` of a worker in its trial": (killed_worker, {}),
    "`kill -9` of all processes in a trial, then the same command": (killed_group, {}),
    "SIGSTOP of a worker for 8 s (Truing `run_minutes=0.05`)": (stopped_worker, {}),
    "the function hangs (Truing `run_minutes=0.05`; Optuna has no limit)": (hangs, {}),
    "last 10 bytes of the log lost (Truing WAL, Optuna JournalFileBackend)": (torn, {"storage": "journal"}),
    "pages of the SQLite file overwritten": (damaged, {}),
    "NaN, -inf and the text \"0.5\" returned": (objective_that("values"), {}),
    "None returned": (objective_that("none"), {}),
    "SystemExit raised": (objective_that("exit"), {}),
    "segmentation fault": (objective_that("segfault"), {}),
    "`os._exit(0)` without a result": (objective_that("quit"), {}),
    "1.5 GB allocated (Truing `run_memory=\"600MB\"`; Optuna has no limit)": (
        objective_that("memory", 'run_memory="600MB",'), {}),
    "an `object()` as attribute": (objective_that("attribute"), {}),
    "disk full for some seconds": (full_disk, {}),
    "the same command twice at once": (two, {}),
    "file of a newer version": (newer, {}),
    "file from a stranger, with a pickle (Optuna `CmaEsSampler`)": (hostile, {}),
}  # fmt: skip


def may_mount() -> bool:
    tried = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=1m none /mnt"]
    return (
        shutil.which("unshare") is not None and not subprocess.run(tried, capture_output=True, check=False).returncode
    )


def main(only: str) -> None:
    rows = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        for number, (fault, (act, more)) in enumerate(FAULTS.items()):
            if only not in fault:
                continue
            found = {}
            for kind in (Truing, Optuna):
                disk = act is full_disk
                if disk and not may_mount():
                    found[kind.name] = "not measured: no disk may be mounted here"
                    continue
                side = kind(Path(temporary).resolve() / f"{number}-{kind.name}", disk=disk, **more)
                try:
                    found[kind.name] = act(side)
                except Exception as error:
                    found[kind.name] = f"not measured: {type(error).__name__}: {shortened(str(error))}"
                finally:
                    side.kill()
            rows.append({"fault": fault, **found})
            print(f"{fault}\n   Truing: {found['truing']}\n   Optuna: {found['optuna']}", flush=True)
    if only:
        return
    note(rows, round(time.monotonic() - began))


def note(rows: list[dict[str, str]], seconds: int) -> None:
    """Refusing a damaged file is right; to be left without an end, or to run a stranger's program, is not."""
    bad = ("hangs", " running", "THE PROGRAM RAN", "not measured", "after cannot be read")
    left = {name: [row["fault"] for row in rows if _end(row[name], bad)] for name in ("truing", "optuna")}
    record(
        "faults",
        reached=not left["truing"],
        figure=f"{len(rows)} faults: a study was left hanging, lost, with a trial that stays running, or had run a "
        f"stranger's program, after {len(left['truing'])} of them with Truing and {len(left['optuna'])} with Optuna",
        rows=rows,
        left=left,
        trials=TRIALS,
        seconds=seconds,
    )


def _end(told: str, bad: tuple[str, ...]) -> bool:
    before, _, rest = told.partition("; ")
    return any(word in (rest if before.startswith("before ") else told) for word in bad)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="the faults whose name holds this")
    main(parser.parse_args().only)
