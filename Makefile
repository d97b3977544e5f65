# The two commands a reader needs: make demo, make test. The rest is for those who work on Footnote.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
GENERATOR ?= auto

export FOOTNOTE_HOME ?= $(CURDIR)/.footnote

.PHONY: demo test lint test-web test-chaos bench eval web clean

demo: $(VENV)/.installed web
	@$(BIN)/footnote models install minilm
	@if [ "$(GENERATOR)" = qwen ] || [ "$(GENERATOR)" = smollm2 ]; then $(BIN)/footnote models install $(GENERATOR); fi
	@FOOTNOTE_GENERATION__ENGINE=$(GENERATOR) $(BIN)/footnote demo $(ARGS)

test: $(VENV)/.installed-dev lint test-web
	@$(BIN)/footnote models install minilm
	@$(BIN)/footnote models install smollm2
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

test-web: web
	@if command -v npm >/dev/null; then cd services/web && npm run --silent check && npm test --silent; \
	else echo "The web page's tests are skipped: they need Node.js."; fi

test-chaos: $(VENV)/.installed-dev
	$(BIN)/python -m pytest tests/chaos tests/integration/services/knowledge/crashes --full

bench: $(VENV)/.installed-dev
	$(BIN)/footnote bench all

eval: $(VENV)/.installed-dev
	$(BIN)/python -m pytest tests/evaluation --full

# The page needs Node.js; without it everything else works, and the gateway says how to build the page.
web: $(if $(shell command -v npm),services/web/dist/index.html,)

services/web/dist/index.html: services/web/package-lock.json $(shell find services/web/src services/web/index.html -type f 2>/dev/null)
	@cd services/web && npm ci --silent && npm run build --silent -- --logLevel warn

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) .footnote services/web/dist services/web/node_modules
