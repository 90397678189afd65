# Everything a stranger needs: `make demo` and `make test`. Both set up what they need inside this folder.
SHELL := /bin/sh
PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
BENCHMARKS := $(filter-out common __init__,$(basename $(notdir $(wildcard benchmarks/*.py))))
# The rooms that decide without a machine: what `make check` tests.
PURE := $(addprefix tests/,signals model access families remotes custody watch operations reactions cli house)
# Where OpenSearch is 3.4.0 unless OPENSEARCH=2.19.3 is given.
OPENSEARCH ?= 3.4.0
export PORTCULLIS_OPENSEARCH := $(OPENSEARCH)
# ENGINE=elasticsearch is the embedded default with an Elasticsearch of 9.5.3; ELASTICSEARCH=6.8.23, 8.19.21 or 7.17.29 is another one.
export PORTCULLIS_ENGINE := $(ENGINE)
export PORTCULLIS_ELASTICSEARCH := $(if $(ENGINE),$(ELASTICSEARCH))
# CLUSTERS=2 with it is the embedded default of two teams, one of which may read the cluster of the other.
export PORTCULLIS_CLUSTERS := $(CLUSTERS)
# Where this is set, each of the hundreds of processes of a run would compile every package it imports, and pytest every test file.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo up rehearse down test check explore bench docs lock clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | sort

.venv/.ready: requirements.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "portcullis: no $(PYTHON) found; install Python 3.11 to 3.14, or say make PYTHON=/path/to/python3" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' || { echo "portcullis: $$($(PYTHON) --version) will not do: Python 3.11 to 3.14 is needed, as some packages are made for these alone; say make PYTHON=/path/to/python3.14" >&2; exit 2; }
	@$(PYTHON) -c 'import fcntl, os; path = ".portcullis/running.lock"; os.path.exists(path) and fcntl.flock(os.open(path, os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB)' 2>/dev/null || { echo "portcullis: the packages are to be set up anew, and the embedded default of this folder runs on the old ones; make down first" >&2; exit 2; }
	@echo "setting up .venv (once)"
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)" || { echo "portcullis: the packages could not be fetched; a first start needs a network, later ones do not" >&2; exit 1; }
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.txt || { echo "portcullis: the packages could not be fetched; a first start needs a network, later ones do not" >&2; exit 1; }
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@for path in .venv/lib/python3*/site-packages/__editable__.portcullis-*.pth; do echo ../../../../layers/portcullis >$$path; done # under LC_ALL=C Python takes no other letters there, whatever this folder is called
	@touch $@

setup: .venv/.ready ## the virtual environment, from the lock

lock: ## resolve the packages anew and write the lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-find-links --no-header --no-annotate pyproject.toml --group stacks --group local --group dev -o requirements.txt --python-version 3.11

demo: .venv/.ready ## the whole story on real parts: access follows the groups, and the gate drops when the key is gone
	@$(BIN)/python -m local.story

up: .venv/.ready ## the embedded default, left running; says how to sign in and what to try; two teams: make up ENGINE=elasticsearch CLUSTERS=2
	@$(BIN)/python -m local.up

rehearse: .venv/.ready ## plays the incident of a page of runbooks/ on what `make up` left running: make rehearse PAGE=drift
	@$(BIN)/python -m local.rehearsal $(or $(PAGE),--list)

down: ## ends what `make up` started, with the packages that it runs on
	@test -x $(BIN)/python || { echo "portcullis: nothing is set up here, so nothing runs"; exit 0; }; $(BIN)/python -m local.up --down

check: .venv/.ready ## the fast loop: lint, types, house rules, pure tests
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest -q -x -n 2 --dist loadfile -p no:cacheprovider --hypothesis-profile=fast \
		-m "not node and not aws and not embedded and not long" $(PURE)

test: .venv/.ready ## all tests, and before them what `make check` checks; three at a time, as the real parts wait much
	@$(BIN)/ruff check --quiet . && $(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache >/dev/null || $(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest -q -n 3 --dist loadgroup --no-loadscope-reorder tests

explore: .venv/.ready ## the laws by N new generated examples each (1,000 unless told): make explore [N=...]
	@PORTCULLIS_EXAMPLES=$(or $(N),1000) $(BIN)/python -m pytest -q -n 2 --dist load -p no:cacheprovider --hypothesis-profile=explore \
		-m "hypothesis and not node and not aws and not embedded" $(PURE)

bench: .venv/.ready ## every benchmark; one of them: make bench-NAME [N=...]
	@for b in $(BENCHMARKS); do $(MAKE) --no-print-directory bench-$$b || exit 1; done

bench-%: .venv/.ready
	@test -f benchmarks/$*.py || { echo "portcullis: no benchmark $*; there are: $(BENCHMARKS)" >&2; exit 2; }
	@$(BIN)/python -m benchmarks.$* $(if $(N),--n $(N))

docs: .venv/.ready ## the pages that are made from the code: signals, the schema of a deployment file, the pictures of the house
	@$(BIN)/portcullis signal --table > docs/signals.md
	@$(BIN)/portcullis schema > docs/deployment.schema.json
	@$(BIN)/python -m docs.reference > docs/commands.md
	@$(BIN)/python -m docs.schemas > docs/answers.schema.json
	@$(BIN)/python -m docs.draw
	@$(BIN)/python -m docs.pictures

clean: ## everything that was made here, the caches too
	@rm -rf .venv .portcullis cdk.out layers/.build .mypy_cache .ruff_cache .pytest_cache .hypothesis
