# Comunal. Two commands are enough: `make demo` and `make test`.
# Everything is installed into .venv/ and is repeatable: a second run does only what is missing.
PYTHON ?= python3.11
ifeq (, $(shell command -v $(PYTHON) 2>/dev/null))
PYTHON = python3
endif
BIN := .venv/bin
export PREFECT_SERVER_ANALYTICS_ENABLED = false
export DO_NOT_TRACK = 1

.DEFAULT_GOAL := help
.PHONY: help demo test check docs install install-dev web web-if-node lock clean

help: ## show what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.venv/.uv: requirements/bootstrap.txt
	@echo "== 1/2 Making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv .venv || { echo "CMD-001 The virtual environment could not be made. On Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip --quiet --disable-pip-version-check install --require-hashes -r requirements/bootstrap.txt
	@touch $@

.venv/.installed: .venv/.uv requirements/main.txt pyproject.toml
	@echo "== 2/2 Installing the pinned libraries (the first time a minute or two)"
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --require-hashes -r requirements/main.txt
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

.venv/.installed-dev: .venv/.installed requirements/dev.txt
	@echo "== Installing the pinned test tools"
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --require-hashes -r requirements/dev.txt
	@touch $@

install: .venv/.installed web-if-node ## install Comunal into .venv/
install-dev: .venv/.installed-dev web-if-node ## install Comunal and its test tools into .venv/

web: ## fetch ODK Web Forms with npm, for the form in a browser
	@$(PYTHON) web/build.py

web-if-node:
	@if command -v npm >/dev/null; then $(PYTHON) web/build.py || echo "The form in a browser is left out."; fi

demo: install ## the main job: from the workbook of Quilicura to a published release
	@$(BIN)/comunal demo --data var/demo

test: install-dev ## the whole test suite
	@$(BIN)/python -m pytest

check: install-dev ## what CI checks besides the tests: format, lint, types
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy
	@$(BIN)/python docs/list_errors.py --check || { echo "docs/errors.md is behind the code: make docs"; exit 1; }

docs: install-dev ## write the pages that are made from the code
	@$(BIN)/python docs/list_errors.py

lock: install-dev ## compile the pins again from pyproject.toml, with hashes and without index lines
	@$(BIN)/python -m pip --version >/dev/null
	@for extra in "bootstrap" "main" "dev"; do requirements/compile $$extra; done

clean: ## remove what was made (not the data in var/)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
