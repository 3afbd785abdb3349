# Everything runs in .venv, installed from the locks (hashes checked). Needs make and Python 3.11 or newer.

PYTHON ?= $(shell python3.11 -c '' 2>/dev/null && echo python3.11 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
ARGS ?=
# A test takes its share of all cores; PARALLEL= runs them one by one.
PARALLEL ?= -n auto --dist loadgroup

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo serve test test-all coverage check lint types imports content leaks conformance docs cases mutation fuzz contract spark bench bench-reading bench-replay sbom audit site format lock clean

help: ## Show these lines
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1@\2/p' $(MAKEFILE_LIST) | awk -F@ '{printf "%-20s %s\n", $$1, $$2}'

setup: $(VENV)/.runtime ## Install what the service needs

setup-dev: $(VENV)/.dev ## Install what its tests and checks need, too

demo: $(VENV)/.runtime ## Start the service here beside a small health record, to try it in a browser
	$(BIN)/cds-service demo $(ARGS)

serve: $(VENV)/.runtime ## Start the service
	$(BIN)/cds-service serve $(ARGS)

test: $(VENV)/.dev ## Run the tests, except the slow ones (more to pytest: ARGS="-k charcot")
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow" $(ARGS)

test-all: $(VENV)/.dev ## Run all tests
	THOROUGH=1 $(BIN)/python -m pytest $(PARALLEL) $(ARGS)

coverage: $(VENV)/.dev ## Run the tests and ask for the coverage that pyproject.toml sets
	THOROUGH=1 $(BIN)/python -m pytest $(PARALLEL) -m "not slow" --cov --cov-report=term $(ARGS)

check: lint types imports content leaks ## Run every check that is not a test

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

imports: $(VENV)/.dev
	$(BIN)/lint-imports

content: $(VENV)/.dev
	$(BIN)/cds-service check

leaks:
	.ci/leaks

docs: $(VENV)/.dev ## Write the generated documents anew
	$(BIN)/cds-service rules > docs/rules.md
	$(BIN)/cds-service terminology --out fixtures/terminology
	$(BIN)/cds-service openapi > docs/openapi.json
	PYTHONPATH=.:tests $(BIN)/python -m support.sentences fixtures/sentences/*.jsonl --write
	PYTHONPATH=.:tests $(BIN)/python -m support.conformance
	PYTHONPATH=.:tests $(BIN)/python -m support.tables

conformance: $(VENV)/.dev ## Ask a running CDS Hooks service, URL=http://..., what CDS Hooks asks of any
	PYTHONPATH=.:tests $(BIN)/python -m tests.conformance.foreign $(URL)

cases: $(VENV)/.dev ## Write the frozen cases of the rules anew, to review the difference
	PYTHONPATH=tests $(BIN)/python -m support.rule_cases

mutation: $(VENV)/.dev ## Change every rule and the engine in small ways: does a test notice? (takes long)
	PYTHONPATH=tests $(BIN)/python -m support.mutants $(ARGS)
	rm -rf mutants && $(BIN)/mutmut run && $(BIN)/mutmut results

FUZZ_S ?= 300

fuzz: $(VENV)/.dev requirements-fuzz.lock ## Look for input that breaks a promise, FUZZ_S seconds for each kind
	$(PIP) --require-hashes --no-deps -r requirements-fuzz.lock
	for target in record report body; do \
	  PYTHONPATH=tests $(BIN)/python -m support.fuzzing $$target -max_total_time=$(FUZZ_S) -max_len=400 -verbosity=0 \
	    -print_final_stats=1 -artifact_prefix=.fuzz- >/dev/null || exit 1; \
	done

CONTRACT_S ?= 60

contract: $(VENV)/.dev $(VENV)-contract/.made ## Ask a running service for what its OpenAPI promises (schemathesis, CONTRACT_S seconds)
	PYTHONPATH=.:tests $(BIN)/python -m support.contract $(VENV)-contract/bin/schemathesis $(CONTRACT_S)

spark: $(VENV)/.dev $(VENV)-spark/.made ## Replay an export on Spark, too (needs Java)
	PYTHONPATH=$(VENV)-spark $(BIN)/python -m pytest -o addopts= -W ignore -q tests/end_to_end/test_replay_on_spark.py

bench: $(VENV)/.dev ## Measure the service beside its floors and a peer, some twelve minutes (ARGS=--quick: two); needs wrk
	PYTHONPATH=. $(BIN)/python benchmarks/run.py $(ARGS)

bench-replay: $(VENV)/.dev ## Measure replay over an export beside its floors
	PYTHONPATH=.:tests $(BIN)/python benchmarks/replay.py $(ARGS)

bench-reading: $(VENV)/.dev ## Compare the reading of report texts with medSpaCy's (makes its environment)
	$(BIN)/python benchmarks/context.py fixtures/sentences/held_out.jsonl

site: $(VENV)-site/.made ## Build the documentation as a site, to be read from the disk: site/index.html
	PYTHONPATH=tests $(PYTHON) -m support.site
	$(VENV)-site/bin/mkdocs build

sbom: $(VENV)-delivery/.made ## Write what the package brings along to dist/sbom.cdx.json (CycloneDX)
	mkdir -p dist
	$(VENV)-delivery/bin/cyclonedx-py requirements requirements-container.lock --pyproject pyproject.toml \
	  --output-reproducible --validate -o dist/sbom.cdx.json

audit: $(VENV)-delivery/.made ## Ask for known vulnerabilities of everything in the locks; says so when nobody answers
	PYTHONPATH=tests $(VENV)-delivery/bin/python -m support.audit $(VENV)-delivery/bin/pip-audit requirements-dev.lock

format: $(VENV)/.dev ## Put the code in its form
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

# Python 3.11 is the oldest that the locks are made for; --universal adds what newer ones and other systems need.
# The smaller locks are held to the versions of the largest.
lock: ## Choose the newest versions for the locks
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(COMPILE) --upgrade --extra dev pyproject.toml -o requirements-dev.lock
	$(COMPILE) -c requirements-dev.lock pyproject.toml -o requirements.lock
	echo hatchling | $(COMPILE) -c requirements-dev.lock - -o requirements-build.lock
	echo 'atheris>=3.0,<3.1' | $(COMPILE) -c requirements-dev.lock - -o requirements-fuzz.lock
	echo schemathesis | $(COMPILE) - -o requirements-contract.lock
	printf 'pyspark>=4.3\npandas>=2.2,<3\n' | $(COMPILE) -c requirements-dev.lock - -o requirements-spark.lock
	$(COMPILE) -c requirements-dev.lock --extra pdf --extra postgresql pyproject.toml -o requirements-container.lock
	printf 'cyclonedx-bom\npip-audit\n' | $(COMPILE) - -o requirements-delivery.lock
	echo mkdocs | $(COMPILE) - -o requirements-site.lock
	rm -r $(VENV)-lock

COMPILE = $(VENV)-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-emit-index-url --custom-compile-command "make lock"

clean: ## Remove what was installed and built
	rm -rf $(VENV) $(VENV)-lock $(VENV)-contract $(VENV)-spark $(VENV)-delivery $(VENV)-site dist build site .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

# The stamps: made again only when a lock or pyproject.toml changed.

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed, '$(PYTHON)' is: $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# The package is installed as it lies here (editable), built by the hatchling of the lock: nothing comes unchecked.
$(VENV)/.runtime: $(VENV)/.python requirements.lock requirements-build.lock pyproject.toml
	$(PIP) --require-hashes --no-deps -r requirements.lock -r requirements-build.lock
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.python requirements-dev.lock pyproject.toml
	$(PIP) --require-hashes --no-deps -r requirements-dev.lock
	$(PIP) --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.runtime

# schemathesis brings much that nothing else needs: it has an environment of its own.
$(VENV)-contract/.made: requirements-contract.lock
	$(PYTHON) -m venv $(VENV)-contract
	$(VENV)-contract/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	  -r requirements-contract.lock
	@touch $@

# PySpark is large, and pandas of another version than most want: they lie beside the environment, not in it.
$(VENV)-spark/.made: requirements-spark.lock
	rm -rf $(VENV)-spark
	$(PIP) --require-hashes --no-deps --target $(VENV)-spark -r requirements-spark.lock
	@touch $@

# What `make sbom` and `make audit` use has an environment of its own: it reads the locks, and none of what is in them.
$(VENV)-delivery/.made: requirements-delivery.lock
	$(PYTHON) -m venv $(VENV)-delivery
	$(VENV)-delivery/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	  -r requirements-delivery.lock
	@touch $@

# The generator of the site needs nothing of the package, and the package nothing of it.
$(VENV)-site/.made: requirements-site.lock
	$(PYTHON) -m venv $(VENV)-site
	$(VENV)-site/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	  -r requirements-site.lock
	@touch $@
