# make book    execute every chapter and build the book        make test     the fast tests
# make lint    style, types, direction, output-free notebooks  make browser  drive the built book in Chromium
# make slow    the tests that take minutes                     make torture  interrupt and damage runs, count what is lost
# make clean   delete what was built here; results, local runs and downloads stay
#
# Each target sets up .venv first, once per change of the requirements. Another interpreter: make book PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
STRIP := $(BIN)/nbstripout --keep-id --extra-keys "metadata.papermill cell.metadata.papermill"

.PHONY: book test slow torture lint browser requirements clean
.DEFAULT_GOAL := book

$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Reprise needs Python 3.11 or newer; name one: make PYTHON=python3.12 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV): some minutes, and about 6 GB for PyTorch"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -r requirements.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps -e .
	@touch $@

book: $(STAMP)
	$(BIN)/python -m reprise.book build

test: $(STAMP)
	$(BIN)/python -m pytest

slow: $(STAMP)
	$(BIN)/python -m pytest -m slow

# An hour or two: 500 interrupts, 500 damaged files, 2000 commands; the table goes to tests/README.md.
torture: $(STAMP)
	$(BIN)/python -m pytest -m torture
	$(BIN)/python tests/torture.py

browser: $(STAMP)
	$(BIN)/python -m pytest -m browser tests/browser

# All of them run, whichever fails.
lint: $(STAMP)
	@failed=; \
	check() { echo "--- $$*"; "$$@" || failed="$$failed [$$*]"; }; \
	check $(BIN)/ruff check --quiet . ; \
	check $(BIN)/ruff format --quiet --check . ; \
	check $(BIN)/pyright ; \
	check $(BIN)/lint-imports ; \
	check $(BIN)/python -m reprise.book.assets lint ; \
	check find intro.ipynb chapters -name '*.ipynb' -not -path '*/.*' -exec $(STRIP) --verify {} + ; \
	if [ -n "$$failed" ]; then echo "failed:$$failed"; exit 1; fi

# One resolution for every platform and Python version; run after a change of pyproject.toml.
requirements:
	uv pip compile --universal --python-version 3.11 --extra book --extra test --no-emit-index-url \
	  --custom-compile-command "make requirements" pyproject.toml -o requirements.txt

clean:
	rm -rf _build .pytest_cache .ruff_cache .import_linter_cache
	find lib tests chapters -name __pycache__ -type d -prune -exec rm -rf {} +
