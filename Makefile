# The few commands people need. `make run` and `make test` work on a fresh machine that has only
# Python 3.11 or newer and a package index.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help install run test test-large lint format openapi bench bench-large screenshots lock clean

help:
	@echo "make run      set everything up and start a server with demo data"
	@echo "make test     set everything up and run the tests"
	@echo "make test-large   the tests of plans with two million events; some minutes, 10 GB"
	@echo "make install  set everything up"
	@echo "make lint     check style, types, import rules"
	@echo "make format   format the code"
	@echo "make openapi  write down what the API answers, from what the code says of it"
	@echo "make bench    measure ingestion and reads"
	@echo "make bench-large  measure reads with two million events; some minutes, 10 GB"
	@echo "make screenshots   take the pictures of the admin in docs/images again; needs chromium"
	@echo "make lock     resolve the dependencies again"

install: $(VENV)/installed

run: $(VENV)/installed
	$(BIN)/sentrylite serve --demo

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest -n auto

test-large: $(VENV)/installed-dev
	$(BIN)/python -m pytest -m large

lint: $(VENV)/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	SECRET_KEY=lint $(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

openapi: $(VENV)/installed-dev
	SECRET_KEY=openapi $(BIN)/python manage.py openapi

bench: $(VENV)/installed-dev
	$(BIN)/python -m benchmarks

bench-large: $(VENV)/installed-dev
	$(BIN)/python -m benchmarks.large

screenshots: $(VENV)/installed-dev
	$(BIN)/python -m benchmarks.screenshots

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "sentrylite needs Python 3.11 or newer: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt | $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# Resolved for every Python and platform at once.
lock:
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --group dev -c requirements.txt -o requirements-dev.txt

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
