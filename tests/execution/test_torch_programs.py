"""Real networks in worker processes: a plain script, a notebook, the data loader's own processes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from truing.report.study import read

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes need fork")

# The code of the public face, on data small enough for a test.
SCRIPT = '''
import torch, truing as tr

print("once")

class ConvNet(torch.nn.Sequential):
    def __init__(self, kernel_size, channels):
        super().__init__(
            torch.nn.Conv2d(1, channels, kernel_size, padding="same"), torch.nn.ReLU(), torch.nn.Flatten(),
            torch.nn.Linear(64 * channels, 10),
        )

def fit_one_epoch(net, optimizer, x, y, batch_size):
    for rows in torch.randperm(len(x)).split(batch_size):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(torch.as_tensor(x[rows])), torch.as_tensor(y[rows])).backward()
        optimizer.step()

def probabilities(net, x):
    with torch.no_grad():
        return net(torch.as_tensor(x)).softmax(dim=1)

def train(run):
    net = ConvNet(**run.config.group("architecture"))
    optimizer = torch.optim.SGD(net.parameters(), lr=run.config["learning_rate"], momentum=run.config["momentum"])
    for epoch in run.epochs():
        fit_one_epoch(net, optimizer, run.train.x, run.train.y, run.config["batch_size"])
        run.report(probabilities(net, run.valid.x))
    return lambda x: probabilities(net, x)

def study_in(folder, function=train, **more):
    return tr.Study(
        function,
        space=tr.Space(
            kernel_size=tr.Choice([1, 3], default=3, group="architecture"),
            channels=tr.Int(2, 4, default=2, group="architecture"),
            learning_rate=tr.Float(1e-3, 1e-1, log=True, default=1e-2, group="training"),
            momentum=tr.Float(0.0, 0.98, default=0.9, group="training"),
            batch_size=tr.Choice([64, 128], default=64, group="training"),
        ),
        **{"data": tr.datasets.digits(), "metric": "log_loss", "also": ["accuracy"], "validation": tr.Holdout(0.3),
           "test": 0.2, "epochs": 1, "folder": folder, "seed": 0, **more},
    )

study = study_in("digits")
study.run(trials=2, workers=2)

class Images(torch.utils.data.Dataset):
    """Holds a tensor, and must not be copied."""

    def __init__(self, x):
        self.x = x

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return self.x[i], 0

    def __reduce_ex__(self, protocol):
        raise RuntimeError("copied")

def with_a_loader(run):
    """The data loader's own processes work inside a run."""
    from torch.utils.data import DataLoader

    rows = [batch[0].shape[0] for batch in DataLoader(run.train.dataset(), batch_size=16, num_workers=2)]
    run.report(loss=float(sum(rows)))

images = Images(torch.zeros(60, 1, 8, 8))
study_in("loader", with_a_loader, data=tr.Data(images, y=[0, 1] * 30), metric=tr.Metric("loss", goal="min"), also=(),
         test=None).run(trials=2, workers=2)

trainer = study_in("trainer", tr.TorchTrainer(lambda config: ConvNet(config["kernel_size"], config["channels"])))
trainer.run(trials=2, workers=2)
'''


def test_the_code_of_the_public_face_and_more_studies_after_it(programs, tmp_path):
    output, errors = programs.script(SCRIPT)
    assert output == "once\n"
    for name in ("digits", "loader", "trainer"):
        history, _ = read(tmp_path / name)
        assert [trial.state for trial in history.trials] == ["completed"] * 2, errors
    assert {trial.value for trial in read(tmp_path / "loader")[0].trials} == {42.0}
    assert read(tmp_path / "digits")[0].trials[0].scores["accuracy"] > 0.3


CELLS = [
    """
import functools, torch, truing as tr
@functools.cache
def offset():
    return 0.25
class Rows(torch.utils.data.Dataset):
    def __init__(self):
        self.x = torch.arange(40.0)
    def __len__(self):
        return 40
    def __getitem__(self, i):
        return self.x[i], i % 2
rows = Rows()
""",
    """
def train(run):
    net = torch.nn.Linear(1, 1)
    torch.optim.AdamW(net.parameters()).step()
    first = run.train.x[0][0] == float(run.train.rows[0])
    run.report(loss=(run.config["x"] - offset()) ** 2 + (0 if first else 10))
def study(folder):
    return tr.Study(train, tr.Space(x=tr.Float(-1.0, 1.0, default=0.5)), data=tr.Data(rows, y=[0, 1] * 20),
                    metric=tr.Metric("loss", goal="min"), validation=tr.Holdout(0.5), test=None, folder=folder)
one = study("one")
one.run(trials=3, workers=2)
""",
    """
@functools.cache
def offset():
    return 0.5
two = study("two")
two.run(trials=3, workers=2)
print(one.trials(as_dicts=True)[0]["value"], two.trials(as_dicts=True)[0]["value"])
""",
    """
def broken(run):
    raise ValueError("of the cell")
tr.Study(broken, tr.Space(x=tr.Float(0, 1)), metric=tr.Metric("loss", goal="min"), folder="broken").run(workers=1)
""",
]


def test_in_a_notebook(tmp_path):
    """A function and a Dataset of the cells, run, redefined and run again; an error shows the cell's own line."""
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS])
    client = nbclient.NotebookClient(
        notebook, timeout=150, kernel_name="python3", allow_errors=True, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    shown = ["".join(output.get("text", "") for output in cell.outputs) for cell in notebook.cells]
    errors = [output for cell in notebook.cells[:3] for output in cell.outputs if output["output_type"] == "error"]
    assert errors == []
    assert "0.0625 0.0\n" in shown[2]
    assert "cannot be read" not in " ".join(shown)
    (error,) = [output for output in notebook.cells[3].outputs if output["output_type"] == "error"]
    assert error["ename"] == "ObjectiveError"
    assert 'raise ValueError("of the cell")' in error["evalue"]


def test_a_function_that_imports_torch_itself_is_seeded_and_finds_it_loaded(programs, tmp_path):
    """Every run, the first one too, draws the numbers of its own seed; none pays for the import."""
    text = """
import truing as tr
def train(run):
    import sys
    loaded = "torch._dynamo" in sys.modules
    import torch
    print("drew", run.seed, torch.rand(1).item(), loaded, torch.get_num_threads())
    run.report(loss=1.0)
def study(folder, workers):
    tr.Study(train, tr.Space(x=tr.Float(0, 1)), metric=tr.Metric("loss", goal="min"), folder=folder, threads=2,
             validation=tr.Seeds(2)).run(trials=2, workers=workers)
study("processes", 2)
study("inline", 0)
import torch
print("after", torch.initial_seed())
"""
    output, _ = programs.script(text)
    inline = {tuple(line.split()[1:]) for line in output.splitlines() if line.startswith("drew")}
    written = "".join(path.read_text() for path in Path(tmp_path).glob("processes/output/run-*.txt"))
    in_processes = [tuple(line.split()[1:]) for line in written.splitlines()]
    assert len(in_processes) == 4
    assert len(set(in_processes)) == 2, "two seeds, and trials are paired"
    assert {row[2:] for row in in_processes} == {("True", "2")}
    assert {row[:2] for row in in_processes} < {row[:2] for row in inline}, "inline are these and the rehearsal"
    for seed, value, *_ in inline:
        assert torch.rand(1, generator=torch.Generator().manual_seed(int(seed))).item() == float(value)
    after = output.splitlines()[-1].split()
    assert after[0] == "after"
    assert after[1] not in {row[0] for row in inline}, "the program's own numbers are not those of a run"
