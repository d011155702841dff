# SPDX-License-Identifier: Apache-2.0
# Everything sets itself up: Python 3.11 or newer with pip, make and git are all a machine needs.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.SUFFIXES:
.PHONY: up test lint docs bench clean help

# A user's own site-packages or PYTHONPATH could shadow `validators`, a name that PyPI knows as another package.
export PYTHONNOUSERSITE := 1
unexport PYTHONPATH

# Names are tried, not trusted: a version manager's shim may exist for a Python that is not installed.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for name in python3 python3.11 python3.12 python3.13 python3.14 python; do \
	$$name -c '$(NEW_ENOUGH)' 2>/dev/null && { echo $$name; break; }; done)

# The environment is ready for this pyproject.toml in this place; a moved clone or an edited file makes it anew.
RUN := .venv/bin/python
READY := .venv/.ready-$(shell { cat pyproject.toml; pwd; } | cksum | tr ' ' '-')
# Its own interpreter may be gone: a link into a Python that was removed or upgraded.
$(shell test -x .venv/bin/python || rm -f $(READY))

up: $(READY) ## run a whole local network: a chain, miners, validators (Ctrl-C stops it; more: make up ARGS="--epochs 3")
	@$(RUN) -m subnet run text $(ARGS) || test $$? -eq 130

test: lint ## lint, then every test: those that measure time alone, the rest on two cores
	@echo "an environment with bittensor 10.5.0, to talk to (a minute, once) ..."
	@$(RUN) -m tests.interop.environment
	@echo "an environment with polkadot.js, to talk to as well (a minute, once) ..."
	@$(RUN) -m tests.interop.node_js
	$(RUN) -m pytest -q -m serial
	$(RUN) -m pytest -q -m "not serial" -n 2

lint: $(READY) ## ruff, mypy --strict and the direction of imports
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	@.venv/bin/lint-imports

docs: $(READY) ## write the generated pages of docs/ anew
	$(RUN) -m tests.docs.generate

bench: $(READY) ## measure against the rivals; one of them: make bench BENCH=wire
	@$(RUN) -m tests.interop.environment >&2
	@$(RUN) -m tests.bench $(BENCH)

clean: ## remove what make made here (environments shared between clones stay in the user's cache)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -prune -exec rm -rf {} +

help: ## print this
	@sed -nE 's/^([a-z]+):[^#]*## (.*)/  make \1	\2/p' Makefile | expand -t 16

$(READY):
	@test -n "$(PYTHON)" || { echo "no Python 3.11 or newer found; name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "setting up .venv (a minute or two, once) ..."
	@# Debian ships Python without ensurepip; its own pip can then furnish the environment.
	@$(PYTHON) -m venv --clear .venv 2>/dev/null || { $(PYTHON) -m venv --clear --without-pip .venv && \
		$(PYTHON) -m pip --python .venv/bin/python install --quiet --disable-pip-version-check pip; }
	@# torch first and by its exact version: whatever asks for it later must not bring another build of it.
	@$(RUN) -m pip install --quiet --disable-pip-version-check "$$(sed -n 's/.*"\(torch==[^"]*\)".*/\1/p' pyproject.toml)"
	@$(RUN) -m pip install --quiet --disable-pip-version-check --editable ".[dev,ml]"
	@touch $@
