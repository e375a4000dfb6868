# `make help` lists the targets. Requires Python 3.11 or later.

PYTHON ?= python3
USE := .venv
DEV := .venv-dev
BIN := $(DEV)/bin
MINUTES ?= 10
WORKERS ?= 4
TESTS ?= tests
ARGS ?=
PYTEST_FLAGS = --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS) $(ARGS)
TEST_VERSIONS = scripts/test_versions.sh $(USE)-upkeep/bin/uv $(BIN)/python dist/*.whl
SOURCES := $(shell find src -type f -not -path '*/__pycache__/*')

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONPATH :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-lowest test-newest dev try lint format types wheel generated dashboards lint-dashboards dashboard-images mixin pytest coverage skipped docs lock upgrade \
        parts bench soak collectors json-exporter audit try-wheel clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' Makefile

demo: $(USE)/.installed ## Run the exporter with its embedded Coder (ARGS="--users 2000")
	@$(USE)/bin/insights-exporter demo $(ARGS)

test: parts dev ## Install what the tests need and run all checks and tests
	@$(MAKE) --no-print-directory --keep-going lint types generated pytest skipped

test-lowest: parts dist/.built $(USE)-upkeep/.ready ## Run the tests with the lowest declared versions (requires network access)
	$(TEST_VERSIONS) lowest-direct $(PYTEST_FLAGS)

test-newest: parts dist/.built $(USE)-upkeep/.ready ## Run the tests with the newest versions (requires network access)
	$(TEST_VERSIONS) highest $(PYTEST_FLAGS)

dev: $(BIN)/.ready ## Create the development environment in .venv-dev

try: $(BIN)/.ready ## Run tests on the source tree, without building a wheel (TESTS=tests/datasets)
	TEST_SOURCE_TREE=1 PYTHONPATH=src $(BIN)/python -m pytest $(TESTS) $(ARGS)

lint: $(BIN)/.ready ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(BIN)/.ready ## Fix style and formatting
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(BIN)/.ready ## Check types
	$(BIN)/mypy

wheel: dist/.built ## Build the wheel into dist/

generated: $(BIN)/.ready ## Check that the generated files are up to date
	PYTHONPATH=src $(BIN)/python -m scripts.generated --check

docs: $(BIN)/.ready ## Update the generated files
	PYTHONPATH=src $(BIN)/python -m scripts.generated

dashboards: docs ## Build the dashboards and rules, with all other generated files

dashboard-images: parts grafana/preview/node_modules/.ready ## Render all dashboards with sample data (requires Node.js)
	PYTHONPATH=src $(BIN)/python -m grafana.preview $(ARGS)

lint-dashboards: $(BIN)/.ready ## Run promtool, pint, mixtool and dashboard-linter, as far as they are installed
	PYTHONPATH=src $(BIN)/python -m grafana.lint

mixin: $(BIN)/.ready ## Write rules and dashboards to build/mixin, for use without Helm
	PYTHONPATH=src $(BIN)/python -m grafana.mixin $(ARGS)

pytest: $(BIN)/.installed ## Run the tests on the installed wheel
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

coverage: parts $(BIN)/.installed ## Run the tests with coverage, which takes twice as long
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(PYTEST_FLAGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

skipped: ## Report which tests the last run skipped, and why
	@if [ -s build/skipped.txt ]; then cat build/skipped.txt; fi
	@[ "$$CI" != true ] || ! grep -qsvE "\((cannot be installed|optional): " build/skipped.txt

lock: $(USE)-upkeep/.ready ## Update requirements/*.lock from pyproject.toml, keeping locked versions
	scripts/lock.sh $(USE)-upkeep/bin/uv

upgrade: $(USE)-upkeep/.ready ## Update requirements/*.lock to the newest versions
	scripts/lock.sh $(USE)-upkeep/bin/uv --upgrade

audit: $(USE)-upkeep/.ready ## Check the locked packages for known vulnerabilities (requires network access)
	$(USE)-upkeep/bin/pip-audit --strict --require-hashes --disable-pip -r requirements/runtime.lock
	$(USE)-upkeep/bin/pip-audit --strict --require-hashes --disable-pip -r requirements/dev.lock

try-wheel: $(BIN)/.installed $(USE)-upkeep/.ready ## Install the wheel with pip and uv and run it (requires network access)
	$(BIN)/python -m scripts.try_wheel dist/*.whl

parts: $(BIN)/.ready ## Install the programs that tests and benchmarks run (Debian, as root)
	@$(BIN)/python -m scripts.install_test_deps

bench: parts $(BIN)/.installed ## Run the benchmarks and write benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks $(ARGS)

soak: $(BIN)/.installed ## Run under load for MINUTES=10 and check for memory growth
	$(BIN)/python -m benchmarks.soak --minutes $(MINUTES) $(ARGS)

collectors: parts $(BIN)/.installed ## Compare what collectors keep of /metrics (ARGS=VictoriaMetrics)
	$(BIN)/python -m benchmarks.collectors $(ARGS)

json-exporter: $(BIN)/.installed ## Show what json_exporter makes of the Insights API
	$(BIN)/python -m benchmarks.json_exporter

clean: ## Remove everything that the targets create
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
