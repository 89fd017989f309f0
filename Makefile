# The whole developer interface. Needs git, make and Python 3.11 or newer; nothing else, and no root.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
DATA   ?= $(or $(DIAPHANE_DATA),../shared/data)
SETUP  := pyproject.toml constraints.txt

.PHONY: demo test test-services check bench train-zoo clean

demo: $(VENV)/.base            ## set up .venv and run the main job on made pictures
	$(BIN)/diaphane demo --out demo

test: $(VENV)/.dev             ## the suite, without browser
	$(BIN)/python -m pytest

test-services: $(VENV)/.dev    ## what needs a browser, or builds a wheel and installs it elsewhere
	$(BIN)/python -m pytest -m services tests

check: $(VENV)/.dev            ## style, types, layers
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.bench          ## side by side with peers, into benchmarks/RESULTS.md; nothing else should run (DATA=folder, ONLY="engine ops")
	DIAPHANE_DATA=$(DATA) $(BIN)/python benchmarks/results.py $(ONLY)

train-zoo: $(VENV)/.dev        ## train, evaluate and export the shipped bundles (DATA=folder, ONLY=name)
	$(BIN)/python -m diaphane.train.zoo --data $(DATA) $(if $(ONLY),--only $(ONLY))

clean:                         ## remove what was set up and made
	rm -rf $(VENV) demo build dist

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Diaphane needs Python 3.11 or newer; run make PYTHON=python3.11" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: $(VENV)/bin/python $(SETUP)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[openvino,ar]'
	$(BIN)/diaphane models pull faces || echo "without the weights of faces the tracker is haar, and tests that need them are skipped by name"
	touch $@

$(VENV)/.dev: $(VENV)/.base $(SETUP)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,train,openvino,dask,ar]'
	touch $@

$(VENV)/.bench: $(VENV)/.dev $(SETUP)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,train,openvino,bench,dask,ar]'
	touch $@
