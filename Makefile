# Two commands are enough on a fresh machine with Python 3.11+, git and make: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: install run test soak check bench docs shots clean
.DELETE_ON_ERROR:

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one: make install PYTHON=python3.12" >&2; exit 1; }
	@echo "setting up $(VENV) (about two minutes)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

# The main job on this checkout; with a terminal the screen opens on the result.
run: install
	@$(BIN)/refact-tui quickstart
	@if [ -t 0 ] && [ -t 1 ]; then $(BIN)/refact-tui; fi

test: install
	@$(BIN)/python -m pytest -q -m "not soak" -n 2 --dist loadfile

# Long campaigns: kills, switches under load, real clients, a screen in tmux.
soak: install
	@$(BIN)/python -m pytest -q -m soak

check: install
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache > /dev/null || $(BIN)/lint-imports --no-cache
	@$(BIN)/python -m pytest -q tests/house

bench: install
	@for bench in tests/benchmarks/bench_*.py; do PYTHONPATH=. $(BIN)/python $$bench || exit 1; done

# The pages that are made from the code; a test says when they are out of date.
docs: install
	@$(BIN)/python -m refact_tui.keys_page > docs/keys.md
	@$(BIN)/python -m refact_tui.ide_page > docs/ide.md
	@$(BIN)/python -m tests.house.modules_page > docs/modules.md

# The README's pictures of the screen, taken on a real run: a few minutes.
shots: install
	@$(BIN)/python -m tests.shots

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
