# Requires Python 3.11 or later, Node.js 20 or later, npm and make; `make setup` installs the rest into this folder.

PYTHON ?= python3
PORT ?= 4010
AGAINST ?= HEAD

export PYTHON
MAKEFLAGS += --no-print-directory
PY := .venv/bin/python
READY := .venv/.ready node_modules/.ready
# Compiling takes as long as installing; Python compiles modules on first use, unless PYTHONDONTWRITEBYTECODE is set.
PIP_INSTALL := $(PY) -m pip install -qq --no-input --no-compile --disable-pip-version-check
SPARK := pyspark==4.1.4 pyarrow==26.0.1 pytest==9.2.0
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo mock test test-long test-spark contract-live bench security generate spec-diff spec-update mutants check docs format build release-check lock clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' Makefile

setup: ## install the tools of the other targets into .venv and node_modules
	@$(MAKE) -q $(READY) >/dev/null 2>&1 || { \
		sh scripts/check_tools.sh && \
		echo "Installing into .venv and node_modules; the first time takes about a minute." && \
		$(MAKE) -s -j2 $(READY); \
	}

demo: setup ## read sessions from a mock of the API
	@$(PY) -m scripts.demo

mock: setup ## run a mock of the Konvo API, validated by Prism, until Ctrl-C (PORT=4010, ARGS="--moving 1")
	@.venv/bin/konvo mock --validate --port $(PORT) $(ARGS)

test: setup ## run the tests, except long ones (ARGS="..." for pytest)
	@$(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

test-long: setup ## run the long tests, and property tests with more examples (ARGS="..." for pytest)
	@$(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile -m "long or drawn" --hypothesis-profile=long $(ARGS)

test-spark: ## run the tests of the Spark data source, in an environment of its own; needs Java 17
	@command -v java >/dev/null || { echo "make test-spark needs Java 17: apt-get install openjdk-17-jre-headless" >&2; exit 1; }
	@test -x .venv-spark/bin/pytest || { "$(PYTHON)" -m venv --clear .venv-spark && \
		.venv-spark/bin/python -m pip install -qq --no-input --disable-pip-version-check --editable . $(SPARK); }
	@.venv-spark/bin/python -m pytest --confcutdir tests/spark -W ignore::ResourceWarning tests/spark $(ARGS)

contract-live: setup ## compare the live API with openapi.yaml (KONVO_BASE_URL, KONVO_API_KEY)
	@$(PY) -m scripts.contract.live $(ARGS)

bench: setup ## run the benchmarks (ARGS=--quick for the short ones)
	@$(PY) -m benchmarks.decode
	@echo
	@$(PY) -m benchmarks.arrow
	@echo
	@$(PY) -m benchmarks.imports
	@echo
	@$(PY) -m benchmarks.reading $(ARGS)
	@echo
	@$(PY) -m benchmarks.export $(ARGS)

security: setup ## check for unsafe code and known vulnerabilities of locked packages
	@.venv/bin/ruff check --quiet --output-format concise wrapper scripts # its S rules are those of bandit
	@$(PY) -m scripts.contract.security

generate: setup ## regenerate generated/ from openapi.yaml
	@$(PY) -m scripts.generate

spec-diff: setup ## print the changes of openapi.yaml since a commit (AGAINST=HEAD)
	@$(PY) -m scripts.contract.diff "$(AGAINST)"

spec-update: setup ## merge newer documents into openapi.yaml (FROM="PATH ...", ARGS=--dry-run, ACCEPT_BREAKING=1)
	@$(PY) -m scripts.contract.update $(ARGS) $(FROM)

mutants: setup ## run the contract tests against mutants of openapi.yaml; takes minutes (ARGS="--sample 10")
	@$(PY) -m scripts.contract.mutation_test $(ARGS)

check: setup ## run the linters, type checkers and house rules; check that generated/ is up to date
	@$(PY) -m openapi_spec_validator --validation-errors all openapi.yaml
	@node_modules/.bin/spectral lint --quiet --fail-severity error openapi.yaml
	@$(PY) -m scripts.generate --check
	@.venv/bin/ruff check --quiet --output-format concise
	@.venv/bin/ruff format --quiet --check
	@$(PY) -m mypy --no-error-summary
	@node_modules/.bin/pyright
	@$(PY) -m pytest -qq tests/unit/test_layers.py tests/unit/test_prose.py

docs: setup ## build the documentation into dist/docs, and check its links (no network)
	@$(PY) -m sphinx --fail-on-warning --keep-going --fresh-env --quiet --jobs auto --builder html docs dist/docs

format: setup ## apply ruff's fixes and formatting
	@.venv/bin/ruff check --fix
	@.venv/bin/ruff format

build: setup ## build the wheel and the sdist into dist/
	@$(PY) -m hatchling build --clean

release-check: setup ## check that this commit can be released: version, changelog, tag, links, wheel and sdist
	@$(PY) -m scripts.release_check

lock: .venv/.ready ## update the lock files after a change of pyproject.toml or package.json (ARGS=--upgrade)
	@$(PY) -m uv pip compile --quiet --universal --python-version 3.11 --group dev --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(ARGS) \
		pyproject.toml --output-file requirements.lock
	@npm install --package-lock-only >/dev/null

clean: ## remove everything installed, built or cached
	@rm -rf .venv .venv-spark node_modules dist generated/.generate-* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Copies of the installed lock files: a new date alone, such as after a checkout, does not install again.
.venv/.locked: requirements.lock
	@cmp -s $< $@ || { "$(PYTHON)" -m venv --clear .venv && $(PIP_INSTALL) --require-hashes -r $<; }
	@cp $< $@

.venv/.ready: pyproject.toml .venv/.locked
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

node_modules/.ready: package-lock.json package.json .npmrc
	@cmp -s $< $@ || npm ci >/dev/null
	@cp $< $@
