# make run: the site. make test: everything that must hold before a change is kept.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test check screenshots clean

run: $(VENV)/run.installed
	@exec $(BIN)/gunicorn --config python:app.gunicorn_conf wsgi

test: $(VENV)/test.installed check
	@tests/needs.sh
	@exec $(BIN)/python -m pytest

check: $(VENV)/test.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

screenshots: $(VENV)/test.installed
	@PYTHONPATH=.:tests $(BIN)/python docs/make_screenshots.py

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache

$(VENV)/%.installed: requirements.txt requirements-train.txt requirements-test.txt | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement $(if $(filter test,$*),requirements-test.txt,requirements.txt)
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 run" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
