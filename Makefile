# Two commands matter: `make demo` to try it, `make test` to check it. `make help` lists the rest.
SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV := .venv
PYTHON ?= python3
RUN := $(VENV)/bin/python
COMMAND := $(VENV)/bin/fediverse-support
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
PORT ?= 8000
PYTEST_ARGS ?= -n 2 --dist loadfile

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

# uv is used where it is installed, because it is quick; pip and venv do the same without it.
$(VENV)/bin/python:
	@if command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1; then \
		uv venv --quiet --python "$$(command -v $(PYTHON))" $(VENV); \
	else \
		$(PYTHON) -m venv $(VENV); \
	fi

define install
	@echo "Installing from $(1) ..."
	@if command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1; then \
		uv pip install --quiet --python $(RUN) --require-hashes --no-deps -r $(1); \
	else \
		$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(1); \
	fi
endef

$(STAMP): requirements.lock | $(VENV)/bin/python
	@$(RUN) -c 'import sys; sys.exit("Python 3.11 or newer is needed, and this is " + sys.version.split()[0] + ".") if sys.version_info < (3, 11) else None'
	$(call install,requirements.lock)
	@touch $@

$(DEV_STAMP): requirements-dev.lock | $(VENV)/bin/python
	$(call install,requirements-dev.lock)
	@touch $@ $(STAMP)

# The command itself, to be typed anywhere. It runs what lies here, so that nothing is built and nothing fetched.
$(COMMAND): $(STAMP) Makefile
	@printf '#!/bin/sh\nPYTHONPATH="%s$${PYTHONPATH:+:$$PYTHONPATH}" exec "%s" -m fediverse_support "$$@"\n' \
		"$(CURDIR)" "$(abspath $(RUN))" > $@
	@chmod +x $@

install: $(COMMAND) ## install the command .venv/bin/fediverse-support
	@echo "$(COMMAND) is there. To type it without the path: export PATH=\"$(abspath $(VENV))/bin:\$$PATH\""

demo: $(COMMAND) ## start a server with people and groups to try (PORT=8000)
	@exec $(RUN) -m fediverse_support demo --port $(PORT)

world: $(COMMAND) ## start two instances that federate, and a page of what crossed between them
	@exec $(RUN) -m fediverse_support world

test: lint ## run every check and every test, the way .ci/run does
	$(RUN) -m pytest $(PYTEST_ARGS)

lint: $(DEV_STAMP) ## style, floors and types
	$(RUN) -m ruff check .
	$(VENV)/bin/lint-imports --no-logo
	$(RUN) -m mypy

check: lint ## what is quick: lint, house rules, unit tests, and the tests you changed since main
	$(RUN) -m pytest -q $(PYTEST_ARGS) tests/house tests/unit \
		$$(git diff --name-only --diff-filter=d $$(git merge-base main HEAD) -- 'tests/**/test_*.py' | grep -vE '^tests/(house|unit|interop|chaos)/')

fmt: $(DEV_STAMP) ## lay out the Python you changed since main; SQL and docstrings are laid out by hand
	@git diff --name-only --diff-filter=d $$(git merge-base main HEAD) -- '*.py' | xargs -r $(RUN) -m ruff format

new-migration: ## begin the next migration (NAME=words_for_it)
	@cd fediverse_support/db/migrations && last=$$(ls *.sql | tail -1) && \
	case "$(NAME)" in ''|*[!a-z0-9_]*) echo "NAME=words_for_it, in small letters" >&2; exit 1;; esac && \
	next=$$(printf '%04d' $$(($$(echo "$$last" | cut -c1-4 | sed 's/^0*//') + 1)))_$(NAME) && \
	printf -- '-- Why it is there.\n-- depends: %s\n\n-- migrate: apply\n\n' "$${last%.sql}" > "$$next.sql" && \
	echo "fediverse_support/db/migrations/$$next.sql"

bench: $(DEV_STAMP) ## print how fast it is on this machine
	$(RUN) -m tests.bench

chaos: $(DEV_STAMP) ## stop, kill and hide parts at random for long (CHAOS_SEED, CHAOS_SECONDS)
	$(RUN) -m pytest -m chaos -n 0 -s tests

coverage: $(DEV_STAMP) ## run every test and say what none of them reaches (twice as long as `make test`)
	$(RUN) -m coverage erase
	$(RUN) -m coverage run -m pytest -q $(PYTEST_ARGS)
	$(RUN) -m coverage combine -q
	@$(RUN) -m coverage report --skip-covered --include='federation/*,*/policy/*,*/pipeline/*,*/actions/*' --fail-under=95
	@$(RUN) -m coverage report --skip-covered --omit='federation/*,*/policy/*,*/pipeline/*,*/actions/*' --fail-under=90

mutants: $(DEV_STAMP) ## put faults into a copy, each of which a test must notice (ONLY="words of it")
	$(RUN) -m tests.mutants $(ONLY)

interop: $(DEV_STAMP) ## exchange activities with foreign servers (needs Node 22)
	$(RUN) -m pytest -m interop tests/interop -n 0 # one after the other: they share what they install

docs: $(STAMP) ## write FEDERATION.md from the code
	$(RUN) -m fediverse_support.cli.federation_document > FEDERATION.md.new
	@mv FEDERATION.md.new FEDERATION.md

words: $(DEV_STAMP) ## write the template of the catalogues of words, and bring those up to date
	$(RUN) -m tests.catalogue

docs-check: $(DEV_STAMP) ## say whether the generated documents are up to date
	$(RUN) -m pytest -q tests/house $(PYTEST_ARGS)

lock: ## resolve the dependencies anew (needs uv)
	uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--no-emit-index-url --quiet pyproject.toml -o requirements.lock
	uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--no-emit-index-url --quiet pyproject.toml --extra dev -o requirements-dev.lock

clean: ## remove what can be made again; the data in var/ stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help install demo world test lint check fmt new-migration bench chaos coverage mutants interop docs words docs-check lock clean
