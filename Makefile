.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
# A tier that cannot run skips with its reason; those named here must run (CI sets it).
OBSCTL_REQUIRE ?=
export OBSCTL_REQUIRE
# More than a usual machine's cores: most tests wait for containers. A file stays in one process.
PARALLEL := -n 4 --dist loadfile
FAULTS := faults faults_fresh container_faults signals snapshots surroundings disk preflight private

.PHONY: help setup format lint types test unit engine instrument faults tools demo demo-down bench overhead golden check clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { apt-get update -qq && apt-get install -y -qq python3-venv; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m tests.requirements | $(BIN)/pip install --quiet --disable-pip-version-check --requirement /dev/stdin
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

setup: $(STAMP) ## create the virtual environment with obsctl and the developers' tools

format: $(STAMP) ## format the code and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(STAMP) ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP) ## mypy --strict
	$(BIN)/mypy
	$(BIN)/mypy --no-namespace-packages $(wildcard tests/kit/images/[_eghklm]*/*.py)

test: $(STAMP) ## every tier that this machine allows; says what was skipped and why
	$(BIN)/pytest -q $(PARALLEL)

unit: $(STAMP) ## the pure stages only: no Docker, no network, seconds
	$(BIN)/pytest -q -n auto tests/unit tests/golden

tools: $(STAMP) ## promtool, amtool, compose and Logstash's grammar over every golden
	$(BIN)/pytest -q $(PARALLEL) tests/tools

engine: $(STAMP) ## scenarios on a real Docker Engine
	$(BIN)/pytest -q $(PARALLEL) tests/engine

instrument: $(STAMP) ## the code for applications, in real Express and FastAPI apps
	$(BIN)/pytest -q $(PARALLEL) tests/instrument

faults: $(STAMP) ## break `up` at every call: kills, refusals, lost answers; takes up to an hour
	OBSCTL_FAULTS=all $(BIN)/pytest -q $(PARALLEL) $(addprefix tests/engine/test_,$(addsuffix .py,$(FAULTS)))

golden: $(STAMP) ## rewrite the goldens; the review is the diff
	$(BIN)/python -m tests.golden

demo: $(STAMP) ## the main job on this machine: Engine, images, init, up, an app's story, check, URLs
	@$(BIN)/python -m tests.demo

demo-down: $(STAMP) ## remove what `make demo` runs, its data included
	@$(BIN)/python -m tests.demo down

bench: $(STAMP) ## figures as ratios against docker compose, in one run
	$(BIN)/python -m tests.bench

overhead: $(STAMP) ## what the generated code costs a request of an Express app, beside the bare app
	$(BIN)/python -m tests.bench.overhead

check: lint types test ## what CI runs

clean: ## remove what make made, but no data and no secrets
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
