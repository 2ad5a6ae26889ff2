# Everything runs in .venv, which the first target that needs it sets up; later calls go straight to their job.
# Variables: PYTHON (any Python >= 3.11), PYTEST_FLAGS (such as "-k journal"), PIP_FLAGS (such as an index).

PYTHON ?= python3
PYTEST_FLAGS ?= -n 2 --dist loadfile
PIP_FLAGS ?=
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.ready
BENCHMARKS := $(sort $(wildcard benchmarks/[a-z]*.py))

.DEFAULT_GOAL := help
.PHONY: help demo test check bench readme docs clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(STAMP) ## tune a small network on scikit-learn's digits, with verdict and report
	$(VENV)/bin/truing demo

test: $(STAMP) ## all tests, and the examples in the docstrings
	$(PY) -m pytest $(PYTEST_FLAGS)

check: $(STAMP) ## lint, format and types
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

bench: $(STAMP) ## every benchmark, one after the other; the figures go into benchmarks/README.md
	@set -e; for script in $(BENCHMARKS); do echo "== $$script"; $(PY) $$script; done
	$(PY) benchmarks/_table.py

readme: $(STAMP) ## run the example of the README, and put its code and output there
	$(PY) docs/_readme.py

docs: $(STAMP) ## docs/reference from the docstrings, registries and commands; docs/cards from the cards
	$(PY) docs/_reference.py

clean: ## remove the environment and the caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache

# The stamp is written last, so an interrupted set-up is taken up again. torch goes first and alone: pinned, so that
# nothing later asks for another build of it.
$(STAMP): pyproject.toml constraints.txt
	@rm -f $@
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Truing needs Python 3.11 or later and $(PYTHON) is older: make PYTHON=python3.12 ..." >&2; exit 1; }
	@test -x $(PY) && $(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "Setting up $(VENV); this is done once and takes a minute or two."
	$(PY) -m pip install -q $(PIP_FLAGS) "$$(grep '^torch==' constraints.txt)"
	$(PY) -m pip install -q $(PIP_FLAGS) -c constraints.txt -e ".[torch,dev]"
	@touch $@
