# `make demo` and `make test` work on a fresh machine: Python 3.11, make, and (as root, on Debian) apt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SHELL := /bin/bash

.PHONY: help install demo test check unit integration e2e bench-quality clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

install: $(VENV)/.installed  ## make .venv and install everything

# hatchling's editable install writes static paths, so code changes need no reinstall.
$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo]' --group dev
	touch $@

demo: install  ## the whole product on real traffic; ARGS=--exit ends by itself
	$(BIN)/tachograph demo $(ARGS)

test: install  ## every check and test, with the time of each tier
	$(BIN)/python tests/tiers.py

check: install  ## formatting, lint, types, import contracts
	$(BIN)/python tests/tiers.py static

unit: install  ## the fast tests
	$(BIN)/python tests/tiers.py unit architecture

integration: install  ## tests on the real ClickHouse engine, brokers, HTTP servers, models
	$(BIN)/python tests/tiers.py integration

e2e: install  ## tests of the whole stack and of the dashboard in Chromium
	$(BIN)/python tests/tiers.py e2e

bench-quality: install  ## evaluators on labelled data: make bench-quality DATA=folder
	$(BIN)/python tests/benchmarks/quality/bench_quality.py $(DATA)

clean:  ## remove .venv and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build
