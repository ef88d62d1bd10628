# The commands of this repository. `make` lists them.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --custom-compile-command "make lock"

.PHONY: help serve test check format demo bench openapi readme lock clean

help: ## List the commands.
	@grep -E '^[a-z]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 12

serve: .venv/runtime.stamp ## Start everything: Postgres, API and worker.
	@$(BIN)/guerdon serve

test: .venv/development.stamp ## Run the tests, on a Postgres of their own.
	@$(BIN)/pytest

check: .venv/development.stamp ## Format, lint, types, import rules, OpenAPI document.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/guerdon openapi --check

format: .venv/development.stamp ## Format the code and mend what can be mended.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

demo: .venv/runtime.stamp ## Load a small shop into the running server and play a checkout.
	@$(BIN)/guerdon demo

bench: .venv/development.stamp ## Measure a fresh server beside what the machine gives.
	@$(BIN)/python -m bench

openapi: .venv/runtime.stamp ## Write openapi/guerdon.json.
	@$(BIN)/guerdon openapi

readme: .venv/runtime.stamp ## Write the table of settings in the README.
	@$(BIN)/guerdon settings --into README.md

lock: .venv/development.stamp ## Renew the lock files; `make lock UPGRADE=--upgrade` takes newer versions.
	$(LOCK) $(UPGRADE) pyproject.toml --extra build --extra dev --output-file requirements-dev.lock
	$(LOCK) pyproject.toml --extra build --constraint requirements-dev.lock --output-file requirements.lock

clean: ## Remove the virtual environment and caches; data stays.
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build *.egg-info

# The stamps say what is installed; a changed lock file makes them stale.
.venv/bin/pip:
	@test -n "$(PYTHON)" || { echo "Guerdon needs Python 3.11 or newer; none was found." >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/runtime.stamp: requirements.lock pyproject.toml | .venv/bin/pip
	$(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

.venv/development.stamp: requirements-dev.lock .venv/runtime.stamp
	$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@
