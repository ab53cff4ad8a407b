# make run: the site. make test: everything that must hold before a change is kept.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
INSTALL = $(PIP) install --require-hashes --requirement requirements-pip.txt && \
	$(PIP) install --require-hashes --requirement $< && touch $@
EXTRACT := $(BIN)/pybabel --quiet extract --mapping-file pyproject.toml --keyword Text --add-location file --sort-by-file
PARALLEL := --numprocesses logical --maxprocesses 8 --dist loadfile --no-loadscope-reorder
BIOME := @biomejs/biome@2.6.8

.PHONY: run test test-fast check lock audit fuzz bench screenshots translations image-test clean

run: $(VENV)/run.installed
	@exec $(BIN)/python -m app.serving

test: $(VENV)/test.installed check
	@tests/needs.sh caddy chromium chromedriver:chromium-driver nginx redis-server systemd-analyze:systemd
	@exec $(BIN)/python -m pytest $(PARALLEL) --cov

test-fast: $(VENV)/test.installed # under a minute, for in between: what needs no browser, no site of its own, no TensorFlow
	@exec $(BIN)/python -m pytest $(PARALLEL) --quiet -m "not slow" --ignore tests/browser --ignore tests/live --ignore tests/training

check: $(VENV)/test.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/deptry .
	$(BIN)/codespell
	PATH="$(abspath $(BIN)):$$PATH" npx --yes --prefer-offline $(BIOME) lint --error-on-warnings

lock: $(VENV)/test.installed # after a change of dependencies in pyproject.toml; make lock UPGRADE=--upgrade renews all
	$(call LOCK,requirements-test.txt,pyproject.toml --extra test)
	$(call LOCK,requirements-train.txt,pyproject.toml --extra train --constraint requirements-test.txt)
	$(call LOCK,requirements.txt,pyproject.toml --extra keras --extra parquet --constraint requirements-test.txt)
	$(call LOCK,requirements-serve.txt,pyproject.toml --constraint requirements-test.txt)
	$(call LOCK,requirements-pip.txt,--group pip --constraint requirements-test.txt)

audit: $(VENV)/test.installed # looks up on the web which of the locked packages have known vulnerabilities
	@PATH="$(abspath $(BIN)):$$PATH" tests/audit.sh requirements-test.txt requirements-pip.txt

fuzz: $(VENV)/test.installed # five minutes with pictures, two with requests, or: make fuzz SECONDS=60; then the API by its document
	@SECONDS=$(or $(SECONDS),300) PYTHONPATH=.:tests $(BIN)/python tests/fuzz.py
	@SECONDS=$(or $(SECONDS),300) PYTHONPATH=.:tests $(BIN)/python tests/fuzz_protocol.py
	@PYTHONPATH=.:tests $(BIN)/python tests/api_fuzz.py

bench: $(VENV)/test.installed # all measurements, a quarter of an hour on an idle machine, or: make bench PARTS="pages bulk"
	@tests/needs.sh wrk redis-server
	@PYTHONPATH=.:tests $(BIN)/python bench/run.py $(PARTS)

image-test: $(VENV)/test.installed # builds the image without a container engine and starts it, as root on Debian
	@tests/needs.sh buildah mmdebstrap
	@PYTHONPATH=.:tests $(BIN)/python tests/image.py

screenshots: $(VENV)/test.installed
	@PYTHONPATH=.:tests $(BIN)/python docs/make_screenshots.py

translations: $(VENV)/test.installed # after any change of a text; then fill what is empty in messages.po, and again
	@$(EXTRACT) --output-file $(VENV)/messages.pot .
	@$(BIN)/pybabel --quiet update --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --width 110 \
		--input-file $(VENV)/messages.pot --output-dir app/web/translations --locale fr
	@$(BIN)/pybabel compile --statistics --directory app/web/translations --locale fr

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache

$(VENV)/run.installed: requirements.txt requirements-pip.txt | $(BIN)/python
	$(INSTALL)

$(VENV)/test.installed: requirements-test.txt requirements-pip.txt | $(BIN)/python
	$(INSTALL)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 run")'
	@$(PYTHON) -c 'import sys; sys.version_info < (3, 14) or sys.exit("This Python is too new, TensorFlow needs 3.13 or older: make PYTHON=python3.12 run")'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "No virtual environment could be made. On Debian or Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; }

# uv writes the marker of pyproject.toml's environments at every line. Elsewhere pip would then leave out all
# lines, and say nothing; without it pip says what there is no wheel of.
define LOCK
@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header $(UPGRADE) --output-file $(1) $(2)
@sed -i.old -e "s/ ; python_full_version < '3.14' and (sys_platform == 'darwin' or sys_platform == 'linux')//" \
	-e '/^    #   -c requirements-test.txt$$/d' $(1) && rm $(1).old
endef
