# Lắng Nghe. `make run` and `make test` need only Python 3.11 or newer; everything else comes from the lock files.
# No -jN: the parts of `check` run in order, so that their output can be read.
.NOTPARALLEL:
.PHONY: help run venv dev-venv test check format reformat lint types imports compose bench lock vendor clean

PY = .venv/bin/python
PYTEST_FLAGS ?=
CODE = backend bot analytics migrations tests

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 16

run: venv ## install what is missing, start everything, stop it with Ctrl-C
	@exec $(PY) -m backend.cli up

venv:
	@PYTHON='$(PYTHON)' sh deploy/venv.sh requirements.lock

dev-venv:
	@PYTHON='$(PYTHON)' sh deploy/venv.sh requirements-dev.lock

test: dev-venv ## the whole suite on an embedded PostgreSQL
	$(PY) -m pytest -n 2 --dist loadgroup $(PYTEST_FLAGS)

check: format lint types imports compose test ## everything that must hold before a change is merged

format: dev-venv ## is everything formatted? (to format: make reformat)
	$(PY) -m ruff format --check $(CODE)
	$(PY) -m djlint --check --quiet backend/templates
	$(PY) -m tests.css_format --check

reformat: dev-venv ## format code, templates and style sheets
	$(PY) -m ruff format $(CODE)
	$(PY) -m djlint --reformat --quiet --warn backend/templates
	$(PY) -m tests.css_format

lint: dev-venv ## ruff's rules
	$(PY) -m ruff check $(CODE)

types: dev-venv ## mypy: strict for our code, plain for the tests
	$(PY) -m mypy

imports: dev-venv ## the import contract
	$(PY) .venv/bin/lint-imports

compose: dev-venv ## docker-compose.yml and Dockerfile against the compose schema
	$(PY) -m pytest -q tests/test_compose.py

bench: dev-venv ## measure, and write docs/benchmarks.md
	$(PY) -m tests.bench

lock: dev-venv ## renew both lock files within pyproject.toml's bounds
	$(PY) -m uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --extra dev pyproject.toml -o requirements-dev.lock
	$(PY) -m uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 -c requirements-dev.lock pyproject.toml -o requirements.lock

vendor: dev-venv ## renew the vendored front-end files
	$(PY) backend/static/vendor/refresh.py

clean: ## remove what was installed and cached; data in var/ stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache test-results
