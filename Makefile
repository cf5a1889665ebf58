PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PARALLEL := -n auto --dist=loadfile

.PHONY: search test test-all lint bench docs help

help:
	@echo "make search   search the demo images (2-5 minutes on 2 cores); leaves runs/demo-NNN/report.html"
	@echo "make test     the fast tests (about 6 minutes on 2 cores)"
	@echo "make test-all the fast tests, then the slow ones (about 15 minutes)"
	@echo "make lint     ruff and mypy"
	@echo "make docs     the documents as a site, in build/site; every warning is an error"
	@echo "make bench    the benchmarks behind benchmarks/RESULTS.md"

$(STAMP): pyproject.toml
	@echo "setting up $(VENV) (once; torch and ray are large, this takes a few minutes)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $(STAMP)

search: $(STAMP)
	@$(BIN)/ranknosh search configs/demo.yaml $(ARGS)

test: $(STAMP)
	@$(BIN)/python -m pytest $(PARALLEL) -m "not slow" $(ARGS)

test-all: test
	@$(BIN)/python -m pytest $(PARALLEL) -m slow $(ARGS)

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(STAMP)
	@$(BIN)/python -m benchmarks $(or $(ARGS),all)

docs: $(STAMP)
	@$(BIN)/python -c "import material, mkdocstrings" 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[docs]"
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet $(ARGS)
	@echo "the site is build/site/index.html"
