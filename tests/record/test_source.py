"""What counts as a change of the training function, and what does not."""

from __future__ import annotations

import functools
import importlib
import json
import linecache
import math
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from truing.objective.trainer import TorchTrainer
from truing.record.reach import is_users_file, plain, reached
from truing.record.source import Source, name_of, source_of

BASE = """
    import math
    import numpy as np
    LAYERS = 3
    TABLE = {"a": [1, 2], "b": {4, 5}}

    class Net:
        width = 8

        def forward(self, x):
            return scale(x) * self.width

    class Deep(Net):
        pass

    def scale(x):
        return x * LAYERS

    def unused(x):
        return x

    @functools.cache
    def cached():
        return 7

    def train(run):
        '''Trains.'''
        net = Deep()  # a comment
        step = lambda x: x + TABLE["a"][0]
        run.report(loss=net.forward(step(run.config["x"])) + math.pi + cached())
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module made of a text; again for another text."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    made: list[str] = []

    def make(text: str, name: str = "mine_to_change", **others: str) -> ModuleType:
        for other, content in {**others, name: "import functools\n" + textwrap.dedent(text)}.items():
            folder = tmp_path
            (folder / f"{other}.py").write_text(content)
            sys.modules.pop(other, None)
            made.append(other)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield make
    for name in made:
        sys.modules.pop(name, None)


def identity(made: ModuleType, name: str = "train") -> str:
    source = source_of(getattr(made, name))
    assert source.readable
    found = source.identity
    assert found is not None
    return found


UNCHANGED = {
    "a comment": ("# a comment", "# another"),
    "a docstring": ("'''Trains.'''", "'''Trains better.'''"),
    "layout": ("net = Deep()", "net = (\n            Deep()\n        )"),
    "what is not used": ("def unused(x):\n        return x", "def unused(x):\n        return 2 * x"),
    "a library's alias that is not used": ("import numpy as np", "import numpy"),
    "the order of a set": ("{4, 5}", "{5, 4}"),
}
CHANGED = {
    "the function": ("+ math.pi", "- math.pi"),
    "a function it calls by way of a class": ("x * LAYERS", "x + LAYERS"),
    "a method of a base class": ("* self.width", "+ self.width"),
    "an attribute of a class": ("width = 8", "width = 9"),
    "a constant": ("LAYERS = 3", "LAYERS = 4"),
    "a constant inside a table": ("[1, 2]", "[1, 3]"),
    "a cached function": ("return 7", "return 8"),
    "a lambda inside": ("lambda x: x +", "lambda x: x -"),
}


@pytest.mark.parametrize(("old", "new"), UNCHANGED.values(), ids=list(UNCHANGED))
def test_what_is_no_change(module, old, new):
    assert old in BASE
    assert identity(module(BASE)) == identity(module(BASE.replace(old, new)))


@pytest.mark.parametrize(("old", "new"), CHANGED.values(), ids=list(CHANGED))
def test_what_is_a_change_and_how_it_is_shown(module, old, new):
    before = source_of(module(BASE).train)
    after = source_of(module(BASE.replace(old, new)).train)
    assert before.identity != after.identity
    shown = after.diff(before.parts)
    assert any(line.startswith("-") and old.split("\n")[-1].strip() in line for line in shown.splitlines()), shown
    assert any(line.startswith("+") and new.split("\n")[-1].strip() in line for line in shown.splitlines()), shown
    assert after.diff(after.parts) == ""


def test_code_of_other_modules_of_ones_own_counts_however_it_is_reached(module):
    """By name, as an attribute of a module, and imported inside the function."""
    text = """
        import helper_module
        from helper_module import by_name
        def train(run):
            import lazy_module
            from lazy_module import inner
            return by_name() + helper_module.as_attribute() + inner()
    """
    helper = "def by_name():\n    return 1\ndef as_attribute():\n    return 2\ndef other():\n    return 9\n"
    lazy = "def inner():\n    return 3\n"

    def of(helper: str = helper, lazy: str = lazy) -> str:
        return identity(module(text, helper_module=helper, lazy_module=lazy))

    same = of()
    assert of(helper=helper.replace("return 9", "return 8")) == same
    for changed in ({"helper": helper.replace("return 1", "return 7")}, {"helper": helper.replace("return 2", "0")}):
        assert of(**changed) != same
    assert of(lazy=lazy.replace("3", "4")) != same


def test_two_functions_of_one_name_are_told_apart(module):
    text = """
        import first_module, second_module
        def train(run):
            return first_module.build() + second_module.build()
    """
    one, two = "def build():\n    return 1\n", "def build():\n    return 2\n"
    found = {
        identity(module(text, first_module=a, second_module=b))
        for a, b in ((one, one), (one, two), (two, one), (two, two))
    }
    assert len(found) == 4


def test_a_lambda_is_cut_out_of_the_call_it_stands_in(module):
    """Other arguments of the same call are not part of the function."""
    text = """
        def study(function, trials):
            return function
        first = study(lambda run: run.report(loss=1.0), trials=3)
        second, third = study(lambda run: 2, trials=3), study(lambda run: (
            3
        ), trials=3)
    """
    made, other = module(text), module(text.replace("trials=3", "trials=50"))
    assert dict(source_of(other.first).parts) == {"<lambda>": "lambda run: run.report(loss=1.0)"}
    found = [identity(other, name) for name in ("first", "second", "third")]
    made = module(text)
    assert [identity(made, name) for name in ("first", "second", "third")] == found
    assert len(set(found)) == 3


def test_arguments_of_a_partial_and_attributes_of_an_object_count(module):
    text = """
        def fit(run, rate, options=()):
            return rate
        class Trainer:
            def __init__(self, rate):
                self.rate = rate
            def __call__(self, run):
                return self.rate
    """
    made = module(text)
    found = {source_of(functools.partial(made.fit, rate=rate)).identity for rate in (0.1, 0.2)}
    found |= {source_of(functools.partial(made.fit, rate=0.1, options=(1,))).identity}
    found |= {source_of(made.Trainer(rate)).identity for rate in (0.1, 0.2)}
    assert len(found) == 5
    assert source_of(made.Trainer(0.1)).identity == source_of(made.Trainer(0.1)).identity


def test_the_trainers_settings_and_its_build_count(module):
    made = module("def build(config):\n    return 1\ndef other(config):\n    return 1\n")
    found = {source_of(TorchTrainer(b, epochs=n)).identity for b in (made.build, made.other) for n in (1, 2)}
    assert len(found) == 4
    assert source_of(TorchTrainer(made.build)).readable


def test_defaults_and_closures_count(module):
    text = """
        def one(): return 1
        def two(): return 2
        def make(inner, number):
            def train(run, build=inner):
                return inner() + number
            return train
    """
    made = module(text)
    found = {source_of(made.make(f, n)).identity for f in (made.one, made.two) for n in (1, 2)}
    assert len(found) == 4


def test_the_same_in_every_process(module, tmp_path):
    """Whatever order names and sets have there."""
    made = module(BASE)
    here = identity(made)
    code = "import sys; from mine_to_change import train; from truing.record.source import source_of; "
    code += "print(source_of(train).identity)"
    for seed in ("1", "2", "3"):
        told = subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(tmp_path), "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout.strip() == here


def test_a_script_and_truing_run_have_the_same_identity(tmp_path):
    """The file runs under two names, which must not look like a change."""
    file = tmp_path / "file.py"
    file.write_text("K = 1\ndef helper(): return K\ndef train(run): return helper()\n")
    show = "from truing.record.source import source_of; print(sorted(source_of(train).parts))"
    script = tmp_path / "script.py"
    script.write_text(file.read_text() + show)
    as_main = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True).stdout
    code = (
        "from pathlib import Path; from truing.execution.script import load; "
        f"train = load(Path({str(file)!r}))['train']; {show}"
    )
    as_study = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert as_main == as_study == "['K', 'helper', 'train']\n"


def test_code_without_source_has_no_identity():
    names: dict[str, object] = {}
    exec("def train(run):\n    return 1", names)
    for objective in (names["train"], len, functools.partial(len, []), math.sin):
        found = source_of(objective)
        assert not found.readable
        assert found.identity is None


def test_one_part_without_source_is_enough():
    names: dict[str, object] = {}
    exec("def helper():\n    return 1", names)
    helper = names["helper"]

    def train(run):
        return helper()

    found = source_of(train)
    assert found.identity is None
    assert len(found.parts) == 1


def test_a_function_that_calls_itself_and_an_object_that_holds_itself():
    class Loop:
        def __init__(self):
            self.me = self

        def __call__(self, run):
            return self.me(run)

    assert source_of(Loop()).readable
    assert source_of(test_a_function_that_calls_itself_and_an_object_that_holds_itself).readable


def test_libraries_are_not_followed():
    def train(run):
        return np.mean([1.0]) + json.loads("1") + math.pi

    assert list(source_of(train).parts) == [train.__qualname__]


@pytest.mark.parametrize(
    ("objective", "name"),
    [
        (source_of, "source_of"),
        (functools.partial(functools.partial(source_of), 1), "source_of"),
        (TorchTrainer(source_of), "TorchTrainer(source_of)"),
        (Path("a").exists, "Path.exists"),
        ([].append, "list.append"),
    ],
)
def test_names(objective, name):
    assert name_of(objective) == name


def test_whose_file_it_is(tmp_path):
    assert is_users_file(str(tmp_path / "mine.py"))
    assert is_users_file("<stdin>")
    assert is_users_file(__file__)
    for library in (json, np, pytest):
        assert not is_users_file(library.__file__)
    assert not is_users_file(source_of.__code__.co_filename)
    assert not is_users_file("/home/someone/.local/lib/python3.11/site-packages/library/code.py")
    assert not is_users_file("<frozen importlib._bootstrap>")


def test_text_of_constants_is_the_same_in_every_process():
    assert plain({"b", "a", "c"}) == "{'a', 'b', 'c'}"
    assert plain((1,)) == "(1,)"
    assert plain(object()) is None
    assert plain([object()]) is None
    assert plain(list(range(2000))) is None
    looped: list[object] = []
    looped.append(looped)
    assert plain(looped) is None


def test_what_is_neither_code_nor_constant_is_named():
    array = np.zeros(3)

    def train(run):
        return array

    assert list(reached(train).others.values()) == [array]


def in_cell(text: str, number: int, namespace: dict[str, object]) -> None:
    """Executed as IPython does: a `__main__` without a file, the cell's lines in linecache."""
    name, text = f"/tmp/ipykernel_1/{number}.py", textwrap.dedent(text)
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(compile(text, name, "exec"), namespace)


CELL = """
    import dataclasses
    class Other:
        def forward(self, x):
            return x
    @dataclasses.dataclass
    class Settings:
        rate: float = 0.1
    def tag(kind):
        return kind
    @tag
    class Net:
        width = 8
        class Inner:
            def forward(self, x):
                return x + 1
        def forward(self, x):
            return self.Inner().forward(x) * self.width
    def train(run):
        run.report(loss=Net().forward(Settings().rate))
"""


@pytest.fixture
def cell(monkeypatch):
    monkeypatch.setattr(linecache, "cache", dict(linecache.cache))
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))

    def make(text: str, number: int = 1) -> object:
        namespace = vars(sys.modules["__main__"])
        in_cell(text, number, namespace)
        return namespace["train"]

    return make


@pytest.mark.parametrize(
    ("old", "new"), [("* self.width", "+ self.width"), ("width = 8", "width = 9"), ("x + 1", "x + 2"), ("0.1", "0.2")]
)
def test_a_class_of_a_notebooks_cell_is_read_there(cell, old, new):
    before = source_of(cell(CELL))
    assert before.readable
    assert before.unread == ()
    assert before.parts["Net"].startswith("@tag\nclass Net:\n    width = 8\n")
    assert before.parts["Net"].endswith("* self.width")
    again = source_of(cell("\n\n" + CELL, 2))
    assert again.identity == before.identity
    assert CELL.count(old) == 1
    after = source_of(cell(CELL.replace(old, new), 3))
    assert after.identity != before.identity
    assert new in after.diff(before.parts)


def test_what_cannot_be_read_is_named_and_the_rest_compared(cell):
    """The class comes from an exec without lines; the function has its cell."""
    lost = "class Lost:\n    def forward(self, x):\n        return x\n"

    def made(number: int, text: str) -> Source:
        exec(lost, vars(sys.modules["__main__"]))
        return source_of(cell(f"def train(run):\n    return Lost().forward({text})\n", number))

    before, after = made(1, "1"), made(2, "2")
    assert before.unread == ("Lost",)
    assert (before.readable, before.identity) == (False, None)
    assert "+    return Lost().forward(2)" in after.diff(before.parts, complete=False)
    assert made(3, "1").diff(before.parts, complete=False) == ""
    whole = {**before.parts, "Lost": lost}
    assert before.diff(whole) == ""
    assert Source(whole).diff(before.parts, complete=False) == ""
    assert "+class Lost:" in Source(whole).diff(before.parts)


def test_in_a_real_kernel(tmp_path):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    build = "import torch\nclass Net(torch.nn.Module):\n    def forward(self, x):\n        return x + 1\n"
    show = "from truing.record.source import source_of\nfound = source_of(train)\nprint(found.unread, found.identity)"
    train = "def train(run):\n    return Net()"
    cells = [build, train, show, build, show, build.replace("+ 1", "+ 2"), show]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    nbclient.NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    first, same, other = ["".join(out.text for out in notebook.cells[n].outputs) for n in (2, 4, 6)]
    assert first == same != other
    assert all(text.startswith("() ") and "None" not in text for text in (first, other))
