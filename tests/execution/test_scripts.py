"""Programs as people write them: each runs its study in worker processes, without a main guard."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from truing.report.study import read

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes need fork")

HEAD = """
import os, sys
import truing as tr

with open("executed", "a") as file:
    file.write(f"{os.getpid()}\\n")
print("executed with", sys.argv[1:])
SPACE = tr.Space(x=tr.Float(-1.0, 1.0, default=0.5))
LOSS = tr.Metric("loss", goal="min")
"""
TRAIN = """
def train(run):
    print("server", os.getppid())
    run.report(loss=(run.config["x"] - 0.25) ** 2)
"""
STUDY = 'study = tr.Study(train, SPACE, metric=LOSS, folder="study")\n'
RUN = "study.run(trials=4, workers=2)\n"


def executions(folder: Path) -> list[str]:
    return (folder / "executed").read_text().split()


def servers(folder: Path, *studies: str) -> set[str]:
    """The numbers of the processes that forked the runs."""
    texts = [path.read_text() for study in studies for path in (folder / study / "output").glob("run-*.txt")]
    assert texts
    found = [re.findall(r"^server (\d+)$", text, re.MULTILINE) for text in texts]
    assert all(found)
    return {number for numbers in found for number in numbers}


def values(folder: Path, study: str = "study") -> list[Any]:
    trials = read(folder / study)[0].trials
    assert [trial.state for trial in trials] == ["completed"] * len(trials)
    return [(trial.config["x"], trial.value) for trial in trials]


def check(folder: Path, study: str = "study", offset: float = 0.25, trials: int = 4) -> None:
    found = values(folder, study)
    assert len(found) == trials
    for x, value in found:
        assert value == pytest.approx((x - offset) ** 2)


def test_a_plain_script_is_executed_once_here_and_once_in_the_server(programs, tmp_path):
    output, _ = programs.script(HEAD + TRAIN + STUDY + RUN + 'print("done")\n', "--fast", "7")
    assert output.splitlines() == ["executed with ['--fast', '7']", "done"]
    assert len(executions(tmp_path)) == len(set(executions(tmp_path))) == 2
    assert servers(tmp_path, "study") == {executions(tmp_path)[1]}
    check(tmp_path)


def test_with_a_main_guard(programs, tmp_path):
    body = HEAD + TRAIN + 'if __name__ == "__main__":\n    ' + STUDY + "    " + RUN + '    print("done")\n'
    output, _ = programs.script(body)
    assert output.splitlines() == ["executed with []", "done"]
    assert len(executions(tmp_path)) == 2
    check(tmp_path)


def test_with_all_of_it_in_a_function(programs, tmp_path):
    """A closure, which no name reaches: the server has it because it has the study."""
    programs.script(
        HEAD
        + """
def main(offset):
    def train(run):
        print("server", os.getppid())
        run.report(loss=(run.config["x"] - offset) ** 2)
    tr.Study(train, SPACE, metric=LOSS, folder="study").run(trials=4, workers=2)
main(0.5)
"""
    )
    assert servers(tmp_path, "study") == {executions(tmp_path)[1]}
    check(tmp_path, offset=0.5)


SEVERAL = (
    HEAD
    + """
OFFSET = 0.25
class Picky:
    '''Rows that are read one by one, and never copied.'''
    def __init__(self, n):
        self.n = n
    def __len__(self):
        return self.n
    def __getitem__(self, i):
        if type(i) is not int:
            raise TypeError("read by index only")
        with open("read", "a") as file:
            file.write(f"{os.getpid()} {i}\\n")
        return float(i), i % 2
    def __iter__(self):
        raise RuntimeError("read whole")
    def __reduce__(self):
        raise RuntimeError("copied")

def train(run):
    print("server", os.getppid())
    assert run.train.x[0][0] == float(run.train.rows[0])
    run.report(loss=(run.config["x"] - OFFSET) ** 2)

def study(folder, function, rows):
    data = tr.Data(rows, [i % 2 for i in range(len(rows))])
    made = tr.Study(function, SPACE, data=data, metric=LOSS, test=None, validation=tr.Holdout(0.5), folder=folder)
    made.run(trials=2, workers=2)

rows = Picky(500)
study("one", train, rows)
for number in range(2):
    study(f"loop {number}", train, rows)

def later(run):
    train(run)
study("later", later, rows)
OFFSET = 0.5
study("changed", train, rows)
study("lambda", lambda run: train(run), rows)
"""
)


def test_several_studies_share_a_server_and_a_dataset_is_never_copied(programs, tmp_path):
    programs.script(SEVERAL)
    assert len(executions(tmp_path)) == 2
    names = ["one", "loop 0", "loop 1", "later", "changed", "lambda"]
    assert servers(tmp_path, *names) == {executions(tmp_path)[1]}
    for name in names:
        check(tmp_path, name, offset=0.5 if name in ("changed", "lambda") else 0.25, trials=2)


def test_a_dataset_is_read_by_index_and_not_whole(programs, tmp_path):
    """Two runs of 2 trials read a row each; beside them only the sample that is hashed is ever read."""
    programs.script(SEVERAL.split("for number in")[0])
    coordinator, server = executions(tmp_path)
    reads = [line.split() for line in (tmp_path / "read").read_text().splitlines()]
    assert len({row for pid, row in reads if pid == coordinator}) <= 64
    assert [row for pid, row in reads if pid == server] == [], "a file it opens would be shared by all runs"
    assert len(reads) < 400


def test_a_dataset_that_did_not_exist_yet_makes_a_new_server(programs, tmp_path):
    """It cannot be copied, so the script is executed once more, up to the study that has it."""
    programs.script(SEVERAL.split("for number in")[0] + 'rows = Picky(300)\nstudy("two", train, rows)\n')
    assert len(executions(tmp_path)) == 3
    assert servers(tmp_path, "one") == {executions(tmp_path)[1]}
    assert servers(tmp_path, "two") == {executions(tmp_path)[2]}


def test_what_changed_between_two_studies_is_seen_by_the_second(programs, tmp_path):
    """Neither a rebound name nor an array that was written to may give the second study the first one's numbers."""
    programs.script(
        HEAD
        + """
import numpy as np, types
array, settings, table = np.zeros(3), types.SimpleNamespace(offset=0.0), {"offset": [0.0]}
def train(run):
    print("server", os.getppid())
    loss = array[0] + settings.offset + table["offset"][0]
    run.report(loss=loss, trials=1.0)
def study(folder):
    tr.Study(train, SPACE, metric=LOSS, folder=folder).run(trials=1, workers=1)
study("first")
settings.offset = 10.0
study("settings")
settings.offset = 0.0
array[:] = 1.0
study("array")
array[:] = 0.0
table["offset"][0] = 100.0
study("table")
table["offset"][0] = 0.0
array = np.full(3, 2.0)
study("rebound")
"""
    )
    found = [values(tmp_path, name)[0][1] for name in ("first", "settings", "array", "table", "rebound")]
    assert found == [0.0, 10.0, 1.0, 100.0, 2.0]
    assert len(executions(tmp_path)) == 2


def test_a_new_server_comes_past_the_verdict_of_an_earlier_study(programs, tmp_path):
    """On the way to the second study it meets the first one's verdict, which is stored and is not made again."""
    first, second = SEVERAL.split("for number in")[0].split('study("one", train, rows)')[0], 'study("two", train, rows)'
    output, _ = programs.script(
        first
        + """
def without_rows(run):
    run.report(loss=(run.config["x"] - OFFSET) ** 2)
one = tr.Study(without_rows, SPACE, metric=LOSS, validation=tr.Seeds(2), test=None, folder="one")
one.run(trials=2, workers=2)
print("looks", one.verdict(workers=2).to_dict()["looks"])
rows = Picky(300)
"""
        + second
        + "\n"
    )
    assert output.splitlines()[-1] == "looks 0"
    assert len(executions(tmp_path)) == 3
    check(tmp_path, "two", trials=2)
    assert len(read(tmp_path / "one")[0].notes["verdict"]) == 1


def test_a_dataset_that_was_changed_in_place_is_not_the_servers(programs, tmp_path):
    """Its name still stands for the same object here, but the server's has the old rows."""
    programs.script(
        SEVERAL.split("for number in")[0]
        .replace("return float(i), i % 2", "return float(i) + self.shift, i % 2")
        .replace("self.n = n", "self.n, self.shift = n, 0.0")
        .replace("== float(run.train.rows[0])", "== float(run.train.rows[0]) + shift")
        .replace("def train(run):", "shift = 0.0\ndef train(run):")
        + 'rows.shift = shift = 0.5\nstudy("two", train, rows)\n'
    )
    assert len(executions(tmp_path)) == 3
    check(tmp_path, "one", trials=2)
    check(tmp_path, "two", trials=2)


def test_a_dataset_made_by_chance_is_copied_from_here(programs, tmp_path):
    output, _ = programs.script(
        HEAD
        + """
import numpy as np
class Noise:
    def __init__(self):
        self.values = np.random.default_rng().normal(size=20)
    def __len__(self):
        return 20
    def __getitem__(self, i):
        return self.values[i]
rows = Noise()
def train(run):
    run.report(loss=float(sum(run.train.x[i] for i in range(len(run.train)))))
tr.Study(train, SPACE, data=tr.Data(rows, y=[0, 1] * 10), metric=LOSS, validation=None, test=None,
         folder="study").run(trials=1, workers=1)
print(repr(float(sum(rows.values))))
"""
    )
    assert values(tmp_path)[0][1] == float(output.splitlines()[-1])


def test_what_the_server_made_by_chance_is_not_believed(programs, tmp_path):
    """Random numbers without a seed differ between the two executions; the runs get those of the script itself."""
    output, _ = programs.script(
        HEAD
        + """
import numpy as np
noise = np.random.default_rng().normal(size=100)
def train(run):
    run.report(loss=float(noise.sum()))
tr.Study(train, SPACE, metric=LOSS, folder="study").run(trials=1, workers=1)
print(repr(float(noise.sum())))
"""
    )
    assert values(tmp_path)[0][1] == float(output.splitlines()[-1])


def test_another_working_directory_and_other_arguments(programs, tmp_path):
    """A script may change both; its second execution starts from the same."""
    (tmp_path / "sub" / "deeper").mkdir(parents=True)
    programs.script(
        HEAD + TRAIN + 'os.chdir("sub")\nos.chdir("deeper")\nassert sys.argv.pop() == "last"\n' + STUDY + RUN,
        "first",
        "last",
    )
    check(tmp_path / "sub" / "deeper")


def test_code_beside_the_script_and_in_a_path_it_adds(programs, tmp_path):
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "far.py").write_text("OFFSET = 0.25\ndef shift(x): return x - OFFSET\n")
    (tmp_path / "near.py").write_text(
        "import os, far\ndef train(run):\n    print('server', os.getppid())\n"
        "    run.report(loss=far.shift(run.config['x']) ** 2)\n"
    )
    programs.script(HEAD + 'sys.path.append("library")\nfrom near import train\n' + STUDY + RUN)
    assert len(executions(tmp_path)) == 1, "an importable function needs no second execution"
    check(tmp_path)


def test_directory_path_and_environment_changed_between_two_studies(programs, tmp_path):
    (tmp_path / "library").mkdir()
    (tmp_path / "near.py").write_text(
        "import os\ndef train(run):\n    import far\n    print('server', os.getppid())\n"
        "    run.report(loss=far.VALUE + float(os.environ['SHIFT']) + len(os.listdir()))\n"
    )
    (tmp_path / "far.py").write_text("VALUE = 1.0\n")
    (tmp_path / "library" / "far.py").write_text("VALUE = 100.0\n")
    programs.script(
        HEAD
        + """
from near import train
def study(folder):
    tr.Study(train, SPACE, metric=LOSS, folder=folder).run(trials=1, workers=1)
os.mkdir("empty")
os.environ["SHIFT"] = "10"
os.chdir("empty")
study("../one")
os.environ["SHIFT"] = "20"
os.chdir("../library")
sys.path.insert(0, os.getcwd())
study("../two")
"""
    )
    assert values(tmp_path, "one")[0][1] == 11.0
    assert values(tmp_path, "two")[0][1] == 121.0
    assert servers(tmp_path, "one") == servers(tmp_path, "two")


def test_python_m(programs, tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "offsets.py").write_text("OFFSET = 0.25\n")
    (package / "module.py").write_text(
        HEAD + "from .offsets import OFFSET\n" + TRAIN.replace("0.25", "OFFSET") + STUDY + RUN
    )
    output, _ = programs.run("-m", "package.module", "argument")
    assert output == "executed with ['argument']\n"
    assert servers(tmp_path, "study") == {executions(tmp_path)[1]}
    check(tmp_path)


def test_a_folder_with_a_main_file(programs, tmp_path):
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "__main__.py").write_text(HEAD + TRAIN + STUDY + RUN)
    programs.run("app")
    assert len(executions(tmp_path)) == 2
    check(tmp_path)


@pytest.mark.parametrize("calls_run", [True, False])
def test_truing_run(programs, tmp_path, calls_run):
    """The command's arguments count; the file's own run() is skipped, and its verdict() is not made."""
    file = tmp_path / "file.py"
    tail = "study.run(trials=50)\nprint(study.trials())\nstudy.verdict()\n" if calls_run else ""
    file.write_text(HEAD + TRAIN + STUDY + tail)
    output, _ = programs.run("-m", "truing", "run", "file.py", "--trials", "4", "--workers", "2")
    assert output.splitlines()[-1] == "Next: truing verdict study"
    assert len(executions(tmp_path)) == len(set(executions(tmp_path))) == 2
    assert servers(tmp_path, "study") == {executions(tmp_path)[1]}
    check(tmp_path)


def test_truing_run_of_a_closure_without_a_run(programs, tmp_path):
    (tmp_path / "file.py").write_text(HEAD + TRAIN + STUDY.replace("train,", "lambda run: train(run),"))
    programs.run("-m", "truing", "run", "file.py", "--trials", "4", "--workers", "2")
    assert servers(tmp_path, "study") == {executions(tmp_path)[1]}
    check(tmp_path)


UNSEEN = "cannot be read, so changes to it cannot be seen"


@pytest.mark.parametrize("how", ["standard input", "-c", "a console"])
def test_code_without_a_file_runs_and_it_is_said_once(programs, tmp_path, how):
    text = HEAD + TRAIN + STUDY + RUN
    if how == "standard input":
        _, errors = programs.run("-", stdin=text)
    elif how == "-c":
        _, errors = programs.run("-c", text)
    else:
        blocks = re.sub(r"\n(def train.*?)\n(study)", r"\n\1\n\n\2", text, flags=re.DOTALL)
        blocks = blocks.replace('    file.write(f"{os.getpid()}\\n")\n', '    _ = file.write(f"{os.getpid()}\\n")\n\n')
        _, errors = programs.run("-c", "import code; code.interact()", stdin=blocks)
    assert " ".join(errors.split()).count(UNSEEN) == 1
    assert len(executions(tmp_path)) == 1
    check(tmp_path)


def test_a_second_call_does_not_say_it_again(programs, tmp_path):
    text = HEAD + TRAIN + STUDY + RUN + "study.run(trials=6, workers=2)\n"
    _, errors = programs.run("-", stdin=text)
    assert " ".join(errors.split()).count(UNSEEN) == 1
    check(tmp_path, trials=6)


def test_a_study_in_a_thread(programs, tmp_path):
    programs.script(
        HEAD
        + TRAIN
        + STUDY
        + "import threading\n"
        + "thread = threading.Thread(target=lambda: study.run(trials=4, workers=2))\nthread.start(); thread.join()\n"
    )
    check(tmp_path)


def test_two_studies_at_once_in_two_threads(programs, tmp_path):
    (tmp_path / "mine.py").write_text("import os\n" + TRAIN)
    programs.script(
        HEAD
        + """
import threading
from mine import train
def one(folder):
    tr.Study(train, SPACE, metric=LOSS, folder=folder).run(trials=12, workers=2)
one("study first")
threads = [threading.Thread(target=one, args=(f"study {n}",)) for n in range(2)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    )
    assert servers(tmp_path, "study 0") != servers(tmp_path, "study 1")
    check(tmp_path, "study 0", trials=12)
    check(tmp_path, "study 1", trials=12)


def test_a_forked_copy_of_the_program_has_a_server_of_its_own(programs, tmp_path):
    programs.script(
        HEAD
        + TRAIN
        + """
def one(folder, trials):
    tr.Study(train, SPACE, metric=LOSS, folder=folder).run(trials=trials, workers=1)
one("before", 2)
copy = os.fork()
one("copy" if copy == 0 else "program", 12)
if copy == 0:
    sys.exit()
assert os.waitpid(copy, 0)[1] == 0
"""
    )
    check(tmp_path, "copy", trials=12)
    check(tmp_path, "program", trials=12)
    assert servers(tmp_path, "before") == servers(tmp_path, "program") != servers(tmp_path, "copy")


def test_a_script_that_fails_only_in_the_server_says_so(programs, tmp_path):
    _, errors = programs.script(
        HEAD + 'if len(open("executed").readlines()) > 1: 1 / 0\n' + TRAIN + STUDY + RUN, code=1
    )
    assert "The study's file failed when the worker processes executed it" in errors
    assert "ZeroDivisionError" in errors


@pytest.mark.parametrize("end", ["os._exit(3)", "import ctypes; ctypes.string_at(0)", "sys.exit('bye')"])
def test_a_script_that_ends_the_server_says_so(programs, tmp_path, end):
    _, errors = programs.script(
        HEAD + f'if len(open("executed").readlines()) > 1: {end}\n' + TRAIN + STUDY + RUN, code=1
    )
    assert "ObjectiveError" in errors
    assert "worker processes" in errors


@pytest.mark.parametrize(
    "removal",
    [
        'os.path.exists("study/journal.db") and os.remove("study/journal.db")',
        'os.path.exists("study") and os.rename("study", "old")',
    ],
)
def test_a_script_that_removes_its_study_does_not_lose_it(programs, tmp_path, removal):
    """The second execution would take the folder away under the coordinator's hands."""
    _, errors = programs.script(HEAD + f"{removal}\n" + TRAIN + STUDY + RUN, code=1)
    assert "removes or renames" in errors
    assert "fresh=True" in errors
    assert (tmp_path / "study" / "journal.db").exists()


@pytest.mark.parametrize(
    "removal",
    [
        'shutil.rmtree("study", ignore_errors=True)',
        'shutil.rmtree(os.getcwd() + "/../" + os.path.basename(os.getcwd()) + "/study", ignore_errors=True)',
        'if os.path.exists("study"): shutil.rmtree("study")',
    ],
)
def test_a_script_that_clears_its_study_begins_anew_each_time(programs, tmp_path, removal):
    """The first execution clears the folder, the second one passes over it."""
    program = HEAD + f"import shutil\n{removal}\n" + TRAIN + STUDY + RUN
    programs.script(program)
    check(tmp_path)
    (tmp_path / "study" / "of the last time").touch()
    (tmp_path / "executed").unlink()
    programs.script(program)
    check(tmp_path)
    assert not (tmp_path / "study" / "of the last time").exists()


def test_a_script_that_clears_all_studies_does_not_lose_the_one_that_runs(programs, tmp_path):
    study = STUDY.replace('"study"', '"studies/mine"')
    programs.script(HEAD + "import shutil\nshutil.rmtree('studies', ignore_errors=True)\n" + TRAIN + study + RUN)
    assert (tmp_path / "studies" / "mine" / "journal.db").exists()


def test_a_script_may_remove_other_things(programs, tmp_path):
    (tmp_path / "old").mkdir()
    programs.script(
        HEAD + "import shutil\nshutil.rmtree('old', ignore_errors=True)\nos.mkdir('old')\n" + TRAIN + STUDY + RUN
    )
    check(tmp_path)


def test_files_of_the_same_names_as_libraries_are_not_imported_by_the_server(programs, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for name in ("selectors", "numpy", "cloudpickle"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported')\n")
    (tmp_path / "elsewhere" / "s.py").write_text(HEAD + TRAIN + STUDY + RUN)
    programs.run(Path("elsewhere") / "s.py")
    check(tmp_path)


def test_interpreter_options_are_the_servers_too(programs, tmp_path):
    (tmp_path / "s.py").write_text(
        HEAD + "def train(run):\n    assert False\n    run.report(loss=float(sys.flags.optimize))\n" + STUDY + RUN
    )
    programs.run("-O", "s.py")
    assert {value for _, value in values(tmp_path)} == {1.0}


def test_no_descriptor_and_no_folder_is_left_by_many_runs(programs, tmp_path):
    if not sys.platform.startswith("linux"):
        pytest.skip("counts descriptors in /proc")
    (tmp_path / "temporary").mkdir()
    output, _ = programs.script(
        HEAD
        + """
os.environ["TMPDIR"] = os.path.abspath("temporary")
def train(run):
    (run.folder / "file").write_text("x")
    run.report(loss=float(len(os.listdir("/proc/self/fd"))))
def descriptors():
    return len(os.listdir("/proc/self/fd"))
for number in range(3):
    tr.Study(train, SPACE, metric=LOSS, folder=f"study {number}").run(trials=8, workers=2)
    print(descriptors())
"""
    )
    counts = [int(line) for line in output.splitlines()[1:]]
    assert counts[0] == counts[1] == counts[2]
    inside = {value for number in range(3) for _, value in values(tmp_path, f"study {number}")}
    assert max(inside) <= 9, "a run has its own descriptors only: 0 to 2, its output, its channel, and what lists them"
    assert len(inside) == 1
    assert list((tmp_path / "temporary").iterdir()) == []
    assert not list(tmp_path.glob("study*/runs"))
