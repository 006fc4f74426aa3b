# Every command sets up what it needs first and skips what is done; the work is in deploy/.
BOOTSTRAP := deploy/with-python -m deploy.bootstrap
BIN := .venv/bin

# Most tests wait for a database or a browser: two files at a time halve that.
BOTH := -n 2 --dist loadfile

.PHONY: help setup packages run test test-quick check bench bench-nlu models lock clean
.NOTPARALLEL:

help:
	@echo "make run         start everything on this machine"
	@echo "make test        every test, the browser tests included"
	@echo "make test-quick  the fast tests, no browser"
	@echo "make check       formatters, linters, types, import rules, content"
	@echo "make bench       the benchmarks"
	@echo "make bench-nlu   how well typed words are understood, language by language"
	@echo "make models      train the models inside the service again, after phrases changed"
	@echo "make setup       only install what is missing"
	@echo "make lock        update uv.lock after a change of pyproject.toml"
	@echo "make clean       remove everything that set-up and the tools made"

setup:
	@$(BOOTSTRAP) setup --interpreter later

packages:
	@$(BOOTSTRAP) setup

run: setup
	@exec $(BIN)/firstpoint run

test:
	@$(BOOTSTRAP) setup --browser --interpreter packages
	@$(BIN)/python -m pytest $(BOTH)

test-quick: packages
	@$(BIN)/python -m pytest -q $(BOTH) $(wildcard tests/unit tests/property)

check: packages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/firstpoint check
	$(BIN)/python -m nlu.check

bench: packages
	@$(BIN)/python -m bench

bench-nlu: packages
	@$(BOOTSTRAP) setup --interpreter now
	@$(BIN)/python -m bench.nlu

models: packages
	@$(BOOTSTRAP) uv run --isolated --frozen --no-default-groups --group training python -m nlu.training

lock:
	@$(BOOTSTRAP) uv lock
	@$(BOOTSTRAP) uv lock --project nlu --python 3.10

clean:
	rm -rf .venv .tools .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage
