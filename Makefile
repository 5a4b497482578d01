# Everything a developer or a first user does. `make` alone prints the targets.
# Each target does its own set-up: a machine with Python >= 3.11 and make is enough.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
READY := .venv/.ready
TYPED := $(wildcard src tests bench tools)
LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header --quiet
# Arguments for the command behind a target: make demo ARGS="--generation ald --json"
ARGS ?=
# Test processes. Tests of one file stay together: they share a local EVM.
WORKERS ?= 2
# Random steps of `make test-long`; `make test` takes 10,000.
STEPS ?= 100000

.PHONY: help setup demo devnet test test-long check format bench lock clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv with everything pinned by hash (the other targets do it when needed)
	@echo "ready: $(BIN)/plasma-guard"

$(READY): requirements/dev.txt pyproject.toml tools/setup
	@tools/setup

demo: $(READY) ## Commit a fraud on a local chain and watch the guard stop it
	@$(BIN)/plasma-guard demo $(ARGS)

devnet: $(READY) ## Run a local plasma chain to attack by hand, until stopped
	@$(BIN)/plasma-guard devnet $(ARGS)

test: $(READY) ## Run all tests (ARGS="tests/sender -k bump" runs some)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

test-long: $(READY) ## Drive the state machine of the sender through 100,000 random steps (STEPS=1000000 for more)
	@PLASMA_GUARD_MACHINE_STEPS=$(STEPS) $(BIN)/python -m pytest tests/sender/test_attempt_machine.py $(ARGS)

check: $(READY) ## Lint, format, types, and whether the compiled contracts match their sources
	@echo "ruff check";        $(BIN)/ruff check $(TYPED)
	@echo "ruff format";       $(BIN)/ruff format --check --quiet $(TYPED)
	@echo "mypy --strict";     $(BIN)/mypy $(TYPED)
	@echo "contracts";         $(BIN)/python tools/contracts/compile.py --check

format: $(READY) ## Format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix --quiet $(TYPED) || true
	@$(BIN)/ruff format $(TYPED)

bench: $(READY) ## Measure, side by side with what a user would use instead
	@$(BIN)/python -m bench $(ARGS)

lock: $(READY) ## Pin the newest allowed versions (ARGS="" keeps pins that still fit, ARGS=--upgrade moves them)
	@$(LOCK) $(ARGS) pyproject.toml --output-file requirements/runtime.txt
	@$(LOCK) $(ARGS) pyproject.toml --constraint requirements/runtime.txt --extra devnet --group dev \
		--output-file requirements/dev.txt
	@$(LOCK) $(ARGS) --group build --constraint requirements/dev.txt --output-file requirements/build.txt
	@echo "requirements/: runtime.txt, dev.txt and build.txt are locked"

clean: ## Remove what was made here (caches of the local EVM in ~/.cache stay)
	@rm -rf .venv .cache .tools .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage htmlcov dist build
	@find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
