PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: search test lint bench help

help:
	@echo "make search   search the demo images (2-5 minutes on 2 cores); leaves runs/demo-NNN/report.html"
	@echo "make test     the whole test suite"
	@echo "make lint     ruff and mypy"
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
	@$(BIN)/python -m pytest $(ARGS)

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: $(STAMP)
	@$(BIN)/python -m benchmarks $(or $(ARGS),all)
