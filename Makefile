# Every command sets up what it needs first and skips what is done; the work is in deploy/.
BOOTSTRAP := deploy/with-python -m deploy.bootstrap
BIN := .venv/bin

# Most tests wait for a database or a browser: two files at a time halve that.
BOTH := -n 2 --dist loadfile

.PHONY: help setup run test test-quick check bench lock clean
.NOTPARALLEL:

help:
	@echo "make run         start everything on this machine"
	@echo "make test        every test, the browser tests included"
	@echo "make test-quick  the fast tests, no browser"
	@echo "make check       formatters, linters, types, import rules, content"
	@echo "make bench       the benchmarks"
	@echo "make setup       only install what is missing"
	@echo "make lock        update uv.lock after a change of pyproject.toml"
	@echo "make clean       remove everything that set-up and the tools made"

setup:
	@$(BOOTSTRAP) setup

run: setup
	@exec $(BIN)/firstpoint run

test:
	@$(BOOTSTRAP) setup --browser
	@$(BIN)/python -m pytest $(BOTH)

test-quick: setup
	@$(BIN)/python -m pytest -q $(BOTH) $(wildcard tests/unit tests/property)

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/firstpoint check

bench: setup
	@$(BIN)/python -m bench

lock:
	@$(BOOTSTRAP) uv lock

clean:
	rm -rf .venv .tools .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage
