# Two commands matter: `make run` and `make test`. See the README.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PORT ?= 8000
CATALOGUE ?=
AUDIO ?=
DATABASE_TESTS := tests/store tests/jobs tests/web tests/api tests/cli tests/services tests/test_two_hosts.py
export FLASK_APP := app.py
export PORT

.PHONY: run test test-postgresql check bench lock format demo images clean help

help:            ## say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*##/  make \1 \t/'

# One line for each thing that can be wrong: the script says it, or this one if there is no Python.
INSTALL = @command -v $(PYTHON) >/dev/null || { echo "songrec: there is no $(PYTHON); install Python, or add PYTHON=python3.12 to the command." >&2; exit 1; }; \
	$(PYTHON) requirements/install.py $(VENV)

$(VENV)/.installed: requirements.txt
	$(INSTALL) requirements.txt
	@$(BIN)/python -m songrec.web.fonts
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements/dev.txt
	$(INSTALL) requirements/dev.txt
	@touch $@

run: $(VENV)/.installed   ## set up, then serve web and worker; PORT=8000, AUDIO=folder, CATALOGUE=path.csv
	@$(BIN)/python -m songrec.cli.serve first-run $(if $(CATALOGUE),--catalogue "$(CATALOGUE)") $(if $(AUDIO),--audio "$(AUDIO)")
	@exec $(BIN)/python -m songrec.core.process_supervisor Procfile --first web

test: $(VENV)/.installed-dev   ## set up and pass every test, a file at a time on each core, long ones first
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

test-postgresql: $(VENV)/.installed-dev   ## pass the tests that use a database on PostgreSQL; SONGREC_TEST_POSTGRESQL=16
	SONGREC_TEST_DATABASE=postgresql $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(DATABASE_TESTS)

check: $(VENV)/.installed-dev   ## style, imports between rooms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev   ## measure; rewrites docs/benchmarks.md
	$(BIN)/python -m benchmarks

format: $(VENV)/.installed-dev   ## put the code in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

demo: $(VENV)/.installed   ## make data/preprocess.csv again
	$(BIN)/python -m songrec.demo data/preprocess.csv

images: $(VENV)/.installed-dev   ## take the pictures in docs/images from a running program
	$(BIN)/python docs/pictures.py

# Every pin has the hashes of its files on all platforms; pip refuses any other file.
LOCK = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

lock:            ## resolve requirements/*.in into the pinned files (needs uv)
	$(LOCK) requirements/base.in -o requirements.txt
	$(LOCK) requirements/dev.in -o requirements/dev.txt
	$(LOCK) requirements/postgresql.in -o requirements/postgresql.txt
	$(LOCK) requirements/embeddings.in -o requirements/embeddings.txt
	$(LOCK) requirements/vibenet.in -o requirements/vibenet.txt
	$(LOCK) requirements/sentences.in -o requirements/sentences.txt

clean:           ## remove the virtual environment and caches, never the instance folder
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
