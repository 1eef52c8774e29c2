# make demo   installs what it needs and plays the sample events        make test    installs and runs the tests
# make check  lint, types, import contracts, spelling                   make lock    pins the dependencies anew
# make docs   regenerates what the documentation takes from the code    make install developer environment
# make words  brings new fixed words of messages into the catalogs of monitor/locale
# make install-service   as root: installs or upgrades the systemd service (systemd/install)
.PHONY: demo test check install install-service lock docs words clean

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

demo: $(VENV)/.runtime
	@$(BIN)/monitor demo

test: $(VENV)/.dev
	$(BIN)/pytest --cov --cov-report=term

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

install: $(VENV)/.dev

install-service:
	@systemd/install

docs: $(VENV)/.dev
	$(BIN)/python docs/regenerate.py

words: $(VENV)/.dev
	@mkdir -p build
	$(BIN)/pybabel extract --no-default-keywords -k say:1 -k count:1,2 --no-location -o build/messages.pot monitor/render
	for lang in ar es fr ru; do $(BIN)/pybabel update --no-fuzzy-matching --width 120 -l $$lang -i build/messages.pot -o monitor/locale/$$lang.po; done

# Debian keeps ensurepip in a package of its own (python3-venv): as root it is installed, else the command is named.
$(VENV)/bin/python:
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -q && apt-get install -y -q python3-venv; \
	  else echo 'Python has no venv here. On Debian: sudo apt-get install python3-venv' >&2; exit 1; fi; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(VENV)/bin/python
	@echo 'Installing (once) into $(VENV) ...'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# uv is needed for this target alone; the lock files name no registry.
lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --upgrade \
	  pyproject.toml --group build --all-extras -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --upgrade \
	  pyproject.toml --group dev --all-extras -o requirements-dev.lock

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .coverage*
