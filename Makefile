# Needs Python 3.11 or later, Node.js 20 or later, npm and make; `make setup` installs the rest into the tree.

PYTHON ?= python3
PORT ?= 4010
AGAINST ?= HEAD

export PYTHON
MAKEFLAGS += --no-print-directory
PY := .venv/bin/python
READY := .venv/.ready node_modules/.ready
# Not compiled: that takes as long as the rest, and Python compiles what it comes to use, if nobody forbids it.
PIP_INSTALL := $(PY) -m pip install -qq --no-input --no-compile --disable-pip-version-check
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo mock test test-long contract-live bench security generate spec-diff spec-update mutants check format build lock clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-13s %s\n", $$1, $$2 }' Makefile

setup: ## install everything the other targets need, into .venv and node_modules
	@$(MAKE) -q $(READY) >/dev/null 2>&1 || { \
		sh scripts/check_tools.sh && \
		echo "Installing into .venv and node_modules; the first time takes about a minute." && \
		$(MAKE) -s -j2 $(READY); \
	}

demo: setup ## start the mock and read sessions from it
	@$(PY) -m scripts.demo

mock: setup ## run a mock of the Konvo API until Ctrl-C (PORT=4010)
	@$(PY) -m scripts.mock --port $(PORT)

test: setup ## run every test but the long ones (ARGS=... for pytest)
	@$(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

test-long: setup ## run the long tests, and those that draw examples with thousands (ARGS=... for pytest)
	@$(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile -m "long or drawn" --hypothesis-profile=long $(ARGS)

contract-live: setup ## ask the server of KONVO_BASE_URL, with KONVO_API_KEY, what it makes of the document
	@$(PY) -m scripts.contract.live $(ARGS)

bench: setup ## measure decoding, importing, reading, exporting, as ratios in one run (ARGS=--quick: without what takes minutes)
	@$(PY) -m benchmarks.decode
	@echo
	@$(PY) -m benchmarks.imports
	@echo
	@$(PY) -m benchmarks.reading $(ARGS)
	@echo
	@$(PY) -m benchmarks.export $(ARGS)

security: setup ## look for unsafe code, and for known weaknesses of what is locked
	@.venv/bin/ruff check --quiet --output-format concise wrapper scripts # its rules S are those of bandit
	@$(PY) -m scripts.contract.security

generate: setup ## regenerate generated/ from openapi.yaml
	@$(PY) -m scripts.generate

spec-diff: setup ## tell what openapi.yaml has changed for users since a commit (AGAINST=HEAD)
	@$(PY) -m scripts.contract.diff "$(AGAINST)"

spec-update: setup ## bring openapi.yaml up to newer documents (FROM="PATH…", ARGS=--dry-run, ACCEPT_BREAKING=1)
	@$(PY) -m scripts.contract.update $(ARGS) $(FROM)

mutants: setup ## change the document in every small way, and see what notices (takes minutes; ARGS="--sample 10")
	@$(PY) -m scripts.contract.mutation_test $(ARGS)

check: setup ## lint, format and type checks; is generated/ what openapi.yaml gives?
	@$(PY) -m openapi_spec_validator --validation-errors all openapi.yaml
	@node_modules/.bin/spectral lint --quiet --fail-severity warn openapi.yaml
	@$(PY) -m scripts.generate --check
	@.venv/bin/ruff check --quiet --output-format concise
	@.venv/bin/ruff format --quiet --check
	@$(PY) -m mypy --no-error-summary
	@node_modules/.bin/pyright

format: setup ## mend what ruff can mend
	@.venv/bin/ruff check --fix
	@.venv/bin/ruff format

build: setup ## build the wheel and the sdist into dist/
	@$(PY) -m hatchling build --clean

lock: .venv/.ready ## remake the lock files after a change of pyproject.toml or package.json (ARGS=--upgrade)
	@$(PY) -m uv pip compile --quiet --universal --python-version 3.11 --group dev --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(ARGS) \
		pyproject.toml --output-file requirements.lock
	@npm install --package-lock-only >/dev/null

clean: ## remove everything that is installed, built or cached
	@rm -rf .venv node_modules dist generated/.generate-* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each is a copy of the file that was installed: a new date alone, as after a checkout, installs nothing.
.venv/.locked: requirements.lock
	@cmp -s $< $@ || { "$(PYTHON)" -m venv --clear .venv && $(PIP_INSTALL) --require-hashes -r $<; }
	@cp $< $@

.venv/.ready: pyproject.toml .venv/.locked
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

node_modules/.ready: package-lock.json package.json .npmrc
	@cmp -s $< $@ || npm ci >/dev/null
	@cp $< $@
