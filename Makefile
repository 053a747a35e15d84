# Two commands matter: `make demo` shows the product, `make test` proves it. Both make .venv when it is missing or old.
.DELETE_ON_ERROR:
.PHONY: demo test lint check bench proof screenshots lock clean system-parts

VENV = .venv
BIN = $(VENV)/bin
NO_BENCHES = $(addprefix bench/,__init__.py browser.py call_history.py page.py rig.py)
BENCHES = $(filter-out $(NO_BENCHES),$(wildcard bench/*.py))

demo: $(VENV)/.ready
	@exec $(BIN)/stfc demo $(ARGS)

# The check's longer part runs beside the tests.
test: $(VENV)/.ready system-parts lint
	@.ci/run-tests $(BIN)/python

lint: $(VENV)/.ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

check: lint
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/unit/test_layers.py

bench: $(VENV)/.ready
	@test -n "$(BENCHES)" || echo "Nothing to measure yet: bench/ is empty."
	@for bench in $(BENCHES); do echo "== $$bench"; $(BIN)/python "$$bench" $(ARGS) || exit 1; done

# Kills, faults and a full disk against the real processes, then an independent count (docs/proof.md).
proof: $(VENV)/.ready system-parts
	@$(BIN)/python -m tests.proof $(ARGS)

# Every screen, state, size and theme into docs/screenshots, and those that README and help show into their places.
screenshots: $(VENV)/.ready system-parts
	@$(BIN)/python -m tests.screenshots $(ARGS)

# Chromium and PostgreSQL, for their tests: installed where we may, else the output says what is left out.
system-parts:
	@.ci/system-parts

# The lock is renewed as a whole, from pyproject.toml; it names no index address.
lock:
	@python=$$(.ci/find-python) && "$$python" -m venv --clear .venv-lock
	@.venv-lock/bin/python -m pip install --quiet pip-tools
	@.venv-lock/bin/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras \
		--no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
		--extra postgres --extra dev --output-file requirements.lock pyproject.toml
	@rm -rf .venv-lock

# Never the home (.stfc): that is somebody's data.
clean:
	rm -rf $(VENV) .venv-lock build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis test-results
	find app.py pages stfc tests bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# Another lock is another environment, from nothing, so that no leftover hides a missing dependency.
$(VENV)/.locked: requirements.lock
	@echo "Making $(VENV) from requirements.lock; this takes about a minute."
	@python=$$(.ci/find-python) && "$$python" -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.ready: $(VENV)/.locked pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
