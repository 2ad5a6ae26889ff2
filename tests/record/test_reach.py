"""What counts of the globals a training function reads, and that what it alters itself does not."""

from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from truing.record import constant
from truing.record.constant import array_text
from truing.record.source import Source, source_of

torch = pytest.importorskip("torch")

HEAD = """
    import argparse, functools, random, types
    import numpy as np
    import torch
"""


@pytest.fixture
def source(tmp_path, monkeypatch):
    """The source of `train` in a module with this text, or a fresh one after it was called."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    count = iter(range(1000))

    def make(text: str, calls: int = 0) -> Source:
        folder = tmp_path / str(next(count))
        folder.mkdir()
        (folder / "mine_to_reach.py").write_text(textwrap.dedent(HEAD) + textwrap.dedent(text))
        monkeypatch.syspath_prepend(folder)
        sys.modules.pop("mine_to_reach", None)
        importlib.invalidate_caches()
        made = importlib.import_module("mine_to_reach")
        for n in range(calls):
            made.train(n)
        return source_of(made.train)

    yield make
    sys.modules.pop("mine_to_reach", None)


SEEN = {
    "which function of a dict": ("MODELS = {'cnn': a}", "{'cnn': a}", "{'cnn': b}"),
    "a key": ("MODELS = {'cnn': a}", "'cnn'", "'mlp'"),
    "the body of a function in a dict": ("MODELS = {'cnn': a}", "return 1", "return 3"),
    "in a list": ("MODELS = [a]", "return 1", "return 3"),
    "in a tuple in a dict": ("MODELS = {'x': (a, 1)}", "return 1", "return 3"),
    "in a set": ("MODELS = {a, b}", "return 1", "return 3"),
    "in a partial in a list": ("MODELS = [functools.partial(a, 1)]", "return 1", "return 3"),
    "the arguments of a partial": ("MODELS = [functools.partial(a, 1)]", "(a, 1)", "(a, 4)"),
    "a lambda in a dict": ("MODELS = {'x': lambda: 7}", "7", "8"),
    "the method of a class in a list": ("MODELS = [K]", "return 5", "return 6"),
    "an instance in a list": ("MODELS = [K(1)]", "K(1)", "K(2)"),
    "an array": ("MODELS = np.array([1.0, 2.0])", "2.0", "3.0"),
    "the type of an array": ("MODELS = np.array([1, 2], dtype='f8')", "f8", "f4"),
    "the shape of an array": ("MODELS = np.zeros((2, 3))", "(2, 3)", "(3, 2)"),
    "a number of NumPy": ("MODELS = np.float32(1)", "(1)", "(2)"),
    "a tensor": ("MODELS = torch.tensor([1.0, 2.0])", "2.0", "3.0"),
    "a tensor of bfloat16": ("MODELS = torch.tensor([1.0], dtype=torch.bfloat16)", "1.0", "3.0"),
    "an array in a dict": ("MODELS = {'w': np.array([1.0])}", "1.0", "3.0"),
    "a namespace": ("MODELS = types.SimpleNamespace(rate=0.1)", "0.1", "0.2"),
    "parsed arguments": ("MODELS = argparse.Namespace(rate=0.1)", "0.1", "0.2"),
    "a function in a namespace": ("MODELS = types.SimpleNamespace(f=a)", "return 1", "return 3"),
    "a class attribute set outside": ("K.width = 8\nMODELS = [K]", "K.width = 8", "K.width = 9"),
    "an array among the attributes of a class": ("K.w = np.ones(2)\nMODELS = [K]", "ones", "zeros"),
}
CODE = """
    def a(*_):
        return 1
    def b(*_):
        return 2
    class K:
        width = 1
        def __init__(self, size=0):
            self.size = size
        def forward(self):
            return 5
    def train(run):
        local = [1]
        local.append(MODELS)
        return local
"""


@pytest.mark.parametrize(("line", "old", "new"), SEEN.values(), ids=list(SEEN))
def test_a_change_that_is_seen(source, line, old, new):
    text = textwrap.dedent(CODE) + line
    assert text.count(old) == 1
    before, same, after = source(text), source(text, calls=2), source(text.replace(old, new))
    assert before.readable
    assert before == same
    assert before.identity != after.identity
    assert after.diff(before.parts)


RUNTIME = {
    "append": ("G = []", "G.append(run)"),
    "append of arrays": ("G = []", "G.append(np.ones(2) * run)"),
    "a cache": ("G = {}", "G[run] = 1"),
    "a cache of functions": ("G = {}", "G[run] = lambda: run"),
    "a cache of arrays": ("G = {'a': np.zeros(2)}", "G.setdefault(run, np.ones(2))"),
    "inside": ("G = {'a': []}", "G['a'].append(run)"),
    "a child of its own name": ("H = []\nG = {'a': H}", "H.append(run); G"),
    "an alias": ("G = {'a': []}", "mine = G['a']; mine.append(run)"),
    "a loop": ("G = [[1], [2]]", "[row.append(run) for row in G]"),
    "added": ("G = [1]", "mine = G; mine += [run]"),
    "a counter": ("G = 0", "global G; G += 1"),
    "a global list bound again": ("G = []", "global G; G = [*G, run]"),
    "an array's item": ("G = np.zeros(3)", "G[0] += run + 1"),
    "an array's view": ("G = np.zeros((3, 3))", "v = G[0]; v += run + 1"),
    "an array shuffled": ("G = np.arange(50)", "np.random.default_rng(run).shuffle(G)"),
    "a list shuffled": ("G = list(range(50))", "random.shuffle(G)"),
    "out=": ("G = np.ones(3)", "np.add(G, 1, out=G)"),
    "a tensor in place": ("G = torch.ones(3)", "G.add_(1)"),
    "a tensor's initialisation": ("G = torch.ones(3)", "torch.nn.init.normal_(G)"),
    "what is trained": ("G = torch.ones(3, requires_grad=True)", "torch.optim.SGD([G]); G.data += 1"),
    "given to a function": ("def put(to, v):\n    to.append(v)\nG = []", "put(G, run)"),
    "given on": (
        "def put(to, v):\n    to.append(v)\ndef via(x):\n    put(v=1, to=x)\nG = [np.ones(1)]",
        "via(G)",
    ),
    "a namespace": ("G = types.SimpleNamespace(n=0)", "G.n += 1"),
    "a list in a namespace": ("G = types.SimpleNamespace(seen=[])", "G.seen.append(run)"),
    "a class attribute": ("class K:\n    n = 0\n    def f(self):\n        K.n += 1\nG = [K]", "K().f(); G"),
    "a class attribute by itself": (
        "class K:\n    n = 0\n    @classmethod\n    def f(cls):\n        cls.n += 1\nG = [K]",
        "K.f(); G",
    ),
    "an attribute of what stands in a list": (
        "class K:\n    def __init__(self):\n        self.n = 0\n    def f(self):\n        self.n += 1\nG = [K()]",
        "G[0].f()",
    ),
    "a network": ("class N(torch.nn.Linear):\n    pass\nG = [N(2, 2)]", "G[0].weight.data.add_(1)"),
    "a cache as a default": ("def f(x, c={}):\n    c[x] = np.ones(1) * x\nG = 1", "f(run); G"),
    "a closure": ("def make():\n    seen = []\n    return lambda x: seen.append(x)\nG = make()", "G(run)"),
}


@pytest.mark.parametrize(("line", "body"), RUNTIME.values(), ids=list(RUNTIME))
def test_what_a_training_does_to_a_global_is_no_change(source, line, body):
    text = f"{line}\ndef train(run):\n    {body}\n    return G\n"
    first = source(text)
    assert first.readable
    assert source(text, calls=1).diff(first.parts) == source(text, calls=3).diff(first.parts) == ""


def test_what_a_training_alters_counts_as_the_file_writes_it(source):
    text = "G = {'rate': 0.1}\ndef train(run):\n    G['last'] = run\n"
    changed = source(text.replace("0.1", "0.2"), calls=1).diff(source(text).parts)
    assert "-G = {'rate': 0.1}" in changed
    assert "+G = {'rate': 0.2}" in changed


def test_reading_is_no_alteration(source):
    """What is only used, copied or computed with stays a constant."""
    text = """
        W = np.array([1.0, 2.0])
        T = torch.tensor([3.0])
        C = {'rate': 0.1}
        def train(run):
            mine = W.copy()
            mine[0] = 5
            more = T.add(1)
            rate = C['rate']
            rate *= 2
            late = dict(C)
            late.update(a=1)
            return torch.nn.CrossEntropyLoss(weight=torch.tensor(W)), more
    """
    for old, new in (("2.0]", "4.0]"), ("3.0", "4.0"), ("0.1", "0.3")):
        assert "(now)" in source(text.replace(old, new), calls=1).diff(source(text, calls=1).parts)
    assert dict(source(text).parts)["W"].startswith("W = array(float64, (2,), sha ")


def test_a_large_array_and_one_elsewhere_count_by_type_and_shape(monkeypatch):
    monkeypatch.setattr(constant, "HASHED", 100)
    assert array_text(np.zeros(13)) == "array(float64, (13,))"
    assert array_text(torch.zeros(26)) == "tensor(torch.float32, (26,))"
    assert array_text(torch.zeros(2, device="meta")) == "tensor(torch.float32, (2,))"
    assert array_text(np.array([object()])) == "array(object, (1,))"
    assert "sha" in str(array_text(torch.eye(3).to_sparse().to_dense()))
    assert array_text(torch.eye(3).to_sparse()) == "tensor(torch.float32, (3, 3))"
    assert array_text(np.arange(6).reshape(2, 3).T) == array_text(np.arange(6).reshape(2, 3).T.copy())


def test_containers_are_the_same_in_every_process(source, tmp_path):
    text = textwrap.dedent(CODE) + "MODELS = {a, b, K, functools.partial}\n"
    here = source(text).identity
    show = "\nfrom truing.record.source import source_of\nprint(source_of(train).identity)\n"
    (tmp_path / "script.py").write_text(textwrap.dedent(HEAD) + text + show)
    for seed in ("1", "2"):
        told = subprocess.run(
            [sys.executable, tmp_path / "script.py"],
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        )
        assert told.stdout.strip() == here


def test_containers_that_hold_themselves_or_much(source):
    text = "G = [len]\nG += [G]\nH = {n: print for n in range(5000)}\ndef train(run):\n    return G, H\n"
    assert source(text).identity == source(text).identity
