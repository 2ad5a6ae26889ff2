"""`pytest tests/faults --fault-seeds 20` carries out every test that takes `fault_seed` with the seeds 0 to 19."""

from __future__ import annotations

import pytest

OPTION = "--fault-seeds"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, type=int, default=1, metavar="N", help="carry out each fault test with N seeds")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "fault_seed" in metafunc.fixturenames:
        # where all tests are collected from above, this file is read too late for its option to be given
        seeds = metafunc.config.getoption(OPTION, default=1)
        metafunc.parametrize("fault_seed", range(max(1, seeds)), ids=lambda seed: f"seed{seed}")
