# Everything a person types. The work is done by the scripts in deploy/.
SHELL := /bin/bash
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory
PY := .venv/bin/python
ARGS ?=

.PHONY: help demo test lint format bench soak proof docs lock venv clean

help:  ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16
	@echo
	@echo '  Options go in ARGS:  make demo ARGS="--for 60s --verify --headless"    make test ARGS="tests/edge -k uplink"'

demo:  ## one simulated compound on this machine; prints where to look and a one-time password
	@deploy/setup.sh demo && exec .venv/bin/dayuan-sim demo $(ARGS)

test:  ## all tests; installs what they need first
	@deploy/debian.sh test && deploy/setup.sh test && exec deploy/test.sh $(ARGS)

lint:  ## ruff, mypy, the pages' JavaScript, shellcheck
	@deploy/debian.sh lint && deploy/setup.sh test && exec deploy/lint.sh

format:  ## put the Python code into ruff's format
	@deploy/setup.sh test && $(PY) -m ruff check --fix --quiet . && $(PY) -m ruff format .

bench:  ## measure what docs and papers claim; prints a table
	@deploy/setup.sh test && exec $(PY) -m tests.bench $(ARGS)

soak:  ## the proof at length (some hours): kills, power cuts, damage, bad networks, simulated days, planted faults
	@deploy/debian.sh test && deploy/setup.sh test && exec $(PY) -m tests.proof --level soak $(ARGS)

proof:  ## the same for hours, with larger numbers
	@deploy/debian.sh test && deploy/setup.sh test && exec $(PY) -m tests.proof --level proof $(ARGS)

docs:  ## write the reference pages in docs/ from the code
	@deploy/setup.sh test && exec $(PY) -m tests.architecture.reference

lock:  ## write deploy/locks again from pyproject.toml (ARGS=--upgrade for the newest versions)
	@exec deploy/lock.sh $(ARGS)

venv:  ## .venv with everything for development
	@deploy/setup.sh test

clean:  ## remove what was made here, except the data of the demo
	@rm -rf .venv .venv.lock build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@rm -rf cloud/web/tools/node_modules bench-results
	@find edge cloud protocols simulators tests -name __pycache__ -type d -prune -exec rm -rf {} +
