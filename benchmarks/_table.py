"""Put what lies in results/ into the table of README.md, between its two marks."""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).parent
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
PROMISES = {
    "demo": "`truing demo` after installation, 2 cores: under 150 s, accuracy on locked rows at least 0.97",
    "import_time": "`import truing`: neither torch, sklearn, scipy, pandas nor plotly, at most twice `import numpy`",
    "journal": "2,000 trivial trials with the SQLite journal: at least 20 times Optuna's with its SQLite storage",
    "fork_start": "start of a run in a fork, torch model: median under 60 ms beyond the training",
    "scale": "10,000 trials x 5 runs x 20 reports: the coordinator's memory grows by less than 100 MB from trial 1 on; "
    "`show` under 2 s, `report` under 20 s",
    "honesty": "300 studies of 60 kinds of simulated task, or more, 40 trials: corrected figure within ±0.5 points of "
    "the truth; 95 % intervals cover at least 93 %, 90 % in every band (new site 90 %); true regret below best "
    "observed's; at most 5 % of gains claimed where there is none; at most 35 % of the search's runs",
    "tutorials": "the 15 points of `docs/tutorials.md`: each claim holds by three standard errors where the truth is "
    "known, under 180 s",
    "cards": "five cards' claims on how too low and too high look: each seen in real curves on digits by three "
    "standard errors over the seeds",
    "kill": "`kill -9` at 50 random moments: nothing lost, nothing twice, the same configuration selected",
    "rules": "true regret of the selected below the best observed's, paired interval below 0 (simulated scores)",
    "which_search": "Truing's searchers on tables of real trainings: after 40 trials random and Sobol have "
    "found better than a grid that is cut short",
    "importance": "what mattered, on 20 functions with known shares and the tables of real trainings, 100 random "
    "trials: most important one right in 90 %; median error of shares of at least 5 % at most 0.05; 95 % intervals: "
    "coverage stated, aim 90 %; Optuna's evaluators side by side",
    "runtime": "`truing runtime` on 2 CPU cores: within 5 % of the best of a full sweep, in at most a fifth "
    "of its time",
    "next_space": "20 trials in the proposed next space beat 20 more in the old one, on the development "
    "problems: mean gain over problems with 95 % interval above 0",
    "leak": "5,000 tiny trials, 2 workers: descriptors, threads and processes flat; a run costs under 60 ms",
    "fault_tests": "each test of `tests/faults`, with 20 seeds where luck is in it: none fails",
    "faults": "the same faults done to Truing and to Optuna (table below): no study of Truing's left hanging, "
    "unreadable or with a run for ever",
}
FAULTS_BEGIN, FAULTS_END = "<!-- faults: begin -->", "<!-- faults: end -->"


def table() -> str:
    """One row for each benchmark: what is promised, what was reached, by which command, when and where."""
    lines = ["| promised | measured | reached | command | date |", "|---|---|---|---|---|"]
    machines = []
    for name, promise in PROMISES.items():
        file = HERE / "results" / f"{name}.json"
        if not file.exists():
            lines.append(f"| {promise} | not measured yet | - | `python benchmarks/{name}.py` | - |")
            continue
        found = json.loads(file.read_text(encoding="utf-8"))
        if found["machine"] not in machines:
            machines.append(found["machine"])
        reached = "yes" if found["reached"] else "**no**"
        lines.append(f"| {promise} | {found['figure']} | {reached} | `{found['command']}` | {found['date']} |")
    return "\n".join([*lines, "", *(f"Machine: {machine}." for machine in machines)])


def faults() -> str:
    """The faults side by side, as the last run of faults.py counted them."""
    file = HERE / "results" / "faults.json"
    rows = json.loads(file.read_text(encoding="utf-8"))["details"]["rows"] if file.exists() else []
    lines = [f"| {row['fault']} | {row['truing']} | {row['optuna']} |" for row in rows]
    return "\n".join(["| fault | Truing | Optuna |", "|---|---|---|", *lines])


def between(page: str, begin: str, text: str, end: str) -> str:
    before, _, rest = page.partition(begin)
    return f"{before}{begin}\n{text}\n{end}{rest.partition(end)[2]}"


def written(page: str) -> str:
    """The page with the tables in their places."""
    return between(between(page, BEGIN, table(), END), FAULTS_BEGIN, faults(), FAULTS_END)


if __name__ == "__main__":
    page = HERE / "README.md"
    page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"benchmarks/README.md holds the table of {len(PROMISES)} benchmarks.")
