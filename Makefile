# `make help` tells what each target is for. Needs Python 3.11+ and nothing else.

PYTHON ?= python3
USE := .venv
DEV := .venv-dev
BIN := $(DEV)/bin
MINUTES ?= 10
WORKERS ?= 2
TESTS ?= tests
ARGS ?=
SOURCES := $(shell find src -type f -not -path '*/__pycache__/*')

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONPATH :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test dev try lint format types wheel generated dashboards dashboard-images mixin coverage left-out docs lock upgrade \
        parts bench soak audit clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' Makefile

demo: $(USE)/.installed ## Run the exporter with its embedded Coder (ARGS="--users 2000")
	@$(USE)/bin/insights-exporter demo $(ARGS)

test: parts dev ## Set up what the tests need and run everything that must hold
	@$(MAKE) --no-print-directory --keep-going lint types generated coverage left-out

dev: $(BIN)/.ready ## Make the environment for developers, .venv-dev

try: $(BIN)/.ready ## Run tests on the source tree, without building (TESTS=tests/datasets)
	TEST_SOURCE_TREE=1 PYTHONPATH=src $(BIN)/python -m pytest $(TESTS) $(ARGS)

lint: $(BIN)/.ready ## Check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(BIN)/.ready ## Mend style and format where that can be done for you
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(BIN)/.ready ## Check types
	$(BIN)/mypy

wheel: dist/.built ## Build the wheel into dist/

generated: $(BIN)/.ready ## Check that generated files are up to date
	PYTHONPATH=src $(BIN)/python -m scripts.generated --check

docs: $(BIN)/.ready ## Write the generated files anew
	PYTHONPATH=src $(BIN)/python -m scripts.generated

dashboards: docs ## Build the dashboards and rules anew (with everything else that is generated)

dashboard-images: parts grafana/preview/node_modules/.ready ## Render all dashboards over sample data (needs Node.js)
	PYTHONPATH=src $(BIN)/python -m grafana.preview $(ARGS)

mixin: $(BIN)/.ready ## Put rules and dashboards into build/mixin, for those without Helm
	PYTHONPATH=src $(BIN)/python -m grafana.mixin $(ARGS)

coverage: $(BIN)/.installed ## Run the tests on the installed wheel, with coverage
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest --numprocesses $(WORKERS) --dist loadfile $(TESTS) $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

left-out: ## Say what the last test run left out, and why
	@if [ -s build/left-out.txt ]; then cat build/left-out.txt; fi
	@[ "$$CI" != true ] || ! grep -qsv "(not ours to bring along: " build/left-out.txt

lock: $(USE)-upkeep/.ready ## Write requirements/*.lock from pyproject.toml, keeping locked versions
	scripts/lock.sh $(USE)-upkeep/bin/uv

upgrade: $(USE)-upkeep/.ready ## Write requirements/*.lock with the newest versions
	scripts/lock.sh $(USE)-upkeep/bin/uv --upgrade

audit: $(USE)-upkeep/.ready ## Look for known weaknesses in what is locked (needs the network)
	$(USE)-upkeep/bin/pip-audit --strict --require-hashes --disable-pip -r requirements/runtime.lock
	$(USE)-upkeep/bin/pip-audit --strict --require-hashes --disable-pip -r requirements/dev.lock

parts: $(BIN)/.ready ## Install the programs that tests and bench run beside ours (Debian, as root)
	@$(BIN)/python -m scripts.install_test_deps

bench: parts $(BIN)/.installed ## Measure side by side with other programs, into benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks $(ARGS)

soak: $(BIN)/.installed ## Run under load for MINUTES=10 and look for growth
	$(BIN)/python -m benchmarks.soak --minutes $(MINUTES) $(ARGS)

clean: ## Remove everything that the targets made
	rm -rf $(USE) $(DEV) $(USE)-upkeep build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage*

$(USE)/.ready: requirements/runtime.lock requirements/build.lock scripts/environment.py
	@echo "Setting up $(USE) (once, about a minute)"
	@$(PYTHON) scripts/environment.py $(USE) requirements/runtime.lock requirements/build.lock
	@touch $@

$(USE)/.installed: $(USE)/.ready pyproject.toml README.md LICENSE $(SOURCES)
	@$(USE)/bin/python -m pip install --quiet --no-index --no-deps --no-build-isolation --force-reinstall .
	@touch $@

$(BIN)/.ready: requirements/dev.lock scripts/environment.py
	@echo "Setting up $(DEV) (once, about a minute)"
	@$(PYTHON) scripts/environment.py $(DEV) requirements/dev.lock
	@touch $@

dist/.built: $(BIN)/.ready pyproject.toml README.md LICENSE $(SOURCES)
	rm -rf dist
	$(BIN)/python -m hatchling build --target wheel
	@touch $@

$(BIN)/.installed: dist/.built
	$(BIN)/python -m pip install --quiet --no-index --no-deps --force-reinstall dist/*.whl
	@touch $@

grafana/preview/node_modules/.ready: grafana/preview/package.json grafana/preview/package-lock.json
	npm ci --prefix grafana/preview --ignore-scripts --no-audit --no-fund
	@touch $@

$(USE)-upkeep/.ready: requirements/upkeep.lock scripts/environment.py
	@$(PYTHON) scripts/environment.py $(USE)-upkeep requirements/upkeep.lock
	@touch $@
