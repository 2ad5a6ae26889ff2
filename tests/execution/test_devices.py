"""GPUs: which there are, which a run gets, and what its process sees of them."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path

import pytest

import truing as tr
from truing.errors import UsageError
from truing.execution import devices
from truing.execution.devices import Devices, find, visible
from truing.record.interfaces import RunSpec
from truing.report.study import read

UUIDS = ["GPU-aaaa-1", "GPU-aabb-2", "GPU-cccc-3", "GPU-dddd-4"]
REAL = devices.installed() or []

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes need fork")


@pytest.fixture
def four(monkeypatch):
    """A driver that has four GPUs."""
    monkeypatch.setattr(devices, "installed", lambda: list(UUIDS))
    monkeypatch.delenv(devices.VARIABLE, raising=False)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, ("0", "1", "2", "3")),
        ("", ()),
        ("-1", ()),
        ("NoDevFiles", ()),
        ("2", ("2",)),
        ("3,1", ("3", "1")),
        (" 3 , 1 ", ("3", "1")),
        ("0,-1,1", ("0",)),
        ("0,9,1", ("0",)),
        ("1,1", ()),
        ("1gpu2,2", ("1", "2")),
        ("GPU-cccc-3,GPU-aaaa-1", ("GPU-cccc-3", "GPU-aaaa-1")),
        ("GPU-c", ("GPU-c",)),
        ("GPU-aa", ()),  # means two of them
        ("GPU-eeee", ()),
        ("GPU-aaaa,GPU-aaaa-1", ()),
        ("GPU-cccc-3,1", ("GPU-cccc-3",)),
        ("0,GPU-cccc-3", ("0",)),
        ("MIG-1,MIG-2", ("MIG-1", "MIG-2")),
        ("MIG-GPU-x/1/0", ("MIG-GPU-x/1/0",)),
    ],
)
def test_the_variable_is_read_as_cuda_reads_it(given, shown):
    assert visible(given, UUIDS) == shown


@pytest.mark.parametrize(
    "given", ["0", "3,1", "0,-1,1", "1,1", "", "-1", "1gpu2,2", "GPU-a,GPU-b", "GPU-a,GPU-a", "+2", "x,1"]
)
def test_it_is_read_as_torch_reads_it(given, monkeypatch):
    """PyTorch's own parser is the other opinion."""
    cuda = pytest.importorskip("torch.cuda")
    monkeypatch.setenv(devices.VARIABLE, given)
    assert list(visible(given, None)) == [str(name) for name in cuda._parse_visible_devices()]


def test_without_gpus_the_variable_names_none():
    assert visible("0,1", []) == ()
    assert visible("GPU-aaaa-1", []) == ()


def test_the_least_loaded_gpu_comes_first_and_a_run_waits_for_room():
    """Against brute force, over random arrivals and ends."""
    rng = random.Random(0)
    for per_run, room, many in [(None, 10**9, 1), (0.5, 2, 1), (1 / 3, 3, 1), (0.3, 3, 1), (1, 1, 1), (2, 1, 2)]:
        pool, running = Devices(("0", "1", "2", "3"), per_run), []
        for _ in range(300):
            if running and rng.random() < 0.4:
                running.pop(rng.randrange(len(running)))
                continue
            loads = Counter(name for run in running for name in run)
            order = sorted(pool.names, key=lambda name: (loads[name], int(name)))
            fit = [name for name in order if loads[name] < room]
            expected = tuple(sorted(fit[:many])) if len(fit) >= many else None
            found = pool.place(running)
            assert found == expected, (per_run, running)
            if found is not None:
                running.append(found)
                assert pool.most is None or len(running) <= pool.most


def test_so_many_runs_at_a_time():
    four = ("0", "1", "2", "3")
    found = {share: Devices(four, share).at_a_time(9) for share in (None, 0, 0.25, 0.5, 1, 2, 3, 4)}
    assert found == {None: 9, 0: 9, 0.25: 9, 0.5: 8, 1: 4, 2: 2, 3: 1, 4: 1}
    assert Devices(("0",), 1).at_a_time(0) == 0


def test_more_than_there_are_is_one_sentence(four):
    with pytest.raises(UsageError, match=r"gpus_per_run=5 asks for more than there is, 4 GPUs"):
        find(5)
    with pytest.raises(UsageError, match=r"no GPU \(CUDA_VISIBLE_DEVICES is ''\)"):
        find(0.5, environ={devices.VARIABLE: ""})
    with pytest.raises(UsageError, match="one MIG device"):
        find(2, environ={devices.VARIABLE: "MIG-1,MIG-2"})
    assert find(4).names == ("0", "1", "2", "3")
    assert find(0).names == ()
    assert find(0).told


def test_without_a_driver_to_ask_the_variable_is_believed(monkeypatch):
    monkeypatch.setattr(devices, "installed", lambda: None)
    assert find(environ={}).names == ()
    found = find(1, environ={devices.VARIABLE: "0,1"})
    assert found.names == ("0", "1")
    assert "no driver to ask" in found.describe(2)


def test_the_kernels_list_serves_where_the_library_is_missing(tmp_path):
    for slot, uuid in (("0000:0a:00.0", "GPU-b"), ("0000:04:00.0", "GPU-a")):
        (tmp_path / slot).mkdir()
        (tmp_path / slot / "information").write_text(f"Model: \t\t X\nGPU UUID: \t {uuid}\n")
    assert devices._listed(tmp_path) == ["GPU-a", "GPU-b"]
    assert devices._listed(tmp_path / "none") is None


@pytest.mark.parametrize("given", [-1, 1.5, float("nan"), float("inf"), "1", True])
def test_what_makes_no_sense_is_refused(given):
    with pytest.raises(UsageError, match="gpus_per_run"):
        study_in(Path("unused"), gpus_per_run=given)


# -- runs ------------------------------------------------------------------------------------------------------------


def sees(run):
    """Reports what its process is shown; two runs at a time must wait for each other."""
    shown = os.environ.get("CUDA_VISIBLE_DEVICES", "unset")
    print(json.dumps({"shown": shown, "device": run.device}), flush=True)
    if run.config["x"] > 5:
        raise ValueError("this configuration fails")
    if run.config["x"] > 4:
        os._exit(3)
    run.report(loss=float(run.config["x"]))


def study_in(folder, *, function=sees, space=None, **more):
    return tr.Study(
        function,
        space=space or tr.Space(x=tr.Choice([0, 1, 2, 3], default=0)),
        metric=tr.Metric("loss", goal="min"),
        validation=tr.Seeds(2),
        test=None,
        folder=folder,
        **{"search": "grid"} | more,
    )


def shown_in(folder) -> list[str]:
    written = [path.read_text().splitlines()[0] for path in sorted((folder / "output").glob("run-*.txt"))]
    return [json.loads(line)["shown"] for line in written]


@forks
def test_each_process_sees_its_own_gpu_and_the_journal_says_which(four, tmp_path):
    study = study_in(tmp_path, gpus_per_run=1)
    study.run(workers=2)
    history, _ = read(tmp_path)
    noted = [",".join(run.gpus) for run in history.runs.values()]
    assert shown_in(tmp_path) == noted
    assert set(noted) == {"0", "1"}  # the lowest numbers of four
    assert (tmp_path / "output" / "rehearsal.txt").read_text().startswith('{"shown": "0"')
    assert devices.VARIABLE not in os.environ
    assert {gpu for row in study.trials(as_dicts=True) for gpu in row["gpus"].split(",")} == {"0", "1"}
    assert history.last("opened")["gpus"] == ["0", "1", "2", "3"]


@forks
def test_two_gpus_a_run_and_two_runs_a_gpu(four, tmp_path, monkeypatch, capsys):
    study_in(tmp_path / "two", gpus_per_run=2).run(workers=8)
    assert set(shown_in(tmp_path / "two")) == {"0,1", "2,3"}
    assert "Starting 2 workers on 4 GPUs, 2 GPUs a run ..." in capsys.readouterr().err
    monkeypatch.setenv(devices.VARIABLE, "GPU-cccc-3")
    study_in(tmp_path / "half", gpus_per_run=0.5).run(workers=8)
    assert set(shown_in(tmp_path / "half")) == {"GPU-cccc-3"}
    assert "2 workers on 1 GPU, 0.5 GPU a run" in " ".join(capsys.readouterr().err.split())


@forks
def test_a_gpu_is_free_again_however_its_run_ends(four, tmp_path):
    space = tr.Space(x=tr.Choice([0, 6, 5, 1, 7, 2], default=0))
    study_in(tmp_path, gpus_per_run=4, space=space).run(workers=3)  # one run at a time, of all GPUs
    history, _ = read(tmp_path)
    states = Counter(str(run.state) for run in history.runs.values())
    assert states["failed"] == 2
    assert states["crashed"] == 1
    assert states["completed"] == 6
    assert set(shown_in(tmp_path)) == {"0,1,2,3"}


def alone(run):
    """Fails when another process, training or about to go, holds the same GPU."""
    import fcntl

    place = Path(os.environ["PLACE"]) / os.environ["CUDA_VISIBLE_DEVICES"]
    run.held = place.open("w")  # released by the kernel, when the process has gone
    fcntl.flock(run.held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    run.memory = bytearray(64 * 2**20)  # takes a while to give back
    run.report(loss=1.0)


@forks
def test_a_gpu_goes_to_the_next_run_only_when_the_process_has_gone(four, tmp_path, monkeypatch):
    monkeypatch.setenv("PLACE", str(tmp_path))
    study_in(tmp_path / "study", function=alone, gpus_per_run=2, space=tr.Space(x=tr.Float(0, 1)), search="random").run(
        trials=15, workers=2
    )
    history, _ = read(tmp_path / "study")
    assert Counter(str(run.state) for run in history.runs.values()) == {"completed": 30}


@forks
def test_zero_keeps_runs_from_all_gpus(four, tmp_path):
    study_in(tmp_path, gpus_per_run=0).run(workers=2)
    assert set(shown_in(tmp_path)) == {""}
    assert all(row["gpus"] is None for row in study_in(tmp_path).trials(as_dicts=True))


def test_inline_runs_are_shown_the_first(four, tmp_path, capsys):
    study_in(tmp_path, gpus_per_run=1).run(workers=0)
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert {line["shown"] for line in printed} == {"0"}
    assert devices.VARIABLE not in os.environ


def test_without_gpus_nothing_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(devices, "installed", lambda: None)
    monkeypatch.delenv(devices.VARIABLE, raising=False)
    study_in(tmp_path).run(workers=0)
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert {line["shown"] for line in printed} == {"unset"}
    assert {line["device"] for line in printed} == {"cpu"}
    history, _ = read(tmp_path)
    assert all(run.gpus is None for run in history.runs.values())


def test_too_many_stops_before_the_folder_is_made(four, tmp_path):
    with pytest.raises(UsageError, match="gpus_per_run=8"):
        study_in(tmp_path / "none", gpus_per_run=8).run(workers=1)
    assert not (tmp_path / "none").exists()


def test_the_default_is_one_worker_a_gpu_where_torch_is_loaded(four, tmp_path, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(32)), raising=False)
    study = study_in(tmp_path)
    monkeypatch.setattr(devices, "wanted", lambda: True)
    assert study._place(None)[0] == 4
    assert study._place(7)[0] == 7
    monkeypatch.setattr(devices, "wanted", lambda: False)
    assert study._place(None)[0] == 32


def test_the_number_of_gpus_is_no_change_of_the_study(four, tmp_path):
    study_in(tmp_path, gpus_per_run=1).run(trials=2, workers=0)
    study_in(tmp_path, gpus_per_run=2).run(trials=4, workers=0)
    history, _ = read(tmp_path)
    assert [run.gpus for run in history.runs.values()] == [("0",)] * 4 + [("0", "1")] * 4
    assert len({run.seed for run in history.runs.values()}) == 2


def test_a_run_kept_from_gpus_trains_on_the_cpu(tmp_path):
    from truing.execution.job import Job
    from truing.execution.worker import perform
    from truing.record.task import Task
    from truing.statistics.metric import Metric

    said = []

    def function(run):
        said.append((run.device, os.environ["CUDA_VISIBLE_DEVICES"]))
        run.report(loss=1.0)

    job = Job(tmp_path, Task((Metric("loss", goal="min"),)), {}, function)
    spec = RunSpec(run=0, trial=0, purpose="search", config={}, seed=0, gpus=())
    assert perform(job, spec, lambda *_: None, tmp_path / "scratch")["state"] == "completed"
    assert said == [("cpu", "")]


def test_counting_loads_no_library_and_no_cuda():
    code = "import sys; from truing.execution.devices import find; find(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@forks
@pytest.mark.skipif(not REAL, reason="no NVIDIA GPU on this machine")
def test_a_real_gpu_trains_in_each_forked_run(tmp_path):
    torch = pytest.importorskip("torch")
    if not torch.backends.cuda.is_built():
        pytest.skip("this PyTorch is built without CUDA")
    script = tmp_path / "study.py"
    script.write_text(
        textwrap.dedent("""
        import torch, truing as tr
        def train(run):
            weight = torch.ones(1000, device=run.device)
            run.report(loss=float(weight.sum()), gpu=float(weight.is_cuda), many=float(torch.cuda.device_count()))
        study = tr.Study(train, space=tr.Space(x=tr.Choice([0, 1, 2], default=0)), search="grid", folder="out",
                         metric=tr.Metric("loss", goal="min"), validation=tr.Seeds(2), test=None, gpus_per_run=0.5)
        study.run(workers=2)
        """)
    )
    subprocess.run([sys.executable, script], cwd=tmp_path, check=True, timeout=300)
    history, _ = read(tmp_path / "out")
    assert [(run.scores["gpu"], run.scores["many"]) for run in history.runs.values()] == [(1.0, 1.0)] * 6
