# make demo | test | lint | bench | chaos: each makes the environment first if need be.
# Only Python (3.11 or newer) and make are assumed. Packages come from the compiled, hashed lists in requirements/.

PORT ?= 8000
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3 python,$(shell command -v $(name) 2>/dev/null)))
VENV ?= .venv
RUN = $(VENV)/bin/python
PIP = $(RUN) -m pip install --quiet --disable-pip-version-check --no-input --require-hashes --only-binary :all: --no-deps
PYTEST_WORKERS ?= 2

.PHONY: demo test all-tests lint bench chaos env env-dev chromium clean

demo: env
	@exec $(RUN) manage.py up --demo --port $(PORT)

# Browser tests run by themselves: a driven browser keeps an event loop running, which others of its process cannot bear.
test: env-dev chromium
	$(RUN) -m pytest -n $(PYTEST_WORKERS) -m browser tests/browser/test_a_goal_until_its_effect.py
	$(RUN) -m pytest -n $(PYTEST_WORKERS) -m "not slow and not browser"

all-tests: env-dev chromium
	@.ci/tests $(RUN) $(PYTEST_WORKERS)

lint: env-dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

bench: env-dev
	$(RUN) -m tests.bench

chaos: env-dev
	$(RUN) -m pytest -m "slow" tests/chaos

env: $(VENV)/run.done
env-dev: $(VENV)/dev.done

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "No python found: install Python 3.11 or newer, or say make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; $(PYTHON) is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "environment: making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/run.done: requirements/run.txt | $(VENV)/bin/python
	@echo "environment: installing what the product runs on (once)"
	@$(PIP) -r requirements/run.txt
	@touch $@

$(VENV)/dev.done: requirements/dev.txt | $(VENV)/bin/python
	@echo "environment: installing what the tests need (once)"
	@$(PIP) -r requirements/dev.txt
	@touch $@ $(VENV)/run.done

# The browser tests use the system's Chromium. Where it may be installed it is; otherwise the tests that need it are
# left out, and pytest's summary names each of them.
chromium:
	@if command -v chromium chromium-browser google-chrome >/dev/null 2>&1; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	  echo "browser tests: installing Chromium"; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 \
	  || echo "browser tests: Chromium could not be installed; the tests marked 'browser' are left out"; \
	else echo "browser tests: no Chromium, and no right to install it; the tests marked 'browser' are left out"; fi

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
