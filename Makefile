# Everything runs in .venv, which each target makes when it is missing or out of date.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

.PHONY: install demo test test-engines check page notebooks bench clean

install: $(VENV)/.installed-dev  ## all that development needs

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "oddrow needs Python 3.11 or newer: make PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-plot: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) '.[plot]'
	touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) '.[dev]'
	touch $@ $(VENV)/.installed-plot

demo: $(VENV)/.installed-plot  ## the whole job on a made-up table; leaves model, scored table and pictures in ./demo
	$(BIN)/oddrow demo --output demo --force

test: install
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist worksteal

ENGINES := .venvs/engines

$(ENGINES)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(ENGINES)
	$(ENGINES)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,ray,spark,dask]'
	touch $@

test-engines: $(ENGINES)/.installed  ## what needs Ray, Spark (Java 17) and Dask, in an environment of its own
	$(ENGINES)/bin/python -m pytest tests/distributed tests/cli/test_engines.py

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_architecture.py
	$(BIN)/python tools/check_page.py

page: | $(BIN)/python  ## build the page of the report into its bundle, which is committed; needs Node and npm
	$(BIN)/python tools/check_page.py --write

NOTEBOOKS := .venvs/notebooks

$(NOTEBOOKS)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(NOTEBOOKS)
	$(NOTEBOOKS)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[notebooks]'
	touch $@

notebooks: $(NOTEBOOKS)/.installed  ## make the notebooks in examples/ from their sources, and run them
	$(NOTEBOOKS)/bin/jupytext --to ipynb examples/kddcup99.md
	$(NOTEBOOKS)/bin/jupyter-execute --inplace examples/kddcup99.ipynb

bench: install
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
